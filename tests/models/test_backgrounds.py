"""Calcium placed into a scan: what is added, what is named, what is left alone."""

import dataclasses

import numpy as np
import pytest

from models.train import backgrounds
from models.train.landmarks import Ball, BrightThing, Landmarks, TrueCalcium
from models.train.placed import with_true_calcium
from screening.phantom import Protocol, Traits, make_body, simulate
from screening.phantom import deposits as make
from screening.records import CORONARY_LABELS, Label

CORONARY = [int(v) for v in CORONARY_LABELS]


@pytest.fixture(scope="module")
def chest():
    """A calcium-free chest standing for a real scan, and its landmarks."""
    body = make_body(
        29_000_001, Traits(coronary_agatston_target=0.0, costal_cartilage=0.0, osteophytes=0.0)
    )
    low, high = body.heart_box_lps_mm
    protocol = Protocol(
        matrix=256, fov_mm=300, increment_mm=2.0, thickness_mm=2.0, noise_hu=6,
        z_top_mm=float(high[2] + 20), z_bottom_mm=float(low[2] - 10),
    )  # fmt: skip
    volume = simulate(body, protocol, 1).as_volume("real")
    points = body.landmarks_lps_mm
    ring = points["mitral_valve"] + 15 * np.stack(
        [np.cos(t := np.linspace(0, 6, 12)), np.sin(t), 0 * t], axis=1
    )
    marks = Landmarks(
        scan="phantom",
        tolerance_mm=0.0,
        courses={v: (np.asarray(body.courses_lps_mm[v])[::5],) for v in CORONARY_LABELS},
        unsure=(),
        aortic_valve=Ball(points["aortic_valve"], 12.0),
        valve_normal=np.array([0.0, 0.0, 1.0]),
        aortic_root=Ball(points["aortic_valve"], 15.0),
        mitral_ring=ring,
        aorta=np.array([[*points["aortic_valve"], 15.0], [*points["arch_top"], 14.0]]),
        true_coronary=(),
        bright_things=(BrightThing(Label.BONE, np.zeros(3), True, 300.0, "native"),),
    )
    return volume, marks


def test_no_deposits_change_nothing(chest):
    volume, _ = chest
    placed = backgrounds.painted(np.random.default_rng(0), volume, [], 0.0)
    np.testing.assert_array_equal(placed.volume.hu, volume.hu)
    assert set(np.unique(placed.labels)) <= {0, backgrounds.NATIVE}
    np.testing.assert_array_equal(placed.labels > 0, volume.hu >= 100)


@pytest.mark.parametrize("motion_mm", [0.0, 3.0])
def test_the_mass_of_a_deposit_is_found_in_the_image(chest, motion_mm):
    volume, marks = chest
    rng = np.random.default_rng(1)
    line = backgrounds.resampled(marks.courses[Label.LAD][0])
    one = make.on_tube(rng, Label.LAD, line, 30, 8, 1.5, 2.0, 1.5, 600, np.array([1.0, 0, 0]))
    placed = backgrounds.painted(rng, volume, [one], motion_mm)
    added = (placed.volume.hu.astype(float) - volume.hu).sum()
    voxel_mm3 = volume.spacing_mm[0] * volume.spacing_mm[1] * volume.increment_mm
    # 1 / 0.75 HU a mg/cm3 at 120 kVp (McCollough 2007); HU are rounded down.
    expected = one.mass_mg * 1000 / 0.75 / voxel_mm3
    assert added == pytest.approx(expected, rel=0.06)


def test_calcium_is_named_after_its_artery_and_lies_on_it(chest):
    volume, marks = chest
    rng = np.random.default_rng(2)
    placed = backgrounds.painted(rng, volume, backgrounds.place(rng, marks, 600.0, 0), 0.0)
    found = np.isin(placed.labels, CORONARY)
    assert found.sum() > 30
    for label in CORONARY_LABELS:
        index = np.stack(np.nonzero(placed.labels == label), axis=1).astype(float)
        if len(index):
            line = backgrounds.resampled(marks.courses[label][0])
            away = np.linalg.norm(volume.lps_mm(index)[:, None] - line[None], axis=2).min(axis=1)
            assert np.median(away) < 5.0
    assert (placed.volume.hu[placed.labels == 0] < 100).all()


def test_no_target_places_no_coronary_calcium(chest):
    _, marks = chest
    for seed in range(5):
        placed = backgrounds.place(np.random.default_rng(seed), marks, 0.0, 0)
        assert not {d.label for d in placed} & set(CORONARY_LABELS)


def test_stents_are_metal_and_not_calcium(chest):
    _, marks = chest
    stents = [d for d in backgrounds.place(np.random.default_rng(3), marks, 0.0, 2) if d.is_metal]
    assert [d.label for d in stents] == [Label.METAL, Label.METAL]
    assert sum(d.mass_mg for d in stents) == 0


def test_thicker_slices_keep_the_mean_and_the_brightest_label(chest):
    volume, marks = chest
    rng = np.random.default_rng(4)
    placed = backgrounds.painted(rng, volume, backgrounds.place(rng, marks, 900.0, 0), 0.0)
    thick = backgrounds.thicker(placed, 2)
    n = len(volume.hu) // 2
    assert thick.volume.hu.shape[0] == n
    assert thick.volume.increment_mm == pytest.approx(4.0)
    mean = placed.volume.hu[: 2 * n].reshape(n, 2, *volume.hu.shape[1:]).mean(axis=1)
    np.testing.assert_array_equal(thick.volume.hu, np.floor(mean))
    assert thick.volume.lps_mm(np.array([[0.0, 0, 0]]))[0, 2] == pytest.approx(
        volume.origins_lps_mm[:2, 2].mean()
    )


def test_calcium_that_was_there_counts_as_truth(chest):
    volume, marks = chest
    hu = volume.hu.copy()
    at = backgrounds.index_of(volume, marks.courses[Label.RCA][0][4:5])[0].round().astype(int)
    hu[at[0], at[1] - 1 : at[1] + 2, at[2] - 1 : at[2] + 2] = 350
    where = volume.lps_mm(at[None].astype(float))[0]
    seen = dataclasses.replace(marks, true_coronary=(TrueCalcium(Label.RCA, where, 10.0),))
    native = dataclasses.replace(volume, hu=hu)
    placed = backgrounds.painted(np.random.default_rng(5), native, [], 0.0)
    assert (placed.labels == backgrounds.NATIVE).any()
    named = with_true_calcium(placed, seen)
    assert (named == Label.RCA).sum() == 9
