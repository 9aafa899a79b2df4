"""Training for a number of CPU minutes.

Comes in: an architecture, the samples that all architectures share, a budget.
Goes out: the trained network, and how many steps the budget allowed.
Refuses: nothing.

One optimiser, one schedule, one loss (that of the default network: which label, and once more
coronary or not), the same chances of drawing a thing and the same kind of augmentation for all;
nothing was tuned for one of them. The segmenting networks are shown crops round drawn things, and
their loss counts only voxels of bright things: no other voxel is ever asked.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.train.candidate import CandidateSet, augment, load_candidates, loss_of, weights_of
from models.train.field.architectures import Architecture, Kind
from models.train.field.samples import Crop, context, planes, read_crop
from screening.inference.candidates import N_MAPS

_RATE = 2e-3
_WARM_STEPS = 30
_PLANE_CROP = (1, 64, 64)
_BLOCK_CROP = (24, 48, 48)
_LOG_STEPS = 25


@dataclass(frozen=True, slots=True)
class Trained:
    """What the budget allowed.

    shown : crops or things, counted as often as they were shown
    """

    key: str
    steps: int
    shown: int
    cpu_seconds: float
    loss: float


class Feed(Protocol):
    """Draws samples and tells a network how wrong it is on them."""

    def loss(self, net: nn.Module, batch: int) -> Tensor:
        """Loss on a new batch."""


class ThingsFeed:
    """Bright things one by one, as the default network is trained."""

    def __init__(self, files: list[Path], seed: int) -> None:
        self._data = load_candidates(files)
        self._chance, self._weight = _chances(self._data)
        self._rng = np.random.default_rng(seed)
        self._torch_rng = torch.Generator().manual_seed(seed)

    def loss(self, net: nn.Module, batch: int) -> Tensor:
        """Loss on things drawn anew."""
        data = self._data
        rows = np.sort(self._rng.choice(len(self._chance), batch, p=self._chance))
        patch = torch.from_numpy(data.patch[rows].astype(np.float32))
        mask = torch.from_numpy(data.mask[rows].astype(np.float32))
        patch, features = augment(self._torch_rng, patch, torch.from_numpy(data.features[rows]))
        label = torch.from_numpy(data.label[rows].astype(np.int64))
        return loss_of(net(patch, mask, features), label, torch.from_numpy(self._weight[rows]))


class VoxelFeed:
    """Crops of planes or blocks round drawn things; the voxels' own labels are learnt."""

    def __init__(self, files: list[Path], kind: Kind, seed: int) -> None:
        self._chance, weight = _chances(_stakes(files))
        self._shape = _PLANE_CROP if kind is Kind.PLANES else _BLOCK_CROP
        self._is_plane = kind is Kind.PLANES
        self._rng = np.random.default_rng(seed)
        self._torch_rng = torch.Generator().manual_seed(seed)
        self._scans = [read_crop(path.parent, path) for path in files]
        counts = [int(owner.max()) + 1 for _, owner, _ in self._scans]
        self._first = np.concatenate([[0], np.cumsum(counts)])
        self._weight = [
            _voxel_weight(weight[a:b], owner)
            for a, b, (_, owner, _) in zip(
                self._first[:-1], self._first[1:], self._scans, strict=True
            )
        ]

    def loss(self, net: nn.Module, batch: int) -> Tensor:
        """Loss on the bright voxels of crops drawn anew."""
        drawn = [self._draw() for _ in range(batch)]
        hu, around = (torch.from_numpy(np.stack([d[k] for d in drawn])) for k in (0, 1))
        hu, around = augment_voxels(self._torch_rng, hu, around)
        logits = net(hu, around).flatten(2)
        of = np.repeat(np.arange(batch), [len(d[2]) for d in drawn])
        where, label, weight = (
            torch.from_numpy(np.concatenate([d[k] for d in drawn])) for k in (2, 3, 4)
        )
        return loss_of(logits[torch.from_numpy(of), :, where], label, weight)

    def _draw(self) -> tuple[NDArray[np.float32], NDArray[np.float32], *tuple[NDArray, ...]]:
        """HU, context, and of each bright voxel: flat place, label, weight."""
        thing = int(self._rng.choice(len(self._chance), p=self._chance))
        scan = int(np.searchsorted(self._first, thing, side="right")) - 1
        crop, owner, label = self._scans[scan]
        mine = np.searchsorted(owner, [thing - self._first[scan], thing - self._first[scan] + 1])
        spot = crop.spot[int(self._rng.integers(*mine))]
        start = self._start(crop, spot)
        away = crop.spot - start
        inside = ((away >= 0) & (away < self._shape)).all(axis=1)
        where = np.ravel_multi_index(tuple(away[inside].T), self._shape)
        window = tuple(slice(a, a + n) for a, n in zip(start, self._shape, strict=True))
        around = context(crop, window)
        if self._is_plane:
            hu = planes(crop, start[:1], window[1], window[2])[0]
            around = around[:, 0]
        else:
            hu = crop.hu[window][None].astype(np.float32)
        return hu, around, where, label[inside], self._weight[scan][inside]

    def _start(self, crop: Crop, spot: NDArray[np.int64]) -> NDArray[np.int64]:
        """First voxel of a crop with `spot` in its middle half."""
        shape = np.array(self._shape)
        start = spot - shape // 2 + np.rint(self._rng.uniform(-0.25, 0.25, 3) * (shape - 1))
        return np.clip(start, 0, np.array(crop.hu.shape) - shape).astype(np.int64)


def _chances(data: CandidateSet) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """How often a thing is drawn, and what it then weighs: both the root of its weight."""
    root = np.sqrt(weights_of(data))
    chance = root.astype(np.float64)
    return chance / chance.sum(), root


def _stakes(files: list[Path]) -> CandidateSet:
    """Labels and scores of all things, without the patches that a segmenting network lacks."""
    label, agatston = [], []
    for path in files:
        with np.load(path) as stored:
            label.append(stored["label"])
            agatston.append(stored["agatston"])
    nothing = np.zeros(0)
    return CandidateSet(
        patch=nothing.astype(np.int16),
        mask=nothing.astype(np.bool_),
        features=nothing.astype(np.float32),
        label=np.concatenate(label),
        agatston=np.concatenate(agatston),
        scan=nothing.astype(np.int64),
    )


def _voxel_weight(weight: NDArray[np.float32], owner: NDArray[np.int64]) -> NDArray[np.float32]:
    """Let a thing weigh as the root of its number of voxels: else bone would drown all."""
    return (weight / np.sqrt(np.bincount(owner)))[owner].astype(np.float32)


def augment_voxels(rng: torch.Generator, hu: Tensor, around: Tensor) -> tuple[Tensor, Tensor]:
    """Noise and level; maps and place as uncertain as on an unknown scanner.

    As `models.train.candidate.augment` does to patches and features.
    """
    n, ones = len(hu), [1] * (hu.ndim - 2)
    noise = torch.randn(hu.shape, generator=rng)
    rows = noise.reshape(-1, 1, *noise.shape[-2:])
    smooth = functional.avg_pool2d(rows, 3, 1, 1).reshape(noise.shape) * 2.4
    mixed = torch.rand(n, 1, *ones, generator=rng)
    size = torch.rand(n, 1, *ones, generator=rng) ** 2 * 20
    hu = hu + (noise * mixed + smooth * (1 - mixed)) * size
    hu = hu + torch.randn(n, 1, *ones, generator=rng) * 8
    wobble = 1 + 0.15 * torch.randn(n, N_MAPS, *ones, generator=rng)
    power = torch.exp(0.25 * torch.randn(n, 1, *ones, generator=rng))
    maps = (around[:, :N_MAPS] * wobble).clamp(0, 1) ** power
    stretch = 1 + 0.12 * torch.randn(n, 3, *ones, generator=rng)
    place = around[:, N_MAPS:] * stretch + 0.15 * torch.randn(n, 3, *ones, generator=rng)
    around = torch.cat([maps, place], 1)
    kept = torch.rand(n, around.shape[1], *ones, generator=rng) >= 0.03
    return hu, around * kept


def train(
    of: Architecture, files: list[Path], cpu_seconds: float, seed: int, log: Path
) -> tuple[nn.Module, Trained]:
    """Train until the process has computed for `cpu_seconds`; reading the files is not counted.

    Steps are counted, not fixed: another processor allows another number of them.
    """
    torch.manual_seed(seed)
    feed: Feed = (
        ThingsFeed(files, seed) if of.kind is Kind.THINGS else VoxelFeed(files, of.kind, seed)
    )
    net = of.make().train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=2e-2)
    started, steps, used, running = time.process_time(), 0, 0.0, float("nan")
    while used < cpu_seconds:
        for group in optimiser.param_groups:
            warm = min(1.0, (steps + 1) / _WARM_STEPS)
            group["lr"] = _RATE * warm * (1 - used / cpu_seconds) + 1e-5
        loss = feed.loss(net, of.batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        now, steps = float(loss.detach()), steps + 1
        running = 0.98 * running + 0.02 * now if steps > 1 else now
        used = time.process_time() - started
        if steps % _LOG_STEPS == 0:
            with log.open("a") as file:
                file.write(f"{of.key} step {steps} cpu {used:.0f} s loss {running:.4f}\n")
    return net.eval(), Trained(of.key, steps, steps * of.batch, round(used, 1), round(running, 4))
