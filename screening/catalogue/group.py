"""Instances to series.

Comes in: Arrow tables of the schema `INSTANCES`, each of whole series, in any order.
Goes out: one `Entry` a stack of images, with its files from the head to the feet.
Refuses: a table of another schema, and instances without a series key.

Series are told apart by their key: folders and file names say nothing. Where one key holds two
reconstructions (`split.py`), each is a series: the largest keeps the key, the others add to it.
Work over a part's instances is done on whole columns; only one series is looked at in Python.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.catalogue.columns import InstanceColumns, read_columns
from screening.catalogue.describe import describe
from screening.catalogue.owners import Owner, owners, unclear
from screening.catalogue.rejected import mark_rejected, rejections
from screening.catalogue.split import Part, split
from screening.errors import ScreeningError
from screening.frames import choose
from screening.records import Series
from screening.tables import INSTANCES

# Described at once: some hundred megabytes.
BATCH_INSTANCES = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One series and its files from the head to the feet; make it by `Entry.of`.

    packed : its paths, compressed: a night holds those of every series at once
    """

    series: Series
    packed: bytes

    @classmethod
    def of(cls, series: Series, paths: Sequence[str], copies: Sequence[str] = ()) -> "Entry":
        """Keep a series and its files."""
        return cls(series, zlib.compress(json.dumps([list(paths), list(copies)]).encode(), 1))

    @property
    def paths(self) -> tuple[str, ...]:
        """One file an instance."""
        return self._unpacked()[0]

    @property
    def copies(self) -> tuple[str, ...]:
        """Further files of these instances: who reads the pixels sees whether they are the same."""
        return self._unpacked()[1]

    def _unpacked(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        paths, copies = json.loads(zlib.decompress(self.packed))
        return tuple(paths), tuple(copies)

    def __repr__(self) -> str:
        """Name the series by key only: paths never show in logs."""
        return f"Entry({self.series.series_key}, {len(self.paths)} files)"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every series found, by key, and how many files are second copies of an instance."""

    entries: tuple[Entry, ...]
    n_duplicate_files: int


def group(instances: pa.Table, as_of: date | None = None) -> Catalogue:
    """Group all instances at once, as `group_parts` does.

    Parameters
    ----------
    instances : pa.Table of the schema `INSTANCES`
    as_of : the night's date; what is dated after it has no date
    """
    table = INSTANCES.check(instances)
    return group_parts([table], rejections([table]), as_of)


def group_parts(
    parts: Iterable[pa.Table], rejected: Mapping[str, str], as_of: date | None = None
) -> Catalogue:
    """Group instances by series key and describe each series.

    Files with the same instance digest at the same position are copies of one instance: the
    one with the smallest path is kept. Files without a digest, or with one digest at several
    positions (de-identification that emptied the UIDs), are instances of their own.

    What rejection notes name is left out, but for series of which nothing would be left: those
    are there, and say so.

    Parameters
    ----------
    parts : tables of the schema `INSTANCES`, each of whole series
    rejected : as `rejections` tells of all parts
    as_of : the night's date; what is dated after it has no date

    Returns
    -------
    Catalogue
        Entries sorted by series key; the same for any order of the rows.

    Raises
    ------
    ScreeningError
        The schema differs, or an instance has no series key.
    """
    entries: list[Entry] = []
    n_duplicates = 0
    for part in parts:
        table = INSTANCES.check(part)
        n_keyless = pc.sum(pc.equal(pc.fill_null(table["series_key"], ""), "")).as_py()
        if n_keyless:
            raise ScreeningError(f"catalogue: {n_keyless} instances without a series key")
        for batch in _batches(mark_rejected(table, rejected)):
            n_duplicates += _take(read_columns(batch, as_of), entries)
    entries.sort(key=lambda entry: entry.series.series_key)
    return Catalogue(tuple(entries), n_duplicates)


def _batches(table: pa.Table) -> Iterator[pa.Table]:
    """Yield some whole series at a time: as columns of numbers, instances take five times the room.

    What is sorted is one small number an instance; the columns stay where they are.
    """
    codes = pc.fill_null(table["series_key"], "").combine_chunks().dictionary_encode().indices
    order = pc.array_sort_indices(codes)
    sizes = np.bincount(codes.to_numpy(zero_copy_only=False))
    ends, start = np.cumsum(sizes), 0
    while start < len(table):
        stop = int(ends[np.searchsorted(ends, min(start + BATCH_INSTANCES, len(table)))])
        yield table.take(order.slice(start, stop - start))
        start = stop


def _take(columns: InstanceColumns, entries: list[Entry]) -> int:
    """Add the entries of every series of a batch; return how many files are second copies."""
    n, n_duplicates = len(columns.paths), 0
    for rows in np.split(np.arange(n), np.flatnonzero(np.diff(columns.series_codes)) + 1):
        whose = owners(columns, rows)
        for owner in whose:
            found, n_copies = _stacks(columns, owner)
            entries += (
                found if len(whose) == 1 else [_unclear(entry, owner.mark) for entry in found]
            )
            n_duplicates += n_copies
    return n_duplicates


def _stacks(columns: InstanceColumns, owner: Owner) -> tuple[list[Entry], int]:
    """Return the stacks under one UID of one person, and how many files are second copies."""
    rows = owner.rows
    first = _first_file(columns, rows)
    kept, is_copy = rows[first == rows], first != rows
    found = [
        _entry(columns, part, rows[is_copy & np.isin(first, part.rows)])
        for part in split(columns, kept)
    ]
    # Of frames apart each kind has a row: the file is counted with its first frame.
    return found, sum(0 in columns.frames.get(row, (0,)) for row in rows[is_copy].tolist())


def _unclear(entry: Entry, mark: str) -> Entry:
    """Mark a stack under whose UID others' images lie too; what it was alone, it is no longer."""
    series = unclear(entry.series, mark)
    return replace(entry, series=series)


def _entry(columns: InstanceColumns, part: Part, copies: NDArray[np.int64]) -> Entry:
    every = np.sort(np.concatenate([part.rows, copies]))
    series, order = describe(columns, every, part.rows, part.tag)
    return Entry.of(series, _files(columns, part.rows[order]), _files(columns, copies))


def _files(columns: InstanceColumns, rows: NDArray[np.int64]) -> tuple[str, ...]:
    """Return the files of some rows; of a file whose frames are apart, with the frames."""
    if not columns.frames:
        return tuple(columns.paths[row] for row in rows)
    of_file: dict[str, list[int]] = {}
    for row in rows.tolist():
        of_file.setdefault(columns.paths[row], []).extend(columns.frames.get(row, ()))
    return tuple(
        choose(path, sorted(frames)) if frames else path for path, frames in of_file.items()
    )


def _first_file(columns: InstanceColumns, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each row the first file of its instance; rows are sorted by digest, then path."""
    first = rows.copy()
    # Between these rows may lie another person's: which instance, not only whether the one before.
    is_next = ~columns.is_same_digest_as_before[rows[0] : rows[-1] + 1]
    same_as_before = np.diff(np.cumsum(is_next)[rows - rows[0]]) == 0
    if not same_as_before.any():
        return first
    seen: dict[tuple[float, ...], int] = {}
    for i, is_same in enumerate([False, *same_as_before.tolist()]):
        if not is_same:
            seen = {}
        place = tuple(np.nan_to_num(np.round(columns.positions_mm[rows[i]], 3)).tolist())
        first[i] = seen.setdefault(place, int(rows[i]))
    return first
