"""What a nurse reads of `screening explain`, and when there is a picture."""

import json
import re

import pytest
from explain_case import PNG

from flows import remarks, scan_words, show, show_score, words
from flows.explain import explain
from screening.errors import ScreeningError
from screening.flag_words import REMARKS
from screening.scoring.grades import RULES


def test_the_person_comes_first_with_one_sentence_why(told):
    lines = told("high").text.splitlines()
    assert lines[0] == "person high, as of 2026-11-01"
    assert lines[1] == "  Why: on the list: Agatston 1000 or more."
    assert told("shigh").text.splitlines()[0] == lines[0]
    assert "Why: not on the list: Cardiovascular disease is already known." in told("ill").text
    assert "Also: A formal calcium score already exists." in told("ill").text
    why = "Why: nothing can be said: No clinical record matches the scan's patient number."
    assert why in told("norecord").text


@pytest.mark.parametrize(
    ("sources", "is_suspected"),
    [(["image"], True), (["image", "image"], True), (["image", "record"], False), ([], False)],
)
def test_what_only_a_scan_shows_is_not_told_as_known(sources, is_suspected):
    evidence = [{"source": source} for source in sources]
    person = {"flag": "not_flagged", "reasons": ["known_ascvd"], "ascvd_evidence": evidence}
    assert ("an image reader must look" in words.why(person)) is is_suspected
    assert ("is already known" in words.why(person)) is not is_suspected


def test_two_scans_are_compared_in_plain_words(told):
    grown = told("grown").text
    assert "(2.0 years): progression by its size, but within what chance makes\n" in grown
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
    assert "(2.0 years): progression" in text
    assert "how the images were reconstructed is unknown of both: it may differ" in text
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
        "is_gated": False, "quality_flags": [],
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
        (50.0, 20.0, None, None, "may be too high or too low", "20"),
        (50.0, None, None, None, "how far the Agatston score may be off cannot be said", "%"),
        (0.0, 0.0, 10.0, 0.912, "miss about 9 of 100 people who have calcium", "probability"),
        (0.0, 0.0, 10.0, 0.912, "one had more than 10 units", "may be hidden"),
        (0.0, 0.0, 2.1, 0.959, "miss about 4 of 100 people who have calcium", "probability"),
    ],
)
def test_no_more_is_said_of_how_sure_a_score_is_than_is_known(
    agatston, low, high, share, told, not_told
):
    row = {"agatston": agatston, "agatston_low": low, "agatston_high": high,
           "category_probability": share, "quality_flags": []}  # fmt: skip
    assert told in words.likely(row)
    assert not_told not in words.likely(row)


def test_of_a_lower_bound_what_was_seen_is_told():
    row = {"agatston": 50.0, "agatston_low": 20.0, "agatston_high": None,
           "category_probability": None, "quality_flags": ["heart_incomplete"]}  # fmt: skip
    assert "a lower bound" in words.likely(row)
    assert "may read from 20 on (95 %)" in words.likely(row)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["motion"], "under this scan's quality remarks more may be hidden"),
        (["thickness_over_3mm"], "under this scan's quality remarks more may be hidden"),
        (["gated"], "a second gated scan seldom shows more than 10 units"),
        (["fractional_hu"], "one had more than 10 units"),
    ],
)
def test_a_zero_says_no_more_than_its_scan_allows(flags, told):
    row = {"agatston": 0.0, "agatston_low": 0.0, "agatston_high": 10.0,
           "category_probability": 0.912, "quality_flags": flags}  # fmt: skip
    assert words.likely(row).endswith(told)


def test_a_score_that_may_be_more_is_told_so():
    assert words.at_least({"agatston": 5.0, "quality_flags": ["heart_incomplete"]}) == "at least "
    assert words.at_least({"agatston": 5.0, "quality_flags": ["motion"]}) == ""
    assert words.at_least({"agatston": 0.0, "quality_flags": ["heart_incomplete"]}) == "at least "
    assert words.at_least({"agatston": None, "quality_flags": ["heart_incomplete"]}) == ""
    for counted in ("stent_possible", "clips_present", "blood_pool_bright"):
        flags = ["heart_incomplete", counted]
        assert words.at_least({"agatston": 5.0, "quality_flags": flags}) == ""


@pytest.mark.parametrize(
    ("text", "whole", "bound"),
    [
        ("87", "87", "at least 87"),
        ("above 95", "above 95", "above 95"),
        ("below 25", "below 25", ""),
        ("a zero, as in 84 %", "a zero, as in 84 %", ""),
    ],
)
def test_of_a_lower_bound_only_what_stays_true_is_told_of_its_standing(text, whole, bound):
    assert show.standing(text, 5.0, ["motion"], "at least ") == whole
    assert show.standing(text, 5.0, ["heart_incomplete"], "at least ") == bound


EITHER_WAY = " (doubtful: may be too high or too low)"


@pytest.mark.parametrize(
    ("category", "flags", "told"),
    [
        ("(0,100)", ["heart_incomplete"], "above 0, below 100 or a higher one"),
        ("(0,100)", ["motion"], "above 0, below 100"),
        ("(0,100)", ["gaps_between_slices"], f"above 0, below 100{EITHER_WAY}"),
        ("[1000,inf)", ["heart_incomplete"], "1000 and above"),
        ("[1000,inf)", ["clips_present"], f"1000 and above{EITHER_WAY}"),
        ("[1000,inf)", ["heart_incomplete", "stent_possible"], f"1000 and above{EITHER_WAY}"),
    ],
)
def test_a_category_may_be_higher(category, flags, told):
    row = {"agatston": 50.0, "category": category, "quality_flags": flags}
    assert words.category_of(row) == told
    zero = {"is_gated": False, "agatston": 0.0, "quality_flags": ["stent_present"]}
    assert words.drs_class(zero) == "A-equivalent, non-gated, at least"
    assert words.drs_class({**zero, "quality_flags": ["motion"]}) == "A-equivalent, non-gated"


@pytest.mark.parametrize(
    ("group", "flags", "told"),
    [
        ("100-399", ["heart_incomplete"], "100-399 or a higher one"),
        ("100-399", ["stent_possible"], "100-399"),
        (">=400", ["heart_incomplete"], ">=400"),
    ],
)
def test_a_group_may_be_higher_too(group, flags, told):
    assert words.group({"agatston": 250.0, "score_group": group, "quality_flags": flags}) == told


def test_the_terminal_tells_a_lower_bound_in_every_line(capsys):
    nothing = {"low": 200.0, "high": None, "category_probability": None}
    facts = {
        "status": "scored", "agatston": 250.0, "category": "[100,300)", "certainty": nothing,
        "volume_mm3": 0.0, "intervals": {"mass_mg": (0.0, 1.0)},
        "vessels": {"LM": 0.0, "LAD": 250.0},
        "beside": {"group": "100-399", "cac_drs": "A2/N1", "cac_drs_basis": "non-gated, at least",
                   "kvp_source": "table", "agatston_kvp": 240.0},
        "quality": {"flags": ["heart_incomplete"], "grade": "C", "expected_false_agatston": None},
    }  # fmt: skip
    show_score.print_score(facts)
    told = capsys.readouterr().out
    assert "Agatston at least 250.0, category [100,300) or a higher one\n" in told
    assert "group 100-399 or a higher one, CAC-DRS A2/N1 (non-gated, at least)\n" in told
    assert "seen in LM 0.0, LAD 250.0\n" in told
    assert "at thresholds for the tube voltage (table): at least 240.0\n" in told
    facts["quality"]["flags"].append("stent_possible")
    show_score.print_score(facts)
    told = capsys.readouterr().out
    assert "Agatston 250.0, category [100,300) (doubtful: may be too high or too low)\n" in told
    assert "group 100-399, CAC-DRS" in told
    assert "\nLM 0.0, LAD 250.0\n" in told


def test_of_a_cut_heart_neither_percentile_nor_risk_with_calcium_is_told():
    person = {"quality_flags": ["heart_incomplete"], "percentile_text": "", "mesa_chd_10y": 0.07,
              "mesa_chd_10y_cac": None, "risk_detail": "missing: agatston"}  # fmt: skip
    assert words.standing(person) == "percentile: not told, as the heart is cut"
    assert words.risk(person) == (
        "MESA as published, by the race on record: 10-year CHD risk without calcium 7.0 %; "
        "with calcium not told, as the heart is cut"
    )


def test_what_the_equation_says_agrees_with_the_average_beside_it():
    person = {"quality_flags": [], "agatston": 400.0, "mesa_chd_10y": None, "series_key": "s",
              "mesa_chd_10y_cac": None, "risk_detail": "missing: smoker", "model_risk": 0.12,
              "has_clinical_record": True}  # fmt: skip
    published = "MESA as published, by the race on record"
    assert words.risk(person) == f"{published} gives no 10-year CHD risk, missing: smoking"
    bound = person | {"quality_flags": ["metal_near_heart"], "mesa_chd_10y": 0.1, "risk_detail": ""}
    told = words.risk(bound | {"mesa_chd_10y_cac": 0.221})  # the average may be less, by race
    assert told == (f"{published}: 10-year CHD risk without calcium 10.0 %, with calcium 22.1 %")


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
        f"Agatston 2,137.4, category 1000 and above{EITHER_WAY}",
        "quality remarks: what looks like metal near the heart",
        "noise 20 HU: without any calcium it would make about 3.2 Agatston units",
        "not counted, outside the coronaries:\n    aortic valve: Agatston 49.4\n",
        "known cardiovascular disease: none recorded",
    ):
        assert line in text
    assert "known cardiovascular disease: coronary stent, 2024-06-08" in told("ill").text
    assert "formal calcium score: a report speaks of it, no date" in told("ill").text
    assert "quality remarks: none" in told("ill").text


def test_beside_every_risk_of_known_disease_is_said_that_it_is_of_others(told):
    assert told("ill").text.count("; this says nothing of the person: the equations were made") == 3
    assert "this says nothing of the person" not in told("high").text


def test_without_a_record_facts_are_unknown_and_nothing_is_missing(told):
    text = told("norecord").text
    assert "on a statin on the day of the list: unknown" in text
    assert "diabetes at the scan: unknown" in text
    assert "none recorded" not in text


def test_a_missing_estimate_names_the_inputs_in_words(told):
    assert "10-year CHD risk not estimated, missing: race, HDL cholesterol" in told("zero").text
    assert "10-year CHD risk not estimated: there is no score" in told("failed").text
    assert "10-year CHD risk not estimated: the score has no date" in told("undated").text
    graded = {"series_key": None, "reasons": ["grade_too_low"], "has_clinical_record": True}
    assert words._no_risk(graded) == ": the score is of too low a grade"
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
    assert {flag.value for flag in RULES} == set(REMARKS)
    assert set(remarks.EXPLAINED) == set(REMARKS)
    assert {grade for grade in RULES.values()} == set(remarks.GRADES)
    assert all(text.endswith(".") for text in remarks.EXPLAINED.values())
    assert remarks.explained(["brand_new"]) == ("Brand new.",)


# What was seen
