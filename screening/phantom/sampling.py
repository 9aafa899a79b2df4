"""From a painted grid to slices: interpolation in the plane, the slice profile across.

Comes in: a body's grid, a protocol's geometry.
Goes out: the grid to paint on, and slices of what was painted.
Refuses: nothing.
"""

import numpy as np

from screening.phantom.body import Body
from screening.phantom.protocol import Geometry, Protocol
from screening.phantom.shapes import Floats, Grid, Vector

_SMOOTHING = {"soft": 0.8, "medium": 0.3, "sharp": 0.0}  # 0 interpolating .. 1 B-spline
_PITCH_PIXELS, _PITCH_MM = 1.3, (1.5, 8.0)  # of the painting grid in the plane
_LEVEL_THICKNESSES, _LEVEL_MM = 0.8, (1.5, 6.0)  # and across


def _level_mm(protocol: Protocol) -> float:
    return float(np.clip(_LEVEL_THICKNESSES * protocol.thickness_mm, *_LEVEL_MM))


def painting_grid(body: Body, protocol: Protocol, g: Geometry) -> tuple[Grid, tuple[float, float]]:
    """Painting grid over the scan: its steps along slice, row, column in index units."""
    pitch = float(np.clip(_PITCH_PIXELS * protocol.pixel_mm, *_PITCH_MM))
    pitch_z = _level_mm(protocol)
    per = (pitch_z / protocol.increment_mm, pitch / protocol.pixel_mm)
    pad = 0.5 * protocol.thickness_mm / protocol.increment_mm + per[0]
    shape = (
        int(np.ceil((g.shape[0] - 1 + 2 * pad) / per[0])) + 1,
        int(np.ceil((g.shape[1] + 2 * per[1]) / per[1])) + 1,
        int(np.ceil((g.shape[2] + 2 * per[1]) / per[1])) + 1,
    )
    origin = g.origin - pad * g.slice_step - per[1] * (g.row_step + g.column_step)
    steps = np.stack([g.slice_step * per[0], g.row_step * per[1], g.column_step * per[1]])
    return Grid(origin, steps, body.pose, shape), (pad, per[1])


def _cubic(d: Vector, smoothing: float) -> Vector:
    """Mitchell–Netravali kernel on the line from interpolating (0) to B-spline (1)."""
    b, c = smoothing, (1 - smoothing) / 2
    d = np.abs(d)
    near = ((12 - 9 * b - 6 * c) * d**3 + (-18 + 12 * b + 6 * c) * d**2 + (6 - 2 * b)) / 6
    far = (-b - 6 * c) * d**3 + (6 * b + 30 * c) * d**2 + (-12 * b - 48 * c) * d + 8 * b + 24 * c
    return np.where(d < 1, near, np.where(d < 2, far / 6, 0.0))


def _plane_matrix(n: int, n_grid: int, step: float, smoothing: float) -> Floats:
    """Weights of grid nodes for each of n pixels; the first node lies one step before."""
    at = np.arange(n) / step + 1.0
    weights = _cubic(at[:, None] - np.arange(n_grid)[None, :], smoothing)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def _slab_matrix(n: int, n_grid: int, pad: float, step: float, thick: float) -> Floats:
    """Weights of grid levels for each of n slices: the mean over the slice thickness."""
    at = (np.arange(n)[:, None] + pad + thick * (np.arange(7) - 3)[None, :] / 7) / step
    d = np.abs(at[:, :, None] - np.arange(n_grid)[None, None, :])
    weights = np.maximum(1 - d, 0).mean(axis=1)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def sample(
    painted: Floats, g: Geometry, per: tuple[float, float], protocol: Protocol, out: Floats
) -> None:
    """Slices of a painted grid."""
    step_z = _level_mm(protocol) / protocol.increment_mm
    nz, ny, nx = painted.shape
    smoothing = _SMOOTHING[protocol.kernel]
    thick = protocol.thickness_mm / protocol.increment_mm
    levels = _slab_matrix(g.shape[0], nz, per[0], step_z, thick)
    rows = _plane_matrix(g.shape[1], ny, per[1], smoothing)
    columns = np.ascontiguousarray(_plane_matrix(g.shape[2], nx, per[1], smoothing).T)
    flat = painted.reshape(nz, -1)
    for s in range(g.shape[0]):
        used = np.flatnonzero(levels[s])
        plane = (levels[s, used] @ flat[used[0] : used[-1] + 1]).reshape(ny, nx)
        np.matmul(rows @ plane, columns, out=out[s])
