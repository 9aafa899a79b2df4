"""People as published figures describe them: what the imputation model is fitted to.

Comes in: how many, and a seed. Goes out: a `Reference` of complete people, calcium included.
Refuses: nothing.

NOT patient data: no table with calcium and lipids of the same people may be given away, so people
are simulated whose means, shares and correlations are those printed. What no source at hand prints
is said to be OUR ASSUMPTION. Sources:

MESA  5,437 people without statin: Am Heart J 2015;169:387, table 3, PMC4347939; lipid medicine of
      2,390: JAMA 2020;323:627, table 1, PMC7042849; races of 6,814: Bild, Am J Epidemiol
      2002;156:871
NHIS  smoking 2021: MMWR 2023;72:475        CDC   National Diabetes Statistics Report, diagnosed
NCHS  Data Brief 511 (blood pressure, 2021-23), Data Brief 177 (lipid medicines, 2003-12)
ARIC  family history in 41.5 %: JAMA 2020;323:627, table 1
CAC   by age, sex, race: McClelland, Circulation 2006;113:30, table 2 (`percentile`); by risk
      factors: Pletcher, BMC Medicine 2004;2:31, regression of ln(CAC), standard deviation 1.653
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr, ndtri

from screening.risk.mesa import RACES
from screening.risk.people import Bools, Floats
from screening.risk.percentile import mesa_table

# Shares of white, black, hispanic and Chinese people in MESA, from which the equation is.
MESA_SHARES = (0.38, 0.28, 0.22, 0.12)
YEARS = (45.0, 85.0)

# From here on a score counts as there where the percentile table jumps from 0. OUR ASSUMPTION; with
# it the share of people with calcium agrees within 8 points with MESA's own table (tests).
_LEAST_AGATSTON = 3.0
# How a risk factor moves ln(CAC) (Pletcher, model "full"), in its standard deviations.
_CAC_SD = 1.653
_CAC_SHIFTS = {"bp_treated": 0.23, "diabetes": 0.48, "high_cholesterol": 0.15, "smoker": 0.45}
HIGH_CHOLESTEROL_MG_DL = 240.0
# Correlation of what age, sex, treatment and diabetes leave unexplained, in the order total
# cholesterol, HDL, pressure, eGFR, BMI. OUR ASSUMPTION, of the size that surveys print.
_CORRELATION = np.array(
    [
        [1.00, 0.15, 0.10, 0.00, 0.05],
        [0.15, 1.00, 0.00, 0.00, -0.30],
        [0.10, 0.00, 1.00, -0.05, 0.15],
        [0.00, 0.00, -0.05, 1.00, -0.05],
        [0.05, -0.30, 0.15, -0.05, 1.00],
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Complete people, arrays of shape (n,); `race` counts into `mesa.RACES`."""

    race: np.ndarray
    values: dict[str, Floats]


def reference_people(n: int, seed: int) -> Reference:
    """Simulate `n` people of 45 to 84 years without known cardiovascular disease.

    Returns
    -------
    Values by the names of `people.NUMBERS`, and `male`: mg/dL, mmHg, years, flags 0 or 1
    """
    rng = np.random.default_rng(seed)
    age = rng.uniform(*YEARS, n)
    a = (age - 60) / 10
    male = _flag(rng, np.zeros(n))
    # NHIS: 14.9 % at 45 to 64, 8.3 % from 65 on; men 13.1, women 10.1 % of all ages.
    smoker = _flag(rng, -2.07 - 0.33 * a + 0.29 * male)
    history = _flag(rng, np.full(n, -0.343))  # 41.5 %
    # CDC: 14.5 % at 45 to 64, 24.4 % from 65 on. Men somewhat more: OUR ASSUMPTION.
    diabetes = _flag(rng, -1.74 + 0.35 * a + 0.25 * male)
    # NCHS 511: 52.5 % have hypertension at 40 to 59, 71.6 % from 60 on, half of them are treated.
    treated = _flag(rng, -0.95 + 0.42 * a + 1.1 * diabetes)
    # NCHS 177: 17 % at 40 to 59, 48 % from 75 on; diabetes and treatment: OUR ASSUMPTION.
    statin = _flag(rng, -1.75 + 0.50 * a + 1.1 * diabetes + 0.9 * treated)
    z = rng.multivariate_normal(np.zeros(5), _CORRELATION, n, method="cholesky").T
    # MESA: 195.6 ± 34.4 without statin, HDL 51.2 ± 15.0, pressure 125.7 ± 21.3, BMI 28.2 ± 5.5.
    # How sexes and treatments differ: OUR ASSUMPTION.
    total = 202 - 11 * male - 2 * a - 4 * diabetes - 28 * statin + 34 * z[0]
    hdl = 50.5 * np.exp(0.26 * z[1] - 0.20 * male - 0.09 * diabetes - 0.06 * smoker + 0.09)
    pressure = 118.5 + 5.5 * a + 8 * treated + 3 * diabetes + 17.5 * _skewed(z[2])
    egfr = 83 - 9 * a - 4 * treated + 14.5 * z[3]
    bmi = 27.6 * np.exp(0.18 * z[4] - 0.03 * a + 0.10 * diabetes)
    values = {
        "age_years": age, "male": male, "smoker": smoker, "family_history_mi": history,
        "diabetes": diabetes, "bp_treated": treated, "lipid_treated": statin,
        "total_cholesterol_mg_dl": np.maximum(total, 80.0), "hdl_cholesterol_mg_dl": hdl,
        "systolic_bp_mmhg": pressure, "egfr": np.clip(egfr, 10, 140), "bmi": bmi,
    }  # fmt: skip
    race = rng.choice(len(RACES), n, p=MESA_SHARES)
    return Reference(race, {**values, "agatston": _agatston(rng, values, race)})


def _flag(rng: np.random.Generator, logit: Floats) -> Floats:
    has: Bools = rng.random(len(logit)) < expit(logit)
    return has.astype(np.float64)


def _skewed(z: Floats) -> Floats:
    """Give pressure its longer upper tail, mean about 0 and deviation about 1."""
    skewed: Floats = (np.exp(0.3 * z) - np.exp(0.045)) / 0.32
    return skewed


def _agatston(rng: np.random.Generator, values: dict[str, Floats], race: np.ndarray) -> Floats:
    """Draw each score from MESA's percentiles of age, sex and race, moved by risk factors."""
    n = len(race)
    factors = {
        **values,
        "high_cholesterol": (values["total_cholesterol_mg_dl"] >= HIGH_CHOLESTEROL_MG_DL) * 1.0,
    }
    shift = np.zeros(n)
    for name, effect in _CAC_SHIFTS.items():
        shift += effect / _CAC_SD * (factors[name] - factors[name].mean())
    z = (shift + rng.standard_normal(n)) / np.hypot(1.0, shift.std())
    score = np.zeros(n)
    for index, name in enumerate(RACES):
        for sex, male in (("F", 0.0), ("M", 1.0)):
            mine = (race == index) & (values["male"] == male)
            score[mine] = agatston_at(z[mine], values["age_years"][mine], sex, name)
    return score


def agatston_at(z: Floats, age_years: Floats, sex: str, race: str) -> Floats:
    """Return the score at a normal quantile of MESA's table, interpolated in age and in ln(A + 1).

    Beyond the highest percentile, and below the lowest where that is not 0, the line goes on.
    """
    ages, percentiles, table = mesa_table(sex, race)
    knots = ndtri(np.array(percentiles) / 100)
    scores = np.log1p(np.array(table, dtype=np.float64))
    at_knots = np.stack([_line(age_years, np.array(ages), column) for column in scores.T], axis=1)
    y = _line_by_row(z, knots, np.maximum(at_knots, 0.0))
    return np.where(y < np.log1p(_LEAST_AGATSTON), 0.0, np.expm1(np.minimum(y, 9.5)))


def share_with_calcium(age_years: float, sex: str, race: str) -> float:
    """Share of people whose score is above 0, as the table is read here."""
    z = np.linspace(-4, 4, 8001)
    has = agatston_at(z, np.full(len(z), age_years), sex, race) > 0
    return float(1 - ndtr(z[np.argmax(has)]))


def _line(x: Floats, knots: Floats, values: Floats) -> Floats:
    """Interpolate, and go on straight beyond both ends."""
    at = np.clip(np.searchsorted(knots, x) - 1, 0, len(knots) - 2)
    share = (x - knots[at]) / (knots[at + 1] - knots[at])
    line: Floats = values[at] + share * (values[at + 1] - values[at])
    return line


def _line_by_row(x: Floats, knots: Floats, values: Floats) -> Floats:
    rows = np.arange(len(x))
    at = np.clip(np.searchsorted(knots, x) - 1, 0, len(knots) - 2)
    share = (x - knots[at]) / (knots[at + 1] - knots[at])
    line: Floats = values[rows, at] + share * (values[rows, at + 1] - values[rows, at])
    return line
