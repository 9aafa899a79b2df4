"""A folder some of whose files end the process that reads them, as a decoder may.

Comes in: a folder. Goes out: its headers, unless a file named `killer…` is among them.
Refuses: nothing.
"""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from screening import archive
from screening.archive.by_folder import waiting_studies
from screening.archive.listing import Reader


@dataclass(frozen=True)
class Killing:
    """The folder; crossings of the line are marked in `log`, one a death."""

    address: str
    log: str

    def list_files(self, known: pa.Table, today: object) -> archive.Listing:
        return archive.list_files(self.address)

    def shards(self, new: pa.Table) -> list[pa.Table]:
        half = new.num_rows // 2
        return [new.slice(0, half), new.slice(half)]

    def waiting(self, read: Reader, missed: archive.Missed) -> frozenset[str]:
        return waiting_studies(read, missed)

    def read_headers(self, stats: pa.Table) -> archive.HeaderShard:
        if any(Path(p).name.startswith("killer") for p in stats["path"].to_pylist()):
            with Path(self.log).open("a") as log:
                log.write(f"{stats.num_rows}\n")
            os.kill(os.getpid(), signal.SIGSEGV)
        return archive.read_headers(self.address, stats)
