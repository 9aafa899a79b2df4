"""Two scans of one person in the files that people open, as a sweep's last stages make them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from flows.people_stage import estimate
from screening.config import RiskSettings
from screening.lake import Lake
from screening.tables import LAKE_TABLES

AS_OF, DAY = date(2026, 11, 1), date(2022, 6, 1)


def series(key: str, day: date, **more: object) -> dict:
    return {
        "series_key": key, "study_key": f"t{key}", "person_key": "p", "modality": "CT",
        "index_date": day, "content_digest": "c", "increment_mm": 3.0, "thickness_mm": 3.0,
        "kvp": 120.0, "kernel": "B30f", "is_gated": False, **more,
    }  # fmt: skip


def scored(key: str, volume_mm3: float, **more: object) -> dict:
    return {
        "series_key": key, "study_key": f"t{key}", "person_key": "p", "content_digest": "c",
        "choose_version": 1, "model_digest": "m", "scoring_version": 1, "state": "scored",
        "reasons": [], "agatston": 2 * volume_mm3, "volume_mm3": volume_mm3, "grade": "A",
        "lesions": [{"volume_mm3": volume_mm3}],
        "image_digest": key, "committed_at": datetime(2026, 11, 1, tzinfo=UTC), **more,
    }  # fmt: skip


@pytest.fixture
def published(tmp_path: Path) -> Path:
    tables = {
        "series": [
            series("a", DAY),
            series("b", DAY + timedelta(days=1461)),
            series("c", DAY + timedelta(days=1500), kernel="B70f"),
        ],
        "dispositions": [scored("a", 56.25), scored("b", 100.0), scored("c", 100.0)],
    }
    lake = Lake.open(tmp_path / "lake", b"a secret for tests", create=True)
    with lake.lease("r"):
        for name, rows in tables.items():
            schema = LAKE_TABLES[name].schema
            empty = dict.fromkeys(schema.names)
            lake.replace(name, pa.Table.from_pylist([empty | row for row in rows], schema=schema))
        estimate(lake, AS_OF, RiskSettings(), {})
        lake.check_keys()
        lake.publish(AS_OF, "r")
    return lake.path


def test_growth_is_in_the_operations_file_with_its_meaning(published: Path) -> None:
    with duckdb.connect(str(published / "screening.duckdb"), read_only=True) as connection:
        grown, other = connection.sql("from out_progression").to_arrow_table().to_pylist()
        (meaning,) = connection.sql(
            "select meaning from dictionary "
            "where relation = 'out_progression' and column_name = 'is_progression'"
        ).fetchall()[0]
    assert grown == {
        "person_key": "p", "earlier_series_key": "a", "later_series_key": "b",
        "earlier_index_date": DAY, "later_index_date": DAY + timedelta(days=1461), "years": 4.0,
        "earlier_volume_mm3": 56.25, "later_volume_mm3": 100.0, "earlier_agatston": 112.5,
        "later_agatston": 200.0, "sqrt_volume_change": 2.5, "sqrt_volume_change_per_year": 0.625,
        "is_progression": True, "is_beyond_repeatability": False, "reasons": [],
        "is_reconstruction_unknown": True,
    }  # fmt: skip
    assert other["reasons"] == ["too_soon_after", "other_kernel"]
    assert other["is_progression"] is None
    assert meaning


def test_growth_is_not_in_the_research_file(published: Path) -> None:
    with duckdb.connect(str(published / "research.duckdb"), read_only=True) as connection:
        names = {name for (name,) in connection.sql("show tables").fetchall()}
    assert names
    assert "out_progression" not in names
