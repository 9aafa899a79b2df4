"""Metal in and round the heart: that none of it counts as calcium.

Comes in: a `Volume` and its `Labelled`.
Goes out: the labels with metal named as such.
Refuses: nothing.

Metal is what is brighter than calcium can be in the living (`metal_from_hu`), with its bloom; what
is a clip (`clips`); the ring of a valve (`valve_rings`); and what inference calls metal inside the
heart or on a coronary course (there it tells stents from plaque by the whole tube,
`screening.inference.tubes`). Its kinds are told by `metal_kinds`.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from screening.records import CORONARY_LABELS, Label, Labelled, Volume
from screening.scoring.clips import CLIP_FROM_HU_120KVP, SEEN_FROM_HU, are_clips, clips_called_other
from screening.scoring.components import touching
from screening.scoring.kvp import at_kvp_of, metal_from_hu
from screening.scoring.valve_rings import BLOOM_MM, in_valve_rings

MAJORITY = 0.5
_CORONARY_OR_METAL = np.isin(np.arange(256), [*CORONARY_LABELS, Label.METAL])


def name_metal(volume: Volume, labelled: Labelled) -> Labelled:
    """Label as metal what is called calcium and is a part of something metal."""
    labelled = _as_metal(labelled, in_valve_rings(volume, labelled))
    coronary = _coronary_metal(volume, labelled)
    other = clips_called_other(volume, labelled)
    return _as_metal(labelled, np.concatenate([coronary, other]))


def _as_metal(labelled: Labelled, positions: NDArray[np.int64]) -> Labelled:
    if len(positions) == 0:
        return labelled
    labels = labelled.label.copy()
    labels[positions] = Label.METAL
    return replace(labelled, label=labels)


def _coronary_metal(volume: Volume, labelled: Labelled) -> NDArray[np.int64]:
    """Positions in `labelled.index` of what is called coronary calcium and is metal.

    Of touching coronary and metal voxels all are metal where they are a clip, or where half of them
    are called metal already; else what lies within the bloom of one that is brighter than calcium
    can be, however sure inference is of it. Calcium beside metal is lost with it, and the score is
    too low then.
    """
    none = np.zeros(0, dtype=np.int64)
    chosen = np.flatnonzero(_CORONARY_OR_METAL[labelled.label])
    if len(chosen) == 0:
        return none
    index, label = labelled.index[chosen], labelled.label[chosen]
    hu = volume.hu.take(index)
    if not (label == Label.METAL).any() and hu.max() < at_kvp_of(CLIP_FROM_HU_120KVP, volume):
        return none  # as a rule
    found = touching(index, volume.hu.shape)
    count, of = found.count, found.of
    seen = hu >= SEEN_FROM_HU
    metal = np.bincount(of, weights=seen & (label == Label.METAL), minlength=count)
    is_metal = metal >= MAJORITY * np.maximum(np.bincount(of, weights=seen, minlength=count), 1)
    is_metal |= are_clips(volume, labelled, chosen, of, count)
    changed = is_metal[of] | _in_bloom(volume, index)
    return np.asarray(chosen[changed & (label != Label.METAL)])


def _in_bloom(volume: Volume, index: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which voxels lie within the bloom of one brighter than calcium can be.

    Not the whole thing: a clip on dense plaque takes a spot with it, not a vessel.
    """
    is_core = volume.hu.take(index) >= metal_from_hu(volume.acquisition.kvp)
    if not is_core.any():
        return is_core
    at = np.stack(np.unravel_index(index, volume.hu.shape), axis=1).astype(np.float64)
    lps_mm = volume.lps_mm(at)
    core = cKDTree(lps_mm[is_core])
    return np.asarray(core.query(lps_mm, distance_upper_bound=BLOOM_MM)[0] < np.inf)
