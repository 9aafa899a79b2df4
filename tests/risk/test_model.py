"""The clinical-variable model: MESA where all is known, honest where it is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_case import (
    NO_RACE,
    WITH_RACE,
    estimated,
    exact_scores,
    measured_with_error,
    people_of,
    simulated,
    without,
)
from people_case import PERSON, people
from risk_input_case import one, table
from scipy.stats import multivariate_normal

from screening import scoring
from screening.config import RiskSettings
from screening.risk import apply_equations, estimate
from screening.risk.averaged import DRAWS, RaceUse, points
from screening.risk.joint import CALCIUM, FLAGS, LN_CALCIUM, MEASURED, conditionals, joint
from screening.risk.linear_model import mesa_model
from screening.risk.mesa import mesa_risks
from screening.risk.reference_people import MESA_SHARES, share_with_calcium
from screening.risk.score_error import drawn, scores_of, usual_interval

LIPIDS = ("total_cholesterol_mg_dl", "hdl_cholesterol_mg_dl")
YES_NO = ("smoker", "diabetes", "bp_treated", "lipid_treated", "family_history_mi")
VALUES, RACE = simulated(3000, 11)


def one_input():
    return {name: value for name, value in PERSON.items() if name != "refused"}


def mesa(values, race):
    return mesa_risks(people_of(values, race))["mesa_chd_10y_cac"]


def test_complete_people_have_mesa_itself():
    found = estimated(VALUES, RACE, use=WITH_RACE)
    np.testing.assert_allclose(found.risk, mesa(VALUES, RACE), rtol=1e-12)


def test_without_race_it_is_the_weighted_mean_of_the_four_and_never_white():
    found = estimated(VALUES, RACE, use=NO_RACE)
    four = [mesa(VALUES, np.full(len(RACE), index)) for index in range(4)]
    np.testing.assert_allclose(
        found.risk, np.average(four, axis=0, weights=MESA_SHARES), rtol=1e-12
    )
    assert (np.abs(found.risk / four[0] - 1) > 1e-3).all()
    # Race known or not, the same: it is no input.
    unknown = estimated(VALUES, np.full(len(RACE), -1), use=NO_RACE)
    np.testing.assert_array_equal(unknown.risk, found.risk)


@pytest.mark.parametrize("use", [NO_RACE, WITH_RACE])
def test_an_unknown_race_and_one_that_is_no_input_widen_from_race_to_race(use):
    values = {k: v[:200] for k, v in VALUES.items()}
    people = people_of(values, np.full(200, -1))
    found = estimated(values, np.full(200, -1), use=use, scores=exact_scores(people))
    four = np.array([mesa(values, np.full(200, i)) for i in range(4)])
    np.testing.assert_allclose(found.low, four.min(axis=0), rtol=1e-9)
    np.testing.assert_allclose(found.high, four.max(axis=0), rtol=1e-9)


@pytest.mark.parametrize("agatston", [0.0, 40.0, 900.0])
def test_the_interval_holds_mesa_of_every_race_that_has_weight(agatston):
    values = {k: v[:300] for k, v in VALUES.items()} | {"agatston": np.full(300, agatston)}
    found = estimated(values, RACE[:300], use=NO_RACE)
    for index in range(4):
        own = mesa(values, np.full(300, index))
        assert ((found.low <= own) & (own <= found.high)).all()
    # A race without weight is drawn for nobody: chinese people have the lowest risks.
    without_chinese = RaceUse(False, np.array([0.45, 0.30, 0.25, 0.0]))
    none = estimated(values, RACE[:300], use=without_chinese)
    assert (none.low > found.low).all()


@pytest.mark.parametrize(("weight", "is_held"), [(0.049, False), (0.05, True)])
def test_a_race_of_little_weight_is_held_from_one_in_twenty_on(weight, is_held):
    values = {k: v[:100] for k, v in VALUES.items()} | {"agatston": np.zeros(100)}
    use = RaceUse(False, np.array([0.5, 0.3, 0.2 - weight, weight]))
    found = estimated(values, RACE[:100], use=use)
    assert (found.low <= mesa(values, np.full(100, 3))).all() == is_held


@pytest.mark.parametrize("names", [LIPIDS, (*LIPIDS, "systolic_bp_mmhg", "smoker"), ("agatston",)])
def test_where_race_is_no_input_the_ends_are_the_outermost_of_each_race(names):
    values = without({k: v[:200] for k, v in VALUES.items()}, *names)
    found = estimated(values, RACE[:200], use=NO_RACE)
    each = [estimated(values, np.full(200, i), use=WITH_RACE) for i in range(4)]
    np.testing.assert_allclose(found.low, np.min([e.low for e in each], axis=0), rtol=1e-9)
    np.testing.assert_allclose(found.high, np.max([e.high for e in each], axis=0), rtol=1e-9)


@pytest.mark.parametrize("names", [LIPIDS, (*LIPIDS, "systolic_bp_mmhg", "smoker")])
def test_intervals_without_race_hold_mesa_of_the_people_of_each_race(names):
    values, race = simulated(8000, 14)
    truth = mesa(values, race)
    found = estimated(without(values, *names), race, use=NO_RACE)
    held = (found.low <= truth) & (truth <= found.high)
    # 95 % wanted; two standard errors of the 950 chinese people are 1.4 points.
    assert [held[race == i].mean() >= 0.935 for i in range(4)] == [True] * 4


def test_a_known_race_that_is_an_input_is_not_drawn():
    values = {k: v[:100] for k, v in VALUES.items()}
    found = estimated(
        values, RACE[:100], use=WITH_RACE, scores=exact_scores(people_of(values, RACE[:100]))
    )
    np.testing.assert_allclose(found.low, found.high, rtol=1e-11)


def test_with_all_but_the_score_certain_the_interval_is_mesa_at_its_ends():
    values = {k: v[:100] for k, v in VALUES.items()}
    found = estimated(values, RACE[:100], use=WITH_RACE)
    for end, edge in zip(usual_interval(values["agatston"]), (found.low, found.high), strict=True):
        np.testing.assert_allclose(edge, mesa({**values, "agatston": end}, RACE[:100]), rtol=1e-9)


@pytest.mark.parametrize("is_gated", [False])
@pytest.mark.parametrize("agatston", [0.0, 0.5, 1.0, 9.0, 99.0, 100.0, 1000.0, 4000.0])
def test_the_usual_interval_is_that_of_the_scoring_room(agatston, is_gated):
    sure = scoring.certainty(agatston, is_gated=is_gated)
    low, high = usual_interval(np.array([agatston]))
    assert (low[0], high[0]) == pytest.approx((sure.low, sure.high))


def test_drawn_scores_have_the_interval_for_their_ends():
    z = np.array([[-1.96, 0.0, 1.96]])
    found = drawn(np.array([[100.0]]), np.array([[40.0]]), np.array([[220.0]]), z)
    np.testing.assert_allclose(found, [[40.0, 100.0, 220.0]])
    assert drawn(np.array([[0.0]]), np.array([[0.0]]), np.array([[10.0]]), z).min() == 0


@pytest.mark.parametrize("names", [LIPIDS, ("smoker",), YES_NO, ("male",), ("agatston",)])
def test_what_is_missing_widens_and_nobody_is_dropped(names):
    full, less = estimated(VALUES, RACE), estimated(without(VALUES, *names), RACE)
    assert np.isfinite(less.risk).all()
    wider = np.log(less.high / less.low) - np.log(full.high / full.low)
    assert wider.mean() > 0.02
    # Near a score of 0 a step of the draws is a tenth; a score of 0 is not wide.
    assert (wider > -0.1).mean() > (0.5 if names == ("agatston",) else 0.95)
    assert (less.low <= less.risk).all()
    assert (less.risk <= less.high).all()


def test_the_more_is_missing_the_wider():
    few = {k: v[:300] for k, v in VALUES.items()}
    widths = []
    for names in ((), LIPIDS[1:], LIPIDS, (*LIPIDS, "systolic_bp_mmhg"), (*LIPIDS, *YES_NO)):
        found = estimated(without(few, *names), RACE[:300])
        widths.append(np.median(np.log(found.high / found.low)))
    assert widths == sorted(widths)


@pytest.mark.parametrize("use", [NO_RACE, WITH_RACE])
@pytest.mark.parametrize(
    "names", [LIPIDS, (*LIPIDS, "systolic_bp_mmhg"), YES_NO, (*LIPIDS, *YES_NO), ("agatston",)]
)
def test_intervals_hold_mesa_of_new_people_of_a_drawn_race(names, use):
    values, race = simulated(4000, 12)
    truth = mesa(values, race)
    rng = np.random.default_rng(13)
    seen = without(measured_with_error(rng, values), *names)
    found = estimated(seen, race, use=use)
    held = (found.low <= truth) & (truth <= found.high)
    # 95 % wanted; three standard errors of 4,000 people are 1 point.
    assert 0.93 <= held.mean() <= 0.99
    assert found.risk.mean() == pytest.approx(truth.mean(), rel=0.06)


def test_order_company_and_batch_change_nothing():
    rng = np.random.default_rng(3)
    values = {
        k: v if k == "age_years" else np.where(rng.random(len(v)) < 0.2, np.nan, v)
        for k, v in VALUES.items()
    }
    whole = estimated(values, RACE)
    order = rng.permutation(len(RACE))
    turned = estimated({k: v[order] for k, v in values.items()}, RACE[order])
    first = estimated({k: v[:7] for k, v in values.items()}, RACE[:7])
    for name in ("risk", "low", "high"):
        np.testing.assert_array_equal(getattr(turned, name), getattr(whole, name)[order])
        np.testing.assert_array_equal(getattr(first, name), getattr(whole, name)[:7])


def test_contributions_add_up_for_everybody():
    rng = np.random.default_rng(4)
    values = {
        k: v if k == "age_years" else np.where(rng.random(len(v)) < 0.3, np.nan, v)
        for k, v in VALUES.items()
    }
    found = estimated(values, RACE)
    total = sum(found.parts.values())
    np.testing.assert_allclose(-np.expm1(-np.exp(total)), found.risk, rtol=1e-10)
    # A known input adds its coefficient times its distance from the reference person.
    known = ~np.isnan(values["smoker"])
    np.testing.assert_allclose(found.parts["smoker"][known], 0.3717 * values["smoker"][known])
    old = found.parts["age_years"]
    np.testing.assert_allclose(old, 0.0172 * (values["age_years"] - 60))


@pytest.mark.parametrize(
    ("age", "is_estimated"),
    [(44.99, False), (45.0, True), (84.99, True), (85.0, False), (np.nan, False)],
)
def test_ages_on_both_sides_of_their_edges(age, is_estimated):
    values = {k: v[:1].copy() for k, v in VALUES.items()}
    values["age_years"][0] = age
    assert np.isfinite(estimated(values, RACE[:1]).risk[0]) == is_estimated


def test_a_lower_bound_is_never_read_as_the_whole():
    values = {k: np.repeat(v[:1], 4) for k, v in VALUES.items()}
    values["agatston"] = np.array([300.0, 300.0, np.nan, np.nan])
    nan = np.full(4, np.nan)
    low, at_least = nan.copy(), nan.copy()
    low[1], at_least[2] = 250.0, 300.0
    scores = scores_of(values["agatston"], low, nan, at_least)
    found = estimated(values, np.repeat(RACE[:1], 4), scores=scores, use=WITH_RACE)
    measured, bound, cut, unknown = found.risk
    assert bound == cut > measured
    assert cut > unknown
    assert (found.low[1:3] >= measured * (1 - 1e-12)).all()


@settings(deadline=None, max_examples=25)
@given(more=st.floats(0, 2000), names=st.sets(st.sampled_from([*LIPIDS, *YES_NO]), max_size=3))
def test_risk_rises_with_calcium_also_where_something_is_missing(more, names):
    values = without({k: v[:50] for k, v in VALUES.items()}, *names)
    less = {**values, "agatston": np.full(50, 10.0)}
    much = {**values, "agatston": np.full(50, 10.0 + more)}
    assert (estimated(less, RACE[:50]).risk <= estimated(much, RACE[:50]).risk + 1e-12).all()


# The imputation model


def test_the_conditional_draws_are_those_of_the_joint_normal():
    weights = np.array([0.0043, 0.0, 0.0066, 0.0, 0.0, 0.0])
    prepared, covariance = conditionals(joint(), weights), joint().covariance
    known = [1, 3]  # ln HDL and eGFR
    pattern = sum(2**i for i in known)
    free = [i for i in range(6) if i not in known]
    among = covariance[np.ix_(known, known)]
    slope = covariance[np.ix_(free, known)] @ np.linalg.inv(among)
    np.testing.assert_allclose(prepared.of_each[pattern][np.ix_(free, known)], slope)
    left = covariance[np.ix_(free, free)] - slope @ covariance[np.ix_(known, free)]
    factor = prepared.factor[pattern]
    spread = factor @ factor.T
    rest = weights[free]
    assert spread[0, 0] == pytest.approx(left[free.index(5), free.index(5)])
    assert spread[2, 2] == pytest.approx(rest @ left @ rest)
    assert spread[2, 0] == pytest.approx(rest @ left[:, free.index(5)])
    off = np.array([0.0, 0.2, 0.0, -10.0, 0.0, 0.0])
    standard = prepared.whitening[pattern] @ off
    density = multivariate_normal(cov=among).logpdf(off[known])
    constant = -0.5 * (2 * np.log(2 * np.pi) + np.linalg.slogdet(among)[1])
    assert -0.5 * standard @ standard + constant == pytest.approx(density)


def test_missing_flags_are_drawn_by_bayes_from_what_is_known():
    # Two people alike but for HDL: low HDL speaks for diabetes, so her risk is averaged upwards
    # beyond what HDL itself does.
    values = {k: np.repeat(v[:1], 2) for k, v in VALUES.items()}
    values |= {"diabetes": np.full(2, np.nan), "hdl_cholesterol_mg_dl": np.array([30.0, 60.0])}
    found = estimated(values, np.repeat(RACE[:1], 2))
    shares = found.parts["diabetes"] / mesa_model().coefficient("diabetes")
    assert shares[0] > shares[1] > 0


def test_the_fitted_numbers_are_plain_and_of_the_size_of_their_sources():
    model = joint()
    at_60 = {name: 1 / (1 + np.exp(-row[0])) for name, row in zip(FLAGS, model.flags, strict=True)}
    assert 0.08 < at_60["smoker"] < 0.15
    assert 0.40 < at_60["family_history_mi"] < 0.43
    # MESA: 195.6 ± 34.4, HDL 51.2 ± 15.0, pressure 125.7 ± 21.3.
    sd = np.sqrt(np.diag(model.covariance))
    assert sd[MEASURED.index("total_cholesterol_mg_dl")] == pytest.approx(34, abs=2)
    assert sd[MEASURED.index(LN_CALCIUM)] == pytest.approx(1.7, abs=0.2)
    assert model.flags[FLAGS.index(CALCIUM), 1] > 0.5  # with each decade


# P(CAC > 0), per cent, of MESA's own web tool, as an independent package prints it.
@pytest.mark.parametrize(
    ("sex", "race", "shares"),
    [
        ("M", "white", (41, 68, 83)),
        ("M", "black", (28, 46, 66)),
        ("F", "white", (16, 36, 59)),
        ("F", "black", (15, 28, 49)),
    ],
)
def test_share_with_calcium_agrees_with_mesas_own_table(sex, race, shares):
    for age, share in zip((50.0, 60.0, 70.0), shares, strict=True):
        assert share_with_calcium(age, sex, race) == pytest.approx(share / 100, abs=0.085)


def test_points_are_standard_normal_and_uncorrelated():
    uniform, normal = points()
    assert normal.shape == (4, DRAWS)
    np.testing.assert_allclose(normal @ normal.T / DRAWS, np.eye(4), atol=1e-12)
    assert ((uniform > 0) & (uniform < 1)).all()
    assert np.abs(np.sort(uniform) - (np.arange(DRAWS) + 0.5) / DRAWS).max() < 0.05


# Both doors


def test_both_doors_give_the_same_and_say_what_was_drawn():
    person = {n: v for n, v in PERSON.items() if n != "refused"}
    person |= {"hdl_cholesterol_mg_dl": None, "smoker": None, "race": None}
    by_file = apply_equations(people(person)).table.to_pylist()[0]
    by_sweep = estimate(table(person)).to_pylist()[0]
    for end in ("", "_low", "_high"):
        assert by_file[f"model_risk{end}"] == by_sweep[f"model_risk{end}"] is not None
    assert by_file["model_imputed"].split(", ") == by_sweep["imputed"]
    assert by_sweep["imputed"] == ["hdl_cholesterol_mg_dl", "smoker"]
    assert by_sweep["mesa_chd_10y_cac"] is None
    total = sum(item["adds"] for item in by_sweep["contributions"])
    assert -np.expm1(-np.exp(total)) == pytest.approx(by_sweep["model_risk"])
    assert "race not used: averaged over white 0.38" in by_sweep["model"]


def test_the_sweep_tells_old_values_bounds_and_the_scans_own_interval():
    plain = one(agatston=300.0)
    narrow = one(agatston=300.0, agatston_low=290.0, agatston_high=310.0)
    assert narrow["model_risk"] == plain["model_risk"]
    assert plain["model_risk_low"] < narrow["model_risk_low"] < narrow["model_risk_high"]
    cut = one(agatston=None, agatston_at_least=512.34)
    assert cut["imputed"] == ["agatston (drawn from 512.3 on)"]
    metal = one(agatston=512.34, agatston_low=480.0)
    assert metal["imputed"] == cut["imputed"]
    assert metal["model_risk"] == cut["model_risk"]
    assert cut["model_risk"] > one(agatston=512.34)["model_risk"]
    for days, is_stale in ((730, False), (731, True)):
        row = one(total_cholesterol_mg_dl_age_days=days)
        assert (row["stale"] == ["total_cholesterol_mg_dl"]) is is_stale
    none = one(age_years=90.0)
    assert (none["model_risk"], none["contributions"]) == (None, [])


@pytest.mark.parametrize("is_input", [False, True])
def test_recorded_race_moves_the_risk_of_the_flag_only_where_it_is_an_input(is_input):
    """The flag looks at `model_risk`; MESA's own column has race as published."""
    rows = [
        estimate(table({**one_input(), "race": race}), RiskSettings(race=is_input)).to_pylist()[0]
        for race in ("white", "chinese", "other", None)
    ]
    assert len({row["model_risk"] for row in rows}) == (3 if is_input else 1)
    assert len({row["mesa_chd_10y_cac"] for row in rows}) == 3
    if is_input:
        assert rows[0]["model_risk"] == pytest.approx(rows[0]["mesa_chd_10y_cac"], rel=1e-12)
