"""What an answer to "has this person had that?" says.

Comes in: a text, or the name of a concept. Goes out: `Answer`.
Refuses: nothing; what neither affirms, denies nor doubts is OTHER.
"""

import re
from enum import StrEnum

# Read by Arrow (RE2) as well, so without a look around.
_DENYING = (
    r"no|none|never|not|neg|negative|absent|absence|deny|denies|denied|false|excluded|ruled out"
    r"|undetected|nein|kein|keine"
)
DENIAL = (
    r"(?i)^\W*(?:n|f|nee|nej|non|0+(?:\.0*)?)\W*$"
    r"|^\W*(?:(?:the )?(?:patient|pt|he|she|they) )?(?:has |had |have |was |is |were )?"
    rf"(?:{_DENYING})\b"
    rf"|\b(?:not \w+|{_DENYING})\W*$"
)
DOUBT = (
    r"(?i)^\W*(?:u|unk|n/a|nd)\W*$"
    r"|\b(?:unknown|unsure|not sure|uncertain|unclear|undetermined|undecided|not known|don'?t know"
    r"|do not know|not applicable|refused|declined|prefer not|not asked|not answered|no answer"
    r"|no information|skip|skipped|missing|possible|possibly|probable|probably|suspected|suspicion"
    r"|maybe|questionable|pending|unable|cannot)\b|\?"
)
_AFFIRMING = (
    r"(?i)^\W*(?:y|yes|true|t|1(?:\.0*)?|present|positive|pos|detected|confirmed|ja|oui)\W*$"
)
# How programs write that nothing is there.
_NOTHING = frozenset(("", "NA", "NaN", "nan", "null", "NULL", r"\N"))
_DENIES, _DOUBTS, _AFFIRMS = (re.compile(p) for p in (DENIAL, DOUBT, _AFFIRMING))


class Answer(StrEnum):
    """Nothing was answered; yes, no; "not known", as its own words say; anything else."""

    NOTHING = ""
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    OTHER = "other"


def answer_of(text: str) -> Answer:
    """Return what a text answers."""
    if text in _NOTHING:
        return Answer.NOTHING
    if _AFFIRMS.search(text):
        return Answer.YES
    if _DOUBTS.search(text):
        return Answer.UNKNOWN
    return Answer.NO if _DENIES.search(text) else Answer.OTHER
