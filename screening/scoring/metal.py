"""Metal in and round the heart: that none of it counts as calcium.

Comes in: a `Volume` and its `Labelled`.
Goes out: the labels with metal named as such.
Refuses: nothing.

Metal is what is brighter than calcium can be in the living (`metal_from_hu`), unless inference is
sure that it is calcium (then it counts, and is flagged), and what inference calls metal inside the
heart or on a coronary course (there it tells stents from plaque by the whole tube,
`screening.inference.tubes`). Its kinds are told by `metal_kinds`.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from screening.records import CORONARY_LABELS, Label, Labelled, Volume
from screening.scoring.components import volume_components
from screening.scoring.kvp import mineral_gain
from screening.surroundings import Place

# Arterial calcium is mineral as in bone, and no denser: the hardest cortical bone holds about
# 1,200 mg hydroxyapatite in a cm3, which is 1,560 HU at 120 kVp (130 HU are 100 mg/cm3,
# McCollough, Radiology 2007;243:527). The brightest coronary class in use begins at 1,000 HU
# (van Rosendael, JAMA Cardiol 2020;5:282). On a real scan at 110 kVp a rib's end reached 1,679
# and aortic calcium 1,540 HU, edge enhancement included. So 2,000 HU leave calcium a quarter more.
METAL_FROM_HU_120KVP = 2000.0
_HIGHEST_HU = 3000.0  # scanners without an extended scale end at 3,071
# Of metal in a thing's brightest slice; less may be noise.
_FEWEST_MM2, FEWEST_VOXELS = 1.0, 2
SEEN_FROM_HU = 130
MAJORITY = 0.5
_BLOOM_MM = 3.0  # how far a strut's smear reaches: three sigmas of a wide point-spread
# What is small is dimmed by its surroundings: undimmed, 900 mg/cm3 are 1,200 HU. The image spreads
# a clip of 4 to 7 mm to 10 mm at 130 HU, so its size is where it is half as bright as its peak. In
# 124 simulated people 3 things so small and bright were calcium (339 of 16,420 units), 350 metal.
_SMALL_MM, SMALL_METAL_FROM_HU_120KVP, _BLOOMED_MM = 6.0, 1200.0, 10.0
# Between these and this brightness a clip is as likely as calcium, where inference is not sure.
_MAYBE_METAL_FROM_HU_120KVP, _SURE_OF_SMALL = 1000.0, 0.95
# Two or three clips that touch, where as many others lie singly.
_CLUMP_MM, _SEVERAL_CLIPS = 15.0, 3
# Clips come by the dozen and are alike, and thick slices dim them: of 26 simulated people with
# clips five had 59 to 281 units of them counted. So where several small things may be metal (a clip
# of 5 mm slices was called so at 0.29 to 0.47), what is half as bright as these is a clip as well,
# from a brightness on that calcium so small hardly has, unless inference rules metal out.
_MAY_BE_CLIP, _LIKE_A_CLIP, _CLIP_FROM_HU_120KVP = 0.3, 0.5, 700.0
_NOT_RULED_OUT_FROM = 0.04
_CLIP_PART_MM = 1.0  # of the outermost slice a clip fills no more
# Inference looks at shape and place as well. In 160 simulated scans 43 things brighter than calcium
# can be were calcium, called so at 0.71 to 1.0 (simulated plaque has no upper limit); two were
# metal, called calcium at 0.43 and 0.55. What is of a clip's size is not believed: beside plaque a
# clip was called calcium at 0.98.
_BELIEVED_FROM = 0.8
_FAR = 2**31  # beyond any index
_CALCIUM = np.isin(
    np.arange(256),
    [*CORONARY_LABELS, Label.AORTA, Label.AORTIC_VALVE, Label.MITRAL_ANNULUS, Label.PERICARDIUM],
)
_CORONARY_OR_METAL = np.isin(np.arange(256), [*CORONARY_LABELS, Label.METAL])


def metal_from_hu(kvp: float | None) -> float:
    """From which value on nothing is calcium; mineral is brighter at low voltages."""
    return min(METAL_FROM_HU_120KVP * mineral_gain(kvp), _HIGHEST_HU)


def at_kvp_of(hu_120kvp: float, volume: Volume) -> float:
    """Return what so many HU at 120 kVp are at the scan's tube voltage, for metal."""
    return hu_120kvp * metal_from_hu(volume.acquisition.kvp) / METAL_FROM_HU_120KVP


def believed(labelled: Labelled) -> NDArray[np.bool_]:
    """Which labelled voxels inference is sure of to be calcium, however bright."""
    return np.asarray(_CALCIUM[labelled.label] & (labelled.probability >= _BELIEVED_FROM))


def name_metal(volume: Volume, labelled: Labelled) -> Labelled:
    """Label as metal what is called coronary calcium and is a part of something metal.

    Of touching coronary and metal voxels all are metal where they are small and brighter than
    calcium that small can be, or where half of them are called metal already; where 1 mm2 of a
    slice is brighter than calcium can be, what lies within its bloom. Calcium that touches a stent
    is lost with it, and the score too low then.
    """
    chosen = np.flatnonzero(_CORONARY_OR_METAL[labelled.label])
    if len(chosen) == 0:
        return labelled
    index, label = labelled.index[chosen], labelled.label[chosen]
    hu = volume.hu.take(index)
    if not (label == Label.METAL).any() and hu.max() < at_kvp_of(_CLIP_FROM_HU_120KVP, volume):
        return labelled  # as a rule
    shape = (volume.hu.shape[0], volume.hu.shape[1], volume.hu.shape[2])
    found = volume_components(index, np.zeros(len(index), dtype=np.uint8), shape)
    count, of = found.count, found.of
    seen = hu >= SEEN_FROM_HU
    may_be = ~believed(labelled)[chosen]
    metal = np.bincount(of, weights=seen & (label == Label.METAL), minlength=count)
    is_metal = metal >= MAJORITY * np.maximum(np.bincount(of, weights=seen, minlength=count), 1)
    share = _share_of_metal(labelled, chosen)
    at_heart = np.bincount(of, _at_heart(volume, labelled, index), count) > 0
    is_metal |= _is_small_metal(volume, index, of, share, at_heart)
    is_too_bright = is_bright_metal(volume, index[may_be], of[may_be], count)[of]
    changed = is_metal[of] | _in_bloom(volume, index, is_too_bright & may_be)
    changed &= label != Label.METAL
    if not changed.any():
        return labelled
    labels = labelled.label.copy()
    labels[chosen[changed]] = Label.METAL
    return replace(labelled, label=labels)


def _in_bloom(
    volume: Volume, index: NDArray[np.int64], is_chosen: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which of the chosen voxels lie within the bloom of one brighter than calcium can be.

    Not the whole thing: where dense plaque is brighter than expected, a spot is lost, not a vessel.
    """
    out = np.zeros(len(index), dtype=np.bool_)
    if not is_chosen.any():
        return out
    at = np.stack(np.unravel_index(index[is_chosen], volume.hu.shape), axis=1).astype(np.float64)
    lps_mm = volume.lps_mm(at)
    core = volume.hu.take(index[is_chosen]) >= metal_from_hu(volume.acquisition.kvp)
    out[is_chosen] = cKDTree(lps_mm[core]).query(lps_mm, distance_upper_bound=_BLOOM_MM)[0] < np.inf
    return out


def _is_small_metal(
    volume: Volume,
    index: NDArray[np.int64],
    of: NDArray[np.int64],
    share: NDArray[np.float64],
    at_heart: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Whether a thing of a clip's size is brighter than calcium of that size can be.

    Clips come by the dozen, and some touch: beside several single ones a clump of them counts as
    small as well, and so does what resembles them, where these lie at the heart.
    """
    count = len(at_heart)
    hu = volume.hu.take(index)
    peak, is_seen = _peaks(hu, of, count), hu >= SEEN_FROM_HU
    widest_mm = _widest_mm(volume, index[is_seen], of[is_seen], count)
    is_small = (widest_mm > 0) & (widest_mm <= _SMALL_MM)
    is_clump = widest_mm <= _CLUMP_MM
    is_bright = peak >= at_kvp_of(SMALL_METAL_FROM_HU_120KVP, volume)
    is_bright_there = is_bright[of]
    is_clip = is_bright & is_small
    is_clip |= _are_clips(volume, index[is_bright_there], of[is_bright_there], count)
    of_thing = np.bincount(of, share, count) / np.maximum(np.bincount(of, minlength=count), 1)
    alike = is_small & at_heart & (of_thing >= _MAY_BE_CLIP)
    if alike.sum() >= _SEVERAL_CLIPS:
        least_hu = _LIKE_A_CLIP * float(np.median(peak[alike]))
        resembles = peak >= max(least_hu, at_kvp_of(_CLIP_FROM_HU_120KVP, volume))
        is_clip |= is_small & resembles & (of_thing >= _NOT_RULED_OUT_FROM)
    if is_clip.sum() >= _SEVERAL_CLIPS:
        is_clip |= is_bright & is_clump
    return is_clip


def _at_heart(volume: Volume, labelled: Labelled, index: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a voxel lies in the heart or on a coronary course; everywhere where nobody says."""
    if labelled.surroundings is None:
        return np.ones(len(index), dtype=np.bool_)
    at = np.stack(np.unravel_index(index, volume.hu.shape), axis=1).astype(np.float64)
    place = labelled.surroundings.at(volume.lps_mm(at))
    return np.asarray(place & (Place.HEART | Place.COURSE) > 0)


def may_be_clips(volume: Volume, named: Labelled) -> bool:
    """Whether something counts that is as small as a clip and bright, and not surely calcium."""
    chosen = np.flatnonzero(np.isin(named.label, CORONARY_LABELS))
    index = named.index[chosen]
    from_hu = at_kvp_of(_MAYBE_METAL_FROM_HU_120KVP, volume)
    if len(index) == 0 or volume.hu.take(index).max() < from_hu:
        return False  # as a rule
    shape = (volume.hu.shape[0], volume.hu.shape[1], volume.hu.shape[2])
    found = volume_components(index, np.zeros(len(index), dtype=np.uint8), shape)
    is_bright = (_peaks(volume.hu.take(index), found.of, found.count) >= from_hu)[found.of]
    may_be = _are_clips(volume, index[is_bright], found.of[is_bright], found.count)
    n = np.bincount(found.of, minlength=found.count)
    sure = np.bincount(found.of, named.probability[chosen], found.count) / n
    return bool((may_be & (sure < _SURE_OF_SMALL)).any())


def _peaks(hu: NDArray[np.int16], of: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Return the brightest HU of each thing."""
    peak = np.zeros(count, dtype=np.int16)
    np.maximum.at(peak, of, hu)
    return peak.astype(np.float64)


def _are_clips(
    volume: Volume, index: NDArray[np.int64], of: NDArray[np.int64], count: int
) -> NDArray[np.bool_]:
    """Which things, all of their voxels given, are of a clip's size where they are half as bright.

    Half of the second brightest voxel, for one may be noise.
    """
    if len(index) == 0:
        return np.zeros(count, dtype=np.bool_)
    hu, n = volume.hu.take(index).astype(np.float64), np.bincount(of, minlength=count)
    last = np.cumsum(n) - 1
    second = hu[np.lexsort((hu, of))][np.where(n > 1, last - 1, np.maximum(last, 0))]
    is_seen, in_core = hu >= SEEN_FROM_HU, hu >= np.maximum(second / 2, SEEN_FROM_HU)[of]
    widest_mm = _widest_mm(volume, index[is_seen], of[is_seen], count)
    core_mm = _widest_mm(volume, index[in_core], of[in_core], count)
    return (core_mm > 0) & (core_mm <= _SMALL_MM) & (widest_mm <= _BLOOMED_MM)


def _widest_mm(
    volume: Volume, index: NDArray[np.int64], of: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """Return each thing's widest extent along the volume's axes, mm."""
    at = np.unravel_index(index, volume.hu.shape)
    steps_mm = (volume.increment_mm, *volume.spacing_mm)
    widest_mm = np.zeros(count)
    for axis, step_mm in zip(at, steps_mm, strict=True):
        # Of one type with the indices: else the ufunc takes its slow way.
        low, high = np.full(count, _FAR, np.int64), np.full(count, -_FAR, np.int64)
        np.minimum.at(low, of, axis)
        np.maximum.at(high, of, axis)
        extent_mm = (high - low) * step_mm + min(step_mm, _CLIP_PART_MM)
        widest_mm = np.maximum(widest_mm, extent_mm)
    return widest_mm


def _share_of_metal(labelled: Labelled, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """How likely each chosen voxel is metal, if not coronary; by its label where none is told."""
    things = labelled.things
    if things is None or "metal" not in things.names:
        probability = labelled.probability[chosen].astype(np.float64)
        is_metal = labelled.label[chosen] == Label.METAL
        return np.asarray(np.where(is_metal, probability, 1 - probability))
    metal = things.shares[:, things.names.index("metal")].astype(np.float64)
    share = metal / np.maximum(metal + things.coronary, 1)
    return np.asarray(share[things.owner[chosen]])


def is_bright_metal(
    volume: Volume, index: NDArray[np.int64], of: NDArray[np.int64], count: int
) -> NDArray[np.bool_]:
    """Whether a thing has, in one slice, 1 mm2 that is brighter than calcium can be."""
    core = volume.hu.take(index) >= metal_from_hu(volume.acquisition.kvp)
    is_bright = np.zeros(count, dtype=np.bool_)
    if core.any():
        key = of[core] * len(volume.hu) + index[core] // volume.hu[0].size
        keys, n = np.unique(key, return_counts=True)
        area_mm2 = n * volume.spacing_mm[0] * volume.spacing_mm[1]
        enough = (area_mm2 >= _FEWEST_MM2 * (1 - 1e-9)) & (n >= FEWEST_VOXELS)
        is_bright[keys[enough] // len(volume.hu)] = True
    return is_bright
