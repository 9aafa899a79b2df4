"""What noise alone would add to a score.

Comes in: a `Volume`, its `Labelled`, the parameters of the score.
Goes out: Agatston units that noise is expected to make along the coronary courses of a scan
without any calcium; None where the blood or the courses were not found.
Refuses: nothing.

A voxel of blood or muscle passes the threshold with a probability that mean and standard deviation
of the blood tell (noise of CT is close to normal). Whether it then counts depends on its
neighbours: 1 mm2 takes several, and the kernel makes neighbours alike. So patches of noise are
drawn whose middle passes the threshold and whose correlation is that of the blood's own noise, and
are scored by the convention. That is exact for normal noise and needs few patches, however rarely
the threshold is passed. The same patches are drawn each time: a scan has one figure.

infra/quality-measured.md holds it against what simulated scans without calcium show.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import PchipInterpolator
from scipy.stats import norm

from screening.records import Labelled, ScoringParameters, Volume
from screening.surroundings import Place, Surroundings

LAGS = 4  # neighbours up to so many pixels off are correlated; further off taken as not
_SLICES = 6
_COARSE = 4  # every so many pixels the place is looked up; cells are wider
_LOCAL_MM = 20.0  # chambers differ in brightness: the mean within such a square is taken off
_FEWEST = 500
_BAND = 0.03  # half the width, as a share of all voxels, over which a quantile is averaged
_CLIP_SD = 4.0
_SIDE = 7  # of a patch, pixels
_PATCHES = 2048
_IN_SLICE = {
    4: np.array([[[0] * 3] * 3, [[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[0] * 3] * 3]),
    8: np.array([[[0] * 3] * 3, [[1] * 3] * 3, [[0] * 3] * 3]),
}


@dataclass(frozen=True, slots=True, eq=False)
class BloodNoise:
    """Noise of the blood.

    median_hu : of its voxels
    sd_hu : of the brighter half. Fat and air at the border make the darker half wider, and only
        the brighter one can pass for calcium
    correlation : float64 (LAGS + 1,), of voxels so many pixels apart in the plane
    """

    median_hu: float
    sd_hu: float
    correlation: NDArray[np.float64]


def expected_false_agatston(
    volume: Volume, labelled: Labelled, parameters: ScoringParameters
) -> float | None:
    """Agatston units that noise would make along the coronary courses without any calcium.

    Parameters
    ----------
    volume : Volume, the one that is scored
    labelled : of this volume
    parameters : of the score
    """
    noise = blood_noise(volume, labelled)
    if noise is None or labelled.surroundings is None:
        return None
    per_ml = false_agatston_per_ml(noise, volume.spacing_mm, parameters)
    return per_ml * labelled.surroundings.soft_ml


def blood_noise(volume: Volume, labelled: Labelled) -> BloodNoise | None:
    """Measure the noise of the blood on a few slices; None where there is too little blood."""
    if labelled.surroundings is None:
        return None
    first, stop = labelled.heart_box[:2]
    slices = np.unique(np.linspace(first, stop - 1, _SLICES + 2)[1:-1].astype(int))
    found = [_blood(volume, labelled, labelled.surroundings, int(k)) for k in slices]
    hu = np.concatenate([plane[is_blood] for plane, is_blood in found])
    if len(hu) < _FEWEST:
        return None
    hu.sort()
    median_hu, brighter_hu = _near_quantile(hu, 0.5), _near_quantile(hu, float(norm.cdf(1.0)))
    sd_hu = brighter_hu - median_hu
    if sd_hu <= 0:
        return None
    products, counts = np.zeros(LAGS + 1), np.zeros(LAGS + 1)
    for plane, is_blood in found:
        reach = _CLIP_SD * sd_hu
        residual = np.clip(plane - np.float32(median_hu), -reach, reach) * is_blood
        residual = _less_local_mean(residual, is_blood, volume.spacing_mm)
        _add_products(residual, is_blood, products, counts)
    covariance = products / np.maximum(counts, 1)
    return BloodNoise(median_hu, sd_hu, covariance / covariance[0])


def _blood(
    volume: Volume, labelled: Labelled, near: Surroundings, k: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """One slice of the heart box, and where it is blood."""
    box = labelled.heart_box
    hu = volume.hu[k, box[2] : box[3], box[4] : box[5]].astype(np.float32)
    rows, columns = (np.arange(0, n, _COARSE) for n in hu.shape)
    at = np.stack(np.meshgrid(rows + box[2], columns + box[4], indexing="ij"), axis=-1)
    index = np.concatenate([np.full((*at.shape[:2], 1), k), at], axis=-1).reshape(-1, 3)
    place = near.at(volume.lps_mm(index.astype(np.float64))).reshape(at.shape[:2])
    is_blood = (place & Place.BLOOD > 0).repeat(_COARSE, axis=0).repeat(_COARSE, axis=1)
    return hu, is_blood[: hu.shape[0], : hu.shape[1]]


def _near_quantile(ordered_hu: NDArray[np.float32], at: float) -> float:
    """Mean of the values about a quantile: finer than whole HU."""
    n = len(ordered_hu)
    band = ordered_hu[int((at - _BAND) * n) : int((at + _BAND) * n) + 1]
    return float(band.mean(dtype=np.float64))


def _less_local_mean(
    hu: NDArray[np.float32], is_blood: NDArray[np.bool_], spacing_mm: tuple[float, float]
) -> NDArray[np.float32]:
    """Take off the mean of the blood around, so that only noise is left; 0 outside the blood."""
    size = [max(3, round(_LOCAL_MM / mm)) for mm in spacing_mm]
    share = ndimage.uniform_filter(is_blood.astype(np.float32), size)
    local = ndimage.uniform_filter(hu, size) / np.maximum(share, np.float32(1e-3))
    return np.asarray((hu - local) * is_blood, dtype=np.float32)


def _add_products(
    hu: NDArray[np.float32],
    is_blood: NDArray[np.bool_],
    products: NDArray[np.float64],
    counts: NDArray[np.float64],
) -> None:
    for plane, mask in ((hu, is_blood), (hu.T, is_blood.T)):
        n = len(plane)
        for lag in range(LAGS + 1):
            products[lag] += float((plane[lag:] * plane[: n - lag]).sum(dtype=np.float64))
            counts[lag] += int((mask[lag:] & mask[: n - lag]).sum())


def false_agatston_per_ml(
    noise: BloodNoise, spacing_mm: tuple[float, float], parameters: ScoringParameters
) -> float:
    """Agatston units that normal noise makes in a millilitre of even tissue.

    Parameters
    ----------
    noise : of the tissue
    spacing_mm : row, column
    parameters : ScoringParameters
    """
    above = (parameters.threshold_hu - noise.median_hu) / noise.sd_hu
    chance = float(norm.sf(above))
    if chance == 0:
        return 0.0
    patches = noise.median_hu + noise.sd_hu * _patches(above, chance, noise.correlation)
    middle = _SIDE // 2
    connectivity = _IN_SLICE[4 if parameters.connectivity == 4 else 8]
    parts, _ = ndimage.label(patches >= parameters.threshold_hu, structure=connectivity)
    own = parts == parts[:, middle, middle][:, None, None]
    n_pixels = own.sum(axis=(1, 2))
    peak_hu = np.where(own, patches, -np.inf).max(axis=(1, 2))
    weight = 1 + np.searchsorted(np.array(parameters.weight_edges_hu), peak_hu, side="right")
    pixel_mm2 = spacing_mm[0] * spacing_mm[1]
    counts = n_pixels * pixel_mm2 >= parameters.min_area_mm2 * (1 - 1e-9)
    counts &= n_pixels >= parameters.min_pixels
    # A voxel that counts adds pixel area x weight x increment / 3 mm: its volume x weight / 3 mm.
    return float(1000 * chance * (weight * counts).mean() / parameters.reference_increment_mm)


def _patches(above: float, chance: float, correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw normal noise of SD 1 (patches, side, side) whose middle is `above` or more."""
    at = np.indices((_SIDE, _SIDE)).reshape(2, -1).T
    apart = np.linalg.norm(at[:, None] - at[None], axis=-1)
    # Smooth between the lags, fading to none one pixel after the last and further off.
    known = np.append(correlation, [0.0] * (_SIDE * 2 - LAGS))
    covariance = PchipInterpolator(np.arange(len(known)), known)(apart)
    middle = len(at) // 2
    to_middle = covariance[:, middle]
    rest = covariance - np.outer(to_middle, to_middle)
    values, vectors = np.linalg.eigh(rest)
    root = vectors * np.sqrt(np.maximum(values, 0))
    rng = np.random.default_rng(0)
    strata = (np.arange(_PATCHES) + 0.5) / _PATCHES
    peak = norm.isf(strata * chance)
    noise = peak[:, None] * to_middle + rng.standard_normal((_PATCHES, len(at))) @ root.T
    noise[:, middle] = np.maximum(noise[:, middle], above)
    return np.asarray(noise.reshape(_PATCHES, _SIDE, _SIDE), dtype=np.float64)
