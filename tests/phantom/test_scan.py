"""Scans: known mass comes back, labels and truth agree with the pixels."""

from dataclasses import replace

import numpy as np
import pytest

from screening.phantom import Protocol, Traits, hu_per_mg_cm3, make_body, simulate
from screening.phantom.noise import KERNELS, noise_slices
from screening.phantom.splat import optics, splat
from screening.records import CORONARY_LABELS, PADDING_HU, Label

DECOYS = Traits(
    sex="F",
    age_years=70.0,
    height_cm=162.0,
    bmi=27.0,
    coronary_agatston_target=350.0,
    aorta_mg=80.0,
    aortic_valve_mg=25.0,
    mitral_annulus_mg=120.0,
    airway_mg=25.0,
    pericardium_mg=40.0,
    node_mg=60.0,
    costal_cartilage=0.6,
    n_stents=1,
    tortuosity=0.2,
)
QUIET = Protocol(
    matrix=256, fov_mm=200.0, increment_mm=3.0, thickness_mm=3.0, noise_hu=0.0, has_table=False
)


def heart_only(body, protocol=QUIET):
    low, high = body.heart_box_lps_mm
    middle = (low + high) / 2
    return replace(
        protocol,
        z_top_mm=float(high[2] + 12),
        z_bottom_mm=float(low[2] - 9),
        center_lps_mm=(float(middle[0]), float(middle[1])),
    )


@pytest.fixture(scope="module")
def body():
    return make_body(11, DECOYS)


@pytest.fixture(scope="module")
def quiet(body):
    return simulate(body, heart_only(body), 0)


def slow_agatston(hu, mask, spacing_mm, increment_mm):
    """Flood fill, pixel by pixel, slice by slice."""
    total = 0.0
    for plane, allowed in zip(hu, mask, strict=True):
        todo = {tuple(p) for p in np.argwhere(allowed & (plane >= 130))}
        while todo:
            stack, lesion = [todo.pop()], []
            while stack:
                r, c = stack.pop()
                lesion.append((r, c))
                for q in [(r + i, c + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]:
                    if q in todo:
                        todo.remove(q)
                        stack.append(q)
            area = len(lesion) * spacing_mm[0] * spacing_mm[1]
            if area >= 1.0:
                peak = max(plane[p] for p in lesion)
                weight = 4 if peak >= 400 else 3 if peak >= 300 else 2 if peak >= 200 else 1
                total += area * weight
    return total * increment_mm / 3.0


def test_truth_equals_an_independent_slow_scorer(quiet):
    assert quiet.truth.coronary_agatston > 100
    for label, score in quiet.truth.agatston.items():
        slow = slow_agatston(quiet.hu, quiet.labels == label, quiet.spacing_mm, quiet.increment_mm)
        assert score == pytest.approx(slow, rel=1e-5, abs=1e-5), label
    assert quiet.truth.coronary_agatston == pytest.approx(
        sum(quiet.truth.agatston.get(k, 0.0) for k in CORONARY_LABELS)
    )


def test_the_same_seed_gives_the_same_scan_and_another_only_other_noise(body):
    protocol = heart_only(body, replace(QUIET, matrix=96, noise_hu=20.0))
    a, b, c = simulate(body, protocol, 1), simulate(body, protocol, 1), simulate(body, protocol, 2)
    np.testing.assert_array_equal(a.hu, b.hu)
    np.testing.assert_array_equal(a.labels, c.labels)
    assert a.truth == c.truth
    assert 10 < (a.hu - c.hu).std() / np.sqrt(2) < 30


def test_bright_voxels_have_a_label(quiet):
    bright = quiet.hu >= 130
    assert bright.any()
    assert (quiet.labels[bright] != Label.NONE).mean() > 0.999
    assert (quiet.hu[quiet.labels != Label.NONE] >= 99).all()


@pytest.mark.parametrize(
    ("kvp", "increment_mm", "thickness_mm"),
    [(120.0, 3.0, 3.0), (80.0, 1.5, 1.5), (140.0, 1.5, 3.0)],  # the last one overlaps
)
def test_known_mass_comes_back(kvp, increment_mm, thickness_mm):
    traits = Traits(coronary_agatston_target=300.0, costal_cartilage=0.0, osteophytes=0.0)
    with_calcium = make_body(4, traits)
    without = replace(with_calcium, deposits=())
    protocol = heart_only(
        with_calcium,
        replace(QUIET, matrix=128, kvp=kvp, increment_mm=increment_mm, thickness_mm=thickness_mm),
    )
    scan, empty = simulate(with_calcium, protocol, 0), simulate(without, protocol, 0)
    excess = (scan.hu.astype(float) - empty.hu).sum()
    voxel_cm3 = protocol.pixel_mm**2 * increment_mm / 1000
    mass_mg = excess * voxel_cm3 / hu_per_mg_cm3(kvp)
    assert mass_mg == pytest.approx(scan.truth.coronary_mass_mg, rel=0.05)


def test_motion_smears_but_keeps_mass_and_truth(body):
    quiet = simulate(body, heart_only(body, replace(QUIET, matrix=160)), 0)
    moved = simulate(body, replace(quiet.protocol, motion_mm=6.0), 0)
    empty = replace(body, deposits=())
    still_background = simulate(empty, quiet.protocol, 0).hu.astype(float)
    moved_background = simulate(empty, moved.protocol, 0).hu.astype(float)
    still = (quiet.hu - still_background).clip(0, 2500).sum()
    assert (moved.hu - moved_background).clip(0, 2500).sum() == pytest.approx(still, rel=0.06)
    assert moved.truth.mass_mg == quiet.truth.mass_mg
    assert moved.truth.coronary_agatston == pytest.approx(quiet.truth.coronary_agatston, rel=0.1)
    in_vessel = np.isin(quiet.labels, CORONARY_LABELS)
    peak = np.percentile(quiet.hu[in_vessel], 98)
    assert np.percentile(moved.hu[np.isin(moved.labels, CORONARY_LABELS)], 98) < peak


def test_geometry_is_told_as_it_is(body):
    protocol = Protocol(
        matrix=96, fov_mm=384.0, increment_mm=5.0, thickness_mm=5.0, tilt_degrees=10
    )
    scan = simulate(body, protocol, 0)
    assert scan.hu.dtype == np.int16
    assert scan.labels.dtype == np.uint8
    assert scan.hu.shape == scan.labels.shape == (len(scan.origins_lps_mm), 96, 96)
    assert scan.spacing_mm == (4.0, 4.0)
    np.testing.assert_allclose(np.diff(scan.origins_lps_mm[:, 2]), -5.0)
    np.testing.assert_allclose(np.linalg.norm(scan.row_axis_lps), 1.0)
    assert scan.row_axis_lps[2] == pytest.approx(np.sin(np.radians(10)))
    heart = body.landmarks_lps_mm["heart_centre"]
    steps = np.stack([[0, 0, -5.0], 4 * scan.row_axis_lps, 4 * scan.column_axis_lps])
    at = np.rint((heart - scan.origins_lps_mm[0]) @ np.linalg.inv(steps)).astype(int)
    patch = scan.hu[at[0], at[1] - 1 : at[1] + 2, at[2] - 1 : at[2] + 2]
    assert 15 < np.median(patch) < 80


def test_contrast_brightens_blood_and_is_no_label(body):
    protocol = heart_only(body, replace(QUIET, matrix=96, contrast_hu=250.0))
    bright = simulate(body, protocol, 0)
    plain = simulate(body, replace(protocol, contrast_hu=0.0), 0)
    np.testing.assert_array_equal(bright.labels, plain.labels)
    assert bright.truth == plain.truth
    assert ((bright.hu - plain.hu) > 200).sum() > 5000


def test_outside_the_circle_is_padding_when_asked(body):
    protocol = heart_only(body, replace(QUIET, matrix=64, is_padded=True))
    hu = simulate(body, protocol, 0).hu
    assert (hu[:, 0, 0] == PADDING_HU).all()
    assert (hu[:, 32, 32] > -1024).all()


@pytest.mark.parametrize("kernel", KERNELS)
def test_noise_has_the_asked_strength_and_texture(kernel):
    rng = np.random.default_rng(0)
    planes = np.stack([p.copy() for p in noise_slices(rng, 6, 128, 0.7, kernel, 0.0)])
    assert planes.std() == pytest.approx(1.0, abs=0.1)
    assert abs(planes.mean()) < 0.05
    neighbour = (planes[:, :, 1:] * planes[:, :, :-1]).mean()
    assert {"soft": 0.5, "medium": 0.2, "sharp": -0.4}[kernel] < neighbour < 0.95


def test_soft_noise_is_smoother_than_sharp():
    def neighbour(kernel):
        p = next(noise_slices(np.random.default_rng(0), 1, 256, 0.7, kernel, 0.0))
        return (p[:, 1:] * p[:, :-1]).mean()

    assert neighbour("soft") > neighbour("medium") > neighbour("sharp")


def test_a_splatted_point_keeps_its_weight():
    seen = optics(0.5, (0.7, 0.7), 3.0, 3.0, (9, 40, 40))
    patch = splat(np.array([[4.3, 20.2, 19.7]]), np.array([500.0]), seen)
    assert patch is not None
    assert patch.hu.sum() * seen.voxel_mm3 == pytest.approx(500.0, rel=0.01)
    assert splat(np.array([[40.0, 20.0, 20.0]]), np.ones(1), seen) is None


@pytest.mark.parametrize(
    "bad", [{"kernel": "x"}, {"fov_mm": 0.0}, {"tilt_degrees": 45.0}, {"kvp": 20.0}]
)
def test_impossible_protocols_are_refused(bad):
    with pytest.raises(ValueError, match=r"must|at most"):
        Protocol(**bad)
