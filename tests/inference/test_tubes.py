"""A stent is told from plaque by all that looks at it, and by what lies beside it."""

import numpy as np
import pytest
from tube_case import AXIS_MM, FLAT, SHAPE, plaque, seen, tube

from screening.inference.balls import find_balls
from screening.inference.tubes import is_meant, tell_stents
from screening.records import Label


def asked(things, shares):
    """What the networks were asked, and the first answer: so much metal, the rest LAD."""
    shares = np.array(shares, dtype=np.float32)
    p = np.zeros((len(shares), len(Label)), dtype=np.float32)
    p[:, Label.METAL], p[:, Label.LAD] = shares, 1 - shares
    label = np.where(shares > 0.5, Label.METAL, Label.LAD).astype(np.uint8)
    frame, candidates = seen(*things)
    return frame, candidates, find_balls(frame, candidates, is_meant(label)), p, label


def told(things, shares, ball_odds=0.0):
    """Labels and probabilities where all balls get these odds."""
    frame, candidates, balls, p, label = asked(things, shares)
    odds = np.broadcast_to(np.float32(ball_odds), len(balls.features))
    return tell_stents(frame, candidates, balls, odds, p, label, p.max(axis=1))


def thing_of(balls):
    return balls.candidate[np.searchsorted(balls.ball, np.arange(len(balls.features)))]


SPIKE = np.zeros(SHAPE)
SPIKE[15:25, 29:31, 29:31] = 150
SPIKE[16:25:3, 29, 29] = 1500


@pytest.mark.parametrize(
    ("thing", "share", "ball_odds", "expected"),
    [
        (tube(20), 0.1, 1.0, Label.METAL),  # the candidate network says calcium
        (tube(20), 0.6, 1.0, Label.METAL),
        (tube(20), 0.1, -6.0, Label.LAD),  # both networks do
        (FLAT, 0.1, -4.0, Label.LAD),  # as long and as even, but on one side of the wall
        (plaque(20), 0.1, -2.0, Label.LAD),
        (plaque(20), 0.8, -2.0, Label.LAD),  # the candidate network says metal
        (plaque(20), 0.1, 3.0, Label.METAL),  # the ball network does
        (SPIKE, 0.99, -4.0, Label.LAD),  # and is sure
    ],
)
def test_a_tube_is_metal_and_lumps_are_not(thing, share, ball_odds, expected):
    label, probability = told([thing], [share], ball_odds)
    assert label[0] == expected
    assert 0.5 <= probability[0] <= 1


def short(hu=400, at=5, beside=10):
    """A thing too short for a ball."""
    thing = np.zeros(SHAPE)
    thing[at : at + 2, beside : beside + 4, beside : beside + 4] = hu
    return thing


@pytest.mark.parametrize(("share", "expected"), [(0.031, Label.LAD), (0.034, Label.METAL)])
def test_beside_a_stent_the_odds_of_metal_are_taken_thirty_times(share, expected):
    assert told([tube(20), short()], [0.6, share], 4.0)[0][1] == expected
    assert told([plaque(20), short()], [0.3, share], -4.0)[0][1] == Label.LAD


@pytest.mark.parametrize(("share", "expected"), [(0.003, Label.LAD), (0.0036, Label.METAL)])
def test_near_its_ends_another_ten_times(share, expected):
    stent = tube(20)
    top = np.argwhere(stent > 110)[:, 0].min()
    near, far = (short(at=top - gap - 1, beside=28) for gap in (6, 7))  # slices of 2 mm
    assert told([stent, near], [0.6, share], 4.0)[0][1] == expected
    assert told([stent, far], [0.6, share], 4.0)[0][1] == Label.LAD


def test_beside_a_stent_the_balls_do_not_save_what_the_network_calls_metal():
    lone, beside = ([0.6], [0.6, 0.6])
    assert told([plaque(20)], lone, -4.0)[0][0] == Label.LAD
    other = plaque(20, AXIS_MM + np.array([0.0, 14.0, 14.0]))
    frame, candidates, balls, p, label = asked([tube(20), other], beside)
    odds = np.where(thing_of(balls) == 0, 4.0, -9.0).astype(np.float32)
    out = tell_stents(frame, candidates, balls, odds, p, label, np.full(2, 0.6, np.float32))
    assert out[0].tolist() == [Label.METAL, Label.METAL]


@pytest.mark.parametrize(
    ("n_clips", "share", "expected"),
    [(2, 0.95, Label.LAD), (3, 0.89, Label.LAD), (3, 0.91, Label.METAL)],
)
def test_so_they_are_beside_several_clips(n_clips, share, expected):
    things = [short(900, 5 + 6 * k) for k in range(n_clips + 1)]
    label, _ = told(things, [share] * n_clips + [0.4])
    assert label[-1] == expected


def test_beside_clips_what_is_long_is_judged_as_ever():
    """Clips are short: heavy plaque of people who have them is plaque."""
    clips = [short(900, 5 + 6 * k) for k in range(3)]
    shares = [0.95] * 3 + [0.6]
    assert told([*clips, plaque(20)], shares, -4.0)[0].tolist() == [Label.METAL] * 3 + [Label.LAD]
    assert told([*clips, tube(20)], shares, 4.0)[0].tolist() == [Label.METAL] * 4


@pytest.mark.parametrize(("ball_odds", "expected"), [(-4.0, Label.LAD), (4.0, Label.METAL)])
def test_what_its_length_calls_calcium_is_no_metal_for_certain(ball_odds, expected):
    away = (AXIS_MM + np.array([0.0, y, x]) for y, x in ((0, 0), (14, 14), (14, -14)))
    things = [*(plaque(20, axis) for axis in away), short(beside=4)]
    label, _ = told(things, [0.95, 0.95, 0.95, 0.4], ball_odds)
    assert label.tolist() == [expected] * 4


def test_what_has_no_ball_is_left_to_the_network():
    assert told([short()], [0.49], 9.0)[0][0] == Label.LAD
    assert told([short()], [0.51], -9.0)[0][0] == Label.METAL


def test_what_is_neither_metal_nor_coronary_keeps_its_name():
    p = np.zeros((1, len(Label)), dtype=np.float32)
    p[0, Label.NODE], p[0, Label.METAL] = 0.6, 0.4
    label, probability = np.array([Label.NODE], np.uint8), np.array([0.6], np.float32)
    frame, candidates = seen(tube(20))
    balls = find_balls(frame, candidates, is_meant(label))
    assert len(balls.features) == 0
    out = tell_stents(frame, candidates, balls, np.zeros(0, np.float32), p, label, probability)
    assert out[0][0] == Label.NODE
    assert out[1][0] == np.float32(0.6)


def test_below_seven_to_one_a_stent_takes_nothing_along():
    """The odds of the long thing rise with those of its balls; the edge is found by halving."""
    things, shares = [tube(20), short()], [0.6, 0.4]
    below, above = -9.0, 9.0
    for _ in range(30):
        middle = (below + above) / 2
        is_alone = told(things, shares, middle)[0][1] == Label.LAD
        below, above = (middle, above) if is_alone else (below, middle)
    label, probability = told(things, shares, below)
    assert label.tolist() == [Label.METAL, Label.LAD]
    assert probability[0] == pytest.approx(7 / 8, abs=1e-4)
    assert told(things, shares, above)[0].tolist() == [Label.METAL, Label.METAL]
