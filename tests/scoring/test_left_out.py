"""What may be calcium and was not counted is remarked on, and so is a heart on the wrong side."""

from dataclasses import replace

import numpy as np
import pytest
from chest import box, chest

from screening.records import Label
from screening.scoring import score
from screening.surroundings import Place
from screening.things import Things, in_shares

SPOT = (20, 1), (45, 2), (40, 5)  # 10 mm2 of one slice of 2 mm, or so


def flags(share, hu, label=Label.NODE, counted=()):
    """Flags of a chest in which one bright spot is an artery's with this probability."""
    volume, labelled = chest([box(*SPOT, hu, label), *counted])
    is_spot = labelled.label == label
    things = Things(
        owner=np.where(is_spot, 0, 1).astype(np.int32),
        names=("lad", "node"),
        shares=in_shares(np.array([[share, 1 - share], [1.0, 0.0]])),
        coronary=in_shares(np.array([share, 1.0])),
        counts_from=0.5,
    )
    return score(volume, replace(labelled, things=things)).quality.flags


@pytest.mark.parametrize(("share", "is_flagged"), [(0.249, False), (0.25, True), (0.49, True)])
def test_what_may_be_calcium_is_remarked_on(share, is_flagged):
    assert ("calcium_possible" in flags(share, 450)) is is_flagged
    assert "calcium_possible" not in flags(share, 450, Label.METAL)  # has flags of its own


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
    ("columns", "is_flagged"), [((9, 9, 9, 9, 8), False), ((9, 9, 9, 8, 8), True)]
)
def test_a_heart_on_the_right_is_remarked_on(columns, is_flagged):
    """In cells of 6 mm, the bones' middle in column 10: 7.2 and 8.4 mm right of it."""
    volume, labelled = chest([box(*SPOT, 450, Label.LAD)])
    place = np.zeros((1, len(columns), 21), dtype=np.uint8)
    place[:, :, ::5] = Place.BONE
    for row, column in enumerate(columns):
        place[0, row, column] |= np.uint8(Place.HEART)
    to_cell = np.eye(3, 4)[[2, 1, 0]] / 6.0
    near = replace(labelled.surroundings, place=place, to_cell=to_cell)
    found = score(volume, replace(labelled, surroundings=near))
    assert ("heart_on_the_right" in found.quality.flags) is is_flagged
