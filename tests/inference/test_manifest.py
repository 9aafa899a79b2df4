"""Models are what their manifests say, or are refused in one line."""

import json
import pickle
import shutil

import pytest

from screening.errors import ScreeningError
from screening.inference import list_models, open_model, verify_models
from screening.records import Label
from screening.resources import models_folder


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(models_folder() / "default", tmp_path / "m")
    return tmp_path / "m"


def test_default_model_is_listed_and_good():
    manifest = next(m for m in list_models() if m.name == "default")
    assert manifest.digest == open_model().identity.digest
    assert manifest.labels == tuple(label.name for label in Label)
    assert all(v.is_good for v in verify_models())
    assert sum(f.n_bytes for f in manifest.files) < 20e6


def test_a_changed_file_is_refused_naming_both_digests(copy):
    with (copy / "coarse.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ScreeningError, match=r"coarse\.onnx: sha256 is \w{12}, .* says \w{12};"):
        open_model(str(copy))


def test_digest_changes_with_a_file(copy):
    raw = json.loads((copy / "manifest.json").read_text())
    before = open_model(str(copy)).identity.digest
    (copy / "card.md").write_text("other")
    assert open_model(str(copy)).identity.digest == before  # not a file the results depend on
    from hashlib import sha256

    (copy / "coarse.onnx").write_bytes(b"other")
    entry = next(f for f in raw["files"] if f["name"] == "coarse.onnx")
    entry["sha256"] = sha256(b"other").hexdigest()
    (copy / "manifest.json").write_text(json.dumps(raw))
    assert open_model(str(copy)).identity.digest != before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.update(format_version=99), "manifest format 99"),
        (lambda raw: raw.pop("terms"), "terms is wrong"),
        (lambda raw: raw.update(surprise=1), "surprise is wrong"),
        (lambda raw: raw.update(files=raw["files"][:1]), "manifest lacks"),
    ],
)
def test_a_manifest_that_is_off_is_refused(copy, change, message):
    raw = json.loads((copy / "manifest.json").read_text())
    change(raw)
    (copy / "manifest.json").write_text(json.dumps(raw))
    with pytest.raises(ScreeningError, match=message) as caught:
        open_model(str(copy))
    assert "\n" not in str(caught.value)


def test_a_missing_model_or_file_is_one_line(copy):
    with pytest.raises(ScreeningError, match=r"no model 'no-such-model': .*installed: .*default"):
        open_model("no-such-model")
    (copy / "candidate.onnx").unlink()
    with pytest.raises(ScreeningError, match=r"candidate\.onnx: the file is missing"):
        open_model(str(copy))


def test_a_model_travels_without_its_sessions():
    model = open_model()
    assert pickle.loads(pickle.dumps(model)) == model
    assert "/" not in repr(model)
