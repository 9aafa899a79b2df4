"""Thin slices averaged: how many, where they lie, what they hold."""

from dataclasses import replace

import numpy as np
import pytest

from screening.records import (
    PADDING_HU,
    Acquisition,
    Labelled,
    ModelIdentity,
    ScoringParameters,
    Volume,
)
from screening.volume import lay_back, slab_average
from screening.volume.slab import slices_per_slab


def stack(n=9, increment_mm=1.0, thickness_mm=1.0, hu=None):
    values = np.zeros((n, 4, 4), dtype=np.int16) if hu is None else np.asarray(hu, dtype=np.int16)
    n = len(values)
    return Volume(
        series_key="s",
        hu=values,
        spacing_mm=(1.0, 1.0),
        origins_lps_mm=np.stack([np.zeros(n), np.zeros(n), -increment_mm * np.arange(n)], axis=1),
        row_axis_lps=np.array([0.0, 1.0, 0.0]),
        column_axis_lps=np.array([1.0, 0.0, 0.0]),
        increments_mm=np.full(n, increment_mm),
        acquisition=Acquisition(120.0, thickness_mm, "B30f", "", "", None, False, ""),
        image_digest="",
    )


@pytest.mark.parametrize(
    ("increment_mm", "thickness_mm", "n"),
    [
        (0.5, 0.5, 5),
        (0.625, 0.625, 4),
        (1.0, 1.0, 3),
        (1.25, 1.25, 2),
        (1.5, 1.5, 2),
        (0.8, 1.0, 3),  # overlapping: 1.0 + 2 x 0.8 = 2.6 mm
        (1.0, 1.99, 2),
        (1.0, 2.0, 1),  # 2 mm is not thin
        (2.0, 2.0, 1),
        (0.6, 0.6, 5),  # 3.0 mm is nearer to 2.75 mm than 2.4 mm
        (0.8, 0.8, 3.438),  # three make 2.4 mm, four 3.2 mm: 2.75 mm of them
        (1.6, 1.6, 1.719),
        (1.99, 1.99, 1.382),
        (1.99, None, 1.382),
        (3.0, 1.0, 1),  # gaps: nothing to average within 3 mm
        (1.0, None, 3),
    ],
)
def test_how_many_slices_make_a_slab(increment_mm, thickness_mm, n):
    assert slices_per_slab(stack(increment_mm=increment_mm, thickness_mm=thickness_mm)) == n


def test_thick_slices_stay_as_they_are():
    assert slab_average(stack(increment_mm=2.5, thickness_mm=2.5)) is None


def test_a_slab_is_the_mean_where_its_slices_were():
    hu = np.arange(9)[:, None, None] * 10 + np.zeros((9, 4, 4))
    slab = slab_average(stack(hu=hu))
    assert slab is not None
    assert slab.native == ((0, 2), (3, 5), (6, 8))
    assert slab.volume.hu[:, 0, 0].tolist() == [10, 40, 70]
    assert slab.volume.origins_lps_mm[:, 2].tolist() == [-1.0, -4.0, -7.0]
    assert slab.volume.increments_mm.tolist() == [3.0, 3.0, 3.0]
    assert slab.volume.acquisition.slice_thickness_mm == 3.0


def test_what_is_left_over_makes_a_slab_of_its_own_and_nothing_is_lost():
    slab = slab_average(stack(n=11))
    assert slab is not None
    assert slab.volume.increments_mm.tolist() == [3.0, 3.0, 3.0, 2.0]
    assert slab.volume.increments_mm.sum() == 11.0


def test_means_are_rounded_down_and_padding_spreads():
    hu = np.zeros((3, 4, 4))
    hu[:, 0, 0] = (130, 130, 129)  # 129.67: below 130
    hu[:, 0, 1] = (-1, -1, 0)
    hu[1, 3, 3] = PADDING_HU
    slab = slab_average(stack(hu=hu))
    assert slab is not None
    assert (slab.volume.hu[0, 0, 0], slab.volume.hu[0, 0, 1]) == (129, -1)
    assert slab.volume.hu[0, 3, 3] == PADDING_HU


@pytest.mark.parametrize("increment_mm", [0.7, 0.8, 1.6, 1.8, 1.99])
def test_every_thin_stack_comes_to_the_thickness_of_the_convention(increment_mm):
    hu = np.arange(40)[:, None, None] * 10 + np.zeros((40, 4, 4))
    slab = slab_average(stack(increment_mm=increment_mm, thickness_mm=increment_mm, hu=hu))
    assert slab is not None
    assert 2.5 <= slab.volume.acquisition.slice_thickness_mm <= 3.0
    assert (slab.volume.increments_mm[:-1] >= 2.5 - 0.002).all()
    assert (slab.volume.increments_mm[:-1] <= 3.0).all()
    # No millimetre is lost or counted twice, and a ramp stays a ramp.
    assert slab.volume.increments_mm.sum() == pytest.approx(40 * increment_mm)
    assert sum(slab.counts) == 40
    assert min(slab.counts) >= 1
    at = -slab.volume.origins_lps_mm[:, 2] / increment_mm * 10
    assert np.abs(slab.volume.hu[:, 0, 0] - at).max() <= 1  # whole HU, rounded down


def test_a_part_of_a_slice_counts_by_its_part():
    hu = np.zeros((8, 4, 4))
    hu[1] = 1000
    slab = slab_average(stack(increment_mm=1.6, thickness_mm=1.6, hu=hu))
    assert slab is not None
    # 1.719 slices each: 0.719 of the second slice in the first slab, 0.281 in the next.
    assert slab.volume.hu[:, 0, 0].tolist() == [418, 163, 0, 0, 0]
    assert slab.native == ((0, 1), (2, 2), (3, 4), (5, 6), (7, 7))


@pytest.mark.parametrize("increment_mm", [1.0, 1.6])  # whole slices a slab, and parts of some
def test_a_mean_above_130_by_any_fraction_is_above_130(increment_mm):
    hu = np.full((12, 4, 4), 130)
    hu[::2, 0, 0] += 1
    hu[:, 1, 1] = 129
    slab = slab_average(stack(increment_mm=increment_mm, thickness_mm=increment_mm, hu=hu))
    assert slab is not None
    volume, strict = slab.volume, ScoringParameters(is_strict=True)
    over = volume.counts(np.arange(volume.hu.size), strict).reshape(volume.hu.shape)
    assert over[:, 0, 0].all()
    assert over.sum() == len(volume.hu)


def test_means_of_fractions_are_those_of_the_exact_values():
    rng = np.random.default_rng(5)
    thirds = rng.integers(-300, 600, (12, 16, 16))  # HU, in thirds
    scan = replace(stack(n=12, hu=np.zeros((12, 16, 16))), hu=(thirds // 3).astype(np.int16),
                   fraction=np.rint(thirds % 3 * 65536 / 3).astype(np.uint16))  # fmt: skip
    slab = slab_average(scan)
    assert slab is not None
    ninths = thirds.reshape(4, 3, 16, 16).sum(axis=1)
    assert (slab.volume.hu == ninths // 9).all()
    assert ((slab.volume.fraction > 0) == (ninths % 9 > 0)).all()
    assert slab.volume.fraction / 65536 == pytest.approx(ninths % 9 / 9, abs=3e-5)


def test_values_at_the_threshold_stay_there():
    slab = slab_average(stack(increment_mm=1.6, thickness_mm=1.6, hu=np.full((8, 4, 4), 130)))
    assert slab is not None
    assert (slab.volume.hu == 130).all()


def test_noise_falls_as_the_root_of_the_slices():
    hu = np.random.default_rng(1).normal(40, 45, (90, 40, 40))
    scan = replace(stack(), hu=hu.astype(np.int16), origins_lps_mm=np.zeros((90, 3)),
                   increments_mm=np.ones(90))  # fmt: skip
    slab = slab_average(scan)
    assert slab is not None
    assert slab.volume.hu.std() == pytest.approx(45 / np.sqrt(3), rel=0.05)


def test_what_was_found_in_the_averages_lies_back_on_the_native_slices():
    hu = np.zeros((8, 4, 4))
    hu[3:6, 1, 2], hu[6:, 3, 0] = 300, 200
    native = stack(hu=hu)
    slab = slab_average(native)
    assert slab is not None
    index = np.flatnonzero(slab.volume.hu >= 130)
    found = Labelled(index, np.array([2, 4], np.uint8), np.ones(2, np.float32),
                     (1, 3, 0, 4, 0, 4), False, None, ModelIdentity("", "", ""))  # fmt: skip
    volume, labelled = lay_back(slab, native, found)
    assert volume.hu.shape == native.hu.shape
    assert (volume.origins_lps_mm == native.origins_lps_mm).all()
    at = np.stack(np.unravel_index(labelled.index, native.hu.shape), axis=1).tolist()
    assert at == [[3, 1, 2], [4, 1, 2], [5, 1, 2], [6, 3, 0], [7, 3, 0]]
    assert labelled.label.tolist() == [2, 2, 2, 4, 4]
    assert (volume.hu.ravel()[labelled.index] == [300, 300, 300, 200, 200]).all()
    assert labelled.heart_box == (3, 8, 0, 4, 0, 4)
