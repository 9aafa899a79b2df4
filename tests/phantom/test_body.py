"""Bodies: repeatable, anatomically in order, planned calcium."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.phantom import Region, Traits, make_body, random_traits, region_map
from screening.phantom.burden import coronary, lesion_score
from screening.phantom.heart import ROOT, make_heart
from screening.phantom.traits import coronary_probability
from screening.records import CORONARY_LABELS, Label

PLAIN = Traits(coronary_agatston_target=0.0)


@pytest.fixture(scope="module")
def body():
    return make_body(3, replace(PLAIN, coronary_agatston_target=150.0))


def test_a_body_is_a_function_of_seed_and_traits():
    a, b = make_body(5, PLAIN), make_body(5, PLAIN)
    for label in CORONARY_LABELS:
        np.testing.assert_array_equal(a.courses_lps_mm[label], b.courses_lps_mm[label])
    assert not np.array_equal(
        a.courses_lps_mm[Label.LAD], make_body(6, PLAIN).courses_lps_mm[Label.LAD]
    )


@pytest.mark.parametrize("seed", range(4))
def test_coronaries_run_in_the_fat_on_the_heart(seed):
    heart = make_heart(np.random.default_rng(seed), ROOT, 1.0, 4.0, 0.5)
    for label in (Label.LAD, Label.RCA, Label.LCX):
        p = heart.courses[label].astype(np.float32)
        above = heart.surface(p[:, 0], p[:, 1], p[:, 2])
        below_sac = heart.sac(p[:, 0], p[:, 1], p[:, 2])
        assert np.median(np.abs(above - 2.2)) < 1.0
        assert (above > -1.0).mean() > 0.85  # the ostium and the crux touch walls
        assert (below_sac < 0.5).all()
    a, b = (heart.chambers[k][0] for k in ("left_ventricle", "right_ventricle"))
    p = heart.courses[Label.LAD][25:].astype(np.float32)
    gap = np.abs(a.distance(*p.T) - b.distance(*p.T))
    assert np.median(gap) < 3.0


def test_coronaries_have_their_topology(body):
    courses = body.courses_lps_mm
    fork = courses[Label.LM][-1]
    np.testing.assert_allclose(courses[Label.LAD][0], fork, atol=1e-6)
    np.testing.assert_allclose(courses[Label.LCX][0], fork, atol=1e-6)
    length = {k: np.linalg.norm(np.diff(v, axis=0), axis=1).sum() for k, v in courses.items()}
    assert 6 < length[Label.LM] < 30
    assert all(45 < length[k] < 200 for k in (Label.LAD, Label.LCX, Label.RCA))
    valve = body.landmarks_lps_mm["aortic_valve"]
    assert courses[Label.RCA][40, 0] < valve[0] < fork[0]  # right is -x, left is +x
    assert courses[Label.LAD][-1, 2] < valve[2] - 25  # down to the apex
    assert courses[Label.LCX][40, 1] > courses[Label.LAD][40, 1] + 20  # at the back


def test_regions_lie_where_they_belong(body):
    z, y, x = np.arange(-120, 180, 6.0), np.arange(-190, 120, 6.0), np.arange(-200, 201, 6.0)
    regions = region_map(body, z, y, x)
    assert regions.shape == (len(z), len(y), len(x))
    assert regions.dtype == np.uint8

    def centre(region):
        k, j, i = np.nonzero(regions == region)
        return np.array([x[i].mean(), y[j].mean(), z[k].mean()])

    assert set(np.unique(regions)) >= set(Region) - {Region.OESOPHAGUS}
    low, high = body.heart_box_lps_mm
    assert (centre(Region.HEART) > low).all()
    assert (centre(Region.HEART) < high).all()
    assert centre(Region.HEART)[0] > 0  # to the left
    assert centre(Region.LIVER)[0] < 0
    assert centre(Region.LIVER)[2] < centre(Region.HEART)[2]
    assert centre(Region.PULMONARY_TRUNK)[2] > centre(Region.HEART)[2]
    litres = (regions == Region.LUNG).sum() * 0.216e-3
    assert 1.5 < litres < 9
    step = np.array([x[0], y[0], z[0]])
    at = np.rint((body.landmarks_lps_mm["heart_centre"] - step) / 6).astype(int)
    assert regions[at[2], at[1], at[0]] == Region.HEART
    flipped = region_map(body, z[::-1], y, x)
    assert (flipped[::-1] == regions).mean() > 0.99


@pytest.mark.parametrize("target", [8.0, 100.0, 300.0, 1000.0])
def test_a_wanted_coronary_burden_is_met(target):
    heart = make_heart(np.random.default_rng(2), ROOT, 1.0, 4.0, 0.3)
    lesions = coronary(np.random.default_rng(4), heart, target)
    assert sum(lesion_score(d) for d in lesions) == pytest.approx(target, rel=0.2)
    assert {d.label for d in lesions} <= set(CORONARY_LABELS)


def test_no_burden_gives_no_lesion():
    assert not [d for d in make_body(1, PLAIN).deposits if d.label in CORONARY_LABELS]


def test_traits_place_their_calcium_and_metal():
    traits = replace(
        PLAIN,
        aorta_mg=80.0,
        aortic_valve_mg=30.0,
        mitral_annulus_mg=150.0,
        airway_mg=20.0,
        pericardium_mg=50.0,
        node_mg=40.0,
        costal_cartilage=0.8,
        n_stents=1,
        has_sternal_wires=True,
    )
    body = make_body(9, traits)
    mass = {k: sum(d.mass_mg for d in body.deposits if d.label == k) for k in Label}
    wanted = {
        Label.AORTA: 80,
        Label.AORTIC_VALVE: 30,
        Label.MITRAL_ANNULUS: 150,
        Label.PERICARDIUM: 50,
        Label.NODE: 40,
    }
    for label, mg in wanted.items():
        assert mass[label] == pytest.approx(mg, rel=0.5), label
    assert mass[Label.BONE] > 50
    assert any(d.is_metal and d.mass_mg == 0 for d in body.deposits)
    annulus = np.concatenate([d.points_mm for d in body.deposits if d.label == 7])
    away = np.linalg.norm(annulus - body.landmarks_lps_mm["mitral_valve"], axis=1)
    assert 8 < np.median(away) < 28


def test_calcium_becomes_likelier_with_age_and_in_men():
    assert coronary_probability(45, "M") < coronary_probability(75, "M")
    assert coronary_probability(60, "F") < coronary_probability(60, "M")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_random_traits_are_people(seed):
    traits = random_traits(np.random.default_rng(seed))
    assert traits == random_traits(np.random.default_rng(seed))
    assert 25 <= traits.age_years <= 92
    assert traits.coronary_agatston_target is not None
    assert 0 <= traits.coronary_agatston_target <= 5000


@pytest.mark.parametrize("bad", [{"sex": "X"}, {"height_cm": 60}, {"bmi": 90}])
def test_impossible_traits_are_refused(bad):
    with pytest.raises(ValueError, match="must be"):
        Traits(**bad)


def test_more_calcium_leaves_the_anatomy_as_it_is():
    few, many = (make_body(8, replace(PLAIN, coronary_agatston_target=t)) for t in (20.0, 400.0))
    for label in CORONARY_LABELS:
        np.testing.assert_array_equal(few.courses_lps_mm[label], many.courses_lps_mm[label])
