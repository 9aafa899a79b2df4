"""The chest round the heart: great vessels, airways, lung vessels, abdomen.

Comes in: a `Frame` of sizes and a random generator.
Goes out: lists of shapes in the body's frame, and the broad fields (skin, muscle, rib cage,
diaphragm) as distances.
Refuses: nothing.

Canonical positions (a man of 172 cm) are in mm: x left, y back, z head, origin on the midline
at the front of the spine, level with the aortic valve.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from screening.phantom.heart import BLOOD_HU
from screening.phantom.shapes import Capsule, Ellipsoid, Floats, Region, Shape, Vector, tube

FAT_HU = -100.0
MUSCLE_HU = 50.0
LUNG_HU = -855.0
LIVER_HU = 55.0
CARTILAGE_HU = 88.0
VERTEBRA_STEP_MM = 22.5

_TABLE_LOW_MM = -400.0  # lookup tables start here and have a step of 1 mm
_Z = np.array([-330, -220, -110, 0, 60, 100, 130, 152, 172, 190, 330], float)
_CAGE_HALF_WIDTH = np.array([112, 122, 128, 124, 113, 97, 77, 52, 30, 24, 24], float)
_CAGE_FRONT = np.array([-112, -120, -122, -114, -98, -83, -63, -46, -34, -28, -28], float)
_CAGE_BACK = np.array([44, 48, 51, 55, 52, 36, 17, 2, -8, -12, -12], float)
_SKIN_HALF_WIDTH = np.array([148, 150, 150, 154, 160, 168, 172, 150, 96, 62, 58], float)
_SKIN_FRONT = np.array([-128, -136, -138, -132, -118, -104, -92, -84, -86, -92, -104], float)
_SKIN_BACK = np.array([84, 84, 82, 82, 80, 74, 62, 50, 40, 32, 28], float)
_SPINE_Y = np.array([-6, -8, -6, 0, -1, -9, -21, -32, -42, -50, -66], float)


def _lut(values: Vector) -> Vector:
    z = np.arange(_TABLE_LOW_MM, -_TABLE_LOW_MM + 1)
    return np.asarray(PchipInterpolator(_Z, values)(np.clip(z, _Z[0], _Z[-1])), dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Sizes of one body. `scale` stretches the canonical chest along x, y, z."""

    scale: Vector
    fat_mm: float
    breast_mm: float
    dome_mm: tuple[float, float]  # height of the right and the left diaphragm dome
    is_arms_up: bool
    bone: float  # 1 at age 50, falling with age

    def place(self, points: object) -> Vector:
        """Canonical → body frame."""
        return np.asarray(points, float) * self.scale

    def spine_y(self, z_mm: float) -> float:
        """Front of the spine at a canonical level."""
        return float(PchipInterpolator(_Z, _SPINE_Y)(np.clip(z_mm, _Z[0], _Z[-1])))

    def cage(self, z_mm: float) -> tuple[float, float, float]:
        """Half-width, front and back of the inner rib cage at a canonical level."""
        z = np.clip(z_mm, _Z[0], _Z[-1])
        return (
            float(PchipInterpolator(_Z, _CAGE_HALF_WIDTH)(z)),
            float(PchipInterpolator(_Z, _CAGE_FRONT)(z)),
            float(PchipInterpolator(_Z, _CAGE_BACK)(z)),
        )


_CAGE = (_lut(_CAGE_HALF_WIDTH), _lut(_CAGE_FRONT), _lut(_CAGE_BACK))
_SKIN = (_lut(_SKIN_HALF_WIDTH), _lut(_SKIN_FRONT), _lut(_SKIN_BACK))


def _ring(tables: tuple[Vector, Vector, Vector], u: Floats, v: Floats, w: Floats) -> Floats:
    """Distance to a superellipse (exponent 2.5) whose size changes with the level."""
    index = np.clip(w - np.float32(_TABLE_LOW_MM), 0, len(tables[0]) - 1).astype(np.int32)
    half, front, back = (t[index] for t in tables)
    middle = (front + back) * np.float32(0.5)
    depth = (back - front) * np.float32(0.5)
    x = np.abs(u)
    y = np.abs(v - middle)
    r = np.sqrt(x * x + y * y) + np.float32(1e-3)
    x /= half
    y /= depth
    f = x * x * np.sqrt(x) + y * y * np.sqrt(y)
    f = np.power(f + np.float32(1e-6), np.float32(0.4))
    return np.asarray(r * (1 - 1 / f), dtype=np.float32)


def skin_distance(frame: Frame, u: Floats, v: Floats, w: Floats) -> Floats:
    """Distance to the outer surface of the trunk's muscles (fat is added by the caller)."""
    k = frame.scale.astype(np.float32)
    return _ring(_SKIN, u / k[0], v / k[1], w / k[2]) * np.float32(frame.scale[:2].mean())


def cage_distance(frame: Frame, u: Floats, v: Floats, w: Floats) -> Floats:
    """Distance to the inner surface of the rib cage."""
    k = frame.scale.astype(np.float32)
    return _ring(_CAGE, u / k[0], v / k[1], w / k[2]) * np.float32(frame.scale[:2].mean())


_SPINE_FRONT = _lut(_SPINE_Y)


def spine_front(z: Floats) -> Floats:
    """Front of the spine at canonical levels."""
    index = np.clip(z - np.float32(_TABLE_LOW_MM), 0, len(_SPINE_FRONT) - 1).astype(np.int32)
    return np.asarray(_SPINE_FRONT[index], dtype=np.float32)


def diaphragm_height(
    frame: Frame, u: Floats, v: Floats, heart_box: tuple[Vector, Vector]
) -> Floats:
    """Level of the diaphragm above each point of the plane, mm; the heart rests on it."""
    k = frame.scale.astype(np.float32)
    x, y = u / k[0], v / k[1]
    out = np.full(x.shape, -150, np.float32)
    for side, top in zip((-1, 1), frame.dome_mm, strict=True):
        dx = (x - np.float32(side * 62)) / 88
        dy = (y + 42) / np.where(y > -42, np.float32(105), np.float32(98))
        r = np.sqrt(dx * dx + dy * dy)
        np.maximum(out, np.float32(top) - 78 * r * r * np.sqrt(r), out=out)
    out = out * k[2]
    low, high = heart_box
    dx = (u - np.float32(0.45 * low[0] + 0.55 * high[0])) / np.float32(0.55 * (high[0] - low[0]))
    dy = (v - np.float32(0.5 * (low[1] + high[1]) - 6)) / np.float32(0.6 * (high[1] - low[1]))
    rest = np.float32(low[2] + 7) - 20 * (dx * dx + dy * dy)
    # A soft maximum: the domes and the middle tendon are one sheet.
    h = np.maximum(16 - np.abs(out - rest), 0)
    return np.asarray(np.maximum(out, rest) + h * h / 64, dtype=np.float32)


def aorta_line(frame: Frame, root: Vector) -> tuple[Vector, Vector]:
    """Centre line and radii of the aorta from the sinotubular junction down."""
    line = frame.place(
        [
            (-8, -56, 18),
            (-14, -56, 34),
            (-13, -53, 52),
            (-8, -47, 70),
            (2, -34, 84),
            (13, -18, 88),
            (22, -2, 82),
            (27, 8, 68),
            (28, 11, 50),
            (27, 11, 20),
            (24, 9, -20),
            (18, 5, -60),
            (11, -2, -100),
            (4, -8, -150),
            (2, -10, -330),
        ]
    )
    shift = root - frame.place((-3, -54, 2))
    line += np.exp(-np.arange(len(line)) / 2.0)[:, None] * shift
    radii = np.array([16, 17, 17, 16, 15, 14, 13.5, 13, 13, 12.5, 12.5, 12, 11, 10, 9.0])
    fine = np.linspace(0, len(line) - 1, 3 * len(line) - 2)
    at = np.arange(len(line))
    smooth = np.stack([PchipInterpolator(at, line[:, c])(fine) for c in range(3)], axis=1)
    return smooth, np.interp(fine, at, radii)


def great_vessels(frame: Frame, aorta: tuple[Vector, Vector], dilation: float) -> list[Shape]:
    """Veins, pulmonary arteries and the aorta with its branches, in painting order."""
    p = frame.place
    vein, trunk = Region.VEIN, Region.PULMONARY_TRUNK

    def blood(points: object, radii: object, region: Region | None) -> list[Shape]:
        return tube(p(points), np.asarray(radii, float), BLOOD_HU, region, is_blood=True)

    out: list[Shape] = []
    out += blood(
        [(-24, -44, 0), (-25, -42, 30), (-25, -40, 64), (-22, -46, 90), (-26, -46, 120)],
        [9, 9, 9, 8, 7],
        vein,
    )
    out += blood([(-22, -48, 92), (0, -62, 96), (28, -54, 112)], [7, 6.5, 6], vein)
    out += blood([(-20, -30, -48), (-19, -26, -75), (-18, -22, -130), (-17, -18, -330)], 12, vein)
    for side, y in ((-1, -20), (1, -18)):
        out += blood([(side * 24, -24, 4), (side * 46, y, 8), (side * 62, y, 14)], [8, 7, 5], vein)
        out += blood([(side * 24, -20, -6), (side * 46, y + 6, -14)], [7.5, 5.5], vein)
    out += blood([(18, -66, 20), (19, -60, 30), (18, -50, 40)], [14, 14.5, 14], trunk)
    out += blood(
        [(18, -50, 40), (34, -32, 47), (48, -14, 44), (52, -4, 32)], [13, 12, 10, 8], trunk
    )
    out += blood(
        [(16, -46, 36), (-8, -31, 36), (-34, -27, 33), (-52, -24, 28)], [12, 10, 10, 9], trunk
    )
    out += blood([(-46, -24, 28), (-50, -14, 8)], [8, 6], trunk)
    line, radii = aorta
    out += tube(line, radii * dilation, BLOOD_HU, Region.AORTA, is_blood=True)
    out += blood([(-4, -44, 86), (-14, -44, 112), (-24, -42, 140)], [6.5, 6, 5], None)
    out += blood([(6, -32, 92), (10, -38, 118), (20, -42, 200)], [4.5, 4, 3.5], None)
    out += blood([(16, -16, 92), (24, -26, 120), (44, -30, 150)], [5.5, 5, 4.5], None)
    return out


def oesophagus(frame: Frame) -> list[Shape]:
    """Return a soft tube with a thread of air, from the neck to the stomach."""
    z = np.array([190, 130, 90, 50, 10, -30, -60, -85, -100])
    x = np.array([2, 3, 6, 6, 5, 4, 8, 16, 30])
    y = np.array([frame.spine_y(t) for t in z]) - np.array([7, 7, 7, 7, 7, 8, 12, 22, 32])
    line = frame.place(np.stack([x, y, z], axis=1))
    air = line[2:6] + np.array([1.5, -1, 0])
    return [
        *tube(line, np.array([6, 6, 6.5, 7, 7, 7.5, 8, 8, 9.0]), 36.0, Region.OESOPHAGUS),
        *tube(air, 1.6, -500.0),
    ]


def airways(
    rng: np.random.Generator, frame: Frame
) -> tuple[list[Shape], list[Shape], list[Vector]]:
    """Trachea with main bronchi, smaller bronchi (walls first, then air), and centre lines."""
    trachea = [(0, frame.spine_y(190) - 14, 190), (0, -40, 130), (-1, -26, 95), (-4, -17, 58)]
    p = frame.place
    lines: list[tuple[Vector, Vector]] = [(p(trachea), np.array([9.5, 9.5, 9.5, 10]))]
    trunks = {
        -1: [(-4, -17, 58), (-22, -18, 44), (-36, -19, 33), (-44, -14, 10), (-52, -4, -15)],
        1: [(-4, -17, 58), (18, -14, 42), (38, -11, 28), (45, -5, 8), (52, 2, -15)],
    }
    for points in trunks.values():
        lines.append((p(points), np.array([9, 7.5, 6.5, 4.5, 3.0])))
    branches = [
        ((-28, -18, 40), (-48, -20, 62), (-58, -24, 84)),
        ((-40, -16, 20), (-58, -46, 6), (-70, -66, -6)),
        ((-46, -12, 4), (-70, -10, -30), (-84, -4, -50)),
        ((38, -11, 28), (54, -30, 42), (62, -38, 66)),
        ((40, -12, 24), (60, -48, 14), (72, -66, -2)),
        ((48, -4, 0), (72, 0, -34), (84, 6, -54)),
    ]
    for b in branches:
        moved = np.array(b, float)
        moved[1:] += rng.normal(0, 4, (2, 3))
        lines.append((p(moved), np.array([4.0, 3.0, 2.0])))
    shapes: list[list[Shape]] = []
    for group in (lines[:3], lines[3:]):
        walls: list[Shape] = []
        air: list[Shape] = []
        for line, radii in group:
            walls += tube(line, radii + 1.0 + 0.12 * radii, 32.0)
            air += tube(line, radii, -990.0, Region.AIRWAY)
        shapes.append(walls + air)
    return shapes[0], shapes[1], [line for line, _ in lines]


def lung_vessels(rng: np.random.Generator, frame: Frame, n_trunks: int = 22) -> list[Shape]:
    """Arteries and veins that branch from the hila into the lungs."""
    out: list[Shape] = []
    for side in (-1, 1):
        hub = np.array([side * 50.0, -17.0, 22.0])
        for _ in range(n_trunks):
            toward = np.array(
                [side * rng.uniform(50, 112), rng.uniform(-92, 34), rng.uniform(-100, 128)]
            )
            direction = toward - hub
            length = np.linalg.norm(direction)
            start = hub + rng.normal(0, [5, 7, 14])
            _grow(rng, out, frame, start, direction / length, 0.34 * float(length), 4.0, 4)
    return out


def _grow(
    rng: np.random.Generator,
    out: list[Shape],
    frame: Frame,
    start: Vector,
    direction: Vector,
    length: float,
    radius: float,
    depth: int,
) -> None:
    end = start + direction * length
    ends = frame.place([start, end])
    out.append(Capsule(ends[0], ends[1], radius, radius * 0.78, BLOOD_HU - 4, is_blood=True))
    if depth == 0:
        return
    for _ in range(2 if depth < 4 else 1):
        bend = direction + rng.normal(0, 0.36, 3)
        _grow(
            rng,
            out,
            frame,
            end,
            bend / np.linalg.norm(bend),
            length * rng.uniform(0.6, 0.85),
            radius * rng.uniform(0.6, 0.76),
            depth - 1,
        )


def abdomen(rng: np.random.Generator, frame: Frame) -> list[Shape]:
    """Organs below the diaphragm; the caller keeps them there."""
    p = frame.place
    eye = np.eye(3)

    def organ(center: object, semi: object, hu: float, region: Region) -> Ellipsoid:
        return Ellipsoid(
            p(np.asarray(center, float) + rng.normal(0, 5, 3)),
            eye,
            np.asarray(semi, float) * rng.normal(1, 0.06),
            hu,
            region,
        )

    gut = Region.ABDOMEN
    out: list[Shape] = [
        organ((-62, -36, -104), (82, 92, 84), LIVER_HU, Region.LIVER),
        organ((4, -78, -98), (70, 42, 34), LIVER_HU, Region.LIVER),
        organ((62, -34, -98), (36, 46, 46), rng.uniform(10, 50), gut),
        organ((60, -62, -88), (24, 20, 26), rng.choice([-900.0, 15.0, 30.0]), gut),
        organ((98, 18, -104), (24, 36, 44), 48.0, gut),
    ]
    for s in (-1, 1):
        out.append(organ((s * 58, 22, -190), (26, 24, 52), 32.0, gut))
    for _ in range(14):
        at = rng.uniform([-90, -105, -300], [100, -20, -130])
        out.append(organ(at, rng.uniform(10, 22, 3), rng.choice([-850.0, 20.0, 30.0, 40.0]), gut))
    return out
