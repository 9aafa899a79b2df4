"""A CT scanner for synthetic chests.

Comes in: a `Body`, a `Protocol`, a seed.
Goes out: a `SimulatedScan`: int16 HU, labels, geometry and the truth about its calcium.
Refuses: a protocol no scanner has (ValueError).

Seen are point-spread by kernel, slice profile, noise by kernel, tube voltage, cardiac motion,
contrast, gantry tilt, a small field of view and padding outside the circular field.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from screening.phantom.body import Body
from screening.phantom.deposits import Deposit
from screening.phantom.noise import noise_slices
from screening.phantom.protocol import (
    PSF_SIGMA_MM,
    Geometry,
    Protocol,
    geometry,
    hu_per_mg_cm3,
    mineral_gain,
)
from screening.phantom.raster import paint_blood, paint_hu, paint_regions
from screening.phantom.sampling import painting_grid, sample
from screening.phantom.shapes import Floats, Grid, Vector
from screening.phantom.splat import Optics, Patch, optics, splat
from screening.phantom.truth import Truth, add_and_label, truth_of
from screening.records import PADDING_HU, Acquisition, Volume

_MOTION_COPIES = np.array([(-0.5, 0.28), (-0.2, 0.22), (0.1, 0.18), (0.5, 0.32)])
_MAX_HU, _MIN_HU = 3071, -1024


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedScan:
    """A stack of slices, head to feet.

    hu : int16 (slices, rows, columns)
    labels : uint8, same shape; `Label` of voxels whose noise-free value is at least 100 HU
        because of that structure
    origins_lps_mm : (slices, 3) centre of the first pixel of each slice
    row_axis_lps, column_axis_lps : unit vectors along growing row index and column index
    """

    hu: NDArray[np.int16]
    labels: NDArray[np.uint8]
    spacing_mm: tuple[float, float]
    increment_mm: float
    origins_lps_mm: Vector
    row_axis_lps: Vector
    column_axis_lps: Vector
    truth: Truth
    protocol: Protocol = field(repr=False)

    def as_volume(self, series_key: str, acquisition: Acquisition | None = None) -> Volume:
        """Return the stack as rooms take it; `acquisition` is the protocol's unless given."""
        p = self.protocol
        made = Acquisition(p.kvp, p.thickness_mm, p.kernel, "phantom", "", None, False, "")
        return Volume(
            series_key=series_key,
            hu=self.hu,
            spacing_mm=self.spacing_mm,
            origins_lps_mm=self.origins_lps_mm,
            row_axis_lps=self.row_axis_lps,
            column_axis_lps=self.column_axis_lps,
            increments_mm=np.full(len(self.hu), self.increment_mm),
            acquisition=acquisition or made,
            image_digest="",
        )


def _patches(
    body: Body, g: Geometry, seen: Optics, protocol: Protocol, motion_mm: float
) -> list[tuple[Deposit, Patch]]:
    out = []
    gain = hu_per_mg_cm3(protocol.kvp) * 1000
    for deposit in body.deposits:
        weights = deposit.weights if deposit.is_metal else deposit.weights * gain
        points = deposit.points_mm
        if motion_mm > 0 and deposit.motion.any():
            shifts = _MOTION_COPIES[:, :1] * deposit.motion * motion_mm
            points = (points[None] + shifts[:, None]).reshape(-1, 3)
            weights = (weights[None] * _MOTION_COPIES[:, 1:]).ravel()
        patch = splat(g.index(points), weights, seen)
        if patch is not None:
            out.append((deposit, patch))
    return out


def simulate(body: Body, protocol: Protocol, seed: int) -> SimulatedScan:
    """Scan a body.

    Parameters
    ----------
    body : from `make_body`
    protocol : how
    seed : of the noise

    Returns
    -------
    SimulatedScan
    """
    g = geometry(body, protocol)
    gain = mineral_gain(protocol.kvp)
    step = protocol.increment_mm * float(np.cos(np.radians(protocol.tilt_degrees)))
    grid, per = painting_grid(body, protocol, g)
    hu = np.empty(g.shape, np.float32)
    sample(paint_hu(body, grid, gain, 0.5 * protocol.motion_mm), g, per, protocol, hu)
    px = (protocol.pixel_mm, protocol.pixel_mm)
    seen = optics(PSF_SIGMA_MM[protocol.kernel], px, protocol.thickness_mm, step, g.shape)
    patches = _patches(body, g, seen, protocol, 0.0)
    if protocol.motion_mm > 0:
        still = hu.copy()
        truth = truth_of(still, add_and_label(still, patches), patches, body, g, protocol)
        labels = add_and_label(hu, _patches(body, g, seen, protocol, protocol.motion_mm))
    else:
        labels = add_and_label(hu, patches)
        truth = truth_of(hu, labels, patches, body, g, protocol)
    if protocol.contrast_hu != 0:
        blood = np.empty_like(hu)
        sample(paint_blood(body, grid), g, per, protocol, blood)
        hu += blood * np.float32(protocol.contrast_hu)
    out = _finish(body, hu, g, protocol, seed)
    origins = g.origin + np.arange(g.shape[0])[:, None] * g.slice_step
    return SimulatedScan(
        out,
        labels,
        px,
        protocol.increment_mm,
        origins,
        g.row_step / px[0],
        g.column_step / px[1],
        truth,
        protocol,
    )


def _finish(
    body: Body, hu: Floats, g: Geometry, protocol: Protocol, seed: int
) -> NDArray[np.int16]:
    """Noise, table, clipping, padding."""
    rng = np.random.default_rng([9_117, seed])
    n = protocol.matrix
    out = np.empty(g.shape, np.int16)
    table = _table(body, g, n) if protocol.has_table else None
    r = np.hypot(*np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n)))
    radius_mm = r * protocol.fov_mm / 2
    strength = (1.12 - 0.5 * np.clip(radius_mm / 190, 0, 1.2) ** 2).astype(np.float32)
    overlap = float(np.clip(0.75 - 0.6 * protocol.increment_mm / protocol.thickness_mm, 0, 0.7))
    shoulder = body.pose.to_patient(body.frame.place((0.0, -20.0, 120.0))[None])[0, 2]
    noise = noise_slices(rng, g.shape[0], n, protocol.pixel_mm, protocol.kernel, overlap)
    outside = r > 1.0
    for s in range(g.shape[0]):
        plane = hu[s]
        if table is not None:
            np.maximum(plane, table, out=plane, where=plane < -950)
        grain = next(noise)
        if protocol.noise_hu > 0:
            z = g.origin[2] - s * protocol.increment_mm
            more = 1 + 0.7 / (1 + np.exp(-(z - shoulder) / 12))
            plane += grain * (strength * np.float32(protocol.noise_hu * more))
        np.rint(plane, out=plane)
        np.clip(plane, _MIN_HU, _MAX_HU, out=plane)
        out[s] = plane
    if protocol.is_padded:
        out[:, outside] = PADDING_HU
    return out


def _table(body: Body, g: Geometry, n: int) -> Floats:
    """Draw a curved couch below the body: two thin shells with foam between."""
    back = float(body.frame.place((0.0, 86.0, 0.0))[1]) + body.frame.fat_mm * 1.25 + 9
    at = body.pose.to_patient(np.array([[0.0, back, 0.0]]))[0]
    x = g.origin[0] + np.arange(n) * np.linalg.norm(g.column_step) - at[0]
    y = g.origin[1] + np.arange(n) * np.linalg.norm(g.row_step) - at[1]
    top = 4 - 0.0011 * x**2
    depth = y[:, None] - top[None, :]
    out = np.full((n, n), -1000.0, np.float32)
    wide = (np.abs(x) < 215)[None, :]
    out[(depth > 0) & (depth < 26) & wide] = -960.0
    for level in (0.0, 26.0):
        out += np.maximum(0, 1 - np.abs(depth - level) / 2.2).astype(np.float32) * wide * 1010
    return np.minimum(out, 60)


def region_map(body: Body, z_mm: Vector, y_mm: Vector, x_mm: Vector) -> NDArray[np.uint8]:
    """Region codes on a regular grid of points in the patient frame.

    Parameters
    ----------
    body : from `make_body`
    z_mm, y_mm, x_mm : evenly spaced coordinates, LPS; any direction

    Returns
    -------
    uint8 (len(z_mm), len(y_mm), len(x_mm)) of `Region`
    """
    axes = [np.asarray(a, float) for a in (z_mm, y_mm, x_mm)]
    step = [float(a[1] - a[0]) if len(a) > 1 else 1.0 for a in axes]
    steps = np.array([[0, 0, step[0]], [0, step[1], 0], [step[2], 0, 0]])
    origin = np.array([axes[2][0], axes[1][0], axes[0][0]])
    grid = Grid(origin, steps, body.pose, (len(axes[0]), len(axes[1]), len(axes[2])))
    found = paint_regions(body, grid)
    return np.ascontiguousarray(found[: len(axes[0]), : len(axes[1]), : len(axes[2])])


__all__ = ["Protocol", "SimulatedScan", "Truth", "region_map", "simulate"]
