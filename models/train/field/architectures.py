"""The networks that are compared.

Comes in: nothing but their names.
Goes out: torch modules, what each is shown, and their ONNX files.
Refuses: nothing.

All are small: what a budget of minutes on one core can train, and what a night of scans on a
hospital's processors can run. The segmenting ones follow U-Net (Ronneberger 2015,
doi:10.1007/978-3-319-24574-4_28), U-Net++ (Zhou 2018, doi:10.1007/978-3-030-00889-5_1, without
deep supervision) and 3-D U-Net (Cicek 2016, doi:10.1007/978-3-319-46723-8_49); the classifiers
ResNet (He 2016, doi:10.1109/CVPR.2016.90) and VGG (Simonyan 2015, arXiv:1409.1556).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.train.networks import N_LABELS, CandidateNet
from screening.inference.candidates import N_FEATURES, N_MAPS, PATCH_VOXELS

N_CONTEXT = N_MAPS + 3  # coarse maps, and where the heart's centre lies
N_PLANES = 3
N_WINDOWS = 3
_OPSET = 17


class Kind(StrEnum):
    """What a network is shown and asked."""

    PLANES = "planes"  # one axial plane with two neighbours: a label for each of its voxels
    BLOCK = "block"  # a block of the heart's box: a label for each of its voxels
    THINGS = "things"  # one bright thing: its label


def _windows(hu: Tensor) -> Tensor:
    """Three windows of each channel, as the default network makes them."""
    return torch.cat(
        [hu.clamp(-1000, 1000) / 500, hu.clamp(-200, 200) / 100, (hu.clamp(100, 500) - 100) / 200],
        1,
    )


def _one(dims: int, n_in: int, n_out: int, stride: int = 1) -> nn.Sequential:
    conv, norm = ((nn.Conv2d, nn.BatchNorm2d), (nn.Conv3d, nn.BatchNorm3d))[dims - 2]
    return nn.Sequential(
        conv(n_in, n_out, 3, stride=stride, padding=1, bias=False),
        norm(n_out),
        nn.ReLU(inplace=True),
    )


def _two(dims: int, n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(_one(dims, n_in, n_out), _one(dims, n_out, n_out))


def _smaller(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 2) if x.ndim == 4 else functional.max_pool3d(x, 2)


def _larger(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def _head(dims: int, n_in: int) -> nn.Module:
    return (nn.Conv2d, nn.Conv3d)[dims - 2](n_in, N_LABELS, 1)


class UNet(nn.Module):
    """U-Net in two or three dimensions; sizes must be multiples of 8."""

    def __init__(self, dims: int, planes: int, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        sizes = (N_WINDOWS * planes + N_CONTEXT, *widths)
        self.down = nn.ModuleList(_two(dims, a, b) for a, b in zip(sizes, widths, strict=False))
        self.up = nn.ModuleList(_two(dims, widths[k] + widths[k + 1], widths[k]) for k in range(3))
        self.head = _head(dims, widths[0])

    def forward(self, hu: Tensor, context: Tensor) -> Tensor:
        """Logits, (n, labels) + the planes' or block's shape."""
        x = torch.cat([_windows(hu), context], 1)
        kept = []
        for level, down in enumerate(self.down):
            x = down(_smaller(x) if level else x)
            kept.append(x)
        for level in (2, 1, 0):
            x = self.up[level](torch.cat([_larger(x), kept[level]], 1))
        return self.head(x)


class UNetPlusPlus(nn.Module):
    """U-Net with nested, dense skips, in the plane; sizes must be multiples of 8."""

    def __init__(self, planes: int, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        sizes = (N_WINDOWS * planes + N_CONTEXT, *widths)
        self.down = nn.ModuleList(_two(2, a, b) for a, b in zip(sizes, widths, strict=False))
        self.nested = nn.ModuleDict(
            {
                f"{level}_{step}": _two(2, step * widths[level] + widths[level + 1], widths[level])
                for step in (1, 2, 3)
                for level in range(4 - step)
            }
        )
        self.head = _head(2, widths[0])

    def forward(self, hu: Tensor, context: Tensor) -> Tensor:
        """Logits, (n, labels, rows, columns)."""
        x = torch.cat([_windows(hu), context], 1)
        rows: list[list[Tensor]] = []
        for level, down in enumerate(self.down):
            x = down(_smaller(x) if level else x)
            rows.append([x])
        for step in (1, 2, 3):
            for level in range(4 - step):
                below = _larger(rows[level + 1][step - 1])
                nested = self.nested[f"{level}_{step}"]
                rows[level].append(nested(torch.cat([*rows[level], below], 1)))
        return self.head(rows[0][-1])


class _Residual(nn.Module):
    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.way = nn.Sequential(
            _one(3, n_in, n_out, stride),
            nn.Conv3d(n_out, n_out, 3, padding=1, bias=False),
            nn.BatchNorm3d(n_out),
        )
        self.past = (
            nn.Identity()
            if n_in == n_out and stride == 1
            else nn.Sequential(
                nn.Conv3d(n_in, n_out, 1, stride=stride, bias=False), nn.BatchNorm3d(n_out)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.way(x) + self.past(x))


class _Classifier(nn.Module):
    """A trunk over patch and mask; its last layers also get the default network's features."""

    def __init__(self, trunk: nn.Module, n_trunk: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.trunk, self.scale = trunk, nn.BatchNorm1d(N_FEATURES)
        layers: list[nn.Module] = []
        sizes = (n_trunk + N_FEATURES, *widths)
        for a, b in zip(sizes, widths, strict=False):
            layers += [nn.Linear(a, b), nn.ReLU(inplace=True), nn.Dropout(0.2)]
        self.last = nn.Sequential(*layers, nn.Linear(sizes[-1], N_LABELS))

    def forward(self, patch: Tensor, mask: Tensor, features: Tensor) -> Tensor:
        """Logits, (n, labels)."""
        seen = torch.cat([_windows(patch.unsqueeze(1)), mask.unsqueeze(1)], 1)
        return self.last(torch.cat([self.trunk(seen), self.scale(features)], 1))


def resnet() -> nn.Module:
    """Stem and three stages of two residual blocks, then the mean over the patch."""
    stages = [_Residual(a, b, s) for a, b, s in ((16, 16, 1), (16, 16, 1), (16, 32, 2), (32, 32, 1),
                                                (32, 64, 2), (64, 64, 1))]  # fmt: skip
    trunk = nn.Sequential(_one(3, 4, 16, 2), *stages, nn.AdaptiveAvgPool3d(1), nn.Flatten())
    return _Classifier(trunk, 64, (64,))


def vgg() -> nn.Module:
    """Three times two convolutions and a maximum, then two wide layers over all that is left."""
    parts: list[nn.Module] = []
    for a, b in ((4, 12), (12, 24), (24, 48)):
        parts += [_two(3, a, b), nn.MaxPool3d(2)]
    left = 48
    for n in PATCH_VOXELS:
        left *= n // 8
    return _Classifier(nn.Sequential(*parts, nn.Flatten()), left, (256, 128))


@dataclass(frozen=True, slots=True)
class Architecture:
    """One row of the table.

    batch : crops or things a step, chosen so that a step takes about as long in each
    """

    key: str
    name: str
    kind: Kind
    batch: int
    make: Callable[[], nn.Module]


ARCHITECTURES = (
    Architecture("unet-2d", "2-D U-Net", Kind.PLANES, 16,
                 lambda: UNet(2, N_PLANES, (16, 32, 48, 64))),
    Architecture("unet-plus-plus", "U-Net++, 2-D", Kind.PLANES, 16,
                 lambda: UNetPlusPlus(N_PLANES, (16, 32, 48, 64))),
    Architecture("unet-3d", "3-D U-Net", Kind.BLOCK, 4, lambda: UNet(3, 1, (12, 24, 36, 48))),
    Architecture("resnet", "ResNet-style classifier", Kind.THINGS, 48, resnet),
    Architecture("vgg", "VGG-style classifier", Kind.THINGS, 32, vgg),
    Architecture("default", "CandidateNet (default)", Kind.THINGS, 96,
                 lambda: CandidateNet(N_FEATURES)),
)  # fmt: skip


class _Probabilities(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, *given: Tensor) -> Tensor:
        return torch.softmax(self.net(*given), 1)


def example(kind: Kind) -> dict[str, Tensor]:
    """Empty input of the least size, by name."""
    if kind is Kind.THINGS:
        patch = torch.zeros(2, *PATCH_VOXELS)
        return {"patch": patch, "mask": patch.clone(), "features": torch.zeros(2, N_FEATURES)}
    shape = (16, 16) if kind is Kind.PLANES else (16, 16, 16)
    planes = N_PLANES if kind is Kind.PLANES else 1
    return {"hu": torch.zeros(2, planes, *shape), "context": torch.zeros(2, N_CONTEXT, *shape)}


def export(net: nn.Module, kind: Kind, path: Path) -> None:
    """Write the network with its softmax as ONNX; numbers and sizes are free."""
    given = example(kind)
    free = [0] if kind is Kind.THINGS else [0, *range(2, 4 if kind is Kind.PLANES else 5)]
    axes = {name: {axis: f"n{axis}" for axis in free} for name in (*given, "labels")}
    torch.onnx.export(
        _Probabilities(net).eval(),
        tuple(given.values()),
        str(path),
        input_names=list(given),
        output_names=["labels"],
        dynamic_axes=axes,
        dynamo=False,
        opset_version=_OPSET,
    )
