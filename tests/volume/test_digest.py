"""Digests of a few slices: scans that share images share one of them, and others none."""

import numpy as np
import pytest
from pydicom.uid import generate_uid

from screening.records import Volume
from screening.volume import load_volume

SIZE = 128


def chest(seed, n=40):
    """Noise, as every scanner makes it anew."""
    return np.random.default_rng(seed).normal(40, 20, (n, SIZE, SIZE)).astype("<i2")


@pytest.fixture
def sketch(series, put_pixels):
    """Return a function: slice digests of HU written as a series of their own, edited."""

    def of(hu, edit=lambda ds: None):
        def write(ds, index):
            ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            ds.SeriesInstanceUID = "1.2.4"
            ds.Rows = ds.Columns = SIZE
            edit(ds)
            intercept, slope = float(ds.RescaleIntercept), float(ds.RescaleSlope)
            put_pixels(ds, np.rint((hu[index] - intercept) / slope).astype("<i2"))

        volume = load_volume("key", series(len(hu), write))
        assert isinstance(volume, Volume), volume
        return volume.slice_digests

    return of


def test_the_same_slices_have_the_same_digests(sketch):
    plain = sketch(chest(1))
    assert len(plain) == 16
    assert list(plain) == sorted(set(plain))
    assert all(0 <= digest < 2**63 for digest in plain)

    def elsewhere(ds):
        ds.ImagePositionPatient = [0, 0, ds.ImagePositionPatient[2] + 7]

    def as_others_store_it(ds):
        ds.RescaleIntercept, ds.RescaleSlope = "-1024", "0.5"

    assert sketch(chest(1), elsewhere) == sketch(chest(1), as_others_store_it) == plain
    assert set(sketch(chest(2))).isdisjoint(plain)


@pytest.mark.parametrize(
    "part",
    [slice(1, None), slice(-1), slice(20), slice(20, None), slice(10, 35), slice(None, None, 2)],
    ids=str,
)
def test_a_part_of_a_scan_shares_some_with_the_whole(sketch, part):
    for seed in range(3):
        assert not set(sketch(chest(seed)[part])).isdisjoint(sketch(chest(seed)))


def test_two_stretches_of_one_scan_share_some_where_they_overlap(sketch):
    for seed in range(3):
        assert not set(sketch(chest(seed)[:30])).isdisjoint(sketch(chest(seed)[10:]))


def test_slices_that_hold_hardly_anything_are_no_sign(sketch):
    empty = np.full((5, SIZE, SIZE), -1000, np.int16)
    few = np.tile(np.arange(60, dtype=np.int16).repeat(8), (8, SIZE * SIZE // 480 + 1))
    few = few[:, : SIZE * SIZE].reshape(8, SIZE, SIZE)
    assert sketch(empty) == sketch(few) == ()
    both = sketch(np.concatenate([empty, chest(3, 6)]))
    assert len(both) == 6
    assert both == sketch(chest(3, 6))
