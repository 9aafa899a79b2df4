"""How far one scan's labels are from its truth.

Comes in: a simulated case and what inference made of it.
Goes out: an `Outcome`.
Refuses: nothing.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.records import CORONARY_LABELS, Label, Labelled, Rejection, Volume

if TYPE_CHECKING:
    from models.train.shifted import TestCase

THRESHOLDS = (100.0, 300.0, 1000.0)
_IN_SLICE = np.zeros((3, 3, 3), dtype=bool)
_IN_SLICE[1] = True


def _box(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """Find the box round a mask: a whole scan is slow to label, its few lesions are not."""
    found: list[tuple[slice, ...]] = ndimage.find_objects(mask.astype(np.uint8))
    return found[0] if found else (slice(0), slice(0), slice(0))


def agatston(volume: Volume, mask: NDArray[np.bool_]) -> float:
    """Score a mask by the default convention; the program's own scorer is another room's."""
    box = _box(mask)
    hu = volume.hu[box]
    islands, n = ndimage.label(mask[box] & (hu >= 130), structure=_IN_SLICE)
    if n == 0:
        return 0.0
    numbers = np.arange(1, n + 1)
    area = np.bincount(islands.ravel())[1:] * volume.spacing_mm[0] * volume.spacing_mm[1]
    peak = np.asarray(ndimage.maximum(hu, islands, numbers))
    weight = 1 + (peak >= 200) + (peak >= 300) + (peak >= 400)
    return float((area * weight)[area >= 1.0].sum() * volume.increment_mm / 3)


def category(score: float) -> int:
    """0: none, 1: below 100, 2: below 300, 3: below 1000, 4: above."""
    return 0 if score <= 0 else 1 + sum(score >= edge for edge in THRESHOLDS)


def label_map(volume: Volume, labelled: Labelled) -> NDArray[np.uint8]:
    """Lay the labelled voxels on the volume's grid."""
    out = np.zeros(volume.hu.size, dtype=np.uint8)
    out[labelled.index] = labelled.label
    return out.reshape(volume.hu.shape)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test scan: what is true, what perfect labels give, what the model gives.

    wrong : Agatston units that crossed between coronary and not, by (true, found) label
    """

    name: str
    true: float
    perfect: float
    found: float
    vessels_perfect: tuple[float, ...]
    vessels_found: tuple[float, ...]
    n_lesions: int
    n_found: int
    n_right: int
    n_false: int
    n_vessel_right: int
    thickness_mm: float
    kernel: str
    kvp: float
    noise_hu: float
    motion_mm: float
    has_stent: bool
    seconds: float
    is_rejected: bool
    wrong: tuple[tuple[str, str, float], ...]


def judge(case: "TestCase", found: Labelled | Rejection, seconds: float) -> Outcome:
    """Compare one scan's labels with its truth."""
    volume, truth = case.volume, case.labels
    found_map = np.zeros_like(truth)
    if isinstance(found, Labelled):
        found_map = label_map(volume, found)
    coronary = [int(label) for label in CORONARY_LABELS]
    is_true, is_found = np.isin(truth, coronary), np.isin(found_map, coronary)
    lesions, n_found, n_right, n_false, n_vessel = _lesions(volume, truth, found_map)
    return Outcome(
        name=case.name,
        true=case.true_agatston,
        perfect=agatston(volume, is_true),
        found=agatston(volume, is_found),
        vessels_perfect=tuple(agatston(volume, truth == v) for v in coronary),
        vessels_found=tuple(agatston(volume, found_map == v) for v in coronary),
        n_lesions=lesions,
        n_found=n_found,
        n_right=n_right,
        n_false=n_false,
        n_vessel_right=n_vessel,
        thickness_mm=case.thickness_mm,
        kernel=case.kernel,
        kvp=case.kvp,
        noise_hu=case.noise_hu,
        motion_mm=case.motion_mm,
        has_stent=case.has_stent,
        seconds=seconds,
        is_rejected=isinstance(found, Rejection),
        wrong=_wrong(volume, truth, found_map),
    )


def _lesions(
    volume: Volume, truth: NDArray[np.uint8], found: NDArray[np.uint8]
) -> tuple[int, int, int, int, int]:
    """Count true lesions, found ones, true ones found, false ones, right vessels."""
    coronary = [int(label) for label in CORONARY_LABELS]
    anywhere = np.isin(truth, coronary) | np.isin(found, coronary)
    if not anywhere.any():
        return 0, 0, 0, 0, 0
    box = _box(anywhere)
    truth, found = truth[box], found[box]
    bright = volume.hu[box] >= 130
    min_voxels = 1.0 / (volume.spacing_mm[0] * volume.spacing_mm[1])
    cube = np.ones((3, 3, 3), dtype=bool)
    is_true, is_found = np.isin(truth, coronary) & bright, np.isin(found, coronary) & bright
    parts, n = ndimage.label(is_true, structure=cube)
    size = np.bincount(parts.ravel(), minlength=n + 1)
    hit = np.bincount(parts.ravel(), is_found.ravel(), minlength=n + 1)
    scored = np.flatnonzero(size >= min_voxels)
    scored = scored[scored > 0]
    right = scored[hit[scored] >= 0.5 * size[scored]]
    n_vessel = 0
    boxes = ndimage.find_objects(parts)
    for number in right:
        near = boxes[number - 1]
        where = parts[near] == number
        names = np.bincount(truth[near][where]).argmax(), np.bincount(found[near][where]).argmax()
        n_vessel += int(names[0] == names[1])
    parts, n = ndimage.label(is_found, structure=cube)
    size = np.bincount(parts.ravel(), minlength=n + 1)
    hit = np.bincount(parts.ravel(), is_true.ravel(), minlength=n + 1)
    mine = np.flatnonzero(size >= min_voxels)
    mine = mine[mine > 0]
    n_false = int((hit[mine] < 0.3 * size[mine]).sum())
    return len(scored), len(mine), len(right), n_false, n_vessel


def _wrong(
    volume: Volume, truth: NDArray[np.uint8], found: NDArray[np.uint8]
) -> tuple[tuple[str, str, float], ...]:
    """Agatston units that crossed between coronary and not, by (true, found) label."""
    coronary = [int(label) for label in CORONARY_LABELS]
    crossed = np.isin(truth, coronary) != np.isin(found, coronary)
    crossed &= volume.hu >= 130
    out = []
    for pair in np.unique(truth[crossed].astype(int) * 100 + found[crossed]):
        where = crossed & (truth == pair // 100) & (found == pair % 100)
        units = agatston(volume, where)
        if units > 0:
            out.append((_name(pair // 100), _name(pair % 100), round(units, 1)))
    return tuple(out)


def _name(label: int) -> str:
    """Name of a label; what was in a real scan before and has no name is "unnamed"."""
    return Label(label).name if label < len(Label) else "unnamed"
