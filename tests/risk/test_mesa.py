"""What a user of the risk room sees: published values, reasons, and the equation's laws."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from risk_input_case import one, table

from screening.errors import ScreeningError
from screening.risk import estimate
from screening.tables import RISK


def test_the_published_test_vector():
    # Male, 70, Hispanic, total cholesterol 190, HDL 50, treated pressure 130: the vector of an
    # independent package, which prints 8.61 % and 3.06 %.
    row = one(
        age_years=70.0,
        race="hispanic",
        total_cholesterol_mg_dl=190.0,
        hdl_cholesterol_mg_dl=50.0,
        systolic_bp_mmhg=130.0,
        bp_treated=1.0,
    )
    assert row["mesa_chd_10y"] == pytest.approx(0.0861, abs=5e-5)
    assert row["mesa_chd_10y_cac"] == pytest.approx(0.0306, abs=5e-5)


@pytest.mark.parametrize(
    ("agatston", "percent"),
    [
        (0, 2.8199),
        (1, 3.4003),
        (10, 5.3722),
        (50, 8.0665),
        (100, 9.6466),
        (300, 12.7915),
        (400, 13.7632),
        (1000, 17.3293),
    ],
)
def test_regression_values_over_calcium(agatston, percent):
    row = one(agatston=float(agatston))
    assert row["mesa_chd_10y_cac"] * 100 == pytest.approx(percent, abs=5e-5)
    assert row["mesa_chd_10y"] * 100 == pytest.approx(7.7180, abs=5e-5)


@pytest.mark.parametrize(
    ("flag", "no_cac", "cac"),
    [
        ("diabetes", 0.5168, 0.3892),
        ("smoker", 0.4732, 0.3717),
        ("lipid_treated", 0.2473, 0.1206),
        ("bp_treated", 0.3381, 0.2278),
        ("family_history_mi", 0.4522, 0.3239),
    ],
)
def test_each_flag_has_its_own_coefficient(flag, no_cac, cac):
    def log_hazard(risk):
        return np.log(-np.log1p(-risk))

    off, on = one(), one(**{flag: 1.0})
    for column, beta in (("mesa_chd_10y", no_cac), ("mesa_chd_10y_cac", cac)):
        assert log_hazard(on[column]) - log_hazard(off[column]) == pytest.approx(beta, abs=1e-9)


@pytest.mark.parametrize(
    ("race", "no_cac", "cac"),
    [("black", -0.2111, 0.0353), ("hispanic", -0.19, -0.0222), ("chinese", -0.5055, -0.3475)],
)
def test_each_race_has_its_own_coefficient(race, no_cac, cac):
    def log_hazard(risk):
        return np.log(-np.log1p(-risk))

    white, other = one(), one(race=race)
    for column, beta in (("mesa_chd_10y", no_cac), ("mesa_chd_10y_cac", cac)):
        assert log_hazard(other[column]) - log_hazard(white[column]) == pytest.approx(
            beta, abs=1e-9
        )


@pytest.mark.parametrize(
    ("age", "is_estimated"), [(44.99, False), (45.0, True), (84.99, True), (85.0, False)]
)
def test_age_range_on_both_sides_of_its_edges(age, is_estimated):
    row = one(age_years=age)
    assert (row["mesa_chd_10y_cac"] is not None) is is_estimated
    assert row["reasons"] == ([] if is_estimated else ["out_of_range"])
    assert row["detail"] == ("" if is_estimated else "out of range: age_years")


@pytest.mark.parametrize("race", ["other", "", None, "asian", "White"])
def test_an_unknown_race_is_never_taken_for_white(race):
    row = one(race=race)
    assert row["mesa_chd_10y"] is None
    assert (row["reasons"], row["detail"]) == (["missing_input"], "missing: race")


def test_missing_inputs_are_named_and_nothing_is_imputed():
    row = one(race=None, smoker=None, hdl_cholesterol_mg_dl=float("nan"), age_years=90.0)
    assert row["mesa_chd_10y"] is None
    assert row["mesa_chd_10y_cac"] is None
    assert row["reasons"] == ["missing_input", "out_of_range"]
    assert row["detail"] == (
        "missing: race, hdl_cholesterol_mg_dl, smoker; out of range: age_years"
    )


@pytest.mark.parametrize(
    ("total", "hdl", "is_suspect"),
    [
        (210.0, 209.9, False),
        (210.0, 210.0, True),
        (45.0, 210.0, True),  # swapped
        (5.4, 45.0, True),  # total in mmol/L
        (None, 210.0, False),
        (210.0, None, False),
        (0.0, 45.0, False),  # out of range, by itself
    ],
)
def test_hdl_is_a_part_of_total_cholesterol(total, hdl, is_suspect):
    row = one(total_cholesterol_mg_dl=total, hdl_cholesterol_mg_dl=hdl, agatston=50.0)
    assert ("unit_suspect" in row["reasons"]) is is_suspect
    if not is_suspect:
        return
    assert row["reasons"] == ["unit_suspect"]
    assert row["detail"] == "unit suspect: total_cholesterol_mg_dl, hdl_cholesterol_mg_dl"
    assert row["mesa_chd_10y_cac"] is None
    assert not any("cholesterol" in text for text in row["inputs_used"])
    drawn = one(total_cholesterol_mg_dl=None, hdl_cholesterol_mg_dl=None, agatston=50.0)
    assert row["model_risk"] == drawn["model_risk"]
    assert row["imputed"] == drawn["imputed"]
    assert set(row["imputed"]) == {"total_cholesterol_mg_dl", "hdl_cholesterol_mg_dl"}


def test_without_a_score_the_estimate_without_calcium_stands():
    row = one(agatston=None)
    assert row["mesa_chd_10y"] == pytest.approx(0.077180, abs=5e-7)
    assert row["mesa_chd_10y_cac"] is None
    assert row["detail"] == "missing: agatston"
    assert one(agatston=-1.0)["detail"] == "out of range: agatston"


def test_inputs_used_tell_values_and_their_ages_without_dates():
    used = one(agatston=12.34)["inputs_used"]
    assert used[:4] == [
        "age_years=65",
        "sex=M",
        "race=white",
        "total_cholesterol_mg_dl=210 (34 d before scan)",
    ]
    assert "smoker=0 (400 d before scan)" in used
    assert used[-1] == "agatston=12.3"
    assert not any(name.startswith("race") for name in one(race="other")["inputs_used"])


def test_empty_input_gives_the_declared_schema():
    assert estimate(table()).schema == RISK.schema


def test_a_missing_column_is_one_clear_line():
    with pytest.raises(ScreeningError, match="missing columns \\['race'\\]"):
        estimate(table({}).drop_columns(["race"]))


ages = st.floats(45, 84.9)
scores = st.floats(0, 9999)


@settings(deadline=None)
@given(age=ages, low=scores, high=scores)
def test_risk_rises_with_calcium(age, low, high):
    low, high = sorted((low, high))
    rows = estimate(
        table({"age_years": age, "agatston": low}, {"age_years": age, "agatston": high})
    )
    first, second = rows.column("mesa_chd_10y_cac").to_pylist()
    assert 0 < first <= second < 1


@settings(deadline=None)
@given(young=ages, old=ages, agatston=scores, sex=st.sampled_from("FM"))
def test_risk_rises_with_age(young, old, agatston, sex):
    young, old = sorted((young, old))
    common = {"agatston": agatston, "sex": sex}
    rows = estimate(table({"age_years": young, **common}, {"age_years": old, **common}))
    for column in ("mesa_chd_10y", "mesa_chd_10y_cac"):
        first, second = rows.column(column).to_pylist()
        assert first <= second


@settings(deadline=None)
@given(st.permutations(range(6)))
def test_the_order_of_people_does_not_matter(order):
    people = table(
        {"person_key": "a"},
        {"person_key": "b", "race": None},
        {"person_key": "c", "age_years": 30.0},
        {"person_key": "d", "agatston": 500.0},
        {"person_key": "e", "smoker": 1.0},
        {"person_key": "f", "sex": "F"},
    )
    straight = estimate(people).to_pylist()
    shuffled = estimate(people.take(pa.array(order))).to_pylist()
    assert shuffled == [straight[i] for i in order]
