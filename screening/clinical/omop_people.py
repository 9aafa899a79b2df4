"""OMOP persons and deaths as rows of `person`.

Comes in: the tables `person` and `death` as text. Goes out: rows of the canonical `person`.
Refuses: nothing; what is missing stays empty.

`person_source_value` is the patient's number, plain or as HL7 v2 writes it (CX):
`number^^^issuer`.
"""

import re

import pyarrow as pa

from screening.clinical.files import all_columns
from screening.clinical.omop_concepts import Concepts

_CX = re.compile(r"^(?P<mrn>[^^]*)\^[^^]*\^[^^]*\^(?P<issuer>[^^&]*)")


def death_days(deaths: pa.Table) -> dict[str, str]:
    """Return the earliest day of death by person; a death without a day is one all the same."""
    found: dict[str, str] = {}
    rows = zip(deaths["person_id"].to_pylist(), deaths["death_date"].to_pylist(), strict=True)
    for person, day in sorted(rows, reverse=True):
        found[person] = day or found.get(person, "deceased")
    return found


def person_rows(people: pa.Table, deaths: dict[str, str], concepts: Concepts) -> pa.Table:
    """Turn OMOP persons into rows of `person`."""
    rows = []
    for person in people.to_pylist():
        issuer, mrn = _number(person["person_source_value"])
        rows.append(
            {
                "issuer": issuer,
                "mrn": mrn,
                "birth_date": _born(person),
                "sex": concepts.plain(person["gender_concept_id"], "GENDER"),
                "race": _race(person, concepts),
                "death_date": deaths.get(person["person_id"], ""),
                "subject": person["person_id"],
            }
        )
    columns = {c: [row.get(c, "") for row in rows] for c in all_columns("person")}
    return pa.table({c: pa.array(v, pa.string()) for c, v in columns.items()})


def _number(written: str) -> tuple[str, str]:
    match = _CX.match(written)
    return (match["issuer"].strip(), match["mrn"].strip()) if match else ("", written)


def _born(person: dict[str, str]) -> str:
    """Year, month and day as far as they are given."""
    parts = []
    for name, width in (("year_of_birth", 4), ("month_of_birth", 2), ("day_of_birth", 2)):
        digits = person[name].removesuffix(".0")
        if not digits.isdigit():
            break
        parts.append(digits.zfill(width))
    return "-".join(parts)


def _race(person: dict[str, str], concepts: Concepts) -> str:
    """Hispanic ethnicity comes before any race, as MESA asked."""
    if concepts.plain(person["ethnicity_concept_id"], "ETHNICITY") == "hispanic":
        return "hispanic"
    source = concepts.plain(person["race_source_concept_id"], "RACE")
    return source or concepts.plain(person["race_concept_id"], "RACE")
