"""Calcium, counted one voxel at a time: slow, plain, and written from the definition alone.

Comes in: HU and labels as nested lists, pixel spacing, each slice's increment, a `Convention`.
Goes out: Agatston units in all and per artery, and the volume.
Refuses: nothing.

Nobody who wrote the scorer wrote this, and nothing of it is used here. The definition: Agatston,
J Am Coll Cardiol 1990;15:827. In each slice, touching coronary voxels at or above the threshold
are one lesion, whichever arteries they belong to. A lesion of at least the least size counts its
area times the weight of its brightest voxel in that slice, times the slice's increment / 3 mm; the
units go to the arteries by voxel count.

In space instead (`is_3d`), a lesion runs through all slices in which its voxels touch by face,
edge or corner: all its voxels make its size, and its brightest one its weight in every slice.
"""

from dataclasses import dataclass
from fractions import Fraction

ARTERIES = {1: "LM", 2: "LAD", 3: "LCX", 4: "RCA"}
REFERENCE_INCREMENT_MM = 3.0


@dataclass(frozen=True)
class Convention:
    """How lesions are found and which of them count.

    min_pixels : where given, stands in for the least area
    """

    threshold_hu: int = 130
    is_strict: bool = False  # above the threshold, not at it
    connectivity: int = 8
    min_area_mm2: str = "1.0"  # as written, so that ten pixels of 0.1 mm2 are 1 mm2 exactly
    min_pixels: int | None = None
    is_3d: bool = False


@dataclass(frozen=True)
class SlowScore:
    """What was counted."""

    agatston: float
    vessels: dict[str, float]
    volume_mm3: float


def slow_score(hu, labels, spacing_mm, increments_mm, convention=None):
    """Count one scan.

    Parameters
    ----------
    hu, labels : nested lists [slice][row][column], Hounsfield units and `Label` numbers
    spacing_mm : (row, column)
    increments_mm : one a slice
    """
    convention = convention or Convention()
    if convention.is_3d:
        return _in_space(hu, labels, spacing_mm, increments_mm, convention)
    pixel_mm2 = spacing_mm[0] * spacing_mm[1]
    vessels = dict.fromkeys(ARTERIES.values(), 0.0)
    volume_mm3 = 0.0
    for plane, names, increment_mm in zip(hu, labels, increments_mm, strict=True):
        calcium = _calcium(plane, names, convention)
        volume_mm3 += len(calcium) * pixel_mm2 * increment_mm
        for lesion in _lesions(calcium, convention.connectivity):
            if not _is_large_enough(len(lesion), spacing_mm, convention):
                continue
            peak_hu = max(plane[row][column] for row, column in lesion)
            for row, column in lesion:
                artery = ARTERIES[names[row][column]]
                units = pixel_mm2 * _weight(peak_hu) * increment_mm / REFERENCE_INCREMENT_MM
                vessels[artery] += units
    return SlowScore(sum(vessels.values()), vessels, volume_mm3)


def _in_space(hu, labels, spacing_mm, increments_mm, convention):
    """Count lesions that go through slices."""
    left = {
        (k, row, column)
        for k in range(len(hu))
        for row, column in _calcium(hu[k], labels[k], convention)
    }
    pixel_mm2 = spacing_mm[0] * spacing_mm[1]
    volume_mm3 = 0.0
    for k, _, _ in left:
        volume_mm3 += pixel_mm2 * increments_mm[k]
    vessels = dict.fromkeys(ARTERIES.values(), 0.0)
    while left:
        lesion, todo = [], [left.pop()]
        while todo:
            here = todo.pop()
            lesion.append(here)
            touching = [
                at for at in left if max(abs(a - b) for a, b in zip(here, at, strict=True)) == 1
            ]
            todo += touching
            left -= set(touching)
        if not _is_large_enough(len(lesion), spacing_mm, convention):
            continue
        weight = _weight(max(hu[k][row][column] for k, row, column in lesion))
        for k, row, column in lesion:
            units = pixel_mm2 * weight * increments_mm[k] / REFERENCE_INCREMENT_MM
            vessels[ARTERIES[labels[k][row][column]]] += units
    return SlowScore(sum(vessels.values()), vessels, volume_mm3)


def _calcium(plane, names, convention):
    """Return the places of the coronary calcium of one slice."""
    found = []
    for row in range(len(plane)):
        for column in range(len(plane[row])):
            value = plane[row][column]
            is_bright = value >= convention.threshold_hu
            if convention.is_strict:
                is_bright = value > convention.threshold_hu
            if is_bright and names[row][column] in ARTERIES:
                found.append((row, column))
    return found


def _lesions(places, connectivity):
    """Join touching places, by merging lists until no two of them touch."""
    lesions = []
    for place in places:
        touching = [
            lesion for lesion in lesions if any(_touch(place, at, connectivity) for at in lesion)
        ]
        apart = [lesion for lesion in lesions if lesion not in touching]
        joined = [place]
        for lesion in touching:
            joined += lesion
        lesions = [*apart, joined]
    return lesions


def _touch(one, other, connectivity):
    rows, columns = abs(one[0] - other[0]), abs(one[1] - other[1])
    if connectivity == 4:
        return rows + columns == 1
    return max(rows, columns) == 1


def _is_large_enough(n_pixels, spacing_mm, convention):
    if convention.min_pixels is not None:
        return n_pixels >= convention.min_pixels
    rows_mm, columns_mm = (Fraction(str(float(value))) for value in spacing_mm)
    return n_pixels * rows_mm * columns_mm >= Fraction(convention.min_area_mm2)


def _weight(peak_hu):
    if peak_hu >= 400:
        return 4
    if peak_hu >= 300:
        return 3
    if peak_hu >= 200:
        return 2
    return 1
