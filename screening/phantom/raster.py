"""Paints a body on a grid: Hounsfield units, the share of blood, region codes.

Comes in: a `Body` and a `Grid`.
Goes out: arrays on the grid.
Refuses: nothing.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from screening.phantom import thorax
from screening.phantom.body import Body
from screening.phantom.heart import EPICARDIAL_FAT_HU, grooves
from screening.phantom.shapes import (
    Ellipsoid,
    Floats,
    Grid,
    Region,
    Shape,
    blend,
    double,
    mark,
    paint,
)

AIR_HU = -1000.0
_SKIN_MM = 1.8
_MIN_RADIUS_STEPS = 0.45  # rods thinner than this share of a step are left out


_MARBLE_CELL_MM = 4.0
_MARBLE_SIDE = 64


@lru_cache(maxsize=1)
def _marble_block() -> Floats:
    """Periodic smooth noise of standard deviation one."""
    rng = np.random.default_rng(41)
    block = rng.standard_normal((_MARBLE_SIDE,) * 3).astype(np.float32)
    block = gaussian_filter(block, (2.2, 1.4, 1.4), mode="wrap")
    return np.asarray(block / block.std(), dtype=np.float32)


def _marble(seed: int, u: Floats, v: Floats, w: Floats) -> Floats:
    """Natural irregularity at body coordinates."""
    at = np.random.default_rng([11, seed]).integers(0, _MARBLE_SIDE, 3)
    index = [
        (x * np.float32(1 / _MARBLE_CELL_MM) + np.float32(1024 + o)).astype(np.int32)
        & (_MARBLE_SIDE - 1)
        for x, o in zip((w, v, u), at, strict=True)
    ]
    flat = (index[0] * _MARBLE_SIDE + index[1]) * _MARBLE_SIDE + index[2]
    return np.asarray(_marble_block().ravel()[flat], dtype=np.float32)


_TWIG_CELL_MM = 1.6
_TWIG_SIDE = 96
_TWIG_HU = 560.0
_TWIG_MAX_PITCH_MM = 3.0  # coarser grids average the finest vessels away


@lru_cache(maxsize=1)
def _twig_block() -> Floats:
    """Periodic winding threads (0..1): where two smooth noises are both near zero."""
    rng = np.random.default_rng(43)
    out = np.zeros((_TWIG_SIDE,) * 3, np.float32)
    for _ in range(2):
        n = rng.standard_normal(out.shape).astype(np.float32)
        n = gaussian_filter(n, 3.2, mode="wrap")
        out += (n / n.std()) ** 2
    return np.asarray(np.exp(-out / (2 * 0.17**2)), dtype=np.float32)


def _add_twigs(body: Body, grid: Grid, hu: Floats, lung: Floats) -> None:
    """Add the finest lung vessels, fewer and thinner towards the pleura."""
    if grid.pitch_mm > _TWIG_MAX_PITCH_MM:
        return
    at = np.flatnonzero(lung.ravel() < -3)
    start = np.random.default_rng([12, body.seed]).integers(0, _TWIG_SIDE, 3)
    index = np.zeros(len(at), np.int32)
    for axis, o in zip((2, 1, 0), start, strict=True):
        cell = (grid.body[axis].ravel()[at] * np.float32(1 / _TWIG_CELL_MM)).astype(np.int32)
        index = index * _TWIG_SIDE + (cell + 4096 * 6 + o) % _TWIG_SIDE
    depth = np.clip(-lung.ravel()[at] / np.float32(24), 0.15, 1)
    hu.ravel()[at] += _twig_block().ravel()[index] * depth * np.float32(_TWIG_HU)


class Fields:
    """The broad distances of a body on a grid, refined from half the sampling."""

    def __init__(self, body: Body, grid: Grid) -> None:
        u, v, w = grid.half
        frame = body.frame
        muscle = thorax.skin_distance(frame, u, v, w)
        marble = _marble(body.seed, u, v, w)
        self.marble = double(marble)
        muscle = muscle.astype(np.float32)
        self.muscle = double(muscle + marble * np.float32(1.2))
        low = np.float32(frame.fat_mm) * (1 + 0.25 * np.clip((v + 20) / 80, -1, 1))
        skin = muscle - low
        for shape, box in _boxed(grid, body.anatomy.breasts[::2], 30.0):
            d = shape.distance(u[box], v[box], w[box])
            h = np.maximum(24 - np.abs(d - skin[box]), 0)
            skin[box] = np.minimum(skin[box], d) - h * h / 96
        for shape, box in _boxed(grid, body.anatomy.arms, 40.0):
            d = shape.distance(u[box], v[box], w[box]) - np.float32(0.5 * frame.fat_mm + 2)
            h = np.maximum(20 - np.abs(d - skin[box]), 0)
            skin[box] = np.minimum(skin[box], d) - h * h / 80
        self.skin = double(np.asarray(skin, np.float32))
        cage = thorax.cage_distance(frame, u, v, w)
        self.cage = double(cage)
        above = (w - thorax.diaphragm_height(frame, u, v, body.heart.box())).astype(np.float32)
        self.above = double(above)
        self.lung = double(np.maximum(np.maximum(cage, -above), -_mediastinum(body, grid)))


def _boxed(
    grid: Grid, shapes: list[Shape], margin_mm: float
) -> list[tuple[Shape, tuple[slice, slice, slice]]]:
    """Shapes with their boxes on the half grid."""
    out = []
    for shape, box in zip(shapes, grid.boxes(shapes, margin_mm), strict=True):
        if box is not None:
            half = tuple(slice(s.start // 2, (s.stop + 1) // 2 + 1) for s in box)
            out.append((shape, (half[0], half[1], half[2])))
    return out


def _mediastinum(body: Body, grid: Grid) -> Floats:
    """Distance to what lies between the lungs, corners rounded."""
    u, v, w = grid.half
    k = body.frame.scale
    x, y, z = u / np.float32(k[0]), v / np.float32(k[1]), w / np.float32(k[2])
    # A thin curtain in front and below, a broad column high up.
    back = y - thorax.spine_front(z)
    width = 3.0 + 8.5 * _step(back, -14, 3.5) + 8 * _step(back, 0, 2.5) + 14 * _step(back, 33, 4)
    width = np.maximum(width, 27 * _step(z, 112, 9) * _step(-back, -12, 4))
    out = (np.abs(x) - width).astype(np.float32)
    anatomy = body.anatomy
    inner = [*anatomy.mediastinum, *anatomy.root, *anatomy.airways, *anatomy.pads]
    for shape, box in _boxed(grid, inner, 12.0):
        radius = getattr(shape, "radius_b_mm", 99.0)
        if radius < 5.0:
            continue
        d = shape.distance(u[box], v[box], w[box]) - np.float32(2.5)
        out[box] = np.minimum(out[box], d)
    round_heart = _heart_box(body, grid, 14.0, half=True)
    if round_heart is not None:
        sac = body.heart.sac(u[round_heart], v[round_heart], w[round_heart])
        out[round_heart] = np.minimum(out[round_heart], sac - np.float32(1.0))
    sigma = 4.0 / (2 * np.abs(grid.steps).sum(axis=1))
    return np.asarray(gaussian_filter(out, sigma), dtype=np.float32)


def _step(x: Floats, at: float, width: float) -> Floats:
    """Rise softly from 0 to 1."""
    return np.asarray(0.5 + 0.5 * np.tanh((x - at) * np.float32(0.5 / width)), dtype=np.float32)


def _heart_box(
    body: Body, grid: Grid, margin_mm: float, half: bool = False
) -> tuple[slice, slice, slice] | None:
    low, high = body.heart.box()
    shape = Ellipsoid((low + high) / 2, np.eye(3), (high - low) / 2, 0.0)
    if half:
        found = _boxed(grid, [shape], margin_mm)
        return found[0][1] if found else None
    return grid.boxes([shape], margin_mm)[0]


def _thick_enough(shapes: list[Shape], grid: Grid) -> list[Shape]:
    least = _MIN_RADIUS_STEPS * grid.pitch_mm
    return [s for s in shapes if getattr(s, "radius_a_mm", 99.0) >= least]


def paint_hu(body: Body, grid: Grid, bone_gain: float, heart_soft_mm: float) -> Floats:
    """Hounsfield units without contrast, deposits, table and noise.

    Parameters
    ----------
    body, grid : what and where
    bone_gain : how much brighter than at 120 kVp bone is
    heart_soft_mm : extra softness of the heart's edges by motion
    """
    f = Fields(body, grid)
    soft = grid.soft_mm
    hu = np.full(grid.shape, AIR_HU, np.float32)
    anatomy = body.anatomy
    blend(hu, f.skin, 15.0, soft)
    blend(hu, f.skin + np.float32(_SKIN_MM), thorax.FAT_HU, soft)
    _paint_soft(grid, hu, anatomy.breasts[1::2], f.skin + 4)
    _paint_soft(grid, hu, anatomy.arms, f.skin + np.float32(2 + 0.4 * body.frame.fat_mm))
    # Fat marbles the muscles and lies between the layers of the wall, unevenly.
    lean = thorax.MUSCLE_HU - 100 * np.clip(f.marble * 1.4 - 1.6, 0, 1)
    blend(hu, np.maximum(f.muscle, f.skin + 2), lean, soft)
    v = grid.body[1]
    wall = np.abs(f.cage - 16) - np.float32(1.2) - 2.6 * f.marble
    blend(hu, np.maximum(wall, f.muscle + 5), -85.0, 2 * soft)
    behind = v - double(thorax.spine_front(grid.half[2] / body.frame.scale[2])) - 22
    blend(hu, np.maximum(f.cage, behind), thorax.FAT_HU + 9 * f.marble, soft)
    _paint_abdomen(body, grid, hu, f)
    lung_hu = np.float32(thorax.LUNG_HU) + np.float32(0.45) * v + 16 * f.marble
    blend(hu, f.lung, lung_hu, soft)
    _add_twigs(body, grid, hu, f.lung)
    _paint_soft(grid, hu, anatomy.opacities, f.lung)
    _paint_soft(grid, hu, _thick_enough(anatomy.lung_vessels, grid), f.lung - 12)
    _paint_soft(grid, hu, _thick_enough(anatomy.bronchi, grid), f.lung - 4)
    _paint_heart(body, grid, hu, f, heart_soft_mm)
    paint(grid, hu, anatomy.mediastinum)
    paint(grid, hu, anatomy.root)
    paint(grid, hu, anatomy.oesophagus)
    paint(grid, hu, _thick_enough(anatomy.airways, grid))
    _paint_bones(grid, hu, _thick_enough(anatomy.bones, grid), bone_gain)
    return hu


def _paint_soft(grid: Grid, hu: Floats, shapes: list[Shape], within: Floats) -> None:
    """Paint shapes only where `within` is negative."""
    for shape, box in zip(shapes, grid.boxes(shapes, grid.soft_mm), strict=True):
        if box is not None:
            d = np.maximum(shape.distance(*grid.local(box)), within[box])
            blend(hu[box], d, shape.hu, grid.soft_mm)


def _paint_bones(grid: Grid, hu: Floats, shapes: list[Shape], gain: float) -> None:
    for shape, box in zip(shapes, grid.boxes(shapes, grid.soft_mm), strict=True):
        if box is not None:
            value = shape.hu if shape.hu < 100 else 50 + (shape.hu - 50) * gain
            blend(hu[box], shape.distance(*grid.local(box)), value, grid.soft_mm)


def _paint_abdomen(body: Body, grid: Grid, hu: Floats, f: Fields) -> None:
    levels = np.flatnonzero((f.above[:, ::4, ::4] < 6).any(axis=(1, 2)))
    if len(levels) == 0:
        return
    low = slice(levels[0], levels[-1] + 1)
    below = np.full(hu.shape, 1e3, np.float32)
    np.maximum(f.above[low], f.cage[low], out=below[low])
    _paint_soft(grid, hu, body.anatomy.abdomen, below + 3)
    sheet = np.abs(f.above[low]) - np.float32(1.6)
    blend(hu[low], np.maximum(sheet, f.cage[low]), thorax.MUSCLE_HU, grid.soft_mm)


def _paint_heart(body: Body, grid: Grid, hu: Floats, f: Fields, extra_soft_mm: float) -> None:
    box = _heart_box(body, grid, 4.0)
    if box is None:
        return
    here = hu[box]
    at = grid.local(box)
    sac = body.heart.sac(*at)
    soft = grid.soft_mm
    blend(here, sac, EPICARDIAL_FAT_HU + 9 * f.marble[box], soft)
    blend(here, np.abs(sac) - np.float32(0.7), 5.0, soft)
    heart = body.heart
    muscle = [shape for part in heart.chambers.values() for shape in part]
    _paint_moving(grid, hu, [*muscle, heart.cavity], extra_soft_mm)
    _paint_moving(grid, hu, grooves(heart), 0.5 * extra_soft_mm)


def _paint_moving(grid: Grid, hu: Floats, shapes: list[Shape], extra_soft_mm: float) -> None:
    """Paint shapes whose edges motion has softened."""
    soft = grid.soft_mm + extra_soft_mm
    for shape, box in zip(shapes, grid.boxes(shapes, soft), strict=True):
        if box is not None:
            blend(hu[box], shape.distance(*grid.local(box)), shape.hu, soft)


def paint_blood(body: Body, grid: Grid) -> Floats:
    """Share of blood (0..1) on the grid, for contrast."""
    out = np.zeros(grid.shape, np.float32)
    heart = body.heart
    shapes = [s for part in heart.chambers.values() for s in part]
    shapes += [heart.cavity, *grooves(heart), *body.anatomy.mediastinum, *body.anatomy.root]
    shapes += _thick_enough(body.anatomy.lung_vessels, grid)
    for shape, box in zip(shapes, grid.boxes(shapes, grid.soft_mm), strict=True):
        if box is not None:
            target = 1.0 if shape.is_blood else 0.1
            blend(out[box], shape.distance(*grid.local(box)), target, grid.soft_mm)
    return out


def paint_regions(body: Body, grid: Grid) -> NDArray[np.uint8]:
    """Region codes on the grid."""
    f = Fields(body, grid)
    anatomy = body.anatomy
    out = np.where(f.skin < 0, np.uint8(Region.SOFT), np.uint8(Region.OUTSIDE))
    below = (f.above < 0) & (f.cage < 0)
    out[below] = Region.ABDOMEN
    organs = np.zeros_like(out)
    mark(grid, organs, anatomy.abdomen)
    out[below & (organs == Region.LIVER)] = Region.LIVER
    out[f.lung < 0] = Region.LUNG
    k = body.frame.scale
    for side in (-1, 1):
        hub = Ellipsoid(
            body.frame.place((side * 45, -17, 25)),
            np.eye(3),
            np.array([16.0, 18, 26]) * k,
            0.0,
            Region.HILUM,
        )
        mark(grid, out, [hub])
    mark(grid, out, [s for s in anatomy.mediastinum if s.region == Region.VEIN])
    small = np.zeros_like(out)
    mark(grid, small, anatomy.bronchi)
    out[(small == Region.AIRWAY) & (f.lung < 4)] = Region.AIRWAY
    box = _heart_box(body, grid, 4.0)
    if box is not None:
        here = out[box]
        here[body.heart.sac(*grid.local(box)) < 0] = Region.HEART
    mark(grid, out, [s for s in anatomy.mediastinum if s.region != Region.VEIN])
    mark(grid, out, anatomy.root)
    mark(grid, out, anatomy.oesophagus)
    mark(grid, out, anatomy.airways)
    mark(grid, out, anatomy.bones)
    return np.asarray(out, dtype=np.uint8)
