"""AHA PREVENT, base model: total CVD, ASCVD and heart failure over 10 and 30 years.

Comes in: `People`. Goes out: the risk as a fraction for each outcome and horizon.
Refuses: nothing itself; NaN in gives NaN out. `equations` says whom the equation is for.

Source: Khan and others 2024, Circulation 149:430-449 (doi 10.1161/CIRCULATIONAHA.123.067626),
supplement table S12. Race is no input. eGFR is CKD-EPI 2021, mL/min/1.73 m². BMI enters heart
failure alone; cholesterol and lipid treatment do not enter it.
"""

from collections.abc import Mapping

import numpy as np

from screening.risk.coefficients import Terms, coefficients
from screening.risk.people import MMOL_L_PER_MG_DL, Floats, People

OUTCOMES = ("cvd", "ascvd", "hf")
HORIZONS_YEARS = (10, 30)


def prevent_risks(people: People) -> Mapping[str, Floats]:
    """Evaluate risk = 1 / (1 + exp(-log odds)).

    Returns
    -------
    `prevent_cvd_10y` and so on, float64 (n,), fraction; NaN where an input that the outcome
    uses is NaN
    """
    beta, values = coefficients("prevent"), _values(people)
    risks: dict[str, Floats] = {}
    for years in HORIZONS_YEARS:
        for outcome in OUTCOMES:
            name = f"{outcome}_{years}y"
            odds = people.by_sex(
                _log_odds(values, beta[f"F_{name}"]), _log_odds(values, beta[f"M_{name}"])
            )
            risks[f"prevent_{name}"] = 1.0 / (1.0 + np.exp(-odds))
    return risks


def _log_odds(values: Mapping[str, Floats], beta: Terms) -> Floats:
    """Sum the terms that the outcome has: what it does not use may be unknown."""
    total = beta["constant"] + np.zeros(len(values["age"]))
    for term, value in values.items():
        if beta[term]:
            total += beta[term] * value
    return total


def _values(people: People) -> Mapping[str, Floats]:
    """Centre and scale; pressure, BMI and eGFR bend at 110, 30 and 60."""
    age = (people.age_years - 55) / 10
    total, hdl = people.total_cholesterol_mg_dl, people.hdl_cholesterol_mg_dl
    non_hdl = (total - hdl) * MMOL_L_PER_MG_DL - 3.5
    hdl = (hdl * MMOL_L_PER_MG_DL - 1.3) / 0.3
    sbp, bmi, egfr = people.systolic_bp_mmhg, people.bmi, people.egfr
    sbp_from_110 = (np.maximum(sbp, 110) - 130) / 20
    bmi_from_30 = (np.maximum(bmi, 30) - 30) / 5
    egfr_below_60 = (np.minimum(egfr, 60) - 60) / -15
    return {
        "age": age,
        "age_squared": age**2,
        "non_hdl": non_hdl,
        "hdl": hdl,
        "sbp_below_110": (np.minimum(sbp, 110) - 110) / 20,
        "sbp_from_110": sbp_from_110,
        "diabetes": people.diabetes,
        "smoker": people.smoker,
        "bmi_below_30": (np.minimum(bmi, 30) - 25) / 5,
        "bmi_from_30": bmi_from_30,
        "egfr_below_60": egfr_below_60,
        "egfr_from_60": (np.maximum(egfr, 60) - 90) / -15,
        "bp_treated": people.bp_treated,
        "lipid_treated": people.lipid_treated,
        "bp_treated_sbp_from_110": people.bp_treated * sbp_from_110,
        "lipid_treated_non_hdl": people.lipid_treated * non_hdl,
        "age_non_hdl": age * non_hdl,
        "age_hdl": age * hdl,
        "age_sbp_from_110": age * sbp_from_110,
        "age_diabetes": age * people.diabetes,
        "age_smoker": age * people.smoker,
        "age_bmi_from_30": age * bmi_from_30,
        "age_egfr_below_60": age * egfr_below_60,
    }
