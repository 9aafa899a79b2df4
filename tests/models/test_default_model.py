"""The model that travels with the program does its job on phantoms it has not seen."""

import numpy as np
import pytest

from models.train.judge import agatston, category, label_map
from models.train.phantoms import TEST_SEED
from screening.inference import infer, open_model
from screening.phantom import Protocol, Traits, make_body, simulate
from screening.reasons import Reason
from screening.records import CORONARY_LABELS, Labelled, Rejection

PROTOCOL = Protocol(matrix=256, fov_mm=340, increment_mm=3.0, thickness_mm=3.0, noise_hu=9)


def found_of(scan):
    volume = scan.as_volume("test")
    out = infer(open_model(), volume, threads=1)
    assert isinstance(out, Labelled)
    return volume, out, np.isin(label_map(volume, out), [int(v) for v in CORONARY_LABELS])


@pytest.mark.parametrize("target", [0.0, 700.0])
def test_coronary_calcium_is_told_from_other_calcium(target):
    traits = Traits(coronary_agatston_target=target, aorta_mg=80.0)
    scan = simulate(make_body(TEST_SEED + 900, traits), PROTOCOL, 1)
    volume, out, is_coronary = found_of(scan)
    found = agatston(volume, is_coronary)
    assert category(found) == category(scan.truth.coronary_agatston)
    assert not out.is_heart_cut
    assert out.blood_pool.mean_hu == pytest.approx(42, abs=15)


def test_contrast_is_seen_in_the_blood():
    scan = simulate(
        make_body(TEST_SEED + 901, Traits()),
        Protocol(**{**_as_dict(PROTOCOL), "contrast_hu": 250.0}), 1,
    )  # fmt: skip
    _, out, _ = found_of(scan)
    assert out.blood_pool.mean_hu > 180


def test_a_scan_that_ends_in_the_heart_is_cut_and_one_of_the_abdomen_is_refused():
    body = make_body(TEST_SEED + 902, Traits())
    low, high = body.heart_box_lps_mm
    middle = float(low[2] + high[2]) / 2
    cut = simulate(body, Protocol(**{**_as_dict(PROTOCOL), "z_bottom_mm": middle}), 1)
    assert found_of(cut)[1].is_heart_cut
    belly = {**_as_dict(PROTOCOL), "z_top_mm": float(low[2]) - 15}
    out = infer(open_model(), simulate(body, Protocol(**belly), 1).as_volume("test"), threads=1)
    assert isinstance(out, Rejection)
    assert out.reason is Reason.NOT_CHEST


def _as_dict(protocol):
    return {name: getattr(protocol, name) for name in protocol.__slots__}
