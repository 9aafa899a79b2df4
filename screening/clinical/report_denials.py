"""Whether the report of a calcium score CT says itself that no score was made.

Comes in: one text. Goes out: whether it says so.
Refuses: nothing. Only what is said of the score itself or of the whole examination counts ("the
lungs are not imaged", "patient declined statin" are of something else), and nothing does where a
score, a grade or a table of scores is told. English, German and French.
"""

import re

from screening.clinical import report_words as words
from screening.clinical.report_scores import reported_score
from screening.clinical.report_sentences import unwrapped

_I = re.IGNORECASE
_SENTENCE_END = re.compile(r"[.;!?](?=\s|$)|\n")
_MADE = (
    r"(?:performed|done|obtain(?:ed)?|completed?|possible|calculat\w+|comput\w+|scored?|measur\w+"
    r"|quantif\w+|determin\w+|assess\w*|evaluat\w+|interpret\w+(?!\s+as\b)|report(?:ed)?|available"
    r"|acquired?|feasible|attempted|applicable|valid|reliable|carried\s+out|generated?|scanned"
    r"|imaged|diagnostic|made|given|provided?|perform|do|tolerated)\b"
)
_MODS = (
    r"(?:(?:the|an?|this|any|total|formal|valid|reliable|accurate|meaningful|quantitative|overall|final"
    r"|numeric(?:al)?|usable|diagnostic|coronary|artery|arterial|calcium|calcification|cardiac|heart"
    r"|ct|cacs?|agatston|image)[\s-]+){0,6}"
)
_SCORE = r"(?:agatston|(?:calcium[- ]?)?scor(?:es?|ing)|cacs|quantification)\b"
_CALCIUM = (
    r"(?:(?:coronary\s+)?(?:artery\s+)?calci(?:um|fications?)|cac"
    r"|coronar(?:y\s+arter)?(?:y|ies))\b"
)
_EXAM = r"(?:exam(?:ination)?|study|scan|test|procedure|acquisition|ct|images?)\b"
_OF_WHOM = (
    r"(?:\s+(?:of|for|in)\s+(?:the\s+|this\s+)?(?:patient|coronar\w+(?:\s+arter\w+)?|heart))?"
)
# What may stand between a subject and what is denied of it.
_IS = (
    r"(?:\s+(?:is|are|was|were|be|been|being|has|have|had|could|can|would|will|did|does|do|therefore"
    r"|thus|hence|unfortunately|also|so))*"
)
_NOT = r"(?:\s*n't|\s*n’t|(?:\s+|(?<=can))not|\s+never)\b"
_HOW = r"(?:\s+(?!only\b)\w+){0,3}?\s+"
_STOPPED = (
    r"(?:cancell?ed|aborted|terminated|interrupted|discontinued|postponed|deferred|rescheduled"
    r"|refused|declined|stopped)\b"
)
_POOR = (
    r"(?:uninterpretable|unreadable|inadequate|insufficient|invalid|non-?\s?diagnostic|infeasible"
    r"|impossible|unsuccessful|n/a|none|failed|precluded)(?!\w)"
)
_DENIED = re.compile(
    # Of the score: "calcium score could not be calculated", "no Agatston score", "score: N/A".
    rf"\b(?:{_SCORE}|{_CALCIUM}|{_EXAM}){_OF_WHOM}{_IS}{_NOT}{_HOW}{_MADE}"
    rf"|\b{_SCORE}{_OF_WHOM}\s*[:=]?\s*(?:n/a\b|none\b|not\b|unable\b)"
    rf"|\b(?:no|without)\s+{_MODS}(?:{_SCORE}|{_EXAM})(?!\s+(?:change|increase|progression))"
    rf"|\b(?:not|never|cannot|can't|couldn't|unable\s+to|failed\s+to|failure\s+to)\s+"
    rf"(?:be\s+)?(?:\w+ly\s+)?{_MADE}\s+{_MODS}(?:{_SCORE}|{_EXAM}|{_CALCIUM})"
    # Of the examination as a whole.
    rf"|\b(?:{_EXAM}|{_SCORE}|quality){_OF_WHOM}{_IS}\s*:?\s+(?:\w+ly\s+)?(?:{_STOPPED}|{_POOR})"
    rf"|\b(?:{_STOPPED}|{_POOR})\s+{_MODS}(?:{_EXAM}|{_SCORE}|quality\b)"
    rf"|\b(?:preclud\w+|prevent\w*)\s+(?:\w+\s+of\s+)?{_MODS}(?:{_SCORE}|{_EXAM}|{_CALCIUM})"
    r"|\b(?:patient|pt|he|she)\s+(?:did\s*(?:not|n't)\s+(?:attend|appear|come|undergo|show|arrive"
    r"|tolerate)|(?:was\s+)?unable\s+to\s+(?:complete|tolerate|undergo|cooperate))\b"
    rf"|\b(?:patient|pt|he|she)\s+(?:has\s+)?{_STOPPED}(?=\W*$|\W+{_MODS}(?:{_EXAM}|{_SCORE}|to\b))"
    r"|\bno[- ]shows?\b"
    # A sentence without a subject.
    rf"|(?:^|:)\W{{0,9}}(?:(?:could|can|was|is)\s*)?(?:not|never)\s+(?:be(?:en)?\s+)?(?:\w+ly\s+)?{_MADE}"
    rf"|(?:^|:)\W{{0,9}}(?:{_STOPPED}|{_POOR})\W*(?:$|,|due\b|because\b|for\s+(?:{_SCORE}|calcium))"
    # German, French.
    r"|\bkein\w*\s+(?:\w+(?:er|em|en|e|es)\s+)?[\w-]{0,40}(?:scor\w*|agatston|auswertung|quantifizierung)"
    r"|\b(?:[\w-]{0,40}scor(?:e|es|ing)|agatston|untersuchung|messung|bestimmung|berechnung|auswertung|ct)\s+"
    r"(?:[\w-]+\s+){0,5}?nicht\s+(?:\w+\s+)?(?:durchf|durchgef|auswertbar|beurteilbar"
    r"|m(?:ö|oe)glich|bestimm|erfolgt|berechn|ermittel|erhoben|verwertbar)"
    r"|(?:^|:)\W{0,9}nicht\s+(?:\w+\s+)?(?:durchf|durchgef|auswertbar|m(?:ö|oe)glich|erfolgt)"
    r"|\b(?:untersuchung|messung|ct|scan)\s+(?:\w+\s+){0,3}?(?:abgebrochen|storniert|abgesagt"
    r"|verweigert)\b|(?:^|:)\W{0,9}(?:abgebrochen|storniert|abgesagt)\b"
    r"|\b(?:pas|absence|aucun)\s+(?:de\s+|d['’])?scores?\b"
    r"|\b(?:score|examen|calcul|scanner)\s+(?:(?:calcique|n['’]a|n['’]est|est|a)\s+)*(?:non|pas)\s+"
    r"(?:pu\s+être\s+|été\s+)?(?:calcul|r[ée]alis|effectu|interpr|[ée]valu|possible|mesur|fai|d[ée]term)"
    r"|\bexamen\s+(?:est\s+|a\s+été\s+)?(?:annul|interromp|refus)",
    _I,
)
# What a calcium score CT leaves out by its nature, or what was not at hand beside it.
_OF_ELSE = re.compile(
    r"\b(?:contrast|non-?\s?calcified|soft\s+plaques?|stenos[ei]s|lumens?|luminal|angiogra\w+|lungs?"
    r"|prior|previous|earlier|outside|old|past|comparisons?|compared?|percentile|extra-?cardiac"
    r"|lunge\w*|vor\w*untersuchung\w*|kontrast\w*|patency|chest|abdom\w+|emphysema)\b",
    _I,
)
# One artery among others: of the others a score may stand in a table.
_PART = re.compile(
    rf"\b{words.ARTERY}\s+(?:coronary\s+|artery\s+|calcium\s+|agatston\s+){{0,3}}(?:scor|{_EXAM})"
    rf"|^\s*(?:in|of|for|within)\s+(?:the\s+)?(?:{words.ARTERY}|stent)",
    _I,
)
_WHY = re.compile(r",|;|\b(?:because|due|given|as|since|owing|secondary|after|bei|wegen|by)\b", _I)
# What stands directly in front of a subject: "aortic valve score", "the prior exam".
_NEW = re.compile(
    r"[,:(]|\b(?:the|an?|this|of|in|on|with|by|and|but|to|that|because|since|as|is|was)\b", _I
)
_TOLD = re.compile(
    r"\b(?:see|refer\s+to)\b[^.;\n]{0,40}\btables?\b|\btables?\s+of\s+scores?\b"
    r"|\b(?:in|per)\s+(?:the\s+)?(?:(?:attached|following|separate|score)\s+)?table\b"
    r"|\btable\b[^.;\n]{0,20}\b(?:attached|below|above|follow\w*)|\battached\s+table"
    rf"|{_SCORE}\s*:?\s*(?:(?:is|are|values?|reported|given|found|see|results?)\s+){{0,3}}"
    r"(?:in|on|see|per)\s+(?:the\s+|an?\s+)?(?:\w+\s+)?(?:report|pacs|sheet|attachment|document)\b"
    r"|\bcalci\w+\s+(?:volume|mass)\s*(?:score\b)?\s*(?:[:=]|is\b|of\b)?\s*\d"
    r"|\bcac-?drs\W{0,3}(?:category\W{0,3})?[av]?[0-3]\b"
    r"|\b\d{1,2}(?:st|nd|rd|th)\s+percentile|\bpercentile\s*[:=]\s*\d",
    _I,
)


def says_none_made(text: str) -> bool:
    """Whether a report says that its examination gave no score."""
    flat = unwrapped(text)
    if reported_score(text) is not None or _TOLD.search(flat):
        return False
    return any(_denies(said) for said in _SENTENCE_END.split(flat) if said)


def _denies(said: str) -> bool:
    return any(_is_of_the_whole(said, hit) for hit in _DENIED.finditer(said))


def _is_of_the_whole(said: str, hit: re.Match[str]) -> bool:
    """Whether a denial is of the score or the examination, not of something beside it."""
    before = _NEW.split(said[max(0, hit.start() - 60) : hit.start()])[-1]
    if re.match(r"prec|prev", hit[0], _I):
        before = ""  # the cause: "previous stents preclude scoring"
    after = _WHY.split(said[hit.end() : hit.end() + 60])[0]
    near = before + hit[0] + after
    if re.search(r"\b(?:at|by|from|in|on|of)\s+$", said[: hit.start()], _I) and not before.strip():
        return bool(re.match(_SCORE, hit[0], _I))  # "cannot be told by this scan"
    return not (
        _OF_ELSE.search(near)
        or words.OTHER_ORGAN.search(f"{before}|{after}")
        or _PART.search(before + hit[0])
        or _PART.search(after)
    )
