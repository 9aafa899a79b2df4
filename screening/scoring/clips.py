"""Surgical clips among what is called calcium: told by size, brightness, and how sure inference is.

Comes in: a `Volume`, its `Labelled`, and which of its voxels make which thing.
Goes out: which things are clips; whether something that counts may be one.
Refuses: nothing.

Who has clips had a bypass, and a clip of 5 mm that counts makes some 100 units of none. So what may
be either is a clip: calcium lost so is told (`clips_present`), a clip counted could not be.

| a thing of a clip's size (below) is a clip where it is                                      |
|---------------------------------------------------------------------------------------------|
| as bright as calcium of that size cannot be, however sure inference is of it: 1,200 HU, or   |
| 1,560 where it is longer than 6 mm                                                          |
| of 1,000 HU, and inference doubts it: calcium at less than 0.96, metal at 0.01 or more      |
| of 700 HU and half as bright as two others at the heart that are clips or may be, and       |
| inference is less sure than 0.97                                                            |

Of 1,200 HU it is two or more clips that touch: up to 12 mm where inference doubts it; up to 15
where it is less sure than 0.97 and two others are clips; of any length where it is calcium at less
than 0.7. Calcium outside the arteries (aorta, valves) does not count, but a clip taken for it hides
the plaque beside it: on a coronary course, as small and of 1,560 HU, it is metal.

What counts and is as bright as metal (`is_bright_as_metal`): 1,560 HU; 1,000 HU and calcium at less
than 0.97; or 800 HU, of a clip's size and calcium at less than 0.98. What these rules cost and what
they miss is measured in infra/decisions/0013.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.records import CORONARY_LABELS, Label, Labelled, Volume
from screening.scoring.components import touching
from screening.scoring.kvp import at_kvp_of
from screening.surroundings import Place

SEEN_FROM_HU = 130
# Clips of titanium are 4 to 8 mm long. The image spreads one to 10 mm at 130 HU, so its size is
# where it is half as bright as its peak (the second brightest voxel, for one may be noise).
_LONGEST_MM, _SPREAD_MM = 8.0, 10.0
_OUTERMOST_MM = 1.0  # of the outermost slice a clip fills no more
# What is small is dimmed by its surroundings: undimmed, 900 mg/cm3 of hydroxyapatite, three
# quarters of the hardest bone, are 1,200 HU. What is longer is dimmed less, and the hardest bone
# itself is 1,560 HU (`kvp`).
SMALL_METAL_FROM_HU_120KVP, _SMALL_MM, _LONGER_METAL_FROM_HU_120KVP = 1200.0, 6.0, 1560.0
_UNSURE_FROM_HU_120KVP, _SURE, _METAL_IN_DOUBT = 1000.0, 0.96, 0.01
# Clips come by the dozen and are alike, and thick slices dim them: some were called calcium at 0.7.
CLIP_FROM_HU_120KVP, _LIKE_THEM, _SURE_BESIDE_THEM = 700.0, 0.5, 0.97
_OTHERS, _MAY_BE_METAL = 2, 0.3
_TOUCHING_MM, _TOUCHING_ALONE_MM = 15.0, 12.0
_RATHER_NOT = 0.7
# What counts, and a reader may take for metal: from how bright on, and below which probability.
_REMARKED_FROM_HU_120KVP, _REMARKED_BELOW = 1000.0, 0.97
_SMALL_REMARKED_FROM_HU_120KVP, _SMALL_REMARKED_BELOW = 800.0, 0.98
_FAR = 2**31  # beyond any index
_LEAST_HU = np.int16(-(2**15))
_IS_CORONARY = np.isin(np.arange(256), CORONARY_LABELS)
_IS_OTHER_CALCIUM = np.isin(
    np.arange(256), [Label.AORTA, Label.AORTIC_VALVE, Label.MITRAL_ANNULUS, Label.PERICARDIUM]
)


@dataclass(frozen=True, slots=True, eq=False)
class _Sizes:
    """One number a thing.

    peak_hu : its brightest voxel
    second_hu : its second brightest, which noise makes less often
    is_small : it is of a clip's size
    core_mm : its extent where it is half as bright
    widest_mm : its extent at 130 HU
    """

    peak_hu: NDArray[np.float64]
    second_hu: NDArray[np.float64]
    is_small: NDArray[np.bool_]
    core_mm: NDArray[np.float64]
    widest_mm: NDArray[np.float64]


def are_clips(
    volume: Volume,
    labelled: Labelled,
    chosen: NDArray[np.int64],
    of: NDArray[np.int64],
    count: int,
) -> NDArray[np.bool_]:
    """Tell which things are clips, by the table above.

    Parameters
    ----------
    chosen : (n,) positions in `labelled.index`
    of : (n,) the thing each belongs to
    count : how many things

    Returns
    -------
    (count,) bool
    """
    index = labelled.index[chosen]
    sizes = _sizes(volume, index, of, count)
    sure = _mean(_sure_of_calcium(labelled, chosen), of, count)
    from_hu = at_kvp_of(SMALL_METAL_FROM_HU_120KVP, volume)
    metal = _mean(_share_of_metal(labelled, chosen), of, count)
    is_unsure = (sure < _SURE) & (metal >= _METAL_IN_DOUBT)
    is_doubted = is_unsure & (sizes.peak_hu >= at_kvp_of(_UNSURE_FROM_HU_120KVP, volume))
    longer_from_hu = at_kvp_of(_LONGER_METAL_FROM_HU_120KVP, volume)
    least_hu = np.where(sizes.core_mm <= _SMALL_MM, from_hu, longer_from_hu)
    is_clip = sizes.is_small & ((sizes.peak_hu >= least_hu) | is_doubted)
    may_touch = (sizes.second_hu >= from_hu) & (sizes.widest_mm <= _TOUCHING_MM)
    is_clip |= may_touch & is_unsure & (sizes.widest_mm <= _TOUCHING_ALONE_MM)
    is_clip |= (sizes.second_hu >= from_hu) & is_unsure & (sure < _RATHER_NOT)
    is_there = _is_at(Place.HEART | Place.COURSE, volume, labelled, index)
    at_heart = np.bincount(of, is_there, count) > 0
    alike = sizes.is_small & at_heart & (is_clip | (metal >= _MAY_BE_METAL))
    if alike.sum() >= _OTHERS:
        like_them_hu = _LIKE_THEM * float(np.median(sizes.peak_hu[alike]))
        from_hu = max(like_them_hu, at_kvp_of(CLIP_FROM_HU_120KVP, volume))
        is_clip |= sizes.is_small & (sizes.peak_hu >= from_hu) & (sure < _SURE_BESIDE_THEM)
    if is_clip.sum() >= _OTHERS:
        is_clip |= may_touch & (sure < _SURE_BESIDE_THEM)
    return is_clip


def clips_called_other(volume: Volume, labelled: Labelled) -> NDArray[np.int64]:
    """Positions in `labelled.index` of clips on coronary courses that are called other calcium.

    As far as they are half as bright as their peak: what they touch keeps its name.
    """
    none = np.zeros(0, dtype=np.int64)
    chosen = np.flatnonzero(_IS_OTHER_CALCIUM[labelled.label])
    from_hu = at_kvp_of(_LONGER_METAL_FROM_HU_120KVP, volume)
    if labelled.surroundings is None or len(chosen) == 0:
        return none
    index = labelled.index[chosen]
    hu = volume.hu.take(index)
    if hu.max() < from_hu:
        return none  # as a rule
    found = touching(index, volume.hu.shape)
    sizes = _sizes(volume, index, found.of, found.count)
    is_core = hu >= sizes.second_hu[found.of] / 2
    on_course = np.zeros(len(index), dtype=np.bool_)
    on_course[is_core] = _is_at(Place.COURSE, volume, labelled, index[is_core])
    meets = np.bincount(found.of, on_course, found.count) > 0
    is_clip = meets & (sizes.peak_hu >= from_hu) & (sizes.core_mm <= _LONGEST_MM)
    return np.asarray(chosen[is_core & is_clip[found.of]])


def is_bright_as_metal(volume: Volume, named: Labelled) -> bool:
    """Whether something counts that is as bright as metal, by the rule above."""
    chosen = np.flatnonzero(_IS_CORONARY[named.label])
    index = named.index[chosen]
    small_hu = at_kvp_of(_SMALL_REMARKED_FROM_HU_120KVP, volume)
    if len(index) == 0 or volume.hu.take(index).max() < small_hu:
        return False  # as a rule
    found = touching(index, volume.hu.shape)
    sizes = _sizes(volume, index, found.of, found.count)
    sure = _mean(named.probability[chosen], found.of, found.count)
    remarked = sizes.peak_hu >= at_kvp_of(_LONGER_METAL_FROM_HU_120KVP, volume)
    from_hu = at_kvp_of(_REMARKED_FROM_HU_120KVP, volume)
    remarked |= (sizes.peak_hu >= from_hu) & (sure < _REMARKED_BELOW)
    remarked |= sizes.is_small & (sizes.peak_hu >= small_hu) & (sure < _SMALL_REMARKED_BELOW)
    return bool(remarked.any())


def _sizes(volume: Volume, index: NDArray[np.int64], of: NDArray[np.int64], count: int) -> _Sizes:
    """Measure each thing, all of its voxels given."""
    hu = volume.hu.take(index)
    peak_hu = _peaks(hu, of, count)
    at_peak = np.flatnonzero(hu == peak_hu[of])
    others = hu.copy()
    others[at_peak[np.unique(of[at_peak], return_index=True)[1]]] = _LEAST_HU
    second = _peaks(others, of, count)
    second_hu = np.where(second > _LEAST_HU, second, peak_hu).astype(np.float64)
    in_core = hu >= np.maximum(second_hu / 2, SEEN_FROM_HU)[of]
    is_seen = hu >= SEEN_FROM_HU
    widest_mm = _widest_mm(volume, index[is_seen], of[is_seen], count)
    core_mm = _widest_mm(volume, index[in_core], of[in_core], count)
    is_small = (core_mm > 0) & (core_mm <= _LONGEST_MM) & (widest_mm <= _SPREAD_MM)
    return _Sizes(peak_hu.astype(np.float64), second_hu, is_small, core_mm, widest_mm)


def _peaks(hu: NDArray[np.int16], of: NDArray[np.int64], count: int) -> NDArray[np.int16]:
    """Return the brightest of each thing."""
    peak = np.full(count, _LEAST_HU)
    np.maximum.at(peak, of, hu)
    return peak


def _widest_mm(
    volume: Volume, index: NDArray[np.int64], of: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """Return each thing's widest extent along the volume's axes, mm; below 0 where it has none."""
    at = np.unravel_index(index, volume.hu.shape)
    steps_mm = (volume.increment_mm, *volume.spacing_mm)
    widest_mm = np.full(count, -np.inf)
    for axis, step_mm in zip(at, steps_mm, strict=True):
        # Of one type with the indices: else the ufunc takes its slow way.
        low, high = np.full(count, _FAR, np.int64), np.full(count, -_FAR, np.int64)
        np.minimum.at(low, of, axis)
        np.maximum.at(high, of, axis)
        extent_mm = (high - low) * step_mm + min(step_mm, _OUTERMOST_MM)
        widest_mm = np.maximum(widest_mm, extent_mm)
    return widest_mm


def _mean(
    value: NDArray[np.float32] | NDArray[np.float64], of: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """Return the mean of each thing's voxels."""
    return np.asarray(
        np.bincount(of, value, count) / np.maximum(np.bincount(of, minlength=count), 1)
    )


def _sure_of_calcium(labelled: Labelled, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """How sure inference is of each chosen voxel to be calcium."""
    probability = labelled.probability[chosen].astype(np.float64)
    return np.where(labelled.label[chosen] == Label.METAL, 1 - probability, probability)


def _share_of_metal(labelled: Labelled, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """How likely each chosen voxel is metal, if not coronary; by its label where none is told."""
    things = labelled.things
    if things is None or "metal" not in things.names:
        return 1 - _sure_of_calcium(labelled, chosen)
    metal = things.shares[:, things.names.index("metal")].astype(np.float64)
    share = metal / np.maximum(metal + things.coronary, 1)
    return np.asarray(share[things.owner[chosen]])


def _is_at(
    place: Place, volume: Volume, labelled: Labelled, index: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether a voxel lies in such a place; everywhere where nobody says."""
    if labelled.surroundings is None:
        return np.ones(len(index), dtype=np.bool_)
    at = np.stack(np.unravel_index(index, volume.hu.shape), axis=1).astype(np.float64)
    return np.asarray(labelled.surroundings.at(volume.lps_mm(at)) & place > 0)
