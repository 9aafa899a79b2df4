"""A site's canonical tables, written again as FHIR bulk files and as OMOP tables.

Only what the canonical tables say is written, in the shapes servers and warehouses use; none of it
is written by the program's own readers.
"""

import csv
import gzip
import json
from collections import Counter
from pathlib import Path

SYSTEMS = {
    "observation": "http://loinc.org",
    "icd": "http://hl7.org/fhir/sid/icd-10-cm",
    "atc": "http://www.whocc.no/atc",
    "cpt": "http://www.ama-assn.org/go/cpt",
}
ISSUER_SYSTEM = "urn:oid:1.2.3.{}"
RACES = {"white": "2106-3", "black": "2054-5", "chinese": "2034-7", "other": "2131-1"}
OMOP_RACES = {"white": 8527, "black": 8516, "chinese": 38003579, "other": 8522}
PRESSURE = "8480-6"


def read(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def issuers(folder: Path) -> dict[str, str]:
    """What a site sets: the issuer of each identifier system."""
    known = sorted({p["issuer"] for p in read(folder, "person")})
    return {ISSUER_SYSTEM.format(n): name for n, name in enumerate(known)}


def _concept(system: str, code: str) -> dict:
    return {"coding": [{"system": system, "code": code}]}


def _patient(row: dict[str, str], number: int, systems: dict[str, str]) -> dict:
    race, extensions = row["race"], []
    if race == "hispanic":
        coded = {"url": "ombCategory", "valueCoding": {"code": "2135-2"}}
        extensions.append({"url": f"{_CORE}us-core-ethnicity", "extension": [coded]})
    elif race:
        coded = {"url": "ombCategory", "valueCoding": {"code": RACES[race]}}
        extensions.append({"url": f"{_CORE}us-core-race", "extension": [coded]})
    patient = {
        "resourceType": "Patient",
        "id": f"pat-{number}",
        "extension": extensions,
        "identifier": [
            {"type": _concept("v2-0203", "SS"), "system": "us-ssn", "value": "999-12-3456"},
            {"type": _concept("v2-0203", "MR"), "system": systems[row["issuer"]],
             "value": row["mrn"]},
        ],
        "gender": {"F": "female", "M": "male"}.get(row["sex"], "unknown"),
        "birthDate": row["birth_date"],
    }  # fmt: skip
    if row["death_date"]:
        patient["deceasedDateTime"] = row["death_date"]
    return patient


_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"


def _observation(row: dict[str, str], subject: dict, number: int) -> dict:
    code = _concept(SYSTEMS["observation"], row["code"])
    if row["unit"]:
        value = float(row["value"])
        quantity = {"value": value, "unit": row["unit"], "code": row["unit"]}
        answer = {"valueQuantity": {**quantity, "system": "http://unitsofmeasure.org"}}
    else:
        answer = {"valueCodeableConcept": _concept("http://loinc.org", row["value"])}
    whole = {
        "resourceType": "Observation",
        "id": f"obs-{number}",
        "status": "final",
        "subject": subject,
        "effectiveDateTime": row["effective_at"],
    }
    if row["code"] != PRESSURE:
        return {**whole, "code": code, **answer}
    diastolic = {"code": _concept("http://loinc.org", "8462-4"), "valueQuantity": {"value": 80}}
    return {
        **whole,
        "code": _concept("http://loinc.org", "85354-9"),
        "component": [diastolic, {"code": code, **answer}],
    }


def _dated(kind: str, row: dict[str, str], subject: dict, number: int) -> dict:
    whole = {"resourceType": kind, "id": f"{kind}-{number}", "subject": subject}
    if kind == "Condition":
        status = {"coding": [{"code": "confirmed"}]}
        code = _concept(SYSTEMS["icd"], row["code"])
        return {**whole, "code": code, "onsetDateTime": row["onset_at"],
                "verificationStatus": status}  # fmt: skip
    if kind == "Procedure":
        code = _concept(SYSTEMS["cpt"], row["code"])
        return {**whole, "status": "completed", "code": code,
                "performedDateTime": row["performed_at"]}  # fmt: skip
    whole |= {
        "status": "stopped" if row["stop_at"] else "active",
        "intent": "order",
        "medicationCodeableConcept": _concept(SYSTEMS["atc"], row["code"]),
        "authoredOn": row["start_at"],
    }
    if row["stop_at"]:
        whole["dispenseRequest"] = {"validityPeriod": {"end": row["stop_at"]}}
    return whole


def write_fhir(canonical: Path, folder: Path) -> None:
    """Write FHIR R4 NDJSON, one file a type, some packed; policies stay a table."""
    folder.mkdir(parents=True, exist_ok=True)
    systems = {name: system for system, name in issuers(canonical).items()}
    people = read(canonical, "person")
    subjects = {p["mrn"]: {"reference": f"Patient/pat-{n}"} for n, p in enumerate(people)}
    files: dict[str, list[dict]] = {
        "Patient": [_patient(p, n, systems) for n, p in enumerate(people)],
        "Observation": [
            _observation(r, subjects[r["mrn"]], n)
            for n, r in enumerate(read(canonical, "observation"))
        ],
        "DiagnosticReport": [
            {"resourceType": "DiagnosticReport", "id": f"rep-{n}", "status": "final",
             "subject": subjects[r["mrn"]], "conclusion": r["text"], "effectiveDateTime": r["at"]}
            for n, r in enumerate(read(canonical, "report_text"))
        ],
    }  # fmt: skip
    for name, kind in (
        ("condition", "Condition"),
        ("medication", "MedicationRequest"),
        ("procedure", "Procedure"),
    ):
        files[kind] = [
            _dated(kind, r, subjects[r["mrn"]], n) for n, r in enumerate(read(canonical, name))
        ]
    for kind, resources in files.items():
        lines = "".join(json.dumps(r) + "\n" for r in resources).encode()
        if kind == "Observation":
            (folder / f"{kind}.000.ndjson.gz").write_bytes(gzip.compress(lines))
        else:
            (folder / f"{kind}.ndjson").write_bytes(lines)
    policies = (canonical / "person_policy.csv").read_bytes()
    (folder / "person_policy.csv").write_bytes(policies)


VOCABULARIES = {"condition": "ICD10CM", "medication": "ATC", "procedure": "CPT4"}
OMOP_TABLES = {
    "condition": ("condition_occurrence", "condition", "condition_start_date", "onset_at"),
    "medication": ("drug_exposure", "drug", "drug_exposure_start_date", "start_at"),
    "procedure": ("procedure_occurrence", "procedure", "procedure_date", "performed_at"),
}


class Vocabulary:
    """Numbers for codes, as a CONCEPT table gives them; none is that of a real vocabulary."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], int] = {}

    def number(self, vocabulary: str, code: str) -> int:
        return self.rows.setdefault((vocabulary, code), 2_000_000_001 + len(self.rows))


def _table(file: Path, rows: list[dict], separator: str = ",") -> None:
    columns = list(rows[0]) if rows else ["person_id"]
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, columns, delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)


def write_omop(canonical: Path, folder: Path) -> None:
    """Write OMOP CDM 5.4 tables with their CONCEPT; policies stay a table."""
    folder.mkdir(parents=True, exist_ok=True)
    words = Vocabulary()
    people = read(canonical, "person")
    ids = {p["mrn"]: n for n, p in enumerate(people, start=1)}
    assert len(ids) == len(people)
    persons = []
    for person in people:
        year, month, day = person["birth_date"].split("-")
        is_hispanic = person["race"] == "hispanic"
        persons.append(
            {
                "person_id": ids[person["mrn"]],
                "gender_concept_id": {"F": 8532, "M": 8507}[person["sex"]],
                "year_of_birth": year, "month_of_birth": int(month), "day_of_birth": int(day),
                "race_concept_id": OMOP_RACES.get(person["race"], 0),
                "ethnicity_concept_id": 38003563 if is_hispanic else 38003564,
                "person_source_value": f"{person['mrn']}^^^{person['issuer']}",
            }
        )  # fmt: skip
    _table(folder / "PERSON.csv", persons)
    dead = [
        {"person_id": ids[p["mrn"]], "death_date": p["death_date"]}
        for p in people
        if p["death_date"]
    ]
    _table(folder / "death.csv", dead or [{"person_id": "", "death_date": ""}])
    measured, observed = [], []
    for row in read(canonical, "observation"):
        number = words.number("LOINC", row["code"])
        day = row["effective_at"][:10]
        if row["unit"]:
            measured.append(
                {
                    "person_id": ids[row["mrn"]], "measurement_concept_id": number,
                    "measurement_date": day, "operator_concept_id": 4172703,
                    "value_as_number": row["value"],
                    "unit_concept_id": words.number("UCUM", row["unit"]),
                    "measurement_source_value": "LAB-" + row["code"],
                }
            )  # fmt: skip
        else:
            observed.append(
                {
                    "person_id": ids[row["mrn"]], "observation_concept_id": number,
                    "observation_date": day, "value_as_number": "",
                    "value_as_concept_id": words.number("LOINC", row["value"]),
                }
            )  # fmt: skip
    _table(folder / "measurement.csv", measured)
    _table(folder / "observation.csv", observed)
    for name, (table, base, start, given) in OMOP_TABLES.items():
        rows = []
        for row in read(canonical, name):
            fact = {
                "person_id": ids[row["mrn"]],
                f"{base}_concept_id": 0,
                start: row[given],
                f"{base}_source_concept_id": words.number(VOCABULARIES[name], row["code"]),
                f"{base}_source_value": "local",
            }
            if name == "medication":
                fact["drug_exposure_end_date"] = row["stop_at"]
            rows.append(fact)
        _table(folder / f"{table}.csv", rows)
    notes = [
        {"person_id": ids[r["mrn"]], "note_date": r["at"], "note_text": r["text"]}
        for r in read(canonical, "report_text")
    ]
    _table(folder / "note.csv", notes)
    concepts = [
        {"concept_id": n, "concept_name": "a name", "vocabulary_id": v, "concept_code": c}
        for (v, c), n in words.rows.items()
    ]
    _table(folder / "CONCEPT.csv", concepts, "\t")
    policies = (canonical / "person_policy.csv").read_bytes()
    (folder / "person_policy.csv").write_bytes(policies)


def counts(tables) -> Counter:
    """What was refused, by reason alone: doors name details differently."""
    found: Counter = Counter()
    for row in tables.rejections.to_pylist():
        found[row["reason"]] += row["n"]
    return found
