"""FHIR reports that are coded as a calcium score CT, and what their own text says of it."""

import base64
import json
import time

import pytest
from clinical_tables import refused, resolve

from screening.clinical import read_clinical
from screening.clinical.report_denials import leaves_open
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
def test_a_report_that_denies_its_score_is_none_and_counted(scored, text, written):
    assert scored(**written(text)) == []
    counts = {
        ("void_record", "a calcium score CT whose report tells no score and denies something"): 1
    }
    assert refused(scored.tables, "DiagnosticReport") == counts


@pytest.mark.parametrize(
    "text",
    [
        "CT calcium score, see table in PACS. Thyroid not imaged.",
        "Calcium scoring CT. Score in separate report. No acute findings on this scan.",
        "Coronary calcium. CAC-DRS A2/N3. The upper abdomen is not imaged.",
        "The calcium score is at the 90th percentile. Emphysema cannot be assessed.",
        "Indication: patient declined statin. Calcium score CT. See table of scores.",
        "CT heart without contrast material, with quantitative evaluation of coronary calcium.",
        "Scanner cardiaque sans injection de produit de contraste. Score calcique.",
        "Calcium score: none.",
        "Coronary calcification: None. The liver is not evaluated.",
        "No evidence of coronary artery calcification.",
        "Pas de calcification coronaire.",
        "Keine Koronarverkalkungen.",
        "Mild coronary calcification.",
    ],
)
def test_a_told_score_or_a_text_that_denies_nothing_is_evidence(scored, text):
    assert scored(**as_conclusion(text)) == ["75571"]


@pytest.mark.parametrize(
    "text",
    [
        "No coronary calcium score was performed.",
        "Coronary CT angiography. Non-contrast calcium scoring was not performed.",
        "Calcium scoring was not performed prior to contrast administration.",
        "Images are degraded by motion and cannot be scored.",
        "Examination abandoned, patient claustrophobic.",
        "Total Agatston score: Not reported",
        "Order cancelled by referring physician",
        "Exam entered in error",
        "Auf die Bestimmung des Kalkscores wurde verzichtet",
        "Der Patient ist nicht erschienen",
        "Patient hat die Untersuchung abgelehnt.",
        "Le patient a refusé l'examen.",
        "L'examen n'a pu être réalisé.",
        "No se realizó la puntuación de calcio.",
        "Il punteggio di calcio non è stato calcolato.",
        "Calciumscore niet bepaald.",
        "Escore de cálcio não realizado.",
        "Badania nie wykonano.",
        # Of something else, but nothing tells a score: better told again than never.
        "The liver is not evaluated on this examination.",
        "Risk cannot be determined by calcium score alone.",
    ],
)
def test_in_doubt_a_coded_report_is_no_score(scored, text):
    assert scored(**as_conclusion(text)) == []


@pytest.mark.parametrize("piece", [":", "a-", "score ", "not ", "kein ", " \n", "CT ", "LM 1 "])
def test_a_long_report_takes_no_time_by_its_square(piece):
    start = time.process_time()
    leaves_open("score" + piece * (100_000 // len(piece)))
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("more", "codes"),
    [
        ({}, ["75571"]),
        (as_conclusion("Mild coronary calcification. See the attached table."), ["75571"]),
        (as_conclusion("Calcium score: 120. RCA not evaluated."), ["75571", "report_text"]),
        (as_conclusion("No coronary calcium. Agatston score 0."), ["75571", "report_text"]),
        ({"presentedForm": [{"contentType": "application/pdf", "data": "JVBERg=="}]}, ["75571"]),
        ({**as_conclusion("Normal."), "status": "partial"}, []),
    ],
)
def test_any_other_finished_report_is_evidence_of_the_scan(scored, more, codes):
    assert scored(**more) == codes
