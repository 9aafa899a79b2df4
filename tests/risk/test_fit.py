"""Fitting to a site's outcomes: what is planted is found, and too little is called too little."""

import json
import re
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from outcome_case import site_table
from risk_input_case import table
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from screening.config import RiskSettings
from screening.errors import ScreeningError
from screening.report.fit_page import render_card, render_html, render_json
from screening.risk import (
    apply_equations,
    estimate,
    extras_of,
    fit_site,
    use_for_flag,
    use_of,
)
from screening.risk.linear_model import mesa_model, read_model
from screening.risk.outcomes import CONTRADICTING, SAME_AGAIN, held_out, outcomes_of
from screening.risk.survival import (
    aalen_johansen,
    calibration_line,
    censoring_weights,
    has_event,
    net_benefit,
    weighted_auc,
)

TODAY = date(2026, 1, 1)


def fit(text, typed, *, columns=(), years=10.0, groups=("ward",)):
    settings = RiskSettings(columns=columns)
    return fit_site(
        text, typed, settings, years, "site", "CHD", groups, today=TODAY, rows_left_out={"cut": 2}
    )


def with_column(table, name, change):
    values = change(table.column(name).to_pylist())
    return table.set_column(table.column_names.index(name), name, pa.array(values))


@pytest.fixture(scope="module")
def large():
    """Hazards half as high again, of ward B twice that, and a marker that MESA does not know."""
    text, typed = site_table(5000, 5, factor=1.5, ward_factor=2.0, extra=0.5)
    return text, typed, *fit(text, typed, columns=("marker",))


@pytest.fixture(scope="module")
def small():
    text, typed = site_table(700, 6, factor=2.0)
    return fit(text, typed)


# Figures

I = np.arange(97)  # noqa: E741
YEARS = ((I * 37) % 97 + 1) / 8
STATE = np.where((I * I) % 7 == 2, 2, (I * I) % 3)


@pytest.mark.parametrize(
    ("horizon", "risk"),
    [(2.0, 0.0978260869565217), (5.0, 0.2233355978260869), (10.0, 0.4650730298913046)],
)
def test_observed_risk_is_that_of_lifelines(horizon, risk):
    # lifelines 0.30.3, AalenJohansenFitter(jitter_level=0), computed elsewhere.
    assert aalen_johansen(YEARS, STATE, horizon) == pytest.approx(risk, rel=1e-12)


def test_without_death_and_censoring_it_is_a_share():
    state = np.ones(97, dtype=int)
    assert aalen_johansen(YEARS, state, 5.0) == pytest.approx(np.mean(YEARS <= 5.0))
    np.testing.assert_allclose(censoring_weights(YEARS, state, 5.0), 1.0)


def test_weighted_events_are_the_observed_risk():
    # An identity of the two estimates, ties between times included.
    for years in (YEARS, np.ceil(YEARS)):
        weights = censoring_weights(years, STATE, 8.5)
        weighted = np.sum(weights * has_event(years, STATE, 8.5)) / len(years)
        assert weighted == pytest.approx(aalen_johansen(years, STATE, 8.5), rel=1e-9)


def test_auc_and_calibration_line_are_those_of_scikit_learn():
    rng = np.random.default_rng(1)
    risk = np.round(rng.uniform(0.02, 0.6, 400), 2)
    event, weights = (rng.random(400) < risk) * 1.0, rng.uniform(0, 2, 400)
    auc = roc_auc_score(event, risk, sample_weight=weights)
    assert weighted_auc(risk, event, weights) == pytest.approx(auc, rel=1e-12)
    odds = np.log(risk / (1 - risk))[:, None]
    line = LogisticRegression(C=np.inf, tol=1e-10).fit(odds, event, sample_weight=weights)
    found = calibration_line(risk, event, weights)
    assert found == pytest.approx((line.intercept_[0], line.coef_[0, 0]), abs=1e-4)
    assert np.isnan(weighted_auc(risk, np.zeros(400), weights))
    assert np.isnan(calibration_line(risk, np.zeros(400), weights)).all()


def test_a_line_through_what_is_apart_is_no_line():
    risk, event = np.linspace(0.05, 0.9, 40), (np.arange(40) >= 20) * 1.0
    assert np.isnan(calibration_line(risk, event, np.ones(40))).all()


def test_net_benefit_of_a_worked_example():
    # 100 people, 20 events; flagged 30 of whom 15 have it: 0.15 - 0.15 * (0.1 / 0.9).
    risk = np.r_[np.full(30, 0.5), np.full(70, 0.01)]
    event = np.r_[np.ones(15), np.zeros(15), np.ones(5), np.zeros(65)]
    assert net_benefit(risk, event, np.ones(100), 0.1) == pytest.approx(0.15 - 0.15 / 9)


# Who is in


def test_the_landmark_is_the_scan_and_one_scan_a_person():
    text, typed = site_table(12, 3)
    typed = with_column(typed, "sex", lambda v: ["F", "F", *v[2:]])
    text = with_column(text, "person_id", lambda v: ["same", "same", *v[2:]])
    text = with_column(text, "scan_date", lambda v: ["2012-05-02", "2012-05-01", *v[2:]])
    text = with_column(text, "prevalent", lambda v: [*v[:2], "1", "", *v[4:]])
    text = with_column(text, "followup_years", lambda v: [*v[:4], "0", "-1", "", *v[7:]])
    text = with_column(text, "outcome", lambda v: [*v[:7], "MI?", *v[8:]])
    found = outcomes_of(text, typed, TODAY)
    assert found.rows.tolist() == [1, 8, 9, 10, 11]
    assert found.left_out == {
        "disease before the scan": 1,
        "prevalent is not 0 or 1": 1,
        "event or end at the scan itself": 1,
        "followup_years cannot be read": 1,
        "followup_years is negative: it ended before the scan": 1,
        "outcome is not none, event or death": 1,
        "a later scan of the same person": 1,
    }


def same_person(n, *days, **columns):
    """Rows of site_table of which the first are one person's, alike but for what is given."""
    text, typed = site_table(n, 3)
    k = len(days)
    typed = typed.take(pa.array([0] * k + list(range(k, n))))
    given = {"person_id": ["a"] * k, "scan_date": list(days), "outcome": ["none"] * k}
    given |= {"followup_years": ["5"] * k, **columns}
    for name, values in given.items():
        text = with_column(text, name, lambda v, values=values: [*values, *v[k:]])
    return text, typed


SAME_DAY = ("2010-01-01", "2010-01-01")


@pytest.mark.parametrize(
    ("columns", "says", "n"),
    [
        ({"outcome": ["none", "event"]}, CONTRADICTING, 2),
        ({"followup_years": ["5", "6"]}, CONTRADICTING, 2),
        ({"prevalent": ["0", "1"]}, CONTRADICTING, 2),
        ({"followup_years": ["5", "5.0"]}, SAME_AGAIN, 1),
    ],
)
def test_two_rows_of_one_scan_contradict_each_other_or_are_one(columns, says, n):
    text, typed = same_person(5, *SAME_DAY, **columns)
    found = outcomes_of(text, typed, TODAY)
    assert found.left_out == {says: n}
    assert found.rows.tolist() == ([2, 3, 4] if n == 2 else [0, 2, 3, 4])


@pytest.mark.parametrize(
    ("days", "says"),
    [
        (SAME_DAY, CONTRADICTING),
        (("2010-01-01", "2011-01-01"), "rows of one person that name both sexes"),
    ],
)
def test_two_sexes_of_one_person_are_named_and_the_rest_goes_on(days, says):
    text, typed = same_person(5, *days)
    typed = with_column(typed, "sex", lambda v: ["F", "M", *v[2:]])
    found = outcomes_of(text, typed, TODAY)
    assert (found.left_out, found.rows.tolist()) == ({says: 2}, [2, 3, 4])
    unknown = with_column(typed, "sex", lambda v: ["F", None, *v[2:]])
    assert (outcomes_of(text, unknown, TODAY).left_out == {says: 2}) == (days == SAME_DAY)


@pytest.mark.parametrize(("second", "is_out"), [("2010-06-01", True), ("2009-12-31", False)])
def test_disease_at_an_earlier_scan_keeps_a_person_out(second, is_out):
    text, typed = same_person(5, "2010-01-01", second, prevalent=["1", "0"])
    found = outcomes_of(text, typed, TODAY)
    assert (1 in found.rows) is not is_out
    by_another = "disease before the scan, by another row of the person"
    assert found.left_out == {"disease before the scan": 1} | ({by_another: 1} if is_out else {})


@pytest.mark.parametrize(("years", "is_out"), [("0.99", True), ("1.01", False)])
def test_an_event_by_an_earlier_row_is_disease_before_the_scan(years, is_out):
    # The first row cannot stand for the person: of an age that no model is for.
    text, typed = same_person(
        5, "2010-01-01", "2011-01-01", outcome=["event", "none"], followup_years=[years, "5"]
    )
    typed = with_column(typed, "age_years", lambda v: [44.0, 45.0, *v[2:]])
    found = outcomes_of(text, typed, TODAY)
    assert (1 in found.rows) is not is_out


@pytest.mark.parametrize(
    ("day", "years", "says"),
    [
        ("1971-10-01", "9", None),
        ("1971-09-30", "9", "scan_date is before CT (October 1971) or in the future"),
        (str(TODAY), "0.4", None),
        (str(TODAY + timedelta(days=1)), "0.4",
         "scan_date is before CT (October 1971) or in the future"),
        (str(TODAY), "0.6", "followup_years ends in the future"),
        ("2010-01-01", "400", "followup_years ends in the future"),
        ("2090-01-01", "5", "scan_date is before CT (October 1971) or in the future"),
    ],
)  # fmt: skip
def test_nothing_is_seen_before_ct_or_after_today(day, years, says):
    text, typed = same_person(4, day, followup_years=[years])
    assert outcomes_of(text, typed, TODAY).left_out == ({says: 1} if says else {})


@pytest.mark.parametrize(("years", "is_out"), [("20", False), ("54.2", False), ("54.3", True)])
def test_a_simulated_outcome_may_lie_ahead_but_not_by_more_than_there_has_been_ct(years, is_out):
    text, typed = same_person(4, str(TODAY), followup_years=[years])
    text = text.append_column("simulated", pa.array(["1"] * 4))
    left_out = {"followup_years ends in the future": 1} if is_out else {}
    assert outcomes_of(text, typed, TODAY).left_out == left_out


def test_values_that_cannot_be_are_missing_and_counted():
    text, typed = site_table(400, 8, factor=3.0)
    typed = with_column(typed, "total_cholesterol_mg_dl", lambda v: [None] * 300 + v[300:])
    typed = with_column(typed, "agatston", lambda v: [-4.0] * 200 + v[200:])
    typed = typed.set_column(
        typed.column_names.index("refused"), "refused",
        pa.array([["total_cholesterol_mg_dl:unit_suspect"]] * 300 + [[]] * 100,
                 pa.list_(pa.string())),
    )  # fmt: skip
    _, report = fit(text, typed)
    assert report.values_unused == {
        "out_of_range agatston": 200, "unit_suspect total_cholesterol_mg_dl": 300,
    }  # fmt: skip
    assert (report.n_rows, report.left_out["cut"]) == (402, 2)
    for page in (render_html(report), render_card(report)):
        assert re.search(r"taken for missing\W+unit_suspect total_cholesterol_mg_dl\W.*300", page)
    # As if the cells were empty.
    empty = with_column(typed, "agatston", lambda v: [None] * 200 + v[200:])
    first, second = outcomes_of(text, typed, TODAY), outcomes_of(text, empty, TODAY)
    np.testing.assert_array_equal(first.people.agatston, second.people.agatston)


def test_a_first_scan_that_cannot_be_used_does_not_hide_the_second():
    text, typed = site_table(4, 3)
    text = with_column(text, "person_id", lambda v: ["a"] * 2 + v[2:])
    text = with_column(text, "scan_date", lambda v: ["2010-01-01", "2011-01-01", *v[2:]])
    text = with_column(text, "followup_years", lambda v: ["", *v[1:]])
    assert outcomes_of(text, typed, TODAY).rows.tolist() == [1, 2, 3]


def test_what_is_held_out_is_later_than_all_that_is_fitted_to():
    outcomes = outcomes_of(*site_table(400, 8), TODAY)
    late, first = held_out(outcomes, 0.25)
    assert outcomes.day[late].min() > outcomes.day[~late].max()
    assert 0.2 < late.mean() <= 0.25
    assert str(np.datetime64(int(outcomes.day[late].min()), "D")) == first


# Fitting


def test_recalibration_finds_a_planted_factor(small):
    model, report = small
    assert (report.step, report.n_events_fitted < 100) == ("recalibration", True)
    assert "below 100" in report.why_step
    assert "refitted" not in report.models
    # At twice the hazard log odds rise by about ln 2, and a 10 % risk becomes about 19 %.
    moved = float(model.recalibrated(np.array([0.1]))[0])
    assert 0.13 < moved < 0.27
    assert model.coefficients == mesa_model().coefficients


def test_with_events_enough_a_marker_is_learnt_and_the_later_people_judge(large):
    _, _, model, report = large
    assert report.step == "refit"
    (marker,) = model.extras
    assert marker.coefficient == pytest.approx(0.5, abs=0.15)
    assert model.coefficient("ln_agatston_plus_1") == pytest.approx(0.27, abs=0.1)
    models = report.models
    assert models["refitted"].auc.value > models["recalibrated"].auc.value
    assert models["MESA averaged"].ratio.low > 1.2
    assert models["refitted"].ratio.low < 1 < models["refitted"].ratio.high
    assert report.sites == 6


def test_a_planted_bias_is_seen_and_small_cells_say_so(large, small):
    by = {(f.variable, f.level): f.judged for f in large[3].fairness}
    assert by["ward", "B"].ratio.low > 1 > by["ward", "A"].ratio.high
    assert by["sex", "F"].ratio.low < 1 < by["sex", "F"].ratio.high
    few = [f.judged for f in small[1].fairness if f.judged.n_events < 10]
    assert few
    assert all(j.ratio.value is j.auc.value is j.observed.value is None for j in few)


def test_published_equations_stand_beside_on_the_same_people(large):
    beside = {b.column: b for b in large[3].beside}
    assert beside["mesa_chd_10y_cac"].ours.auc.value > beside["mesa_chd_10y_cac"].theirs.auc.value
    assert all(b.theirs.n == b.ours.n and b.theirs.n_events == b.ours.n_events
               for b in beside.values())  # fmt: skip
    assert "prevent_cvd_30y" not in beside


def test_at_another_horizon_what_is_of_ten_years_is_judged_by_its_ranking_alone():
    text, typed = site_table(2000, 5, factor=2.0)
    _, report = fit(text, typed, years=5.0)
    mesa, ours = report.models["MESA averaged"], report.models["recalibrated"]
    assert (mesa.years, ours.years) == (10, 5)
    assert (mesa.expected, mesa.ratio.value, mesa.brier, mesa.intercept.value) == (None,) * 4
    assert mesa.auc.value == pytest.approx(ours.auc.value, abs=1e-9)  # recalibration keeps ranks
    assert ours.ratio.value is not None
    assert ours.brier is not None
    assert set(report.tenths) == set(report.models) - {"MESA averaged"}
    assert "MESA averaged" not in report.curve.by
    beside = {b.column: b for b in report.beside}
    assert beside["mesa_chd_10y_cac"].theirs.auc.value > 0.5
    assert all(b.theirs.ratio.value is b.theirs.expected is b.theirs.brier is None
               for b in report.beside)  # fmt: skip
    assert all(b.ours.ratio.value is not None for b in report.beside)
    page = render_html(report)
    assert "only their ranking and spread can be judged" in page
    row = page[page.index("<th scope=row>MESA averaged") :].partition("</tr>")[0]
    cells = re.findall(r"<td>(.*?)</td>", row)
    assert cells[0] == "10"
    assert [cells[i] for i in (2, 3, 5, 6)] == [""] * 4
    assert "NaN" not in render_json(report)


def test_at_ten_years_nothing_is_left_empty(small):
    _, report = small
    assert report.models["MESA averaged"].ratio.value is not None
    assert set(report.tenths) == set(report.models)
    assert "only their ranking and spread can be judged" not in render_html(report)


def test_the_file_holds_numbers_alone_and_both_doors_can_use_it(large, tmp_path):
    text, typed, model, _ = large
    file = tmp_path / "model.json"
    file.write_text(model.model_dump_json())
    assert json.loads(file.read_text())["kind"] == "screening risk model 1"
    assert read_model(file) == model
    use = use_of(RiskSettings(model=str(file)))
    some = typed.slice(0, 50)
    found = apply_equations(some, use, extras_of(text.slice(0, 50), use)).table
    plain = apply_equations(some, use).table
    with_marker = found.column("model_risk").to_numpy()
    assert (with_marker != plain.column("model_risk").to_numpy()).all()
    assert "marker" not in set(",".join(found.column("model_imputed").to_pylist()).split(", "))
    assert set(plain.column("model_imputed").to_pylist()) == {"marker"}
    sums = model.intercept + sum(
        model.coefficient(n) * v for n, v in {
            **{n: some.column(n).to_numpy() for n in some.column_names if n in model.coefficients},
            "male": np.array(some.column("sex").to_pylist()) == "M",
            "ln_agatston_plus_1": np.log1p(some.column("agatston").to_numpy()),
        }.items()
    )  # fmt: skip
    marker = np.array(text.column("marker").to_pylist()[:50], dtype=float)
    sums = sums + model.extras[0].coefficient * marker
    np.testing.assert_allclose(with_marker, 1 / (1 + np.exp(-sums)), rtol=1e-9)


@pytest.mark.parametrize(
    "body", ["", "{}", '{"kind": "other"}', "\x80", '{"kind": "screening risk model 1", "x": 1}']
)
def test_another_file_is_refused_in_one_line(tmp_path, body):
    file = tmp_path / "model.json"
    file.write_bytes(body.encode("latin-1"))
    with pytest.raises(ScreeningError, match=r"not a model\.json of"):
        use_of(RiskSettings(model=str(file)))
    with pytest.raises(ScreeningError, match="check the path"):
        use_of(RiskSettings(model=str(tmp_path / "none.json")))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.drop_columns(["outcome"]), "no column outcome"),
        (lambda t: t.drop_columns(["ward"]), "no column ward, which --group names"),
        (lambda t: with_column(t, "outcome", lambda v: ["none"] * len(v)), "0 events within 10"),
        (lambda t: with_column(t, "scan_date", lambda v: ["2010-01-01"] * len(v)), "of one day"),
        (lambda t: with_column(t, "prevalent", lambda v: ["1"] * len(v)), "nobody is left"),
    ],
)
def test_what_cannot_be_fitted_to_is_one_line(change, says):
    text, typed = site_table(300, 4, factor=3.0)
    with pytest.raises(ScreeningError, match=says):
        fit(change(text), typed)


@pytest.mark.parametrize(("years", "is_taken"), [(5.0, False), (9.99, False), (10.0, True)])
def test_a_list_takes_a_model_of_ten_years_alone(tmp_path, years, is_taken):
    file = tmp_path / "model.json"
    model = mesa_model().model_copy(update={"name": "ours", "years": years})
    file.write_text(model.model_dump_json())
    chosen = RiskSettings(model=str(file))
    assert use_of(chosen).model.years == years
    if is_taken:
        assert use_for_flag(chosen).model.name == "ours"
        assert estimate(table({}), chosen)["model"][0].as_py().startswith("ours;")
        return
    for refuses in (use_for_flag, lambda s: estimate(table({}), s)):
        with pytest.raises(ScreeningError, match=r"its risk is of .* years, flags look at risks"):
            refuses(chosen)


def test_the_defaults_name_is_no_name_for_another(tmp_path):
    file = tmp_path / "model.json"
    file.write_text(mesa_model().model_dump_json())
    with pytest.raises(ScreeningError, match="that of the model that ships"):
        use_of(RiskSettings(model=str(file)))
    text, typed = site_table(30, 4)
    with pytest.raises(ScreeningError, match="that of the model that ships"):
        fit_site(
            text, typed, RiskSettings(), 10.0, "mesa_chd_10y_cac averaged", "x", (),
            today=TODAY, rows_left_out={},
        )  # fmt: skip


def test_a_horizon_nobody_reached_is_refused():
    text, typed = site_table(300, 4, factor=4.0, followed=(2.0, 4.0))
    with pytest.raises(ScreeningError, match="give a shorter --years"):
        fit(text, typed)
