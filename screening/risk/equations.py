"""Every published equation: what it predicts, for whom, within which ranges, from which paper.

Comes in: nothing. Goes out: `EQUATIONS`, one record a column, and the formulas behind them.
Refuses: nothing itself; `apply` refuses people by these records.

This is the one place of ages, ranges and endpoints. Endpoints differ: a threshold of one
equation says nothing about another. All are for people without known cardiovascular disease.

A range that is not here was not published for the equation. Ages are of completed years: 79.9
is still 79. Lipids and pressure of the Pooled Cohort Equations and of PREVENT: those of the
official calculators (Goff 2014, Khan 2024; pressure to 200 mmHg, which one package narrows to 180).
SCORE2-OP was made for people from 70 years on; its charts end at 89.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from screening.risk import mesa
from screening.risk.coefficients import citation
from screening.risk.framingham import framingham_risks
from screening.risk.mesa import mesa_risks
from screening.risk.people import RACES, Floats, People
from screening.risk.pooled_cohort import pooled_cohort_risks
from screening.risk.prevent import HORIZONS_YEARS, OUTCOMES, prevent_risks
from screening.risk.score2 import REGIONS, score2_risks

FORMULAS: tuple[Callable[[People], Mapping[str, Floats]], ...] = (
    mesa_risks,
    prevent_risks,
    pooled_cohort_risks,
    framingham_risks,
    score2_risks,
)


@dataclass(frozen=True, slots=True)
class Range:
    """Values of one input from `low` on, up to `high` or (`is_open`) to just below it."""

    input: str
    low: float
    high: float
    is_open: bool
    says: str


@dataclass(frozen=True, slots=True)
class Equation:
    """One column of the answer.

    needs : inputs without which it has no value, age and sex among them
    races : those it was made for; empty where race is no input
    stands_in : races for which the equation for white people is used
    """

    column: str
    title: str
    endpoint: str
    years: int
    needs: tuple[str, ...]
    ranges: tuple[Range, ...]
    races: tuple[str, ...]
    stands_in: tuple[str, ...]
    race_note: str
    source: str


def _years(low: int, high: int) -> Range:
    return Range("age_years", low, high + 1, True, f"{low} to {high}")


def _within(name: str, low: float, high: float) -> Range:
    return Range(name, low, high, False, f"{low:g} to {high:g}")


MESA_YEARS = _years(45, 84)
_TOTAL, _HDL, _SBP = "total_cholesterol_mg_dl", "hdl_cholesterol_mg_dl", "systolic_bp_mmhg"
_LIPIDS = (_within(_TOTAL, 130, 320), _within(_HDL, 20, 100))
_PRESSURE = _within(_SBP, 90, 200)
_WHO = ("age_years", "sex")
_CORE = (*_WHO, _TOTAL, _HDL, _SBP)
_NO_RACE = "race is no input"

_MESA_NEEDS = (
    *("age_years", "sex", "race", _TOTAL, _HDL, _SBP),
    *("bp_treated", "lipid_treated", "diabetes", "smoker", "family_history_mi"),
)
_MESA_RACE = "made for white, black, hispanic and chinese people; other or unknown gives nothing"
_MESA_ENDPOINT = "CHD: infarction, coronary death, arrest, revascularisation for angina"
_MESA_SOURCE = "McClelland 2015, J Am Coll Cardiol 66:1643-53, doi 10.1016/j.jacc.2015.08.035"

_PREVENT_ENDPOINTS = {
    "cvd": "ASCVD or heart failure",
    "ascvd": "ASCVD: infarction, coronary death, stroke",
    "hf": "heart failure",
}
_PREVENT_YEARS = {10: _years(30, 79), 30: _years(30, 59)}
# 39.9 is the largest BMI that is printed as below 40.
_PREVENT_BMI = Range("bmi", 18.5, 40, True, "18.5 to below 40")
_PREVENT_REST = ("bp_treated", "diabetes", "smoker", "egfr")


def _mesa(column: str, title: str, needs: tuple[str, ...]) -> Equation:
    return Equation(
        column, title, _MESA_ENDPOINT, 10, needs, (MESA_YEARS,), mesa.RACES, (), _MESA_RACE,
        _MESA_SOURCE,
    )  # fmt: skip


def _prevent(outcome: str, years: int) -> Equation:
    pressure_and_kidney = (_PRESSURE, _within("egfr", 15, 140))
    if outcome == "hf":
        needs: tuple[str, ...] = (*_WHO, _SBP, *_PREVENT_REST, "bmi")
        ranges: tuple[Range, ...] = (*pressure_and_kidney, _PREVENT_BMI)
    else:
        needs = (*_CORE, *_PREVENT_REST, "lipid_treated")
        ranges = (*_LIPIDS, *pressure_and_kidney)
    return Equation(
        f"prevent_{outcome}_{years}y",
        "AHA PREVENT, base model",
        _PREVENT_ENDPOINTS[outcome],
        years,
        needs,
        (_PREVENT_YEARS[years], *ranges),
        (),
        (),
        _NO_RACE,
        citation("prevent"),
    )


def _score2(region: str) -> Equation:
    no_diabetes = Range("diabetes", 0, 0, False, "0: not for people with diabetes")
    return Equation(
        f"score2_{region}",
        f"SCORE2, from 70 years on SCORE2-OP, {region.replace('_', ' ')} risk region",
        "CVD death, infarction, stroke; other deaths compete",
        10,
        (*_CORE, "diabetes", "smoker"),
        (_years(40, 89), no_diabetes),
        (),
        (),
        _NO_RACE,
        f"{citation('score2')}; {citation('score2_op')}",
    )


_PCE = Equation(
    "pce_ascvd_10y",
    "Pooled Cohort Equations",
    "hard ASCVD: infarction, coronary death, stroke",
    10,
    (*_CORE, "race", "bp_treated", "diabetes", "smoker"),
    (_years(40, 79), *_LIPIDS, _PRESSURE),
    RACES,
    ("hispanic", "chinese", "other"),
    "made for white and black people; hispanic, chinese and other take the equation for white "
    "people, as the guideline does; unknown gives nothing",
    citation("pooled_cohort"),
)
_FRAMINGHAM = Equation(
    "frs_cvd_10y",
    "Framingham general CVD, model with lipids",
    "CVD: coronary disease, stroke and TIA, peripheral disease, heart failure",
    10,
    (*_CORE, "bp_treated", "diabetes", "smoker"),
    (_years(30, 74),),
    (),
    (),
    f"{_NO_RACE}; the cohort was white",
    citation("framingham"),
)

# What the clinical-variable model gives; it needs an age, and draws what else is missing.
MODEL = Equation(
    "model_risk",
    "MESA with calcium, averaged over what is missing; a site's own model where settings name one",
    _MESA_ENDPOINT,
    10,
    ("age_years",),
    (MESA_YEARS,),
    (),
    (),
    "not used unless settings say so: averaged over stated weights",
    _MESA_SOURCE,
)

EQUATIONS: tuple[Equation, ...] = (
    _mesa("mesa_chd_10y", "MESA without calcium", _MESA_NEEDS),
    _mesa("mesa_chd_10y_cac", "MESA with calcium", (*_MESA_NEEDS, "agatston")),
    *(_prevent(outcome, years) for outcome in OUTCOMES for years in HORIZONS_YEARS),
    _PCE,
    _FRAMINGHAM,
    *(_score2(region) for region in REGIONS),
)
