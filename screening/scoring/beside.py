"""What is told beside the score.

Comes in: a `Volume`, its coronary calcium, the score, the vessels and the lesions.
Goes out: a `Beside`: categories of other schools, density, mass by integration, the score at
thresholds that fit the tube voltage, the score of the native thin slices; `Intervals`.
Refuses: nothing.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from screening.measures import Beside, Intervals
from screening.records import ScoringParameters, VesselScores, Volume
from screening.scoring.intervals import Measured, intervals
from screening.scoring.kvp import thresholds_of
from screening.scoring.mass import integrated_mass
from screening.scoring.measure import Calcium, measure
from screening.scoring.parameters import LOWEST_LABELLED_HU
from screening.scoring.volumetry import isotropic_volume_mm3

# The groups 0, 1-99, 100-399, >= 400 of most outcome studies.
GROUP_EDGES = (100.0, 400.0)
GROUPS = ("0", "1-99", "100-399", ">=400")
# CAC-DRS (Hecht, J Cardiovasc Comput Tomogr 2018;12:185): A0 0, A1 1-99, A2 100-299, A3 >= 300.
# It asks for a gated scan; on others this is its equivalent, and named so.
DRS_EDGES = (100.0, 300.0)


def group(agatston: float) -> str:
    """0, 1-99, 100-399 or >= 400; scores between 0 and 1 belong to 1-99."""
    if agatston <= 0:
        return GROUPS[0]
    return GROUPS[1 + sum(agatston >= edge for edge in GROUP_EDGES)]


def cac_drs(agatston: float, n_vessels: int) -> str:
    """CAC-DRS class and number of vessels, such as A2/N3."""
    grade = 0 if agatston <= 0 else 1 + sum(agatston >= edge for edge in DRS_EDGES)
    return f"A{grade}/N{n_vessels}"


def beside(
    volume: Volume,
    index: NDArray[np.int64],
    calcium: Calcium,
    vessels: VesselScores,
    n_lesions: int,
    noise_hu: float,
    parameters: ScoringParameters,
) -> tuple[Beside, Intervals]:
    """Measure what stands beside the score.

    Parameters
    ----------
    volume : Volume
    index : int64 (n,), all labelled coronary voxels, also below the threshold; flat, sorted
    calcium : of the coronary voxels at or above the threshold
    vessels : the scores
    n_lesions : coronary
    noise_hu : of the scan
    parameters : of the score itself
    """
    agatston = float(calcium.agatston.sum())
    n_vessels = sum(v > 0 for v in (vessels.LM, vessels.LAD, vessels.LCX, vessels.RCA))
    fitted, source = thresholds_of(volume.acquisition)
    found = measured(volume, calcium, noise_hu, parameters)
    told = Beside(
        n_vessels=n_vessels,
        n_lesions=n_lesions,
        density=density(calcium, parameters),
        volume_isotropic_mm3=found.volume_isotropic_mm3,
        mass_integrated_mg=found.integrated.mg,
        agatston_kvp=at_kvp(volume, index, agatston, parameters),
        kvp_edges_hu=fitted.edges_hu if fitted else None,
        kvp_source=source,
        group=group(agatston),
        cac_drs=cac_drs(agatston, n_vessels),
    )
    return told, intervals(volume, found, parameters)


def measured(
    volume: Volume, calcium: Calcium, noise_hu: float, parameters: ScoringParameters
) -> Measured:
    """Return volume and mass, each by both methods."""
    return Measured(
        volume_mm3=float(calcium.volume_mm3.sum()),
        volume_isotropic_mm3=isotropic_volume_mm3(volume, calcium.index, parameters.threshold_hu),
        mass_mg=float(calcium.mass_mg.sum()),
        integrated=integrated_mass(volume, calcium.index, parameters, noise_hu),
    )


def density(calcium: Calcium, parameters: ScoringParameters) -> float | None:
    """Return the mean weight, 1 to 4, over the counted area (Criqui, JAMA 2014;311:271)."""
    counted = calcium.agatston > 0
    if not counted.any():
        return None
    # A voxel's area times increment / reference increment is its volume over the latter.
    area = calcium.volume_mm3[counted].sum() / parameters.reference_increment_mm
    return float(calcium.agatston[counted].sum() / area)


def at_kvp(
    volume: Volume, index: NDArray[np.int64], agatston: float, parameters: ScoringParameters
) -> float | None:
    """Score the same voxels at thresholds that fit the tube voltage; None without such.

    Parameters
    ----------
    volume : Volume
    index : int64 (n,), flat, sorted: voxels of calcium and those about it, also below the threshold
    agatston : at the standard thresholds
    parameters : of that score
    """
    fitted, _ = thresholds_of(volume.acquisition)
    if fitted is None or fitted.edges_hu[0] < LOWEST_LABELLED_HU:
        return None
    first, *weights = fitted.edges_hu
    adapted = replace(
        parameters, threshold_hu=first, weight_edges_hu=(weights[0], weights[1], weights[2])
    )
    if adapted == parameters:
        return agatston
    picked = index[volume.counts(index, adapted)]
    one = np.zeros(len(picked), dtype=np.uint8)
    return float(measure(volume, picked, one, adapted).agatston.sum())
