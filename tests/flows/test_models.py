"""`screening models`: what a site imports is what it scores with, and errors are one line."""

import json
from pathlib import Path

import pytest
from brought_case import described, drawn_on, network, shifted
from night import Hospital, Screening, open_lake
from onnx import helper

from flows import model_import
from screening.errors import ScreeningError

SHAPE = ["n", 1, 512, 512]


@pytest.fixture(scope="module")
def imported(screening: Screening, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """A network that takes all from 130 HU for coronary, imported once."""
    folder = tmp_path_factory.mktemp("brought")
    shifted(folder / "net.onnx", SHAPE, SHAPE)
    changes = {"input": {"field": [512, 512], "pad_hu": -1000}, "output": {"count_from_hu": 130}}
    (folder / "net.json").write_text(json.dumps(described(**changes)))
    done = screening(
        "models", "import", str(folder / "net.onnx"), "--manifest", str(folder / "net.json"),
        "--out", str(folder / "ours"), "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "ours", json.loads(done.stdout)


def complains(done, *words: str) -> None:
    assert done.returncode == 2, done.stdout
    lines = [line for line in done.stderr.splitlines() if line.startswith("screening:")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in lines[0]


def test_import_says_what_the_network_got_on_a_phantom(imported) -> None:
    folder, facts = imported
    trial = facts["phantom"]
    assert 0 < trial["windows_run"] < trial["windows"] == trial["slices"]
    # All that is bright near the heart, so the aorta and its valve too: more than is true.
    assert trial["agatston"] > trial["agatston_true"] > 100
    assert sum(trial["vessels"].values()) == pytest.approx(trial["agatston"], abs=0.3)
    assert facts["provider"] == "CPUExecutionProvider"
    assert sorted(p.name for p in folder.iterdir()) == ["card.md", "manifest.json", "network.onnx"]
    card = (folder / "card.md").read_text()
    assert f"| agatston | {trial['agatston']} |" in card
    assert "does not name arteries" in card


def test_list_verify_and_bench_take_the_folder(screening: Screening, imported) -> None:
    folder, facts = imported
    listed = json.loads(screening("models", "list", str(folder), "--json").stdout)
    assert [m["name"] for m in listed] == ["default", "phantom", "ours"]
    assert listed[-1]["digest"] == facts["digest"]
    verified = json.loads(screening("models", "verify", str(folder), "--json").stdout)
    assert all(row["ok"] for row in verified)
    assert "opset 17" in verified[-1]["detail"]
    bench = json.loads(screening("models", "bench", "--model", str(folder), "--json").stdout)
    assert bench["n_measured"] == 3 < bench["n_matter"] < bench["n_windows"] == bench["n_slices"]
    assert bench["is_scaled"]
    expected = bench["locate_seconds"] + bench["n_matter"] * bench["window_seconds"]
    assert bench["seconds"] == pytest.approx(expected)
    assert bench["ratio_to_default"] == pytest.approx(bench["seconds"] / bench["default_seconds"])


def test_a_sweep_scores_with_it_and_says_so(
    screening: Screening, hospital: Hospital, imported, tmp_path: Path
) -> None:
    folder, facts = imported
    settings = tmp_path / "screening.toml"
    settings.write_text(f'model = "{folder}"\nproviders = "auto"\n')
    lake = tmp_path / "lake"
    done = screening(*hospital.sweep_arguments(lake), "--config", str(settings), "--json")
    assert done.returncode == 0, done.stderr
    rows = open_lake(lake).read("dispositions").to_pylist()
    scored = [r for r in rows if r["state"] == "scored"]
    assert scored
    assert {r["model_digest"] for r in scored} == {facts["digest"]}
    assert {r["provider"] for r in scored} == {"CPUExecutionProvider"}


def test_a_gpu_that_is_not_there_stops_every_command_before_it_begins(
    screening: Screening, hospital: Hospital, imported, tmp_path: Path
) -> None:
    folder, _ = imported
    settings = tmp_path / "screening.toml"
    settings.write_text('providers = "cuda"\n')
    lake = tmp_path / "lake"
    commands = (
        [*hospital.sweep_arguments(lake), "--config", str(settings)],
        ["score", str(hospital.archive), "--providers", "cuda"],
        ["models", "bench", "--model", str(folder), "--providers", "cuda"],
    )
    for command in commands:
        done = screening(*command)
        if done.returncode == 0:
            pytest.skip("this machine has a GPU that loads")
        complains(done, "CUDA did not load", 'providers = "cpu"')
    assert not lake.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["net.onnx"], ["--manifest"]),
        (["ai-cac"], ["--weights"]),
        (["ai-cac", "--weights", "gone.pth"], ["gone.pth", "no such file"]),
        (["gone.onnx", "--manifest", "net.json"], ["gone.onnx", "no such file"]),
        (["net.onnx", "--manifest", "gone.json"], ["gone.json", "No such file"]),
        (["nan.onnx", "--manifest", "net.json"], ["on the phantom", "NaN", "check the manifest"]),
        (["drawn.onnx", "--manifest", "net.json"], ["differently each time"]),
        (["small.onnx", "--manifest", "small.json"], ["on the phantom", "44 x 512 x 512"]),
    ],
)
def test_what_cannot_be_imported_is_one_line_and_leaves_nothing(
    screening: Screening, tmp_path: Path, monkeypatch, arguments: list[str], words: list[str]
) -> None:
    shifted(tmp_path / "net.onnx", SHAPE, SHAPE)
    network(tmp_path / "nan.onnx", [helper.make_node("Log", ["image"], ["out"])], SHAPE, SHAPE)
    drawn_on(tmp_path / "drawn.onnx", -200, size=512)
    (tmp_path / "net.json").write_text(json.dumps(described(input={"field": [512, 512]})))
    deep = ["n", 1, 96, 64, 64]
    shifted(tmp_path / "small.onnx", deep, deep)
    small = described(kind="patch", overlap=0.5,
                      input={"layout": "nczyx", "field": [96, 64, 64]})  # fmt: skip
    (tmp_path / "small.json").write_text(json.dumps(small))
    monkeypatch.chdir(tmp_path)
    done = screening("models", "import", *arguments, "--out", str(tmp_path / "m"))
    complains(done, *words)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("missing", ["torch", "monai", "einops"])
def test_without_torch_or_monai_the_extra_is_named(missing: str, monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, missing, None)
    code = model_import.models_folder() / "importers" / "ai_cac.py"
    with pytest.raises(ScreeningError, match=r"needs (torch|monai|einops); install the extra") as e:
        model_import._importer(code, "ai-cac")
    assert "\n" not in str(e.value)
