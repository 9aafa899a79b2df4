"""Whether a long bright thing is a stent or plaque: judged along its length, and with the others.

Comes in: candidates, what the network says of each, and the balls laid along long ones.
Goes out: label and probability of each candidate, metal and coronary told apart anew.
Refuses: nothing; what is short, huge, or neither calcium nor metal stays as the network called it.

The candidate network sees one piece at a time, and a piece of a stent looks like plaque. A reader
looks along the thing, and so does the third network, through balls (`screening.inference.balls`).
The odds of metal at a ball come from four opinions:

| opinion | of |
|---|---|
| ball network | this ball |
| ball network | all balls of the thing, for a stent is metal from end to end |
| candidate network | metal against coronary, here and in the whole thing |
| shape | round and of one thickness; as wide as the artery; evenly bright |

A piece has the mean of the balls that touch it. Stents are 8 to 48 mm long (makers' lists; 2.25 to
5 mm wide, struts of 0.06 to 0.14 mm) and CT shows them wider and brighter than they are by its blur
(Maintz, Eur Radiol 2003;13:830). Who has one stent often has another, and calcium no longer decides
about these people's treatment: beside a sure stent the odds of all others, short ones too, are
taken thirty times, and within some millimetres of it three hundred times, for its ends fade into
faint lumps: plaque is rather lost than metal counted. Clips come by the dozen, and are short: where
several things are metal for certain, so are the odds of short ones, thirty times.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from screening.inference.balls import Balls
from screening.inference.candidates import Candidates
from screening.inference.frame import Frame
from screening.records import CORONARY_LABELS, STENT_FROM_ODDS, Label

Floats = NDArray[np.float64]
_CORONARY = np.array([int(label) for label in CORONARY_LABELS])
# Log-odds of metal, measured: `python -m models.train.rule` prints such (1.92; 1.13, 0.71, 0.11,
# -2.18, 1.18, 2.72, since the heart is looked for in the scan alone). A logistic regression over
# the balls of 160 simulated scans that none of the networks has seen: 87 of people with stents, 34
# of people with smooth plaque as wide as one. Far more of them are metal than in an archive.
_BASE = 1.92
_OF_OPINIONS = np.array([1.20, 0.75, 0.03, -2.12, 1.25, 2.54])
_N_LOOKS = 3  # tube, wide, even: the first features of a ball
# What a stent makes of its neighbours was chosen on these scans and 119 more, of people with smooth
# plaque and no stent (infra/decisions/0013). Who is said to have a stent leaves the list.
_SURE_STENT = float(np.log(STENT_FROM_ODDS))
_BESIDE_METAL, _SEVERAL = float(np.log(30.0)), 3
_NEAR_STENT, _NEAR_MM = float(np.log(10.0)), 12.0  # as much again
_BELIEVED = (0.02, 0.98)  # the candidate network is not believed beyond
_SURE = 0.9  # from here metal for certain, unless its length says calcium: leads, valves, wires


def is_meant(label: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which candidates, by the label the network gave, are metal or calcium."""
    return np.asarray(np.isin(label, _CORONARY) | (label == Label.METAL))


def tell_stents(
    frame: Frame,
    candidates: Candidates,
    balls: Balls,
    ball_odds: NDArray[np.float32],
    p: NDArray[np.float32],
    label: NDArray[np.uint8],
    probability: NDArray[np.float32],
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Tell metal from coronary calcium where things are as long as a stent.

    Parameters
    ----------
    frame, candidates : of one volume
    balls : along those that are metal or coronary
    ball_odds : float32 (b,), log-odds of metal of each ball, by its network
    p : float32 (n, labels), probabilities of each candidate, metal at its odds in life
    label, probability : of each candidate by `p` alone

    Returns
    -------
    label uint8 (n,), probability float32 (n,)
    """
    share = metal_share(p)
    is_coronary = np.isin(label, _CORONARY)
    odds = _log_odds(candidates, balls, ball_odds, share)
    is_sure = (label == Label.METAL) & (share >= _SURE) & ~(odds < 0)
    is_stent = odds >= _SURE_STENT
    is_short = np.isnan(odds) & is_coronary
    n_sure = len(np.unique(candidates.component[is_sure]))
    if is_stent.any() or n_sure >= _SEVERAL:
        odds = np.where(is_short, _logit(share, 1e-6) + _BESIDE_METAL, odds)
    if is_stent.any():
        odds = np.where(is_short, odds, odds + _BESIDE_METAL)
        odds = np.maximum(odds, _logit(share, 1e-6))  # here plaque is not saved from the network
        odds += np.where(_gap_mm(frame, candidates, is_stent) <= _NEAR_MM, _NEAR_STENT, 0.0)
    judged = ~np.isnan(odds)
    named = np.where(odds >= 0, np.uint8(Label.METAL), _CORONARY[p[:, _CORONARY].argmax(axis=1)])
    sure = (p[:, Label.METAL] + p[:, _CORONARY].sum(axis=1)) / (1 + np.exp(-np.abs(odds)))
    label = np.where(judged, named, label).astype(np.uint8)
    return label, np.where(judged, sure, probability).astype(np.float32)


def metal_share(p: NDArray[np.float32]) -> NDArray[np.float32]:
    """Metal's part of what is metal or coronary in each candidate, (n,), of `p` (n, labels)."""
    coronary, metal = p[:, _CORONARY].sum(axis=1), p[:, Label.METAL]
    return np.asarray(metal / np.maximum(metal + coronary, 1e-6), dtype=np.float32)


def _log_odds(
    candidates: Candidates,
    balls: Balls,
    ball_odds: NDArray[np.float32],
    share: NDArray[np.float32],
) -> Floats:
    """Log-odds of metal of each candidate, NaN where no ball touches it."""
    n = len(share)
    odds = _BASE + opinions(candidates, balls, ball_odds, share) @ _OF_OPINIONS
    total = np.bincount(balls.candidate, balls.weight * odds[balls.ball], n)
    seen = np.bincount(balls.candidate, balls.weight, n)
    return np.where(seen > 0, total / np.maximum(seen, 1e-9), np.nan)


def opinions(
    candidates: Candidates,
    balls: Balls,
    ball_odds: NDArray[np.float32],
    share: NDArray[np.float32],
) -> Floats:
    """Return what speaks for metal at each ball, (b, 6), by ball, thing, candidate, three looks.

    Parameters
    ----------
    ball_odds : float32 (b,), log-odds of metal of each ball, by its network
    share : float32 (n,), metal's part of what is metal or coronary in each candidate
    """
    size = np.bincount(balls.ball, balls.weight, len(ball_odds))
    _, thing = np.unique(_thing_of_ball(candidates, balls), return_inverse=True)

    def of_thing(value: NDArray[np.floating]) -> Floats:
        total = np.bincount(thing, size * value)
        return np.asarray((total / np.bincount(thing, size))[thing])

    here = np.bincount(balls.ball, balls.weight * share[balls.candidate], len(size)) / size
    belief = np.clip((here + of_thing(here)) / 2, *_BELIEVED)
    by_candidate = np.log(belief / (1 - belief))
    look = balls.features[:, :_N_LOOKS].astype(np.float64)
    return np.column_stack([ball_odds, of_thing(ball_odds), by_candidate, look])


def _gap_mm(frame: Frame, candidates: Candidates, chosen: NDArray[np.bool_]) -> Floats:
    """Return how far each candidate is from the chosen ones, between voxels' middles."""
    gap_mm = np.full(len(chosen), np.inf)
    if chosen.any():
        mm = np.stack([frame.centres_mm(k)[candidates.voxels[:, k]] for k in range(3)], axis=1)
        away_mm, _ = cKDTree(mm[chosen[candidates.owner]]).query(mm)
        np.minimum.at(gap_mm, candidates.owner, away_mm)
    return gap_mm


def _thing_of_ball(candidates: Candidates, balls: Balls) -> NDArray[np.int64]:
    first = np.searchsorted(balls.ball, np.arange(len(balls.features)))
    return np.asarray(candidates.component[balls.candidate[first]], dtype=np.int64)


def _logit(share: NDArray[np.float32], least: float) -> Floats:
    """Log-odds of a probability that is not believed to be within `least` of 0 or 1."""
    inside = np.clip(share, least, 1 - least)
    return np.asarray(np.log(inside / (1 - inside)), dtype=np.float64)
