"""Calcium of known mass, and metal, in the coronaries and in the places that fool scorers.

Comes in: lines and surfaces of the body, a random generator, how much of what.
Goes out: `Deposit`s: clouds of weighted points in the body's frame.
Refuses: nothing.

Densities are mg hydroxyapatite per cm3; vascular plaque spans about 200 to 1,000 (bone about
as much). Metal carries HU times mm3 instead of a mass.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from screening.phantom.shapes import Vector
from screening.records import Label

_POINTS_PER_MM3 = 14.0
_MIN_POINTS, _MAX_POINTS = 80, 5000


@dataclass(frozen=True, slots=True, eq=False)
class Deposit:
    """A cloud of points.

    points_mm : (n, 3); body frame while being made, patient frame (LPS) in a `Body`
    weights : (n,) mg hydroxyapatite, or HU times mm3 for metal
    motion : (3,) direction of the heart's motion here, times its share (0 = still)
    """

    label: Label
    points_mm: Vector
    weights: Vector
    motion: Vector
    is_metal: bool = False

    @property
    def mass_mg(self) -> float:
        """Hydroxyapatite, mg; 0 for metal."""
        return 0.0 if self.is_metal else float(self.weights.sum())

    def scaled(self, factor: float) -> "Deposit":
        """Return the same cloud, denser."""
        return replace(self, weights=self.weights * factor)


STILL = np.zeros(3)


def _cloud(
    label: Label, points: Vector, volume_mm3: float, density: float, motion: Vector
) -> Deposit:
    weight = density * volume_mm3 / 1000 / len(points)
    return Deposit(label, points, np.full(len(points), weight), motion)


def _count(volume_mm3: float) -> int:
    return int(np.clip(volume_mm3 * _POINTS_PER_MM3, _MIN_POINTS, _MAX_POINTS))


def _frames(line: Vector) -> tuple[Vector, Vector, Vector]:
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    helper = np.where(np.abs(tangent[:, 2:3]) < 0.8, [[0.0, 0, 1]], [[0.0, 1, 0]])
    a = np.cross(tangent, helper)
    a /= np.linalg.norm(a, axis=1, keepdims=True) + 1e-9
    return tangent, a, np.cross(tangent, a)


def on_tube(
    rng: np.random.Generator,
    label: Label,
    line: Vector,
    at: float,
    length_mm: float,
    radius_mm: float,
    arc: float,
    thick_mm: float,
    density: float,
    motion: Vector = STILL,
    angle: float | None = None,
) -> Deposit:
    """Lay a plaque on the wall of a tube.

    `at` is the place along the line in points, `arc` its angle round the tube in radians.
    """
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1).mean()
    span = length_mm / max(steps, 1e-6)
    volume = 0.7 * length_mm * arc * radius_mm * thick_mm
    n = _count(volume)
    t = rng.uniform(-1, 1, n)
    s = np.clip(at + t * span / 2, 0, len(line) - 1)
    start = rng.uniform(0, 2 * np.pi) if angle is None else angle
    # Plaque tapers to its ends and is lumpy along its way.
    lump = 0.75 + 0.25 * np.sin(s * steps / 1.9 + start)
    narrow = np.sqrt(np.maximum(1 - t * t, 0)) * lump
    phi = start + rng.uniform(-0.5, 0.5, n) * arc * narrow + 0.04 * span * t
    r = radius_mm + rng.uniform(-0.5, 0.5, n) * thick_mm * narrow
    index = np.arange(len(line))
    center = np.stack([np.interp(s, index, line[:, c]) for c in range(3)], axis=1)
    _, a, b = _frames(line)
    near = np.rint(s).astype(int)
    points = center + r[:, None] * (np.cos(phi)[:, None] * a[near] + np.sin(phi)[:, None] * b[near])
    return _cloud(label, points, volume, density, motion)


def blob(
    rng: np.random.Generator,
    label: Label,
    center: Vector,
    radii_mm: Vector,
    density: float,
    motion: Vector = STILL,
) -> Deposit:
    """Make a lumpy ellipsoid."""
    volume = float(4.19 * np.prod(radii_mm))
    n = _count(volume)
    p = rng.standard_normal((n, 3))
    p *= (rng.uniform(0, 1, n) ** (1 / 3) / np.linalg.norm(p, axis=1))[:, None]
    p *= 1 + 0.25 * np.sin(3 * p[:, [1, 2, 0]] * 2 + rng.uniform(0, 6))
    return _cloud(label, center + p * radii_mm, volume, density, motion)


def on_surface(
    rng: np.random.Generator,
    label: Label,
    center: Vector,
    size_mm: float,
    thick_mm: float,
    density: float,
    distance: Callable[[Vector], Vector],
    motion: Vector,
) -> Deposit:
    """Lay a plate that follows the zero of a distance function near `center`."""
    volume = 0.6 * size_mm**2 * thick_mm
    n = _count(volume)
    p = center + rng.uniform(-0.5, 0.5, (n, 3)) * size_mm
    for _ in range(6):
        g = np.empty_like(p)
        for c in range(3):
            e = np.zeros(3)
            e[c] = 0.5
            g[:, c] = distance(p + e) - distance(p - e)
        g /= np.linalg.norm(g, axis=1, keepdims=True) + 1e-6
        p -= distance(p)[:, None] * g
    p += g * rng.uniform(-0.5, 0.5, (n, 1)) * thick_mm
    return _cloud(label, p, volume, density, motion)


def annulus(
    rng: np.random.Generator,
    center: Vector,
    axis_a: Vector,
    axis_b: Vector,
    radius_mm: float,
    mass_mg: float,
    motion: Vector,
) -> list[Deposit]:
    """Lay a C of calcium round the back of the mitral valve."""
    density = rng.uniform(450, 900)
    volume = mass_mg / density * 1000
    arc = float(np.clip(0.5 + 0.003 * volume, 0.6, 3.6))
    thick = float(np.clip(np.sqrt(volume / (arc * radius_mm) / 0.8), 1.2, 8.0))
    n = _count(volume)
    middle = rng.normal(0, 0.4)
    phi = middle + rng.uniform(-0.5, 0.5, n) * arc
    bump = 0.7 + 0.3 * np.sin(phi * 5 + rng.uniform(0, 6))
    q = rng.standard_normal((n, 3))
    q *= (rng.uniform(0, 1, n) ** (1 / 3) / np.linalg.norm(q, axis=1))[:, None]
    p = radius_mm * (np.cos(phi)[:, None] * axis_a + np.sin(phi)[:, None] * axis_b)
    points = center + p + q * (thick / 2 * bump)[:, None]
    weights = np.full(n, mass_mg / n)
    return [Deposit(Label.MITRAL_ANNULUS, points, weights, motion)]


def leaflets(
    rng: np.random.Generator,
    center: Vector,
    turn: Vector,
    radius_mm: float,
    mass_mg: float,
    motion: Vector,
) -> list[Deposit]:
    """Flecks along the closing lines and hinges of the three aortic leaflets."""
    out: list[Deposit] = []
    n_flecks = int(np.clip(1 + mass_mg / 12, 1, 12))
    share = rng.dirichlet(np.full(n_flecks, 2.0)) * mass_mg
    for part in share:
        spoke = rng.integers(3) * 2 * np.pi / 3 + rng.normal(0, 0.35)
        r = radius_mm * rng.uniform(0.15, 0.92)
        at = center + turn @ np.array([r * np.cos(spoke), r * np.sin(spoke), rng.normal(0, 2.0)])
        density = rng.uniform(350, 800)
        size = np.cbrt(part / density * 1000 / 4.19)
        out.append(
            blob(rng, Label.AORTIC_VALVE, at, size * rng.uniform(0.7, 1.35, 3), density, motion)
        )
    return out


def stent(
    line: Vector,
    at: int,
    length_mm: float,
    motion: Vector,
    radius_mm: float = 1.5,
    hu_mm2: float = 9000.0,
) -> Deposit:
    """Make a thin bright mesh on the wall of a coronary artery.

    `hu_mm2` is HU times mm3 in each mm of its length: thin cobalt-chromium struts have some 3,000
    (0.1 mm3 of metal at 25,000 HU), old thick steel ones 9,000.
    """
    lo = max(at, 1)
    hi = min(at + int(length_mm), len(line) - 2)
    n = int(np.clip(60 * (hi - lo), 900, 2400))
    s = np.linspace(lo, max(hi, lo + 4), n)
    index = np.arange(len(line))
    center = np.stack([np.interp(s, index, line[:, c]) for c in range(3)], axis=1)
    _, a, b = _frames(line)
    near = np.clip(np.rint(s).astype(int), 0, len(line) - 1)
    phi = np.arange(n) * 2.399963
    ring = np.cos(phi)[:, None] * a[near] + np.sin(phi)[:, None] * b[near]
    weight = hu_mm2 * (hi - lo) / n
    return Deposit(
        Label.METAL, center + radius_mm * ring, np.full(n, weight), motion, is_metal=True
    )


def wire(center: Vector, half_x_mm: float, half_y_mm: float) -> Deposit:
    """Make a steel loop round the sternum."""
    t = np.linspace(0, 2 * np.pi, 700)
    points = center + np.stack(
        [half_x_mm * np.cos(t), half_y_mm * np.sin(t), 1.5 * np.sin(2 * t)], axis=1
    )
    length = 2 * np.pi * np.hypot(half_x_mm, half_y_mm) / np.sqrt(2)
    return Deposit(
        Label.METAL, points, np.full(700, 12000.0 * 0.6 * length / 700), STILL, is_metal=True
    )


def clip(rng: np.random.Generator, center: Vector) -> Deposit:
    """Make a titanium clip."""
    d = rng.standard_normal(3)
    points = center + np.linspace(-2, 2, 80)[:, None] * d / np.linalg.norm(d)
    return Deposit(Label.METAL, points, np.full(80, 30000.0 / 80), STILL, is_metal=True)


def lead(line: Vector) -> Deposit:
    """Make a pacemaker lead: a thin coiled conductor along a line, a thicker electrode at its end.

    A coil of 1.2 mm with about half its section metal of 15,000 HU.
    """
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    n = int(length[-1] * 8)
    s = np.linspace(0, length[-1], n)
    points = np.stack([np.interp(s, length, line[:, c]) for c in range(3)], axis=1)
    weights = np.full(n, 8500.0 * length[-1] / n)
    weights[s > length[-1] - 8] *= 2.5
    return Deposit(Label.METAL, points, weights, STILL, is_metal=True)


def prosthesis(center: Vector, normal: Vector, radius_mm: float, motion: Vector) -> Deposit:
    """Make a mechanical valve: a metal ring, and two leaflets of pyrolytic carbon across it."""
    axis = normal / np.linalg.norm(normal)
    a = np.cross(axis, [0.0, 1.0, 0.3])
    a /= np.linalg.norm(a)
    b = np.cross(axis, a)
    t = np.linspace(0, 2 * np.pi, 900, endpoint=False)
    ring = radius_mm * (np.cos(t)[:, None] * a + np.sin(t)[:, None] * b)
    ring = np.concatenate([ring + axis * h for h in (-2.0, 0.0, 2.0)])
    u, v = np.meshgrid(np.linspace(-0.85, 0.85, 30), np.linspace(-2.5, 2.5, 6))
    leaves = np.concatenate(
        [
            radius_mm * (u.reshape(-1, 1) * a + side * 0.2 * b) + v.reshape(-1, 1) * axis
            for side in (-1, 1)
        ]
    )
    # Ring: 5 mm2 of steel or titanium of about 8,000 HU; leaflets: 1 mm of 1,500 HU.
    weights = np.concatenate(
        [
            np.full(len(ring), 40_000.0 * 2 * np.pi * radius_mm / len(ring)),
            np.full(len(leaves), 1500.0 * 2 * (1.7 * radius_mm) * 5 / len(leaves)),
        ]
    )
    points = center + np.concatenate([ring, leaves])
    return Deposit(Label.METAL, points, weights, motion, is_metal=True)
