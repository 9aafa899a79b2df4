"""What the listing of tonight says of the instances that the last crawl knew.

Comes in: the index, the files listed, what could not be had.
Goes out: which instances stay, as they are or because nobody can tell; which files are new.
Refuses: nothing.
"""

import zlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.lake.parts import Index

WHO = ("path", "size_bytes", "mtime_ns")
# Compared at once, so that the hash table of paths stays small.
_AT_ONCE = 500_000


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """The index beside a listing.

    stays : bool (n,), which instances are there, unchanged, in the order of `Index.read`
    files : FILES that are
    new : rows of the listing that the index does not know as they are
    """

    stays: NDArray[np.bool_]
    files: pa.Table
    new: pa.Table


@dataclass(frozen=True, slots=True, eq=False)
class AsBefore:
    """Instances of which nothing is known tonight: they stay as they were.

    stays : bool (n,), in the order of `Index.read`
    paths : theirs
    n_behind : how many of them lie below folders that are shut: these were not listed
    """

    stays: NDArray[np.bool_]
    paths: pa.ChunkedArray
    n_behind: int


def known_files(index: Index) -> pa.Table:
    """Return path, size and change mark of all that the index knows, instances first."""
    return pa.concat_tables([index.columns(*WHO), index.files.select(WHO)])


def compare(index: Index, known: pa.Table, listed: pa.Table) -> Matched:
    """Tell what is still there and what is new; `known` is what `known_files` returned."""
    is_there, is_known = match(known, listed)
    return Matched(
        stays=is_there[: index.n_instances],
        files=index.files.filter(pa.array(is_there[index.n_instances :])),
        new=listed.filter(pa.array(~is_known)),
    )


def as_before(index: Index, missed: pa.ChunkedArray, shut: frozenset[str]) -> AsBefore:
    """Return what was not delivered, and what lies below folders that are shut."""
    if not (len(missed) or shut):
        return AsBefore(np.zeros(index.n_instances, np.bool_), missed, 0)
    paths = index.columns("path")["path"]
    is_behind = np.zeros(len(paths), np.bool_)
    for folder in shut:
        is_behind |= pc.starts_with(paths, f"{folder}/").to_numpy()
    stays = is_behind | pc.is_in(paths, value_set=missed).to_numpy()
    return AsBefore(stays, paths.filter(pa.array(stays)), int(is_behind.sum()))


def match(known: pa.Table, listed: pa.Table) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Match rows by path, size and change mark.

    Parameters
    ----------
    known, listed : with the columns of `WHO`; in each a path occurs once

    Returns
    -------
    bool (n_known,), bool (n_listed,): which rows are in both
    """
    is_there = np.zeros(known.num_rows, np.bool_)
    is_known = np.zeros(listed.num_rows, np.bool_)
    n_lots = 1 + max(known.num_rows, listed.num_rows) // _AT_ONCE
    lots = [_lots(table, n_lots) for table in (known, listed)]
    for lot in range(n_lots):
        rows = [np.flatnonzero(of == lot) for of in lots]
        # Filtered, not taken: `take` joins a column's chunks, and 2 GB of paths are too many.
        ours, theirs = (
            table.filter(pa.array(of == lot))
            for table, of in zip((known, listed), lots, strict=True)
        )
        at = pc.index_in(theirs["path"], value_set=ours["path"].combine_chunks())
        found = np.flatnonzero(pc.is_valid(at).to_numpy())
        place = at.drop_null().to_numpy().astype(np.int64)
        is_same = np.ones(len(found), np.bool_)
        for name in WHO[1:]:
            is_same &= theirs[name].to_numpy()[found] == ours[name].to_numpy()[place]
        is_there[rows[0][place[is_same]]] = True
        is_known[rows[1][found[is_same]]] = True
    return is_there, is_known


def _lots(table: pa.Table, n_lots: int) -> NDArray[np.uint16]:
    """Deal the rows out by path."""
    lots = np.zeros(table.num_rows, np.uint16)
    if n_lots == 1:
        return lots
    start = 0
    for batch in table.select(["path"]).to_batches(max_chunksize=_AT_ONCE):
        paths = batch.column(0).to_pylist()
        lots[start : start + len(paths)] = [zlib.crc32(p.encode()) % n_lots for p in paths]
        start += len(paths)
    return lots
