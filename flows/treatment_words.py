"""Words for what is known of a person's treatment and disease on the day of the list.

Comes in: a row of `out_person_explanation` or `out_flagged`. Goes out: a piece of a sentence.
Refuses: nothing.
"""

from collections.abc import Mapping

from flows import show

Row = Mapping[str, object]

_FORMAL = {
    "gated_scan": "gated calcium scan in the archive, series",
    "score_document": "report or capture of a calcium score in the archive, series",
    "procedure": "procedure",
}
_WHOLE = {
    "report_text": "a report speaks of it",
    "site_list": "on the site's own list",
    "observation": "a measured score in the record",
}


def statin(row: Row, told: str) -> str:
    """Return whether a statin is taken, in the words `told`, and how strong."""
    intensity = row["statin_intensity"]
    return f"{told}, {intensity} intensity" if row["is_on_statin"] and intensity else told


def ldl(person: Row) -> str:
    """Return the LDL cholesterol and how old it is; at goal or not of whom the goal is for.

    The goal is that of treatment: of people on the list, and of those on a statin.
    """
    value = person["ldl_mg_dl"]
    if not isinstance(value, int | float):
        return "unknown"
    goal = "at goal, " if person["is_ldl_at_goal"] else "not at goal, "
    if person["flag"] != "flagged" and not person["is_on_statin"]:
        goal = ""
    days = show.number(person["ldl_age_days"])
    return f"{show.number(value)} mg/dL, {goal}{days} days before the list"


def death(person: Row, nothing: str) -> str:
    """Return the day of death, that it is not known, or that there is none."""
    if person["death_date"]:
        return str(person["death_date"])
    return "on an unknown day" if person["is_deceased"] else nothing


def formal(item: Row) -> str:
    """Return one piece of evidence of a formal score."""
    source = str(item["source"])
    told = _WHOLE.get(source) or f"{_FORMAL.get(source, source)} {item['evidence']}"
    return told if item["counts"] else f"{told} (too long ago to count)"


def disease(concept: str, item: Row) -> str:
    """Return one piece of evidence of known disease; what only an image shows is suspected."""
    if item["source"] != "image":
        return concept
    series = item["seen_in"] if isinstance(item["seen_in"], list) else []
    return f"suspected {concept}, seen on series {', '.join(series)}"


SUSPECTED = (
    "A scan suggests a coronary stent or bypass, and no record tells of one: "
    "an image reader must look before the person is left out."
)


def is_suspected_alone(person: Row) -> bool:
    """Whether nothing but an image tells of the person's known disease."""
    evidence = person.get("ascvd_evidence")
    return bool(evidence) and all(e["source"] == "image" for e in evidence)  # type: ignore[attr-defined]


_NOT_OF = (
    "this says nothing of the person: the equations were made for people without known "
    "cardiovascular disease"
)


def of_whom(told: str, risk: object, person: Row) -> str:
    """Return a risk as told; with known disease, that the equations say nothing of this person."""
    if risk is None or not person["ascvd_evidence"]:
        return told
    case = "if the suspected disease is confirmed, " if is_suspected_alone(person) else ""
    return f"{told}; {case}{_NOT_OF}"
