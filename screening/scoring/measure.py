"""Agatston units, volume and mass of single voxels.

Comes in: a `Volume` and the flat indices of its calcium voxels.
Goes out: `Calcium`: what each voxel adds to each measure; sums over any set of voxels follow.
Refuses: nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.records import ScoringParameters, Volume
from screening.scoring.components import Components, slice_components, volume_components
from screening.scoring.parameters import mass_mg_per_mm3_per_hu


@dataclass(frozen=True, slots=True, eq=False)
class Calcium:
    """Calcium voxels and their share of each measure.

    index : int64 (n,), flat C-order index, sorted
    hu : int16 (n,)
    agatston, volume_mm3, mass_mg : float64 (n,)
    """

    index: NDArray[np.int64]
    hu: NDArray[np.int16]
    agatston: NDArray[np.float64]
    volume_mm3: NDArray[np.float64]
    mass_mg: NDArray[np.float64]

    def of(self, chosen: NDArray[np.bool_]) -> "Calcium":
        """Return the chosen voxels alone, each with its share as measured."""
        return Calcium(
            self.index[chosen],
            self.hu[chosen],
            self.agatston[chosen],
            self.volume_mm3[chosen],
            self.mass_mg[chosen],
        )


def measure(
    volume: Volume,
    index: NDArray[np.int64],
    group: NDArray[np.integer],
    parameters: ScoringParameters,
) -> Calcium:
    """Measure the voxels at or above the threshold.

    Within a slice (with connectivity 26: in space), touching voxels of one group are one lesion.
    Its Agatston units, area times weight of its peak times increment / 3 mm, are spread evenly
    over its voxels; a lesion below the least area gives 0. Volume and mass know no least area:
    they count every voxel.

    Parameters
    ----------
    volume : Volume
    index : int64 (n,), flat, sorted, unique, all at or above the threshold
    group : int (n,), voxels of different groups are different lesions
    parameters : ScoringParameters

    Returns
    -------
    Calcium, in the order of `index`
    """
    slices, rows, columns = volume.hu.shape
    hu = volume.hu.take(index)
    shape = (slices, rows, columns)
    if parameters.connectivity == 26:
        found = volume_components(index, group, shape)
    else:
        found = slice_components(index, group, shape, parameters.connectivity)
    pixel_mm2 = volume.spacing_mm[0] * volume.spacing_mm[1]
    weight = _weights(found, hu, pixel_mm2, parameters)

    # A run lies in one slice and one lesion, so all but the HU is the same for its voxels.
    increment_mm = volume.increments_mm[index[found.first] // (rows * columns)]
    scale = increment_mm / parameters.reference_increment_mm
    voxel_mm3 = np.repeat(pixel_mm2 * increment_mm, found.lengths)
    factor = mass_mg_per_mm3_per_hu(volume.acquisition.kvp, parameters)
    return Calcium(
        index=index,
        hu=hu,
        agatston=np.repeat(pixel_mm2 * weight[found.of_run] * scale, found.lengths),
        volume_mm3=voxel_mm3,
        mass_mg=factor * voxel_mm3 * hu,
    )


def _weights(
    found: Components, hu: NDArray[np.int16], pixel_mm2: float, parameters: ScoringParameters
) -> NDArray[np.float64]:
    """Weight of each lesion by its peak; 0 below the least size."""
    if found.count == 0:
        return np.zeros(0)
    n_pixels = np.bincount(found.of_run, weights=found.lengths, minlength=found.count)
    peak_hu = np.full(found.count, np.iinfo(np.int16).min, dtype=np.int16)
    np.maximum.at(peak_hu, found.of_run, np.maximum.reduceat(hu, found.first))
    weight = 1.0 + np.searchsorted(np.array(parameters.weight_edges_hu), peak_hu, side="right")
    # The least area is compared in pixels with room for the last bit, so that 4 pixels of
    # 0.5 mm x 0.5 mm are exactly 1.0 mm2 whatever the spacing's decimal rounding.
    is_counted = n_pixels * pixel_mm2 >= parameters.min_area_mm2 * (1 - 1e-9)
    is_counted &= n_pixels >= parameters.min_pixels
    return np.where(is_counted, weight, 0.0)
