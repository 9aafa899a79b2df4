"""Another scorer, written from the definition by somebody else, agrees; and laws of any score."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from slow_scorer import Convention, slow_score

from screening.records import CORONARY_LABELS, Label, ScoringParameters
from screening.scoring import CONVENTIONS, score, score_mask

EVERY = settings(max_examples=60, deadline=None)
# Both sides of each edge, and what lies below all of them.
HU = st.sampled_from([40, 89, 90, 129, 130, 131, 199, 200, 299, 300, 399, 400, 999])
# No metal: what touches it is not counted, which has tests of its own.
LABELS = st.sampled_from([0, *CORONARY_LABELS, *CORONARY_LABELS, Label.AORTA, Label.NODE])
# Pixels of which 1, 2, 3, 4, 10, 11 make 1 mm2, some exactly; and some so large that a deposit is
# weighed in parts.
SPACING = st.sampled_from(
    [(1.0, 1.0), (0.999, 1.0), (0.5, 1.0), (0.7, 0.7), (0.6, 0.6), (0.5, 0.5), (0.1, 1.0),
     (0.31, 0.31), (0.9765625, 0.9765625), (4.0, 3.0)]
)  # fmt: skip
INCREMENT = st.sampled_from([0.625, 1.0, 2.5, 3.0, 5.0])


@st.composite
def scans(draw):
    """HU, labels, spacing and increments of a small scan."""
    shape = (draw(st.integers(2, 3)), draw(st.integers(2, 6)), draw(st.integers(2, 6)))
    hu = draw(arrays(np.int16, shape, elements=HU, fill=st.nothing()))
    labels = draw(arrays(np.uint8, shape, elements=LABELS, fill=st.nothing()))
    increment = draw(INCREMENT)
    own = [increment * draw(st.sampled_from([0.9, 1.0, 1.1])) for _ in range(shape[0])]
    return hu, labels, draw(SPACING), increment, own


def made(scan, hu, labels, spacing_mm, increment_mm, own_mm):
    one = scan(hu, labels, spacing_mm=spacing_mm, increment_mm=increment_mm)
    return replace(one.volume, increments_mm=np.array(own_mm)), one.labelled


def measured(scan, case, parameters=None):
    return score(*made(scan, *case), parameters or ScoringParameters())


def counted(case, convention=None):
    hu, labels, spacing_mm, _, own_mm = case
    return slow_score(hu.tolist(), labels.tolist(), spacing_mm, own_mm, convention)


def numbers(result):
    vessels = result.vessels
    return (
        *(result.agatston, result.volume_mm3),
        *(vessels.LM, vessels.LAD, vessels.LCX, vessels.RCA),
    )


def masses(result):
    """Both masses and the ends of their intervals, NaN where none is told."""
    ends = (*result.intervals.mass_mg, *result.intervals.mass_integrated_mg)
    return np.array([result.mass_mg, result.beside.mass_integrated_mg, *ends], dtype=float)


def agrees(result, slow):
    told = pytest.approx((slow.agatston, slow.volume_mm3, *slow.vessels.values()), 1e-9, 1e-9)
    return numbers(result) == told


def test_the_slow_scorer_by_hand():
    hu = [[[150, 40, 40], [40, 320, 40], [40, 40, 129]]]
    labels = [[[1, 0, 0], [0, 2, 0], [0, 0, 2]]]
    # Corners touch: one lesion of 2 mm2, weight 3, in half an increment.
    both = slow_score(hu, labels, (1.0, 1.0), [1.5])
    assert (both.agatston, both.volume_mm3) == (3.0, 3.0)
    assert both.vessels == {"LM": 1.5, "LAD": 1.5, "LCX": 0.0, "RCA": 0.0}
    assert slow_score(hu, labels, (1.0, 1.0), [3.0], Convention(connectivity=4)).agatston == 4.0
    assert slow_score(hu, labels, (1.0, 1.0), [3.0], Convention(min_pixels=3)).agatston == 0.0
    assert slow_score([[[130]]], [[[4]]], (1.0, 1.0), [3.0]).agatston == 1.0
    # Through two slices: two voxels of 0.49 mm2 alone count nothing, three together 3 x 0.49.
    tall = [[[150]], [[250]], [[150]]]
    assert slow_score(tall, [[[4]]] * 3, (0.7, 0.7), [3.0] * 3).agatston == 0.0
    in_space = slow_score(tall, [[[4]]] * 3, (0.7, 0.7), [3.0] * 3, Convention(is_3d=True))
    assert in_space.agatston == pytest.approx(3 * 0.49 * 2)
    apart = [[[150]], [[40]], [[150]]]
    in_space = slow_score(apart, [[[4]]] * 3, (0.7, 0.7), [3.0] * 3, Convention(is_3d=True))
    assert in_space.agatston == 0.0
    strict = Convention(is_strict=True)
    assert slow_score([[[130]]], [[[4]]], (1.0, 1.0), [3.0], strict).agatston == 0.0


@EVERY
@given(scans())
def test_both_scorers_agree(scan, case):
    assert agrees(measured(scan, case), counted(case))


@EVERY
@given(scans())
def test_they_agree_by_other_conventions(scan, case):
    rows_mm, columns_mm = case[2]
    for parameters, convention in (
        (ScoringParameters(connectivity=4), Convention(connectivity=4)),
        (ScoringParameters(is_strict=True), Convention(is_strict=True)),
        (
            ScoringParameters(min_area_mm2=2.5 * rows_mm * columns_mm),
            Convention(min_pixels=3),
        ),
        (ScoringParameters(min_area_mm2=0.0), Convention(min_pixels=1)),
    ):
        assert agrees(measured(scan, case, parameters), counted(case, convention)), convention


# What each named convention means to the slow scorer; a new name needs its own line here.
MEANINGS = {
    "agatston_1990": Convention(),
    "agatston_4_connected": Convention(connectivity=4),
    "agatston_3_pixels": Convention(min_pixels=3),
    "agatston_over_130": Convention(is_strict=True),
    "agatston_3d": Convention(is_3d=True),
}


def test_every_named_convention_has_its_meaning():
    assert MEANINGS.keys() == CONVENTIONS.keys()


@pytest.mark.parametrize("name", MEANINGS)
@EVERY
@given(case=scans())
def test_they_agree_by_every_named_convention(scan, name, case):
    assert agrees(measured(scan, case, CONVENTIONS[name]), counted(case, MEANINGS[name]))
    hu, labels, *rest = case
    drawn = (labels > 0).astype(np.uint8)
    found = score_mask(made(scan, *case)[0], drawn, CONVENTIONS[name])
    slow = counted((hu, drawn, *rest), MEANINGS[name])
    told = (found.agatston, found.volume_mm3)
    assert told == pytest.approx((slow.agatston, slow.volume_mm3), 1e-9, 1e-9)


@EVERY
@given(scans())
def test_they_agree_on_a_drawn_mask(scan, case):
    hu, labels, *rest = case
    drawn = (labels > 0).astype(np.uint8)
    found = score_mask(made(scan, *case)[0], drawn)
    slow = counted((hu, drawn, *rest))
    told = (found.agatston, found.volume_mm3)
    assert told == pytest.approx((slow.agatston, slow.volume_mm3), 1e-9, 1e-9)


@EVERY
@given(scans(), st.integers(0, 4), st.integers(0, 4))
def test_moving_by_whole_pixels_changes_nothing(scan, case, rows, columns):
    hu, labels, *rest = case
    first, moved = ((0, 0), (0, 4), (0, 4)), ((0, 0), (rows, 4 - rows), (columns, 4 - columns))
    placed = [
        (np.pad(hu, around, constant_values=40), np.pad(labels, around), *rest)
        for around in (first, moved)
    ]
    one, other = (measured(scan, case) for case in placed)
    assert numbers(other) == pytest.approx(numbers(one), 1e-9, 1e-9)
    assert len(one.lesions) == len(other.lesions)


@EVERY
@given(scans())
def test_no_label_no_score(scan, case):
    hu, labels, *rest = case
    result = measured(scan, (hu, np.zeros_like(labels), *rest))
    assert numbers(result) == (0, 0, 0, 0, 0, 0)
    assert (result.category, result.lesions, result.mass_mg) == ("0", (), 0)


@EVERY
@given(scans(), st.data())
def test_added_calcium_never_lowers_the_score(scan, case, data):
    hu, labels, *rest = case
    more_hu, more_labels = hu.copy(), labels.copy()
    at = tuple(data.draw(st.integers(0, n - 1)) for n in hu.shape)
    if labels[at] in CORONARY_LABELS:
        more_hu[at] = max(int(hu[at]), data.draw(HU))
    else:
        more_hu[at] = max(int(hu[at]), 130)
        more_labels[at] = data.draw(st.sampled_from(CORONARY_LABELS))
    less, more = measured(scan, case), measured(scan, (more_hu, more_labels, *rest))
    for before, after in zip(numbers(less), numbers(more), strict=True):
        assert after >= before - 1e-9


@EVERY
@given(scans(), st.tuples(st.booleans(), st.booleans(), st.booleans()), st.booleans())
def test_slice_order_and_orientation_change_nothing(scan, case, flips, is_transposed):
    """Feet first, either axis of the plane the other way round, rows and columns exchanged."""
    volume, labelled = made(scan, *case)
    hu, labels, spacing_mm = case[:3]
    turn = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    origins = volume.origins_lps_mm[turn[0]].copy()
    axes = [volume.row_axis_lps, volume.column_axis_lps]
    for k in (0, 1):
        if flips[k + 1]:
            origins += axes[k] * spacing_mm[k] * (hu.shape[k + 1] - 1)
            axes[k] = -axes[k]
    hu, labels = hu[turn], labels[turn]
    if is_transposed:
        hu, labels = hu.transpose(0, 2, 1), labels.transpose(0, 2, 1)
        spacing_mm, axes = spacing_mm[::-1], axes[::-1]
    relabelled = scan(hu, labels, spacing_mm=spacing_mm).labelled
    turned = replace(
        volume,
        hu=np.ascontiguousarray(hu),
        spacing_mm=spacing_mm,
        origins_lps_mm=origins,
        row_axis_lps=axes[0],
        column_axis_lps=axes[1],
        increments_mm=volume.increments_mm[turn[0]],
    )
    one, other = score(volume, labelled), score(turned, relabelled)
    assert numbers(other) == pytest.approx(numbers(one), 1e-9, 1e-9)
    assert masses(other) == pytest.approx(masses(one), 1e-9, 1e-9, nan_ok=True)
    assert (one.category, one.quality) == (other.category, other.quality)
    where = [
        np.array(sorted(np.round(x.centroid_lps_mm, 6).tolist() for x in s.lesions))
        for s in (one, other)
    ]
    np.testing.assert_allclose(*where, atol=2e-6)
