"""OMOP CDM 5.4 tables, CSV or Parquet.

Comes in: a folder with `person` and, as far as they are there, measurement, observation,
condition_occurrence, drug_exposure, procedure_occurrence, visit_occurrence, death, note, concept
and concept_ancestor.
Goes out: rows of the canonical tables, under `person_id`.
Refuses: a table without the columns it needs (ScreeningError); a concept that neither CONCEPT nor
`codes/omop_concepts.csv` holds, named by its number and counted; a row with too many or too few
cells, counted.

Tables are read piece by piece, and of each only the rows that a code list knows are kept. A row is
known by its standard concept, else by its source concept, else by its source value; of a history
in `observation` by its value first (`omop_history`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from screening.clinical.codes import Codes
from screening.clinical.files import MISSHAPEN, all_columns, no_rows, text_of
from screening.clinical.omop_concepts import Concepts, read_concepts
from screening.clinical.omop_files import Misshapen, omop_files, pieces, whole
from screening.clinical.omop_history import (
    KEPT,
    MAY_TAKE,
    NO,
    NOT_KNOWN,
    UNCLEAR,
    Told,
    told,
)
from screening.clinical.omop_people import death_days, person_rows
from screening.clinical.parse import Bools, bools
from screening.clinical.tally import Tally
from screening.config import ClinicalSettings
from screening.errors import ScreeningError
from screening.reasons import Reason

_NAMED_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the parts of a canonical row stand in one OMOP table."""

    table: str
    canonical: str
    concept: str  # the columns are {concept}_concept_id, _source_concept_id, _source_value
    takes: Mapping[str, str]  # canonical column: OMOP column
    may_take: tuple[str, ...] = ()


_SOURCES = (
    _Source(
        "measurement",
        "observation",
        "measurement",
        {"value": "value_as_number", "effective_at": "measurement_date"},
        ("unit_concept_id", "unit_source_value", "operator_concept_id", "value_as_concept_id"),
    ),
    _Source(
        "observation",
        "observation",
        "observation",
        {"value": "value_as_number", "effective_at": "observation_date"},
        ("unit_concept_id", "unit_source_value", *MAY_TAKE),
    ),
    # Family history and what is past stand in `observation`, not among the conditions.
    _Source("observation", "condition", "observation", {"onset_at": "observation_date"}, MAY_TAKE),
    _Source(
        "observation", "procedure", "observation", {"performed_at": "observation_date"}, MAY_TAKE
    ),
    _Source("condition_occurrence", "condition", "condition", {"onset_at": "condition_start_date"}),
    _Source(
        "drug_exposure",
        "medication",
        "drug",
        {"start_at": "drug_exposure_start_date", "stop_at": "drug_exposure_end_date"},
    ),
    _Source("procedure_occurrence", "procedure", "procedure", {"performed_at": "procedure_date"}),
    _Source(
        "visit_occurrence",
        "procedure",
        "visit",
        {"performed_at": "visit_start_date", "ended_at": "visit_end_date"},
    ),
)


def read_omop(
    folder: Path, settings: ClinicalSettings, codes: Codes
) -> tuple[dict[str, pa.Table], pa.Table, Mapping[str, int]]:
    """Read the tables of a CDM.

    Returns
    -------
    The canonical tables as text columns, the counts of what was not taken, and how many rows
    each OMOP table had
    """
    del settings
    files, tally, misshapen = omop_files(folder), Tally(), Misshapen()
    if "person" not in files:
        raise ScreeningError("OMOP tables: no person.csv or person.parquet in the folder; add it")
    concepts = read_concepts(files.get("concept"), files.get("concept_ancestor"), misshapen, codes)
    deaths = whole(files.get("death"), misshapen, ("person_id", "death_date"))
    people = whole(
        files["person"],
        misshapen,
        ("person_id", "gender_concept_id", "year_of_birth", "person_source_value"),
        (
            "month_of_birth",
            "day_of_birth",
            "race_concept_id",
            "race_source_concept_id",
            "ethnicity_concept_id",
        ),
    )
    rows: dict[str, list[pa.Table]] = {name: [] for name in _CANONICAL}
    rows["person"].append(person_rows(people, death_days(deaths), concepts))
    n_rows: dict[str, int] = {}
    for source in _SOURCES:
        if source.table in files:
            parts = list(_taken(files[source.table], misshapen, source, concepts, tally))
            rows[source.canonical] += [known for known, _ in parts]
            n_rows[source.table] = sum(n for _, n in parts)
    notes = whole(files.get("note"), misshapen, ("person_id", "note_date", "note_text"))
    rows["report_text"].append(_notes(notes))
    for table, n in misshapen.rows.items():
        tally.add(table, Reason.CUT_SHORT, MISSHAPEN, n)
    tables = {name: pa.concat_tables([no_rows(name), *parts]) for name, parts in rows.items()}
    all_rows = {table: n + misshapen.rows.get(table, 0) for table, n in n_rows.items()}
    return tables, tally.table(), all_rows


_CANONICAL = ("person", "observation", "condition", "medication", "procedure", "report_text")


def _taken(
    file: Path, misshapen: Misshapen, source: _Source, concepts: Concepts, tally: Tally
) -> Iterator[tuple[pa.Table, int]]:
    """Give the rows of one table that a code list knows, and how many there were, by pieces."""
    base = source.concept
    standard = f"{base}_concept_id"
    needed = ("person_id", standard, *source.takes.values())
    optional = (f"{base}_source_concept_id", f"{base}_source_value", *source.may_take)
    unknown: dict[str, int] = {}
    for piece in pieces(file, misshapen, needed, optional):
        code, name = _known(source, piece, concepts)
        is_known = bools(pc.not_equal(code, ""))
        if source.canonical == "medication":
            is_known |= bools(pc.not_equal(name, ""))
        if source.table != "observation":
            _count(piece.column(standard), is_known, concepts, unknown)
        elif source.canonical == "observation":
            facts = [told(table, piece, concepts) for table in ("condition", "procedure")]
            is_void = _answered(source.table, facts, tally)
            is_used = is_known | facts[0].is_told | facts[1].is_told | is_void
            _count(piece.column(standard), is_used, concepts, unknown)
        keep = pa.array(is_known)
        known = _row_of(piece.filter(keep), code.filter(keep), name.filter(keep), source, concepts)
        yield known, piece.num_rows
    for detail, n in _named(unknown):
        tally.add(source.table, Reason.CODE_NOT_USED, detail, n)


def _answered(table: str, facts: Sequence[Told], tally: Tally) -> Bools:
    """Count what answers did to the facts of `observation`; return where they are none."""
    is_void = np.zeros(len(facts[0].answer), dtype=np.bool_)
    for says, reason in (
        (NO, Reason.VOID_RECORD), (NOT_KNOWN, Reason.VOID_RECORD), (UNCLEAR, Reason.VOID_RECORD),
        (KEPT, Reason.BAD_VALUE),
    ):  # fmt: skip
        hit = np.any([fact.answer == says for fact in facts], axis=0) & ~is_void
        tally.add(table, reason, says, int(hit.sum()))
        is_void |= hit & (says != KEPT)
    return is_void


def _known(source: _Source, piece: pa.Table, concepts: Concepts) -> tuple[pa.Array, pa.Array]:
    """Return the code of each row, and a drug's name; of facts in `observation`, whose they are."""
    if source.table == "observation" and source.canonical != "observation":
        code = told(source.canonical, piece, concepts).code
        return code, pa.array([""] * len(code), pa.string())
    return concepts.known(source.canonical, piece, source.concept)


def _row_of(
    piece: pa.Table, code: pa.Array, name: pa.Array, source: _Source, concepts: Concepts
) -> pa.Table:
    given = {to: text_of(piece.column(at)) for to, at in source.takes.items()}
    given |= {"subject": text_of(piece.column("person_id")), "code": code}
    if source.canonical == "observation":
        given["value"] = concepts.values(piece, given["value"])
        given["unit"] = concepts.units(piece)
    if source.canonical == "medication":
        given["name"] = name
    empty = pa.array([""] * piece.num_rows, pa.string())
    return pa.table({c: given.get(c, empty) for c in all_columns(source.canonical)})


def _count(
    standard: pa.ChunkedArray,
    is_known: Bools,
    concepts: Concepts,
    unknown: dict[str, int],
) -> None:
    """Count rows that are not used, by whether their concept is known at all."""
    others = text_of(standard.filter(pa.array(~is_known)))
    for entry in others.value_counts().to_pylist():
        number = entry["values"]
        says = (
            "code_not_used"
            if concepts.is_there(number)
            else f"concept {number if number.isdigit() else 'unreadable'} is not in CONCEPT"
        )
        unknown[says] = unknown.get(says, 0) + entry["counts"]


def _named(counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Name the concepts that concern most rows, and the others together."""
    order = sorted(counts.items(), key=lambda c: (-c[1], c[0]))
    yield from order[:_NAMED_AT_MOST]
    if len(order) > _NAMED_AT_MOST:
        yield "other concepts not in CONCEPT", sum(n for _, n in order[_NAMED_AT_MOST:])


def _notes(notes: pa.Table) -> pa.Table:
    empty = pa.array([""] * notes.num_rows, pa.string())
    given = {
        "subject": text_of(notes.column("person_id")),
        "text": text_of(notes.column("note_text")),
        "at": text_of(notes.column("note_date")),
    }
    return pa.table({c: given.get(c, empty) for c in all_columns("report_text")})
