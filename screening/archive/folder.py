"""An archive that is a folder tree.

Comes in: a folder's absolute path.
Goes out: its `Source`; paths are those below the folder.
Refuses: an empty folder.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa

from screening.archive.by_folder import waiting_studies
from screening.archive.damaged import damaged_studies
from screening.archive.listing import Listing, Missed, Reader, is_empty, list_files
from screening.archive.reading import read_bytes
from screening.archive.settling import young_paths
from screening.archive.shard import HeaderShard, read_headers
from screening.errors import ScreeningError

EMPTY = "the archive is empty: no file below its folder; check the address"
FILES_PER_SHARD = 400
_NS_A_SECOND = 1e9


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder tree."""

    address: str
    settle_minutes: float = 0.0

    @property
    def longest_read_seconds(self) -> float:
        """None: a scan's own time has room for reading a disk."""
        return 0.0

    def check(self) -> None:
        """Refuse an empty folder."""
        if is_empty(self.address):
            raise ScreeningError(EMPTY)

    def list_files(self, known: pa.Table, today: date) -> Listing:
        """Walk the whole tree: every file is looked at every night."""
        found = list_files(self.address)
        assert found.written_ns is not None
        written_seconds = found.written_ns / _NS_A_SECOND
        young = young_paths(found.stats["path"], written_seconds, time.time(), self.settle_minutes)
        return replace(found, young=young)

    def shards(self, new: pa.Table) -> list[pa.Table]:
        """Split into equal numbers of files."""
        starts = range(0, new.num_rows, FILES_PER_SHARD)
        return [new.slice(start, FILES_PER_SHARD) for start in starts]

    def read_headers(self, stats: pa.Table) -> HeaderShard:
        """Read the headers of files."""
        return read_headers(self.address, stats)

    def waiting(self, read: Reader, missed: Missed) -> frozenset[str]:
        """Return whose study waits for what was not delivered or is damaged."""
        return waiting_studies(read, missed) | damaged_studies(read, missed)

    def has_changed(self, path: str, mark: int) -> bool:
        """Return no: whether files are still being written, the settling time tells."""
        return False

    def read_bytes(self, paths: Sequence[str]) -> list[bytes]:
        """Read whole files."""
        return read_bytes(self.address, paths)
