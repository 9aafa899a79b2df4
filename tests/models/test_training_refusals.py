"""What training refuses before it begins, and what a failed run leaves (skipped without torch)."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: pip install '.[train]'")
pytest.importorskip("onnx", reason="training needs onnx: pip install '.[train]'")

from models.train import __main__ as training
from models.train import plan as plans
from models.train.landmarks import scans
from models.train.phantoms import TEST_SEED, TRAINING_SEED
from models.train.plan import Plan, claim, refusal
from screening.inference import open_model
from screening.inference.candidates import N_FEATURES, PATCH_VOXELS
from screening.records import Label

pytestmark = pytest.mark.filterwarnings("ignore")  # the exporter's own
PLAN = Plan(1, 1, 1, 300, 1, 1, 1, 1, 1)


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Give the command line to training, whose stages only take notes here."""
    begun = []
    monkeypatch.setattr(training, "train", lambda *given: begun.append(given))

    def runs(*options):
        options = ("--out", str(tmp_path / "out"), "--work", str(tmp_path / "work"), *options)
        monkeypatch.setattr("sys.argv", ["train", *map(str, options)])
        with pytest.raises(SystemExit) as stopped:
            training.main()
        assert not begun
        assert not list(tmp_path.glob("*/*"))
        said = capsys.readouterr().err or str(stopped.value)
        return said.strip().splitlines()[-1]

    return runs


def test_a_scan_to_leave_out_is_one_that_there_is(run, tmp_path):
    said = run("--real", tmp_path, "--leave-out", "chest-68m")
    assert all(scan in said for scan in scans())
    assert "--real" in run("--leave-out", scans()[0])


def test_real_scans_that_are_missing_or_broken_are_one_line_each(run, tmp_path):
    assert "no such folder" in run("--real", tmp_path / "nowhere")
    (tmp_path / scans()[0]).mkdir()
    said = run("--real", tmp_path)
    assert str(tmp_path / scans()[0]) in said
    assert "too_few_slices" in said
    assert str(tmp_path / scans()[1]) in run("--real", tmp_path, "--leave-out", scans()[0])


def test_a_file_is_no_folder_for_a_model_or_its_stages(run, tmp_path):
    file = tmp_path / "file"
    file.touch()
    for option in ("--out", "--work"):
        assert "is no folder" in run(option, file)


@pytest.mark.parametrize(
    "options",
    [
        ("--seed", 205), ("--seed", -1), ("--seed", 99), ("--seed", 102),
        ("--chests", 0), ("--chests", 50_001), ("--pairs", 20_001), ("--tubes", 30_001),
        ("--placed", 100_001), ("--ball-steps", -3), ("--coarse-steps", 299),
    ],
)  # fmt: skip
def test_people_who_are_not_this_run_s_alone_are_refused(run, options):
    assert options[0] in run(*options)


def test_every_seed_that_is_taken_stays_in_training_s_range():
    for seed in (plans.SEEDS.start, plans.SEEDS.stop - 1):
        plan = dataclasses.replace(PLAN, seed=seed, **plans.MOST)
        assert not refusal(plan)
        assert TRAINING_SEED <= plan.first < plan.first + plans.MOST["placed"] <= TEST_SEED


def test_stages_of_another_plan_are_not_taken_up(tmp_path):
    claim(tmp_path / "work", PLAN)
    (tmp_path / "work" / "coarse.onnx").touch()
    claim(tmp_path / "work", PLAN)
    with pytest.raises(SystemExit, match=r"chests 1, not 77.*seed 1, not 2"):
        claim(tmp_path / "work", dataclasses.replace(PLAN, seed=2, chests=77))
    kept = tmp_path / "work" / "plan.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "version": "0.3.1"}))
    with pytest.raises(SystemExit, match=r"version 0\.3\.1"):
        claim(tmp_path / "work", PLAN)
    for broken in ("{", "[1]", "3"):
        kept.write_text(broken)
        with pytest.raises(SystemExit, match="cannot be read"):
            claim(tmp_path / "work", PLAN)


def test_stages_that_do_not_tell_their_plan_are_not_taken_up(tmp_path):
    (tmp_path / "pairs").mkdir()
    with pytest.raises(SystemExit, match="empty folder"):
        claim(tmp_path, PLAN)
    assert not (tmp_path / "plan.json").exists()


def ready(tmp_path):
    """A model that travels, and a run whose coarse and ball network are done."""
    out, work = tmp_path / "default", tmp_path / "work"
    shutil.copytree(Path("models/default"), out)
    claim(work, PLAN)
    for name in ("coarse.onnx", "ball.onnx"):
        shutil.copy(out / name, work)
    (work / "pairs").mkdir()
    return out, work


@pytest.fixture
def no_phantoms(monkeypatch):
    monkeypatch.setattr(training, "_in_parallel", lambda *given: None)


def test_a_failed_run_leaves_the_model_that_was_there(tmp_path, no_phantoms):
    out, work = ready(tmp_path)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(SystemExit, match="no candidates"):
        training.train(PLAN, out, work, None, "")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert not list(work.glob("model-*"))


def test_a_run_that_ends_well_puts_all_its_files_in_place(tmp_path, no_phantoms):
    out, work = ready(tmp_path)
    (work / "candidates").mkdir()
    np.savez(
        work / "candidates" / "candidates-1.npz",
        patch=np.zeros((9, *PATCH_VOXELS), dtype=np.int16),
        mask=np.ones((9, *PATCH_VOXELS), dtype=bool),
        features=np.zeros((9, N_FEATURES), dtype=np.float32),
        label=np.full(9, Label.LAD, dtype=np.uint8),
        agatston=np.ones(9, dtype=np.float32),
    )
    before = (out / "candidate.onnx").read_bytes()
    training.train(PLAN, out, work, None, "")
    assert open_model(str(out)).identity.name == "default"  # its digests fit
    assert (out / "candidate.onnx").read_bytes() != before
    assert json.loads((out / "manifest.json").read_text())["version"] == "0.4.1"
    assert not list(out.glob(".*"))
