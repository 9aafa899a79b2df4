"""Training of the coarse network.

Comes in: a folder of phantom samples (see `phantoms`).
Goes out: a trained `CoarseNet`.
Refuses: an empty folder.

The phantoms are few beside what a hospital holds, so each is turned, stretched, cropped,
clouded and blurred anew every time it is shown, and training stops early: on real scans
long training made the maps worse while they still improved on phantoms.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.train.networks import CoarseNet
from screening.inference.anatomy import COARSE_CHANNELS
from screening.inference.frame import GRID_CELLS

N_REGIONS = 6
_RATE = 3e-3
_JITTER_CELLS = 6
_CROP_CELLS = 40  # trained on pieces: cheaper, and no chest is ever seen whole
Floats = NDArray[np.float32]


Sample = tuple[NDArray[np.float16], NDArray[np.uint8], NDArray[np.float32]]


def load_sample(path: Path) -> Sample:
    """Cells (3, z, y, x) in network units, targets (channels, z, y, x) x 255, lung centre."""
    with np.load(path) as stored:
        return stored["cells"], stored["targets"], stored["centre"]


def draw(rng: np.random.Generator, sample: Sample) -> tuple[Floats, Floats]:
    """Cut the net's shape at a random place, crop field and range, cloud the lungs."""
    cells, targets, centre = sample
    if rng.random() < 0.05:
        piece = (_CROP_CELLS,) * 3
        head = _head(rng)[:, : piece[0], : piece[1], : piece[2]]
        return head, np.zeros((len(targets), *piece), dtype=np.float32)
    jitter = rng.integers(-_JITTER_CELLS, _JITTER_CELLS + 1, 3)
    start = [round(float(centre[k])) - GRID_CELLS[k] // 2 + int(jitter[k]) for k in range(3)]
    x = _window(cells, start, np.array([-2.0, -17 / 6, 0.0], dtype=np.float32))
    y = _window(targets, start, np.zeros(len(targets), dtype=np.float32)) / 255
    if rng.random() < 0.4:
        _cut_range(rng, x)
    if rng.random() < 0.4:
        _cut_field(rng, x)
    if rng.random() < 0.4:
        _cloud(rng, x)
    first = [int(rng.integers(0, n - _CROP_CELLS + 1)) for n in GRID_CELLS]
    piece = (slice(None), *(slice(a, a + _CROP_CELLS) for a in first))
    return x[piece], y[piece]


def _head(rng: np.random.Generator) -> Floats:
    """Draw a skull with a brain in it: what is no chest must be seen as none."""
    x = np.empty((3, *GRID_CELLS), dtype=np.float32)
    x[0], x[1], x[2] = -2.0, -17 / 6, 1.0
    where = np.stack(np.meshgrid(*[np.arange(n) for n in GRID_CELLS], indexing="ij"), -1)
    middle = np.array(GRID_CELLS) / 2 + rng.uniform(-6, 6, 3)
    away = np.sqrt((((where - middle) / rng.uniform([9, 12, 10], [18, 17, 14])) ** 2).sum(-1))
    for edge, wide, narrow in ((1.12, 0.0, -0.8), (1.0, 1.1, 11 / 6), (0.9, 0.07, 0.25)):
        x[0][away < edge], x[1][away < edge] = wide, narrow
    n = int(rng.integers(0, 30))
    if n:
        _blank_where(x, where[..., 0] < n)
    return x


def _window(
    array: NDArray[np.float16] | NDArray[np.uint8], start: list[int], fill: Floats
) -> Floats:
    out = np.empty((len(array), *GRID_CELLS), dtype=np.float32)
    out[:] = fill[:, None, None, None]
    source: list[slice] = [slice(None)]
    target: list[slice] = [slice(None)]
    for k in range(3):
        first = max(0, start[k])
        last = max(first, min(array.shape[k + 1], start[k] + GRID_CELLS[k]))
        source.append(slice(first, last))
        target.append(slice(first - start[k], last - start[k]))
    out[tuple(target)] = array[tuple(source)]
    return out


def _blank_where(x: Floats, where: NDArray[np.bool_]) -> None:
    x[0][where], x[1][where], x[2][where] = -2.0, -17 / 6, 0.0


def _cut_range(rng: np.random.Generator, x: Floats) -> None:
    """End the scan early, at the head, the feet or both (a scan of the heart alone)."""
    where = np.zeros(GRID_CELLS, dtype=np.bool_)
    chance = rng.random()
    if chance < 0.25:
        first = int(rng.integers(14, 28))
        where[:first] = True
        where[first + int(rng.integers(16, 30)) :] = True
        _blank_where(x, where)
        return
    # What is left of a long cut is an abdomen or a neck: there must be no heart in it.
    n = int(rng.integers(4, 26) if chance < 0.6 else rng.integers(28, 46))
    if rng.random() < 0.5:
        where[:n] = True
    else:
        where[-n:] = True
    _blank_where(x, where)


def _cut_field(rng: np.random.Generator, x: Floats) -> None:
    """Make the field of view small: a disc or a square of 160-330 mm."""
    half = rng.uniform(80, 165) / 6
    j, i = np.meshgrid(np.arange(GRID_CELLS[1]), np.arange(GRID_CELLS[2]), indexing="ij")
    dj = j - GRID_CELLS[1] / 2 - rng.uniform(-6, 6)
    di = i - GRID_CELLS[2] / 2 - rng.uniform(-6, 6)
    away = np.hypot(dj, di) if rng.random() < 0.5 else np.maximum(abs(dj), abs(di))
    outside = np.broadcast_to(away > half, GRID_CELLS)
    _blank_where(x, outside)


def _cloud(rng: np.random.Generator, x: Floats) -> None:
    """Consolidate or flood a part of the lungs."""
    where = np.stack(np.meshgrid(*[np.arange(n) for n in GRID_CELLS], indexing="ij"), -1)
    for _ in range(int(rng.integers(1, 4))):
        centre = rng.uniform(0.15, 0.85, 3) * np.array(GRID_CELLS)
        inside = (((where - centre) / rng.uniform(2, 9, 3)) ** 2).sum(-1) < 1
        inside &= (x[0] < -0.8) & (x[2] > 0.5)
        share = rng.uniform(0.2, 1.0)
        x[0][inside] += share * (0.04 - x[0][inside])
        x[1][inside] += share * (0.0 - x[1][inside])


def augment(rng: torch.Generator, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Stretch and warp gently, then change gain, blur and noise; orientation stays."""
    n = len(x)
    grid = _warp(rng, n, tuple(x.shape[2:]))
    both = functional.grid_sample(
        torch.cat([x, y], 1), grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    x, y = both[:, :3], both[:, 3:]
    image, valid = x[:, :2], x[:, 2:]
    level = [4, 3, 4]
    field = functional.interpolate(
        torch.randn(n, 2, *level, generator=rng) * 0.15, size=x.shape[2:], mode="trilinear"
    )
    gain = 1 + (torch.rand(n, 2, 1, 1, 1, generator=rng) - 0.5) * 0.3
    shift = (torch.rand(n, 2, 1, 1, 1, generator=rng) - 0.5) * torch.tensor([0.1, 0.5]).view(
        1, 2, 1, 1, 1
    )
    noise = torch.randn(image.shape, generator=rng) * torch.rand(n, 1, 1, 1, 1, generator=rng)
    inside = (image[:, 1:] > -2.5).float()
    noise = noise * torch.tensor([0.03, 0.25]).view(1, 2, 1, 1, 1) * inside
    blurred = functional.avg_pool3d(image, 3, 1, 1, count_include_pad=False)
    share = torch.rand(n, 1, 1, 1, 1, generator=rng) ** 2 * 0.6
    image = image + share * (blurred - image)
    image = (
        image * gain
        + (shift + field * torch.tensor([0.3, 1.0]).view(1, 2, 1, 1, 1)) * inside
        + noise
    )
    low, high = torch.tensor([-2.0, -17 / 6]), torch.tensor([1.2, 11 / 6])
    image = torch.minimum(torch.maximum(image, low.view(1, 2, 1, 1, 1)), high.view(1, 2, 1, 1, 1))
    empty = (valid < 0.3).float()
    image = image * (1 - empty) + low.view(1, 2, 1, 1, 1) * empty
    return torch.cat([image, valid], 1), y


def _warp(rng: torch.Generator, n: int, shape: tuple[int, ...]) -> Tensor:
    size = torch.rand(n, 3, generator=rng) * 0.36 - 0.18
    theta = torch.zeros(n, 3, 4)
    for k in range(3):
        theta[:, k, k] = 1 + size[:, k]
    angles = (torch.rand(n, 3, generator=rng) - 0.5) * 0.4
    for k, (a, b) in enumerate(((0, 1), (0, 2), (1, 2))):
        theta[:, a, b] += angles[:, k]
        theta[:, b, a] -= angles[:, k]
    grid = functional.affine_grid(theta, [n, 1, *shape], align_corners=False)
    bend = torch.randn(n, 3, 4, 4, 4, generator=rng) * 0.035
    bend = functional.interpolate(bend, size=shape, mode="trilinear", align_corners=True)
    return grid + bend.permute(0, 2, 3, 4, 1)


def loss_of(logits: Tensor, y: Tensor, valid: Tensor) -> Tensor:
    """Cross entropy everywhere valid, overlap for the regions, weight on the courses."""
    weight = (valid > 0.3).float()
    heat = y[:, N_REGIONS:]
    cross = functional.binary_cross_entropy_with_logits(logits, y, reduction="none") * weight
    regions = cross[:, :N_REGIONS].mean()
    courses = (cross[:, N_REGIONS:] * (1 + 8 * heat)).mean()
    p = torch.sigmoid(logits[:, :N_REGIONS]) * weight
    t = y[:, :N_REGIONS] * weight
    axes = (0, 2, 3, 4)
    overlap = (2 * (p * t).sum(axes) + 50) / (p.sum(axes) + t.sum(axes) + 50)
    return regions + courses + 0.3 * (1 - overlap).mean()


def train_coarse(folder: Path, steps: int, seed: int, log: Path, batch: int = 6) -> CoarseNet:
    """Train for a number of steps; the same samples and seed give the same network."""
    torch.manual_seed(seed)
    rng, torch_rng = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    net = CoarseNet(len(COARSE_CHANNELS)).to(memory_format=torch.channels_last_3d)
    optimiser = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=1e-3)
    samples = [load_sample(path) for path in sorted(folder.glob("coarse-*.npz"))]
    running = 0.0
    for step in range(steps):
        drawn = [draw(rng, samples[int(rng.integers(len(samples)))]) for _ in range(batch)]
        x, y = (torch.from_numpy(np.stack(part)) for part in zip(*drawn, strict=True))
        x, y = augment(torch_rng, x, y)
        warm = min(1.0, (step + 1) / 20)
        for group in optimiser.param_groups:
            group["lr"] = _RATE * warm * (1 - step / steps) ** 0.7 + 1e-5
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(x.contiguous(memory_format=torch.channels_last_3d))
        loss = loss_of(logits.float(), y, x[:, 2:])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        running = 0.95 * running + 0.05 * float(loss.detach()) if step else float(loss.detach())
        if (step + 1) % 20 == 0:
            with log.open("a") as file:
                file.write(f"coarse {step + 1} samples {len(samples)} loss {running:.4f}\n")
    return net.to(memory_format=torch.contiguous_format).eval()
