"""Intervals: over people, the same every time, honest about small numbers."""

from math import isnan

import numpy as np
import pytest

from screening.report.readings import Readings, sums_by_person
from screening.report.resample import TOO_FEW, interval, resample
from screening.report.validation import agree

RNG = np.random.default_rng(5)


def noisy(n_people: int, scans_each: int = 1, seed: int = 5) -> Readings:
    rng = np.random.default_rng(seed)
    calcium = np.where(rng.random(n_people) < 0.3, 0.0, rng.lognormal(4.5, 1.5, n_people))
    reference = np.repeat(calcium, scans_each)
    error = np.repeat(rng.lognormal(0, 0.3, n_people), scans_each)  # the person's, not the scan's
    people = [f"p{i}" for i in range(n_people) for _ in range(scans_each)]
    return Readings.of(list(reference), list(reference * error), people)


@pytest.mark.parametrize(("n_people", "has_one"), [(19, False), (20, True)])
def test_no_interval_below_twenty_people(n_people, has_one):
    figure = agree(noisy(n_people), 200, 1).figures["icc_log"]
    assert (figure.low is not None) is has_one
    assert figure.why == ("" if has_one else TOO_FEW)
    assert TOO_FEW == "n < 20"


def test_twenty_scans_of_ten_people_are_ten():
    assert agree(noisy(10, scans_each=2), 200, 1).figures["icc_log"].why == TOO_FEW


def test_sensitivity_counts_the_people_who_can_be_found():
    readings = Readings.of(
        [0.0] * 30 + [50.0] * 19, [0.0] * 30 + [50.0] * 18 + [0.0], [str(i) for i in range(49)]
    )
    figures = agree(readings, 200, 1).figures
    assert figures["sensitivity_gt0"].why == TOO_FEW
    assert figures["sensitivity_gt0"].n_people == 19
    assert figures["specificity_gt0"].method == "exact"


def test_the_same_seed_gives_the_same_interval():
    one, same, other = (agree(noisy(40), 200, seed).figures for seed in (1, 1, 2))
    assert one == same
    assert one["icc_log"].low != other["icc_log"].low
    assert one["icc_log"].value == other["icc_log"].value


def test_a_second_scan_of_the_same_people_tells_nothing_new():
    """Resampling scans would shrink this interval by a third; resampling people leaves it."""
    once, twice = (agree(noisy(60, scans_each=n), 2000, 1).figures["bias_log"] for n in (1, 2))
    assert twice.value == pytest.approx(once.value)
    width = {f.n_scans: f.high - f.low for f in (once, twice)}
    assert width[120] == pytest.approx(width[60], rel=0.1)


def test_the_interval_of_a_mean_is_the_known_one():
    readings = noisy(200)
    figure = agree(readings, 4000, 1).figures["bias_log"]
    both = readings.score("log")
    standard_error = (both[:, 1] - both[:, 0]).std(ddof=1) / np.sqrt(200)
    assert figure.high - figure.low == pytest.approx(2 * 1.96 * standard_error, rel=0.06)


def test_a_share_of_one_has_the_exact_interval():
    found = interval(np.ones(100), 30, is_share=True, value=1.0)
    # Clopper and Pearson, 30 of 30: 0.025 ** (1 / 30).
    assert (found.low, found.high) == pytest.approx((0.025 ** (1 / 30), 1.0))
    assert found.method == "exact"
    assert interval(np.zeros(100), 30, is_share=True, value=0.0).high == pytest.approx(
        1 - 0.025 ** (1 / 30)
    )


def test_perfect_agreement_has_no_interval_and_says_why():
    readings = noisy(30)
    perfect = Readings.of(
        list(readings.reference), list(readings.reference), [str(i) for i in range(30)]
    )
    figure = agree(perfect, 200, 1).figures["icc_log"]
    assert (figure.value, figure.low) == (1.0, None)
    assert figure.why == "the same in every resample"


def test_a_figure_often_undefined_has_no_interval():
    draws = np.where(np.arange(100) < 6, np.nan, RNG.random(100))
    assert interval(draws, 30, False, 0.5).why == "undefined in too many resamples"
    assert interval(draws[1:], 30, False, 0.5).method == ""
    assert interval(np.append(draws, RNG.random(20)), 30, False, 0.5).method == "bootstrap"


def test_undefined_draws_are_nan_not_numbers():
    lonely = Readings.of([0.0] * 30 + [500.0], [0.0] * 30 + [500.0], [str(i) for i in range(31)])
    draws = resample(sums_by_person(lonely), 300, 1)["sensitivity_ge400"]
    assert any(isnan(value) for value in draws)
    assert {value for value in draws if not isnan(value)} == {1.0}
