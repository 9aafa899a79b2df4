"""The factor from HU to calcium, from a rod scanned along.

Comes in: a `Volume` and where a rod of known density lies.
Goes out: mg/cm3 per HU, with its uncertainty; scoring parameters that hold both.
Refuses: a rod that is not where it is said to be (ScreeningError).

Standard mass calibration (McCollough, Radiology 2007;243:527): density over the HU by which the
rod exceeds what it lies in. Without a rod a default for the tube voltage is used.
"""

from dataclasses import dataclass, replace

import numpy as np

from screening.errors import ScreeningError
from screening.records import ScoringParameters, Volume

# Read well inside the rod, where its edge has not smeared out, and the matrix well outside.
_INNER, _OUTER = 0.6, (1.5, 2.0)
_MATRIX_HU = (-150.0, 150.0)
_MIN_VOXELS = 50
_MIN_CONTRAST_HU = 50.0


@dataclass(frozen=True, slots=True)
class Rod:
    """A calibration rod along the table: a point of its axis, its radius, its density."""

    x_lps_mm: float
    y_lps_mm: float
    radius_mm: float
    mg_per_cm3: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The factor and its standard error from slice to slice, mg/cm3 per HU."""

    mg_per_cm3_per_hu: float
    standard_error: float
    n_slices: int


def with_rod(parameters: ScoringParameters, volume: Volume, rod: Rod) -> ScoringParameters:
    """Return the parameters with the factor that this scan's rod gives, and its error."""
    found = calibrate(volume, rod)
    return replace(
        parameters,
        mass_mg_per_cm3_per_hu=found.mg_per_cm3_per_hu,
        mass_factor_standard_error=found.standard_error,
    )


def calibrate(volume: Volume, rod: Rod) -> Calibration:
    """Measure the factor of this scan.

    Raises
    ------
    ScreeningError : fewer than 50 voxels in a slice, or no contrast to what lies around
    """
    rows, columns = np.indices(volume.hu.shape[1:])
    factors = []
    for k, origin in enumerate(volume.origins_lps_mm):
        x, y = (
            origin[axis]
            + rows * volume.spacing_mm[0] * volume.row_axis_lps[axis]
            + columns * volume.spacing_mm[1] * volume.column_axis_lps[axis]
            for axis in (0, 1)
        )
        r = np.hypot(x - rod.x_lps_mm, y - rod.y_lps_mm) / rod.radius_mm
        inner = volume.hu[k][r < _INNER]
        around = volume.hu[k][(r > _OUTER[0]) & (r < _OUTER[1])]
        around = around[(around > _MATRIX_HU[0]) & (around < _MATRIX_HU[1])]
        if len(inner) < _MIN_VOXELS:
            raise ScreeningError("the calibration rod is too thin, or not within the images")
        contrast = float(inner.mean()) - (float(around.mean()) if len(around) else 0.0)
        if contrast < _MIN_CONTRAST_HU:
            raise ScreeningError(
                f"no calibration rod there: slice {k} is {contrast:.0f} HU above what lies around"
            )
        factors.append(rod.mg_per_cm3 / contrast)
    n = len(factors)
    spread = float(np.std(factors, ddof=1)) / np.sqrt(n) if n > 1 else float("nan")
    return Calibration(float(np.mean(factors)), float(spread), n)
