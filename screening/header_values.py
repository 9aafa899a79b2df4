"""What the values of header elements mean, whichever library read them.

Comes in: a value as pydicom or dicomsdl gives it (text, number, list, None).
Goes out: a text or numbers.
Refuses: nothing; a value that cannot be understood is None.
"""

import math
import re

RawValue = str | int | float | list[str] | list[float] | list[int] | None

# Manufacturer (0008,0070) of what this program itself sends to an archive.
OWN_MANUFACTURER = "screening: research software, not a medical device"
# Ingredients (0018,1048) that are drunk or blown in, and make no blood bright.
_NOT_IN_BLOOD = frozenset({"BARIUM", "CARBON DIOXIDE"})
# Routes (0018,1040), free text: what is drunk or given by other ways makes no blood bright, unless
# some went into a vessel too. SNOMED CT's names, and what people write.
_NOT_INTO_BLOOD = re.compile(
    r"\b(?:(?:PER ?)?ORAL\w*|ORAAL|P ?O|PER ?OS|BY MOUTH|RE[CK]TAL\w*|ENTERAL\w*|VAGINAL\w*|"
    r"TOPICAL|INTRATHE[CK]AL\w*|INHALATION|DRUNK)\b"
)
_INTO_BLOOD = re.compile(r"\b(?:I ?V|I ?A|INTRAVEN\w*|INTRA ?ARTER\w*|INTRAVASC\w*|VEIN|VENOUS)\b")
MAX_INTEGER = 2**31 - 1
_NUMBERS = (int, float)
# TriggerSourceOrType is free text: a timer or a button triggers scans too.
_OF_THE_HEART = re.compile(r"ECG|EKG|VCG|CARD|HEART|PULSE|R[- ]?WAVE|(?<!NON[-_ ])(?<!NOT )GATED")
_NOT_GATED = frozenset(
    {"", "NONE", "NO", "N", "OFF", "FALSE", "0", "NON GATED", "NOT GATED", "UNGATED", "NONGATED"}
)
# A held breath is what is wanted.
_NOT_BY_BREATH = frozenset({"", "NONE", "BREATH_HOLD", "UNKNOWN", "NO", "OFF"})


def text(value: object) -> str:
    """One text; several values joined by a backslash; empty where there is none."""
    if type(value) is str:  # first, for a crawl asks this sixty times a file
        return value.strip(" \0")
    if value is None:
        return ""
    if isinstance(value, list):
        return "\\".join(text(v) for v in value)
    if isinstance(value, bytes):  # an element whose type the reader does not know
        value = value.decode("ascii", "ignore")
    return str(value).strip(" \0")


def number(value: object) -> float | None:
    """Return the first number, None where there is none or it is not finite."""
    if type(value) is list:
        value = value[0] if value else None
    if not isinstance(value, _NUMBERS) or not math.isfinite(value):
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
    found = tuple([number(v) for v in value])
    return None if None in found else found  # type: ignore[return-value]


def is_not_into_blood(route: str) -> bool:
    """Tell whether a route of contrast agent names ways that lead into no vessel, and only such."""
    words = " ".join(re.findall(r"[A-Z]+", route.upper()))
    return _NOT_INTO_BLOOD.search(words) is not None and _INTO_BLOOD.search(words) is None


def contrast_agent(
    agent: object, volume_ml: object, ingredient: object, route: object = None
) -> str:
    """ContrastBolusAgent; where it is empty, what else says that an agent was given.

    Some scanners leave the agent's name out and write its volume (0018,1041) or ingredient
    (0018,1048) alone. What was not given into blood is none.
    """
    if is_not_into_blood(text(route)):
        return ""
    named = text(agent)
    if named:
        return named
    ml = _first_number(volume_ml) or 0.0
    told = text(ingredient)
    if told.upper() in _NOT_IN_BLOOD:  # a volume beside it is what was drunk
        return ""
    return f"{ml:g} ml" if ml > 0 else told


def cardiac_sync(technique: object, trigger_time: object, trigger_type: object) -> str:
    """CardiacSynchronizationTechnique; else TRIGGER where a trigger is told.

    Scanners write TriggerTime 0 and a trigger of NONE into scans that followed nothing.
    """
    named = text(technique)
    if named:
        return named
    has_time = (_first_number(trigger_time) or 0.0) > 0
    return "TRIGGER" if has_time or _OF_THE_HEART.search(text(trigger_type).upper()) else ""


def says_gated(sync: str) -> bool:
    """Tell whether a value of `cardiac_sync` says that the scan followed the heart."""
    word = sync.strip().upper().replace("-", " ").replace("_", " ")
    return word not in _NOT_GATED


def says_breathing(technique: str) -> bool:
    """Tell whether a RespiratoryMotionCompensationTechnique sorted or triggered by breathing.

    Its values: PS3.3, Respiratory Synchronization.
    """
    return technique.strip().upper().replace(" ", "_") not in _NOT_BY_BREATH


def _first_number(value: object) -> float | None:
    """Return the first number, also of one that is written as text."""
    try:
        return float(text(value).split("\\")[0])
    except ValueError:
        return None
