"""From a volume to labelled bright voxels.

Comes in: a `Model` and a `Volume`.
Goes out: `Labelled`: which bright voxels near the heart are coronary calcium, and what the
others are.
Refuses: `not_chest` where no heart is found, `model_failed` where the networks give no
usable numbers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.inference.anatomy import surroundings
from screening.inference.answers import UnusableOutputError
from screening.inference.aorta import aorta_candidates, its_calcium, joined
from screening.inference.balls import Balls, find_balls
from screening.inference.candidates import GROWN_HU, Candidates, find_candidates, is_off_courses
from screening.inference.frame import Frame
from screening.inference.location import Location, locate, require
from screening.inference.manifest import Model
from screening.inference.runtime import RUNTIME_ERRORS
from screening.inference.session import Networks, networks
from screening.inference.tubes import is_meant, tell_stents
from screening.privacy import safe_detail
from screening.reasons import Reason, Room
from screening.records import CORONARY_LABELS, Label, Labelled, ModelIdentity, Rejection, Volume
from screening.things import Things, in_shares

_N_LABELS = len(Label)
_NAMES = tuple(label.name.lower() for label in Label)
_CORONARY = np.array([int(label) for label in CORONARY_LABELS])
CORONARY_CUT = 0.5  # summed probability of the four vessels from which a thing counts
# Stents and clips were drawn in about a third of the training's people; in an archive of chest CTs
# one in twenty or fewer has them. The odds of metal are corrected for that (Saerens, Neural Comput
# 2002;14:21), by far less than the whole ratio: a stent that counts is the worse mistake. At 0.25
# most stents of the shifted chests counted.
METAL_ODDS = 0.6
_GROW_STEPS = 2
_MAX_GROWN_VOXELS = 20_000  # larger things are bone or contrast: their rim does not matter
_NEIGHBOURS = np.indices((3, 3, 3)).reshape(3, -1).T - 1


def infer(model: Model, volume: Volume, threads: int | None = None) -> Labelled | Rejection:
    """Label with the default kind of model, its three networks; as `screening.inference.infer`.

    Refuses `not_chest` and `model_failed`.
    """
    try:
        return _infer(networks(model, threads), model, volume)
    except (UnusableOutputError, *RUNTIME_ERRORS) as error:
        detail = safe_detail(error)
        return Rejection(Room.INFERENCE, volume.series_key, Reason.MODEL_FAILED, detail)


@dataclass(frozen=True, slots=True, eq=False)
class _Named:
    """Candidates, and of each: probabilities (n, labels), label and its probability (n,)."""

    candidates: Candidates
    p: NDArray[np.float32]
    label: NDArray[np.uint8]
    probability: NDArray[np.float32]


def _infer(nets: Networks, model: Model, volume: Volume) -> Labelled | Rejection:
    located = locate(nets, volume)
    if located is None:
        return Rejection(Room.INFERENCE, volume.series_key, Reason.NOT_CHEST)
    frame, grid, anatomy = located.frame, located.grid, located.anatomy
    named = _with_aorta(nets, located, _near_heart(nets, located))
    index, owner = _voxels(frame, named.candidates, named.label)
    return Labelled(
        index=index,
        label=named.label[owner],
        probability=named.probability[owner],
        heart_box=frame.volume_box(located.heart),
        is_heart_cut=anatomy.is_cut,
        blood_pool=located.blood,
        model=ModelIdentity(model.identity.name, model.identity.digest, nets.provider),
        surroundings=surroundings(volume, frame, grid, anatomy),
        things=Things(
            owner=owner.astype(np.int32),
            names=_NAMES,
            shares=in_shares(named.p),
            coronary=in_shares(named.p[:, _CORONARY].sum(1)),
            counts_from=CORONARY_CUT,
        ),
    )


def _near_heart(nets: Networks, located: Location) -> _Named:
    """Name what is bright within the heart's reach."""
    frame, grid, anatomy = located.frame, located.grid, located.anatomy
    candidates = find_candidates(frame, grid, anatomy, located.reach, located.blood)
    p = at_odds_in_life(_classify(nets, candidates))
    is_off = is_off_courses(frame, grid, anatomy, candidates)
    p = _no_coronary(p, is_off)
    by_network = _decide(p)
    balls = find_balls(frame, candidates, is_meant(by_network[0]))
    ball_odds = _of_balls(nets, balls)
    tubes = tell_stents(frame, candidates, balls, ball_odds, p, *by_network)
    label = np.where(is_off, by_network[0], tubes[0])
    probability = np.where(is_off, by_network[1], tubes[1])
    return _Named(candidates, _as_decided(p, by_network[0], label, probability), label, probability)


def _with_aorta(nets: Networks, located: Location, heart: _Named) -> _Named:
    """Add the calcium of the aorta beyond the heart's reach."""
    candidates = aorta_candidates(located)
    if candidates is None or len(candidates.component) == 0:
        return heart
    is_aorta, p = its_calcium(_classify(nets, candidates))
    p = p[is_aorta]
    return _Named(
        candidates=joined(heart.candidates, candidates, is_aorta),
        p=np.concatenate([heart.p, p]),
        label=np.concatenate([heart.label, np.full(len(p), Label.AORTA, dtype=np.uint8)]),
        probability=np.concatenate([heart.probability, p[:, Label.AORTA]]),
    )


def _classify(nets: Networks, candidates: Candidates) -> NDArray[np.float32]:
    n = len(candidates.component)
    if n == 0:
        return np.zeros((0, _N_LABELS), dtype=np.float32)
    p = nets.run_candidate(candidates.patches, candidates.masks, candidates.features)
    require(p, (n, _N_LABELS), "the network that names what is bright")
    return p


def _of_balls(nets: Networks, balls: Balls) -> NDArray[np.float32]:
    n = len(balls.features)
    if n == 0:
        return np.zeros(0, dtype=np.float32)
    odds = nets.run_balls(balls)
    require(odds, (n,), "the network that tells stents from plaque")
    return odds


def _as_decided(
    p: NDArray[np.float32],
    by_network: NDArray[np.uint8],
    label: NDArray[np.uint8],
    probability: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Share metal and coronary out anew where the whole tube overruled the network."""
    p, changed = p.copy(), label != by_network
    coronary, metal = p[:, _CORONARY].sum(1), p[:, Label.METAL]
    whole = coronary + metal
    new_metal = np.where(label == Label.METAL, probability, whole - probability)
    new_metal = np.where(changed, np.clip(new_metal, 0, whole), metal)
    p[:, Label.METAL] = new_metal
    p[:, _CORONARY] *= ((whole - new_metal) / np.maximum(coronary, 1e-9))[:, None]
    return p


def decide(p: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """One label a candidate: first coronary or not, then which; metal at its odds in life.

    Parameters
    ----------
    p : float32 (n, labels), probabilities that sum to one

    Returns
    -------
    label uint8 (n,), probability float32 (n,)
    """
    return _decide(at_odds_in_life(p))


def at_odds_in_life(p: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities (n, labels) with metal as rare as it is outside the training."""
    p = p.copy()
    p[:, Label.METAL] *= METAL_ODDS
    p /= p.sum(1, keepdims=True)
    return p


def _no_coronary(p: NDArray[np.float32], off: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Give what lies off the arteries to the other labels.

    The candidate network knows places in a heart that is whole. Of one that ends in the stack its
    places are wrong: the end of a rib passed for 170 units of the LAD in a real chest cut at 58 %.
    Of 93 things named coronary in 20 shifted chests none lay off the courses.
    """
    p = p.copy()
    p[np.ix_(off, _CORONARY)] = 0
    p[off, Label.NONE] += np.float32(1e-6)  # where nothing else was thought of
    p[off] /= p[off].sum(1, keepdims=True)
    return p


def _decide(p: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    coronary = p[:, _CORONARY].sum(1)
    others = p.copy()
    others[:, _CORONARY] = -1
    is_coronary = coronary >= CORONARY_CUT
    vessel = _CORONARY[p[:, _CORONARY].argmax(1)]
    label = np.where(is_coronary, vessel, others.argmax(1)).astype(np.uint8)
    probability = np.where(is_coronary, coronary, others.max(1)).astype(np.float32)
    return label, probability


def _voxels(
    frame: Frame, candidates: Candidates, label: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Seeds and their neighbours down to GROWN_HU, as sorted index; the candidate each is of."""
    voxels, owner = candidates.voxels, candidates.owner
    flat = frame.flat_index(voxels[:, 0], voxels[:, 1], voxels[:, 2])
    shape = np.array(frame.hu.shape)
    grown = ~np.isin(label, (Label.NONE, Label.BONE))
    grown &= np.bincount(owner, minlength=len(label)) <= _MAX_GROWN_VOXELS
    edge = grown[owner]
    edge_voxels, edge_owner = voxels[edge], owner[edge]
    for _ in range(_GROW_STEPS):
        new = (edge_voxels[:, None] + _NEIGHBOURS[None]).reshape(-1, 3)
        new_owner = np.repeat(edge_owner, len(_NEIGHBOURS))
        kept = ((new >= 0) & (new < shape)).all(1)
        new, new_owner = new[kept], new_owner[kept]
        kept = frame.hu[tuple(new.T)] >= GROWN_HU
        new, new_owner = new[kept], new_owner[kept]
        new_flat = frame.flat_index(new[:, 0], new[:, 1], new[:, 2])
        new_flat, first = np.unique(new_flat, return_index=True)
        fresh = ~np.isin(new_flat, flat)
        edge_voxels, edge_owner = new[first[fresh]], new_owner[first[fresh]]
        flat = np.concatenate([flat, new_flat[fresh]])
        owner = np.concatenate([owner, edge_owner])
    order = np.argsort(flat)
    return flat[order], owner[order]
