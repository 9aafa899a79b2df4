"""Formal calcium scores in the text of reports and in a site's own list.

Comes in: report texts, or the rows of `formal_score`. Goes out: EVENT (that there was one) and
OBSERVATION (its value, where it is dated); the texts never leave this room.
Refuses: a mention counts only with its number, and not where the sentence says that there was
none, that it is advised, that it is an estimate off a scan without gating, or somebody else's.
"""

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.clinical.link import WHO, Link, column
from screening.clinical.parse import bools, dates, numbers
from screening.clinical.sieve import Sieve, Taken, without_copies
from screening.reasons import Reason
from screening.tables import EVENT, OBSERVATION

FORMAL_SCORE = "formal_calcium_score"
FORMAL_AGATSTON = "formal_agatston"
REPORT_CODE = "report_text"
LIST_CODE = "site_list"

_HINT = r"(?i)\b(?:agatston|calcium\s+scor(?:e|ing)|cac)\b"
_SCORE = re.compile(
    r"\b(?:agatston|calcium\s+scor(?:e|ing)|cac)\b"  # what it is called
    r"(?:[\s,-]*(?:calcium|agatston|total|overall|score|units?|\(?cac\)?|\(agatston\)))*"
    r"\s*(?:of|is|was|were|measures|measured|equals|equal\s+to|totall?ing|[:=])?"
    r"\s*(?:approximately|about|only|at)?\s*"
    r"(?P<value>\d[\d,]*(?:\.\d+)?)(?![\d.]*\s*(?:mm|cm|%|st|nd|rd|th|-?year|y/o)\b|\s*%|/)",
    re.IGNORECASE,
)
_TOTAL = re.compile(r"\b(?:total|overall)\b", re.IGNORECASE)
_HIGHEST = 20_000.0  # as codes/ranges.csv
_SENTENCE_END = re.compile(r"[;\n]|[.?!](?=\s|$)")
# "No change in the score of 120" speaks of a score; it is taken out before looking for a "no".
_NOT_A_NEGATION = re.compile(r"\bno\s+(?:\w+\s+)?(?:change|increase|progression)\b", re.IGNORECASE)
_NEGATION = re.compile(
    r"\b(?:no|not|without|never|cannot|unable|absent|if|should|would|consider|recommend\w*"
    r"|suggest\w*|advis\w*|estimat\w*|non-?gated|ungated|father|mother|brother|sister|sibling|parent|family)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r",|\bbut\b|\bwith\b|\band\b", re.IGNORECASE)
_AFTERWARDS = re.compile(
    r"\b(?:not\s+(?:performed|possible|available|done|obtained|calculated)|recommended|advised"
    r"|would|or\s+(?:more|greater|higher|above)|estimat\w*|non-?gated|ungated)\b",
    re.IGNORECASE,
)


def read_reports(table: pa.Table, link: Link) -> tuple[Taken, pa.Table]:
    """Find the formal calcium scores that reports speak of.

    Returns
    -------
    EVENT with the counts of the other texts, and OBSERVATION: the dated values
    """
    table = link.spread(table)
    sieve = Sieve("report_text", table.num_rows)
    keys = link.resolve(column(table, WHO), sieve)
    value = formal_scores(column(table, "text"))
    sieve.refuse(np.isnan(value), Reason.CODE_NOT_USED, "no formal calcium score in the text")
    return _found(table, keys, value, REPORT_CODE, sieve)


def read_score_list(table: pa.Table, link: Link, decimal: str) -> tuple[Taken, pa.Table]:
    """Take a site's own list of people who were formally scored; the value may be unknown."""
    table = link.spread(table)
    sieve = Sieve("formal_score", table.num_rows)
    keys = link.resolve(column(table, WHO), sieve)
    value = numbers(column(table, "agatston"), decimal)
    bad = np.isnan(value) & ~bools(pc.equal(column(table, "agatston"), ""))
    bad |= (value < 0) | (value > _HIGHEST)
    sieve.remark(bad, Reason.BAD_VALUE, "agatston, kept without")
    return _found(table, keys, np.where(bad, np.nan, value), LIST_CODE, sieve)


def without_score(keys: pa.Array, code: str, on: pa.Array) -> pa.Table:
    """Return EVENT: that there was a formal score, on these days."""
    n = len(keys)
    return EVENT.check(
        pa.table(
            {
                "person_key": keys,
                "concept": pa.array([FORMAL_SCORE] * n, pa.string()),
                "code": pa.array([code] * n, pa.string()),
                "started_on": on,
                "stopped_on": pa.nulls(n, pa.date32()),
                "started_by": on,
                "intensity": pa.array([""] * n, pa.string()),
            }
        )
    )


def _found(
    table: pa.Table, keys: pa.Array, value: NDArray[np.float64], code: str, sieve: Sieve
) -> tuple[Taken, pa.Table]:
    when = dates(column(table, "at"))
    sieve.remark(when.is_bad, Reason.BAD_VALUE, "at, kept without")
    keep = sieve.keep
    events = without_score(keys.filter(pa.array(keep)), code, when.arrow(keep))
    one = without_copies(events, EVENT.key)
    sieve.refuse_number(events.num_rows - one.num_rows, Reason.DUPLICATE_ROW, "same fact again")
    is_dated = keep & ~np.isnan(value) & ~when.is_missing
    dated = pa.table(
        {
            "person_key": keys.filter(pa.array(is_dated)),
            "concept": pa.array([FORMAL_AGATSTON] * int(is_dated.sum()), pa.string()),
            "value": pa.array(value[is_dated], pa.float64()),
            "effective_on": when.arrow(is_dated),
        }
    )
    return Taken(one, sieve.counts()), OBSERVATION.check(dated)


def formal_scores(texts: pa.Array) -> NDArray[np.float64]:
    """Return the formal calcium score that each text reports.

    Parameters
    ----------
    texts : string array without null

    Returns
    -------
    Agatston units (n,), NaN where a text reports none
    """
    hinted = pc.match_substring_regex(texts, _HINT).to_numpy(zero_copy_only=False)
    found = np.full(len(texts), np.nan)
    for place in np.flatnonzero(hinted):
        score = reported_score(texts[int(place)].as_py())
        if score is not None:
            found[place] = score
    return found


def reported_score(text: str) -> float | None:
    """Return the patient's formal calcium score in one text, None where it reports none.

    Of several numbers the one called total counts, else the largest: arteries stand beside it.
    """
    found = [hit for s in _SENTENCE_END.split(text) for hit in _scores(s)]
    totals = [value for value, is_total in found if is_total]
    return max(totals or [value for value, _ in found], default=None)


def _scores(sentence: str) -> Iterator[tuple[float, bool]]:
    for match in _SCORE.finditer(sentence):
        before = _NOT_A_NEGATION.sub(" ", _CLAUSE.split(sentence[: match.start()])[-1])
        after = sentence[match.end() :]
        if not _NEGATION.search(before) and not _AFTERWARDS.search(after):
            value = float(match["value"].replace(",", ""))
            yield value, bool(_TOTAL.search(before + match[0]))
