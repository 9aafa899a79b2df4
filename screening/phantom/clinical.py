"""The hospital's clinical record as CSV tables.

Comes in: the planned people. Goes out: seven CSV files, columns to the contract.
Refuses: nothing; what is wrong in the tables is wrong on purpose.

What lies in wait in them: laboratories that report mg/dL and others that report mmol/L; one
cholesterol in mmol/L under the name mg/dL; older and later measurements beside the one that
counts; missing panels, races and whole records; a date that does not exist, a unit nobody
knows and codes nobody asked for; a statin stopped before the scan and one started after it;
people on record who were never scanned.

Codes: LOINC for observations (smoking status as a LOINC answer code), ICD-10-CM for
conditions, ATC for medication, CPT for procedures.
"""

import csv
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from screening.phantom.people import N_RECORDS_WITHOUT_SCAN, Person, plan_person

SITE_ID = "site"
CONTRACT: dict[str, tuple[str, ...]] = {
    "person": ("site_id", "issuer", "mrn", "birth_date", "sex", "race", "death_date"),
    "observation": ("mrn", "code", "value", "unit", "effective_at"),
    "condition": ("mrn", "code", "onset_at"),
    "medication": ("mrn", "code", "start_at", "stop_at"),
    "procedure": ("mrn", "code", "performed_at"),
    "report_text": ("mrn", "accession", "text", "at"),
    "person_policy": ("mrn", "scope", "from"),
}

TOTAL_CHOLESTEROL = "2093-3"
HDL = "2085-9"
LDL_CALCULATED, LDL_DIRECT = "13457-7", "18262-6"
TRIGLYCERIDES = "2571-8"
SYSTOLIC, BMI, EGFR, SMOKING, HBA1C = "8480-6", "39156-5", "98979-8", "72166-2", "4548-4"
SMOKES_DAILY, SMOKED_FORMERLY, NEVER_SMOKED = "LA18976-3", "LA15920-4", "LA18978-9"

# mg/dL in one mmol/L
_CHOLESTEROL_MG_DL, _TRIGLYCERIDE_MG_DL = 38.67, 88.57
_FIRST_UNSCANNED = 1_000_000

Row = tuple[str, ...]


def _text(value: float) -> str:
    return f"{value:g}"


def _panel(person: Person, on: date, factor: float) -> list[Row]:
    """Give one lipid panel, `factor` times the values that count."""
    total, hdl = person.lipids
    at = f"{on.isoformat()}T07:40:00"
    rows: list[Row] = []
    ldl_code = LDL_DIRECT if person.number % 4 == 0 else LDL_CALCULATED
    for code, value, per_mmol in (
        (TOTAL_CHOLESTEROL, total, _CHOLESTEROL_MG_DL),
        (HDL, hdl, _CHOLESTEROL_MG_DL),
        (ldl_code, person.ldl_mg_dl, _CHOLESTEROL_MG_DL),
        (TRIGLYCERIDES, person.triglycerides_mg_dl, _TRIGLYCERIDE_MG_DL),
    ):
        level = value * factor
        if person.is_si:
            rows.append((person.mrn, code, f"{level / per_mmol:.3f}", "mmol/L", at))
        elif person.is_unit_mixed_up and code == TOTAL_CHOLESTEROL:
            rows.append((person.mrn, code, f"{level / per_mmol:.1f}", "mg/dL", at))
        else:
            rows.append((person.mrn, code, f"{level:.1f}", "mg/dL", at))
    return rows


def _lipid_rows(person: Person, rng: np.random.Generator) -> list[Row]:
    """Give the panels before the scan (unless missing) and one after it."""
    on = person.index_date
    has_panel = person.inputs.hdl_cholesterol_mg_dl is not None
    rows = _panel(person, on + timedelta(days=int(rng.integers(20, 60))), 0.7)
    if has_panel:
        rows += _panel(person, on - timedelta(days=int(rng.integers(10, 300))), 1.0)
    if has_panel and not person.is_unit_mixed_up:
        rows += _panel(person, on - timedelta(days=int(rng.integers(1500, 2200))), 1.15)
    return rows


def _smoking(person: Person) -> str:
    if person.inputs.smoker:
        return SMOKES_DAILY
    return SMOKED_FORMERLY if person.number % 3 == 0 else NEVER_SMOKED


def _observations(person: Person) -> list[Row]:
    """Give everything measured, what counts and what lies beside it, in no special order."""
    rng = np.random.default_rng([person.body_seed, 2])
    mrn, on = person.mrn, person.index_date
    rows = _lipid_rows(person, rng)
    systolic = person.inputs.systolic_bp_mmhg or 0.0
    for days, change in ((-int(rng.integers(5, 200)), 0), (-1400, 9), (35, -14)):
        day = (on + timedelta(days=days)).isoformat()
        rows.append((mrn, SYSTOLIC, _text(systolic + change), "mm[Hg]", day))
    day = (on - timedelta(days=int(rng.integers(5, 200)))).isoformat()
    rows.append((mrn, BMI, _text(round(person.bmi, 1)), "kg/m2", day))
    rows.append((mrn, EGFR, _text(person.egfr), "mL/min/{1.73_m2}", day))
    if person.inputs.smoker is not None:
        rows.append((mrn, SMOKING, _smoking(person), "", day))
    if person.inputs.diabetes:
        rows.append((mrn, HBA1C, _text(round(float(rng.uniform(6.6, 9.0)), 1)), "%", day))
    if person.number == 0:
        rows.append((mrn, SYSTOLIC, "119", "mm[Hg]", "2026-02-30"))
    if person.number == 3:
        rows.append((mrn, HDL, "41", "IU/L", (on - timedelta(days=420)).isoformat()))
    order = rng.permutation(len(rows))
    return [rows[k] for k in order]


def _medications(person: Person) -> list[Row]:
    rows: list[Row] = [
        (person.mrn, e.code, e.on.isoformat(), "") for e in person.events if e.table == "medication"
    ]
    if person.number % 7 == 2 and not person.inputs.lipid_treated:
        start, stop = (person.index_date - timedelta(days=d) for d in (900, 500))
        rows.append((person.mrn, "C10AA05", start.isoformat(), stop.isoformat()))
    return rows


def _person_row(person: Person) -> Row:
    death = person.death_date.isoformat() if person.death_date else ""
    who = person.identity
    born = who.birth_date.isoformat()
    return (SITE_ID, person.issuer, person.mrn, born, who.sex, person.race or "", death)


def _events(person: Person, table: str) -> list[Row]:
    return [(person.mrn, e.code, e.on.isoformat()) for e in person.events if e.table == table]


def _reports(person: Person) -> list[Row]:
    if person.report is None:
        return []
    at = (person.index_date - timedelta(days=180)).isoformat()
    return [(person.mrn, f"R{person.number:06d}", person.report, at)]


def _policies(person: Person) -> list[Row]:
    if person.policy_scope is None or person.policy_from is None:
        return []
    return [(person.mrn, person.policy_scope, person.policy_from.isoformat())]


def _write(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def write_clinical(folder: Path, people: Sequence[Person], seed: int) -> None:
    """Write the seven tables.

    Parameters
    ----------
    folder : is made if it is not there
    people : everyone with a scan; those without a record are left out of every table
    seed : of the hospital; also plans the people who have a record and no scan
    """
    folder.mkdir(parents=True, exist_ok=True)
    unscanned = (plan_person(_FIRST_UNSCANNED + n, seed) for n in range(N_RECORDS_WITHOUT_SCAN))
    known = [p for p in (*people, *unscanned) if p.has_record]
    tables: dict[str, list[Row]] = {
        "person": [_person_row(p) for p in known],
        "observation": [row for p in known for row in _observations(p)],
        "condition": [row for p in known for row in _events(p, "condition")],
        "medication": [row for p in known for row in _medications(p)],
        "procedure": [row for p in known for row in _events(p, "procedure")],
        "report_text": [row for p in known for row in _reports(p)],
        "person_policy": [row for p in known for row in _policies(p)],
    }
    for name, columns in CONTRACT.items():
        _write(folder / f"{name}.csv", columns, tables[name])
