"""How a patient's number and name are compared.

Comes in: numbers and names as written.
Goes out: the form two systems' numbers are compared in, and two images' names.
Refuses: nothing.
"""

import re
import unicodedata

_BLANKS = re.compile(r"\s+")
# What scanners and de-identification write where they know no number: it is nobody's, and people
# who share it are not one. Without a digit one such word is enough, whatever stands beside it
# ("UNKNOWN MALE", "Anonymous^"); with one it may be a number after all ("ANON-0017").
_NOBODYS = (
    "ANO|ANON|ANONYM[A-Z]*|ANONIM[A-Z]*|DEIDENT[A-Z]*|PSEUDONYM[A-Z]*|HASHED|MASKED|HIDDEN|"
    "REDACTED|REMOVED|DELETED|WITHHELD|"
    "UNK|UNKN|UNKNOWN|UNDEFINED|UNSPECIFIED|UNASSIGNED|UNIDENTIFIED|UNBEKANNT[A-Z]*|INCONNUE?|"
    "DESCONOCID[AO]|DESCONHECID[AO]|SCONOSCIUT[AO]|ONBEKEND|UKJENT|UKENDT|OKAND|NEZNAM[A-Z]*|"
    "TUNTEMATON|"
    "TEMP|TEMPORARY|PROVISIONAL|PROVISORISCH|EMERGENCY|NOTFALL|URGENCE|URGENCIAS?|EMERGENZA|SPOED|"
    "TEST|TESTPAT[A-Z]*|DUMMY|DEMO|PHANTOM|不明|匿名|未知"
)
# Of the others all together must be it: "NO NUMBER", "N/A", "PatientID", "Not known".
_DENIALS = "NO|NOT|NON|SANS|OHNE|KEINE?|SIN|SENZA|SEM|GEEN|DE"
_SUBJECTS = (
    "ID|IDS|PID|MRN|NR|NUM|NUMBER|NUMMER|NUMERO|IDENTIFIER|IDENTIFIED|KNOWN|AVAILABLE|ASSIGNED|"
    "GIVEN|PROVIDED|SPECIFIED|APPLICABLE|SET|PATIENT|PAT|EMPTY|BLANK|VALUE"
)
_NO_ONE = re.compile(rf"(?:{_NOBODYS})")
_NOTHING = re.compile(rf"NO|NA|NIL|NULL|NONE|(?:{_DENIALS})?(?:{_SUBJECTS})+")
# No sign at all, or one repeated: 0000, 99999999, 999-99-9999, XX-XX.
_NO_SIGN = re.compile(r"0*|X{2,}|(.)\1{3,}")
_BETWEEN = re.compile(r"[\W_]+")


def normalise_mrn(text: str | None) -> str:
    """Bring a patient number into the form in which it is compared.

    Blanks anywhere go, letters become capitals, and a number of digits alone loses
    its leading zeros (systems pad it to different widths). Zeros in a number with letters or
    signs stay, because there they may tell two people apart. What says that there is no number
    (UNKNOWN, NO ID, 0000, 99999999, ---) is empty.
    """
    compact = _BLANKS.sub("", text or "").upper()
    if compact.isascii() and compact.isdigit():
        compact = compact.lstrip("0") or "0"
    return "" if _says_none(text or "") or _says_none(compact) else compact


def _says_none(number: str) -> bool:
    """Whether a number as written, or without its blanks, says that there is none."""
    folded = unicodedata.normalize("NFKD", number.upper())
    plain = "".join(sign for sign in folded if not unicodedata.combining(sign))
    words = [word for word in _BETWEEN.split(plain) if word]
    joined = "".join(words)
    if _NO_SIGN.fullmatch(joined) or _NOTHING.fullmatch(joined):
        return True
    return not any(map(str.isdigit, joined)) and any(map(_NO_ONE.fullmatch, words))


def compared_name(text: str) -> str:
    """Bring a name (PN; PS3.5, 6.2) into the form in which two images' are compared.

    Family and given name of the first spelling, letters alone, so that a middle name, a title or
    punctuation makes nobody another.
    """
    family_and_given = "".join(text.split("=")[0].split("^")[:2])
    folded = unicodedata.normalize("NFKD", family_and_given)
    return "".join(letter for letter in folded.upper() if letter.isalpha())
