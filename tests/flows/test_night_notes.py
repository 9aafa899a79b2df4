"""What a sweep says beside its sums, and when --strict counts."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from night import AS_OF, Hospital, Screening, open_lake

from flows.night_notes import notes
from flows.status import n_failed
from flows.sweep import Swept
from screening.lake import Lake
from screening.reasons import State
from screening.tables import DISPOSITIONS, LAKE_TABLES


@pytest.fixture
def small(tmp_path: Path) -> Lake:
    return Lake.open(tmp_path / "lake", b"a secret for tests", create=True)


def fill(lake: Lake, name: str, rows: list[dict]) -> None:
    schema = LAKE_TABLES[name].schema
    empty = dict.fromkeys(schema.names)
    with lake.lease("r"):
        lake.replace(name, pa.Table.from_pylist([empty | row for row in rows], schema=schema))


def swept_with(n_kept: int = 0, n_series: int = 0, n_people: int = 0) -> Swept:
    return Swept("r", 1.0, None, n_kept, n_series, n_people)


def test_a_disk_or_a_folder_that_refuses_is_told(small):
    refused = replace(swept_with(), is_index_kept=False, n_shut=2)
    shut, full = notes(None, small, refused)
    assert shut.startswith("2 folders or files of the archive could not be opened")
    assert "find ARCHIVE ! -readable" in shut
    assert "is its disk full?" in full


def folder_of(tmp_path: Path, *names: str) -> Path:
    folder = tmp_path / "clinical"
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    return folder


def test_tables_that_are_not_there_are_named_with_what_they_would_tell(small, tmp_path):
    all_but = ("person.csv", "observation.csv", "medication.parquet", "report_text.csv",
               "person_policy.csv")  # fmt: skip
    folder = folder_of(tmp_path, *all_but)
    assert notes(folder, small, swept_with()) == [
        f"no condition, procedure table in {folder}: nobody's known disease, "
        "stents, operations and formal calcium scans can be seen there"
    ]
    for name in ("condition.csv", "procedure.csv"):
        (folder / name).touch()
    assert notes(folder, small, swept_with()) == []
    assert notes(None, small, swept_with()) == []


def test_only_clinical_values_that_a_site_could_mend_are_counted(small, tmp_path):
    folder = folder_of(tmp_path, *(f"{name}.csv" for name in (
        "person", "observation", "condition", "medication", "procedure", "report_text",
        "person_policy",
    )))  # fmt: skip
    harmless = [
        {"source": "observation", "reason": reason, "detail": "", "n": 70}
        for reason in ("code_not_used", "no_scan", "duplicate_row")
    ]
    fill(small, "clinical_rejections", harmless)
    assert notes(folder, small, swept_with()) == []
    bad = [
        {"source": "observation", "reason": "bad_value", "detail": "effective_at", "n": 80},
        {"source": "observation", "reason": "unit_unknown", "detail": "ldl", "n": 5},
    ]
    fill(small, "clinical_rejections", harmless + bad)
    (told,) = notes(folder, small, swept_with())
    assert told.startswith("85 clinical values were not taken; see out_clinical_rejections in ")
    fill(small, "clinical_rejections", [{**bad[0], "n": 1}])
    assert notes(folder, small, swept_with())[0].startswith("1 clinical value was not taken;")


def test_what_left_the_archive_and_what_kept_an_older_score_is_counted(small):
    (told,) = notes(None, small, swept_with(n_series=3, n_people=1))
    assert told == "3 series of 1 person of the last sweep are no longer in the archive"
    assert "2 series keep the score of another model" in notes(None, small, swept_with(2))[0]


def test_failures_count_in_the_run_that_found_them(small):
    rows = [("a", "failed", "old"),
            ("b", "quarantined", "new"), ("c", "failed", "new"),
            ("d", "scored", "new"), ("e", "ineligible", "new"),
            ("f", "pending", "new")]  # fmt: skip
    fill(small, "dispositions", [
        {"series_key": key, "state": state, "run_id": run, "content_digest": "c",
         "choose_version": 1, "model_digest": "m", "scoring_version": 1}
        for key, state, run in rows
    ])  # fmt: skip
    assert (n_failed(small, "new"), n_failed(small, "old"), n_failed(small, "next")) == (2, 1, 0)


def test_a_night_with_less_than_the_last_says_so_and_strict_is_not_of_the_past(
    screening: Screening, swept: Path, hospital: Hospital, tmp_path: Path
) -> None:
    folder, clinical, lake = (tmp_path / name for name in ("archive", "clinical", "lake"))
    shutil.copytree(swept, lake)
    shutil.copytree(hospital.archive, folder)
    shutil.copytree(hospital.clinical, clinical)
    (clinical / "procedure.csv").unlink()
    opened = open_lake(lake)
    series = opened.read("series").to_pylist()
    paths = opened.read_index().instances.to_pylist()
    gone = next(r for r in series if r["modality"] == "CT" and r["n_slices"] > 20)["series_key"]
    for row in paths:
        if row["series_key"] == gone:
            (folder / row["path"]).unlink()
    rows = opened.read("dispositions").to_pylist()
    failed = next(r for r in rows if r["state"] == "scored" and r["series_key"] != gone)
    failed.update(state=State.FAILED.value, reasons=["decode_failed"])
    with opened.lease("older"):
        opened.replace("dispositions", pa.Table.from_pylist(rows, schema=DISPOSITIONS.schema))
    done = screening(
        "sweep", "--archive", str(folder), "--lake", str(lake), "--clinical", str(clinical),
        "--as-of", AS_OF, "--strict", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["series"]["failed"] >= 1
    assert "1 series of 1 person of the last sweep are no longer in the archive" in done.stderr
    assert f"no procedure table in {clinical}: nobody's stents, operations and" in done.stderr
