"""What a nurse reads of `screening explain`, and when there is a picture."""

import base64
import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from seen_case import SPOTS, some_seen

from flows import bright_words, remarks, scan_words, show, words
from flows.explain import explain, print_explanation
from flows.people_stage import compare_scans
from screening.errors import ScreeningError
from screening.inference import pack
from screening.lake import Lake
from screening.records import Label
from screening.scoring import SCORING_VERSION, BrightThing, Why
from screening.scoring.metal_kinds import Metal
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
        *(series(p) for p in ("high", "norecord", "zero", "ill", "failed", "out")),
        series("metal", is_gated=True),
        series("high", "sr-of-high", modality="SR", content_digest="d"),
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
        scored("ill", 400.0),
        refused("failed", "failed", "missing_slice_in_heart", detail="holes at the heart: 1"),
        scored("out", 500.0),
        scored("metal", 120.0, **WITH_METAL),
        *(scored(p, 0.0, series_key=f"{p}-{day.year}", image_digest=f"{p}{day}", volume_mm3=v,
                 lesions=[{"label": "LAD", "volume_mm3": v, "probability": 0.9, "slices": [1, 2],
                           "max_hu": 400}])
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
    chance = "may be chance: two scans without any change can differ by as much"
    assert f"    {chance}\n" in grown
    much = told("much").text
    assert "progression from 2.5 on" in much
    assert chance not in much
    stable = told("stable-2022").text
    assert chance in stable
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


@pytest.mark.parametrize(
    ("kvp_source", "score", "plain", "on_a_page"),
    [
        ("standard", 7.0, None, None),
        ("unknown", None, None, None),
        ("table", 5.5, "the tube voltage (published): 5.5", "5.5 units (published)"),
        ("tin_filter", None, "the tube voltage: none: tin filtered", "none: tin filtered the beam"),
    ],
)
def test_the_score_for_the_voltage_or_why_there_is_none(kvp_source, score, plain, on_a_page):
    row = dict.fromkeys(("n_lesions", "density", "agatston_native", "slab_mm")) | {
        "agatston": 5.0, "agatston_low": 0.0, "agatston_high": 9.0, "category_probability": 0.9,
        "is_gated": False,
        "score_group": "1-99", "cac_drs": "A1/N1", "n_vessels": 1, "volume_isotropic_mm3": None,
        "mass_integrated_mg": None, "kvp_source": kvp_source, "agatston_kvp": score,
    }  # fmt: skip
    lines = [line for line in words.beside(row) if "tube voltage" in line]
    assert len(lines) == (plain is not None)
    assert plain is None or plain in lines[0]
    page = dict(scan_words.beside(row)).get("thresholds for the tube voltage")
    assert (page is None) == (on_a_page is None)
    assert on_a_page is None or page.startswith(on_a_page)


@pytest.mark.parametrize(
    ("agatston", "low", "high", "share", "told", "not_told"),
    [
        (50.0, 20.0, 90.0, 0.9, "likely between 20 and 90 (95 %); the category is right", "bound"),
        (50.0, 20.0, 90.0, 0.995, "over 99 %", "100 %"),
        (50.0, 20.0, None, None, "at least about 20 (95 %): a lower bound", "between"),
        (50.0, None, None, None, "how far the Agatston score may be off cannot be said", "%"),
        (0.0, 0.0, 2.1, 0.912, "the category is right with a probability of about 91 %", "between"),
    ],
)
def test_no_more_is_said_of_how_sure_a_score_is_than_is_known(
    agatston, low, high, share, told, not_told
):
    row = {"agatston": agatston, "agatston_low": low, "agatston_high": high,
           "category_probability": share}  # fmt: skip
    assert told in words.likely(row)
    assert not_told not in words.likely(row)


def test_of_a_cut_heart_neither_percentile_nor_risk_with_calcium_is_told():
    person = {"quality_flags": ["heart_incomplete"], "percentile_text": "", "mesa_chd_10y": 0.07,
              "mesa_chd_10y_cac": None, "risk_detail": "missing: agatston"}  # fmt: skip
    assert words.standing(person) == "percentile: not told, as the heart is cut"
    assert words.risk(person) == (
        "10-year CHD risk without calcium 7.0 %; with calcium not told, as the heart is cut"
    )


def test_inputs_have_words_units_and_age(told):
    text = told("high").text
    for line in (
        "total cholesterol: 204 mg/dL, 37 days before the scan",
        "HDL cholesterol: none recorded",
        "systolic blood pressure: 139 mmHg, 37 days before the scan",
        "current smoker: no, 37 days before the scan",
        "lipid medicine at the scan: no",
        "on a statin on the day of the list: yes",
        "10-year CHD risk without calcium 65.8 %, with calcium 32.3 %",
        "Agatston 2,137.4, category 1000 and above",
        "quality remarks: metal near the heart",
        "noise 20 HU: without any calcium it would make about 3.2 Agatston units",
        "not counted, outside the coronaries:\n    aortic valve: Agatston 49.4\n",
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
    ],
)
def test_no_picture_of_what_is_not_scored_now(told, tmp_path, key, why):
    out = tmp_path / "p.png"
    text = told(key, out).text
    assert why in text
    assert f"no picture was written to {out}" in text
    assert not out.exists()


def test_a_place_that_cannot_be_written_is_one_line(small_lake, tmp_path):
    missing = tmp_path / "nowhere" / "p.png"
    with pytest.raises(ScreeningError, match=r"cannot write .*p\.png: no such folder"):
        explain(small_lake, "high", missing)
    folder = tmp_path / "folder.png"
    folder.mkdir()
    with pytest.raises(ScreeningError, match=r"cannot write .*: Is a directory"):
        explain(small_lake, "high", folder)


@pytest.mark.parametrize("name", ["x.pdf", "x", "x.png.gz"])
def test_only_a_page_or_a_picture_is_written(small_lake, tmp_path, name):
    told = rf"^cannot write {re.escape(name)}: give a \.html page or a \.png picture$"
    with pytest.raises(ScreeningError, match=told):
        explain(small_lake, "high", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "first"), [("x.HTML", b"<!DOCTYPE"), ("x.htm", b"<!DOCTYPE"), ("x.PNG", b"\x89PNG")]
)
def test_the_ending_says_what_is_written(small_lake, tmp_path, name, first):
    explain(small_lake, "high", tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(first)


def test_json_keeps_the_facts(told):
    facts = json.loads(show.as_json(told("high").facts))
    (person,) = facts["people"]
    assert person["mesa_chd_10y_cac"] == 0.323
    assert person["is_on_statin"] is True
    assert {r["series_key"] for r in facts["series"]} == {"shigh", "sr-of-high"}


def test_every_quality_flag_has_words_and_a_sentence():
    assert {flag.value for flag in RULES} == set(words.REMARKS)
    assert set(remarks.EXPLAINED) == set(words.REMARKS)
    assert {grade for grade in RULES.values()} == set(remarks.GRADES)
    assert all(text.endswith(".") for text in remarks.EXPLAINED.values())
    assert remarks.explained(["brand_new"]) == ("Brand new.",)


# What was seen


def test_each_bright_spot_is_told_and_why_it_was_not_counted(told):
    found = told("high")
    (seen,) = found.facts["seen"]
    assert seen["series_key"] == "shigh"
    assert [t["in_words"] for t in seen["things"]] == [
        "LAD: 96 units",
        "taken for soft tissue or noise; coronary 49.9 % (counts from 50 %)",
        "taken for the wall of the aorta; coronary 12 % (counts from 50 %)",
        *["taken for bone; coronary below 1 % (counts from 50 %)"] * 3,
    ]
    assert [t["likely_in_words"] for t in seen["things"]][1:3] == [
        "soft tissue or noise 50.0 %, RCA 49.9 %",  # as many digits as the decision is told with
        "wall of the aorta 81 %, LAD 12 %, soft tissue or noise 7 %",
    ]
    assert seen["things"][0]["agatston"] == 2 * 16 * 3  # slices x mm2 x weight, 3 mm apart
    lines = found.text.splitlines()
    assert "bright spots near the heart, counted: 1 spot" in lines
    assert "bright spots near the heart, not counted: 2 of 5 spots" in lines
    assert "Not counted and not shown: 3 bone." in lines
    row = next(line for line in lines if "LAD: " in line)
    cells = [cell.strip() for cell in row.split("│")]
    assert cells[1:6] == ["5–6", "6, 22, −16", "96", "327", "LAD 98 %, LCX 1 %"]


def test_units_by_another_scoring_version_are_said_to_be(told, page):
    note = f"by scoring version {SCORING_VERSION}, the score is by version 1: units may differ."
    assert note in told("high").text
    assert note in page("high").text
    assert told("zero").facts["seen"][0]["note"] == ""
    assert "units may differ" not in page("zero").text


def test_a_zero_is_explained_by_what_was_not_counted(told):
    found = told("zero")
    (seen,) = found.facts["seen"]
    assert [t["taken_for"] for t in seen["things"]] == ["none", "aorta"]
    assert [t["slices"] for t in seen["things"]] == [[24, 27], [18, 21]]  # the scanner's own
    assert ", counted:" not in found.text
    assert "not counted: 2 spots" in found.text


def test_what_was_not_kept_or_is_of_another_score_is_not_shown(told):
    assert bright_words.NOT_KEPT in told("norecord").text
    assert bright_words.OF_ANOTHER_SCORE in told("ill").text
    assert "what the model saw cannot be shown: stored regions are damaged" in told("grown").text
    for key in ("norecord", "ill", "grown"):
        assert not any(seen["things"] for seen in told(key).facts["seen"])


def test_nothing_seen_is_told_of_who_opted_out_or_is_not_scored(told):
    for key in ("out", "failed", "sr-of-high"):
        assert told(key).facts["seen"] == []
        assert "bright spot" not in told(key).text


def test_a_page_tells_each_bright_spot(page):
    text = page("high").text.replace("\N{NO-BREAK SPACE}", " ")
    assert bright_words.HEADING in text
    assert "taken for the wall of the aorta; coronary 12 % (counts from 50 %)" in text
    assert "Not counted and not shown: 3 bone." in text
    assert bright_words.NOT_KEPT[1:] in page("norecord").text


def test_every_label_and_reason_has_words():
    for label in Label:
        assert "_" not in bright_words._name(label.name.lower())
    others = {label.name.lower() for label in Label} - {"lm", "lad", "lcx", "rca"}
    assert others <= set(bright_words._TAKEN_FOR)
    assert {kind.value for kind in Metal} <= set(bright_words._TAKEN_FOR)
    assert set(bright_words._WHY) == set(Why) - {Why.COUNTED, Why.TAKEN_FOR_OTHER}


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (1.0, "over 99 %"),
        (0.9901, "over 99 %"),
        (0.99, "99 %"),
        (0.01, "1 %"),
        (0.0099, "below 1 %"),
    ],
)
def test_a_probability_is_never_told_as_certain(share, told):
    assert bright_words._percent(share) == told


@pytest.mark.parametrize(
    ("share", "told"), [(0.4999, "49.9 %"), (0.5, "50.0 %"), (0.57, "57.0 %"), (0.4923, "49.2 %")]
)
def test_a_digit_more_never_rounds_across_the_edge(share, told):
    assert bright_words._percent(share, 1) == told


@pytest.mark.parametrize(("coronary", "digits"), [(0.4901, 1), (0.49, 0), (0.51, 0), (0.5099, 1)])
def test_percentages_have_a_digit_more_where_the_decision_is_close(coronary, digits):
    assert bright_words._digits(thing(coronary=coronary)) == digits


def test_bone_is_not_told_to_lie_on_an_arterial_course():
    assert "arterial course" in bright_words.where(thing(taken_for="node", on_course=True))
    assert "arterial course" not in bright_words.where(thing(taken_for="bone", on_course=True))


# Stents and metal


def thing(**more: object) -> BrightThing:
    plain = {
        "taken_for": "metal", "why": Why.TAKEN_FOR_OTHER, "metal": "stent_possible",
        "agatston": 0.0, "volume_mm3": 122.6, "peak_hu": 900, "centre_lps_mm": (0.0, 0.0, 0.0),
        "slices": (69, 73), "side": -1, "depth": 0, "level": -1, "on_course": True,
        "likely": (("metal", 0.6),), "coronary": 0.3, "counts_from": 0.5, "is_notable": True,
    }  # fmt: skip
    return BrightThing(**(plain | more))


def test_what_may_be_a_stent_is_named_with_size_and_slices(told, page):
    text = told("metal").text
    assert "    may be a stent: LAD, 237 mm³, slices 50–55\n" in text
    assert text.count("may be a stent:") == 1
    assert "May be a stent: LAD, 237 mm³, slices 50–55." in page("metal").text
    assert "may be a stent" not in told("high").text


def test_what_was_left_out_as_a_possible_stent_is_named_too():
    things = [thing(), thing(metal="stent_present"), thing(slices=(4, 4), why=Why.COUNTED)]
    facts = {"things": [bright_words._told(t) for t in things]}
    assert bright_words.possible_stents(facts) == [
        "may be a stent, not counted: right, lower third, arterial course, 123 mm³, slices 69–73"
    ]
    assert bright_words.slices([4, 4]) == "slice 4"


def test_how_much_was_taken_for_metal_is_told(told, page):
    assert "    taken for metal and not counted: 45 units\n" in told("metal").text
    text = page("metal").text
    assert "Taken for metal and not counted: 45 units." in text
    assert "What was taken for metal is not in the score." in text
    assert "It is not in the score, nor is calcium that touches it" in text
    assert "taken for metal and not counted" not in told("high").text


def test_a_page_tells_the_intervals_of_volume_and_mass(page):
    text = page("metal").text
    for line in (
        "All together: volume 570.0 mm³ (95 %: 401.0 to 902.0), ",
        "mass 98.0 mg (95 %: 41.0 to 152.0).",
        "560.0 mm³ (95 %: 402.0 to 903.0)",
        "110.0 mg (95 %: 43.0 to 153.0)",
    ):
        assert line in text


def test_a_gated_scan_is_not_told_as_one_that_is_not(page, told):
    assert "A2/N3 (class and arteries; the scan is ECG-gated)" in page("metal").text
    assert "CAC-DRS A2/N3 (of an ECG-gated scan)" in told("metal").text
    row = next(r for r in told("metal").facts["current"] if r["state"] == "scored")
    routine = row | {"is_gated": False}
    assert ("CAC-DRS", "A2/N3 (class and arteries; the scan is not ECG-gated)") in (
        scan_words.beside(routine)
    )
    assert "CAC-DRS A2/N3 (A-equivalent, non-gated)" in " ".join(words.beside(routine))


# The page


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


PEOPLE = ("high", "metal", "norecord", "zero", "ill", "failed", "grown", "stable", "changed")


@pytest.mark.parametrize("key", [*PEOPLE, "shigh", "sr-of-high", "slonely", "stable-2022"])
def test_a_page_stands_alone_and_can_be_read_aloud(page, key):
    read = page(key)
    assert not read.all("script")
    assert not read.all("link")
    assert not read.all("a")
    assert all(image["src"].startswith("data:image/png;base64,") for image in read.all("img"))
    assert all(len(image["alt"]) > 40 for image in read.all("img"))
    assert read.all("html") == [{"lang": "en"}]
    levels = [int(tag[1]) for tag, _ in read.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope" in cell for cell in read.all("th"))
    assert show.NOTICE in read.text
    assert "It is identified data" in read.text


@pytest.mark.parametrize("key", PEOPLE)
def test_a_page_has_no_code_of_the_program(page, key):
    text = page(key).text
    assert "_" not in text
    for sign in ("{", "None", "True", "False", "datetime", "['", "[1000", "nan"):
        assert sign not in text


def test_two_saved_pages_cannot_be_mixed_up(page):
    read = page("shigh")
    stamp = "shigh, high – scan of 2026-06-01 – as of 2026-11-01"
    assert read.text.count(stamp) == 3  # the window's title, the head, every printed sheet
    assert "grown – scans of 2022-06-01, 2024-06-01 – as of 2026-11-01" in page("grown").text


def test_a_page_is_closed_to_others_even_over_an_open_file(small_lake, tmp_path):
    out = tmp_path / "page.html"
    out.write_text("what anyone may read")
    out.chmod(0o644)
    explain(small_lake, "high", out)
    assert out.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [out]  # one file, the picture in it


def test_a_high_score_on_a_page(page, told, tmp_path):
    read = page("high")
    for sentence in (
        "Coronary calcium was found on the scan of 2026-06-01: Agatston score 2,137, "
        "category 1000 and above.",
        "On the list of people at high risk whose calcium was never formally scored: "
        "Agatston 1000 or more.",
        remarks.EXPLAINED["metal_near_heart"],
        "Aortic valve: Agatston 49.4",
        "(as far as it lies near the heart; not in the score).",
        "204 mg/dL, 37 days before the scan",
        "10-year CHD risk without calcium 65.8 %, with calcium 32.3 %",
        "The series is not computed tomography.",
        "default, sha256 aaaaaaaaaaaa",
    ):
        assert sentence in read.text
    (image,) = read.all("img")
    assert base64.b64decode(image["src"].partition(",")[2]) == PNG
    assert "left anterior descending 2,137" in image["alt"]
    text = told("high", tmp_path / "told.html").text
    assert f"page: {tmp_path / 'told.html'} (identified data; delete after use)" in text


def test_a_zero_on_a_page_is_no_reassurance(page):
    read = page("zero")
    assert "No coronary calcium was detected on the scan of 2026-06-01" in read.text
    assert "It is never reassurance" in read.text
    assert "No picture: none is made of a score of zero." in read.text
    assert not read.all("img")


def test_no_score_on_a_page_is_no_zero_and_says_why(page):
    text = page("failed").text
    assert "No scan of this person gave a score that counts. That is not a score of zero." in text
    why = "One or more slices are missing where the heart lies. (holes at the heart: 1)"
    assert text.count(why) == 2
    other = page("sr-of-high").text
    assert "This series has no score. That is not a score of zero." in other
    assert "another scan: 2026-06-01, series shigh, Agatston 2,137." in other
    assert "The series is not computed tomography." in page("slonely").text


def test_scans_over_time_on_a_page(page):
    grown = page("grown").text
    assert "From 2022-06-01 to 2024-06-01 (2.0 years): progression." in grown
    changed = page("changed").text
    assert "growth of calcium cannot be told. The two scans' tube voltage differs" in changed
    assert "Earlier and later scans" not in page("high").text


@pytest.mark.parametrize("key", ["out", "sout"])
@pytest.mark.parametrize("name", ["p.html", "p.png", None])
def test_of_who_opted_out_that_alone_is_told_and_nothing_is_written(told, tmp_path, key, name):
    out = tmp_path / name if name else None
    found = told(key, out)
    assert found.text.splitlines() == [
        "person out, as of 2026-11-01",
        "  The person has opted out. Nothing more is told.",
        "",
        *([f"no page or picture was written to {out}"] if out else []),
        show.NOTICE,
    ]
    assert list(tmp_path.iterdir()) == []
    kept = {k: v for k, v in found.facts.items() if v not in ([], None)}
    assert set(kept) == {"key", "as_of", "people"} | ({"out"} if out else set())
    assert set(kept["people"][0]) == {"person_key", "flag", "reasons"}
