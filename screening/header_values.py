"""What the values of header elements mean, whichever library read them.

Comes in: a value as pydicom or dicomsdl gives it (text, number, list, None).
Goes out: a text or numbers.
Refuses: nothing; a value that cannot be understood is None.
"""

import math

RawValue = str | int | float | list[str] | list[float] | list[int] | None

# Manufacturer (0008,0070) of what this program itself sends to an archive.
OWN_MANUFACTURER = "screening: research software, not a medical device"
MAX_INTEGER = 2**31 - 1
_NOT_GATED = frozenset({"", "NONE", "NO", "N", "OFF", "FALSE", "0"})


def text(value: object) -> str:
    """One text; several values joined by a backslash; empty where there is none."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "\\".join(text(v) for v in value)
    if isinstance(value, bytes):  # an element whose type the reader does not know
        value = value.decode("ascii", "ignore")
    return str(value).strip(" \0")


def number(value: object) -> float | None:
    """Return the first number, None where there is none or it is not finite."""
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def positive(value: object) -> float | None:
    """As `number`, for what cannot be zero or less."""
    found = number(value)
    return found if found is not None and found > 0 else None


def integer(value: object) -> int | None:
    """Return the first number as an integer; None beyond what IS may hold (PS3.5, 6.2)."""
    found = number(value)
    return None if found is None or abs(found) > MAX_INTEGER else int(found)


def numbers(value: object, count: int) -> tuple[float, ...] | None:
    """Exactly `count` finite numbers, else None."""
    if not isinstance(value, list) or len(value) != count:
        return None
    found = tuple(n for n in map(number, value) if n is not None)
    return found if len(found) == count else None


def cardiac_sync(technique: object, *triggers: object) -> str:
    """CardiacSynchronizationTechnique; else TRIGGER where trigger elements hold a value."""
    named = text(technique)
    if named:
        return named
    return "TRIGGER" if any(text(t) for t in triggers) else ""


def says_gated(sync: str) -> bool:
    """Tell whether a value of `cardiac_sync` says that the scan followed the heart."""
    return sync.strip().upper() not in _NOT_GATED
