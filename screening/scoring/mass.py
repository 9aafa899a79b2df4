"""Calcium mass by integration, and the noise in it.

Comes in: a `Volume` and the flat indices of calcium voxels.
Goes out: milligrams of calcium hydroxyapatite, with the standard error from noise.
Refuses: nothing.

The standard mass counts voxels above the threshold only: what the point-spread and thick slices
smear below it is lost, half and more of a small deposit. Here everything a deposit adds to its
surroundings is summed, whatever its height: the HU above the local background, over the deposit
and a margin that holds its smear. The factor from HU to mg/cm3 is that of the standard mass.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.kernels import Sharpness, sharpness
from screening.records import ScoringParameters, Volume
from screening.scoring.clusters import clusters
from screening.scoring.parameters import mass_mg_per_mm3_per_hu

# How far a deposit's smear reaches: in the plane three sigmas of a point-spread of 0.8 mm, a little
# wider than the phantom's soft kernel (0.65 mm); across the slices at least one more.
MARGIN_MM = 2.4
# Background: the rest of the block that is this much wider than the margin.
SHELL_MM = 2.4
# Shell voxels this bright are other calcium or bone, this dark are lung: neither is background.
SHELL_HU = (-30, 130)
# A spread needs some voxels; with fewer in the shell the scan's own noise stands in.
_MIN_SHELL = 30
# Noise of neighbouring pixels is alike, so that a sum over a deposit varies as if its pixels were
# fewer and larger: by kernel so many mm² each. Measured on simulated inserts with pixels of 0.68 mm
# (infra/scoring-measured.md tells what the intervals made with it cover). Unknown counts as soft.
NOISE_AREA_MM2 = {Sharpness.SOFT: 3.2, Sharpness.MEDIUM: 0.95, Sharpness.SHARP: 0.46}


@dataclass(frozen=True, slots=True)
class IntegratedMass:
    """mg, and the standard error that noise alone gives it."""

    mg: float
    noise_mg: float


def integrated_mass(
    volume: Volume, index: NDArray[np.int64], parameters: ScoringParameters, noise_hu: float
) -> IntegratedMass:
    """Sum each deposit's HU above its local background.

    Parameters
    ----------
    volume : Volume
    index : int64 (n,), flat, sorted: voxels at or above the threshold
    parameters : whether the mass is calibrated
    noise_hu : of the scan, for deposits without enough tissue around them

    Returns
    -------
    IntegratedMass; zeros without voxels. Deposits that lie close together share one background.
    """
    if len(index) == 0:
        return IntegratedMass(0.0, 0.0)
    margin, wide = _steps(volume, MARGIN_MM), _steps(volume, MARGIN_MM + SHELL_MM)
    around = int(wide[0])
    increments_mm = np.pad(volume.increments_mm, around, mode="edge")
    above = variance = 0.0
    for cluster in clusters(index, volume.hu.shape, wide, wide, margin):
        begin = cluster.low[0] + around
        found = _excess(
            cluster.cut(volume.hu),
            cluster.inner,
            cluster.near,
            increments_mm[begin : begin + cluster.shape[0]],
            noise_hu,
        )
        above += found.above
        variance += found.variance
    pixel_mm2 = volume.spacing_mm[0] * volume.spacing_mm[1]
    factor = mass_mg_per_mm3_per_hu(volume.acquisition.kvp, parameters) * pixel_mm2
    return IntegratedMass(factor * above, factor * math.sqrt(_correlation(volume) * variance))


def _correlation(volume: Volume) -> float:
    """Variance of a sum over voxels, as a multiple of that of independent ones."""
    kernel = sharpness(volume.acquisition.kernel)
    area_mm2 = NOISE_AREA_MM2[Sharpness.SOFT if kernel is None else kernel]
    thickness_mm = volume.acquisition.slice_thickness_mm or volume.increment_mm
    in_plane = area_mm2 / (volume.spacing_mm[0] * volume.spacing_mm[1])
    return max(in_plane, 1.0) * max(thickness_mm / volume.increment_mm, 1.0)  # slices may overlap


def _steps(volume: Volume, mm: float) -> NDArray[np.int64]:
    """Voxels that cover a distance along [slice, row, column], at least one slice."""
    spacing = np.array([volume.increment_mm, *volume.spacing_mm])
    return np.maximum(np.rint(mm / spacing), 1).astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Excess:
    """One deposit: its sum above the background, HU mm, and that sum's variance by noise."""

    above: float
    variance: float


def _excess(
    hu: NDArray[np.int16],
    inner: tuple[slice, slice, slice],
    near: NDArray[np.bool_],
    increments_mm: NDArray[np.float64],
    noise_hu: float,
) -> _Excess:
    """Sum the HU near the calcium above what lies around, each slice times its increment.

    Whole numbers are summed as such; without the matrix library, which would wake its threads
    for each small block.
    """
    is_shell = hu > SHELL_HU[0]
    counted = near & is_shell[inner]  # fat and lung within would count as holes in the calcium
    is_shell &= hu < SHELL_HU[1]
    is_shell[inner] &= ~near
    shell = hu * is_shell.view(np.int8)  # within -30..130: its squares fit 16 bits as well
    n = int(np.count_nonzero(is_shell))
    background = _sum(shell) / n if n else 0.0
    if n >= _MIN_SHELL:
        noise_hu = math.sqrt(max(_sum(shell * shell) - n * background**2, 0.0) / (n - 1))
    n_counted = np.add.reduce(counted, axis=(1, 2), dtype=np.int64)
    sums = np.add.reduce(hu[inner] * counted.view(np.int8), axis=(1, 2), dtype=np.int64)
    own_mm = increments_mm[inner[0]]
    total_mm = own_mm * n_counted
    total = float(np.add.reduce(total_mm))
    above = float(np.add.reduce(own_mm * sums)) - background * total
    # Among fat or lung the rim lies below that background and would take from the calcium: what
    # the bright voxels alone rise above it is the least. In tissue a least would only add noise.
    if above <= 0 or int(n_counted.sum()) < np.count_nonzero(near):
        is_core = near & (hu[inner] >= SHELL_HU[1])
        n_core = np.add.reduce(is_core, axis=(1, 2), dtype=np.int64)
        core = np.add.reduce(hu[inner] * is_core.view(np.int8), axis=(1, 2), dtype=np.int64)
        above = max(above, float(np.add.reduce(own_mm * (core - background * n_core))))
    # The background is subtracted from each voxel alike, and its own error with it.
    spread = float(np.add.reduce(own_mm * total_mm)) + (total**2 / n if n else 0.0)
    return _Excess(above, noise_hu**2 * spread)


def _sum(values: NDArray[np.int16]) -> int:
    return int(np.add.reduce(values, axis=None, dtype=np.int64))
