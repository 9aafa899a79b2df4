"""The reference of a validation: a CSV of somebody else's scores, joined to the lake.

Comes in: the CSV, a lake. Goes out: one `Pair` a scan that has both scores; how many rows and
scans have none, by reason, with the lines of the CSV.
Refuses: a file that is neither UTF-8 nor UTF-16 with its mark, or lacks the columns it needs.
A row that cannot be used is counted, not refused.

Rows name a scan by `series_key`, or by `issuer` (may be absent), `mrn` and `study_date`, which the
vault resolves. Neither numbers nor keys of rows get into messages; lines of the file do.
"""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from flows import show
from screening.clinical import HIGHEST_AGATSTON
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.reasons import State
from screening.report.subgroups import VESSELS, Pair

Row = Mapping[str, object]
_DATE_FORMS = ("%Y-%m-%d", "%Y%m%d")
_ANY_SCORE = "agatston"
_NUMBERED = ("mrn", "study_date")


class LeftOut(StrEnum):
    """Why a row of the reference has no part in the comparison."""

    NO_KEY = "the row names no scan"
    BAD_DATE = "study_date is not YYYY-MM-DD"
    BAD_CELLS = "the row has more cells than columns, as after a decimal comma"
    BAD_NUMBER = "agatston is not a number from 0 to 20,000"
    UNKNOWN_SERIES = "the lake holds no series of this key"
    UNKNOWN_PERSON = "no scan carries this patient number, or two people do"
    NO_SCAN_THAT_DAY = "the person has no series of that date in the lake"
    NOT_SCORED = "the scan is in the lake, but has no score"
    SEVERAL_SCANS = "the person has several scored scans of that date: name one by series_key"
    NAMED_TWICE = "several rows name the same scan"
    OPTED_OUT = "the person does not want to be part of research"


BOUND_REMARK = "the measured score is a lower bound, or doubtful: compared as it stands"
VESSEL_REMARK = "the score of a vessel is not a number from 0 to 20,000; its total was used"


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """One usable row of the reference. Its repr is safe to log."""

    line: int
    series_key: str = field(repr=False)
    issuer: str = field(repr=False)
    mrn: str = field(repr=False)
    study_date: date | None = field(repr=False)
    agatston: float
    vessels: tuple[float | None, ...]
    reconstruction: str


@dataclass(slots=True)
class Ledger:
    """What became of every row: rows = pairs + left out."""

    n_rows: int = 0
    lines: dict[LeftOut, list[int]] = field(default_factory=dict)
    bad_vessels: list[int] = field(default_factory=list)
    bounds: list[int] = field(default_factory=list)
    not_scored: Counter[str] = field(default_factory=Counter)  # by the code that decided

    def leave_out(self, reason: LeftOut, line: int) -> None:
        """Count one row that has no part."""
        self.lines.setdefault(reason, []).append(line)


@dataclass(frozen=True, slots=True)
class Joined:
    """Pairs, what became of the rows, and the scored scans that nobody scored before."""

    pairs: tuple[Pair, ...]
    ledger: Ledger
    n_without_reference: int
    models: tuple[tuple[str, str, int, int], ...]  # name, digest, scoring version, scans


def join(lake: Lake, reference: Path, as_of: date) -> Joined:
    """Join a reference to the lake's scores.

    Raises
    ------
    ScreeningError
        The file cannot be read, or lacks its columns.
    """
    ledger = Ledger()
    rows = read_reference(reference, ledger)
    current = lake.query("core_disposition", as_of).to_pylist()
    found = _named_once(_match(lake, rows, current, ledger), ledger)
    refused = refused_by(lake, as_of)
    for line in [row.line for row, scan in found if scan["person_key"] in refused]:
        ledger.leave_out(LeftOut.OPTED_OUT, line)
    found = [(row, scan) for row, scan in found if scan["person_key"] not in refused]
    ages = {r["series_key"]: r["age_years"] for r in lake.read("ages").to_pylist()}
    sexes = {r["person_key"]: r["sex"] for r in lake.query("core_sex", as_of).to_pylist()}
    named = {scan["series_key"] for _, scan in found}
    ledger.bounds += [row.line for row, scan in found if _is_open(scan)]
    scored = [r for r in current if _has_score(r) and r["person_key"] not in refused]
    models = Counter(
        (str(s["model_name"]), str(s["model_digest"]), int(str(s["scoring_version"])))
        for _, s in found
    )
    return Joined(
        pairs=tuple(_pair(row, scan, ages, sexes) for row, scan in found),
        ledger=ledger,
        n_without_reference=sum(r["series_key"] not in named for r in scored),
        models=tuple((*model, n) for model, n in sorted(models.items())),
    )


def read_reference(file: Path, ledger: Ledger) -> list[ReferenceRow]:
    """Read the rows; those that say nothing usable go to the ledger."""
    text = _text(file)
    head = text.split("\n", 1)[0]
    separator = ";" if "," not in head and ";" in head else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        columns = [(name or "").strip() for name in reader.fieldnames or []]
        _require(columns, "series_key" in columns)
        reader.fieldnames = columns
        return [
            row for cells in reader if (row := _counted(cells, reader.line_num, ledger)) is not None
        ]
    except csv.Error as error:
        raise ScreeningError(
            f"the reference is no CSV from line {reader.line_num} on; save it again"
        ) from error


def _text(file: Path) -> str:
    try:
        written = file.read_bytes()
        is_utf16 = written.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return written.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScreeningError("the reference is not UTF-8 text; save it as CSV UTF-8") from error
    except OSError as error:
        raise ScreeningError(f"cannot read {file}: {error.strerror}") from error


def _require(columns: Sequence[str], by_key: bool) -> None:
    missing = [n for n in (_ANY_SCORE, *(() if by_key else _NUMBERED)) if n not in columns]
    if missing:
        raise ScreeningError(
            f"the reference lacks {', '.join(missing)}; give series_key,agatston "
            "or issuer,mrn,study_date,agatston"
        )


def _counted(cells: Mapping[str | None, object], line: int, ledger: Ledger) -> ReferenceRow | None:
    """Read one row; None where the ledger has it."""
    ledger.n_rows += 1
    plain = {k: v.strip() for k, v in cells.items() if k and isinstance(v, str)}
    row = LeftOut.BAD_CELLS if _has_more(cells) else _row(plain, line)
    if isinstance(row, LeftOut):
        ledger.leave_out(row, line)
        return None
    if any(plain.get(v) and row.vessels[i] is None for i, v in enumerate(VESSELS)):
        ledger.bad_vessels.append(line)
    return row


def _has_more(cells: Mapping[str | None, object]) -> bool:
    """Whether a row has cells beyond the columns with anything in them."""
    beyond = cells.get(None)
    return isinstance(beyond, list) and any(cell.strip() for cell in beyond)


def _row(cells: Mapping[str, str], line: int) -> ReferenceRow | LeftOut:
    by_key = bool(cells.get("series_key"))
    if not by_key and not cells.get("mrn"):
        return LeftOut.NO_KEY
    day = None if by_key else _day(cells.get("study_date", ""))
    if day is None and not by_key:
        return LeftOut.BAD_DATE
    agatston = _amount(cells.get(_ANY_SCORE, ""))
    if agatston is None:
        return LeftOut.BAD_NUMBER
    return ReferenceRow(
        line=line,
        series_key=cells.get("series_key", ""),
        issuer=cells.get("issuer", ""),
        mrn=cells.get("mrn", ""),
        study_date=day,
        agatston=agatston,
        vessels=tuple(_amount(cells.get(name, "")) for name in VESSELS),
        reconstruction=cells.get("reconstruction", ""),
    )


def _amount(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= HIGHEST_AGATSTON else None


def _day(text: str) -> date | None:
    for form in _DATE_FORMS:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    return None


def _has_score(scan: Row) -> bool:
    return scan["state"] == State.SCORED and scan["agatston"] is not None


def _is_open(scan: Row) -> bool:
    """Whether a score says of itself that it is "at least" so much, or may be wrong."""
    score, flags = scan["agatston"], scan["quality_flags"]
    return bool(show.at_least(score, flags) or show.doubt(score, flags))


def _match(
    lake: Lake, rows: Sequence[ReferenceRow], current: Sequence[Row], ledger: Ledger
) -> list[tuple[ReferenceRow, Row]]:
    """Find the one scored scan that each row means."""
    by_key = {scan["series_key"]: scan for scan in current}
    by_day: dict[tuple[object, object], list[Row]] = {}
    for scan in current:
        by_day.setdefault((scan["person_key"], scan["index_date"]), []).append(scan)
    columns = {
        "issuer": pa.array([row.issuer for row in rows], pa.string()),
        "mrn": pa.array([row.mrn for row in rows], pa.string()),
    }
    people = lake.vault.person_keys(pa.table(columns)).to_pylist()
    found = []
    for row, person in zip(rows, people, strict=True):
        if row.series_key:
            scans = [by_key[row.series_key]] if row.series_key in by_key else []
            none = LeftOut.UNKNOWN_SERIES
        else:
            scans = by_day.get((person, row.study_date), []) if person else []
            none = LeftOut.NO_SCAN_THAT_DAY if person else LeftOut.UNKNOWN_PERSON
        scored = [scan for scan in scans if _has_score(scan)]
        if len(scored) == 1:
            found.append((row, scored[0]))
        elif scored:
            ledger.leave_out(LeftOut.SEVERAL_SCANS, row.line)
        elif scans:
            ledger.leave_out(LeftOut.NOT_SCORED, row.line)
            ledger.not_scored[_why_not(scans)] += 1
        else:
            ledger.leave_out(none, row.line)
    return found


def _why_not(scans: Sequence[Row]) -> str:
    """Return the code that decided, of the CT series of a day; of any series where none is CT."""
    reasons = {str(s["reason"]) for s in scans if s["modality"] == "CT"}
    return ", ".join(sorted(reasons or {str(s["reason"]) for s in scans}))


def _named_once(
    found: list[tuple[ReferenceRow, Row]], ledger: Ledger
) -> list[tuple[ReferenceRow, Row]]:
    """Leave out all rows of a scan that several name: nobody knows which of them is right."""
    times = Counter(scan["series_key"] for _, scan in found)
    for row, scan in found:
        if times[scan["series_key"]] > 1:
            ledger.leave_out(LeftOut.NAMED_TWICE, row.line)
    return [(row, scan) for row, scan in found if times[scan["series_key"]] == 1]


def refused_by(lake: Lake, as_of: date) -> set[str]:
    """Return the people who do not want to be part of research, as of a day."""
    on = lake.wishes_on(as_of)
    return {
        r["person_key"]
        for r in lake.read("policy").to_pylist()
        if r["scope"] in ("opt_out_all", "opt_out_research")
        and (r["valid_from"] is None or r["valid_from"] <= on)
    }


def _pair(
    row: ReferenceRow, scan: Row, ages: Mapping[str, object], sexes: Mapping[str, object]
) -> Pair:
    key, person = str(scan["series_key"]), str(scan["person_key"])
    age = ages.get(key)
    age = scan["header_age_years"] if age is None else age
    stated = sexes.get(person, "")
    return Pair(
        person_key=person,
        reference=row.agatston,
        measured=_number(scan["agatston"]) or 0.0,
        reference_vessels=row.vessels,
        measured_vessels=tuple(_number(scan[f"agatston_{v.lower()}"]) for v in VESSELS),
        sex=str(stated) if stated in ("F", "M") else "",
        age_years=_number(age),
        manufacturer=str(scan["manufacturer"] or ""),
        kernel=str(scan["kernel"] or ""),
        reconstruction=row.reconstruction or str(scan.get("reconstruction") or ""),
        thickness_mm=_number(scan["thickness_mm"]),
        grade=str(scan["grade"] or ""),
        is_gated=None if scan["is_gated"] is None else bool(scan["is_gated"]),
        scan_kind=str(scan["scan_kind"] or ""),
        series_key=key,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
