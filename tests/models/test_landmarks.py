"""Landmarks read off real scans are whole, plausible and, where the scans are, in tissue."""

from pathlib import Path

import numpy as np
import pytest

from models.train.landmarks import read_landmarks, scans
from screening import archive, volume
from screening.errors import ScreeningError
from screening.records import CORONARY_LABELS, Label, Volume

REAL = Path(__file__).parents[3] / "shared" / "real-ct"
SCANS = scans()


@pytest.fixture(params=SCANS)
def marks(request):
    return read_landmarks(request.param)


def polylines(marks):
    return [line for lines in marks.courses.values() for line in lines]


def steps_mm(line):
    return np.linalg.norm(np.diff(line[:, :3], axis=0), axis=1)


def test_a_scan_without_landmarks_is_refused():
    with pytest.raises(ScreeningError, match="no landmarks of 'chest-0'"):
        read_landmarks("chest-0")


def test_the_file_is_of_the_scan_it_is_named_after(marks):
    assert marks.scan in SCANS
    assert read_landmarks(marks.scan).scan == marks.scan
    assert set(marks.courses) == set(CORONARY_LABELS)


def test_courses_go_on_without_a_gap(marks):
    for line in polylines(marks):
        assert line.shape[1] == 3
        assert steps_mm(line).min() > 0.5
        assert steps_mm(line).max() <= 12


def test_courses_lie_around_the_heart(marks):
    """A grown heart is 12 to 15 cm long; its vessels stay within that of the aortic valve."""
    for line in polylines(marks):
        assert np.linalg.norm(line - marks.aortic_valve.centre_lps_mm, axis=1).max() < 130


def test_courses_are_as_long_as_in_a_grown_heart(marks):
    """LM 3-28 mm (CT series); the others run 5 to 20 cm."""
    length = {v: steps_mm(lines[0]).sum() for v, lines in marks.courses.items()}
    assert 3 <= length[Label.LM] <= 28
    assert all(40 <= length[v] <= 220 for v in (Label.LAD, Label.LCX, Label.RCA)), length


def test_the_left_main_leaves_the_root_and_ends_where_its_branches_begin(marks):
    (left_main,) = marks.courses[Label.LM]
    root = marks.aortic_root
    assert np.linalg.norm(left_main[0] - root.centre_lps_mm) < root.radius_mm + 15
    for vessel in (Label.LAD, Label.LCX):
        assert np.linalg.norm(marks.courses[vessel][0][0] - left_main[-1]) < 8


def test_left_is_left_and_right_is_right(marks):
    """LPS: x grows to the left. LAD and LCX lie left of the valve, the RCA mostly right."""
    x = marks.aortic_valve.centre_lps_mm[0]
    for vessel in (Label.LAD, Label.LCX):
        assert marks.courses[vessel][0][:, 0].mean() > x
    assert marks.courses[Label.RCA][0][:, 0].mean() < x


def test_the_mitral_ring_is_a_flat_ring(marks):
    """An annulus is 25 to 50 mm across and bends out of its plane by a few millimetres."""
    ring = marks.mitral_ring
    assert 10 <= len(ring) <= 12
    centred = ring - ring.mean(0)
    across = 2 * np.linalg.norm(centred, axis=1)
    assert across.min() > 22
    assert across.max() < 52
    assert np.abs(centred @ np.linalg.svd(centred)[2][2]).max() < 6
    assert steps_mm(np.vstack([ring, ring[:1]])).max() <= 15


def test_the_aorta_runs_from_the_valve_over_the_arch_down(marks):
    aorta = marks.aorta
    assert np.linalg.norm(aorta[0, :3] - marks.aortic_valve.centre_lps_mm) < 15
    assert steps_mm(aorta).max() <= 16
    assert aorta[:, 3].min() > 8
    assert aorta[:, 3].max() < 30
    top = aorta[:, 2].argmax()
    assert 2 < top < len(aorta) - 5
    assert aorta[-1, 2] < aorta[0, 2]
    assert aorta[-1, 1] > aorta[0, 1] + 20  # descends behind the heart


def test_unsure_stretches_begin_and_end_on_their_course(marks):
    for unsure in marks.unsure:
        line = marks.courses[unsure.label][unsure.polyline]
        for end in unsure.ends_lps_mm:
            assert np.linalg.norm(line - end, axis=1).min() < 0.01


def test_coronary_things_lie_on_their_course(marks):
    for thing in marks.bright_things:
        if thing.label in CORONARY_LABELS:
            lines = marks.courses[thing.label]
            away = min(np.linalg.norm(line - thing.centroid_lps_mm, axis=1).min() for line in lines)
            assert away < (6 if thing.is_sure else 10)


def test_sure_coronary_things_and_true_calcium_are_the_same(marks):
    sure = [b for b in marks.bright_things if b.label in CORONARY_LABELS and b.is_sure]
    for thing in sure:
        assert any(is_same(true, thing) for true in marks.true_coronary)
    for true in marks.true_coronary:
        assert any(is_same(true, thing) for thing in sure)


def is_same(true, thing):
    away = np.linalg.norm(true.centroid_lps_mm - thing.centroid_lps_mm)
    return true.label == thing.label and away < 6


@pytest.mark.skipif(not REAL.is_dir(), reason="the real scans are not beside this checkout")
def test_courses_lie_in_tissue_not_in_lung(marks):
    scan = scan_of(marks.scan)
    assert isinstance(scan, Volume)
    for line in polylines(marks):
        for point in line:
            assert mean_hu(scan, point, 3.0) > -300, point


def scan_of(name):
    address = archive.resolve(str(REAL / name))
    headers = archive.read_headers(address, archive.list_files(address).stats).instances
    return volume.load_volume(name, archive.read_bytes(address, headers["path"].to_pylist()))


def mean_hu(scan, point, radius_mm):
    """Mean of the voxels within a radius of a place."""
    middle = [
        int(np.abs(scan.origins_lps_mm[:, 2] - point[2]).argmin()),
        *(
            round(float((point - scan.origins_lps_mm[0]) @ axis / step))
            for axis, step in zip(
                (scan.row_axis_lps, scan.column_axis_lps), scan.spacing_mm, strict=True
            )
        ),
    ]
    around = np.indices((13, 13, 13)).reshape(3, -1).T - 6 + middle
    near = np.linalg.norm(scan.lps_mm(around.astype(float)) - point, axis=1) <= radius_mm
    return scan.hu[tuple(around[near].T)].mean()
