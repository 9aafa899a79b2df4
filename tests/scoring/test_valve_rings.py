"""Wire and mesh in a circle about a valve, told by shape however bright."""

from dataclasses import replace

import numpy as np
import pytest
from chest import SHAPE, box, chest, unsure

from screening.records import Label
from screening.scoring import score
from screening.scoring.metal import name_metal
from screening.scoring.metal_kinds import Metal, kinds_of_metal
from screening.scoring.valve_rings import in_valve_rings

VALVE = (20.0, 75.0, 60.0)  # slice, row, column of the aortic valve


def ring(radius_mm=13.0, share=1.0, wire_mm=2.0, hu=700, middle=VALVE, tall_mm=0.0, squash=1.0):
    """A ring of wire flat in the slices, or a tube; pixels of 1 mm, slices of 2."""
    s, r, c = np.indices(SHAPE, dtype=np.float64)
    y, x = (r - middle[1]) / squash, c - middle[2]
    z = np.maximum(np.abs(s - middle[0]) * 2.0 - tall_mm / 2, 0.0)
    off = np.hypot(np.hypot(x, y) - radius_mm, z)
    is_wire = (off <= wire_mm / 2 + 0.2) & (np.arctan2(y, x) % (2 * np.pi) <= share * 2 * np.pi)
    where = np.nonzero(is_wire)
    return (*where, hu)


def painted(*parts, probability=0.75, label=Label.RCA):
    return unsure(
        chest([(*part, label) if len(part) == 4 else part for part in parts]), probability
    )


def is_ring(*parts, **more):
    return len(in_valve_rings(*painted(*parts, **more))) > 0


@pytest.mark.parametrize("hu", [420, 900, 1500, 2500])
@pytest.mark.parametrize("label", [Label.RCA, Label.AORTA, Label.METAL])
def test_a_ring_of_wire_is_a_valve_and_adds_nothing(hu, label):
    volume, labelled = painted(ring(hu=hu), label=label)
    assert score(volume, labelled).agatston == 0
    named = name_metal(volume, labelled)
    assert set(named.label) == {Label.METAL}
    assert kinds_of_metal(volume, named) == {Metal.VALVE}


@pytest.mark.parametrize(
    ("made", "is_one"),
    [
        ({"hu": 399}, False),
        ({"hu": 400}, True),
        ({"share": 0.6}, False),  # as annuli calcify
        ({"share": 0.8}, True),
        ({"radius_mm": 7.0}, False),
        ({"radius_mm": 9.0}, True),
        ({"radius_mm": 17.0}, True),
        ({"radius_mm": 20.0}, False),
        ({"wire_mm": 5.0}, True),
        ({"wire_mm": 8.0}, False),  # a calcified annulus is thick
        ({"squash": 0.8}, True),  # rings for the mitral valve are wider than deep
        ({"squash": 0.5}, False),
        ({"tall_mm": 18.0}, True),  # a frame of mesh
        ({"tall_mm": 40.0}, True),
        ({"tall_mm": 60.0}, False),
        ({"middle": (20.0, 75.0, 45.0)}, True),
        ({"middle": (40.0, 75.0, 35.0)}, True),  # of the other valves: in the heart
        ({"middle": (20.0, 104.0, 60.0)}, False),
    ],
)
def test_what_makes_a_ring(made, is_one):
    assert is_ring(ring(**made)) is is_one


def test_a_long_plaque_round_the_heart_is_none():
    third = ring(radius_mm=17.0, share=0.4, hu=900)
    volume, labelled = painted(third, probability=1.0)
    assert score(volume, labelled).agatston > 0
    assert kinds_of_metal(volume, name_metal(volume, labelled)) == set()


def test_plaque_is_lost_only_within_three_millimetres_of_the_wire():
    def kept(column):
        plaque = box((20, 1), (75, 2), (column, 3), 390, Label.LCX)
        return score(*painted(ring(radius_mm=13.0), plaque, probability=1.0)).agatston > 0

    assert not kept(75)  # from 1 mm on beside a wire that ends at 74
    assert kept(79)


@pytest.mark.parametrize(("n_rows", "is_one"), [(11, True), (12, False)])
def test_where_so_much_is_bright_nothing_is_looked_for(n_rows, is_one):
    """A scan with contrast: 18 slices of 2 mm, 100 columns: 39.6 and 43.2 ml beside the ring."""
    bright = box((42, 18), (4, n_rows), (10, 100), 700, Label.AORTA)
    assert is_ring(ring(middle=(15.0, 75.0, 60.0)), bright) is is_one


@pytest.mark.parametrize("length_mm", [10, 20, 40])
def test_plaque_beside_a_ring_does_not_hide_it(length_mm):
    wire = ring(radius_mm=12.0, wire_mm=1.6, hu=900)
    plaque = box((19, 3), (74, 3), (75, min(length_mm, 40)), 700, Label.LAD)
    volume, labelled = painted(wire, plaque, probability=0.95)
    named = name_metal(volume, labelled)
    wire_index = np.ravel_multi_index(wire[:3], SHAPE)
    is_wire = np.isin(named.index, wire_index)
    assert (named.label[is_wire] == Label.METAL).all()
    assert Metal.VALVE in kinds_of_metal(volume, named)
    assert score(volume, labelled).agatston < score(*painted(plaque, probability=0.95)).agatston + 1
    again = name_metal(volume, named)
    np.testing.assert_array_equal(again.label, named.label)


def test_two_valves_are_two_rings_and_one_finding():
    other = ring(radius_mm=11.0, middle=(38.0, 75.0, 60.0))
    volume, labelled = painted(ring(radius_mm=12.0), other)
    assert len(in_valve_rings(volume, labelled)) == len(labelled.index)
    assert kinds_of_metal(volume, name_metal(volume, labelled)) == {Metal.VALVE}


def test_without_a_heart_there_is_no_ring():
    volume, labelled = painted(ring())
    assert len(in_valve_rings(volume, replace(labelled, surroundings=None))) == 0
