"""Pooled Cohort Equations of 2013: 10-year hard ASCVD.

Comes in: `People`. Goes out: the risk as a fraction.
Refuses: nothing itself; NaN in gives NaN out. `equations` says whom the equation is for.

Source: Goff and others 2014, Circulation 129:S49-73, table A
(doi 10.1161/01.cir.0000437741.48606.98). There are equations for black and for white people;
the guideline lets the white one stand for other races, and says that it may be off for them.
"""

from collections.abc import Mapping

import numpy as np

from screening.risk.coefficients import Terms, coefficients
from screening.risk.people import Floats, People


def pooled_cohort_risks(people: People) -> Mapping[str, Floats]:
    """Evaluate risk = 1 - survival ** exp(sum - mean), natural logarithms, mg/dL and mmHg.

    Returns
    -------
    `pce_ascvd_10y`, float64 (n,), fraction; NaN where an input is NaN or race unknown
    """
    beta = coefficients("pooled_cohort")
    black = people.by_sex(_risk(people, beta["F_black"]), _risk(people, beta["M_black"]))
    white = people.by_sex(_risk(people, beta["F_white"]), _risk(people, beta["M_white"]))
    is_known = np.logical_or.reduce(list(people.race.values()))
    risk = np.where(people.race["black"], black, np.where(is_known, white, np.nan))
    return {"pce_ascvd_10y": risk}


def _risk(people: People, beta: Terms) -> Floats:
    age, smoker = np.log(people.age_years), people.smoker
    total, hdl = np.log(people.total_cholesterol_mg_dl), np.log(people.hdl_cholesterol_mg_dl)
    sbp, is_treated = np.log(people.systolic_bp_mmhg), people.bp_treated
    treated = beta["ln_sbp_treated"] + beta["ln_age_ln_sbp_treated"] * age
    untreated = beta["ln_sbp_untreated"] + beta["ln_age_ln_sbp_untreated"] * age
    total_sum = (
        beta["ln_age"] * age
        + beta["ln_age_squared"] * age**2
        + (beta["ln_tc"] + beta["ln_age_ln_tc"] * age) * total
        + (beta["ln_hdl"] + beta["ln_age_ln_hdl"] * age) * hdl
        + (is_treated * treated + (1 - is_treated) * untreated) * sbp
        + (beta["smoker"] + beta["ln_age_smoker"] * age) * smoker
        + beta["diabetes"] * people.diabetes
    )
    risk: Floats = -np.expm1(np.exp(total_sum - beta["mean"]) * np.log(beta["survival"]))
    return risk
