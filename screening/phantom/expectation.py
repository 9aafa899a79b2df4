"""What should become of every file, series and person of the synthetic hospital.

Comes in: facts the hospital was built from (never anything measured on the images).
Goes out: `TruthRow`s, written as `truth.parquet` under the schema `screening.tables.TRUTH`.
Refuses: nothing; a risk whose inputs are missing or out of the equation's range stays empty.

The flag's policy and the MESA equation are written here a second time on purpose,
independently of the rooms that are checked against this table.

Rows by kind (the columns and units are in `screening.tables.TRUTH`)

file     every file below archive/: `path` and one of the five file states
series   every series: `series_instance_uid`, its state and first reason, and, for chest
         scans, the true score
person   every patient number, also those without a usable scan: the flag as of
         `people.AS_OF`, the tier or the reason, and the inputs of the risk equation
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from screening.reasons import Reason, State
from screening.tables import TRUTH

FLAG_EDGES = (100.0, 300.0, 1000.0)  # Agatston units at which the tiers begin
FLAG_RISK = 0.075  # 10-year CHD risk from which a score below 100 is flagged all the same
ADULT_YEARS = 18
YOUNG_BELOW_YEARS, OLD_FROM_YEARS = 40, 85  # tiers of their own
BORDERLINE_FRACTION = 0.25
MESA_AGES = (45, 84)  # McClelland 2015: the cohort's ages

# McClelland 2015, JACC 66:1643-53, Table 2 (doi 10.1016/j.jacc.2015.08.035).
_MESA_NO_CAC = {
    "age": 0.0455,
    "male": 0.7496,
    "chinese": -0.5055,
    "black": -0.2111,
    "hispanic": -0.1900,
    "diabetes": 0.5168,
    "smoker": 0.4732,
    "total": 0.0053,
    "hdl": -0.0140,
    "lipid": 0.2473,
    "sbp": 0.0085,
    "bp": 0.3381,
    "family": 0.4522,
}
_MESA_NO_CAC_SURVIVAL = 0.99963
_MESA_CAC = {
    "age": 0.0172,
    "male": 0.4079,
    "chinese": -0.3475,
    "black": 0.0353,
    "hispanic": -0.0222,
    "diabetes": 0.3892,
    "smoker": 0.3717,
    "total": 0.0043,
    "hdl": -0.0114,
    "lipid": 0.1206,
    "sbp": 0.0066,
    "bp": 0.2278,
    "family": 0.3239,
}
_MESA_CAC_SURVIVAL = 0.99833
_MESA_LN_CAC = 0.2743
# Shares of MESA's 6,814 people (Bild 2002, Am J Epidemiol 156:871).
_MESA_SHARES = {"white": 0.38, "black": 0.28, "hispanic": 0.22, "chinese": 0.12}
_MESA_RACES = tuple(_MESA_SHARES)

# 75th percentiles: MESA (McClelland 2006, Circulation 113:30) at 50, 60, 70 and 80 years, zero
# until a quarter has calcium; where race is none of its four, and at other ages, Hoff (2001, Am J
# Cardiol 87:1335) at 42, 47 … 77, its first held from 40 on, its last to 84; completed years.
_P75_AGES = (50.0, 60.0, 70.0, 80.0)
_P75 = {
    ("M", "white"): (22, 155, 540, 1200),
    ("F", "white"): (0, 16, 119, 370),
    ("M", "chinese"): (14, 67, 174, 305),
    ("F", "chinese"): (0, 18, 70, 146),
    ("M", "black"): (2, 40, 191, 516),
    ("F", "black"): (0, 5, 77, 214),
    ("M", "hispanic"): (9, 75, 247, 494),
    ("F", "hispanic"): (0, 2, 51, 205),
}
_P75_ZERO_UNTIL = {("F", "white"): 54.5, ("F", "black"): 55 + 5 * 4 / 7}
_P75_HOFF_AGES = (42.0, 47.0, 52.0, 57.0, 62.0, 67.0, 72.0, 77.0)
_P75_HOFF_FROM, _P75_BELOW = 40.0, 85.0
_P75_HOFF = {"M": (9, 36, 103, 215, 410, 566, 892, 1071), "F": (1, 2, 5, 23, 57, 145, 210, 241)}

# States of series refused for a reason; all others that give no score are `failed`.
_BY_RULE = frozenset(
    {
        Reason.NOT_CT,
        Reason.LOCALIZER,
        Reason.DERIVED,
        Reason.NOT_AXIAL,
        Reason.NOT_CHEST,
        Reason.CONTRAST_TAG,
        Reason.CONTRAST_PIXELS,
        Reason.GATED_CALCIUM_SCORE,
        Reason.INCREMENT_OVER_5MM,
        Reason.MINOR,
        Reason.NOT_CHOSEN,
        Reason.OPTED_OUT,
        Reason.DUPLICATE_IMAGES_OF,
    }
)
# What does not stop a measurement.
_CAVEATS = (Reason.MISSING_SLICE, Reason.NO_SCAN_DATE)


@dataclass(frozen=True, slots=True)
class RiskInputs:
    """What the clinical record knew on the day of the scan; None where it did not."""

    age_years: float
    sex: str
    race: str | None
    total_cholesterol_mg_dl: float | None
    hdl_cholesterol_mg_dl: float | None
    systolic_bp_mmhg: float | None
    bp_treated: bool
    lipid_treated: bool
    diabetes: bool
    smoker: bool | None
    family_history_mi: bool


@dataclass(frozen=True, slots=True)
class FlagFacts:
    """What decides a person's flag, as of the reference date."""

    is_identity_conflict: bool = False
    is_opted_out: bool = False
    is_minor: bool = False
    is_deceased: bool = False
    has_known_ascvd: bool = False
    is_formally_scored: bool = False
    has_record: bool = True
    agatston: float | None = None
    is_undated: bool = False  # there is a score, but no date to place it by
    risk: float | None = None
    age_years: float | None = None
    percentile_75: float | None = None  # the score at the 75th percentile of such people


@dataclass(frozen=True, slots=True)
class Flag:
    """The flag, and its tier (flagged) or reason (otherwise)."""

    flag: str
    tier: str | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthRow:
    """One row of `truth.parquet`; fields as the columns of `screening.tables.TRUTH`."""

    kind: str
    role: str
    path: str | None = None
    series_instance_uid: str | None = None
    patient_id: str | None = None
    issuer: str | None = None
    expected_state: str | None = None
    expected_reason: str | None = None
    expected_flag: str | None = None
    expected_tier: str | None = None
    is_borderline: bool | None = None
    note: str | None = None
    true_agatston: float | None = None
    true_agatston_lm: float | None = None
    true_agatston_lad: float | None = None
    true_agatston_lcx: float | None = None
    true_agatston_rca: float | None = None
    true_mass_mg: float | None = None
    true_category: str | None = None
    index_date: date | None = None
    age_years: float | None = None
    sex: str | None = None
    race: str | None = None
    total_cholesterol_mg_dl: float | None = None
    hdl_cholesterol_mg_dl: float | None = None
    systolic_bp_mmhg: float | None = None
    bp_treated: bool | None = None
    lipid_treated: bool | None = None
    diabetes: bool | None = None
    smoker: bool | None = None
    family_history_mi: bool | None = None
    true_mesa_chd_10y: float | None = None
    true_mesa_chd_10y_cac: float | None = None


def true_category(agatston: float) -> str:
    """Name the half-open category of a score: 0, (0,100), [100,300), [300,1000), [1000,inf)."""
    if agatston <= 0:
        return "0"
    names = ("(0,100)", "[100,300)", "[300,1000)", "[1000,inf)")
    return names[sum(agatston >= edge for edge in FLAG_EDGES)]


def state_of(reason: Reason | None) -> State:
    """Give the state of a series that is refused for `reason`, or scored without one."""
    if reason in (None, *_CAVEATS):
        return State.SCORED
    if reason is Reason.IDENTITY_CONFLICT:
        return State.QUARANTINED
    return State.INELIGIBLE if reason in _BY_RULE else State.FAILED


def _mesa_sum(inputs: RiskInputs, beta: dict[str, float]) -> float | None:
    """Sum the terms both MESA equations share; None where an input is missing."""
    total, hdl = inputs.total_cholesterol_mg_dl, inputs.hdl_cholesterol_mg_dl
    sbp, smoker = inputs.systolic_bp_mmhg, inputs.smoker
    if total is None or hdl is None or sbp is None or smoker is None:
        return None
    is_in_range = MESA_AGES[0] <= inputs.age_years <= MESA_AGES[1]
    if inputs.race not in _MESA_RACES or not is_in_range:
        return None
    return (
        beta["age"] * inputs.age_years
        + beta["male"] * (inputs.sex == "M")
        + beta.get(inputs.race, 0.0)
        + beta["diabetes"] * inputs.diabetes
        + beta["smoker"] * smoker
        + beta["total"] * total
        + beta["hdl"] * hdl
        + beta["lipid"] * inputs.lipid_treated
        + beta["sbp"] * sbp
        + beta["bp"] * inputs.bp_treated
        + beta["family"] * inputs.family_history_mi
    )


def mesa_chd_10y(inputs: RiskInputs, agatston: float | None = None) -> float | None:
    """Estimate the 10-year risk of coronary heart disease by the MESA equations.

    Parameters
    ----------
    inputs : ages 45-84, cholesterol in mg/dL, pressure in mmHg
    agatston : Agatston units; without it the equation without calcium is used

    Returns
    -------
    Fraction, or None where an input is missing, the race is none of the equation's four
    or the age is outside its range. Source: McClelland 2015, Table 2.
    """
    beta = _MESA_NO_CAC if agatston is None else _MESA_CAC
    survival = _MESA_NO_CAC_SURVIVAL if agatston is None else _MESA_CAC_SURVIVAL
    total = _mesa_sum(inputs, beta)
    if total is None:
        return None
    if agatston is not None:
        total += _MESA_LN_CAC * math.log(agatston + 1)
    return float(1 - survival ** math.exp(total))


def mesa_averaged(inputs: RiskInputs, agatston: float) -> float | None:
    """Average MESA with calcium over its four races by the shares of its people.

    Recorded race moves no flag. None where an input is missing or the age is out of range.
    """
    risks = [
        (share, mesa_chd_10y(replace(inputs, race=race), agatston))
        for race, share in _MESA_SHARES.items()
    ]
    known = [share * risk for share, risk in risks if risk is not None]
    return sum(known) if known else None


def _exclusion(facts: FlagFacts) -> Flag | None:
    """Give the first reason that keeps a person off the list whatever the score."""
    if facts.is_identity_conflict:
        return Flag("cannot_say", reason=Reason.IDENTITY_CONFLICT)
    for holds, reason in (
        (facts.is_opted_out, Reason.OPTED_OUT),
        (facts.is_minor, Reason.MINOR),
        (facts.is_deceased, Reason.DECEASED),
        (facts.has_known_ascvd, Reason.KNOWN_ASCVD),
        (facts.is_formally_scored, Reason.FORMALLY_SCORED),
    ):
        if holds:
            return Flag("not_flagged", reason=reason)
    if not facts.has_record:
        return Flag("cannot_say", reason=Reason.NO_CLINICAL_RECORD)
    return None


def expected_flag(facts: FlagFacts) -> Flag:
    """Apply the policy of 2018: exclusions, then the score, its percentile, then the risk."""
    excluded = _exclusion(facts)
    if excluded is not None:
        return excluded
    if facts.agatston is None:
        return Flag(
            "cannot_say", reason=Reason.NO_SCAN_DATE if facts.is_undated else Reason.NO_SCORE
        )
    tier = _tier(facts, facts.agatston)
    if tier is not None:
        return Flag("flagged", tier=tier)
    return Flag("not_flagged", reason=Reason.BELOW_THRESHOLD)


def _tier(facts: FlagFacts, agatston: float) -> str | None:
    """Give the tier, the ages outside the tables first."""
    n_edges = sum(agatston >= edge for edge in FLAG_EDGES)
    age = facts.age_years
    if age is not None and age < YOUNG_BELOW_YEARS:
        return "age_18_39" if agatston > 0 else None
    if age is not None and age >= OLD_FROM_YEARS:
        return "age_over_84" if n_edges else None
    if n_edges:
        return f"cac_{FLAG_EDGES[n_edges - 1]:.0f}"
    if agatston <= 0:
        return None
    if facts.percentile_75 is not None and agatston >= facts.percentile_75:
        return "percentile_75"
    if facts.risk is not None and facts.risk >= FLAG_RISK:
        return "risk_high"
    return None


def percentile_75(age_years: float, sex: str, race: str | None) -> float | None:
    """Give the Agatston score at the 75th percentile; None outside the ages of the table."""
    ages: tuple[float, ...] = _P75_HOFF_AGES
    scores: tuple[int, ...] = _P75_HOFF[sex]
    if race in _MESA_RACES and _P75_AGES[0] <= age_years <= _P75_AGES[-1]:
        ages, scores = _P75_AGES, _P75[sex, str(race)]
        ages = (_P75_ZERO_UNTIL.get((sex, str(race)), ages[0]), *ages[1:])
    if not _P75_HOFF_FROM <= age_years < _P75_BELOW:
        return None
    return float(np.interp(age_years, ages, scores))


def is_borderline(
    agatston: float | None, risk: float | None, percentile_75: float | None = None
) -> bool:
    """Say whether a measuring error of 25 % could move the person over a threshold."""

    def is_near(value: float, edge: float) -> bool:
        return abs(value - edge) <= BORDERLINE_FRACTION * edge

    if agatston is None:
        return False
    if any(is_near(agatston, edge) for edge in FLAG_EDGES):
        return True
    if agatston >= FLAG_EDGES[0]:
        return False
    if percentile_75 is not None and agatston > 0 and is_near(agatston, percentile_75):
        return True
    return risk is not None and is_near(risk, FLAG_RISK)


def write_truth(path: Path, rows: Iterable[TruthRow]) -> None:
    """Write the rows, in a fixed order, as one Parquet file."""
    ordered = sorted(
        rows, key=lambda r: (r.kind, r.patient_id or "", r.series_instance_uid or "", r.path or "")
    )
    table = pa.Table.from_pylist([asdict(r) for r in ordered], schema=TRUTH.schema)
    pq.write_table(TRUTH.check(table), path)
