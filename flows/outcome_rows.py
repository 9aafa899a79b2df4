"""A site's outcomes joined to a lake: whose row is whose.

Comes in: the CSV that `risk fit` reads, a lake. Goes out: its rows under the lake's keys; how many
rows name nobody swept, by reason.
Refuses: a file without one of its columns, or that is no CSV. A row that cannot be used is
counted, not refused.

`person_id` is the person's key in the lake (`p_…`), or the patient's number, with `issuer` in a
column of that name where numbers of several exist. `scan_date` says from which scan time counts.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from flows.reference import refused_by
from screening import clinical, risk
from screening.errors import ScreeningError
from screening.lake import Lake

_PERSON, _DAY, _ISSUER = "person_id", "scan_date", "issuer"
_SAYS = ("prevalent", "followup_years", "outcome")


class LeftOut(StrEnum):
    """Why a row names no scan of anybody swept."""

    BAD_CELLS = "too many or too few cells"
    NO_PERSON = "no person_id"
    BAD_DATE = "scan_date cannot be read"
    UNKNOWN_PERSON = "no scan carries this person_id, or two people do"
    NO_SCAN_THAT_DAY = "the person has no CT of that scan_date in the lake"
    OPTED_OUT = "the person does not want to be part of research"
    CONTRADICTING = risk.CONTRADICTING
    SAME_AGAIN = risk.SAME_AGAIN


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows that name a scan of somebody swept, as text (`person_id` the key) and typed.

    refused : people who are not part of research; named : whom any row names
    """

    text: pa.Table
    typed: pa.Table
    left_out: Counter[str]
    refused: frozenset[str]
    named: frozenset[str]


def every_scan(
    people: clinical.PeopleFile, name: str
) -> tuple[pa.Table, pa.Table, clinical.Census]:
    """Read a table of outcomes whole: its rows as text and typed, and what was left out.

    Raises
    ------
    ScreeningError
        There are no rows.
    """
    whole = clinical.take_census(people)
    # Several scans of one person are several rows here, no contradiction.
    census = clinical.Census(whole.n_rows, frozenset(), frozenset(), whole.lines_left_out)
    pieces = list(clinical.read_people(people, census))
    if not pieces:
        raise ScreeningError(f"{name} has no rows")
    text = pa.concat_tables([piece for piece, _ in pieces])
    return text, pa.concat_tables([rows for _, rows in pieces]), census


def cut_rows(census: clinical.Census) -> dict[str, int]:
    """Count the rows that are none, by reason."""
    n = len(census.lines_left_out)
    return {LeftOut.BAD_CELLS.value: n} if n else {}


def rows_of(lake: Lake, outcomes: Path, as_of: date) -> Rows:
    """Read outcomes and find their people.

    Raises
    ------
    ScreeningError
        The file cannot be read, lacks its columns, or has no rows.
    """
    people = clinical.open_people(outcomes, (_PERSON, _DAY, *_SAYS))
    text, typed, census = every_scan(people, outcomes.name)
    left_out = Counter[str](cut_rows(census))
    keys = _keys(lake, text)
    refused = frozenset(refused_by(lake, as_of))
    reasons = _reasons(lake, text, keys, refused)
    left_out.update(reason for reason in reasons if reason)
    kept = pa.array([i for i, reason in enumerate(reasons) if not reason], pa.int64())
    place = text.column_names.index(_PERSON)
    text = text.set_column(place, _PERSON, pa.array([key or "" for key in keys]))
    named = frozenset(key for key in keys if key)
    return Rows(text.take(kept), typed.take(kept), left_out, refused, named)


def _keys(lake: Lake, text: pa.Table) -> list[str | None]:
    """Take a key for itself, anything else for a number."""
    ids = pc.utf8_trim_whitespace(text.column(_PERSON)).to_pylist()
    swept = set(lake.read("series")["person_key"].to_pylist()) - {"", None}
    issuers = [""] * len(ids)
    if _ISSUER in text.column_names:
        issuers = pc.utf8_trim_whitespace(text.column(_ISSUER)).to_pylist()
    numbers = pa.table(
        {"issuer": pa.array(issuers, pa.string()), "mrn": pa.array(ids, pa.string())}
    )
    found = lake.vault.person_keys(numbers).to_pylist()
    return [i if i in swept else key for i, key in zip(ids, found, strict=True)]


def _reasons(
    lake: Lake, text: pa.Table, keys: list[str | None], refused: frozenset[str]
) -> list[str]:
    """Say of each row why it has no part; empty where it has one."""
    scans = lake.read("series").select(["person_key", "modality", "index_date"]).to_pylist()
    scanned = {(r["person_key"], str(r["index_date"])) for r in scans if r["modality"] == "CT"}
    ids = pc.utf8_trim_whitespace(text.column(_PERSON)).to_pylist()
    days = pc.utf8_trim_whitespace(text.column(_DAY)).to_pylist()
    says = list(zip(*(text.column(n).to_pylist() for n in _SAYS), strict=True))
    said: dict[tuple[str | None, str], set[object]] = {}
    for key, day, row in zip(keys, days, says, strict=True):
        said.setdefault((key, day), set()).add(row)
    seen: set[tuple[str | None, str]] = set()
    reasons = []
    for who, key, day in zip(ids, keys, days, strict=True):
        reasons.append(_reason(who, key, day, scanned, refused))
        if reasons[-1]:
            continue
        if len(said[key, day]) > 1:
            reasons[-1] = LeftOut.CONTRADICTING
        elif (key, day) in seen:
            reasons[-1] = LeftOut.SAME_AGAIN
        seen.add((key, day))
    return reasons


def _reason(
    who: str, key: str | None, day: str, scanned: set[tuple[str, str]], refused: frozenset[str]
) -> str:
    if not who:
        return LeftOut.NO_PERSON
    if key is None:
        return LeftOut.UNKNOWN_PERSON
    if key in refused:
        return LeftOut.OPTED_OUT
    if not _is_day(day):
        return LeftOut.BAD_DATE
    return "" if (key, day) in scanned else LeftOut.NO_SCAN_THAT_DAY


def _is_day(text: str) -> bool:
    try:
        return str(date.fromisoformat(text)) == text
    except ValueError:
        return False
