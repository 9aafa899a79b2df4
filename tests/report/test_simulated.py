"""Validations of simulated people whose agreement is known: figures, intervals, subgroups."""

from html.parser import HTMLParser

import numpy as np
import pytest

from screening.report.readings import Readings, sums_by_person
from screening.report.resample import TOO_FEW, interval, resample
from screening.report.subgroups import Pair
from screening.report.validation import TOO_SMALL, agree, validate
from screening.report.validation_page import About, Model, render_html, render_json

SPREAD, ERROR, BIAS = 1.5, 0.4, 0.15  # of ln(A + 1)
# The variance between two raters who differ by a fixed b is b squared over 2.
TRUE_ICC = SPREAD**2 / (SPREAD**2 + ERROR**2 + BIAS**2 / 2)


def readings(n_people: int, seed: int) -> Readings:
    """Draw scores whose ln(A + 1) is normal: reference and measured differ by bias and error."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(6.0, SPREAD, n_people)
    noise = rng.normal(0.0, ERROR, (2, n_people))
    x, y = truth + noise[0], truth + noise[1] + BIAS
    scores = [np.maximum(np.expm1(v), 0.0).tolist() for v in (x, y)]
    return Readings.of(*scores, [f"p{i}" for i in range(n_people)])


def test_many_people_give_the_agreement_that_was_put_in():
    figures = agree(readings(4000, 1), 50, 1).figures
    assert figures["icc_log"].value == pytest.approx(TRUE_ICC, abs=0.005)
    assert figures["bias_log"].value == pytest.approx(BIAS, abs=0.02)
    sd = ERROR * np.sqrt(2)
    assert figures["sd_log"].value == pytest.approx(sd, rel=0.03)
    assert figures["limit_high_log"].value == pytest.approx(BIAS + 1.96 * sd, abs=0.04)


def test_a_known_share_that_is_missed_is_the_sensitivity():
    n = 500
    reference = [0.0] * n + [150.0] * n
    missed = [0.0 if i % 10 == 0 else 150.0 for i in range(n)]
    false = [5.0 if i % 20 == 0 else 0.0 for i in range(n)]
    people = [str(i) for i in range(2 * n)]
    figures = agree(Readings.of(reference, false + missed, people), 400, 1).figures
    assert figures["sensitivity_gt0"].value == pytest.approx(0.90)
    assert figures["specificity_gt0"].value == pytest.approx(0.95)
    assert figures["f1_gt0"].value == pytest.approx(2 * 450 / (2 * 450 + 50 + 25))
    found = figures["sensitivity_gt0"]
    half = 1.96 * np.sqrt(0.9 * 0.1 / n)
    assert (found.low, found.high) == pytest.approx((0.9 - half, 0.9 + half), abs=0.006)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """Of 200 validations of 60 people: 95 % intervals; a percentile bootstrap is a little short."""
    truth = {"bias_log": BIAS, "icc_log": TRUE_ICC, "sd_log": ERROR * np.sqrt(2)}
    held = dict.fromkeys(truth, 0)
    for seed in range(200):
        draws = resample(sums_by_person(readings(60, seed)), 300, seed)
        for name, value in truth.items():
            found = interval(draws[name], 60, is_share=False, value=value)
            held[name] += found.low <= value <= found.high
    assert 0.90 <= held["bias_log"] / 200 <= 0.99
    assert 0.88 <= held["icc_log"] / 200 <= 0.99
    assert 0.86 <= held["sd_log"] / 200 <= 0.99


def pairs(n_people: int = 64, n_rare: int = 9) -> list[Pair]:
    found = readings(n_people, 3)
    return [
        Pair(
            f"p{i}", float(x), float(y), sex="FM"[i % 2], age_years=40.0 + i % 40,
            manufacturer="TOSHIBA" if i < n_rare else "SIEMENS", kernel="Br40",
            reconstruction="deep_learning" if i < n_rare else "fbp", thickness_mm=3.0, grade="A",
        )
        for i, (x, y) in enumerate(zip(found.reference, found.measured, strict=True))
    ]  # fmt: skip


@pytest.mark.parametrize(("n_rare", "is_told"), [(9, False), (10, True)])
def test_a_small_subgroup_is_told_by_its_counts_alone(n_rare, is_told):
    assert TOO_SMALL == "n < 10"
    found = validate(pairs(n_rare=n_rare), 100)
    (canon,) = [s.agreement for s in found.subgroups if s.level == "Canon"]
    assert (canon.n_scans, canon.n_people) == (n_rare, n_rare)
    assert sum(map(sum, canon.confusion["design"])) == n_rare
    bias = canon.figures["bias_log"]
    assert (bias.value is not None) is is_told
    assert bias.why == (TOO_FEW if is_told else TOO_SMALL)
    assert bias.low is None
    assert all((f.value is None) or is_told for f in canon.figures.values())
    assert found.overall.figures["bias_log"].low is not None


def test_ten_scans_of_nine_people_are_nine():
    two = [*pairs(), pairs()[0]]
    (canon,) = [s.agreement for s in validate(two, 100).subgroups if s.level == "Canon"]
    assert (canon.n_scans, canon.n_people) == (10, 9)
    assert canon.figures["bias_log"].why == TOO_SMALL


class Seen(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(html)

    def handle_data(self, data):
        self.text += f"{data}|"


def test_the_page_of_many_people_has_intervals_and_words():
    model = Model("default", "a" * 64, 2, 64)
    about = About("1", "2026-11-01", "b" * 64, 66, (("left", (3, 4)),), (("not_chest", 2),), (),
                  0, (model,))  # fmt: skip
    found = validate(pairs(), 200)
    text = Seen(render_html(found, about)).text
    icc = found.overall.figures["icc_log"]
    assert f"{icc.value:.3f} ({icc.low:.3f} to {icc.high:.3f})" in text
    assert "– (n < 10)" in text
    assert "The series does not show a chest with a heart" in text
    for code in ("deep_learning", "not_chest", "[100,300)", ">=400", "gt0"):
        assert code not in text
    assert '"least_subgroup_people": 10' in render_json(found, about)
