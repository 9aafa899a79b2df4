"""Which dispositions exist already, held in memory between two commits.

Comes in: the key columns, state and reasons of the dispositions table, at one version.
Goes out: a batch sorted into new rows and rows that take another's place.
Refuses: nothing; what is already settled is dropped. What rules said gives way to what they say
now, as when a wish ends and its series is not chosen; what came of working a scan stands.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

import pyarrow as pa

from screening.reasons import State
from screening.tables import DISPOSITIONS

_DIGEST_BYTES = 16
_SCORING_VERSION = DISPOSITIONS.key.index("scoring_version")
_WORKED = ""


@dataclass(slots=True)
class Ledger:
    """The keys of one version of the table; 16 bytes a key, so millions fit."""

    COLUMNS = (*DISPOSITIONS.key, "state", "reasons")

    version: int = -1
    _known: dict[bytes, str] = field(default_factory=dict, repr=False)

    def load(self, version: int, rows: pa.Table) -> None:
        """Take over the table as it stands at `version`."""
        self._known = dict(_standing(rows))
        self.version = version

    def note(self, version: int, rows: pa.Table) -> None:
        """Add what was just committed as `version`."""
        self._known.update(_standing(rows))
        self.version = version

    def sort_out(self, rows: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Split a batch.

        Returns
        -------
        The rows whose key is new (of two with one key the first), and those whose key has
        something else that gives way. All others are left out.
        """
        new: list[int] = []
        better: list[int] = []
        seen: set[bytes] = set()
        for i, (digest, standing) in enumerate(_standing(rows)):
            known = self._known.get(digest)
            if digest in seen or known in (_WORKED, standing):
                continue
            if known is not None and _is_pending(standing) and not _is_pending(known):
                continue
            seen.add(digest)
            (new if known is None else better).append(i)
        return rows.take(pa.array(new, pa.int64())), rows.take(pa.array(better, pa.int64()))


def _standing(rows: pa.Table) -> Iterator[tuple[bytes, str]]:
    """Give each row's key digest, and state and reasons of what may give way (never empty then)."""
    columns = [rows.column(name).to_pylist() for name in Ledger.COLUMNS]
    for *key, state, reasons in zip(*columns, strict=True):
        digest = blake2b(repr(key).encode(), digest_size=_DIGEST_BYTES).digest()
        is_of_rules = not key[_SCORING_VERSION]
        gives_way = state == State.PENDING or is_of_rules
        # A few texts for millions of rows.
        yield digest, sys.intern(" ".join([str(state), *(reasons or [])])) if gives_way else _WORKED


def _is_pending(standing: str) -> bool:
    return standing.split(" ", 1)[0] == State.PENDING
