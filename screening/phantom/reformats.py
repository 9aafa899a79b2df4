"""Images that are no axial chest slices: scouts, sagittal reformats, a head.

Comes in: an axial chest `Stack`, head to feet; or a seed.
Goes out: a `Stack` with its own orientation.
Refuses: nothing.
"""

import numpy as np
from numpy.typing import NDArray

from screening.phantom.dicom import Stack

_LEFT, _BACK, _FEET = np.eye(3)[0], np.eye(3)[1], -np.eye(3)[2]
_SAGITTAL_SLICES = 24
_HEAD_SLICES, _HEAD_MATRIX, _HEAD_FOV_MM, _HEAD_INCREMENT_MM = 32, 256, 240.0, 5.0


def _increment_mm(stack: Stack) -> float:
    return float(abs(stack.origins_lps_mm[1, 2] - stack.origins_lps_mm[0, 2]))


def scout(stack: Stack) -> Stack:
    """Project the chest from the front onto one image."""
    mean = np.maximum(stack.hu, -1000).astype(np.float32).mean(axis=1)
    image = np.rint(mean * 1.5 + 500).astype(np.int16)
    return Stack(
        hu=image[None],
        spacing_mm=(_increment_mm(stack), stack.spacing_mm[1]),
        origins_lps_mm=stack.origins_lps_mm[:1],
        row_axis_lps=_FEET,
        column_axis_lps=_LEFT,
    )


def sagittal(stack: Stack) -> Stack:
    """Cut the middle of the chest from right to left; one slice every other column."""
    middle = stack.hu.shape[2] // 2
    columns = np.arange(middle - _SAGITTAL_SLICES, middle + _SAGITTAL_SLICES, 2)
    offsets = columns[:, None] * stack.spacing_mm[1] * stack.column_axis_lps
    return Stack(
        hu=np.ascontiguousarray(stack.hu[:, :, columns].transpose(2, 0, 1)),
        spacing_mm=(_increment_mm(stack), stack.spacing_mm[0]),
        origins_lps_mm=stack.origins_lps_mm[0] + offsets,
        row_axis_lps=_FEET,
        column_axis_lps=_BACK,
    )


def _ellipsoid(
    axes: tuple[NDArray[np.floating], ...],
    centre_mm: tuple[float, float, float],
    radii_mm: tuple[float, float, float],
) -> NDArray[np.bool_]:
    terms = [((a - c) / r) ** 2 for a, c, r in zip(axes, centre_mm, radii_mm, strict=True)]
    return np.asarray(terms[0] + terms[1] + terms[2] <= 1.0)


def head(seed: int) -> Stack:
    """Make a head: scalp, skull, brain, ventricles and nose, as nested ellipsoids."""
    rng = np.random.default_rng([seed, 5])
    pixel = _HEAD_FOV_MM / _HEAD_MATRIX
    across = (np.arange(_HEAD_MATRIX) - (_HEAD_MATRIX - 1) / 2) * pixel
    down = 90.0 - _HEAD_INCREMENT_MM * np.arange(_HEAD_SLICES)
    axes = (down[:, None, None], across[None, :, None], across[None, None, :])
    hu = np.full((_HEAD_SLICES, _HEAD_MATRIX, _HEAD_MATRIX), -1000.0, dtype=np.float32)
    size = float(rng.uniform(0.94, 1.04))
    centre = (0.0, 0.0, 0.0)
    layers: tuple[tuple[tuple[float, float, float], tuple[float, float, float], float], ...] = (
        ((-45.0, -88.0, 0.0), (28.0, 22.0, 14.0), 30.0),
        (centre, (88.0, 96.0, 78.0), 25.0),
        (centre, (82.0, 90.0, 72.0), 950.0),
        (centre, (75.0, 83.0, 65.0), 36.0),
        ((12.0, -10.0, -14.0), (14.0, 32.0, 7.0), 6.0),
        ((12.0, -10.0, 14.0), (14.0, 32.0, 7.0), 6.0),
    )
    for middle, radii, value in layers:
        hu[_ellipsoid(axes, middle, (radii[0] * size, radii[1] * size, radii[2] * size))] = value
    hu += rng.normal(0, 5, hu.shape).astype(np.float32)
    origins = np.zeros((_HEAD_SLICES, 3))
    origins[:, :2] = across[0]
    origins[:, 2] = down
    return Stack(np.rint(hu).astype(np.int16), (pixel, pixel), origins, _BACK, _LEFT)
