"""Balls along long things: where they lie, what they show, what they touch."""

import numpy as np
import pytest
from tube_case import FLAT, SHAPE, STEP_MM, grid_mm, plaque, seen, tube

from screening.inference import open_model
from screening.inference.balls import BALL_STEP_MM, BALL_VOXELS, N_BALL_FEATURES, find_balls
from screening.inference.session import networks

EVERY = np.ones(1, dtype=bool)


def balls_of(*things):
    frame, candidates = seen(*things)
    return find_balls(frame, candidates, np.ones(len(things), dtype=bool))


def test_balls_lie_along_the_thing_and_touch_it():
    balls = balls_of(tube(20))
    n = len(balls.features)
    assert 4 <= n <= 9  # some 4 mm apart
    assert balls.patches.shape == balls.masks.shape == (n, *BALL_VOXELS)
    assert balls.features.shape == (n, N_BALL_FEATURES)
    assert balls.ball.tolist() == list(range(n))
    assert (balls.candidate == 0).all()
    assert (balls.weight > 0).all()


def test_a_patch_shows_the_scan_between_its_voxels():
    frame, candidates = seen(tube(20))
    ramp = grid_mm() @ np.array([3.0, 1.0, -2.0])  # linear, so exact between voxels
    frame.hu[:] = np.where(frame.hu >= 130, frame.hu, 0)
    balls = find_balls(frame, candidates, EVERY)
    frame.hu[:] = np.rint(10 * ramp)
    shown = find_balls(frame, candidates, EVERY)
    rise = np.diff(shown.patches.mean(axis=0), axis=2).mean()
    assert rise == pytest.approx(-20 * BALL_STEP_MM[2], abs=0.2)
    rise = np.diff(shown.patches.mean(axis=0), axis=0).mean()
    assert rise == pytest.approx(30 * BALL_STEP_MM[0], abs=0.2)
    # The mask lies where the thing is bright.
    bright = balls.patches >= 130
    assert (balls.masks[bright] > 0).mean() > 0.9
    assert (balls.masks[balls.patches < 50] > 0).mean() < 0.02


def test_beyond_the_scan_its_edge_repeats():
    at_mm = np.array([40.0, 1.0, 21.0])
    balls = balls_of(tube(20, at_mm))
    patch = balls.patches[len(balls.patches) // 2]
    first = patch[:, 0]
    assert (first == patch[:, 5]).all()  # rows before the first repeat it
    assert np.isfinite(balls.patches).all()


@pytest.mark.parametrize(("n_slices", "has_balls"), [(3, False), (4, True)])
def test_what_is_shorter_than_a_stent_has_none(n_slices, has_balls):
    """Middles of the outermost voxels are 5.6 and 7.2 mm apart."""
    thing = np.zeros(SHAPE)
    thing[18 : 18 + n_slices, 28:33, 28:33] = 400
    assert bool(len(balls_of(thing).features)) == has_balls


def test_a_huge_thing_has_none_and_nothing_meant_is_nothing_found():
    huge = np.zeros(SHAPE)
    huge[5:35, 10:50, 10:50] = 400
    assert np.prod([30, 40, 40]) * STEP_MM.prod() > 6000
    assert balls_of(huge).patches.shape == (0, *BALL_VOXELS)
    frame, candidates = seen(tube(20))
    none = find_balls(frame, candidates, ~EVERY)
    assert none.features.shape == (0, N_BALL_FEATURES)
    assert none.ball.shape == none.weight.shape == (0,)


def test_a_stent_is_rounder_wider_and_more_even_than_plaque():
    looks = {
        name: balls_of(thing).features[:, :3].mean(axis=0)
        for name, thing in (("stent", tube(20)), ("flat", FLAT), ("plaque", plaque(20)))
    }
    assert looks["stent"][0] > 0.8 > 0.1 > looks["flat"][0]
    assert looks["stent"][1] > looks["flat"][1]
    assert looks["stent"][2] > looks["plaque"][2] + 0.1


@pytest.mark.parametrize("model", ["default", "phantom"])
def test_the_shipped_network_tells_them_apart(model):
    nets = networks(open_model(model), 1)
    odds = {
        name: nets.run_balls(balls_of(thing)).mean()
        for name, thing in (("stent", tube(20)), ("plaque", plaque(20)))
    }
    assert odds["stent"] > 4.0
    assert odds["plaque"] < 1.0
