"""Test chests of a generator by which next to nothing of the program was set.

Comes in: seeds of the test range.
Goes out: `TestCase`s, as those of `models.train.shifted`.
Refuses: nothing.

Rules behind the networks were found on chests of the shifted generator. So these are other people
(less bent, evenly of all builds), other plaque (smooth spindles along the artery, six in ten, and
sheets on its wall), other noise (all frequencies, more of the coarse ones, and rings round the
middle) and other protocols than either.

Other seeds of it showed that training lacked smooth plaque, which it makes since in a shape of its
own (`models.train.tubes`), and what clips did to long plaque (`infra/decisions/0013`, `0014`).
Not all is unseen. The body is drawn by the same hand as every other. The spindles are of a shape of
their own; the sheets are made by the same function as training's arcs (`deposits.on_tube`), with
other arcs, thickness, length and density.
Stents, clips and whatever else is bright and no coronary calcium (valves, annulus, aorta, airways,
cartilage, bone) are training's own. So what is measured here says nothing of other decoys.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from models.train.shifted import TestCase, scanned
from screening.phantom import Body, Protocol, Traits, make_body, random_traits
from screening.phantom import deposits as make
from screening.phantom.burden import lesion_score
from screening.phantom.deposits import Deposit
from screening.records import CORONARY_LABELS, Label

_POSTURE = 0.5
_THICK_MM = (0.9, 1.6, 1.9, 2.4, 3.2, 4.5)
_KVP = (85.0, 95.0, 112.0, 118.0, 124.0, 132.0)
_SHARES = (0.05, 0.45, 0.22, 0.28)
_BODY_NOISE_HU = (5.0, 28.0)
_COARSE = 0.6  # noise power falls with this power of the frequency
_RING_HU, _RINGED = 6.0, 0.3
_SPINDLES = 0.6  # of the plaque; the rest are sheets


def unseen_traits(rng: np.random.Generator) -> Traits:
    """Draw people evenly over all builds, six in ten with calcium, one in ten with stents."""
    traits = random_traits(rng)
    with_calcium = rng.random() < 0.6
    return dataclasses.replace(
        traits,
        heart_scale=float(rng.uniform(0.8, 1.42)),
        bmi=float(rng.uniform(18, 44)),
        epicardial_fat_mm=float(rng.uniform(1.0, 8.5)),
        inspiration=float(rng.uniform(0.1, 1.0)),
        is_arms_up=bool(rng.random() < 0.75),
        lung_opacity=float(rng.uniform(0, 0.8)) if rng.random() < 0.25 else 0.0,
        coronary_agatston_target=float(rng.gamma(0.8, 350.0) + 3.0) if with_calcium else 0.0,
        n_stents=int(rng.integers(1, 4)) if rng.random() < 0.1 else 0,
    )


def unseen_protocol(rng: np.random.Generator) -> Protocol:
    """Draw thicknesses and voltages that neither training nor the shifted generator has."""
    thickness = float(rng.choice(_THICK_MM))
    return Protocol(
        matrix=512,
        fov_mm=float(rng.uniform(270, 460)),
        thickness_mm=thickness,
        increment_mm=thickness if rng.random() < 0.7 else round(thickness * 0.85, 2),
        kvp=float(rng.choice(_KVP)),
        kernel=str(rng.choice(["soft", "medium", "sharp"])),
        noise_hu=0.0,
        motion_mm=float(rng.choice([0.0, rng.uniform(0.3, 3)])),
        is_padded=bool(rng.random() < 0.4),
    )


def unseen_case(seed: int, n_stents: int | None = None) -> TestCase:
    """Scan one person of this generator, with so many stents (None: as it happens)."""
    rng = np.random.default_rng([17, seed])
    traits, protocol = unseen_traits(rng), unseen_protocol(rng)
    if n_stents is not None:
        traits = dataclasses.replace(traits, n_stents=n_stents)
    body = make_body(seed, dataclasses.replace(traits, coronary_agatston_target=0.0), _POSTURE)
    plaque = _plaque(rng, body, traits.coronary_agatston_target or 0.0)
    body = dataclasses.replace(body, deposits=(*body.deposits, *plaque))
    noise_hu = float(rng.uniform(*_BODY_NOISE_HU) * (2.4 / max(protocol.thickness_mm, 1)) ** 0.4)
    return scanned(f"unseen-{seed}", seed, rng, body, protocol, noise_hu, _with_noise)


def _plaque(rng: np.random.Generator, body: Body, target: float) -> list[Deposit]:
    """Draw spindles and sheets along the courses until they score about `target`."""
    out: list[Deposit] = []
    total, tries = 0.0, 0
    while total < 0.9 * target and tries < 200:
        tries += 1
        label = CORONARY_LABELS[int(rng.choice(4, p=_SHARES))]
        line = body.courses_lps_mm[label]
        is_spindle = rng.random() < _SPINDLES
        one = (_spindle if is_spindle else _sheet)(rng, label, line, target - total)
        score = lesion_score(one)
        if total + score <= 1.3 * target or tries > 60:
            out.append(one)
            total += score
    return out


def _place(rng: np.random.Generator, line: NDArray[np.float64]) -> int:
    return int(rng.beta(1.1, 2.0) * 0.95 * (len(line) - 1))


def _spindle(
    rng: np.random.Generator, label: Label, line: NDArray[np.float64], missing: float
) -> Deposit:
    """Smooth plaque that fills a part of the artery and narrows towards its ends."""
    length_mm = float(np.clip(rng.uniform(1.5, 4) + 1.6 * np.log1p(missing), 2, 18))
    radius_mm = float(rng.uniform(0.5, 0.9) + 0.15 * np.log1p(missing) * rng.random())
    n = int(np.clip(4.19 * length_mm * radius_mm**2 * 14, 80, 5000))
    t = rng.uniform(-1, 1, n) * rng.uniform(0.8, 1)
    disc = rng.standard_normal((n, 3))
    disc *= (rng.random(n) ** (1 / 3) / np.linalg.norm(disc, axis=1))[:, None]
    side = rng.normal(0, 1, 3)
    side *= rng.uniform(0.2, 1.4) / np.linalg.norm(side)
    step_mm = float(np.linalg.norm(np.diff(line, axis=0), axis=1).mean())
    at = np.clip(_place(rng, line) + t * length_mm / 2 / step_mm, 0, len(line) - 1)
    index = np.arange(len(line))
    middle = np.stack([np.interp(at, index, line[:, k]) for k in range(3)], axis=1)
    points = middle + side + disc * (radius_mm * np.sqrt(1 - t**2))[:, None]
    volume_mm3 = 2.09 * length_mm * radius_mm**2
    weights = np.full(n, rng.uniform(280, 950) * volume_mm3 / 1000 / n)
    return Deposit(label, points, weights, rng.normal(0, 0.55, 3))


def _sheet(
    rng: np.random.Generator, label: Label, line: NDArray[np.float64], missing: float
) -> Deposit:
    """Thin plaque on half of the wall and more."""
    return make.on_tube(
        rng,
        label,
        line,
        _place(rng, line),
        length_mm=float(np.clip(rng.uniform(1, 4) + 2.2 * np.log1p(missing), 2, 26)),
        radius_mm=float(rng.uniform(1.0, 2.0)),
        arc=float(rng.uniform(2.2, 5.5)),
        thick_mm=float(rng.uniform(0.4, 1.1)),
        density=float(rng.uniform(300, 850)),
        motion=rng.normal(0, 0.55, 3),
    )


def _with_noise(
    rng: np.random.Generator, hu: NDArray[np.int16], protocol: Protocol, noise_hu: float
) -> NDArray[np.int16]:
    """Noise of all frequencies up to the kernel's, and a few rings, slice after slice."""
    cut = {"soft": 0.35, "medium": 0.5, "sharp": 0.8}[protocol.kernel] * protocol.pixel_mm
    n = hu.shape[1]
    f = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.rfftfreq(n)[None])
    shape = np.sqrt(np.maximum(f, 1 / n)) ** -_COARSE * np.exp(-((f / cut) ** 2))
    rows, columns = np.ogrid[:n, :n]
    radius = np.hypot(rows - n / 2 + 0.5, columns - n / 2 + 0.5)
    out = np.empty_like(hu)
    for k in range(len(hu)):
        white = np.fft.rfft2(rng.standard_normal((n, n), dtype=np.float32))
        grain = np.fft.irfft2(white * shape, (n, n))
        grain *= noise_hu / grain.std()
        if rng.random() < _RINGED:
            at, width = rng.uniform(10, 0.4 * n), rng.uniform(1, 2)
            grain += rng.normal(0, _RING_HU) * np.exp(-(((radius - at) / width) ** 2))
        seen = np.rint(np.clip(hu[k] + grain, -1024, 3071))
        out[k] = np.where(hu[k] > -1024, seen, hu[k])
    return out
