"""What is told beside the score.

Comes in: a `Volume`, its coronary calcium, the score and the vessels.
Goes out: a `Beside`: categories of other schools, density, mass by integration, the score at
thresholds that fit the tube voltage, the score of the native thin slices.
Refuses: nothing.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from screening.records import Beside, ScoringParameters, VesselScores, Volume
from screening.scoring.kvp import thresholds
from screening.scoring.mass import integrated_mass_mg
from screening.scoring.measure import Calcium, measure
from screening.scoring.parameters import LOWEST_LABELLED_HU
from screening.scoring.volumetry import isotropic_volume_mm3

# Rumberger's groups as MESA and the AHA/ACC 2018 guideline use them (1-99, 100-399, >= 400).
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
    parameters: ScoringParameters,
) -> Beside:
    """Measure what stands beside the score.

    Parameters
    ----------
    volume : Volume
    index : int64 (n,), all labelled coronary voxels, also below the threshold; flat, sorted
    calcium : of the coronary voxels at or above the threshold
    vessels : the scores
    parameters : of the score itself
    """
    agatston = float(calcium.agatston.sum())
    n_vessels = sum(v > 0 for v in (vessels.LM, vessels.LAD, vessels.LCX, vessels.RCA))
    fitted = thresholds(volume.acquisition.kvp)
    return Beside(
        n_vessels=n_vessels,
        density=_density(volume, calcium, parameters),
        volume_isotropic_mm3=isotropic_volume_mm3(volume, calcium.index, parameters.threshold_hu),
        mass_integrated_mg=integrated_mass_mg(volume, calcium.index, parameters),
        agatston_kvp=_at_kvp(volume, index, parameters),
        kvp_edges_hu=fitted.edges_hu if fitted else None,
        kvp_source=fitted.source if fitted else "unknown",
        group=group(agatston),
        cac_drs=cac_drs(agatston, n_vessels),
    )


def _density(volume: Volume, calcium: Calcium, parameters: ScoringParameters) -> float | None:
    """Return the mean weight, 1 to 4, over the counted area (Criqui, JAMA 2014;311:271)."""
    counted = calcium.agatston > 0
    if not counted.any():
        return None
    of_slice = calcium.index[counted] // (volume.hu.shape[1] * volume.hu.shape[2])
    scale = volume.increments_mm[of_slice] / parameters.reference_increment_mm
    area = volume.spacing_mm[0] * volume.spacing_mm[1] * scale
    return float(calcium.agatston[counted].sum() / area.sum())


def _at_kvp(
    volume: Volume, index: NDArray[np.int64], parameters: ScoringParameters
) -> float | None:
    fitted = thresholds(volume.acquisition.kvp)
    if fitted is None or fitted.edges_hu[0] < LOWEST_LABELLED_HU:
        return None
    first, *weights = fitted.edges_hu
    adapted = replace(
        parameters, threshold_hu=first, weight_edges_hu=(weights[0], weights[1], weights[2])
    )
    picked = index[volume.hu.take(index) >= first]
    one = np.zeros(len(picked), dtype=np.uint8)
    return float(measure(volume, picked, one, adapted).agatston.sum())
