"""How a patient's number and name are compared.

Comes in: numbers and names as written.
Goes out: the form two systems' numbers are compared in, and two images' names.
Refuses: nothing.
"""

import re
import unicodedata

_BLANKS = re.compile(r"\s+")
# What scanners and de-identification write where they know no number: it is nobody's, and people
# who share it are not one.
_NO_NUMBER = frozenset(
    {
        "0", "ANON", "ANONYM", "ANONYMIZED", "ANONYMISED", "ANONYMOUS", "DEIDENTIFIED", "INCONNU",
        "N/A", "NA", "NIL", "NOID", "NONE", "NOTAVAILABLE", "NULL", "PATIENT", "PATIENTID",
        "REDACTED", "REMOVED", "UNBEKANNT", "UNDEFINED", "UNKNOWN",
    }
)  # fmt: skip
_NO_SIGN = re.compile(r"[\W_]+|X{2,}")


def normalise_mrn(text: str | None) -> str:
    """Bring a patient number into the form in which it is compared.

    Blanks anywhere go, letters become capitals, and a number of digits alone loses
    its leading zeros (systems pad it to different widths). Zeros in a number with letters or
    signs stay, because there they may tell two people apart. What says that there is no number
    (UNKNOWN, 0000, ---) is empty.
    """
    compact = _BLANKS.sub("", text or "").upper()
    if compact.isascii() and compact.isdigit():
        compact = compact.lstrip("0") or "0"
    return "" if compact in _NO_NUMBER or _NO_SIGN.fullmatch(compact) else compact


def compared_name(text: str) -> str:
    """Bring a name (PN; PS3.5, 6.2) into the form in which two images' are compared.

    Family and given name of the first spelling, letters alone, so that a middle name, a title or
    punctuation makes nobody another.
    """
    family_and_given = "".join(text.split("=")[0].split("^")[:2])
    folded = unicodedata.normalize("NFKD", family_and_given)
    return "".join(letter for letter in folded.upper() if letter.isalpha())
