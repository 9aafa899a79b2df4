"""Connected groups among sparse voxels.

Comes in: sorted flat indices of the voxels that matter, a group number for each.
Goes out: a component number for each voxel.
Refuses: nothing.

Only the given voxels are touched, never the volume: the voxels are gathered into runs along the
columns, and runs of neighbouring rows (and slices) that overlap are joined.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def slice_components(
    index: NDArray[np.int64],
    group: NDArray[np.integer],
    shape: tuple[int, int, int],
    connectivity: int,
) -> tuple[int, NDArray[np.int64]]:
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
    count, number 0..count-1 of each voxel's component, int64 (n,)
    """
    return _components(index, group, shape, rows=((0, 1),), reach=0 if connectivity == 4 else 1)


def volume_components(
    index: NDArray[np.int64], group: NDArray[np.integer], shape: tuple[int, int, int]
) -> tuple[int, NDArray[np.int64]]:
    """Components in three dimensions, 26-connected; otherwise as `slice_components`."""
    return _components(index, group, shape, rows=((0, 1), (1, -1), (1, 0), (1, 1)), reach=1)


def _components(
    index: NDArray[np.int64],
    group: NDArray[np.integer],
    shape: tuple[int, int, int],
    rows: tuple[tuple[int, int], ...],
    reach: int,
) -> tuple[int, NDArray[np.int64]]:
    """Join runs with those `rows` (slice step, row step) further on, `reach` columns wider."""
    if len(index) == 0:
        return 0, np.zeros(0, dtype=np.int64)
    # One empty row and two empty columns around each slice keep opposite edges apart.
    n_rows, n_columns = shape[1] + 1, shape[2] + 2
    line, column = np.divmod(index, shape[2])
    slice_, row = np.divmod(line, shape[1])
    key = (slice_ * n_rows + row) * n_columns + column
    is_first = np.ones(len(key), dtype=bool)
    is_first[1:] = (np.diff(key) != 1) | (np.diff(group.astype(np.int64)) != 0)
    first = np.flatnonzero(is_first)
    start, run_group = key[first], group[first]
    end = key[np.append(first[1:], len(key)) - 1]

    pairs = [
        _overlaps(start, end, (ds * n_rows + dr) * n_columns, reach, run_group) for ds, dr in rows
    ]
    one, other = (np.concatenate(side) for side in zip(*pairs, strict=True))
    graph = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(len(first),) * 2)
    count, of_run = connected_components(graph, directed=False)
    return int(count), of_run.astype(np.int64)[np.cumsum(is_first) - 1]


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
