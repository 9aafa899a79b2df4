"""What becomes of the synthetic hospital's people: SIMULATED outcomes, and true scores.

Comes in: the planned people, the truth of the hospital. Goes out: `simulated_outcomes.csv`, in the
columns of `screening risk fit` and `evaluate`, `simulated_reference.csv`, in those of `validate`.
Refuses: nothing; nobody below 18 has a row.

Risk is MESA's by TRUE calcium and true risk factors (McClelland 2015; ages beyond 45 to 84 take the
nearest of them, other and unknown races the mean of MESA's four, unknown smoking none), fates are
drawn from it (`screening.fates`). What the record has after the scan, an infarction, a stent, a
death, is the outcome on that day.

Planted: in ward B (odd numbers) the event comes twice as often as MESA says, in ward A as often.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from screening.fates import DEATH, EVENT, draw_fates, more_often
from screening.phantom.expectation import ADULT_YEARS, MESA_AGES, TruthRow, mesa_chd_10y
from screening.phantom.people import Person

OUTCOMES, REFERENCE = "simulated_outcomes.csv", "simulated_reference.csv"
WARD_FACTOR = 2.0
_RACES = ("white", "black", "hispanic", "chinese")
_EVENTS = ("I21", "I22", "92928")  # infarction, stent: the endpoint's own
_DAYS_A_YEAR = 365.25
_COLUMNS = (
    *("person_id", "issuer", "simulated", "scan_date", "prevalent", "followup_years", "outcome"),
    *("ward", "age_years", "sex", "race", "agatston"),
)


def write_outcomes(folder: Path, people: Sequence[Person], truth: Iterable[TruthRow], seed: int
                   ) -> None:  # fmt: skip
    """Write both tables."""
    rows = {(row.issuer, row.patient_id): row for row in truth if row.kind == "person"}
    scanned = [(p, rows[p.issuer, p.mrn]) for p in people]
    outcomes = [
        _outcome(person, row, seed)
        for person, row in scanned
        if person.inputs.age_years >= ADULT_YEARS
    ]
    scores = [
        (row.issuer, row.patient_id, str(row.index_date), f"{row.true_agatston:.1f}")
        for _, row in scanned
        if row.index_date is not None and row.true_agatston is not None
    ]
    _write(folder / OUTCOMES, _COLUMNS, outcomes)
    _write(folder / REFERENCE, ("issuer", "mrn", "study_date", "agatston"), scores)


def _outcome(person: Person, row: TruthRow, seed: int) -> tuple[object, ...]:
    scan, who = row.index_date or person.index_date, person.inputs
    in_ward_b = person.number % 2 == 1
    true = person.agatston if row.true_agatston is None else row.true_agatston
    risk = np.array([_risk(person, true)])
    if in_ward_b:
        risk = more_often(risk, np.array([WARD_FACTOR]))
    rng = np.random.default_rng([seed, person.number, 8])
    years, words = draw_fates(risk, np.array([who.age_years]), rng)
    time, word = _recorded(person, scan) or (float(years[0]), str(words[0]))
    return (
        person.mrn, person.issuer, 1, scan.isoformat(), int(person.has_known_ascvd(scan)),
        f"{time:.4f}", word, "B" if in_ward_b else "A", f"{who.age_years:g}", who.sex,
        person.race or "", f"{true:.1f}",
    )  # fmt: skip


def _risk(person: Person, true: float) -> float:
    """Return MESA's risk by what is true, whatever the record lacks."""
    total, hdl = person.lipids
    low, high = MESA_AGES
    races = [person.race] if person.race in _RACES else list(_RACES)
    risks = [
        mesa_chd_10y(
            replace(
                person.inputs,
                age_years=min(max(person.inputs.age_years, low), high),
                race=race,
                total_cholesterol_mg_dl=total,
                hdl_cholesterol_mg_dl=hdl,
                smoker=bool(person.inputs.smoker),
            ),
            true,
        )
        for race in races
    ]
    return float(np.mean([risk for risk in risks if risk is not None]))


def _recorded(person: Person, scan: date) -> tuple[float, str] | None:
    """Return the first thing after the scan that the record was planned to hold."""
    found = [(e.on, EVENT) for e in person.events if e.on > scan and e.code.startswith(_EVENTS)]
    if person.death_date is not None and person.death_date > scan:
        found.append((person.death_date, DEATH))
    if not found:
        return None
    on, word = min(found)
    return (on - scan).days / _DAYS_A_YEAR, word


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
