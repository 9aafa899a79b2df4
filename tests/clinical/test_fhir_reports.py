"""FHIR reports that are coded as a calcium score CT, and what their own text says of it."""

import base64
import json

import pytest
from clinical_tables import resolve

from screening.clinical import read_clinical
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
        tables = read_clinical(tmp_path, resolve, ClinicalSettings(issuers={"urn:h": "H"}))
        return sorted(tables.event["code"].to_pylist())

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
    ],
)
def test_a_report_that_says_that_no_score_was_made_is_none(scored, text, written):
    assert scored(**written(text)) == []


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
