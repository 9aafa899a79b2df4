"""Counting at a door what does not become a row.

Comes in: a source, a reason, a detail. Goes out: CLINICAL_REJECTIONS.
Refuses: nothing.
"""

from collections import Counter

import pyarrow as pa

from screening.clinical.sieve import counted
from screening.reasons import Reason
from screening.tables import CLINICAL_REJECTIONS


class Tally:
    """Counts by source, reason and detail."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def add(self, source: str, reason: Reason, detail: str, n: int = 1) -> None:
        """Count `n` more."""
        if n:
            self._counts[source, reason.value, detail] += n

    def table(self) -> pa.Table:
        """Return what was counted."""
        sources = sorted({source for source, _, _ in self._counts})
        tables = [
            counted(s, {(r, d): n for (of, r, d), n in self._counts.items() if of == s})
            for s in sources
        ]
        return pa.concat_tables([CLINICAL_REJECTIONS.empty(), *tables])
