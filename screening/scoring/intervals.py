"""How sure volume and mass are.

Comes in: what was measured of one scan's calcium, and how its mass was calibrated.
Goes out: `Intervals`, 95 % each.
Refuses: nothing.

Of the volumes: the MESA rescan limit, as `certainty` uses it for the score. Of the masses: noise;
the factor's error, of the rod or of the default; partial volume. The standard mass loses what lies
below the threshold and counts the tissue in what lies above: an error of the size of its distance
to the integrated mass, taken as one standard error. Motion is in no mass interval.
"""

from math import hypot, pi, sqrt
from typing import NamedTuple

from screening.measures import Intervals
from screening.records import ScoringParameters, Volume
from screening.scoring.certainty import NON_GATED_FACTOR, TWO_SIDED_95, volume_repeatability_limit
from screening.scoring.mass import IntegratedMass
from screening.scoring.parameters import mass_mg_per_mm3_per_hu

# Without a rod: scanners and body sizes move the factor by some 10 to 20 % (McCollough, Radiology
# 2007;243:527 calibrates each scan for that reason); the middle is taken as the standard error.
DEFAULT_FACTOR_ERROR = 0.15
# What the margin misses or the neighbourhood adds, of the integrated mass: measured on simulated
# inserts without noise, whose errors at 3 and 5 mm lie between -1 and +1 % where all is found.
INTEGRATION_ERROR = 0.02
# Of no calcium: what one deposit may hold and yet stay below the threshold. Its smear in the plane
# is a Gaussian (0.65 mm in the phantom, up to 0.8 mm published); between two slices each gets half.
UNSEEN_SIGMA_MM, UNSEEN_SLICES, TISSUE_HU = 0.65, 2.0, 40.0


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
    if found.mass_mg == 0:
        standard = integrated = (0.0, _unseen_mg(volume, parameters))
    else:
        common = hypot(whole.noise_mg, error * whole.mg, INTEGRATION_ERROR * whole.mg)
        integrated = _around(whole.mg, TWO_SIDED_95 * common)
        spread = hypot(common, whole.mg - found.mass_mg)
        standard = _around(found.mass_mg, TWO_SIDED_95 * spread)
    is_gated = volume.acquisition.is_gated
    return Intervals(
        volume_mm3=_of_volume(found.volume_mm3, is_gated=is_gated),
        volume_isotropic_mm3=_of_volume(found.volume_isotropic_mm3, is_gated=is_gated),
        mass_mg=standard,
        mass_integrated_mg=integrated,
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


def _around(value: float, half: float) -> tuple[float, float]:
    return max(value - half, 0.0), value + half


def _of_volume(volume_mm3: float, *, is_gated: bool) -> tuple[float, float]:
    factor = 1.0 if is_gated else NON_GATED_FACTOR
    return _around(volume_mm3, factor * volume_repeatability_limit(volume_mm3) / sqrt(2))


def _unseen_mg(volume: Volume, parameters: ScoringParameters) -> float:
    slice_mm = max(volume.acquisition.slice_thickness_mm or 0.0, volume.increment_mm)
    smear_mm3 = 2 * pi * UNSEEN_SIGMA_MM**2 * slice_mm * UNSEEN_SLICES
    factor = mass_mg_per_mm3_per_hu(volume.acquisition.kvp, parameters)
    return factor * smear_mm3 * (parameters.threshold_hu - TISSUE_HU)
