"""Finding formal calcium scores in the text of reports.

Comes in: report texts. Goes out: a mask; the texts never leave this room.
Refuses: nothing. A mention counts only with its number, and not where the sentence says that
there was none, that it is advised, or that it is somebody else's.
"""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_HINT = r"(?i)\b(?:agatston|calcium\s+scor(?:e|ing)|cac)\b"
_SCORE = re.compile(
    r"\b(?:agatston|calcium\s+scor(?:e|ing)|cac)\b"  # what it is called
    r"(?:[\s,-]*(?:calcium|agatston|total|overall|score|units?|\(?cac\)?|\(agatston\)))*"
    r"\s*(?:of|is|was|were|measures|measured|equals|equal\s+to|totall?ing|[:=])?"
    r"\s*(?:approximately|about|only|at)?\s*"
    r"\d[\d,]*(?:\.\d+)?(?![\d.]*\s*(?:mm|cm|%|st|nd|rd|th|-?year|y/o)\b|\s*%|/)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[;\n]|[.?!](?=\s|$)")
# "No change in the score of 120" speaks of a score; it is taken out before looking for a "no".
_NOT_A_NEGATION = re.compile(r"\bno\s+(?:\w+\s+)?(?:change|increase|progression)\b", re.IGNORECASE)
_NEGATION = re.compile(
    r"\b(?:no|not|without|never|cannot|unable|absent|if|should|would|consider|recommend\w*"
    r"|suggest\w*|advis\w*|father|mother|brother|sister|sibling|parent|family)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r",|\bbut\b|\bwith\b|\band\b", re.IGNORECASE)
_AFTERWARDS = re.compile(
    r"\b(?:not\s+(?:performed|possible|available|done|obtained|calculated)|recommended|advised"
    r"|would|or\s+(?:more|greater|higher|above))\b",
    re.IGNORECASE,
)


def formal_score_mask(texts: pa.Array) -> NDArray[np.bool_]:
    """Say which texts report a formal calcium score.

    Parameters
    ----------
    texts : string array without null

    Returns
    -------
    bool (n,)
    """
    hinted = pc.match_substring_regex(texts, _HINT).to_numpy(zero_copy_only=False)
    found = np.zeros(len(texts), dtype=np.bool_)
    for place in np.flatnonzero(hinted):
        found[place] = reports_formal_score(texts[int(place)].as_py())
    return found


def reports_formal_score(text: str) -> bool:
    """Whether one text reports a formal calcium score of the patient."""
    return any(_sentence_reports(s) for s in _SENTENCE_END.split(text))


def _sentence_reports(sentence: str) -> bool:
    for match in _SCORE.finditer(sentence):
        before = _NOT_A_NEGATION.sub(" ", _CLAUSE.split(sentence[: match.start()])[-1])
        after = sentence[match.end() :]
        if not _NEGATION.search(before) and not _AFTERWARDS.search(after):
            return True
    return False
