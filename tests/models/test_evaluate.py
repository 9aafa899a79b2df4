"""What is not judged: no model, one that has seen the scan, a scan that is missing."""

import json
import shutil
from pathlib import Path

import pytest

from models.train import evaluate
from models.train.landmarks import scans


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Give the command line to the evaluation; what it says at its end."""

    def runs(*options):
        line = ["evaluate", "--out", str(tmp_path / "out"), *map(str, options)]
        monkeypatch.setattr("sys.argv", line)
        with pytest.raises(SystemExit) as stopped:
            evaluate.main()
        assert not (tmp_path / "out").exists()
        return (capsys.readouterr().err or str(stopped.value)).strip().splitlines()[-1]

    return runs


def left_out(folder, trained_on="Synthetic phantoms"):
    """Models for each scan, the shipped one's files and what they say they were trained on."""
    for scan in scans():
        shutil.copytree(Path("models/default"), folder / scan)
        manifest = json.loads((folder / scan / "manifest.json").read_text())
        text = json.dumps(manifest | {"trained_on": trained_on})
        (folder / scan / "manifest.json").write_text(text)
    return folder


def test_there_is_something_to_judge(run, tmp_path):
    for on, option in {"unseen": "--model", "shifted": "--model", "placed": "--left-out",
                       "real": "--left-out"}.items():  # fmt: skip
        assert f"give {option}" in run(on)
    assert "--scans" in run("unseen", "--model", "phantom", "--scans", 0)


def test_a_file_is_no_folder_for_outcomes(run, tmp_path):
    (tmp_path / "file").touch()
    assert "is no folder" in run("unseen", "--model", "phantom", "--out", tmp_path / "file")


def test_models_that_cannot_be_opened_are_one_line(run, tmp_path):
    assert "nowhere" in run("unseen", "--model", tmp_path / "nowhere")
    assert scans()[0] in run("real", "--left-out", tmp_path)


def test_models_are_told_apart_by_name(run):
    assert "called alike" in run("unseen", "--model", "a/run", "--model", "b/run")


def test_a_model_that_has_seen_the_scan_does_not_judge_it(run, tmp_path):
    seen = left_out(tmp_path / "a", f"draws of calcium placed into {scans()[1]}")
    assert f"was trained on {scans()[1]}" in run("real", "--left-out", seen)
    never = left_out(tmp_path / "b")
    assert "default was trained on" in run("placed", "--left-out", never, "--model", "default")


def test_missing_real_scans_are_one_line(run, tmp_path):
    never = left_out(tmp_path / "models")
    for on in ("real", "placed"):
        assert "no such folder" in run(on, "--left-out", never, "--real", tmp_path / "nowhere")
