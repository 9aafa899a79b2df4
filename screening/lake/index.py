"""The instance index: what the last crawl saw, so that the next opens only what is new.

Comes in: INSTANCES and FILES tables.
Goes out: the same, sorted by path.
Refuses: columns other than declared, a shard that was changed.

It holds paths, so every shard is sealed. A path's shard follows from its folder, and a
shard holds both tables: a kill between two shards leaves each path in its old or its new
place, never in two. A shard that says nothing new is not written again. A shard that an older
program wrote with other columns holds nothing: its files are new tonight, and are read again.
"""

import hmac
import io
import zlib
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from screening.lake.crypto import seal, unseal
from screening.lake.files import write_atomic
from screening.tables import FILES, INSTANCES

N_SHARDS = 16
_DIGEST_BYTES = 32
_LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True)
class Index:
    """What the archive holds: usable instances, and files that are none."""

    instances: pa.Table
    files: pa.Table


@dataclass(frozen=True, slots=True)
class IndexStore:
    """The folder of sealed shards."""

    folder: Path
    key: bytes = field(repr=False)

    def read(self) -> Index:
        """Read every shard; empty tables where nothing was crawled yet."""
        instances, files = [INSTANCES.empty()], [FILES.empty()]
        for shard in range(N_SHARDS):
            path = self._path(shard)
            if not path.is_file():
                continue
            plain = unseal(self.key, path.read_bytes()[_DIGEST_BYTES:], _context(shard))
            cut = _LENGTH_BYTES + int.from_bytes(plain[:_LENGTH_BYTES], "big")
            found = pq.read_table(io.BytesIO(plain[_LENGTH_BYTES:cut]))
            if set(found.column_names) != set(INSTANCES.schema.names):
                continue
            instances.append(INSTANCES.check(found))
            files.append(FILES.check(pq.read_table(io.BytesIO(plain[cut:]))))
        return Index(
            pa.concat_tables(instances).sort_by("path"), pa.concat_tables(files).sort_by("path")
        )

    def write(self, instances: pa.Table, files: pa.Table) -> None:
        """Make the index hold these rows and no others."""
        instances = INSTANCES.check(instances).sort_by("path")
        files = FILES.check(files).sort_by("path")
        of_instances, of_files = _shards(instances), _shards(files)
        for shard in range(N_SHARDS):
            self._write_shard(
                shard,
                instances.filter(pa.array(of_instances == shard)),
                files.filter(pa.array(of_files == shard)),
            )

    def _write_shard(self, shard: int, instances: pa.Table, files: pa.Table) -> None:
        path = self._path(shard)
        if instances.num_rows + files.num_rows == 0:
            path.unlink(missing_ok=True)
            return
        first = _to_parquet(instances)
        plain = len(first).to_bytes(_LENGTH_BYTES, "big") + first + _to_parquet(files)
        digest = hmac.digest(self.key, plain, sha256)
        if path.is_file() and _stored_digest(path) == digest:
            return
        write_atomic(path, digest + seal(self.key, plain, _context(shard)))

    def _path(self, shard: int) -> Path:
        return self.folder / f"shard-{shard:02d}.sealed"


def _context(shard: int) -> bytes:
    return f"index shard {shard}".encode()


def _stored_digest(path: Path) -> bytes:
    with path.open("rb") as handle:
        return handle.read(_DIGEST_BYTES)


def _shards(table: pa.Table) -> NDArray[np.int64]:
    """Give each row its shard, from its folder, hashing each folder once."""
    folders = pc.replace_substring_regex(
        table.column("path").combine_chunks(), pattern="[^/]*$", replacement=""
    ).dictionary_encode()
    shards = [zlib.crc32(f.as_py().encode()) % N_SHARDS for f in folders.dictionary]
    rows: NDArray[np.int64] = np.asarray(shards, np.int64)[
        folders.indices.to_numpy(zero_copy_only=False)
    ]
    return rows


def _to_parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
