"""Where the slices lie, and whether they make one even axial stack.

Comes in: the headers of a series' files.
Goes out: `Stack`: planes from head to feet, which files lie in each, and the regular increment.
Refuses: slices that differ, lean, are not axial, too few or unevenly spaced.

Everything is measured from positions and direction cosines, never from the order of files,
slice numbers or the nominal thickness. Distances are compared relative to what is normal for
the series, so that float noise is no gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.reasons import Reason
from screening.volume.header import SliceHeader
from screening.volume.refusal import RefusalError

# The Agatston score is defined on transverse slices; so much may the stack's normal lean from
# the body's long axis (a straightened oblique reconstruction), in degrees.
AXIAL_TOLERANCE_DEGREES = 10.0
# So much may the stack lean against its own normal before voxels are no boxes any more:
# 1 degree displaces the far end of a 120 mm heart by 2 mm, one small vessel.
TILT_TOLERANCE_DEGREES = 1.0
# Direction cosines are written with as few as four digits.
COSINE_TOLERANCE = 2e-3
# Pixel spacing of slices of one series, relative.
SPACING_TOLERANCE = 1e-3
# A slice may lie beside the line through the others by so much, mm (less than a pixel).
LATERAL_TOLERANCE_MM = 0.5
# A distance between neighbours is n increments when it is within this share of an increment.
INCREMENT_TOLERANCE = 0.05
# Nearer than this share of an increment, two slices lie at one position.
SAME_POSITION_SHARE = 0.05
# ... and when every slice has a copy, the increment says nothing: an absolute limit, mm.
SAME_POSITION_MM = 0.01
# Two planes are the least that have a distance; how many make a heart is choosing's business.
MIN_SLICES = 2


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """The planes of a series, from head to feet.

    groups : indices of the files at each plane; more than one where copies exist
    origins_lps_mm : float64 (planes, 3)
    row_axis_lps, column_axis_lps : float64 (3,), along which row and column index grow
    spacing_mm : (row, column)
    increment_mm : the regular distance along the normal
    n_missing : planes absent inside the stack
    """

    groups: tuple[tuple[int, ...], ...]
    origins_lps_mm: NDArray[np.float64]
    row_axis_lps: NDArray[np.float64]
    column_axis_lps: NDArray[np.float64]
    spacing_mm: tuple[float, float]
    increment_mm: float
    n_missing: int


def stack_slices(headers: Sequence[SliceHeader]) -> Stack:
    """Order the slices and check their geometry.

    Raises
    ------
    RefusalError
        `mixed_geometry`, `not_axial`, `too_few_slices`, `tilt_uncorrected`, `uneven_slices`,
        `slices_out_of_order`
    """
    positions, cosines, spacing = _placed(headers)
    _check_same(headers, cosines, spacing)
    column_axis, row_axis = _axes(cosines)
    normal = np.cross(column_axis, row_axis)
    normal = normal if normal[2] >= 0 else -normal
    along = positions @ normal
    order = np.argsort(-along, kind="stable")  # z grows to the head: the highest first
    groups = _planes(along, order)
    if len(groups) < MIN_SLICES:
        _check_axial(normal)
        raise RefusalError(Reason.TOO_FEW_SLICES, f"{len(groups)} slice positions")
    origins = positions[[g[0] for g in groups]]
    _check_lean(origins, normal)
    _check_axial(normal)
    _check_tag(headers, normal)
    increment_mm, n_missing = _increment(-np.diff(origins @ normal))
    _check_numbers([headers[g[0]].image_number for g in groups])
    return Stack(
        groups=groups,
        origins_lps_mm=origins,
        row_axis_lps=row_axis,
        column_axis_lps=column_axis,
        spacing_mm=(float(spacing[0, 0]), float(spacing[0, 1])),
        increment_mm=increment_mm,
        n_missing=n_missing,
    )


def _placed(
    headers: Sequence[SliceHeader],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Positions (n, 3), cosines (n, 6) and pixel spacing (n, 2), all there and possible."""
    if any(h.position is None or h.orientation is None or h.spacing is None for h in headers):
        raise RefusalError(Reason.NOT_AXIAL, "no position, orientation or pixel spacing")
    spacing = np.array([h.spacing for h in headers], dtype=np.float64)
    if spacing.min() <= 0:
        raise RefusalError(Reason.NOT_AXIAL, "pixel spacing is not positive")
    positions = np.array([h.position for h in headers], dtype=np.float64)
    return positions, np.array([h.orientation for h in headers], dtype=np.float64), spacing


def _check_same(
    headers: Sequence[SliceHeader], cosines: NDArray[np.float64], spacing: NDArray[np.float64]
) -> None:
    differs = {
        "matrix": len({(h.rows, h.columns) for h in headers}) > 1,
        "orientation": bool(np.abs(cosines - cosines[0]).max() > COSINE_TOLERANCE),
        "pixel spacing": bool(np.abs(spacing / spacing[0] - 1).max() > SPACING_TOLERANCE),
    }
    what = [name for name, is_different in differs.items() if is_different]
    if what:
        raise RefusalError(Reason.MIXED_GEOMETRY, "slices differ in " + ", ".join(what))


def _axes(cosines: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the unit vectors along which the column index and the row index grow."""
    along_row, along_column = cosines[0, :3], cosines[0, 3:]
    lengths = np.linalg.norm(along_row), np.linalg.norm(along_column)
    is_unit = max(abs(lengths[0] - 1), abs(lengths[1] - 1)) <= COSINE_TOLERANCE
    if not is_unit or abs(along_row @ along_column) > COSINE_TOLERANCE:
        raise RefusalError(Reason.NOT_AXIAL, "direction cosines are no right-angled frame")
    return along_row / lengths[0], along_column / lengths[1]


def _planes(along: NDArray[np.float64], order: NDArray[np.intp]) -> tuple[tuple[int, ...], ...]:
    """Group files that lie at one position."""
    gaps = -np.diff(along[order])
    apart = gaps[gaps > SAME_POSITION_MM]
    limit = SAME_POSITION_MM
    if len(apart):
        limit = max(limit, SAME_POSITION_SHARE * float(np.median(apart)))
    groups: list[list[int]] = [[int(order[0])]]
    for index, gap in zip(order[1:], gaps, strict=True):
        if gap <= limit:
            groups[-1].append(int(index))
        else:
            groups.append([int(index)])
    return tuple(tuple(g) for g in groups)


def _check_lean(origins: NDArray[np.float64], normal: NDArray[np.float64]) -> None:
    """Refuse a stack that leans against its normal (gantry tilt), or that jumps sideways."""
    path = origins - origins[0]
    height = path @ normal
    lateral = path - height[:, None] * normal
    drift = lateral[-1] / height[-1]
    degrees = float(np.degrees(np.arctan(np.linalg.norm(drift))))
    if degrees > TILT_TOLERANCE_DEGREES:
        raise RefusalError(Reason.TILT_UNCORRECTED, f"stack leans by {degrees:.1f} degrees")
    beside_mm = np.linalg.norm(lateral - height[:, None] * drift, axis=1).max()
    if beside_mm > LATERAL_TOLERANCE_MM:
        raise RefusalError(Reason.MIXED_GEOMETRY, f"slices displaced by {beside_mm:.1f} mm")


def _check_axial(normal: NDArray[np.float64]) -> None:
    degrees = _from_body_axis_degrees(normal)
    if degrees > AXIAL_TOLERANCE_DEGREES:
        raise RefusalError(Reason.NOT_AXIAL, f"normal is {degrees:.1f} degrees off the body axis")


def _check_tag(headers: Sequence[SliceHeader], normal: NDArray[np.float64]) -> None:
    """Refuse a tilt the header names and the direction cosines do not show: one is wrong."""
    named = max(abs(h.tilt_degrees or 0.0) for h in headers)
    if named - _from_body_axis_degrees(normal) > TILT_TOLERANCE_DEGREES:
        detail = f"header names a tilt of {named:.1f} degrees, the orientation none"
        raise RefusalError(Reason.TILT_UNCORRECTED, detail)


def _from_body_axis_degrees(normal: NDArray[np.float64]) -> float:
    """Angle between the normal and the body's long axis; exact also near zero."""
    across = float(np.hypot(normal[0], normal[1]))
    return float(np.degrees(np.arctan2(across, abs(float(normal[2])))))


def _check_numbers(numbers: Sequence[int | None]) -> None:
    """Refuse slices whose numbers do not run along the stack: two passes may lie between them.

    Missing or repeated numbers say nothing.
    """
    known = [n for n in numbers if n is not None]
    if len(known) < len(numbers) or len(set(known)) < len(known):
        return
    up = int((np.diff(known) > 0).sum())
    if 0 < up < len(known) - 1:
        against = min(up, len(known) - 1 - up)
        steps = "1 step goes" if against == 1 else f"{against} steps go"
        raise RefusalError(Reason.SLICES_OUT_OF_ORDER, f"{steps} against the others")


def _increment(gaps: NDArray[np.float64]) -> tuple[float, int]:
    """Regular increment and number of missing slices of the distances between planes.

    A distance of n increments means n - 1 missing slices, as long as most distances are one
    increment; anything else is uneven.
    """
    median = float(np.median(gaps))
    steps = np.rint(gaps / median)
    regular = steps == 1
    if 2 * int(regular.sum()) <= len(gaps):
        raise RefusalError(Reason.UNEVEN_SLICES, _spread(gaps))
    increment_mm = float(gaps[regular].mean())
    off = np.abs(gaps - steps * increment_mm)
    if (steps < 1).any() or float(off.max()) > INCREMENT_TOLERANCE * increment_mm:
        raise RefusalError(Reason.UNEVEN_SLICES, _spread(gaps))
    return increment_mm, int((steps - 1).sum())


def _spread(gaps: NDArray[np.float64]) -> str:
    return f"increments from {gaps.min():.2f} to {gaps.max():.2f} mm"
