"""Which codes, medications and report texts count, and their nearest neighbours that do not."""

from datetime import date

import pytest
from clinical_tables import refused


@pytest.mark.parametrize(
    ("source", "code", "concept"),
    [
        ("condition", "I21.4", "myocardial_infarction"),
        ("condition", "i214", "myocardial_infarction"),
        ("condition", "I22.0", "myocardial_infarction"),
        ("condition", "I25.2", "myocardial_infarction"),
        ("condition", "I25.10", "chronic_ischaemic_heart_disease"),
        ("condition", "I20.9", "chronic_ischaemic_heart_disease"),
        ("condition", "I63.9", "ischaemic_stroke"),
        ("condition", "G45.9", "transient_ischaemic_attack"),
        ("condition", "G45.4", None),
        ("condition", "I70.213", "peripheral_artery_disease"),
        ("condition", "I70.0", None),
        ("condition", "E11.9", "diabetes"),
        ("condition", "E15", None),
        ("condition", "E09", None),
        ("condition", "Z82.49", "family_history_mi"),
        ("condition", "22298006", "myocardial_infarction"),
        ("condition", "222980061", None),
        ("condition", "I21 Doe, Jane", None),
        ("procedure", "92928", "coronary_stent"),
        ("procedure", "C9600", "coronary_stent"),
        ("procedure", "92920", "coronary_angioplasty"),
        ("procedure", "027034Z", "coronary_stent"),
        ("procedure", "02703ZZ", "coronary_angioplasty"),
        ("procedure", "33509", None),
        ("procedure", "33510", "coronary_bypass"),
        ("procedure", "33536", "coronary_bypass"),
        ("procedure", "33537", None),
        ("procedure", "021009W", "coronary_bypass"),
        ("procedure", "75571", "formal_calcium_score"),
        ("procedure", "75572", None),
    ],
)
def test_codes_and_their_neighbours(clinical, source, code, concept):
    tables = clinical(**{source: [("A1", code, "2024-05-06")]})
    assert tables.event["concept"].to_pylist() == ([concept] if concept else [])
    assert refused(tables, source) == ({} if concept else {("code_not_used",) * 2: 1})


@pytest.mark.parametrize(
    ("code", "concept"),
    [
        ("C10AA05", "statin"),
        ("C10BA05", "statin"),
        ("83367", "statin"),
        ("C10AX09", "other_lipid_lowering"),
        ("C09AA02", "antihypertensive"),
        ("C08CA01", "antihypertensive"),
        ("29046", "antihypertensive"),
        ("C01AA05", None),
        ("C04AB", None),
    ],
)
def test_medications(clinical, code, concept):
    tables = clinical(medication=[("A1", code, "2024-05-06", "2024-06-01")])
    assert tables.event["concept"].to_pylist() == ([concept] if concept else [])
    if concept:
        assert tables.event["stopped_on"].to_pylist() == [date(2024, 6, 1)]


def test_an_infarction_without_a_readable_date_is_kept_and_counted(clinical):
    rows = [("A1", "I21.0", ""), ("A1", "I21.1", "2024"), ("A1", "I21.2", "6.5.2024")]
    tables = clinical(condition=rows)
    assert tables.event["started_on"].to_pylist() == [None] * 3
    assert refused(tables, "condition") == {("bad_value", "onset_at, kept without"): 1}


def test_a_medication_that_ends_before_it_begins_is_refused(clinical):
    tables = clinical(
        medication=[("A1", "83367", "2024-05-06", "2024-05-05"), ("A1", "83367", "", "soon")]
    )
    assert tables.event.num_rows == 0
    assert refused(tables, "medication") == {
        ("bad_value", "stop_at before start_at"): 1,
        ("bad_value", "stop_at"): 1,
    }


@pytest.mark.parametrize(
    ("text", "is_formal"),
    [
        ("Agatston score of 120.", True),
        ("Total calcium score: 0", True),
        ("The coronary artery calcium score is 1,234.5 (90th percentile).", True),
        ("CAC score = 45. No pleural effusion.", True),
        ("No coronary calcification, calcium score 0.", True),
        ("No change in Agatston score of 120.", True),
        ("Agatston calcium score (CAC): 17", True),
        ("Coronary calcification is present.", False),
        ("No calcium score was obtained.", False),
        ("An Agatston score of 120 is not possible without gating.", False),
        ("Consider a calcium score in 5 years.", False),
        ("Recommend calcium scoring; 3 mm nodule.", False),
        ("Calcium score not performed.", False),
        ("Father had a calcium score of 400.", False),
        ("Statins if calcium score of 100 or more.", False),
        ("Cacao allergy 12.", False),
        ("CAC 12 mm", False),
        ("Calcium 2.4 mmol/L, risk score 12.", False),
    ],
)
def test_formal_scores_in_report_texts(clinical, text, is_formal):
    tables = clinical(report_text=[("A1", "ACC1", text, "2024-05-06")])
    found = [(r["concept"], r["code"], r["started_on"]) for r in tables.event.to_pylist()]
    expected = [("formal_calcium_score", "report_text", date(2024, 5, 6))]
    assert found == (expected if is_formal else [])
