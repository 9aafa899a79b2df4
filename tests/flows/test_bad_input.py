"""What a user does wrong gets one clear line, exit code 2, and no traceback."""

import json
import shutil
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from night import Hospital, Screening

from screening.resources import models_folder


def complains(done: CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith(("screening:", "Error:"))]
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0], lines[0]


def test_an_archive_that_is_not_there(screening: Screening, tmp_path: Path) -> None:
    done = screening("sweep", "--archive", str(tmp_path / "no"), "--lake", str(tmp_path / "lake"))
    complains(done, "archive")
    assert not (tmp_path / "lake").exists()


def test_an_empty_archive(screening: Screening, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = screening(
        "sweep", "--archive", str(tmp_path / "empty"), "--lake", str(tmp_path / "lake")
    )
    complains(done, "empty")
    assert not (tmp_path / "lake").exists()


def test_a_lake_of_another_version(screening: Screening, swept: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(swept, lake)
    manifest = json.loads((lake / "lake.json").read_text())
    manifest["schema_version"] = 99
    (lake / "lake.json").write_text(json.dumps(manifest))
    complains(screening("status", "--lake", str(lake)), "99")


def test_a_lake_that_is_none(screening: Screening, tmp_path: Path) -> None:
    complains(screening("status", "--lake", str(tmp_path / "nowhere")), "lake")


def test_a_missing_secret(screening: Screening, swept: Path) -> None:
    complains(screening("status", "--lake", str(swept), SCREENING_SECRET=""), "SCREENING_SECRET")


def test_a_wrong_secret(screening: Screening, swept: Path) -> None:
    done = screening("status", "--lake", str(swept), SCREENING_SECRET="some other long secret")
    complains(done, "secret")


def test_a_model_whose_digest_is_wrong(
    screening: Screening, hospital: Hospital, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    shutil.copytree(models_folder() / "default", model)
    onnx = next(model.glob("*.onnx"))
    onnx.write_bytes(onnx.read_bytes() + b"\0")
    done = screening("score", str(hospital.archive), "--model", str(model))
    complains(done, onnx.name)


@pytest.mark.parametrize("missing", ["mrn", "birth_date"])
def test_clinical_columns_missing(
    screening: Screening, hospital: Hospital, tmp_path: Path, missing: str
) -> None:
    clinical = tmp_path / "clinical"
    shutil.copytree(hospital.clinical, clinical)
    lines = (clinical / "person.csv").read_text().splitlines()
    lines[0] = lines[0].replace(missing, "something")
    (clinical / "person.csv").write_text("\n".join(lines))
    done = screening(
        "sweep", "--archive", str(hospital.archive), "--lake", str(tmp_path / "lake"),
        "--clinical", str(clinical),
    )  # fmt: skip
    complains(done, "person", missing)


def test_clinical_units_unknown(screening: Screening, hospital: Hospital, tmp_path: Path) -> None:
    clinical = tmp_path / "clinical"
    shutil.copytree(hospital.clinical, clinical)
    header, *rows = (clinical / "observation.csv").read_text().splitlines()
    place = header.split(",").index("unit")
    cells = [row.split(",") for row in rows]
    for row in cells:
        row[place] = "furlong"
    (clinical / "observation.csv").write_text("\n".join([header, *map(",".join, cells)]))
    done = screening(
        "sweep", "--archive", str(hospital.archive), "--lake", str(tmp_path / "lake"),
        "--clinical", str(clinical),
    )  # fmt: skip
    complains(done, "observation", "unit")


def test_settings_with_an_unknown_key(
    screening: Screening, hospital: Hospital, tmp_path: Path
) -> None:
    (tmp_path / "screening.toml").write_text("wrokers = 2\n")
    done = screening(
        *hospital.sweep_arguments(tmp_path / "lake"), "--config", str(tmp_path / "screening.toml")
    )
    complains(done, "wrokers")


def test_a_date_that_is_none(screening: Screening, hospital: Hospital, tmp_path: Path) -> None:
    done = screening(
        "sweep", "--archive", str(hospital.archive), "--lake", str(tmp_path / "lake"),
        "--as-of", "yesterday",
    )  # fmt: skip
    complains(done, "YYYY-MM-DD")


def test_a_key_the_lake_does_not_hold(screening: Screening, swept: Path) -> None:
    done = screening("explain", "--lake", str(swept), "s_nobody")
    complains(done, "no series, study or person has this key", "--patient")
    assert "s_nobody" not in done.stderr  # what was typed may be a patient's number


def test_a_folder_without_dicom(screening: Screening, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no images here")
    complains(screening("score", str(tmp_path)), "DICOM")


def test_links_that_lead_out_are_told_of(screening: Screening, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"x")
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "a.dcm").symlink_to(tmp_path / "a.dcm")
    complains(screening("score", str(tmp_path / "series")), "1 left alone", "links that lead out")
