"""A CT scanner for synthetic chests.

Comes in: a `Body`, a `Protocol`, a seed.
Goes out: a `SimulatedScan`: int16 HU, labels, geometry and the truth about its calcium.
Refuses: a protocol no scanner has (ValueError).

Seen are point-spread by kernel, slice profile, noise by kernel, tube voltage, cardiac motion,
contrast, gantry tilt, a small field of view and padding outside the circular field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from screening.phantom.agatston import agatston
from screening.phantom.body import Body
from screening.phantom.burden import HU_PER_MG_CM3
from screening.phantom.deposits import Deposit
from screening.phantom.noise import KERNELS, noise_slices
from screening.phantom.raster import paint_blood, paint_hu, paint_regions
from screening.phantom.shapes import Floats, Grid, Vector
from screening.phantom.splat import Optics, Patch, optics, splat
from screening.records import CORONARY_LABELS, PADDING_HU, Label

# Mineral is brighter at lower tube voltage: lower bounds of the first Agatston weight by kVp
# (Graeni 2018, doi 10.1093/ehjci/jey019), taken relative to 130 HU at 120 kVp.
_KVP = np.array([70.0, 80.0, 100.0, 120.0, 135.0])
_FIRST_BOUND_HU = np.array([207.0, 177.0, 145.0, 130.0, 119.0])
_PSF_SIGMA_MM = {"soft": 0.65, "medium": 0.50, "sharp": 0.38}
_SMOOTHING = {"soft": 0.8, "medium": 0.3, "sharp": 0.0}  # 0 interpolating .. 1 B-spline
_MOTION_COPIES = np.array([(-0.5, 0.28), (-0.2, 0.22), (0.1, 0.18), (0.5, 0.32)])
LABEL_FROM_HU = 100.0
_MAX_HU, _MIN_HU = 3071, -1024
_NO_SCORE = (Label.BONE, Label.METAL)


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a scan is made.

    center_lps_mm : (x, y) of the field's centre; None for the body's middle
    z_top_mm, z_bottom_mm : patient-frame levels of the first and the last slice; None for the
        whole chest
    noise_hu : standard deviation in the middle of the body
    motion_mm : how far the coronaries move while a slice is taken
    contrast_hu : HU that contrast adds to blood
    tilt_degrees : gantry tilt
    is_padded : PADDING_HU outside the circular field
    """

    matrix: int = 512
    fov_mm: float = 360.0
    increment_mm: float = 2.5
    thickness_mm: float = 2.5
    kvp: float = 120.0
    kernel: str = "medium"
    noise_hu: float = 15.0
    motion_mm: float = 0.0
    contrast_hu: float = 0.0
    tilt_degrees: float = 0.0
    center_lps_mm: tuple[float, float] | None = None
    z_top_mm: float | None = None
    z_bottom_mm: float | None = None
    is_padded: bool = False
    has_table: bool = True

    def __post_init__(self) -> None:
        """Check what no scanner does."""
        if self.kernel not in KERNELS:
            raise ValueError(f"kernel must be one of {', '.join(KERNELS)}")
        sizes = (self.matrix, self.fov_mm, self.increment_mm, self.thickness_mm)
        if min(sizes) <= 0 or not 60 <= self.kvp <= 150:
            raise ValueError("matrix, field, increment and thickness must be positive, 60..150 kVp")
        if abs(self.tilt_degrees) > 30 or min(self.noise_hu, self.motion_mm) < 0:
            raise ValueError("tilt is at most 30 degrees; noise and motion are not negative")

    @property
    def pixel_mm(self) -> float:
        """Row and column spacing."""
        return self.fov_mm / self.matrix


@dataclass(frozen=True, slots=True)
class Truth:
    """The calcium in a scan's field as it is, without noise and motion.

    agatston : per label, by the default convention on the noise-free, motion-free scan (not
        for bone and metal)
    mass_mg : hydroxyapatite inside the scanned box, per label
    coronary_agatston : the four vessels together
    """

    agatston: Mapping[Label, float]
    mass_mg: Mapping[Label, float]
    coronary_agatston: float
    coronary_mass_mg: float


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


def mineral_gain(kvp: float) -> float:
    """How much brighter mineral is than at 120 kVp (linear between the table's voltages)."""
    slope = (_FIRST_BOUND_HU[-1] - _FIRST_BOUND_HU[-2]) / (_KVP[-1] - _KVP[-2])
    if kvp > _KVP[-1]:
        return float((_FIRST_BOUND_HU[-1] + slope * (kvp - _KVP[-1])) / 130)
    return float(np.interp(kvp, _KVP, _FIRST_BOUND_HU) / 130)


def hu_per_mg_cm3(kvp: float) -> float:
    """HU added by 1 mg/cm3 of hydroxyapatite."""
    return HU_PER_MG_CM3 * mineral_gain(kvp)


@dataclass(frozen=True, slots=True, eq=False)
class _Geometry:
    """Slice index → position: origin + s·slice + r·row + c·column (mm steps)."""

    origin: Vector
    slice_step: Vector
    row_step: Vector
    column_step: Vector
    shape: tuple[int, int, int]

    @property
    def matrix(self) -> Vector:
        return np.stack([self.slice_step, self.row_step, self.column_step])

    def index(self, points_lps_mm: Vector) -> Vector:
        """Fractional [slice, row, column] of points."""
        return np.asarray((points_lps_mm - self.origin) @ np.linalg.inv(self.matrix))


def _geometry(body: Body, protocol: Protocol) -> _Geometry:
    low, high = body.z_range_mm
    top = high if protocol.z_top_mm is None else protocol.z_top_mm
    bottom = low if protocol.z_bottom_mm is None else protocol.z_bottom_mm
    n = int(round((top - bottom) / protocol.increment_mm)) + 1
    if n < 1:
        raise ValueError("the first slice must lie above the last one")
    if protocol.center_lps_mm is None:
        middle = body.pose.to_patient(body.frame.place((0.0, -25.0, 0.0))[None])[0]
        center = (float(middle[0]), float(middle[1]))
    else:
        center = protocol.center_lps_mm
    tilt = np.radians(protocol.tilt_degrees)
    px = protocol.pixel_mm
    row = px * np.array([0.0, np.cos(tilt), np.sin(tilt)])
    column = px * np.array([1.0, 0.0, 0.0])
    half = (protocol.matrix - 1) / 2
    origin = np.array([center[0], center[1], top]) - half * (row + column)
    step = np.array([0.0, 0.0, -protocol.increment_mm])
    return _Geometry(origin, step, row, column, (n, protocol.matrix, protocol.matrix))


def _grid(body: Body, protocol: Protocol, g: _Geometry) -> tuple[Grid, tuple[float, float]]:
    """Painting grid over the scan: its steps along slice, row, column in index units."""
    pitch = float(np.clip(1.3 * protocol.pixel_mm, 1.5, 8.0))
    pitch_z = float(np.clip(0.8 * protocol.thickness_mm, 1.5, 6.0))
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
    far = ((-b - 6 * c) * d**3 + (6 * b + 30 * c) * d**2 + (-12 * b - 48 * c) * d + 8 * b + 24 * c)
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


def _sample(painted: Floats, g: _Geometry, per: tuple[float, float], protocol: Protocol,
            out: Floats) -> None:
    """Slices of a painted grid."""
    step_z = float(np.clip(0.8 * protocol.thickness_mm, 1.5, 6.0)) / protocol.increment_mm
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


def _patches(
    body: Body, g: _Geometry, seen: Optics, protocol: Protocol, motion_mm: float
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


def _label(base: Floats, patches: list[tuple[Deposit, Patch]]) -> NDArray[np.uint8]:
    """Label of voxels at least 100 HU; `base` becomes the sum of everything."""
    labels = np.zeros(base.shape, np.uint8)
    labels[base >= LABEL_FROM_HU] = Label.BONE
    for _, patch in patches:
        base[patch.where] += patch.hu
    best = _Best(base.shape)
    for deposit, patch in patches:
        best.offer(patch, deposit.label)
    best.write(base, labels)
    return labels


class _Best:
    """The deposit that adds most to each voxel of the boxes touched."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._offers: list[tuple[Patch, Label]] = []

    def offer(self, patch: Patch, label: Label) -> None:
        """Remember one patch."""
        self._offers.append((patch, label))

    def write(self, total: Floats, labels: NDArray[np.uint8]) -> None:
        """Write labels where the sum is bright and calcium, not bone, made it so."""
        # Later patches overwrite earlier ones only where they add more; overlaps are rare
        # and small, so the comparison is made pairwise on the earlier patch's own box.
        strength = _Sparse()
        for patch, label in self._offers:
            here = labels[patch.where]
            more = strength.beats(patch)
            take = more & (total[patch.where] >= LABEL_FROM_HU) & (patch.hu > 5)
            is_bone = (here == Label.BONE) & (patch.hu < 60)
            here[take & ~is_bone] = label


class _Sparse:
    """Largest addition seen so far, kept as patches."""

    def __init__(self) -> None:
        self._seen: list[Patch] = []

    def beats(self, patch: Patch) -> NDArray[np.bool_]:
        """Where `patch` adds more than any patch before it."""
        out = np.ones(patch.hu.shape, bool)
        for other in self._seen:
            a = [max(p, q) for p, q in zip(patch.start, other.start, strict=True)]
            b = [
                min(p + n, q + m)
                for p, n, q, m in zip(
                    patch.start, patch.hu.shape, other.start, other.hu.shape, strict=True
                )
            ]
            if any(hi <= lo for lo, hi in zip(a, b, strict=True)):
                continue
            mine = tuple(slice(lo - p, hi - p) for lo, hi, p in zip(a, b, patch.start, strict=True))
            their = tuple(slice(lo - p, hi - p) for lo, hi, p in zip(a, b, other.start, strict=True))
            out[mine] &= patch.hu[mine] > other.hu[their]
        self._seen.append(patch)
        return out


def _truth(
    hu: Floats,
    labels: NDArray[np.uint8],
    patches: list[tuple[Deposit, Patch]],
    body: Body,
    g: _Geometry,
    protocol: Protocol,
) -> Truth:
    scores: dict[Label, float] = {}
    px = (protocol.pixel_mm, protocol.pixel_mm)
    step = protocol.increment_mm * float(np.cos(np.radians(protocol.tilt_degrees)))
    present = {d.label for d, _ in patches} - set(_NO_SCORE)
    for label in sorted(present):
        boxes = [p.where for d, p in patches if d.label == label]
        low = [min(b[k].start for b in boxes) for k in range(3)]
        high = [max(b[k].stop for b in boxes) for k in range(3)]
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        scores[label] = agatston(np.rint(hu[box]), labels[box] == label, px, step)
    masses: dict[Label, float] = {}
    for d in body.deposits:
        at = g.index(d.points_mm)
        inside = ((at > -0.5) & (at < np.array(g.shape) - 0.5)).all(axis=1).mean()
        if inside > 0 and not d.is_metal:
            masses[d.label] = masses.get(d.label, 0.0) + d.mass_mg * float(inside)
    return Truth(
        scores,
        masses,
        sum(scores.get(k, 0.0) for k in CORONARY_LABELS),
        sum(masses.get(k, 0.0) for k in CORONARY_LABELS),
    )


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
    g = _geometry(body, protocol)
    gain = mineral_gain(protocol.kvp)
    step = protocol.increment_mm * float(np.cos(np.radians(protocol.tilt_degrees)))
    grid, per = _grid(body, protocol, g)
    hu = np.empty(g.shape, np.float32)
    _sample(paint_hu(body, grid, gain, 0.5 * protocol.motion_mm), g, per, protocol, hu)
    px = (protocol.pixel_mm, protocol.pixel_mm)
    seen = optics(_PSF_SIGMA_MM[protocol.kernel], px, protocol.thickness_mm, step, g.shape)
    patches = _patches(body, g, seen, protocol, 0.0)
    if protocol.motion_mm > 0:
        still = hu.copy()
        truth = _truth(still, _label(still, patches), patches, body, g, protocol)
        labels = _label(hu, _patches(body, g, seen, protocol, protocol.motion_mm))
    else:
        labels = _label(hu, patches)
        truth = _truth(hu, labels, patches, body, g, protocol)
    if protocol.contrast_hu > 0:
        blood = np.empty_like(hu)
        _sample(paint_blood(body, grid), g, per, protocol, blood)
        hu += blood * np.float32(protocol.contrast_hu)
    out = _finish(body, hu, g, protocol, seed)
    origins = g.origin + np.arange(g.shape[0])[:, None] * g.slice_step
    return SimulatedScan(
        out, labels, px, protocol.increment_mm, origins, g.row_step / px[0],
        g.column_step / px[1], truth, protocol,
    )


def _finish(
    body: Body, hu: Floats, g: _Geometry, protocol: Protocol, seed: int
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


def _table(body: Body, g: _Geometry, n: int) -> Floats:
    """A curved couch: two thin shells with foam between, below the body."""
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
        out += np.maximum(0, 1 - np.abs(depth - level) / 1.6).astype(np.float32) * wide * 1010
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
