"""Whether the report of a calcium score CT says itself that no score was made.

Comes in: one text. Goes out: whether it says so.
Refuses: nothing. A text that reports a score never says so; in doubt it does: a score missed means
a person told again, a score invented a person never told.
"""

import re

from screening.clinical.report_scores import reported_score

_I = re.IGNORECASE
_SENTENCE_END = re.compile(r"[.;!?](?=\s|$)|\n")
_MADE = (
    r"(?:performed|done|obtained|completed|possible|calculat\w+|comput\w+|scored|measur\w+"
    r"|quantif\w+|determin\w+|assess\w+|evaluat\w+|interpret\w+|reported|available|acquired"
    r"|feasible|attempted|applicable|valid|reliable|carried\s+out|generated|scanned|imaged)"
)
_NOT_MADE = re.compile(
    rf"(?:\b(?:not|never|cannot)|n't)\s+(?:\w+\s+){{0,3}}?{_MADE}\b"
    r"|\b(?:no|without)\s+(?:\w+\s+){0,4}(?:scores?|scoring|images?|scan|examination|exam)\b"
    r"|\bscor(?:e|ing)\s*[:=]?\s*(?:n/a\b|none\b|not\b)"
    r"|\b(?:cancell?ed|aborted|terminated|interrupted|discontinued|postponed|deferred|rescheduled"
    r"|refus\w+|declin\w+|unable|impossible|infeasible|no[- ]shows?|failed|preclud\w+|prevent\w*"
    r"|uninterpretable|unreadable|inadequate|insufficient|invalid|non-?\s?diagnostic"
    r"|did\s+not\s+(?:attend|appear|come|undergo|tolerate|show|arrive))\b"
    r"|\bnicht\s+(?:\w+\s+)?(?:durchgef|auswertbar|beurteilbar|m(?:ö|oe)glich|bestimm|erfolgt)"
    r"|\b(?:abgebrochen|storniert|abgesagt|verweigert)\b",
    _I,
)
# What a calcium score CT leaves out by its nature, or what was not at hand beside it.
_OF_ELSE = re.compile(
    r"\b(?:contrast|non-?\s?calcified|soft\s+plaques?|stenos[ei]s|lumens?|angiogra\w+|lungs?"
    r"|prior|previous|earlier|comparisons?|compared)\b",
    _I,
)
_SCORE = re.compile(r"\b(?:scor(?:e|es|ed|ing)|agatston|exam(?:ination)?|stud(?:y|ies)|scan)\b", _I)


def says_none_made(text: str) -> bool:
    """Whether a report says that its examination gave no score."""
    if reported_score(text) is not None:
        return False
    denied = (s for s in _SENTENCE_END.split(text) if s and _NOT_MADE.search(s))
    return any(_SCORE.search(said) or not _OF_ELSE.search(said) for said in denied)
