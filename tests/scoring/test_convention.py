"""The published definition, as a table with a case on each side of each edge."""

import numpy as np
import pytest

from screening.errors import ScreeningError
from screening.records import Label, ScoringParameters
from screening.scoring import CATEGORIES, SCORING_VERSION, category, score, score_mask


@pytest.mark.parametrize(
    ("hu", "weight"),
    [(129, 0), (130, 1), (199, 1), (200, 2), (299, 2), (300, 3), (399, 3), (400, 4), (1199, 4)],
)
def test_weight_follows_the_peak(block, hu, weight):
    made = block(value=hu)  # 16 mm2, one slice of 3 mm
    assert score(made.volume, made.labelled).agatston == 16.0 * weight
    assert score_mask(made.volume, made.label_map).agatston == 16.0 * weight


def test_the_peak_is_of_the_lesion_in_its_own_slice(block):
    made = block(value=150, size=(2, 4, 4))
    made.volume.hu[2, 3, 3] = 400  # raises the whole lesion of slice 2, not that of slice 3
    result = score(made.volume, made.labelled)
    assert result.agatston == 16.0 * 4 + 16.0 * 1
    assert [(lesion.slices, lesion.max_hu) for lesion in result.lesions] == [((2, 3), 400)]


@pytest.mark.parametrize(
    ("size", "spacing_mm", "expected"),
    [
        ((1, 1, 1), (1.0, 1.0), 1.0),  # one pixel of exactly 1 mm2
        ((1, 1, 1), (0.999, 1.0), 0.0),
        ((1, 2, 2), (0.5, 0.5), 1.0),  # four pixels, exactly 1 mm2
        ((1, 1, 3), (0.5, 0.5), 0.0),
        ((1, 1, 1), (1.2, 1.2), 1.44),
        ((1, 2, 1), (0.7, 0.7), 0.0),  # 0.98 mm2: not rounded up to 1
        ((1, 3, 1), (0.7, 0.7), 1.47),
        ((1, 1, 10), (0.1, 1.0), 1.0),  # 0.1 has no exact binary form
    ],
)
def test_least_area(block, size, spacing_mm, expected):
    made = block(value=150, size=size, spacing_mm=spacing_mm)
    assert score(made.volume, made.labelled).agatston == pytest.approx(expected, abs=1e-12)


def test_the_least_area_holds_in_each_slice_not_in_space(block):
    made = block(value=150, size=(3, 1, 1), spacing_mm=(0.7, 0.7))
    result = score(made.volume, made.labelled)
    assert result.agatston == 0
    assert result.category == "0"
    # Volume and mass count every calcium voxel; the flag says that specks were seen.
    assert result.volume_mm3 == pytest.approx(3 * 0.49 * 3.0)
    assert result.lesions == ()
    assert "specks_only" in result.quality.flags


@pytest.mark.parametrize(("connectivity", "expected"), [(8, 2 * 0.64), (4, 0.0)])
def test_corners_touch(scan, connectivity, expected):
    hu, labels = np.full((1, 6, 6), 40), np.zeros((1, 6, 6))
    for row, column in ((2, 2), (3, 3)):
        hu[0, row, column], labels[0, row, column] = 150, Label.LAD
    made = scan(hu, labels, spacing_mm=(0.8, 0.8))
    parameters = ScoringParameters(connectivity=connectivity)
    assert score(made.volume, made.labelled, parameters).agatston == pytest.approx(expected)


def test_opposite_edges_of_the_matrix_do_not_touch(scan):
    hu, labels = np.full((2, 4, 4), 40), np.zeros((2, 4, 4))
    for at in ((0, 1, 3), (0, 2, 0), (0, 3, 2), (1, 0, 1)):
        hu[at], labels[at] = 150, Label.RCA
    made = scan(hu, labels, spacing_mm=(0.8, 0.8))
    result = score(made.volume, made.labelled)
    assert result.agatston == 0
    assert result.volume_mm3 == pytest.approx(4 * 0.64 * 3)


@pytest.mark.parametrize(
    ("increment_mm", "thickness_mm", "expected"),
    [(3.0, 3.0, 16.0), (1.5, 3.0, 8.0), (1.5, 1.5, 8.0), (3.0, 5.0, 16.0), (5.0, 5.0, 80.0 / 3)],
)
def test_the_increment_counts_not_the_thickness(block, increment_mm, thickness_mm, expected):
    made = block(value=150, increment_mm=increment_mm, slice_thickness_mm=thickness_mm)
    result = score(made.volume, made.labelled)
    assert result.agatston == pytest.approx(expected)
    assert result.volume_mm3 == pytest.approx(16.0 * increment_mm)


def test_each_slice_counts_its_own_increment(block):
    made = block(value=150, size=(2, 4, 4))
    made.volume.increments_mm[:] = [3.0, 3.0, 3.0, 1.5, 3.0]
    assert score(made.volume, made.labelled).agatston == 16.0 + 8.0


def test_a_lesion_across_two_arteries_is_one_lesion_for_area_and_peak(scan):
    hu, labels = np.full((1, 6, 6), 40), np.zeros((1, 6, 6))
    hu[0, 2, 1:4] = (150, 150, 320)
    labels[0, 2, 1:4] = (Label.LM, Label.LAD, Label.LAD)
    made = scan(hu, labels, spacing_mm=(0.6, 0.6))  # 1.08 mm2 together, less apart
    result = score(made.volume, made.labelled)
    assert result.agatston == pytest.approx(3 * 0.36 * 3)
    assert pytest.approx((1.08, 2.16)) == (result.vessels.LM, result.vessels.LAD)
    assert [lesion.label for lesion in result.lesions] == ["LAD", "LM"]


def test_calcium_beside_the_coronaries_does_not_join_them(scan):
    hu, labels = np.full((1, 8, 8), 40), np.zeros((1, 8, 8))
    hu[0, 2, 2:4], labels[0, 2, 2:4] = 150, Label.LM
    hu[0, 3, 2:6], labels[0, 3, 2:6] = 450, Label.AORTA
    hu[0, 6, 2:5], labels[0, 6, 2:5] = 250, Label.BONE
    made = scan(hu, labels)
    result = score(made.volume, made.labelled)
    assert result.agatston == result.vessels.LM == 2.0
    assert {name: value for name, value in result.other if value} == {"aorta": 16.0, "bone": 6.0}
    assert [name for name, _ in result.other] == [
        *("aorta", "aortic_valve", "mitral_annulus", "pericardium"),
        *("airway", "bone", "node", "metal"),
    ]


def test_a_lesion_says_where_it_is(block):
    made = block(value=250, label=Label.LCX, size=(2, 4, 2), spacing_mm=(0.5, 0.8))
    (lesion,) = score(made.volume, made.labelled).lesions
    assert (lesion.label, lesion.max_hu, lesion.slices) == ("LCX", 250, (2, 3))
    assert lesion.probability == pytest.approx(0.99)
    # columns 2-3 along x, rows 2-5 along y, slices 2-3 towards the feet
    assert lesion.centroid_lps_mm == pytest.approx((-50 + 2.5 * 0.8, -60 + 3.5 * 0.5, 100 - 7.5))
    assert lesion.volume_mm3 == pytest.approx(16 * 0.4 * 3)


def test_mass_by_the_default_factor(block):
    made = block(value=260)
    # 260 HU at 120 kVp stand for 200 mg/cm3; 48 mm3 hold 9.6 mg.
    assert score(made.volume, made.labelled).mass_mg == pytest.approx(9.6)
    at_80 = block(value=354, kvp=80.0)  # 177 HU at 80 kVp stand for 100 mg/cm3
    assert score(at_80.volume, at_80.labelled).mass_mg == pytest.approx(9.6)
    unknown = block(value=260, kvp=None)
    assert score(unknown.volume, unknown.labelled).mass_mg == pytest.approx(9.6)


@pytest.mark.parametrize(
    ("agatston", "name"),
    [
        (0.0, "0"),
        (1e-9, "(0,100)"),
        (99.999, "(0,100)"),
        (100.0, "[100,300)"),
        (299.999, "[100,300)"),
        (300.0, "[300,1000)"),
        (999.999, "[300,1000)"),
        (1000.0, "[1000,inf)"),
        (1e6, "[1000,inf)"),
    ],
)
def test_categories_are_half_open(agatston, name):
    assert category(agatston) == name
    assert name in CATEGORIES


@pytest.mark.parametrize("agatston", [-0.1, float("nan"), float("inf")])
def test_no_category_for_what_is_no_score(agatston):
    with pytest.raises(ScreeningError, match="Agatston"):
        category(agatston)


def test_the_mask_scores_what_is_drawn(block):
    made = block(value=250, size=(1, 4, 4))
    made.volume.hu[2, 2, 2] = 129  # inside the mask, below the threshold
    made.volume.hu[2, 10, 10] = 900  # bright, outside the mask
    mask = np.zeros(made.volume.hu.shape, dtype=np.uint16)
    mask[2, 2:6, 2:6], mask[2, 2:6, 5], mask[4, 0, 0] = 7, 300, 9
    result = score_mask(made.volume, mask)
    assert result.agatston == 15 * 2
    assert result.volume_mm3 == 15 * 3
    assert [(line.label, line.agatston) for line in result.labels] == [(7, 22), (9, 0), (300, 8)]
    assert result.mass_mg == pytest.approx(sum(line.mass_mg for line in result.labels))


def test_a_mask_of_another_grid_is_refused(block):
    made = block()
    with pytest.raises(ScreeningError, match="grid"):
        score_mask(made.volume, np.zeros((1, 2, 3), dtype=np.uint8))
    with pytest.raises(ScreeningError, match="whole numbers"):
        score_mask(made.volume, np.zeros(made.volume.hu.shape))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (ScoringParameters(connectivity=6), "connectivity"),
        (ScoringParameters(min_area_mm2=-1.0), "min_area_mm2"),
        (ScoringParameters(reference_increment_mm=0.0), "reference_increment_mm"),
        (ScoringParameters(weight_edges_hu=(300, 200, 400)), "ascend"),
        (ScoringParameters(threshold_hu=89), "90 or more"),
    ],
)
def test_parameters_that_make_no_sense(block, parameters, message):
    made = block()
    with pytest.raises(ScreeningError, match=message):
        score(made.volume, made.labelled, parameters)


def test_the_parameters_are_recorded_with_the_version_that_ran(block):
    made = block()
    parameters = ScoringParameters(threshold_hu=140, scoring_version=-1)
    recorded = score(made.volume, made.labelled, parameters).parameters
    assert (recorded.threshold_hu, recorded.scoring_version) == (140, SCORING_VERSION)
    assert ScoringParameters().scoring_version == SCORING_VERSION
