"""Every scored scan by every convention, from what the lake keeps of it alone."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from night import SECRET
from seen_case import SPOTS, some_seen

from flows.cli import cli
from flows.conventions import convention_scores
from screening import archive, inference, scoring
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.schema import Privacy
from screening.tables import CONVENTION_SCORES, LAKE_TABLES, TABLES

AS_OF = date(2026, 11, 1)
MODEL = "a" * 64


def series(key: str, person: str, day: date) -> dict:
    return {
        "series_key": key, "study_key": f"t{key}", "person_key": person, "modality": "CT",
        "index_date": day, "age_years": 60.0, "sex": "F", "content_digest": "c",
    }  # fmt: skip


def scored(key: str, person: str) -> dict:
    return {
        "series_key": key, "study_key": f"t{key}", "person_key": person, "content_digest": "c",
        "choose_version": 1, "model_digest": MODEL, "scoring_version": 1, "state": "scored",
        "reasons": [], "agatston": 96.0, "category": "(0,100)", "grade": "A",
        "quality_flags": FLAGS.get(key, []),
        "image_digest": f"i{key}", "committed_at": datetime(2026, 11, 1, tzinfo=UTC),
    }  # fmt: skip


SCANS = (
    ("s1", "told", date(2024, 6, 1)), ("s2", "told", date(2026, 6, 1)),
    ("s3", "silent", date(2026, 6, 1)), ("s4", "asleep", date(2026, 6, 1)),
    ("s5", "old", date(2026, 6, 1)), ("s6", "changed", date(2026, 6, 1)),
    ("s7", "damaged", date(2026, 6, 1)),
)  # fmt: skip
FLAGS = {"s1": ["heart_incomplete", "stent_possible"], "s2": ["heart_incomplete"]}
TABLES_OF = {
    "series": [series(*scan) for scan in SCANS],
    "dispositions": [scored(key, person) for key, person, _ in SCANS],
    "person": [{"person_key": person, "sex": "F", "race": "white"} for _, person, _ in SCANS[1:]],
    "policy": [
        {"person_key": "silent", "scope": "opt_out_research", "valid_from": AS_OF},
        {"person_key": "asleep", "scope": "opt_out_all", "valid_from": None},
    ],
    "runs": [{"run_id": "r", "started_at": datetime(2026, 11, 1, tzinfo=UTC), "as_of": AS_OF,
              "seconds": 1.0}],
}  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = Lake.open(tmp_path_factory.mktemp("kept") / "lake", SECRET.encode(), create=True)
    with made.lease("r"):
        for name, rows in TABLES_OF.items():
            schema = LAKE_TABLES[name].schema
            empty = dict.fromkeys(schema.names)
            made.replace(name, pa.Table.from_pylist([empty | row for row in rows], schema=schema))
        for key in ("s1", "s3", "s4"):
            made.store_seen(key, inference.pack(some_seen(MODEL, f"i{key}")))
        # A later scan with none of it coronary; one of another model; one that is damaged.
        made.store_seen("s2", inference.pack(some_seen(MODEL, "is2", SPOTS[1:])))
        made.store_seen("s6", inference.pack(some_seen("b" * 64, "is6")))
        made.store_seen("s7", inference.pack(some_seen(MODEL, "is7"))[:-1])
    return made


def test_each_scan_has_a_row_a_convention_and_nothing_else_is_told(lake, monkeypatch):
    def never(*_: object) -> None:
        raise AssertionError("no image is read, no model asked")

    monkeypatch.setattr(archive, "read_bytes", never)
    monkeypatch.setattr(inference, "infer", never)
    found, n_missing = convention_scores(lake)
    assert n_missing == 3
    rows = found.to_pylist()
    assert {(r["scan"], r["convention"]) for r in rows} == {
        (n, name) for n in (1, 2) for name in scoring.CONVENTIONS
    }
    assert len(rows) == 2 * len(scoring.CONVENTIONS)
    assert len({r["research_key"] for r in rows}) == 1
    # The scan that out_cohort uses, here the later one of two of grade A.
    assert {(r["scan"], r["is_index_scan"]) for r in rows} == {(1, False), (2, True)}
    standard = {r["scan"]: r for r in rows if r["convention"] == "agatston_1990"}
    assert standard[1]["agatston_rounded"] == standard[1]["agatston_lad_rounded"] == 100.0  # of 96
    assert (standard[1]["category"], standard[2]["category"]) == ("(0,100)", "0")
    assert standard[2]["agatston_rounded"] == 0.0


def test_each_row_says_whether_it_is_a_lower_bound(lake):
    found, _ = convention_scores(lake)
    told = {(r["scan"], r["is_lower_bound"], r["may_be_more"]) for r in found.to_pylist()}
    assert told == {(1, False, True), (2, True, True)}  # in the first, a stent may have counted
    assert "quality_flags" not in found.column_names


def test_no_key_date_or_exact_score_of_the_lake_is_in_it(lake):
    found, _ = convention_scores(lake)
    assert found.schema.equals(CONVENTION_SCORES.schema)
    keys = {c.name for t in LAKE_TABLES.values() for c in t.columns if c.privacy is Privacy.KEY}
    assert not keys & set(found.column_names)
    for row in found.to_pylist():
        assert row["research_key"].startswith("r_")
        assert row["shifted_index_month"] < date(2026, 6, 1)
        assert row["shifted_index_month"].day == 1
        assert all(v % 10 == 0 for k, v in row.items() if k.endswith("_rounded"))
    assert TABLES["convention_scores"] is CONVENTION_SCORES
    assert "convention_scores" not in LAKE_TABLES


@pytest.mark.parametrize(("score", "rounded"), [(4.99, 0.0), (5.0, 10.0), (14.99, 10.0)])
def test_scores_are_rounded_as_in_the_cohort(score, rounded):
    vessels = scoring.by_conventions(some_seen(MODEL, "i"))[0].vessels
    told = scoring.ConventionScore("agatston_1990", score, "(0,100)", vessels).coarse()
    assert told["agatston_rounded"] == rounded


@pytest.mark.parametrize("name", ["table.parquet", "table.CSV"])
def test_the_command_writes_a_private_file_and_says_what_is_missing(
    lake, tmp_path, monkeypatch, name
):
    monkeypatch.setenv("SCREENING_SECRET", SECRET)
    out: Path = tmp_path / name
    done = CliRunner().invoke(cli, ["conventions", "--lake", str(lake.path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "10 rows in" in done.output
    assert "left out: 3 scored scans" in done.output
    assert out.stat().st_mode & 0o077 == 0
    if name.endswith("parquet"):
        assert pq.read_table(out).equals(convention_scores(lake)[0])
    else:
        assert out.read_text().count("\n") == 11


def test_another_kind_of_file_is_refused_before_anything_is_read(tmp_path):
    arguments = ["conventions", "--lake", str(tmp_path / "none"), "--out", str(tmp_path / "t.xlsx")]
    with pytest.raises(ScreeningError, match=r"let it end in \.parquet or \.csv"):
        CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)
    assert list(tmp_path.iterdir()) == []


def test_a_lake_that_no_sweep_finished_is_refused(tmp_path):
    empty = Lake.open(tmp_path / "lake", SECRET.encode(), create=True)
    with pytest.raises(ScreeningError, match="no sweep of this lake has finished"):
        convention_scores(empty)


def test_the_help_of_score_tells_each_convention_in_a_line():
    lines = CliRunner().invoke(cli, ["score", "--help"]).output.splitlines()
    told = [line.split(maxsplit=1) for line in lines if line.startswith("    agatston_")]
    assert [name for name, _ in told] == list(scoring.CONVENTIONS)
    assert all(len(words) > 20 for _, words in told)
