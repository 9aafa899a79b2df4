"""Which series only grew since they were scored: their score stands until the whole has its own.

Comes in: the series of the last sweep and of tonight. Goes out: what each was before it grew.
Refuses: nothing; where anything may have been taken away, a series did not only grow.

It is told by numbers, of files and of slices: a series whose files were written anew, as when a
name is corrected, is of other content too, and lost nothing.
"""

from collections.abc import Mapping

import pyarrow as pa

from screening.catalogue import key_of_uid

Row = Mapping[str, object]
_NAMES = ("series_key", "person_key", "content_digest", "n_files", "n_slices", "grown_from")


def grown_from(
    before: pa.Table, now: pa.Table, touched: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    """Return the contents that each series had before, the oldest first, for as long as it grew.

    Parameters
    ----------
    before, now : `SERIES` of the last sweep and of tonight
    touched : keys of UIDs of which something is rejected
    """
    was = {str(r["series_key"]): r for r in before.select(_NAMES).to_pylist()}
    found = {}
    for row in now.select(_NAMES).to_pylist():
        key = str(row["series_key"])
        old = was.get(key)
        if old is not None and _only_grew(old, row) and key_of_uid(key) not in touched:
            past = tuple(old["grown_from"] or ())
            is_same = old["content_digest"] == row["content_digest"]
            found[key] = past if is_same else (*past, old["content_digest"])
    return found


def _only_grew(old: Row, new: Row) -> bool:
    numbers = (int(str(new[n])) >= int(str(old[n])) for n in ("n_files", "n_slices"))
    return old["person_key"] == new["person_key"] and all(numbers)
