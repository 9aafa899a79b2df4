"""A synthetic person's chest.

Comes in: a seed and `Traits`.
Goes out: a `Body`: shapes, coronary courses, landmarks and calcium in the DICOM patient frame
(LPS, mm); the same seed and traits give the same body.
Refuses: traits that `Traits` refuses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from screening.phantom import bones, thorax
from screening.phantom.burden import coronary
from screening.phantom.decoys import all_decoys
from screening.phantom.deposits import Deposit
from screening.phantom.heart import BLOOD_HU, Heart, make_heart, turn_matrix
from screening.phantom.shapes import Ellipsoid, Pose, Region, Shape, Vector, tube
from screening.phantom.traits import Traits, draw_coronary_agatston, random_traits
from screening.records import Label


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """Shapes in painting order, body frame."""

    arms: list[Shape]
    breasts: list[Shape]
    abdomen: list[Shape]
    opacities: list[Shape]
    lung_vessels: list[Shape]
    mediastinum: list[Shape]
    root: list[Shape]
    oesophagus: list[Shape]
    airways: list[Shape]  # trachea and main bronchi
    bronchi: list[Shape]
    bones: list[Shape]
    pads: list[Shape]  # fat in the angles of heart and diaphragm; bounds the lungs only
    aorta_line: tuple[Vector, Vector]


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A chest ready to be scanned.

    courses_lps_mm : LM, LAD, LCX and RCA as polylines (n, 3) with steps of about 1 mm
    landmarks_lps_mm : named points (3,)
    heart_box_lps_mm : (low, high) corners of the heart with its fat
    deposits : calcium and metal, clouds in the patient frame
    z_range_mm : feet-most and head-most level that a chest scan shows
    """

    seed: int
    traits: Traits
    frame: thorax.Frame
    heart: Heart
    anatomy: Anatomy
    pose: Pose
    deposits: tuple[Deposit, ...]
    courses_lps_mm: Mapping[Label, Vector]
    landmarks_lps_mm: Mapping[str, Vector]
    heart_box_lps_mm: tuple[Vector, Vector]
    z_range_mm: tuple[float, float]


def make_body(seed: int, traits: Traits, posture: float = 1.0) -> Body:
    """Build a chest.

    Parameters
    ----------
    seed : the body is a function of seed, traits and posture alone
    traits : see `Traits`
    posture : how far people lie turned and bent, 1 as usual

    Returns
    -------
    Body
    """
    rng = np.random.default_rng([7_310, seed])
    frame = _frame(rng, traits)
    anchor = frame.place((-3, -54, 2)) + rng.normal(0, [3, 2, 3])
    heart = make_heart(
        rng,
        anchor,
        traits.heart_scale * (traits.height_cm / 172) ** 0.5 * (0.94 if traits.sex == "F" else 1),
        traits.epicardial_fat_mm,
        traits.tortuosity,
    )
    aorta = thorax.aorta_line(frame, anchor)
    trachea, bronchi, airway_lines = thorax.airways(rng, frame)
    anatomy, cartilages = _anatomy(rng, traits, frame, heart, aorta, (trachea, bronchi))
    # Calcium and pose draw from their own streams: more calcium leaves the anatomy as it is.
    calcium = np.random.default_rng([7_311, seed])
    target = traits.coronary_agatston_target
    if target is None:
        target = draw_coronary_agatston(calcium, traits.age_years, traits.sex)
    found = coronary(calcium, heart, target)
    found += all_decoys(calcium, traits, heart, frame, aorta, airway_lines, cartilages)
    pose = _pose(np.random.default_rng([7_312, seed]), posture)
    turned = tuple(_posed(d, pose) for d in found)
    courses = {k: pose.to_patient(v) for k, v in heart.courses.items()}
    ends = pose.to_patient(np.array([frame.place((0, -30, -125)), frame.place((0, -30, 178))]))
    return Body(
        seed,
        traits,
        frame,
        heart,
        anatomy,
        pose,
        turned,
        courses,
        _landmarks(frame, heart, aorta, pose),
        _heart_box(heart, pose),
        (float(ends[0, 2]), float(ends[1, 2])),
    )


def _heart_box(heart: Heart, pose: Pose) -> tuple[Vector, Vector]:
    low, high = heart.box()
    ends = [(low[k], high[k]) for k in range(3)]
    corners = np.stack(np.meshgrid(*ends), axis=-1).reshape(-1, 3)
    box = pose.to_patient(corners)
    return box.min(axis=0), box.max(axis=0)


def _posed(d: Deposit, pose: Pose) -> Deposit:
    return replace(d, points_mm=pose.to_patient(d.points_mm), motion=pose.turn @ d.motion)


def _frame(rng: np.random.Generator, traits: Traits) -> thorax.Frame:
    tall = traits.height_cm / 172
    wide = tall**0.6 * (0.93 if traits.sex == "F" else 1.0) * (1 + 0.006 * (traits.bmi - 26))
    scale = np.array([wide, wide * (1 + 0.004 * (traits.bmi - 26)), tall]) * rng.normal(1, 0.035, 3)
    right = -62.0 + 38 * (1 - traits.inspiration) + rng.normal(0, 5)
    breast = 0.0
    if traits.sex == "F" and traits.age_years > 12:
        breast = float(np.clip(rng.normal(32 + 1.6 * (traits.bmi - 26), 9), 8, 75))
    return thorax.Frame(
        scale=scale,
        fat_mm=float(
            np.clip(1.5 + 1.15 * (traits.bmi - 19) + (3 if traits.sex == "F" else 0), 2, 45)
        ),
        breast_mm=breast,
        dome_mm=(right, right - rng.normal(11, 6)),
        is_arms_up=traits.is_arms_up,
        bone=float(np.clip(1.0 - 0.012 * (traits.age_years - 50) + rng.normal(0, 0.15), 0.25, 1.6)),
    )


def _anatomy(
    rng: np.random.Generator,
    traits: Traits,
    frame: thorax.Frame,
    heart: Heart,
    aorta: tuple[Vector, Vector],
    tubes: tuple[list[Shape], list[Shape]],
) -> tuple[Anatomy, list[Vector]]:
    arms, arm_bones = bones.shoulders(frame)
    ribs, cartilages = bones.ribs(frame)
    skeleton = [*bones.spine(frame), *ribs, *bones.sternum(frame), *arm_bones]
    root: list[Shape] = [
        Ellipsoid(
            heart.place((-3, -54, 3)),
            np.eye(3),
            np.array([15.5, 15.5, 16]) * traits.heart_scale,
            BLOOD_HU,
            Region.AORTIC_ROOT,
            is_blood=True,
        )
    ]
    line, radii = aorta
    root += tube(
        np.stack([heart.place((-3, -54, 8)), line[0]]),
        np.array([15.0, radii[0] * traits.aortic_dilation]),
        BLOOD_HU,
        Region.AORTIC_ROOT,
        is_blood=True,
    )
    anatomy = Anatomy(
        arms=arms,
        breasts=_breasts(rng, frame),
        abdomen=thorax.abdomen(rng, frame),
        opacities=_opacities(rng, traits, frame),
        lung_vessels=thorax.lung_vessels(rng, frame),
        mediastinum=thorax.great_vessels(frame, aorta, traits.aortic_dilation),
        root=root,
        oesophagus=thorax.oesophagus(frame),
        airways=tubes[0],
        bronchi=tubes[1],
        bones=skeleton,
        pads=_pads(rng, traits, frame, heart),
        aorta_line=aorta,
    )
    return anatomy, cartilages


def _breasts(rng: np.random.Generator, frame: thorax.Frame) -> list[Shape]:
    if frame.breast_mm <= 0:
        return []
    out: list[Shape] = []
    for s in (-1, 1):
        at = frame.place((s * 86, -100, rng.normal(-6, 6)))
        at[1] -= frame.fat_mm * 0.5
        semi = np.array([74.0, 16 + frame.breast_mm, 76])
        out.append(Ellipsoid(at, np.eye(3), semi, thorax.FAT_HU, Region.SOFT))
        gland = rng.uniform(0.15, 0.55)
        out.append(
            Ellipsoid(
                at + np.array([0, -0.45 * frame.breast_mm, -6]),
                np.eye(3),
                semi * gland,
                rng.uniform(-60, 25),
            )
        )
    return out


def _pads(
    rng: np.random.Generator, traits: Traits, frame: thorax.Frame, heart: Heart
) -> list[Shape]:
    low, high = heart.box()
    big = 8 + 2.6 * traits.epicardial_fat_mm
    out: list[Shape] = []
    for x, y in ((0.22, 0.25), (0.85, 0.12), (0.5, 0.08)):
        at = np.array(
            [low[0] + x * (high[0] - low[0]), low[1] + y * (high[1] - low[1]), low[2] + 8]
        )
        out.append(Ellipsoid(at, np.eye(3), big * rng.uniform([0.8, 0.8, 0.7], 1.3), thorax.FAT_HU))
    for x, y, semi in ((20.0, -34.0, 18.0), (-2.0, -36.0, 17.0)):
        center = frame.place((x, y, 66.0))
        out.append(Ellipsoid(center, np.eye(3), np.full(3, semi), thorax.FAT_HU))
    return out


def _opacities(rng: np.random.Generator, traits: Traits, frame: thorax.Frame) -> list[Shape]:
    out: list[Shape] = []
    for _ in range(round(14 * traits.lung_opacity)):
        side = rng.choice([-1, 1])
        at = frame.place((side * rng.uniform(45, 105), rng.uniform(-70, 45), rng.uniform(-70, 90)))
        hu = rng.choice([-600.0, -450.0, -200.0, 20.0])
        axes = turn_matrix(rng.uniform(-60, 60, 3))
        out.append(Ellipsoid(at, axes, rng.uniform(6, 28, 3), float(hu)))
    if traits.effusion > 0:
        out += _effusions(rng, traits.effusion, frame)
    return out


def _effusions(rng: np.random.Generator, share: float, frame: thorax.Frame) -> list[Shape]:
    """Water lies at the back and the base of lungs of people on their back."""
    sides = (-1, 1) if rng.random() < 0.5 else (int(rng.choice([-1, 1])),)
    out: list[Shape] = []
    for side in sides:
        deep = share * rng.uniform(0.6, 1.0)
        at = frame.place((side * 70, 70 - 30 * deep, -60 + rng.normal(0, 10)))
        semi = np.array([75.0, 12 + 55 * deep, 50 + 60 * deep])
        out.append(Ellipsoid(at, np.eye(3), semi, float(rng.uniform(0, 25))))
    return out


def _pose(rng: np.random.Generator, posture: float) -> Pose:
    turn = turn_matrix(posture * np.clip(rng.normal(0, [3.0, 2.0, 4.0]), -10, 10))
    length = rng.uniform(110, 260, 4)
    direction = rng.standard_normal((4, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return Pose(
        turn,
        np.array([rng.normal(0, 8), rng.normal(0, 8), rng.normal(0, 12)]),
        2 * np.pi / length[:, None] * direction,
        rng.uniform(0, 2 * np.pi, 4),
        posture * rng.normal(0, 1.6, (4, 3)) * (length / 200)[:, None],
    )


def _landmarks(
    frame: thorax.Frame, heart: Heart, aorta: tuple[Vector, Vector], pose: Pose
) -> dict[str, Vector]:
    mitral = heart.place((17, -39, -10))
    points = {
        "aortic_valve": heart.place((-1, -54, -1)),
        "mitral_valve": mitral,
        "lm_ostium": heart.courses[Label.LM][0],
        "rca_ostium": heart.courses[Label.RCA][0],
        "apex": heart.place((70, -79, -50)),
        "carina": frame.place((-4, -17, 58)),
        "arch_top": aorta[0][int(np.argmax(aorta[0][:, 2]))],
        "right_hilum": frame.place((-46, -19, 26)),
        "left_hilum": frame.place((46, -13, 28)),
        "heart_centre": heart.place((15, -55, -18)),
    }
    return {k: pose.to_patient(v[None])[0] for k, v in points.items()}


__all__ = ["Anatomy", "Body", "Traits", "make_body", "random_traits"]
