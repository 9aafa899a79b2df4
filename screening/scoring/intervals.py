"""How sure volume and mass are.

Comes in: what was measured of one scan's calcium, and how its mass was calibrated.
Goes out: `Intervals`, 95 % each.
Refuses: nothing.

Of the volumes: the MESA rescan limit, as `certainty` uses it for the score. Of the masses: all the
mineral that is in the coronaries, seen or not. What is seen is uncertain by noise; by the tissue it
covers, which nobody sees; by the factor's error, of the rod or of the default; by what the margin
misses. What is not seen, deposits that stay below the threshold, is added to the upper ends. The
standard mass loses what lies below the threshold and counts the tissue in what lies above, so that
it is off by its distance to the integrated mass: its interval reaches as far beyond either of them.
Whatever tissue is covered, none is as bright as the threshold: what rises above that is mineral or
noise, and no lower end lies below it less its own error.
"""

from math import hypot, sqrt
from typing import NamedTuple

from screening.measures import Intervals
from screening.records import ScoringParameters, Volume
from screening.scoring.certainty import (
    NON_GATED_FACTOR,
    TWO_SIDED_95,
    ZERO_HIGH_NON_GATED,
    volume_repeatability_limit,
)
from screening.scoring.mass import TISSUE_HU, IntegratedMass
from screening.scoring.parameters import mass_mg_per_mm3_per_hu

# Without a rod: scanners and body sizes move the factor by some 10 to 20 % (McCollough, Radiology
# 2007;243:527 calibrates each scan for that reason); the middle is taken as the standard error.
DEFAULT_FACTOR_ERROR = 0.15
# What the margin misses or the neighbourhood adds, of the integrated mass: measured on simulated
# inserts without noise, whose errors at 3 and 5 mm lie between -1 and +1 % where all is found.
INTEGRATION_ERROR = 0.02
# How far the tissue under the calcium may differ from that around it, as a share of how much the
# latter varies; and what may stay below the threshold: so many mm times the square of the slices
# (each deposit may hide the more the thicker they are, and the more deposits hide) just below it,
# which is 0.8 mg at 1 mm, 7 mg at 3 mm, 21 mg at 5 mm. Both measured on 120 simulated chests with
# moving vessels (tests/support/mass_cases.py, seeds 0 to 119); infra/scoring-measured.md tells
# what the intervals hold on others.
UNEVEN_SHARE = 0.5
UNSEEN_MM = 12.0
# What a non-gated zero may hide is told as 10 Agatston units: of the lowest weight, on the 3 mm the
# weights are for, they are 30 mm³.
ZERO_HIGH_NON_GATED_MM3 = 3.0 * ZERO_HIGH_NON_GATED


class Measured(NamedTuple):
    """The measures of all coronary calcium, mm³ and mg."""

    volume_mm3: float
    volume_isotropic_mm3: float
    mass_mg: float
    integrated: IntegratedMass


def intervals(volume: Volume, found: Measured, parameters: ScoringParameters) -> Intervals:
    """Return the 95 % interval of each measure.

    Parameters
    ----------
    volume : the scan, for its tube voltage, slices and gating
    found : its measures
    parameters : of the score; with the rod's factor and its error where there was one
    """
    source, error = factor_error(parameters)
    whole = found.integrated
    unseen_mg = _unseen_mg(volume, parameters)
    common = hypot(
        whole.noise_mg,
        UNEVEN_SHARE * whole.uneven_mg,
        error * whole.mg,
        INTEGRATION_ERROR * whole.mg,
    )
    half_mg = TWO_SIDED_95 * common
    least, most = sorted((found.mass_mg, whole.mg))
    above_mg = _above_threshold_mg(volume, found, parameters)
    sure_mg = max(above_mg - TWO_SIDED_95 * hypot(whole.noise_mg, error * above_mg), 0.0)
    is_gated = volume.acquisition.is_gated
    return Intervals(
        volume_mm3=_of_volume(found.volume_mm3, is_gated=is_gated),
        volume_isotropic_mm3=_of_volume(found.volume_isotropic_mm3, is_gated=is_gated),
        mass_mg=(_low(least, half_mg, sure_mg), most + half_mg + unseen_mg),
        mass_integrated_mg=(_low(whole.mg, half_mg, sure_mg), whole.mg + half_mg + unseen_mg),
        mass_factor_source=source,
        mass_factor_mg_per_cm3_per_hu=(
            1000 * mass_mg_per_mm3_per_hu(volume.acquisition.kvp, parameters)
        ),
        mass_factor_error=error,
    )


def factor_error(parameters: ScoringParameters) -> tuple[str, float]:
    """Return where the factor from HU to mass comes from, and its relative standard error."""
    factor, error = parameters.mass_mg_per_cm3_per_hu, parameters.mass_factor_standard_error
    if factor is None:
        return "default", DEFAULT_FACTOR_ERROR
    return "rod", (error or 0.0) / factor


def _low(value: float, half: float, sure: float) -> float:
    return max(min(max(value - half, sure), value), 0.0)


def _above_threshold_mg(volume: Volume, found: Measured, parameters: ScoringParameters) -> float:
    """Return what rises above the threshold, of the voxels that reach it."""
    factor = mass_mg_per_mm3_per_hu(volume.acquisition.kvp, parameters)
    return found.mass_mg - factor * parameters.threshold_hu * found.volume_mm3


def _around(value: float, half: float) -> tuple[float, float]:
    return max(value - half, 0.0), value + half


def _of_volume(volume_mm3: float, *, is_gated: bool) -> tuple[float, float]:
    factor = 1.0 if is_gated else NON_GATED_FACTOR
    low, high = _around(volume_mm3, factor * volume_repeatability_limit(volume_mm3) / sqrt(2))
    return low, high if is_gated else max(high, ZERO_HIGH_NON_GATED_MM3)


def _unseen_mg(volume: Volume, parameters: ScoringParameters) -> float:
    slice_mm = max(volume.acquisition.slice_thickness_mm or 0.0, volume.increment_mm)
    factor = mass_mg_per_mm3_per_hu(volume.acquisition.kvp, parameters)
    return factor * UNSEEN_MM * slice_mm**2 * max(parameters.threshold_hu - TISSUE_HU, 0.0)
