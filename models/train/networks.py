"""The three networks.

Comes in: numbers of channels. Goes out: torch modules, and their ONNX files.
Refuses: nothing.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

N_LABELS = 13


def _block(n_in: int, n_out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(n_in, n_out, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm3d(n_out),
        nn.ReLU(inplace=True),
    )


class CoarseNet(nn.Module):
    """A small 3-D U-Net on 6 mm cells; most of its work is done at 12 mm and coarser."""

    def __init__(self, n_out: int, width: int = 24) -> None:
        super().__init__()
        w = width
        self.fold = nn.Sequential(
            nn.Conv3d(3, w, 2, stride=2, bias=False), nn.BatchNorm3d(w), nn.ReLU(inplace=True)
        )
        self.one = nn.Sequential(_block(w, w), _block(w, w))
        self.two = nn.Sequential(_block(w, 2 * w, 2), _block(2 * w, 2 * w))
        self.three = nn.Sequential(_block(2 * w, 3 * w, 2), _block(3 * w, 3 * w))
        self.four = nn.Sequential(_block(3 * w, 3 * w), nn.Dropout3d(0.1))
        self.up_two = _block(5 * w, 2 * w)
        self.up_one = nn.Sequential(_block(3 * w, w), _block(w, w))
        self.fine = _block(w // 2 + 3, 16)
        self.squeeze = nn.Conv3d(w, w // 2, 1)
        self.head = nn.Conv3d(16, n_out, 1)

    def forward(self, grid: Tensor) -> Tensor:
        """Logits, (n, n_out, z, y, x)."""
        one = self.one(self.fold(grid))
        two = self.two(one)
        three = self.four(self.three(two))
        two = self.up_two(torch.cat([_larger(three), two], 1))
        one = self.up_one(torch.cat([_larger(two), one], 1))
        fine = self.fine(torch.cat([_larger(self.squeeze(one)), grid], 1))
        return self.head(fine)


def _larger(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


class CandidateNet(nn.Module):
    """Labels one bright thing from its patch, its mask and its surroundings."""

    def __init__(self, n_features: int, n_labels: int = N_LABELS) -> None:
        super().__init__()
        self.patch = nn.Sequential(
            _block(4, 16, 2), _block(16, 32, 2), _block(32, 48, 2), nn.AdaptiveAvgPool3d(1)
        )
        self.squash = nn.Sequential(nn.Flatten(), nn.Linear(48, 24), nn.ReLU(inplace=True))
        self.scale = nn.BatchNorm1d(n_features)
        self.mix = nn.Sequential(
            nn.Linear(n_features + 6 + 24, 96),
            nn.ReLU(inplace=True),
            nn.Dropout(0.2),
            nn.Linear(96, 64),
            nn.ReLU(inplace=True),
            nn.Dropout(0.1),
            nn.Linear(64, n_labels),
        )

    def forward(self, patch: Tensor, mask: Tensor, features: Tensor) -> Tensor:
        """Logits, (n, n_labels)."""
        hu, one = patch.unsqueeze(1), mask.unsqueeze(1)
        windows = [
            hu.clamp(-1000, 1000) / 500,
            (hu.clamp(-200, 200)) / 100,
            (hu.clamp(100, 500) - 100) / 200,
            one,
        ]
        seen = self.squash(self.patch(torch.cat(windows, 1)))
        values = [self.scale(features), _ring(hu, one), seen]
        return self.mix(torch.cat(values, 1))


def _ring(hu: Tensor, mask: Tensor) -> Tensor:
    """Part of fat, lung and bright tissue in two in-plane rings, 0-2.5 and 2-5.5 mm."""
    near = functional.max_pool3d(mask, (1, 5, 5), 1, (0, 2, 2))
    far = functional.max_pool3d(mask, (1, 11, 11), 1, (0, 5, 5))
    parts = []
    for ring in (near - mask, far - near):
        total = ring.sum((1, 2, 3, 4)) + 1.0
        for low, high in ((-150.0, -20.0), (-1100.0, -400.0), (90.0, 4000.0)):
            inside = ((hu > low) & (hu < high)).float()
            parts.append((inside * ring).sum((1, 2, 3, 4)) / total)
    return torch.stack(parts, 1)


class BallNet(nn.Module):
    """Tells metal from calcium in a ball on a long bright thing."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.patch = nn.Sequential(
            _block(4, 16, 2), _block(16, 24), _block(24, 32, 2), _block(32, 48), _block(48, 64, 2)
        )
        self.squash = nn.Sequential(nn.Linear(128, 32), nn.ReLU(inplace=True), nn.Dropout(0.2))
        self.scale = nn.BatchNorm1d(n_features)
        self.mix = nn.Sequential(
            nn.Linear(32 + n_features, 48), nn.ReLU(inplace=True), nn.Dropout(0.1), nn.Linear(48, 1)
        )

    def forward(self, patch: Tensor, mask: Tensor, features: Tensor) -> Tensor:
        """Log-odds of metal, (b,)."""
        hu, one = patch.unsqueeze(1), mask.unsqueeze(1)
        windows = [
            hu.clamp(-200, 300) / 150,
            (hu.clamp(100, 600) - 100) / 200,
            (hu.clamp(200, 2200) - 200) / 600,
            one,
        ]
        seen = self.patch(torch.cat(windows, 1))
        seen = self.squash(torch.cat([seen.mean((2, 3, 4)), seen.amax((2, 3, 4))], 1))
        return self.mix(torch.cat([seen, self.scale(features)], 1))[:, 0]


def export_coarse(net: CoarseNet, shape: tuple[int, ...], path: Path) -> None:
    """Write the network with its sigmoid as ONNX."""
    model = nn.Sequential(net, nn.Sigmoid()).eval()
    torch.onnx.export(
        model,
        (torch.zeros(1, 3, *shape),),
        str(path),
        input_names=["grid"],
        output_names=["maps"],
        dynamo=False,
        opset_version=17,
    )


def export_candidate(
    net: CandidateNet, patch: tuple[int, ...], n_features: int, path: Path
) -> None:
    """Write the network with its softmax as ONNX; the number of candidates is free."""

    class _WithSoftmax(nn.Module):
        def forward(self, patch: Tensor, mask: Tensor, features: Tensor) -> Tensor:
            return torch.softmax(self.net(patch, mask, features), 1)

    model = _WithSoftmax()
    model.net = net
    axes = {name: {0: "n"} for name in ("patch", "mask", "features", "labels")}
    torch.onnx.export(
        model.eval(),
        (torch.zeros(2, *patch), torch.zeros(2, *patch), torch.zeros(2, n_features)),
        str(path),
        input_names=["patch", "mask", "features"],
        output_names=["labels"],
        dynamic_axes=axes,
        dynamo=False,
        opset_version=17,
    )


def export_balls(net: BallNet, patch: tuple[int, ...], n_features: int, path: Path) -> None:
    """Write the network as ONNX; the number of balls is free."""
    torch.onnx.export(
        net.eval(),
        (torch.zeros(2, *patch), torch.zeros(2, *patch), torch.zeros(2, n_features)),
        str(path),
        input_names=["patch", "mask", "features"],
        output_names=["log_odds"],
        dynamic_axes={name: {0: "b"} for name in ("patch", "mask", "features", "log_odds")},
        dynamo=False,
        opset_version=17,
    )
