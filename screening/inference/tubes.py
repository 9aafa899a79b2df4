"""Whether a long bright thing is a stent or plaque: judged as a whole, and with the others.

Comes in: a frame, its candidates, what the network says of each.
Goes out: label and probability of each candidate, metal and coronary told apart anew.
Refuses: nothing; what is short, huge, or neither calcium nor metal stays as the network called it.

The network sees one piece at a time, and a piece of a stent looks like plaque. A reader looks
along the thing, here through a ball of 14 mm moved along it (`_look`):

| look    | stent                                          | plaque                              |
|---------|------------------------------------------------|-------------------------------------|
| tube    | round, as thick here as some millimetres on    | on one wall, lumpy, tapering        |
| wide    | the whole artery, 2.25 to 5 mm, and the blur   | a part of its wall                  |
| even    | the same struts all along: mean near the peak  | a dense core, dimmer round it       |
| network | metal, here and in the whole thing             | coronary                            |

Their weighted sum is the logarithm of the odds of metal, and a piece has the mean of the balls that
touch it. Stents are 8 to 48 mm long (makers' lists; 2.25 to 5 mm wide, struts of 0.06 to 0.14 mm)
and CT shows them wider and brighter than they are by its blur (Maintz, Eur Radiol 2003;13:830).
Who has one stent often has another, clips come by the dozen, and calcium no longer decides about
these people's treatment: beside a sure stent, or several things that are metal for certain, the
odds of all others, short ones too, are taken four times: plaque is rather lost than metal counted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.inference.candidates import Candidates
from screening.inference.frame import Frame
from screening.records import CORONARY_LABELS, Label

Floats = NDArray[np.float64]
_CORONARY = np.array([int(label) for label in CORONARY_LABELS])
# Log-odds of metal, measured: a logistic regression over the balls of 93 simulated scans (42 with
# stents; plaque as arcs on the wall and as chains of beads, much of it heavier than in an archive;
# 23,800 units of metal and 46,600 of calcium). Far more of them are metal than in an archive: the
# coefficients lean towards not counting.
_BASE, _OF_TUBE, _OF_WIDE_MM, _OF_EVEN, _OF_NETWORK = -4.1, 2.3, 1.4, 6.0, 0.6
# What a stent makes of its neighbours was chosen on the same scans, each judged by coefficients
# from others: 4,400 units of metal counted (8,000 by the network alone), and of 33,000 units of
# plaque in people without stents 940 were lost (2,500).
_SURE_STENT = float(np.log(7 / 3))
_BESIDE_METAL, _SEVERAL = float(np.log(4.0)), 3
_RADIUS_MM, _STEP_MM = 7.0, 4.0
_SHORTEST_MM = 7.0  # between the outer voxels' middles; with them, the 8 mm of a short stent
_HUGE_MM3 = 6000.0  # bone, or blood with contrast
_FEWEST_VOXELS = 4
_BLOOD_HU = 40.0
_PART_MM = 3.0
_ROUND_FROM, _UNEVEN_FROM = 0.7, 0.15
_WIDE_MM = (2.6, 3.8)
_BELIEVED = (0.1, 0.95)  # the network is not believed beyond
_SURE = 0.9  # metal is what the network calls so from here, whatever its shape: leads, valves


@dataclass(frozen=True, slots=True)
class _Look:
    """What is seen of a thing through one ball.

    tube : 1 round and of the same thickness all along, 0 flat or uneven
    wide_mm : lesser extent across, of `_WIDE_MM`, above its lower end
    even : mean by peak, both above blood
    """

    tube: float
    wide_mm: float
    even: float


def tell_stents(
    frame: Frame,
    candidates: Candidates,
    p: NDArray[np.float32],
    label: NDArray[np.uint8],
    probability: NDArray[np.float32],
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Tell metal from coronary calcium where things are as long as a stent.

    Parameters
    ----------
    frame, candidates : of one volume
    p : float32 (n, labels), probabilities of each candidate, metal at its odds in life
    label, probability : of each candidate by `p` alone

    Returns
    -------
    label uint8 (n,), probability float32 (n,)
    """
    coronary, metal = p[:, _CORONARY].sum(axis=1), p[:, Label.METAL]
    share = metal / np.maximum(metal + coronary, 1e-6)
    is_coronary = np.isin(label, _CORONARY)
    odds = _log_odds(frame, candidates, share, is_coronary | (label == Label.METAL))
    is_sure = (label == Label.METAL) & (share >= _SURE)
    is_beside = (odds >= _SURE_STENT).any() or len(
        np.unique(candidates.component[is_sure])
    ) >= _SEVERAL
    odds[is_sure] = np.nan
    if is_beside:
        by_network = np.log(np.clip(share, 1e-6, 1 - 1e-6) / np.clip(1 - share, 1e-6, 1))
        odds = np.where(np.isnan(odds) & is_coronary, by_network, odds) + _BESIDE_METAL
    judged = ~np.isnan(odds)
    named = np.where(odds >= 0, np.uint8(Label.METAL), _CORONARY[p[:, _CORONARY].argmax(axis=1)])
    sure = (metal + coronary) / (1 + np.exp(-np.abs(odds)))
    label = np.where(judged, named, label).astype(np.uint8)
    return label, np.where(judged, sure, probability).astype(np.float32)


def _log_odds(
    frame: Frame, candidates: Candidates, share: NDArray[np.float32], is_meant: NDArray[np.bool_]
) -> Floats:
    """Log-odds of metal of each candidate, NaN where it is not judged."""
    odds = np.full(len(share), np.nan)
    chosen = is_meant[candidates.owner]
    voxels, owner = candidates.voxels[chosen], candidates.owner[chosen]
    mm = np.stack([frame.centres_mm(k)[voxels[:, k]] for k in range(3)], axis=1)
    hu = frame.hu[tuple(voxels.T)].astype(np.float64)
    voxel_mm = np.array([float(np.median(frame.thickness_mm)), *frame.spacing_mm])
    thing = candidates.component[owner]
    for number in np.unique(thing):
        part = np.flatnonzero(thing == number)
        extent_mm = float(np.linalg.norm(np.ptp(mm[part], axis=0)))
        if extent_mm < _SHORTEST_MM or len(part) * voxel_mm.prod() > _HUGE_MM3:
            continue
        pieces, of = np.unique(owner[part], return_inverse=True)
        odds[pieces] = _of_pieces(mm[part], hu[part], voxel_mm, share[pieces], of)
    return odds


def _of_pieces(
    mm: Floats, hu: Floats, voxel_mm: Floats, share: NDArray[np.float32], of: NDArray[np.int64]
) -> Floats:
    """Log-odds of the pieces of one thing: the mean of the balls, by how much of it is in each."""
    weight = hu - _BLOOD_HU
    everywhere = float(np.average(share[of], weights=weight))
    total, seen = np.zeros(len(share)), np.full(len(share), 1e-9)
    for middle in _middles(mm):
        ball = ((mm - middle) ** 2).sum(axis=1) <= _RADIUS_MM**2
        if ball.sum() < _FEWEST_VOXELS:
            continue
        look = _look(mm[ball], hu[ball], voxel_mm)
        here = float(np.average(share[of[ball]], weights=weight[ball]))
        belief = float(np.clip((here + everywhere) / 2, *_BELIEVED))
        odds = _BASE + _OF_TUBE * look.tube + _OF_WIDE_MM * look.wide_mm + _OF_EVEN * look.even
        odds += _OF_NETWORK * np.log(belief / (1 - belief))
        inside = np.bincount(of[ball], weight[ball], len(share))
        total += inside * odds
        seen += inside
    return np.where(seen > 1e-6, total / seen, np.nan)


def _middles(mm: Floats) -> list[Floats]:
    """Return places some 4 mm apart that together lie near all voxels."""
    out: list[Floats] = []
    while len(mm):
        near = ((mm - mm[0]) ** 2).sum(axis=1) <= _STEP_MM**2
        out.append(mm[near].mean(axis=0))
        covered = ((mm - out[-1]) ** 2).sum(axis=1) <= _STEP_MM**2
        covered[0] = True
        mm = mm[~covered]
    return out


def _look(mm: Floats, hu: Floats, voxel_mm: Floats) -> _Look:
    weight = hu - _BLOOD_HU
    away = mm - np.average(mm, axis=0, weights=weight)
    axis = np.linalg.eigh((away * weight[:, None]).T @ away)[1][:, 2]
    part, off = _across(away, weight, axis, voxel_mm)
    spread = np.linalg.eigvalsh((off * weight[:, None]).T @ off / weight.sum())
    less, more = np.sqrt(12 * np.maximum(spread[1:], 0))
    thick = np.sqrt(
        np.bincount(part, weight * (off**2).sum(axis=1)) / np.bincount(part, weight).clip(1)
    )
    inner = thick[1:-1] if len(thick) >= 4 else thick
    uneven = inner.std() / max(inner.mean(), 1e-3) if len(thick) > 1 else 1.0
    roundness = (less / max(more, 0.1) - _ROUND_FROM) / (1 - _ROUND_FROM)
    return _Look(
        tube=float(max(roundness, 0) * max(1 - uneven / _UNEVEN_FROM, 0)),
        wide_mm=float(np.clip(less, *_WIDE_MM) - _WIDE_MM[0]),
        even=float((hu.mean() - _BLOOD_HU) / (np.percentile(hu, 98) - _BLOOD_HU)),
    )


def _across(
    away: Floats, weight: Floats, axis: Floats, voxel_mm: Floats
) -> tuple[NDArray[np.int64], Floats]:
    """Cut along the axis; give each voxel's part and its offset from the parts' middle line."""
    along = away @ axis
    voxel = float(np.abs(axis) @ voxel_mm)
    length = float(np.ptp(along)) + voxel
    # No part thinner than a slice and a half across which the axis runs: else some stay empty.
    part_mm = max(_PART_MM, 1.5 * abs(float(axis[0])) * float(voxel_mm[0]))
    n = max(round(length / part_mm), 1)
    start = float(along.min()) - voxel / 2
    part = np.minimum((along - start) / length * n, n - 1).astype(np.int64)
    held = np.bincount(part, weight, n)
    full = held > 0
    sums = np.stack([np.bincount(part, weight * away[:, k], n) for k in range(3)], axis=1)
    middle, at = sums[full] / held[full, None], start + (np.flatnonzero(full) + 0.5) * length / n
    off = away - np.stack([np.interp(along, at, middle[:, k]) for k in range(3)], axis=1)
    return part, off - np.outer(off @ axis, axis)
