"""Percentiles, against the published tables and between their points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.risk import percentile


@pytest.mark.parametrize(
    ("agatston", "age", "sex", "race", "text", "source"),
    [
        # the tables' own points
        (155.0, 60.0, "M", "white", "75", "MESA 2006"),
        (452.0, 60.0, "M", "white", "90", "MESA 2006"),
        (214.0, 80.0, "F", "black", "75", "MESA 2006"),
        (203.0, 70.0, "F", "hispanic", "90", "MESA 2006"),
        (103.0, 52.0, "M", None, "75", "Hoff 2001"),
        (103.0, 52.0, "M", "other", "75", "Hoff 2001"),
        (410.0, 67.0, "F", None, "90", "Hoff 2001"),
        # between two ages: (22 + 155) / 2
        (88.5, 55.0, "M", "white", "75", "MESA 2006"),
        # beyond MESA's middles, and Hoff's outermost held
        (154.0, 47.0, "M", "white", "90", "Hoff 2001"),
        (241.0, 84.9, "F", "black", "75", "Hoff 2001"),
        (241.0, 80.1, "F", "white", "75", "Hoff 2001"),
        (59.0, 40.0, "M", None, "90", "Hoff 2001"),
        (709.0, 77.0, "F", None, "90", "Hoff 2001"),
        (709.0, 84.9, "F", None, "90", "Hoff 2001"),
        (670.0, 74.5, "F", None, "90", "Hoff 2001"),  # (631 + 709) / 2
        # above, below and at zero
        (744.0, 60.0, "M", "white", "above 95", "MESA 2006"),
        (743.0, 60.0, "M", "white", "95", "MESA 2006"),
        (20.9, 70.0, "M", "white", "24", "MESA 2006"),
        (35.9, 80.0, "M", "hispanic", "below 25", "MESA 2006"),
        (36.0, 80.0, "M", "hispanic", "25", "MESA 2006"),
        (21.0, 70.0, "M", "white", "25", "MESA 2006"),
        (0.0, 50.0, "F", "white", "a zero, as in 84 %", "MESA 2006"),
        (0.0, 75.0, "F", "white", "a zero, as in 27 %", "MESA 2006"),
        (0.0, 70.0, "M", "white", "a zero, as in 17 %", "MESA 2006"),
        (0.0, 50.0, "F", "hispanic", "a zero, as in at least 75 %", "MESA 2006"),
        (0.0, 80.0, "M", "hispanic", "below 25", "MESA 2006"),
        (1775.0, 72.0, "M", None, "above 90", "Hoff 2001"),
    ],
)
def test_published_points(agatston, age, sex, race, text, source):
    found = percentile(agatston, age, sex, race)
    assert found is not None
    assert (found.text, found.source) == (text, source)


@pytest.mark.parametrize(
    ("age", "sex", "race", "is_given"),
    [
        (39.9, "M", "white", False),
        (40.0, "M", "white", True),
        (50.0, "M", "white", True),
        (80.0, "F", "chinese", True),
        (84.9, "F", "chinese", True),
        (85.0, "F", "chinese", False),
        (39.9, "F", None, False),
        (40.0, "F", None, True),
        (84.9, "M", None, True),
        (85.0, "M", None, False),
        (60.0, "O", "white", False),
        (60.0, "", None, False),
    ],
)
def test_outside_the_tables_nothing_is_said(age, sex, race, is_given):
    assert (percentile(100.0, age, sex, race) is not None) is is_given


@pytest.mark.parametrize(
    ("age", "race", "text", "source"),
    [
        # Hoff's women of 40-44 have their 75th percentile at 1; at 45 it is 1.6, the 50th 0:
        # 50 + 25 ln 2 / ln 2.6 = 68.1; at 49 3.2: 62.1.
        (40.0, "white", "75", "Hoff 2001"),
        (42.0, "white", "75", "Hoff 2001"),
        (42.0, None, "75", "Hoff 2001"),
        (42.0, "black", "75", "Hoff 2001"),
        (45.0, "white", "68", "Hoff 2001"),
        (49.0, "white", "62", "Hoff 2001"),
        (49.0, None, "62", "Hoff 2001"),
        # At 50 84 % have none, the 90th percentile is 8: 84 + 6 ln 2 / ln 9 = 85.9; at 80 13 % and
        # the 25th 20: 13 + 12 ln 2 / ln 21 = 15.7.
        (50.0, "white", "85", "MESA 2006"),
        (80.0, "white", "15", "MESA 2006"),
    ],
)
def test_the_source_changes_where_mesas_ages_begin(age, race, text, source):
    found = percentile(1.0, age, "F", race)
    assert (found.text, found.source) == (text, source)


@pytest.mark.parametrize("race", ["white", "black", "hispanic", "chinese", "other", None])
@pytest.mark.parametrize("age", [40.0, 42.4, 45.0, 47.0, 49.9])
def test_below_50_a_known_race_closes_no_road(age, race):
    assert percentile(60.0, age, "F", race).text == "above 90"


def test_a_score_below_zero_has_no_place():
    assert percentile(-1.0, 60.0, "M", "white") is None


@pytest.mark.parametrize(
    ("age", "sex", "race", "zeros"),
    [
        (65.0, "F", "white", 53.0), (55.0, "F", "white", 74.0), (60.0, "F", "black", 72.0),
        (50.0, "M", "black", 72.0), (60.0, "M", "white", 32.0), (80.0, "M", "white", 4.0),
        (52.5, "F", "white", 79.0),  # the 75th percentile is a zero until 25 % have calcium
    ],
)  # fmt: skip
def test_any_calcium_ranks_above_every_zero(age, sex, race, zeros):
    least, more = (percentile(score, age, sex, race) for score in (1e-6, 1.0))
    assert least.value == pytest.approx(zeros, abs=1e-3)
    assert zeros < more.value < zeros + 12


def test_a_bracket_is_of_completed_years():
    """Hoff's 55-59 are people of 55, 56, 57, 58 and 59: on average 57 completed years."""
    assert percentile(23.0, 57.0, "F", None).value == pytest.approx(75.0)
    assert percentile(24.0, 57.0, "F", None).value > 75.0 > percentile(24.0, 58.0, "F", None).value


@pytest.mark.parametrize(
    ("agatston", "age", "sex", "race"),
    [
        (10.0, 53.0, "M", "white"),  # where half have none
        (10.0, 63.9, "M", "white"),  # a quarter
        (10.0, 75.7, "F", "white"),
        (10.0, 75.0, "M", "black"),
        (2.0, 70.4, "F", "black"),
    ],
)
def test_no_jump_where_a_tabulated_percentile_leaves_zero(agatston, age, sex, race):
    before, after = (percentile(agatston, age + step, sex, race).value for step in (-0.05, 0.05))
    assert 0 < before - after < 2


@given(
    st.floats(1.0, 3000), st.floats(40, 84.99), st.sampled_from("FM"),
    st.sampled_from(["white", "black", "hispanic", "chinese", None]),
)  # fmt: skip
def test_a_little_older_or_a_little_more_calcium_ranks_about_the_same(agatston, age, sex, race):
    one = percentile(agatston, age, sex, race)
    for other in (
        percentile(agatston, age + 0.01, sex, race),
        percentile(agatston * 1.01, age, sex, race),
    ):
        if other is None or one.source != other.source or None in (one.value, other.value):
            continue
        assert abs(one.value - other.value) < 1


@given(st.floats(0.1, 300), st.integers(40, 84), st.sampled_from("FM"), st.booleans())
def test_what_is_printed_and_the_threshold_never_contradict(agatston, age, sex, is_white):
    found = percentile(agatston, float(age), sex, "white" if is_white else None)
    if found.value is not None:
        assert (int(found.text) >= 75) == (found.value >= 75)


@given(
    st.floats(0.1, 3000), st.floats(1.0, 500), st.floats(40, 84.99), st.sampled_from("FM"),
    st.sampled_from(["white", "black", "hispanic", "chinese", None]),
)  # fmt: skip
def test_more_calcium_never_ranks_lower(agatston, more, age, sex, race):
    def rank(score):
        found = percentile(score, age, sex, race)
        assert found is not None
        if found.value is not None:
            return found.value
        return 0.0 if "below" in found.text else 100.0

    assert rank(agatston + more) >= rank(agatston) or np.isclose(
        rank(agatston + more), rank(agatston)
    )
