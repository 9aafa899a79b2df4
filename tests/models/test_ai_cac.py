"""AI-CAC's importer, with random weights of its architecture (skipped without torch and MONAI)."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="importing ai-cac needs torch: pip install '.[import]'")
pytest.importorskip("monai", reason="importing ai-cac needs MONAI: pip install '.[import]'")
pytest.importorskip("einops", reason="importing ai-cac needs einops: pip install '.[import]'")

from brought_case import FakeCoarse, chest, make_volume  # noqa: E402

from models.importers.ai_cac import build, convert  # noqa: E402
from screening.errors import ScreeningError  # noqa: E402
from screening.inference import (  # noqa: E402
    brought,
    build_model,
    infer_counted,
    open_model,
    read_description,
)
from screening.inference.runtime import ort  # noqa: E402
from screening.resources import models_folder  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # MONAI's and the exporter's own
FEATURES = 12


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return build(FEATURES)


@pytest.fixture(scope="module")
def checkpoint(network, tmp_path_factory):
    """As the authors save it: below model_state_dict, from DataParallel."""
    file = tmp_path_factory.mktemp("weights") / "model.pth"
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save({"epoch": 3, "model_state_dict": state, "loss": 0.1}, file)
    return file


def test_onnx_gives_what_torch_gives(network, checkpoint, tmp_path):
    size = 64
    convert(checkpoint, tmp_path / "n.onnx", FEATURES, size)
    image = np.random.default_rng(0).normal(0, 400, (1, 1, size, size)).astype(np.float32)
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(image)).numpy()
    session = ort.InferenceSession(tmp_path / "n.onnx", providers=["CPUExecutionProvider"])
    got = session.run(["logits"], {"image": image})[0]
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(got, expected, atol=1e-3, rtol=0)


def test_slices_that_cannot_matter_are_left_out_with_the_same_labels(
    checkpoint, tmp_path, monkeypatch
):
    """The architecture itself, 256 x 256, on a chest: every slice against those that matter.

    At a threshold that every bright voxel passes, so that all their probabilities are compared.
    """
    convert(checkpoint, tmp_path / "n.onnx", FEATURES, 256)
    published = read_description(models_folder() / "importers" / "ai_cac.json")
    taken = published.network.input.model_copy(update={"field": (256, 256)})
    given = published.network.output.model_copy(update={"threshold": 1e-6})
    changed = published.network.model_copy(update={"input": taken, "output": given})
    described = published.model_copy(update={"network": changed})
    build_model(tmp_path / "n.onnx", described, tmp_path / "m")
    model = open_model(str(tmp_path / "m"))
    noise = np.random.default_rng(1).normal(0, 12, (40, 240, 240))
    volume = make_volume(chest()[::2] + noise, increment=6.0)
    monkeypatch.setattr(brought, "networks", lambda *_: FakeCoarse())
    few, work = infer_counted(model, volume)
    monkeypatch.setattr(brought, "that_matter", lambda windows, _: windows)
    every, all_work = infer_counted(model, volume)
    assert work.n_run <= 16 < all_work.n_run == 40
    assert len(few.index) > 10
    for name in ("index", "label", "probability"):
        np.testing.assert_array_equal(getattr(few, name), getattr(every, name))


def test_the_published_manifest_is_what_was_read_in_the_authors_code():
    network = read_description(models_folder() / "importers" / "ai_cac.json").network
    assert network.kind == "slice"
    taken, given = network.input, network.output
    assert (taken.field, taken.spacing_mm, taken.window_hu) == ((512, 512), None, None)
    assert (taken.normalisation.by, taken.pad_hu, taken.fit) == ("none", 0, "crop_or_pad")
    assert (given.values, given.classes, given.threshold) == ("logits", "sigmoid", 0.5)
    assert given.labels == ("CORONARY",)


def refused(weights, tmp_path, message):
    with pytest.raises(ScreeningError, match=message) as caught:
        convert(weights, tmp_path / "n.onnx", FEATURES, 64)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "n.onnx").exists()


def test_weights_of_another_network_are_refused(network, tmp_path):
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    first = sorted(state)[0]
    cases = {
        "holds no model_state_dict": state,
        "1 weights missing, 0 unknown": {
            "model_state_dict": {k: v for k, v in state.items() if k != first}
        },
        "0 weights missing, 1 unknown": {"model_state_dict": {**state, "more": torch.zeros(1)}},
        "1 unknown or of another shape": {"model_state_dict": {**state, first: torch.zeros(7)}},
    }
    for message, content in cases.items():
        torch.save(content, tmp_path / "w.pth")
        refused(tmp_path / "w.pth", tmp_path, message)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("code in a checkpoint was run",))


def test_a_checkpoint_with_code_in_it_is_not_run(tmp_path):
    torch.save({"model_state_dict": Bomb()}, tmp_path / "w.pth")
    refused(tmp_path / "w.pth", tmp_path, "plain tensors")


@pytest.mark.parametrize("body", [b"", b"no weights at all", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, body):
    (tmp_path / "w.pth").write_bytes(body)
    refused(tmp_path / "w.pth", tmp_path, "plain tensors")
