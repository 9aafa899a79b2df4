"""Surgical clips are told from calcium, on both sides of every edge; what may be one says so."""

from dataclasses import replace

import numpy as np
import pytest
from chest import box, chest, unsure

from screening.records import Label
from screening.scoring import name_metal, score
from screening.things import Things, in_shares


@pytest.mark.parametrize(
    ("n_columns", "hu"),
    [(8, 1000), (12, 1200)],  # one clip; some that touch
)
@pytest.mark.parametrize(("metal", "counts"), [(0.009, True), (0.011, False)])
def test_a_doubt_is_one_whether_it_is_metal(n_columns, hu, metal, counts):
    """Not whether it is an artery's calcium or the annulus's."""
    volume, labelled = unsure(chest([box((20, 1), (45, 2), (40, n_columns), hu, Label.LAD)]), 0.9)
    shares = in_shares(np.array([[1 - metal, metal]]))
    things = Things(
        owner=np.zeros(len(labelled.index), dtype=np.int32),
        names=("lad", "metal"),
        shares=shares,
        coronary=shares[:, 0],
        counts_from=0.5,
    )
    assert (score(volume, replace(labelled, things=things)).agatston > 0) is counts


@pytest.mark.parametrize(
    ("half_hu", "n_core", "n_in_all", "rim_hu", "counts"),
    [
        (800, 8, 10, 600, False),  # a clip and what the image spreads of it
        (800, 8, 11, 600, True),
        (800, 9, 10, 600, True),
        (800, 8, 10, 800, True),  # half as bright as the peak: no rim
        (800, 8, 10, 799, False),
        (650, 6, 10, 649, False),
        (650, 6, 10, 650, True),
        (650, 7, 10, 600, True),
    ],
)
def test_a_clip_is_as_large_as_where_it_is_half_as_bright(
    half_hu, n_core, n_in_all, rim_hu, counts
):
    rim = box((20, 1), (45, 2), (40, n_in_all), rim_hu, Label.LAD)
    core = box((20, 1), (45, 2), (41, n_core), 2 * half_hu, Label.LAD)
    assert (score(*unsure(chest([rim, core]), 0.97)).agatston > 0) is counts


def test_one_bright_voxel_makes_no_clip_of_plaque():
    """Half of the second brightest voxel counts."""
    plaque = box((20, 1), (45, 2), (40, 10), 500, Label.LAD)
    spot = box((20, 1), (45, 1), (44, 1), 1300, Label.LAD)
    assert score(*unsure(chest([plaque, spot]))).agatston > 0


@pytest.mark.parametrize(
    ("hu", "probability", "counts"),
    [(1200, 0.699, False), (1200, 0.701, True), (1199, 0.699, True)],
)
def test_a_chain_of_clips_may_be_of_any_length(hu, probability, counts):
    paint = [box((20, 1), (45, 2), (30, 40), hu, Label.LAD)]
    assert (score(*unsure(chest(paint), probability)).agatston > 0) is counts


@pytest.mark.parametrize(
    ("n_columns", "hu", "row", "label"),
    [
        (8, 1560, 45, Label.METAL),
        (8, 1559, 45, Label.AORTA),
        (9, 1560, 45, Label.AORTA),  # longer than a clip
        (8, 1560, 75, Label.AORTA),  # on no course
    ],
)
def test_a_clip_on_a_course_is_none_of_the_aorta(n_columns, hu, row, label):
    """It would hide the plaque beside it."""
    volume, labelled = chest([box((20, 1), (row, 2), (40, n_columns), hu, Label.AORTA)])
    assert set(name_metal(volume, labelled).label) == {label}
    assert ("clips_present" in score(volume, labelled).quality.flags) is (label == Label.METAL)


def test_a_clip_takes_no_name_from_what_it_touches():
    clip = box((20, 1), (45, 2), (40, 6), 2300, Label.AORTA)
    wall = box((20, 1), (45, 2), (46, 30), 400, Label.AORTA)
    volume, labelled = chest([clip, wall])
    named = name_metal(volume, labelled).label
    assert (named == Label.METAL).sum() == 12
    assert (named == Label.AORTA).sum() == 60


def test_bright_calcium_that_does_not_count_is_no_doubt_of_the_score():
    """Of the annulus of a real chest or the wall of an aorta, off the courses."""
    volume, labelled = chest([box((20, 1), (75, 2), (40, 10), 2400, Label.MITRAL_ANNULUS)])
    assert "calcium_very_bright" not in score(volume, labelled).quality.flags


@pytest.mark.parametrize(
    ("n_columns", "hu", "probability", "is_flagged"),
    [
        (20, 1560, 0.99, True),
        (20, 1559, 0.99, False),
        (20, 1000, 0.969, True),
        (20, 1000, 0.971, False),
        (20, 999, 0.969, False),
        (8, 799, 0.97, False),
        (8, 800, 0.97, True),
        (9, 800, 0.97, False),
        (8, 800, 0.979, True),
        (8, 800, 0.981, False),
    ],
)
def test_what_counts_and_may_be_a_clip_is_flagged(n_columns, hu, probability, is_flagged):
    paint = [box((20, 1), (45, 2), (40, n_columns), hu, Label.LAD)]
    found = score(*unsure(chest(paint), probability))
    assert found.agatston > 0
    assert ("calcium_very_bright" in found.quality.flags) is is_flagged


@pytest.mark.parametrize(
    ("n_single", "n_columns", "hu", "probability", "counts"),
    [
        (2, 15, 1200, 0.969, False),  # clips that touch, beside others
        (2, 15, 1200, 0.971, True),
        (1, 15, 1200, 0.969, True),
        (2, 16, 1200, 0.969, True),  # too long for two or three of them
        (2, 15, 1199, 0.969, True),
        (0, 12, 1200, 0.959, False),  # and alone, where inference doubts that they are calcium
        (0, 12, 1200, 0.961, True),
        (0, 13, 1200, 0.959, True),
        (0, 12, 1199, 0.959, True),
    ],
)
def test_clips_that_touch_are_no_calcium(n_single, n_columns, hu, probability, counts):
    clips = [box((30, 1), (45, 2), (25 + 10 * k, 3), 1800, Label.METAL) for k in range(n_single)]
    paint = [box((20, 1), (45, 2), (40, n_columns), hu, Label.LAD), *clips]
    volume, labelled = unsure(chest(paint), probability)
    assert (score(volume, labelled).agatston > 0) is counts


@pytest.mark.parametrize(
    ("n_others", "others_hu", "n_columns", "hu", "counts"),
    [
        (2, 1400, 8, 700, False),  # half as bright as the others, dimmed by its slice
        (2, 1400, 8, 699, True),
        (1, 1400, 8, 700, True),  # one is not the dozen
        (3, 1000, 8, 700, False),
        (3, 1000, 8, 699, True),  # calcium that small can be
        (3, 1100, 9, 1100, True),  # longer than a clip
        (3, 1800, 8, 899, True),
        (3, 1800, 8, 900, False),
    ],
)
def test_what_resembles_several_clips_is_one(n_others, others_hu, n_columns, hu, counts):
    row = [box((30, 1), (45, 2), (25 + 10 * k, 3), others_hu, Label.METAL) for k in range(n_others)]
    paint = [box((20, 1), (45, 2), (40, n_columns), hu, Label.LAD), *row]
    assert (score(*unsure(chest(paint), 0.75)).agatston > 0) is counts


def test_clips_that_inference_calls_calcium_are_others_too():
    """Two of 1,400 HU tell a third, of 700."""
    row = [box((30, 1), (45, 2), (25 + 10 * k, 3), 1400, Label.LAD) for k in range(2)]
    dim = box((20, 1), (45, 2), (40, 6), 700, Label.LAD)
    assert score(*unsure(chest([dim, *row]), 0.969)).agatston == 0
    assert score(*unsure(chest([dim, *row[1:]]), 0.969)).agatston > 0


@pytest.mark.parametrize(
    ("share", "counts"), [(0.0, True), (0.029, True), (0.031, False), (0.25, False)]
)
@pytest.mark.parametrize("has_things", [True, False])
def test_what_is_surely_calcium_is_no_clip_for_others_that_are(share, counts, has_things):
    row = [box((30, 1), (45, 2), (25 + 10 * k, 3), 1400, Label.METAL) for k in range(3)]
    volume, labelled = chest([box((20, 1), (45, 2), (40, 6), 900, Label.LAD), *row])
    is_metal = labelled.label == Label.METAL
    sure = np.where(is_metal, 0.9, 1 - share).astype(np.float32)
    metal = np.array([share, 0.9])
    things = Things(
        owner=is_metal.astype(np.int32),
        names=("lad", "metal"),
        shares=in_shares(np.stack([1 - metal, metal], axis=1)),
        coronary=in_shares(1 - metal),
        counts_from=0.5,
    )
    told = replace(labelled, probability=sure, things=things if has_things else None)
    assert (score(volume, told).agatston > 0) is counts


@pytest.mark.parametrize(("first_row", "counts"), [(45, False), (90, True), (112, True)])
def test_metal_away_from_the_heart_makes_no_clip_in_it(first_row, counts):
    """As in spine or sternum; the heart ends at row 90."""
    row = [box((30, 1), (first_row, 2), (25 + 10 * k, 3), 1400, Label.METAL) for k in range(3)]
    paint = [box((20, 1), (45, 2), (40, 6), 900, Label.LAD), *row]
    assert (score(*unsure(chest(paint), 0.75)).agatston > 0) is counts


@pytest.mark.parametrize(("share", "counts"), [(0.29, True), (0.3, False)])
def test_clips_are_told_by_what_inference_thinks_of_them(share, counts):
    """In thick slices each is rather calcium than metal by itself, and yet there are four."""
    paint = [box((20 + 4 * k, 1), (45, 2), (40, 4), 800, Label.LAD) for k in range(4)]
    volume, labelled = unsure(chest(paint))
    things = Things(
        owner=np.zeros(len(labelled.index), dtype=np.int32),
        names=("lad", "metal"),
        shares=in_shares(np.array([[1 - share, share]])),
        coronary=in_shares(np.array([1 - share])),
        counts_from=0.5,
    )
    assert (score(volume, replace(labelled, things=things)).agatston > 0) is counts
