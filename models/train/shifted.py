"""Test chests that are made in another way than those a model learnt from.

Comes in: seeds of the test range.
Goes out: `TestCase`s: the volume that is scored, its labels, its true scores, how it was scanned.
Refuses: nothing.

Other people (turned and bent further, larger and smaller hearts, heavier), other plaque (chains
of beads instead of arcs on the wall), other noise (another texture, streaks), other protocols
(thicknesses, voltages and pixel sizes that training does not draw). Only the shapes of the organs
come from the same hand.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.train.phantoms import averaged
from screening.phantom import Body, Protocol, Traits, make_body, random_traits, simulate
from screening.phantom import deposits as make
from screening.phantom.burden import lesion_score
from screening.phantom.deposits import Deposit
from screening.records import CORONARY_LABELS, Label, Volume

_POSTURE = 1.6
_THICK_MM = (0.8, 1.5, 2.2, 2.8, 3.5, 5.0)
_THICK_CHANCE = (0.05, 0.2, 0.2, 0.2, 0.15, 0.2)
_KVP = (75.0, 90.0, 105.0, 120.0, 120.0, 135.0)
_BODY_NOISE_HU = (6.0, 26.0)
_SHARES = (0.08, 0.42, 0.2, 0.3)
_STREAK_HU, _STREAKED = 12.0, 0.4
_TILES = 5
Noise = Callable[[np.random.Generator, NDArray[np.int16], Protocol, float], NDArray[np.int16]]


@dataclass(frozen=True, slots=True, eq=False)
class TestCase:
    """One scan with its truth, as it is scored: thin slices averaged.

    true_agatston : of simulated chests without noise and motion
    """

    name: str
    volume: Volume
    labels: NDArray[np.uint8]
    true_agatston: float
    thickness_mm: float
    kernel: str
    kvp: float
    noise_hu: float
    motion_mm: float
    has_stent: bool


def shifted_traits(rng: np.random.Generator) -> Traits:
    """Draw people as they come, but heavier, with hearts of other sizes, arms often down."""
    traits = random_traits(rng)
    scale = rng.choice([rng.uniform(0.78, 0.9), rng.uniform(0.95, 1.1), rng.uniform(1.2, 1.5)])
    zero = rng.random() < 0.35
    return dataclasses.replace(
        traits,
        heart_scale=float(scale),
        bmi=float(np.clip(traits.bmi * rng.uniform(0.85, 1.4), 16, 50)),
        is_arms_up=bool(rng.random() < 0.6),
        effusion=float(rng.uniform(0.1, 0.8)) if rng.random() < 0.15 else 0.0,
        lung_opacity=float(rng.uniform(0.1, 0.9)) if rng.random() < 0.3 else 0.0,
        coronary_agatston_target=0.0 if zero else float(np.exp(rng.uniform(1.5, 7.6))),
        n_stents=int(rng.integers(1, 3)) if rng.random() < 0.08 else 0,
    )


def shifted_protocol(rng: np.random.Generator) -> Protocol:
    """Draw thicknesses, voltages and fields between and beyond those of training."""
    thickness = float(rng.choice(_THICK_MM, p=_THICK_CHANCE))
    return Protocol(
        matrix=512,
        fov_mm=float(rng.uniform(280, 480)),
        thickness_mm=thickness,
        increment_mm=thickness if rng.random() < 0.6 else round(thickness * 0.7, 2),
        kvp=float(rng.choice(_KVP)),
        kernel=str(rng.choice(["soft", "medium", "sharp"], p=[0.45, 0.35, 0.2])),
        noise_hu=0.0,
        motion_mm=float(rng.choice([0.0, rng.uniform(0.5, 4)])),
        is_padded=bool(rng.random() < 0.5),
    )


def shifted_case(
    seed: int, n_stents: int | None = None, more: Callable[..., list[Deposit]] | None = None
) -> TestCase:
    """Scan one person of the shifted generator, with so many stents (None: as it happens).

    `more` draws further plaque, of a generator and the body.
    """
    rng = np.random.default_rng([11, seed])
    traits, protocol = shifted_traits(rng), shifted_protocol(rng)
    if n_stents is not None:
        traits = dataclasses.replace(traits, n_stents=n_stents)
    body = make_body(seed, dataclasses.replace(traits, coronary_agatston_target=0.0), _POSTURE)
    body = _with_beads(rng, body, traits.coronary_agatston_target or 0.0)
    if more is not None:
        body = dataclasses.replace(body, deposits=(*body.deposits, *more(rng, body)))
    noise_hu = float(rng.uniform(*_BODY_NOISE_HU) * (2.5 / max(protocol.thickness_mm, 1)) ** 0.4)
    return scanned(f"shifted-{seed}", seed, rng, body, protocol, noise_hu, _with_noise)


def scanned(
    name: str,
    seed: int,
    rng: np.random.Generator,
    body: Body,
    protocol: Protocol,
    noise_hu: float,
    with_noise: Noise,
) -> TestCase:
    """Scan a body's heart and the chest round it, with noise of one's own."""
    low, high = body.heart_box_lps_mm
    protocol = dataclasses.replace(
        protocol, z_top_mm=float(high[2] + 75), z_bottom_mm=float(low[2] - 45)
    )
    scan = simulate(body, protocol, seed)
    volume = scan.as_volume(name)
    hu = with_noise(rng, volume.hu, protocol, noise_hu)
    volume, labels = averaged(dataclasses.replace(volume, hu=hu), scan.labels)
    return TestCase(
        name=name,
        volume=volume,
        labels=labels,
        true_agatston=scan.truth.coronary_agatston,
        thickness_mm=protocol.thickness_mm,
        kernel=protocol.kernel,
        kvp=protocol.kvp,
        noise_hu=noise_hu,
        motion_mm=protocol.motion_mm,
        has_stent=body.traits.n_stents > 0,
    )


def _with_beads(rng: np.random.Generator, body: Body, target: float) -> Body:
    more = beads(rng, dict(body.courses_lps_mm), target)
    return dataclasses.replace(body, deposits=(*body.deposits, *more))


def beads(
    rng: np.random.Generator, courses: dict[Label, NDArray[np.float64]], target: float
) -> list[Deposit]:
    """Draw chains of beads along courses (n, 3) until they score about `target`."""
    out: list[Deposit] = []
    total, tries = 0.0, 0
    while total < 0.9 * target and tries < 200:
        tries += 1
        label = CORONARY_LABELS[int(rng.choice(4, p=_SHARES))]
        chain = _chain(rng, label, courses[label], target - total)
        score = sum(lesion_score(one) for one in chain)
        if total + score <= 1.3 * target or tries > 60:
            out += chain
            total += score
    return out


def _chain(
    rng: np.random.Generator, label: Label, line: NDArray[np.float64], missing: float
) -> list[Deposit]:
    """Beads one after another on one side of the artery."""
    n = 1 + int(rng.poisson(0.4 * np.log1p(missing)))
    size = float(np.clip(0.5 + 0.12 * np.log1p(missing), 0.5, 1.7))
    at = len(line) * (rng.uniform(0.1, 0.95) if label is Label.LM else rng.beta(1.0, 1.8))
    side, motion = rng.normal(0, 1, 3), rng.normal(0, 0.55, 3)
    side *= rng.uniform(0.5, 1.6) / np.linalg.norm(side)
    density = float(rng.uniform(300, 900))
    out = []
    for _ in range(n):
        point = line[int(np.clip(round(at), 0, len(line) - 1))]
        centre = point + side + rng.normal(0, 0.4, 3)
        radii = size * rng.uniform(0.6, 1.4, 3)
        out.append(make.blob(rng, label, centre, radii, density, motion))
        at += rng.uniform(1.2, 3.2)
    return out


def _with_noise(
    rng: np.random.Generator, hu: NDArray[np.int16], protocol: Protocol, noise_hu: float
) -> NDArray[np.int16]:
    """Band-passed noise and a few streaks, slice after slice."""
    fine = {"soft": 1.0, "medium": 0.7, "sharp": 0.45}[protocol.kernel] / protocol.pixel_mm
    tiles = [_tile(rng, hu.shape[1], fine) for _ in range(_TILES)]
    out, last = np.empty_like(hu), None
    share = 0.45 if protocol.increment_mm < protocol.thickness_mm else 0.15
    for k in range(len(hu)):
        grain = np.roll(
            tiles[int(rng.integers(_TILES))], tuple(rng.integers(0, len(hu[k]), 2)), (0, 1)
        )
        grain = grain * np.float32(noise_hu * rng.choice([-1, 1]))
        if rng.random() < _STREAKED:
            grain += _streak(rng, hu.shape[1])
        last = grain if last is None else share * last + np.float32(np.sqrt(1 - share**2)) * grain
        seen = np.rint(np.clip(hu[k] + last, -1024, 3071))
        out[k] = np.where(hu[k] > -1024, seen, hu[k])
    return out


def _tile(rng: np.random.Generator, n: int, fine: float) -> NDArray[np.float32]:
    """Periodic noise of standard deviation one."""
    grain = ndimage.gaussian_filter(
        rng.standard_normal((n, n), dtype=np.float32), fine, mode="wrap"
    )
    grain -= np.float32(0.6) * ndimage.gaussian_filter(grain, 2.2 * fine, mode="wrap")
    return np.asarray(grain / grain.std(), dtype=np.float32)


def _streak(rng: np.random.Generator, n: int) -> NDArray[np.float32]:
    rows, columns = np.ogrid[:n, :n]
    angle, place = rng.uniform(0, np.pi), rng.uniform(0.2, 0.8, 2) * n
    away = (rows - place[0]) * np.cos(angle) + (columns - place[1]) * np.sin(angle)
    strength = rng.normal(0, _STREAK_HU)
    return np.asarray(np.exp(-((away / rng.uniform(1, 3)) ** 2)) * strength, dtype=np.float32)
