"""Solid shapes and the grid they are painted on.

Comes in: shapes in the body's own frame (mm), a pose, a grid of points in the patient frame.
Goes out: Hounsfield units or region codes on that grid.
Refuses: nothing; a shape outside the grid leaves no trace.

Distances are negative inside. A shape is painted with an edge one grid step wide, so that
partial volume survives the later interpolation to the scan.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Vector = NDArray[np.float64]

_WARP_STEPS = 12  # fixed-point steps to invert the warp; it contracts by about 0.2 a step
_BLEND_CELLS = 2**17
_BASE_PITCH_MM = 16.0  # the warp is smooth: it is evaluated on knots this far apart at most


class Region(IntEnum):
    """What a point of the body belongs to, coarsely."""

    OUTSIDE = 0  # air, table
    SOFT = 1  # fat, muscle, mediastinum
    LUNG = 2
    HEART = 3  # chambers, myocardium and the fat inside the pericardium
    AORTA = 4  # ascending, arch, descending
    AORTIC_ROOT = 5  # from the annulus to the sinotubular junction
    PULMONARY_TRUNK = 6  # trunk and main branches
    AIRWAY = 7
    HILUM = 8
    CHEST_WALL_BONE = 9  # ribs, sternum, spine, cartilage, shoulders
    LIVER = 10
    ABDOMEN = 11
    VEIN = 12  # superior and inferior vena cava, pulmonary veins
    OESOPHAGUS = 13


@dataclass(frozen=True, slots=True, eq=False)
class Ellipsoid:
    """`axes` rows are unit vectors; `semi_mm` the half-lengths along them."""

    center: Vector
    axes: Vector
    semi_mm: Vector
    hu: float
    region: Region | None = None
    is_blood: bool = False

    def extent(self) -> tuple[Vector, Vector]:
        """Centre and half-size of the bounding box."""
        return self.center, np.sqrt(((self.axes * self.semi_mm[:, None]) ** 2).sum(axis=0))

    def distance(self, u: Floats, v: Floats, w: Floats) -> Floats:
        """Approximate signed distance, mm."""
        p = (u - self.center[0], v - self.center[1], w - self.center[2])
        k0 = np.zeros(u.shape, np.float32)
        k1 = np.full(u.shape, 1e-6, np.float32)
        for axis, semi in zip(self.axes, self.semi_mm, strict=True):
            q = p[0] * np.float32(axis[0] / semi)
            q += p[1] * np.float32(axis[1] / semi)
            q += p[2] * np.float32(axis[2] / semi)
            q *= q
            k0 += q
            q *= np.float32(1 / semi**2)
            k1 += q
        k0 = np.sqrt(k0)
        return (k0 * (k0 - 1) / np.sqrt(k1)).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Capsule:
    """A round rod from `a` to `b` whose radius changes evenly."""

    a: Vector
    b: Vector
    radius_a_mm: float
    radius_b_mm: float
    hu: float
    region: Region | None = None
    is_blood: bool = False

    def extent(self) -> tuple[Vector, Vector]:
        """Centre and half-size of the bounding box."""
        r = max(self.radius_a_mm, self.radius_b_mm)
        return (self.a + self.b) / 2, np.abs(self.b - self.a) / 2 + r

    def distance(self, u: Floats, v: Floats, w: Floats) -> Floats:
        """Signed distance, mm."""
        d = (self.b - self.a).astype(np.float32)
        n = np.float32(max(float(d @ d), 1e-6))
        px, py, pz = (
            u - np.float32(self.a[0]),
            v - np.float32(self.a[1]),
            w - np.float32(self.a[2]),
        )
        t = px * (d[0] / n)
        t += py * (d[1] / n)
        t += pz * (d[2] / n)
        np.clip(t, 0, 1, out=t)
        px -= t * d[0]
        py -= t * d[1]
        pz -= t * d[2]
        px *= px
        px += py * py
        px += pz * pz
        out: Floats = np.sqrt(px)
        out -= np.float32(self.radius_a_mm) + t * np.float32(self.radius_b_mm - self.radius_a_mm)
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """A box with round edges."""

    center: Vector
    axes: Vector
    half_mm: Vector
    round_mm: float
    hu: float
    region: Region | None = None
    is_blood: bool = False

    def extent(self) -> tuple[Vector, Vector]:
        """Centre and half-size of the bounding box."""
        return self.center, np.abs(self.axes * self.half_mm[:, None]).sum(axis=0)

    def distance(self, u: Floats, v: Floats, w: Floats) -> Floats:
        """Signed distance, mm (exact outside)."""
        p = (u - self.center[0], v - self.center[1], w - self.center[2])
        out = np.zeros(u.shape, np.float32)
        inner = np.full(u.shape, -1e3, np.float32)
        for axis, half in zip(self.axes, self.half_mm, strict=True):
            q = p[0] * np.float32(axis[0])
            q += p[1] * np.float32(axis[1])
            q += p[2] * np.float32(axis[2])
            q = np.abs(q) - np.float32(half - self.round_mm)
            np.maximum(inner, q, out=inner)
            out += np.maximum(q, 0) ** 2
        return (np.sqrt(out) + np.minimum(inner, 0) - np.float32(self.round_mm)).astype(np.float32)


Shape = Ellipsoid | Capsule | Box


def tube(
    points: Vector,
    radii_mm: Vector | list[float] | float,
    hu: float,
    region: Region | None = None,
    is_blood: bool = False,
) -> list[Shape]:
    """Rods along a polyline."""
    r = np.broadcast_to(np.asarray(radii_mm, float), (len(points),))
    return [
        Capsule(points[i], points[i + 1], float(r[i]), float(r[i + 1]), hu, region, is_blood)
        for i in range(len(points) - 1)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """How the body's frame lies in the patient frame: a turn, a shift and a gentle warp.

    body = turnᵀ (p + d(p) − shift), d a sum of long sine waves.
    """

    turn: Vector
    shift: Vector
    wave_vectors: Vector  # (m, 3) radians per mm
    wave_phases: Vector  # (m,)
    wave_sizes_mm: Vector  # (m, 3)

    def warp(self, p: Vector) -> Vector:
        """Displacement d(p) of points (…, 3)."""
        waves = np.sin(p @ self.wave_vectors.T + self.wave_phases)
        return np.asarray(waves @ self.wave_sizes_mm)

    def to_body(self, p: Vector) -> Vector:
        """Patient → body, points (…, 3)."""
        return np.asarray((p + self.warp(p) - self.shift) @ self.turn)

    def to_patient(self, b: Vector) -> Vector:
        """Body → patient, points (…, 3)."""
        rigid = b @ self.turn.T + self.shift
        p = rigid - self.warp(rigid)
        for _ in range(_WARP_STEPS):
            p = rigid - self.warp(p)
        return np.asarray(p)


def double(a: Floats) -> Floats:
    """Linear interpolation to twice the sampling: n → 2n − 1 along each axis."""
    for axis in (2, 1, 0):  # the last and largest pass runs along memory
        n = a.shape[axis]
        shape = list(a.shape)
        shape[axis] = 2 * n - 1
        out = np.empty(shape, np.float32)
        at: list[slice] = [slice(None)] * 3
        lo, hi, even, odd = list(at), list(at), list(at), list(at)
        lo[axis], hi[axis] = slice(0, n - 1), slice(1, n)
        even[axis], odd[axis] = slice(0, None, 2), slice(1, None, 2)
        out[tuple(even)] = a
        middle = out[tuple(odd)]
        np.add(a[tuple(lo)], a[tuple(hi)], out=middle)
        middle *= 0.5
        a = out
    return a


@dataclass(slots=True, eq=False)
class Grid:
    """Points origin + k·steps[0] + j·steps[1] + i·steps[2] and their body coordinates.

    `half` are body coordinates at every second point, for the broad fields that are
    smooth enough to be doubled.
    """

    origin: Vector
    steps: Vector  # (3, 3): rows are the patient-frame steps of k, j, i
    pose: Pose
    shape: tuple[int, int, int]
    body: tuple[Floats, Floats, Floats] = field(init=False)
    half: tuple[Floats, Floats, Floats] = field(init=False)

    def __post_init__(self) -> None:
        """Compute the body coordinates on knots and refine them."""
        pitch = float(np.abs(self.steps).sum(axis=1).max())
        level = 1
        while level < 4 and pitch * 2 ** (level + 1) <= _BASE_PITCH_MM:
            level += 1
        knots = [int(np.ceil((n - 1) / 2**level)) + 1 for n in self.shape]
        index = np.stack(np.meshgrid(*[np.arange(n) for n in knots], indexing="ij"), axis=-1)
        p = self.origin + (index * 2.0**level) @ self.steps
        b = self.pose.to_body(p).astype(np.float32)
        coordinates = [np.ascontiguousarray(b[..., c]) for c in range(3)]
        for _ in range(level - 1):
            coordinates = [double(c) for c in coordinates]
        self.half = (coordinates[0], coordinates[1], coordinates[2])
        full = [double(c) for c in coordinates]
        self.shape = (full[0].shape[0], full[0].shape[1], full[0].shape[2])
        self.body = (full[0], full[1], full[2])

    @property
    def pitch_mm(self) -> float:
        """Step in the plane."""
        return float(np.linalg.norm(self.steps[2]))

    @property
    def soft_mm(self) -> float:
        """Width of a painted edge."""
        return self.pitch_mm

    def boxes(
        self, shapes: list[Shape], margin_mm: float
    ) -> list[tuple[slice, slice, slice] | None]:
        """Where each shape can leave a trace; None where it cannot."""
        if not shapes:
            return []
        extents = [s.extent() for s in shapes]
        centers = np.array([e[0] for e in extents])
        halves = np.array([e[1] for e in extents]) + margin_mm
        inverse = np.linalg.inv(self.steps)
        at = (self.pose.to_patient(centers) - self.origin) @ inverse
        reach = (halves @ np.abs(self.pose.turn).T * 1.15) @ np.abs(inverse)
        low = np.floor(at - reach).astype(int)
        high = np.ceil(at + reach).astype(int) + 1
        out: list[tuple[slice, slice, slice] | None] = []
        for lo, hi in zip(low, high, strict=True):
            lo, hi = np.maximum(lo, 0), np.minimum(hi, self.shape)
            if (hi <= lo).any():
                out.append(None)
            else:
                out.append((slice(lo[0], hi[0]), slice(lo[1], hi[1]), slice(lo[2], hi[2])))
        return out

    def local(self, box: tuple[slice, slice, slice]) -> tuple[Floats, Floats, Floats]:
        """Body coordinates inside a box."""
        return self.body[0][box], self.body[1][box], self.body[2][box]


def blend(target: Floats, distance: Floats, hu: float | Floats, soft_mm: float) -> None:
    """Paint `hu` where distance < 0, the edge `soft_mm` wide, in place."""
    levels = max(_BLEND_CELLS // max(target[:1].size, 1), 1)
    for first in range(0, len(target), levels):  # what fits a cache at a time
        part = slice(first, first + levels)
        alpha = distance[part] * np.float32(-1 / soft_mm)
        alpha += np.float32(0.5)
        np.clip(alpha, 0, 1, out=alpha)
        alpha *= (hu[part] if isinstance(hu, np.ndarray) else hu) - target[part]
        target[part] += alpha


def paint(grid: Grid, target: Floats, shapes: Iterable[Shape]) -> None:
    """Paint shapes one after the other, in place."""
    kept = list(shapes)
    for shape, box in zip(kept, grid.boxes(kept, grid.soft_mm), strict=True):
        if box is not None:
            blend(target[box], shape.distance(*grid.local(box)), shape.hu, grid.soft_mm)


def mark(grid: Grid, regions: NDArray[np.uint8], shapes: Iterable[Shape]) -> None:
    """Write the region codes of shapes, in place; shapes without one are left out."""
    kept = [s for s in shapes if s.region is not None]
    for shape, box in zip(kept, grid.boxes(kept, 0.0), strict=True):
        if box is not None and shape.region is not None:
            regions[box][shape.distance(*grid.local(box)) < 0] = shape.region
