"""What may be calcium and was not counted is remarked on, and so is a heart on the wrong side."""

from dataclasses import replace

import numpy as np
import pytest
from chest import box, chest

from screening.records import Label
from screening.scoring import score
from screening.scoring.left_out import heart_to_the_left_mm
from screening.things import Things, in_shares

SPOT = (20, 1), (45, 2), (40, 5)  # 10 mm2 of one slice of 2 mm, or so
MISTAKEN = (Label.PERICARDIUM, Label.NODE, Label.MITRAL_ANNULUS, Label.AIRWAY)
OTHERS = (Label.AORTA, Label.AORTIC_VALVE, Label.BONE, Label.NONE)


def spotted(share, hu, label=Label.AORTA, counted=(), metal=0.0):
    """A chest in which one bright spot is an artery's, and metal, with this probability."""
    volume, labelled = chest([box(*SPOT, hu, label), *counted])
    is_spot = labelled.label == label
    things = Things(
        owner=np.where(is_spot, 0, 1).astype(np.int32),
        names=("lad", "metal", "node"),
        shares=in_shares(np.array([[share, metal, 1 - share - metal], [1.0, 0.0, 0.0]])),
        coronary=in_shares(np.array([share, 1.0])),
        counts_from=0.5,
    )
    return volume, replace(labelled, things=things)


def flags(*given, **settings):
    return score(*spotted(*given, **settings)).quality.flags


@pytest.mark.parametrize(("share", "is_flagged"), [(0.249, False), (0.25, True), (0.49, True)])
def test_what_may_be_calcium_is_remarked_on(share, is_flagged):
    assert ("calcium_possible" in flags(share, 450)) is is_flagged
    assert "calcium_possible" not in flags(share, 450, Label.METAL)  # has flags of its own


@pytest.mark.parametrize("label", MISTAKEN)
@pytest.mark.parametrize(
    ("share", "metal", "is_flagged"),
    [(0.1, 0.0, True), (0.01, 0.09, True), (0.06, 0.04, True), (0.06, 0.039, False)],
)
def test_a_tenth_of_artery_and_metal_is_enough_where_plaque_is_mistaken(
    label, share, metal, is_flagged
):
    assert ("calcium_possible" in flags(share, 450, label, metal=metal)) is is_flagged


@pytest.mark.parametrize("label", OTHERS)
def test_of_other_names_it_is_not(label):
    assert "calcium_possible" not in flags(0.1, 450, label, metal=0.1)


def test_off_the_courses_metal_is_no_plaque():
    """There inference gives the arteries nothing."""
    assert "calcium_possible" not in flags(0.0, 450, Label.NODE, metal=0.4)


def test_a_network_that_knows_no_metal():
    volume, labelled = spotted(0.1, 450, Label.NODE)
    things = replace(labelled.things, names=("lad", "none", "node"))
    found = score(volume, replace(labelled, things=things))
    assert "calcium_possible" in found.quality.flags


@pytest.mark.parametrize(("hu", "is_flagged"), [(199, False), (200, True)])
def test_from_ten_units_on(hu, is_flagged):
    """Weight one and two of the same area."""
    area_mm2 = 10
    volume, _ = chest([box(*SPOT, hu, Label.NODE)])
    units = area_mm2 * volume.spacing_mm[0] * volume.spacing_mm[1] * volume.increment_mm / 3
    assert units < 10 <= 2 * units
    assert ("calcium_possible" in flags(0.4, hu)) is is_flagged


def test_not_where_the_category_stays():
    plaque = [box((30, 1), (60, 10), (40, 10), 450, Label.LAD)]
    assert "calcium_possible" not in flags(0.4, 450, counted=plaque)


@pytest.mark.parametrize(
    ("bone_column", "left_mm", "is_flagged"), [(64, -4.0, False), (72, -12.0, True)]
)
def test_a_heart_on_the_right_is_remarked_on(bone_column, left_mm, is_flagged):
    """The middle of the heart's columns is the 60th; the patient's left has the higher ones."""
    bone = box((10, 40), (104, 8), (bone_column, 1), 600)
    volume, labelled = chest([box(*SPOT, 450, Label.LAD), bone])
    assert heart_to_the_left_mm(volume, labelled) == pytest.approx(left_mm, abs=0.1)
    found = score(volume, labelled)
    assert ("heart_on_the_right" in found.quality.flags) is is_flagged


def test_without_bone_no_side_is_told():
    volume, labelled = chest([box(*SPOT, 450, Label.LAD)])
    assert heart_to_the_left_mm(volume, labelled) is None
    assert heart_to_the_left_mm(volume, replace(labelled, surroundings=None)) is None
