"""Long bright things, looked at through balls moved along them.

Comes in: a frame and its candidates, and which of these are metal or coronary so far.
Goes out: `Balls`: of each a patch, a mask and a row of features, and the candidates it touches.
Refuses: things shorter than a stent, and huge ones; they have no ball.

A candidate is a piece of at most 12 mm, and its patch too coarse to show the wall of a stent. A
ball of 14 mm in a finer patch shows whether a thing is round or on one side, hollow or dense, and
how it goes on: what a reader looks at to tell a stent from plaque.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.inference.candidates import Candidates
from screening.inference.frame import Frame

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BALL_VOXELS = (20, 24, 24)
BALL_STEP_MM = (0.8, 0.7, 0.7)
N_BALL_FEATURES = 9
_SHORTEST_MM = 7.0  # between the outer voxels' middles; with them, the 8 mm of a short stent
_RADIUS_MM, _STEP_MM = 7.0, 4.0
_HUGE_MM3 = 6000.0  # bone, or blood with contrast
_FEWEST_VOXELS = 4
_BLOOD_HU = 40.0
_PART_MM = 3.0
_ROUND_FROM, _UNEVEN_FROM = 0.7, 0.15
_WIDE_MM = (2.6, 3.8)


@dataclass(frozen=True, slots=True, eq=False)
class Balls:
    """What is seen through each ball, and what it touches.

    patches : float32 (b,) + BALL_VOXELS, HU
    masks : float32 like patches, 1 where the thing lies
    features : float32 (b, N_BALL_FEATURES)
    ball, candidate : int64 (t,), which ball touches which candidate
    weight : float64 (t,), by how much of it: the sum of its HU above blood
    """

    patches: NDArray[np.float32]
    masks: NDArray[np.float32]
    features: NDArray[np.float32]
    ball: Ints
    candidate: Ints
    weight: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Ball:
    """One ball; `owner` and `weight` are of the voxels within."""

    owner: Ints
    weight: Floats
    patch: NDArray[np.float32]
    mask: NDArray[np.bool_]
    features: list[float]


def find_balls(frame: Frame, candidates: Candidates, is_meant: NDArray[np.bool_]) -> Balls:
    """Look along the things that are made of the candidates meant.

    Parameters
    ----------
    frame, candidates : of one volume
    is_meant : bool (n,), of each candidate
    """
    chosen = is_meant[candidates.owner]
    voxels, owner = candidates.voxels[chosen], candidates.owner[chosen]
    thing = candidates.component[owner]
    order = np.argsort(thing, kind="stable")
    ends = np.cumsum(np.unique(thing, return_counts=True)[1])[:-1]
    seen = [
        one
        for part in np.split(order, ends)
        if len(part)
        for one in _of_thing(frame, voxels[part], owner[part])
    ]
    touched = [np.unique(one.owner, return_inverse=True) for one in seen]
    weights = [np.bincount(of, one.weight) for one, (_, of) in zip(seen, touched, strict=True)]
    return Balls(
        patches=np.array([one.patch for one in seen], dtype=np.float32).reshape(-1, *BALL_VOXELS),
        masks=np.array([one.mask for one in seen], dtype=np.float32).reshape(-1, *BALL_VOXELS),
        features=np.array([one.features for one in seen], dtype=np.float32).reshape(
            -1, N_BALL_FEATURES
        ),
        ball=np.repeat(np.arange(len(seen)), [len(w) for w in weights]).astype(np.int64),
        candidate=np.concatenate([*(names for names, _ in touched), np.zeros(0, np.int64)]),
        weight=np.concatenate([*weights, np.zeros(0)]),
    )


def _of_thing(frame: Frame, voxels: Ints, owner: Ints) -> Iterator[_Ball]:
    """Move a ball along one thing."""
    mm = np.stack([frame.centres_mm(k)[voxels[:, k]] for k in range(3)], axis=1)
    hu = frame.hu[tuple(voxels.T)].astype(np.float64)
    voxel_mm = np.array([float(np.median(frame.thickness_mm)), *frame.spacing_mm])
    voxel_mm3 = float(voxel_mm.prod())
    extent_mm = float(np.linalg.norm(np.ptp(mm, axis=0)))
    if extent_mm < _SHORTEST_MM or len(voxels) * voxel_mm3 > _HUGE_MM3:
        return
    for middle in _middles(mm):
        part = np.flatnonzero(((mm - middle) ** 2).sum(axis=1) <= _RADIUS_MM**2)
        if len(part) < _FEWEST_VOXELS:
            continue
        patch, mask = _patch(frame, middle, voxels)
        about = [
            np.log1p(extent_mm) / 2,
            (voxel_mm[0] - 2) / 1.5,
            (voxel_mm[1] - 0.75) / 0.2,
            (hu[part].mean() - 250) / 150,
            np.log(hu[part].max() / 400),
            np.log(len(part) * voxel_mm3 + 1) / 3,
        ]
        features = [*_look(mm[part], hu[part], voxel_mm), *about]
        yield _Ball(owner[part], hu[part] - _BLOOD_HU, patch, mask, features)


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


def _patch(
    frame: Frame, middle_mm: Floats, voxels: Ints
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """HU round a place, linear between voxels, and where the thing lies; edges repeat."""
    at = []
    for axis, (n, step_mm) in enumerate(zip(BALL_VOXELS, BALL_STEP_MM, strict=True)):
        centres_mm = frame.centres_mm(axis)
        mm = middle_mm[axis] + (np.arange(n) - (n - 1) / 2) * step_mm
        at.append(np.interp(mm, centres_mm, np.arange(len(centres_mm))))
    low = np.array([int(line[0]) for line in at])
    high = np.array([int(np.ceil(line[-1])) + 1 for line in at])
    hu = frame.hu[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].astype(np.float32)
    mask = np.zeros(hu.shape, dtype=np.bool_)
    inside = ((voxels >= low) & (voxels < high)).all(axis=1)
    mask[tuple((voxels[inside] - low).T)] = True
    for axis, line in enumerate(at):
        place = line - low[axis]
        first = place.astype(np.int64)
        second = np.minimum(first + 1, hu.shape[axis] - 1)
        share = (
            (place - first).astype(np.float32).reshape([-1 if k == axis else 1 for k in range(3)])
        )
        hu = hu.take(first, axis=axis) * (1 - share) + hu.take(second, axis=axis) * share
        mask = mask.take(np.rint(place).astype(np.int64), axis=axis)
    return hu, mask


def _look(mm: Floats, hu: Floats, voxel_mm: Floats) -> tuple[float, float, float]:
    """Describe a thing by what is seen of it through one ball.

    Returns
    -------
    1 round and of the same thickness all along, 0 flat or uneven; lesser extent across in mm, of
    `_WIDE_MM`, above its lower end; mean by peak, both above blood
    """
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
    return (
        float(max(roundness, 0) * max(1 - uneven / _UNEVEN_FROM, 0)),
        float(np.clip(less, *_WIDE_MM) - _WIDE_MM[0]),
        float((hu.mean() - _BLOOD_HU) / (np.percentile(hu, 98) - _BLOOD_HU)),
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
