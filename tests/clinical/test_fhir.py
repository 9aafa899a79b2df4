"""FHIR as servers really write it."""

import base64
import gzip
import json
from datetime import date

import pytest
from clinical_tables import refused, resolve

from screening.clinical import read_clinical
from screening.config import ClinicalSettings

LOINC = "http://loinc.org"
ALICE = {
    "resourceType": "Patient", "id": "a",
    "identifier": [{"system": "urn:h", "value": "A1", "type": {"coding": [{"code": "MR"}]}}],
    "gender": "female", "birthDate": "1960-02-29",
}  # fmt: skip
SETTINGS = ClinicalSettings(issuers={"urn:h": "H", "urn:g": "G"})
TO_A = {"reference": "Patient/a"}


def observation(code="2093-3", value=213, unit="mg/dL", **more):
    return {
        "resourceType": "Observation", "status": "final", "subject": TO_A,
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "valueQuantity": {"value": value, "code": unit, "system": "http://unitsofmeasure.org"},
        "effectiveDateTime": "2025-06-01T08:00:00+02:00", **more,
    }  # fmt: skip


def condition(code="I21.0", system="http://hl7.org/fhir/sid/icd-10-cm", **more):
    return {
        "resourceType": "Condition", "subject": TO_A,
        "code": {"coding": [{"system": system, "code": code}]},
        "onsetDateTime": "2024-05-06", **more,
    }  # fmt: skip


def order(concept=None, **more):
    concept = concept or {"coding": [{"system": "http://www.whocc.no/atc", "code": "C10AA05"}]}
    return {
        "resourceType": "MedicationRequest", "status": "active", "intent": "order",
        "subject": TO_A, "medicationCodeableConcept": concept, "authoredOn": "2024-05-06", **more,
    }  # fmt: skip


@pytest.fixture
def fhir(tmp_path):
    def read(*resources, patients=(ALICE,), settings=SETTINGS):
        lines = [json.dumps(r) + "\n" for r in (*patients, *resources)]
        (tmp_path / "export.ndjson").write_text("".join(lines), encoding="utf-8")
        return read_clinical(tmp_path, resolve, settings)

    return read


def measured(tables):
    return {(r["concept"], round(r["value"], 1)) for r in tables.observation.to_pylist()}


def test_a_pressure_is_a_component_and_a_panel_is_none_by_itself(fhir):
    pressure = {"code": {"coding": [{"system": LOINC, "code": "8480-6"}]},
                "valueQuantity": {"value": 131, "unit": "mmHg"}}  # fmt: skip
    panel = observation("85354-9", component=[{"code": {}}, 7, pressure])
    del panel["valueQuantity"]
    assert measured(fhir(panel)) == {("systolic_bp_mmhg", 131.0)}


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/a",
        "https://h.example/fhir/Patient/a",
        "Patient/a/_history/3",
        "urn:uuid:a",
    ],
)
def test_references_are_written_in_several_ways(fhir, reference):
    tables = fhir(observation(subject={"reference": reference}))
    assert measured(tables) == {("total_cholesterol_mg_dl", 213.0)}


@pytest.mark.parametrize(
    ("resource", "source", "reason"),
    [
        (observation(status="entered-in-error"), "Observation", "status entered-in-error"),
        (observation(status="cancelled"), "Observation", "status cancelled"),
        (observation(status="preliminary"), "Observation", "status preliminary"),
        (
            condition(verificationStatus={"coding": [{"code": "refuted"}]}),
            "Condition",
            "verificationStatus refuted",
        ),
        (
            condition(verificationStatus={"coding": [{"code": "entered-in-error"}]}),
            "Condition",
            "verificationStatus entered-in-error",
        ),
        (order(status="draft"), "MedicationRequest", "status draft"),
        (order(intent="proposal"), "MedicationRequest", "intent is no order"),
        (order(doNotPerform=True), "MedicationRequest", "an order not to give"),
        (observation(status="<script>"), "Observation", "status unreadable"),
    ],
)
def test_what_is_void_by_its_own_word_is_none(fhir, resource, source, reason):
    tables = fhir(resource)
    assert tables.observation.num_rows + tables.event.num_rows == 0
    assert refused(tables, source) == {("void_record", reason): 1}


def test_the_latest_version_of_a_resource_counts_whatever_the_order(fhir):
    first = observation(id="o", meta={"lastUpdated": "2025-06-02T00:00:00Z"})
    void = {**first, "status": "entered-in-error", "meta": {"lastUpdated": "2025-07-01T00:00:00Z"}}
    for order_of in ((first, void), (void, first)):
        tables = fhir(*order_of)
        assert tables.observation.num_rows == 0
        assert refused(tables, "Observation")["duplicate_row", "the same resource again"] == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"effectiveDateTime": None}, ("bad_value", "effective_at")),
        ({"effectiveDateTime": "2025-06"}, ("bad_value", "effective_at")),
        ({"valueQuantity": {"value": 5.2, "unit": "mg/dL"}}, "unit_suspect"),
        ({"valueQuantity": {"value": 200}}, "unit_unknown"),
        ({"valueQuantity": {"value": 50, "comparator": "<", "unit": "mg/dL"}}, "bad_value"),
        ({"valueQuantity": None, "dataAbsentReason": {}}, "bad_value"),
        ({"valueQuantity": ["odd"]}, "bad_value"),
    ],
)
def test_missing_and_odd_fields_are_counted(fhir, change, reason):
    tables = fhir(observation(**change), observation(id="good", effectiveDateTime="2020-01-01"))
    assert tables.observation.num_rows == 1
    (found,) = refused(tables, "observation")
    assert found == reason or found[0] == reason


def test_a_partial_onset_is_a_span_of_days(fhir):
    (row,) = fhir(condition(onsetDateTime="2024-02")).event.to_pylist()
    assert (row["started_on"], row["started_by"]) == (date(2024, 2, 1), date(2024, 2, 29))


@pytest.mark.parametrize(
    ("onset", "recorded", "started_on", "started_by"),
    [
        ("2010-03-04", "2025-06-01T09:00:00Z", date(2010, 3, 4), date(2025, 6, 1)),
        ("2025-06-01", "2010-03-04", date(2025, 6, 1), date(2025, 6, 1)),
        ("2010", "2010-03-04", date(2010, 1, 1), date(2010, 12, 31)),
        ("2010", "2011-03", date(2010, 1, 1), date(2011, 3, 31)),
        ("2010-03-04", None, date(2010, 3, 4), date(2010, 3, 4)),
        (None, "2025-06-01", date(2025, 6, 1), date(2025, 6, 1)),
        (None, None, None, None),
        ("childhood", "2025-06-01", None, date(2025, 6, 1)),
    ],
)
def test_a_condition_is_known_by_the_later_of_onset_and_record(
    fhir, onset, recorded, started_on, started_by
):
    (row,) = fhir(condition("E11.9", onsetDateTime=onset, recordedDate=recorded)).event.to_pylist()
    assert (row["started_on"], row["started_by"]) == (started_on, started_by)


def test_of_two_records_of_one_onset_the_earlier_tells_when_it_was_known(fhir):
    records = [condition("E11.9", recordedDate=day) for day in ("2025-06-01", "2024-06-01")]
    (row,) = fhir(*records).event.to_pylist()
    assert row["started_by"] == date(2024, 6, 1)


def test_the_first_coding_that_a_list_knows_counts_and_a_local_one_does_not(fhir):
    both = condition()
    both["code"]["coding"].insert(0, {"system": "urn:local", "code": "92928"})
    assert fhir(both).event["code"].to_pylist() == ["I21.0"]
    tables = fhir(condition("I21.0", system="urn:local"))
    assert tables.event.num_rows == 0
    assert refused(tables, "Condition") == {("code_not_used", "code_not_used"): 1}


@pytest.mark.parametrize(
    ("code", "system", "concept"),
    [
        ("410.71", "http://hl7.org/fhir/sid/icd-9-cm", "myocardial_infarction"),
        ("410429000", "http://snomed.info/sct", None),  # cardiac arrest: no 410 of ICD-9
        ("22298006", "http://snomed.info/sct", "myocardial_infarction"),
    ],
)
def test_a_code_counts_in_its_own_system(fhir, code, system, concept):
    found = fhir(condition(code, system)).event["concept"].to_pylist()
    assert found == ([concept] if concept else [])


def test_medicines_contained_referenced_and_named(fhir):
    scd = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "999999",
                       "display": "atorvastatin 40 MG Oral Tablet"}]}  # fmt: skip
    inside = order(
        contained=[{"resourceType": "Medication", "id": "m", "code": scd}],
        medicationReference={"reference": "#m"},
        authoredOn="2021-01-01",
    )
    outside = order(medicationReference={"reference": "Medication/x"}, authoredOn="2022-01-01")
    for resource in (inside, outside):
        del resource["medicationCodeableConcept"]
    medication = {"resourceType": "Medication", "id": "x", "code": scd}
    named = order({"text": "Simvastatin 10 mg"}, authoredOn="2023-01-01")
    other = order({"text": "Ibuprofen 400 mg"}, authoredOn="2024-01-01")
    tables = fhir(inside, outside, named, other, medication)
    found = [(str(e["started_on"]), e["concept"], e["intensity"]) for e in tables.event.to_pylist()]
    assert sorted(found) == [
        ("2021-01-01", "statin", "high"),
        ("2022-01-01", "statin", "high"),
        ("2023-01-01", "statin", "low"),
    ]
    assert "Simvastatin" not in str(tables.event.to_pylist())
    assert refused(tables, "medication") == {("code_not_used", "code_not_used"): 1}


@pytest.mark.parametrize(
    ("more", "end"),
    [
        ({"dispenseRequest": {"validityPeriod": {"end": "2025-01-01"}}}, date(2025, 1, 1)),
        ({"status": "active"}, None),
        ({"status": "stopped", "meta": {"lastUpdated": "2025-03-04T01:00:00Z"}}, date(2025, 3, 4)),
        ({"status": "stopped"}, date(2024, 5, 6)),
    ],
)
def test_when_a_medicine_ends(fhir, more, end):
    assert fhir(order(**more)).event["stopped_on"].to_pylist() == [end]


def test_the_daily_dose_comes_from_the_instruction(fhir):
    concept = {"text": "Atorvastatin 20 mg"}
    twice = {"doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
             "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}}  # fmt: skip
    grams = {"doseAndRate": [{"doseQuantity": {"value": 10, "unit": "mg"}}]}
    for instruction, intensity in ((twice, "high"), (grams, "moderate"), ({}, "moderate")):
        tables = fhir(order(concept, dosageInstruction=[instruction]))
        assert tables.event["intensity"].to_pylist() == [intensity]


def test_several_numbers_lead_to_the_scans_of_each(fhir):
    """Identifiers of two hospitals, a social security number and a void one."""
    numbers = [
        {"system": "urn:h", "value": "A1"},
        {"system": "urn:g", "value": "C3"},
        {"system": "urn:ssn", "value": "B2", "type": {"coding": [{"code": "SS"}]}},
        {"system": "urn:h"},
    ]
    tables = fhir(condition(), patients=[{**ALICE, "identifier": numbers}])
    assert tables.person["person_key"].to_pylist() == ["alice", "carol"]
    assert tables.event["person_key"].to_pylist() == ["alice", "carol"]


def test_without_types_and_settings_the_assigner_issues(fhir):
    number = {"value": "A1", "assigner": {"display": "H"}}
    tables = fhir(condition(), patients=[{**ALICE, "identifier": [number]}],
                  settings=ClinicalSettings())  # fmt: skip
    assert tables.event["person_key"].to_pylist() == ["alice"]


def test_a_merged_patient_is_the_surviving_one(fhir):
    old = {**ALICE, "id": "old", "identifier": [{"system": "urn:g", "value": "C3"}],
           "active": False, "gender": "male",
           "link": [{"type": "replaced-by", "other": {"reference": "Patient/a"}}]}  # fmt: skip
    tables = fhir(condition(subject={"reference": "Patient/old"}), patients=[old, ALICE])
    assert {(p["person_key"], p["sex"]) for p in tables.person.to_pylist()} == {
        ("alice", "F"),
        ("carol", "F"),
    }
    assert tables.event["person_key"].to_pylist() == ["alice", "carol"]
    assert refused(tables, "person") == {("duplicate_row", "merged into another patient"): 1}


def test_merges_in_a_circle_end(fhir):
    one = {**ALICE, "link": [{"type": "replaced-by", "other": {"reference": "Patient/b"}}]}
    two = {**ALICE, "id": "b",
           "link": [{"type": "replaced-by", "other": {"reference": "Patient/a"}}]}  # fmt: skip
    three = {**ALICE, "id": "0",
             "link": [{"type": "replaced-by", "other": {"reference": "Patient/b"}}]}  # fmt: skip
    assert fhir(condition(), patients=[one, two, three]).event.num_rows == 1


@pytest.mark.parametrize(
    ("death", "day", "is_dead"),
    [
        ({"deceasedDateTime": "2026-03-01T10:00:00Z"}, date(2026, 3, 1), True),
        ({"deceasedDateTime": "2026-03"}, None, True),
        ({"deceasedBoolean": True}, None, True),
        ({"deceasedBoolean": False}, None, False),
        ({}, None, False),
    ],
)
def test_who_is_dead_is_dead_without_a_day_too(fhir, death, day, is_dead):
    (row,) = fhir(patients=[{**ALICE, **death}]).person.to_pylist()
    assert (row["death_date"], row["is_deceased"]) == (day, is_dead)


def test_race_and_ethnicity(fhir):
    def race(*groups):
        extensions = [
            {"url": f"http://hl7.org/fhir/us/core/StructureDefinition/us-core-{name}",
             "extension": [{"url": url, "valueCoding": {"code": code}}]}
            for name, url, code in groups
        ]  # fmt: skip
        (row,) = fhir(patients=[{**ALICE, "extension": extensions}]).person.to_pylist()
        return row["race"]

    assert race(("race", "ombCategory", "2054-5")) == "black"
    assert race(("race", "ombCategory", "2028-9"), ("race", "detailed", "2034-7")) == "chinese"
    white_hispanic = (("race", "ombCategory", "2106-3"), ("ethnicity", "ombCategory", "2135-2"))
    assert race(*white_hispanic) == "hispanic"
    assert race(("race", "ombCategory", "2106-3"), ("race", "ombCategory", "2054-5")) == "other"
    assert race() == ""


def test_formal_scores_from_studies_reports_and_observations(fhir):
    study = {"resourceType": "ImagingStudy", "status": "available", "subject": TO_A,
             "started": "2020-01-01T08:00:00Z",
             "procedureCode": [{"coding": [{"system": "http://www.ama-assn.org/go/cpt",
                                            "code": "75571"}]}]}  # fmt: skip
    text = base64.b64encode(b"Total Agatston score: 168.").decode()
    report = {"resourceType": "DiagnosticReport", "status": "final", "subject": TO_A,
              "presentedForm": [{"contentType": "text/plain", "data": text},
                                {"contentType": "text/plain", "data": "?"}],
              "effectiveDateTime": "2021-01-01"}  # fmt: skip
    score = observation("450360000", 12, "1", effectiveDateTime="2022-01-01")
    score["code"]["coding"][0]["system"] = "http://snomed.info/sct"
    tables = fhir(study, report, score)
    assert {(e["code"], str(e["started_on"])) for e in tables.event.to_pylist()} == {
        ("75571", "2020-01-01"),
        ("report_text", "2021-01-01"),
        ("observation", "2022-01-01"),
    }
    assert measured(tables) == {("formal_agatston", 168.0), ("formal_agatston", 12.0)}


def report(**more):
    return {"resourceType": "DiagnosticReport", "status": "final", "subject": TO_A,
            "effectiveDateTime": "2021-01-01", **more}  # fmt: skip


CALCIUM_SCAN = {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "75571"}]}
TABLE = (
    "<style>Agatston score: 9</style><h2>Calcium score</h2><table><tr><td>LAD</td><td>100</td></tr>"
    "<tr><td>Total</td><td>250</td></tr></table>"
)


@pytest.mark.parametrize(
    "more",
    [
        {"presentedForm": [{"contentType": "text/html; charset=utf-8",
                            "data": base64.b64encode(TABLE.encode()).decode()}]},
        {"presentedForm": [{"contentType": "application/xhtml+xml",
                            "data": base64.b64encode(b"<p>Agatston score:<br/>250").decode()}]},
        {"text": {"status": "generated", "div": "<div>Agatston score: <b>250</b></div>"}},
    ],
)  # fmt: skip
def test_reports_are_read_as_pages_too(fhir, more):
    assert measured(fhir(report(**more))) == {("formal_agatston", 250.0)}


def test_a_finished_report_coded_as_a_calcium_scan_is_evidence_of_it(fhir):
    (row,) = fhir(report(code=CALCIUM_SCAN)).event.to_pylist()
    assert (row["concept"], row["code"]) == ("formal_calcium_score", "75571")
    for status in ("partial", "cancelled", "registered"):
        assert fhir(report(code=CALCIUM_SCAN, status=status)).event.num_rows == 0
    for said in ("Examination not performed.", "No calcium score was obtained.", "Cancelled."):
        assert fhir(report(code=CALCIUM_SCAN, conclusion=said)).event.num_rows == 0
    stent = {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "92928"}]}
    tables = fhir(report(code=stent))
    assert tables.event.num_rows == 0
    assert refused(tables, "DiagnosticReport") == {("code_not_used", "code_not_used"): 1}


@pytest.mark.parametrize(("sure", "n"), [("A", 0), ("V", 0), ("Z", 1), ("G", 1)])
def test_a_german_coding_says_how_sure_it_is(fhir, sure, n):
    resource = condition("I21.9", "http://fhir.de/CodeSystem/bfarm/icd-10-gm")
    resource["code"]["coding"][0]["extension"] = [
        {"url": "http://fhir.de/StructureDefinition/icd-10-gm-diagnosesicherheit",
         "valueCoding": {"code": sure}}
    ]  # fmt: skip
    tables = fhir(resource)
    assert tables.event.num_rows == n
    assert bool(refused(tables, "condition")) == (n == 0)


def test_files_cut_in_the_middle_are_named_and_the_rest_goes_on(tmp_path):
    whole = (json.dumps(ALICE) + "\n").encode()
    facts = b"".join(
        (json.dumps(observation(id=f"o{n}", effectiveDateTime=f"2025-06-{n:02d}")) + "\n").encode()
        for n in range(1, 31)
    )
    (tmp_path / "Patient.ndjson").write_bytes(whole)
    (tmp_path / "Observation.ndjson").write_bytes(facts[:-40])
    (tmp_path / "Observation.2.ndjson.gz").write_bytes(gzip.compress(facts)[:-20])
    (tmp_path / "odd names, all.ndjson").write_bytes(b"{]\n[1]\n" + whole)
    tables = read_clinical(tmp_path, resolve, SETTINGS)
    assert tables.observation.num_rows >= 29
    found = refused(tables, "fhir")
    assert found["cut_short", "ends in the middle of a line: Observation.ndjson"] == 1
    assert found["cut_short", "compressed file is cut: Observation.2.ndjson.gz"] == 1
    assert found["bad_value", "a line is not JSON in file 4 of 4 by path"] == 1
    assert found["bad_value", "a line is no resource in file 4 of 4 by path"] == 1


def test_facts_of_nobody_and_types_not_used_are_counted(fhir):
    tables = fhir(observation(subject={"reference": "Patient/zz"}), {"resourceType": "Claim"},
                  observation(subject={"display": "CANARY Jane"}))  # fmt: skip
    assert refused(tables, "Observation") == {
        ("bad_value", "subject is no patient of this export"): 2
    }
    assert refused(tables, "fhir") == {("code_not_used", "resources of type Claim"): 1}
    assert "CANARY" not in str(tables.rejections.to_pylist())


@pytest.mark.parametrize(
    ("kind", "status"),
    [("Procedure", "stopped"), ("Procedure", "in-progress"), ("ImagingStudy", "registered")],
)
def test_what_was_begun_or_ordered_is_not_done(fhir, kind, status):
    codes = {"Procedure": {"code": CALCIUM_SCAN}, "ImagingStudy": {"procedureCode": [CALCIUM_SCAN]}}
    resource = {"resourceType": kind, "id": "p", "subject": TO_A,
                "performedDateTime": "2021-01-01", "started": "2021-01-01",
                **codes[kind]}  # fmt: skip
    finished = "completed" if kind == "Procedure" else "available"
    assert fhir({**resource, "status": finished}).event.num_rows == 1
    assert fhir({**resource, "status": status}).event.num_rows == 0


ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def stay(code="IMP", status="finished", system=ACT, start="2025-06-01T22:10:00+02:00",
         end="2025-06-09"):  # fmt: skip
    period = {name: day for name, day in (("start", start), ("end", end)) if day}
    coded = {"system": system, "code": code} if system else {"code": code}
    return {"resourceType": "Encounter", "id": "e", "status": status, "class": coded,
            "subject": TO_A, "period": period}  # fmt: skip


@pytest.mark.parametrize("code", ["IMP", "ACUTE", "NONAC"])
@pytest.mark.parametrize(
    "system", [ACT, "http://hl7.org/fhir/v3/ActCode", "urn:oid:2.16.840.1.113883.5.4", ""]
)
def test_a_stay_in_hospital_lasts_for_its_period(fhir, code, system):
    tables = fhir(stay(code, system=system))
    (row,) = tables.event.to_pylist()
    assert (row["concept"], row["code"]) == ("inpatient_stay", code)
    assert (row["started_on"], row["stopped_on"]) == (date(2025, 6, 1), date(2025, 6, 9))
    assert refused(tables, "Encounter") == {}


@pytest.mark.parametrize(
    ("status", "end", "stopped"),
    [
        ("in-progress", "", None),  # still there
        ("onleave", "", None),
        ("in-progress", "2025-06-05", date(2025, 6, 5)),
        ("finished", "", date(2025, 6, 1)),  # over, and no end told: its first day alone
        ("unknown", "", date(2025, 6, 1)),
    ],
)
def test_a_stay_without_an_end_lasts_only_while_it_is_in_progress(fhir, status, end, stopped):
    (row,) = fhir(stay(status=status, end=end)).event.to_pylist()
    assert (row["started_on"], row["stopped_on"]) == (date(2025, 6, 1), stopped)


@pytest.mark.parametrize(
    ("encounter", "source", "reason"),
    [
        (stay("AMB"), "Encounter", ("code_not_used", "code_not_used")),
        (stay("EMER"), "Encounter", ("code_not_used", "code_not_used")),
        (stay("OBSENC"), "Encounter", ("code_not_used", "code_not_used")),
        (stay(system="urn:local"), "Encounter", ("code_not_used", "code_not_used")),
        ({**stay(), "class": 7}, "Encounter", ("code_not_used", "code_not_used")),
        ({**stay(), "class": None}, "Encounter", ("code_not_used", "code_not_used")),
        (stay(status="planned"), "Encounter", ("void_record", "status planned")),
        (stay(status="cancelled"), "Encounter", ("void_record", "status cancelled")),
        (
            stay(status="entered-in-error"),
            "Encounter",
            ("void_record", "status entered-in-error"),
        ),
        (stay(end="2025-05-01"), "procedure", ("bad_value", "ended_at before performed_at")),
        (stay(end="soon"), "procedure", ("bad_value", "ended_at")),
    ],
)
def test_what_is_no_stay_in_hospital_is_counted(fhir, encounter, source, reason):
    tables = fhir(encounter)
    assert tables.event.num_rows == 0
    assert refused(tables, source) == {reason: 1}


def test_a_class_as_a_concept_is_read_too(fhir):
    """FHIR R5 writes a list of CodeableConcept."""
    concept = [{"coding": [{"system": "urn:local", "code": "x"}, {"system": ACT, "code": "IMP"}]}]
    assert fhir({**stay(), "class": concept}).event["code"].to_pylist() == ["IMP"]


def test_a_procedure_called_like_a_class_is_none(fhir):
    code = {"coding": [{"code": "ACUTE"}]}
    procedure = {"resourceType": "Procedure", "status": "completed", "subject": TO_A,
                 "performedDateTime": "2025-06-01", "code": code}  # fmt: skip
    assert fhir(procedure).event.num_rows == 0


def test_half_a_character_and_odd_bundles_cost_no_more_than_themselves(fhir):
    halved = report(conclusion="Agatston score: 250 \ud83d")
    bundle = {"resourceType": "Bundle", "entry": 7}
    assert measured(fhir(halved, bundle)) == {("formal_agatston", 250.0)}
