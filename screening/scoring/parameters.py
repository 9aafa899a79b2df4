"""Every number a score depends on, with its source.

Comes in: nothing, or the parameters of one call.
Goes out: named constants and checked parameters.
Refuses: parameters that contradict each other, or that the labels cannot serve.
"""

import numpy as np

from screening.errors import ScreeningError
from screening.records import Label, ScoringParameters
from screening.scoring.kvp import mineral_gain

# Raise by hand whenever the result for any scan changes; tests/scoring/test_golden.py
# fails until it is raised.
SCORING_VERSION = 15

# Inference labels voxels from this value upwards: a lower threshold would miss calcium silently.
LOWEST_LABELLED_HU = 90

# Calcium outside the coronaries that is reported beside the score, in `Label` order.
OTHER_LABELS = (
    Label.AORTA,
    Label.AORTIC_VALVE,
    Label.MITRAL_ANNULUS,
    Label.PERICARDIUM,
    Label.AIRWAY,
    Label.BONE,
    Label.NODE,
    Label.METAL,
)

# Lower edges of the categories, half-open (Maron/Budoff staging, JACC Adv 2024;3:101287;
# the edges 100 and 300 also in CAC-DRS, Hecht, J Cardiovasc Comput Tomogr 2018;12:185).
CATEGORY_EDGES = (100.0, 300.0, 1000.0)
CATEGORIES = ("0", "(0,100)", "[100,300)", "[300,1000)", "[1000,inf)")

# Mass. mass = c x volume x mean HU (McCollough, Radiology 2007;243:527), where c comes from a
# calibration phantom scanned on the same scanner. No routine chest CT has one, so c is a default:
# at 120 kVp that paper's 100 mg/cm3 threshold stands for about 130 HU, hence 100/130.
# UNCALIBRATED: scanners and body sizes move it by some 10 to 20 %.
MASS_MG_PER_CM3_PER_HU_120KVP = 100.0 / 130.0

# Mean HU of the blood pool. Unenhanced blood measures 27-50 HU between the quartiles of 325
# people, anaemic ones included (Sci Rep 2022;12:21380, aorta and ventricles), about 20 HU in the
# severest anaemia, and follows the haematocrit, so that even 60 % stays below 70 HU. It is nearly
# water, hence alike at every tube voltage.
BLOOD_IMPLAUSIBLE_BELOW_HU = 0.0  # lower than any blood: wrong sampling, or not HU
BLOOD_DARK_BELOW_HU = 20.0  # below the severest anaemia, unless fat or air was sampled: flagged
BLOOD_BRIGHT_FROM_HU = 65.0  # rarer than 1 in 100 without contrast: flagged; tagged, refused
BLOOD_UNCERTAIN_FROM_HU = 80.0  # beyond polycythaemia; late or washed-out contrast: refused
BLOOD_CONTRAST_FROM_HU = 130.0  # blood itself would count as calcium: refused

# A step between neighbouring slices longer than this multiple of the median is a hole.
GAP_RATIO = 1.5


def category(agatston: float) -> str:
    """Name the category of a score; the ranges are half-open.

    Parameters
    ----------
    agatston : float
        Agatston units, 0 or more

    Returns
    -------
    str, one of `CATEGORIES`

    Raises
    ------
    ScreeningError
        for a negative or not finite score
    """
    if not np.isfinite(agatston) or agatston < 0:
        raise ScreeningError("an Agatston score must be a number of 0 or more")
    if agatston == 0:
        return CATEGORIES[0]
    return CATEGORIES[1 + sum(agatston >= edge for edge in CATEGORY_EDGES)]


def mass_mg_per_mm3_per_hu(kvp: float | None, parameters: ScoringParameters) -> float:
    """Mass factor, mg / (mm³ HU): of the calibration rod, else a default for the tube voltage.

    The same calcium is brighter at lower voltages: the default falls with `kvp.mineral_gain`.
    """
    if parameters.mass_mg_per_cm3_per_hu is not None:
        return parameters.mass_mg_per_cm3_per_hu / 1000.0
    return MASS_MG_PER_CM3_PER_HU_120KVP / mineral_gain(kvp) / 1000.0


def check_parameters(parameters: ScoringParameters, lowest_hu: int | None) -> None:
    """Raise ScreeningError, in one line, unless the parameters make sense together.

    Parameters
    ----------
    parameters : ScoringParameters
    lowest_hu : int or None
        from which value the voxels were labelled; None where all were
    """
    edges = parameters.weight_edges_hu
    problems = {
        "connectivity must be 4, 8 or 26": parameters.connectivity not in (4, 8, 26),
        "min_pixels must be 1 or more": not parameters.min_pixels >= 1,
        "min_area_mm2 must be 0 or more": not parameters.min_area_mm2 >= 0,
        "reference_increment_mm must be above 0": not parameters.reference_increment_mm > 0,
        "weight_edges_hu must ascend": list(edges) != sorted(set(edges)),
        f"threshold_hu must be {lowest_hu} or more: only such voxels are labelled": (
            lowest_hu is not None and parameters.threshold_hu < lowest_hu
        ),
    }
    for problem, is_true in problems.items():
        if is_true:
            raise ScreeningError(f"scoring parameters: {problem}")
