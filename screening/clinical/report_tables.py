"""The calcium score in a table of a report: a heading, then an artery a line or a clause.

Comes in: one text, its wrapped lines joined. Goes out: `Row` after `Row`.
Refuses: a table whose heading denies it, names another organ or explains what scores mean; a row
whose number is followed by another unit or a word.

Where a line above the rows names the columns (lesions, volume, mass, score), the score is taken by
its place among them; else it is the first number.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from screening.clinical import report_words as words
from screening.clinical.report_sentences import about, heading_of

_I = re.IGNORECASE
_AROUND = 200
_MORE = (
    r"(?:[ \t,()-]{0,9}\b(?:coronary|artery|calcium|agatston|scores?|units?|cacs?|au|results?"
    r"|values?|by|vessel|method|total)\b\)?){0,9}"
)
_FOLLOWS = r"(?:[ \t]{1,9}(?:(?:is|are|was|were)[ \t]{1,9})?as[ \t]{1,9}follows)?"
_HEADING = re.compile(
    rf"{words.NAME}{_MORE}{_FOLLOWS}[ \t()]{{0,9}}(?:[:=]|(?=\n)|$|(?=\s*{words.ARTERY}))", _I
)
# A title that is a sentence of its own: "Coronary calcium CT. LM 0, LAD 123. Total 123."
_TITLE = re.compile(
    rf"(?:{words.NAME}|{words.SCAN}){_MORE}"
    r"(?:[ \t]{1,9}(?:ct|scan|study|exam(?:ination)?)\b){0,2}"
    rf"[ \t]*[.:\n]\s{{0,9}}(?={words.ARTERY})",
    _I,
)
_VALUES = rf"{words.CELL}(?:[ \t|]{{1,20}}{words.CELL}(?![\d/%])){{0,5}}"
_ROW = re.compile(
    r"(?P<between>(?:[^\d\n]{0,99}\n){0,4}?)[^\S\n]{0,20}[\s,;.…|*•-]{0,20}"
    rf"(?P<artery>{words.ARTERY})"
    r"(?:[ \t]+(?:coronary|artery|agatston|calcium|scores?|cac)\b){0,5}"
    r"[ \t]*(?:\([^)\d\n]{0,40}\))?"
    rf"[ \t]*[:=|]?[ \t]*(?P<values>{_VALUES})"
    rf"(?={words.UNIT}|[ \t]*(?:[,;.|()\n*•-](?![\d])|$|{words.ARTERY}"
    r"|\(?(?:mild|moderate|severe|minimal)))",
    _I,
)
_ALONE = re.compile(rf"\s*\n\s*(?P<value>{words.CELL})(?={words.UNIT}|[ \t]*(?:\(|\n|$))", _I)
_COLUMNS = re.compile(
    r"\b(?P<score>scores?|agatston)\b|\b(?:lesions?|volume|mass|percentile)\b", _I
)
_CAPTION = re.compile(r"\s*[^\n]{0,60}\bagatston\b", _I)
_END = re.compile(r"[;\n]|[.?!](?=\s|$)")


@dataclass(frozen=True, slots=True)
class Row:
    """One artery's score, or the total, Agatston units."""

    value: float
    is_total: bool
    is_past: bool = False


def rows_of(text: str) -> Iterator[Row]:
    """Give the rows of every table in a text."""
    report = about(text)
    for heading in _HEADING.finditer(text):
        before = text[max(0, heading.start() - _AROUND) : heading.start()]
        line = _END.split(before)[-1]
        is_coronary = bool(words.CORONARY.search(line + heading[0]))
        if _is_refused(line) or (report.is_valve and not is_coronary) or report.is_ungated:
            continue
        if not is_coronary and words.OTHER_ORGAN.search(_heading_above(before)):
            continue
        is_past = bool(words.PAST.search(line))
        alone = _ALONE.match(text, heading.end())
        if alone and not words.LEGEND_ENTRY.search(text[alone.end() : alone.end() + _AROUND]):
            yield Row(words.number(alone["value"]), is_total=True, is_past=is_past)
        for row in _run(text, heading.end(), _score_column(before)):
            yield Row(row.value, row.is_total, is_past)
    yield from _before_caption(text)
    if not (report.is_valve or report.is_ungated):
        yield from _under_title(text)


def _under_title(text: str) -> Iterator[Row]:
    """Give the rows that follow a title; two arteries at least, and a total."""
    for title in _TITLE.finditer(text):
        line = _END.split(text[max(0, title.start() - _AROUND) : title.start()])[-1]
        rows = [] if _is_refused(line) else list(_run(text, title.end(), 0))
        if sum(not row.is_total for row in rows) > 1 and rows[-1].is_total:
            is_past = bool(words.PAST.search(line))
            yield from (Row(row.value, row.is_total, is_past) for row in rows)


def _is_refused(line: str) -> bool:
    """Whether the words in front of a heading say that it is no finding of the patient."""
    said = words.NEUTRAL.sub(" ", line)
    return bool(
        words.NEGATION.search(words.CLAUSE.split(said)[-1])
        or words.ADVICE.search(words.ADVICE_CLAUSE.split(said)[-1])
        or words.GUESS.search(said)
        or words.PEOPLE.search(said)
        or words.OTHER_PERSON.search(words.INDICATION.sub(" ", said))
        or (words.OTHER_ORGAN.search(said) and not words.CORONARY.search(said))
        or words.LEGEND_SECTION.search(said)
        or re.search(r"\brisk\b", said, _I)
    )


def _heading_above(before: str) -> str:
    """Return the last heading in front of a table."""
    headings = (heading_of(line) for line in reversed(before.split("\n")[:-1]))
    return next((h for h in headings if h), "")


def _run(text: str, at: int, column: int) -> Iterator[Row]:
    """Give the rows from a place on, as long as one follows the other."""
    row = _ROW.match(text, at)
    while row and not _is_stopped(row["between"]):
        column = _score_column(row["between"]) or column
        values = re.findall(words.CELL, row["values"], _I)
        if len(values) > column:
            yield Row(words.number(values[column]), bool(words.TOTAL.match(row["artery"])))
        row = _ROW.match(text, row.end())


def _is_stopped(between: str) -> bool:
    return bool(words.NEGATION.search(between) or words.OTHER_ORGAN.search(between))


def _score_column(between: str) -> int:
    """Return the place of the score among the columns that a line above the rows names."""
    for line in reversed(between.split("\n")[-4:]):
        names = list(_COLUMNS.finditer(line))
        scores = [place for place, name in enumerate(names) if name["score"]]
        if len(names) > 1 and scores:
            return scores[-1]
    return 0


def _before_caption(text: str) -> Iterator[Row]:
    """Give the rows of a table whose caption stands below it; it must have two and a total."""
    for place in re.finditer(rf"(?:^|\n)(?=[ \t]*{words.ARTERY})", text, _I):
        found, at = [], place.end()
        row = _ROW.match(text, at)
        while row and not row["between"].strip():
            first = re.match(words.CELL, row["values"], _I)
            value = words.number(first[0]) if first else float("nan")
            found.append(Row(value, bool(words.TOTAL.match(row["artery"]))))
            at = row.end()
            row = _ROW.match(text, at)
            if len(found) > 9:
                break
        if len(found) > 1 and found[-1].is_total and _CAPTION.match(text, at):
            yield found[-1]
