"""Calcium in groups that lie apart, so that each can be looked at in a small block.

Comes in: flat indices of calcium voxels, how far apart groups lie, how wide a margin they get.
Goes out: blocks of the volume, each with the calcium of one group.
Refuses: nothing.

Voxels are binned into cells; calcium in cells that touch is one group. Two groups are further
apart than a cell along at least one axis.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_CUBE = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True, slots=True, eq=False)
class Cluster:
    """A block of the volume, a margin wider than its calcium, and where the calcium is in it."""

    box: tuple[slice, slice, slice]
    calcium: NDArray[np.bool_]


def clusters(
    index: NDArray[np.int64],
    shape: tuple[int, ...],
    cell_size: NDArray[np.int64],
    margin: NDArray[np.int64],
) -> Iterator[Cluster]:
    """Yield the groups.

    Parameters
    ----------
    index : int64 (n,), flat, sorted
    shape : (slices, rows, columns)
    cell_size, margin : int64 (3,), voxels along each axis, at least 1
    """
    if len(index) == 0:
        return
    at = np.stack(np.unravel_index(index, shape), axis=1)
    cell = at // cell_size
    cell -= cell.min(axis=0)
    grid = np.zeros(cell.max(axis=0) + 1, dtype=bool)
    grid[tuple(cell.T)] = True
    labels, count = ndimage.label(grid, structure=_CUBE)
    group = labels[tuple(cell.T)]
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=count + 1))[1:]
    for members in np.split(at[order], ends[:-1]):
        low = np.maximum(members.min(axis=0) - margin, 0)
        high = np.minimum(members.max(axis=0) + margin + 1, shape)
        calcium = np.zeros(tuple(high - low), dtype=bool)
        calcium[tuple((members - low).T)] = True
        a, b, c = (slice(int(i), int(j)) for i, j in zip(low, high, strict=True))
        yield Cluster((a, b, c), calcium)


def grown(mask: NDArray[np.bool_], steps: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Widen a mask by so many voxels along each axis."""
    wide = mask
    for axis, step in enumerate(steps):
        wide = _widened(wide, axis, int(step))
    return wide


def _widened(mask: NDArray[np.bool_], axis: int, step: int) -> NDArray[np.bool_]:
    """Widen along one axis by doubling: few passes over a small block."""
    wide = mask.copy()
    reached = 0
    while reached < step:
        by = min(max(reached, 1), step - reached)
        before = wide.copy()
        near = np.moveaxis(wide, axis, 0)
        was = np.moveaxis(before, axis, 0)
        near[by:] |= was[:-by]
        near[:-by] |= was[by:]
        reached += by
    return wide
