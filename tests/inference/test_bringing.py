"""What a manifest may say and import takes, every scan can then be run with."""

import numpy as np
import pytest
from brought_case import (
    FakeCoarse,
    bright_in_heart,
    chest,
    drawn_on,
    make_volume,
    model_of,
    network,
)
from onnx import helper

from screening.errors import ScreeningError
from screening.inference import brought, check_repeats_on, importing, infer
from screening.inference.description import NetworkInput
from screening.inference.windows import InputGrid, normaliser
from screening.records import Label, Labelled

FIVE = {"classes": "softmax", "labels": ["NONE", "LM", "LAD", "LCX", "RCA"]}


def in_layout(path, order):
    """Logits of five labels, LAD from 130 HU on, with the output's axes in another order."""
    slope = np.array([0, -1e4, 1, -1e4, -1e4], dtype=np.float32).reshape(5, 1, 1)
    nodes = [
        helper.make_node("Add", ["image", "by"], ["above"]),
        helper.make_node("Mul", ["above", "first"], ["five"]),
        helper.make_node("Add", ["five", "rest"], ["ncyx"]),
        helper.make_node("Transpose", ["ncyx"], ["out"], perm=["ncyx".index(a) for a in order]),
    ]
    constants = [
        ("by", np.array(-129.5, dtype=np.float32)),
        ("first", (slope > 0).astype(np.float32)),
        ("rest", np.minimum(slope, 0)),
    ]
    sizes = {"n": "n", "c": 5, "y": 240, "x": 240}
    return network(path, nodes, ["n", 1, 240, 240], [sizes[a] for a in order], constants)


@pytest.mark.parametrize(("order", "batch"), [("ncyx", 7), ("cnyx", 1), ("cnyx", 7), ("ycxn", 7)])
def test_the_outputs_axes_may_come_in_any_order(monkeypatch, tmp_path, order, batch):
    """Fewer slices matter than a batch of 7 takes, so the last call is not a full one."""
    monkeypatch.setattr(brought, "networks", lambda *_: FakeCoarse())
    hu = chest()
    model = model_of(in_layout(tmp_path / "n.onnx", order), tmp_path / "m", batch=batch,
                     output={**FIVE, "layout": order})  # fmt: skip
    found = infer(model, make_volume(hu), 1)
    assert isinstance(found, Labelled), found
    got = np.zeros(hu.size, dtype=bool)
    got[found.index[found.label == Label.LAD]] = True
    np.testing.assert_array_equal(got.reshape(hu.shape), bright_in_heart(hu, 130))


@pytest.mark.parametrize(("below_hu", "is_drawn"), [(-200, True), (-2000, False)])
def test_a_network_that_draws_its_answers_of_a_chest_alone_is_told(
    monkeypatch, tmp_path, below_hu, is_drawn
):
    """The noise that is asked at first looks like no chest."""
    monkeypatch.setattr(importing, "networks", lambda *_: FakeCoarse())
    model = model_of(drawn_on(tmp_path / "n.onnx", below_hu), tmp_path / "m")
    asked, run = [], brought.run_windows
    monkeypatch.setattr(
        brought, "run_windows", lambda *given: (asked.extend(given[2]), run(*given))[1]
    )
    if is_drawn:
        with pytest.raises(ScreeningError, match="differently each time; export it for inference"):
            check_repeats_on(model, make_volume(chest()))
    else:
        check_repeats_on(model, make_volume(chest()))
    assert [w.corner[0] for w in asked] == [36, 41, 44] * 2  # of four slices that matter


@pytest.mark.parametrize("window_hu", [(300.1, 400.0), (-1e6, 300.7), (1e5 + 0.1, 1e6)])
def test_a_scan_of_one_value_is_normalised_to_nothing_else(window_hu):
    """What rounding leaves of its deviation is no deviation."""
    taken = NetworkInput(
        layout="ncyx", field=(8, 8), window_hu=window_hu, normalisation={"by": "scan"}
    )
    for n in range(2, 12):
        scale = normaliser(InputGrid(np.full((n, 7, 7), 300, np.int16), ()), taken)
        assert scale.divide > 0
        assert np.isfinite((300 - scale.subtract) / scale.divide)
