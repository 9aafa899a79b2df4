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
from scipy import ndimage

from screening.records import ScoringParameters, Volume
from screening.scoring.parameters import mass_mg_per_mm3_per_hu

# How far a deposit's smear reaches: in the plane three sigmas of a soft kernel's point-spread
# (0.65 mm in the phantom, up to 0.8 mm published), across the slices one more slice.
MARGIN_MM = 2.4
# Background: the shell beyond the margin.
SHELL_MM = 2.4
# Shell voxels this bright are other calcium or bone, this dark are lung: neither is background.
SHELL_HU = (-30.0, 130.0)
_CUBE = np.ones((3, 3, 3), dtype=bool)


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
    mg; 0 without voxels. Deposits whose margins touch are one.
    """
    if len(index) == 0:
        return 0.0
    at = np.stack(np.unravel_index(index, volume.hu.shape), axis=1)
    reach = _steps(volume, MARGIN_MM + SHELL_MM)
    low = np.maximum(at.min(axis=0) - reach, 0)
    high = np.minimum(at.max(axis=0) + reach + 1, volume.hu.shape)
    seed = np.zeros(tuple(high - low), dtype=bool)
    seed[tuple((at - low).T)] = True
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    hu = volume.hu[box]
    inner = _grown(seed, _steps(volume, MARGIN_MM))
    parts, _ = ndimage.label(inner, structure=_CUBE)
    increments = volume.increments_mm[box[0]]
    total = 0.0
    for number, where in enumerate(ndimage.find_objects(parts), start=1):
        wide = tuple(
            slice(max(s.start - r, 0), s.stop + r)
            for s, r in zip(where, _steps(volume, SHELL_MM), strict=True)
        )
        is_part = parts[wide] == number
        shell = _grown(is_part, _steps(volume, SHELL_MM)) & (parts[wide] == 0)
        total += _excess(hu[wide], is_part, shell, increments[wide[0]])
    pixel_mm2 = volume.spacing_mm[0] * volume.spacing_mm[1]
    factor = mass_mg_per_mm3_per_hu(volume.acquisition.kvp, parameters)
    return float(factor * pixel_mm2 * total)


def _steps(volume: Volume, mm: float) -> NDArray[np.int64]:
    """Voxels that cover a distance along [slice, row, column], at least one slice."""
    spacing = np.array([volume.increment_mm, *volume.spacing_mm])
    return np.maximum(np.rint(mm / spacing), 1).astype(np.int64)


def _grown(mask: NDArray[np.bool_], steps: NDArray[np.int64]) -> NDArray[np.bool_]:
    grown: NDArray[np.bool_] = ndimage.maximum_filter(
        mask.view(np.uint8), size=tuple(2 * steps + 1), mode="constant"
    ).view(bool)
    return grown


def _excess(
    hu: NDArray[np.int16],
    part: NDArray[np.bool_],
    shell: NDArray[np.bool_],
    increments_mm: NDArray[np.float64],
) -> float:
    """Sum of HU above the background, times each slice's increment."""
    around = hu[shell & (hu > SHELL_HU[0]) & (hu < SHELL_HU[1])]
    background = float(around.mean()) if len(around) else 0.0
    # Fat and lung within the margin would count as holes in the calcium.
    counted = part & (hu > SHELL_HU[0])
    above = np.where(counted, hu - background, 0.0).sum(axis=(1, 2))
    return float((above * increments_mm).sum())
