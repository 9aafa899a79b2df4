"""A report taken apart: its sentences, each with its section and what stands around it.

Comes in: one text. Goes out: `Sentence` after `Sentence`.
Refuses: nothing.

A heading is a line of its own without a number, in capitals or before a colon; it holds until the
next one or an empty line. A heading in front of a sentence holds for that line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from screening.clinical import report_words as words

_END = re.compile(r";|[.?!](?=\s|$)")
_WRAPPED = re.compile(r"(?<=[a-z,(])[ \t]*\n[ \t]*(?=[a-z(])")
_NUMBER_WRAPPED = re.compile(r"(\b(?:of|is|was|score))[ \t]*\n[ \t]*(?=\d)")
_HEADING = re.compile(r"[^\d.;]{2,70}")
_INLINE = re.compile(r"\s*([A-Za-z][A-Za-z /&]{1,40}):\s")
_LATER = 200  # characters behind a sentence that may hold the rest of a legend
_TITLE = 200  # characters at the head of a text that say what was examined


@dataclass(frozen=True, slots=True)
class Report:
    """What a whole text says of the examination.

    is_valve : of a valve, before its replacement or for its narrowing
    is_ungated : of a chest without gating
    """

    is_valve: bool
    is_ungated: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence.

    section : the heading above or before it, "" without one
    earlier, later : the sentence before it in its section, and the text behind it
    """

    text: str
    section: str
    earlier: str
    later: str
    report: Report


def unwrapped(text: str) -> str:
    """Join lines that were broken for their length; cubic millimetres lose their number."""
    flat = text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ")
    # Runs of blanks and empty lines would take the expressions time by the square of their length.
    flat = re.sub(r"[ \t\f\v]{3,}", "  ", flat)
    flat = re.sub(r"\n{4,}", "\n\n\n", re.sub(r"[ \t]{1,2}\n", "\n", flat))
    flat = re.sub(r"\bmm ?(?:3|³|\^3)", "cmm", flat)
    return _NUMBER_WRAPPED.sub(r"\1 ", _WRAPPED.sub(" ", flat))


def about(text: str) -> Report:
    """Tell what was examined."""
    denied_out = words.NEGATED_FINDING.sub(" ", text)
    is_chest = words.CHEST_CT.search(text[:_TITLE]) and not words.COMBINED_TITLE.match(text)
    is_ungated = bool(words.UNGATED.search(text) or is_chest)
    return Report(
        is_valve=bool(words.VALVE.search(denied_out)) and not words.CORONARY_TITLE.match(text),
        is_ungated=is_ungated and not words.GATED.search(words.ADVISED.sub(" ", text)),
    )


def sentences(text: str) -> Iterator[Sentence]:
    """Give the sentences of a text that `unwrapped` has joined."""
    report, section, earlier, at = about(text), "", "", 0
    for line in text.split("\n"):
        heading = heading_of(line)
        if heading or not line.strip():
            section, earlier = heading, ""
        # A heading may name a score whose number is the next line: that is a table.
        inline = _INLINE.match(line)
        here = inline[1] if inline and is_section(inline[1]) else section
        start = 0
        for end in [*(m.end() for m in _END.finditer(line)), len(line)]:
            said = line[start:end]
            if said.strip():
                rest = text[at + end : at + end + _LATER]
                yield Sentence(said.rstrip(";.?!"), here, earlier, rest, report)
                earlier = said
            start = end
        at += len(line) + 1


def heading_of(line: str) -> str:
    """Return a line that is a heading, without its colon; "" for any other."""
    bare = line.strip()
    if not bare or not _HEADING.fullmatch(bare):
        return ""
    is_short = len(bare.split()) <= 6
    return bare.rstrip(": ") if bare.endswith(":") or bare.isupper() or is_short else ""


def is_section(heading: str) -> bool:
    """Whether a heading says that what follows is no finding in the coronaries."""
    return bool(
        words.LEGEND_SECTION.search(heading)
        or words.TECHNIQUE_SECTION.search(heading)
        or words.FAMILY_SECTION.search(heading)
        or words.OTHER_ORGAN.search(heading)
    )
