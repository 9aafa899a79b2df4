"""Which rows of one clinical table stay, and why the others do not.

Comes in: masks with a reason. Goes out: the rows that stay, and counts by reason.
Refuses: nothing. Every row is either kept or refused exactly once: in = kept + refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.reasons import Reason
from screening.tables import CLINICAL_REJECTIONS, EVENT

Bools = NDArray[np.bool_]
_INTENSITIES = pa.array(["", "low", "moderate", "high"])


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """The rows taken from one clinical table, and the counts of the others."""

    rows: pa.Table
    rejections: pa.Table


class Sieve:
    """The rows of one table on their way through the checks; the first refusal holds."""

    def __init__(self, source: str, n: int) -> None:
        self.source = source
        self.keep: Bools = np.ones(n, dtype=np.bool_)
        self._counts: dict[tuple[str, str], int] = {}

    def refuse(self, mask: Bools, reason: Reason, detail: str) -> None:
        """Refuse the rows of `mask` that are still in."""
        self._count(mask & self.keep, reason, detail)
        self.keep &= ~mask

    def remark(self, mask: Bools, reason: Reason, detail: str) -> None:
        """Count the rows of `mask` that are still in, and keep them: a part was not usable."""
        self._count(mask & self.keep, reason, detail)

    def refuse_number(self, n: int, reason: Reason, detail: str) -> None:
        """Count `n` rows that fell away after the masks (second copies)."""
        if n:
            key = (reason.value, detail)
            self._counts[key] = self._counts.get(key, 0) + n

    def counts(self) -> pa.Table:
        """CLINICAL_REJECTIONS of this table."""
        return counted(self.source, self._counts)

    def _count(self, mask: Bools, reason: Reason, detail: str) -> None:
        self.refuse_number(int(np.count_nonzero(mask)), reason, detail)


def counted(source: str, counts: Mapping[tuple[str, str], int]) -> pa.Table:
    """Return CLINICAL_REJECTIONS of one source from counts by reason and detail."""
    rows = [
        {"source": source, "reason": str(reason), "detail": detail, "n": n}
        for (reason, detail), n in sorted(counts.items())
    ]
    return pa.Table.from_pylist(rows, CLINICAL_REJECTIONS.schema)


def without_copies(table: pa.Table, key: tuple[str, ...]) -> pa.Table:
    """One row for each key, sorted by it, so that the order of the site's rows cannot matter."""
    return _first_of_each(table, key, [(name, "ascending") for name in table.column_names])


def without_copied_facts(events: pa.Table) -> pa.Table:
    """One row for each fact of EVENT: of copies the one that goes on longest.

    Whose end is unknown goes on; of as long ones the strongest statin counts.
    """
    until = pc.fill_null(events.column("stopped_on"), pa.scalar(date.max, pa.date32()))
    strength = pc.index_in(events.column("intensity"), value_set=_INTENSITIES)
    ranked = events.append_column("until", until).append_column("strength", strength)
    last = [("until", "descending"), ("strength", "descending")]
    order = [*last, *((name, "ascending") for name in events.column_names)]
    return _first_of_each(ranked, EVENT.key, order).select(events.column_names)


def _first_of_each(
    table: pa.Table, key: tuple[str, ...], order: Sequence[tuple[str, str]]
) -> pa.Table:
    ordered = table.sort_by(list(order))
    numbered = ordered.append_column("row", pa.array(np.arange(table.num_rows)))
    first = numbered.group_by(list(key), use_threads=False).aggregate([("row", "min")])
    rows = np.sort(first.column("row_min").to_numpy())
    return ordered.take(pa.array(rows)).sort_by([(name, "ascending") for name in key])
