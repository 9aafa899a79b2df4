"""Who came onto the list, and who left it.

Comes in: the table `listed` as the last sweep left it, tonight's flags. Goes out: `listed` of
tonight: everybody on the list, and who was on it and is not back.
Refuses: nothing. A night killed and run again gives the same. A look into the past, a sweep as of
a day before that of an earlier one, moves nobody.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

import pyarrow as pa

from screening.lake import Lake
from screening.scan_dates import AHEAD
from screening.tables import LISTED

Row = Mapping[str, object]
_THEN = ("person_key", "series_key", "tier", "agatston")


def keep_list(lake: Lake, as_of: date) -> None:
    """Bring the table of who is and was on the list up to date with tonight's flags."""
    day = kept_for(lake.read("runs").to_pylist())
    if day is not None and as_of < day:
        return
    flags = lake.query("core_person_flag", as_of).select([*_THEN, "flag"]).to_pylist()
    now = [row for row in flags if row["flag"] == "flagged"]
    lake.replace("listed", listed(lake.read("listed").to_pylist(), now, as_of))


def kept_for(runs: Iterable[Row]) -> date | None:
    """Return the latest day as of which a sweep was finished: `listed` is of that day.

    runs : RUNS. A day ahead of its sweep counts as that sweep's own: else one slip of the year
        would make every night after it a look into the past
    """
    days = [
        min(as_of, begun.date() + AHEAD)
        for run in runs
        if run["seconds"] is not None
        and isinstance(as_of := run["as_of"], date)
        and isinstance(begun := run["started_at"], datetime)
    ]
    return max(days, default=None)


def listed(before: list[Row], now: list[Row], as_of: date) -> pa.Table:
    """Return who is on the list, since when, and who has left it.

    Parameters
    ----------
    before : rows of the last sweep
    now : people on the list tonight, with the scan, tier and score that put them there
    """
    before = [
        {**row, **{name: _by(row[name], as_of) for name in ("listed_on", "left_on")}}
        for row in before
    ]
    since = {row["person_key"]: row["listed_on"] for row in before if row["left_on"] is None}
    here = {row["person_key"] for row in now}
    rows = [
        {
            **{name: row[name] for name in _THEN},
            "listed_on": since.get(row["person_key"], as_of),
            "left_on": None,
        }
        for row in now
    ]
    rows += [
        {**row, "left_on": row["left_on"] or as_of}
        for row in before
        if row["person_key"] not in here
    ]
    rows.sort(key=lambda row: str(row["person_key"]))
    return LISTED.check(pa.Table.from_pylist(rows, schema=LISTED.schema))


def _by(day: object, as_of: date) -> date | None:
    """Return the day, as_of at the latest: an earlier sweep may have been as of a day to come."""
    return min(day, as_of) if isinstance(day, date) else None
