"""`screening export dicom`: what is written, under which names, and what is refused."""

import json
import shutil
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pydicom
import pytest
from night import Hospital, Screening, open_lake

from flows import export_dicom
from flows.export_dicom import Request
from screening import inference
from screening.inference import Model
from screening.lake import Lake


@pytest.fixture(scope="module")
def exported(screening: Screening, swept: Path, hospital: Hospital, tmp_path_factory):
    out = tmp_path_factory.mktemp("export") / "reports"
    done = screening(
        "export", "dicom", "--lake", str(swept), "--archive", str(hospital.archive),
        "--out", str(out), "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out, done


def scored(swept: Path) -> dict[str, float]:
    rows = open_lake(swept).read("dispositions").to_pylist()
    return {r["series_key"]: r["agatston"] for r in rows if r["state"] == "scored"}


def no_progress(stage: str, done: int, total: int) -> None:
    """Show nothing."""


def test_every_scored_series_has_its_report_and_above_zero_its_segmentation(exported, swept):
    out, done = exported
    facts = json.loads(done.stdout)
    known = scored(swept)
    assert known
    assert facts["refused"] == []
    assert {r["series_key"]: r["agatston"] for r in facts["written"]} == known
    assert {p.name for p in out.iterdir()} == {f"{k}.sr.dcm" for k in known} | {
        f"{k}.seg.dcm" for k, v in known.items() if v > 0
    }
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in out.iterdir()} == {0o600}


def test_the_report_of_a_key_is_of_the_series_behind_it(exported, swept, hospital):
    out, _ = exported
    instances = open_lake(swept).read_index().instances.to_pylist()
    paths = {r["series_key"]: r["path"] for r in instances}
    for key, agatston in scored(swept).items():
        source = pydicom.dcmread(hospital.archive / paths[key], stop_before_pixels=True)
        report = pydicom.dcmread(out / f"{key}.sr.dcm")
        assert report.PatientID == source.PatientID
        assert report.StudyInstanceUID == source.StudyInstanceUID
        series = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
        assert str(source.SeriesInstanceUID) in {str(s.SeriesInstanceUID) for s in series}
        total = report.ContentSequence[-1].ContentSequence[0].ContentSequence
        value = next(i for i in total if i.ValueType == "NUM").MeasuredValueSequence[0]
        assert float(value.NumericValue) == pytest.approx(agatston, rel=1e-9)


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="needs dicom3tools")
def test_the_validator_finds_no_error_in_any(exported):
    out, _ = exported
    for path in out.iterdir():
        done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True)
        said = (done.stdout + done.stderr).splitlines()
        assert {"ComprehensiveSR", "Segmentation"} & set(said), said
        assert not [line for line in said if line.startswith("Error")]


def test_neither_names_nor_output_carry_identity(exported, hospital):
    out, done = exported
    said = done.stdout + done.stderr + " ".join(p.name for p in out.iterdir())
    whose = set()
    for path in out.iterdir():
        made = pydicom.dcmread(path)
        whose |= {str(made.PatientID), str(made.PatientName), str(made.AccessionNumber)}
        whose |= {str(made.StudyInstanceUID), str(made.SeriesInstanceUID)}
    assert len(whose - {""}) > 5
    assert not [w for w in whose - {""} if w in said]


def test_a_second_export_is_the_same_and_one_series_can_be_asked_for(
    exported, screening, swept, hospital, tmp_path
):
    out, _ = exported
    key = max(scored(swept).items(), key=lambda item: item[1])[0]
    stale = tmp_path / "again"
    done = screening(
        "export", "dicom", "--lake", str(swept), "--archive", str(hospital.archive),
        "--out", str(stale), "--series", key,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 reports and 1 segmentations" in done.stdout
    assert "not a medical device" in done.stdout
    assert {p.name for p in stale.iterdir()} == {f"{key}.sr.dcm", f"{key}.seg.dcm"}
    for path in stale.iterdir():
        assert path.read_bytes() == (out / path.name).read_bytes()


def test_what_is_not_scored_is_refused_with_its_reason(screening, swept, hospital, tmp_path):
    rows = open_lake(swept).read("series").to_pylist()
    key = next(r["series_key"] for r in rows if r["series_key"] not in scored(swept))
    command = [
        "export", "dicom", "--lake", str(swept), "--archive", str(hospital.archive),
        "--out", str(tmp_path / "out"), "--series", key,
    ]  # fmt: skip
    done = screening(*command)
    assert done.returncode == 0, done.stderr
    assert f"refused {key}: not scored (" in done.stdout
    assert "refused: 1 of 1 series; with --strict the exit code is 1" in done.stdout
    assert screening(*command, "--strict").returncode == 1
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"--series": "s_nobody"}, "no series s_nobody"),
        ({"--out": "open"}, "open to others"),
        ({"--out": "archive"}, "lies in the archive"),
        ({"--archive": "nowhere"}, "no such folder"),
    ],
)
def test_what_cannot_run_says_so_in_one_line(change, said, screening, swept, hospital, tmp_path):
    (tmp_path / "open").mkdir(mode=0o755)
    places = {"open": tmp_path / "open", "archive": hospital.archive / "x"}
    options = {"--archive": hospital.archive, "--out": tmp_path / "out"}
    options |= {name: places.get(value, value) for name, value in change.items()}
    pairs = [str(part) for pair in options.items() for part in pair]
    done = screening("export", "dicom", "--lake", str(swept), *pairs)
    assert done.returncode == 2
    assert said in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr


def refusals(lake: Lake, hospital: Hospital, out: Path, keys=()) -> dict[str, str]:
    asked = Request(str(hospital.archive), out, "default", tuple(keys))
    facts = export_dicom.export_dicom(lake, asked, no_progress)
    assert not facts["written"]
    assert not list(out.iterdir())
    return {r["series_key"]: r["reason"] for r in facts["refused"]}


def test_another_model_is_refused(swept, hospital, tmp_path, monkeypatch):
    model = inference.open_model("default")
    other = Model(model.folder, replace(model.identity, digest="0" * 64))
    monkeypatch.setattr(inference, "open_model", lambda name: other)
    found = refusals(open_lake(swept), hospital, tmp_path / "out")
    assert set(found) == set(scored(swept))
    assert all("another model" in reason for reason in found.values())


def test_another_scoring_version_is_refused(swept, hospital, tmp_path, monkeypatch):
    version = export_dicom.scoring.SCORING_VERSION
    monkeypatch.setattr(export_dicom.scoring, "SCORING_VERSION", version + 1)
    found = refusals(open_lake(swept), hospital, tmp_path / "out")
    assert set(found) == set(scored(swept))
    assert all(f"this program has {version + 1}" in reason for reason in found.values())


def test_another_score_is_refused(swept, hospital, tmp_path, monkeypatch):
    lake = open_lake(swept)
    key, agatston = max(scored(swept).items(), key=lambda item: item[1])
    whole = Lake.read

    def changed(self: Lake, name: str) -> pa.Table:
        table = whole(self, name)
        if name != "dispositions":
            return table
        rows = [
            {**r, "agatston": r["agatston"] and r["agatston"] + 0.001} for r in table.to_pylist()
        ]
        return pa.Table.from_pylist(rows, schema=table.schema)

    monkeypatch.setattr(Lake, "read", changed)
    found = refusals(lake, hospital, tmp_path / "out", [key])
    assert found == {
        key: f"the Agatston score was {agatston + 0.001}, is now {agatston}; sweep again"
    }


def test_other_images_and_missing_files_are_refused(swept, hospital, tmp_path):
    lake = open_lake(swept)
    key = min(scored(swept))
    instances = lake.read_index().instances.to_pylist()
    paths = [r["path"] for r in instances if r["series_key"] == key]
    copy = Hospital(tmp_path / "hospital")
    for path in paths:
        target = copy.archive / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(hospital.archive / path, target)
    changed = pydicom.dcmread(copy.archive / paths[0])
    pixels = changed.pixel_array.copy()
    pixels[::8, ::8] += 1
    if changed.file_meta.TransferSyntaxUID.is_compressed:
        changed.decompress(generate_instance_uid=False)
    changed.PixelData = pixels.tobytes()
    changed.save_as(copy.archive / paths[0])
    found = refusals(lake, copy, tmp_path / "out", [key])
    assert found == {key: "the images are no longer those that were scored; sweep again"}
    (copy.archive / paths[0]).unlink()
    found = refusals(lake, copy, tmp_path / "out", [key])
    assert "cannot be read" in found[key]
    assert paths[0] not in found[key]
