"""Puts calcium and metal into a body, and the coronaries' to a wanted Agatston score.

Comes in: traits, heart, lines of airways, aorta and cartilage, a random generator.
Goes out: deposits in the body's frame.
Refuses: nothing.
"""

import numpy as np

from screening.phantom import deposits as make
from screening.phantom.agatston import agatston
from screening.phantom.deposits import Deposit
from screening.phantom.heart import Heart
from screening.phantom.shapes import Floats, Vector
from screening.phantom.splat import optics, splat
from screening.records import CORONARY_LABELS, Label

# HU added by 1 mg/cm3 of hydroxyapatite at 120 kVp: 1 / 0.75, the calibration factor of
# about 0.75 mg/cm3 per HU that the mass literature uses (McCollough 2007, Radiology 243:527).
HU_PER_MG_CM3 = 1 / 0.75

_PIXEL_MM, _THICK_MM, _SIGMA_MM = 0.7, 2.5, 0.5  # the scan the target refers to
_BACKGROUND_HU = -12.0  # groove fat and blood, mixed; scans of whole bodies agree best
_SHARES = {Label.LM: 0.07, Label.LAD: 0.45, Label.LCX: 0.19, Label.RCA: 0.29}
# How much of the heart's motion a vessel shares; the right coronary moves most.
_MOTION = {Label.LM: 0.5, Label.LAD: 0.7, Label.LCX: 1.0, Label.RCA: 1.4}
_CLOSE_ENOUGH = 0.03


def _direction(rng: np.random.Generator, share: float) -> Vector:
    d = rng.normal(0, [1, 1, 0.6])
    return np.asarray(share * d / np.linalg.norm(d))


def _lesion(
    rng: np.random.Generator, label: Label, line: Vector, size: float, motion: Vector
) -> Deposit:
    n = len(line)
    at = n * rng.beta(1.1, 2.2) if label != Label.LM else n * rng.uniform(0.15, 0.9)
    length = min(float(np.exp(rng.normal(1.35, 0.5))) * size, 0.7 * n)
    return make.on_tube(
        rng,
        label,
        line,
        at,
        length,
        rng.uniform(1.1, 1.9),
        rng.uniform(0.9, 2.6),
        float(np.clip(rng.normal(1.1, 0.35) * np.sqrt(size), 0.6, 2.6)),
        rng.uniform(330, 850),
        motion,
    )


def _confluent(
    rng: np.random.Generator, heart: Heart, motion: dict[Label, Vector]
) -> list[Deposit]:
    """One plaque across the fork: the end of LM and the beginning of LAD."""
    angle, density = rng.uniform(0, 6.28), rng.uniform(400, 800)
    out = []
    for label, place in ((Label.LM, 0.8), (Label.LAD, 0.06)):
        line = heart.courses[label]
        length = rng.uniform(5, 9)
        out.append(
            make.on_tube(
                rng,
                label,
                line,
                place * len(line),
                length,
                1.6,
                1.8,
                1.4,
                density,
                motion[Label.LM],
                angle,
            )
        )
    return out


def lesion_score(lesion: Deposit, factor: float = 1.0) -> float:
    """Agatston of one lesion alone on the scan the target refers to."""
    hu = _excess(lesion) * np.float32(factor) + np.float32(_BACKGROUND_HU)
    return agatston(hu, np.ones(hu.shape, bool), (_PIXEL_MM, _PIXEL_MM), _THICK_MM)


def _excess(lesion: Deposit) -> Floats:
    step = np.array([_THICK_MM, _PIXEL_MM, _PIXEL_MM])
    low = lesion.points_mm[:, ::-1].min(axis=0) - 6
    index = (lesion.points_mm[:, ::-1] - low) / step
    size = np.ceil(index.max(axis=0) + 6 / step).astype(int)
    shape = (int(size[0]), int(size[1]), int(size[2]))
    seen = optics(_SIGMA_MM, (_PIXEL_MM, _PIXEL_MM), _THICK_MM, _THICK_MM, shape)
    patch = splat(index, lesion.weights * HU_PER_MG_CM3 * 1000, seen)
    return np.zeros(shape, np.float32) if patch is None else patch.hu


def coronary(rng: np.random.Generator, heart: Heart, target: float) -> list[Deposit]:
    """Lesions whose Agatston scores add up to `target` within a few per cent."""
    if target <= 0:
        return []
    motion = {k: _direction(rng, _MOTION[k]) for k in CORONARY_LABELS}
    size = float(np.clip(0.55 + 0.16 * np.log(target), 0.6, 2.0))
    out: list[Deposit] = []
    total = 0.0
    if target > 150 and rng.random() < 0.4:
        out += _confluent(rng, heart, motion)
        total = sum(lesion_score(d) for d in out)
    shares = np.array([_SHARES[k] for k in CORONARY_LABELS]) * rng.gamma(2.0, 0.5, 4)
    shares /= shares.sum()
    tries = 0
    while total < target and tries < 300:
        tries += 1
        label = CORONARY_LABELS[int(rng.choice(4, p=shares))]
        lesion = _lesion(rng, label, heart.courses[label], size, motion[label])
        gain = lesion_score(lesion)
        if total + gain > 1.6 * target and tries < 40:
            size *= 0.9
            continue
        out.append(lesion)
        total += gain
    return _scaled_to(out, target)


def _scaled_to(lesions: list[Deposit], target: float) -> list[Deposit]:
    """Make all lesions denser or fainter by one factor until they score `target`."""
    boxes = [_excess(d) for d in lesions]
    everywhere = [np.ones(b.shape, bool) for b in boxes]

    def total(factor: float) -> float:
        return sum(
            agatston(b * np.float32(factor) + _BACKGROUND_HU, m, (_PIXEL_MM, _PIXEL_MM), _THICK_MM)
            for b, m in zip(boxes, everywhere, strict=True)
        )

    low, high = 0.3, 3.0
    factor = 1.0
    for _ in range(14):
        score = total(factor)
        if abs(score - target) <= _CLOSE_ENOUGH * target:
            break
        low, high = (factor, high) if score < target else (low, factor)
        factor = (low * high) ** 0.5
    return [d.scaled(factor) for d in lesions]
