"""The lists beside the one the care team works, printed.

Comes in: rows of one of the relations in `flows.people.LISTS`. Goes out: a table.
Refuses: nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from flows import show, words

_TITLES = {
    "formally-scored-higher": "formally scored earlier, category now higher",
    "scored-by-text-alone": "formally scored by the text of a report, by nothing else",
    "known-by-image-only": "stent or bypass suspected on a scan, in no record",
    "treated-not-at-goal": "flagged, on a statin, LDL cholesterol not at goal",
    "dialysis": "on dialysis, calcium that would be on the list",
    "transplant": "with a transplanted organ, calcium that would be on the list",
    "inpatients": "flagged, in hospital when scanned",
    "spoiling-devices": "metal near the heart that spoils the score",
    "left": "were on the list and are not now",
}
NAMES = ("flagged", *_TITLES)
_TIER = ("tier by score", lambda row: row["tier_but_for"] or None)
_OWN = {
    "formally-scored-higher": (
        ("formal score", lambda row: show.number(row["formal_agatston"], 1)),
        ("formal on", lambda row: row["formal_on"]),
    ),
    "scored-by-text-alone": (
        _TIER,
        ("reported", lambda row: row["last_on"]),
        ("score told", lambda row: show.number(row["formal_agatston"], 1)),
    ),
    "known-by-image-only": (
        ("seen", lambda row: ", ".join(row["seen"]).replace("_", " ")),
        ("on series", lambda row: ", ".join(row["seen_in"])),
        ("without metal", lambda row: show.number(row["without_metal"], 1)),
    ),
    "treated-not-at-goal": (
        _TIER,
        ("statin", lambda row: row["statin_intensity"] or "yes"),
        ("LDL mg/dL", lambda row: show.number(row["ldl_mg_dl"])),
    ),
    "dialysis": (_TIER,),
    "transplant": (_TIER,),
    "inpatients": (_TIER,),
    "spoiling-devices": (
        _TIER,
        ("flag", lambda row: row["flag"]),
        ("seen", lambda row: ", ".join(row["devices"]).replace("_", " ")),
    ),
    "left": (
        ("left on", lambda row: row["left_on"]),
        ("tier before", lambda row: row["tier_before"] or None),
        ("before", lambda row: show.number(row["agatston_before"], 1)),
        ("why not now", lambda row: f"{row['reason']}: {words.sentence(row['reason'])}"),
    ),
}


def print_list(name: str, rows: Sequence[Mapping[str, object]], as_of: date) -> None:
    """Print one list; issuer and number first where they are given."""
    who = show.identity_columns(rows)
    own = _OWN[name]
    show.table(
        f"{_TITLES[name]}, as of {as_of}: {show.people(len(rows))}",
        (*who, "person", "Agatston", *(title for title, _ in own), "age", "sex", "grade", "scan"),
        [
            (
                *(row[column] for column in who),
                row["person_key"],
                show.at_least(row["agatston"], row["quality_flags"], "≥ ")
                + show.number(row["agatston"], 1),
                *(told(row) for _, told in own),
                show.number(row["age_years"]),
                row["sex"] or None,
                row["grade"] or None,
                row["index_date"],
            )
            for row in rows
        ],
    )
    for note in sorted({str(row["note"]) for row in rows}):
        show.say(f"{note[0].upper()}{note[1:]}.")
    show.say(show.NOTICE)
