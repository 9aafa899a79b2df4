"""How much the heart moved while a slice was taken, seen at its border.

Comes in: a `Volume` and its `Labelled`.
Goes out: by how many millimetres the edge between heart and lung is wider than the edges between
lung and what does not move with the heart; None where there are too few edges.
Refuses: nothing.

A heart that moves is painted several times: its border to the lung widens or doubles. Kernel,
slice thickness and breathing widen every edge alike, so that the difference is the heart's own.
Only edges nearly upright to the slice are taken: slanted ones are wide in thick slices.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.records import Labelled, Volume
from screening.surroundings import Place

_SLICES = 10
_EVERY = 3  # edge pixels are alike to their neighbours
_EACH = 60  # edges of either kind looked at in a slice
_FEWEST = 60  # of either kind in all
_REACH_MM, _STEP_MM = 10.0, 0.5
_ROUND_MM = 60.0  # still edges are looked for so far round the heart
_PLATEAU = 6  # samples at either end that must be lung, or soft tissue
_EDGE_HU = -400
_LUNG_HU, _SOFT_HU = (-1024.0, -650.0), (-150.0, 150.0)
_FOOT_HU, _TOP_HU = -650.0, -200.0  # the edge is as wide as the way between these
_FOOT_OVER_LUNG_HU = 120.0
_SLANT = 0.35  # steepest allowed slope through the slices, as a share of that in the plane
_INWARD_MM = (3.0, 8.0)  # here the heart is looked up, from the edge inwards
_OFFSETS = np.arange(-_REACH_MM, _REACH_MM + _STEP_MM / 2, _STEP_MM)


def border_blur_mm(volume: Volume, labelled: Labelled) -> float | None:
    """Median width of heart edges less that of still edges, mm.

    Parameters
    ----------
    volume : Volume, the one that is scored
    labelled : of this volume
    """
    if labelled.surroundings is None:
        return None
    first, stop = labelled.heart_box[:2]
    wanted = np.unique(np.linspace(first, stop - 1, _SLICES + 2)[1:-1].astype(int))
    heart, still = [np.zeros(0)], [np.zeros(0)]
    for k in wanted[(wanted > 0) & (wanted < len(volume.hu) - 1)]:
        points, inward = _edges(volume, labelled, int(k))
        is_heart = _beside_heart(volume, labelled, int(k), points, inward)
        for kept, widths in ((is_heart, heart), (~is_heart, still)):
            some = _thinned(np.flatnonzero(kept))
            widths.append(_widths_mm(volume, int(k), points[some], inward[some]))
    of_heart, of_still = np.concatenate(heart), np.concatenate(still)
    if min(len(of_heart), len(of_still)) < _FEWEST:
        return None
    return float(np.median(of_heart) - np.median(of_still))


def _thinned(which: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep at most `_EACH`, evenly."""
    if len(which) <= _EACH:
        return which
    kept: NDArray[np.int64] = which[np.linspace(0, len(which) - 1, _EACH).astype(int)]
    return kept


def _edges(
    volume: Volume, labelled: Labelled, k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pixels of one slice where air meets tissue, upright; and unit vectors into the tissue."""
    hu = volume.hu[k]
    r0, r1, c0, c1 = _window(volume, labelled)
    solid = hu[r0:r1, c0:c1] >= _EDGE_HU
    is_edge = np.zeros(solid.shape, dtype=np.bool_)
    is_edge[:, 1:] = solid[:, 1:] != solid[:, :-1]
    is_edge[1:] |= solid[1:] != solid[:-1]
    r, c = np.divmod(np.flatnonzero(is_edge)[::_EVERY], is_edge.shape[1])
    r, c = r + r0, c + c0

    def slope(one: NDArray[np.int16], other: NDArray[np.int16], mm: float) -> NDArray[np.float64]:
        return (one.astype(np.float64) - other) / mm

    across = np.stack(
        [
            slope(hu[r + 2, c], hu[r - 2, c], 4 * volume.spacing_mm[0]),
            slope(hu[r, c + 2], hu[r, c - 2], 4 * volume.spacing_mm[1]),
        ],
        axis=1,
    )
    through = slope(volume.hu[k + 1][r, c], volume.hu[k - 1][r, c], 2 * volume.increment_mm)
    steep = np.linalg.norm(across, axis=1)
    kept = (steep > 0) & (np.abs(through) < _SLANT * steep)
    inward = across[kept] / steep[kept, None]
    return np.stack([r, c], axis=1)[kept], inward


def _window(volume: Volume, labelled: Labelled) -> tuple[int, int, int, int]:
    """Take the heart's rows and columns and the chest round it, off the rim of the field."""
    box, (rows, columns) = labelled.heart_box, volume.hu.shape[1:]
    rim = int(_REACH_MM / min(volume.spacing_mm)) + 3
    far_r, far_c = (round(_ROUND_MM / mm) for mm in volume.spacing_mm)
    return (
        max(box[2] - far_r, rim),
        min(box[3] + far_r, rows - rim),
        max(box[4] - far_c, rim),
        min(box[5] + far_c, columns - rim),
    )


def _beside_heart(
    volume: Volume,
    labelled: Labelled,
    k: int,
    points: NDArray[np.int64],
    inward: NDArray[np.float64],
) -> NDArray[np.bool_]:
    assert labelled.surroundings is not None
    depth = np.array(_INWARD_MM)[:, None, None] / np.array(volume.spacing_mm)
    at = (points + depth * inward).reshape(-1, 2)
    index = np.concatenate([np.full((len(at), 1), float(k)), at], axis=1)
    is_heart = labelled.surroundings.at(volume.lps_mm(index)) & Place.HEART > 0
    return np.asarray(is_heart.reshape(len(_INWARD_MM), -1).any(axis=0), dtype=np.bool_)


def _widths_mm(
    volume: Volume, k: int, points: NDArray[np.int64], inward: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Way from lung to soft tissue along the steepest ascent, of edges that are clean."""
    spacing_mm = np.array(volume.spacing_mm)
    at = points[:, None] + _OFFSETS[None, :, None] * (inward / spacing_mm)[:, None]
    hu = ndimage.map_coordinates(
        volume.hu[k], at.reshape(-1, 2).T, output=np.float32, order=1, mode="nearest"
    ).reshape(len(points), len(_OFFSETS))
    lung, soft = hu[:, :_PLATEAU].mean(axis=1), hu[:, -_PLATEAU:].mean(axis=1)
    clean = (lung > _LUNG_HU[0]) & (lung < _LUNG_HU[1])
    clean &= (soft > _SOFT_HU[0]) & (soft < _SOFT_HU[1])
    hu, lung = hu[clean], lung[clean]
    foot = np.minimum(lung + _FOOT_OVER_LUNG_HU, _FOOT_HU)
    middle = len(_OFFSETS) // 2
    # From the middle outwards: lung vessels further off do not count.
    return _way_mm(-hu[:, middle::-1], -foot) + _way_mm(hu[:, middle:], np.full(len(hu), _TOP_HU))


def _way_mm(hu: NDArray[np.float32], level: NDArray[np.floating]) -> NDArray[np.float64]:
    """How far from the first sample the values first reach `level`, between samples linear."""
    reached = hu >= level[:, None]
    j = np.where(reached.any(axis=1), reached.argmax(axis=1), hu.shape[1] - 1)
    before = np.maximum(j - 1, 0)
    rows = np.arange(len(hu))
    low, high = hu[rows, before].astype(np.float64), hu[rows, j].astype(np.float64)
    part = np.clip((level - low) / np.where(high > low, high - low, 1.0), 0, 1)
    way: NDArray[np.float64] = (before + np.where(j > 0, part, 0.0)) * _STEP_MM
    return way
