"""Prosthetic valves by their shape: wire or mesh in a circle in the heart.

Comes in: a `Volume` and its `Labelled`.
Goes out: which of its voxels are such a ring or its smear.
Refuses: nothing.

Thin wire is as bright as plaque in the image, and inference calls it by what it lies on: artery,
aorta, annulus. What it has and plaque has not: it lies on one circle, or one tube, of the size that
valves are made in (19 to 34 mm across), hollow and thin. Of a calcified annulus mostly a part of
the circle is calcium, and thicker. Plaque that lies beside a ring is left out of the fit: circles
are drawn through three voxels each, along directions all round, and the best is fitted to what lies
on it. All limits are OUR OWN; infra/decisions/0013 measures them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from screening.records import CORONARY_LABELS, Label, Labelled, Volume
from screening.scoring.kvp import at_kvp_of
from screening.surroundings import Place, Surroundings

Floats = NDArray[np.float64]

BLOOM_MM = 3.0  # how far a wire's smear reaches: three sigmas of a wide point-spread
_FROM_HU_120KVP = 400.0
# A ring's middle lies within 20 mm of the aortic or mitral valve's, or in the heart (of the other
# two valves no place is known), and its wire in reach of these.
_MIDDLE_AWAY_MM, _REACH_MM = 20.0, 75.0
_RADIUS_MM, _TALLEST_MM = (8.0, 18.0), 50.0
_GAP_MM, _CELL_MM = 5.0, 2.0  # noise, slices and holes of a mesh break a wire; seen to a cell
_MOST_MM3 = 40_000.0  # so much is contrast: the thickest and tallest tube has 16,000
_OFF_MM, _BESIDE_MM = 3.0, 6.0  # from the circle on something is not on it; is outside, and plaque
_ON_CIRCLE, _ROUND, _SECTION_MM2 = 0.75, 0.79, 2.5
_THICK_MM, _TUBE_THICK_MM, _TUBE_MM = 1.5, 1.8, 10.0  # frames may narrow in their middle
_LEAST_WIDE_MM = 12.0  # three quarters of the smallest ring, in its second direction
_FEWEST_VOXELS, _N_ANGLES, _N_FITS, _MOST_RINGS = 30, 24, 4, 4
# What wire is called. Ribs' cartilage, which calcifies in arcs before the heart, is none of these.
_MAY_BE_WIRE = np.isin(
    np.arange(256),
    [
        *CORONARY_LABELS,
        *(Label.AORTA, Label.AORTIC_VALVE, Label.MITRAL_ANNULUS, Label.PERICARDIUM, Label.METAL),
    ],
)
_N_DIRECTIONS, _N_TRIPLETS, _N_POINTS, _NEAR_MM = 60, 120, 300, 1.5


@dataclass(frozen=True, slots=True, eq=False)
class _Circle:
    """The circle or tube that points lie on, seen along its axis.

    is_on : which points lie near it; share : how many of those within it and on it
    thick_mm : standard deviation of their distance from the middle, in one direction
    round : share of the directions from its middle in which some lie
    """

    middle_lps_mm: Floats
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
    chosen = np.flatnonzero(_MAY_BE_WIRE[labelled.label])
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
        for ring in _rings_of(lps_mm[part], voxel_mm3, near, valves):
            found.append(chosen[part][ring])
    return found


def _lps_mm(volume: Volume, index: NDArray[np.int64]) -> Floats:
    at = np.stack(np.unravel_index(index, volume.hu.shape), axis=1)
    return volume.lps_mm(at.astype(np.float64))


def _linked(lps_mm: Floats, volume: Volume) -> list[NDArray[np.int64]]:
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


def _rings_of(
    lps_mm: Floats, voxel_mm3: float, near: Surroundings, valves: Floats
) -> Iterator[NDArray[np.int64]]:
    """Find the rings of one part, the next in what the last leaves."""
    left = np.arange(len(lps_mm))
    for _ in range(_MOST_RINGS):
        points = lps_mm[left]
        if len(points) < _FEWEST_VOXELS or _wide_mm(points) < _LEAST_WIDE_MM:
            return
        ring = next(
            (
                c
                for c in _circles(points)
                if _is_ring(c, voxel_mm3) and _is_in_place(c, near, valves)
            ),
            None,
        )
        if ring is None:
            return
        yield left[ring.is_on]
        left = left[~ring.is_on]


def _wide_mm(points: Floats) -> float:
    """Extent in the second of their own directions."""
    _, axes = _own_axes(points)
    return float(np.sort(np.ptp(points @ axes, axis=0))[1])


def _own_axes(points: Floats) -> tuple[Floats, Floats]:
    middle = points.mean(axis=0)
    away = points - middle
    return middle, np.linalg.eigh(away.T @ away)[1]


def _circles(points: Floats) -> Iterator[_Circle]:
    """Fit circles across the points' own axes; then across those of what lies on the best drawn."""
    yield from _fitted(points, np.ones(len(points), dtype=np.bool_))
    yield from _fitted(points, _on_best_drawn(points))


def _fitted(points: Floats, chosen: NDArray[np.bool_]) -> Iterator[_Circle]:
    if chosen.sum() < _FEWEST_VOXELS:
        return
    middle, axes = _own_axes(points[chosen])
    for axis in range(3):
        circle = _circle(points - middle, chosen, np.roll(axes, -axis, axis=1))
        if circle is not None:
            yield replace(circle, middle_lps_mm=circle.middle_lps_mm + middle)


def _on_best_drawn(points: Floats) -> NDArray[np.bool_]:
    """Draw circles through three points each, and tell what lies on the roundest and emptiest."""
    rng = np.random.default_rng(0)
    some = points[rng.permutation(len(points))[:_N_POINTS]]
    triplets = rng.integers(0, len(some), (_N_TRIPLETS, 3))
    best, found = -np.inf, np.zeros(len(points), dtype=np.bool_)
    for axes in _directions():
        flat = some @ axes[:, 1:]
        middle, radius = _through(flat[triplets])
        fits = (radius >= _RADIUS_MM[0]) & (radius <= _RADIUS_MM[1])
        if not fits.any():
            continue
        middle, radius = middle[fits], radius[fits]
        x, y = np.moveaxis(flat - middle[:, None], -1, 0)
        off = np.hypot(x, y) - radius[:, None]
        is_on = np.abs(off) <= _NEAR_MM
        direction = ((np.arctan2(y, x) / (2 * np.pi) % 1.0) * _N_ANGLES).astype(int) % _N_ANGLES
        at = np.arange(len(radius))[:, None] * _N_ANGLES + direction
        seen = np.bincount(at[is_on], minlength=len(radius) * _N_ANGLES) > 0
        is_round = seen.reshape(-1, _N_ANGLES).mean(axis=1)
        worth = is_round + 0.5 * is_on.mean(axis=1) - (off < -_OFF_MM).mean(axis=1)
        k = int(worth.argmax())
        if worth[k] > best:
            best = float(worth[k])
            away = np.linalg.norm(points @ axes[:, 1:] - middle[k], axis=1)
            found = np.abs(away - radius[k]) <= _OFF_MM
    return found


@cache
def _directions() -> tuple[Floats, ...]:
    """Axes, the first evenly over half a sphere (Fibonacci's lattice)."""
    out = []
    for k in range(_N_DIRECTIONS):
        z = 1 - (k + 0.5) / _N_DIRECTIONS
        turn = np.pi * (1 + np.sqrt(5)) * k
        first = np.array([*(np.sqrt(1 - z**2) * np.array([np.cos(turn), np.sin(turn)])), z])
        second = np.cross(first, np.eye(3)[np.abs(first).argmin()])
        second /= np.linalg.norm(second)
        out.append(np.stack([first, second, np.cross(first, second)], axis=1))
    return tuple(out)


def _through(triplets: Floats) -> tuple[Floats, Floats]:
    """Middle and radius of circles through (n, 3, 2) points; an infinite radius in one line."""
    first = triplets[:, 0]
    (ax, ay), (bx, by) = (np.moveaxis(triplets[:, k] - first, -1, 0) for k in (1, 2))
    twice = 2 * (ax * by - ay * bx)
    a2, b2 = ax**2 + ay**2, bx**2 + by**2
    safe = np.where(np.abs(twice) < 1e-9, np.inf, twice)
    middle = np.stack([(by * a2 - ay * b2) / safe, (ax * b2 - bx * a2) / safe], axis=1)
    radius = np.where(np.isinf(safe), np.inf, np.linalg.norm(middle, axis=1))
    return first + middle, radius


def _circle(points: Floats, chosen: NDArray[np.bool_], axes: Floats) -> _Circle | None:
    """Fit a circle across the first of three axes by least squares, then without what is off it."""
    tall, x, y = (points @ axes).T
    is_on = chosen
    for _ in range(_N_FITS):
        terms = np.stack([2 * x[is_on], 2 * y[is_on], np.ones(is_on.sum())], axis=1)
        a, b, c = np.linalg.lstsq(terms, x[is_on] ** 2 + y[is_on] ** 2, rcond=None)[0]
        radius = float(np.sqrt(max(c + a**2 + b**2, 0.0)))
        away = np.hypot(x - a, y - b)
        is_on = chosen & (np.abs(away - radius) <= _OFF_MM)
        if is_on.sum() < _FEWEST_VOXELS:
            return None
    low, high = tall[is_on].min(), tall[is_on].max()
    in_reach = (tall >= low) & (tall <= high) & (away <= radius + _BESIDE_MM)
    is_within = in_reach & (away <= radius + _OFF_MM)
    is_on = in_reach & (np.abs(away - radius) <= _OFF_MM)
    angle = np.arctan2(y - b, x - a) / (2 * np.pi) % 1.0
    direction = np.minimum((angle * _N_ANGLES).astype(int), _N_ANGLES - 1)
    return _Circle(
        middle_lps_mm=axes @ np.array([np.median(tall[is_on]), a, b]),
        radius_mm=radius,
        tall_mm=float(high - low),
        is_on=is_on,
        share=float(is_on.sum() / is_within.sum()),
        thick_mm=_thick_mm(away[in_reach], direction[in_reach]),
        round=len(np.unique(direction[is_on])) / _N_ANGLES,
    )


def _thick_mm(away_mm: Floats, direction: NDArray[np.int64]) -> float:
    """Median over the directions: a ring that is no circle may still be thin."""
    n = np.maximum(np.bincount(direction), 1)
    mean = np.bincount(direction, away_mm) / n
    variance = np.bincount(direction, (away_mm - mean[direction]) ** 2) / n
    return float(np.sqrt(np.median(variance[np.unique(direction)])))


def _is_ring(circle: _Circle, voxel_mm3: float) -> bool:
    wire_mm = 2 * np.pi * circle.radius_mm * circle.round
    is_tube = circle.tall_mm >= _TUBE_MM
    return bool(
        _RADIUS_MM[0] <= circle.radius_mm <= _RADIUS_MM[1]
        and circle.tall_mm <= _TALLEST_MM
        and circle.share >= _ON_CIRCLE
        and circle.thick_mm <= (_TUBE_THICK_MM if is_tube else _THICK_MM)
        and circle.round >= _ROUND
        and circle.is_on.sum() * voxel_mm3 >= _SECTION_MM2 * wire_mm
    )


def _is_in_place(circle: _Circle, near: Surroundings, valves: Floats) -> bool:
    away_mm = np.linalg.norm(valves - circle.middle_lps_mm, axis=1).min()
    in_heart = near.at(circle.middle_lps_mm[None])[0] & Place.HEART
    return bool(away_mm <= _MIDDLE_AWAY_MM or in_heart)
