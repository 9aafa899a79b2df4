"""The few FHIR data types that are read, taken apart without trust.

Comes in: parsed JSON of any shape. Goes out: text, "" where a field is absent or of another type.
Refuses: nothing.
"""

import re
from collections.abc import Collection, Iterator
from html.parser import HTMLParser
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
            code += _certainty(coding)
            yield f"{system}|{code}" if system else code


def _certainty(coding: Any) -> str:
    """Return how sure a German diagnosis is, as ICD-10-GM writes it behind the code."""
    for extension in items(coding, "extension"):
        if "diagnosesicherheit" in text(extension, "url").lower():
            sure = text(extension, "valueCoding", "code")
            return sure if sure in ("A", "V", "Z", "G") else ""
    return ""


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


def named_by(pointer: str) -> str:
    """Return the id, UUID or contained name that a `reference` points to, of whatever kind."""
    return pointer.removeprefix("#").removeprefix("urn:uuid:").rpartition("/")[2]


def first_date(resource: Any, *names_of: str) -> str:
    """Return the first date, or start of a period, among fields; "" where none is given."""
    for name in names_of:
        found = at(resource, name)
        day = text(found, "start") if isinstance(found, dict) else text(resource, name)
        if day:
            return day
    return ""


def status_of(resource: Any, name: str, known: Collection[str]) -> str:
    """Return a status that is a code, or a CodeableConcept of one.

    Of several codings, displays and the text FHIR's own coding counts first, then what is one of
    the `known` words; else the first that is there.
    """
    found = at(resource, name)
    if not isinstance(found, dict):
        return text(resource, name)
    codings = sorted(items(found, "coding"), key=lambda c: "hl7.org" not in text(c, "system"))
    said = [text(c, part) for part in ("code", "display") for c in codings]
    words = [word.lower() for word in (*said, text(found, "text")) if word]
    return next((word for word in words if word in known), next(iter(words), ""))


class _Text(HTMLParser):
    """Collects what a page says; a row or a block is a line, a cell is set apart."""

    _LINES = frozenset(("p", "div", "br", "tr", "li", "table", "h1", "h2", "h3", "h4", "h5", "h6"))
    _UNSEEN = frozenset(("script", "style", "head"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line or a cell."""
        del attrs
        self._unseen += tag in self._UNSEEN
        self.parts.append("\n" if tag in self._LINES else "\t" if tag in ("td", "th") else "")

    def handle_endtag(self, tag: str) -> None:
        """End a line."""
        self._unseen -= tag in self._UNSEEN
        self.parts.append("\n" if tag in self._LINES else "")

    def handle_data(self, data: str) -> None:
        """Keep what is seen, its line breaks as blanks."""
        if self._unseen <= 0:
            self.parts.append(re.sub(r"\s+", " ", data))


def html_text(page: str) -> str:
    """Return the text of HTML or XHTML; "" for no page."""
    if not page:
        return ""
    reader = _Text()
    reader.feed(page)
    reader.close()
    return "".join(reader.parts).strip()
