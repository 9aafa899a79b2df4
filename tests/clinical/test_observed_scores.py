"""Formal calcium scores among measured values: each is its own evidence."""

import json
from datetime import date

import pytest
from clinical_tables import resolve

from screening.clinical import read_clinical
from screening.config import ClinicalSettings

SCORE = "SNOMED|450360000"
DAY = date(2024, 5, 6)
PRESSURE = ("A1", "8480-6", "120", "mm[Hg]", "2024-05-06")


@pytest.mark.parametrize("unit", ["{score}", "Agatston", "Agatston unit", "", "furlong"])
@pytest.mark.parametrize(
    ("value", "number"),
    [("120", 120.0), ("0", 0.0), (">400", None), ("> 400", None), (">=1000", None), ("<1", None),
     ("≥ 400", None), ("25000", None)],
)  # fmt: skip
def test_a_score_whose_value_cannot_be_taken_is_evidence(clinical, value, number, unit):
    tables = clinical(observation=[PRESSURE, ("A1", SCORE, value, unit, "2024-05-06")])
    (event,) = tables.event.to_pylist()
    assert (event["concept"], event["started_on"]) == ("formal_calcium_score", DAY)
    told = [r["value"] for r in tables.observation.to_pylist() if r["concept"] == "formal_agatston"]
    assert told == ([] if number is None or unit == "furlong" else [number])


@pytest.mark.parametrize("value", ["", "-5", "not performed", "see report", ">", "n/a"])
def test_what_is_no_score_is_no_evidence(clinical, value):
    tables = clinical(observation=[PRESSURE, ("A1", SCORE, value, "{score}", "2024-05-06")])
    assert tables.event.num_rows == 0


def test_a_score_without_a_day_always_counts_and_a_stranger_s_never(clinical):
    rows = [("A1", SCORE, "12", "", ""), ("Z9", SCORE, "12", "", ""), ("X", SCORE, "9", "", "")]
    tables = clinical(observation=[PRESSURE, *rows])
    assert [(e["person_key"], e["started_on"]) for e in tables.event.to_pylist()] == [
        ("alice", None)
    ]


def test_a_limit_from_a_server(tmp_path):
    patient = {"resourceType": "Patient", "id": "a", "gender": "female",
               "identifier": [{"system": "urn:h", "value": "A1"}]}  # fmt: skip
    score = {"resourceType": "Observation", "status": "final", "effectiveDateTime": "2024-05-06",
             "subject": {"reference": "Patient/a"},
             "code": {"coding": [{"system": "http://snomed.info/sct", "code": "450360000"}]},
             "valueQuantity": {"value": 400, "comparator": ">", "unit": "Agatston"}}  # fmt: skip
    (tmp_path / "all.ndjson").write_text(json.dumps(patient) + "\n" + json.dumps(score) + "\n")
    tables = read_clinical(tmp_path, resolve, ClinicalSettings(issuers={"urn:h": "H"}))
    assert tables.event["started_on"].to_pylist() == [DAY]
