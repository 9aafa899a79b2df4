"""The bright things near the heart in words: where, what they were taken for, why not counted.

Comes in: what the lake keeps of a scored series, and its row.
Goes out: facts, lines and tables that a radiologist reads without knowing the program.
Refuses: nothing; where nothing was kept, or it is of another score, it says so.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from flows import show, words
from screening import inference, scoring
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.report.page import Block, Grid, Heading, Text
from screening.scoring import BrightThing, Flag, Why
from screening.things import SHARES

Row = Mapping[str, object]
SHOWN = 12  # of what counted, and again of what did not; the rest is told as a count
HEADING = "Bright spots near the heart: what each was taken for"
LESIONS = "A deposit (lesion) may be several spots, so that there may be more spots than deposits."
INTRO = (
    "Every spot near the heart of 130 HU and more that fills 1 mm² of a slice is judged by itself; "
    f"long ones are judged in pieces. {LESIONS} Percentages are what the model gave, not how "
    "often it is right. Right and left are the patient's; thirds are those of the box round the "
    "heart, arterial course is where coronary arteries run; x, y, z are millimetres to the left, "
    "to the back and to the head, as viewers show them."
)
NOT_KEPT = (
    "what the model saw of each bright spot was not kept with this score; "
    "a series that is scored again keeps it"
)
OF_ANOTHER_SCORE = "what the model saw was kept of another score of this series"
NO_THINGS = "no bright spot was found near the heart"

_ABBREVIATED = ("lm", "lad", "lcx", "rca")
_NAMES = {
    "none": "soft tissue or noise",
    "aorta": "wall of the aorta",
    "airway": "bronchus",
    "node": "lymph node or granuloma",
    "coronary": "coronary artery",
}
_TAKEN_FOR = {
    "none": "soft tissue or noise",
    "aorta": "the wall of the aorta",
    "aortic_valve": "the aortic valve",
    "mitral_annulus": "the mitral annulus",
    "pericardium": "the pericardium",
    "airway": "a bronchus",
    "bone": "bone",
    "node": "a lymph node or granuloma",
    "metal": "metal",
    "stent_present": "a stent",
    "stent_possible": "a stent, not surely",
    "clips_present": "a surgical clip",
    "lead_present": "a pacemaker lead",
    "valve_prosthesis": "an artificial valve",
    "sternal_wires": "a wire of the breastbone",
    "metal_near_heart": "metal",
    "calcium_very_bright": "calcium as bright as metal",
}
_WHY = {
    Why.TOO_SMALL: "coronary, but below 1 mm² in every slice",
    Why.TOO_DIM: "coronary, but below 130 HU",
    Why.TOO_BRIGHT: "coronary by its place, but brighter than calcium can be: metal",
    Why.PART_OF_METAL: "coronary by its place, but part of something metal, "
    "or as small and bright as a clip",
}
_SIDE = {-1: "right", 0: "", 1: "left"}
_DEPTH = {-1: "front", 0: "", 1: "back"}
_LEVEL = {-1: "lower third", 0: "middle third", 1: "upper third"}
_BEYOND = (
    {-2: "right of the heart", 2: "left of the heart"},
    {-2: "in front of the heart", 2: "behind the heart"},
    {-2: "below the heart", 2: "above the heart"},
)
_COLUMNS = ("where", "slices", "x, y, z mm", "mm³", "peak HU", "likeliest")
_NUMERIC = ("slices", "x, y, z mm", "mm³", "peak HU")
_KINDS = (("counted", "counted as"), ("not counted", "why not counted"))


def told_of(lake: Lake, row: Row) -> dict[str, object]:
    """Return the things of one scored series, or the remark why there are none to show."""
    facts: dict[str, object] = {
        "series_key": row["series_key"],
        "remark": "",
        "note": _versions(row["scoring_version"]),
        "things": [],
    }
    try:
        packed = lake.read_seen(str(row["series_key"]), str(row["model_digest"] or ""))
        if packed is None:
            return facts | {"remark": NOT_KEPT}
        seen = inference.unpack(packed)
    except ScreeningError as error:
        return facts | {"remark": f"what the model saw cannot be shown: {error}"}
    if (seen.model_digest, seen.image_digest) != (row["model_digest"], row["image_digest"]):
        return facts | {"remark": OF_ANOTHER_SCORE}
    things = scoring.bright_things(seen)
    return facts | {"remark": "" if things else NO_THINGS, "things": [_told(t) for t in things]}


def _versions(version: object) -> str:
    """Say that the things are told by another scoring version than the score; else nothing."""
    if version == scoring.SCORING_VERSION:
        return ""
    return (
        f"These lines are by scoring version {scoring.SCORING_VERSION}, the score is by version "
        f"{version}: units may differ."
    )


def _told(thing: BrightThing) -> dict[str, object]:
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(thing).items()}
    words_too = {"where": where(thing), "likely_in_words": likely(thing), "in_words": why(thing)}
    return plain | words_too


def where(thing: BrightThing) -> str:
    """Say where a thing lies: 'left front, upper third, arterial course'."""
    thirds = (thing.side, thing.depth, thing.level)
    beyond = [names[k] for names, k in zip(_BEYOND, thirds, strict=True) if k in names]
    plain = f"{_SIDE.get(thing.side, '')} {_DEPTH.get(thing.depth, '')}".strip()
    if not beyond and not plain:
        plain = "middle"
    parts = [*beyond, plain, _LEVEL.get(thing.level, "")]
    # Ribs and spine may touch the box of the arteries; saying so of bone would read as a doubt.
    parts.append("arterial course" if thing.on_course and thing.taken_for != "bone" else "")
    return ", ".join(part for part in parts if part)


def likely(thing: BrightThing) -> str:
    """Return the likeliest names, each with its probability."""
    digits = _digits(thing)
    told = (f"{_name(name)} {_percent(share, digits)}" for name, share in thing.likely)
    return ", ".join(told) or "–"


def why(thing: BrightThing) -> str:
    """Say that a thing counted, or why not."""
    if thing.why is Why.COUNTED:
        return f"{_name(thing.taken_for)}: {words.units(thing.agatston)} units"
    if thing.why is not Why.TAKEN_FOR_OTHER:
        return _WHY[thing.why]
    taken_for = _TAKEN_FOR[thing.metal or thing.taken_for]
    if thing.counts_from is None:
        return f"taken for {taken_for}; coronary {_percent(thing.coronary)}, which is less"
    coronary, edge = _percent(thing.coronary, _digits(thing)), _percent(thing.counts_from)
    return f"taken for {taken_for}; coronary {coronary} (counts from {edge})"


def _name(label: str) -> str:
    return label.upper() if label in _ABBREVIATED else _NAMES.get(label, words.plain(label))


def _digits(thing: BrightThing) -> int:
    """Write the percentages of a thing with a digit more where whole ones would hide who won."""
    is_close = thing.counts_from is not None and abs(thing.counts_from - thing.coronary) < 0.01
    return int(is_close)


def _percent(share: float, digits: int = 0) -> str:
    """Write a probability, which is never told as certain or impossible.

    With a digit it is cut, not rounded: what is below 50 % must not read 50.0 %.
    """
    if share > 0.99:
        return "over 99 %"
    if share < 0.01:
        return "below 1 %"
    return f"{round(SHARES * share) // 10 / 10:.1f} %" if digits else f"{100 * share:.0f} %"


def _parted(facts: Row) -> tuple[list[Row], list[Row]]:
    """Return what counted, and what did not."""
    things = words.rows(facts["things"])
    counted: list[Row] = [t for t in things if t["why"] == Why.COUNTED]
    return counted, [t for t in things if t["why"] != Why.COUNTED]


def _shown(things: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Return what is told of, and what is only counted."""
    asked_for = [t for t in things if t["is_notable"]][:SHOWN]
    return asked_for, [t for t in things if t not in asked_for]


def _cells(thing: Row) -> tuple[str, ...]:
    first, last = words.as_list(thing["slices"])
    centre = [round(float(str(mm))) for mm in words.as_list(thing["centre_lps_mm"])]
    return (
        str(thing["where"]),
        f"{first}" if first == last else f"{first}–{last}",
        ", ".join(str(mm) for mm in centre).replace("-", "−"),
        show.number(thing["volume_mm3"]),
        show.number(thing["peak_hu"]),
        str(thing["likely_in_words"]),
        str(thing["in_words"]),
    )


def _rest(kind: str, things: Sequence[Row]) -> str:
    """Count what is not shown by what it was taken for."""
    n = Counter(_name(str(t["taken_for"])) for t in things)
    told = ", ".join(f"{count} {name}" for name, count in n.most_common())
    return f"{kind.capitalize()} and not shown: {told}."


def possible_stents(facts: Row) -> list[str]:
    """Return what was left out as a possible stent: where it lies, how large, in which slices."""
    return [
        f"may be a stent, not counted: {thing['where']}, {show.number(thing['volume_mm3'])} mm³, "
        f"{slices(thing['slices'])}"
        for thing in words.rows(facts["things"])
        if thing["metal"] == Flag.STENT_POSSIBLE.value and thing["why"] != Why.COUNTED
    ]


def possible_calcium(facts: Row) -> list[str]:
    """Return what was left out and may be calcium: where, how large, what it was taken for."""
    found = [t for t in words.rows(facts["things"]) if t["agatston_left_out"]]
    return [
        f"may be calcium, not counted: {thing['where']}, {show.number(thing['volume_mm3'])} mm³, "
        f"{slices(thing['slices'])}, {words.units(thing['agatston_left_out'])} units; "
        f"{thing['in_words']}"
        for thing in sorted(found, key=lambda t: -float(str(t["agatston_left_out"])))
    ]


def slices(ends: object) -> str:
    """Return the slices from a first to a last: 'slices 50–55'."""
    first, last = words.as_list(ends)
    return f"slice {first}" if first == last else f"slices {first}–{last}"


def blocks(facts: Row) -> list[Block]:
    """Return the part of the page."""
    found: list[Block] = [Heading(HEADING, 3)]
    if facts["remark"]:
        remark = str(facts["remark"])
        return [*found, Text(f"{remark[:1].upper()}{remark[1:]}.")]
    found += [Text(text) for text in (INTRO, str(facts["note"])) if text]
    for (name, last), things in zip(_KINDS, _parted(facts), strict=True):
        shown, rest = _shown(things)
        if shown:
            caption = f"{name.capitalize()}: {_of(len(shown), len(things))}"
            rows = tuple(tuple(_unbroken(cell) for cell in _cells(t)) for t in shown)
            found.append(Grid((*_COLUMNS, last), rows, caption, _NUMERIC, wraps=True))
        found += [Text(_rest(name, rest))] if rest else []
    return found


def _unbroken(cell: str) -> str:
    """Keep a number and its unit on one line."""
    for breaks in ("(counts from ", " %", " units"):
        cell = cell.replace(breaks, breaks.replace(" ", " "))
    return cell


def _of(n_shown: int, n: int) -> str:
    return f"{n} spot{'' if n == 1 else 's'}" if n_shown == n else f"{n} spots, {n_shown} shown"


def print_things(facts: Row) -> None:
    """Print what the page shows."""
    if facts["remark"]:
        show.say(f"  {facts['remark']}")
        return
    for (name, last), things in zip(_KINDS, _parted(facts), strict=True):
        shown, rest = _shown(things)
        if shown:
            title = f"bright spots near the heart, {name}: {_of(len(shown), len(things))}"
            if name == "counted":
                show.say(LESIONS)
            show.table(title, (*_COLUMNS, last), [_cells(t) for t in shown])
        if rest:
            show.say(_rest(name, rest))
    if facts["note"]:
        show.say(str(facts["note"]))
