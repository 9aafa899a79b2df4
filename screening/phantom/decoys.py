"""Calcium outside the coronaries, in the places that fool scorers, and metal.

Comes in: traits, the heart, lines of aorta, airways and cartilage, a random generator.
Goes out: deposits in the body's frame.
Refuses: nothing.
"""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter1d

from screening.phantom import deposits as make
from screening.phantom.deposits import Deposit
from screening.phantom.heart import Heart
from screening.phantom.shapes import Vector
from screening.phantom.thorax import VERTEBRA_STEP_MM, Frame
from screening.phantom.traits import Traits
from screening.records import Label

_VALVE_MOTION = 0.8
_REDRAWS = 8


def _fill(mass_mg: float, draw: Callable[[], Deposit]) -> list[Deposit]:
    """Draw deposits until their mass is reached; too big ones are drawn again, then thinned."""
    out: list[Deposit] = []
    left = mass_mg
    while left > 0.2 and len(out) < 60:
        one = draw()
        for _ in range(_REDRAWS):
            if one.mass_mg <= 1.3 * left:
                break
            one = draw()
        if one.mass_mg > left:
            one = one.scaled(max(left / one.mass_mg, 0.5))
        out.append(one)
        left -= one.mass_mg
    return out


def aorta(
    rng: np.random.Generator, mass_mg: float, line: Vector, radii: Vector, root: Vector
) -> list[Deposit]:
    """Plaques on root, arch and descending aorta; the arch has most."""
    full = np.concatenate([[root], line])
    r = np.concatenate([[15.0], radii])
    shares = np.full(len(full), 0.8)
    shares[:3] = 2.0
    shares[9:22] = 2.2
    shares[full[:, 2] < -130] = 0.2
    shares /= shares.sum()

    def one() -> Deposit:
        at = float(rng.choice(len(full), p=shares)) + rng.uniform(-0.4, 0.4)
        k = int(np.clip(round(at), 0, len(full) - 1))
        return make.on_tube(
            rng,
            Label.AORTA,
            full,
            at,
            float(np.exp(rng.normal(1.9, 0.5))),
            float(r[k]) + 0.3,
            rng.uniform(0.15, 0.7),
            rng.uniform(0.9, 2.2),
            rng.uniform(350, 850),
        )

    return _fill(mass_mg, one)


def airway(rng: np.random.Generator, mass_mg: float, lines: list[Vector]) -> list[Deposit]:
    """Arcs in the cartilage of trachea and bronchi."""

    def one() -> Deposit:
        k = int(rng.integers(len(lines)))
        line = lines[k]
        steps = np.linspace(0, len(line) - 1, 40)
        fine = np.stack([np.interp(steps, np.arange(len(line)), line[:, c]) for c in range(3)], 1)
        radius = 10.5 if k == 0 else (7.5 if k < 3 else 4.3)
        at = rng.uniform(5, 38)
        if 0 < k < 3:
            radius *= 1 - 0.5 * at / 40
        return make.on_tube(
            rng,
            Label.AIRWAY,
            fine,
            at,
            rng.uniform(2, 6),
            radius,
            rng.uniform(0.6, 2.2),
            rng.uniform(0.7, 1.3),
            rng.uniform(250, 550),
        )

    return _fill(mass_mg, one)


def nodes(rng: np.random.Generator, mass_mg: float, frame: Frame) -> list[Deposit]:
    """Hilar and mediastinal lymph nodes and granulomas in the lungs."""

    def one() -> Deposit:
        kind = rng.random()
        side = rng.choice([-1, 1])
        if kind < 0.5:
            at = np.array([side * 42.0, -16, 24]) + rng.normal(0, [7, 6, 12])
        elif kind < 0.75:
            at = np.array([0.0, -14, 44]) + rng.normal(0, [10, 3, 8])
        else:
            at = np.array(
                [side * rng.uniform(55, 100), rng.uniform(-70, 20), rng.uniform(-40, 110)]
            )
        big = rng.uniform(1.2, 2.6) if kind >= 0.75 else rng.uniform(1.5, 4.5)
        return make.blob(
            rng, Label.NODE, frame.place(at), big * rng.uniform(0.75, 1.3, 3), rng.uniform(300, 900)
        )

    return _fill(mass_mg, one)


def pericardium(rng: np.random.Generator, mass_mg: float, heart: Heart) -> list[Deposit]:
    """Plates on the pericardium."""
    low, high = heart.box()

    def distance(p: Vector) -> Vector:
        q = p.astype(np.float32)
        return heart.sac(q[:, 0], q[:, 1], q[:, 2]).astype(float)

    def one() -> Deposit:
        center = (low + high) / 2 + rng.uniform(-0.5, 0.5, 3) * (high - low) * [0.9, 0.9, 0.8]
        for _ in range(12):
            d = distance(center[None])[0]
            away = center - (low + high) / 2
            center = center - d * away / (np.linalg.norm(away) + 1e-6)
        return make.on_surface(
            rng,
            Label.PERICARDIUM,
            center,
            rng.uniform(5, 16),
            rng.uniform(1.2, 2.4),
            rng.uniform(300, 700),
            distance,
            make.STILL,
        )

    return _fill(mass_mg, one)


def valves(rng: np.random.Generator, traits: Traits, heart: Heart) -> list[Deposit]:
    """Aortic leaflets and the mitral annulus."""
    out: list[Deposit] = []
    d = rng.normal(0, 1, 3)
    motion = _VALVE_MOTION * d / np.linalg.norm(d)
    if traits.aortic_valve_mg > 0:
        turn = heart.frame / np.cbrt(np.linalg.det(heart.frame))
        out += make.leaflets(
            rng, heart.place((-1, -54, -1)), turn, 11.0, traits.aortic_valve_mg, motion
        )
    if traits.mitral_annulus_mg > 0:
        center = heart.place((17, -39, -10))
        axis = heart.frame @ np.array([54.0, -38, -40])
        axis /= np.linalg.norm(axis)
        back = heart.frame @ np.array([0.55, 0.8, -0.2])
        back -= axis * (axis @ back)
        back /= np.linalg.norm(back)
        out += make.annulus(
            rng,
            center,
            back,
            np.cross(axis, back),
            17.0 * traits.heart_scale,
            traits.mitral_annulus_mg,
            motion,
        )
    return out


def skeleton(
    rng: np.random.Generator, traits: Traits, frame: Frame, cartilages: list[Vector]
) -> list[Deposit]:
    """Calcified costal cartilage and osteophytes."""
    out: list[Deposit] = []
    for line in cartilages:
        steps = np.linspace(0, len(line) - 1, 50)
        fine = np.stack([np.interp(steps, np.arange(len(line)), line[:, c]) for c in range(3)], 1)
        for _ in range(rng.poisson(5 * traits.costal_cartilage)):
            on_rim = rng.random() < 0.6
            out.append(
                make.on_tube(
                    rng,
                    Label.BONE,
                    fine,
                    rng.uniform(2, 48),
                    rng.uniform(3, 14),
                    5.0 if on_rim else 1.5,
                    rng.uniform(0.6, 2.2),
                    rng.uniform(0.9, 2.2),
                    rng.uniform(200, 520),
                )
            )
    for i in range(-5, 6):
        if rng.random() < traits.osteophytes:
            z = (i + 0.5) * VERTEBRA_STEP_MM + 6
            side = rng.choice([-1, 1], p=[0.7, 0.3])
            x = side * rng.uniform(4, 16)
            y = frame.spine_y(z) + 0.03 * x * x - rng.uniform(0, 3)
            radii = rng.uniform([4, 2, 4], [9, 4.5, 9])
            out.append(
                make.blob(rng, Label.BONE, frame.place((x, y, z)), radii, rng.uniform(250, 480))
            )
    return out


def metal(rng: np.random.Generator, traits: Traits, heart: Heart, frame: Frame) -> list[Deposit]:
    """Stents, sternal wires, clips, leads and valves."""
    out: list[Deposit] = []
    for _ in range(traits.n_stents):
        label = (Label.LAD, Label.LCX, Label.RCA)[int(rng.integers(3))]
        line = heart.courses[label]
        at = int(rng.uniform(2, 0.55 * len(line)))
        d = rng.normal(0, 1, 3)
        motion = 0.8 * d / np.linalg.norm(d)
        length_mm, radius_mm = rng.uniform(8, 38), rng.uniform(1.1, 2.0)
        hu_mm2 = np.exp(rng.uniform(np.log(2500), np.log(9500)))
        out.append(make.stent(line, at, length_mm, motion, radius_mm, hu_mm2))
    if traits.has_sternal_wires:
        for z in (108, 84, 60, 36, 12, -8):
            front = frame.cage(z)[1]
            center = frame.place((rng.normal(0, 2), front - 7, z + rng.normal(0, 3)))
            out.append(make.wire(center, rng.uniform(14, 22), 9.5))
    if traits.has_clips:
        line = heart.courses[Label.LAD]
        for _ in range(8):
            at = line[int(rng.integers(10, len(line)))] + rng.normal(0, [6, 5, 4]) + [0, -6, 0]
            out.append(make.clip(rng, at))
    return out + _implants(traits, heart, frame)


def _implants(traits: Traits, heart: Heart, frame: Frame) -> list[Deposit]:
    """Lay a lead through the superior vena cava to the right ventricle's apex, a valve."""
    out: list[Deposit] = []
    if traits.has_lead:
        above = [frame.place(p) for p in ((-26.0, -38.0, 110.0), (-26.0, -40.0, 60.0))]
        inside = heart.place(
            [(-22, -46, 12), (-24, -50, -12), (-8, -62, -28), (12, -74, -34), (34, -82, -42)]
        )
        out.append(make.lead(_rounded(np.concatenate([np.array(above), inside]))))
    if traits.valve_prosthesis:
        is_aortic = traits.valve_prosthesis == "aortic"
        at, normal, radius_mm = (
            ((-1, -54, -1), (0.2, 0.3, 1.0), 11.5) if is_aortic
            else ((17, -39, -10), (54.0, -38.0, -40.0), 14.0)
        )  # fmt: skip
        turned = heart.frame @ np.array(normal)
        radius_mm *= traits.heart_scale
        motion = _VALVE_MOTION * turned / np.linalg.norm(turned)
        out.append(make.prosthesis(heart.place(at), turned, radius_mm, motion))
    return out


def _rounded(line: Vector) -> Vector:
    """Return the line in steps of about a millimetre, its corners rounded."""
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    s = np.arange(0, length[-1], 1.0)
    fine = np.stack([np.interp(s, length, line[:, c]) for c in range(3)], axis=1)
    return np.asarray(gaussian_filter1d(fine, 6.0, axis=0, mode="nearest"))


def all_decoys(
    rng: np.random.Generator,
    traits: Traits,
    heart: Heart,
    frame: Frame,
    aorta_line: tuple[Vector, Vector],
    airway_lines: list[Vector],
    cartilages: list[Vector],
) -> list[Deposit]:
    """Everything bright that is not coronary calcium."""
    line, radii = aorta_line
    root = heart.place((-4, -55, 6))
    return [
        *aorta(rng, traits.aorta_mg, line, radii * traits.aortic_dilation, root),
        *valves(rng, traits, heart),
        *airway(rng, traits.airway_mg, airway_lines),
        *pericardium(rng, traits.pericardium_mg, heart),
        *nodes(rng, traits.node_mg, frame),
        *skeleton(rng, traits, frame, cartilages),
        *metal(rng, traits, heart, frame),
    ]
