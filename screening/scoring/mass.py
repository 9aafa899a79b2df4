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

import itertools
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
_TOGETHER = 250_000  # voxels looked at in one go
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
    above = variance = uneven = 0.0
    for tiles in _together(_all_tiles(volume, index)):
        found = _excess(tiles, noise_hu)
        above += float(np.add.reduce(found.above))
        variance += float(np.add.reduce(found.variance))
        # What biases one background is likely to bias the next.
        uneven += float(np.add.reduce(found.uneven))
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
    increments_mm: NDArray[np.float64]


class _Tiles(NamedTuple):
    """Tiles one after another, flat: most are small, and numpy is slow to begin.

    inner, ring : int64, where each slice of each tile begins
    tile : int64 (slices,), which tile a slice is of
    """

    n: int
    tile: NDArray[np.int64]
    increments_mm: NDArray[np.float64]
    inner_hu: NDArray[np.int16]
    near: NDArray[np.bool_]
    inner: NDArray[np.int64]
    hu: NDArray[np.int16]
    is_ring: NDArray[np.bool_]
    ring: NDArray[np.int64]

    def total(self, of_slice: NDArray[np.number]) -> NDArray[np.float64]:
        """Sum over the slices of each tile."""
        return np.bincount(self.tile, weights=of_slice, minlength=self.n).astype(np.float64)


class _Excess(NamedTuple):
    """Of each tile: its sum above the background, HU mm; that sum's variance; see `uneven_mg`."""

    above: NDArray[np.float64]
    variance: NDArray[np.float64]
    uneven: NDArray[np.float64]


class _Ring(NamedTuple):
    """Around each tile: voxels and mean HU in each slice; the spread in each tile, HU."""

    n: NDArray[np.int32]
    mean_hu: NDArray[np.float64]
    sd_hu: NDArray[np.float64]


def _all_tiles(volume: Volume, index: NDArray[np.int64]) -> Iterator[_Tile]:
    """Cut all deposits out of the volume."""
    margin, wide = _steps(volume, MARGIN_MM), _steps(volume, MARGIN_MM + SHELL_MM)
    wide[0] = margin[0]  # the ring lies in the slice
    apart = np.maximum(_steps(volume, APART_MM), 2 * margin)  # no voxel is near two groups
    size = _steps(volume, TILE_MM)
    around = int(margin[0])
    increments_mm = np.pad(volume.increments_mm, around, mode="edge")
    for cluster in clusters(index, volume.hu.shape, apart, wide, margin):
        begin = cluster.low[0] + around
        own_mm = increments_mm[begin : begin + cluster.shape[0]]
        yield from _tiles(cluster.cut(volume.hu), cluster, size, own_mm)


def _tiles(
    hu: NDArray[np.int16],
    cluster: Cluster,
    size: NDArray[np.int64],
    increments_mm: NDArray[np.float64],
) -> Iterator[_Tile]:
    """Yield a deposit in one piece, a large one in parts, each with the ring around it."""
    is_ring = (hu > SHELL_HU[0]) & (hu < SHELL_HU[1])
    is_ring[cluster.inner] &= ~cluster.near
    inner = hu[cluster.inner]
    rows, columns = (
        _parts(inner.shape[axis], int(size[axis]), 2 * cluster.inner[axis].start) for axis in (1, 2)
    )
    for r, whole_r in rows:
        for c, whole_c in columns:
            part, whole = (slice(None), r, c), (slice(None), whole_r, whole_c)
            yield _Tile(inner[part], cluster.near[part], hu[whole], is_ring[whole], increments_mm)


def _parts(n: int, size: int, ring: int) -> list[tuple[slice, slice]]:
    """Cut a length in parts; beside each, what is looked at around it, the ring included.

    The parts are as many before the middle as behind it, so that it does not matter which end
    comes first. Around a part that is smaller than `size` so much is looked at as around one
    that is not.

    Parameters
    ----------
    n, size : of the deposit and of a part at most, voxels
    ring : how much longer than the deposit the block with the ring is, both sides together
    """
    if n <= size:
        return [(slice(0, n), slice(0, n + ring))]
    count = 2 * (math.ceil(n / size) // 2) + 1
    before = [k * n // count for k in range(count // 2 + 1)]
    edges = [*before, *(n - edge for edge in reversed(before))]
    found = []
    for begin, end in itertools.pairwise(edges):
        more = max(size - (end - begin), 0) // 2
        found.append((slice(begin, end), slice(max(begin - more, 0), min(end + more, n) + ring)))
    return found


def _together(tiles: Iterator[_Tile]) -> Iterator[_Tiles]:
    """Lay tiles one after another, in portions that fit a processor's cache."""
    portion: list[_Tile] = []
    size = 0
    for tile in tiles:
        portion.append(tile)
        size += tile.hu.size
        if size >= _TOGETHER:
            yield _laid(portion)
            portion, size = [], 0
    if portion:
        yield _laid(portion)


def _laid(tiles: list[_Tile]) -> _Tiles:
    depth = np.array([len(tile.near) for tile in tiles])

    def begins(of_slice: list[int]) -> NDArray[np.int64]:
        ends = np.cumsum(np.repeat(np.array(of_slice, dtype=np.int64), depth))
        return np.concatenate([[0], ends[:-1]])

    return _Tiles(
        n=len(tiles),
        tile=np.repeat(np.arange(len(tiles)), depth),
        increments_mm=np.concatenate([tile.increments_mm for tile in tiles]),
        inner_hu=np.concatenate([tile.inner_hu.ravel() for tile in tiles]),
        near=np.concatenate([tile.near.ravel() for tile in tiles]),
        inner=begins([tile.near[0].size for tile in tiles]),
        hu=np.concatenate([tile.hu.ravel() for tile in tiles]),
        is_ring=np.concatenate([tile.is_ring.ravel() for tile in tiles]),
        ring=begins([tile.hu[0].size for tile in tiles]),
    )


def _excess(tiles: _Tiles, noise_hu: float) -> _Excess:
    """Sum the HU near the calcium above what lies around, each slice times its increment."""
    ring = _ring(tiles, noise_hu)
    counted = tiles.near & (tiles.inner_hu > SHELL_HU[0])  # lung would be a hole in the calcium
    n, above = _above(tiles, counted, ring.mean_hu)
    # Beside lung the rim lies below that background and would take from the calcium: what the
    # bright voxels alone rise above it is the least. In tissue a least would only add noise.
    has_least = (above <= 0) | (tiles.total(n) < tiles.total(_sums(tiles.near, tiles.inner)))
    core = tiles.near & (tiles.inner_hu >= SHELL_HU[1])
    least = np.where(has_least, _above(tiles, core, ring.mean_hu)[1], -np.inf)
    own_mm = tiles.increments_mm
    counted_mm = own_mm * n
    # A background is subtracted from each voxel of its slice alike, and its own error with it.
    spread = tiles.total(counted_mm * (own_mm + counted_mm / np.maximum(ring.n, _MIN_SHELL)))
    uneven_hu = np.sqrt(np.maximum(ring.sd_hu**2 - noise_hu**2, 0.0))
    return _Excess(
        above=np.maximum(above, least),
        variance=ring.sd_hu**2 * spread,
        uneven=uneven_hu * tiles.total(counted_mm),
    )


def _ring(tiles: _Tiles, noise_hu: float) -> _Ring:
    values = tiles.hu * tiles.is_ring.view(np.int8)  # -150..130: their squares fit 16 bits too
    n, sums = _sums(tiles.is_ring, tiles.ring), _sums(values, tiles.ring)
    n_all = tiles.total(n)
    mean_hu = np.where(n_all > 0, tiles.total(sums) / np.maximum(n_all, 1), TISSUE_HU)
    own_hu = np.where(n < _MIN_SHELL, mean_hu[tiles.tile], sums / np.maximum(n, 1))
    squares = _sums(values * values, tiles.ring)
    within = np.maximum(tiles.total(squares - own_hu * sums), 0.0)
    sd_hu = np.sqrt(within / np.maximum(n_all, 1))
    return _Ring(n, own_hu, np.where(n_all < 2 * _MIN_SHELL, noise_hu, sd_hu))


def _above(
    tiles: _Tiles, counted: NDArray[np.bool_], background_hu: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the voxels in each slice, and how far those of each tile rise above it, HU mm."""
    n = _sums(counted, tiles.inner)
    rise = _sums(tiles.inner_hu * counted.view(np.int8), tiles.inner) - background_hu * n
    return n, tiles.total(tiles.increments_mm * rise)


def _sums(values: NDArray[np.generic], begins: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the sum of each slice: 32 bits hold 300 x 300 squares of the ring, 150² HU² each."""
    return np.asarray(np.add.reduceat(values, begins, dtype=np.int32))
