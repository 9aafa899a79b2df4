"""The figures of agreement against published worked examples, and their laws."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from screening.report.agreement import (
    f1,
    icc_agreement,
    icc_f_interval,
    limits_of_agreement,
    mean_squares,
    sensitivity,
    specificity,
    weighted_kappa,
)
from screening.report.readings import (
    DESIGN,
    FOUR,
    THRESHOLDS,
    Readings,
    figures_of_sums,
    is_positive,
    sums_by_person,
)
from screening.report.validation import agree

# Shrout and Fleiss 1979, Table 2: six subjects, four judges.
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)
# Bland and Altman 1986, Table 1: first readings of two peak-flow meters, l/min.
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
# The 3 x 3 table of the PROC FREQ example that SAS prints as 0.4842 and, weighted, 0.4701.
SAS = [[0, 4, 1], [0, 8, 0], [0, 1, 5]]
# Raters 2 and 3 of the anxiety data of R's package irr: kappa2(anxiety[, 2:3], …) gives 0.146
# with equal and 0.252 with squared weights, over the five levels that occur.
ANXIETY = (
    [3, 6, 4, 6, 2, 4, 2, 4, 3, 3, 2, 3, 3, 3, 2, 2, 1, 3, 3, 4],
    [2, 1, 4, 4, 3, 2, 1, 6, 1, 1, 1, 2, 3, 3, 1, 1, 3, 3, 2, 2],
)


def test_shrout_and_fleiss_table_2():
    found = mean_squares(SHROUT_FLEISS)
    # Their Table 3: between targets 11.24, between judges 32.49, residual 1.02.
    assert (round(found.rows, 2), round(found.columns, 2), round(found.error, 2)) == (
        11.24,
        32.49,
        1.02,
    )
    assert round(icc_agreement(SHROUT_FLEISS), 2) == 0.29  # Table 4, ICC(2,1)


def test_the_interval_of_shrout_and_fleiss():
    # R's psych::ICC gives ICC2 0.29, 0.019 to 0.761 on these data.
    assert icc_f_interval(SHROUT_FLEISS) == pytest.approx((0.019, 0.761), abs=5e-4)


def test_a_reading_with_a_bias_agrees_less_than_it_correlates():
    """McGraw and Wong: ICC(A,1) counts a constant difference as disagreement."""
    x = np.arange(10.0)
    assert icc_agreement(np.stack([x, x + 5], axis=1)) < 0.5
    assert np.corrcoef(x, x + 5)[0, 1] == pytest.approx(1)


def test_bland_and_altman_table_1():
    limits = limits_of_agreement(np.array(WRIGHT, float) - np.array(MINI, float))
    assert (round(limits.bias, 1), round(limits.sd, 1)) == (-2.1, 38.8)
    # They round 1.96 to 2: -79.7 to 75.5 l/min.
    assert limits.bias - 2 * limits.sd == pytest.approx(-79.7, abs=0.06)
    assert limits.bias + 2 * limits.sd == pytest.approx(75.5, abs=0.1)  # -2.1 + 77.6
    assert limits.high - limits.bias == pytest.approx(1.96 * limits.sd)


def test_kappa_of_sas():
    cells = [(i, j) for i, row in enumerate(SAS) for j, n in enumerate(row) for _ in range(n)]
    x, y = (np.array(column) for column in zip(*cells, strict=True))
    assert round(weighted_kappa(x, y, 3, "linear"), 4) == 0.4701


@pytest.mark.parametrize(("weights", "value"), [("linear", 0.1459075), ("quadratic", 0.2520325)])
def test_kappa_of_irr(weights, value):
    levels = sorted({*ANXIETY[0], *ANXIETY[1]})
    x, y = (np.array([levels.index(v) for v in column]) for column in ANXIETY)
    assert weighted_kappa(x, y, len(levels), weights) == pytest.approx(value, abs=5e-8)


def test_detection_by_hand():
    reference = np.array([True, True, True, False, False])
    measured = np.array([True, True, False, True, False])
    assert sensitivity(reference, measured) == pytest.approx(2 / 3)
    assert specificity(reference, measured) == pytest.approx(1 / 2)
    assert f1(reference, measured) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("agatston", "design", "four"),
    [
        (0.0, 0, 0), (0.1, 1, 1), (99.99, 1, 1), (100.0, 2, 2), (299.99, 2, 2), (300.0, 3, 2),
        (399.99, 3, 2), (400.0, 3, 3), (999.99, 3, 3), (1000.0, 4, 3), (1e6, 4, 3),
    ],
)  # fmt: skip
def test_categories_are_half_open(agatston, design, four):
    scores = np.array([agatston])
    assert (DESIGN.of(scores)[0], FOUR.of(scores)[0]) == (design, four)


@pytest.mark.parametrize(
    ("agatston", "reached"),
    [
        (0.0, []), (0.1, ["gt0"]), (99.9, ["gt0"]), (100.0, ["gt0", "ge100"]),
        (300.0, ["gt0", "ge100", "ge300"]), (399.9, ["gt0", "ge100", "ge300"]),
        (400.0, ["gt0", "ge100", "ge300", "ge400"]),
    ],
)  # fmt: skip
def test_thresholds_on_both_sides(agatston, reached):
    assert [n for n in THRESHOLDS if is_positive(np.array([agatston]), n)[0]] == reached


@pytest.mark.parametrize("equal", [0.0, 250.0])
def test_what_is_not_defined_is_none_with_a_reason(equal):
    figures = agree(Readings.of([equal] * 3, [equal] * 3, ["a", "b", "c"]), 100, 1).figures
    assert figures["icc_agatston"].value is None
    assert figures["icc_agatston"].why == "all scores are equal"
    assert figures["kappa_design_linear"].value is None
    assert figures["kappa_design_linear"].why == "all scores are in one category"
    missing = "sensitivity_gt0" if equal == 0 else "specificity_gt0"
    assert figures[missing].value is None
    assert figures[missing].n_scans == 0
    assert figures["bias_agatston"].value == 0


def test_one_scan_has_no_spread():
    figures = agree(Readings.of([10.0], [20.0], ["a"]), 100, 1).figures
    assert figures["icc_agatston"].value is None
    assert figures["bias_agatston"].why == "fewer than two scans"


def test_no_log_limits_where_all_are_zero_in_both():
    figures = agree(Readings.of([0.0] * 4, [0.0] * 4, list("abcd")), 100, 1).figures
    assert figures["bias_log_some_calcium"].value is None
    assert figures["bias_log_some_calcium"].n_scans == 0


scores = st.one_of(st.just(0.0), st.floats(0.01, 5000.0))
pairs = st.lists(st.tuples(scores, scores, st.sampled_from("abcdefgh")), min_size=3, max_size=40)


@settings(max_examples=40, deadline=None)
@example([(0.0, 2147.0557738148445, "a")] * 3)
@given(pairs)
def test_figures_from_sums_are_the_figures_themselves(rows):
    """The bootstrap's fast way and the libraries' way are one."""
    readings = Readings.of(*(list(column) for column in zip(*rows, strict=True)))
    own = agree(readings, 100, 1).figures
    fast = figures_of_sums(sums_by_person(readings).sum(axis=0, keepdims=True))
    assert set(fast) == set(own)
    for name, figure in own.items():
        if figure.value is not None and np.isfinite(fast[name][0]):
            # A spread from sums of squares up to 5,000^2 is exact to some 1e-4 units, no better.
            assert fast[name][0] == pytest.approx(figure.value, rel=1e-6, abs=1e-3), name
        elif figure.value is not None:  # only rounding may separate "equal" from "nearly equal"
            assert np.ptp(readings.score("log")) < 1e-6, name


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(scores, st.sampled_from("abcdefgh")), min_size=3, max_size=40))
def test_perfect_agreement_is_one(rows):
    values, people = (list(column) for column in zip(*rows, strict=True))
    figures = agree(Readings.of(values, values, people), 100, 1).figures
    for name, figure in figures.items():
        if figure.value is None:
            assert figure.why
        elif name.startswith(("bias", "sd", "limit")):
            assert figure.value == 0
        else:
            assert figure.value == pytest.approx(1), name
    assert (figures["icc_log"].value is None) == (np.ptp(np.log1p(values)) == 0)
    assert (figures["kappa_design_linear"].value is None) == (
        len(set(DESIGN.of(np.array(values)))) == 1
    )


@settings(max_examples=20, deadline=None)
@given(pairs, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_names_of_people_change_nothing(rows, random):
    shuffled = [(x, y, f"another-{person}") for x, y, person in rows]
    random.shuffle(shuffled)
    one, other = (
        agree(Readings.of(*(list(c) for c in zip(*these, strict=True))), 100, 1)
        for these in (rows, shuffled)
    )
    assert one.confusion == other.confusion
    assert one.figures == other.figures
