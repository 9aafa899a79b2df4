"""`screening explain`: every decision about one series or person, what was seen, its picture.

Comes in: a lake and a key. Goes out: the facts in order, the person first; as a file, where one is
asked for, the picture (.png) or a page with the picture in it (.html, .htm).
Refuses: a key the lake does not hold, a file that cannot be written or ends otherwise. Gives no
picture of a series that is not scored as things stand. Of a person who opted out it tells that
wish alone, and writes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from flows import (
    bright_words,
    explain_page,
    risk_words,
    scan_words,
    show,
    show_score,
    treatment_words,
    withdrawal_words,
    words,
)
from flows.people_stage import opted_out
from flows.status import last_as_of
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.reasons import Reason, State

Row = dict[str, object]
_SCORED = State.SCORED.value
PAGE_SUFFIXES = (".html", ".htm")
PICTURE_SUFFIX = ".png"
# What was asked for is not repeated: it may be a patient's number.
NO_SUCH_KEY = (
    "no series, study or person has this key in this lake; flagged and status show keys, "
    "--patient NUMBER finds who has a patient number"
)


def explain(
    lake: Lake, key: str, out: Path | None, if_none: str = NO_SUCH_KEY
) -> dict[str, object]:
    """Return everything decided about a series, study or person; write pictures to `out`.

    if_none : what is said where the lake holds nothing under this key

    Raises
    ------
    ScreeningError
        The lake holds nothing under this key, or `out` cannot be written or has another ending.
    """
    _check_out(out)
    as_of = last_as_of(lake)
    found = _about(lake.read("series").to_pylist(), key)
    taken = _taken_back(lake, key, as_of)
    if not found and not taken:
        raise ScreeningError(if_none)
    owners = {str(r["person_key"]) for r in found}
    persons = lake.query("out_person_explanation", as_of).to_pylist()
    people = [_told(r) for r in persons if r["person_key"] in owners]
    silent = {r["person_key"] for r in people if _has_opted_out(r)}
    series = [r for r in found if r["person_key"] not in silent]
    keys = {str(r["series_key"]) for r in series}
    history = [r for r in lake.read("dispositions").to_pylist() if r["series_key"] in keys]
    history.sort(key=lambda r: (r["series_key"], str(r["committed_at"])))
    current = [
        r for r in lake.query("core_disposition", as_of).to_pylist() if r["series_key"] in keys
    ]
    counting = {r.get("series_key") for r in people}
    current.sort(key=lambda r: (r["series_key"] not in counting, *_scored_first(r)))
    pairs = lake.query("out_progression", as_of).to_pylist()
    pictures = _pictures(lake, current, people, is_wanted=out is not None)
    facts: dict[str, object] = {
        "key": key,
        "as_of": as_of.isoformat(),
        "people": people,
        "progression": [r for r in pairs if r["person_key"] in owners - silent],
        "series": series,
        "withdrawn": taken,
        "current": current,
        "dispositions": history,
        "pictures": [
            {"series_key": p.series_key, "file": None, "remark": p.remark} for p in pictures
        ],
        "seen": [bright_words.told_of(lake, r) for r in current if not _kept_back(r, people)],
        "out": str(out) if out else None,
    }
    if out is not None and series:
        _write(out, facts, pictures)
    return facts


def _taken_back(lake: Lake, key: str, as_of: date) -> list[Row]:
    """Return what the archive took from whom the key means; of who opted out nothing."""
    silent = opted_out(lake, as_of)
    rows = _about(lake.read("withdrawals").to_pylist(), key)
    return [r for r in rows if r["person_key"] not in silent]


def _has_opted_out(person: Row) -> bool:
    return Reason.OPTED_OUT in words.as_list(person["reasons"])


def _told(person: Row) -> Row:
    """Of a person who opted out only the wish is told."""
    kept = ("person_key", "flag", "reasons")
    if not _has_opted_out(person):
        return person
    return {k: person[k] for k in kept} | {"reasons": [Reason.OPTED_OUT.value]}


def print_explanation(facts: dict[str, object]) -> None:
    """Print the facts for a person to read: the person, then the series, then the pictures."""
    series = {r["series_key"]: r for r in words.rows(facts["series"])}
    pictures = {r["series_key"]: r for r in words.rows(facts["pictures"])}
    seen = {r["series_key"]: r for r in words.rows(facts["seen"])}
    for person in words.rows(facts["people"]):
        own = person["person_key"]
        pairs = [r for r in words.rows(facts["progression"]) if r["person_key"] == own]
        _print_person(person, str(facts["as_of"]), pairs)
    history = words.rows(facts["dispositions"])
    for taken in words.rows(facts["withdrawn"]):
        show.say(withdrawal_words.withdrawn(taken))
    if facts["withdrawn"]:
        show.say()
    counting = {person.get("series_key") for person in words.rows(facts["people"])}
    for state in words.rows(facts["current"]):
        counts = state["series_key"] in counting
        remark = "the scan that counts" if counts else ""
        spots = seen.get(state["series_key"])
        _print_series(series[state["series_key"]], state, remark, spots)
        for line in (
            *withdrawal_words.to_be_redone(state),
            *withdrawal_words.superseded(series[state["series_key"]], state, history),
        ):
            show.say(f"  {line}")
        if spots is not None:
            bright_words.print_things(spots)
        show.say(f"  {pictures[state['series_key']]['remark']}")
        show.say()
    if facts.get("page"):
        show.say(f"page: {facts['page']} (identified data; delete after use)")
    elif facts["out"] and not series:
        show.say(f"no page or picture was written to {facts['out']}")
    elif facts["out"] and not any(picture["file"] for picture in pictures.values()):
        show.say(f"no picture was written to {facts['out']}")
    show.say(show.NOTICE)


def _about(rows: list[Row], key: str) -> list[Row]:
    return [
        r for r in rows if key in (r.get("series_key"), r.get("person_key"), r.get("study_key"))
    ]


def _scored_first(row: Row) -> tuple[bool, str, str]:
    return row["state"] != _SCORED, str(row["index_date"] or ""), str(row["series_key"])


# Pictures


def _check_out(out: Path | None) -> None:
    if out is None:
        return
    if not out.parent.is_dir():
        raise ScreeningError(f"cannot write {out}: no such folder")
    if out.suffix.lower() not in (*PAGE_SUFFIXES, PICTURE_SUFFIX):
        raise ScreeningError(f"cannot write {out.name}: give a .html page or a .png picture")


def _kept_back(row: Row, people: Iterable[Row]) -> str:
    """Say why nothing of a series' images is shown; empty where it may be."""
    if row["state"] != _SCORED:
        return f"the series is not scored ({row['state']})"
    for person in people:
        is_conflict = Reason.IDENTITY_CONFLICT in words.as_list(person["reasons"])
        if person["person_key"] == row["person_key"] and is_conflict:
            return words.sentence(Reason.IDENTITY_CONFLICT)
    return ""


def _no_picture(row: Row, people: Iterable[Row]) -> str:
    """Say why a series has no picture to show; empty where it has one."""
    why = _kept_back(row, people)
    if why:
        return f"no picture: {why}"
    if row["has_picture"]:
        return ""
    return f"no picture: none is made {'of a score of zero' if row['agatston'] == 0 else 'here'}"


@dataclass(frozen=True, slots=True)
class _Picture:
    """The picture of one series, or why there is none to show."""

    series_key: str
    remark: str
    png: bytes | None = field(default=None, repr=False)


def _pictures(
    lake: Lake, current: list[Row], people: list[Row], *, is_wanted: bool
) -> list[_Picture]:
    """Return for each series its picture, opened where it is wanted, or why there is none."""
    told = []
    for row in current:
        key = str(row["series_key"])
        remark = _no_picture(row, people)
        model = str(row["model_digest"] or "")
        png = lake.read_picture(key, model) if is_wanted and not remark else None
        if not remark and not is_wanted:
            remark = "picture kept encrypted; write it with --out FILE"
        elif not remark and png is None:
            remark = "no picture: its encrypted file is missing"
        told.append(_Picture(key, remark, png))
    return told


def _write(out: Path, facts: dict[str, object], pictures: list[_Picture]) -> None:
    """Write the page, or each picture to a file of its own; say in the facts what went where."""
    told = words.rows(facts["pictures"])
    is_page = out.suffix.lower() in PAGE_SUFFIXES
    if is_page:
        shown = {p.series_key: p.png for p in pictures if p.png is not None}
        show.write_private(out, explain_page.render(facts, shown).encode())
        facts["page"] = str(out)
    n_written = 0
    for picture, row in zip(pictures, told, strict=True):
        if picture.png is None:
            continue
        n_written += 1
        file = out if is_page or n_written == 1 else out.with_stem(f"{out.stem}-{n_written}")
        if not is_page:
            show.write_private(file, picture.png)
        row["file"] = str(file)
        where = "on the page" if is_page else f"{file} (identified data; delete after use)"
        row["remark"] = f"picture: {where}"


# The person


def _print_person(person: Row, as_of: str, pairs: list[Row]) -> None:
    reasons = words.as_list(person["reasons"])
    show.say(f"person {person['person_key']}, as of {as_of}")
    if _has_opted_out(person):
        show.say(f"  {words.sentence(Reason.OPTED_OUT)} Nothing more is told.")
        show.say()
        return
    show.say(f"  {words.why(person)}")
    if len(reasons) > 1:
        show.say(f"  Also: {' '.join(words.sentence(reason, person) for reason in reasons[1:])}")
    policy = risk_words.policy(person)
    show.say(f"  policy: {treatment_words.of_whom(policy, person['flag_risk'], person)}")
    _print_score_that_counts(person)
    for pair in pairs:
        for line in words.growth(pair):
            show.say(f"  {line}")
    show.say(f"  {treatment_words.of_whom(words.risk(person), person['mesa_chd_10y'], person)}")
    if person["model"]:
        estimate = risk_words.estimate(person)
        show.say(f"  {treatment_words.of_whom(estimate, person['model_risk'], person)}")
    if person["series_key"] is not None:
        _print_inputs(person)
    show.say(f"  known on {as_of}:")
    statin = treatment_words.statin(person, words.yes_no(person["is_on_statin"]))
    show.say(f"    on a statin on the day of the list: {statin}")
    show.say(f"    LDL cholesterol: {treatment_words.ldl(person)}")
    show.say(f"    known cardiovascular disease: {words.known_disease(person)}")
    show.say(f"    formal calcium score: {words.formal_scores(person)}")
    show.say(f"    wishes about the data: {words.wishes(person)}")
    show.say(f"    death: {treatment_words.death(person, words.nothing(person))}")
    show.say()


def _print_score_that_counts(person: Row) -> None:
    if person["series_key"] is None:
        show.say("  no score that counts; this is not a score of zero")
        return
    age = show.number(person["age_years"])
    show.say(
        f"  scan that counts: {person['index_date']}, age {age}, {words.sex(person['sex'])}, "
        f"series {person['series_key']}"
    )
    show.say(
        f"  Agatston {words.at_least(person)}{show.number(person['agatston'], 1)}, "
        f"category {words.category_of(person)}: {words.vessels(person)}"
    )
    doubt = " (doubtful)" if person["score_is_doubtful"] else ""
    flags = words.remarks(person["quality_flags"])
    show.say(f"  grade {person['grade']}{doubt}, quality remarks: {flags}")
    show.say(f"  {words.standing(person)}")
    show.say(f"  usable scores of this person: {person['n_usable_scores']}")
    for line in risk_words.later_scan(person):
        show.say(f"  {line}")


def _print_inputs(person: Row) -> None:
    show.say("  what the risk rests on, as known at the scan:")
    show.say(f"    race: {person['race'] or words.nothing(person)}")
    for name in words.MEASURED:
        show.say(f"    {': '.join(words.measured(person, name))}")
    smoker = words.nothing(person)
    if person["smoker"] is not None:
        said = words.before_scan(person["smoker_age_days"])
        smoker = f"{words.yes_no(person['smoker'])}, {said}"
    show.say(f"    current smoker: {smoker}")
    for name, told in words.YES_NO.items():
        show.say(f"    {told}: {words.yes_no(person[name])}")
    _, _, source = str(person["equation"] or "").partition(": ")
    if source:
        show.say(f"    equation: MESA, {source}")
    if person["model"]:
        show.say(f"    model: {person['model']}")
    if person["risk_contributions"]:
        show.say(f"    {risk_words.START}: {risk_words.contributions(person)}")


# The series


def _print_series(series: Row, state: Row, remark: str, seen: Row | None) -> None:
    day = series["index_date"] or "no date"
    beside = f" ({remark})" if remark else ""
    show.say(f"series {series['series_key']}: {series['modality']} of {day}{beside}")
    if series["modality"] == "CT":
        show.say(f"  {scan_words.images(series, str(state['scan_kind']))}")
    if state["state"] == _SCORED:
        _print_numbers(state, seen)
        return
    show.say(f"  not scored ({state['state']}):")
    for place, reason in enumerate(words.as_list(state["reasons"])):
        detail = f" ({state['detail']})" if state["detail"] and place == 0 else ""
        show.say(f"    {words.sentence(reason)}{detail} [{reason}]")


def _print_numbers(row: Row, seen: Row | None) -> None:
    agatston = words.at_least(row) + show.number(row["agatston"], 1)
    show.say(f"  Agatston {agatston}, category {words.category_of(row)}")
    if row["agatston"]:
        for line in (*scan_words.by_vessel(row), *scan_words.amounts(row), scan_words.factor(row)):
            show.say(f"    {line}")
    for line in words.beside(row):
        show.say(f"    {line}")
    show.say(f"  grade {row['grade']}, quality remarks: {words.remarks(row['quality_flags'])}")
    for line in scan_words.spots(row, seen):
        show.say(f"    {line}")
    show.say(f"    {words.noise(row)}")
    others = scan_words.elsewhere(row)
    if others:
        show.say("  not counted, outside the coronaries:")
    for line in others:
        show.say(f"    {line}")
    if row["agatston"] == 0:
        show.say(f"  {show_score.no_calcium(words.as_list(row['quality_flags']))}")
    digest = str(row["model_digest"])[:12]
    show.say(
        f"  by model {row['model_name']} {digest} on {row['provider']}, "
        f"scoring version {row['scoring_version']}"
    )
