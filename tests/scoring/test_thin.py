"""What is metal in thin slices does not count in their averages."""

from dataclasses import replace

import numpy as np
import pytest
from chest import SHAPE, box, chest, unsure

from screening.records import Label
from screening.scoring import by_conventions, name_metal, with_metal_of_thin
from screening.seen import Seen, regions

# Two slices make an average: slices 20 to 22 lie in averages 10 and 11.
COUNTS = (2,) * (SHAPE[0] // 2)
ROWS, COLUMNS = (45, 2), (40, 6)


def thin(hu, label=Label.LAD):
    return unsure(chest([box((20, 3), ROWS, COLUMNS, hu, label)]), 0.97)


def averages(labelled, paint):
    """Labels of the averages: (slices, rows, columns) blocks, all of one label each."""
    labels = np.zeros((len(COUNTS), *SHAPE[1:]), dtype=np.uint8)
    for slices, rows, columns, label in paint:
        labels[slice(*slices), slice(*rows), slice(*columns)] = label
    index = np.flatnonzero(labels)
    share = np.full(len(index), 0.99, dtype=np.float32)
    return replace(labelled, index=index, label=labels.ravel()[index], probability=share)


@pytest.mark.parametrize(("hu", "is_metal"), [(1199, False), (1200, True)])
def test_a_clip_told_by_its_brightness_is_one_in_the_averages(hu, is_metal):
    volume, labelled = thin(hu)
    found = averages(labelled, [((9, 13), (45, 47), (40, 50), Label.LAD)])
    named = with_metal_of_thin(found, COUNTS, volume, labelled)
    label = np.zeros((len(COUNTS), *SHAPE[1:]), dtype=np.uint8)
    label.ravel()[named.index] = named.label
    is_changed = label[9:13, 45, 40:50] == Label.METAL
    wanted = np.zeros((4, 10), dtype=bool)
    wanted[1:3, :6] = is_metal  # averages 10 and 11, the clip's six columns
    np.testing.assert_array_equal(is_changed, wanted)
    renamed = label.ravel()[named.index] == Label.METAL
    np.testing.assert_allclose(named.probability, np.where(renamed, 0.01, 0.99), rtol=1e-5)
    assert (named is found) is not is_metal


@pytest.mark.parametrize(("label", "changes"), [(Label.RCA, True), (Label.AORTA, False)])
def test_only_what_would_count_is_renamed(label, changes):
    volume, labelled = thin(1500)
    found = averages(labelled, [((10, 12), (45, 47), (40, 46), label)])
    named = with_metal_of_thin(found, COUNTS, volume, labelled)
    assert set(named.label) == {Label.METAL if changes else label}


@pytest.mark.parametrize(("hu", "changes"), [(129, False), (130, True)])
def test_what_is_dimmer_than_calcium_in_the_thin_slices_names_nothing(hu, changes):
    volume, labelled = thin(hu, Label.METAL)
    found = averages(labelled, [((10, 12), (45, 47), (40, 46), Label.LAD)])
    named = with_metal_of_thin(found, COUNTS, volume, labelled)
    assert (Label.METAL in named.label) is changes


@pytest.mark.parametrize(("hu", "counts"), [(600, True), (1500, False)])
def test_stored_voxels_of_thin_slices_count_as_the_scan_does(hu, counts):
    volume, labelled = thin(hu)
    mean = replace(
        volume,
        hu=((volume.hu[::2].astype(int) + volume.hu[1::2]) // 2).astype(np.int16),
        origins_lps_mm=volume.origins_lps_mm[::2],
        increments_mm=volume.increments_mm[::2] * 2,
    )
    found = averages(labelled, [((10, 12), (45, 47), (40, 46), Label.LAD)])
    # The last average holds one slice of the clip and one of tissue: what it makes is calcium.
    assert name_metal(mean, found).label.tolist() == found.label.tolist() or hu == 1500
    seen = Seen("code", "i", regions(mean, found), regions(volume, labelled), COUNTS)
    assert (by_conventions(seen)[0].agatston > 0) is counts
