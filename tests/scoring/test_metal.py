"""Metal is told by kind, and never counted."""

from dataclasses import replace

import numpy as np
import pytest
from chest import box, chest

from screening.records import Label
from screening.scoring import name_metal, score
from screening.scoring.kvp import metal_from_hu
from screening.scoring.metal_kinds import Metal, kinds_of_metal
from screening.surroundings import Place
from screening.things import Things, in_shares


def kinds(*paint, **settings):
    volume, labelled = chest(paint, **settings)
    return set(kinds_of_metal(volume, name_metal(volume, labelled)))


@pytest.mark.parametrize(
    ("kvp", "hu"),
    [(120.0, 2000.0), (None, 2000.0), (100.0, 2230.8), (80.0, 2723.1), (70.0, 3000.0)],
)
def test_nothing_is_calcium_from_here(kvp, hu):
    assert metal_from_hu(kvp) == pytest.approx(hu, abs=0.1)


def unsure(painted, probability=0.75):
    """Painted labels of which inference is no surer than this."""
    volume, labelled = painted
    share = np.full_like(labelled.probability, probability)
    return volume, replace(labelled, probability=share)


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


@pytest.mark.parametrize(("probability", "counts"), [(0.79, False), (0.8, True)])
def test_what_is_surely_calcium_counts_however_bright(probability, counts):
    paint = [box((20, 1), (45, 2), (40, 16), 2400, Label.LAD)]
    volume, labelled = unsure(chest(paint), probability)
    found = score(volume, labelled)
    assert (found.agatston > 0) is counts
    told = Metal.VERY_BRIGHT if counts else Metal.STENT  # a remark it has in any case
    assert kinds_of_metal(volume, name_metal(volume, labelled)) == {told}
    clip = [box((20, 1), (45, 2), (40, 6), 1800, Label.LAD)]
    assert score(*unsure(chest(clip), 0.98)).agatston == 0


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


def test_one_bright_voxel_is_noise():
    spot = box((20, 1), (45, 1), (40, 1), 2500, Label.LAD)
    volume, labelled = chest([box((20, 1), (45, 2), (40, 10), 500, Label.LAD), spot])
    assert score(volume, labelled).agatston > 0


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
