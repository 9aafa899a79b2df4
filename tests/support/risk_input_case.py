"""Rows of the SQL view core_risk_input: a complete person, and changes to them."""

import pyarrow as pa

from screening.risk import INPUT_COLUMNS, estimate

BASE = {
    "person_key": "p",
    "series_key": "s",
    "age_years": 65.0,
    "sex": "M",
    "race": "white",
    "agatston": 0.0,
    "total_cholesterol_mg_dl": 210.0,
    "hdl_cholesterol_mg_dl": 45.0,
    "systolic_bp_mmhg": 140.0,
    "smoker": 0.0,
    "total_cholesterol_mg_dl_age_days": 34,
    "hdl_cholesterol_mg_dl_age_days": 34,
    "systolic_bp_mmhg_age_days": 0,
    "smoker_age_days": 400,
    "bp_treated": 0.0,
    "lipid_treated": 0.0,
    "diabetes": 0.0,
    "family_history_mi": 0.0,
    "egfr": 90.0,
    "egfr_age_days": 34,
    "bmi": 27.0,
    "bmi_age_days": 0,
    "agatston_low": None,
    "agatston_high": None,
    "agatston_at_least": None,
}
TYPES = {
    **{name: pa.float64() for name in INPUT_COLUMNS},
    **{name: pa.string() for name in ("person_key", "series_key", "sex", "race")},
    **{name: pa.int64() for name in INPUT_COLUMNS if name.endswith("_age_days")},
}


def table(*changes):
    rows = [{**BASE, **change} for change in changes]
    return pa.table({n: pa.array([r[n] for r in rows], TYPES[n]) for n in INPUT_COLUMNS})


def one(**change):
    return estimate(table(change)).to_pylist()[0]
