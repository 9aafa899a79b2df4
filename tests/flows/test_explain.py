"""What a nurse reads of `screening explain`, and when there is a picture."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from flows import show, words
from flows.explain import explain, print_explanation
from flows.people_stage import compare_scans
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.scoring.quality import RULES
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
         "out": (56.25, 110.25)}  # fmt: skip

TABLES = {
    "series": [
        *(series(p) for p in ("high", "norecord", "zero", "ill", "failed", "out")),
        series("high", "sr-of-high", modality="SR", content_digest="d"),
        *(series(p, f"{p}-{day.year}", index_date=day, **MADE) for p in TWICE for day in DAYS),
        series("changed", "changed-2025", index_date=date(2025, 6, 1), **MADE | {"kvp": 80.0}),
    ],
    "dispositions": [
        scored(
            "high", 2137.39, quality_flags=["metal_near_heart"], expected_false_agatston=3.21
        ),
        refused("high", "ineligible", "not_ct", series_key="sr-of-high", content_digest="d"),
        scored("norecord", 150.0),
        scored("zero", 0.0),
        scored("ill", 400.0),
        refused("failed", "failed", "missing_slice_in_heart", detail="holes at the heart: 1"),
        scored("out", 500.0),
        *(scored(p, 0.0, series_key=f"{p}-{day.year}", image_digest=f"{p}{day}", volume_mm3=v)
          for p, volumes in TWICE.items() for day, v in zip(DAYS, volumes, strict=True)),
        scored("changed", 0.0, series_key="changed-2025"),
    ],
    "person": [
        {"person_key": p, "sex": "M", "race": "white"}
        for p in ("high", "zero", "ill", "failed", "out")
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
    return lake


@pytest.fixture
def told(small_lake: Lake, capsys: pytest.CaptureFixture[str]):
    def tell(key: str, out: Path | None = None) -> Told:
        facts = explain(small_lake, key, out)
        print_explanation(facts)
        return Told(facts, capsys.readouterr().out)

    return tell


def test_the_person_comes_first_with_one_sentence_why(told):
    lines = told("high").text.splitlines()
    assert lines[0] == "person high, as of 2026-11-01"
    assert lines[1] == "  Why: on the list: Agatston 1000 or more."
    assert told("shigh").text.splitlines()[0] == lines[0]
    assert "Why: not on the list: Cardiovascular disease is already known." in told("ill").text
    assert "Also: A formal calcium score already exists." in told("ill").text
    why = "Why: nothing can be said: No clinical record matches the scan's patient number."
    assert why in told("norecord").text


def test_two_scans_are_compared_in_plain_words(told):
    grown = told("grown").text
    assert "  from 2022-06-01 to 2024-06-01 (2.0 years): progression\n" in grown
    assert "    volume 56.2, then 110.2 mm³, Agatston 0.0, then 0.0\n" in grown
    changed = "square root of the volume changed by 3.0 (1.5 a year); progression from 2.5 on"
    assert changed in grown
    stable = told("stable-2022").text
    assert "(2.0 years): no progression\n" in stable
    assert "changed by 0.3 (0.1 a year)" in stable


def test_two_scans_that_are_not_comparable_say_why(told):
    text = told("changed").text
    assert "(2.0 years): progression\n" in text
    assert "scans of 2024-06-01 and 2025-06-01: growth of calcium cannot be told\n" in text
    assert "    The two scans' tube voltage differs, or is not known of both.\n" in text
    assert told("out").facts["progression"] == []
    assert "progression" not in told("out").text
    assert "progression" not in told("zero").text


def test_inputs_have_words_units_and_age(told):
    text = told("high").text
    for line in (
        "total cholesterol 204 mg/dL, 37 days before the scan",
        "HDL cholesterol: none recorded",
        "systolic blood pressure 139 mmHg, 37 days before the scan",
        "current smoker: no, 37 days before the scan",
        "lipid medicine at the scan: no",
        "on a statin on the day of the list: yes",
        "10-year CHD risk without calcium 65.8 %, with calcium 32.3 %",
        "Agatston 2,137.4, category 1000 and above",
        "quality remarks: metal near the heart",
        "noise 20 HU: without any calcium it would make about 3.2 Agatston units",
        "not counted, outside the coronaries: aortic valve 49.4\n",
        "known cardiovascular disease: none recorded",
    ):
        assert line in text
    assert "known cardiovascular disease: coronary stent, 2024-06-08" in told("ill").text
    assert "formal calcium score: a report speaks of it, no date" in told("ill").text
    assert "quality remarks: none" in told("ill").text


def test_without_a_record_facts_are_unknown_and_nothing_is_missing(told):
    text = told("norecord").text
    assert "on a statin on the day of the list: unknown" in text
    assert "diabetes at the scan: unknown" in text
    assert "none recorded" not in text


def test_a_missing_estimate_names_the_inputs_in_words(told):
    assert "10-year CHD risk not estimated, missing: race, HDL cholesterol" in told("zero").text
    assert "10-year CHD risk not estimated: there is no score" in told("failed").text
    assert "The score is below the flag's threshold." in told("zero").text
    assert "a non-gated zero is not reassurance" in told("zero").text


@pytest.mark.parametrize(
    "key", ["high", "norecord", "zero", "ill", "failed", "out", "grown", "stable", "changed"]
)
def test_no_code_of_the_program_and_no_repr_is_read(told, key):
    text = re.sub(r"\[[a-z_]+\]", "", told(key).text)  # the reason's code, in brackets, may stand
    assert "_" not in text
    for sign in ("{", "None", "True", "False", "datetime", "['", "[1000"):
        assert sign not in text


def test_a_picture_is_written_only_where_one_is_asked_for(told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = told("high")
    assert "picture kept encrypted; write it with --out FILE" in kept.text
    assert list(tmp_path.iterdir()) == []
    out = tmp_path / "p.png"
    written = told("high", out)
    assert f"picture: {out} (identified data; delete after use)" in written.text
    assert out.read_bytes() == PNG
    assert out.stat().st_mode & 0o077 == 0
    assert [p["file"] for p in written.facts["pictures"]] == [str(out), None]


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("failed", "no picture: the series is not scored (failed)"),
        ("sr-of-high", "no picture: the series is not scored (ineligible)"),
        ("zero", "no picture: none is made of a score of zero"),
        ("out", "no picture: The person has opted out."),
    ],
)
def test_no_picture_of_what_is_not_scored_now_or_opted_out(told, tmp_path, key, why):
    out = tmp_path / "p.png"
    text = told(key, out).text
    assert why in text
    assert f"no picture was written to {out}" in text
    assert not out.exists()


def test_a_place_that_cannot_be_written_is_one_line(small_lake, tmp_path):
    missing = tmp_path / "nowhere" / "p.png"
    with pytest.raises(ScreeningError, match=r"cannot write .*p\.png: no such folder"):
        explain(small_lake, "high", missing)
    with pytest.raises(ScreeningError, match="cannot write"):
        explain(small_lake, "high", tmp_path)


def test_json_keeps_the_facts(told):
    facts = json.loads(show.as_json(told("high").facts))
    (person,) = facts["people"]
    assert person["mesa_chd_10y_cac"] == 0.323
    assert person["is_on_statin"] is True
    assert {r["series_key"] for r in facts["series"]} == {"shigh", "sr-of-high"}


def test_every_quality_flag_has_words():
    assert {flag.value for flag in RULES} == set(words.REMARKS)
