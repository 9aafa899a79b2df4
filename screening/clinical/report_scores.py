"""The patient's formal calcium score in the text of a report.

Comes in: one text, or many. Goes out: Agatston units, NaN where there is a score whose value is
not told ("> 400", a year in its place).
Refuses: a mention counts only with its number, and not where the sentence says that there was
none, that it is advised, that it is an estimate off a scan without gating, of a valve, a visual
grade, somebody else's, or the legend of a table; nor above the highest score that can be.

Words of English reports; whether a legend speaks of the patient is judged by its article, its
verb and how round the number is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

HIGHEST_AGATSTON = 20_000.0  # as codes/ranges.csv
_NAME = r"\b(?:agatston|calcium\s+scor(?:es?|ing)|cacs?)\b"
_HINT = rf"(?i){_NAME}"
_FILLER = (
    # Bounded, here and below, so that no text takes time by the square of its length.
    r"(?:[\s,()-]{0,9}\b(?:coronary|artery|calcium|agatston|total|overall|scores?|units?|cac|au)\b\)?){0,9}"
)
# A day, a month or a year that stands between the name and the number.
_DAY = r"(?:\d{1,2}[/.-]){0,2}(?:19|20)\d\d(?:-\d\d){0,2}"
_WHEN = (
    rf"(?:\s*(?:in|from|of|on|dated)?\s*\(?{_DAY}\)?\s*"
    r"(?:[:=,]|showed|shows|was|is|of|revealed|demonstrated)(?=\s))?"
)
_VALUE = (
    r"(?:(?P<bound>[<>≤≥]=?|(?:greater|more|less|higher|lower)\s+than|above|below|over|under|"
    r"at\s+least)\s*)?(?P<value>zero\b|(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)"
    r"(?![\d.]*\s*(?:mm|cm|%|st|nd|rd|th|[-\s]?(?:year|yr|month|week|day|slice)s?|y/o|percentile)\b|\s*%|/|\d|,\d{3}(?!\d))"
)
_SCORE = re.compile(
    rf"(?P<name>{_NAME}{_FILLER}){_WHEN}\s*[()]*"
    r"\s*(?P<sign>of|is|was|were|measures|measured|equals|equal\s+to|totall?ing|[:=])?"
    r"\s*(?:(?:has\s+)?(?:increased|decreased|progressed|risen|rose|changed)\s+from\s+[\d,.]{1,9}\s+to)?"
    rf"\s*(?:approximately|about|only|at(?!\s+least))?\s*{_VALUE}",
    re.IGNORECASE,
)
_TOTAL = re.compile(r"\b(?:total|overall)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[;\n]|[.?!](?=\s|$)")
_AROUND = 400  # characters of a sentence that are looked at on either side of a number
_YEARS = range(1990, 2040)

# A table: the heading, then an artery a line or a clause.
_HEADING = re.compile(rf"{_NAME}{_FILLER}[\s()]*(?:[:=]|\n|$)", re.IGNORECASE)
_ROW = re.compile(
    r"(?P<between>(?:[^\d\n]{0,99}\n){0,3}?)[^\S\n]*[\s,;.…|*•-]*"
    r"(?P<artery>left\s+main|lmca|lm|left\s+anterior\s+descending|lad|(?:left\s+)?circumflex|lcx|cx"
    r"|right\s+coronary|rca|posterior\s+descending|pda|ramus(?:\s+intermedius)?|diagonals?"
    r"|other|total|overall)\b"
    r"(?:\s+(?:coronary|artery|agatston|calcium|scores?|cac))*\s*(?:\([^)\d]*\))?"
    r"\s*(?:score\b)?\s*[:=|]?\s*"
    r"(?P<value>zero\b|(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?!\s*(?:mm|cm|%)|\d|/|,\d{3}(?!\d))",
    re.IGNORECASE,
)

_ALONE = re.compile(
    r"\s*\n\s*(?P<value>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?=\s*(?:\(|\n|$))", re.IGNORECASE
)

# "No change in the score of 120" speaks of a score; what sounds like a "no" is taken out first.
_NOT_A_NEGATION = re.compile(
    r"\bno\s+(?:\w+\s+)?(?:change|increase|progression)\b"
    r"|\b(?:without|no)\s+(?:(?:and\s+with|intravenous|iv|i\.v\.|oral|any)\s+)*contrast\b"
    r"|\b(?:recommend|suggest|advis)\w*\s+(?:given|due\s+to|based\s+on|because\s+of"
    r"|in\s+(?:view|light)\s+of)\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:no|not|without|never|cannot|unable|absent|if|when|unless|whether|should|would|consider"
    r"|recommend\w*|suggest\w*|advis\w*|order(?:ed)?|estimat\w*|non-?gated|ungated)\b",
    re.IGNORECASE,
)
_RELATIVE = (
    r"(?:father|mother|brother|sister|sibling|parent|family|wife|husband|spouse|partner|son"
    r"|daughter|uncle|aunt|cousin|grand\w+)s?\b"
)
# Another person's, another organ's, or another scale's: Weston (0 to 12) and visual grades.
_NOT_THIS = re.compile(
    rf"\b{_RELATIVE}|\b(?:aort\w*|mitral|valv\w*|annul\w*|carotid|femoral|iliac"
    r"|weston|shemesh|visual\w*|ordinal|qualitative|semi-?quantitative)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r",|\bbut\b|\bwith\b|\band\b", re.IGNORECASE)
_PART_OF_SENTENCE = re.compile(r",|\bbut\b|\band\b", re.IGNORECASE)
_UNIT = r"^[\s)]*(?:agatston\s*)?(?:units?\b|au\b)?\s*"
_ESTIMATE = re.compile(r"\b(?:estimat\w*|non-?gated|ungated)\b", re.IGNORECASE)
_AFTERWARDS = re.compile(
    r"\bnot\s+(?:performed|possible|available|done|obtained|calculated)\b"
    rf"|{_UNIT}(?:(?:is|was|were|has\s+been|be)\s+)?(?:recommended|advised|ordered|scheduled|would)\b"
    rf"|{_UNIT}or\s+(?:more|greater|higher|above|less|lower|below)\b"
    rf"|{_UNIT}(?:in|for|of|at)\s+(?:(?:his|her|the|a|patient's)\s+)*"
    rf"(?:{_RELATIVE}|(?:aortic|mitral|valv\w*|aorta)\b)",
    re.IGNORECASE,
)
_RANGE = re.compile(
    r"^\s*(?:-|–|to)\s*\d[\d,.]*(?!\d|\s*(?:st|nd|rd|th|%|percentile))", re.IGNORECASE
)
_MEANS = re.compile(
    rf"{_UNIT}(?:impl(?:y|ies)|indicates?|suggests?|means?|corresponds?|denotes?|carries|confers"
    r"|represents?|signif(?:y|ies)|(?:is|are)\s+(?:considered|associated|defined))\b",
    re.IGNORECASE,
)
_INDEFINITE = re.compile(r"\b(?:an?|any)\s+(?:\w+\s+){0,3}$", re.IGNORECASE)
_HAS = re.compile(r"\b(?:has|had|have|with|shows?|showed|patient)\b", re.IGNORECASE)
_DEFINITE = re.compile(r"\b(?:the|his|her|this|patient'?s?|total|overall)\b", re.IGNORECASE)
# Where the categories of the usual legends begin and end.
_ROUND = frozenset((0.0, 1.0, 10.0, 11.0, 99.0, 100.0, 101.0, 300.0, 400.0, 1000.0))


@dataclass(frozen=True, slots=True)
class _Hit:
    value: float  # Agatston units, NaN where not told
    is_total: bool


@dataclass(frozen=True, slots=True, eq=False)
class Reported:
    """One entry a text.

    is_there : whether it reports a score
    value : Agatston units, NaN where it reports none or does not tell its value
    """

    is_there: NDArray[np.bool_]
    value: NDArray[np.float64]


def formal_scores(texts: pa.Array) -> Reported:
    """Return the formal calcium score that each text reports.

    Parameters
    ----------
    texts : string array without null (n,)
    """
    hinted = pc.match_substring_regex(texts, _HINT).to_numpy(zero_copy_only=False)
    value = np.full(len(texts), np.nan)
    is_there = np.zeros(len(texts), dtype=np.bool_)
    for place in np.flatnonzero(hinted):
        score = reported_score(texts[int(place)].as_py())
        if score is not None:
            is_there[place], value[place] = True, score
    return Reported(is_there, value)


def reported_score(text: str) -> float | None:
    """Return the patient's formal calcium score in one text, None where it reports none.

    Of several numbers the one called total counts, else the largest: arteries stand beside it.
    NaN: there is a score, and no number tells it.
    """
    found = [hit for s in _SENTENCE_END.split(text) for hit in _in_sentence(s)]
    found += _in_table(text)
    if not found:
        return None
    told = [hit for hit in found if not np.isnan(hit.value)]
    totals = [hit.value for hit in told if hit.is_total]
    return max(totals or [hit.value for hit in told], default=float("nan"))


def _in_sentence(sentence: str) -> Iterator[_Hit]:
    for match in _SCORE.finditer(sentence):
        before = sentence[max(0, match.start() - _AROUND) : match.start()]
        after = sentence[match.end() : match.end() + _AROUND]
        value = _number(match["value"])
        if value > HIGHEST_AGATSTON or _is_denied(before, after):
            continue
        if _is_legend(match, value, before, after):
            continue
        is_year = value in _YEARS and (match["sign"] or "") not in (":", "=")
        is_told = not match["bound"] and not is_year and not after.startswith("+")
        clause = _CLAUSE.split(before)[-1]
        yield _Hit(value if is_told else np.nan, bool(_TOTAL.search(clause + match[0])))


def _in_table(text: str) -> Iterator[_Hit]:
    for heading in _HEADING.finditer(text):
        before = _SENTENCE_END.split(text[max(0, heading.start() - _AROUND) : heading.start()])[-1]
        if _is_denied(before, ""):
            continue
        alone = _ALONE.match(text, heading.end())
        if alone and _number(alone["value"]) <= HIGHEST_AGATSTON:
            yield _Hit(_number(alone["value"]), is_total=True)
        row = _ROW.match(text, heading.end())
        while row and not _NEGATION.search(row["between"]):
            value = _number(row["value"])
            if value <= HIGHEST_AGATSTON:
                yield _Hit(value, bool(_TOTAL.match(row["artery"])))
            row = _ROW.match(text, row.end())


def _number(written: str) -> float:
    return 0.0 if written.lower() == "zero" else float(written.replace(",", ""))


def _is_denied(before: str, after: str) -> bool:
    """Whether the sentence around a number says that it is no formal score of the patient."""
    said = _NOT_A_NEGATION.sub(" ", before)
    return bool(
        _NEGATION.search(_CLAUSE.split(said)[-1])
        or _NOT_THIS.search(_PART_OF_SENTENCE.split(said)[-1])
        or _ESTIMATE.search(after)
        or _AFTERWARDS.search(after.split(",")[0])
    )


def _is_legend(match: re.Match[str], value: float, before: str, after: str) -> bool:
    """Whether a number explains what scores mean: "A calcium score of 0 implies low risk"."""
    if _RANGE.match(after):
        return True
    if match["bound"]:
        return bool(_MEANS.match(after) or re.match(r"\s*[:=]", after))
    if not _MEANS.match(after):
        return False
    if _INDEFINITE.search(before) and not _HAS.search(before):
        return True
    return value in _ROUND and not _DEFINITE.search(before + match["name"])
