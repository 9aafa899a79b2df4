"""FHIR reports that are coded as a calcium score CT, and what their own text says of it."""

import base64
import json
import time

import pytest
from clinical_tables import refused, resolve

from screening.clinical import read_clinical
from screening.clinical.report_denials import says_none_made
from screening.config import ClinicalSettings

ALICE = {
    "resourceType": "Patient", "id": "a", "identifier": [{"system": "urn:h", "value": "A1"}],
    "gender": "female", "birthDate": "1960-02-29",
}  # fmt: skip
REPORT = {
    "resourceType": "DiagnosticReport", "id": "r", "status": "final",
    "subject": {"reference": "Patient/a"}, "effectiveDateTime": "2024-06-01",
    "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "75571"}]},
}  # fmt: skip


@pytest.fixture
def scored(tmp_path):
    def read(**more):
        lines = "".join(json.dumps(r) + "\n" for r in (ALICE, {**REPORT, **more}))
        (tmp_path / "export.ndjson").write_text(lines, encoding="utf-8")
        read.tables = read_clinical(tmp_path, resolve, ClinicalSettings(issuers={"urn:h": "H"}))
        return sorted(read.tables.event["code"].to_pylist())

    return read


def as_conclusion(text):
    return {"conclusion": text}


def as_narrative(text):
    return {"text": {"div": f"<div><p>{text}</p></div>"}}


def as_form(text):
    data = base64.b64encode(text.encode()).decode()
    return {"presentedForm": [{"contentType": "text/plain", "data": data}]}


@pytest.mark.parametrize("written", [as_conclusion, as_narrative, as_form])
@pytest.mark.parametrize(
    "text",
    [
        "The examination was not performed, patient refused.",
        "Exam was cancelled. No calcium score.",
        "Calcium score could not be calculated because of stents.",
        "Non-diagnostic study due to motion.",
        "Nondiagnostic examination.",
        "Calcium scoring couldn't be reliably performed.",
        "Patient did not tolerate the scan.",
        "Agatston score: N/A",
        "Stents preclude scoring.",
        "Unable to obtain a calcium score.",
        "No Agatston score is reported given the bypass grafts.",
        "Scoring is not feasible.\nThe lungs are clear.",
        "Study terminated at the patient's request.",
        "Insufficient image quality.",
        "Untersuchung nicht durchgeführt.",
        "Kein Kalkscore bestimmbar",
        "Kein Score ermittelbar (Stent). Lunge frei.",
        "Der Kalkscore konnte bei Stent nicht bestimmt werden.",
        "Pas de score calculé (stent).",
        "Score calcique non calculable.",
        "Patient refused.",
        "Impression: Not performed.",
        "Coronary calcium could not be quantified because of motion.",
        "Previous stent precludes calcium scoring.",
        "In patients with prior PCI the score is not valid.",
        "Calcium score could not be\ncalculated due to pacemaker leads.",
    ],
)
def test_a_report_that_says_that_no_score_was_made_is_none_and_counted(scored, text, written):
    assert scored(**written(text)) == []
    counts = {("void_record", "says that no score was made"): 1}
    assert refused(scored.tables, "DiagnosticReport") == counts


@pytest.mark.parametrize(
    "text",
    [
        "CT calcium score, see table in PACS. Thyroid not imaged.",
        "Calcium scoring CT. Score in separate report. No acute findings on this scan.",
        "Coronary calcium. CAC-DRS A2/N3. The upper abdomen is not imaged.",
        "The calcium score is at the 90th percentile. Emphysema cannot be assessed.",
        "Risk cannot be determined by calcium score alone. See table.",
        "Risk cannot be determined by calcium score alone.",
        "Indication: patient declined statin. Calcium score CT. See table of scores.",
        "Patient declined statin therapy. Mild coronary calcification.",
        "The liver is not evaluated on this examination.",
        "The lower lobes were not imaged on this cardiac CT.",
        "Stenosis cannot be assessed on this examination.",
        "Aortic valve calcium score was not calculated.",
        "RCA score could not be calculated due to stent.",
        "No prior scan. No prior calcium score available for comparison.",
        "A calcium score cannot be interpreted as absence of disease.",
        "Coronary arteries are not evaluated for stenosis on this noncontrast scan.",
        "Statin was discontinued. Unable to tolerate statins.",
        "Patient unable to hold breath. Some motion.",
        "Die Lunge ist nicht vollständig beurteilbar.",
    ],
)
def test_what_was_not_done_beside_the_score_denies_none(scored, text):
    assert scored(**as_conclusion(text)) == ["75571"]


@pytest.mark.parametrize("piece", [":", "a-", "score ", "not ", "kein ", " \n", "CT ", "LM 1 "])
def test_a_long_report_takes_no_time_by_its_square(piece):
    start = time.process_time()
    says_none_made("score" + piece * (100_000 // len(piece)))
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("more", "codes"),
    [
        ({}, ["75571"]),
        (as_conclusion("Mild coronary calcification. See the attached table."), ["75571"]),
        (as_conclusion("Intravenous contrast was not given."), ["75571"]),
        (as_conclusion("Non-calcified plaque is not evaluated."), ["75571"]),
        (as_conclusion("Prior images are not available for comparison."), ["75571"]),
        (as_conclusion("Calcium score: 120. RCA not evaluated."), ["75571", "report_text"]),
        (as_conclusion("No coronary calcium. Agatston score 0."), ["75571", "report_text"]),
        ({"presentedForm": [{"contentType": "application/pdf", "data": "JVBERg=="}]}, ["75571"]),
        ({**as_conclusion("Normal."), "status": "partial"}, []),
    ],
)
def test_any_other_finished_report_is_evidence_of_the_scan(scored, more, codes):
    assert scored(**more) == codes
