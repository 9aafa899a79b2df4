"""A stent is told from plaque by the whole tube, and by what lies beside it."""

import numpy as np
import pytest

from screening.inference.candidates import Candidates
from screening.inference.frame import Frame
from screening.inference.tubes import tell_stents
from screening.records import Label

SHAPE = (40, 60, 60)  # slices of 2 mm, pixels of 0.7 mm
STEP_MM = np.array([2.0, 0.7, 0.7])
AXIS_MM = np.array([40.0, 21.0, 21.0])


def grid_mm():
    at = np.stack(np.meshgrid(*[np.arange(n) + 0.5 for n in SHAPE], indexing="ij"), axis=-1)
    return at * STEP_MM


def tube(length_mm, at_mm=AXIS_MM, hu=420):
    """A blurred mesh round a whole artery: bright on the wall of 1.5 mm, nearly so within."""
    away = grid_mm() - at_mm
    r = np.hypot(away[..., 1], away[..., 2])
    across = np.where(r < 1.6, 1.0, np.exp(-(((r - 1.6) / 0.9) ** 2)))
    ends = 1 / (1 + np.exp((np.abs(away[..., 0]) - length_mm / 2) / 0.5))
    return hu * across * ends


def plaque(length_mm, at_mm=AXIS_MM):
    """Lumps of dense calcium on one side of the wall."""
    hu = np.zeros(SHAPE)
    for k, z in enumerate(np.arange(-length_mm / 2, length_mm / 2 + 0.1, 4.0)):
        away = (grid_mm() - at_mm - np.array([z, 0.0, 1.2])) / np.array(
            [2.0, 1.6, 0.8 + 0.3 * (k % 2)]
        )
        hu = np.maximum(hu, (950 if k % 2 else 500) * np.exp(-0.5 * (away**2).sum(axis=-1)))
    return hu


def seen(*things):
    """Each thing one candidate: its frame and its candidates."""
    hu = np.rint(20 + np.sum(things, axis=0)).astype(np.int16)
    voxels = [np.argwhere((thing > 50) & (hu >= 130)) for thing in things]
    frame = Frame(
        hu, (0.7, 0.7), (np.arange(SHAPE[0]) + 0.5) * 2.0, np.full(SHAPE[0], 2.0), False, False,
        False,
    )  # fmt: skip
    n, none = len(things), np.zeros((0,), dtype=np.float32)
    owner = np.repeat(np.arange(n), [len(v) for v in voxels])
    return frame, Candidates(np.concatenate(voxels), owner, np.arange(n), none, none, none)


def told(things, shares):
    """Labels and probabilities where the network gives these shares to metal, the rest to LAD."""
    shares = np.array(shares, dtype=np.float32)
    p = np.zeros((len(shares), len(Label)), dtype=np.float32)
    p[:, Label.METAL], p[:, Label.LAD] = shares, 1 - shares
    label = np.where(shares > 0.5, Label.METAL, Label.LAD).astype(np.uint8)
    return tell_stents(*seen(*things), p, label, np.maximum(shares, 1 - shares))


FLAT = tube(20) * (np.abs(grid_mm()[..., 1] - 21.0) < 1.0)

SPIKE = np.zeros(SHAPE)
SPIKE[15:25, 29:31, 29:31] = 150
SPIKE[16:25:3, 29, 29] = 1500


@pytest.mark.parametrize(
    ("thing", "share", "expected"),
    [
        (tube(20), 0.1, Label.METAL),  # the network says calcium
        (tube(20), 0.6, Label.METAL),
        (FLAT, 0.1, Label.LAD),  # as long and as even, but on one side of the wall
        (plaque(20), 0.1, Label.LAD),
        (plaque(20), 0.8, Label.LAD),  # the network says metal
        (SPIKE, 0.89, Label.LAD),
        (SPIKE, 0.91, Label.METAL),  # and is sure: a lead, a valve
    ],
)
def test_a_tube_is_metal_and_lumps_are_not(thing, share, expected):
    label, probability = told([thing], [share])
    assert label[0] == expected
    assert 0.5 <= probability[0] <= 1


@pytest.mark.parametrize(("n_slices", "expected"), [(3, Label.LAD), (4, Label.METAL)])
def test_what_is_shorter_than_a_stent_is_left_to_the_network(n_slices, expected):
    """Middles of the outermost voxels are 5.6 and 7.2 mm apart."""
    thing = np.zeros(SHAPE)
    thing[18 : 18 + n_slices, 28:33, 28:33] = 400
    assert told([thing], [0.49])[0][0] == expected


@pytest.mark.parametrize(("share", "expected"), [(0.19, Label.LAD), (0.21, Label.METAL)])
def test_beside_a_stent_the_odds_of_metal_are_taken_four_times(share, expected):
    short = np.zeros(SHAPE)
    short[5:7, 10:14, 10:14] = 400
    assert told([tube(20), short], [0.6, share])[0][1] == expected
    assert told([plaque(20), short], [0.3, share])[0][1] == Label.LAD


@pytest.mark.parametrize(("n_clips", "expected"), [(2, Label.LAD), (3, Label.METAL)])
def test_so_they_are_beside_several_clips(n_clips, expected):
    things = []
    for k in range(n_clips + 1):
        short = np.zeros(SHAPE)
        short[5 + 6 * k : 7 + 6 * k, 10:14, 10:14] = 900
        things.append(short)
    label, _ = told(things, [0.95] * n_clips + [0.4])
    assert label[-1] == expected


def test_what_is_neither_metal_nor_coronary_keeps_its_name():
    p = np.zeros((1, len(Label)), dtype=np.float32)
    p[0, Label.NODE], p[0, Label.METAL] = 0.6, 0.4
    label, probability = np.array([Label.NODE], np.uint8), np.array([0.6], np.float32)
    out = tell_stents(*seen(tube(20)), p, label, probability)
    assert out[0][0] == Label.NODE
    assert out[1][0] == np.float32(0.6)


def test_a_huge_thing_is_left_to_the_network():
    huge = np.zeros(SHAPE)
    huge[5:35, 10:50, 10:50] = 400
    assert told([huge], [0.4])[0][0] == Label.LAD
