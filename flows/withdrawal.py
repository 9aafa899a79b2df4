"""What the archive took back since the last sweep, and why.

Comes in: the series of the last sweep, those of tonight, and what was withdrawn before.
Goes out: the table `withdrawals`: a row while the images stay away from the person, none once
they are back.
Refuses: nothing.

Where one UID holds several stacks, the largest has the key without a tag. If that one goes, the
next takes its key. So of stacks the content says which went; its row has the key that is free now.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from screening.catalogue import key_of_uid
from screening.lake import Lake
from screening.reasons import Reason, State
from screening.tables import WITHDRAWALS

Row = Mapping[str, object]


Whose = tuple[str, str]  # a UID, by its key, and a person


@dataclass(frozen=True, slots=True)
class Held:
    """How many files of a UID each person had in the last sweep, and has tonight."""

    before: Mapping[Whose, int]
    now: Mapping[Whose, int]

    def has_more(self, row: Row) -> bool:
        """Whether a series' person has more of its UID than before: images moved there."""
        whose = _whose(row)
        return self.now.get(whose, 0) > self.before.get(whose, 0)


def withdrawn(lake: Lake, now: pa.Table, as_of: date) -> pa.Table:
    """Return every series that was taken from a person and is not back.

    Parameters
    ----------
    lake : with the tables `series` and `withdrawals` of the last sweep
    now : `SERIES` of tonight
    as_of : the night's date
    """
    there = {str(r["series_key"]): r for r in now.to_pylist()}
    before = lake.read("series").to_pylist()
    held = Held(_files_of(before), _files_of(there.values()))
    stacks = _gone_stacks(before, there)
    kept = {
        (r["series_key"], r["person_key"]): r
        for r in lake.read("withdrawals").to_pylist()
        if _why(r, there, held) is not None
    }
    fresh = [
        (row["series_key"], stacks.get(row["series_key"], row), reason)
        for row in before
        if (row["series_key"], row["person_key"]) not in kept
        and not row["rejection"]
        and not _is_in_another_stack(row, there, stacks, held)
        and (reason := _why(row, there, held)) is not None
    ]
    scores = _scores(lake, {_content(row) for _, row, _ in fresh})
    rows = [
        {
            "series_key": key,
            **{n: row[n] for n in ("study_key", "person_key", "modality")},
            "reason": reason.value,
            "withdrawn_on": as_of,
            "index_date": row["index_date"],
            "agatston": scores.get(_content(row)),
        }
        for key, row, reason in fresh
    ]
    every = sorted([*kept.values(), *rows], key=lambda r: (r["series_key"], r["person_key"]))
    return WITHDRAWALS.check(pa.Table.from_pylist(every, schema=WITHDRAWALS.schema))


def _whose(row: Row) -> Whose:
    return key_of_uid(str(row["series_key"])), str(row["person_key"])


def _why(before: Row, there: Mapping[str, Row], held: Held) -> Reason | None:
    """Say why a person's series counts no longer; None where it does.

    What lies under one UID for two people moved from neither: its disposition says so.
    """
    key = str(before["series_key"])
    found = there.get(key) or there.get(key_of_uid(key))
    if found is None:
        return Reason.LEFT_ARCHIVE
    if found["person_key"] != before["person_key"]:
        if _whose(before) in held.now:
            return None
        return Reason.MOVED_TO_ANOTHER_PERSON if held.has_more(found) else Reason.LEFT_ARCHIVE
    if key not in there:
        return Reason.LEFT_ARCHIVE
    return Reason.REJECTED_IN_ARCHIVE if found["rejection"] else None


def _is_in_another_stack(
    row: Row, there: Mapping[str, Row], gone: Mapping[str, Row], held: Held
) -> bool:
    """Whether a key went, but its images lie under another key of their UID, for that person."""
    key = str(row["series_key"])
    return key not in there and key not in gone and _whose(row) in held.now


def _gone_stacks(before: Iterable[Row], there: Mapping[str, Row]) -> dict[str, Row]:
    """Tell which stacks went of UIDs that are still there: the free key, and the stack."""
    old_of, new_of = _by_owner(before), _by_owner(there.values())
    found: dict[str, Row] = {}
    for whose, old in old_of.items():
        keys = [str(r["series_key"]) for r in old if str(r["series_key"]) not in there]
        new = new_of.get(whose, [])
        if keys and new:
            found |= zip(keys, _lost(old, new), strict=False)
    return found


def _lost(old: Iterable[Row], new: Iterable[Row]) -> list[Row]:
    """Return the stacks whose images went; none where they may lie in a stack that grew."""
    was, is_now = ({r["content_digest"] for r in rows} for rows in (old, new))
    lost = [r for r in old if r["content_digest"] not in is_now]
    grown = {r["series_key"]: r for r in new if r["content_digest"] not in was}
    if grown and _n_files(grown.values()) >= _n_files(lost):
        return []
    return [r for r in lost if r["series_key"] not in grown]


def _n_files(rows: Iterable[Row]) -> int:
    return sum(int(str(r["n_files"])) for r in rows)


def _files_of(rows: Iterable[Row]) -> dict[Whose, int]:
    return {whose: _n_files(found) for whose, found in _by_owner(rows).items()}


def _by_owner(rows: Iterable[Row]) -> dict[Whose, list[Row]]:
    found: dict[Whose, list[Row]] = defaultdict(list)
    for row in rows:
        found[_whose(row)].append(row)
    return found


def _content(row: Row) -> tuple[str, str]:
    return str(row["series_key"]), str(row["content_digest"])


def _scores(lake: Lake, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """Return the last score of each content of a series that has one.

    By content: under one key others' images may have been scored, or fewer of these.
    """
    if not wanted:
        return {}
    names = ["series_key", "content_digest", "state", "agatston", "committed_at"]
    rows = lake.read("dispositions").select(names).to_pylist()
    scored = [r for r in rows if _content(r) in wanted and r["state"] == State.SCORED]
    scored.sort(key=lambda r: str(r["committed_at"]))
    return {_content(r): r["agatston"] for r in scored}
