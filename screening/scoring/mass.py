"""Calcium mass by integration, and the noise in it.

Comes in: a `Volume` and the flat indices of calcium voxels.
Goes out: milligrams of calcium hydroxyapatite, with the standard error from noise.
Refuses: nothing.

The standard mass counts voxels above the threshold only: what the point-spread and thick slices
smear below it is lost, half and more of a small deposit. Here everything a deposit adds to its
surroundings is summed, whatever its height: the HU above the local background, over the deposit
and a margin that holds its smear. The factor from HU to mg/cm3 is that of the standard mass.

An artery lies among fat, blood and muscle, so that there is no one background: each slice of a
deposit, and each part of a large one, has that of the ring around it, fat included. What the
calcium itself covers is not seen; how uneven the ring is tells how far it may differ.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.kernels import Sharpness, sharpness
from screening.records import ScoringParameters, Volume
from screening.scoring.clusters import Cluster, clusters
from screening.scoring.parameters import mass_mg_per_mm3_per_hu

# How far a deposit's smear reaches beyond its bright voxels: two sigmas of a point-spread of 0.5 mm
# in the plane; across the slices at least one more. A wider margin sums more of the tissue's
# unevenness than of calcium: 2.4 mm, with fat left out of the background, found half of the mass of
# simulated chests (tests/support/mass_cases.py, seeds 0 to 59), this 0.94 of the mass of deposits
# that reach the threshold (median, seeds 0 to 119).
MARGIN_MM = 1.0
# Background: a ring in the slice, this much wider than the margin.
SHELL_MM = 1.4
# Deposits closer than this are looked at together; larger ones in parts, so that the ring is near.
APART_MM, TILE_MM = 4.8, 10.0
# Voxels of the ring this bright are other calcium or bone, this dark are lung (or its border): no
# background. Fat, down to -120 HU, is.
SHELL_HU = (-150, 130)
# A mean or a spread needs some voxels. With fewer in its slice the whole ring gives the mean; with
# fewer than twice as many in that, the scan's noise is the spread; with none, tissue is the mean.
_MIN_SHELL = 10
TISSUE_HU = 40.0
# Noise of neighbouring pixels is alike, so that a sum over a deposit varies as if its pixels were
# fewer and larger: by kernel so many mm² each. Measured on simulated inserts with pixels of 0.68 mm
# (infra/scoring-measured.md tells what the intervals made with it cover). Unknown counts as soft.
NOISE_AREA_MM2 = {Sharpness.SOFT: 3.2, Sharpness.MEDIUM: 0.95, Sharpness.SHARP: 0.46}


@dataclass(frozen=True, slots=True)
class IntegratedMass:
    """mg, and what makes it uncertain, mg each.

    noise_mg : standard error that noise gives it
    uneven_mg : how much it changes where the tissue under all of the calcium is brighter than that
        around it by one standard deviation of the latter, noise taken out
    """

    mg: float
    noise_mg: float
    uneven_mg: float


def integrated_mass(
    volume: Volume, index: NDArray[np.int64], parameters: ScoringParameters, noise_hu: float
) -> IntegratedMass:
    """Sum each deposit's HU above its local background.

    Parameters
    ----------
    volume : Volume
    index : int64 (n,), flat, sorted: voxels at or above the threshold
    parameters : whether the mass is calibrated
    noise_hu : of the scan: what of a spread is noise, and the spread of deposits without tissue
        around them

    Returns
    -------
    IntegratedMass; zeros without voxels. Deposits that lie close together share their backgrounds.
    """
    if len(index) == 0:
        return IntegratedMass(0.0, 0.0, 0.0)
    margin, wide = _steps(volume, MARGIN_MM), _steps(volume, MARGIN_MM + SHELL_MM)
    wide[0] = margin[0]  # the ring lies in the slice
    apart = np.maximum(_steps(volume, APART_MM), 2 * margin)  # no voxel is near two groups
    size = _steps(volume, TILE_MM)
    around = int(margin[0])
    increments_mm = np.pad(volume.increments_mm, around, mode="edge")
    above = variance = uneven = 0.0
    for cluster in clusters(index, volume.hu.shape, apart, wide, margin):
        begin = cluster.low[0] + around
        own_mm = increments_mm[begin : begin + cluster.shape[0]]
        for tile in _tiles(cluster.cut(volume.hu), cluster, size):
            found = _excess(tile, own_mm, noise_hu)
            above += found.above
            variance += found.variance
            uneven += found.uneven  # what biases one background is likely to bias the next
    pixel_mm2 = volume.spacing_mm[0] * volume.spacing_mm[1]
    factor = mass_mg_per_mm3_per_hu(volume.acquisition.kvp, parameters) * pixel_mm2
    noise = math.sqrt(_correlation(volume) * variance)
    return IntegratedMass(factor * above, factor * noise, factor * uneven)


def _correlation(volume: Volume) -> float:
    """Variance of a sum over voxels, as a multiple of that of independent ones."""
    kernel = sharpness(volume.acquisition.kernel)
    area_mm2 = NOISE_AREA_MM2[Sharpness.SOFT if kernel is None else kernel]
    thickness_mm = volume.acquisition.slice_thickness_mm or volume.increment_mm
    in_plane = area_mm2 / (volume.spacing_mm[0] * volume.spacing_mm[1])
    return max(in_plane, 1.0) * max(thickness_mm / volume.increment_mm, 1.0)  # slices may overlap


def _steps(volume: Volume, mm: float) -> NDArray[np.int64]:
    """Voxels that cover a distance along [slice, row, column], at least one."""
    spacing = np.array([volume.increment_mm, *volume.spacing_mm])
    return np.maximum(np.rint(mm / spacing), 1).astype(np.int64)


class _Tile(NamedTuple):
    """A deposit or a part of one, every slice: its HU, what is near it; the same with the ring."""

    inner_hu: NDArray[np.int16]
    near: NDArray[np.bool_]
    hu: NDArray[np.int16]
    is_ring: NDArray[np.bool_]


class _Excess(NamedTuple):
    """Of a tile: its sum above the background, HU mm; that sum's variance; see `uneven_mg`."""

    above: float
    variance: float
    uneven: float


class _Ring(NamedTuple):
    """The tissue around a tile: number of voxels and mean HU in each slice; its spread, HU."""

    n: NDArray[np.int32]
    mean_hu: NDArray[np.float64]
    sd_hu: float


def _tiles(hu: NDArray[np.int16], cluster: Cluster, size: NDArray[np.int64]) -> Iterator[_Tile]:
    """Yield a deposit in one piece, a large one in parts, each with the ring around it."""
    is_ring = (hu > SHELL_HU[0]) & (hu < SHELL_HU[1])
    is_ring[cluster.inner] &= ~cluster.near
    inner = hu[cluster.inner]
    _, height, width = size.tolist()
    _, above, beside = (2 * axis.start for axis in cluster.inner)  # of the ring, both sides
    for r in range(0, inner.shape[1], height):
        for c in range(0, inner.shape[2], width):
            part = (slice(None), slice(r, r + height), slice(c, c + width))
            whole = (slice(None), slice(r, r + height + above), slice(c, c + width + beside))
            yield _Tile(inner[part], cluster.near[part], hu[whole], is_ring[whole])


def _excess(tile: _Tile, own_mm: NDArray[np.float64], noise_hu: float) -> _Excess:
    """Sum the HU near the calcium above what lies around, each slice times its increment.

    Whole numbers are summed as such; without the matrix library, which would wake its threads
    for each small block.
    """
    ring = _ring(tile.hu, tile.is_ring, noise_hu)
    counted = tile.near & (tile.inner_hu > SHELL_HU[0])  # lung would be a hole in the calcium
    n, above = _above(tile.inner_hu, counted, ring.mean_hu, own_mm)
    # Beside lung the rim lies below that background and would take from the calcium: what the
    # bright voxels alone rise above it is the least. In tissue a least would only add noise.
    if above <= 0 or int(np.add.reduce(n)) < np.count_nonzero(tile.near):
        core = tile.near & (tile.inner_hu >= SHELL_HU[1])
        above = max(above, _above(tile.inner_hu, core, ring.mean_hu, own_mm)[1])
    counted_mm = own_mm * n
    total_mm = float(np.add.reduce(counted_mm))
    # A background is subtracted from each voxel of its slice alike, and its own error with it.
    spread = np.add.reduce(counted_mm * (own_mm + counted_mm / np.maximum(ring.n, _MIN_SHELL)))
    uneven_hu = math.sqrt(max(ring.sd_hu**2 - noise_hu**2, 0.0))
    return _Excess(above, ring.sd_hu**2 * float(spread), uneven_hu * total_mm)


def _ring(hu: NDArray[np.int16], is_ring: NDArray[np.bool_], noise_hu: float) -> _Ring:
    values = hu * is_ring.view(np.int8)  # within -150..130: their squares fit 16 bits as well
    n = _sums(is_ring)
    sums = _sums(values)
    n_all = int(np.add.reduce(n))
    mean_hu = float(np.add.reduce(sums)) / n_all if n_all else TISSUE_HU
    own_hu = sums / np.maximum(n, 1)
    own_hu[n < _MIN_SHELL] = mean_hu
    if n_all < 2 * _MIN_SHELL:
        return _Ring(n, own_hu, noise_hu)
    squares = float(np.add.reduce(values * values, axis=None, dtype=np.int64))
    within = squares - float(np.add.reduce(own_hu * sums))
    return _Ring(n, own_hu, math.sqrt(max(within, 0.0) / n_all))


def _above(
    hu: NDArray[np.int16],
    counted: NDArray[np.bool_],
    background_hu: NDArray[np.float64],
    own_mm: NDArray[np.float64],
) -> tuple[NDArray[np.int32], float]:
    """Return the number of voxels in each slice, and how far they rise above it in all, HU mm."""
    n = _sums(counted)
    rise = _sums(hu * counted.view(np.int8)) - background_hu * n
    return n, float(np.add.reduce(own_mm * rise))


def _sums(values: NDArray[np.generic]) -> NDArray[np.int32]:
    """Return the sum of each slice: 32 bits hold 800 x 800 voxels of the brightest HU, 3071."""
    sums: NDArray[np.int32] = np.add.reduce(values.reshape(len(values), -1), axis=1, dtype=np.int32)
    return sums
