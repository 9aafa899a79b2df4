"""Where the heart is, from the coarse network's maps.

Comes in: the coarse grid and the network's maps.
Goes out: an `Anatomy` (heart, reach of the search, landmarks), or None without a heart.
Refuses: a grid on which no heart of plausible size is found.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.inference.frame import CELL_MM, CoarseGrid, Frame
from screening.records import BloodPool, Volume
from screening.surroundings import Place, Surroundings

COARSE_CHANNELS = (
    "heart",
    "aorta",
    "aortic_root",
    "airway",
    "hilum",
    "bone",
    "LM",
    "LAD",
    "LCX",
    "RCA",
    "mitral_annulus",
    "aortic_valve",
)
VESSEL_CHANNELS = tuple(COARSE_CHANNELS.index(name) for name in ("LM", "LAD", "LCX", "RCA"))
_HEART, _AORTA = COARSE_CHANNELS.index("heart"), COARSE_CHANNELS.index("aorta")
_BONE = COARSE_CHANNELS.index("bone")
_MITRAL, _VALVE = COARSE_CHANNELS.index("mitral_annulus"), COARSE_CHANNELS.index("aortic_valve")

# A grown heart with its fat fills 0.4-1.2 litres; what is less than a fifth of a small
# one is a false find or a sliver of a heart at the stack's end.
MIN_HEART_ML = 80.0
MAX_HEART_ML = 2400.0  # beyond any heart: liver or shoulders were taken for one
MIN_LUNG_ML = 100.0  # a chest shows lung, if only beside the heart
_LUNG_HU = (-960.0, -500.0)  # outside air and bowel gas are darker
MIN_HEART_PEAK = 0.8
# Mean over LAD, LCX and RCA. Model 0.2.1 on 45 simulated people: whole chests from 0.79, their
# bellies up to 0.71, their necks up to 0.68; three real chests 0.78 to 0.84, a real belly 0.65.
_MIN_COURSE_PEAK = 0.74
_REACH_CELLS = 2  # 12 mm beyond the heart: courses run in the fat outside it
_COURSE_REACH = 0.15
_NEAR_VALVE_CELLS = 20
_BONE_CERTAIN = 0.7  # ribs, spine and sternum hold many bright voxels and no coronary
# Spine, ribs and sternum together: their middle is 48 to 84 mm behind the heart's in 24 simulated
# and three real chests, and 39 to 57 mm before it where these, turned front to back, show a heart.
_BONE_HU, _IN_FRONT_MM = 150.0, 20.0
_BLOOD_CERTAIN = 0.8
_FAT_HU, _SOFT_HU = -90.0, 40.0
_MIN_BLOOD_VOXELS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """What the coarse maps say.

    maps : float32 (channels,) + grid
    heart, reach : bool grid; `reach` is where bright voxels are looked at
    landmarks : float64 (5, 3) grid coordinates of heart centre, aortic valve, mitral
        annulus, LM and RCA maxima
    course : bool grid, the part of `reach` along the coronary arteries
    is_cut : the heart touches the stack's end or the field's edge
    """

    maps: NDArray[np.float32]
    heart: NDArray[np.bool_]
    reach: NDArray[np.bool_]
    landmarks: NDArray[np.float64]
    course: NDArray[np.bool_]
    is_cut: bool


def find_heart(grid: CoarseGrid, maps: NDArray[np.float32]) -> Anatomy | None:
    """Read heart, search region and landmarks off the maps; None where no heart is."""
    heart = _heart_component(maps, grid.valid > 0.5)
    if heart is None or not MIN_HEART_ML <= _millilitres(heart) <= MAX_HEART_ML:
        return None
    lung = (grid.wide > _LUNG_HU[0]) & (grid.wide < _LUNG_HU[1]) & (grid.valid > 0.5)
    if _millilitres(ndimage.binary_erosion(lung)) < MIN_LUNG_ML:  # the skin's rim is thin
        return None
    if maps[_HEART][heart].max() < MIN_HEART_PEAK or _is_turned(grid, heart):
        return None
    near = ndimage.binary_dilation(heart, iterations=4)
    courses = maps[list(VESSEL_CHANNELS)]
    if courses[1:, near].max(axis=1).mean() < _MIN_COURSE_PEAK:
        return None
    reach = ndimage.binary_dilation(heart, iterations=_REACH_CELLS)
    course = near & (courses.max(0) > _COURSE_REACH)
    reach |= course | (near & (maps[_AORTA] > 0.5))
    reach &= (maps[_BONE] < _BONE_CERTAIN) | heart
    reach &= grid.valid > 0
    return Anatomy(
        maps=maps,
        heart=heart,
        reach=reach,
        landmarks=_landmarks(maps, heart, near),
        course=course & reach,
        is_cut=_is_cut(grid, heart),
    )


def _millilitres(cells: NDArray[np.bool_]) -> float:
    return float(cells.sum()) * CELL_MM**3 / 1000


def _heart_component(
    maps: NDArray[np.float32], scanned: NDArray[np.bool_]
) -> NDArray[np.bool_] | None:
    """Keep the piece that is large and near the valves (shoulders can look alike).

    Beyond the slices, too, the network draws hearts; what was not scanned is none.
    """
    parts, n = ndimage.label((maps[_HEART] > 0.5) & scanned)
    if n == 0:
        return None
    sizes = np.bincount(parts.ravel())[1:].astype(np.float64)
    valves = np.maximum(maps[_MITRAL], maps[_VALVE]) * scanned
    peak = np.array(np.unravel_index(int(valves.argmax()), valves.shape))
    centres = np.array(ndimage.center_of_mass(parts > 0, parts, range(1, n + 1)))
    away = np.linalg.norm(centres - peak, axis=1)
    best = int(np.argmax(sizes * np.exp(-away / _NEAR_VALVE_CELLS)))
    return np.asarray(ndimage.binary_fill_holes(parts == best + 1), dtype=np.bool_)


def _landmarks(
    maps: NDArray[np.float32], heart: NDArray[np.bool_], near: NDArray[np.bool_]
) -> NDArray[np.float64]:
    points = [np.array(ndimage.center_of_mass(heart))]
    for name in ("aortic_valve", "mitral_annulus", "LM", "RCA"):
        heat = np.where(near, maps[COARSE_CHANNELS.index(name)], 0) ** 2
        total = float(heat.sum())
        points.append(np.array(ndimage.center_of_mass(heat)) if total > 1e-3 else points[0])
    return np.stack(points)


def _is_turned(grid: CoarseGrid, heart: NDArray[np.bool_]) -> bool:
    """Whether the bones beside the heart lie in front of it: the pixels' front is the back."""
    bone = (grid.wide > _BONE_HU) & ~heart
    bone[~heart.any(axis=(1, 2))] = False  # of the slices with heart
    if not bone.any():
        return False
    behind = np.argwhere(bone)[:, 1].mean() - np.argwhere(heart)[:, 1].mean()
    return float(behind) * CELL_MM < -_IN_FRONT_MM


def _is_cut(grid: CoarseGrid, heart: NDArray[np.bool_]) -> bool:
    inside = np.pad(grid.valid > 0.5, 1)
    core = ndimage.binary_erosion(inside, structure=ndimage.generate_binary_structure(3, 1))
    edge = (inside & ~core)[1:-1, 1:-1, 1:-1]
    return bool((heart & edge).sum() >= 3)


def heart_box(
    frame: Frame, grid: CoarseGrid, region: NDArray[np.bool_]
) -> tuple[int, int, int, int, int, int]:
    """Half-open voxel box of the frame that holds the cells of `region`."""
    box: list[int] = []
    for axis, span in enumerate(np.nonzero(region)):
        low = (span.min() + grid.corner[axis]) * CELL_MM
        high = (span.max() + 1 + grid.corner[axis]) * CELL_MM
        centres = frame.centres_mm(axis)
        first = int(np.searchsorted(centres, low))
        last = int(np.searchsorted(centres, high))
        n = len(centres)
        box += [min(first, n - 1), max(min(last, n), min(first, n - 1) + 1)]
    return box[0], box[1], box[2], box[3], box[4], box[5]


def cells_of_box(
    frame: Frame, grid: CoarseGrid, box: tuple[int, int, int, int, int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Grid cell of each slice, row and column of the box (for `np.ix_`)."""
    cells = []
    for axis in range(3):
        mm = frame.centres_mm(axis)[box[2 * axis] : box[2 * axis + 1]]
        cell = np.rint(grid.cell_of_mm(axis, mm)).astype(np.int64)
        cells.append(np.clip(cell, 0, grid.wide.shape[axis] - 1))
    return cells[0], cells[1], cells[2]


def blood_pool(frame: Frame, grid: CoarseGrid, anatomy: Anatomy) -> BloodPool | None:
    """Hounsfield units of the blood in heart and aorta, bright or not.

    No upper limit is set on the voxels: after contrast agent the blood itself is above
    the calcium threshold. The median is taken, which a few calcified voxels do not move.
    """
    core = _blood(grid, anatomy)
    if not core.any():
        return None
    box = heart_box(frame, grid, core)
    inside = core[np.ix_(*cells_of_box(frame, grid, box))][:, ::3, ::3]
    voxels = frame.hu[box[0] : box[1], box[2] : box[3] : 3, box[4] : box[5] : 3][inside]
    if len(voxels) < _MIN_BLOOD_VOXELS:
        return None
    median = float(np.median(voxels))
    spread = 1.4826 * float(np.median(np.abs(voxels - median)))
    return BloodPool(mean_hu=median, sd_hu=spread, n_voxels=len(voxels))


def _blood(grid: CoarseGrid, anatomy: Anatomy) -> NDArray[np.bool_]:
    """Cells that are heart or aorta for certain, and so are their neighbours."""
    certain = (anatomy.maps[_HEART] > _BLOOD_CERTAIN) & anatomy.heart
    certain |= anatomy.maps[_AORTA] > _BLOOD_CERTAIN
    return np.asarray(ndimage.binary_erosion(certain) & (grid.valid > 0.99), dtype=np.bool_)


def surroundings(volume: Volume, frame: Frame, grid: CoarseGrid, anatomy: Anatomy) -> Surroundings:
    """Tell where things lie round the heart, in patient coordinates."""
    place = np.zeros(anatomy.heart.shape, dtype=np.uint8)
    for bit, cells in (
        (Place.HEART, anatomy.heart),
        (Place.COURSE, anatomy.course),
        (Place.BLOOD, _blood(grid, anatomy)),
        (Place.BONE, anatomy.maps[_BONE] > 0.5),
    ):
        place[cells] |= np.uint8(bit)
    axes, corner = frame.to_lps(volume)
    to_cell = np.empty((3, 4))
    to_cell[:, :3] = axes / CELL_MM
    to_cell[:, 3] = -axes @ corner / CELL_MM - 0.5 - np.array(grid.corner)
    valve, mitral = (
        np.linalg.solve(to_cell[:, :3], point - to_cell[:, 3]) for point in anatomy.landmarks[1:3]
    )
    # A cell's mean tells how much of it is fat: 0 at -90 HU, 1 at the 40 HU of blood and muscle.
    soft = np.clip((grid.narrow[anatomy.course] - _FAT_HU) / (_SOFT_HU - _FAT_HU), 0, 1)
    return Surroundings(
        place=place,
        to_cell=to_cell,
        soft_ml=float(soft.sum()) * CELL_MM**3 / 1000,
        aortic_valve_lps_mm=(float(valve[0]), float(valve[1]), float(valve[2])),
        mitral_annulus_lps_mm=(float(mitral[0]), float(mitral[1]), float(mitral[2])),
    )
