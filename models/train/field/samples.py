"""What each kind of network is shown of a scan.

Comes in: heart pairs, or a scan that is judged; the coarse network that all architectures share.
Goes out: bright things as inference finds them, and the heart's box at 1.5 x 1 x 1 mm with what
the coarse network says of it; both kept in files for training.
Refuses: a scan without a heart or without bright things gives None.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.train.phantoms import HeartPair, aligned, read_heart_pair, true_labels
from screening.inference.anatomy import Anatomy, blood_pool, find_heart, heart_box
from screening.inference.candidates import PATCH_STEP_MM, Candidates, find_candidates
from screening.inference.frame import CELL_MM, CoarseGrid, Frame, coarse_grid, make_frame
from screening.inference.session import Networks
from screening.records import BloodPool

STEP_MM = PATCH_STEP_MM
_MULTIPLE = 8  # the U-Nets halve three times
_LEAST_VOXELS = (24, 64, 64)  # a training crop fits in
_BESIDE = 2  # a plane's neighbours lie 3 mm above and below: thinner slices repeat
_PER_50_MM = CELL_MM / 50.0
Floats = NDArray[np.float32]
Window = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A scan after the stage that all architectures share."""

    frame: Frame
    grid: CoarseGrid
    anatomy: Anatomy
    blood: BloodPool | None
    things: Candidates


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """The box of the heart's reach, nearest voxels at STEP_MM.

    hu : int16 (z, y, x)
    maps : float16 (maps, z, y, x), the coarse cells that the box needs
    cells : for each axis float32, where each plane, row, column lies, in cells of `maps`
    centre : float32 (3,), the heart's centre, in the same cells
    spot : int64 (m, 3), where each voxel of each bright thing lies in the crop
    """

    hu: NDArray[np.int16]
    maps: NDArray[np.float16]
    cells: tuple[Floats, Floats, Floats]
    centre: Floats
    spot: NDArray[np.int64]


def see(frame: Frame, grid: CoarseGrid, nets: Networks) -> Seen | None:
    """Find the heart and the bright things about it, as inference does."""
    anatomy = find_heart(grid, nets.run_coarse(grid.input_array()))
    if anatomy is None:
        return None
    blood = blood_pool(frame, grid, anatomy)
    things = find_candidates(frame, grid, anatomy, heart_box(frame, grid, anatomy.reach), blood)
    return Seen(frame, grid, anatomy, blood, things) if len(things.component) else None


def see_pair(pair: HeartPair, nets: Networks) -> Seen | None:
    """See the fine scan with the rough scan's anatomy."""
    grid = aligned(coarse_grid(make_frame(pair.rough)), pair.rough, pair.fine)
    return see(make_frame(pair.fine), grid, nets)


def crop_of(seen: Seen) -> Crop:
    """Resample the heart's box; beyond the scan its edge repeats."""
    frame, grid = seen.frame, seen.grid
    box = heart_box(frame, grid, seen.anatomy.reach)
    maps, centre = seen.anatomy.maps, seen.anatomy.landmarks[0].astype(np.float32)
    voxels, cells, spots = [], [], []
    for axis in range(3):
        centres, step = frame.centres_mm(axis), STEP_MM[axis]
        low, high = centres[box[2 * axis]], centres[box[2 * axis + 1] - 1]
        n = max(int(np.ceil((high - low) / step)) + 1, _LEAST_VOXELS[axis])
        n = -(-n // _MULTIPLE) * _MULTIPLE
        mm = low + np.arange(n) * step
        index = np.arange(len(centres))
        voxels.append(np.rint(np.interp(mm, centres, index)).astype(np.int64))
        cell = grid.cell_of_mm(axis, mm)
        first = int(np.clip(cell[0], 0, maps.shape[axis + 1] - 2))
        last = int(np.clip(np.ceil(cell[-1]) + 1, first + 2, maps.shape[axis + 1]))
        maps = maps[(slice(None),) * (axis + 1) + (slice(first, last),)]
        centre[axis] -= first
        cells.append((cell - first).astype(np.float32))
        at = np.rint((centres[seen.things.voxels[:, axis]] - low) / step).astype(np.int64)
        spots.append(np.clip(at, 0, n - 1))
    return Crop(
        hu=np.ascontiguousarray(frame.hu[np.ix_(*voxels)]),
        maps=maps.astype(np.float16),
        cells=(cells[0], cells[1], cells[2]),
        centre=centre,
        spot=np.stack(spots, axis=1),
    )


def context(crop: Crop, window: Window) -> Floats:
    """Coarse maps, linearly between their cells, and mm from the heart's centre by 50.

    float32 (maps + 3,) + the window's shape
    """
    maps, weights, away = crop.maps, [], []
    for axis in range(3):
        cells = crop.cells[axis][window[axis]]
        away.append((cells - crop.centre[axis]) * _PER_50_MM)
        inside = np.clip(cells, 0, maps.shape[axis + 1] - 1)
        first, last = int(inside.min()), int(np.ceil(inside.max())) + 1
        maps = maps[(slice(None),) * (axis + 1) + (slice(first, last),)]
        weights.append(np.maximum(0, 1 - np.abs(inside[:, None] - np.arange(first, last))))
    wz, wy, wx = (w.astype(np.float32) for w in weights)
    flat = wy @ (maps.astype(np.float32) @ wx.T)
    n, z = flat.shape[:2]
    shape = (len(wz), len(wy), len(wx))
    out = np.empty((n + 3, *shape), dtype=np.float32)
    out[:n] = (wz @ flat.reshape(n, z, -1)).reshape(n, *shape)
    for axis in range(3):
        out[n + axis] = away[axis].reshape([-1 if k == axis else 1 for k in range(3)])
    return out


def planes(crop: Crop, numbers: NDArray[np.int64], rows: slice, columns: slice) -> Floats:
    """Planes with their neighbours 3 mm above and below, HU, float32 (n, 3, rows, columns)."""
    beside = numbers[:, None] + np.array([-_BESIDE, 0, _BESIDE])
    beside = np.clip(beside, 0, len(crop.hu) - 1)
    return crop.hu[:, rows, columns][beside].astype(np.float32)


def write_samples(pairs: list[Path], folder: Path, nets: Networks) -> None:
    """Keep the things and the crop of every pair; what was made before is left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in pairs:
        target = folder / path.name.replace("pair", "things")
        if target.exists():
            continue
        pair = read_heart_pair(path)
        seen = see_pair(pair, nets)
        if seen is None:
            continue
        crop = crop_of(seen)
        np.save(folder / path.with_suffix(".npy").name.replace("pair", "hu"), crop.hu)
        np.savez(
            folder / path.name.replace("pair", "crop"),
            maps=crop.maps,
            cells_z=crop.cells[0],
            cells_y=crop.cells[1],
            cells_x=crop.cells[2],
            centre=crop.centre,
            spot=crop.spot.astype(np.int16),
            owner=seen.things.owner.astype(np.int16),
            voxel_label=pair.labels[tuple(seen.things.voxels.T)],
        )
        _write_things(target, seen, pair)


def _write_things(target: Path, seen: Seen, pair: HeartPair) -> None:
    """Write as `models.train.candidate` reads; the file is complete when it appears."""
    label, agatston = true_labels(seen.frame, pair.labels, seen.things)
    part = target.with_name(f"part-{target.name}")
    np.savez(
        part,
        patch=np.clip(seen.things.patches, -1100, 3071).astype(np.int16),
        mask=seen.things.masks > 0,
        features=seen.things.features,
        label=label,
        agatston=agatston,
    )
    part.rename(target)


def read_crop(folder: Path, things: Path) -> tuple[Crop, NDArray[np.int64], NDArray[np.int64]]:
    """Return the crop that belongs to a file of things, its voxels' things and true labels."""
    name = things.name.replace("things", "crop")
    hu = np.load(folder / name.replace("crop", "hu").replace(".npz", ".npy"), mmap_mode="r")
    with np.load(folder / name) as stored:
        crop = Crop(
            hu=hu,
            maps=stored["maps"],
            cells=(stored["cells_z"], stored["cells_y"], stored["cells_x"]),
            centre=stored["centre"],
            spot=stored["spot"].astype(np.int64),
        )
        return crop, stored["owner"].astype(np.int64), stored["voxel_label"].astype(np.int64)
