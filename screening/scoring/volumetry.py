"""Calcium volume by isotropic interpolation.

Comes in: a `Volume` and the flat indices of calcium voxels.
Goes out: cubic millimetres.
Refuses: nothing.

Between neighbouring slices HU are interpolated until the steps are about a pixel long; what is at
or above the threshold there counts (Callister, Radiology 1998;208:807). Counting whole slices
instead makes the volume depend on where a lesion lies between them.

The steps start in the middle of each slice, so that what the scan itself shows is one of them:
calcium that only just reaches the threshold has the volume of one step, and not none. Each voxel
has a half towards either neighbouring slice; a step on the border between two voxels belongs to
both by half. Of a calcium voxel both halves count as far as they reach the threshold; of a
neighbour that is no calcium, only the half that faces it, and only of one below the threshold:
bone or aortic wall beside a lesion adds nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.records import Volume


def isotropic_volume_mm3(volume: Volume, index: NDArray[np.int64], threshold_hu: int) -> float:
    """Measure the calcium between the slices as well.

    Parameters
    ----------
    volume : Volume
    index : int64 (n,), flat, sorted: calcium voxels
    threshold_hu : as for the score

    Returns
    -------
    mm³; 0 without voxels
    """
    if len(index) == 0:
        return 0.0
    pixel_mm = float(np.sqrt(volume.spacing_mm[0] * volume.spacing_mm[1]))
    n_steps = max(round(volume.increment_mm / pixel_mm), 1)
    shares = np.arange(n_steps // 2 + 1) / n_steps
    weights = np.ones(len(shares))
    weights[0] = 0.5  # the voxel's middle belongs to both its halves
    if n_steps % 2 == 0:
        weights[-1] = 0.5
    total_mm = 0.0
    for side in (1, -1):
        pair = _neighbours(volume, index, side)
        steps = _steps_reached(pair.hu, pair.next_hu, shares, weights, threshold_hu)
        total_mm += float((steps * volume.increments_mm[pair.slice_]).sum())
        dim = pair.is_inside & (pair.next_hu < threshold_hu)
        steps = _steps_reached(pair.next_hu[dim], pair.hu[dim], shares, weights, threshold_hu)
        total_mm += float((steps * volume.increments_mm[pair.slice_[dim] + side]).sum())
    return total_mm / n_steps * volume.spacing_mm[0] * volume.spacing_mm[1]


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Calcium voxels and their neighbours in the next slice; at the stack's end themselves."""

    slice_: NDArray[np.int64]
    hu: NDArray[np.float32]
    next_hu: NDArray[np.float32]
    is_inside: NDArray[np.bool_]


def _neighbours(volume: Volume, index: NDArray[np.int64], side: int) -> _Pairs:
    n_slices, plane = len(volume.hu), volume.hu[0].size
    slice_ = index // plane
    is_inside = (slice_ + side >= 0) & (slice_ + side < n_slices)
    next_hu = volume.hu.take(np.where(is_inside, index + side * plane, index))
    hu = volume.hu.take(index)
    return _Pairs(slice_, hu.astype(np.float32), next_hu.astype(np.float32), is_inside)


def _steps_reached(
    hu: NDArray[np.float32],
    towards: NDArray[np.float32],
    shares: NDArray[np.float64],
    weights: NDArray[np.float64],
    threshold_hu: int,
) -> NDArray[np.float64]:
    """Of the steps this share of the way to the neighbour, how many reach the threshold."""
    steps = np.zeros(len(hu))
    rise = towards - hu
    for share, weight in zip(shares.astype(np.float32), weights, strict=True):
        steps += weight * (hu + rise * share >= threshold_hu)
    return steps
