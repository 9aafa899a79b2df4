"""What a sweep says beside its sums, and when --strict counts."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from night import AS_OF, Hospital, Screening, open_lake

from flows.night_notes import changed_settings, notes
from flows.status import n_failed
from flows.sweep import Swept
from screening.config import Settings
from screening.lake import Lake
from screening.reasons import State
from screening.tables import DISPOSITIONS, LAKE_TABLES

UNKNOWN = (
    "diabetes, infarctions in the family: unknown for everybody, so that MESA's own estimates are "
    "empty and the model draws them for the risk (wider intervals)"
)


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


@pytest.mark.parametrize(
    ("states", "is_told"),
    [
        ({"old": "scored", "new": "pending"}, True),
        ({"old": "scored"}, True),  # the night ended before its turn
        ({"old": "scored", "new": "scored"}, False),
        ({"old": "scored", "new": "ineligible"}, False),
        ({"old": "ineligible", "new": "pending"}, False),
        ({"new": "pending"}, False),
    ],
)
def test_a_scored_series_that_waits_with_other_slices_is_told(small, states, is_told):
    fill(small, "series", [{"series_key": "s", "content_digest": "new"}])
    rows = [{"series_key": "s", "content_digest": c, "state": s} for c, s in states.items()]
    fill(small, "dispositions", rows)
    told = [note for note in notes(None, small, swept_with()) if "changed since" in note]
    assert len(told) == is_told


def test_a_series_that_only_grew_keeps_its_score_while_it_waits(small):
    grown = {"series_key": "s", "content_digest": "new", "grown_from": ["old"]}
    fill(small, "series", [grown])
    fill(small, "dispositions", [{"series_key": "s", "content_digest": "old", "state": "scored"}])
    (told,) = (note for note in notes(None, small, swept_with()) if "only grew" in note)
    assert told.endswith("waits to be scored again: until then the old score stands")


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
        "stents, operations and formal calcium scans can be seen there",
        UNKNOWN,
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
    assert told == (
        "85 clinical values were not taken (bad_value 80, unit_unknown 5); out_clinical_rejections "
        "in screening.duckdb tells which, beside no_scan, code_not_used and duplicate_row, which "
        "need no mending"
    )
    fill(small, "clinical_rejections", [{**bad[0], "n": 1}])
    assert notes(folder, small, swept_with())[0].startswith(
        "1 clinical value was not taken (bad_value 1);"
    )


ALL = ("person", "observation", "condition", "medication", "procedure", "report_text",
       "person_policy")  # fmt: skip


def run_row(run_id: str, day: int, seconds: float | None = 1.0, **rows: int | None) -> dict:
    started = datetime(2026, 1, day, tzinfo=UTC)
    counts = {f"rows_{name}": n for name, n in rows.items()}
    return {"run_id": run_id, "started_at": started, "seconds": seconds, **counts}


FULL = {"person": 30, "observation": 304, "condition": 41, "procedure": 12, "medication": 9,
        "report_text": 3, "person_policy": 1}  # fmt: skip


def test_a_table_that_is_a_header_alone_is_told_like_a_missing_one(small, tmp_path):
    folder = folder_of(tmp_path, *(f"{name}.csv" for name in ALL))
    fill(small, "runs", [run_row("r", 1, **{**FULL, "condition": 0, "procedure": 0})])
    assert notes(folder, small, swept_with()) == [
        f"no rows in condition, procedure of {folder}: nobody's known disease, stents, operations "
        "and formal calcium scans can be seen there",
        UNKNOWN,
    ]
    fill(small, "runs", [run_row("r", 1, **FULL)])
    assert notes(folder, small, swept_with()) == []


def test_a_table_with_under_half_the_rows_of_the_last_sweep_is_told(small, tmp_path):
    folder = folder_of(tmp_path, *(f"{name}.csv" for name in ALL))
    last = run_row("a", 1, **FULL, formal_score=8)
    without = run_row("b", 2)  # a night without --clinical: the one before it is held against
    killed = run_row("c", 3, None, **dict.fromkeys(FULL, 1))

    def told(**rows: int) -> list[str]:
        tonight = run_row("r", 4, **{**FULL, "formal_score": 8, **rows})
        fill(small, "runs", [killed, tonight, without, last])
        return notes(folder, small, swept_with())

    assert told() == []
    assert told(observation=152, formal_score=4) == []  # half
    assert told(observation=151) == [
        "fewer clinical rows than half: observation: 151 rows, 304 in the last sweep; is the "
        "export whole?"
    ]
    (fewer,) = told(observation=15, medication=1)
    assert "observation: 15 rows, 304 in the last sweep; medication: 1 row, 9 in the" in fewer
    # Wishes that are gone: whoever opted out would be back.
    (fewer,) = told(person_policy=0)
    assert "person_policy: 0 rows, 1 in the last sweep" in fewer


def test_a_list_of_formal_scores_that_is_no_longer_there_is_told(small, tmp_path):
    """Without one ever there is no note, as most sites have none."""
    folder = folder_of(tmp_path, *(f"{name}.csv" for name in ALL))
    fill(small, "runs", [run_row("a", 1, **FULL, formal_score=8), run_row("r", 2, **FULL)])
    (fewer,) = notes(folder, small, swept_with())
    assert "formal_score: 0 rows, 8 in the last sweep" in fewer


def test_files_cut_short_are_told_by_name(small, tmp_path):
    folder = folder_of(tmp_path, *(f"{name}.csv" for name in ALL))
    detail = "the last row has no line end and is not whole"
    row = {"source": "observation", "reason": "cut_short", "detail": detail, "n": 1}
    fill(small, "clinical_rejections", [row])
    cut, counted = notes(folder, small, swept_with())
    assert cut == (
        f"clinical files with rows cut short: observation, {detail} (1); is the export whole?"
    )
    assert counted.startswith("1 clinical value was not taken (cut_short 1);")


def test_flag_settings_other_than_in_the_last_sweep_are_told(small):
    esc = Settings.model_validate({
        "flag": {"policy": "esc_2021", "minimum_grade": "B"},
        "risk": {"score2_region": "high"},
        "clinical": {"formal_within_years": 5, "value_years_of": {"ldl_cholesterol": 2}},
    })  # fmt: skip

    def keep(settings: Settings, but: str = "?") -> None:
        numbers = settings.numbers().items()
        rows = [{"name": n, "value": value} for n, value in numbers if not n.startswith(but)]
        fill(small, "setting", rows)

    assert changed_settings(small, esc) == []  # a first sweep
    keep(esc)
    assert changed_settings(small, esc) == []
    (told,) = changed_settings(small, Settings())
    assert told == (
        "flags use other settings than the last sweep: formal_within_years 0 (5 before), "
        "minimum_grade C (B before), policy aha_acc_2018 (esc_2021 before), score2_region none "
        "(high before), value_years:ldl_cholesterol not set (2 before); is --config the right one?"
    )
    keep(Settings())
    assert "value_years:ldl_cholesterol 2 (not set before)" in changed_settings(small, esc)[0]
    keep(Settings(), but="score2_region")  # a lake of a program that kept no region
    assert changed_settings(small, Settings()) == []


def test_an_archive_of_young_files_alone_is_told(small):
    (told,) = notes(None, small, replace(swept_with(), nothing_rests=True))
    assert told.startswith("every file of the archive was written or moved less than settle_minu")
    assert told.endswith("if a copy is running, sweep again after it")


def test_damaged_files_are_told_with_the_command_that_names_them(small):
    fill(small, "runs", [run_row("r", 2) | {"files_unreadable": 3}])
    (told,) = notes(None, small, swept_with())
    assert told.startswith("3 files of the archive cannot be read (screening status --files names")
    spoilt, new = notes(None, small, replace(swept_with(), n_spoilt=2))
    assert spoilt.startswith("2 files of the archive held an image in the last sweep")
    assert spoilt.endswith("(screening status --files names them)")
    assert new.startswith("1 file of the archive cannot be read")


def test_what_left_the_archive_and_what_kept_an_older_score_is_counted(small):
    fill(small, "series", [{"series_key": f"s{k}"} for k in range(30)])
    (told,) = notes(None, small, swept_with(n_series=3, n_people=1))
    assert told == "3 series of 1 person of the last sweep are no longer in the archive"
    (told,) = notes(None, small, swept_with(n_series=4, n_people=1))
    assert told.endswith("whoever has no other score left the list; is all of it mounted?")
    assert "2 series keep a score of another model" in notes(None, small, swept_with(2))[0]
    (told,) = notes(None, small, swept_with(n_series=1, n_people=1))
    assert told == "1 series of 1 person of the last sweep is no longer in the archive"
    (told,) = notes(None, small, replace(swept_with(), n_taken_back=1))
    assert told.startswith("1 series was rejected or moved to another person")


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
    header = (clinical / "condition.csv").read_text().splitlines()[0]
    (clinical / "condition.csv").write_text(f"{header}\n")
    whole = (clinical / "observation.csv").read_bytes()
    n_rows = whole.count(b"\n") - 1
    (clinical / "observation.csv").write_bytes(whole[:700])
    config = tmp_path / "screening.toml"
    config.write_text('[flag]\nminimum_grade = "B"\n')
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
        "--as-of", AS_OF, "--strict", "--json", "--config", str(config),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["series"]["failed"] >= 1
    assert "1 series of 1 person of the last sweep is no longer in the archive" in done.stderr
    assert f"no procedure table in {clinical}: nobody's stents, operations and" in done.stderr
    assert f"no rows in condition of {clinical}: nobody's known disease can be seen" in done.stderr
    n_left = len(whole[:700].splitlines()) - 1
    assert f"observation: {n_left} rows, {n_rows} in the last sweep" in done.stderr
    assert "rows cut short: observation, the last row has no line end" in done.stderr
    assert "last sweep: minimum_grade B (C before); is --config the right" in done.stderr
    assert "still being received" not in done.stderr
