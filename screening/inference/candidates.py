"""Bright things near the heart, as the second network sees them.

Comes in: a frame, its coarse grid and anatomy.
Goes out: `Candidates`: voxels of each connected bright thing, and for each a patch, a mask
and a row of features.
Refuses: specks too small to score, and what exceeds the cap of candidates (dimmest first);
both stay unlabelled.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.inference.anatomy import Anatomy, cells_of_box
from screening.inference.frame import CELL_MM, CoarseGrid, Frame
from screening.records import BloodPool

SEED_HU = 130  # what can count at all
GROWN_HU = 90  # down to here neighbours share their seed's label
PATCH_VOXELS = (16, 24, 24)
PATCH_STEP_MM = (1.5, 1.0, 1.0)
MAX_CANDIDATES = 384
_MIN_SLICE_MM2 = 0.95  # just below the smallest area that scores
_LONG_MM = 20.0  # longer things may belong to two vessels: cut into pieces
_PIECE_MM = 12.0
_HUGE_ML = 6.0  # bone or contrast: one piece
_OFFSETS_MM = (24.0, 48.0)  # how far around a candidate the tissue is described
_BOX = tuple[int, int, int, int, int, int]
Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Bright things; voxel arrays are sorted by owner.

    voxels : int64 (m, 3), frame indices of the bright voxels
    owner : int64 (m,), candidate number 0..n-1
    component : int64 (n,), number of the connected thing each candidate is a piece of
    patches : float32 (n,) + PATCH_VOXELS, HU
    masks : float32 like patches, 1 where the candidate itself lies
    features : float32 (n, N_FEATURES)
    """

    voxels: Ints
    owner: Ints
    component: Ints
    patches: Floats
    masks: Floats
    features: Floats


def find_candidates(
    frame: Frame,
    grid: CoarseGrid,
    anatomy: Anatomy,
    box: _BOX,
    blood: BloodPool | None,
    limit: int = MAX_CANDIDATES,
) -> Candidates:
    """Find the bright things in the anatomy's reach and describe each.

    Parameters
    ----------
    frame, grid, anatomy : of one volume
    box : half-open voxel box of the frame that holds the reach
    blood : the blood pool, None where it could not be sampled
    limit : most candidates to keep

    Returns
    -------
    Candidates
    """
    voxels, parts = _bright_voxels(frame, grid, anatomy, box)
    voxels, parts, owner = _pieces(frame, voxels, parts, limit)
    n = int(owner.max()) + 1 if len(owner) else 0
    first = np.searchsorted(owner, np.arange(n))
    centres = _means(voxels.astype(np.float64), owner, n)
    patches, masks = _patches(frame, voxels, owner, centres)
    features = _features(frame, grid, anatomy, blood, (voxels, owner, parts), centres)
    return Candidates(voxels, owner, parts[first], patches, masks, features)


def _bright_voxels(
    frame: Frame, grid: CoarseGrid, anatomy: Anatomy, box: _BOX
) -> tuple[Ints, Ints]:
    hu = frame.hu[box[0] : box[1], box[2] : box[3], box[4] : box[5]]
    bright = hu >= SEED_HU
    bright &= anatomy.reach[np.ix_(*cells_of_box(frame, grid, box))]
    parts, _ = ndimage.label(bright, structure=np.ones((3, 3, 3), dtype=np.int8))
    where = np.flatnonzero(parts)
    voxels = np.stack(np.unravel_index(where, parts.shape), axis=1).astype(np.int64)
    part = parts.ravel()[where].astype(np.int64)
    if len(part) == 0:
        return voxels.reshape(0, 3), part
    kept = can_score(frame, voxels[:, 0], part)
    return voxels[kept] + np.array([box[0], box[2], box[4]]), part[kept]


def is_off_courses(
    frame: Frame, grid: CoarseGrid, anatomy: Anatomy, candidates: Candidates
) -> NDArray[np.bool_]:
    """Tell which candidates lie, with every voxel, two cells or more from where arteries run."""
    course = ndimage.binary_dilation(anatomy.course, structure=np.ones((3, 3, 3)))
    n = len(candidates.component)
    everywhere = (0, frame.hu.shape[0], 0, frame.hu.shape[1], 0, frame.hu.shape[2])
    cells = cells_of_box(frame, grid, everywhere)
    at = tuple(cell[candidates.voxels[:, axis]] for axis, cell in enumerate(cells))
    return np.asarray(np.bincount(candidates.owner, course[at], minlength=n) == 0)


def can_score(frame: Frame, at_slice: Ints, part: Ints) -> NDArray[np.bool_]:
    """Whether the thing of each voxel fills the least area that scores in one of its slices."""
    n = int(at_slice.max(initial=0)) + 1
    keys, counts = np.unique(part * n + at_slice, return_counts=True)
    largest = np.zeros(part.max(initial=0) + 1)
    np.maximum.at(largest, keys // n, counts * (frame.spacing_mm[0] * frame.spacing_mm[1]))
    return np.asarray(largest[part] >= _MIN_SLICE_MM2, dtype=np.bool_)


def _pieces(frame: Frame, voxels: Ints, parts: Ints, limit: int) -> tuple[Ints, Ints, Ints]:
    """Cut long things, keep the `limit` brightest pieces, sort by piece."""
    if len(parts) == 0:
        return voxels, parts, parts
    mm = _positions_mm(frame, voxels)
    _, index, counts = np.unique(parts, return_inverse=True, return_counts=True)
    low, high = _extremes(mm, index, len(counts))
    extent = high - low
    voxel_ml = frame.thickness_mm[0] * frame.spacing_mm[0] * frame.spacing_mm[1] / 1000
    is_cut = (extent.max(1) > _LONG_MM) & (counts * voxel_ml < _HUGE_ML)
    n_pieces = np.where(is_cut[:, None], np.ceil(extent / _PIECE_MM), 1.0)
    step = np.maximum(extent, 1e-3) / np.maximum(n_pieces, 1.0) + 1e-6
    piece = np.floor((mm - low[index]) / step[index]).astype(np.int64)
    piece = np.where(is_cut[index][:, None], piece, 0)
    key = ((index * 64 + piece[:, 0]) * 64 + piece[:, 1]) * 64 + piece[:, 2]
    _, owner = np.unique(key, return_inverse=True)
    excess = (frame.hu[tuple(voxels.T)].astype(np.float64) - SEED_HU + 1).clip(1, 500)
    weight = np.bincount(owner, excess)
    rank = np.empty(len(weight), dtype=np.int64)
    rank[np.argsort(-weight, kind="stable")] = np.arange(len(weight))
    kept = rank[owner] < limit
    voxels, parts, owner = voxels[kept], parts[kept], rank[owner[kept]]
    order = np.argsort(owner, kind="stable")
    return voxels[order], parts[order], owner[order]


def _positions_mm(frame: Frame, voxels: Ints) -> NDArray[np.float64]:
    return np.stack([frame.centres_mm(k)[voxels[:, k]] for k in range(3)], axis=1)


def _extremes(
    mm: NDArray[np.float64], index: Ints, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low, high = np.full((n, 3), np.inf), np.full((n, 3), -np.inf)
    np.minimum.at(low, index, mm)
    np.maximum.at(high, index, mm)
    return low, high


def _means(values: NDArray[np.float64], owner: Ints, n: int) -> NDArray[np.float64]:
    counts = np.maximum(np.bincount(owner, minlength=n), 1)
    return np.stack([np.bincount(owner, v, minlength=n) / counts for v in values.T], axis=1)


def _patches(
    frame: Frame, voxels: Ints, owner: Ints, centres: NDArray[np.float64]
) -> tuple[Floats, Floats]:
    """Nearest-voxel patches around each centre; beyond the scan its edge repeats."""
    n = len(centres)
    near = []
    for axis in range(3):
        steps = (np.arange(PATCH_VOXELS[axis]) - (PATCH_VOXELS[axis] - 1) / 2) * PATCH_STEP_MM[axis]
        all_mm = frame.centres_mm(axis)
        mm = np.interp(centres[:, axis], np.arange(len(all_mm)), all_mm)[:, None] + steps
        voxel = np.rint(np.interp(mm, all_mm, np.arange(len(all_mm)))).astype(np.int64)
        near.append(voxel)
    where = (near[0][:, :, None, None], near[1][:, None, :, None], near[2][:, None, None, :])
    patches = frame.hu[where].astype(np.float32)
    masks = np.zeros((n, *PATCH_VOXELS), dtype=np.float32)
    if n:
        low, high = voxels.min(0), voxels.max(0) + 1
        owners = np.full(tuple(high - low), -1, dtype=np.int32)
        owners[tuple((voxels - low).T)] = owner
        inside = np.ones((n, *PATCH_VOXELS), dtype=np.bool_)
        shifted = []
        for axis in range(3):
            inside &= (where[axis] >= low[axis]) & (where[axis] < high[axis])
            shifted.append(np.clip(where[axis] - low[axis], 0, owners.shape[axis] - 1))
        number = np.arange(n, dtype=np.int32)[:, None, None, None]
        masks = ((owners[tuple(shifted)] == number) & inside).astype(np.float32)
    return patches, masks


_DIRECTIONS = np.array(
    [(0, 0, 0)]
    + [
        tuple(sign * step if k == axis else 0.0 for k in range(3))
        for step in _OFFSETS_MM
        for axis in range(3)
        for sign in (-1, 1)
    ]
)
N_MAPS = 12
N_CONTEXT = 2 * len(_DIRECTIONS)
N_LANDMARKS = 15
N_SCALARS = 12
N_WHOLE = 8
N_FEATURES = 2 * N_MAPS + N_CONTEXT + N_LANDMARKS + N_SCALARS + N_WHOLE


def _features(
    frame: Frame,
    grid: CoarseGrid,
    anatomy: Anatomy,
    blood: BloodPool | None,
    things: tuple[Ints, Ints, Ints],
    centres: NDArray[np.float64],
) -> Floats:
    """Describe maps at the spot and around it, tissue further off, landmarks, size, brightness."""
    n, (voxels, owner, parts) = len(centres), things
    if n == 0:
        return np.zeros((0, N_FEATURES), dtype=np.float32)
    mm = np.stack(
        [
            np.interp(centres[:, k], np.arange(frame.hu.shape[k]), frame.centres_mm(k))
            for k in range(3)
        ],
        axis=1,
    )
    cells = np.stack([grid.cell_of_mm(k, mm[:, k]) for k in range(3)], axis=1)
    at_spot = [_sample(m, cells) for m in anatomy.maps]
    nearby = [_sample(ndimage.maximum_filter(m, 3), cells) for m in anatomy.maps]
    spots = (cells[:, None] + _DIRECTIONS[None] / CELL_MM).reshape(-1, 3)
    tissue: list[NDArray[np.floating]] = []
    for field, middle, scale in ((grid.wide, 0.0, 500.0), (grid.narrow, 20.0, 60.0)):
        blurred = ndimage.uniform_filter((field - middle) / scale, 3)
        tissue.append(_sample(blurred, spots).reshape(n, -1))
    away = (cells[:, None] - anatomy.landmarks[None]) * (CELL_MM / 50.0)
    columns: list[NDArray[np.floating]] = [
        np.stack(at_spot, axis=1),
        np.stack(nearby, axis=1),
        *tissue,
        away.reshape(n, -1),
        _scalars(frame, blood, voxels, owner, n),
        _whole(frame, voxels, owner, parts),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _sample(field: NDArray[np.float32], cells: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(ndimage.map_coordinates(field, cells.T, order=1, mode="nearest"))


def _scalars(
    frame: Frame, blood: BloodPool | None, voxels: Ints, owner: Ints, n: int
) -> NDArray[np.float64]:
    hu = frame.hu[tuple(voxels.T)].astype(np.float64)
    counts = np.bincount(owner, minlength=n).astype(np.float64)
    peak = np.full(n, -np.inf)
    np.maximum.at(peak, owner, hu)
    mean = np.bincount(owner, hu, minlength=n) / counts
    mm = _positions_mm(frame, voxels)
    low, high = _extremes(mm, owner, n)
    extent = high - low
    thickness = float(np.median(frame.thickness_mm))
    voxel_mm3 = thickness * frame.spacing_mm[0] * frame.spacing_mm[1]
    pool = (40.0, 15.0) if blood is None else (blood.mean_hu, blood.sd_hu)
    ones = np.ones(n)
    return np.stack(
        [
            np.log(counts * voxel_mm3) / 2,
            np.log(counts) / 2,
            (peak - 300) / 200,
            (mean - 200) / 100,
            (peak - pool[0]) / (10 * pool[1] + 20),
            extent[:, 0] / 20,
            extent[:, 1] / 20,
            extent[:, 2] / 20,
            ones * (pool[0] - 40) / 40,
            ones * (pool[1] - 15) / 10,
            ones * (thickness - 2.5) / 1.5,
            ones * (frame.spacing_mm[0] - 0.75) / 0.2,
        ],
        axis=1,
    )


def _whole(frame: Frame, voxels: Ints, owner: Ints, parts: Ints) -> NDArray[np.float64]:
    """Describe the whole connected thing of which a candidate is a piece.

    A stent is a long tube of even brightness; plaque is short, or lumpy and brighter inside.
    """
    _, part, counts = np.unique(parts, return_inverse=True, return_counts=True)
    n = len(counts)
    hu = frame.hu[tuple(voxels.T)].astype(np.float64)
    mean = np.bincount(part, hu, n) / counts
    spread = np.sqrt(np.maximum(np.bincount(part, hu**2, n) / counts - mean**2, 0))
    peak = np.full(n, -np.inf)
    np.maximum.at(peak, part, hu)
    lengths = _lengths_mm(_positions_mm(frame, voxels), part, counts)
    volume_mm3 = counts * float(np.median(frame.thickness_mm)) * np.prod(frame.spacing_mm)
    columns = [
        np.log(volume_mm3) / 2,
        lengths[:, 0] / 30,
        lengths[:, 1] / 15,
        lengths[:, 2] / 10,
        volume_mm3 / (lengths[:, 0] + 2.0) / 20,
        (mean - 200) / 100,
        spread / 100,
        np.minimum((peak - 300) / 200, 6.0),
    ]
    first = np.searchsorted(owner, np.arange(owner.max() + 1))
    return np.stack(columns, axis=1)[part[first]]


def _lengths_mm(
    mm: NDArray[np.float64], part: Ints, counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Extent of each part along its own three axes, longest first: sqrt(12) standard deviations."""
    n = len(counts)
    away = mm - _means(mm, part, n)[part]
    spread = np.empty((n, 3, 3))
    for i in range(3):
        for j in range(3):
            spread[:, i, j] = np.bincount(part, away[:, i] * away[:, j], n) / counts
    variance = np.linalg.eigvalsh(spread)[:, ::-1]
    return np.asarray(np.sqrt(12 * np.maximum(variance, 0)))
