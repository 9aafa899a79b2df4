"""Calcium in groups that lie apart, so that each can be looked at in a small block.

Comes in: flat indices of calcium voxels, how far apart groups lie, how wide margins they get.
Goes out: blocks of the volume, each with one group's calcium and its near surroundings.
Refuses: nothing.

Voxels are binned into cells; calcium in cells that touch is one group. Two groups are further
apart than a cell along at least one axis.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.records import PADDING_HU
from screening.scoring.components import volume_components


@dataclass(frozen=True, slots=True, eq=False)
class Cluster:
    """A block that is a margin wider than its calcium, beyond the volume's faces if need be.

    low : index of the block's first voxel in the volume; may be negative
    shape : of the block
    inner : the block's part that is near the calcium
    near : bool, shape of `inner`: the calcium and so many voxels around it along each axis
    """

    low: tuple[int, int, int]
    shape: tuple[int, int, int]
    inner: tuple[slice, slice, slice]
    near: NDArray[np.bool_]

    def cut(self, hu: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return the block of the volume, with PADDING_HU where it lies outside."""
        of_volume, of_block = [], []
        is_inside = True
        for low, n, end in zip(self.low, self.shape, hu.shape, strict=True):
            first, last = max(low, 0), min(low + n, end)
            is_inside = is_inside and last - first == n
            of_volume.append(slice(first, last))
            of_block.append(slice(first - low, last - low))
        if is_inside:
            return hu[tuple(of_volume)].copy()
        block = np.full(self.shape, PADDING_HU, dtype=np.int16)
        block[tuple(of_block)] = hu[tuple(of_volume)]
        return block


def clusters(
    index: NDArray[np.int64],
    shape: tuple[int, ...],
    cell_size: NDArray[np.int64],
    margin: NDArray[np.int64],
    near: NDArray[np.int64],
) -> Iterator[Cluster]:
    """Yield the groups.

    Parameters
    ----------
    index : int64 (n,), flat, sorted
    shape : (slices, rows, columns)
    cell_size, margin, near : int64 (3,), voxels along each axis, at least 1; margin over near
    """
    if len(index) == 0:
        return
    at = np.stack(np.unravel_index(index, shape))
    cell = at // cell_size[:, None]
    cell -= cell.min(axis=1, keepdims=True)
    n_slices, n_rows, n_columns = (int(n) + 1 for n in cell.max(axis=1))
    flat_cell = (cell[0] * n_rows + cell[1]) * n_columns + cell[2]
    number = np.zeros(n_slices * n_rows * n_columns, dtype=np.int64)
    number[flat_cell] = 1
    cells = np.flatnonzero(number)
    found = volume_components(
        cells, np.zeros(len(cells), dtype=np.uint8), (n_slices, n_rows, n_columns)
    )
    number[cells] = found.of
    group = number[flat_cell]
    order = np.argsort(group, kind="stable")
    group, at = group[order], at[:, order]
    first = np.searchsorted(group, np.arange(found.count))
    low = np.minimum.reduceat(at, first, axis=1) - near[:, None]
    size = np.maximum.reduceat(at, first, axis=1) + near[:, None] + 1 - low
    within = at - low[:, group]
    flat = (within[0] * size[1, group] + within[1]) * size[2, group] + within[2]
    inset = margin - near
    a, b, c = inset.tolist()
    ends = np.append(first[1:], len(flat)).tolist()
    lows = (low - inset[:, None]).T.tolist()
    for begin, end, (k, i, j), (n, m, p) in zip(
        first.tolist(), ends, lows, size.T.tolist(), strict=True
    ):
        yield Cluster(
            low=(k, i, j),
            shape=(n + 2 * a, m + 2 * b, p + 2 * c),
            inner=(slice(a, a + n), slice(b, b + m), slice(c, c + p)),
            near=_grown(flat[begin:end], (n, m, p), near.tolist()),
        )


def _grown(
    at: NDArray[np.int64], shape: tuple[int, int, int], steps: list[int]
) -> NDArray[np.bool_]:
    """Fill a block where calcium is at most so many steps away, along each axis.

    Parameters
    ----------
    at : flat places of the calcium, at least the steps away from the block's faces
    shape : of the block
    steps : [slice, row, column]
    """
    strides = (shape[1] * shape[2], shape[2], 1)
    back = sum(stride * step for stride, step in zip(strides, steps, strict=True))
    wide = np.zeros(shape[0] * strides[0], dtype=bool)
    # Grown forwards only, by doubling, from a start moved back: few passes over a small block.
    wide[at - back] = True
    for stride, step in zip(strides, steps, strict=True):
        reached, width = 1, 2 * step + 1
        while reached < width:
            by = min(reached, width - reached)
            wide[by * stride :] |= wide[: -by * stride]
            reached += by
    return wide.reshape(shape)
