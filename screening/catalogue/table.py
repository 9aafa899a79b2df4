"""The table `series` from catalogue entries.

Comes in: entries, and the people whose headers contradict one another.
Goes out: an Arrow table of the schema `SERIES`, then also with what rules decide of each series and
what it was before; which of its series may have a score that counts.
Refuses: nothing.
"""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from screening.catalogue.group import Entry
from screening.records import Decision
from screening.tables import SERIES

# What `judged` fills in.
_JUDGED = ("refused", "refused_detail", "place_in_study", "grown_from")


def series_table(entries: Sequence[Entry], conflicted: frozenset[str] = frozenset()) -> pa.Table:
    """Return one row an entry, in the given order.

    Parameters
    ----------
    entries : sequence of Entry
    conflicted : keys of people whose headers tonight contradict one another

    Returns
    -------
    pa.Table of the schema `SERIES`; `index_date` is the local date of acquisition. What `judged`
    tells is empty.
    """
    columns: dict[str, pa.Array] = {}
    conflicts = [e.series.has_several_owners or e.series.person_key in conflicted for e in entries]
    for name, kind in zip(SERIES.schema.names, SERIES.schema.types, strict=True):
        if name == "is_conflicted":
            columns[name] = pa.array(conflicts, kind)
            continue
        if name in _JUDGED:
            columns[name] = pa.nulls(len(entries), kind)
            continue
        field = "acquired_on" if name == "index_date" else name
        columns[name] = pa.array([getattr(e.series, field) for e in entries], type=kind)
    return SERIES.check(pa.table(columns, schema=SERIES.schema))


def judged(
    series: pa.Table, decisions: Iterable[Decision], grown_from: Mapping[str, Sequence[str]]
) -> pa.Table:
    """Add what holds of each series tonight.

    Parameters
    ----------
    series : `SERIES`
    decisions : of those of which rules say something tonight, by their key
    grown_from : contents that a series had before it only grew, the oldest first
    """
    said = {d.series_key: d for d in decisions}
    keys = series["series_key"].to_pylist()
    found = [said.get(key) for key in keys]
    told = {
        "refused": [d and [reason.value for reason in d.reasons] for d in found],
        "refused_detail": [d and (d.detail if d.rank is None else "") for d in found],
        "place_in_study": [d and d.rank for d in found],
        "grown_from": [list(grown_from.get(key, ())) for key in keys],
    }
    for name, values in told.items():
        place = series.schema.get_field_index(name)
        series = series.set_column(place, name, pa.array(values, series.schema.field(name).type))
    return SERIES.check(series)


def standing(series: pa.Table) -> set[str]:
    """Return the keys of the series whose score may count: not rejected, of one known owner.

    series : `SERIES`
    """
    rows = series.select(["series_key", "rejection", "is_conflicted"]).to_pylist()
    return {r["series_key"] for r in rows if not (r["rejection"] or r["is_conflicted"])}
