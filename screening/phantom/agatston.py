"""The default Agatston convention, for the phantom's own truth.

Comes in: noise-free Hounsfield units and labels of a stack.
Goes out: Agatston units per label.
Refuses: nothing.

This is a second, independent writing of the convention (>= 130 HU, 8-connected in the slice,
area >= 1.0 mm2, weight by the lesion's peak in that slice, times increment over 3 mm), so that
the scoring room is checked against something it does not share.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label

THRESHOLD_HU = 130
MIN_AREA_MM2 = 1.0
WEIGHT_EDGES_HU = (200, 300, 400)
REFERENCE_INCREMENT_MM = 3.0
_IN_SLICE_8 = np.zeros((3, 3, 3), dtype=bool)
_IN_SLICE_8[1] = True


def agatston(
    hu: NDArray[np.floating] | NDArray[np.int16],
    mask: NDArray[np.bool_],
    spacing_mm: tuple[float, float],
    increment_mm: float,
) -> float:
    """Agatston score of the bright voxels in a mask.

    Parameters
    ----------
    hu : (slices, rows, columns)
    mask : same shape; where a lesion may be
    spacing_mm : row and column spacing
    increment_mm : distance between slices

    Returns
    -------
    Agatston units (Agatston 1990, doi 10.1016/0735-1097(90)90282-T)
    """
    bright = mask & (hu >= THRESHOLD_HU)
    if not bright.any():
        return 0.0
    islands, _ = label(bright, structure=_IN_SLICE_8)
    pixel_mm2 = spacing_mm[0] * spacing_mm[1]
    total = 0.0
    for i, box in enumerate(find_objects(islands), start=1):
        inside = islands[box] == i
        area_mm2 = np.count_nonzero(inside) * pixel_mm2
        if area_mm2 < MIN_AREA_MM2:
            continue
        peak_hu = hu[box][inside].max()
        total += area_mm2 * (1 + sum(peak_hu >= edge for edge in WEIGHT_EDGES_HU))
    return float(total * increment_mm / REFERENCE_INCREMENT_MM)
