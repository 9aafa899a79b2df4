"""Small dense things, kept as clouds of weighted points, seen through a scanner.

Comes in: points in the scan's index coordinates with weights.
Goes out: the HU they add to the voxels of a small box, mass kept.
Refuses: nothing.

Each point is spread by the in-plane point-spread (a Gaussian) over square pixels, and by the
slice profile (a box of the slice thickness with soft ends) over the slices.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from screening.phantom.shapes import Floats, Vector

_REACH_SIGMAS = 3.5
_PROFILE_SIGMA_MM = 0.25
_BLOCK = 4000  # points at a time, to bound memory


@dataclass(frozen=True, slots=True)
class Optics:
    """How a scan sees a point, in index units of [slice, row, column]."""

    sigma_rows: float
    sigma_columns: float
    thickness_slices: float
    sigma_slices: float
    voxel_mm3: float
    shape: tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """HU added in the box that starts at `start`."""

    start: tuple[int, int, int]
    hu: Floats

    @property
    def where(self) -> tuple[slice, slice, slice]:
        """The box as slices of the whole stack."""
        a, n = self.start, self.hu.shape
        return (slice(a[0], a[0] + n[0]), slice(a[1], a[1] + n[1]), slice(a[2], a[2] + n[2]))


def optics(
    sigma_mm: float,
    spacing_mm: tuple[float, float],
    thickness_mm: float,
    normal_step_mm: float,
    shape: tuple[int, int, int],
) -> Optics:
    """Optics of a stack; `normal_step_mm` is the distance of slices along their normal."""
    return Optics(
        sigma_mm / spacing_mm[0],
        sigma_mm / spacing_mm[1],
        thickness_mm / normal_step_mm,
        _PROFILE_SIGMA_MM / normal_step_mm,
        spacing_mm[0] * spacing_mm[1] * normal_step_mm,
        shape,
    )


def _weights(at: Vector, first: int, last: int, width: float, sigma: float) -> NDArray[np.float64]:
    index = np.arange(first, last, dtype=float)
    d = index[None, :] - at[:, None]
    return np.asarray((ndtr((d + width / 2) / sigma) - ndtr((d - width / 2) / sigma)) / width)


def splat(index: Vector, weights_hu_mm3: Vector, seen: Optics) -> Patch | None:
    """HU that points add to a stack, or None where they do not touch it.

    Parameters
    ----------
    index : (n, 3) fractional [slice, row, column]
    weights_hu_mm3 : (n,) HU times mm3 of each point
    seen : the scan's optics
    """
    reach = np.array(
        [
            seen.thickness_slices / 2 + _REACH_SIGMAS * seen.sigma_slices,
            0.5 + _REACH_SIGMAS * seen.sigma_rows,
            0.5 + _REACH_SIGMAS * seen.sigma_columns,
        ]
    )
    low = np.maximum(np.floor(index.min(axis=0) - reach).astype(int), 0)
    high = np.minimum(np.ceil(index.max(axis=0) + reach).astype(int) + 1, seen.shape)
    if (high <= low).any():
        return None
    n = high - low
    out = np.zeros((n[0], n[1] * n[2]))
    for k in range(0, len(index), _BLOCK):
        p = index[k : k + _BLOCK]
        gz = _weights(p[:, 0], low[0], high[0], seen.thickness_slices, seen.sigma_slices)
        gy = _weights(p[:, 1], low[1], high[1], 1.0, seen.sigma_rows)
        gx = _weights(p[:, 2], low[2], high[2], 1.0, seen.sigma_columns)
        gz *= weights_hu_mm3[k : k + _BLOCK, None] / seen.voxel_mm3
        for s in range(n[0]):
            used = gz[:, s] > 0
            if used.any():
                out[s] += ((gy[used] * gz[used, s, None]).T @ gx[used]).ravel()
    start = (int(low[0]), int(low[1]), int(low[2]))
    return Patch(start, out.reshape(tuple(n)).astype(np.float32))
