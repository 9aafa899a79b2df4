"""SCORE2 and, from 70 years on, SCORE2-OP: 10-year CVD in the four European risk regions.

Comes in: `People`. Goes out: the risk as a fraction for each region.
Refuses: nothing itself; NaN in gives NaN out. `equations` says whom the equation is for.

Source: SCORE2, Eur Heart J 2021;42:2439 (doi 10.1093/eurheartj/ehab309) and SCORE2-OP, Eur Heart
J 2021;42:2455 (doi 10.1093/eurheartj/ehab312), supplementary methods. Cholesterol in mmol/L.
Both were fitted with diabetes, which is 0 in the people they are for, so it has no term here.
"""

from collections.abc import Mapping

import numpy as np

from screening.risk.coefficients import Terms, coefficients
from screening.risk.people import MMOL_L_PER_MG_DL, Floats, People

REGIONS = ("low", "moderate", "high", "very_high")
OLDER_FROM_YEARS = 70.0


def score2_risks(people: People) -> Mapping[str, Floats]:
    """Evaluate the uncalibrated risk and move it to each region's level.

    Returns
    -------
    `score2_low` and so on, float64 (n,), fraction; NaN where an input is NaN
    """
    younger, older = coefficients("score2"), coefficients("score2_op")
    is_older = people.age_years >= OLDER_FROM_YEARS
    by_sex = {
        sex: (_cloglog(people, younger[sex]), _cloglog_older(people, older[sex])) for sex in "FM"
    }
    risks: dict[str, Floats] = {}
    for region in REGIONS:
        of_sex = {
            sex: np.where(
                is_older,
                _in_region(by_sex[sex][1], older[sex], region),
                _in_region(by_sex[sex][0], younger[sex], region),
            )
            for sex in "FM"
        }
        risks[f"score2_{region}"] = people.by_sex(of_sex["F"], of_sex["M"])
    return risks


def _in_region(cloglog: Floats, beta: Terms, region: str) -> Floats:
    """Recalibrate: risk = 1 - exp(-exp(scale1 + scale2 * ln(-ln(1 - uncalibrated))))."""
    moved = beta[f"scale1_{region}"] + beta[f"scale2_{region}"] * cloglog
    risk: Floats = -np.expm1(-np.exp(moved))
    return risk


def _cloglog(people: People, beta: Terms) -> Floats:
    """ln(-ln(1 - uncalibrated risk)) of SCORE2: the linear predictor on the survival's scale."""
    return _predictor(
        beta,
        age=(people.age_years - 60) / 5,
        sbp=(people.systolic_bp_mmhg - 120) / 20,
        total=people.total_cholesterol_mg_dl * MMOL_L_PER_MG_DL - 6,
        hdl=(people.hdl_cholesterol_mg_dl * MMOL_L_PER_MG_DL - 1.3) / 0.5,
        smoker=people.smoker,
    )


def _cloglog_older(people: People, beta: Terms) -> Floats:
    """Give the same of SCORE2-OP, which is centred otherwise and has a mean."""
    centred = _predictor(
        beta,
        age=people.age_years - 73,
        sbp=people.systolic_bp_mmhg - 150,
        total=people.total_cholesterol_mg_dl * MMOL_L_PER_MG_DL - 6,
        hdl=people.hdl_cholesterol_mg_dl * MMOL_L_PER_MG_DL - 1.4,
        smoker=people.smoker,
    )
    return centred - beta["mean"]


def _predictor(
    beta: Terms, *, age: Floats, sbp: Floats, total: Floats, hdl: Floats, smoker: Floats
) -> Floats:
    total_sum: Floats = (
        beta["age"] * age
        + (beta["smoker"] + beta["age_smoker"] * age) * smoker
        + (beta["sbp"] + beta["age_sbp"] * age) * sbp
        + (beta["tc"] + beta["age_tc"] * age) * total
        + (beta["hdl"] + beta["age_hdl"] * age) * hdl
        + np.log(-np.log(beta["survival"]))
    )
    return total_sum
