"""What header values mean, whichever library read them."""

import math

import pytest

from screening.header_values import (
    cardiac_sync,
    integer,
    number,
    numbers,
    positive,
    says_breathing,
    says_gated,
    text,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, ""), (" a\0", "a"), (["Br40d", "3"], "Br40d\\3"), (3, "3"), ([], "")],
)
def test_text(value, expected):
    assert text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("3", None),
        (math.nan, None),
        (math.inf, None),
        ([], None),
        ([2, 5], 2.0),
        (0, 0.0),
    ],
)
def test_number(value, expected):
    assert number(value) == expected


def test_positive_and_integer():
    assert (positive(0), positive(-1), positive(1e-9)) == (None, None, 1e-9)
    assert (integer(2.9), integer("2"), integer(None)) == (2, None, None)


@pytest.mark.parametrize("value", [None, "", 1.0, [1.0], [1.0, 2.0, 3.0], [1.0, math.nan]])
def test_not_two_numbers(value):
    assert numbers(value, 2) is None


def test_two_numbers():
    assert numbers([1, 2.5], 2) == (1.0, 2.5)


@pytest.mark.parametrize(
    ("elements", "is_gated"),
    [
        (("", "", ""), False),
        ((None, None, None), False),
        (("NONE", "", ""), False),
        (("no", "250", "ECG"), False),  # the technique speaks first
        (("PROSPECTIVE", "", ""), True),
        (("", "250", ""), True),
        (("", 250.0, ""), True),
        (("", 0.0, ""), False),
        (("", "0", ""), False),
        (("", "0.0", "NONE"), False),
        (("", "x", "off"), False),
        (("", "", "NON-GATED"), False),
        (("", "0", "ECG"), True),
        (("", "", "MANUAL"), False),
        (("", "", "START DELAY"), False),
        (("", "", "UNKNOWN"), False),
        (("", "", ["None", "None"]), False),
        (("NON_GATED", "250", "ECG"), False),
        (("", "", "ECG"), True),
    ],
)
def test_gating_is_told_by_technique_or_trigger(elements, is_gated):
    assert says_gated(cardiac_sync(*elements)) is is_gated


@pytest.mark.parametrize(
    ("technique", "by_breath"),
    [
        ("", False), ("NONE", False), ("BREATH_HOLD", False), ("breath hold", False),
        ("UNKNOWN", False), ("RETROSPECTIVE", True), ("GATING", True), ("PHASE_SCANNING", True),
        ("TRACKING", True), ("REALTIME", True),
    ],
)  # fmt: skip
def test_a_held_breath_is_told_from_one_that_was_followed(technique, by_breath):
    assert says_breathing(technique) is by_breath
