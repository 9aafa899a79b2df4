"""Metal is told by kind, and never counted."""

from dataclasses import replace

import numpy as np
import pytest
from chest import box, chest, unsure

from screening.records import Label
from screening.scoring import name_metal, score
from screening.scoring.kvp import metal_from_hu
from screening.scoring.metal_kinds import Metal, kinds_of_metal
from screening.surroundings import Place


def kinds(*paint, **settings):
    volume, labelled = chest(paint, **settings)
    return set(kinds_of_metal(volume, name_metal(volume, labelled)))


@pytest.mark.parametrize(
    ("kvp", "hu"),
    [(120.0, 2000.0), (None, 2000.0), (100.0, 2230.8), (80.0, 2723.1), (70.0, 3000.0)],
)
def test_nothing_is_calcium_from_here(kvp, hu):
    assert metal_from_hu(kvp) == pytest.approx(hu, abs=0.1)


@pytest.mark.parametrize(
    ("n_columns", "hu", "probability", "counts"),
    [
        (17, 1999, 0.75, True),
        (17, 2000, 0.75, False),  # brighter than calcium can be
        (7, 1200, 0.97, True),
        (6, 1199, 0.97, True),
        (6, 1200, 0.97, False),  # brighter than calcium of a clip's size can be
        (9, 1560, 0.97, True),
        (8, 1559, 0.97, True),
        (8, 1560, 0.97, False),
        (8, 1000, 0.959, False),  # and than what inference doubts may be
        (8, 1000, 0.961, True),
        (8, 999, 0.959, True),
        (9, 1000, 0.959, True),
    ],
)
def test_what_is_too_bright_for_calcium_is_not_counted(n_columns, hu, probability, counts):
    paint = [box((20, 1), (45, 2), (40, n_columns), hu, Label.LAD)]
    found = score(*unsure(chest(paint), probability))
    assert (found.agatston > 0) is counts
    assert (dict(found.other)["metal"] > 0) is not counts


@pytest.mark.parametrize(("hu", "told"), [(1999, Metal.VERY_BRIGHT), (2000, Metal.STENT)])
@pytest.mark.parametrize("probability", [0.79, 0.8, 1.0])
def test_nothing_that_bright_is_calcium_however_sure_inference_is(hu, told, probability):
    volume, labelled = unsure(chest([box((20, 1), (45, 2), (40, 16), hu, Label.LAD)]), probability)
    assert (score(volume, labelled).agatston > 0) is (told is Metal.VERY_BRIGHT)
    assert kinds_of_metal(volume, name_metal(volume, labelled)) == {told}  # a remark in any case


@pytest.mark.parametrize(("hu", "is_lower"), [(1999, False), (2000, True)])
def test_a_clip_in_dense_plaque_does_not_raise_the_score(hu, is_lower):
    plaque = box((20, 2), (45, 3), (40, 30), 900, Label.LAD)
    clip = box((20, 2), (45, 2), (50, 5), hu, Label.LAD)
    without = score(*unsure(chest([plaque]), 1.0))
    found = score(*unsure(chest([plaque, clip]), 1.0))
    assert (found.agatston < without.agatston) is is_lower
    assert ("clips_present" if is_lower else "calcium_very_bright") in found.quality.flags


def test_one_voxel_that_bright_is_metal():
    spot = box((20, 1), (45, 1), (40, 1), 2000, Label.LAD)
    plaque = box((20, 1), (45, 2), (40, 10), 500, Label.LAD)
    with_spot, without = (score(*chest(paint)) for paint in ([plaque, spot], [plaque]))
    assert 0 < with_spot.agatston < without.agatston


@pytest.mark.parametrize(("hu", "told"), [(1999, {Metal.VERY_BRIGHT}), (2000, {Metal.CLIPS})])
def test_plaque_lost_to_one_voxel_beside_the_heart_is_told(hu, told):
    """Where a model of other makers finds no course; ours has arteries on courses alone."""
    plaque = box((20, 1), (60, 2), (101, 16), 500, Label.LAD)
    volume, labelled = chest([plaque, box((20, 1), (60, 1), (106, 1), hu, Label.LAD)])
    is_less = score(volume, labelled).agatston < score(*chest([plaque])).agatston
    assert is_less is (hu == 2000)
    assert kinds_of_metal(volume, name_metal(volume, labelled)) == told


def test_one_voxel_that_bright_without_a_name_may_be_noise():
    assert kinds(box((20, 1), (60, 1), (106, 1), 2000)) == set()


@pytest.mark.parametrize(("away_columns", "label"), [(2, Label.METAL), (4, Label.LAD)])
def test_a_bright_spot_takes_its_bloom_and_not_the_vessel(away_columns, label):
    plaque = box((20, 1), (45, 2), (40, 30), 900, Label.LAD)
    spot = box((20, 1), (45, 2), (40, 2), 2400, Label.LAD)
    volume, labelled = unsure(chest([plaque, spot]))
    named = np.zeros(volume.hu.size, dtype=np.uint8)
    named[labelled.index] = name_metal(volume, labelled).label
    named = named.reshape(volume.hu.shape)
    assert named[20, 45, 40] == Label.METAL
    assert named[20, 45, 41 + away_columns] == label  # pixels of 1 mm
    assert named[20, 45, 69] == Label.LAD


@pytest.mark.parametrize(("n_metal", "counts"), [(9, True), (10, False)])
def test_what_touches_as_much_metal_is_metal(n_metal, counts):
    calcium = box((20, 1), (45, 1), (40, 10), 500, Label.LAD)
    metal = box((20, 1), (46, 1), (40, n_metal), 700, Label.METAL)
    volume, labelled = chest([calcium, metal])
    assert (score(volume, labelled).agatston > 0) is counts


def test_naming_metal_twice_is_naming_it_once():
    volume, labelled = unsure(chest([box((20, 2), (45, 3), (40, 12), 2500, Label.RCA)]))
    once = name_metal(volume, labelled)
    np.testing.assert_array_equal(name_metal(volume, once).label, once.label)
    assert set(once.label) == {Label.METAL}
    assert set(labelled.label) == {Label.RCA}


TUBE = ((20, 2), (45, 3))


@pytest.mark.parametrize(
    ("paint", "kind"),
    [
        (box(*TUBE, (40, 20), 700, Label.METAL), Metal.STENT),
        (box(*TUBE, (40, 8), 700, Label.METAL), Metal.OTHER),  # too short
        (box(*TUBE, (30, 62), 700, Label.METAL), Metal.OTHER),  # too long
        (box((20, 2), (44, 12), (40, 20), 700, Label.METAL), Metal.OTHER),  # too wide
        (box((20, 2), (75, 3), (40, 20), 700, Label.METAL), Metal.OTHER),  # off the courses
        (box((20, 2), (45, 3), (40, 4), 2500), Metal.CLIPS),  # unseen by the network
        (box((20, 2), (45, 3), (40, 4), 1500, Label.METAL), Metal.CLIPS),
        (box((20, 2), (45, 3), (40, 4), 900, Label.METAL), Metal.OTHER),
        (box((20, 2), (75, 3), (40, 4), 2500), Metal.CLIPS),
        (box((20, 2), (75, 3), (40, 14), 2500), Metal.OTHER),  # longer than a clip
    ],
)
def test_stents_and_clips_by_size_and_place(paint, kind):
    assert kinds(paint) == {kind}


@pytest.mark.parametrize(
    ("probability", "hu", "kind"),
    [
        (0.87, 700, Metal.POSSIBLE_STENT),
        (0.88, 700, Metal.STENT),
        (0.87, 2500, Metal.STENT),  # no calcium is that bright
    ],
)
def test_a_stent_that_is_not_sure_is_possible(probability, hu, kind):
    volume, labelled = chest([box(*TUBE, (40, 20), hu, Label.METAL)])
    sure = np.full_like(labelled.probability, probability)
    assert kinds_of_metal(volume, replace(labelled, probability=sure)) == {kind}
    assert score(volume, labelled).agatston == 0


def test_a_lead_runs_from_above_into_the_heart():
    down = box((0, 26), (70, 3), (40, 3), 2800)
    assert kinds(down) == {Metal.LEAD}
    assert kinds(box((12, 18), (70, 3), (40, 3), 2800)) == {Metal.OTHER}  # 36 mm


def test_a_lead_may_be_broken_up_by_the_slices():
    pieces = [box((k, 11), (70, 3), (40, 3), 2800) for k in (0, 14, 28)]  # 8 mm apart
    assert kinds(*pieces) == {Metal.LEAD}
    apart = [box((k, 11), (70, 3), (40, 3), 2800) for k in (2, 20)]  # 16 mm apart, 58 mm in all
    assert Metal.LEAD not in kinds(*apart)


@pytest.mark.parametrize(("first_row", "is_lead"), [(40, True), (39, False)])
def test_a_lead_lies_in_the_heart_and_not_against_it(first_row, is_lead):
    """80 mm down, five rows deep, where the heart begins in cells of 6 mm."""
    along = box((10, 40), (first_row, 5), (40, 3), 2800)
    volume, labelled = chest([along])
    at = volume.lps_mm(np.array([[20.0, r, 41.0] for r in range(first_row, first_row + 5)]))
    share = (labelled.surroundings.at(at) & Place.HEART > 0).mean()
    assert (share >= 0.5) == is_lead
    assert 0 < share < 1
    assert (Metal.LEAD in kinds(along)) is is_lead


@pytest.mark.parametrize(("width", "kind"), [(10, Metal.LEAD), (11, Metal.OTHER)])
def test_a_lead_is_thin_for_its_length(width, kind):
    """A block of 100 and 121 mm2 across, 52 mm long."""
    block = box((0, 26), (66, width), (40, width), 2800)
    assert kinds(block) == {kind}


def test_a_lead_that_bends_every_way_is_one():
    """Its least extent is 20 mm, its thickness 3 mm."""
    down = box((0, 26), (60, 3), (40, 3), 2800)
    back = box((24, 2), (60, 23), (40, 3), 2800)
    aside = box((24, 2), (80, 3), (40, 23), 2800)
    assert kinds(down, back, aside) == {Metal.LEAD}


def ring(radius_mm, hu=2800, row=75, column=60):
    """A flat ring about the valves."""
    out = []
    for angle in np.arange(0, 2 * np.pi, 0.02):
        r = round(row + radius_mm * np.sin(angle))
        c = round(column + radius_mm * np.cos(angle))
        out.append(box((20, 2), (r - 1, 2), (c - 1, 2), hu))
    return out


def test_a_ring_at_a_valve_is_a_prosthesis():
    assert kinds(*ring(11)) == {Metal.VALVE}
    assert kinds(*ring(3.0)) == {Metal.CLIPS}
    assert kinds(*ring(11, hu=1500)) == set()  # calcium of the annulus
    assert kinds(*ring(11, row=75, column=95)) == {Metal.OTHER}  # 37 mm from the valves


@pytest.mark.usefixtures("noise_known")
def test_wires_in_the_sternum_are_told_and_harm_no_grade():
    wire = box((20, 2), (18, 3), (60, 12), 2600)
    volume, labelled = chest([wire])
    quality = score(volume, labelled).quality
    assert (quality.flags, quality.grade) == (("sternal_wires",), "A")


def test_metal_on_the_skin_or_far_off_is_nothing():
    assert kinds(box((20, 2), (6, 3), (60, 12), 2600)) == set()  # an electrode
    assert kinds(box((20, 2), (112, 3), (60, 12), 2600)) == set()  # the spine
    assert kinds(box((20, 2), (18, 3), (4, 8), 2600)) == set()  # a rib at the side


def test_a_bright_end_of_a_rib_is_no_metal():
    """As on a real scan: 1,679 HU at 110 kVp, called metal, before the heart."""
    rib = box((20, 4), (30, 6), (85, 8), 1679, Label.METAL)
    assert kinds(rib, kvp=110.0) == set()


@pytest.mark.parametrize("kind", list(Metal))
def test_every_kind_has_a_flag(kind):
    from screening.scoring import RULES, Flag

    assert RULES[Flag(kind.value)] == {Metal.WIRES: "A"}.get(kind, "C")
