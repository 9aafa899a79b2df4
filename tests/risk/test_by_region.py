"""SCORE2 in the lake: the published worked example, its ages, and whom it was not made for."""

import pytest
from risk_input_case import table

from screening.config import RiskSettings
from screening.risk import estimate

MODERATE = RiskSettings(score2_region="moderate")
# SCORE2's worked example: man of 50, smoker, 140 mmHg, 6.3 and 1.4 mmol/L; 8.1 % (ehab309).
EXAMPLE = {
    "age_years": 50.0,
    "smoker": 1.0,
    "total_cholesterol_mg_dl": 6.3 / 0.02586,
    "hdl_cholesterol_mg_dl": 1.4 / 0.02586,
}


def one(change, settings=MODERATE):
    (row,) = estimate(table(EXAMPLE | change), settings).to_pylist()
    return row["score2"], row["score2_reasons"]


@pytest.mark.parametrize(
    ("region", "percent"), [("low", 6.3), ("moderate", 8.1), ("high", 8.8), ("very_high", 15.1)]
)
def test_the_worked_example_in_each_region(region, percent):
    value, reasons = one({}, RiskSettings(score2_region=region))
    assert (round(100 * value, 1), reasons) == (percent, [])


def test_without_a_region_there_is_none():
    assert one({}, RiskSettings()) == (None, [])


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"age_years": 39.99}, ["out_of_range"]),
        ({"age_years": 40.0}, []),
        ({"age_years": 89.99}, []),
        ({"age_years": 90.0}, ["out_of_range"]),
        ({"diabetes": 1.0}, ["out_of_range"]),
        ({"diabetes": None}, ["missing_input"]),
        ({"smoker": None}, ["missing_input"]),
        ({"sex": ""}, ["missing_input"]),
        ({"hdl_cholesterol_mg_dl": -1.0}, ["out_of_range"]),
        ({"smoker": None, "diabetes": 1.0}, ["missing_input", "out_of_range"]),
        ({"race": None}, []),
        ({"agatston": None}, []),
    ],
)
def test_whom_it_was_not_made_for_has_the_reason(change, reasons):
    value, told = one(change)
    assert told == reasons
    assert (value is None) is bool(reasons)
