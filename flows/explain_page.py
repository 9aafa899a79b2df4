"""The page of `screening explain`: one person or series, for a reader without the program.

Comes in: the facts of `explain`, the pictures they may show. Goes out: HTML, identified data.
Refuses: nothing; of a person who opted out no page is made.
"""

from collections.abc import Callable, Mapping, Sequence

from flows import (
    bright_words,
    remarks,
    risk_words,
    scan_words,
    show,
    treatment_words,
    withdrawal_words,
    words,
)
from flows.treatment_words import of_whom
from screening.reasons import State
from screening.report.page import (
    Block,
    Bullets,
    Facts,
    Grid,
    Heading,
    Page,
    Picture,
    Text,
    render_page,
)

Row = Mapping[str, object]
TITLE = "Coronary calcium on a routine chest CT"
IDENTIFIED = (
    "This page shows images and facts of one person. It is identified data: keep it where only "
    "those who care for this person can read it, and delete it after use."
)
ZERO = (
    "A zero means that no calcium was detected on this scan. It is "
    "never reassurance: motion and thick slices hide small deposits, and soft plaque does not show."
)
NO_SCORE = "No scan of this person gave a score that counts. That is not a score of zero."
WHAT_IT_IS = (
    "The Agatston score adds up the calcium seen in the walls of the coronary arteries, by area "
    "and density. Its categories here are 0, above 0, 100 and more, 300 and more, 1000 and more."
)
HOW_TO_READ = (
    "Left: axial slices, the patient's right side on the left, with the calcium that was counted "
    "outlined by artery: yellow left main (LM), orange left anterior descending (LAD), blue "
    "circumflex (LCX), green right coronary artery (RCA). Right: the brightest point along each "
    "line of sight, from the front and from the feet. Valves and metal are "
    "outlined with their names; they are not counted. Calcium of the aorta is not counted either; "
    "on the right it is bright and has no outline. Slices are counted from the head, the first "
    "is 0; z is the position along the body in mm, as viewers show it."
)
_FLAGS = {
    "flagged": "On the list of people at high risk whose calcium was never formally scored",
    "not_flagged": "Not on the list",
    "cannot_say": "Whether this person belongs on the list cannot be said",
}


def render(facts: Mapping[str, object], pictures: Mapping[str, bytes]) -> str:
    """Return the page.

    Parameters
    ----------
    facts : of `explain.explain`
    pictures : PNG of each series whose picture may be shown

    Returns
    -------
    HTML
    """
    blocks: list[Block] = [Text(show.NOTICE, "notice"), Text(IDENTIFIED, "notice")]
    current = words.rows(facts["current"])
    people = words.rows(facts["people"])
    for person in people:
        blocks += _person(person, facts, current, pictures)
    if not people:  # a series of somebody without any CT
        blocks += _without_score(current)
    return render_page(Page(TITLE, _stamp(facts, people, current), tuple(blocks)))


def _stamp(facts: Mapping[str, object], people: Sequence[Row], current: Sequence[Row]) -> str:
    """Say whose page it is, of which scans and when: no two pages can be taken for one another."""
    key = str(facts["key"])
    whose = [key, *(str(p["person_key"]) for p in people if p["person_key"] != key)]
    told = [row for row in current if _is_scored(row)] or list(current)
    days = sorted({str(row["index_date"] or "unknown day") for row in told})
    scans = [f"scan{'' if len(days) == 1 else 's'} of {', '.join(days)}"] if days else []
    return " – ".join([", ".join(whose), *scans, f"as of {facts['as_of']}"])


def _is_scored(row: Row) -> bool:
    return row["state"] == State.SCORED.value


def _person(
    person: Row,
    facts: Mapping[str, object],
    current: Sequence[Row],
    pictures: Mapping[str, bytes],
) -> list[Block]:
    key = person["person_key"]
    own = [row for row in current if row["person_key"] == key]
    blocks: list[Block] = [Heading("In short")]
    blocks += _in_short(person, own)
    blocks += _series(own, person, facts, pictures)
    blocks += _history(person, facts)
    blocks += _why(person, str(facts["as_of"]))
    blocks += _without_score(own)
    blocks += _made(own, facts)
    return blocks


# In short


def _in_short(person: Row, own: Sequence[Row]) -> list[Block]:
    scored = [row for row in own if _is_scored(row)]
    shown = next((r for r in scored if r["series_key"] == person["series_key"]), None)
    blocks: list[Block] = []
    if shown is None and scored:
        shown = scored[0]
        blocks.append(Text(_not_the_one(person)))
    if shown is not None:
        lead, *rest = _found(shown)
        later = [Text(_sentence(line), "notice") for line in risk_words.later_scan(person)]
        blocks += [lead, *later, *rest]
    elif person["series_key"] is not None:
        blocks += [Text("This series has no score. That is not a score of zero.", "lead")]
        blocks += [_reasons(own), Text(_not_the_one(person))]
    else:
        blocks += [Text(NO_SCORE, "lead"), _reasons(own)]
    blocks.append(Text(_flag(person)))
    return blocks


def _flag(person: Row) -> str:
    reasons = words.as_list(person["reasons"])
    because = " ".join(words.sentence(reason, person) for reason in reasons) or words.UNKNOWN
    flag = _FLAGS.get(str(person["flag"]), words.plain(person["flag"]))
    return f"{flag}: {because}"


def _reasons(rows: Sequence[Row]) -> Bullets:
    return Bullets(
        tuple(
            f"{row['modality']} of {row['index_date'] or 'unknown date'}: {_because(row)}"
            for row in rows
        )
    )


def _because(row: Row) -> str:
    sentences = " ".join(words.sentence(reason) for reason in words.as_list(row["reasons"]))
    return f"{sentences} {show.in_brackets(row['detail']) if row['detail'] else ''}".rstrip()


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _not_the_one(person: Row) -> str:
    if person["series_key"] is None:
        return "No score of this person counts towards the list."
    return (
        f"What counts for this person is another scan: {person['index_date']}, "
        f"series {person['series_key']}, "
        f"Agatston {words.at_least(person)}{show.number(person['agatston'])}."
    )


def _found(row: Row) -> list[Block]:
    day = f"the scan of {row['index_date']}" if row["index_date"] else "a scan of unknown date"
    score = words.at_least(row) + words.units(row["agatston"])
    if row["agatston"] == 0:
        lead = f"No coronary calcium was detected on {day}: Agatston score {score}"
        lead += f", category {words.category_of(row)}." if words.at_least(row) else "."
    else:
        lead = (
            f"Coronary calcium was found on {day}: Agatston score {score}, "
            f"category {words.category_of(row)}."
        )
    blocks: list[Block] = [Text(lead, "lead")]
    if row["agatston"] == 0:
        blocks.append(Text(ZERO, "notice"))
    blocks.append(Text(WHAT_IT_IS))
    if row["score_group"] is not None:
        blocks.append(Text(f"How sure: {words.likely(row)}."))
    blocks.append(Text(f"Quality of the scan: {remarks.grade(row['grade'])}"))
    blocks += [Text(_sentence(line), "notice") for line in withdrawal_words.to_be_redone(row)]
    return blocks


# The series


def _series(
    rows: Sequence[Row],
    person: Row,
    facts: Mapping[str, object],
    pictures: Mapping[str, bytes],
) -> list[Block]:
    told = {r["series_key"]: str(r["remark"]) for r in words.rows(facts["pictures"])}
    described = {r["series_key"]: r for r in words.rows(facts["series"])}
    seen = {r["series_key"]: r for r in words.rows(facts["seen"])}
    blocks: list[Block] = []
    counting = person.get("series_key")
    scored = sorted(
        (row for row in rows if _is_scored(row)), key=lambda r: r["series_key"] != counting
    )
    for row in scored:
        key = str(row["series_key"])
        counts = ", the scan that counts" if key == counting else ""
        blocks.append(Heading(f"Scan of {row['index_date'] or 'unknown date'}{counts}"))
        made = scan_words.images(described[key], str(row["scan_kind"]))
        blocks.append(Text(f"Series {key}: {made}."))
        blocks += _picture(row, pictures.get(key), told[key])
        blocks += _numbers(row, seen.get(key))
        blocks += bright_words.blocks(seen[key]) if key in seen else []
    return blocks


def _picture(row: Row, png: bytes | None, remark: str) -> list[Block]:
    if png is None:
        return [Text(_sentence(remark))]
    where = scan_words.where(row)
    alternative = (
        f"Axial slices and maximum-intensity projections of the heart, series {row['series_key']}, "
        f"scan of {row['index_date'] or 'unknown date'}. Coronary calcium outlined: {where}."
    )
    return [Picture(png, alternative, HOW_TO_READ)]


def _numbers(row: Row, seen: Row | None) -> list[Block]:
    blocks: list[Block] = [
        Heading("By artery", 3),
        scan_words.by_artery(row),
        Text(scan_words.sizes(row)),
        Heading("Calcium outside the coronary arteries", 3),
        Text(_sentence(scan_words.outside(row))),
        Heading("How far the score can be trusted", 3),
        Text(f"Grade {remarks.grade(row['grade'])}"),
    ]
    flags = remarks.explained(words.as_list(row["quality_flags"]))
    flags += tuple(_sentence(spot) for spot in scan_words.spots(row, seen))
    blocks.append(Bullets(flags) if flags else Text("There is nothing to remark on the images."))
    beside = scan_words.beside(row)
    if beside:
        blocks += [
            Heading("Beside the score", 3),
            Text("Told for comparison; none of it enters the score or the list."),
            Facts(beside),
        ]
    return blocks


def _without_score(rows: Sequence[Row]) -> list[Block]:
    without = [row for row in rows if not _is_scored(row)]
    return [Heading("Series without a score"), _unscored(without)] if without else []


def _unscored(rows: Sequence[Row]) -> Grid:
    return Grid(
        ("series", "scan", "kind", "state", "why it has no score"),
        tuple(
            (
                str(row["series_key"]),
                str(row["index_date"] or "unknown"),
                str(row["modality"]),
                words.plain(row["state"]),
                _because(row),
            )
            for row in rows
        ),
    )


# The person


def _history(person: Row, facts: Mapping[str, object]) -> list[Block]:
    scored = [r for r in words.rows(person["series"]) if _is_scored(r)]
    if len(scored) < 2:
        return []
    grid = Grid(
        ("scan", "series", "Agatston", "grade"),
        tuple(
            (
                str(r["index_date"] or "unknown"),
                str(r["series_key"]),
                show.at_least(r["agatston"], r.get("quality_flags")) + words.units(r["agatston"]),
                str(r["grade"]),
            )
            for r in scored
        ),
        numeric=("Agatston",),
    )
    pairs = [r for r in words.rows(facts["progression"]) if r["person_key"] == person["person_key"]]
    lines = tuple(_growth(pair) for pair in pairs)
    return [Heading("Earlier and later scans"), grid, *([Bullets(lines)] if lines else [])]


def _growth(pair: Row) -> str:
    return _sentence(". ".join(line.strip().rstrip(".") for line in words.growth(pair)))


def _why(person: Row, as_of: str) -> list[Block]:
    blocks: list[Block] = [Heading("What the list rests on")]
    rows: list[tuple[str, str]] = [
        (f"the list of {as_of}", _flag(person)),
        ("policy", of_whom(risk_words.policy(person), person["flag_risk"], person)),
    ]
    if person["series_key"] is not None:
        age = show.number(person["age_years"])
        rows += [
            ("at the scan", f"{age} years, {words.sex(person['sex'])}"),
            ("percentile", words.standing(person).removeprefix("percentile").lstrip(": ")),
        ]
    rows += [
        (
            "coronary heart disease (CHD)",
            of_whom(words.risk(person), person["mesa_chd_10y"], person),
        ),
    ]
    if person["model"]:
        estimate = risk_words.estimate(person)
        rows.append(("risk", of_whom(estimate, person["model_risk"], person)))
    rows += [
        ("on a statin", treatment_words.statin(person, words.yes_no(person["is_on_statin"]))),
        ("LDL cholesterol", treatment_words.ldl(person)),
        ("known cardiovascular disease", words.known_disease(person)),
        ("formal calcium score", words.formal_scores(person)),
        ("wishes about the data", words.wishes(person)),
        ("death", treatment_words.death(person, words.nothing(person))),
    ]
    blocks.append(Facts(tuple(rows)))
    if person["series_key"] is not None:
        blocks += [Heading("What the risk rests on, as known at the scan", 3), _inputs(person)]
    return blocks


def _inputs(person: Row) -> Facts:
    smoker = words.nothing(person)
    if person["smoker"] is not None:
        said = words.before_scan(person["smoker_age_days"])
        smoker = f"{words.yes_no(person['smoker'])}, {said}"
    rows = [("race", str(person["race"] or words.nothing(person)))]
    rows += [words.measured(person, name) for name in words.MEASURED]
    rows.append(("current smoker", smoker))
    rows += [(text, words.yes_no(person[name])) for name, text in words.YES_NO.items()]
    _, _, source = str(person["equation"] or "").partition(": ")
    if source:
        rows.append(("equation", f"MESA, {source}"))
    if person["model"]:
        rows.append(("model", str(person["model"])))
    if person["risk_contributions"]:
        rows.append((risk_words.START, risk_words.contributions(person)))
    return Facts(tuple(rows))


# How it was made

_MADE: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("model", lambda r: f"{r['model_name']}, sha256 {str(r['model_digest'])[:12]}"),
    ("computed on", lambda r: str(r["provider"]).removesuffix("ExecutionProvider")),
    ("scoring", scan_words.parameters),
    ("versions", lambda r: f"scoring {r['scoring_version']}, choice {r['choose_version']}"),
)


def _made(rows: Sequence[Row], facts: Mapping[str, object]) -> list[Block]:
    blocks: list[Block] = [Heading("How this was made")]
    scored = [row for row in rows if _is_scored(row)]
    for row in scored:
        made = tuple((name, told(row)) for name, told in _MADE)
        blocks.append(Facts(made, f"Series {row['series_key']}" if len(scored) > 1 else ""))
    version = f"Program version {show.program_version()}; facts as of {facts['as_of']}."
    blocks.append(Text(f"{version} {show.NOTICE}"))
    return blocks
