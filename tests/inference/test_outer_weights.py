"""The network that is named is the one taken in, with the weights that lie outside of it."""

import json
import re

import numpy as np
import onnx
import pytest
from brought_case import described, network, shifted
from onnx import helper

from screening.errors import ScreeningError
from screening.inference import Description, build_model, open_model, verify_models
from screening.inference.runtime import new_session

SHAPE = ["n", 1, 240, 240]


def build(file, folder):
    return build_model(file, Description.model_validate(described()), folder)


def with_outer_weights(file, data):
    """A network whose weights lie in `data` beside it."""
    weight = np.ones((1, 1, 17, 17), dtype=np.float32)
    nodes = [helper.make_node("Conv", ["image", "w"], ["out"], pads=[8, 8, 8, 8])]
    network(file, nodes, SHAPE, SHAPE, [("w", weight)])
    onnx.save(onnx.load(file), file, save_as_external_data=True, location=data, size_threshold=0)
    return file


def is_usable(folder):
    open_model(str(folder))
    return all(found.is_good for found in verify_models([str(folder)]))


@pytest.mark.parametrize("name", ["net", "network", "network.", "manifest", "man", "card", "c"])
def test_files_whose_names_only_begin_alike_do_not_take_a_place_of_the_model(tmp_path, name):
    file = shifted(tmp_path / name, SHAPE, SHAPE)
    shifted(tmp_path / "network.onnx", SHAPE, SHAPE, by=-300.5)
    for other in ("manifest.json", "card.md"):
        (tmp_path / other).write_text(json.dumps({"of": "another"}))
    manifest = build(file, tmp_path / "m")
    assert (tmp_path / "m" / "network.onnx").read_bytes() == file.read_bytes()
    assert [f.name for f in manifest.files] == ["network.onnx"]
    assert is_usable(tmp_path / "m")
    assert not (tmp_path / "m" / "card.md").exists()


@pytest.mark.parametrize("name", ["c[1].onnx", "my net (2).onnx", "c*.onnx"])
def test_outer_weights_come_along_whatever_the_file_is_called(tmp_path, name):
    file = with_outer_weights(tmp_path / name, f"{name}.data")
    manifest = build(file, tmp_path / "m")
    assert sorted(f.name for f in manifest.files) == sorted([f"{name}.data", "network.onnx"])
    assert is_usable(tmp_path / "m")


def test_weights_beside_what_a_link_leads_to_come_along(tmp_path):
    (tmp_path / "real").mkdir()
    with_outer_weights(tmp_path / "real" / "net.onnx", "net.onnx.data")
    (tmp_path / "link.onnx").symlink_to("real/net.onnx")
    build(tmp_path / "link.onnx", tmp_path / "m")
    assert is_usable(tmp_path / "m")


def test_links_to_network_and_weights_may_lie_apart_from_both(tmp_path):
    """As a cache of downloads has them: by name here, by digest there."""
    with_outer_weights(tmp_path / "net.onnx", "net.onnx.data")
    for folder in ("blobs", "names"):
        (tmp_path / folder).mkdir()
    for name, blob in (("net.onnx", "1f"), ("net.onnx.data", "2e")):
        (tmp_path / name).rename(tmp_path / "blobs" / blob)
        (tmp_path / "names" / name).symlink_to(f"../blobs/{blob}")
    build(tmp_path / "names" / "net.onnx", tmp_path / "m")
    assert is_usable(tmp_path / "m")
    assert not any(path.is_symlink() for path in (tmp_path / "m").iterdir())


def test_a_folder_called_alike_is_left_where_it_is(tmp_path):
    file = shifted(tmp_path / "a.onnx", SHAPE, SHAPE)
    (tmp_path / "a.onnx.dir").mkdir()
    manifest = build(file, tmp_path / "m")
    assert [f.name for f in manifest.files] == ["network.onnx"]


def opening(tmp_path, node, ir_version=8, cut=0, constants=()):
    file = network(tmp_path / "n.onnx", [node], SHAPE, SHAPE, constants)
    model = onnx.load(file)
    model.ir_version = ir_version
    onnx.save(model, file)
    body = file.read_bytes()
    file.write_bytes(body[: len(body) - cut])
    with pytest.raises(ScreeningError) as caught:
        new_session(file, 1, "cpu")
    said = str(caught.value)
    assert said.startswith("n.onnx cannot be opened by ONNX Runtime: ")
    assert str(tmp_path) not in said
    assert "\n" not in said
    return said


def test_why_a_file_cannot_be_opened_is_told(tmp_path):
    same = helper.make_node("Identity", ["image"], ["out"])
    said = opening(tmp_path, same, ir_version=99)
    assert re.search(r"IR version is 99, it reads up to \d+; export", said)
    odd = helper.make_node("Frobnicate", ["image"], ["out"])
    assert "it has no operator Frobnicate" in opening(tmp_path, odd)
    odd = helper.make_node("Nope", ["image"], ["out"], domain="com.microsoft")
    assert "it has no operator Nope" in opening(tmp_path, odd)
    assert "damaged or cut short" in opening(tmp_path, same, cut=5)
    lonely = helper.make_node("Add", ["image"], ["out"])
    said = opening(tmp_path, lonely)
    assert "(InvalidGraph)" in said
    assert "weights" not in said


def test_weights_that_are_cut_short_are_told(tmp_path):
    file = with_outer_weights(tmp_path / "n.onnx", "n.onnx.data")
    data = tmp_path / "n.onnx.data"
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(ScreeningError, match=r"weights .* beside it under its own name"):
        build(file, tmp_path / "m")


def test_a_name_that_no_manifest_holds_is_told(tmp_path):
    file = with_outer_weights(tmp_path / "a.onnx", "a.onnx.\x01")
    with pytest.raises(ScreeningError, match="export the network again under a plain name"):
        build(file, tmp_path / "m")
