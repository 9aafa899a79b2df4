"""What stands beside the score: a case on each side of each edge."""

import math
from dataclasses import replace

import numpy as np
import pytest
from conftest import make_scan
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from screening.errors import ScreeningError
from screening.records import Certainty, Label, ScoringParameters
from screening.scoring import CONVENTIONS, certainty, convention, score, score_mask
from screening.scoring.beside import cac_drs, group
from screening.scoring.certainty import repeatability_limit, volume_repeatability_limit
from screening.scoring.kvp import thresholds


@pytest.mark.parametrize(
    ("agatston", "name", "drs"),
    [
        (0.0, "0", "A0/N2"),
        (0.4, "1-99", "A1/N2"),
        (99.9, "1-99", "A1/N2"),
        (100.0, "100-399", "A2/N2"),
        (299.9, "100-399", "A2/N2"),
        (300.0, "100-399", "A3/N2"),
        (399.9, "100-399", "A3/N2"),
        (400.0, ">=400", "A3/N2"),
    ],
)
def test_groups_and_cac_drs(agatston, name, drs):
    assert (group(agatston), cac_drs(agatston, 2)) == (name, drs)


@pytest.mark.parametrize(
    ("kvp", "edges_hu", "source"),
    [
        (120.0, (130, 200, 300, 400), "standard"),
        (120.4, (130, 200, 300, 400), "standard"),
        (120.6, (130, 199, 299, 399), "interpolated"),
        (100.0, (145, 222, 334, 446), "table"),
        (110.0, (138, 211, 317, 423), "interpolated"),
        (70.0, (207, 318, 477, 636), "table"),
        (135.0, (119, 183, 274, 364), "table"),
        (140.0, (119, 183, 274, 364), "held"),
        # both sides of the ends and of what passes for a table point
        (69.5, (207, 318, 477, 636), "table"),
        (70.5, (207, 318, 477, 636), "table"),
        (70.6, (205, 315, 473, 630), "interpolated"),
        (119.4, (130, 201, 301, 401), "interpolated"),
        (119.5, (130, 200, 300, 400), "standard"),
        (135.5, (119, 183, 274, 364), "table"),
        (135.6, (119, 183, 274, 364), "held"),
        (140.5, (119, 183, 274, 364), "held"),
    ],
)
def test_thresholds_follow_the_tube_voltage(kvp, edges_hu, source):
    found = thresholds(kvp)
    assert found is not None
    assert (found.edges_hu, found.source) == (edges_hu, source)


@pytest.mark.parametrize(
    ("kvp", "why"), [(None, "unknown"), (69.4, "outside_table"), (140.6, "outside_table")]
)
def test_no_thresholds_without_a_voltage_of_the_table(kvp, why, block):
    assert thresholds(kvp) is None
    made = block(kvp=kvp)
    beside = score(made.volume, made.labelled).beside
    assert (beside.agatston_kvp, beside.kvp_source) == (None, why)


@pytest.mark.parametrize(("value", "strict"), [(145, 0.0), (146, 16.0)])
def test_above_is_above_at_another_voltage_too(block, value, strict):
    """At 100 kVp 145 HU stand for 130."""
    made = block(kvp=100.0, value=value)
    for name, expected in (("agatston_1990", 16.0), ("agatston_over_130", strict)):
        scored = score(made.volume, made.labelled, convention(name))
        assert scored.beside.agatston_kvp == expected


@pytest.mark.parametrize(
    ("increment_mm", "thickness_mm", "is_thin"),
    [
        (1.99, 1.99, True),
        (1.99, None, True),
        (1.99, 2.0, False),
        (2.0, 2.0, False),
        (2.0, 1.7, False),
    ],
)
def test_a_mask_on_thin_slices_is_flagged_and_a_scan_not(
    block, noise_known, increment_mm, thickness_mm, is_thin
):
    made = block(increment_mm=increment_mm, slice_thickness_mm=thickness_mm)
    drawn = score_mask(made.volume, made.label_map).quality
    assert ("thin_slices_native" in drawn.flags) is is_thin
    assert ("mask_alone" in drawn.flags, drawn.grade) == (True, "B")
    assert "thin_slices_native" not in score(made.volume, made.labelled).quality.flags


@pytest.mark.parametrize(
    ("has_tin_filter", "source", "flags"),
    [(False, "table", ("kvp_not_120",)), (True, "tin_filter", ("kvp_not_120", "tin_filter"))],
)
def test_no_thresholds_fit_a_beam_behind_tin(block, noise_known, has_tin_filter, source, flags):
    made = block(kvp=100.0, has_tin_filter=has_tin_filter)
    found = score(made.volume, made.labelled)
    drawn = score_mask(made.volume, made.label_map)
    for told in (found.beside, drawn):
        assert told.kvp_source == source
        assert (told.agatston_kvp is None) is has_tin_filter
        assert (told.kvp_edges_hu is None) is has_tin_filter
    assert found.quality.flags == flags
    assert set(drawn.quality.flags) == {*flags, "mask_alone"}
    assert found.quality.grade == drawn.quality.grade == ("C" if has_tin_filter else "B")
    # The default factor stays, for want of a better one.
    plain = block(kvp=100.0)
    assert found.mass_mg == score(plain.volume, plain.labelled).mass_mg


@pytest.mark.parametrize(("hu", "standard", "adapted"), [(144, 16.0, 0.0), (145, 16.0, 16.0)])
def test_both_scores_are_kept_at_100_kvp(block, hu, standard, adapted):
    made = block(value=hu, kvp=100.0)
    result = score(made.volume, made.labelled)
    assert (result.agatston, result.beside.agatston_kvp) == (standard, adapted)


@pytest.mark.parametrize(("hu", "standard", "adapted"), [(118, 0.0, 0.0), (119, 0.0, 16.0)])
def test_a_higher_voltage_finds_what_the_standard_misses(block, hu, standard, adapted):
    made = block(value=hu, kvp=135.0)
    result = score(made.volume, made.labelled)
    assert (result.agatston, result.beside.agatston_kvp) == (standard, adapted)


def test_vessels_and_density(scan):
    hu, labels = np.full((3, 16, 16), 40), np.zeros((3, 16, 16))
    hu[1, 2:6, 2:6], labels[1, 2:6, 2:6] = 450, Label.LAD
    hu[1, 10:14, 2:6], labels[1, 10:14, 2:6] = 150, Label.RCA
    made = scan(hu, labels)
    beside = score(made.volume, made.labelled).beside
    assert (beside.n_vessels, beside.density) == (2, pytest.approx((4 + 1) / 2))
    empty = scan(np.full((3, 16, 16), 40), np.zeros((3, 16, 16)))
    assert score(empty.volume, empty.labelled).beside.density is None


def test_the_rescan_limit_is_the_published_one():
    assert repeatability_limit(100.0) == pytest.approx(0.17 * 100 + 48.9 + 0.44 * 28 - 10.84)
    assert repeatability_limit(0.0, bmi=20.0) == 0.0  # the line is below zero there


def test_an_interval_holds_its_score_and_is_wider_without_gating():
    for agatston in (0.5, 12.0, 100.0, 2500.0):
        gated, routine = (certainty(agatston, is_gated=g) for g in (True, False))
        assert 0 <= routine.low <= gated.low < agatston < gated.high < routine.high
        twice = agatston + 2 * (gated.high - agatston)
        assert routine.high == pytest.approx(max(twice, 10.0))  # never below that of a zero


@given(st.floats(0, 3000), st.floats(0, 500), st.booleans())
def test_more_calcium_never_ends_lower(agatston, more, is_gated):
    less, greater = (certainty(a, is_gated=is_gated) for a in (agatston, agatston + more))
    assert greater.high >= less.high


@pytest.mark.parametrize("agatston", [100.0, 1000.0])
def test_on_an_edge_the_category_is_a_coin_toss(agatston):
    sure = certainty(agatston, is_gated=True)
    assert sure.category_probability == pytest.approx(0.5, abs=0.01)


def test_a_zero_holds_as_often_as_published():
    assert certainty(0.0, is_gated=True).category_probability == pytest.approx(0.959)
    assert certainty(0.0, is_gated=False).category_probability == pytest.approx(0.912)
    assert certainty(0.0, is_gated=True).high == pytest.approx((0.44 * 28 - 10.84) / math.sqrt(2))
    assert certainty(0.0, is_gated=False).high == 10.0


def test_of_a_drawn_score_it_is_not_said_how_far_it_may_be_off(block):
    """Nobody looked for contrast agent, motion or metal."""
    made = block(value=450, size=(1, 5, 5))
    found = score_mask(made.volume, made.label_map)
    assert found.agatston == 100.0
    assert found.certainty == Certainty(None, None, None)
    assert found.intervals.volume_mm3[1] is not None


# Intervals of volume and mass


def test_the_volumes_rescan_limit_is_the_published_one():
    limit = volume_repeatability_limit(100.0)
    assert limit == pytest.approx(0.16 * 100 + 43.0 + 0.23 * 28 - 5.0)
    assert volume_repeatability_limit(0.0, bmi=20.0) == 0.0  # the line is below zero there


def test_every_interval_holds_its_measure_and_starts_no_lower_than_zero(block):
    made = block(value=260, size=(2, 4, 4))
    result = score(made.volume, made.labelled)
    for name in ("volume_mm3", "volume_isotropic_mm3", "mass_mg", "mass_integrated_mg"):
        low, high = getattr(result.intervals, name)
        value = getattr(result, name, None) or getattr(result.beside, name)
        assert 0 <= low < value < high
    gated = block(value=260, size=(2, 4, 4), is_gated=True)
    narrow = score(gated.volume, gated.labelled).intervals.volume_mm3
    wide = result.intervals.volume_mm3
    assert wide[0] <= narrow[0] < narrow[1] < wide[1]


def test_a_rod_narrows_the_interval_of_the_mass_by_its_own_error(block):
    made = block(value=600, size=(3, 6, 6))

    def half(parameters):
        result = score(made.volume, made.labelled, parameters)
        return (result.beside.mass_integrated_mg - result.intervals.mass_integrated_mg[0]) / 1.96

    factor = 100 / 130
    default = ScoringParameters()
    rods = [
        ScoringParameters(mass_mg_per_cm3_per_hu=factor, mass_factor_standard_error=error * factor)
        for error in (0.0, 0.15)
    ]
    mass = score(made.volume, made.labelled).beside.mass_integrated_mg
    # No noise here: 2 % of the integration alone, and with 15 % of the factor.
    assert half(rods[0]) == pytest.approx(0.02 * mass, rel=1e-6)
    assert half(rods[1]) == half(default) == pytest.approx(math.hypot(0.02, 0.15) * mass, rel=1e-6)
    sources = [
        score(made.volume, made.labelled, parameters).intervals.mass_factor_source
        for parameters in (default, rods[0])
    ]
    assert sources == ["default", "rod"]


def test_no_calcium_may_still_be_as_much_as_goes_unseen(scan):
    for thickness_mm in (3.0, 5.0):
        made = scan(np.full((3, 8, 8), 40), np.zeros((3, 8, 8)), slice_thickness_mm=thickness_mm)
        low, high = score(made.volume, made.labelled).intervals.mass_mg
        assert (low, high) == (0.0, pytest.approx(100 / 130 / 1000 * 12 * thickness_mm**2 * 90))


def test_each_vessel_lesion_and_place_has_its_measures(scan):
    hu, labels = np.full((5, 24, 24), 40), np.zeros((5, 24, 24))
    for where, value, label in (
        ((slice(1, 3), slice(2, 6), slice(2, 6)), 450, Label.LAD),
        ((3, slice(12, 14), slice(2, 4)), 150, Label.LAD),
        ((1, slice(2, 6), slice(12, 16)), 150, Label.RCA),
        ((2, slice(18, 20), slice(18, 22)), 250, Label.AORTA),
    ):
        hu[where], labels[where] = value, label
    made = scan(hu, labels)
    result = score(made.volume, made.labelled)
    found = {v.label: v for v in result.vessel_measures}
    factor = 100 / 130 / 1000
    assert [v.label for v in result.vessel_measures] == ["LM", "LAD", "LCX", "RCA"]
    lad, rca, lm = found["LAD"], found["RCA"], found["LM"]
    assert (lad.agatston, lad.volume_mm3, lad.n_lesions) == (2 * 16 * 4 + 4, 36 * 3, 2)
    assert lad.density == pytest.approx((32 * 4 + 4 * 1) / 36)
    assert lad.mass_mg == pytest.approx(factor * 3 * (32 * 450 + 4 * 150))
    assert (rca.n_lesions, rca.density, lm.n_lesions, lm.density) == (1, 1.0, 0, None)
    assert (result.beside.n_vessels, result.beside.n_lesions) == (2, 3)
    largest = result.lesions[0]
    assert (largest.mean_hu, largest.density) == (450.0, 4.0)
    assert largest.mass_mg == pytest.approx(factor * 3 * 32 * 450)
    aorta = {o.label: o for o in result.other_measures}["aorta"]
    assert (aorta.agatston, aorta.volume_mm3) == (16.0, 24.0)
    assert aorta.mass_mg == pytest.approx(factor * 3 * 8 * 250)
    assert [(o.label, o.agatston) for o in result.other_measures] == list(result.other)


def test_what_is_bright_beside_a_lesion_adds_nothing_to_its_volume(scan):
    hu, labels = np.full((7, 9, 9), 40), np.zeros((7, 9, 9))
    hu[3, 3:6, 3:6], labels[3, 3:6, 3:6] = 400, Label.LAD
    alone = scan(hu, labels)
    hu[2, 3:6, 6], labels[2, 3:6, 6] = 900, Label.BONE  # touches it by a corner
    hu[1, 3:6, 3:6], labels[1, 3:6, 3:6] = 900, Label.BONE  # two slices off
    beside = scan(hu, labels)
    one, other = (score(m.volume, m.labelled).beside for m in (alone, beside))
    assert other.volume_isotropic_mm3 == one.volume_isotropic_mm3 > 27.0


# Conventions


def two_corners(scan, spacing_mm, hu=150):
    values, labels = np.full((1, 8, 8), 40), np.zeros((1, 8, 8))
    for row, column in ((2, 2), (3, 3)):
        values[0, row, column], labels[0, row, column] = hu, Label.LAD
    return scan(values, labels, spacing_mm=spacing_mm)


def agatston(made, name):
    return score_mask(made.volume, made.label_map, convention(name)).agatston


def test_each_convention_differs_where_it_says(scan, block):
    corners = two_corners(scan, (0.8, 0.8))
    assert agatston(corners, "agatston_1990") == pytest.approx(1.28)
    assert agatston(corners, "agatston_4_connected") == 0
    assert agatston(corners, "agatston_3_pixels") == 0
    small = block(value=150, size=(1, 1, 3), spacing_mm=(0.5, 0.5))  # 0.75 mm2, three pixels
    assert agatston(small, "agatston_1990") == 0
    assert agatston(small, "agatston_3_pixels") == pytest.approx(0.75)
    at_130 = block(value=130)
    assert (agatston(at_130, "agatston_1990"), agatston(at_130, "agatston_over_130")) == (16.0, 0.0)
    assert agatston(block(value=131), "agatston_over_130") == 16.0
    # 130.00002 HU are above 130, and not yet 131.
    fraction = np.full(at_130.volume.hu.shape, 1, dtype=np.uint16)
    finer = replace(at_130, volume=replace(at_130.volume, fraction=fraction))
    assert (agatston(finer, "agatston_1990"), agatston(finer, "agatston_over_130")) == (16.0, 16.0)
    below = block(value=129)
    finer = replace(below, volume=replace(below.volume, fraction=fraction))
    assert (agatston(finer, "agatston_1990"), agatston(finer, "agatston_over_130")) == (0.0, 0.0)


def test_in_three_dimensions_the_peak_and_the_area_are_the_whole_lesions(block):
    tall = block(value=150, size=(2, 4, 4))
    tall.volume.hu[2, 3, 3] = 400
    assert agatston(tall, "agatston_1990") == 16.0 * 4 + 16.0
    assert agatston(tall, "agatston_3d") == 16.0 * 8
    thin = block(value=150, size=(3, 1, 1), spacing_mm=(0.7, 0.7))  # 0.49 mm2 in each slice
    assert (agatston(thin, "agatston_1990"), agatston(thin, "agatston_3d")) == (
        0.0,
        pytest.approx(3 * 0.49),
    )


def test_every_convention_names_itself():
    assert CONVENTIONS["agatston_1990"] == ScoringParameters()
    assert all(name == parameters.convention for name, parameters in CONVENTIONS.items())
    with pytest.raises(ScreeningError, match="known are agatston_1990"):
        convention("agatston")


# Volume and mass


def test_isotropic_volume_fills_the_space_between_slices(scan):
    hu, labels = np.full((7, 9, 9), 40), np.zeros((7, 9, 9))
    hu[2:5, 3:6, 3:6], labels[2:5, 3:6, 3:6] = 220, Label.LAD
    made = scan(hu, labels, increment_mm=3.0)
    result = score(made.volume, made.labelled)
    assert result.volume_mm3 == 3 * 9 * 3.0
    # Three substeps a slice: at the ends 220 -> 40 passes 130 between the slices' middles.
    assert result.beside.volume_isotropic_mm3 == pytest.approx(81.0)
    hu[hu == 220] = 600
    taller = scan(hu, labels, increment_mm=3.0)
    assert score(taller.volume, taller.labelled).beside.volume_isotropic_mm3 > 81.0


@pytest.mark.parametrize(("increment_mm", "share"), [(2.0, 1 / 2), (3.0, 1 / 3), (4.0, 1 / 4)])
def test_what_only_just_counts_has_the_volume_of_one_step(block, increment_mm, share):
    made = block(value=130, size=(1, 2, 2), increment_mm=increment_mm)
    result = score(made.volume, made.labelled)
    assert result.agatston > 0
    assert result.beside.volume_isotropic_mm3 == pytest.approx(share * result.volume_mm3)


def test_no_calcium_has_no_mass_and_no_volume(scan):
    made = scan(np.full((3, 8, 8), 40), np.zeros((3, 8, 8)))
    beside = score(made.volume, made.labelled).beside
    assert (beside.mass_integrated_mg, beside.volume_isotropic_mm3) == (0.0, 0.0)
    assert math.isclose(beside.agatston_kvp or 0.0, 0.0)


def at_the_border_of_muscle(around_hu, calcium_hu):
    """A cube with muscle at one side, as a scan smears it."""
    sharp = np.full((7, 40, 40), around_hu)
    sharp[:, :, 22:] = 60.0
    sharp[3, 20:23, 20:23] += calcium_hu
    return np.floor(gaussian_filter(sharp, (0, 1.2, 1.2))).astype(np.int16)


@pytest.mark.parametrize("around_hu", [60.0, -95.0, -850.0])
def test_calcium_among_fat_or_lung_keeps_its_mass(around_hu):
    """Its blurred rim there is darker than tissue, and may not be taken from what is bright."""
    hu = at_the_border_of_muscle(around_hu, 700.0)
    labels = np.where(hu >= 130, Label.LAD, Label.NONE).astype(np.uint8)
    made = make_scan(hu, labels)
    result = score(made.volume, made.labelled)
    found = result.beside.mass_integrated_mg
    assert result.agatston > 0
    put_hu = (hu - at_the_border_of_muscle(around_hu, 0.0)).sum()
    if around_hu > -150:
        assert found == pytest.approx(100 / 130 / 1000 * 3 * put_hu, rel=0.15)
    # Beside lung the least is what lies above muscle of 60 HU; the standard mass counts from 0 HU.
    peak = hu[labels > 0]
    assert found >= result.mass_mg * (peak - 60.0).sum() / peak.sum()
    low, high = result.intervals.mass_integrated_mg
    assert low < found < high
