"""`models import --out`: a folder that can be made, and that no other model is called by."""

import json
from pathlib import Path

import pytest
from brought_case import described, shifted

from flows import model_import, show
from screening.errors import ScreeningError
from screening.inference import open_model

SHAPE = ["n", 1, 512, 512]
TRIAL = {
    "slices": 1, "windows": 1, "windows_run": 1, "seconds": 1, "labelled_voxels": 1,
    "agatston": 1, "agatston_true": 1, "category": "1", "vessels": {}, "other": {},
}  # fmt: skip


@pytest.fixture
def bring(tmp_path: Path, monkeypatch):
    """Import from an empty folder; the phantom is tried in name only, and counted."""
    monkeypatch.chdir(tmp_path)
    shifted(tmp_path / "net.onnx", SHAPE, SHAPE)
    tried = []

    def go(out: str, name: str = "ours") -> dict:
        described_as = {**described(input={"field": [512, 512]}), "name": name}
        Path("net.json").write_text(json.dumps(described_as))
        return model_import.import_model(
            "net.onnx", Path("net.json"), None, Path(out), "cpu", lambda *_: None
        )

    def trial(*_) -> dict:
        tried.append(1)
        return {"name": "ours", "digest": "0" * 64, "provider": "CPU", "phantom": TRIAL}

    monkeypatch.setattr(model_import, "_try", trial)
    go.tried = tried
    return go


def refused(bring, message: str, *arguments: str) -> None:
    with pytest.raises(ScreeningError, match=message) as caught:
        bring(*arguments)
    assert "\n" not in str(caught.value)
    assert not bring.tried


def test_what_is_printed_to_use_is_what_was_imported_wherever_one_stands(
    bring, tmp_path: Path, monkeypatch
) -> None:
    facts, said = bring("new/ours"), []
    assert facts["folder"] == str(tmp_path / "new" / "ours")
    monkeypatch.setattr(show, "say", said.append)
    model_import.print_import(facts)
    assert any(f'model = "{tmp_path}/new/ours"' in line for line in said)
    monkeypatch.chdir("/")
    assert open_model(facts["folder"]).identity.name == "ours"


@pytest.mark.parametrize("out", ["phantom", "default", "./Default", "new/phantom"])
def test_a_folder_is_not_called_as_a_model_of_the_program_is(bring, out: str) -> None:
    refused(bring, "is what a model of this program is called", out)
    assert not Path(out).exists()
    assert not Path("new").exists()


@pytest.mark.parametrize("name", ["phantom", "default", "DEFAULT"])
def test_nor_is_the_network_itself(bring, name: str) -> None:
    """Its name is told with every score."""
    refused(bring, f"{name}: .*is what a model of this program is called", "ours", name)
    assert not Path("ours").exists()


def test_a_folder_that_cannot_be_made_is_told_before_the_network_is_tried(bring) -> None:
    Path("gone").symlink_to("nowhere")
    Path("file").write_text("")
    Path("here").mkdir()
    refused(bring, "gone is there already", "gone")
    refused(bring, "here is there already", "here")
    for out in ("file/ours", "file/new/ours", "gone/new/ours", f"new/{'x' * 300}"):
        refused(bring, "ours cannot be made|xxx cannot be made", out)
    names = sorted(path.name for path in Path().iterdir())
    assert names == ["file", "gone", "here", "net.json", "net.onnx"]
    assert not list(Path("here").iterdir())


def test_a_name_with_brackets_is_told_whole_in_a_table(capsys) -> None:
    show.table("models", ["file"], [["net[bold].onnx.data"], ["a[/x].onnx"]])
    said = capsys.readouterr().out
    assert "net[bold].onnx.data" in said
    assert "a[/x].onnx" in said
