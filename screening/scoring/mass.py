"""Calcium mass by integration.

Comes in: a `Volume` and the flat indices of calcium voxels.
Goes out: milligrams of calcium hydroxyapatite.
Refuses: nothing.

The standard mass counts voxels above the threshold only: what the point-spread and thick slices
smear below it is lost, half and more of a small deposit. Here everything a deposit adds to its
surroundings is summed, whatever its height: the HU above the local background, over the deposit
and a margin that holds its smear. The factor from HU to mg/cm3 is that of the standard mass.
"""

import numpy as np
from numpy.typing import NDArray

from screening.records import ScoringParameters, Volume
from screening.scoring.clusters import clusters, grown
from screening.scoring.parameters import mass_mg_per_mm3_per_hu

# How far a deposit's smear reaches: in the plane three sigmas of a soft kernel's point-spread
# (0.65 mm in the phantom, up to 0.8 mm published), across the slices one more slice.
MARGIN_MM = 2.4
# Background: the rest of the block that is this much wider than the margin.
SHELL_MM = 2.4
# Shell voxels this bright are other calcium or bone, this dark are lung: neither is background.
SHELL_HU = (-30.0, 130.0)


def integrated_mass_mg(
    volume: Volume, index: NDArray[np.int64], parameters: ScoringParameters
) -> float:
    """Sum each deposit's HU above its local background.

    Parameters
    ----------
    volume : Volume
    index : int64 (n,), flat, sorted: voxels at or above the threshold
    parameters : whether the mass is calibrated

    Returns
    -------
    mg; 0 without voxels. Deposits that lie close together share one background.
    """
    margin, wide = _steps(volume, MARGIN_MM), _steps(volume, MARGIN_MM + SHELL_MM)
    total = 0.0
    for cluster in clusters(index, volume.hu.shape, wide, wide):
        inner = grown(cluster.calcium, margin)
        increments_mm = volume.increments_mm[cluster.box[0]]
        total += _excess(volume.hu[cluster.box], inner, increments_mm)
    pixel_mm2 = volume.spacing_mm[0] * volume.spacing_mm[1]
    factor = mass_mg_per_mm3_per_hu(volume.acquisition.kvp, parameters)
    return float(factor * pixel_mm2 * total)


def _steps(volume: Volume, mm: float) -> NDArray[np.int64]:
    """Voxels that cover a distance along [slice, row, column], at least one slice."""
    spacing = np.array([volume.increment_mm, *volume.spacing_mm])
    return np.maximum(np.rint(mm / spacing), 1).astype(np.int64)


def _excess(
    hu: NDArray[np.int16],
    part: NDArray[np.bool_],
    increments_mm: NDArray[np.float64],
) -> float:
    """Sum of HU above the background, times each slice's increment."""
    is_tissue = hu > SHELL_HU[0]
    outside = hu[~part & is_tissue & (hu < SHELL_HU[1])]
    background = float(outside.mean()) if len(outside) else 0.0
    # Fat and lung within the margin would count as holes in the calcium.
    counted = part & is_tissue
    sums = np.where(counted, hu, 0).sum(axis=(1, 2), dtype=np.float64)
    above = sums - background * counted.sum(axis=(1, 2))
    return float((above * increments_mm).sum())
