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
from scipy import ndimage

from screening.records import Volume

_CUBE = np.ones((3, 3, 3), dtype=bool)


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
    if len(index) == 0:
        return 0.0
    at = np.stack(np.unravel_index(index, volume.hu.shape), axis=1)
    low = np.maximum(at.min(axis=0) - 1, 0)
    high = np.minimum(at.max(axis=0) + 2, volume.hu.shape)
    seed = np.zeros(tuple(high - low), dtype=bool)
    seed[tuple((at - low).T)] = True
    near = ndimage.binary_dilation(seed, _CUBE)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    hu = volume.hu[box].astype(np.float32)
    pixel_mm = float(np.sqrt(volume.spacing_mm[0] * volume.spacing_mm[1]))
    n_steps = max(round(volume.increment_mm / pixel_mm), 1)
    counts = np.zeros(len(hu))
    last = len(hu) - 1
    for step in range(n_steps):
        offset = (step + 0.5) / n_steps - 0.5
        other = np.clip(np.arange(len(hu)) + (1 if offset > 0 else -1), 0, last)
        between = hu * np.float32(1 - abs(offset)) + hu[other] * np.float32(abs(offset))
        counts += ((between >= threshold_hu) & near).sum(axis=(1, 2))
    of_slice = counts * volume.increments_mm[box[0]] / n_steps
    return float(of_slice.sum() * volume.spacing_mm[0] * volume.spacing_mm[1])
