"""Training of the candidate network.

Comes in: a folder of candidates that inference itself found on phantom scans.
Goes out: a trained `CandidateNet`.
Refuses: an empty folder.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.train.networks import N_LABELS, CandidateNet
from screening.inference.candidates import N_CONTEXT, N_FEATURES, N_LANDMARKS, N_MAPS

_CORONARY = slice(1, 5)
_RATE, _GENTLE_RATE = 2e-3, 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class CandidateSet:
    """Candidates of many scans.

    patch int16, mask bool (n, z, y, x); features float32; label uint8; weight float32: how
    much of the score hangs on it; scan: which scan it came from
    """

    patch: NDArray[np.int16]
    mask: NDArray[np.bool_]
    features: NDArray[np.float32]
    label: NDArray[np.uint8]
    agatston: NDArray[np.float32]
    scan: NDArray[np.int64]


def load_candidates(files: list[Path]) -> CandidateSet:
    """Read the candidates of scans, in the order given."""
    parts: dict[str, list[NDArray[np.generic]]] = {}
    for number, path in enumerate(files):
        with np.load(path) as stored:
            if not len(stored["label"]):
                continue
            for name in ("patch", "mask", "features", "label", "agatston"):
                parts.setdefault(name, []).append(stored[name])
            parts.setdefault("scan", []).append(np.full(len(stored["label"]), number))
    if not parts:
        raise SystemExit(
            "no candidates to train on: the coarse network found no heart; give it more steps"
        )
    return CandidateSet(**{name: np.concatenate(list_) for name, list_ in parts.items()})


def augment(rng: torch.Generator, patch: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
    """Noise, level and brightness; the features as uncertain as on an unknown scanner."""
    n = len(patch)
    noise = torch.randn(patch.shape, generator=rng)
    smooth = functional.avg_pool3d(noise[:, None], (1, 3, 3), 1, (0, 1, 1))[:, 0] * 2.4
    mixed = torch.rand(n, 1, 1, 1, generator=rng)
    size = torch.rand(n, 1, 1, 1, generator=rng) ** 2 * 20
    patch = patch + (noise * mixed + smooth * (1 - mixed)) * size
    patch = patch + torch.randn(n, 1, 1, 1, generator=rng) * 8
    features = features.clone()
    maps = slice(0, 2 * N_MAPS)
    wobble = 1 + 0.15 * torch.randn(n, 2 * N_MAPS, generator=rng)
    features[:, maps] = (features[:, maps] * wobble).clamp(0, 1) ** torch.exp(
        0.25 * torch.randn(n, 1, generator=rng)
    )
    tissue = slice(2 * N_MAPS, 2 * N_MAPS + N_CONTEXT)
    features[:, tissue] += 0.12 * torch.randn(n, N_CONTEXT, generator=rng)
    marks = slice(2 * N_MAPS + N_CONTEXT, 2 * N_MAPS + N_CONTEXT + N_LANDMARKS)
    shift = torch.randn(n, N_LANDMARKS // 3, 3, generator=rng) * 0.15
    stretch = 1 + 0.12 * torch.randn(n, 1, 3, generator=rng)
    vectors = features[:, marks].view(n, -1, 3) * stretch + shift
    features[:, marks] = vectors.reshape(n, -1)
    rest = slice(marks.stop, None)
    features[:, rest] += 0.05 * torch.randn(n, features[:, rest].shape[1], generator=rng)
    gone = torch.rand(n, N_FEATURES, generator=rng) < 0.03
    features[gone] = 0.0
    return patch, features


def loss_of(logits: Tensor, label: Tensor, weight: Tensor) -> Tensor:
    """Label cross entropy, and once more for coronary or not, on which the score hangs."""
    soft = functional.cross_entropy(logits, label, label_smoothing=0.02, reduction="none")
    p = torch.softmax(logits, 1)[:, _CORONARY].sum(1).clamp(1e-4, 1 - 1e-4)
    is_coronary = ((label >= 1) & (label <= 4)).float()
    which = functional.binary_cross_entropy(p, is_coronary, reduction="none")
    return ((soft + 1.5 * which) * weight).sum() / weight.sum()


def weights_of(data: CandidateSet) -> NDArray[np.float32]:
    """Rare labels and heavy calcium count more; the many noise specks less."""
    counts = np.bincount(data.label, minlength=N_LABELS).astype(np.float64)
    rare = (counts.sum() / N_LABELS / np.maximum(counts, 1)) ** 0.5
    heavy = 1 + np.sqrt(np.clip(data.agatston, 0, 400)) / 6
    weight = np.clip(rare[data.label], 0.15, 4.0) * heavy
    return (weight / weight.mean()).astype(np.float32)


def train_candidate(
    data: CandidateSet,
    steps: int,
    seed: int,
    log: Path,
    batch: int = 96,
    start: dict[str, Tensor] | None = None,
) -> CandidateNet:
    """Train for a number of steps; the same candidates and seed give the same network.

    `start` holds weights to go on from, at a gentler rate.
    """
    torch.manual_seed(seed)
    rng, torch_rng = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    weight = weights_of(data)
    chance = np.sqrt(weight.astype(np.float64))
    chance /= chance.sum()
    loss_weight = weight / np.sqrt(weight)
    net, rate = CandidateNet(N_FEATURES), _RATE
    if start is not None:
        net.load_state_dict(start)
        rate = _GENTLE_RATE
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=2e-2)
    running = 0.0
    for step in range(steps):
        rows = np.sort(rng.choice(len(chance), batch, p=chance))
        patch = torch.from_numpy(data.patch[rows].astype(np.float32))
        mask = torch.from_numpy(data.mask[rows].astype(np.float32))
        features = torch.from_numpy(data.features[rows])
        label = torch.from_numpy(data.label[rows].astype(np.int64))
        patch, features = augment(torch_rng, patch, features)
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 30) * (1 - step / steps) + 1e-5
        loss = loss_of(net(patch, mask, features), label, torch.from_numpy(loss_weight[rows]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        running = 0.98 * running + 0.02 * float(loss.detach()) if step else float(loss.detach())
        if (step + 1) % 50 == 0:
            with log.open("a") as file:
                file.write(f"candidate {step + 1} of {len(chance)} things loss {running:.4f}\n")
    return net.eval()
