"""Thin slices averaged to the thickness calcium is scored at.

Comes in: a `Volume`. Goes out: one whose slices are the means of neighbouring ones, or None where
the slices are thick enough already.
Refuses: nothing.

Thin low-dose slices are so noisy that blood alone passes 130 HU. The mean of a few brings the
noise down and the slice to the 2.5 to 3 mm at which the convention was made.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from screening.records import PADDING_HU, THIN_BELOW_MM, Labelled, Volume
from screening.volume.hounsfield import FRACTIONS

SLAB_MM = (2.5, 3.0)
_ROUNDING_MM = 1e-6
_WHOLE = 1000  # a slice, in the unit that shares are counted in: sums of whole numbers are exact


@dataclass(frozen=True, slots=True, eq=False)
class Slab:
    """An averaged stack, and which native slices its slices stand for.

    counts : native slices whose middle lies in each of its slices, from the head
    """

    volume: Volume
    counts: tuple[int, ...]

    @property
    def thickness_mm(self) -> float:
        """Thickness of its slices."""
        return self.volume.acquisition.slice_thickness_mm or float(self.volume.increments_mm[0])

    @property
    def native(self) -> tuple[tuple[int, int], ...]:
        """First and last native slice of each of its slices."""
        stop = np.cumsum(self.counts)
        return tuple((int(s - n), int(s - 1)) for s, n in zip(stop, self.counts, strict=True))


def slices_per_slab(volume: Volume) -> float:
    """Return how many slices are averaged, perhaps a fraction; 1 where they are thick enough.

    A slice counts by the larger of its thickness and its increment. Where whole slices make 2.5
    to 3 mm, the number that comes nearest to the middle is taken; else so many and a part of the
    next that it is the middle.
    """
    increment_mm = volume.increment_mm
    slice_mm = volume.slice_mm
    if slice_mm >= THIN_BELOW_MM:
        return 1.0
    middle = sum(SLAB_MM) / 2
    # Slices that overlap are thicker than apart: the first brings its whole thickness.
    n = np.arange(1, int(np.ceil(SLAB_MM[1] / increment_mm)) + 2)
    away_mm = np.abs(slice_mm + (n - 1) * increment_mm - middle)
    if away_mm.min() <= SLAB_MM[1] - middle + _ROUNDING_MM:
        return float(n[np.argmin(away_mm)])
    return round(1 + (middle - slice_mm) / increment_mm, 3)


def slab_average(volume: Volume) -> Slab | None:
    """Average thin slices; None for a stack that needs none.

    Slices left over at the feet end, too few for a slab, make one of their own.

    Parameters
    ----------
    volume : Volume

    Returns
    -------
    Slab; its volume's slices lie at the mean of the native ones, its increments are their sums
    """
    n = slices_per_slab(volume)
    if n == 1:
        return None
    edges = _edges(len(volume.hu), round(n * _WHOLE))
    hu = np.empty((len(edges) - 1, *volume.hu.shape[1:]), dtype=np.int16)
    fraction = np.empty_like(hu, dtype=np.uint16)
    origins, increments, counts = np.empty((len(hu), 3)), np.empty(len(hu)), []
    for k, (start, stop) in enumerate(pairwise(edges)):
        first, last = start // _WHOLE, -(-stop // _WHOLE)
        at = np.arange(first, last)
        share = np.minimum((at + 1) * _WHOLE, stop) - np.maximum(at * _WHOLE, start)
        part = None if volume.fraction is None else volume.fraction[first:last]
        hu[k], fraction[k] = _mean(volume.hu[first:last], part, share)
        origins[k] = share @ volume.origins_lps_mm[first:last] / share.sum()
        increments[k] = share @ volume.increments_mm[first:last] / _WHOLE
        middle = at * _WHOLE + _WHOLE // 2
        counts.append(int(((middle >= start) & (middle < stop)).sum()))
    thickness_mm = volume.acquisition.slice_thickness_mm
    if thickness_mm is not None:  # with gaps between them, slices stand for more than they show
        thickness_mm = volume.slice_mm + (n - 1) * volume.increment_mm
    averaged = replace(
        volume,
        hu=hu,
        fraction=fraction,
        origins_lps_mm=origins,
        increments_mm=increments,
        acquisition=replace(volume.acquisition, slice_thickness_mm=thickness_mm),
    )
    return Slab(averaged, tuple(counts))


def _edges(n_slices: int, each: int) -> list[int]:
    """Where slabs begin and end, in thousandths of slices from the head.

    What is left over holds the middle of a native slice, or belongs to the last slab.
    """
    whole = n_slices * _WHOLE
    edges = list(range(0, whole, each))
    if len(edges) > 1 and whole - edges[-1] < _WHOLE // 2:
        edges.pop()
    return [*edges, whole]


def _mean(
    native: NDArray[np.int16], fraction: NDArray[np.uint16] | None, share: NDArray[np.int64]
) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
    """Mean of slices by their shares, rounded down as every volume is, and its fraction."""
    if fraction is None:
        total, whole = _sum(native, share)
        mean = total // whole
        rest = (total - mean * whole) * (FRACTIONS // whole)  # rounded down, but not to 0
    else:
        total, whole = _sum(native, share)
        total = total.astype(np.int64) * FRACTIONS + _sum(fraction, share)[0]
        # Each fraction was rounded by half its unit: what lies that near to a whole number is it.
        mean = (total + whole) // (whole * FRACTIONS)
        rest = total // whole - mean * FRACTIONS
        rest[rest <= 1] = 0
    hu = mean.astype(np.int16)
    hu[(native == PADDING_HU).any(axis=0)] = PADDING_HU
    return hu, rest.astype(np.uint16)


def _sum(slices: NDArray[np.integer], share: NDArray[np.int64]) -> tuple[NDArray[np.int32], int]:
    """Sum of slices by their shares, and the sum of the shares, both in whole numbers."""
    if (share == share[0]).all():
        return slices.sum(axis=0, dtype=np.int32), len(slices)
    total = np.zeros(slices.shape[1:], dtype=np.int32)
    for plane, part in zip(slices, share, strict=True):
        total += plane.astype(np.int32) * np.int32(part)
    return total, int(share.sum())


def lay_back(slab: Slab, native: Volume, labelled: Labelled) -> tuple[Volume, Labelled]:
    """Lay what was found in the averages on the native slices.

    Parameters
    ----------
    slab : averages of `native`
    native : the stack as it was read
    labelled : of the averages

    Returns
    -------
    The native stack's geometry with the averages' HU, and the labels of its voxels; of the things
    nothing is told any more
    """
    counts = np.array(slab.counts)
    first = np.cumsum(counts) - counts
    size = slab.volume.hu[0].size
    at, rest = np.divmod(labelled.index, size)
    times = counts[at]
    within = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    index = (np.repeat(first[at], times) + within) * size + np.repeat(rest, times)
    order = np.argsort(index)
    box = labelled.heart_box
    spread = replace(
        labelled,
        index=index[order],
        label=np.repeat(labelled.label, times)[order],
        probability=np.repeat(labelled.probability, times)[order],
        heart_box=(int(first[box[0]]), int(first[box[1] - 1] + counts[box[1] - 1]), *box[2:]),
        things=None,
    )
    averages = slab.volume
    fraction = None if averages.fraction is None else np.repeat(averages.fraction, counts, axis=0)
    return replace(native, hu=np.repeat(averages.hu, counts, axis=0), fraction=fraction), spread
