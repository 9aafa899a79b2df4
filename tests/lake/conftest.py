"""Small inputs that every test of the lake uses."""

from datetime import date
from types import SimpleNamespace

import pyarrow as pa
import pytest

from screening.lake import Lake
from screening.tables import DISPOSITIONS, INSTANCES_RAW, SERIES

SECRET = b"a secret for tests only"


def raw(*rows: dict) -> pa.Table:
    """INSTANCES_RAW; what a row does not say is null, UIDs follow from `scan`."""
    full = []
    for i, row in enumerate(rows):
        scan = row.pop("scan", "1")
        base = dict.fromkeys(INSTANCES_RAW.schema.names)
        base |= {
            "path": f"dir{scan}/file{i:04d}",
            "size_bytes": 10,
            "mtime_ns": 1,
            "modality": "CT",
            "image_type": ["ORIGINAL", "PRIMARY"],
            "position_lps_mm": [0.0, 0.0, float(i)],
            "sop_instance_uid": f"1.2.3.{scan}.1.{i}",
            "series_instance_uid": f"1.2.3.{scan}.1",
            "study_instance_uid": f"1.2.3.{scan}",
            "acquired_on": date(2026, 1, 2),
            "patient_id": "123",
            "issuer": "",
            "accession": "",
        }
        full.append(base | row)
    return pa.Table.from_pylist(full, schema=INSTANCES_RAW.schema)


def disposition(series_key: str, state: str = "scored", **values: object) -> dict:
    """One row of `dispositions`."""
    row = dict.fromkeys(DISPOSITIONS.schema.names)
    row |= {"series_key": series_key, "study_key": "t", "person_key": "p", "content_digest": "c"}
    row |= {"choose_version": 1, "model_digest": "m", "scoring_version": 1, "state": state}
    return row | {"reasons": []} | values


def dispositions(*rows: dict) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=DISPOSITIONS.schema)


def series(**values: list) -> pa.Table:
    """SERIES with the columns given; the others null."""
    n = len(values["series_key"])
    rows = [
        {name: values[name][i] if name in values else None for name in SERIES.schema.names}
        for i in range(n)
    ]
    return pa.Table.from_pylist(rows, schema=SERIES.schema)


@pytest.fixture
def lake(tmp_path):
    return Lake.open(tmp_path / "lake", SECRET, create=True)


@pytest.fixture
def build():
    """The makers of small tables (test modules cannot import each other)."""
    return SimpleNamespace(
        raw=raw, disposition=disposition, dispositions=dispositions, series=series, secret=SECRET
    )
