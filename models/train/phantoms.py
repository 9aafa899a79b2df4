"""Phantoms as the networks see them.

Comes in: seeds.
Goes out: samples for the coarse network, candidates for the second one, whole scans for
tests; files a trainer can read while they are still being made.
Refuses: nothing.

Training's and the test's seeds come from ranges that do not meet.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from models.train.variety import training_protocol, training_traits
from screening.inference.anatomy import COARSE_CHANNELS, Anatomy, blood_pool, find_heart, heart_box
from screening.inference.candidates import Candidates, find_candidates
from screening.inference.frame import (
    CELL_MM,
    CoarseGrid,
    Frame,
    all_cells,
    coarse_grid,
    lung_centre,
    make_frame,
)
from screening.inference.session import Networks
from screening.phantom import (
    Body,
    Protocol,
    Region,
    SimulatedScan,
    make_body,
    region_map,
    simulate,
)
from screening.records import Acquisition, Label, Volume
from screening.volume import slab_average

TRAINING_SEED = 10_000_000
TEST_SEED = 30_000_000
# Of the shifted generator: where rules behind the networks were found, and where compared.
RULES_FROM = {
    "tune": TEST_SEED + 100_000,
    "clips": TEST_SEED + 105_000,
    "test": TEST_SEED + 110_000,
}
SEED_STRIDE = 100_000  # each training run has its own range of phantoms
PAIRS_FROM = 50_000  # in it, heart scans are of other people than the chests
TUBES_FROM = 70_000  # and hearts with stents of others again
_COURSE_SIGMA_MM = 9.0
AVERAGED = 0.75  # of the thin stacks: the program infers native and averaged slices
_REGIONS = {
    "heart": (Region.HEART, Region.AORTIC_ROOT),
    "aorta": (Region.AORTA, Region.AORTIC_ROOT),
    "aortic_root": (Region.AORTIC_ROOT,),
    "airway": (Region.AIRWAY,),
    "hilum": (Region.HILUM,),
    "bone": (Region.CHEST_WALL_BONE,),
}
_POINTS = {"mitral_annulus": ("mitral_valve", 13.0), "aortic_valve": ("aortic_valve", 9.0)}


def _context_scan(rng: np.random.Generator, body: Body, contrast_hu: float) -> SimulatedScan:
    """Scan the whole chest roughly: enough for 6 mm cells, in half a second."""
    middle = body.landmarks_lps_mm["heart_centre"]
    shift = rng.normal(0, 15, 2)
    protocol = Protocol(
        matrix=128,
        fov_mm=float(rng.uniform(370, 480)),
        increment_mm=4.0,
        thickness_mm=4.0,
        kvp=float(rng.choice([100, 120, 140])),
        kernel=str(rng.choice(["soft", "medium"])),
        noise_hu=float(rng.uniform(2, 12)),
        contrast_hu=contrast_hu,
        motion_mm=float(rng.uniform(0, 4)),
        is_padded=bool(rng.random() < 0.4),
        has_table=bool(rng.random() < 0.85),
        center_lps_mm=(float(middle[0] * 0.3 + shift[0]), float(middle[1] + 20 + shift[1])),
    )
    return simulate(body, protocol, int(rng.integers(1 << 30)))


def coarse_sample(
    seed: int,
) -> tuple[NDArray[np.float16], NDArray[np.uint8], NDArray[np.float32]]:
    """Cells (3, z, y, x) in network units, targets (channels, z, y, x) times 255, lung centre."""
    rng = np.random.default_rng([2, seed])
    body = make_body(seed, training_traits(rng, is_rich=rng.random() < 0.5))
    contrast = float(rng.uniform(60, 380)) if rng.random() < 0.25 else 0.0
    scan = _context_scan(rng, body, contrast)
    frame = make_frame(scan.as_volume("phantom"))
    wide, narrow, valid = all_cells(frame)
    whole = CoarseGrid(wide, narrow, valid, (0, 0, 0))
    targets = _targets(body, scan, wide.shape)
    centre = np.array(lung_centre(wide, valid), dtype=np.float32)
    return whole.input_array()[0].astype(np.float16), targets, centre


def _targets(body: Body, scan: SimulatedScan, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    corner = scan.origins_lps_mm[0]
    z = corner[2] + scan.increment_mm / 2 - (np.arange(shape[0]) + 0.5) * CELL_MM
    y = corner[1] - scan.spacing_mm[0] / 2 + (np.arange(shape[1]) + 0.5) * CELL_MM
    x = corner[0] - scan.spacing_mm[1] / 2 + (np.arange(shape[2]) + 0.5) * CELL_MM
    regions = region_map(body, z, y, x)
    points = np.stack(np.meshgrid(z, y, x, indexing="ij"), -1)[..., ::-1].reshape(-1, 3)
    out = []
    for name in COARSE_CHANNELS:
        if name in _REGIONS:
            out.append(np.isin(regions, _REGIONS[name]).astype(np.float64))
            continue
        if name in _POINTS:
            landmark, sigma = _POINTS[name]
            away = np.linalg.norm(points - body.landmarks_lps_mm[landmark], axis=1)
        else:
            sigma = _COURSE_SIGMA_MM
            away, _ = cKDTree(body.courses_lps_mm[Label[name]]).query(
                points, distance_upper_bound=5 * sigma
            )
        out.append(np.exp(-((away / sigma) ** 2) / 2).reshape(regions.shape))
    return (np.stack(out) * 255).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class HeartPair:
    """A rough scan of the whole chest and a fine one of the heart, of one person.

    Together they cost a sixth of a fine scan of the chest.
    """

    rough: Volume
    fine: Volume
    labels: NDArray[np.uint8]


def heart_pair(seed: int) -> HeartPair:
    """Scan one person twice."""
    rng = np.random.default_rng([3, seed])
    body = make_body(seed, training_traits(rng, is_rich=rng.random() < 0.8))
    rough = _context_scan(rng, body, 0.0)
    fine = heart_scan(rng, body)
    volume, labels = fine.as_volume("phantom"), fine.labels
    if rng.random() < AVERAGED:
        volume, labels = averaged(volume, labels)
    return HeartPair(rough.as_volume("phantom"), volume, labels)


def averaged(volume: Volume, labels: NDArray[np.uint8]) -> tuple[Volume, NDArray[np.uint8]]:
    """Average thin slices as the program does before it scores; a slab has its brightest label."""
    slab = slab_average(volume)
    if slab is None:
        return volume, labels
    hu = np.where(labels > 0, volume.hu, np.int16(-2048))
    out, first = np.zeros(slab.volume.hu.shape, np.uint8), 0
    for k, count in enumerate(slab.counts):
        part = slice(first, first + count)
        brightest = hu[part].argmax(axis=0)[None]
        out[k] = np.take_along_axis(labels[part], brightest, axis=0)[0]
        first += count
    return slab.volume, out


def candidate_sample(pair: HeartPair, nets: Networks) -> dict[str, NDArray[np.generic]] | None:
    """Candidates that inference finds in the fine scan, with their true labels."""
    grid = coarse_grid(make_frame(pair.rough))
    anatomy = find_heart(grid, nets.run_coarse(grid.input_array()))
    if anatomy is None:
        return None
    frame = make_frame(pair.fine)
    found = _candidates(frame, aligned(grid, pair.rough, pair.fine), anatomy)
    if found is None:
        return None
    label, agatston = true_labels(frame, pair.labels, found)
    return {
        "patch": np.clip(found.patches, -1100, 3071).astype(np.int16),
        "mask": found.masks > 0,
        "features": found.features,
        "label": label,
        "agatston": agatston,
    }


def heart_scan(
    rng: np.random.Generator, body: Body, protocol: Protocol | None = None
) -> SimulatedScan:
    """Scan the heart alone, by a protocol of the training unless one is given."""
    low, high = body.heart_box_lps_mm
    protocol = protocol or training_protocol(rng)
    if rng.random() < 0.25:
        protocol = dataclasses.replace(protocol, matrix=256)
    field_mm = float(max(high[0] - low[0], high[1] - low[1]) + 70)
    matrix = int(np.ceil(field_mm / protocol.pixel_mm))
    centre = (low + high) / 2
    return simulate(
        body,
        dataclasses.replace(
            protocol,
            matrix=matrix,
            fov_mm=matrix * protocol.pixel_mm,
            noise_hu=float(rng.uniform(6, 30)),
            center_lps_mm=(float(centre[0]), float(centre[1])),
            z_top_mm=float(high[2] + 30),
            z_bottom_mm=float(low[2] - 20),
            is_padded=False,
            has_table=False,
        ),
        int(rng.integers(1 << 30)),
    )


def aligned(grid: CoarseGrid, rough: Volume, fine: Volume) -> CoarseGrid:
    """Lay the rough scan's grid over the fine scan's frame (its corner falls between cells)."""

    def corner_mm(scan: Volume) -> NDArray[np.float64]:
        x, y, z = scan.origins_lps_mm[0]
        row, column = scan.spacing_mm
        return np.array([-(z + scan.increment_mm / 2), y - row / 2, x - column / 2])

    shift = (corner_mm(rough) - corner_mm(fine)) / CELL_MM
    corner = tuple(grid.corner[k] + shift[k] for k in range(3))
    return dataclasses.replace(grid, corner=corner)


def _candidates(frame: Frame, grid: CoarseGrid, anatomy: Anatomy) -> Candidates | None:
    blood = blood_pool(frame, grid, anatomy)
    found = find_candidates(frame, grid, anatomy, heart_box(frame, grid, anatomy.reach), blood)
    return found if len(found.component) else None


def true_labels(
    frame: Frame, labels: NDArray[np.uint8], found: Candidates
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Most common true label of each candidate's voxels, and the Agatston units at stake."""
    n = len(found.component)
    voxel_label = labels[tuple(found.voxels.T)]
    votes = np.zeros((n, len(Label)))
    np.add.at(votes, (found.owner, voxel_label), 1.0)
    total = votes.sum(1)
    votes[:, Label.NONE] *= 0.5  # noise widens a lesion: its rim is no proof against it
    hu = frame.hu[tuple(found.voxels.T)]
    weight = 1 + (hu >= 200) + (hu >= 300) + (hu >= 400)
    area = frame.spacing_mm[0] * frame.spacing_mm[1]
    units = np.bincount(found.owner, weight * area, n) * float(frame.thickness_mm[0]) / 3
    assert total.min() > 0
    return votes.argmax(1).astype(np.uint8), units.astype(np.float32)


def write_coarse_samples(folder: Path, first: int, count: int, step: int = 1) -> None:
    """Write samples `first, first + step, ...`, each file complete when it appears."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(first, first + count * step, step):
        target = folder / f"coarse-{seed}.npz"
        if target.exists():
            continue
        cells, targets, centre = coarse_sample(seed)
        part = folder / f"part-{seed}.npz"
        np.savez(part, cells=cells, targets=targets, centre=centre)
        part.rename(target)


def write_heart_pairs(folder: Path, first: int, count: int, step: int = 1) -> None:
    """Write the pairs `first, first + step, ...`, each file complete when it appears."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(first, first + count * step, step):
        target = folder / f"pair-{seed}.npz"
        if target.exists():
            continue
        pair = heart_pair(seed)
        part = folder / f"part-{seed}.npz"
        arrays = {}
        for name in ("rough", "fine"):
            volume: Volume = getattr(pair, name)
            arrays[f"{name}_hu"] = volume.hu
            arrays[f"{name}_origins"] = volume.origins_lps_mm
            arrays[f"{name}_steps"] = np.array([*volume.spacing_mm, volume.increment_mm])
        np.savez(part, labels=pair.labels, **arrays)
        part.rename(target)


def read_heart_pair(path: Path) -> HeartPair:
    """Read what `write_heart_pairs` wrote."""
    with np.load(path) as stored:
        volumes = []
        for name in ("rough", "fine"):
            row, column, increment = (float(v) for v in stored[f"{name}_steps"])
            hu = stored[f"{name}_hu"]
            volumes.append(
                Volume(
                    series_key="phantom",
                    hu=hu,
                    spacing_mm=(row, column),
                    origins_lps_mm=stored[f"{name}_origins"],
                    row_axis_lps=np.array([0.0, 1.0, 0.0]),
                    column_axis_lps=np.array([1.0, 0.0, 0.0]),
                    increments_mm=np.full(len(hu), increment),
                    acquisition=Acquisition(None, None, "", "", "", None, False, ""),
                    image_digest="",
                )
            )
        return HeartPair(volumes[0], volumes[1], stored["labels"])


def write_candidate_samples(pairs: Path, folder: Path, nets: Networks) -> None:
    """Write the candidates of every pair that has none yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(pairs.glob("pair-*.npz")):
        target = folder / path.name.replace("pair", "candidates")
        if target.exists():
            continue
        sample = candidate_sample(read_heart_pair(path), nets)
        if sample is not None:
            part = folder / f"part-{path.name}"
            np.savez(part, **sample)
            part.rename(target)
