"""The table `series` from catalogue entries.

Comes in: entries. Goes out: an Arrow table of the schema `SERIES`.
Refuses: nothing.
"""

from collections.abc import Sequence

import pyarrow as pa

from screening.catalogue.group import Entry
from screening.tables import SERIES


def series_table(entries: Sequence[Entry]) -> pa.Table:
    """Return one row an entry, in the given order.

    Parameters
    ----------
    entries : sequence of Entry

    Returns
    -------
    pa.Table of the schema `SERIES`; `index_date` is the local date of acquisition.
    """
    columns: dict[str, pa.Array] = {}
    for name, kind in zip(SERIES.schema.names, SERIES.schema.types, strict=True):
        field = "acquired_on" if name == "index_date" else name
        columns[name] = pa.array([getattr(e.series, field) for e in entries], type=kind)
    return SERIES.check(pa.table(columns, schema=SERIES.schema))
