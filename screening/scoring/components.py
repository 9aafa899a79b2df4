"""Connected groups among sparse voxels.

Comes in: sorted flat indices of the voxels that matter, a group number for each.
Goes out: `Components`: a component number for each run of voxels, or each voxel.
Refuses: nothing.

Only the given voxels are touched, never the volume: the voxels are gathered into runs along the
columns, and runs of neighbouring rows (and slices) that overlap are joined.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Components as runs: voxels that follow each other in a row.

    of_run : int64 (n_runs,), the component of each run, 0..count-1
    first : int64 (n_runs,), where in the voxels each run begins
    """

    count: int
    of_run: NDArray[np.int64]
    first: NDArray[np.int64]
    n_voxels: int

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Voxels of each run."""
        return np.diff(np.append(self.first, self.n_voxels))

    @property
    def of(self) -> NDArray[np.int64]:
        """The component of each voxel."""
        return np.repeat(self.of_run, self.lengths)


def slice_components(
    index: NDArray[np.int64],
    group: NDArray[np.integer],
    shape: tuple[int, int, int],
    connectivity: int,
) -> Components:
    """Components within each slice.

    Parameters
    ----------
    index : int64 (n,)
        flat C-order indices into `shape`, sorted, unique
    group : int (n,)
        voxels of different groups never join
    shape : (slices, rows, columns)
    connectivity : 4 (edges) or 8 (edges and corners)

    Returns
    -------
    Components
    """
    return _components(index, group, shape, rows=((0, 1),), reach=0 if connectivity == 4 else 1)


def volume_components(
    index: NDArray[np.int64], group: NDArray[np.integer], shape: tuple[int, int, int]
) -> Components:
    """Components in three dimensions, 26-connected; otherwise as `slice_components`."""
    return _components(index, group, shape, rows=((0, 1), (1, -1), (1, 0), (1, 1)), reach=1)


def touching(index: NDArray[np.int64], shape: tuple[int, ...]) -> Components:
    """Components in three dimensions of all these voxels, 26-connected."""
    slices, rows, columns = shape
    return volume_components(index, np.zeros(len(index), dtype=np.uint8), (slices, rows, columns))


def _components(
    index: NDArray[np.int64],
    group: NDArray[np.integer],
    shape: tuple[int, int, int],
    rows: tuple[tuple[int, int], ...],
    reach: int,
) -> Components:
    """Join runs with those `rows` (slice step, row step) further on, `reach` columns wider."""
    if len(index) == 0:
        nothing = np.zeros(0, dtype=np.int64)
        return Components(0, nothing, nothing, 0)
    is_first = np.ones(len(index), dtype=bool)
    is_first[1:] = (np.diff(index) != 1) | (group[1:] != group[:-1])
    is_first |= index % shape[2] == 0  # a run ends with its row
    first = np.flatnonzero(is_first)
    run_group, head = group[first], index[first]
    length = np.diff(np.append(first, len(index)))
    # One empty row and two empty columns around each slice keep opposite edges apart.
    n_rows, n_columns = shape[1] + 1, shape[2] + 2
    line, column = np.divmod(head, shape[2])
    slice_, row = np.divmod(line, shape[1])
    start = (slice_ * n_rows + row) * n_columns + column
    end = start + length - 1

    pairs = [
        _overlaps(start, end, (ds * n_rows + dr) * n_columns, reach, run_group) for ds, dr in rows
    ]
    one, other = (np.concatenate(side) for side in zip(*pairs, strict=True))
    graph = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(len(first),) * 2)
    count, of_run = connected_components(graph, directed=False)
    return Components(int(count), of_run.astype(np.int64), first, len(index))


def _overlaps(
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    shift: int,
    reach: int,
    group: NDArray[np.integer],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of runs of one group that touch when the first is moved on by `shift`."""
    first = np.searchsorted(end, start + (shift - reach), side="left")
    last = np.searchsorted(start, end + (shift + reach), side="right")
    counts = np.maximum(last - first, 0)
    one = np.repeat(np.arange(len(start)), counts)
    within = np.arange(len(one)) - np.repeat(np.cumsum(counts) - counts, counts)
    other = first[one] + within
    is_same = group[one] == group[other]
    return one[is_same], other[is_same]
