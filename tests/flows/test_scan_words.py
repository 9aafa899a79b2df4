"""Where an artery's deposits lie is told whole."""

import pytest

from flows.scan_words import _slices


@pytest.mark.parametrize(
    ("spans", "told"),
    [
        ([], "–"),
        ([[56, 56]], "56"),
        ([[56, 68], [56, 56]], "56–68"),  # two begin in one slice
        ([[60, 62], [56, 61]], "56–62"),
        ([[56, 57], [58, 58]], "56–58"),
        ([[56, 57], [59, 60]], "56–57, 59–60"),
        ([[100, 101], [9, 9]], "9, 100–101"),
    ],
)
def test_the_slices_of_an_artery(spans, told):
    assert _slices([{"slices": span} for span in spans]) == told
