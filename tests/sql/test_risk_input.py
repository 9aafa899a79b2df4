"""First clock: what the equations may know is what was known on the index date."""

from datetime import UTC, datetime, timedelta

import pytest
from sql_room import INDEX, event, flag_of, observation, one_person, person, read, scan

DAY = timedelta(days=1)


def inputs(**more):
    (row,) = read(one_person(scan(agatston=5.0), **more), "core_risk_input")
    return row


def test_the_latest_value_before_the_scan_and_none_after():
    row = inputs(
        observation=[
            observation("total_cholesterol_mg_dl", 180.0, INDEX - 900 * DAY),
            observation("total_cholesterol_mg_dl", 213.0, INDEX - 34 * DAY),
            observation("total_cholesterol_mg_dl", 999.0, INDEX + DAY),
            observation("smoker", 1.0, INDEX + DAY),
            observation("systolic_bp_mmhg", 150.0, INDEX),
        ]
    )
    assert (row["total_cholesterol_mg_dl"], row["total_cholesterol_mg_dl_age_days"]) == (213.0, 34)
    assert (row["systolic_bp_mmhg"], row["systolic_bp_mmhg_age_days"]) == (150.0, 0)
    assert row["smoker"] is None
    assert row["hdl_cholesterol_mg_dl"] is None


def test_values_older_than_the_window_do_not_count():
    edge = INDEX.replace(year=INDEX.year - 5)
    for day, value in ((edge, 50.0), (edge - DAY, None)):
        row = inputs(observation=[observation("hdl_cholesterol_mg_dl", 50.0, day)])
        assert row["hdl_cholesterol_mg_dl"] == value


def test_values_of_one_day_do_not_depend_on_row_order():
    day = [observation("systolic_bp_mmhg", v, INDEX - DAY) for v in (120.0, 160.0, 130.0)] + [
        observation("smoker", v, INDEX - DAY) for v in (0.0, 1.0)
    ]
    for rows in (day, day[::-1]):
        row = inputs(observation=rows)
        assert (row["systolic_bp_mmhg"], row["smoker"]) == (130.0, 1.0)


@pytest.mark.parametrize(
    ("concept", "column"),
    [
        ("statin", "lipid_treated"),
        ("other_lipid_lowering", "lipid_treated"),
        ("antihypertensive", "bp_treated"),
    ],
)
@pytest.mark.parametrize(
    ("start", "stop", "value"),
    [
        (INDEX, None, 1.0),
        (INDEX + DAY, None, 0.0),
        (INDEX - 9 * DAY, INDEX, 1.0),
        (INDEX - 9 * DAY, INDEX - DAY, 0.0),
        (None, None, None),
        (None, INDEX - DAY, 0.0),
    ],
)
def test_treatment_active_at_the_scan(concept, column, start, stop, value):
    assert inputs(event=[event(concept, start, stopped_on=stop)])[column] == value


@pytest.mark.parametrize("column", ["diabetes", "family_history_mi"])
@pytest.mark.parametrize(("start", "value"), [(INDEX, 1.0), (INDEX + DAY, 0.0), (None, None)])
def test_conditions_recorded_by_the_scan(column, start, value):
    assert inputs(event=[event(column, start)])[column] == value


@pytest.mark.parametrize("column", ["diabetes", "family_history_mi"])
@pytest.mark.parametrize(
    ("start", "value"), [(INDEX, 1.0), (INDEX + DAY, None), (None, None), ("absent", None)]
)
def test_what_was_answered_with_not_known_is_unknown_unless_it_is_told(column, start, value):
    told = [] if start == "absent" else [event(column, start)]
    row = inputs(event=[*told, event(f"{column}_not_known", INDEX + DAY)])
    assert row[column] == value


def test_a_record_without_mention_is_zero_and_no_record_is_unknown():
    flags = ("bp_treated", "lipid_treated", "diabetes", "family_history_mi")
    assert [inputs()[f] for f in flags] == [0.0] * 4
    assert [inputs(person=[])[f] for f in flags] == [None] * 4


def run(name, day, **rows):
    at = datetime(2026, 1, day, tzinfo=UTC)
    return {"run_id": name, "started_at": at, **{f"rows_{k}": n for k, n in rows.items()}}


OF_CONDITIONS, OF_MEDICATIONS = ("diabetes", "family_history_mi"), ("bp_treated", "lipid_treated")


@pytest.mark.parametrize(
    ("runs", "unknown"),
    [
        ([run("a", 1, person=9, condition=1, medication=1)], ()),
        ([run("a", 1, person=9, condition=0, medication=1)], OF_CONDITIONS),
        ([run("a", 1, person=9, medication=1)], OF_CONDITIONS),
        ([run("a", 1, person=9, condition=1)], OF_MEDICATIONS),
        ([run("a", 1, person=9)], (*OF_CONDITIONS, *OF_MEDICATIONS)),
        # The last sweep that was handed tables decides; one without them left them as they were.
        ([run("a", 1, person=9), run("b", 2, person=9, condition=1, medication=1)], ()),
        ([run("a", 1, person=9), run("b", 2)], (*OF_CONDITIONS, *OF_MEDICATIONS)),
        ([run("a", 1)], ()),
    ],
)
def test_what_no_row_of_the_delivery_can_tell_is_unknown_for_everybody(runs, unknown):
    row = inputs(runs=runs)
    flags = (*OF_CONDITIONS, *OF_MEDICATIONS)
    assert {f: row[f] for f in flags} == {f: None if f in unknown else 0.0 for f in flags}
    # What is on record all the same stays known.
    known = inputs(runs=runs, event=[event("diabetes", INDEX), event("statin", INDEX)])
    assert (known["diabetes"], known["lipid_treated"]) == (1.0, 1.0)
    (treated,) = read(one_person(scan(), runs=runs), "core_treatment")
    assert treated["is_on_statin"] == (None if OF_MEDICATIONS[0] in unknown else False)


def test_sex_comes_from_the_record_else_from_the_header():
    assert inputs(person=[person(sex="M")])["sex"] == "M"
    assert inputs(person=[person(sex="F")])["sex"] == ""  # the header says M
    assert inputs(person=[person(sex="")])["sex"] == "M"
    (row,) = read(one_person(scan(sex="O"), person=[person(sex="")]), "core_risk_input")
    assert row["sex"] == ""


def test_the_vaults_age_is_preferred_to_the_headers():
    ages = [{"series_key": "s", "person_key": "p", "age_years": 61.5, "age_source": "x"}]
    assert inputs(ages=ages)["age_years"] == 61.5
    assert inputs()["age_years"] == 60.0


def test_between_slices_apart_what_was_seen_stands_for_the_rest():
    """No bound for the risk; below a threshold the person is not off the list all the same."""
    connection = one_person(scan(agatston=5.0, grade="C", quality_flags=["gaps_between_slices"]))
    (row,) = read(connection, "core_risk_input")
    assert (row["agatston"], row["agatston_at_least"], row["agatston_low"]) == (5.0, None, None)
    flag = flag_of(connection)
    assert (flag["flag"], flag["reason"]) == ("cannot_say", "lower_bound")


def test_of_a_cut_heart_the_score_is_a_lower_bound_and_no_measure():
    (row,) = read(
        one_person(scan(agatston=512.0, agatston_low=480.0, quality_flags=["heart_incomplete"])),
        "core_risk_input",
    )
    assert (row["agatston"], row["agatston_at_least"]) == (None, 512.0)
    # Noise has added little: no "at least" is told, but the risk is drawn from there on.
    flags = ["heart_incomplete", "false_calcium_some"]
    (row,) = read(one_person(scan(agatston=512.0, quality_flags=flags)), "core_risk_input")
    assert (row["agatston_at_least"], row["agatston_low"]) == (512.0, 512.0)
    # What may be too much is no bound: nothing is known of the whole.
    flags = ["heart_incomplete", "stent_possible"]
    (row,) = read(one_person(scan(agatston=512.0, quality_flags=flags)), "core_risk_input")
    assert (row["agatston"], row["agatston_at_least"]) == (None, None)
    (row,) = read(
        one_person(scan(agatston=5.0, agatston_low=1.0, agatston_high=9.0)), "core_risk_input"
    )
    assert (row["agatston"], row["agatston_at_least"]) == (5.0, None)
    assert (row["agatston_low"], row["agatston_high"]) == (1.0, 9.0)


def test_kidney_function_and_weight_are_known_too():
    row = inputs(
        observation=[
            observation("egfr_ml_min_173m2", 71.0, INDEX - 3 * DAY),
            observation("bmi_kg_m2", 31.0, INDEX - 4 * DAY),
            observation("bmi_kg_m2", 45.0, INDEX + DAY),
        ]
    )
    assert (row["egfr"], row["egfr_age_days"], row["bmi"], row["bmi_age_days"]) == (
        71.0,
        3,
        31.0,
        4,
    )
