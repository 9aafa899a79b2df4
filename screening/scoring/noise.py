"""What noise alone would add to a score.

Comes in: a `Volume`, its `Labelled`, the parameters of the score.
Goes out: Agatston units that noise is expected to make along the coronary courses of a scan
without any calcium; None where the blood or the courses were not found.
Refuses: nothing.

A voxel of blood or muscle passes the threshold with a probability that level and standard deviation
of the blood tell, if the noise is normal. Whether it then counts depends on its neighbours: 1 mm2
takes several, and the kernel makes neighbours alike. So patches of noise are drawn whose middle
passes the threshold and whose correlation is that of the blood's own noise, and are scored by the
convention. That is exact for normal noise and needs few patches, however rarely the threshold is
passed. The same patches are drawn each time: a scan has one figure. Noise differs from slice to
slice, and the noisy ones make nearly all of it: each is reckoned by itself.

Noise is measured where the blood is even. Fat, walls and flecks of calcium among what is taken for
blood are not noise, though they widen its distribution (`BloodPool.sd_hu` has them in it).

Streaks are rarer and brighter than normal noise; what they make shows in the blood itself. So the
units that the convention counts in the blood, where nothing can be calcium, are taken where they
are more than normal noise would make: on simulated scans the two agree, on two of three real ones
the blood shows ten and more times as much (infra/decisions/0013-when-not-to-trust.md).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtr, ndtri

from screening.records import Label, Labelled, ScoringParameters, Volume
from screening.scoring.measure import measure
from screening.surroundings import Place, Surroundings

LAGS = 4  # neighbours up to so many pixels off are correlated; further off taken as not
_SLICES = 6
_COARSE = 4  # every so many pixels the place is looked up; cells are wider
# Where the mean within such a square is this far from what is typical the blood is not even: so
# many HU, or where noise is strong such a part of its SD, as the mean itself is noisy then.
_LOCAL_MM, _EVEN_HU, _EVEN_SD = 10.0, 12.0, 0.6
_FEWEST = 500
_BAND = 0.03  # half the width, as a share of all voxels, over which a quantile is averaged
_CLIP_SD = 4.0
_NEGLIGIBLE = 1e-9  # chance of a voxel: less than 0.001 units in a litre
_SIDE = 7  # of a patch, pixels
_VALVE_MM, _LEAST_ML = 25.0, 20.0  # how far the valves' calcium reaches; less blood tells nothing
_NOISE_WEIGHT = 1.5  # of islands below 200 HU the weight is 1
_LOOK = (2, 6, 6)  # every so many voxels the blood is looked for when its volume is measured
_PATCHES = 256  # of each slice
_IN_SLICE = {
    4: np.array([[[0] * 3] * 3, [[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[0] * 3] * 3]),
    8: np.array([[[0] * 3] * 3, [[1] * 3] * 3, [[0] * 3] * 3]),
}


# Hounsfield units of a slice, and a mask.
_Plane = tuple[NDArray[np.float32], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, eq=False)
class BloodNoise:
    """Noise of the blood in one slice.

    level_hu : mean of the blood, of all slices
    sd_hu : of the brighter half, which alone can pass for calcium
    correlation : float64 (LAGS + 1,), of voxels so many pixels apart in the plane, of all slices
    n_voxels : measured in this slice
    """

    level_hu: float
    sd_hu: float
    correlation: NDArray[np.float64]
    n_voxels: int = 1


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
    slices = blood_noise(volume, labelled)
    if not slices or labelled.surroundings is None:
        return None
    per_ml = [
        false_agatston_per_ml(noise, volume.spacing_mm, parameters, seed)
        for seed, noise in enumerate(slices)
    ]
    mean_per_ml = np.average(per_ml, weights=[noise.n_voxels for noise in slices])
    seen_per_ml = _seen_per_ml(volume, labelled, labelled.surroundings, parameters)
    return float(max(mean_per_ml, seen_per_ml)) * labelled.surroundings.soft_ml


def _seen_per_ml(
    volume: Volume, labelled: Labelled, around: Surroundings, parameters: ScoringParameters
) -> float:
    """Agatston units that blood itself shows in a millilitre, away from calcium and valves."""
    first, stop, r0, r1, c0, c1 = labelled.heart_box
    corner = np.array([first, r0, c0])
    box = volume.hu[first:stop, r0:r1, c0:c1]
    bright = np.flatnonzero(box >= parameters.threshold_hu)
    at = np.stack(np.unravel_index(bright, box.shape), axis=1) + corner
    at = at[_is_plain_blood(volume, around, at)]
    index = np.ravel_multi_index(tuple(at.T), volume.hu.shape)
    index = np.setdiff1d(index, labelled.index[labelled.label != Label.NONE])
    # A coarse look tells how much blood there is.
    look = np.indices([-(-n // step) for n, step in zip(box.shape, _LOOK, strict=True)])
    look = look.reshape(3, -1).T
    is_blood = _is_plain_blood(volume, around, look * _LOOK + corner)
    pixel_mm2 = volume.spacing_mm[0] * volume.spacing_mm[1]
    blood_ml = is_blood.sum() * np.prod(_LOOK) * volume.increment_mm * pixel_mm2 / 1000
    if len(index) == 0 or blood_ml < _LEAST_ML:
        return 0.0
    found = measure(volume, index, np.zeros(len(index), dtype=np.uint8), parameters)
    # Specks of noise hardly reach the next weight; a calcified annulus or muscle does, unnamed too.
    weight = found.agatston * parameters.reference_increment_mm / found.volume_mm3
    return float(found.agatston[weight < _NOISE_WEIGHT].sum() / blood_ml)


def _is_plain_blood(
    volume: Volume, around: Surroundings, at: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which voxels lie in the blood and away from the valves, which calcify."""
    lps_mm = volume.lps_mm(at.astype(np.float64))
    is_blood = around.at(lps_mm) & Place.BLOOD > 0
    for valve in (around.aortic_valve_lps_mm, around.mitral_annulus_lps_mm):
        apart_mm = lps_mm - np.array(valve)
        is_blood &= np.einsum("ij,ij->i", apart_mm, apart_mm) > _VALVE_MM**2
    return is_blood


def blood_noise(volume: Volume, labelled: Labelled) -> tuple[BloodNoise, ...]:
    """Measure the noise of the blood on a few slices; none where there is too little blood."""
    if labelled.surroundings is None or labelled.blood_pool is None:
        return ()
    first, stop = labelled.heart_box[:2]
    size = [max(3, round(_LOCAL_MM / mm)) for mm in volume.spacing_mm]
    planes = []
    for k in np.unique(np.linspace(first, stop - 1, _SLICES + 2)[1:-1].astype(int)):
        hu, is_blood = _blood(volume, labelled, labelled.surroundings, int(k))
        planes.append((hu, is_blood, _local_mean(hu, is_blood, size)))
    means = np.concatenate([mean[is_blood] for _, is_blood, mean in planes])
    if len(means) < _FEWEST:
        return ()
    typical_hu = np.float32(np.median(means))
    reach_hu = max(_EVEN_HU, _EVEN_SD * labelled.blood_pool.sd_hu)
    even = [
        (hu - typical_hu, is_blood & (np.abs(mean - typical_hu) <= reach_hu))
        for hu, is_blood, mean in planes
    ]
    enough = [(hu, mask) for hu, mask in even if np.count_nonzero(mask) >= _FEWEST]
    return _noise_of(enough, float(typical_hu))


def _noise_of(planes: list[_Plane], typical_hu: float) -> tuple[BloodNoise, ...]:
    """Noise of each slice; `planes` hold HU less what is typical, and where the blood is even."""
    products, counts = np.zeros(LAGS + 1), np.zeros(LAGS + 1)
    found = []
    for hu, is_even in planes:
        values = np.sort(hu[is_even])
        sd_hu = _near_quantile(values, float(ndtr(1.0))) - _near_quantile(values, 0.5)
        reach = _CLIP_SD * sd_hu
        _add_products(np.clip(hu, -reach, reach) * is_even, is_even, products, counts)
        found.append((float(values.mean(dtype=np.float64)), sd_hu, len(values)))
    if not found or products[0] <= 0:
        return ()
    covariance = products / np.maximum(counts, 1)
    n = [count for _, _, count in found]
    level_hu = typical_hu + float(np.average([mean for mean, _, _ in found], weights=n))
    return tuple(
        BloodNoise(level_hu, sd_hu, covariance / covariance[0], count)
        for _, sd_hu, count in found
        if sd_hu > 0
    )


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


def _local_mean(
    hu: NDArray[np.float32], is_blood: NDArray[np.bool_], size: list[int]
) -> NDArray[np.float32]:
    """Mean of the blood around each pixel."""
    share = ndimage.uniform_filter(is_blood.astype(np.float32), size)
    mean = ndimage.uniform_filter(hu * is_blood, size) / np.maximum(share, np.float32(1e-3))
    return np.asarray(mean, dtype=np.float32)


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
            counts[lag] += np.count_nonzero(mask[lag:] & mask[: n - lag])


def false_agatston_per_ml(
    noise: BloodNoise,
    spacing_mm: tuple[float, float],
    parameters: ScoringParameters,
    seed: int = 0,
    n_patches: int = _PATCHES,
) -> float:
    """Agatston units that normal noise makes in a millilitre of even tissue.

    Parameters
    ----------
    noise : of the tissue
    spacing_mm : row, column
    parameters : ScoringParameters
    seed, n_patches : of the patches drawn
    """
    above = (parameters.threshold_hu - noise.level_hu) / noise.sd_hu
    chance = float(ndtr(-above))
    if chance < _NEGLIGIBLE:
        return 0.0
    patches = noise.level_hu + noise.sd_hu * _patches(
        above, chance, noise.correlation, seed, n_patches
    )
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


def _patches(
    above: float, chance: float, correlation: NDArray[np.float64], seed: int, n: int
) -> NDArray[np.float64]:
    """Draw normal noise of SD 1 (patches, side, side) whose middle is `above` or more."""
    to_middle, root = _texture(tuple(float(c) for c in correlation))
    rng = np.random.default_rng(seed)
    strata = (np.arange(n) + 0.5) / n
    peak = -ndtri(strata * chance)
    noise = peak[:, None] * to_middle + rng.standard_normal((n, len(root))) @ root.T
    middle = len(root) // 2
    noise[:, middle] = np.maximum(noise[:, middle], above)
    return np.asarray(noise.reshape(n, _SIDE, _SIDE), dtype=np.float64)


@lru_cache(maxsize=4)
def _texture(correlation: tuple[float, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Correlation of each pixel of a patch with its middle, and a root of what that leaves open."""
    at = np.indices((_SIDE, _SIDE)).reshape(2, -1).T
    apart = np.linalg.norm(at[:, None] - at[None], axis=-1)
    # Smooth between the lags, fading to none one pixel after the last and further off.
    known = [*correlation, *[0.0] * (_SIDE * 2 - LAGS)]
    covariance = PchipInterpolator(np.arange(len(known)), known)(apart)
    to_middle = covariance[:, len(at) // 2]
    values, vectors = np.linalg.eigh(covariance - np.outer(to_middle, to_middle))
    return to_middle, vectors * np.sqrt(np.maximum(values, 0))
