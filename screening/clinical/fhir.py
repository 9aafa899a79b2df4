"""FHIR R4 as bulk exports write it: one resource a line, in any number of .ndjson files.

Comes in: a folder with *.ndjson, *.jsonl or *.ndjson.gz, at any depth.
Goes out: rows of the canonical tables, under the server's own name of each patient.
Refuses: lines that are no resource, files that end in their middle, what is void or speaks of
nobody (each counted); the rest goes on.

A resource that stands in several files counts once, in its latest version (`meta.lastUpdated`):
what was entered in error after it had been exported is gone.
"""

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from screening.clinical.codes import Codes
from screening.clinical.fhir_facts import READERS, Reader, leaves_score_open, void, with_medicine
from screening.clinical.fhir_names import file_called, type_called
from screening.clinical.fhir_patients import patients
from screening.clinical.fhir_values import items, named_by, reference, text
from screening.clinical.files import all_columns, no_rows
from screening.clinical.tally import Tally
from screening.config import ClinicalSettings
from screening.reasons import Reason

Row = dict[str, str]
Resource = dict[str, Any]
Key = tuple[str, str]

_ENDINGS = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
_TABLES = ("person", "observation", "condition", "medication", "procedure", "report_text")


def resource_files(folder: Path) -> list[Path]:
    """Return the files of a bulk export, in a fixed order."""
    found = (f for f in folder.rglob("*") if f.name.lower().endswith(_ENDINGS) and f.is_file())
    return sorted(found)


def read_fhir(
    folder: Path, settings: ClinicalSettings, codes: Codes
) -> tuple[dict[str, pa.Table], pa.Table, Mapping[str, int]]:
    """Read a bulk export.

    Returns
    -------
    The canonical tables as text columns, the counts of what was not taken, and how many resources
    of each type there were
    """
    tally = Tally()
    found = _Export(codes, tally)
    files = resource_files(folder)
    for place, file in enumerate(files, start=1):
        for resource, url in _resources(file, file_called(file, place, len(files)), tally):
            found.take(resource, url)
    rows, subjects = patients(found.patients(), settings, tally)
    tables = {"person": rows, **found.rows(subjects)}
    canonical = {name: _table(name, tables.get(name, [])) for name in _TABLES}
    return canonical, tally.table(), found.n_of


class _Export:
    """The resources of an export, as rows; each in its latest version."""

    def __init__(self, codes: Codes, tally: Tally) -> None:
        self._codes = codes
        self._tally = tally
        self.n_of: Counter[str] = Counter()
        self._version: dict[Key, str] = {}
        self._patients: dict[str, Resource] = {}
        self._medications: dict[str, Resource] = {}
        # Of each resource that is used: whom it speaks of, and its rows by table.
        self._facts: dict[Key, tuple[str, list[tuple[str, Row]]]] = {}
        # Bundles call their entries by a URL of their own.
        self._called: dict[Key, str] = {}
        self._unnamed = 0

    def take(self, resource: Resource, url: str = "") -> None:
        """Take one resource, or count why not; `url` is the one its bundle calls it by."""
        kind, name = text(resource, "resourceType"), text(resource, "id")
        self.n_of[kind] += 1
        called = named_by(reference({"reference": url}))
        name = name or called
        if called:
            self._called[kind, called] = name
        if not name:
            self._unnamed += 1
            name = f"?{self._unnamed}"  # an id that no server gives: never the same as another
        key, version = (kind, name), text(resource, "meta", "lastUpdated")
        if key in self._version:
            self._tally.add(kind, Reason.DUPLICATE_ROW, "the same resource again")
            if version < self._version[key]:
                return
            self._forget(key)
        self._version[key] = version
        if kind == "Patient":
            self._patients[name] = resource
        elif kind == "Medication":
            self._medications[name] = resource
        elif kind in READERS:
            self._take_fact(READERS[kind], key, resource)
        else:
            del self._version[key]
            self._tally.add("fhir", Reason.CODE_NOT_USED, f"resources of {type_called(kind)}")

    def patients(self) -> dict[str, Resource]:
        """Return the patients that are none in error."""
        return {name: p for name, p in sorted(self._patients.items()) if not void("Patient", p)}

    def rows(self, subjects: Mapping[str, str]) -> dict[str, list[Row]]:
        """Return the rows of each table, with the patient each speaks of."""
        tables: dict[str, list[Row]] = {name: [] for name in _TABLES[1:]}
        for (kind, _), (who, facts) in sorted(self._facts.items()):
            subject = subjects.get(self._id_of("Patient", who))
            if subject is None:
                self._tally.add(kind, Reason.BAD_VALUE, "subject is no patient of this export")
                continue
            for table, row in facts:
                tables[table].append({**self._resolved(row), "subject": subject})
        return tables

    def _take_fact(self, readers: tuple[Reader, ...], key: Key, resource: Resource) -> None:
        reason = void(key[0], resource)
        if reason:
            self._tally.add(key[0], Reason.VOID_RECORD, reason)
            return
        if key[0] == "DiagnosticReport" and leaves_score_open(resource, self._codes):
            self._tally.add(
                key[0],
                Reason.VOID_RECORD,
                "a calcium score CT whose report tells no score and denies something",
            )
        rows = [(r.table, row) for r in readers for row in r.rows(resource, self._codes)]
        if not rows:
            self._tally.add(key[0], Reason.CODE_NOT_USED, "code_not_used")
            return
        who = reference(resource.get("subject") or resource.get("patient"))
        self._facts[key] = (who, rows)

    def _forget(self, key: Key) -> None:
        self._facts.pop(key, None)
        if key[0] == "Patient":
            self._patients.pop(key[1], None)

    def _resolved(self, row: Row) -> Row:
        """Fill in the medicine that a row points to."""
        pointer = row.pop("medication", "")
        if not pointer:
            return row
        medication = self._medications.get(self._id_of("Medication", pointer))
        return with_medicine(row, medication or {}, self._codes)

    def _id_of(self, kind: str, pointer: str) -> str:
        name = named_by(pointer)
        return self._called.get((kind, name), name)


def _resources(file: Path, called: str, tally: Tally) -> Iterator[tuple[Resource, str]]:
    """Give the resources of one file with their URLs; what is cut or is none is counted."""
    try:
        for line in _lines(file):
            if not line.strip():
                continue
            try:
                resource = _parsed(line)
            except (ValueError, RecursionError):
                whole = line.endswith(b"\n")
                reason = Reason.BAD_VALUE if whole else Reason.CUT_SHORT
                says = "a line is not JSON in " if whole else "ends in the middle of a line: "
                tally.add("fhir", reason, says + called)
                continue
            if isinstance(resource, dict) and text(resource, "resourceType"):
                yield from _unbundled(resource)
            else:
                tally.add("fhir", Reason.BAD_VALUE, f"a line is no resource in {called}")
    except (EOFError, zlib.error, gzip.BadGzipFile):
        tally.add("fhir", Reason.CUT_SHORT, f"compressed file is cut: {called}")


def _unbundled(resource: Resource) -> Iterator[tuple[Resource, str]]:
    """Give a resource, or those of a bundle, each with the URL its entry gives it, "" for none."""
    if text(resource, "resourceType") != "Bundle":
        yield resource, ""
        return
    for entry in items(resource, "entry"):
        inner = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(inner, dict):
            yield inner, text(entry, "fullUrl")


def _parsed(line: bytes) -> Any:
    """Read JSON; half a character, which it may hold and no file can, becomes a question mark."""
    resource = json.loads(line)
    if b"\\u" not in line:  # only written so can it be halved
        return resource
    return json.loads(json.dumps(resource, ensure_ascii=False).encode("utf-8", "replace"))


def _lines(file: Path) -> Iterator[bytes]:
    if not file.name.lower().endswith(".gz"):
        with file.open("rb") as lines:
            yield from lines
        return
    with gzip.open(file, "rb") as unpacked:
        yield from unpacked


def _table(name: str, rows: list[Row]) -> pa.Table:
    if not rows:
        return no_rows(name)
    columns = {c: [row.get(c, "") for row in rows] for c in all_columns(name)}
    return pa.table({c: pa.array(v, pa.string()) for c, v in columns.items()})
