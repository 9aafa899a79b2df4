"""Calcium volume by isotropic interpolation.

Comes in: a `Volume` and the flat indices of calcium voxels.
Goes out: cubic millimetres.
Refuses: nothing.

Between neighbouring slices HU are interpolated until the steps are about a pixel long; what is at
or above the threshold there counts (Callister, Radiology 1998;208:807). Counting whole slices
instead makes the volume depend on where a lesion lies between them.
"""

import numpy as np
from numpy.typing import NDArray

from screening.records import Volume
from screening.scoring.clusters import clusters, grown

_ONE = np.ones(3, dtype=np.int64)
_CELL = np.array([2, 8, 8])  # voxels; large enough to keep the blocks few


def isotropic_volume_mm3(volume: Volume, index: NDArray[np.int64], threshold_hu: int) -> float:
    """Measure the calcium between the slices as well.

    Parameters
    ----------
    volume : Volume
    index : int64 (n,), flat: calcium voxels; only these and their neighbours count
    threshold_hu : as for the score

    Returns
    -------
    mm³; 0 without voxels
    """
    pixel_mm = float(np.sqrt(volume.spacing_mm[0] * volume.spacing_mm[1]))
    n_steps = max(round(volume.increment_mm / pixel_mm), 1)
    total = 0.0
    for cluster in clusters(index, volume.hu.shape, _CELL, _ONE):
        near = grown(cluster.calcium, _ONE)
        counts = _counts(volume.hu[cluster.box], near, threshold_hu, n_steps)
        total += float((counts * volume.increments_mm[cluster.box[0]]).sum()) / n_steps
    return total * volume.spacing_mm[0] * volume.spacing_mm[1]


def _counts(
    hu: NDArray[np.int16], near: NDArray[np.bool_], threshold_hu: int, n_steps: int
) -> NDArray[np.int64]:
    """Pixels at or above the threshold, of each slice, over all steps between the slices."""
    flat, last = hu.astype(np.float32), len(hu) - 1
    counts = np.zeros(len(hu), dtype=np.int64)
    for step in range(n_steps):
        offset = (step + 0.5) / n_steps - 0.5
        other = np.clip(np.arange(len(hu)) + (1 if offset > 0 else -1), 0, last)
        share = np.float32(abs(offset))
        between = flat + (flat[other] - flat) * share
        counts += ((between >= threshold_hu) & near).sum(axis=(1, 2))
    return counts
