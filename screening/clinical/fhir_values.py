"""The few FHIR data types that are read, taken apart without trust.

Comes in: parsed JSON of any shape. Goes out: text, "" where a field is absent or of another type.
Refuses: nothing.
"""

import re
from collections.abc import Iterator
from typing import Any

from screening.clinical.codes import FOREIGN, Codes

_REFERENCE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9.\-]{1,64})(?:/_history/[^/]+)?$")


def at(value: Any, *path: str | int) -> Any:
    """Follow a path of names and places; None where it ends early."""
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and len(value) > step:
            value = value[step]
        else:
            return None
    return value


def text(value: Any, *path: str | int) -> str:
    """Text or number at a path as text; "" for anything else."""
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    return str(found).strip()


def items(value: Any, *path: str | int) -> list[Any]:
    """Return the list at a path; empty where there is none."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def codings(concept: Any, codes: Codes) -> Iterator[str]:
    """Return the codes of a CodeableConcept as `SYSTEM|code`, in the order given."""
    for coding in items(concept, "coding"):
        code, written = text(coding, "code"), text(coding, "system")
        if code:
            system = (codes.system(written) or FOREIGN) if written else ""
            yield f"{system}|{code}" if system else code


def names(concept: Any) -> str:
    """Return what a CodeableConcept is called: its text and its codings' displays."""
    found = [text(concept, "text"), *(text(c, "display") for c in items(concept, "coding"))]
    return " ; ".join(name for name in found if name)


def reference(value: Any) -> str:
    """Return `Type/id`, `urn:uuid:…` or `#id` of a Reference; "" where it names nothing.

    A server writes them relative, whole, with a version, or as the entry of a bundle.
    """
    written = text(value, "reference")
    if written.startswith(("urn:uuid:", "#")):
        return written
    match = _REFERENCE.search(written)
    return f"{match[1]}/{match[2]}" if match else ""


def first_date(resource: Any, *names_of: str) -> str:
    """Return the first date, or start of a period, among fields; "" where none is given."""
    for name in names_of:
        found = at(resource, name)
        day = text(found, "start") if isinstance(found, dict) else text(resource, name)
        if day:
            return day
    return ""


def status_of(resource: Any, name: str) -> str:
    """Return a status that is a code, or a CodeableConcept of one."""
    found = at(resource, name)
    return text(found, "coding", 0, "code") if isinstance(found, dict) else text(resource, name)
