"""What the archive took back since the last sweep, and why.

Comes in: the series of the last sweep, those of tonight, and what was withdrawn before.
Goes out: the table `withdrawals`: a row while the images stay away from the person, none once
they are back.
Refuses: nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import date

import pyarrow as pa

from screening.lake import Lake
from screening.reasons import Reason, State
from screening.tables import WITHDRAWALS

Row = Mapping[str, object]
_PART = "+"  # joins the key of a UID with the tag of one of its stacks


def withdrawn(lake: Lake, now: pa.Table, as_of: date) -> pa.Table:
    """Return every series that was taken from a person and is not back.

    Parameters
    ----------
    lake : with the tables `series` and `withdrawals` of the last sweep
    now : `SERIES` of tonight
    as_of : the night's date
    """
    there = {str(r["series_key"]): r for r in now.to_pylist()}
    kept = {
        (r["series_key"], r["person_key"]): r
        for r in lake.read("withdrawals").to_pylist()
        if _why(r, there) is not None
    }
    fresh = [
        (row, reason)
        for row in lake.read("series").to_pylist()
        if (row["series_key"], row["person_key"]) not in kept
        and not row["rejection"]
        and (reason := _why(row, there)) is not None
    ]
    scores = _scores(lake, {row["series_key"] for row, _ in fresh})
    rows = [
        {
            **{n: row[n] for n in ("series_key", "study_key", "person_key", "modality")},
            "reason": reason.value,
            "withdrawn_on": as_of,
            "index_date": row["index_date"],
            "agatston": scores.get(row["series_key"]),
        }
        for row, reason in fresh
    ]
    every = sorted([*kept.values(), *rows], key=lambda r: (r["series_key"], r["person_key"]))
    return WITHDRAWALS.check(pa.Table.from_pylist(every, schema=WITHDRAWALS.schema))


def _why(before: Row, there: Mapping[str, Row]) -> Reason | None:
    """Say why a person's series counts no longer; None where it does, or lies in another stack."""
    key = str(before["series_key"])
    found = there.get(key)
    if found is None:
        return None if key.partition(_PART)[0] in there else Reason.LEFT_ARCHIVE
    if found["person_key"] != before["person_key"]:
        return Reason.MOVED_TO_ANOTHER_PERSON
    return Reason.REJECTED_IN_ARCHIVE if found["rejection"] else None


def _scores(lake: Lake, keys: Iterable[str]) -> dict[str, float]:
    """Return the last score of each series that has one."""
    wanted = set(keys)
    if not wanted:
        return {}
    names = ["series_key", "state", "agatston", "committed_at"]
    rows = lake.read("dispositions").select(names).to_pylist()
    scored = [r for r in rows if r["series_key"] in wanted and r["state"] == State.SCORED]
    scored.sort(key=lambda r: str(r["committed_at"]))
    return {r["series_key"]: r["agatston"] for r in scored}
