"""Prosthetic valves by their shape: wire or mesh in a circle in the heart.

Comes in: a `Volume` and its `Labelled`.
Goes out: which of its voxels are such a ring or its smear.
Refuses: nothing.

Thin wire is as bright as plaque in the image, and inference calls it by what it lies on: artery,
aorta, annulus. What it has and plaque has not: nearly all of it lies on one circle, or one tube, of
the size that valves are made in (19 to 34 mm across). Of a calcified annulus mostly a part of the
circle is calcium, and thicker. All limits are OUR OWN; infra/decisions/0013 measures them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from screening.records import Label, Labelled, Volume
from screening.scoring.kvp import at_kvp_of
from screening.surroundings import Place, Surroundings

BLOOM_MM = 3.0  # how far a wire's smear reaches: three sigmas of a wide point-spread
_FROM_HU_120KVP = 400.0
# A ring's middle lies within 20 mm of the aortic or mitral valve's, or in the heart (of the other
# two valves no place is known), and its wire in reach of these.
_MIDDLE_AWAY_MM, _REACH_MM = 20.0, 75.0
_RADIUS_MM, _TALLEST_MM = (8.0, 18.0), 50.0
_GAP_MM, _CELL_MM = 2.5, 2.0  # noise, slices and holes of a mesh break a wire; seen to a cell
_MOST_MM3 = 40_000.0  # so much is contrast: the thickest and tallest tube has 16,000
_OFF_MM = 3.0  # what lies further from the circle is something else
_ON_CIRCLE, _THICK_MM, _ROUND = 0.75, 1.8, 0.75
_LEAST_WIDE_MM = 12.0  # three quarters of the smallest ring, in its second direction
_FEWEST_VOXELS, _N_ANGLES, _N_FITS = 30, 24, 4


@dataclass(frozen=True, slots=True, eq=False)
class _Circle:
    """The circle that points lie on, seen along one axis.

    is_on : which points lie near it; share : how many of all
    thick_mm : standard deviation of all points' distance from the middle, in one direction
    round : share of the directions from its middle in which some lie
    """

    middle_lps_mm: NDArray[np.float64]
    radius_mm: float
    tall_mm: float
    is_on: NDArray[np.bool_]
    share: float
    thick_mm: float
    round: float


def in_valve_rings(volume: Volume, labelled: Labelled) -> NDArray[np.int64]:
    """Positions in `labelled.index` of the voxels of rings, and of what lies in their bloom."""
    rings = _rings(volume, labelled)
    if not rings:
        return np.zeros(0, dtype=np.int64)
    lps_mm = _lps_mm(volume, labelled.index)
    wire = cKDTree(lps_mm[np.concatenate(rings)])
    return np.flatnonzero(wire.query(lps_mm, distance_upper_bound=BLOOM_MM)[0] < np.inf)


def _rings(volume: Volume, labelled: Labelled) -> list[NDArray[np.int64]]:
    near = labelled.surroundings
    if near is None:
        return []
    chosen = np.flatnonzero(labelled.label != Label.BONE)
    hu = volume.hu.take(labelled.index[chosen])
    chosen = chosen[hu >= at_kvp_of(_FROM_HU_120KVP, volume)]
    voxel_mm3 = volume.increment_mm * float(np.prod(volume.spacing_mm))
    if len(chosen) < _FEWEST_VOXELS or len(chosen) * voxel_mm3 > _MOST_MM3:
        return []
    lps_mm = _lps_mm(volume, labelled.index[chosen])
    valves = np.array([near.aortic_valve_lps_mm, near.mitral_annulus_lps_mm])
    is_near = cKDTree(valves).query(lps_mm, distance_upper_bound=_REACH_MM)[0] < np.inf
    chosen, lps_mm = chosen[is_near], lps_mm[is_near]
    found = []
    for part in _linked(lps_mm, volume):
        for circle in _circles(lps_mm[part]):
            if _is_ring(circle) and _is_in_place(circle, near, valves):
                found.append(chosen[part][circle.is_on])
                break
    return found


def _lps_mm(volume: Volume, index: NDArray[np.int64]) -> NDArray[np.float64]:
    at = np.stack(np.unravel_index(index, volume.hu.shape), axis=1)
    return volume.lps_mm(at.astype(np.float64))


def _linked(lps_mm: NDArray[np.float64], volume: Volume) -> list[NDArray[np.int64]]:
    """Put together what lies no further apart than a gap, or than neighbouring voxels do."""
    if len(lps_mm) < _FEWEST_VOXELS:
        return []
    cells, cell_of = np.unique(np.rint(lps_mm / _CELL_MM), axis=0, return_inverse=True)
    voxel_mm = float(np.linalg.norm([*volume.spacing_mm, volume.increment_mm]))
    gap_cells = max(_GAP_MM, voxel_mm) / _CELL_MM + 1
    pairs = cKDTree(cells).query_pairs(gap_cells, output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (len(cells),) * 2)
    count, part_of = connected_components(links, directed=False)
    parts = [np.flatnonzero(part_of[cell_of] == k) for k in range(count)]
    return [part for part in parts if len(part) >= _FEWEST_VOXELS]


def _circles(lps_mm: NDArray[np.float64]) -> Iterator[_Circle]:
    """Fit a circle across each of the points' own axes."""
    away = lps_mm - lps_mm.mean(axis=0)
    _, axes = np.linalg.eigh(away.T @ away)
    wide_mm = np.sort(np.ptp(away @ axes, axis=0))
    if wide_mm[1] < _LEAST_WIDE_MM:
        return  # as a rule
    for axis in range(3):
        circle = _circle(lps_mm, np.roll(axes, -axis, axis=1))
        if circle is not None:
            yield circle


def _circle(lps_mm: NDArray[np.float64], axes: NDArray[np.float64]) -> _Circle | None:
    """Fit a circle across the first of three axes by least squares, then without what is off it."""
    middle = lps_mm.mean(axis=0)
    tall, x, y = ((lps_mm - middle) @ axes).T
    is_on = np.ones(len(x), dtype=np.bool_)
    for _ in range(_N_FITS):
        terms = np.stack([2 * x[is_on], 2 * y[is_on], np.ones(is_on.sum())], axis=1)
        a, b, c = np.linalg.lstsq(terms, x[is_on] ** 2 + y[is_on] ** 2, rcond=None)[0]
        radius = float(np.sqrt(max(c + a**2 + b**2, 0.0)))
        off = np.abs(np.hypot(x - a, y - b) - radius)
        is_on = off <= _OFF_MM
        if is_on.sum() < _FEWEST_VOXELS:
            return None
    angle = np.arctan2(y - b, x - a) / (2 * np.pi) % 1.0
    direction = np.minimum((angle * _N_ANGLES).astype(int), _N_ANGLES - 1)
    return _Circle(
        middle_lps_mm=middle + axes @ np.array([np.median(tall[is_on]), a, b]),
        radius_mm=radius,
        tall_mm=float(np.ptp(tall[is_on])),
        is_on=is_on,
        share=float(is_on.mean()),
        thick_mm=_thick_mm(np.hypot(x - a, y - b), direction),
        round=len(np.unique(direction[is_on])) / _N_ANGLES,
    )


def _thick_mm(away_mm: NDArray[np.float64], direction: NDArray[np.int64]) -> float:
    """Median over the directions: a ring that is no circle may still be thin."""
    n = np.maximum(np.bincount(direction), 1)
    mean = np.bincount(direction, away_mm) / n
    variance = np.bincount(direction, (away_mm - mean[direction]) ** 2) / n
    return float(np.sqrt(np.median(variance[np.unique(direction)])))


def _is_ring(circle: _Circle) -> bool:
    return bool(
        _RADIUS_MM[0] <= circle.radius_mm <= _RADIUS_MM[1]
        and circle.tall_mm <= _TALLEST_MM
        and circle.share >= _ON_CIRCLE
        and circle.thick_mm <= _THICK_MM
        and circle.round >= _ROUND
    )


def _is_in_place(circle: _Circle, near: Surroundings, valves: NDArray[np.float64]) -> bool:
    away_mm = np.linalg.norm(valves - circle.middle_lps_mm, axis=1).min()
    in_heart = near.at(circle.middle_lps_mm[None])[0] & Place.HEART
    return bool(away_mm <= _MIDDLE_AWAY_MM or in_heart)
