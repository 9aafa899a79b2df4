"""What a site handed over: which of the three doors it came through, and its rows.

Comes in: a folder. Goes out: a `Delivery`: the text columns of the canonical tables.
Refuses: a folder that is not there, that holds none or two of the three kinds (ScreeningError).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from screening.clinical.codes import Codes
from screening.clinical.fhir import read_fhir, resource_files
from screening.clinical.files import (
    COLUMNS,
    MISSHAPEN,
    check_columns,
    column_names,
    files_of,
    read_table,
)
from screening.clinical.omop import read_omop
from screening.clinical.omop_files import OMOP_ONLY, omop_files
from screening.clinical.sieve import counted
from screening.config import ClinicalSettings
from screening.errors import ScreeningError
from screening.reasons import Reason


class Kind(StrEnum):
    """The three doors."""

    TABLES = "tables"
    FHIR = "fhir"
    OMOP = "omop"


# What a site decides itself; no server and no data warehouse holds it. Beside the other two
# doors these tables are read as they are, under numbers.
OWN = ("report_text", "formal_score", "person_policy")
# Whose rows are those of a canonical table, be they used or not. A history in OMOP's `observation`
# is none of them: it does not show that conditions are written down.
_HANDED_OVER_AS = {
    "Condition": "condition",
    "condition_occurrence": "condition",
    "MedicationRequest": "medication",
    "MedicationStatement": "medication",
    "drug_exposure": "medication",
    "Procedure": "procedure",
    "procedure_occurrence": "procedure",
    "Observation": "observation",
    "measurement": "observation",
    "observation": "observation",
}
_CUT = "the last row has no line end and is not whole"


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """The canonical tables as text columns, and what was left at the door."""

    kind: Kind
    tables: Mapping[str, pa.Table]
    rejections: tuple[pa.Table, ...]
    n_rows: Mapping[str, int]  # of each table that was given, those that were cut included


def kind_of(folder: Path) -> Kind:
    """Tell what a folder of clinical data holds.

    Raises
    ------
    ScreeningError
        It is not there, or holds two kinds; without any it is taken for the site's tables, whose
        reader says what is missing.
    """
    if not folder.is_dir():
        raise ScreeningError(
            "clinical tables: the folder is not there; give the folder that holds "
            "person.csv or person.parquet, FHIR .ndjson files, or OMOP tables"
        )
    found = []
    if resource_files(folder):
        found.append(Kind.FHIR)
    if any(name in omop_files(folder) for name in OMOP_ONLY) or _is_omop_person(folder):
        found.append(Kind.OMOP)
    elif files_of(folder, "person"):
        found.append(Kind.TABLES)
    if len(found) > 1:
        raise ScreeningError(
            f"clinical tables: the folder holds {' and '.join(found)} at once; keep one of them"
        )
    return found[0] if found else Kind.TABLES


def _is_omop_person(folder: Path) -> bool:
    file = omop_files(folder).get("person")
    return file is not None and "gender_concept_id" in column_names(file, ["gender_concept_id"])


def read_delivery(folder: Path, settings: ClinicalSettings, codes: Codes) -> Delivery:
    """Read a folder through its door."""
    kind = kind_of(folder)
    check_columns(settings)
    if kind is Kind.TABLES:
        return _read_tables(folder, settings, tuple(COLUMNS), kind, {}, (), {})
    reader = read_fhir if kind is Kind.FHIR else read_omop
    tables, rejections, n_of = reader(folder, settings, codes)
    n_rows = {name: tables[name].num_rows for name in ("person", "report_text")}
    for source, name in _HANDED_OVER_AS.items():
        n_rows[name] = n_rows.get(name, 0) + n_of.get(source, 0)
    return _read_tables(folder, settings, OWN, kind, tables, (rejections,), n_rows)


def _read_tables(
    folder: Path,
    settings: ClinicalSettings,
    names: tuple[str, ...],
    kind: Kind,
    tables: Mapping[str, pa.Table],
    rejections: tuple[pa.Table, ...],
    handed_over: Mapping[str, int],
) -> Delivery:
    """Read the site's own tables and put them to those of another door."""
    all_tables, counts, n_rows = dict(tables), list(rejections), dict(handed_over)
    for name in names:
        given = read_table(folder, name, settings)
        both = [t for t in (all_tables.get(name), given.table) if t is not None]
        all_tables[name] = pa.concat_tables(both)
        if files_of(folder, name):
            n_rows[name] = n_rows.get(name, 0) + given.n_rows
        lost = {
            (Reason.CUT_SHORT.value, MISSHAPEN): given.n_misshapen,
            (Reason.CUT_SHORT.value, _CUT): int(given.is_cut),
        }
        counts.append(counted(name, {what: n for what, n in lost.items() if n}))
    return Delivery(kind, all_tables, tuple(counts), n_rows)
