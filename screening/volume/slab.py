"""Thin slices averaged to the thickness calcium is scored at.

Comes in: a `Volume`. Goes out: one whose slices are the means of neighbouring ones, or None where
the slices are thick enough already.
Refuses: nothing.

Thin low-dose slices are so noisy that blood alone passes 130 HU. The mean of a few brings the
noise down and the slice to the 2.5 to 3 mm at which the convention was made.
"""

from dataclasses import dataclass, replace

import numpy as np

from screening.records import PADDING_HU, Labelled, Volume

THIN_BELOW_MM = 2.0
SLAB_MM = (2.5, 3.0)


@dataclass(frozen=True, slots=True, eq=False)
class Slab:
    """An averaged stack, and how many native slices make one of its slices.

    counts : the same for each slice; the last may be made of fewer
    """

    volume: Volume
    n_native: int
    counts: tuple[int, ...]


def slices_per_slab(volume: Volume) -> int:
    """Return how many slices are averaged; 1 where they are thick enough.

    A slice counts by the larger of its thickness and its increment. The number whose slab comes
    nearest to the middle of 2.5 to 3 mm is taken.
    """
    increment_mm = volume.increment_mm
    thickness_mm = volume.acquisition.slice_thickness_mm or increment_mm
    if max(increment_mm, thickness_mm) >= THIN_BELOW_MM:
        return 1
    middle = sum(SLAB_MM) / 2
    # Slices that overlap are thicker than apart: the first brings its whole thickness.
    n = np.arange(1, int(np.ceil(SLAB_MM[1] / increment_mm)) + 2)
    slab_mm = np.maximum(thickness_mm, increment_mm) + (n - 1) * increment_mm
    return int(n[np.argmin(np.abs(slab_mm - middle))])


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
    first = np.arange(0, len(volume.hu), n)
    count = np.diff(np.append(first, len(volume.hu)))
    hu = np.empty((len(first), *volume.hu.shape[1:]), dtype=np.int16)
    for k, (start, m) in enumerate(zip(first, count, strict=True)):
        native = volume.hu[start : start + m]
        hu[k] = native.sum(axis=0, dtype=np.int32) // m  # rounded down, as every volume is
        hu[k][(native == PADDING_HU).any(axis=0)] = PADDING_HU
    origins = np.add.reduceat(volume.origins_lps_mm, first, axis=0) / count[:, None]
    increments = np.add.reduceat(volume.increments_mm, first)
    thickness_mm = volume.acquisition.slice_thickness_mm
    if thickness_mm is not None:
        thickness_mm += (n - 1) * volume.increment_mm
    averaged = replace(
        volume,
        hu=hu,
        origins_lps_mm=origins,
        increments_mm=increments,
        acquisition=replace(volume.acquisition, slice_thickness_mm=thickness_mm),
    )
    return Slab(averaged, n, tuple(int(m) for m in count))


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
    return replace(native, hu=np.repeat(slab.volume.hu, counts, axis=0)), spread
