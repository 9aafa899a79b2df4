"""Recognised words in descriptions.

Comes in: free text of headers, which may carry names.
Goes out: terms of a closed vocabulary, never the text itself.
Refuses: nothing; unknown words are dropped.

Words are matched whole, without regard to case and accents, in English, German, French,
Spanish, Italian and Dutch, the commonest also in Portuguese and Nordic languages. They stand in
`words_of_making.py` and `words_of_body.py`. Order matters where one phrase holds another: what a
step recognises is taken out before the next looks ("virtual non contrast" before "non contrast"
before "contrast").
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from screening.header_values import is_not_into_blood
from screening.words_of_body import BODY_STEPS
from screening.words_of_making import MAKING_STEPS, PERCENT_MARK, PHASE_MARK, QUESTION_MARK

_STEPS = (*MAKING_STEPS, *BODY_STEPS)
_COMPILED = tuple((terms, re.compile(rf"\b(?:{phrases})\b")) for terms, phrases in _STEPS)

VOCABULARY: frozenset[str] = frozenset(term for terms, _ in _STEPS for term in terms)
"""Every term there is."""

# Words of ImageType, whole, in capitals: images computed from others, projections, spectral ones.
DERIVED_TYPES = r"DERIVED|REFORMATTED|MPR|AVERAGE|SUBTRACTED|PROCESSED|RESAMPLED"
PROJECTION_TYPES = r"MIP|MINIP|MAX IP|MIN IP|(?:MAXIMUM|MINIMUM|MAX|MIN)|PROJECTION IMAGE"
SCOUT_TYPES = r"LOCALI[SZ]ER|SCOUT|TOPOGRAM"
# Image flavors of Enhanced CT (PS3.3, C.8.15): repeated in time, or to guide a needle.
PHASE_TYPES = r"(?:CARD)?RESP GATED|DYNAMIC|MOTION|PERFUSION|STRESS"
PURPOSE_TYPES = r"FLUOROSCOPY|CONE ?BEAM|CBCT"
SPECTRAL_TYPES = (
    r"VNC|VUE|VMI|MONO ?E|MONOENERGETIC|IODINE|Z ?EFF|EFFECTIVE Z|VIRTUAL.*|ELECTRON DENSITY"
)

# ContrastBolusAgent values that say none was given, at once or after the noun ("IV: NO").
_NONE = (
    "none|no|non(?! ionic)|not|n|nil|null|na|n a|nan|false|off|without|w o|wo|ohne|kein|keine|"
    "keines|sans|sin|senza|zonder|geen|aucun|aucune|ninguno|ninguna|nessuno|nessuna"
)
_NO_AGENT = re.compile(rf"(?:{_NONE}|plain|unknown|undefined|[0 ]+(?:ml|cc|mg|g)?$)(?:\b|$)")
_DENIED_AFTER = re.compile(
    rf"(?:(?:iv|i v|contrast|contraste|contrasto|kontrast|kontrastmittel|km|agent|medium|media) )+"
    rf"(?:{_NONE}|nein|nee|nej|nao)(?: (?:given|administered|used|applied))?"
)
# What is drunk, alone or with its amount; nothing of it comes into the blood.
_DRINK = (
    "water|wasser|eau|agua|acqua|vatten|vann|vand|milk|milch|mannitol|gastro ?grafine?|gastroview|"
    "gastromiro|gastrolux|telebrix gastro|barium|baryum|bario|micropaque|readi ?cat|volumen|breeza"
)
_AMOUNT = "[0-9]+|ml|cc|l|sulfate|only"
_DRUNK_ALONE = re.compile(rf"(?:(?:{_AMOUNT}) )*(?:{_DRINK})(?: (?:{_DRINK}|{_AMOUNT}))*")
# What stands between two agents; not the stroke of "w/o" and "n/a".
_AND = re.compile(r"[+&,;|\\]|(?<!\b[wn])/|\b(?:and|und|et|plus)\b", re.IGNORECASE)

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# "C+", "KM-", "IV +": the sign is the message. A hyphen inside a word ("C-spine") is not.
_PLUS = re.compile(r"\b(?:c|km|iv|ic|pdc|mdc)\s?\+(?!\w)", re.IGNORECASE)
_MINUS = re.compile(r"\b(?:c|km|iv|ic|pdc|mdc)\s?-(?=\s|$|[_,;)])", re.IGNORECASE)
# "Thorax + MIP"; "Thorax + MIP 10 mm" is the projection itself.
_BESIDE = re.compile(r"[+&](?=\s*(?:min|m)ips?\b(?!\s*\d))", re.IGNORECASE)
# "4D", "4-D 30%" and "4DCT", but not "4 D30": four millimetres under kernel D30.
_FOUR_D = re.compile(r"(?<![a-z0-9.,])4(?:-?d|\s?-?d(?![0-9]))(?=[^a-z]|ct|$)", re.IGNORECASE)
# The makers' dose modulation and reconstruction are not in phases: "CARE Dose 4D", "iDose 4D".
_MAKERS_4D = re.compile(
    r"\b(?:care(?:[\s-]*dose)?|i-?dose|dose[\s-]*right|sure[\s-]*(?:iq|exp[a-z]*))[\s-]*4[\s-]*d\b",
    re.IGNORECASE,
)
# "T=30%", "50% Ex", "0 % In", "50 Ex", "50.0%A" (of the amplitude): where in the breath, as
# planning scanners write it.
_BREATH_PERCENT = re.compile(
    r"\bt\s?=?\s?\d{1,3}\s?%|\b\d{1,3}\s?%\s?(?:ex|in)(?:sp|p|h)?[a-z]*\b|"
    r"\b\d{1,3}(?:\.\d+)?\s?%A\b|(?<![\d.,])\b(?:0|[1-9]0|100)\s?ex\b",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"\d{1,3}(?:[.,]\d+)?\s?%")
_NO_WORD = re.compile(r"[^a-z0-9]+")
_LETTER_DIGIT = re.compile(r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])")
# What is more than words, in order, and the word that takes its place.
_MARKS = (
    (_MAKERS_4D, ""),
    (_FOUR_D, PHASE_MARK),
    (_BREATH_PERCENT, PHASE_MARK),
    (_PERCENT, PERCENT_MARK),
    (_PLUS, "contrast"),
    (_BESIDE, "plus"),
    (_MINUS, "unenhanced"),
)


@lru_cache(maxsize=65536)
def terms_of(text: str) -> tuple[str, ...]:
    """Return the recognised terms of a description, sorted, each once.

    Parameters
    ----------
    text : str
        Descriptions as written; may be empty.

    Returns
    -------
    tuple of str, each in `VOCABULARY`
    """
    marked = text.replace("_", " ")  # which patterns take for a letter
    for pattern, mark in _MARKS:
        marked = pattern.sub(f" {mark} ", marked)
    signed = marked.replace("?", f" {QUESTION_MARK} ")
    # As written, and with "LungScreening" taken apart: "CaScore" is read either way.
    found = _recognise(_plain(signed)) | _recognise(_plain(_CAMEL.sub(" ", signed)))
    return tuple(sorted(found))


def says_contrast(agent: str) -> bool:
    """Tell whether a ContrastBolusAgent value says that an agent was given.

    Empty values and words for "none" in several languages say that none was; what was drunk is
    none of which the blood is bright.
    """
    if _NO_AGENT.match(_plain(agent)):
        return False
    return any(map(_is_into_blood, _AND.split(agent)))


def _is_into_blood(agent: str) -> bool:
    plain = _plain(agent)
    if not plain or _NO_AGENT.match(plain) or _DENIED_AFTER.fullmatch(plain):
        return False
    if _DRUNK_ALONE.fullmatch(plain) or is_not_into_blood(plain):
        return False
    return terms_of(agent) != ("unenhanced",)


def image_type_says(values: Iterable[str], words: str) -> bool:
    """Match whole words in any ImageType value; underscores read as spaces.

    Parameters
    ----------
    values : of ImageType, as written
    words : a pattern in capitals, such as `DERIVED_TYPES`
    """
    pattern = re.compile(rf"\b(?:{words})\b")
    return any(pattern.search(value.upper().replace("_", " ")) for value in values)


def _plain(text: str) -> str:
    """Lower case, no accents, words and numbers apart, single spaces."""
    letters = unicodedata.normalize("NFKD", text.replace("ß", "ss")).casefold()
    bare = "".join(c for c in letters if not unicodedata.combining(c))
    return _LETTER_DIGIT.sub(" ", _NO_WORD.sub(" ", bare)).strip()


def _recognise(plain: str) -> set[str]:
    found: set[str] = set()
    rest = plain
    for terms, pattern in _COMPILED:
        rest, n = pattern.subn(_taken_out, rest)
        if n:
            found.update(terms)
    return found


def _taken_out(found: re.Match[str]) -> str:
    """Put a mark in the place of what a step recognised; its group `kept` stays."""
    return f"| {found.groupdict().get('kept') or ''}"
