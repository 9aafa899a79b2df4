"""Framingham general cardiovascular disease of 2008, the model with lipids: 10 years.

Comes in: `People`. Goes out: the risk as a fraction.
Refuses: nothing itself; NaN in gives NaN out. `equations` says whom the equation is for.

Source: D'Agostino and others 2008, Circulation 117:743-753, table 2
(doi 10.1161/CIRCULATIONAHA.107.699579). Race is no input; the cohort was white.
"""

from collections.abc import Mapping

import numpy as np

from screening.risk.coefficients import Terms, coefficients
from screening.risk.people import Floats, People


def framingham_risks(people: People) -> Mapping[str, Floats]:
    """Evaluate risk = 1 - survival ** exp(sum - mean), natural logarithms, mg/dL and mmHg.

    Returns
    -------
    `frs_cvd_10y`, float64 (n,), fraction; NaN where an input is NaN
    """
    beta = coefficients("framingham")
    return {"frs_cvd_10y": people.by_sex(_risk(people, beta["F"]), _risk(people, beta["M"]))}


def _risk(people: People, beta: Terms) -> Floats:
    is_treated = people.bp_treated
    of_sbp = is_treated * beta["ln_sbp_treated"] + (1 - is_treated) * beta["ln_sbp_untreated"]
    total = (
        beta["ln_age"] * np.log(people.age_years)
        + beta["ln_tc"] * np.log(people.total_cholesterol_mg_dl)
        + beta["ln_hdl"] * np.log(people.hdl_cholesterol_mg_dl)
        + of_sbp * np.log(people.systolic_bp_mmhg)
        + beta["smoker"] * people.smoker
        + beta["diabetes"] * people.diabetes
    )
    risk: Floats = -np.expm1(np.exp(total - beta["mean"]) * np.log(beta["survival"]))
    return risk
