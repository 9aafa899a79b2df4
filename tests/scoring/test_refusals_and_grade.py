"""What is refused, what is flagged, and the grade that follows."""

import re

import numpy as np
import pytest

from screening.errors import ScreeningError
from screening.lower_bound import (
    LOWER_BOUND_FLAGS,
    MAY_BE_MORE_FLAGS,
    MAY_BE_TOO_MUCH_FLAGS,
    NOTHING_KNOWN_FLAGS,
    SCORE_UNKNOWN_FLAGS,
    is_lower_bound,
    is_off_either_way,
    may_be_too_high,
)
from screening.reasons import REASONS, Reason, Room
from screening.records import BloodPool, CalciumScore, Label, Lesion, Rejection
from screening.resources import sql_folder
from screening.scoring import RULES, Flag, certainty, grade, grades, score
from screening.scoring import quality as quality_of
from screening.scoring.certainty import as_flagged


def blood(mean_hu, sd_hu=15.0):
    return BloodPool(mean_hu=mean_hu, sd_hu=sd_hu, n_voxels=1000)


pytestmark = pytest.mark.usefixtures("noise_known")


@pytest.mark.parametrize(
    ("mean_hu", "reason"),
    [
        (79.9, None),
        (80.0, Reason.CONTRAST_UNCERTAIN),
        (129.9, Reason.CONTRAST_UNCERTAIN),
        (130.0, Reason.CONTRAST_PIXELS),
        (350.0, Reason.CONTRAST_PIXELS),
    ],
)
def test_contrast_in_the_blood_is_refused(block, mean_hu, reason):
    made = block(blood_pool=blood(mean_hu))
    result = score(made.volume, made.labelled)
    if reason is None:
        assert isinstance(result, CalciumScore)
    else:
        assert result == Rejection(Room.SCORING, "s1", reason, f"blood pool {mean_hu:.0f} HU")
        assert REASONS[reason].room is Room.SCORING


def test_a_contrast_tag_decides_only_where_the_blood_cannot_be_seen(block):
    seen = block(has_contrast_tag=True)
    result = score(seen.volume, seen.labelled)
    assert (result.quality.grade, result.quality.flags) == ("B", ("contrast_tag",))
    unseen = block(has_contrast_tag=True, blood_pool=None)
    assert score(unseen.volume, unseen.labelled).reason is Reason.CONTRAST_UNCERTAIN


@pytest.mark.parametrize(("mean_hu", "is_refused"), [(64.9, False), (65.0, True)])
def test_a_contrast_tag_and_bright_blood_together_are_refused(block, mean_hu, is_refused):
    scan = block(has_contrast_tag=True, blood_pool=blood(mean_hu))
    result = score(scan.volume, scan.labelled)
    assert isinstance(result, Rejection) == is_refused
    if is_refused:
        assert result.reason is Reason.CONTRAST_UNCERTAIN
        assert result.detail == "contrast tag; blood pool 65 HU"


# Slices 0..6, 3 mm apart, one missing between slices 2 and 3.
HOLE = (100, 97, 94, 88, 85, 82, 79)


@pytest.mark.parametrize(
    ("heart", "is_refused"),
    [((4, 7), False), ((3, 7), True), ((1, 6), True), ((0, 3), True), ((0, 2), False)],
)
def test_a_hole_at_the_heart_is_refused(block, heart, is_refused):
    made = block(shape=(7, 16, 16), origins_z_mm=HOLE, heart_box=(*heart, 0, 16, 0, 16))
    result = score(made.volume, made.labelled)
    if is_refused:
        assert result.reason is Reason.MISSING_SLICE_IN_HEART
    else:
        assert (result.quality.grade, result.quality.flags) == ("B", ("missing_slice",))


def test_float_noise_and_unevenness_are_no_hole(block):
    uneven = (100, 97, 94 + 1e-9, 89.6, 86.6)  # 4.4 mm: under 1.5 x 3 mm
    made = block(origins_z_mm=uneven)
    assert "missing_slice" not in score(made.volume, made.labelled).quality.flags


@pytest.mark.parametrize(
    ("settings", "flag", "expected"),
    [
        ({}, None, "A"),
        ({"is_gated": True}, "gated", "A"),
        ({"is_heart_cut": True}, "heart_incomplete", "C"),
        ({"blood_pool": None}, "blood_pool_unknown", "C"),
        ({"blood_pool": blood(64.9)}, None, "A"),
        ({"blood_pool": blood(65.0)}, "blood_pool_bright", "B"),
        ({"blood_pool": blood(20.0)}, None, "A"),
        ({"blood_pool": blood(19.9)}, "blood_pool_dark", "B"),
        ({"blood_pool": blood(0.0)}, "blood_pool_dark", "B"),
        ({"blood_pool": blood(-0.1)}, "blood_pool_implausible", "C"),
        ({"blood_pool": blood(42, 25.0)}, None, "A"),
        ({"blood_pool": blood(42, 25.1)}, "noise_high", "B"),
        ({"blood_pool": blood(42, 40.0)}, "noise_high", "B"),
        ({"blood_pool": blood(42, 40.1)}, "noise_very_high", "C"),
        ({"increment_mm": 3.005}, None, "A"),
        ({"increment_mm": 3.1}, "increment_over_3mm", "B"),
        ({"slice_thickness_mm": None}, "thickness_unknown", "B"),
        ({"slice_thickness_mm": 3.005}, None, "A"),
        ({"slice_thickness_mm": 3.1}, "thickness_over_3mm", "B"),
        ({"slice_thickness_mm": 5.0}, "thickness_over_3mm", "B"),
        ({"slice_thickness_mm": 5.1}, "thickness_over_5mm", "C"),
        ({"increment_mm": 2.5, "slice_thickness_mm": 2.0}, None, "A"),
        ({"increment_mm": 2.52, "slice_thickness_mm": 2.0}, "gaps_between_slices", "C"),
        ({"flags": ("derived_image",)}, "derived_image", "C"),
        ({"flags": ("mixed_protocol",)}, "mixed_protocol", "C"),
        ({"flags": ("lossy_compression",)}, "lossy_compression", "C"),
        ({"kvp": 119.5}, None, "A"),
        ({"kvp": 110.0}, "kvp_not_120", "B"),
        ({"kvp": 100.0}, "kvp_not_120", "B"),
        ({"kvp": 140.0}, "kvp_not_120", "B"),
        ({"kvp": 90.0}, "kvp_far_from_120", "C"),
        ({"kvp": 150.0}, "kvp_far_from_120", "C"),
        ({"kvp": None}, "kvp_unknown", "B"),
        ({"reconstruction": "fbp"}, None, "A"),
        ({"reconstruction": "unknown"}, "reconstruction_unknown", "A"),
        ({"reconstruction": "iterative"}, "iterative", "A"),
        ({"reconstruction": "deep_learning"}, "deep_learning", "B"),
        ({"kernel": "B20f"}, None, "A"),
        ({"kernel": "B70f"}, "sharp_kernel", "C"),
        ({"kernel": ""}, "kernel_unknown", "B"),
        ({"flags": ("something_new",)}, "something_new", "C"),
    ],
)
def test_flags_and_their_grade(block, settings, flag, expected):
    made = block(**settings)
    found = score(made.volume, made.labelled).quality
    assert found.flags == (() if flag is None else (flag,))
    assert found.grade == expected


@pytest.mark.parametrize(
    ("increment_mm", "flag", "expected"),
    [(5.005, "increment_over_3mm", "B"), (5.1, "increment_over_5mm", "D")],
)
def test_slices_far_apart_and_as_thick(block, increment_mm, flag, expected):
    made = block(increment_mm=increment_mm, slice_thickness_mm=5.0)
    found = score(made.volume, made.labelled).quality
    assert found.flags == (flag, "thickness_over_3mm")
    assert found.grade == expected


def test_the_worst_flag_decides_and_noise_is_reported(block):
    made = block(is_heart_cut=True, kvp=100.0, is_gated=True, blood_pool=blood(42, 18.5))
    found = score(made.volume, made.labelled).quality
    assert found.flags == ("gated", "heart_incomplete", "kvp_not_120")
    assert (found.grade, found.noise_hu) == ("C", 18.5)
    assert grade(()) == "A"


def test_metal_near_the_heart(block):
    made = block(value=2500, label=Label.METAL)
    result = score(made.volume, made.labelled)
    assert (result.agatston, result.quality.flags) == (0, ("metal_near_heart",))


@pytest.mark.parametrize(
    ("n_pixels", "is_near"), [(40, False), (70, True), (100, True), (140, True)]
)
def test_a_score_at_the_edge_of_a_category_is_flagged(scan, n_pixels, is_near):
    hu, labels = np.full((1, 12, 12), 40), np.zeros((1, 12, 12))
    hu.reshape(-1)[:n_pixels], labels.reshape(-1)[:n_pixels] = 150, Label.LAD
    made = scan(hu, labels)
    result = score(made.volume, made.labelled)
    assert result.agatston == n_pixels
    assert ("near_category_edge" in result.quality.flags) is is_near


def test_the_published_table_is_the_table_in_force():
    published = dict(re.findall(r"^\| (\w+) *\| ([A-D]) ", grades.__doc__, flags=re.MULTILINE))
    assert published == {flag.value: best for flag, best in RULES.items()}
    assert set(RULES) == set(Flag)


def test_labels_of_another_volume_are_an_error(block):
    made, small = block(), block(shape=(3, 8, 8))
    with pytest.raises(ScreeningError, match="outside the volume"):
        score(small.volume, block(shape=(9, 16, 16), size=(7, 4, 4)).labelled)
    assert score(made.volume, made.labelled).agatston > 0


@pytest.mark.parametrize(
    ("volume_mm3", "probability", "is_flagged"),
    [(32.0, 0.59, True), (31.9, 0.59, False), (32.0, 0.6, False)],
)
def test_what_may_be_a_stent_is_flagged(block, volume_mm3, probability, is_flagged):
    at = (0.0, 0.0, 0.0)
    lesion = Lesion("LAD", probability, 100.0, volume_mm3, 799, at, (0, 1), 40.0, 250.0, 2.0)
    made = block()
    found = quality_of.judge(
        made.volume, made.labelled, 100.0, certainty(500.0, is_gated=True),
        has_calcium=True, lesions=(lesion,),
    )  # fmt: skip
    assert ("stent_possible" in found.flags) is is_flagged
    assert found.grade == ("C" if is_flagged else "A")


@pytest.mark.parametrize(
    ("flags", "low", "high"),
    [
        ((), True, True),
        (("motion", "kvp_not_120"), True, True),
        (("sharp_kernel",), False, False),
        (("heart_incomplete",), True, False),
        (("stent_present", "motion"), True, False),
        (("metal_near_heart",), True, False),
        (("stent_possible",), False, False),
        (("false_calcium_many", "heart_incomplete"), False, False),
    ],
)
def test_no_more_is_said_than_the_flags_allow(flags, low, high):
    told = as_flagged(certainty(500.0, is_gated=False), flags)
    assert (told.low is not None, told.high is not None) == (low, high)
    assert (told.category_probability is not None) is high


def test_a_cut_heart_has_no_upper_end(block):
    made = block(is_heart_cut=True)
    sure = score(made.volume, made.labelled).certainty
    assert sure.low is not None
    assert (sure.high, sure.category_probability) == (None, None)
    told = score(made.volume, made.labelled).intervals
    assert told.volume_mm3[0] is not None
    assert told.volume_mm3[1] is told.mass_mg[1] is told.mass_integrated_mg[1] is None
    assert "near_category_edge" not in score(made.volume, made.labelled).quality.flags


def test_under_every_flag_of_grade_c_or_d_something_is_taken_back():
    doubtful = {flag.value for flag, best in RULES.items() if best in "CD"}
    assert doubtful <= LOWER_BOUND_FLAGS | NOTHING_KNOWN_FLAGS


def test_flags_that_forbid_an_interval_are_flags():
    known = {flag.value for flag in Flag} | {"false_calcium_extreme"}
    assert known >= LOWER_BOUND_FLAGS | MAY_BE_TOO_MUCH_FLAGS
    sql = (sql_folder() / "core_person_score.sql").read_text()
    more, unknown, counted = (set(re.findall(r"'(\w+)'", part)) for part in re.findall(
        r"list_has_any\(\s*u.quality_flags,\s*\[(.*?)\]", sql, re.S
    ))  # fmt: skip
    assert (more, unknown) == (MAY_BE_MORE_FLAGS, SCORE_UNKNOWN_FLAGS)
    assert unknown | counted == MAY_BE_TOO_MUCH_FLAGS


@pytest.mark.parametrize(
    ("agatston", "flags", "is_bound", "is_either"),
    [
        (1566.0, ("stent_possible",), False, True),
        (1566.0, ("stent_possible", "stent_present"), False, True),
        (1566.0, ("heart_incomplete", "calcium_very_bright"), False, True),
        (1566.0, ("heart_incomplete", "gaps_between_slices"), False, True),
        (1566.0, ("clips_present", "false_calcium_many"), False, True),
        (1566.0, ("heart_incomplete", "motion"), True, False),
        (1566.0, ("heart_incomplete", "blood_pool_bright"), False, True),
        (1566.0, ("heart_incomplete", "contrast_tag"), False, True),
        (1566.0, ("heart_incomplete", "false_calcium_some"), False, True),
        (1566.0, ("heart_incomplete", "clips_present"), False, True),
        (1566.0, ("stent_present", "motion"), False, True),
        (1566.0, ("clips_present",), False, True),
        (1566.0, ("lead_present",), False, True),
        (1566.0, ("valve_prosthesis",), False, True),
        (1566.0, ("metal_near_heart",), False, True),
        (1566.0, ("blood_pool_bright",), False, False),
        (0.0, ("clips_present", "blood_pool_bright"), True, False),
        (1566.0, ("calcium_very_bright",), False, False),
        (1566.0, (), False, False),
        (0.0, ("stent_possible",), True, False),
        (0.0, ("gaps_between_slices",), True, False),
        (0.0, ("heart_incomplete", "sharp_kernel"), True, False),
        (0.0, ("noise_very_high",), False, False),
    ],
)
def test_at_least_is_told_only_where_nothing_can_be_too_much(agatston, flags, is_bound, is_either):
    assert is_lower_bound(agatston, flags) is is_bound
    assert is_off_either_way(agatston, flags) is is_either


@pytest.mark.parametrize(
    ("agatston", "flags", "is_too_high"),
    [
        (3.3, ("false_calcium_extreme",), True),
        (3.3, ("noise_very_high",), True),
        (25.5, ("calcium_very_bright",), True),
        (188.7, ("heart_on_the_right",), True),
        (0.0, ("false_calcium_extreme",), False),
        (3.3, ("false_calcium_some",), False),
        (3.3, ("noise_very_high", "heart_incomplete"), False),  # doubtful both ways
        (3.3, (), False),
    ],
)
def test_what_noise_or_metal_may_have_made_may_be_too_high(agatston, flags, is_too_high):
    assert may_be_too_high(agatston, flags) is is_too_high


@pytest.mark.parametrize("flag", sorted({f.value for f in Flag}))
@pytest.mark.parametrize("other", sorted(MAY_BE_MORE_FLAGS))
def test_only_a_score_whose_lower_end_alone_is_told_is_told_as_at_least(flag, other):
    sure = as_flagged(certainty(500.0, is_gated=True), (flag, other))
    if is_lower_bound(500.0, (flag, other)):
        assert sure.low is not None
        assert sure.high is None
    # The other way round too, but for what keeps its interval and may be counted all the same.
    counted = MAY_BE_TOO_MUCH_FLAGS - SCORE_UNKNOWN_FLAGS
    if sure.low is not None and sure.high is None and counted.isdisjoint((flag, other)):
        assert is_lower_bound(500.0, (flag, other))
