"""FHIR observations, conditions, medicines, procedures, studies, reports and encounters as rows.

Comes in: one resource. Goes out: rows of a canonical table, none where no list knows its codes.
Refuses: what is void by its own word (`void`), named by status.

Of several codings the first that a code list knows counts. A panel gives its components; blood
pressure is one. A medicine's end is that of its period, else of its supply; of an order that is no
longer active and says no end, the day it was last written. A stay in hospital without an end lasts
while it is in progress, else for its first day.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from screening.clinical.codes import Codes, normal_word
from screening.clinical.drugs import strengths_mg
from screening.clinical.fhir_names import STATUSES, status_called
from screening.clinical.fhir_values import (
    at,
    codings,
    first_date,
    html_text,
    items,
    named_by,
    names,
    reference,
    status_of,
    text,
)
from screening.clinical.report_denials import leaves_open
from screening.clinical.reports import FORMAL_SCORE

Resource = dict[str, Any]
Row = dict[str, str]

# Statuses under which a resource states a fact; every other one is void.
_FACTUAL: dict[str, tuple[str, frozenset[str]]] = {
    "Observation": ("status", frozenset(("final", "amended", "corrected"))),
    "Condition": ("verificationStatus", frozenset(("confirmed", ""))),
    "MedicationRequest": ("status", frozenset(("active", "completed", "stopped", "on-hold", ""))),
    "MedicationStatement": (
        "status",
        frozenset(("active", "completed", "stopped", "on-hold", "unknown", "")),
    ),
    "Procedure": ("status", frozenset(("completed", "unknown"))),
    "ImagingStudy": ("status", frozenset(("available", "unknown", ""))),
    "DiagnosticReport": (
        "status",
        frozenset(("final", "amended", "corrected", "appended", "partial")),
    ),
    "Encounter": ("status", frozenset(("in-progress", "onleave", "finished", "unknown"))),
}
_ORDERS = frozenset(
    ("order", "original-order", "reflex-order", "filler-order", "instance-order", "")
)
_STILL_THERE = frozenset(("in-progress", "onleave"))
_ONGOING = frozenset(("active", "on-hold", "unknown", ""))
_DAYS = {"d": 1.0, "h": 1 / 24, "wk": 7.0}
_READ_FORMS = ("text/plain", "text/html", "application/xhtml+xml")
_MILLIGRAMS = frozenset(("mg", "milligram", "milligrams"))


@dataclass(frozen=True, slots=True)
class Reader:
    """How resources of one type become rows."""

    table: str
    rows: Callable[[Resource, Codes], list[Row]]


def with_medicine(row: Row, medication: Resource, codes: Codes) -> Row:
    """Complete a row with the medicine it points to."""
    return {**row, **_medicine(medication.get("code"), codes)}


def void(kind: str, resource: Resource) -> str:
    """Say why a resource is no fact; "" where it is one."""
    if kind == "Patient":
        return ""  # an inactive patient may have been merged: their numbers still lead to scans
    name, factual = _FACTUAL[kind]
    status = status_of(resource, name, STATUSES)
    if status not in factual:
        return f"{name} {status_called(status)}"
    if kind == "MedicationRequest":
        if text(resource, "intent") not in _ORDERS:
            return "intent is no order"
        if resource.get("doNotPerform") is True:
            return "an order not to give"
    return ""


def _known(concept: Any, table: str, codes: Codes) -> str:
    """Return the first code that a list knows; "" where none does."""
    return next((c for c in codings(concept, codes) if codes.rule(table, c)), "")


def _observation(resource: Resource, codes: Codes) -> list[Row]:
    day = first_date(resource, "effectiveDateTime", "effectivePeriod", "effectiveInstant")
    rows = []
    for part in (resource, *items(resource, "component")):
        found = (c for c in codings(at(part, "code"), codes) if codes.measurement(c))
        code = next(found, "")
        if not code or (part is resource and _has_no_value(part) and items(part, "component")):
            continue
        value, unit = _value(part, codes)
        rows.append({"code": code, "value": value, "unit": unit, "effective_at": day})
    return rows


def _has_no_value(part: Any) -> bool:
    return not any(name.startswith("value") for name in part)


def _value(part: Any, codes: Codes) -> tuple[str, str]:
    """Return value and unit as written; a limit ("<50") is no value."""
    quantity = at(part, "valueQuantity")
    if isinstance(quantity, dict):
        number = text(quantity, "comparator") + text(quantity, "value")
        # The unit's code is UCUM where it says so; else what people read.
        is_ucum = text(quantity, "system") == "http://unitsofmeasure.org"
        coded, written = text(quantity, "code"), text(quantity, "unit")
        return number, (coded if is_ucum and coded else written or coded)
    answer = at(part, "valueCodeableConcept")
    if isinstance(answer, dict):
        said = [text(c, "code") for c in items(answer, "coding")]
        known = (c for c in said if normal_word(c) in codes.smoking)
        return next(known, text(answer, "text") or next(iter(said), "")), ""
    boolean = at(part, "valueBoolean")
    if isinstance(boolean, bool):
        return str(int(boolean)), ""
    return text(part, "valueInteger") or text(part, "valueString"), ""


def _condition(resource: Resource, codes: Codes) -> list[Row]:
    code = _known(resource.get("code"), "condition", codes)
    day = first_date(resource, "onsetDateTime", "onsetPeriod", "recordedDate")
    recorded = text(resource, "recordedDate")
    return [{"code": code, "onset_at": day, "recorded_at": recorded}] if code else []


def _procedure(resource: Resource, codes: Codes) -> list[Row]:
    code = _known(resource.get("code"), "procedure", codes)
    day = first_date(resource, "performedDateTime", "performedPeriod")
    return [{"code": code, "performed_at": day}] if code else []


def _study(resource: Resource, codes: Codes) -> list[Row]:
    known = (_known(concept, "procedure", codes) for concept in items(resource, "procedureCode"))
    code = next((c for c in known if c), "")
    return [{"code": code, "performed_at": text(resource, "started")}] if code else []


def _encounter(resource: Resource, codes: Codes) -> list[Row]:
    """Return a stay in hospital by its class: a Coding in R4, a list of concepts in R5."""
    given = at(resource, "class")
    concepts = given if isinstance(given, list) else [{"coding": [given]}]
    named = (c if "|" in c else f"V3ACT|{c}" for one in concepts for c in codings(one, codes))
    code = next((c for c in named if codes.rule("procedure", c)), "")
    start, end = text(resource, "period", "start"), text(resource, "period", "end")
    if not end and text(resource, "status") not in _STILL_THERE:
        end = start
    return [{"code": code, "performed_at": start, "ended_at": end}] if code else []


def _report(resource: Resource, codes: Codes) -> list[Row]:
    del codes
    said = _text_of(resource)
    day = first_date(resource, "effectiveDateTime", "effectivePeriod", "issued")
    return [{"accession": "", "text": said, "at": day}] if said else []


def _text_of(report: Resource) -> str:
    """Return all that a report says, wherever it stands."""
    parts = [text(report, "conclusion"), html_text(text(report, "text", "div"))]
    for form in items(report, "presentedForm"):
        kind = text(form, "contentType").lower()
        if kind.startswith(_READ_FORMS):
            try:
                said = base64.b64decode(text(form, "data")).decode("utf-8", "replace")
            except (binascii.Error, ValueError):
                continue
            parts.append(said if kind.startswith("text/plain") else html_text(said))
    return "\n".join(p for p in parts if p)


def _reported_procedure(resource: Resource, codes: Codes) -> list[Row]:
    """Return the calcium score CT that a finished report is coded as, if its text lets it be."""
    if text(resource, "status") == "partial":
        return []
    code = _known(resource.get("code"), "procedure", codes)
    if FORMAL_SCORE not in codes.concepts("procedure", code) or leaves_score_open(resource, codes):
        return []
    day = first_date(resource, "effectiveDateTime", "effectivePeriod", "issued")
    return [{"code": code, "performed_at": day}]


def leaves_score_open(resource: Resource, codes: Codes) -> bool:
    """Whether a report is coded as a calcium score CT, but its text leaves open if it was made."""
    code = _known(resource.get("code"), "procedure", codes)
    is_coded = FORMAL_SCORE in codes.concepts("procedure", code)
    return is_coded and leaves_open(_text_of(resource))


def _medicine(concept: Any, codes: Codes) -> Row:
    return {"code": _known(concept, "medication", codes), "name": names(concept)}


def _medication(resource: Resource, codes: Codes) -> list[Row]:
    row: Row = {}
    pointer = reference(resource.get("medicationReference"))
    inside = [c for c in items(resource, "contained") if _is_named(c, pointer)]
    if pointer.startswith("#") or inside:
        row |= _medicine(at(inside, 0, "code"), codes)
    elif pointer:
        row["medication"] = pointer
    else:
        row |= _medicine(resource.get("medicationCodeableConcept"), codes)
    start = first_date(resource, "effectiveDateTime", "effectivePeriod", "authoredOn")
    row |= {"start_at": start, "stop_at": _end(resource, start)}
    row["daily_dose_mg"] = _daily_mg(resource, row.get("name", ""))
    return [row] if pointer or row["code"] or row["name"] else []


def _is_named(contained: Any, pointer: str) -> bool:
    """Whether a pointer means a contained resource; not all write both as FHIR asks."""
    name = named_by(text(contained, "id"))
    return bool(name) and name == named_by(pointer)


def _end(resource: Resource, start: str) -> str:
    bounds = ("dosageInstruction", 0, "timing", "repeat", "boundsPeriod", "end")
    supply = ("dispenseRequest", "validityPeriod", "end")
    stated = [text(resource, *p) for p in (("effectivePeriod", "end"), bounds, supply)]
    end = next((e for e in stated if e), "")
    if end or text(resource, "status") in _ONGOING:
        return end
    return max(text(resource, "meta", "lastUpdated")[:10], start[:10])


def _daily_mg(resource: Resource, name: str) -> str:
    """Return the daily dose where the instruction tells it; "" leaves one a day of the strength."""
    dosage = at(resource, "dosageInstruction", 0) or at(resource, "dosage", 0)
    dose, unit = _number(dosage, "doseAndRate", 0, "doseQuantity", "value"), ""
    if dose is None:
        return ""
    quantity = at(dosage, "doseAndRate", 0, "doseQuantity")
    unit = (text(quantity, "code") or text(quantity, "unit")).lower()
    each = dose
    if unit not in _MILLIGRAMS:
        strengths = strengths_mg(name)
        if len(strengths) != 1:
            return ""
        each = dose * strengths[0]
    repeat = at(dosage, "timing", "repeat")
    times = _number(repeat, "frequency") or 1.0
    period = (_number(repeat, "period") or 1.0) * _DAYS.get(text(repeat, "periodUnit"), 1.0)
    return f"{each * times / period:g}" if period else ""


def _number(value: Any, *path: str | int) -> float | None:
    found = at(value, *path)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    try:
        return float(found) if is_number else None
    except OverflowError:  # a whole number of hundreds of digits
        return None


READERS: dict[str, tuple[Reader, ...]] = {
    "Observation": (Reader("observation", _observation),),
    "Condition": (Reader("condition", _condition),),
    "MedicationRequest": (Reader("medication", _medication),),
    "MedicationStatement": (Reader("medication", _medication),),
    "Procedure": (Reader("procedure", _procedure),),
    "ImagingStudy": (Reader("procedure", _study),),
    "Encounter": (Reader("procedure", _encounter),),
    "DiagnosticReport": (
        Reader("report_text", _report),
        Reader("procedure", _reported_procedure),
    ),
}
