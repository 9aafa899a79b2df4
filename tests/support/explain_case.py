"""A small lake with people to explain, and what is read of them: as print and as a page.

Comes in: nothing. Goes out: fixtures `told` and `page`, by key. Refuses: nothing.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest
from seen_case import SPOTS, some_seen

from flows.explain import explain, print_explanation
from flows.people_stage import compare_scans
from screening.inference import pack
from screening.lake import Lake
from screening.scoring import SCORING_VERSION
from screening.tables import LAKE_TABLES

AS_OF = date(2026, 11, 1)
SCAN = date(2026, 6, 1)
PNG = b"\x89PNG picture"
INPUTS = {"total_cholesterol_mg_dl": 204.4, "systolic_bp_mmhg": 139.0, "smoker": 0.0}


@dataclass
class Told:
    """The facts of one key, and the text a person reads."""

    facts: dict
    text: str


def series(person: str, key: str | None = None, **more: object) -> dict:
    return {
        "series_key": key or f"s{person}", "study_key": f"t{person}", "person_key": person,
        "modality": "CT", "index_date": SCAN, "age_years": 67.0, "sex": "M", "content_digest": "c",
        "n_slices": 100, "rows": 256, "columns": 256, "increment_mm": 3.0, "kvp": 120.0, **more,
    }  # fmt: skip


def scored(person: str, agatston: float, **more: object) -> dict:
    edges = ((0, "0"), (100, "(0,100)"), (300, "[100,300)"), (1000, "[300,1000)"))
    category = next((c for edge, c in edges if agatston <= edge), "[1000,inf)")
    return {
        "series_key": f"s{person}", "study_key": f"t{person}", "person_key": person,
        "content_digest": "c", "choose_version": 1, "model_digest": "a" * 64, "scoring_version": 1,
        "state": "scored", "reasons": [], "agatston": agatston, "category": category, "grade": "A",
        "agatston_lm": 0.0, "agatston_lad": agatston, "agatston_lcx": 0.0, "agatston_rca": 0.0,
        "volume_mm3": agatston, "mass_mg": 1.0, "quality_flags": [], "noise_hu": 20.0,
        "model_name": "default", "provider": "CPU", "has_picture": agatston > 0,
        "image_digest": "i",
        "other": [{"label": "aortic_valve", "agatston": 49.4}, {"label": "aorta", "agatston": 0.0}],
        "committed_at": datetime(2026, 11, 1, tzinfo=UTC), **more,
    }  # fmt: skip


def refused(person: str, state: str, reason: str, **more: object) -> dict:
    row = scored(person, 0.0, state=state, reasons=[reason], has_picture=False)
    return row | {"agatston": None, "category": None, "grade": None, **more}


def event(person: str, concept: str, day: date | None, code: str = "x") -> dict:
    return {"person_key": person, "concept": concept, "code": code, "started_on": day}


# Scans of 2022 and 2024: how they were made, and the volumes of each person.
DAYS = (date(2022, 6, 1), date(2024, 6, 1))
MADE = {"thickness_mm": 3.0, "kernel": "B30f", "is_gated": False}
TWICE = {"grown": (56.25, 110.25), "stable": (56.25, 60.84), "changed": (56.25, 110.25),
         "out": (56.25, 110.25), "much": (0.0, 121.0)}  # fmt: skip

# A gated scan: one lesion may be a stent, one is too small for it, one is surely calcium.
_LESIONS = (("LAD", 237.4, 0.59, (50, 55)), ("LCX", 31.9, 0.3, (7, 7)), ("RCA", 300.0, 0.6, (1, 2)))
WITH_METAL = {
    "lesions": [
        {"label": label, "volume_mm3": mm3, "probability": p, "slices": list(slices), "max_hu": 500}
        for label, mm3, p, slices in _LESIONS
    ],
    "other": [{"label": "metal", "agatston": 45.2}, {"label": "aorta", "agatston": 12.0}],
    "quality_flags": ["metal_near_heart", "stent_possible", "stent_present"],
    "agatston_low": 60.0, "agatston_high": 200.0, "category_probability": 0.7,
    "score_group": "100-399", "cac_drs": "A2/N3", "n_vessels": 3, "volume_mm3": 570.0,
    "volume_mm3_low": 401.0, "volume_mm3_high": 902.0, "volume_isotropic_mm3": 560.0,
    "volume_isotropic_mm3_low": 402.0, "volume_isotropic_mm3_high": 903.0, "mass_mg": 98.0,
    "mass_mg_low": 41.0, "mass_mg_high": 152.0, "mass_integrated_mg": 110.0,
    "mass_integrated_mg_low": 43.0, "mass_integrated_mg_high": 153.0,
}  # fmt: skip

TABLES = {
    "series": [
        *(series(p) for p in ("high", "norecord", "zero", "cut", "ill", "failed", "out")),
        series("metal", is_gated=True),
        series("high", "sr-of-high", modality="SR", content_digest="d"),
        series("undated", index_date=None),
        series("undated", "undated-worse", index_date=None),
        series("lonely", modality="SR", content_digest="d"),
        *(series(p, f"{p}-{day.year}", index_date=day, **MADE) for p in TWICE for day in DAYS),
        series("changed", "changed-2025", index_date=date(2025, 6, 1), **MADE | {"kvp": 80.0}),
    ],
    "dispositions": [
        scored(
            "high", 2137.39, quality_flags=["metal_near_heart"], expected_false_agatston=3.21
        ),
        refused("high", "ineligible", "not_ct", series_key="sr-of-high", content_digest="d"),
        refused("lonely", "ineligible", "not_ct", content_digest="d"),
        scored("norecord", 150.0),
        scored("zero", 0.0, scoring_version=SCORING_VERSION),
        scored("cut", 0.0, quality_flags=["heart_incomplete"], has_picture=False),
        scored("ill", 400.0),
        refused("failed", "failed", "missing_slice_in_heart", detail="holes at the heart: 1"),
        scored("out", 500.0),
        scored("undated", 640.0, grade="B", quality_flags=["heart_incomplete"]),
        scored("undated", 900.0, grade="C", series_key="undated-worse", image_digest="worse"),
        scored("metal", 120.0, **WITH_METAL),
        *(scored(p, 0.0, series_key=f"{p}-{day.year}", image_digest=f"{p}{day}", volume_mm3=v,
                 lesions=[{"label": "LAD", "volume_mm3": v, "probability": 0.9, "slices": [1, 2],
                           "max_hu": 400}])
          for p, volumes in TWICE.items() for day, v in zip(DAYS, volumes, strict=True)),
        scored("changed", 0.0, series_key="changed-2025"),
    ],
    "person": [
        {"person_key": p, "sex": "M", "race": "white"}
        for p in ("high", "zero", "ill", "failed", "out", "undated")
    ],
    "observation": [
        {"person_key": "high", "concept": c, "value": v, "effective_on": SCAN - timedelta(37)}
        for c, v in INPUTS.items()
    ],
    "event": [
        event("ill", "coronary_stent", date(2024, 6, 8)),
        event("ill", "formal_calcium_score", None, "report_text"),
        event("high", "statin", date(2026, 7, 1)),
    ],
    "policy": [{"person_key": "out", "scope": "opt_out_all", "valid_from": date(2026, 10, 1)}],
    "risk": [
        {"person_key": "ill", "series_key": "sill", "equation": "mesa: Source 2015",
         "mesa_chd_10y": 0.2, "mesa_chd_10y_cac": 0.4, "reasons": [], "detail": "",
         "model": "ours; x", "model_risk": 0.43, "model_risk_low": 0.3,
         "model_risk_high": 0.5},
        {"person_key": "high", "series_key": "shigh", "equation": "mesa: Source 2015",
         "mesa_chd_10y": 0.658, "mesa_chd_10y_cac": 0.323, "reasons": [], "detail": ""},
        {"person_key": "zero", "series_key": "szero", "equation": "mesa: Source 2015",
         "reasons": ["missing_input"], "detail": "missing: race, hdl_cholesterol_mg_dl"},
    ],
    "runs": [{"run_id": "r", "started_at": datetime(2026, 11, 1, tzinfo=UTC), "as_of": AS_OF,
              "seconds": 1.0}],
}  # fmt: skip


@pytest.fixture(scope="module")
def small_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake.open(tmp_path_factory.mktemp("told") / "lake", b"a secret for tests", create=True)
    with lake.lease("r"):
        for name, rows in TABLES.items():
            schema = LAKE_TABLES[name].schema
            empty = dict.fromkeys(schema.names)
            lake.replace(name, pa.Table.from_pylist([empty | row for row in rows], schema=schema))
        compare_scans(lake, AS_OF)
        for key in ("shigh", "snorecord", "sill", "sfailed", "sout"):  # also of older states
            lake.store_picture(key, PNG)
        mine = pack(some_seen("a" * 64, "i"))
        for key in ("shigh", "sfailed", "sout"):
            lake.store_seen(key, mine)
        lake.store_seen("szero", pack(some_seen("a" * 64, "i", SPOTS[1:3], n_native=2)))
        lake.store_seen("sill", pack(some_seen("b" * 64, "i")))
        lake.store_seen("grown-2022", mine[:-1] + bytes([mine[-1] ^ 1]))
    return lake


@pytest.fixture
def told(small_lake: Lake, capsys: pytest.CaptureFixture[str]):
    def tell(key: str, out: Path | None = None) -> Told:
        facts = explain(small_lake, key, out)
        print_explanation(facts)
        return Told(facts, capsys.readouterr().out)

    return tell


class Read(HTMLParser):
    """What a browser and a screen reader find in a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] != "style":
            self.text += f"{data}\n"

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(small_lake: Lake, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("pages")

    @cache
    def tell(key: str) -> Read:
        explain(small_lake, key, folder / f"{key}.html")
        return Read((folder / f"{key}.html").read_text())

    return tell
