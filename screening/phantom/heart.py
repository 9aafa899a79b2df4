"""The heart: chambers, fat, grooves, and the four coronary arteries that run in them.

Comes in: a random generator and a few sizes.
Goes out: a `Heart` in the body's frame (x left, y back, z head, origin on the midline at the
front of the spine at the level of the aortic valve).
Refuses: nothing.

Landmark positions were read from published anatomy and checked by eye against real scans.
The groove of an artery is where two chambers' surfaces are equally near: the anterior
interventricular groove between left and right ventricle, the atrioventricular grooves
between an atrium and its ventricle.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from screening.phantom.shapes import Ellipsoid, Floats, Shape, Vector, tube
from screening.records import Label

BLOOD_HU = 42.0
MYOCARDIUM_HU = 50.0
EPICARDIAL_FAT_HU = -92.0
ROOT = np.array([-3.0, -54.0, 2.0])  # centre of the aortic root, where the heart is hung
_SAC_BLEND_MM = 18.0
_ABOVE_SURFACE_MM = 2.2  # how far the centre of a coronary lies above the muscle
_STEP_MM = 1.0
_HALF_STEP_MM = 0.4  # of a gradient


@dataclass(frozen=True, slots=True, eq=False)
class Heart:
    """Chambers by name, coronary courses and what surrounds them, body frame."""

    chambers: dict[str, list[Shape]]
    cavity: Ellipsoid
    courses: dict[Label, Vector]
    fat_mm: float
    groove_mm: float
    frame: Vector  # rows: the heart's turn times its scale
    anchor: Vector

    def place(self, points: object) -> Vector:
        """Canonical heart coordinates → body frame."""
        return _place(np.asarray(points, float), self.frame, self.anchor)

    def surface(self, u: Floats, v: Floats, w: Floats) -> Floats:
        """Distance to the nearest chamber."""
        return _nearest([s for part in self.chambers.values() for s in part], u, v, w)

    def sac(self, u: Floats, v: Floats, w: Floats) -> Floats:
        """Distance to the pericardium: the chambers blended and thickened by their fat."""
        out: Floats | None = None
        for part in self.chambers.values():
            d = _nearest(part, u, v, w)
            if out is None:
                out = d
                continue
            h = np.maximum(np.float32(_SAC_BLEND_MM) - np.abs(out - d), 0)
            out = np.minimum(out, d) - h * h * np.float32(0.25 / _SAC_BLEND_MM)
        if out is None:
            raise ValueError("a heart has chambers")
        # Fat lies thick over the right heart and the front, thin over the left free wall.
        right = 0.5 - 0.5 * np.tanh((u - np.float32(self.anchor[0] + 38)) / np.float32(28))
        return np.asarray(out - np.float32(self.fat_mm) * (0.3 + 0.75 * right), dtype=np.float32)

    def box(self) -> tuple[Vector, Vector]:
        """Corners of the box round all chambers and their fat."""
        extents = [s.extent() for part in self.chambers.values() for s in part]
        low = np.min([c - h for c, h in extents], axis=0) - self.fat_mm
        high = np.max([c + h for c, h in extents], axis=0) + self.fat_mm
        return low, high


def _place(points: Vector, frame: Vector, anchor: Vector) -> Vector:
    return np.asarray((points - ROOT) @ frame.T + anchor)


def _nearest(shapes: list[Shape], u: Floats, v: Floats, w: Floats) -> Floats:
    out = shapes[0].distance(u, v, w)
    for shape in shapes[1:]:
        out = np.minimum(out, shape.distance(u, v, w))
    return out


def _unit(v: Vector) -> Vector:
    return np.asarray(v / np.linalg.norm(v))


def _axes(long: Vector) -> Vector:
    a = _unit(long)
    b = _unit(np.cross(a, [0.0, 1.0, 0.0]))
    return np.stack([a, b, np.cross(a, b)])


def turn_matrix(degrees_xyz: Vector) -> Vector:
    """Rotation about x, then y, then z."""
    out = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees_xyz)):
        c, s = np.cos(angle), np.sin(angle)
        i, j = [(1, 2), (2, 0), (0, 1)][axis]
        r = np.eye(3)
        r[i, i], r[j, j], r[i, j], r[j, i] = c, c, -s, s
        out = r @ out
    return out


def make_heart(
    rng: np.random.Generator, anchor: Vector, scale: float, fat_mm: float, tortuosity: float
) -> Heart:
    """Draw a heart.

    Parameters
    ----------
    rng : source of its shape
    anchor : (3,) where the centre of the aortic root lies in the body frame, mm
    scale : 1 for a heart about 125 mm wide with its fat
    fat_mm : thickness of the epicardial fat over the free walls
    tortuosity : 0 straight, 1 winding

    Returns
    -------
    Heart
    """
    turn = turn_matrix(rng.normal([3.0, 0.0, 0.0], [6.0, 7.0, 8.0]))
    frame = turn * scale
    size = rng.normal(1.0, 0.06, 8)

    def blob(center: object, long: object, semi: object, k: int, hu: float) -> Ellipsoid:
        return Ellipsoid(
            _place(np.asarray(center, float), frame, anchor),
            _axes(np.asarray(long, float)) @ turn.T,
            np.asarray(semi, float) * scale * size[k],
            hu,
            is_blood=hu != MYOCARDIUM_HU,
        )

    def rod(points: object, radii: object) -> list[Shape]:
        placed = _place(np.asarray(points, float), frame, anchor)
        return tube(placed, np.asarray(radii, float) * scale, BLOOD_HU, is_blood=True)

    long = np.array([54.0, -38.0, -40.0])
    chambers: dict[str, list[Shape]] = {
        "left_ventricle": [blob((37, -56, -23), long, (48, 33, 33), 0, MYOCARDIUM_HU)],
        "right_ventricle": [blob((11, -76, -25), (50, -16, -30), (43, 34, 24), 1, BLOOD_HU)],
        "right_outflow": rod([(8, -82, -6), (14, -74, 10), (18, -66, 22)], (18, 15, 13.5)),
        "right_atrium": [
            blob((-27, -48, -17), (0.1, 0, -1), (33, 21, 26), 2, BLOOD_HU),
            blob((-19, -68, 3), (0.5, 0.4, -1), (16, 12, 12), 3, BLOOD_HU),
        ],
        "left_atrium": [blob((2, -25, -1), (1, 0.05, 0.1), (37, 21, 17), 4, BLOOD_HU)],
        "left_appendage": rod([(28, -27, 14), (40, -42, 21)], (10, 7)),
    }
    cavity = blob((33, -53, -20), long, (37, 21, 21), 5, BLOOD_HU)
    courses = _courses(rng, chambers, frame, anchor, tortuosity)
    groove = float(np.clip(2.2 + 0.55 * fat_mm, 2.5, 6.5))
    return Heart(chambers, cavity, courses, fat_mm, groove, frame, anchor)


def _courses(
    rng: np.random.Generator,
    chambers: dict[str, list[Shape]],
    frame: Vector,
    anchor: Vector,
    tortuosity: float,
) -> dict[Label, Vector]:
    jitter = rng.normal(0, 1.2, 3)
    fork = np.array([27.0, -54.0, 8.0]) + jitter

    def place(points: object) -> Vector:
        return _place(np.asarray(points, float), frame, anchor)

    walls = [s for part in chambers.values() for s in part]
    root = Ellipsoid(place(ROOT), np.eye(3), np.full(3, 15.5 * np.cbrt(np.linalg.det(frame))), 0)
    lm = place([(10.5, -47, 7), (18, -46, 9), fork])
    lad = place([fork, (33, -66, 3), (42, -80, -8), (52, -91, -22), (60, -95, -38), (68, -90, -52)])
    lcx = place([fork, (36, -42, 3), (46, -31, -6), (47, -22, -16), (39, -15, -26), (26, -13, -34)])
    rca = place(
        [
            (-6, -70, 6),
            (-13, -80, 1),
            (-24, -80, -10),
            (-28, -74, -28),
            (-22, -58, -46),
            (-8, -40, -54),
            (5, -28, -50),
        ]
    )
    grooves = {
        Label.LAD: (lad, "left_ventricle", "right_ventricle"),
        Label.LCX: (lcx, "left_ventricle", "left_atrium"),
        Label.RCA: (rca, "right_ventricle", "right_atrium"),
    }
    out = {Label.LM: _lift(_resample(lm), [*walls, root])}
    for label, (guess, a, b) in grooves.items():
        line = _in_groove(_resample(guess), chambers[a], chambers[b], walls)
        line = _wind(rng, line, tortuosity)
        line = _lift(line, [*walls, root])
        if label != Label.RCA:
            line[0] = out[Label.LM][-1]
        out[label] = _resample(line)
    return out


def _resample(line: Vector) -> Vector:
    """Even steps of about one millimetre, corners rounded."""
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    n = max(int(length[-1] / _STEP_MM), 4)
    s = np.linspace(0, length[-1], n + 1)
    dense = np.stack([np.interp(s, length, line[:, c]) for c in range(3)], axis=1)
    return _smooth(dense)


def _smooth(line: Vector, sigma_mm: float = 3.0) -> Vector:
    ends = line[0].copy(), line[-1].copy()
    out = gaussian_filter1d(line, sigma_mm / _STEP_MM, axis=0, mode="nearest")
    weight = np.minimum(np.arange(len(line)), np.arange(len(line))[::-1]) / 6.0
    weight = np.clip(weight, 0, 1)[:, None]
    out = weight * out + (1 - weight) * line
    out[0], out[-1] = ends
    return np.asarray(out)


def _at(shapes: list[Shape], p: Vector) -> Vector:
    q = p.astype(np.float32)
    return _nearest(shapes, q[:, 0], q[:, 1], q[:, 2]).astype(float)


def _gradient(f: Callable[[Vector], Vector], p: Vector) -> Vector:
    # One call for all six neighbours: the shapes are many, the points few.
    around = np.concatenate([np.eye(3), -np.eye(3)]) * _HALF_STEP_MM
    at = f((p[None] + around[:, None]).reshape(-1, 3)).reshape(6, len(p))
    return np.asarray((at[:3] - at[3:]).T / (2 * _HALF_STEP_MM))


def _in_groove(
    guess: Vector, a: list[Shape], b: list[Shape], walls: list[Shape]
) -> NDArray[np.float64]:
    """Move points to where both chambers are equally near, just above their surface."""
    p = guess.copy()
    fixed = guess[0].copy()
    for _ in range(25):
        equal = _at(a, p) - _at(b, p)
        g = _gradient(lambda q: _at(a, q) - _at(b, q), p)
        step = equal / np.maximum((g**2).sum(axis=1), 0.3)
        p -= 0.6 * np.clip(step, -6, 6)[:, None] * g
        height = np.minimum(_at(a, p), _at(b, p)) - _ABOVE_SURFACE_MM
        g = _gradient(lambda q: np.minimum(_at(a, q), _at(b, q)), p)
        p -= 0.6 * np.clip(height, -6, 6)[:, None] * g
        p = _smooth(p, 1.5)
    # The first centimetre leads from the origin into the groove.
    weight = np.clip(np.arange(len(p)) * _STEP_MM / 9.0, 0, 1)[:, None]
    p = weight * p + (1 - weight) * guess
    p[0] = fixed
    return np.asarray(_smooth(p))


def _wind(rng: np.random.Generator, line: Vector, tortuosity: float) -> Vector:
    s = np.arange(len(line)) * _STEP_MM
    out = line.copy()
    for c in range(3):
        wave, phase = rng.uniform(14, 30), rng.uniform(0, 2 * np.pi)
        grow = np.clip(s / 15.0, 0, 1)
        out[:, c] += 1.6 * tortuosity * grow * np.sin(2 * np.pi * s / wave + phase)
    return out


def _lift(line: Vector, walls: list[Shape]) -> Vector:
    """Push points that dip into a wall out of it (the ostium itself stays)."""
    p = line.copy()
    for _ in range(8):
        short = np.maximum(_ABOVE_SURFACE_MM * 0.8 - _at(walls, p), 0)
        short[0] = 0
        p += short[:, None] * _gradient(lambda q: _at(walls, q), p)
    return p


def grooves(heart: Heart) -> list[Shape]:
    """Fat round the coronary arteries, then their blood, in painting order."""
    fat: list[Shape] = []
    blood: list[Shape] = []
    for label, line in heart.courses.items():
        points = line[:: 4 if len(line) > 24 else 2]
        far = np.linspace(0, 1, len(points))
        wide = heart.groove_mm * (0.75 if label == Label.LM else 1.0)
        fat += tube(points, wide * (1.0 - 0.25 * far), EPICARDIAL_FAT_HU)
        radius = 2.0 if label == Label.LM else 1.7
        blood += tube(points, radius * (1 - 0.45 * far), BLOOD_HU, is_blood=True)
    return fat + blood
