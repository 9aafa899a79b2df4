"""Whether the report of a calcium score CT leaves it open that a score was made.

Comes in: one text. Goes out: whether it is in doubt.
Refuses: nothing.

No grammar is asked: a text that tells a score, a grade, a percentile, a table or that there is no
calcium leaves nothing open, whatever else it denies. Of all others one word that denies, in any of
eleven languages, is enough, wherever it stands: who counts as scored is never told, and a score
missed means a person told again.
"""

import re

from screening.clinical.report_scores import reported_score
from screening.clinical.report_sentences import unwrapped

_I = re.IGNORECASE
_TOLD = re.compile(
    r"\b(?:see|refer\s+to)\b[^.;\n]{0,40}\btables?\b|\btables?\s+of\s+scores?\b"
    r"|\b(?:in|per)\s+(?:the\s+)?(?:(?:attached|following|separate|score)\s+)?table\b"
    r"|\btable\b[^.;\n]{0,20}\b(?:attached|below|above|follow\w*)|\battached\s+table"
    r"|\b(?:agatston|(?:calcium[- ]?)?scor(?:es?|ing)|cacs|quantification)\b"
    r"\s*:?\s*(?:(?:is|are|values?|reported|given|found|see|results?)\s+){0,3}"
    r"(?:in|on|see|per)\s+(?:the\s+|an?\s+)?(?:\w+\s+)?(?:report|pacs|sheet|attachment|document)\b"
    r"|\bcalci\w+\s+(?:volume|mass)\s*(?:score\b)?\s*(?:[:=]|is\b|of\b)?\s*\d"
    r"|\bcac-?drs\W{0,3}(?:category\W{0,3})?[av]?[0-3]\b"
    r"|\b\d{1,2}(?:st|nd|rd|th)\s+percentile|\bpercentile\s*[:=]\s*\d"
    # No calcium is a score of zero.
    r"|\b(?:no|without|absence\s+of)\s+(?:(?:evidence|sign)s?\s+of\s+)?(?:\w+ly\s+)?"
    r"(?:(?:visible|detectable|measurable|significant|identifiable|any)\s+)?"
    r"(?:coronary\s+(?:artery\s+|arterial\s+)?calci(?:um|fications?)|cac)\b"
    r"(?!\s*(?:scor|scan|ct\b|exam|study|quantif|assess|measure|evaluat|volume|mass))"
    r"|\b(?:coronary\s+(?:artery\s+)?calci(?:um|fications?)|calcium\s+score|agatston(?:\s+score)?)\s*:?\s*"
    r"(?:none(?:\s+(?:detected|seen|present|visible|found))?|absent|nil)\s*(?:[.;,(\n]|$)"
    r"|\bkeine\s+(?:koronar|herzkranz)\w*(?:kalk|verkalk)\w*|\bkeine\s+koronare\w*\s+\w*kalk\w*"
    r"|\b(?:pas|absence)\s+de\s+calcifications?\s+(?:des\s+art[èe]res\s+)?coron\w*"
    r"|\b(?:sin|senza|sem)\s+calcific\w+\s+(?:de\s+(?:las\s+)?arterias\s+)?coron\w*",
    _I,
)
# Of technique, not of the score: the name of the procedure itself says "without contrast".
_NEUTRAL = re.compile(
    r"\b(?:without|w/o|no|non|sans|ohne|sin|senza|sem|zonder)[-\s]{1,3}(?:(?:the|any|iv|i\.v\.|use"
    r"|of|intravenous|injection|de|di|du|d['’]|produit|medio|mezzo|meio|agent|administration)\s*){0,6}"
    r"(?:contrast\w*|kontrast\w*|injection|enhanc\w*)"
    r"|\bnon-?\s?(?:contrast|enhanced|invasive)\w*",
    _I,
)
_DENYING = (
    # English
    r"no|nor|not|never|none|nil|nothing|neither|without|n/a|cannot|cant|unable|un(?:success|interpret"
    r"|read|reli|feas|evalu|assess)\w*|in(?:adequate|sufficient|valid|complete|feasible|conclusive|determinate)\w*"
    r"|non-?\s?diagnostic|impossible|impractic\w*|fail\w*|cancel\w*|abort\w*|abandon\w*|refus\w*|declin\w*"
    r"|terminat\w*|interrupt\w*|discontinu\w*|postpon\w*|defer\w*|reschedul\w*|resched\w*|withdr[ae]w\w*"
    r"|withh[eo]ld\w*|waive\w*|omit\w*|skip\w*|stopped|halted|error\w*|void\w*|preclud\w*|prevent\w*"
    r"|prohibit\w*|hinder\w*|hamper\w*|degrad\w*|claustro\w*|pending|missed|no-?shows?|aborted|lacking"
    r"|missing|absent|absence|wrong|mistake\w*|obscur\w*|limit(?:ed|s)"
    # German, Dutch, Nordic
    r"|nicht|nichts|kein\w*|ohne|nie|niemals|un(?:m(?:ö|oe)glich|vollst|zureich|auswert|brauch)\w*"
    r"|abgebroch\w*|abbruch|abgelehn\w*|ablehn\w*|stornier\w*|abgesag\w*|verweiger\w*|verzicht\w*"
    r"|entf(?:ä|ae)ll\w*|entfallen|fehl\w*|ausgefallen|nichtdiagnost\w*"
    r"|niet|geen|zonder|nooit|onmogelijk|geannuleerd|geweigerd|afgebroken|mislukt|onbetrouwbaar"
    r"|ikke|ingen|inget|inte|inga|ej|uden|utan|utenom|uten|avbr\w*|afbr\w*|avlys\w*|aflys\w*|avböj\w*"
    # French, Spanish, Italian, Portuguese, Polish
    r"|pas|non|aucune?|sans|jamais|ni|impossible|annul\w*|interromp\w*|report[ée]e?|[ée]chec|illisible"
    r"|inexploitable|ininterpr[ée]table"
    r"|sin|nunca|ning[uú]n\w*|tampoco|imposible|suspend\w*|rechaz\w*|anulad\w*|neg[óo]|fracas\w*"
    r"|senza|mai|nessun\w*|impossibile|annullat\w*|rifiut\w*|interrott\w*|rinviat\w*"
    r"|n[ãa]o|sem|nenhum\w*|imposs[íi]vel|recus\w*|adiad\w*"
    r"|nie|brak|bez|niemo\w*|odwo[łl]an\w*|odm[óo]wi\w*|przerwan\w*"
)
_DENIES = re.compile(rf"(?<![\w-])(?:{_DENYING})(?!\w)|\wn['’]t\b|\bn['’](?:a|est|ont|y)\b", _I)


def leaves_open(text: str) -> bool:
    """Whether a report tells no score and denies something."""
    flat = unwrapped(text)
    if not _DENIES.search(_NEUTRAL.sub(" ", flat)) or _TOLD.search(flat):
        return False
    return reported_score(text) is None
