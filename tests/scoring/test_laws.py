"""Laws that hold for every scan, and an independent scorer that must agree."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from screening.records import CORONARY_LABELS, Label
from screening.scoring import score, score_mask

EVERY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.differing_executors]
)
SEEDS = st.integers(0, 2**32 - 1)


def random_scan(scan, seed, margin=0, **settings):
    """Clustered bright voxels of every label; a margin of soft tissue all around."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(2, 6)), 14, 15)
    hu = rng.integers(60, 520, size=shape)
    bright = rng.random(shape) < rng.uniform(0.05, 0.6)
    labels = np.where(bright, rng.choice([0, 1, 2, 2, 3, 4, 5, 6, 10], size=shape), 0)
    for axis in (1, 2):
        for edge in (np.arange(margin), -1 - np.arange(margin)):
            where = [slice(None)] * 3
            where[axis] = edge
            labels[tuple(where)] = 0
    hu = np.where(labels > 0, hu, 40)
    spacing = tuple(rng.uniform(0.3, 1.1, size=2).tolist())
    made = scan(hu, labels, spacing_mm=spacing, increment_mm=float(rng.uniform(0.6, 5)), **settings)
    made.volume.increments_mm[:] *= rng.uniform(0.8, 1.2, size=shape[0])
    return made


def slow_agatston(made, is_member, threshold_hu=130):
    """Total of one class of voxels, by flood fill, one pixel at a time."""
    volume, total = made.volume, 0.0
    area_mm2 = volume.spacing_mm[0] * volume.spacing_mm[1]
    for k, plane in enumerate(volume.hu):
        left = {
            (int(i), int(j))
            for i, j in np.argwhere(plane >= threshold_hu)
            if is_member(int(made.label_map[k, i, j]))
        }
        while left:
            todo, peak, n = [left.pop()], 0, 0
            while todo:
                i, j = todo.pop()
                peak, n = max(peak, int(plane[i, j])), n + 1
                for di in (-1, 0, 1):
                    for dj in (-1, 0, 1):
                        if (i + di, j + dj) in left:
                            left.remove((i + di, j + dj))
                            todo.append((i + di, j + dj))
            if n * area_mm2 >= 1.0:
                weight = 1 if peak < 200 else 2 if peak < 300 else 3 if peak < 400 else 4
                total += n * area_mm2 * weight * volume.increments_mm[k] / 3.0
    return total


@EVERY
@given(SEEDS)
def test_the_slow_scorer_agrees(scan, seed):
    made = random_scan(scan, seed)
    result = score(made.volume, made.labelled)
    expected = slow_agatston(made, lambda label: label in CORONARY_LABELS)
    assert result.agatston == pytest.approx(expected, rel=1e-9, abs=1e-9)
    for name, value in result.other:
        expected = slow_agatston(made, lambda label, name=name: label == Label[name.upper()])
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-9)
    mask = score_mask(made.volume, made.label_map)
    assert mask.agatston == pytest.approx(slow_agatston(made, lambda label: label > 0), rel=1e-9)


@EVERY
@given(SEEDS)
def test_the_parts_sum_to_the_whole(scan, seed):
    made = random_scan(scan, seed)
    result = score(made.volume, made.labelled)
    vessels = result.vessels
    parts = vessels.LM + vessels.LAD + vessels.LCX + vessels.RCA
    assert parts == pytest.approx(result.agatston, rel=1e-9)
    assert sum(x.agatston for x in result.lesions) == pytest.approx(result.agatston, rel=1e-9)
    assert sum(x.volume_mm3 for x in result.lesions) <= result.volume_mm3 * (1 + 1e-9)
    assert all(x.agatston > 0 for x in result.lesions)
    for vessel in CORONARY_LABELS:
        of_vessel = [x.agatston for x in result.lesions if x.label == vessel.name]
        assert sum(of_vessel) == pytest.approx(getattr(vessels, vessel.name), rel=1e-9)
    mask = score_mask(made.volume, made.label_map)
    assert sum(line.agatston for line in mask.labels) == pytest.approx(mask.agatston, rel=1e-9)


@EVERY
@given(SEEDS, st.integers(-2, 2), st.integers(-2, 2))
def test_moving_by_whole_pixels_changes_nothing(scan, seed, rows, columns):
    made = random_scan(scan, seed, margin=2)
    moved = [np.roll(a, (rows, columns), axis=(1, 2)) for a in (made.volume.hu, made.label_map)]
    other = scan(*moved, spacing_mm=made.volume.spacing_mm)
    other = replace(other.volume, increments_mm=made.volume.increments_mm), other.labelled
    one, two = score(made.volume, made.labelled), score(*other)
    assert (two.agatston, two.volume_mm3, two.mass_mg, two.vessels) == pytest.approx(
        (one.agatston, one.volume_mm3, one.mass_mg, one.vessels)
    )
    assert len(one.lesions) == len(two.lesions)


@EVERY
@given(SEEDS)
def test_the_order_of_the_slices_changes_nothing(scan, seed):
    made = random_scan(scan, seed)
    volume = made.volume
    flipped = scan(volume.hu[::-1], made.label_map[::-1], spacing_mm=volume.spacing_mm)
    backwards = replace(
        volume,
        hu=volume.hu[::-1],
        origins_lps_mm=volume.origins_lps_mm[::-1],
        increments_mm=volume.increments_mm[::-1],
    )
    one, two = score(volume, made.labelled), score(backwards, flipped.labelled)
    assert two.agatston == pytest.approx(one.agatston)
    assert two.mass_mg == pytest.approx(one.mass_mg)
    assert two.beside.volume_isotropic_mm3 == pytest.approx(one.beside.volume_isotropic_mm3)
    assert two.quality == one.quality
    where = [
        sorted(tuple(round(c, 6) for c in lesion.centroid_lps_mm) for lesion in s.lesions)
        for s in (one, two)
    ]
    np.testing.assert_allclose(where[0], where[1], atol=1e-5)


@EVERY
@given(SEEDS, st.booleans())
def test_what_counts_has_a_volume_between_the_slices_too(scan, seed, is_faint):
    made = random_scan(scan, seed)
    if is_faint:  # as little as counts
        np.copyto(made.volume.hu, 130, where=made.volume.hu >= 130)
    row_mm, column_mm = made.volume.spacing_mm
    steps = max(round(made.volume.increment_mm / (row_mm * column_mm) ** 0.5), 1)
    result = score(made.volume, made.labelled)
    assert result.beside.volume_isotropic_mm3 >= result.volume_mm3 / steps * (1 - 1e-9)
    assert (result.beside.volume_isotropic_mm3 > 0) == (result.volume_mm3 > 0)


@EVERY
@given(SEEDS, st.integers(130, 1199))  # from 1200 on a small thing is metal
def test_more_calcium_never_lowers_the_score(scan, seed, hu):
    made = random_scan(scan, seed)
    rng = np.random.default_rng(seed + 1)
    brighter, labels = made.volume.hu.copy(), made.label_map.copy()
    at = tuple(int(rng.integers(n)) for n in labels.shape)
    if labels[at] not in CORONARY_LABELS:
        labels[at] = int(rng.choice(CORONARY_LABELS))
        brighter[at] = hu
    else:
        brighter[at] = max(int(brighter[at]), hu)
    other = scan(brighter, labels, spacing_mm=made.volume.spacing_mm)
    more = score(replace(other.volume, increments_mm=made.volume.increments_mm), other.labelled)
    less = score(made.volume, made.labelled)
    assert more.agatston >= less.agatston - 1e-9
    assert more.volume_mm3 >= less.volume_mm3 - 1e-9
    assert more.mass_mg >= less.mass_mg - 1e-9


@pytest.mark.usefixtures("noise_known")
def test_nothing_scores_nothing(scan):
    made = scan(np.full((4, 8, 8), 40), np.zeros((4, 8, 8)))
    result = score(made.volume, made.labelled)
    assert (result.agatston, result.volume_mm3, result.mass_mg) == (0, 0, 0)
    assert (result.category, result.lesions, result.quality.grade) == ("0", (), "A")
    assert all(value == 0 for _, value in result.other)
    empty = score_mask(made.volume, made.label_map)
    assert (empty.agatston, empty.labels) == (0, ())
