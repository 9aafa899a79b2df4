"""Calcium in groups that lie apart, so that each can be looked at in a small block.

Comes in: flat indices of calcium voxels, how far apart groups lie, how wide margins they get.
Goes out: blocks of the volume, each with one group's calcium and its near surroundings.
Refuses: nothing.

Calcium that touches is one piece; pieces whose boxes lie close along every axis are one group.
So groups depend on the calcium alone: not on where the grid begins, nor on which way it runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from screening.records import PADDING_HU
from screening.scoring.components import touching


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
    apart: NDArray[np.int64],
    margin: NDArray[np.int64],
    near: NDArray[np.int64],
) -> Iterator[Cluster]:
    """Yield the groups.

    Parameters
    ----------
    index : int64 (n,), flat, sorted
    shape : (slices, rows, columns)
    apart, margin, near : int64 (3,), voxels along each axis, at least 1; margin over near, apart
        at least twice near, so that no voxel is near two groups
    """
    if len(index) == 0:
        return
    at = np.stack(np.unravel_index(index, shape))
    n_groups, group = _groups(index, shape, apart)
    order = np.argsort(group, kind="stable")
    group, at = group[order], at[:, order]
    first = np.searchsorted(group, np.arange(n_groups))
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


def _groups(
    index: NDArray[np.int64], shape: tuple[int, ...], apart: NDArray[np.int64]
) -> tuple[int, NDArray[np.int64]]:
    """Return how many groups there are, and which one each voxel is of."""
    found = touching(index, shape)
    order = np.argsort(found.of_run, kind="stable")
    first = np.searchsorted(found.of_run[order], np.arange(found.count))
    begin = np.stack(np.unravel_index(index[found.first[order]], shape))
    end = begin.copy()
    end[2] += found.lengths[order] - 1
    low = np.minimum.reduceat(begin, first, axis=1)
    high = np.maximum.reduceat(end, first, axis=1)
    one, other = _close(low, high + apart[:, None])
    graph = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(found.count,) * 2)
    n_groups, group = connected_components(graph, directed=False)
    return int(n_groups), group[found.of].astype(np.int64)


def _close(
    low: NDArray[np.int64], reach: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of boxes of which, along every axis, each begins where the other reaches."""
    order = np.argsort(low[1], kind="stable")
    low, reach = low[:, order], reach[:, order]
    later = np.searchsorted(low[1], reach[1], side="right") - np.arange(len(order)) - 1
    one = np.repeat(np.arange(len(order)), later)
    other = one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(later) - later, later)
    for axis in (0, 2):
        is_close = low[axis, other] <= reach[axis, one]
        is_close &= low[axis, one] <= reach[axis, other]
        one, other = one[is_close], other[is_close]
    return order[one], order[other]


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
