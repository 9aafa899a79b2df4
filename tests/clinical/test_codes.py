"""Which codes, medications and report texts count, and their nearest neighbours that do not."""

from datetime import date

import pytest
from clinical_tables import ALICE, refused, resolve, write
from hypothesis import given
from hypothesis import strategies as st

from screening.clinical import read_clinical
from screening.clinical.codes import load_codes


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
        # New in CPT 2026: several stents; a chronic total occlusion.
        ("procedure", "92930", "coronary_stent"),
        ("procedure", "92931", None),
        ("procedure", "92937", "coronary_stent"),
        ("procedure", "92943", "coronary_stent"),
        ("procedure", "92945", "coronary_stent"),
        ("procedure", "92946", None),
        ("procedure", "92924", "coronary_angioplasty"),
        ("procedure", "92933", "coronary_stent"),
        ("procedure", "C9608", "coronary_stent"),
        ("procedure", "C9609", None),
        # The system's name and a blank before the code; modifiers behind it.
        ("condition", "ICD-10-CM I25.2", "myocardial_infarction"),
        ("condition", "ICD 10 CM I25.2", "myocardial_infarction"),
        ("condition", "SNOMED CT 22298006", "myocardial_infarction"),
        ("condition", "CPT I25.2", None),
        ("condition", "see I25.2", None),
        ("procedure", "CPT 92928", "coronary_stent"),
        ("procedure", "CPT 92928-LD", "coronary_stent"),
        ("procedure", "92928 LD 59", "coronary_stent"),
        ("procedure", "HCPCS C9600-LC", "coronary_stent"),
        ("procedure", "75571TC", "formal_calcium_score"),
        ("procedure", "75571-26", "formal_calcium_score"),
        ("procedure", "CPT|75571TC", "formal_calcium_score"),
        ("procedure", "7557126", None),
        ("procedure", "02703DZ", "coronary_stent"),
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
        ("condition", "Z51.5", "palliative_care"),
        ("condition", "Z51.1", None),
        ("condition", "Z49.1", "dialysis"),
        ("condition", "Z99.2", "chronic_dialysis"),
        ("condition", "Z99.1", None),
        ("condition", "N18.6", "chronic_dialysis"),
        ("condition", "N18.5", None),
        ("condition", "Z94.0", "transplant"),
        ("condition", "Z94.4", "transplant"),
        ("condition", "Z94.5", None),
        ("condition", "T86.0", None),
        ("condition", "T86.11", "transplant"),
        ("condition", "ICD9:V45.11", "chronic_dialysis"),
        ("condition", "ICD9:V45.1", "chronic_dialysis"),
        ("condition", "ICD9:V45.2", None),
        ("condition", "ICD9:V56.0", "dialysis"),
        ("condition", "ICD9:585.6", "chronic_dialysis"),
        ("condition", "ICD9:585.5", None),
        ("condition", "105502003", "chronic_dialysis"),
        ("condition", "T86.810", "transplant"),
        ("condition", "T86.82", None),
        ("procedure", "0BYC0Z0", "transplant"),
        ("procedure", "0BYM0Z0", "transplant"),
        ("procedure", "0BYN0Z0", None),
        ("condition", "I71.4", "aortic_aneurysm"),
        ("condition", "I71.6", "aortic_aneurysm"),
        ("condition", "I71.9", "aortic_aneurysm"),
        ("condition", "I71.00", None),
        ("condition", "I71.2", None),
        ("condition", "ICD9:441.4", "aortic_aneurysm"),
        ("condition", "ICD9:441.2", None),
        ("condition", "233985008", "aortic_aneurysm"),
        ("condition", "Z95.820", "peripheral_revascularisation"),
        ("condition", "Z95.828", None),
        ("condition", "Z98.62", "peripheral_revascularisation"),
        ("condition", "I70.25", "peripheral_artery_disease"),
        ("condition", "I70.92", "peripheral_artery_disease"),
        ("condition", "I74.3", "peripheral_artery_disease"),
        ("condition", "I75.0", None),
        ("condition", "399957001", "peripheral_artery_disease"),
        ("condition", "840580004", "peripheral_artery_disease"),
        ("condition", "I69.30", "ischaemic_stroke"),
        ("condition", "I69.4", "ischaemic_stroke"),
        ("condition", "I69.1", None),
        ("condition", "ICD9:433.11", "ischaemic_stroke"),
        ("condition", "ICD9:433.10", None),
        ("condition", "ICD9:436", "ischaemic_stroke"),
        ("condition", "436", None),
        ("condition", "ICD9:438.20", "ischaemic_stroke"),
        ("condition", "ICD9:437.0", None),
        ("procedure", "35301", "peripheral_revascularisation"),
        ("procedure", "35300", None),
        ("procedure", "35500", None),
        ("procedure", "35600", None),
        ("procedure", "35656", "peripheral_revascularisation"),
        ("procedure", "35672", None),
        ("procedure", "37214", None),
        ("procedure", "37215", "peripheral_revascularisation"),
        ("procedure", "37216", "peripheral_revascularisation"),
        ("procedure", "37219", None),
        ("procedure", "37220", "peripheral_revascularisation"),
        ("procedure", "37235", "peripheral_revascularisation"),
        ("procedure", "37236", None),
        ("procedure", "37254", "peripheral_revascularisation"),
        ("procedure", "0410T", None),
        ("procedure", "047K0ZZ", "peripheral_revascularisation"),
        ("procedure", "0144T", "formal_calcium_score"),
        ("procedure", "0147T", "formal_calcium_score"),
        ("procedure", "0149T", "formal_calcium_score"),
        ("procedure", "0146T", None),
        ("procedure", "0148T", None),
        ("condition", "SNOMED:432504007", "ischaemic_stroke"),
        ("condition", "SNOMED:413838009", "chronic_ischaemic_heart_disease"),
        ("condition", "SNOMED:54329005", "myocardial_infarction"),
        ("condition", "SNOMED:73795002", "myocardial_infarction"),
        ("condition", "SNOMED:63491006", "peripheral_artery_disease"),
        ("condition", "SNOMED:11687002", None),
        ("condition", "SNOMED:371807002", None),
        ("procedure", "SNOMED:67166004", "coronary_bypass"),
        ("procedure", "75573", None),
        ("procedure", "75574", None),
        ("procedure", "99377", "palliative_care"),
        ("procedure", "Q5011", None),
        ("procedure", "90935", "dialysis"),
        ("procedure", "90971", None),
        ("procedure", "5A1D70Z", "dialysis"),
        ("procedure", "50360", "transplant"),
        ("procedure", "50340", None),
        ("procedure", "99220", None),
        ("procedure", "99221", "inpatient_care"),
        ("procedure", "99233", "inpatient_care"),
        ("procedure", "99234", None),
    ],
)
def test_codes_and_their_neighbours(clinical, source, code, concept):
    tables = clinical(**{source: [("A1", code, "2024-05-06")]})
    assert tables.event["concept"].to_pylist() == ([concept] if concept else [])
    assert refused(tables, source) == ({} if concept else {("code_not_used",) * 2: 1})


def test_of_a_code_behind_its_systems_name_the_code_alone_is_kept(clinical):
    tables = clinical(condition=[("A1", "ICD-10-CM I25.2", "2024-05-06")])
    assert tables.event["code"].to_pylist() == ["I25.2"]


@pytest.mark.parametrize(
    ("code", "concept", "reason"),
    [
        ("ICD10GM:I21.9A", None, "excluded (ICD-10-GM A)"),
        ("ICD10GM:I21.9V", None, "suspected (ICD-10-GM V)"),
        ("I64 A", None, "excluded (ICD-10-GM A)"),
        ("ICD10GM:I63.9VL", None, "suspected (ICD-10-GM V)"),
        ("ICD10GM:I63.9RA", None, "excluded (ICD-10-GM A)"),
        ("I63.9 G L", "ischaemic_stroke", None),
        ("I21.9-G", "myocardial_infarction", None),
        ("E11.9+", "diabetes", None),
        ("ICD-10-GM I21.9 V", None, "suspected (ICD-10-GM V)"),
        ("ICD10GM:I21.9Z", "myocardial_infarction", None),
        ("ICD10GM:I21.9G", "myocardial_infarction", None),
        ("I64G", "ischaemic_stroke", None),
        # Codes of ICD-10-CM that end in a letter too.
        ("I21.A", "myocardial_infarction", None),
        ("I21.A1", "myocardial_infarction", None),
        ("E11.A", "diabetes", None),
    ],
)
def test_a_german_code_says_how_sure_it_is(clinical, code, concept, reason):
    tables = clinical(condition=[("A1", code, "2024-05-06")])
    assert tables.event["concept"].to_pylist() == ([concept] if concept else [])
    assert refused(tables, "condition") == ({("void_record", reason): 1} if reason else {})


@pytest.mark.parametrize(
    ("code", "concept"),
    [
        ("E14A", None),  # of three characters A is no marker
        ("ICD10GM:E14.A", None),
        ("E14X", None),
        ("I21.9Q", None),
        ("I21.9AX", None),
        ("I25A", None),
        ("Z95.5K", None),
        ("E14 (A)", None),
        ("I63.9L", "ischaemic_stroke"),  # a side alone
        ("I70.22B", "peripheral_artery_disease"),
        ("I21.9B", "myocardial_infarction"),
        ("I21.B", "myocardial_infarction"),  # ICD-10-CM: infarction of small vessels
        ("E11A", "diabetes"),  # ICD-10-CM without its dot
        ("E11.37X1", "diabetes"),
        ("I70.22", "peripheral_artery_disease"),
    ],
)
def test_a_letter_behind_a_diagnosis_that_is_no_marker_makes_it_unknown(clinical, code, concept):
    tables = clinical(condition=[("A1", code, "2024-05-06")])
    assert tables.event["concept"].to_pylist() == ([concept] if concept else [])
    assert refused(tables, "condition") == ({} if concept else {("code_not_used",) * 2: 1})


@given(st.text(max_size=20), st.sampled_from(["", "ICD10|", "ICD10GM:", "E14", "I21.9", "|"]))
def test_no_text_in_the_place_of_a_code_ends_anything(text, before):
    codes = load_codes()
    for table in ("condition", "procedure", "medication"):
        assert isinstance(codes.concepts(table, before + text), tuple)
    assert isinstance(codes.no_fact(before + text), str)


@pytest.mark.parametrize(
    "code", ["E10.51", "E10.52", "E10.59", "E11.51", "E11.52", "E11.59", "E13.51", "ICD9:250.70"]
)
def test_diabetes_with_arterial_disease_is_two_facts(clinical, code):
    rows = [("A1", code, "2024-05-06"), ("A1", code, "2024-05-06"), ("A1", "E11.9", "2020")]
    tables = clinical(condition=rows)
    found = sorted((r["concept"], str(r["started_on"])) for r in tables.event.to_pylist())
    assert found == [
        ("diabetes", "2020-01-01"),
        ("diabetes", "2024-05-06"),
        ("peripheral_artery_disease", "2024-05-06"),
    ]
    assert refused(tables, "condition") == {("duplicate_row", "same fact again"): 1}


@pytest.mark.parametrize(
    ("code", "concept"),
    [
        ("C10BA07", "statin"),
        ("C10BA11", "statin"),
        ("C10BA10", "other_lipid_lowering"),
        ("C10BX01", "statin"),
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
    # Of a year the first day and the last: nothing between them is known.
    found = sorted((str(e["started_on"]), str(e["started_by"])) for e in tables.event.to_pylist())
    assert found == [("2024-01-01", "2024-12-31"), ("None", "None"), ("None", "None")]
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
        ("Estimated Agatston score of 120 on this scan.", False),
        ("Agatston score of 120, estimated from the non-gated scan.", False),
        ("Agatston score 120 on gated CT.", True),
        ("Bacagatston 120", False),
    ],
)
def test_formal_scores_in_report_texts(clinical, text, is_formal):
    tables = clinical(report_text=[("A1", "ACC1", text, "2024-05-06")])
    found = [(r["concept"], r["code"], r["started_on"]) for r in tables.event.to_pylist()]
    expected = [("formal_calcium_score", "report_text", date(2024, 5, 6))]
    assert found == (expected if is_formal else [])


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Agatston score of 120.", 120.0),
        ("LAD calcium score 20, RCA calcium score 40. Total calcium score 60.", 60.0),
        ("Calcium score 20 in the LAD. Calcium score 40 in the RCA.", 40.0),
        ("No calcium score in 2019. Agatston score 1,234.5 now.", 1234.5),
        ("Total Agatston score: 0", 0.0),
    ],
)
def test_the_value_of_a_score_in_a_report(clinical, text, score):
    tables = clinical(report_text=[("A1", "ACC1", text, "2024-05-06")])
    (row,) = tables.observation.to_pylist()
    assert (row["concept"], row["value"]) == ("formal_agatston", score)
    assert row["effective_on"] == date(2024, 5, 6)
    undated = clinical(report_text=[("A1", "ACC1", text, "")])
    assert (undated.observation.num_rows, undated.event.num_rows) == (0, 1)


@pytest.mark.parametrize(
    ("code", "name", "dose", "intensity"),
    [
        ("C10AA05", "", "40", "high"),
        ("C10AA05", "", "39.9", ""),
        ("C10AA05", "", "20", "moderate"),
        ("C10AA05", "", "9", ""),
        ("C10AA05", "", "80.1", ""),
        ("C10AA05", "atorvastatin 80 mg", "", "high"),
        ("C10AA05", "", "", ""),
        ("RXNORM:617311", "", "", "high"),
        ("617311", "", "20", "moderate"),
        ("C10AA07", "", "20", "high"),
        ("C10AA07", "", "10", "moderate"),
        ("C10AA01", "", "10", "low"),
        ("C10AA01", "", "40", "moderate"),
        ("C10AA04", "", "80", "moderate"),
        ("", "Crestor 20 MG Oral Tablet", "", "high"),
        ("", "Atorvastatin 40 MG / Ezetimibe 10 MG", "", "high"),
        ("", "Ezetimibe 10 MG / Simvastatin 20 MG Oral Tablet", "", "moderate"),
        ("C09AA05", "ramipril 5 mg", "5", ""),
    ],
)
def test_intensity_of_a_statin(tmp_path, code, name, dose, intensity):
    """Table 3 of the 2018 AHA/ACC guideline, on both sides of its edges."""
    write(tmp_path, person=[ALICE])
    (tmp_path / "medication.csv").write_text(
        f"mrn,code,start_at,stop_at,name,daily_dose_mg\nA1,{code},2024-05-06,,{name},{dose}\n"
    )
    (row,) = read_clinical(tmp_path, resolve).event.to_pylist()
    assert row["intensity"] == intensity
