"""FHIR patients: who they are, by which numbers, and who was merged into whom.

Comes in: Patient resources by id. Goes out: rows of `person`, and the subject of every reference.
Refuses: a patient without a usable number, an identifier that is void (counted).

A patient may have several numbers of several issuers; each is a way to their scans. Of identifiers
with a type only medical record numbers count (MR); without any type all but those of another type.
An issuer is what the settings say for the identifier's system, else its assigner. One who was
merged (`link`: replaced-by, replaces) is the surviving patient, with the numbers of both.
"""

from collections.abc import Mapping
from typing import Any

from screening.clinical.fhir_values import items, reference, text
from screening.clinical.tally import Tally
from screening.config import ClinicalSettings
from screening.reasons import Reason

_RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
_ETHNICITY = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity"
_HISPANIC = "2135-2"  # CDC Race and Ethnicity
_OTHER = "2131-1"
_NUMBER = "MR"  # HL7 v2 table 0203
_SOURCE = "person"

Resource = Mapping[str, Any]
Row = dict[str, str]


def patients(
    found: Mapping[str, Resource], settings: ClinicalSettings, tally: Tally
) -> tuple[list[Row], dict[str, str]]:
    """Turn patients into rows of `person`.

    Parameters
    ----------
    found : the resources by id, with the versions and voids already settled
    settings : whose `issuers` map identifier systems
    tally : counts what is not taken

    Returns
    -------
    The rows, one a number of a patient, and the subject of each patient id
    """
    subjects = _survivors(found)
    rows: list[Row] = []
    groups: dict[str, list[Resource]] = {}
    for name in sorted(subjects):
        groups.setdefault(subjects[name], []).append(found[name])
    for survivor, group in sorted(groups.items()):
        numbers = sorted({n for patient in group for n in _numbers(patient, settings)})
        if not numbers:
            tally.add(_SOURCE, Reason.BAD_VALUE, "no medical record number")
        if len(group) > 1:
            tally.add(_SOURCE, Reason.DUPLICATE_ROW, "merged into another patient", len(group) - 1)
        about = _about(found[survivor])
        rows += [{**about, "subject": survivor, "issuer": i, "mrn": m} for i, m in numbers]
    return rows, subjects


def _survivors(found: Mapping[str, Resource]) -> dict[str, str]:
    into: dict[str, str] = {}
    for name, patient in found.items():
        for link in items(patient, "link"):
            other = reference(link.get("other") if isinstance(link, dict) else None)
            other = other.removeprefix("Patient/")
            if other not in found or other == name:
                continue
            kind = text(link, "type")
            if kind == "replaced-by":
                into[name] = other
            elif kind == "replaces":
                into.setdefault(other, name)
    ends = {}
    for name in found:
        seen, last = {name}, name
        while into.get(last, last) not in seen:
            last = into[last]
            seen.add(last)
        # In a circle nobody survives: the smallest name stands for all, so that all agree.
        ends[name] = min(seen) if into.get(last, last) != last and last in into else last
    return ends


def _numbers(patient: Resource, settings: ClinicalSettings) -> list[tuple[str, str]]:
    """Return issuer and number of each identifier that leads to scans."""
    all_of = [i for i in items(patient, "identifier") if isinstance(i, dict)]
    of_kind = {id(i): {text(c, "code") for c in items(i, "type", "coding")} for i in all_of}
    mapped = [i for i in all_of if text(i, "system") in settings.issuers]
    stated = [i for i in all_of if _NUMBER in of_kind[id(i)]]
    usable = mapped or stated or [i for i in all_of if not of_kind[id(i)]]
    return [(_issuer(i, settings), text(i, "value")) for i in usable if text(i, "value")]


def _issuer(identifier: Any, settings: ClinicalSettings) -> str:
    system, assigner = text(identifier, "system"), text(identifier, "assigner", "display")
    return settings.issuers.get(system) or settings.issuers.get(assigner) or assigner


def _about(patient: Resource) -> Row:
    death = text(patient, "deceasedDateTime")
    if not death and patient.get("deceasedBoolean") is True:
        death = "deceased"
    return {
        "site_id": "",
        "birth_date": text(patient, "birthDate"),
        "sex": text(patient, "gender"),
        "race": _race(patient),
        "death_date": death,
    }


def _race(patient: Resource) -> str:
    """Return the code of race; hispanic ethnicity before any, as MESA asked; of several "other"."""
    groups: dict[str, set[str]] = {_RACE: set(), _ETHNICITY: set()}
    for extension in items(patient, "extension"):
        url = text(extension, "url")
        for part in items(extension, "extension") if url in groups else ():
            # "detailed" tells the groups within: Chinese among Asian.
            code = text(part, "valueCoding", "code")
            if code and text(part, "url") in ("ombCategory", "detailed"):
                groups[url].add(code)
    if _HISPANIC in groups[_ETHNICITY]:
        return _HISPANIC
    races = groups[_RACE]
    if "2034-7" in races and races <= {"2034-7", "2028-9"}:
        return "2034-7"  # Chinese, and Asian which holds it
    return next(iter(races)) if len(races) == 1 else (_OTHER if races else "")
