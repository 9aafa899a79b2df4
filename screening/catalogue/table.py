"""The table `series` from catalogue entries.

Comes in: entries, and the people whose headers contradict one another.
Goes out: an Arrow table of the schema `SERIES`; which of its series may have a score that counts.
Refuses: nothing.
"""

from collections.abc import Sequence

import pyarrow as pa

from screening.catalogue.group import Entry
from screening.tables import SERIES


def series_table(entries: Sequence[Entry], conflicted: frozenset[str] = frozenset()) -> pa.Table:
    """Return one row an entry, in the given order.

    Parameters
    ----------
    entries : sequence of Entry
    conflicted : keys of people whose headers tonight contradict one another

    Returns
    -------
    pa.Table of the schema `SERIES`; `index_date` is the local date of acquisition.
    """
    columns: dict[str, pa.Array] = {}
    conflicts = [e.series.has_several_owners or e.series.person_key in conflicted for e in entries]
    for name, kind in zip(SERIES.schema.names, SERIES.schema.types, strict=True):
        if name == "is_conflicted":
            columns[name] = pa.array(conflicts, kind)
            continue
        field = "acquired_on" if name == "index_date" else name
        columns[name] = pa.array([getattr(e.series, field) for e in entries], type=kind)
    return SERIES.check(pa.table(columns, schema=SERIES.schema))


def standing(series: pa.Table) -> set[str]:
    """Return the keys of the series whose score may count: not rejected, of one known owner.

    series : `SERIES`
    """
    rows = series.select(["series_key", "rejection", "is_conflicted"]).to_pylist()
    return {r["series_key"] for r in rows if not (r["rejection"] or r["is_conflicted"])}
