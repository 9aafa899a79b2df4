"""How servers write statuses and pointers, and which of their words are told."""

import json
from pathlib import Path

import pytest
from clinical_tables import refused, resolve

from screening.clinical import read_clinical
from screening.clinical.fhir_names import file_called
from screening.config import ClinicalSettings

ALICE = {
    "resourceType": "Patient", "id": "a", "identifier": [{"system": "urn:h", "value": "A1"}],
    "gender": "female", "birthDate": "1960-02-29",
}  # fmt: skip
TO_A = {"reference": "Patient/a"}
HL7 = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
ATORVASTATIN = {
    "resourceType": "Medication",
    "code": {"coding": [{"system": "http://www.whocc.no/atc", "code": "C10AA05"}]},
}  # fmt: skip
UUID = "0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"


def read(folder, *resources, name="export.ndjson"):
    (folder / name).write_text("".join(json.dumps(r) + "\n" for r in resources))
    return read_clinical(folder, resolve, ClinicalSettings(issuers={"urn:h": "H"}))


def infarction(**more):
    return {
        "resourceType": "Condition", "id": "c", "subject": TO_A, "onsetDateTime": "2024-05-06",
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I21.0"}]},
        **more,
    }  # fmt: skip


def order(reference, **more):
    return {
        "resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
        "subject": TO_A, "authoredOn": "2024-05-06",
        "medicationReference": {"reference": reference}, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "void"),
    [
        ({"coding": [{"code": "confirmed"}]}, ""),
        ({"coding": [{"system": "urn:local", "code": "FINAL-DX"}, {"code": "confirmed"}]}, ""),
        ({"coding": [{"code": "G1"}, {"code": "refuted"}]}, "refuted"),
        (
            {"coding": [{"system": "urn:x", "code": "confirmed"},
                        {"system": HL7, "code": "refuted"}]},
            "refuted",
        ),
        ({"text": "Refuted"}, "refuted"),
        ({"text": "Confirmed"}, ""),
        ({"coding": [{"display": "Entered-in-error"}]}, "entered-in-error"),
        ({"coding": [{"code": "Maria-Musterfrau"}]}, "unreadable"),
        ({"text": "Maria-Musterfrau"}, "unreadable"),
        ({}, ""),
    ],
)  # fmt: skip
def test_a_verification_in_any_coding_or_in_words(tmp_path, status, void):
    tables = read(tmp_path, ALICE, infarction(verificationStatus=status))
    assert tables.event.num_rows == int(not void)
    counts = {("void_record", f"verificationStatus {void}"): 1} if void else {}
    assert refused(tables, "Condition") == counts


def test_names_of_people_are_told_of_no_status_type_or_file(tmp_path):
    name = "Erika-Mustermann-19700101"
    odd = [{"resourceType": "Observation", "status": name.rpartition("-")[0], "subject": TO_A},
           {"resourceType": "Maria-Musterfrau"}, {"resourceType": "Musterfrau"}]  # fmt: skip
    (tmp_path / f"{name}.ndjson").write_text(json.dumps(ALICE)[:-9])
    (tmp_path / "8005.ndjson").write_text("{]\n")
    (tmp_path / "Patient.001.ndjson").write_text("{]\n")
    tables = read(tmp_path, ALICE, *odd)
    told = str(tables.rejections.to_pylist())
    assert "Muster" not in told
    assert "8005" not in told
    assert refused(tables, "fhir") == {
        ("cut_short", "ends in the middle of a line: file 2 of 4 by path"): 1,
        ("bad_value", "a line is not JSON in file 1 of 4 by path"): 1,
        ("bad_value", "a line is not JSON in Patient.001.ndjson"): 1,
        ("code_not_used", "resources of a type that FHIR R4 does not know"): 2,
    }


@pytest.mark.parametrize(
    ("name", "is_told"),
    [
        ("Patient.ndjson", True),
        ("Patient.001.ndjson", True),
        ("export-Observation_12.ndjson.gz", True),
        ("Patient-123-456-789.ndjson", False),
        ("Observation.31.12.60.ndjson", False),
        ("12.Observation.60.ndjson", False),
        ("Patient-1234.ndjson", False),
        ("Patient-Musterfrau.ndjson", False),
    ],
)
def test_a_file_is_called_by_its_name_where_at_most_one_part_counts(name, is_told):
    assert file_called(Path("in") / name, 4, 10) == (name if is_told else "file 4 of 10 by path")


def bundle(*entries):
    return {
        "resourceType": "Bundle",
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries],
    }


@pytest.mark.parametrize("named", [{}, {"id": "med"}, {"id": UUID}])
def test_a_bundle_calls_its_medicines_and_patients_by_its_own_urls(tmp_path, named):
    patient = {**ALICE, "id": "other"}
    facts = order(f"urn:uuid:{UUID}", subject={"reference": "urn:uuid:aaaa"})
    whole = bundle(
        ("urn:uuid:bbbb", facts),
        (f"urn:uuid:{UUID}", {**ATORVASTATIN, **named}),
        ("urn:uuid:aaaa", patient),
    )
    tables = read(tmp_path, whole)
    assert tables.event["concept"].to_pylist() == ["statin"]
    assert refused(tables, "fhir") == {}


@pytest.mark.parametrize(
    ("reference", "name", "is_contained"),
    [
        ("#med", "med", True),
        ("#med", "#med", True),
        (f"urn:uuid:{UUID}", UUID, True),
        (f"urn:uuid:{UUID}", f"urn:uuid:{UUID}", True),
        ("Medication/med", "med", True),
        ("Medication/med", "med", False),
        (f"urn:uuid:{UUID}", UUID, False),
    ],
)
def test_a_medicine_is_found_by_whatever_name(tmp_path, reference, name, is_contained):
    medicine = {**ATORVASTATIN, "id": name}
    contained = {"contained": [medicine]} if is_contained else {}
    beside = [] if is_contained else [medicine]
    tables = read(tmp_path, ALICE, order(reference, **contained), *beside)
    assert tables.event["concept"].to_pylist() == ["statin"]
