"""What noise alone would make: against brute force, and against sums done by hand."""

from dataclasses import replace

import numpy as np
import pytest
from chest import SHAPE, box, chest
from scipy import ndimage
from scipy.stats import norm

from screening.records import BloodPool, Label, ScoringParameters
from screening.scoring import quality, score, score_mask
from screening.scoring.noise import (
    LAGS,
    BloodNoise,
    blood_noise,
    expected_false_agatston,
    false_agatston_per_ml,
)
from screening.surroundings import Place

WHITE = np.array([1.0, 0, 0, 0, 0])
PARAMETERS = ScoringParameters()


def textured(sd_hu, sigma_pixels, seed=0, shape=SHAPE):
    """Noise of tissue of 40 HU, smoothed in the plane."""
    grain = np.random.default_rng(seed).standard_normal(shape)
    grain = ndimage.gaussian_filter(grain, (0, sigma_pixels, sigma_pixels), mode="wrap")
    return np.floor(40 + sd_hu * grain / grain.std())


def correlation_of(sigma_pixels):
    """Of white noise smoothed by `gaussian_filter`: its weights against themselves, shifted."""
    point = np.zeros(41)
    point[20] = 1
    weights = ndimage.gaussian_filter1d(point, sigma_pixels)
    products = [(weights[lag:] * weights[: 41 - lag]).sum() for lag in range(LAGS + 1)]
    return np.array(products) / products[0]


def test_of_white_noise_and_pixels_of_1_mm2_it_is_the_tail_of_the_normal_curve():
    noise = BloodNoise(40.0, 40.0, WHITE)
    found = false_agatston_per_ml(noise, (1.0, 1.0), PARAMETERS)
    # Weight 1 from 130, and one more from each of 200, 300, 400 on; neighbours above that touch
    # raise the peak of a few.
    tail = sum(norm.sf((edge - 40) / 40) for edge in (130, 200, 300, 400))
    assert found == pytest.approx(1000 * tail / 3, rel=0.02)


@pytest.mark.parametrize(
    ("sd_hu", "sigma", "pixel_mm"), [(40.0, 0.6, 0.7), (40.0, 1.0, 0.7), (35.0, 0.8, 0.6)]
)
def test_brute_force_agrees(scan, sd_hu, sigma, pixel_mm):
    hu = textured(sd_hu, sigma, shape=(60, 256, 256))
    made = scan(hu, np.ones(hu.shape), spacing_mm=(pixel_mm, pixel_mm), increment_mm=2.0)
    ml = hu.size * pixel_mm**2 * 2.0 / 1000
    counted = score_mask(made.volume, np.ones(hu.shape, dtype=np.uint8)).agatston / ml
    noise = BloodNoise(40.0, sd_hu, correlation_of(sigma))
    found = false_agatston_per_ml(noise, (pixel_mm, pixel_mm), PARAMETERS, n_patches=32768)
    # Both are drawn: each differs by some percent from seed to seed, and by processor.
    assert found == pytest.approx(counted, rel=0.2)


def test_the_least_area_and_smooth_noise_matter():
    def of(correlation, pixel_mm):
        return false_agatston_per_ml(
            BloodNoise(40.0, 25.0, correlation), (pixel_mm, pixel_mm), PARAMETERS
        )

    assert of(WHITE, 0.7) < 0.1 * of(WHITE, 1.0)  # three pixels at once are rare
    assert of(correlation_of(1.0), 0.7) > 10 * of(WHITE, 0.7)  # not so if neighbours are alike


def test_more_noise_or_brighter_blood_makes_more():
    def of(level_hu, sd_hu):
        noise = BloodNoise(level_hu, sd_hu, correlation_of(0.8))
        return false_agatston_per_ml(noise, (0.7, 0.7), PARAMETERS)

    assert of(40, 15) < of(40, 20) < of(40, 30) < of(40, 50)
    assert of(30, 25) < of(40, 25) < of(60, 25)
    assert of(40, 2.0) == 0


def test_noise_is_measured_in_the_blood():
    volume, labelled = chest(hu=textured(20.0, 0.8), blood=BloodPool(40.0, 20.0, 5000))
    slices = blood_noise(volume, labelled)
    assert np.mean([found.sd_hu for found in slices]) == pytest.approx(20.0, rel=0.05)
    for found in slices:
        assert found.level_hu == pytest.approx(39.5, abs=0.5)  # values are rounded down
        assert found.sd_hu == pytest.approx(20.0, rel=0.1)
        np.testing.assert_allclose(found.correlation, correlation_of(0.8), atol=0.05)


def test_a_noisy_slice_makes_more_than_its_part():
    hu = textured(20.0, 0.8)
    even = expected_false_agatston(*chest(hu=hu.copy()), PARAMETERS)
    hu[25:35] = 40 + (hu[25:35] - 40) * 1.6
    uneven = expected_false_agatston(*chest(hu=hu), PARAMETERS)
    alone = expected_false_agatston(*chest(hu=40 + (textured(20.0, 0.8) - 40) * 1.6), PARAMETERS)
    assert even < 0.05 * uneven
    assert uneven == pytest.approx(0.25 * alone, rel=0.4)  # 10 of 40 slices


def test_fat_and_chambers_of_other_brightness_are_no_noise():
    hu = textured(20.0, 0.8)
    hu[:, 40:50] -= 100  # a rim of fat: 20 % of the heart
    hu[:, :, 60:] += 8  # muscle
    volume, labelled = chest(hu=hu)
    for found in blood_noise(volume, labelled):
        assert found.sd_hu == pytest.approx(20.0, rel=0.1)
        np.testing.assert_allclose(found.correlation[1:3], correlation_of(0.8)[1:3], atol=0.1)


def test_the_figure_goes_with_the_tissue_searched():
    volume, labelled = chest(hu=textured(30.0, 0.8), blood=BloodPool(40.0, 30.0, 5000))
    expected = expected_false_agatston(volume, labelled, PARAMETERS)
    more = replace(labelled, surroundings=replace(labelled.surroundings, soft_ml=250.0))
    assert expected_false_agatston(volume, more, PARAMETERS) == pytest.approx(2.5 * expected)
    noise = BloodNoise(39.5, 30.0, correlation_of(0.8))
    per_ml = false_agatston_per_ml(noise, volume.spacing_mm, PARAMETERS, n_patches=8192)
    assert expected == pytest.approx(100 * per_ml, rel=0.25)
    assert score(volume, labelled).quality.expected_false_agatston == expected


# Two pixels of 1 mm2 at 150 HU in a 2 mm slice: 2 x 1 x 2/3 units.
SPECK_UNITS = 4 / 3


@pytest.mark.parametrize(
    ("column", "hu", "label", "counts"),
    [
        (25, 150, Label.NONE, True),  # a streak in plain blood, 45 mm from the valves
        (25, 199, Label.NONE, True),
        (25, 200, Label.NONE, False),  # brighter than noise
        (25, 150, Label.LAD, False),  # calcium
        (25, 150, Label.AORTA, False),
        (60, 150, Label.NONE, False),  # where the valves calcify
    ],
)
def test_what_the_blood_itself_shows_counts(column, hu, label, counts):
    tissue = textured(2.0, 0.8)
    volume, labelled = chest([box((30, 1), (74, 1), (column, 2), hu, label)], hu=tissue)
    found = expected_false_agatston(volume, labelled, PARAMETERS)
    if not counts:
        assert found == 0
        return
    around = labelled.surroundings
    at = np.argwhere(np.ones(SHAPE, dtype=bool))
    lps_mm = volume.lps_mm(at.astype(float))
    is_blood = around.at(lps_mm) & Place.BLOOD > 0
    for valve in (around.aortic_valve_lps_mm, around.mitral_annulus_lps_mm):
        is_blood &= np.linalg.norm(lps_mm - np.array(valve), axis=1) > 25
    blood_ml = is_blood.sum() * 2 / 1000
    assert found == pytest.approx(SPECK_UNITS / blood_ml * around.soft_ml, rel=0.1)


def test_without_surroundings_or_blood_there_is_no_figure(block):
    made = block()
    found = score(made.volume, made.labelled).quality
    assert found.expected_false_agatston is None
    assert (found.flags, found.grade) == (("false_calcium_unknown",), "B")
    blind = block(blood_pool=None)
    assert score(blind.volume, blind.labelled).quality.flags == ("blood_pool_unknown",)


@pytest.mark.parametrize(
    ("expected", "flags", "grade"),
    [
        (0.99, (), "A"),
        (1.0, ("false_calcium_some",), "B"),
        (9.99, ("false_calcium_some",), "B"),
        (10.0, ("false_calcium_many",), "C"),
        (99.9, ("false_calcium_many",), "C"),
        (100.0, ("false_calcium_extreme",), "D"),
    ],
)
def test_flags_of_false_calcium(block, monkeypatch, expected, flags, grade):
    monkeypatch.setattr(quality, "expected_false_agatston", lambda *_: expected)
    made = block(blood_pool=BloodPool(42.0, 15.0, 100))
    found = score(made.volume, made.labelled).quality
    assert (found.flags, found.grade, found.expected_false_agatston) == (flags, grade, expected)
