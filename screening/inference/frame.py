"""One orientation and one coarse grid for every scan.

Comes in: a `Volume`.
Goes out: a `Frame` (the voxels seen head to feet, front to back, right to left, without a
copy) and a `CoarseGrid` of 6 mm cells, cut to the net's fixed shape around the lungs.
Refuses: nothing; what is outside the scanner's field is marked as not valid.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.records import AIR_HU, PADDING_HU, Volume

CELL_MM = 6.0
GRID_CELLS = (56, 48, 56)  # head to feet, front to back, right to left
WIDE_HU = (-1000.0, 600.0)
NARROW_HU = (-150.0, 130.0)  # ends at the calcium threshold: calcium itself is no cue
_AIR_CELL_HU = -400.0  # cells below are lung or outside air
_SAMPLE_MM = 1.5  # a cell needs no denser sampling in the plane, nor twice that along the axis
_MIN_LUNG_CELLS = 1000  # 0.2 litres; with less the field's centre is taken


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A volume seen in one orientation.

    hu : int16 view [slice to the feet, row to the back, column to the left]
    spacing_mm : (row, column) of the view
    depth_mm : float64 (slices,), centre of each slice, from the top of the stack
    thickness_mm : float64 (slices,), the slab each slice stands for
    """

    hu: NDArray[np.int16]
    spacing_mm: tuple[float, float]
    depth_mm: NDArray[np.float64]
    thickness_mm: NDArray[np.float64]
    is_transposed: bool
    is_row_flipped: bool
    is_column_flipped: bool

    def centres_mm(self, axis: int) -> NDArray[np.float64]:
        """Voxel centres along one axis, mm from the frame's corner."""
        if axis == 0:
            return self.depth_mm
        n = self.hu.shape[axis]
        return (np.arange(n, dtype=np.float64) + 0.5) * self.spacing_mm[axis - 1]

    def flat_index(
        self, s: NDArray[np.int64], r: NDArray[np.int64], c: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Flat C-order index into `Volume.hu` of the view's voxels."""
        rows, columns = self.hu.shape[1:]
        r = rows - 1 - r if self.is_row_flipped else r
        c = columns - 1 - c if self.is_column_flipped else c
        if self.is_transposed:
            r, c, rows, columns = c, r, columns, rows
        flat: NDArray[np.int64] = (s * rows + r) * columns + c
        return flat

    def to_lps(self, volume: Volume) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Directions to the feet, the back and the left as rows, and the frame's corner, LPS mm."""
        row, column = volume.row_axis_lps, volume.column_axis_lps
        normal = np.cross(row, column)
        if (volume.origins_lps_mm[-1] - volume.origins_lps_mm[0]) @ normal < 0 or (
            len(volume.origins_lps_mm) == 1 and normal[2] > 0
        ):
            normal = -normal
        if self.is_transposed:
            row, column = column, row
        row, column = (
            (-row if self.is_row_flipped else row),
            (-column if self.is_column_flipped else column),
        )
        zero = np.zeros(1, dtype=np.int64)
        first = np.unravel_index(self.flat_index(zero, zero, zero), volume.hu.shape)
        axes = np.stack([normal, row, column])
        half_mm = np.array([self.thickness_mm[0], *self.spacing_mm]) / 2
        return axes, volume.lps_mm(np.stack(first, axis=1).astype(float))[0] - half_mm @ axes

    def volume_box(self, box: tuple[int, ...]) -> tuple[int, int, int, int, int, int]:
        """Half-open box of the view, in the volume's own indices."""
        s0, s1, r0, r1, c0, c1 = box
        rows, columns = self.hu.shape[1:]
        if self.is_row_flipped:
            r0, r1 = rows - r1, rows - r0
        if self.is_column_flipped:
            c0, c1 = columns - c1, columns - c0
        if self.is_transposed:
            r0, r1, c0, c1 = c0, c1, r0, r1
        return s0, s1, r0, r1, c0, c1


def make_frame(volume: Volume) -> Frame:
    """See `volume` head to feet, front to back, right to left."""
    hu = volume.hu
    row, column = volume.row_axis_lps, volume.column_axis_lps
    spacing = volume.spacing_mm
    is_transposed = abs(row[0]) > abs(row[1])
    if is_transposed:
        hu = hu.transpose(0, 2, 1)
        row, column, spacing = column, row, (spacing[1], spacing[0])
    is_row_flipped, is_column_flipped = bool(row[1] < 0), bool(column[0] < 0)
    if is_row_flipped:
        hu = hu[:, ::-1]
    if is_column_flipped:
        hu = hu[:, :, ::-1]
    normal = np.cross(volume.column_axis_lps, volume.row_axis_lps)
    depth = np.abs((volume.origins_lps_mm - volume.origins_lps_mm[0]) @ normal)
    thickness = np.asarray(volume.increments_mm, dtype=np.float64)
    return Frame(
        hu=hu,
        spacing_mm=spacing,
        depth_mm=depth + thickness[0] / 2,
        thickness_mm=thickness,
        is_transposed=is_transposed,
        is_row_flipped=is_row_flipped,
        is_column_flipped=is_column_flipped,
    )


@dataclass(frozen=True, slots=True, eq=False)
class CoarseGrid:
    """The net's input: 6 mm cells around the lungs.

    wide, narrow : float32 GRID_CELLS, mean HU of the clipped windows
    valid : float32 GRID_CELLS, part of the cell inside the scanner's field
    corner : frame cell index of the grid's first cell (may be negative)
    """

    wide: NDArray[np.float32]
    narrow: NDArray[np.float32]
    valid: NDArray[np.float32]
    corner: tuple[int, int, int]

    def input_array(self) -> NDArray[np.float32]:
        """Scaled network input, float32 (1, 3) + GRID_CELLS."""
        wide = self.wide / 500.0
        narrow = (self.narrow - 20.0) / 60.0
        return np.stack([wide, narrow, self.valid])[None].astype(np.float32)

    def cell_of_mm(self, axis: int, mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fractional grid coordinate (a cell's centre is whole) of a frame position."""
        return mm / CELL_MM - 0.5 - self.corner[axis]


def coarse_grid(frame: Frame) -> CoarseGrid:
    """Resample `frame` to 6 mm cells and cut the net's shape out of them."""
    wide, narrow, valid = all_cells(frame)
    centre = lung_centre(wide, valid)
    corner = tuple(
        _corner(centre[k], wide.shape[k], GRID_CELLS[k], is_long_axis=k == 0) for k in range(3)
    )
    corner3 = (corner[0], corner[1], corner[2])
    return CoarseGrid(
        wide=_cut(wide, corner3, WIDE_HU[0]),
        narrow=_cut(narrow, corner3, NARROW_HU[0]),
        valid=_cut(valid, corner3, 0.0),
        corner=corner3,
    )


def all_cells(
    frame: Frame,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Average the whole frame into cells: wide window, narrow window, part in the field."""
    slice_mm = float(np.median(frame.thickness_mm))
    kz, ky, kx = (max(1, int(_SAMPLE_MM / step)) for step in (slice_mm / 2, *frame.spacing_mm))
    hu = np.ascontiguousarray(frame.hu[::kz, ::ky, ::kx])
    weights = (
        _overlap(frame.depth_mm[::kz], frame.thickness_mm[::kz] * kz),
        _overlap(frame.centres_mm(1)[::ky], np.full(hu.shape[1], ky * frame.spacing_mm[0])),
        _overlap(frame.centres_mm(2)[::kx], np.full(hu.shape[2], kx * frame.spacing_mm[1])),
    )
    wide = _shrink(_clip(hu, WIDE_HU), weights)
    narrow = _shrink(_clip(hu, NARROW_HU), weights)
    outside = hu <= (PADDING_HU + AIR_HU) // 2
    valid = np.ones_like(wide)
    if outside.any():
        valid -= _shrink(outside, weights)
    return wide, narrow, valid


def _clip(hu: NDArray[np.int16], window: tuple[float, float]) -> NDArray[np.int16]:
    return np.clip(hu, np.int16(window[0]), np.int16(window[1]))


def _overlap(
    centres_mm: NDArray[np.float64], widths_mm: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Averaging weights (cells, samples); each row sums to one."""
    n_cells = max(1, int(np.ceil((centres_mm[-1] + widths_mm[-1] / 2) / CELL_MM - 1e-6)))
    middle = (np.arange(n_cells) + 0.5) * CELL_MM
    distance = np.abs(middle[:, None] - centres_mm[None])
    weights = np.clip((CELL_MM + widths_mm) / 2 - distance, 0, np.minimum(CELL_MM, widths_mm))
    empty = weights.sum(1) == 0
    weights[empty, np.argmin(distance[empty], axis=1)] = 1.0
    return np.asarray(weights / weights.sum(1, keepdims=True), dtype=np.float32)


def _shrink(
    hu: NDArray[np.int16] | NDArray[np.bool_], weights: tuple[NDArray[np.float32], ...]
) -> NDArray[np.float32]:
    wz, wy, wx = weights
    cells = hu.astype(np.float32) @ wx.T
    cells = np.matmul(wy, cells)
    shape = cells.shape
    return np.asarray(wz @ cells.reshape(shape[0], -1)).reshape(len(wz), *shape[1:])


def lung_centre(
    wide: NDArray[np.float32], valid: NDArray[np.float32]
) -> tuple[float, float, float]:
    """Return the middle of the air that has body on all four sides, in cells."""
    body = wide > _AIR_CELL_HU
    closed = ~body & (valid > 0.5)
    for axis in (1, 2):
        ahead = np.maximum.accumulate(body, axis=axis)
        behind = np.flip(np.maximum.accumulate(np.flip(body, axis), axis=axis), axis)
        closed &= ahead & behind
    found = np.nonzero(closed)
    if len(found[0]) < _MIN_LUNG_CELLS:
        found = np.nonzero(body & (valid > 0.5))
    if len(found[0]) == 0:
        return wide.shape[0] / 2, wide.shape[1] / 2, wide.shape[2] / 2
    low, high = np.percentile(np.stack(found), [5, 95], axis=1)
    middle = (low + high) / 2 + 0.5
    return float(middle[0]), float(middle[1]), float(middle[2])


def _corner(centre: float, n_cells: int, n_grid: int, *, is_long_axis: bool) -> int:
    if n_cells <= n_grid and is_long_axis:
        return -((n_grid - n_cells) // 2)
    return round(centre - n_grid / 2)


def _cut(
    cells: NDArray[np.float32], corner: tuple[int, int, int], fill: float
) -> NDArray[np.float32]:
    out = np.full(GRID_CELLS, fill, dtype=np.float32)
    source, target = [], []
    for k in range(3):
        first, last = max(0, corner[k]), min(cells.shape[k], corner[k] + GRID_CELLS[k])
        source.append(slice(first, max(first, last)))
        target.append(slice(first - corner[k], max(first, last) - corner[k]))
    out[tuple(target)] = cells[tuple(source)]
    return out
