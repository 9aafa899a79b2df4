"""Who came onto the list, and who left it.

Comes in: the table `listed` as the last sweep left it, tonight's flags. Goes out: `listed` of
tonight: everybody on the list, and who was on it and is not back.
Refuses: nothing. A night killed and run again gives the same.
"""

from collections.abc import Mapping
from datetime import date

import pyarrow as pa

from screening.lake import Lake
from screening.tables import LISTED

Row = Mapping[str, object]
_THEN = ("person_key", "series_key", "tier", "agatston")


def keep_list(lake: Lake, as_of: date) -> None:
    """Bring the table of who is and was on the list up to date with tonight's flags."""
    flags = lake.query("core_person_flag", as_of).select([*_THEN, "flag"]).to_pylist()
    now = [row for row in flags if row["flag"] == "flagged"]
    lake.replace("listed", listed(lake.read("listed").to_pylist(), now, as_of))


def listed(before: list[Row], now: list[Row], as_of: date) -> pa.Table:
    """Return who is on the list, since when, and who has left it.

    Parameters
    ----------
    before : rows of the last sweep
    now : people on the list tonight, with the scan, tier and score that put them there
    """
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
