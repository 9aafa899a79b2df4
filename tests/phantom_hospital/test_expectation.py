"""The truth's own rules: categories, the flag's policy, the MESA equation."""

from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from screening.phantom.expectation import (
    FlagFacts,
    RiskInputs,
    TruthRow,
    expected_flag,
    is_borderline,
    mesa_chd_10y,
    percentile_75,
    state_of,
    true_category,
    write_truth,
)
from screening.reasons import Reason, State
from screening.risk.percentile import percentile
from screening.tables import TRUTH

# McClelland 2015 as programmed and tested elsewhere: 8.614 % and 3.059 %.
PUBLISHED = RiskInputs(70, "M", "hispanic", 190, 50, 130, True, False, False, False, False)


@pytest.mark.parametrize(
    ("agatston", "name"),
    [
        (0, "0"),
        (0.1, "(0,100)"),
        (99.9, "(0,100)"),
        (100, "[100,300)"),
        (299.9, "[100,300)"),
        (300, "[300,1000)"),
        (999.9, "[300,1000)"),
        (1000, "[1000,inf)"),
    ],
)
def test_categories_are_half_open(agatston, name):
    assert true_category(agatston) == name


def test_mesa_gives_the_published_vector():
    assert mesa_chd_10y(PUBLISHED) == pytest.approx(0.08614, abs=5e-5)
    assert mesa_chd_10y(PUBLISHED, 0.0) == pytest.approx(0.03059, abs=5e-5)


@pytest.mark.parametrize(
    ("agatston", "percent"), [(0, 2.8199), (50, 8.0665), (300, 12.7915), (1000, 17.3293)]
)
def test_mesa_with_calcium_rises_with_the_score(agatston, percent):
    man = RiskInputs(65, "M", "white", 210, 45, 140, False, False, False, False, False)
    assert 100 * mesa_chd_10y(man, agatston) == pytest.approx(percent, abs=2e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"age_years": 44},
        {"age_years": 85},
        {"race": None},
        {"race": "other"},
        {"smoker": None},
        {"total_cholesterol_mg_dl": None},
    ],
)
def test_mesa_says_nothing_without_its_inputs(change):
    assert mesa_chd_10y(replace(PUBLISHED, **change), 10.0) is None


def test_mesa_holds_at_the_edges_of_its_ages():
    for age in (45, 84):
        assert mesa_chd_10y(replace(PUBLISHED, age_years=age)) is not None


def test_exclusions_come_in_order_and_before_the_score():
    facts = FlagFacts(
        is_identity_conflict=True,
        is_opted_out=True,
        is_minor=True,
        is_deceased=True,
        has_known_ascvd=True,
        is_formally_scored=True,
        has_record=False,
        agatston=2000.0,
    )
    seen = []
    for name in (
        "is_identity_conflict",
        "is_opted_out",
        "is_minor",
        "is_deceased",
        "has_known_ascvd",
        "is_formally_scored",
    ):
        flag = expected_flag(facts)
        seen.append((flag.flag, flag.reason))
        facts = replace(facts, **{name: False})
    assert seen == [
        ("cannot_say", Reason.IDENTITY_CONFLICT),
        ("not_flagged", Reason.OPTED_OUT),
        ("not_flagged", Reason.MINOR),
        ("not_flagged", Reason.DECEASED),
        ("not_flagged", Reason.KNOWN_ASCVD),
        ("not_flagged", Reason.FORMALLY_SCORED),
    ]
    assert expected_flag(facts).reason is Reason.NO_CLINICAL_RECORD
    assert expected_flag(replace(facts, has_record=True)).tier == "cac_1000"
    assert expected_flag(FlagFacts()).reason is Reason.NO_SCORE


@pytest.mark.parametrize(
    ("agatston", "risk", "flag", "tier"),
    [
        (99.9, 0.0749, "not_flagged", None),
        (99.9, 0.075, "flagged", "risk_high"),
        (99.9, None, "not_flagged", None),
        (100.0, None, "flagged", "cac_100"),
        (299.9, 0.2, "flagged", "cac_100"),
        (300.0, 0.2, "flagged", "cac_300"),
        (1000.0, 0.2, "flagged", "cac_1000"),
    ],
)
def test_tiers_begin_at_their_edges(agatston, risk, flag, tier):
    got = expected_flag(FlagFacts(agatston=agatston, risk=risk))
    assert (got.flag, got.tier) == (flag, tier)


@pytest.mark.parametrize(
    ("age", "agatston", "tier"),
    [
        (39, 1.0, "age_18_39"),
        (39, 0.0, None),
        (40, 1.0, None),
        (84, 100.0, "cac_100"),
        (85, 100.0, "age_over_84"),
        (85, 99.9, None),
    ],
)
def test_ages_with_a_tier_of_their_own(age, agatston, tier):
    assert expected_flag(FlagFacts(agatston=agatston, age_years=age)).tier == tier


def test_the_75th_percentile_flags_from_itself_on_and_before_the_risk():
    facts = FlagFacts(agatston=50.0, percentile_75=50.0, risk=0.5)
    assert expected_flag(facts).tier == "percentile_75"
    assert expected_flag(replace(facts, percentile_75=50.1)).tier == "risk_high"
    assert expected_flag(replace(facts, agatston=0.0, percentile_75=0.0)).tier is None


@pytest.mark.parametrize("race", ["white", "black", "hispanic", "chinese", "other", None])
@pytest.mark.parametrize("sex", ["F", "M"])
def test_the_75th_percentile_is_that_of_the_risk_room(sex, race):
    for age in (*range(39, 86), 42.4, 66.6, 80.1):
        score = percentile_75(age, sex, race)
        if score is None:
            assert percentile(1.0, age, sex, race) is None
        elif score > 1:
            assert percentile(score * 1.001, age, sex, race).value >= 75
            assert percentile(score * 0.999, age, sex, race).value < 75


def test_borderline_is_a_quarter_on_both_sides():
    assert is_borderline(75.0, None)
    assert is_borderline(125.0, None)
    assert not is_borderline(74.9, None)
    assert not is_borderline(125.1, None)
    assert is_borderline(10.0, 0.07)
    assert not is_borderline(170.0, 0.075)  # above 100 the risk does not decide
    assert not is_borderline(None, None)
    assert is_borderline(50.0, None, 60.0)
    assert not is_borderline(50.0, None, 70.0)
    assert not is_borderline(170.0, None, 160.0)  # above 100 the percentile does not decide


def test_states_of_reasons():
    assert state_of(None) is State.SCORED
    assert state_of(Reason.LOCALIZER) is State.INELIGIBLE
    assert state_of(Reason.MISSING_SLICE_IN_HEART) is State.FAILED
    assert state_of(Reason.IDENTITY_CONFLICT) is State.QUARANTINED


def test_truth_is_written_to_its_schema_in_a_fixed_order(tmp_path):
    rows = [TruthRow(kind="series", role="x"), TruthRow(kind="file", role="x", path="a")]
    write_truth(tmp_path / "truth.parquet", rows)
    table = pq.read_table(tmp_path / "truth.parquet")
    assert table.schema.equals(TRUTH.schema)
    assert table["kind"].to_pylist() == ["file", "series"]
