"""The geometry of one series from the positions and orientations of its instances.

Comes in: positions and orientations of one series, as in its headers, any order.
Goes out: a `Geometry`: slice order, spacing, holes, orientation, tilt.
Refuses: nothing; what has no usable position is `orientation == "none"`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A plane counts as axial (sagittal, coronal) up to this angle; cosines written as 0.9999
# are 0.8 degrees off. At 10 degrees a lesion's area in the slice changes by under 2 %.
ORIENTATION_TOLERANCE_DEGREES = 10.0
# CT gantries tilt by up to 30 degrees: planes leaning that far while the table moved straight
# are still the axial slices of a tilted gantry, not a reformat.
MAX_GANTRY_TILT_DEGREES = 30.0
# Headers round positions; two planes nearer than this are one. The thinnest CT increments are
# 0.2 mm, so neighbours are never merged.
SAME_POSITION_MM = 0.02
# A distance counts as k increments when within this fraction of one increment, or within what
# writing positions to a tenth of a millimetre can change (0.625 mm becomes 0.6 and 0.7).
GAP_TOLERANCE = 0.1
POSITION_ROUNDING_MM = 0.11
# Cosines and pixel spacings may differ in their last written digits within one series.
SAME_COSINE_TOLERANCE = 1e-3

_AXES = (("sagittal", 0), ("coronal", 1), ("axial", 2))


@dataclass(frozen=True, slots=True)
class Geometry:
    """What the positions of one series say.

    order : indices of the instances from the head to the feet; those without position last
    z_range_mm, missing_gaps : along the slice normal, which points towards the head
    """

    order: NDArray[np.int64]
    n_slices: int
    n_conflicts: int
    increment_mm: float | None
    z_range_mm: tuple[float, float] | None
    missing_gaps: tuple[tuple[float, float], ...]
    is_uneven: bool
    is_mixed: bool
    orientation: str
    tilt_degrees: float


def measure(positions_mm: Floats, cosines: Floats, stated_tilt_degrees: float) -> Geometry:
    """Measure one series.

    Parameters
    ----------
    positions_mm : float64 (n, 3)
        ImagePositionPatient, LPS mm; NaN where absent.
    cosines : float64 (n, 6)
        ImageOrientationPatient; NaN where absent.
    stated_tilt_degrees : float
        GantryDetectorTilt, NaN where absent; used only where positions cannot tell.

    Returns
    -------
    Geometry
    """
    stated = 0.0 if np.isnan(stated_tilt_degrees) else abs(stated_tilt_degrees)
    usable = np.isfinite(positions_mm).all(axis=1) & np.isfinite(cosines).all(axis=1)
    normal = _normal(cosines[usable]) if usable.any() else None
    if normal is None:
        return _without_positions(len(positions_mm), stated)
    offsets_mm = np.where(usable, positions_mm @ normal, np.nan)
    order = np.argsort(-offsets_mm, kind="stable")
    placed = order[: int(usable.sum())][::-1]  # feet to head: offsets ascending
    planes_mm, first = _planes(offsets_mm[placed])
    increment_mm, gaps, is_uneven = _spacing(planes_mm)
    stack = normal
    if len(planes_mm) > 1:
        stack = positions_mm[placed[first[-1]]] - positions_mm[placed[first[0]]]
    reference = _most_common(cosines[usable])
    is_mixed = bool(np.abs(cosines[usable] - reference).max() > SAME_COSINE_TOLERANCE)
    return Geometry(
        order=order,
        n_slices=len(planes_mm),
        n_conflicts=len(placed) - len(planes_mm),
        increment_mm=increment_mm,
        z_range_mm=(float(planes_mm[0]), float(planes_mm[-1])),
        missing_gaps=gaps,
        is_uneven=is_uneven,
        is_mixed=is_mixed or not bool(usable.all()),
        orientation=_orientation(normal, stack),
        tilt_degrees=round(_angle_degrees(normal, stack), 3) if len(planes_mm) > 1 else stated,
    )


def _without_positions(n: int, tilt_degrees: float) -> Geometry:
    return Geometry(
        order=np.arange(n, dtype=np.int64),
        n_slices=n,
        n_conflicts=0,
        increment_mm=None,
        z_range_mm=None,
        missing_gaps=(),
        is_uneven=False,
        is_mixed=False,
        orientation="none",
        tilt_degrees=tilt_degrees,
    )


def _most_common(cosines: Floats) -> Floats:
    """Return the orientation most instances share; of equals the smallest, whatever the order."""
    if np.array_equal(cosines, np.broadcast_to(cosines[0], cosines.shape)):
        first: Floats = cosines[0]
        return first
    rounded = np.round(cosines, 3) + 0.0  # + 0.0 turns -0.0 into 0.0
    _, index, counts = np.unique(rounded, axis=0, return_index=True, return_counts=True)
    reference: Floats = np.median(
        cosines[(rounded == rounded[index[np.argmax(counts)]]).all(axis=1)], axis=0
    )
    return reference


def _cross(a: Floats, b: Floats) -> Floats:
    """Cross product of two vectors; numpy's own takes ten times as long for so small a thing."""
    x, y, z = a.tolist()
    u, v, w = b.tolist()
    return np.array([y * w - z * v, z * u - x * w, x * v - y * u])


def _normal(cosines: Floats) -> Floats | None:
    """Return the unit normal pointing to the head; None where the cosines span no plane."""
    reference = _most_common(cosines)
    normal: Floats = _cross(reference[:3], reference[3:])
    length = float(np.linalg.norm(normal))
    if not 0.5 < length < 2.0:
        return None
    normal = normal / length
    leading = 2 if abs(normal[2]) > SAME_COSINE_TOLERANCE else int(np.argmax(np.abs(normal)))
    return normal if normal[leading] > 0 else -normal


def _planes(offsets_mm: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the distinct planes of ascending offsets, and where each begins."""
    is_new = np.concatenate([[True], np.diff(offsets_mm) > SAME_POSITION_MM])
    first = np.flatnonzero(is_new)
    return offsets_mm[first], first


def _spacing(planes_mm: Floats) -> tuple[float | None, tuple[tuple[float, float], ...], bool]:
    """Return median increment, holes (neighbours' positions) and whether spacing is uneven."""
    if len(planes_mm) < 2:
        return None, (), False
    steps_mm = np.diff(planes_mm)
    increment_mm = float(np.median(steps_mm))
    tolerance_mm = max(GAP_TOLERANCE * increment_mm, POSITION_ROUNDING_MM)
    nearest = np.maximum(np.round(steps_mm / increment_mm), 1.0)
    is_multiple = np.abs(steps_mm - nearest * increment_mm) <= tolerance_mm
    holes = np.flatnonzero(is_multiple & (nearest > 1))
    gaps = tuple((float(planes_mm[i]), float(planes_mm[i + 1])) for i in holes)
    return increment_mm, gaps, not bool(is_multiple.all())


def _angle_degrees(a: Floats, b: Floats) -> float:
    """Angle between two lines, 0 to 90 degrees; exact near 0, unlike an arc cosine."""
    return float(np.degrees(np.arctan2(np.linalg.norm(_cross(a, b)), abs(float(a @ b)))))


def _orientation(normal: Floats, stack: Floats) -> str:
    axes = np.eye(3)
    for name, k in _AXES:
        if _angle_degrees(normal, axes[k]) <= ORIENTATION_TOLERANCE_DEGREES:
            return name
    is_table_straight = _angle_degrees(stack, axes[2]) <= ORIENTATION_TOLERANCE_DEGREES
    if is_table_straight and _angle_degrees(normal, axes[2]) <= MAX_GANTRY_TILT_DEGREES:
        return "axial"
    return "oblique"
