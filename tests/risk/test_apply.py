"""Whom each equation is refused to, what is said, and the laws all of them keep."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people_case import people

from screening.errors import ScreeningError
from screening.risk import EQUATIONS, apply_equations
from screening.risk.people import MMOL_L_PER_MG_DL
from screening.tables import PEOPLE, PEOPLE_RISK

COLUMNS = tuple(equation.column for equation in EQUATIONS)
PREVENT_10 = ("prevent_cvd_10y", "prevent_ascvd_10y", "prevent_hf_10y")
PREVENT_30 = ("prevent_cvd_30y", "prevent_ascvd_30y", "prevent_hf_30y")
SCORE2 = ("score2_low", "score2_moderate", "score2_high", "score2_very_high")
MODEL = ("model_risk", "model_risk_low", "model_risk_high")
MESA = ("mesa_chd_10y", "mesa_chd_10y_cac")


def one(**change):
    return apply_equations(people(change)).table.to_pylist()[0]


def given_to(**change):
    row = one(**change)
    return {name for name in COLUMNS if row[name] is not None}


def test_the_contract_names_every_column():
    assert set(COLUMNS) == {
        *MESA, *PREVENT_10, *PREVENT_30, "pce_ascvd_10y", "frs_cvd_10y", *SCORE2,
    }  # fmt: skip
    assert PEOPLE_RISK.schema.names == ["row", *COLUMNS, *MODEL, "model_imputed", "reasons"]


def test_a_complete_person_has_every_estimate_and_no_reason():
    row = one()
    assert all(0 < row[name] < 1 for name in COLUMNS)
    assert row["reasons"] == ""


@pytest.mark.parametrize(
    ("names", "first_year", "last_year"),
    [
        (MESA, 45, 84),
        (PREVENT_10, 30, 79),
        (PREVENT_30, 30, 59),
        (("pce_ascvd_10y",), 40, 79),
        (("frs_cvd_10y",), 30, 74),
        (SCORE2, 40, 89),
    ],
)
def test_ages_on_both_sides_of_their_edges(names, first_year, last_year):
    for age, is_in in (
        (first_year - 0.01, False), (first_year, True), (last_year + 0.99, True),
        (last_year + 1, False),
    ):  # fmt: skip
        row = one(age_years=float(age))
        assert [row[name] is not None for name in names] == [is_in] * len(names)
        says = f"out_of_range age_years ({first_year} to {last_year}): {', '.join(names)}"
        assert (says in row["reasons"]) is not is_in


@pytest.mark.parametrize(
    ("name", "low", "high", "step", "says", "refused"),
    [
        ("total_cholesterol_mg_dl", 130, 320, 0.1, "130 to 320",
         {"prevent_cvd_10y", "prevent_cvd_30y", "prevent_ascvd_10y", "prevent_ascvd_30y",
          "pce_ascvd_10y"}),
        ("hdl_cholesterol_mg_dl", 20, 100, 0.1, "20 to 100",
         {"prevent_cvd_10y", "prevent_cvd_30y", "prevent_ascvd_10y", "prevent_ascvd_30y",
          "pce_ascvd_10y"}),
        ("systolic_bp_mmhg", 90, 200, 0.1, "90 to 200",
         {*PREVENT_10, *PREVENT_30, "pce_ascvd_10y"}),
        ("egfr", 15, 140, 0.1, "15 to 140", {*PREVENT_10, *PREVENT_30}),
        ("bmi", 18.5, 39.9, 0.1, "18.5 to below 40", {"prevent_hf_10y", "prevent_hf_30y"}),
    ],
)  # fmt: skip
def test_ranges_on_both_sides_of_their_edges(name, low, high, step, says, refused):
    for value, is_in in ((low, True), (high, True), (low - step, False), (high + step, False)):
        row = one(**{name: float(value)})
        empty = {column for column in COLUMNS if row[column] is None}
        assert empty == (set() if is_in else refused)
        assert (f"out_of_range {name} ({says}): " in row["reasons"]) is not is_in


@pytest.mark.parametrize(
    ("name", "empties"),
    [
        ("age_years", set(COLUMNS)),
        ("sex", set(COLUMNS)),
        ("systolic_bp_mmhg", set(COLUMNS)),
        ("smoker", set(COLUMNS)),
        ("diabetes", set(COLUMNS)),
        ("total_cholesterol_mg_dl", set(COLUMNS) - {"prevent_hf_10y", "prevent_hf_30y"}),
        ("hdl_cholesterol_mg_dl", set(COLUMNS) - {"prevent_hf_10y", "prevent_hf_30y"}),
        ("bp_treated", set(COLUMNS) - set(SCORE2)),
        ("lipid_treated", {*MESA, "prevent_cvd_10y", "prevent_cvd_30y", "prevent_ascvd_10y",
                           "prevent_ascvd_30y"}),
        ("family_history_mi", set(MESA)),
        ("egfr", {*PREVENT_10, *PREVENT_30}),
        ("bmi", {"prevent_hf_10y", "prevent_hf_30y"}),
        ("agatston", {"mesa_chd_10y_cac"}),
        ("race", {*MESA, "pce_ascvd_10y"}),
    ],
)  # fmt: skip
def test_what_is_missing_empties_only_what_needs_it(name, empties):
    row = one(**{name: None})
    assert {column for column in COLUMNS if row[column] is None} == empties
    assert f"missing_input {name}" in row["reasons"]
    assert (": all" in row["reasons"]) is (empties == set(COLUMNS))
    assert row["reasons"].endswith(": all") is (row["model_risk"] is None) is (name == "age_years")


def test_other_and_unknown_race_are_never_silently_white():
    white = one()
    for race in ("hispanic", "chinese", "other"):
        found = apply_equations(people({"race": race}))
        row = found.table.to_pylist()[0]
        assert row["pce_ascvd_10y"] == white["pce_ascvd_10y"]
        assert found.stands_in == {"pce_ascvd_10y": 1}
        assert (row["mesa_chd_10y"] is None) is (race == "other")
    assert apply_equations(people({}, {"race": "black"})).stands_in == {"pce_ascvd_10y": 0}
    row = one(race=None)
    assert row["pce_ascvd_10y"] is None
    assert row["reasons"] == (
        "missing_input race (white, black, hispanic or chinese): mesa_chd_10y, mesa_chd_10y_cac; "
        "missing_input race (white, black, hispanic, chinese or other): pce_ascvd_10y"
    )
    # Race is no input of the others.
    free = [n for n in COLUMNS if n not in (*MESA, "pce_ascvd_10y")]
    assert [row[n] for n in free] == [white[n] for n in free]


def test_score2_is_not_for_people_with_diabetes():
    row = one(diabetes=1.0)
    assert {name for name in COLUMNS if row[name] is None} == set(SCORE2)
    assert row["reasons"] == (
        f"out_of_range diabetes (0: not for people with diabetes): {', '.join(SCORE2)}"
    )


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"age_years": -5.0}, "out_of_range age_years: all"),
        ({"systolic_bp_mmhg": 0.0}, "out_of_range systolic_bp_mmhg: all equations"),
        ({"smoker": 2.0}, "out_of_range smoker: all equations"),
        ({"agatston": -1.0}, "out_of_range agatston: mesa_chd_10y_cac"),
        ({"sex": None, "refused": ["sex:bad_value"]}, "bad_value sex: all equations"),
        ({"refused": ["person_id:missing_input"]}, "missing_input person_id: all"),
        ({"refused": ["person_id:duplicate_row"], "race": None}, "duplicate_row person_id: all"),
        (
            {"race": None, "refused": ["race:bad_value"]},
            "bad_value race: mesa_chd_10y, mesa_chd_10y_cac, pce_ascvd_10y",
        ),
        (
            {"egfr": None, "bmi": None, "refused": ["egfr:unit_suspect", "bmi:bad_value"]},
            "unit_suspect egfr: prevent_cvd_10y, prevent_cvd_30y, prevent_ascvd_10y, "
            "prevent_ascvd_30y, prevent_hf_10y, prevent_hf_30y; "
            "bad_value bmi: prevent_hf_10y, prevent_hf_30y",
        ),
    ],
)
def test_what_cannot_be_is_named(change, reasons):
    assert one(**change)["reasons"] == reasons


def test_causes_and_estimates_are_counted():
    found = apply_equations(people({}, {"age_years": -1.0}, {"agatston": None}, {"sex": None}))
    assert found.causes == {
        "out_of_range age_years": 1, "missing_input sex": 1, "missing_input agatston": 1,
    }  # fmt: skip
    assert found.given["mesa_chd_10y"] == 2
    assert found.given["mesa_chd_10y_cac"] == 1


def test_more_causes_than_bits_of_a_byte():
    names = [n for n in PEOPLE.schema.names if n not in ("row", "refused")]
    rows = [{name: None} for name in names]
    together = apply_equations(people(*rows, dict.fromkeys(names))).table.to_pylist()
    for name, row in zip(names, together, strict=False):
        assert row["reasons"] == one(**{name: None})["reasons"]
    for name in names:
        assert f"missing_input {name}" in together[-1]["reasons"]


def test_nobody_gives_the_declared_schema():
    assert apply_equations(people()).table.schema == PEOPLE_RISK.schema


def test_a_missing_column_is_one_clear_line():
    with pytest.raises(ScreeningError, match=r"table people: missing columns \['race'\]"):
        apply_equations(people({}).drop_columns(["race"]))


def test_every_equation_names_its_endpoint_race_and_source():
    for equation in EQUATIONS:
        assert equation.endpoint
        assert "doi 10." in equation.source
        assert "race" in equation.race_note or "people" in equation.race_note
        assert equation.ranges[0].input == "age_years"


person = st.fixed_dictionaries(
    {
        "age_years": st.floats(45, 58),
        "sex": st.sampled_from("FM"),
        "race": st.sampled_from(["white", "black", "hispanic", "chinese"]),
        "total_cholesterol_mg_dl": st.floats(130, 320),
        "hdl_cholesterol_mg_dl": st.floats(20, 100),
        "systolic_bp_mmhg": st.floats(90, 200),
        "bp_treated": st.sampled_from([0.0, 1.0]),
        "lipid_treated": st.sampled_from([0.0, 1.0]),
        "smoker": st.sampled_from([0.0, 1.0]),
        "family_history_mi": st.sampled_from([0.0, 1.0]),
        "egfr": st.floats(15, 140),
        "bmi": st.floats(18.5, 39.9),
        "agatston": st.floats(0, 9999),
    }
)


@settings(deadline=None, max_examples=50)
@given(person, st.floats(0, 9999))
def test_mesa_rises_with_calcium_and_nothing_else_moves(who, more):
    rows = apply_equations(people(who, {**who, "agatston": who["agatston"] + more})).table
    low, high = rows.to_pylist()
    assert 0 < low["mesa_chd_10y_cac"] <= high["mesa_chd_10y_cac"] < 1
    for name in COLUMNS:
        if name != "mesa_chd_10y_cac":
            assert low[name] == high[name]


@settings(deadline=None, max_examples=50)
@given(person, st.floats(0, 2))
def test_risk_rises_with_age_where_age_stands_alone(who, more):
    # Of the others age multiplies risk factors, and the sum may fall with it.
    low, high = apply_equations(
        people(who, {**who, "age_years": who["age_years"] + more})
    ).table.to_pylist()
    for name in (*MESA, "frs_cvd_10y"):
        assert low[name] <= high[name]


@settings(deadline=None, max_examples=50)
@given(st.integers(40, 73), st.sampled_from("FM"))
def test_risk_of_an_average_person_rises_with_age_in_every_equation(age, sex):
    average = {"total_cholesterol_mg_dl": 200.0, "systolic_bp_mmhg": 125.0, "sex": sex}
    low, high = apply_equations(
        people({**average, "age_years": float(age)}, {**average, "age_years": age + 1.0})
    ).table.to_pylist()
    for name in COLUMNS:
        # SCORE2 hands over to SCORE2-OP at 70, another equation.
        if low[name] is None or high[name] is None or (name in SCORE2 and age == 69):
            continue
        assert low[name] < high[name], name


@settings(deadline=None, max_examples=50)
@given(st.permutations(range(7)))
def test_the_order_of_people_does_not_matter(order):
    table = people(
        {}, {"sex": "F"}, {"age_years": 30.0}, {"race": None}, {"egfr": 5.0},
        {"refused": ["person_id:duplicate_row"]}, {"agatston": None, "bmi": None},
    )  # fmt: skip
    straight = apply_equations(table).table.to_pylist()
    shuffled = apply_equations(table.take(pa.array(order))).table.to_pylist()
    assert shuffled == [straight[i] for i in order]


@settings(deadline=None, max_examples=50)
@given(
    st.floats(0.01, 130), st.floats(50, 1000), st.floats(8, 200), st.floats(50, 300),
    st.floats(1, 250), st.floats(8, 150), st.sampled_from("FM"),
    st.sampled_from(["white", "black"]), st.sampled_from([0.0, 1.0]),
)  # fmt: skip
def test_whatever_is_plausible_gives_a_fraction_or_a_reason(
    age, total, hdl, sbp, egfr, bmi, sex, race, flag
):
    # Warnings are errors here: no formula may overflow on people it is not for.
    row = one(
        age_years=age, total_cholesterol_mg_dl=total, hdl_cholesterol_mg_dl=hdl,
        systolic_bp_mmhg=sbp, egfr=egfr, bmi=bmi, sex=sex, race=race, smoker=flag,
        bp_treated=flag,
    )  # fmt: skip
    items = [item.split(": ")[-1] for item in row["reasons"].split("; ")]
    said = {name for item in items for name in item.split(", ")}
    for name in COLUMNS:
        assert (row[name] is None) is (name in said or "all" in said)
        assert row[name] is None or 0 <= row[name] <= 1


@given(st.floats(50, 500))
def test_cholesterol_goes_to_mmol_and_back(mg_dl):
    # 38.67 is the factor by which the clinical tables come to mg/dL.
    assert np.isclose(mg_dl * MMOL_L_PER_MG_DL * 38.67, mg_dl, rtol=1e-4)
