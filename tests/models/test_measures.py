"""Figures from judged scans, held to hand-counted ones."""

import dataclasses
import io

import numpy as np
import pytest
from judged_case import of
from PIL import Image

from models.train import report, worst
from models.train.measures import (
    at_specificity,
    by_stratum,
    intervals,
    lost,
    measures,
    wrongly_counted,
)
from models.train.shifted import shifted_case
from screening.errors import ScreeningError
from screening.inference import infer, open_model
from screening.records import CORONARY_LABELS


def test_figures_of_a_handful():
    outcomes = [of(0.0, 0.0), of(0.0, 12.0), of(50.0, 60.0), of(150.0, 0.0), of(500.0, 450.0)]
    found = measures(outcomes)
    assert found["scans"] == 5
    assert found["sensitivity >0"] == pytest.approx(2 / 3, abs=1e-3)
    assert found["specificity >0"] == 0.5
    assert found["sensitivity >=100"] == 0.5
    assert found["specificity >=100"] == 1.0
    assert found["sensitivity >=400"] == 1.0
    assert found["false Agatston there, median"] == 6.0


def test_lesions_and_vessels_are_pooled():
    outcomes = [
        of(10.0, 10.0, n_lesions=4, n_right=3, n_false=1, n_vessel_right=2),
        of(10.0, 10.0, n_lesions=2, n_right=1, n_false=0, n_vessel_right=1),
    ]
    found = measures(outcomes)
    assert found["lesion F1"] == pytest.approx(2 * 4 / (6 + 4 + 1), abs=1e-3)
    assert found["right vessel, of lesions found"] == 0.75


def test_a_refused_scan_is_counted_and_not_scored():
    found = measures([of(100.0, 100.0), of(0.0, 0.0), of(300.0, 0.0, is_rejected=True)])
    assert (found["scans"], found["refused"]) == (3, 1)
    assert found["sensitivity >0"] == 1.0


@pytest.mark.parametrize(("n", "has"), [(19, False), (20, True)])
def test_no_interval_below_twenty(n, has):
    rng = np.random.default_rng(0)
    outcomes = [of(float(t), float(t + 5)) for t in rng.uniform(0, 800, n - 3)]
    outcomes += [of(0.0, 0.0)] * 3
    outcomes = [dataclasses.replace(o, n_lesions=2, n_right=2, n_vessel_right=2) for o in outcomes]
    assert bool(intervals(outcomes)) is has


def test_an_interval_of_a_share_needs_twenty_of_its_own_kind():
    """Wilson's by hand: of 20 all right, 20 / (20 + z²) to 1; of 19 none."""
    twenty, more = [of(50.0, 40.0)] * 20, [of(0.0, 0.0)] * 18 + [of(0.0, 3.0)]
    found = intervals(twenty + more)
    assert found["sensitivity >0"] == (pytest.approx(20 / (20 + 1.96**2), abs=1e-3), 1.0)
    assert "specificity >0" not in found
    assert "sensitivity >=100" not in found
    assert found["specificity >=100"][1] == 1.0
    low, high = intervals([*more, of(0.0, 0.0)])["specificity >0"]
    assert 0.7 < low < 0.95 < high < 1.0


def test_what_every_draw_has_alike_has_no_interval():
    outcomes = [of(float(t), float(t), n_lesions=2, n_right=2, n_vessel_right=2)
                for t in range(30)]  # fmt: skip
    assert not {"lesion F1", "ICC", "right vessel, of lesions found"} & set(intervals(outcomes))


def test_strata_hold_every_scan_once():
    outcomes = [of(0.0, 0.0, thickness_mm=t) for t in (0.8, 1.99, 2.0, 3.0, 3.5, 5.0)]
    slices = by_stratum(outcomes)["slices"]
    assert {k: v["scans"] for k, v in slices.items()} == {
        "below 2 mm": 2, "2 to 3 mm": 2, "3 mm and more": 2,
    }  # fmt: skip


def test_what_is_not_known_makes_no_row():
    outcomes = [of(0.0, 0.0, noise_hu=float("nan")), of(50.0, 60.0, noise_hu=float("nan"))]
    assert list(by_stratum(outcomes)["noise"]) == ["nan"]
    assert "noise" not in report.page({"placed-left-out": outcomes}, [])


def test_what_was_counted_wrongly_and_what_was_lost_are_told_apart():
    one = of(9.0, 40.0, perfect=9.0, wrong=(("MITRAL_ANNULUS", "LCX", 40.0), ("LAD", "NONE", 9.0)))
    refused = of(9.0, 0.0, wrong=(("LAD", "NONE", 9.0),), is_rejected=True)
    assert wrongly_counted([one, one, refused]) == {"MITRAL_ANNULUS": (2, 80.0)}
    assert lost([one, one, refused]) == {"NONE": (2, 18.0)}
    figures = by_stratum([one, one, refused])["motion"]["none"]
    assert figures["Agatston units of perfect labels"] == 18
    assert figures["units lost"] == 18
    assert figures["units wrongly counted"] == 80


def test_a_scan_concerned_twice_is_one_scan():
    twice = (
        ("AORTA", "LM", 5.0),
        ("AORTA", "RCA", 6.0),
        ("LM", "AORTA", 1.0),
        ("LAD", "AORTA", 2.0),
    )
    assert wrongly_counted([of(0.0, 11.0, wrong=twice)]) == {"AORTA": (1, 11.0)}
    assert lost([of(3.0, 11.0, wrong=twice)]) == {"AORTA": (1, 3.0)}


def test_the_page_says_what_was_lost():
    outcomes = [of(50.0, 0.0, perfect=48.0, wrong=(("LAD", "PERICARDIUM", 48.0),))] * 2
    text = report.page({"shifted-default": outcomes}, [])
    assert "| called | default |\n|---|---|\n| pericardium | 96 (2) |" in text
    row = next(line for line in text.splitlines() if line.startswith("| kernel: soft |"))
    assert row.endswith("| 96 | 96 | 0 |")


def test_sensitivity_is_read_at_the_specificity_asked_for():
    """Of twenty without calcium two are found with 3 and 7 units: 0.95 needs one of them right."""
    true = np.array([0.0] * 20 + [5.0, 40.0, 2.0, 90.0])
    found = np.array([0.0] * 18 + [3.0, 7.0] + [3.0, 40.0, 9.0, 80.0])
    assert at_specificity(true, found) == (3.0, 0.75)
    assert at_specificity(true[19:], found[19:]) == (7.0, 0.75)
    assert at_specificity(true[:20], found[:20]) == (None, None)


def test_the_page_says_what_is_simulated():
    outcomes = [of(0.0, 0.0), of(120.0, 110.0, n_lesions=1, n_right=1, n_vessel_right=1)]
    real = [
        {"scan": "a", "model": "left-out", "agatston": 3.0,
         "lesions": [{"label": "LAD", "agatston": 3.0, "by_eye": "NODE?"}]},
        {"scan": "b", "model": "left-out", "refused": "not_chest"},
    ]  # fmt: skip
    text = report.page({"shifted-default": outcomes, "placed-left-out": outcomes}, real)
    assert "*real (n = 3)*" in text
    assert "| a | left-out | 3.0 | LAD 3.0 = NODE? |" in text
    assert "| b | left-out | not_chest | – |" in text
    assert "*simulated*" in text
    assert "real scans (n = 3)" in text
    assert "| scans | 2 |" in text


def test_outcomes_survive_being_kept(tmp_path):
    from models.train.evaluate import write_outcomes

    outcomes = [of(1.0, 2.0, wrong=(("NODE", "LAD", 3.0),))]
    write_outcomes(outcomes, tmp_path, "shifted-x")
    assert report.read_outcomes(tmp_path) == {"shifted-x": outcomes}


def test_the_worst_cases_come_first_and_only_simulated_ones_are_drawn():
    cases = [
        of(100.0, 90.0, perfect=95.0, name="shifted-1"),
        of(0.0, 40.0, name="shifted-2"),  # false calcium: the furthest
        of(500.0, 0.0, perfect=480.0, name="shifted-3", is_rejected=True),  # nothing to draw
        of(500.0, 100.0, perfect=480.0, name="shifted-4"),
    ]
    assert [o.name for o in worst.worst(cases, 2)] == ["shifted-2", "shifted-4"]
    told = worst.line(1, dataclasses.replace(cases[1], wrong=(("METAL", "LAD", 40.0),)))
    assert told.startswith("01 shifted-2: measured 40, perfect labels 0; 2 mm, soft")
    assert told.endswith("40 of METAL as LAD")
    with pytest.raises(ScreeningError, match="simulated chests only"):
        worst.worst([*cases, of(1.0, 1.0, name="chest-68M-1")], 2)


def test_the_truth_stands_below_what_was_measured():
    case = shifted_case(30_100_003)
    png = worst.picture(open_model("default"), case)
    page = Image.open(io.BytesIO(png))
    single = Image.open(io.BytesIO(png)).crop((0, 0, page.width, page.height // 2))
    assert page.height == 2 * single.height
    found = infer(open_model("default"), case.volume, threads=1)
    truth = worst.true_labels(case, found)
    coronary = [int(v) for v in CORONARY_LABELS]
    wanted = np.isin(case.labels, coronary) & (case.volume.hu >= 130)
    index = truth.index[np.isin(truth.label, coronary)]
    index = index[case.volume.hu.ravel()[index] >= 130]
    np.testing.assert_array_equal(index, np.flatnonzero(wanted))
