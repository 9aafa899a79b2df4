"""How good a list was: twelve people by hand, a queue by hand, and laws."""

from dataclasses import asdict, replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from list_case import judge, many, person, tables_of
from scipy.stats import binomtest

from screening.errors import ScreeningError
from screening.fates import draw_fates
from screening.fitted import Told
from screening.listed import GROUPS, TIERS
from screening.report.list_page import render_html
from screening.report.list_words import truly
from screening.risk.list_figures import judge_cohort, to_review, wilson
from screening.risk.list_people import listed_of
from screening.risk.survival import aalen_johansen
from screening.risk.workload import work

# cac_1000: an event at 2, one lost at 5, one followed for 12.
#   At 2 three are at risk: 1/3. Expected events 3 × 1/3 = 1; whoever is left stands for the lost.
# cac_300: a death at 3 (of four), one lost at 4, an event at 6 (of two), one followed for 11.
#   Free of both before 6: 3/4. Risk 3/4 × 1/2 = 3/8, expected 4 × 3/8 = 1.5.
# below: an event at 1 of four, the others followed: 1/4, expected 1.
# cannot say: one, followed, no event.
TWELVE = (
    person("a", "cac_1000", "event", 2, score=1500, reference=1200),
    person("b", "cac_1000", "none", 5, score=1200, reference=900),
    person("c", "cac_1000", "none", 12, score=1100, reference=290, sex="F"),
    person("d", "cac_300", "death", 3, score=700, reference=310),
    person("e", "cac_300", "event", 6, score=600, reference=150, sex="F"),
    person("f", "cac_300", "none", 4, score=500),
    person("g", "cac_300", "none", 11, score=400, reference=80),
    person("h", "below_threshold", "event", 1, score=40, reference=120, sex="F"),
    person("i", "below_threshold", "none", 10.5, score=30, reference=0),
    person("j", "below_threshold", "none", 11, reference=0),
    person("k", "below_threshold", "none", 12, reference=5),
    person("l", "cannot_say:no_score", "none", 12),
)
N, T = len(GROUPS), len(TIERS)


def judged(people, years=10.0, groups=()):
    swept, outcomes, text = tables_of(list(people), groups)
    return judge_cohort(listed_of(swept, outcomes, text, groups), years)


def figure(found, block, group):
    return float(found.whole[block * N + GROUPS.index(group)])


def test_twelve_people_by_hand():
    found = judged(TWELVE)
    assert figure(found, 0, "cac_1000") == pytest.approx(1 / 3.5)
    assert figure(found, 0, "cac_300") == pytest.approx(1.5 / 3.5)
    assert figure(found, 0, "below_threshold") == pytest.approx(1 / 3.5)
    assert figure(found, 0, "cannot_say") == 0
    assert figure(found, 1, "cac_1000") == pytest.approx(1 / 3)
    assert figure(found, 1, "cac_300") == pytest.approx(3 / 8)
    assert figure(found, 1, "below_threshold") == pytest.approx(1 / 4)
    # Tiers so far, and the whole list: 2.5 of 3.5 events, seven people.
    assert figure(found, 2, "cac_1000") == pytest.approx(1 / 3.5)
    assert figure(found, 2, "age_over_84") == pytest.approx(2.5 / 3.5)
    assert figure(found, 3, "age_over_84") == pytest.approx(2.5 / 7)


def test_groups_of_people_by_hand():
    # Events by weight: a 1 (M); e 1.5 and h 1 (F), of which e is on the list.
    found = judged(TWELVE)
    levels = len(found.names)
    women, men = found.names.index(("sex", "F")), found.names.index(("sex", "M"))
    of = found.whole[4 * N :].reshape(4, levels)
    assert of[0, women] == pytest.approx(1.5 / 2.5)
    assert of[0, men] == pytest.approx(1)
    assert of[1, women] == pytest.approx(1.5 / 2.5 - 1)
    assert of[1, men] == pytest.approx(1 - 1.5 / 2.5)
    assert of[2, women] == pytest.approx(1.5 / 2)
    assert of[2, men] == pytest.approx(1 / 5)


def test_twelve_people_are_too_few_for_shares_but_not_for_counts():
    report = judge(list(TWELVE)).report
    by = {f.group: f for f in report.found}
    assert (by["cac_300"].n, by["cac_300"].n_events, by["cac_300"].n_deaths,
            by["cac_300"].n_lost) == (4, 1, 1, 1)  # fmt: skip
    assert by["cac_300"].expected_events == pytest.approx(1.5)
    assert sum(f.expected_events for f in report.found) == pytest.approx(3.5)
    assert report.sensitivity == report.to_review == by["cac_300"].predictive == Told(None)
    assert all(g.sensitivity == g.ratio == Told(None) for g in report.groups)
    assert all(g.flag_rate.low is None for g in report.groups)
    assert all(p.share == Told(None) for p in (*report.workload.curve, *report.workload.asked))
    assert set(report.workload.gain.values()) == {()}
    assert report.too_short == ()


def test_against_true_scores_by_hand():
    report = judge(list(TWELVE)).report
    by = {t.group: t for t in report.truth}
    assert (by["cac_1000"].n, by["cac_1000"].n_100, by["cac_1000"].n_300) == (3, 3, 2)
    assert by["cac_1000"].to_review_300.value == pytest.approx(3 / 2)
    assert (by["all on the list"].n, by["all on the list"].n_100) == (6, 5)
    assert by["below_threshold"].n_100 == 1
    assert report.truth_sensitivity_100.value == pytest.approx(5 / 6)
    assert report.truth_sensitivity_300.value == 1
    assert report.n_without_reference == 1  # f; l has no score
    assert (report.reference_rows, report.reference_left_out) == (10, {})
    off = person("m", "formally_scored", "none", 12, score=900, reference=800)
    report = judge([*TWELVE, off]).report
    assert report.reference_rows == sum(t.n for t in report.truth if t.group not in TIERS) + 1
    assert report.reference_left_out == {"the policy keeps the person off the list": 1}


def test_who_is_scored_and_cannot_be_told_is_missed():
    unsure = person("m", "cannot_say:ambiguous_record", "none", 12, score=255, reference=249)
    report = judge([*TWELVE, unsure]).report
    by = {t.group: t for t in report.truth}
    assert (by["cannot_say"].n, by["cannot_say"].n_100) == (1, 1)
    assert report.truth_sensitivity_100.value == pytest.approx(5 / 7)


def test_a_reference_without_high_scores_judges_no_share():
    report = judge([*TWELVE[:5], person("x", "below_threshold", "none", 12, score=9)]).report
    assert truly(report.truth_sensitivity_100, 100).endswith("are on the list")
    few = [
        TWELVE[0] | {"reference": None},
        person("x", "below_threshold", "none", 12, score=9, reference=5),
    ]
    low = judge(few).report
    assert truly(low.truth_sensitivity_100, 100) == (
        "no reference score of a person judged reaches 100 units"
    )


@pytest.mark.parametrize(("k", "n"), [(0, 30), (7, 30), (30, 30)])
def test_plain_shares_have_the_interval_of_wilson(k, n):
    told, z, p = wilson(k, n), 1.959963984540054, k / n
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert told.low == pytest.approx(max((middle - half) / (1 + z * z / n), 0), abs=1e-12)
    assert told.high == pytest.approx(min((middle + half) / (1 + z * z / n), 1), abs=1e-12)


def test_edges_of_twenty_people_and_ten_events():
    assert wilson(5, 19) == Told(5 / 19)
    assert wilson(5, 20).low == pytest.approx(binomtest(5, 20).proportion_ci(method="wilson").low)
    assert to_review(Told(0.25, 0.2, 0.5)) == Told(4, 2, 5)
    assert to_review(Told(0.0)) == to_review(Told(None)) == Told(None)

    def tier(n_events, n):
        people = [person(f"e{i}", "cac_100", "event", 1 + i) for i in range(n_events)]
        people += [person(f"n{i}", "cac_100", "none", 12) for i in range(n - n_events)]
        (found,) = judge(people, years=12).report.found
        return found.predictive

    assert tier(9, 40) == Told(None)
    assert tier(10, 40).low is not None
    assert tier(10, 19) == Told(10 / 19)
    assert tier(10, 20).low is not None


# The queue


def test_a_queue_by_hand():
    # Week 1: 0 and 1 wait, 0 is reviewed. Week 2: 1 and 2 wait, 1 is reviewed. 2 is not reached.
    order, week = np.array([0.0, 1.0, 2.0]), np.array([0, 0, 1])
    found = work(order, week, np.full(3, np.inf), 1)
    assert found.reviewed_on.tolist()[:2] == [1, 2]
    assert np.isnan(found.reviewed_on[2])
    assert (found.reviewed.tolist(), found.waiting.tolist()) == ([1, 1], [1, 1])
    # Person 1 has the event after a week and a half: gone before the second review.
    found = work(order, week, np.array([np.inf, 1.5, np.inf]), 1)
    assert found.reviewed_on[[0, 2]].tolist() == [1, 2]
    assert found.is_gone.tolist() == [False, True, False]
    # Who comes later and stands higher goes first.
    found = work(np.array([5.0, 6.0, 1.0]), week, np.full(3, np.inf), 1)
    assert found.reviewed_on[[0, 2]].tolist() == [1, 2]
    assert work(np.array([0.0, np.nan, 2.0]), week, np.full(3, np.inf), 1).reviewed.sum() == 2


def test_an_event_counts_as_reached_only_where_the_review_came_first():
    first = date(2020, 1, 1)
    people = [
        person("a", "cac_1000", "event", 5.0, on=first, score=2000),
        # Reviewed in its second week, after the event on day 10.
        person("b", "cac_300", "event", 10 / 365.25, on=first, score=500),
        person("c", "cac_300", "event", 20 / 365.25, on=first, score=400),
        person("d", "below_threshold", "none", 12, on=first + timedelta(days=15)),
    ]
    reached = {r.order: r for r in judge(people, per_week=1).report.workload.asked}
    # Week 1: a. Week 2 (day 14): b is gone, c is reviewed before day 20.
    assert reached["worklist"].events_reached == pytest.approx(2)
    assert (reached["worklist"].n_reviewed, reached["worklist"].n_gone) == (2, 1)
    people[2] = person("c", "cac_300", "event", 13 / 365.25, on=first, score=400)
    reached = {r.order: r for r in judge(people, per_week=1).report.workload.asked}
    assert reached["worklist"].events_reached == pytest.approx(1)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), capacity=st.integers(1, 6), more=st.integers(1, 6))
def test_more_capacity_reaches_everybody_whom_less_reaches_and_no_later(seed, capacity, more):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 80))
    order = np.where(rng.random(n) < 0.9, rng.permutation(n), np.nan)
    week, gone = rng.integers(0, 6, n), np.where(rng.random(n) < 0.3, rng.uniform(0, 9, n), np.inf)
    gone = np.maximum(gone, week + 0.1)
    less, greater = work(order, week, gone, capacity), work(order, week, gone, capacity + more)
    done = ~np.isnan(less.reviewed_on)
    assert (greater.reviewed_on[done] <= less.reviewed_on[done]).all()
    assert (less.reviewed <= capacity).all()
    # Everybody in the order is reviewed, gone or still waiting.
    waits = int(less.waiting[-1])
    assert done.sum() + less.is_gone.sum() + waits == np.count_nonzero(~np.isnan(order))


def test_the_curve_never_falls_with_capacity():
    workload = judge(many(300, 4), per_week=3).report.workload
    for name in {p.order for p in workload.curve}:
        line = [p.events_reached for p in workload.curve if p.order == name]
        assert line == sorted(line)
        assert len(line) > 3
    enough = judge(many(300, 4), per_week=workload.enough_per_week).report.workload
    assert enough.weeks[-1].n_waiting == 0
    assert (
        judge(many(300, 4), per_week=enough.enough_per_week - 1).report.workload.weeks[-1].n_waiting
    )


def test_a_queue_with_another_capacity_in_each_week():
    order, week = np.array([2.0, 1.0, 0.0, 3.0]), np.array([0, 0, 1, 2])
    found = work(order, week, np.full(4, np.inf), np.array([1, 0, 2]))
    assert (found.reviewed.tolist(), found.waiting.tolist()) == ([1, 0, 2], [1, 2, 1])
    np.testing.assert_array_equal(found.reviewed_on, [3, 1, 3, np.nan])


@pytest.mark.parametrize("per_week", [1, 3, 50])
def test_orders_are_compared_at_as_many_reviews_as_the_list_has(per_week):
    workload = judge(many(400, 4), per_week=per_week).report.workload
    asked, equal = ({r.order: r for r in found} for found in (workload.asked, workload.equal))
    assert equal["worklist"] == replace(
        asked["worklist"], per_week=max(w.n_reviewed for w in workload.weeks)
    )
    # Everybody of the list is open to the other orders, so that they never run short.
    n = equal["worklist"].n_reviewed
    for name in ("score alone", "10-year risk", "everybody at random"):
        assert equal[name].n_reviewed == n
        assert equal[name].events_reached <= asked[name].events_reached
    # At 50 a week all are reviewed, by any order: more events by more reviews alone.
    if per_week == 50:
        assert asked["everybody at random"].n_reviewed > 1.5 * n
        assert asked["everybody at random"].events_reached > equal["worklist"].events_reached
        assert equal["everybody at random"].events_reached < equal["worklist"].events_reached


def test_a_group_of_whom_nothing_could_be_said_has_no_interval_without_width():
    unsure = [
        person(
            f"u{i}", "cannot_say:no_score", *(("event", 5) if i < 12 else ("none", 12)), ward="X"
        )
        for i in range(40)
    ]
    report = judge([*many(400, 4), *unsure], groups=("ward",)).report
    (found,) = [g for g in report.groups if (g.variable, g.level) == ("ward", "X")]
    assert (found.n, found.n_cannot_say, found.n_flagged) == (40, 40, 0)
    n_events = found.n_events
    assert n_events >= 10
    ends = binomtest(0, n_events).proportion_ci(method="wilson")
    assert (found.sensitivity.value, found.sensitivity.low) == (0.0, 0.0)
    assert found.sensitivity.high == pytest.approx(ends.high)
    page = render_html(report)
    row = page[page.index("<th scope=row>ward: X") :].partition("</tr>")[0]
    assert "(0.0\u00a0to\u00a00.0)" not in row
    assert "of none of them could anything be said" in row
    rest = page[page.index("<th scope=row>ward: A") :].partition("</tr>")[0]
    assert "could anything be said" not in rest


# Sums


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), data=st.data())
def test_nobody_is_dropped_and_the_order_of_rows_says_nothing(seed, data):
    people = [
        *many(58, seed),
        person("sure", "cac_100", "event", 3, ward="A"),
        person("long", "cac_100", "none", 13, ward="B"),
    ]
    one = judge(people, per_week=2, groups=("ward",))
    other = judge(data.draw(st.permutations(people)), per_week=2, groups=("ward",))
    assert asdict(one.report) == asdict(other.report)
    assert one.people == other.people
    sums = one.report.sums
    assert sums.n_swept == 60
    assert sums.n_swept == sums.n_evaluated + sum(sums.kept_off.values()) + sum(
        sums.without_outcome.values()
    )
    assert sums.n_evaluated == sum(f.n for f in one.report.found)
    assert sums.n_rows == sums.n_with_outcome + sum(sums.rows_left_out.values())
    for variable in ("sex", "age", "race", "ward"):
        assert sums.n_evaluated == sum(g.n for g in one.report.groups if g.variable == variable)
    assert one.people.num_rows == 60
    assert sum(one.people["is_evaluated"].to_pylist()) == sums.n_evaluated
    # In each group of the report the expected events are those of Aalen-Johansen.
    listed = judged(people).cohort
    for found in one.report.found:
        mine = listed.group == GROUPS.index(found.group)
        risk = aalen_johansen(listed.years[mine], listed.state[mine], 10.0)
        assert found.expected_events == pytest.approx(found.n * risk, abs=1e-9)


def test_people_without_an_outcome_are_told_by_reason():
    people = [
        *TWELVE,
        person("m", "cac_100"),
        person("n", "known_ascvd", "event", 3, prevalent="1", but_for="cac_100"),
        person("o", "cac_100", "none", 0),
        person("p", "formally_scored", "event", 4, but_for="cac_300"),
        person("q", "cac_100", wish=True),
    ]
    report = judge(people, left_out={"a stranger": 2}).report
    assert report.sums.without_outcome == {
        "does not want to be part of research": 1,
        "had the disease before the scan": 1,
        "no row in the outcome table": 1,
        "no row that can be used; see the rows left out": 1,
    }
    assert report.sums.kept_off == report.sums.kept_off_events == {"formally_scored": 1}
    assert report.sums.n_rows == 15 + 2
    by = {y.tier: y for y in report.yields}
    assert (by["cac_100"].n_in_tier, by["cac_100"].n_known_disease, by["cac_100"].n_flagged) == (
        4, 1, 3,
    )  # fmt: skip
    assert by["cac_300"].n_formally_scored == 1
    hidden = [r for r in judge(people).people.to_pylist() if r["person_key"] == "q"]
    assert hidden[0]["flag"] == hidden[0]["reason"] == ""


def test_losing_more_of_one_tier_than_of_others_does_not_move_the_shares():
    rng = np.random.default_rng(8)
    n, horizon = 8000, 10.0
    on_list = rng.random(n) < 0.3
    years, words = draw_fates(
        np.where(on_list, 0.25, 0.06), np.full(n, 62.0), rng, np.full(n, 16.0)
    )
    # Everybody again, the list's people lost after 5 years on average, the others after 60.
    lost_at = rng.exponential(np.where(on_list, 5.0, 60.0))

    def found(is_lost):
        people = [
            person(f"p{i}", "cac_100" if on_list[i] else "below_threshold",
                   "none" if is_lost[i] else str(words[i]),
                   round(float(min(lost_at[i], years[i]) if is_lost[i] else years[i]), 5) + 1e-4)
            for i in range(n)
        ]  # fmt: skip
        return judged(people, horizon)

    lost, full = found(lost_at < years), found(np.zeros(n, dtype=bool))
    assert figure(lost, 0, "cac_100") == pytest.approx(figure(full, 0, "cac_100"), abs=0.03)
    assert figure(lost, 1, "cac_100") == pytest.approx(figure(full, 1, "cac_100"), abs=0.03)
    # Those seen alone would say something else.
    event, mine = lost.cohort.event, lost.cohort.group == GROUPS.index("cac_100")
    assert event[mine].sum() / event.sum() < figure(full, 0, "cac_100") - 0.06


@pytest.mark.parametrize(
    ("people", "says"),
    [
        ([person("a", "cac_100")], "nobody to evaluate: of 1 people swept"),
        ([person("a", "cac_100", "none", 12)], "no event within 10 years among the 1 people"),
        ([person("a", "cac_100", "event", 11), person("b", "cac_100", "none", 12)], "no event"),
        ([person("a", "cac_100", "event", 3)], "none of the 1 people evaluated was followed"),
    ],
)
def test_what_says_nothing_is_one_line(people, says):
    with pytest.raises(ScreeningError, match=says) as caught:
        judge(people)
    assert "\n" not in str(caught.value)


def test_a_tier_that_nobody_was_followed_in_to_the_horizon_is_told():
    people = [*TWELVE, person("z", "cac_100", "none", 9)]
    assert judge(people).report.too_short == ("cac_100",)


def test_a_group_that_is_not_there_is_refused():
    swept, outcomes, text = tables_of(list(TWELVE))
    from list_case import asked

    from screening.risk import judge_list

    with pytest.raises(ScreeningError, match="no column ward, which --group names"):
        judge_list(swept, outcomes, text, {}, replace(asked(), groups=("ward",)))
