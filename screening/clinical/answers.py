"""What an answer to "has this person had that?" says.

Comes in: a text, or the name of a concept. Goes out: `Answer`.
Refuses: nothing; what is no plain yes and neither denies nor doubts is OTHER, and makes nobody ill.

A yes is known by its words: every one of them is in the lists below. Which sentences deny, or speak
of a mother, no list can hold; a word that stands in none makes the answer OTHER.
"""

import re
from enum import StrEnum

# DENIAL and DOUBT are read by Arrow (RE2) as well, so without a look around.
_DENYING = (
    r"no|none|never|not|neg|negative|absent|absence|deny|denies|denied|false|excluded|ruled out"
    r"|refuted|disproved|undetected|nein|kein|keine"
)
_NOT_SO = (
    r"not (?:present|found|had|diagnosed|detected|confirmed|seen|there|so|true|applicable|proven"
    r"|established|documented|occur\w*|happen\w*)"
)
_HAS_NOT = r"(?:did|does|do|has|have|had|is|was|were|are|would)(?: ?n['’]?t| not| never)\b"
_WHO = r"(?:(?:the )?(?:patient|pt|he|she|they|i) )?"
DENIAL = (
    r"(?i)^\W*(?:n|f|nee|nej|non|0+(?:\.0*)?)\W*$"
    rf"|^\W*{_WHO}(?:with |has |had |have |was |is |were )?(?:{_DENYING})\b"
    rf"|^\W*{_WHO}{_HAS_NOT}"
    rf"|\b(?:{_NOT_SO}|{_DENYING})\W*$"
    r"|\b(?:ruled out|excluded|refuted|disproved)\b"
)
DOUBT = (
    r"(?i)^\W*(?:u|unk|n/a|nd)\W*$"
    r"|\b(?:unknown|unsure|not sure|uncertain|unclear|undetermined|undecided|not known"
    r"|don['’]?t know|do not know|not applicable|refused|declined|prefer not|not asked|not answered"
    r"|no answer|no information|skip|skipped|missing|possible|possibly|probable|probably"
    r"|suspected|suspicion|suspect|maybe|might|perhaps|questionable|doubtful|unlikely|unconfirmed|equivocal"
    r"|pending|unable|cannot|r/o|rule out|yes ?(?:/|or) ?no)\b|\?"
)
_YES = re.compile(r"y|t|1(?:\.0*)?|yes|ja|oui|true|present|positive|pos|detected|confirmed")
# The disease or the procedure by its own name: "Old MI", "STEMI 2009", "LAD stent". What makes
# nobody's arteries ill is not among them: beside an infarction "diabetes" says nothing.
_NAME = re.compile(
    r"mi|ami|n?stemi|infarct|infarction|attack|stroke|tia|stents?|pci|ptca|cabg|bypass"
    r"|angioplasty"
)
# What tells no more than when and where.
_WHEN_WHERE = re.compile(
    r"(?:\d{1,2}[./-]){0,2}(?:19|20)\d\d(?:\.0*)?|(?:19|20)\d\d(?:[./-]\d{1,2}){1,2}"
    r"|(?:jan|febr?|mar|apr|jun|jul|aug|sept?|oct|nov|dec)(?:uary|ch|il|e|y|ust|(?:em|o)?ber)?"
    r"|in|on|at|since|of|date|year|acute|old|prior|previous|past|history|h/o"
    r"|heart|myocardial|cardiac|coronary|artery|isch(?:ae|e)mic|anterior|inferior|lateral|posterior"
    r"|left|right|lad|l?cx|rca|lm"
)
# A dash alone, or in brackets, is how "negative" is written.
_BETWEEN = re.compile(r"(?<=\w)\s+[-–—]\s+(?=\w)|[\s,;:()!]+|\.(?=\s|$)")
# Names of concepts that may be a yes, for Arrow (RE2).
AFFIRMED = r"(?i)^(?:yes|ja|oui|true|present|positive|detected|confirmed)\b"
# Where what was answered ends and its details begin.
_DETAILS = re.compile(
    r"[,;(\n]|\.\s|\s[-–—]+\s|\bbut\b|(?<!patient )(?<!pt )\bwith(?:out)?\b", re.IGNORECASE
)
# What is not known here is when or where, not whether.
_DETAIL_NOT_KNOWN = re.compile(
    r"\b(?:exact |precise |approximate )?(?:dates?|years?|months?|days?|times?|timing|onset|age"
    r"|when|details?|types?|sites?|vessels?|location|laterality|side|severity|duration|cause|number"
    r"|hospital|treatment)(?: of \w+)?(?: (?:is|was|are|were))? (?:unknown|not known|unsure"
    r"|not sure|uncertain|unclear|missing|not given|not recorded|not documented)\b"
    r"|\b(?:unknown|uncertain|unclear) (?:dates?|years?|times?|onset|age|details?|types?|sites?)\b",
    re.IGNORECASE,
)
# A detail that takes all back: "MI, not confirmed"; "MI - unlikely".
_TAKEN_BACK = re.compile(
    rf"\W*(?:(?:this|it|which|that|is|was|were|has been|{_WHO}) ?){{0,3}}"
    rf"(?:{_NOT_SO}|{_DENYING})\W*",
    re.IGNORECASE,
)
_DOUBTED = re.compile(r"(?i)\b(?:r/o|rule out|unlikely|unconfirmed|not confirmed|not proven)\b")
_EXCLUDED = re.compile(r"(?i)\b(?:ruled out|excluded|refuted|disproved)\b")
_BARE = re.compile(rf"(?i)\W*(?:n|f|nee|nej|non|0+(?:\.0*)?|{_NOT_SO}|{_DENYING})\W*")
# How programs write that nothing is there.
_NOTHING = frozenset(("", "NA", "NaN", "nan", "null", "NULL", r"\N"))
_DENIES, _DOUBTS = (re.compile(p) for p in (DENIAL, DOUBT))


class Answer(StrEnum):
    """Nothing was answered; yes, no; "not known", as its own words say; anything else."""

    NOTHING = ""
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    OTHER = "other"


def answer_of(text: str) -> Answer:
    """Return what a text answers.

    A yes is one by all of its words; a day alone says neither. Of the rest the beginning decides
    whether it is a no, up to a comma; behind it stand details, unless they take all back.
    """
    if text in _NOTHING:
        return Answer.NOTHING
    plain = _plainly(text)
    if plain is not None:
        return plain
    first, *details = _DETAILS.split(text)
    while details and not first.strip():
        first = details.pop(0)
    said = _DETAIL_NOT_KNOWN.sub(" ", first)
    if _DOUBTS.search(said) or _DOUBTED.search(text):
        return Answer.UNKNOWN
    if _DENIES.search(said) or _EXCLUDED.search(text):
        return Answer.NO
    for detail in details:
        if _TAKEN_BACK.fullmatch(detail):
            return Answer.NO
        word = detail.strip(" ().")
        if word == "?" or (" " not in word and _DOUBTS.search(word.rstrip("?"))):
            return Answer.UNKNOWN
    return Answer.OTHER


def _plainly(text: str) -> Answer | None:
    """Return YES where every word belongs to a yes, NOTHING where all tell when and where."""
    said = _BETWEEN.split(_DETAIL_NOT_KNOWN.sub(" ", text).lower())
    left = [word for word in said if word and not _WHEN_WHERE.fullmatch(word)]
    if all(_YES.fullmatch(word) or _NAME.fullmatch(word) for word in left):
        return Answer.YES if left else Answer.NOTHING
    return None


def is_bare_no(text: str) -> bool:
    """Whether a text is a denial and nothing else: it contradicts a yes beside it."""
    return _BARE.fullmatch(text) is not None
