"""Runs of image numbers along one stack, and where images lie.

Comes in: the columns of all instances and rows of one kind of image.
Goes out: the rows of each run; places along the normal and in the plane, in mm.
Refuses: nothing; where numbers tell nothing there is one run.

A scanner numbers a reconstruction in the order of its slices. So along the numbers the table goes
one way: where it jumps back, another reconstruction begins. Where each was numbered from 1, the
same numbers lie on several straight lines of place against number.
"""

import numpy as np
from numpy.typing import NDArray

from screening.catalogue.columns import InstanceColumns

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

# Reconstructions under one UID that are told apart by numbers; phases of a 4-D scan are more.
MAX_RUNS = 8
# Places are written to a hundredth or tenth of a millimetre.
ON_LINE_MM = 0.11


def offsets_mm(columns: InstanceColumns, rows: Rows) -> Floats:
    """Return places along the normal, float64 (n,); NaN where not told."""
    cosines = columns.cosines[rows[0]]
    along: Floats = columns.positions_mm[rows] @ np.cross(cosines[:3], cosines[3:])
    return along


def in_plane_mm(columns: InstanceColumns, rows: Rows) -> Floats:
    """Return places along the rows and columns of the image, float64 (n, 2); NaN where not told."""
    cosines = columns.cosines[rows[0]].reshape(2, 3)
    places: Floats = columns.positions_mm[rows] @ cosines.T
    return places


def runs(columns: InstanceColumns, rows: Rows) -> list[Rows]:
    """Return the runs, in the order of their numbers; one where nothing tells several."""
    numbers = columns.numbers["image_number"][rows]
    along = offsets_mm(columns, rows)
    if len(rows) < 2 or not (np.isfinite(numbers).all() and np.isfinite(along).all()):
        return [rows]
    order = np.lexsort((along, numbers))
    numbers, along, ordered = numbers[order], along[order], rows[order]
    if np.all(np.diff(numbers) > 0):
        return _cut(along, ordered)
    return _lines(numbers, along, ordered) or [rows]


def _cut(along: Floats, ordered: Rows) -> list[Rows]:
    """Cut where the table jumps back."""
    steps = np.diff(along)
    ahead = np.sign(np.median(np.sign(steps)))
    cuts = np.flatnonzero(np.sign(steps) == -ahead) + 1
    return list(np.split(ordered, cuts))


def _lines(numbers: Floats, along: Floats, ordered: Rows) -> list[Rows]:
    """Lay every image on a straight line of place against number; nothing where that fails.

    A line goes through an image of the smallest and one of the largest number that several have.
    Longer lines are taken first; at a crossing each takes one image.
    """
    values, counts = np.unique(numbers, return_counts=True)
    several = values[counts == counts.max()]
    n_runs = int(counts.max())
    if n_runs > MAX_RUNS or len(several) < 2:
        return []
    left = np.ones(len(ordered), dtype=np.bool_)
    found = []
    for _ in range(n_runs):
        best = _longest(numbers, along, left, (several[0], several[-1]))
        if len(best) == 0:
            return []
        left[best] = False
        found.append(ordered[best])
    return [] if left.any() else found


def _longest(
    numbers: Floats, along: Floats, left: NDArray[np.bool_], ends: tuple[float, float]
) -> NDArray[np.int64]:
    """Return the images on the line that holds most of those left, one a number."""
    first, last = (np.flatnonzero(left & (numbers == end)) for end in ends)
    best = np.empty(0, dtype=np.int64)
    for a in first:
        for b in last:
            slope = (along[b] - along[a]) / (ends[1] - ends[0])
            away = np.abs(along - along[a] - slope * (numbers - ends[0]))
            on = np.flatnonzero(left & (away <= ON_LINE_MM))
            _, once = np.unique(numbers[on], return_index=True)
            if len(once) > len(best):
                best = on[once]
    return best
