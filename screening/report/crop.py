"""The part of a scan that a picture shows.

Comes in: a `Volume`, its `Labelled`, its `CalciumScore`.
Goes out: a `Crop` around the heart in viewing orientation, and the slices worth showing.
Refuses: nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.records import (
    CORONARY_LABELS,
    CalciumScore,
    Label,
    Labelled,
    ScoringParameters,
    Volume,
)

MARGIN_MM = 12.0
# What is bright and larger than this is bone, whatever part of it was labelled: pieces of ribs,
# breastbone and spine at the edge of the heart measured 1.5 mL and more on three real chests.
BONE_FROM_MM3 = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A block of the scan: right of the patient on the left, front at the top, head first.

    hu : int16 (slices, rows, columns)
    label : uint8, same shape; 0 where nothing reached the threshold
    spacing_mm : (slice, row, column)
    first_slice : the slice of the scan that is slice 0 of the block
    z_mm : float64 (slices,), position of each slice along the body, as viewers show it
    heart_rows : first row and stop of the heart itself, within the block
    """

    hu: NDArray[np.int16]
    label: NDArray[np.uint8]
    spacing_mm: tuple[float, float, float]
    first_slice: int
    z_mm: NDArray[np.float64]
    heart_rows: tuple[int, int]


def crop_heart(volume: Volume, labelled: Labelled, parameters: ScoringParameters) -> Crop:
    """Cut out the heart with a margin, and paint its labelled calcium.

    Parameters
    ----------
    volume : Volume
    labelled : Labelled
    parameters : only voxels that are bright enough by these are painted

    Returns
    -------
    Crop
    """
    shape = volume.hu.shape
    spacing = (volume.increment_mm, *volume.spacing_mm)
    low, high = list(labelled.heart_box[::2]), list(labelled.heart_box[1::2])
    at = np.stack(np.unravel_index(labelled.index, shape))
    is_coronary = np.isin(labelled.label, CORONARY_LABELS)
    is_bright = volume.counts(labelled.index, parameters)
    # Coronary calcium is shown wherever it was scored, also outside the box.
    shown = at[:, is_coronary & is_bright]
    if shown.size:
        low = [min(a, int(b)) for a, b in zip(low, shown.min(axis=1), strict=True)]
        high = [max(a, int(b) + 1) for a, b in zip(high, shown.max(axis=1), strict=True)]
    heart_rows = low[1], high[1]
    for axis in (1, 2):
        margin = round(MARGIN_MM / spacing[axis])
        low[axis] = max(low[axis] - margin, 0)
        high[axis] = min(high[axis] + margin, shape[axis])
    block = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    hu = volume.hu[block]
    label = np.zeros(hu.shape, dtype=np.uint8)
    corner = np.array(low)[:, None]
    is_inside = (at >= corner).all(axis=0) & (at < np.array(high)[:, None]).all(axis=0)
    is_painted = is_inside & is_bright
    label[tuple((at - corner)[:, is_painted])] = labelled.label[is_painted]
    top, bottom = (row - low[1] for row in heart_rows)
    rows = -1 if volume.row_axis_lps[1] < 0 else 1
    columns = -1 if volume.column_axis_lps[0] < 0 else 1
    return Crop(
        hu=hu[:, ::rows, ::columns],
        label=label[:, ::rows, ::columns],
        spacing_mm=spacing,
        first_slice=low[0],
        z_mm=volume.origins_lps_mm[low[0] : high[0], 2],
        heart_rows=(top, bottom) if rows > 0 else (hu.shape[1] - bottom, hu.shape[1] - top),
    )


def coronary(label: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a label map says coronary artery."""
    return (label >= Label.LM) & (label <= Label.RCA)


def without_bone(crop: Crop, threshold_hu: int) -> NDArray[np.int16]:
    """Black out bone, which would hide the heart in a projection from the front.

    Bone is what was labelled so, and every large bright piece (`BONE_FROM_MM3`); what carries
    another label stays, however large.
    """
    pieces, _ = ndimage.label(crop.hu >= threshold_hu)
    is_large = np.bincount(pieces.ravel()) * np.prod(crop.spacing_mm) >= BONE_FROM_MM3
    is_large[0] = False
    is_bone = is_large[pieces] & (crop.label == Label.NONE)
    return np.where(is_bone | (crop.label == Label.BONE), 0, crop.hu).astype(np.int16)


def slices_to_show(crop: Crop, score: CalciumScore, n: int) -> tuple[list[int], list[int]]:
    """Slices of the crop: those of the largest lesions, then others for context.

    Parameters
    ----------
    crop : Crop
    score : CalciumScore, lesions largest first
    n : how many slices at most

    Returns
    -------
    slices with coronary calcium, slices without or with less; together at most n, each ascending
    """
    n_voxels = [(crop.label == label).sum(axis=(1, 2)) for label in range(len(Label))]
    main: list[int] = []
    for lesion in score.lesions:
        first = lesion.slices[0] - crop.first_slice
        last = lesion.slices[1] - crop.first_slice
        best = first + int(np.argmax(n_voxels[Label[lesion.label]][first : last + 1]))
        if best not in main and lesion.agatston > 0:
            main.append(best)
        if len(main) == n:
            break
    # Context: each as far as may be from the slices already there and from the heart's ends.
    there = [-1, *main, len(crop.hu)]
    for _ in range(min(n, len(crop.hu)) - len(main)):
        there.append(max(range(len(crop.hu)), key=lambda k: min(abs(k - t) for t in there)))
    return sorted(main), sorted(there[len(main) + 2 :])
