"""How a patient number is compared, and an age counted.

Comes in: numbers as written, dates.
Goes out: the form two systems' numbers are compared in; completed years.
Refuses: nothing; an age that cannot be is None.
"""

import re
from datetime import date

_BLANKS = re.compile(r"\s+")
MAXIMUM_AGE_YEARS = 130


def normalise_mrn(text: str | None) -> str:
    """Bring a patient number into the form in which it is compared.

    Blanks anywhere go, letters become capitals, and a number of digits alone loses
    its leading zeros (systems pad it to different widths). Zeros in a number with letters or
    signs stay, because there they may tell two people apart.
    """
    compact = _BLANKS.sub("", text or "").upper()
    if compact.isascii() and compact.isdigit():
        return compact.lstrip("0") or "0"
    return compact


def completed_years(born_on: date | None, on: date | None) -> float | None:
    """Return the age in completed years; None where a date is missing or the age impossible.

    Born on 29 February, one comes of age on 1 March in a common year.
    """
    if born_on is None or on is None:
        return None
    years = on.year - born_on.year - ((on.month, on.day) < (born_on.month, born_on.day))
    return float(years) if 0 <= years <= MAXIMUM_AGE_YEARS else None
