"""Known calcium in real chests.

Comes in: a real scan's `Volume`, its `Landmarks`, a random generator.
Goes out: `PlacedScan`s: the scan with simulated calcium and metal along its own courses, valves
and aorta, and what each bright voxel is; candidates from them to train and test on.
Refuses: a folder of a scan that is missing or cannot be read.

Simulated chests have neither real bronchi and ribs nor real noise; three real scans have. What
was bright in them before keeps the label that a person gave it, and what nobody could name is
left out.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from models.train.landmarks import Landmarks
from models.train.phantoms import true_labels
from screening.inference.anatomy import blood_pool, find_heart, heart_box
from screening.inference.candidates import Candidates, find_candidates
from screening.inference.frame import Frame, coarse_grid, make_frame
from screening.inference.session import Networks
from screening.phantom import burden, hu_per_mg_cm3
from screening.phantom import deposits as make
from screening.phantom.deposits import Deposit
from screening.phantom.splat import optics, splat
from screening.records import CORONARY_LABELS, Label, Rejection, Volume
from screening.volume import load_volume, slab_average

# What was bright before anything was placed; its name is looked up among the scan's own things.
NATIVE = 200
_BRIGHT_HU, _LEAST_HU = 100.0, 3.0
SAME_THING_MM = 6.0
_FAR_MM = 12.0  # unnamed native things further than this from courses and valves are not coronary
_MOTION_COPIES = np.array([(-0.5, 0.28), (-0.2, 0.22), (0.1, 0.18), (0.5, 0.32)])
_SIGMA_MM = (0.45, 0.8)
_VALVE_MG, _ANNULUS_MG, _AORTA_MG = (30, 0.45), (100, 0.45), (60, 0.5)
_MAX_HU = 3071


@dataclass(frozen=True, slots=True, eq=False)
class Courses:
    """Coronary arteries as lines with steps of about 1 mm; what `burden.coronary` reads."""

    courses: dict[Label, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class PlacedScan:
    """A real scan with known calcium: HU, and labels of bright voxels (NATIVE: was there)."""

    volume: Volume
    labels: NDArray[np.uint8]


def resampled(line: NDArray[np.float64], step_mm: float = 1.0) -> NDArray[np.float64]:
    """Lay points every `step_mm` along a polyline (n, 3)."""
    line = np.asarray(line, dtype=np.float64)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    at = np.arange(0, along[-1] + step_mm / 2, step_mm)
    return np.stack([np.interp(at, along, line[:, k]) for k in range(3)], axis=1)


def draw_courses(rng: np.random.Generator, marks: Landmarks) -> Courses:
    """One line an artery (of the LAD sometimes a diagonal), each a little beside what was drawn."""
    out = {}
    for label in CORONARY_LABELS:
        lines = marks.courses[label]
        which = 0 if len(lines) == 1 or rng.random() < 0.75 else int(rng.integers(1, len(lines)))
        line = resampled(lines[which])
        wander = ndimage.gaussian_filter1d(rng.normal(0, 1, line.shape), 6, axis=0) * 3.5
        out[label] = line + wander + rng.normal(0, 0.5, 3)
    return Courses(out)


def _some_mg(rng: np.random.Generator, middle: float, chance: float) -> float:
    return float(middle * np.exp(rng.normal(0, 1.2))) if rng.random() < chance else 0.0


def place(
    rng: np.random.Generator, marks: Landmarks, target_agatston: float, n_stents: int
) -> list[Deposit]:
    """Draw calcium and stents for one scan, patient frame.

    Parameters
    ----------
    rng : random generator
    marks : of the scan
    target_agatston : what the coronaries should score on a 2.5 mm scan; 0 for none
    n_stents : along LAD, LCX and RCA
    """
    courses = draw_courses(rng, marks)
    out = burden.coronary(rng, courses, target_agatston)  # type: ignore[arg-type]
    for _ in range(n_stents):
        line = courses.courses[(Label.LAD, Label.LCX, Label.RCA)[int(rng.integers(3))]]
        at = int(rng.uniform(2, 0.55 * len(line)))
        strength = float(np.exp(rng.uniform(np.log(2500), np.log(9500))))
        motion = rng.normal(0, 0.5, 3)
        out.append(
            make.stent(line, at, rng.uniform(8, 38), motion, rng.uniform(1.1, 2.0), strength)
        )
    out += _annulus(rng, marks, _some_mg(rng, *_ANNULUS_MG))
    out += _valve(rng, marks, _some_mg(rng, *_VALVE_MG))
    out += _aorta(rng, marks, _some_mg(rng, *_AORTA_MG))
    return out


def _annulus(rng: np.random.Generator, marks: Landmarks, mass_mg: float) -> list[Deposit]:
    """Lay a piece of the mitral ring."""
    if mass_mg < 0.5:
        return []
    ring = resampled(np.concatenate([marks.mitral_ring, marks.mitral_ring[:1]]))
    ring = np.roll(ring, int(rng.integers(len(ring))), axis=0)
    density = rng.uniform(450, 900)
    thick = float(np.clip(np.cbrt(mass_mg / density * 1000) * 0.6, 1.2, 7.0))
    length = float(np.clip(mass_mg / density * 1000 / (0.8 * thick**2), 2.0, 0.8 * len(ring)))
    one = make.on_tube(
        rng, Label.MITRAL_ANNULUS, ring, len(ring) / 2, length, thick / 3, 4.0, thick, density,
        rng.normal(0, 0.5, 3),
    )  # fmt: skip
    return [one.scaled(mass_mg / one.mass_mg)] if one.mass_mg > 0 else []


def _valve(rng: np.random.Generator, marks: Landmarks, mass_mg: float) -> list[Deposit]:
    if mass_mg < 0.5:
        return []
    normal = marks.valve_normal
    a = np.cross(normal, [0.0, 1.0, 0.3])
    a /= np.linalg.norm(a)
    turn = np.stack([a, np.cross(normal, a), normal], axis=1)
    radius = 0.85 * marks.aortic_valve.radius_mm
    centre, motion = marks.aortic_valve.centre_lps_mm, rng.normal(0, 0.5, 3)
    return make.leaflets(rng, centre, turn, radius, mass_mg, motion)


def _aorta(rng: np.random.Generator, marks: Landmarks, mass_mg: float) -> list[Deposit]:
    """Plaques on the wall, half of them at the root and the ascending part."""
    line = resampled(marks.aorta[:, :3])
    radii = np.interp(
        np.linspace(0, 1, len(line)), np.linspace(0, 1, len(marks.aorta)), marks.aorta[:, 3],
    )  # fmt: skip
    out: list[Deposit] = []
    while mass_mg > 0.5 and len(out) < 25:
        at = rng.uniform(0, 0.25 * len(line)) if rng.random() < 0.5 else rng.uniform(0, len(line))
        radius = float(radii[min(int(at), len(radii) - 1)])
        one = make.on_tube(
            rng, Label.AORTA, line, at, float(np.exp(rng.normal(1.9, 0.5))), radius,
            rng.uniform(0.15, 0.7), rng.uniform(0.9, 2.2), rng.uniform(350, 850),
        )  # fmt: skip
        one = one.scaled(min(1.0, max(mass_mg / one.mass_mg, 0.3)))
        out.append(one)
        mass_mg -= one.mass_mg
    return out


def painted(
    rng: np.random.Generator, volume: Volume, deposits: list[Deposit], motion_mm: float
) -> PlacedScan:
    """Add deposits to a scan as its scanner would have seen them.

    Parameters
    ----------
    rng : draws the sharpness
    volume : the real scan, native slices
    deposits : patient frame, mm
    motion_mm : how far they moved while a slice was taken
    """
    n, rows, columns = volume.hu.shape
    thickness = volume.acquisition.slice_thickness_mm or volume.increment_mm
    seen = optics(
        float(rng.uniform(*_SIGMA_MM)), volume.spacing_mm, thickness, volume.increment_mm,
        (n, rows, columns),
    )  # fmt: skip
    gain = hu_per_mg_cm3(volume.acquisition.kvp or 120.0) * 1000
    added = np.zeros(volume.hu.shape, np.float32)
    strongest = np.full(volume.hu.shape, _LEAST_HU, np.float32)
    labels = np.zeros(volume.hu.shape, np.uint8)
    labels[volume.hu >= _BRIGHT_HU] = NATIVE
    patches = []
    for deposit in deposits:
        points, weights = _moved(deposit, motion_mm)
        patch = splat(index_of(volume, points), weights * (1 if deposit.is_metal else gain), seen)
        if patch is not None:
            added[patch.where] += patch.hu
            patches.append((deposit.label, patch))
    hu = volume.hu.astype(np.float32)
    tissue = hu > -1000
    hu[tissue] += added[tissue]
    hu = np.clip(np.floor(hu), None, _MAX_HU).astype(np.int16)
    for label, patch in patches:
        best, here = strongest[patch.where], labels[patch.where]
        take = (patch.hu > best) & (hu[patch.where] >= _BRIGHT_HU)
        take &= (here != NATIVE) | (patch.hu > 40)
        here[take] = label
        np.maximum(best, patch.hu, out=best)
    return PlacedScan(dataclasses.replace(volume, hu=hu), labels)


def _moved(deposit: Deposit, motion_mm: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if motion_mm == 0 or not deposit.motion.any():
        return deposit.points_mm, deposit.weights
    shifts = _MOTION_COPIES[:, :1] * deposit.motion * motion_mm
    points = (deposit.points_mm[None] + shifts[:, None]).reshape(-1, 3)
    return points, (deposit.weights[None] * _MOTION_COPIES[:, 1:]).ravel()


def index_of(volume: Volume, points_lps_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fractional [slice, row, column] of points (n, 3)."""
    first, last = volume.origins_lps_mm[0], volume.origins_lps_mm[-1]
    step = (last - first) / (len(volume.hu) - 1)
    matrix = np.stack(
        [step, volume.row_axis_lps * volume.spacing_mm[0],
         volume.column_axis_lps * volume.spacing_mm[1]]
    )  # fmt: skip
    return np.asarray((points_lps_mm - first) @ np.linalg.inv(matrix))


def thicker(placed: PlacedScan, n: int) -> PlacedScan:
    """Average `n` neighbouring slices, as a thicker reconstruction would show them."""
    volume, count = placed.volume, len(placed.volume.hu) // n
    kept = slice(0, count * n)
    hu = volume.hu[kept].reshape(count, n, *volume.hu.shape[1:])
    labels = placed.labels[kept].reshape(hu.shape)
    bright = np.where(labels > 0, hu, np.int16(-2048)).argmax(axis=1)[:, None]
    thickness = volume.acquisition.slice_thickness_mm or volume.increment_mm
    averaged = dataclasses.replace(
        volume,
        hu=np.floor(hu.mean(axis=1, dtype=np.float32)).astype(np.int16),
        origins_lps_mm=volume.origins_lps_mm[kept].reshape(count, n, 3).mean(axis=1),
        increments_mm=volume.increments_mm[kept].reshape(count, n).sum(axis=1),
        acquisition=dataclasses.replace(
            volume.acquisition, slice_thickness_mm=thickness + (n - 1) * volume.increment_mm
        ),
    )
    return PlacedScan(averaged, np.take_along_axis(labels, bright, axis=1)[:, 0])


def candidate_sample(
    rng: np.random.Generator, placed: PlacedScan, marks: Landmarks, nets: Networks
) -> dict[str, NDArray[np.generic]] | None:
    """Candidates that inference finds in a placed scan, each with what it is.

    The coarse network sees the scan a little shifted and noisier each time.
    """
    frame = make_frame(placed.volume)
    grid = coarse_grid(frame)
    cells = grid.input_array()
    cells[0, :2] += rng.normal(0, 0.04, cells[0, :2].shape).astype(np.float32)
    cells[0, 1] += float(rng.normal(0, 0.1))
    anatomy = find_heart(grid, nets.run_coarse(cells))
    if anatomy is None:
        return None
    blood = blood_pool(frame, grid, anatomy)
    found = find_candidates(frame, grid, anatomy, heart_box(frame, grid, anatomy.reach), blood)
    if not len(found.component):
        return None
    placed_labels = _in_frame(frame, placed.labels)
    label, agatston = true_labels(frame, np.where(placed_labels == NATIVE, 0, placed_labels), found)
    label = _name_native(placed.volume, frame, placed_labels, found, marks, label)
    kept = label != NATIVE
    return {
        "patch": np.clip(found.patches[kept], -1100, 3071).astype(np.int16),
        "mask": found.masks[kept] > 0,
        "features": found.features[kept],
        "label": label[kept],
        "agatston": agatston[kept],
    }


def _in_frame(frame: Frame, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if frame.is_transposed:
        labels = labels.transpose(0, 2, 1)
    if frame.is_row_flipped:
        labels = labels[:, ::-1]
    return labels[:, :, ::-1] if frame.is_column_flipped else labels


def _name_native(
    volume: Volume,
    frame: Frame,
    placed_labels: NDArray[np.uint8],
    found: Candidates,
    marks: Landmarks,
    label: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Name what was bright before: as marked; NONE far from every course; else NATIVE (unknown)."""
    n = len(label)
    of = placed_labels[tuple(found.voxels.T)]
    n_native = np.bincount(found.owner, of == NATIVE, n)
    n_placed = np.bincount(found.owner, (of > 0) & (of != NATIVE), n)
    flat = frame.flat_index(*found.voxels.T)
    index = np.stack(np.unravel_index(flat, volume.hu.shape), axis=1).astype(np.float64)
    mm = volume.lps_mm(index)
    count = np.bincount(found.owner, minlength=n)
    centre = np.stack([np.bincount(found.owner, axis, n) / count for axis in mm.T], axis=1)
    away, which = cKDTree([b.centroid_lps_mm for b in marks.bright_things]).query(centre)
    name = np.array([b.label for b in marks.bright_things], dtype=np.uint8)[which]
    courses = np.concatenate([resampled(c) for lines in marks.courses.values() for c in lines])
    course_mm = cKDTree(courses).query(centre)[0]
    out = label.copy()
    for k in np.flatnonzero(n_native > n_placed):
        if away[k] <= SAME_THING_MM:
            out[k] = name[k]
        else:
            out[k] = Label.NONE if course_mm[k] > _FAR_MM else NATIVE
    return out


def load_scan(folder: Path) -> Volume:
    """Read a scan as the program does."""
    if not folder.is_dir():
        raise SystemExit(f"{folder}: no such folder; a real scan is looked for there")
    files = [path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()]
    found = load_volume(folder.name, files)
    if isinstance(found, Rejection):
        raise SystemExit(f"{folder}: {found.reason.value}")
    return found


def check_scans(real: Path, names: Iterable[str]) -> None:
    """Read every scan once, so that a missing one is told before hours of work."""
    for name in names:
        load_scan(real / name)


def draw(rng: np.random.Generator, volume: Volume, marks: Landmarks) -> PlacedScan:
    """Place a random burden, sometimes none, and see it at one of the scan's thicknesses."""
    target = float(np.exp(rng.uniform(1.0, 7.5))) if rng.random() < 0.85 else 0.0
    n_stents = int(rng.integers(1, 4)) if rng.random() < 0.3 else 0
    motion = float(rng.choice([0.0, rng.uniform(0, 2.5), rng.uniform(1, 5)]))
    placed = painted(rng, volume, place(rng, marks, target, n_stents), motion)
    return at_a_thickness(rng, placed)


def at_a_thickness(rng: np.random.Generator, placed: PlacedScan) -> PlacedScan:
    """Native or thicker slices: what is thin is mostly averaged, as the program does."""
    slab = slab_average(placed.volume)
    if slab is None:
        return thicker(placed, 2) if rng.random() < 0.25 else placed
    chance = rng.random()
    if chance < 0.2:
        return placed
    n_native = max(slab.counts)
    return thicker(placed, n_native if chance < 0.8 else 2 * n_native)


def write_candidate_samples(
    volume: Volume, marks: Landmarks, folder: Path, nets: Networks, first: int, count: int
) -> None:
    """Write `count` draws as `candidates-SCAN-SEED.npz`, each whole when it appears."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(first, first + count):
        target = folder / f"candidates-{marks.scan}-{seed}.npz"
        if target.exists():
            continue
        rng = np.random.default_rng([5, seed])
        sample = candidate_sample(rng, draw(rng, volume, marks), marks, nets)
        if sample is not None:
            part = folder / f"part-{marks.scan}-{seed}.npz"
            np.savez(part, **sample)
            part.rename(target)


__all__ = [
    "NATIVE", "Courses", "PlacedScan", "candidate_sample", "draw", "painted", "place",
    "resampled", "thicker", "write_candidate_samples",
]  # fmt: skip
