"""The instance index on disk: what the last crawl saw, so that the next opens only what is new.

Comes in: an `Index`, and new instances that are too many for the memory.
Goes out: the same `Index`, each part one file; the index of the last crawl.
Refuses: files that were changed, swapped or are gone.

It holds paths, so every file is sealed. A head names the files of the parts, and is written last:
a night killed before leaves the index of the last crawl, whole. A part that says nothing new is not
written again. An index with other columns or of another `HEADERS_VERSION`, of an older program,
holds nothing: its files are new tonight, and are read again.
"""

import io
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from screening.errors import InfrastructureError, ScreeningError
from screening.header_columns import HEADERS_VERSION
from screening.lake.crypto import seal, unseal
from screening.lake.files import TEMPORARY_PREFIX, write_atomic
from screening.lake.parts import Index, Names, Piece, in_memory
from screening.tables import FILES, INSTANCES

_HEAD = "head.sealed"
_FACTS = b"index"  # in the head's Parquet metadata
_NAME_BYTES = 8


@dataclass(frozen=True, slots=True)
class IndexStore:
    """The folder of sealed files."""

    folder: Path
    key: bytes = field(repr=False)

    def read(self) -> Index:
        """Return the index of the last crawl, empty where there was none; parts are read later."""
        if not (self.folder / _HEAD).is_file():
            return Index(FILES.empty(), ())
        files = self._read_file(_HEAD, None)
        facts = json.loads(files.schema.metadata[_FACTS])
        if facts["columns"] != _columns():
            return Index(FILES.empty(), ())
        parts = (tuple(self._piece(name, n) for name, n in part) for part in facts["parts"])
        return Index(FILES.check(files), tuple(parts))

    def spill(self, instances: pa.Table) -> Piece:
        """Put instances on disk for tonight; in memory where the disk does not take them."""
        name = f"{TEMPORARY_PREFIX}{secrets.token_hex(_NAME_BYTES)}"
        try:
            self._write_file(name, instances)
        except InfrastructureError:
            return in_memory(instances)
        return Piece(instances.num_rows, lambda names: self._read_file(name, names))

    def write(self, index: Index) -> Index:
        """Make the index hold these rows and no others, and return it as it lies on disk."""
        parts: list[tuple[Piece, ...]] = []
        try:
            for part in index.parts:
                parts.append(self._one_file(part))
        except InfrastructureError:
            self._remove(_names(parts) - _names(index.parts))
            raise
        # Should this fail nothing is removed: the head may lie there all the same.
        self._write_head(index.files, parts)
        on_disk = {path.name for path in self.folder.iterdir()}
        self._remove(on_disk - _names(parts) - {_HEAD})
        return Index(index.files, tuple(parts))

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    def _one_file(self, part: Sequence[Piece]) -> tuple[Piece, ...]:
        if not part or (len(part) == 1 and part[0].file):
            return tuple(part)
        name = f"{secrets.token_hex(_NAME_BYTES)}.sealed"
        instances = pa.concat_tables([piece.read(None) for piece in part])
        self._write_file(name, instances)
        return (self._piece(name, instances.num_rows),)

    def _piece(self, name: str, n_rows: int) -> Piece:
        return Piece(n_rows, lambda names: self._read_file(name, names), name)

    def _write_head(self, files: pa.Table, parts: Sequence[Sequence[Piece]]) -> None:
        facts = {
            "columns": _columns(),
            "parts": [[(piece.file, piece.n_rows) for piece in part] for part in parts],
        }
        table = FILES.check(files).sort_by("path")
        self._write_file(_HEAD, table.replace_schema_metadata({_FACTS: json.dumps(facts)}))

    def _write_file(self, name: str, table: pa.Table) -> None:
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd")
        write_atomic(self.folder / name, seal(self.key, sink.getvalue(), _context(name)))

    def _read_file(self, name: str, names: Names | None) -> pa.Table:
        try:
            sealed = (self.folder / name).read_bytes()
        except FileNotFoundError as error:
            raise ScreeningError(
                "a file of the lake's index is gone: where a sweep is writing it anew, try again; "
                "else empty the folder index, and the next sweep reads every header again"
            ) from error
        plain = unseal(self.key, sealed, _context(name))
        table = pq.read_table(pa.BufferReader(plain), columns=names and list(names))
        return table if names is None else table.select(names)


def _names(parts: Iterable[Sequence[Piece]]) -> set[str]:
    return {piece.file for part in parts for piece in part if piece.file}


def _columns() -> list[list[str]]:
    return [[str(HEADERS_VERSION)], INSTANCES.schema.names, FILES.schema.names]


def _context(name: str) -> bytes:
    return f"index {name}".encode()
