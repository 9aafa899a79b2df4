"""The scan as a brought network sees it, cut into the windows it takes.

Comes in: a `Frame`, a `Network`, the voxels that may count.
Goes out: an input grid, the windows on it, and the input array of each.
Refuses: a scan smaller than the network's field, or a heart that reaches beyond it
(`FieldError`).

Where a grid axis has the scan's own voxels they are taken as they are; else values are
interpolated linearly between voxel centres, and each voxel reads its label off the cell it
lies in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.inference.description import LEAST_DIVISOR, Network, NetworkInput, Normalisation
from screening.inference.frame import Frame
from screening.records import AIR_HU

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
_GAUSSIAN_SIGMA = 0.125  # of the patch's length, as nnU-Net and MONAI weigh their patches


class FieldError(Exception):
    """The scan does not fit the network's field; the text says how."""


@dataclass(frozen=True, slots=True, eq=False)
class GridAxis:
    """One axis of the grid, along the network's direction.

    n : cells
    position : float64 (n,), native index of each cell's centre; None: the scan's own voxels
    cell_of : int64 (native voxels,), the cell each native voxel lies in
    """

    n: int
    position: NDArray[np.float64] | None
    cell_of: Ints


@dataclass(frozen=True, slots=True, eq=False)
class InputGrid:
    """The scan in the network's orientation and spacing.

    hu : int16 view [z, y, x] of the scan, flipped as the network wants it
    axes : z, y, x
    """

    hu: NDArray[np.int16]
    axes: tuple[GridAxis, GridAxis, GridAxis]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Cells along z, y, x."""
        z, y, x = self.axes
        return z.n, y.n, x.n


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of the grid: its first cell (may lie outside), its cells, the part answered for."""

    corner: tuple[int, int, int]
    size: tuple[int, int, int]
    answers: tuple[int, int, int]  # first cell of what the network labels
    answer_size: tuple[int, int, int]


def input_grid(frame: Frame, taken: NetworkInput) -> InputGrid:
    """Turn and lay out the scan for the network."""
    flips = [letter in "SAR" for letter in taken.orientation]
    hu = frame.hu[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    field, spacing = list(taken.field), list(taken.spacing_mm or ())
    is_slicewise = len(field) == 2
    axes = []
    for k in range(3):
        own = k - is_slicewise  # place among the network's own axes; -1: slices of a 2-D one
        if own >= 0 and spacing:
            axes.append(_resampled(frame, k, spacing[own], is_flipped=flips[k]))
        elif own >= 0 and taken.fit == "stretch":
            axes.append(_stretched(hu.shape[k], field[own]))
        else:
            n = hu.shape[k]
            axes.append(GridAxis(n, None, np.arange(n)))
    return InputGrid(hu, (axes[0], axes[1], axes[2]))


def _resampled(frame: Frame, axis: int, step_mm: float, *, is_flipped: bool) -> GridAxis:
    centres = frame.centres_mm(axis)
    half = frame.thickness_mm[-1] / 2 if axis == 0 else frame.spacing_mm[axis - 1] / 2
    extent = float(centres[-1] + half)
    if is_flipped:
        centres = extent - centres[::-1]
    n = max(1, round(extent / step_mm))
    at_mm = (np.arange(n) + 0.5) * step_mm
    position = np.interp(at_mm, centres, np.arange(len(centres), dtype=np.float64))
    cell = np.floor(centres / step_mm).astype(np.int64)
    return GridAxis(n, position, np.clip(cell, 0, n - 1))


def _stretched(n_native: int, n: int) -> GridAxis:
    if n == n_native:
        return GridAxis(n, None, np.arange(n))
    position = np.clip((np.arange(n) + 0.5) * n_native / n - 0.5, 0, n_native - 1)
    cell = np.floor((np.arange(n_native) + 0.5) * n / n_native).astype(np.int64)
    return GridAxis(n, position, cell)


def grid_points(frame: Frame, grid: InputGrid, taken: NetworkInput, voxels: Ints) -> Ints:
    """Cells (m, 3) of frame voxels (m, 3)."""
    columns = []
    for k, letter in enumerate(taken.orientation):
        at = voxels[:, k]
        if letter in "SAR":
            at = frame.hu.shape[k] - 1 - at
        columns.append(grid.axes[k].cell_of[at])
    return np.stack(columns, axis=1)


def make_windows(grid: InputGrid, network: Network, heart: NDArray[np.float64]) -> list[Window]:
    """All windows of a scan, in the order of z, y, x.

    Parameters
    ----------
    grid : from `input_grid`
    network : what to cut for
    heart : (3,) its centre, in cells of the grid

    Raises
    ------
    FieldError
        The scan is smaller than the field, and the manifest gives no padding.
    """
    taken = network.input
    field = taken.field if len(taken.field) == 3 else (1, *taken.field)
    if taken.pad_hu is None and any(n < m for n, m in zip(grid.shape, field, strict=True)):
        raise FieldError(
            f"the scan is smaller than the network's field: {_by(grid.shape)} against {_by(field)}"
        )
    if network.kind == "patch":
        starts = [
            _starts(n, m, network.overlap or 0.0) for n, m in zip(grid.shape, field, strict=True)
        ]
    else:
        middle = heart if taken.centre == "heart" else None
        starts = [
            [_centred(n, m, None if middle is None else float(middle[k]))]
            for k, (n, m) in enumerate(zip(grid.shape, field, strict=True))
        ]
    if network.kind == "slice":
        return [_slice_window(s, starts[1][0], starts[2][0], network) for s in range(grid.shape[0])]
    size = (field[0], field[1], field[2])
    corners = [(z, y, x) for z in starts[0] for y in starts[1] for x in starts[2]]
    return [Window(corner, size, corner, size) for corner in corners]


def _slice_window(s: int, y: int, x: int, network: Network) -> Window:
    around, (rows, columns) = network.input.neighbours, network.input.field
    size = (network.input.channels, rows, columns)
    return Window((s - around, y, x), size, (s, y, x), (1, rows, columns))


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _starts(n: int, size: int, overlap: float) -> list[int]:
    """First cells of windows that cover `n` cells; the last ends with them."""
    if n <= size:
        return [_centred(n, size, None)]
    step = max(1, int(size * (1 - overlap)))
    starts = list(range(0, n - size, step))
    return [*starts, n - size]


def _centred(n: int, size: int, middle: float | None) -> int:
    """First cell of a crop, or minus the padding before; an odd cell goes to the end."""
    if n <= size:
        return -((size - n) // 2)
    if middle is None:
        return (n - size) // 2
    return int(np.clip(round(middle - (size - 1) / 2), 0, n - size))


def inside(window: Window, points: Ints) -> NDArray[np.bool_]:
    """Which points the window answers for."""
    low = np.array(window.answers)
    return np.asarray(
        ((points >= low) & (points < low + np.array(window.answer_size))).all(1), dtype=np.bool_
    )


def normaliser(grid: InputGrid, taken: NetworkInput) -> Normalisation:
    """Return constants that turn windowed HU into input values."""
    if taken.normalisation.by == "none":
        return Normalisation(by="constants")
    if taken.normalisation.by == "constants":
        return taken.normalisation
    total = squares = 0.0
    for plane in grid.hu:  # slice by slice: the whole scan as numbers is half a gigabyte
        values = _windowed(plane.astype(np.float32), taken.window_hu).astype(np.float64)
        total, squares = total + float(values.sum()), squares + float((values**2).sum())
    mean = total / grid.hu.size
    spread = float(np.sqrt(max(squares / grid.hu.size - mean**2, 0.0)))
    spread = spread if spread >= LEAST_DIVISOR else 1.0  # all of one value, but for rounding
    return Normalisation(by="constants", subtract=mean, divide=spread)


def _windowed(hu: Floats, window_hu: tuple[float, float] | None) -> Floats:
    """Air outside the scanner's field, then the window."""
    hu = np.maximum(hu, np.float32(AIR_HU))
    return hu if window_hu is None else np.clip(hu, window_hu[0], window_hu[1])


def window_input(
    grid: InputGrid, window: Window, taken: NetworkInput, scale: Normalisation
) -> Floats:
    """Input values of one window, float32 [z, y, x]."""
    block: NDArray[np.int16] | Floats = grid.hu
    pads: list[tuple[int, int]] = []
    is_slicewise = len(taken.field) == 2
    for k in range(3):
        cells = np.arange(window.corner[k], window.corner[k] + window.size[k])
        n = grid.axes[k].n
        if k == 0 and is_slicewise:
            cells = np.clip(cells, 0, n - 1)
        kept = cells[(cells >= 0) & (cells < n)]
        before = int((cells < 0).sum())
        pads.append((before, len(cells) - len(kept) - before))
        block = _along(block, k, kept, grid.axes[k].position)
    values = _windowed(np.asarray(block, dtype=np.float32), taken.window_hu)
    if any(max(pad) for pad in pads):
        around = np.array([taken.pad_hu or 0.0], dtype=np.float32)
        around = _windowed(around, taken.window_hu)
        values = np.pad(values, pads, constant_values=around[0])
    values = (values - np.float32(scale.subtract)) / np.float32(scale.divide)
    return np.ascontiguousarray(values, dtype=np.float32)


def _along(
    block: NDArray[np.int16] | Floats, axis: int, cells: Ints, position: NDArray[np.float64] | None
) -> NDArray[np.int16] | Floats:
    if position is None:
        if len(cells) and (np.diff(cells) == 1).all():
            return block[(slice(None),) * axis + (slice(int(cells[0]), int(cells[-1]) + 1),)]
        return block.take(cells, axis=axis)
    at = position[cells]
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, block.shape[axis] - 1)
    part = (at - low).astype(np.float32).reshape([-1 if k == axis else 1 for k in range(3)])
    below = np.maximum(block.take(low, axis=axis), AIR_HU).astype(np.float32)
    above = np.maximum(block.take(high, axis=axis), AIR_HU).astype(np.float32)
    return np.asarray(below * (1 - part) + above * part, dtype=np.float32)


def weights(network: Network) -> Floats:
    """How much each cell of a window's answer counts where windows overlap, float32 [z, y, x]."""
    field = network.input.field
    size = (1, *field) if len(field) == 2 else field
    out = np.ones(size, dtype=np.float32)
    if network.blend == "gaussian":
        for k, n in enumerate(size):
            away = (np.arange(n) - (n - 1) / 2) / (n * _GAUSSIAN_SIGMA)
            bell = np.exp(-0.5 * away**2).astype(np.float32)
            out = out * bell.reshape([-1 if axis == k else 1 for axis in range(3)])
    return np.asarray(np.maximum(out, 1e-4 * out.max()), dtype=np.float32)
