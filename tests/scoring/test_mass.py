"""Calcium mass: in coronary arteries of simulated chests, and by hand what makes its background."""

from dataclasses import astuple

import numpy as np
import pytest
from conftest import make_scan
from mass_cases import CHECKING_SEEDS, mass_case

from screening.records import Label, ScoringParameters
from screening.scoring import score, score_mask
from screening.scoring.mass import IntegratedMass, integrated_mass

FACTOR = 100 / 130 / 1000  # mg / (mm3 HU) at 120 kVp


def mass_of(hu, labels, noise_hu=15.0, **settings) -> IntegratedMass:
    made = make_scan(hu, labels, **settings)
    index = np.flatnonzero((made.label_map > 0) & (made.volume.hu >= 130))
    return integrated_mass(made.volume, index, ScoringParameters(), noise_hu)


def about(mass: IntegratedMass):
    """The same but for how numbers are rounded."""
    return IntegratedMass(*(pytest.approx(part, 1e-9) for part in astuple(mass)))


def square(around_hu, value=330):
    """4 x 4 voxels of 1 x 1 x 3 mm in the middle of five even slices."""
    hu, labels = np.full((5, 24, 24), around_hu), np.zeros((5, 24, 24))
    hu[2, 10:14, 10:14], labels[2, 10:14, 10:14] = value, Label.LAD
    return hu, labels


# Simulated chests


def test_in_chests_most_of_the_mass_is_found_and_the_intervals_hold_all_of_it():
    ratios, held = [], {"mass_mg": [], "mass_integrated_mg": []}
    for seed in CHECKING_SEEDS[:6]:
        case = mass_case(seed, increment_mm=2.5, thickness_mm=2.5)
        found = score_mask(case.volume, case.labels, case.calibrated)
        ratios.append(found.mass_integrated_mg / case.mass_mg)
        for name, of in held.items():
            low, high = getattr(found.intervals, name)
            of.append(low <= case.mass_mg <= high)
            assert high - low < 4 * case.mass_mg + 20  # it tells something
    assert 0.75 < np.median(ratios) < 1.25, ratios
    assert all(sum(of) >= 5 for of in held.values()), held


def test_what_thick_slices_hide_lies_within_the_intervals():
    hidden = [mass_case(seed, increment_mm=5.0, thickness_mm=5.0) for seed in CHECKING_SEEDS[:8]]
    found = [score_mask(case.volume, case.labels, case.calibrated) for case in hidden]
    share = [f.mass_integrated_mg / c.mass_mg for f, c in zip(found, hidden, strict=True)]
    assert min(share) < 0.6  # some of it is not seen at all
    ends = [f.intervals.mass_integrated_mg for f in found]
    held = [low <= c.mass_mg <= high for (low, high), c in zip(ends, hidden, strict=True)]
    assert sum(held) >= 6


# The background, by hand


@pytest.mark.parametrize(
    ("around_hu", "sum_hu"),
    [
        (-149, 16 * (330 + 149)),  # fat and lung mixed: still a background
        (-150, 16 * (330 - 40)),  # lung: none is left, so the background is tissue
        (129, 16 * (330 - 129)),
        (130, 16 * (330 - 40) + (3 * 36 - 16) * (130 - 40)),  # no background, and counts as smear
    ],
)
def test_what_is_a_background(around_hu, sum_hu):
    assert mass_of(*square(around_hu)).mg == pytest.approx(FACTOR * 3 * sum_hu)


@pytest.mark.parametrize(("n", "background_hu"), [(9, 9 * 100 / 25), (10, 100.0)])
def test_a_slice_with_little_tissue_borrows_the_others_background(n, background_hu):
    hu, labels = square(-850)
    ring = [(8, c) for c in range(8, 14)] + [(15, c) for c in range(8, 14)]
    for r, c in ring[:n]:
        hu[2, r, c] = 100
    hu[3, 8, 8:16], hu[3, 15, 8:16] = 0, 0
    assert mass_of(hu, labels).mg == pytest.approx(FACTOR * 3 * 16 * (330 - background_hu))


def test_each_slice_has_its_own_background():
    hu, labels = np.full((5, 24, 24), 40), np.zeros((5, 24, 24))
    hu[:3] = -90
    hu[1:5, 10:14, 10:14] += 300
    labels[1:5, 10:14, 10:14] = Label.LAD
    assert mass_of(hu, labels).mg == pytest.approx(FACTOR * 3 * 4 * 16 * 300)


def test_a_long_plaque_is_held_against_what_lies_beside_it():
    """A diagonal through fat: the block that holds it is mostly blood."""
    r, c = np.mgrid[:80, :80]
    base = np.where(np.abs(r - c) < 12, -90, 40)
    hu, labels = np.stack([base] * 5), np.zeros((5, 80, 80))
    plaque = (np.abs(r - c) < 2) & (r > 15) & (r < 65)
    hu[1:4, plaque] += 400
    labels[1:4, plaque] = Label.LAD
    put = FACTOR * 3 * 3 * plaque.sum() * 400
    assert mass_of(hu, labels).mg == pytest.approx(put, rel=0.1)


def test_noise_makes_an_error_and_uneven_tissue_another():
    rng = np.random.default_rng(1)
    even, labels = square(40)
    noise = np.rint(rng.normal(0, 15, even.shape))
    noisy = mass_of(np.where(labels > 0, even, even + noise), labels)
    assert noisy.uneven_mg < 0.35 * FACTOR * 3 * 3 * 36 * 15  # what is left by chance
    board = np.where(np.indices(even.shape).sum(axis=0) % 2, -90, 50)
    uneven = mass_of(np.where(labels > 0, even, board), labels)
    assert uneven.noise_mg > 3 * noisy.noise_mg
    spread_hu = np.sqrt(70**2 - 15**2)
    assert uneven.uneven_mg == pytest.approx(FACTOR * 3 * 3 * 36 * spread_hu, rel=1e-3)


def test_half_of_the_unevenness_is_an_error_of_the_interval():
    even, labels = square(40, value=900)
    board = np.where(np.indices(even.shape).sum(axis=0) % 2, -20, 50)
    hu = np.where(labels > 0, even, board)
    mass = mass_of(hu, labels)
    made = make_scan(hu, labels)
    low = score(made.volume, made.labelled).intervals.mass_integrated_mg[0]
    parts = (mass.noise_mg, 0.5 * mass.uneven_mg, 0.15 * mass.mg, 0.02 * mass.mg)
    assert low > 0
    assert mass.mg - low == pytest.approx(1.96 * np.sqrt(np.square(parts).sum()), rel=1e-3)


def test_what_rises_above_the_threshold_is_the_least_there_is():
    """Whatever the tissue under it may be: without that the lower ends would be zero here."""
    even, labels = square(40, value=600)
    board = np.where(np.indices(even.shape).sum(axis=0) % 2, -60, 100)
    hu = np.where(labels > 0, even, board)
    made, mass = make_scan(hu, labels), mass_of(hu, labels)
    found = score(made.volume, made.labelled)
    above_mg = FACTOR * found.volume_mm3 * (600 - 130)
    sure_mg = above_mg - 1.96 * np.hypot(mass.noise_mg, 0.15 * above_mg)
    assert mass.mg - 1.96 * 0.5 * mass.uneven_mg < sure_mg
    for low, _ in (found.intervals.mass_mg, found.intervals.mass_integrated_mg):
        assert low == pytest.approx(sure_mg, rel=1e-6)


def test_two_deposits_far_apart_weigh_as_each_alone():
    hu, labels = np.full((5, 24, 64), 40), np.zeros((5, 24, 64))
    for first in (8, 40):
        hu[2, 10:14, first : first + 4], labels[2, 10:14, first : first + 4] = 330, Label.LAD
    one, both = mass_of(*square(40)), mass_of(hu, labels)
    assert both.mg == pytest.approx(2 * one.mg)


@pytest.mark.parametrize("seed", range(4))
def test_neither_the_grids_place_nor_its_direction_matter(seed):
    """Crowded plaque of up to 40 mm, weighed in parts, in tissue that is nowhere alike."""
    rng = np.random.default_rng(seed)
    hu = rng.integers(-140, 120, size=(4, 110, 90))
    labels = np.zeros(hu.shape)
    for _ in range(12):
        k, r, c = (int(rng.integers(low, high)) for low, high in ((0, 3), (25, 65), (25, 55)))
        n, m = (int(x) for x in rng.integers(2, 20, size=2))
        hu[k : k + 2, r : r + n, c : c + m] = rng.integers(200, 900)
        labels[k : k + 2, r : r + n, c : c + m] = Label.LAD
    one = mass_of(hu, labels, spacing_mm=(0.8, 0.6))
    for way in [np.s_[:, ::-1], np.s_[:, :, ::-1], np.s_[::-1], np.s_[:, ::-1, ::-1]]:
        assert mass_of(hu[way], labels[way], spacing_mm=(0.8, 0.6)) == about(one)
    turned = (a.transpose(0, 2, 1) for a in (hu, labels))
    assert mass_of(*turned, spacing_mm=(0.6, 0.8)) == about(one)
    for rows, columns in rng.integers(-12, 13, size=(4, 2)):
        moved = (np.roll(a, (rows, columns), axis=(1, 2)) for a in (hu, labels))
        assert mass_of(*moved, spacing_mm=(0.8, 0.6)) == about(one)


def test_other_calcium_far_away_changes_no_background():
    hu, labels = np.full((5, 24, 124), 40), np.zeros((5, 24, 124))
    hu[:, ::2, :60] = -90
    hu[2, 10:14, 8:31], labels[2, 10:14, 8:31] = 330, Label.LAD
    one = mass_of(hu, labels)
    hu[2, 10:14, 90:97], labels[2, 10:14, 90:97] = 330, Label.LAD
    assert mass_of(hu, labels).mg == pytest.approx(one.mg + FACTOR * 3 * 28 * 290)


def test_the_upper_ends_grow_with_what_slices_may_hide():
    def unseen(slice_mm):
        made = make_scan(*square(40), increment_mm=slice_mm, slice_thickness_mm=slice_mm)
        result = score(made.volume, made.labelled)
        low, high = result.intervals.mass_integrated_mg
        return high + low - 2 * result.beside.mass_integrated_mg

    for slice_mm in (1.0, 3.0, 5.0):
        assert unseen(slice_mm) == pytest.approx(FACTOR * 12 * slice_mm**2 * 90)
