"""Stents and plaque for the network that looks at both through a ball.

Comes in: seeds, and the heart pairs of the candidate network; later the folder of samples.
Goes out: samples, and a trained `BallNet`.
Refuses: an empty folder.

The candidate network's hearts have too few stents beside too little heavy plaque. So there are
others beside them: six in ten with one to three stents, most with much plaque, as arcs on the wall,
as rows of lumps, or as rods: smooth, even and as wide as a stent, some of them within one.
"""

import dataclasses
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from models.train.networks import BallNet
from models.train.phantoms import AVERAGED, averaged, heart_scan, read_heart_pair
from models.train.variety import training_protocol, training_traits
from screening.inference.balls import N_BALL_FEATURES, find_balls
from screening.inference.candidates import SEED_HU, Candidates, can_score
from screening.inference.frame import Frame, make_frame
from screening.phantom import Body, make_body
from screening.phantom import deposits as make
from screening.phantom.deposits import Deposit
from screening.records import CORONARY_LABELS, Label, Volume

_RATE, _BATCH = 2e-3, 96
_BLOOD_HU = 60.0  # from here up brightness is stretched: blood stays where it is
_NONE = np.zeros(0, dtype=np.float32)
_SHARES = (0.1, 0.5, 0.2, 0.2)  # of the four arteries in plaque
_RODS = 0.4


def write_tube_samples(folder: Path, first: int, count: int, step: int = 1) -> None:
    """Write samples `first, first + step, ...`, each file complete when it appears."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(first, first + count * step, step):
        target = folder / f"tube-{seed}.npz"
        if not target.exists():
            _write(target, tube_sample(seed))


def write_pair_samples(pairs: Path, folder: Path) -> None:
    """Write the samples of every heart pair that has none yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(pairs.glob("pair-*.npz")):
        target = folder / path.name.replace("pair", "tube")
        if not target.exists():
            pair = read_heart_pair(path)
            _write(target, ball_sample(pair.fine, pair.labels))


def _write(target: Path, sample: dict[str, NDArray[np.generic]]) -> None:
    part = target.with_name(f"part-{target.name}")
    np.savez(part, **sample)
    part.rename(target)


def tube_sample(seed: int) -> dict[str, NDArray[np.generic]]:
    """Balls along all calcium and metal of one person's coronaries, as `ball_sample`."""
    rng = np.random.default_rng([5, seed])
    body = _body(rng, seed)
    protocol = training_protocol(rng)
    if rng.random() < 0.5:
        protocol = dataclasses.replace(protocol, kernel="soft", **_hard_slices(rng))
    scan = heart_scan(rng, body, protocol)
    volume, labels = scan.as_volume("phantom"), scan.labels
    if rng.random() < AVERAGED:
        volume, labels = averaged(volume, labels)
    return ball_sample(volume, labels)


def ball_sample(volume: Volume, labels: NDArray[np.uint8]) -> dict[str, NDArray[np.generic]]:
    """Lay balls along all that is truly coronary calcium or metal.

    Returns
    -------
    patch int16, mask bool (b,) + BALL_VOXELS; features float32 (b, N_BALL_FEATURES); metal
    float32 (b,), its share; hu_mm3 float32 (b,), what is at stake: HU above blood times volume
    """
    frame = make_frame(volume)
    found, is_metal = _true_things(frame, labels)
    balls = find_balls(frame, found, np.ones(len(found.component), dtype=np.bool_))
    n = len(balls.features)
    whole = np.bincount(balls.ball, balls.weight, n)
    metal = np.bincount(balls.ball, balls.weight * is_metal[balls.candidate], n)
    voxel_mm3 = float(np.median(frame.thickness_mm) * np.prod(frame.spacing_mm))
    return {
        "patch": np.clip(balls.patches, -1100, 3071).astype(np.int16),
        "mask": balls.masks > 0,
        "features": balls.features,
        "metal": (metal / np.maximum(whole, 1e-6)).astype(np.float32),
        "hu_mm3": (whole * voxel_mm3).astype(np.float32),
    }


def _hard_slices(rng: np.random.Generator) -> dict[str, float]:
    """Give slices in which a soft kernel hides a stent: thin, plaque as bright, or thick."""
    thick_mm = float(rng.choice([0.6, 1.0, 1.25, 4.0, 5.0]))
    return {"thickness_mm": thick_mm, "increment_mm": thick_mm}


def _body(rng: np.random.Generator, seed: int) -> Body:
    """Make a person with stents, plaque, or both; no wires, which no ball is laid on."""
    traits = training_traits(rng, is_rich=True)
    n_stents = int(rng.integers(1, 4)) if rng.random() < 0.6 else 0
    style = rng.random()
    target = float(np.exp(rng.uniform(2.5, 8.2))) if style < 0.55 else 0.0
    traits = dataclasses.replace(
        traits, n_stents=n_stents, has_sternal_wires=False, coronary_agatston_target=target
    )
    body = make_body(seed, traits)
    more: list[Deposit] = []
    if style > 0.4:
        more += [one for _ in range(int(rng.integers(1, 5))) for one in _row(rng, body)]
    if rng.random() < _RODS:
        more += [rod(rng, body) for _ in range(int(rng.integers(1, 4)))]
    stents = [one for one in body.deposits if _is_stent(one)]
    more += [rod(rng, body, stent) for stent in stents if rng.random() < _RODS]
    return dataclasses.replace(body, deposits=(*body.deposits, *more))


def _is_stent(one: Deposit) -> bool:
    """Tell it from clips and leads: these do not move with the heart."""
    return one.is_metal and bool(np.any(one.motion))


def rod(rng: np.random.Generator, body: Body, stent: Deposit | None = None) -> Deposit:
    """Smooth plaque of one thickness with blunt ends, somewhere along an artery or at a stent."""
    label = CORONARY_LABELS[int(rng.choice(4, p=_SHARES))]
    line = body.courses_lps_mm[label]
    middle = rng.uniform(0.02, 0.7) * len(line)
    if stent is not None:
        label, middle = _nearest(body, stent.points_mm.mean(axis=0))
        line = body.courses_lps_mm[label]
    length_mm, wide_mm = float(rng.uniform(2, 20)), float(rng.uniform(0.6, 2.2))
    flat = np.array([wide_mm, wide_mm * rng.uniform(0.6, 1), wide_mm])
    side = rng.normal(0, 1, 3)
    side *= rng.uniform(0, 1.4) / np.linalg.norm(side)
    volume_mm3 = float(3.0 * length_mm * flat[0] * flat[1])
    n = int(np.clip(14 * volume_mm3, 80, 5000))
    t = rng.uniform(-1, 1, n)
    ball = rng.standard_normal((n, 3))
    ball *= (rng.random(n) ** (1 / 3) / np.linalg.norm(ball, axis=1))[:, None]
    step_mm = float(np.linalg.norm(np.diff(line, axis=0), axis=1).mean())
    at = np.clip(middle + t * length_mm / 2 / step_mm, 0, len(line) - 1)
    index = np.arange(len(line))
    centre = np.stack([np.interp(at, index, line[:, k]) for k in range(3)], axis=1)
    blunt = (1 - np.abs(t) ** rng.uniform(4, 8)) ** 0.5
    points = centre + side + ball * flat * blunt[:, None]
    weights = np.full(n, rng.uniform(250, 1000) * volume_mm3 / 1000 / n)
    return Deposit(label, points, weights, rng.normal(0, 0.5, 3))


def _nearest(body: Body, point_mm: NDArray[np.float64]) -> tuple[Label, float]:
    """Find the artery that runs there, and where along it."""
    away = {
        label: np.linalg.norm(body.courses_lps_mm[label] - point_mm, axis=1)
        for label in CORONARY_LABELS
    }
    label = min(away, key=lambda one: float(away[one].min()))
    return label, float(away[label].argmin())


def _row(rng: np.random.Generator, body: Body) -> list[Deposit]:
    """Lumps one after another on one side of an artery, some so close that they touch."""
    label = CORONARY_LABELS[int(rng.choice(4, p=_SHARES))]
    line = body.courses_lps_mm[label]
    at = rng.uniform(0.02, 0.7) * len(line)
    side = rng.normal(0, 1, 3)
    side *= rng.uniform(0.6, 1.9) / np.linalg.norm(side)
    size_mm, density = rng.uniform(0.7, 1.9), float(rng.uniform(350, 1100))
    motion = rng.normal(0, 0.5, 3)
    out: list[Deposit] = []
    for _ in range(int(rng.integers(1, 14))):
        middle = line[int(at)] + side + rng.normal(0, 0.35, 3)
        radii_mm = size_mm * rng.uniform(0.55, 1.5, 3)
        out.append(make.blob(rng, label, middle, radii_mm, density, motion))
        at += rng.uniform(1, 3.5)
        if at >= len(line):
            break
    return out


def _true_things(frame: Frame, labels: NDArray[np.uint8]) -> tuple[Candidates, NDArray[np.bool_]]:
    """Bright things that are coronary calcium or metal for the most part.

    The metal of a thing and the rest of it are two candidates; which are metal is told beside.
    """
    parts, _ = ndimage.label(frame.hu >= SEED_HU, structure=np.ones((3, 3, 3), dtype=np.int8))
    where = np.flatnonzero(parts)
    voxels = np.stack(np.unravel_index(where, parts.shape), axis=1).astype(np.int64)
    part, truth = parts.ravel()[where].astype(np.int64), labels[tuple(voxels.T)]
    is_meant = np.isin(truth, [*CORONARY_LABELS, Label.METAL])
    n = part.max(initial=0) + 1
    share = np.bincount(part, is_meant, n) / np.maximum(np.bincount(part, minlength=n), 1)
    kept = can_score(frame, voxels[:, 0], part) & (share[part] > 0.5)
    key = 2 * part[kept] + (truth[kept] == Label.METAL)
    names, owner = np.unique(key, return_inverse=True)
    order = np.argsort(owner, kind="stable")
    found = Candidates(voxels[kept][order], owner[order], names // 2, _NONE, _NONE, _NONE)
    return found, names % 2 == 1


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class BallSet:
    """Balls of many scans, as `tube_sample` gives those of one."""

    patch: NDArray[np.int16]
    mask: NDArray[np.bool_]
    features: NDArray[np.float32]
    metal: NDArray[np.float32]
    hu_mm3: NDArray[np.float32]


def load_balls(files: list[Path]) -> BallSet:
    """Read the balls of scans, in the order given."""
    parts: dict[str, list[NDArray[np.generic]]] = {}
    for path in files:
        with np.load(path) as stored:
            for name in ("patch", "mask", "features", "metal", "hu_mm3"):
                parts.setdefault(name, []).append(stored[name])
    if not sum(map(len, parts.get("metal", []))):
        raise SystemExit("no balls to train on: make more samples")
    return BallSet(**{name: np.concatenate(list_) for name, list_ in parts.items()})


def train_balls(data: BallSet, steps: int, seed: int, log: Path, batch: int = _BATCH) -> BallNet:
    """Train for a number of steps; the same balls and seed give the same network."""
    torch.manual_seed(seed)
    rng, torch_rng = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    chance = _chances(data)
    net = BallNet(N_BALL_FEATURES)
    optimiser = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=2e-2)
    running = 0.0
    for step in range(steps):
        rows = np.sort(rng.choice(len(chance), batch, p=chance))
        patch, mask = _turned(rng, data.patch[rows], data.mask[rows])
        patch = _another_scanner(torch_rng, patch)
        features = torch.from_numpy(data.features[rows])
        features = features + 0.05 * torch.randn(features.shape, generator=torch_rng)
        for group in optimiser.param_groups:
            group["lr"] = _RATE * min(1.0, (step + 1) / 50) * (1 - step / steps) + 1e-5
        goal = torch.from_numpy(data.metal[rows] * 0.98 + 0.01)
        loss = functional.binary_cross_entropy_with_logits(net(patch, mask, features), goal)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        running = 0.98 * running + 0.02 * float(loss.detach()) if step else float(loss.detach())
        if (step + 1) % 50 == 0:
            with log.open("a") as file:
                file.write(f"balls {step + 1} of {len(chance)} loss {running:.4f}\n")
    return net.eval()


def _chances(data: BallSet) -> NDArray[np.float64]:
    """How often a ball is shown: heavy ones more, metal as often as not."""
    weight = np.sqrt(np.clip(data.hu_mm3 / 300, 1, 200)).astype(np.float64)
    is_metal = data.metal > 0.5
    if is_metal.any() and not is_metal.all():
        weight[is_metal] *= weight[~is_metal].sum() / weight[is_metal].sum()
    return np.asarray(weight / weight.sum(), dtype=np.float64)


def _turned(
    rng: np.random.Generator, patch: NDArray[np.int16], mask: NDArray[np.bool_]
) -> tuple[Tensor, Tensor]:
    """Mirror all and turn: an artery runs in any direction."""
    for axis in (1, 2, 3):
        if rng.random() < 0.5:
            patch, mask = np.flip(patch, axis), np.flip(mask, axis)
    if rng.random() < 0.5:
        patch, mask = patch.transpose(0, 1, 3, 2), mask.transpose(0, 1, 3, 2)
    return tuple(  # type: ignore[return-value]
        torch.from_numpy(np.ascontiguousarray(a).astype(np.float32)) for a in (patch, mask)
    )


def _another_scanner(rng: torch.Generator, patch: Tensor) -> Tensor:
    """Noise, level and brightness."""
    n = len(patch)
    noise = torch.randn(patch.shape, generator=rng)
    smooth = functional.avg_pool3d(noise[:, None], 3, 1, 1)[:, 0] * 3.5
    mixed, size = (torch.rand(n, 1, 1, 1, generator=rng) for _ in range(2))
    patch = patch + (noise * mixed + smooth * (1 - mixed)) * size**2 * 25
    patch = patch + torch.randn(n, 1, 1, 1, generator=rng) * 8
    gain = torch.exp(torch.randn(n, 1, 1, 1, generator=rng) * 0.08)
    return torch.where(patch > _BLOOD_HU, (patch - _BLOOD_HU) * gain + _BLOOD_HU, patch)
