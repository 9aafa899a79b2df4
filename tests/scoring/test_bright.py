"""What each bright thing was taken for, and why it was not counted."""

from dataclasses import replace

import numpy as np
import pytest
from chest import HEART, box, chest

from screening.records import Label
from screening.scoring import Why, bright_things, by_conventions, score
from screening.scoring.bright import _thirds
from screening.scoring.conventions import CONVENTIONS
from screening.scoring.kvp import METAL_FROM_HU_120KVP
from screening.seen import Seen, regions
from screening.things import SHARES, Things

NAMES = tuple(label.name.lower() for label in Label)
MIDDLE = ((28, 4), (50, 8), (58, 8))  # 4 slices, 8 x 8 pixels where arteries run


def seen(paint, coronary=0.9, counts=None, spacing_mm=(1.0, 1.0), names=NAMES):
    """One thing a painted block, in order; of each what its label says, `coronary` of it."""
    volume, labelled = chest(paint, spacing_mm=spacing_mm)
    which = np.zeros(volume.hu.shape, dtype=np.int32)
    chances = [coronary] * len(paint) if isinstance(coronary, float) else coronary
    for k, (s, r, c, _, _) in enumerate(paint):
        which[s, r, c] = k
    shares = np.zeros((len(paint), len(names)), dtype=np.uint16)
    for k, (*_, label) in enumerate(paint):
        shares[k, label % len(names)] = 0.7 * SHARES
        shares[k, -1] += 0.2 * SHARES
    things = Things(
        owner=which.ravel()[labelled.index],
        names=names,
        shares=shares,
        coronary=np.rint(np.array(chances) * SHARES).astype(np.uint16),
        counts_from=0.5,
    )
    labelled = replace(labelled, things=things)
    counts = (1,) * len(volume.hu) if counts is None else counts
    return volume, labelled, Seen("", "", regions(volume, labelled), None, counts)


def one(paint, **more):
    (thing,) = bright_things(seen(paint, **more)[2])
    return thing


def test_what_counted_is_told_with_its_size_and_place():
    thing = one([box(*MIDDLE, 450, Label.LAD)])
    assert (thing.taken_for, thing.why) == ("lad", Why.COUNTED)
    assert thing.volume_mm3 == pytest.approx(4 * 64 * 2.0)
    assert thing.agatston == pytest.approx(4 * 64 * 4 * 2 / 3)
    assert thing.peak_hu == 450
    assert thing.slices == (28, 31)
    assert thing.centre_lps_mm == pytest.approx((11.5, -6.5, 41.0))
    assert thing.likely == (("lad", 0.7), ("metal", 0.2))
    assert (thing.coronary, thing.counts_from) == (0.9, 0.5)
    assert thing.on_course is True


def test_units_of_the_things_sum_to_the_score():
    paint = [
        box((15, 2), (45, 3), (40, 3), 250, Label.LAD),
        box((17, 3), (46, 3), (41, 3), 350, Label.LCX),  # touches the first: one lesion, shared
        box((30, 1), (50, 5), (70, 5), 500, Label.AORTA),
        box((35, 1), (50, 2), (70, 2), 135, Label.RCA),
    ]
    volume, labelled, found = seen(paint)
    things = bright_things(found)
    total = score(volume, labelled).agatston
    assert total > 0
    assert sum(t.agatston for t in things) == pytest.approx(total, rel=1e-12)
    assert [t.agatston > 0 for t in things] == [True, True, True, False]


@pytest.mark.parametrize(("row_mm", "why"), [(1.0, Why.COUNTED), (0.99, Why.TOO_SMALL)])
def test_the_least_area_on_both_sides(row_mm, why):
    pixel = [box((30, 1), (50, 1), (60, 1), 300, Label.RCA)]
    assert one(pixel, spacing_mm=(row_mm, 1.0)).why is why


@pytest.mark.parametrize(("hu", "why"), [(130, Why.COUNTED), (129, Why.TOO_DIM)])
def test_the_threshold_on_both_sides(hu, why):
    thing = one([box(*MIDDLE, hu, Label.RCA)])
    assert thing.why is why
    assert (thing.volume_mm3 > 0) == (why is Why.COUNTED)


@pytest.mark.parametrize(
    ("hu", "sure", "why", "metal"),
    [
        (METAL_FROM_HU_120KVP - 1, 0.75, Why.COUNTED, ""),
        (METAL_FROM_HU_120KVP, 0.75, Why.TOO_BRIGHT, "stent_present"),  # by its 16 mm
        (METAL_FROM_HU_120KVP, 0.99, Why.TOO_BRIGHT, "stent_present"),  # however sure
    ],
)
def test_what_is_brighter_than_calcium_can_be(hu, sure, why, metal):
    _, labelled, found = seen([box((28, 4), (50, 8), (54, 16), int(hu), Label.RCA)])
    labelled = replace(labelled, probability=np.full_like(labelled.probability, sure))
    found = replace(found, primary=replace(found.primary, labelled=labelled))
    (thing,) = bright_things(found)
    assert (thing.taken_for, thing.why, thing.metal) == ("rca", why, metal)


@pytest.mark.parametrize(
    ("hu", "why", "metal"),
    [(1559, Why.COUNTED, ""), (1560, Why.PART_OF_METAL, "clips_present")],  # of 8 mm
)
def test_what_is_as_small_and_bright_as_a_clip_says_so(hu, why, metal):
    _, labelled, found = seen([box(*MIDDLE, hu, Label.RCA)])
    sure = np.full_like(labelled.probability, 0.97)
    found = replace(
        found, primary=replace(found.primary, labelled=replace(labelled, probability=sure))
    )
    (thing,) = bright_things(found)
    assert (thing.why, thing.metal) == (why, metal)


def test_what_touches_more_metal_is_part_of_it():
    end = box((28, 4), (50, 8), (66, 2), 450, Label.LAD)
    stent = box((28, 4), (50, 4), (46, 20), 700, Label.METAL)
    things = {t.taken_for: t for t in bright_things(seen([stent, end], (0.2, 0.8))[2])}
    assert things["lad"].why is Why.PART_OF_METAL
    assert things["metal"].why is Why.TAKEN_FOR_OTHER
    assert things["metal"].metal == "stent_present"
    # Without the metal beside it, it counts.
    assert one([end]).why is Why.COUNTED


def test_slices_are_the_scanners_where_averages_were_scored():
    assert one([box(*MIDDLE, 450, Label.LAD)]).slices == (28, 31)
    assert one([box(*MIDDLE, 450, Label.LAD)], counts=(2,) * 60).slices == (56, 63)
    uneven = (1, 2) * 30  # slabs of one and a half slices
    assert one([box(*MIDDLE, 450, Label.LAD)], counts=uneven).slices == (42, 47)


def test_thirds_of_the_box_on_both_sides_of_each_edge():
    low, high = np.zeros(3), np.full(3, 30.0)
    inside = np.array([[0.0, 9.99, 10.0], [19.99, 20.0, 29.99]])
    assert _thirds(inside, low, high).tolist() == [[-1, -1, 0], [0, 1, 1]]
    assert _thirds(np.array([[-0.01, 30.0, 45.0]]), low, high).tolist() == [[-2, 2, 2]]


def test_sides_are_the_patients():
    """Columns grow to the left, rows to the back, slices to the feet."""
    s, r, c = HEART[::2]
    at = one([box((s + 1, 3), (r + 1, 3), (c + 1, 3), 300, Label.RCA)])
    assert (at.side, at.depth, at.level) == (-1, -1, 1)
    last = one([box((HEART[1] - 4, 3), (HEART[3] - 4, 3), (HEART[5] - 4, 3), 300, Label.LCX)])
    assert (last.side, last.depth, last.level) == (1, 1, -1)
    outside = one([box((30, 3), (HEART[3] + 5, 3), (60, 3), 300, Label.AORTA)])
    assert (outside.side, outside.depth, outside.level) == (0, 2, 0)
    assert outside.on_course is False


def test_what_counted_comes_first_then_what_came_near_then_what_is_large():
    labels = (Label.LAD, Label.RCA, Label.NODE, Label.BONE, Label.NONE, Label.AORTA, Label.BONE)
    sizes = (2, 5, 2, 6, 5, 3, 2)
    chances = (0.8, 0.6, 0.05, 0.0499, 0.0, 0.0, 0.4)
    paint = [
        box((12 + 5 * k, 2), (70, size), (40, size), 300, label)
        for k, (label, size) in enumerate(zip(labels, sizes, strict=True))
    ]
    things = bright_things(seen(paint, chances)[2])
    told = [(t.taken_for, t.coronary) for t in things]
    assert told == [
        ("rca", 0.6), ("lad", 0.8), ("bone", 0.4), ("node", 0.05),
        ("aorta", 0.0), ("none", 0.0), ("bone", 0.0499),
    ]  # fmt: skip
    assert [t.is_notable for t in things] == [True] * 6 + [False]
    # Bone where arteries run is worth a line, however sure the network is of it.
    assert one([box((30, 2), (50, 4), (60, 4), 300, Label.BONE)], coronary=0.0).is_notable


def test_no_more_than_eight_come_before_the_large():
    paint = [box((10 + 3 * k, 1), (70, 2), (40, 2), 300, Label.NODE) for k in range(11)]
    paint.append(box((45, 2), (70, 8), (60, 8), 300, Label.AORTA))
    things = bright_things(seen(paint, [0.3] * 11 + [0.0])[2])
    assert [t.taken_for for t in things] == ["node"] * 8 + ["aorta"] + ["node"] * 3


def test_names_are_those_the_network_gives():
    thing = one([box(*MIDDLE, 450, Label.LM)], names=("none", "coronary", "node"))
    assert thing.likely == (("coronary", 0.7), ("node", 0.2))


def test_labels_alone_have_no_things():
    _, labelled, found = seen([box(*MIDDLE, 450, Label.LAD)])
    bare = replace(found.primary, labelled=replace(labelled, things=None))
    assert bright_things(replace(found, primary=bare)) == ()


@pytest.mark.parametrize("name", CONVENTIONS)
def test_stored_voxels_score_as_the_scan_does_by_every_convention(name):
    paint = [
        box((15, 2), (45, 3), (40, 3), 250, Label.LAD),
        box((20, 1), (45, 1), (50, 2), 300, Label.LAD),
        box((20, 1), (46, 1), (52, 2), 180, Label.LCX),
        box((22, 3), (50, 2), (50, 2), 130, Label.RCA),
        box((25, 3), (50, 6), (70, 6), 2200, Label.LM),  # metal
        box((30, 1), (50, 5), (70, 5), 500, Label.AORTA),
    ]
    volume, labelled, found = seen(paint)
    fraction = np.zeros(volume.hu.shape, dtype=np.uint16)
    fraction[22] = 7  # a slice of the lesion of 130 HU lies above them
    volume = replace(volume, fraction=fraction)
    stored = regions(volume, found.primary.labelled)
    whole = score(volume, labelled, CONVENTIONS[name])
    (again,) = [s for s in by_conventions(replace(found, primary=stored)) if s.convention == name]
    assert (again.agatston, again.category) == (whole.agatston, whole.category)
    assert again.vessels == whole.vessels
    assert whole.agatston > 0
    assert whole.vessels.LM == 0
    assert whole.vessels.RCA > 0
