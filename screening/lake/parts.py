"""The instance index in parts, so that no step need hold all instances of an archive.

Comes in: pieces: some instances each, in a sealed file or in memory.
Goes out: an `Index`, read a part at a time; tonight's from the last crawl's and what is new.
Refuses: nothing.

Every series lies whole in one part, by the hash of its key (the partitions of a Grace hash join:
Kitsuregawa et al. 1983, doi:10.1007/BF03037022), so that grouping works part after part. There are
a power of two of them, so that when the archive has outgrown them each falls into whole new ones.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.tables import INSTANCES

# As Arrow columns some 60 MB; merged, sealed and described they take a few times that.
PART_INSTANCES = 100_000

Names = Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Instances of one part.

    read : gives the columns asked for, of None all
    file : name of the index's sealed file that holds just these; empty where there is none
    """

    n_rows: int
    read: Callable[[Names | None], pa.Table] = field(repr=False)
    file: str = ""

    def only(self, is_kept: NDArray[np.bool_]) -> "Piece":
        """Return the piece without the other rows."""
        if is_kept.all():
            return self
        n, mask = int(is_kept.sum()), pa.array(is_kept)
        return Piece(n, lambda names: self.read(names).filter(mask))


def in_memory(instances: pa.Table) -> Piece:
    """Return a piece that is held here."""
    return Piece(
        instances.num_rows, lambda names: instances if names is None else instances.select(names)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """What the archive holds: usable instances in parts, and files that are none (`FILES`)."""

    files: pa.Table
    parts: tuple[tuple[Piece, ...], ...]

    @property
    def n_instances(self) -> int:
        """How many usable instances."""
        return sum(piece.n_rows for part in self.parts for piece in part)

    @property
    def instances(self) -> pa.Table:
        """All INSTANCES at once, sorted by path; of a large archive, read a part at a time."""
        return pa.concat_tables([INSTANCES.empty(), *self.read()]).sort_by("path")

    def read(self, names: Names | None = None) -> Iterator[pa.Table]:
        """Yield these columns of INSTANCES, or all, a part at a time."""
        for part in self.parts:
            if part:
                yield pa.concat_tables([piece.read(names) for piece in part])

    def columns(self, *names: str) -> pa.Table:
        """Return some columns of all instances, in the order of `read`."""
        return pa.concat_tables([INSTANCES.empty().select(names), *self.read(names)])

    def renewed(self, stays: NDArray[np.bool_], fresh: "Fresh", files: pa.Table) -> "Index":
        """Return the index of tonight.

        Parameters
        ----------
        stays : which of the instances stay, in the order of `read`
        fresh : new instances, in at least as many parts
        files : FILES, whole
        """
        parts: list[list[Piece]] = [[] for _ in fresh.parts]
        ends = np.cumsum([piece.n_rows for part in self.parts for piece in part])
        masks = iter(np.split(stays, ends))
        for number, part in enumerate(self.parts):
            for piece in part:
                for to, mask in self._shares(number, piece, next(masks), len(parts)):
                    if mask.any():
                        parts[to].append(piece.only(mask))
        return Index(files, tuple((*a, *b) for a, b in zip(parts, fresh.parts, strict=True)))

    def _shares(
        self, number: int, piece: Piece, stays: NDArray[np.bool_], n_parts: int
    ) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        """Yield the parts that a piece now belongs to, and which of its rows."""
        if n_parts == len(self.parts):
            yield number, stays
            return
        place = _part_of(piece.read(["series_key"]), n_parts)
        for to in range(number, n_parts, len(self.parts)):
            yield to, stays & (place == to)


class Fresh:
    """Instances that are new tonight, in parts.

    Parameters
    ----------
    index : of the last crawl
    n_new : how many may come
    spill : puts some of one part where they take no memory
    """

    def __init__(self, index: Index, n_new: int, spill: Callable[[pa.Table], Piece]) -> None:
        n_parts = max(1, len(index.parts))
        while n_parts * PART_INSTANCES < index.n_instances + n_new:
            n_parts *= 2
        self.parts: tuple[list[Piece], ...] = tuple([] for _ in range(n_parts))
        self._spill = spill

    def add(self, instances: pa.Table, is_last: bool = True) -> None:
        """Take some INSTANCES; the last ones stay in memory until the index is written."""
        place = _part_of(instances, len(self.parts))
        order = np.argsort(place, kind="stable")
        sizes = np.bincount(place, minlength=len(self.parts))
        ordered, start = instances.take(pa.array(order)), 0
        for part, size in zip(self.parts, sizes.tolist(), strict=True):
            if size:
                some = ordered.slice(start, size)
                part.append(in_memory(some) if is_last else self._spill(some))
                start += size


def _part_of(instances: pa.Table, n_parts: int) -> NDArray[np.int64]:
    """Give each row the number of its part, hashing each series key once."""
    keys = pc.fill_null(instances["series_key"], "").combine_chunks().dictionary_encode()
    parts = [zlib.crc32(key.encode()) % n_parts for key in keys.dictionary.to_pylist()]
    place: NDArray[np.int64] = np.array(parts, np.int64)[
        keys.indices.to_numpy(zero_copy_only=False)
    ]
    return place
