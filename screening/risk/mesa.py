"""MESA 10-year risk of coronary heart disease, with and without calcium.

Comes in: a `MesaInputs` of equally long float arrays, complete and in range.
Goes out: the risk as a fraction for each row.
Refuses: nothing itself; NaN in gives NaN out. `estimate` decides who may be estimated.

Source: McClelland and others 2015, J Am Coll Cardiol 66:1643-53, Table 2
(doi 10.1016/j.jacc.2015.08.035). The endpoint is coronary heart disease: infarction, death,
resuscitated arrest, and revascularisation with angina. It is NOT hard ASCVD; thresholds of
other equations must not be applied to it. Cholesterol is mg/dL, pressure mmHg.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from screening.risk.people import Bools, Floats, People

# The races of MESA. White is never assumed for another, or for none.
RACES = ("white", "black", "hispanic", "chinese")


@dataclass(frozen=True, slots=True)
class MesaCoefficients:
    """One column of Table 2: log hazard ratios and the survival of the reference person."""

    age: float
    male: float
    chinese: float
    black: float
    hispanic: float
    diabetes: float
    smoker: float
    total_cholesterol: float
    hdl_cholesterol: float
    lipid_treated: float
    systolic_bp: float
    bp_treated: float
    family_history_mi: float
    ln_agatston_plus_1: float
    survival: float


MESA_NO_CAC = MesaCoefficients(
    age=0.0455,
    male=0.7496,
    chinese=-0.5055,
    black=-0.2111,
    hispanic=-0.1900,
    diabetes=0.5168,
    smoker=0.4732,
    total_cholesterol=0.0053,
    hdl_cholesterol=-0.0140,
    lipid_treated=0.2473,
    systolic_bp=0.0085,
    bp_treated=0.3381,
    family_history_mi=0.4522,
    ln_agatston_plus_1=0.0,
    survival=0.99963,
)
MESA_CAC = MesaCoefficients(
    age=0.0172,
    male=0.4079,
    chinese=-0.3475,
    black=0.0353,
    hispanic=-0.0222,
    diabetes=0.3892,
    smoker=0.3717,
    total_cholesterol=0.0043,
    hdl_cholesterol=-0.0114,
    lipid_treated=0.1206,
    systolic_bp=0.0066,
    bp_treated=0.2278,
    family_history_mi=0.3239,
    ln_agatston_plus_1=0.2743,
    survival=0.99833,
)


@dataclass(frozen=True, slots=True, eq=False)
class MesaInputs:
    """One value a person in each array; flags are 0 or 1; white is the reference race."""

    age_years: Floats
    male: Floats
    chinese: Floats
    black: Floats
    hispanic: Floats
    diabetes: Floats
    smoker: Floats
    total_cholesterol_mg_dl: Floats
    hdl_cholesterol_mg_dl: Floats
    lipid_treated: Floats
    systolic_bp_mmhg: Floats
    bp_treated: Floats
    family_history_mi: Floats
    agatston: Floats


def mesa_risk(inputs: MesaInputs, beta: MesaCoefficients) -> Floats:
    """Evaluate risk = 1 - survival ** exp(sum of coefficient times value).

    Parameters
    ----------
    inputs : arrays of shape (n,)
    beta : MESA_NO_CAC or MESA_CAC

    Returns
    -------
    float64 (n,), fraction; NaN where an input is NaN

    Notes
    -----
    No centring and no clipping: some packages clip to 1..30 %, the paper does not.
    """
    score = (
        beta.age * inputs.age_years
        + beta.male * inputs.male
        + beta.chinese * inputs.chinese
        + beta.black * inputs.black
        + beta.hispanic * inputs.hispanic
        + beta.diabetes * inputs.diabetes
        + beta.smoker * inputs.smoker
        + beta.total_cholesterol * inputs.total_cholesterol_mg_dl
        + beta.hdl_cholesterol * inputs.hdl_cholesterol_mg_dl
        + beta.lipid_treated * inputs.lipid_treated
        + beta.systolic_bp * inputs.systolic_bp_mmhg
        + beta.bp_treated * inputs.bp_treated
        + beta.family_history_mi * inputs.family_history_mi
    )
    if beta.ln_agatston_plus_1:
        score = score + beta.ln_agatston_plus_1 * np.log1p(inputs.agatston)
    risk: Floats = -np.expm1(np.exp(score) * np.log(beta.survival))
    return risk


def mesa_risks(people: People) -> Mapping[str, Floats]:
    """Evaluate both models on a table of people.

    Returns
    -------
    `mesa_chd_10y` and `mesa_chd_10y_cac`, float64 (n,), fraction; NaN where an input is NaN or
    race is none of the four
    """
    is_of_mesa = np.logical_or.reduce([people.race[name] for name in RACES])
    inputs = MesaInputs(
        age_years=people.age_years,
        male=people.by_sex(np.zeros(people.n), np.ones(people.n)),
        chinese=_one(people.race["chinese"]),
        black=_one(people.race["black"]),
        hispanic=_one(people.race["hispanic"]),
        diabetes=people.diabetes,
        smoker=people.smoker,
        total_cholesterol_mg_dl=people.total_cholesterol_mg_dl,
        hdl_cholesterol_mg_dl=people.hdl_cholesterol_mg_dl,
        lipid_treated=people.lipid_treated,
        systolic_bp_mmhg=people.systolic_bp_mmhg,
        bp_treated=people.bp_treated,
        family_history_mi=people.family_history_mi,
        agatston=people.agatston,
    )
    both = {"mesa_chd_10y": MESA_NO_CAC, "mesa_chd_10y_cac": MESA_CAC}
    return {
        name: np.where(is_of_mesa, mesa_risk(inputs, beta), np.nan) for name, beta in both.items()
    }


def _one(mask: Bools) -> Floats:
    return mask.astype(np.float64)
