"""What is taken in is what it says, or is refused in one line with nothing left behind."""

import json
import math

import numpy as np
import onnx
import pytest
from brought_case import described, merged, network, shifted
from onnx import TensorProto, helper

from screening.errors import ScreeningError
from screening.inference import (
    Description,
    build_model,
    list_models,
    open_model,
    read_description,
    verify_models,
)
from screening.inference import onnx_file as onnx_module
from screening.inference.onnx_file import MAX_OPSET, MIN_OPSET, check_opsets, opsets

SHAPE = ["n", 1, 240, 240]


@pytest.fixture
def onnx_file(tmp_path):
    return shifted(tmp_path / "n.onnx", SHAPE, SHAPE)


def build(onnx_file, folder, **changes):
    return build_model(onnx_file, Description.model_validate(described(**changes)), folder)


def test_a_folder_that_opens_lists_and_verifies(tmp_path, onnx_file):
    manifest = build(onnx_file, tmp_path / "m")
    model = open_model(str(tmp_path / "m"), "auto")
    assert (model.identity.name, model.providers) == ("ours", "auto")
    assert model.network == manifest.network
    names = [m.name for m in list_models([str(tmp_path / "m")])]
    assert names == ["default", "phantom", "ours"]
    found = {v.model: v for v in verify_models([str(tmp_path / "m")])}["ours"]
    assert found.is_good
    assert found.detail.endswith("opset 17, image (free, 1, 240, 240) to out (free, 1, 240, 240)")


def test_outer_weights_come_along_and_are_digested(tmp_path):
    weight = np.ones((1, 1, 17, 17), dtype=np.float32)
    nodes = [helper.make_node("Conv", ["image", "w"], ["out"], pads=[8, 8, 8, 8])]
    network(tmp_path / "n.onnx", nodes, SHAPE, SHAPE, [("w", weight)])
    big = onnx.load(tmp_path / "n.onnx")
    onnx.save(big, tmp_path / "n.onnx", save_as_external_data=True, location="n.onnx.data",
              size_threshold=0)  # fmt: skip
    manifest = build(tmp_path / "n.onnx", tmp_path / "m")
    assert [f.name for f in manifest.files] == ["n.onnx.data", "network.onnx"]
    data = tmp_path / "m" / "n.onnx.data"
    data.write_bytes(data.read_bytes()[:-1] + b"\1")
    with pytest.raises(ScreeningError, match=r"n\.onnx\.data: sha256 is"):
        open_model(str(tmp_path / "m"))
    (tmp_path / "n.onnx.data").unlink()
    with pytest.raises(ScreeningError, match="weights inside, or beside it"):
        build(tmp_path / "n.onnx", tmp_path / "m2")
    assert not (tmp_path / "m2").exists()


def test_every_setting_that_changes_a_score_changes_the_digest(tmp_path, onnx_file):
    first = build(onnx_file, tmp_path / "1")
    words = build_model(
        onnx_file,
        Description.model_validate({**described(), "summary": "other words"}),
        tmp_path / "2",
    )
    assert words.digest == first.digest
    for n, change in enumerate(
        (
            {"output": {"threshold": 0.4}},
            {"input": {"pad_hu": 0}},
            {"input": {"orientation": "SPL"}},
        )
    ):
        assert build(onnx_file, tmp_path / f"c{n}", **change).digest != first.digest


def test_the_digest_is_also_that_of_the_network_that_finds_the_heart(
    tmp_path, onnx_file, monkeypatch
):
    from screening.inference import manifest as module

    build(onnx_file, tmp_path / "m")
    before = open_model(str(tmp_path / "m")).identity.digest
    read = module.read_manifest

    def other(folder):
        found = read(folder)
        if found.name != "default":
            return found
        files = tuple(f.model_copy(update={"sha256": "0" * 64}) for f in found.files)
        return found.model_copy(update={"files": files})

    monkeypatch.setattr(module, "read_manifest", other)
    monkeypatch.setattr(module, "check_digests", lambda *_: [])
    assert open_model(str(tmp_path / "m")).identity.digest != before


@pytest.mark.parametrize(
    ("version", "is_taken"),
    [(MIN_OPSET - 1, False), (MIN_OPSET, True), (MAX_OPSET, True), (MAX_OPSET + 1, False)],
)
def test_opsets_are_taken_within_what_the_runtime_has(tmp_path, version, is_taken):
    file = shifted(tmp_path / "n.onnx", SHAPE, SHAPE, opset=version)
    assert opsets(file) == {"": version}
    if is_taken:
        assert check_opsets(file) == f"opset {version}"
    else:
        with pytest.raises(ScreeningError, match=f"opset {version}, this program runs 7 to 24"):
            build(file, tmp_path / "m")
        assert not (tmp_path / "m").exists()


def test_operators_nobody_has_are_refused(tmp_path, onnx_file):
    model = onnx.load(onnx_file)
    model.opset_import.append(helper.make_opsetid("my.lab", 3))
    onnx.save(model, onnx_file)
    assert opsets(onnx_file) == {"": 17, "my.lab": 3}
    with pytest.raises(ScreeningError, match=r"operators of my\.lab"):
        check_opsets(onnx_file)


@pytest.mark.parametrize("body", [b"", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b"x" * 9, b"\xff" * 40])
def test_what_is_no_onnx_is_said_to_be_none(tmp_path, body):
    (tmp_path / "n.onnx").write_bytes(body)
    with pytest.raises(ScreeningError, match=r"n\.onnx is no ONNX file"):
        build(tmp_path / "n.onnx", tmp_path / "m")


@pytest.mark.parametrize("byte", [b"\0", b" ", b"\n", b"x", b"\t", b"-"])
def test_what_is_no_onnx_is_told_without_reading_it_to_its_end(tmp_path, byte, monkeypatch):
    """A broken download is gigabytes of zeros; text passes for one small field after another."""
    (tmp_path / "n.onnx").write_bytes(byte * 4_000_000)
    calls, read = [], onnx_module._field
    monkeypatch.setattr(onnx_module, "_field", lambda *a, **k: (calls.append(1), read(*a, **k))[1])
    with pytest.raises(ScreeningError, match=r"n\.onnx is no ONNX file"):
        check_opsets(tmp_path / "n.onnx")
    assert len(calls) <= (1 if byte == b"\0" else onnx_module.MOST_FIELDS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input": {"field": [256, 240]}}, r"image is \(free, 1, 240, 240\), the manifest says "
                                           r"\(1, 1, 256, 240\) \(ncyx\)"),
        ({"input": {"neighbours": 1}}, r"the manifest says \(1, 3, 240, 240\)"),
        ({"output": {"labels": ["LAD", "RCA"]}}, r"out is .* the manifest says \(1, 2, 240, 240\)"),
        ({"input": {"name": "ct"}}, "has these inputs: image; the manifest says ct"),
        ({"output": {"name": "mask"}}, "has these outputs: out; the manifest says mask"),
        ({"kind": "volume", "input": {"layout": "nczyx", "field": [80, 240, 240]}},
         r"the manifest says \(1, 1, 80, 240, 240\)"),
    ],
)  # fmt: skip
def test_shapes_that_are_not_the_manifests_are_refused(tmp_path, onnx_file, changes, message):
    with pytest.raises(ScreeningError, match=message) as caught:
        build(onnx_file, tmp_path / "m", **changes)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "m").exists()


def test_half_precision_is_refused(tmp_path):
    nodes = [helper.make_node("Identity", ["image"], ["out"])]
    file = network(tmp_path / "n.onnx", nodes, SHAPE, SHAPE, kind=TensorProto.FLOAT16)
    with pytest.raises(ScreeningError, match=r"tensor\(float16\); export the network in float32"):
        build(file, tmp_path / "m")


@pytest.mark.parametrize("values", ["logits", "probabilities"])
def test_a_network_that_draws_its_answers_is_refused(tmp_path, values):
    """A dropout left in training mode is the usual cause; of HU few values tell it."""
    nodes = [
        helper.make_node("Dropout", ["image", "share", "on"], ["drawn"]),
        helper.make_node("Add", ["drawn", "by"], ["above"]),
        helper.make_node("Mul", ["above", "slope"], ["logit" if values != "logits" else "out"]),
    ]
    if values == "probabilities":
        nodes.append(helper.make_node("Sigmoid", ["logit"], ["out"]))
    constants = [("share", np.array(0.3, np.float32)), ("on", np.array(True))]
    constants += [("by", np.array(-129.5, np.float32)), ("slope", np.array(0.1, np.float32))]
    file = network(tmp_path / "n.onnx", nodes, SHAPE, SHAPE, constants)
    with pytest.raises(ScreeningError, match=r"differently each time; export it for inference"):
        build(file, tmp_path / "m", output={"values": values})
    assert not (tmp_path / "m").exists()


def test_a_folder_that_is_there_is_left_alone(tmp_path, onnx_file):
    (tmp_path / "m").mkdir()
    with pytest.raises(ScreeningError, match="is there already"):
        build(onnx_file, tmp_path / "m")
    assert (tmp_path / "m").is_dir()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input": {"orientation": "PIL"}}, "network.input is wrong: orientation: three letters"),
        ({"input": {"layout": "ncy"}}, "network is wrong: input.layout: n, c, y, x"),
        ({"input": {"spacing_mm": [1.0]}}, "spacing_mm: as many numbers as field"),
        ({"input": {"spacing_mm": [1.0, 1.0], "fit": "stretch"}}, "stretch sets the spacing"),
        ({"input": {"window_hu": [100, -100]}}, "the lowest value comes first"),
        ({"input": {"normalisation": {"by": "constants", "divide": 0}}}, "divide must not be 0"),
        ({"input": {"normalisation": {"by": "scan", "divide": 2}}}, "go with by = constants"),
        ({"output": {"labels": ["CALCIUM"]}}, "CALCIUM is unknown; known: CORONARY, NONE"),
        ({"output": {"labels": ["AORTA"]}}, "either CORONARY, or arteries by name"),
        ({"output": {"labels": ["CORONARY", "LAD"]}}, "either CORONARY, or arteries by name"),
        ({"output": {"classes": "softmax"}}, "softmax needs a channel for NONE"),
        ({"output": {"threshold": None}}, "threshold: needed with sigmoid"),
        ({"output": {"threshold": 1.0}}, "network.output.threshold is wrong"),
        ({"output": {"count_from_hu": 89}}, "network.output.count_from_hu is wrong"),
        ({"overlap": 0.5}, "overlap: goes with kind = patch"),
        ({"kind": "patch"}, "input.field: 3 numbers"),
        ({"threshold": 0.5}, "network.threshold is wrong"),
    ],
)
def test_a_description_that_contradicts_itself_is_one_line(tmp_path, changes, message):
    raw = described()
    raw["network"] = merged(raw["network"], changes)
    file = tmp_path / "net.json"
    file.write_text(json.dumps(raw))
    with pytest.raises(ScreeningError) as caught:
        read_description(file)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("taken", "message"),
    [
        ({"pad_hu": math.inf}, "network.input.pad_hu is wrong"),
        ({"pad_hu": math.nan}, "network.input.pad_hu is wrong"),
        ({"pad_hu": -1e300}, "network.input.pad_hu is wrong"),
        ({"window_hu": [-math.inf, 400]}, "network.input.window_hu.0 is wrong"),
        ({"window_hu": [-400, 1e40]}, "network.input.window_hu.1 is wrong"),
        ({"normalisation": {"subtract": math.nan}}, "normalisation.subtract is wrong"),
        ({"normalisation": {"divide": math.inf}}, "normalisation.divide is wrong"),
        ({"normalisation": {"divide": 1e-320}}, "divide must not be 0, nor nearly"),
        ({"normalisation": {"divide": -1e-9}}, "divide must not be 0, nor nearly"),
    ],
)
def test_numbers_no_input_can_be_made_with_are_refused(tmp_path, taken, message):
    if "normalisation" in taken:
        taken["normalisation"]["by"] = "constants"
    file = tmp_path / "net.json"
    file.write_text(json.dumps(described(input=taken)))
    with pytest.raises(ScreeningError, match=r"^manifest net\.json: ") as caught:
        read_description(file)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 200_000, "is not JSON: recursion limit"),
        ('{"a":' * 200_000, "is not JSON: recursion limit"),
        ('{"name": ' + "1" * 6000 + "}", "is not JSON: number out of range"),
        ('{"summary": "\\ud800"}', "is not JSON"),
        ("\0" * 2000, "is not JSON"),
        ("\udcff", "is not JSON"),
        ("[]", "is wrong"),
        (None, "No such file"),
    ],
)
def test_a_description_that_cannot_be_read(tmp_path, body, message):
    if body is not None:
        (tmp_path / "net.json").write_text(body, errors="surrogateescape")
    with pytest.raises(ScreeningError, match=message) as caught:
        read_description(tmp_path / "net.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("body", ["[" * 200_000, '{"format_version": ' + "2" * 6000 + "}"])
def test_a_models_own_manifest_that_cannot_be_read(tmp_path, body):
    (tmp_path / "manifest.json").write_text(body)
    with pytest.raises(ScreeningError, match=r"manifest\.json cannot be read"):
        open_model(str(tmp_path))


def test_a_manifest_file_name_that_leaves_the_folder_is_refused(tmp_path, onnx_file):
    build(onnx_file, tmp_path / "m")
    path = tmp_path / "m" / "manifest.json"
    raw = json.loads(path.read_text())
    raw["files"][0]["name"] = "../n.onnx"
    path.write_text(json.dumps(raw))
    with pytest.raises(ScreeningError, match=r"files\.0\.name is wrong"):
        open_model(str(tmp_path / "m"))
