"""Which of a header's dates is the day of the scan.

Comes in: the dates of one header, in the order in which they are preferred.
Goes out: the day that is believed, and whether another date contradicts it; the dates as one text.
Refuses: nothing; where none can be believed there is none.

Clocks of scanners are reset (to 2000-01-01), or run ahead; de-identification writes dates of its
own. So a date is believed alone, but not against others that agree: those with StudyDate, which
comes from the request and by which the archive files, else any two.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import lru_cache

# AcquisitionDate and AcquisitionDateTime are one clock's word; then the content's, the series', the
# study's.
N_DATES = 5
_STUDY = 4
IMPOSSIBLE = "x"  # a day before the first CT, or before the birth
_SEPARATOR = "\\"
# A study is read, rebuilt or copied within the year; a clock that was reset is off by more.
AGREE_WITHIN = timedelta(days=366)
# A scan of this night may be dated tomorrow: zones, midnight.
AHEAD = timedelta(days=1)


def join(days: Sequence[date | None], impossible: Sequence[bool]) -> str | None:
    """Return the dates as one text, in their order; None where all are of one day or the next."""
    given = [day for day in days if day is not None]
    if not any(impossible) and (not given or max(given) - min(given) <= AHEAD):
        return None
    return _SEPARATOR.join(
        IMPOSSIBLE if is_bad else f"{day:%Y%m%d}" if day else ""
        for day, is_bad in zip(days, impossible, strict=True)
    )


def with_ages(text: str, age_on: Callable[[date], float | None]) -> str:
    """Return the text with the age in completed years behind each date, where it is known."""
    found = []
    for part, day in zip(text.split(_SEPARATOR), _days(text), strict=True):
        age = None if day is None else age_on(day)
        found.append(part if age is None else f"{part}:{age:g}")
    return _SEPARATOR.join(found)


def _days(text: str) -> list[date | None]:
    """Return the dates of a text; None for what is absent or impossible."""
    found = [part.partition(":")[0] for part in text.split(_SEPARATOR)]
    return [
        date(int(d[:4]), int(d[4:6]), int(d[6:])) if d and d != IMPOSSIBLE else None for d in found
    ]


def believed(days: Sequence[date | None]) -> int | None:
    """Return which of the dates is believed; None where there is none.

    Parameters
    ----------
    days : of acquisition, acquisition date-time, content, series and study
    """
    present = [k for k, day in enumerate(days) if day is not None]
    voices = [k for k in present if k != 1 or days[0] is None]

    def friends(k: int) -> int:
        return sum(_agree(days[k], days[other]) for other in voices)

    leaders = [_STUDY, *voices] if _STUDY in voices else voices
    leader = next((k for k in leaders if friends(k) > 1), voices[0] if voices else None)
    if leader is None:
        return None
    return next(k for k in present if _agree(days[k], days[leader]))


def _agree(a: date | None, b: date | None) -> bool:
    return a is not None and b is not None and abs(a - b) <= AGREE_WITHIN


@lru_cache(maxsize=4096)
def resolve(text: str, as_of: date | None) -> tuple[date | None, float | None, bool]:
    """Return the day that is believed on a night, the age on it, and whether others cannot be.

    Parameters
    ----------
    text : as `join` makes it
    as_of : what lies more than a day after it cannot be; None: no date is too late
    """
    parts, said = text.split(_SEPARATOR), _days(text)
    days = [None if is_ahead(day, as_of) else day for day in said]
    which = believed(days)
    if which is None:
        return None, None, True
    others = [day for day in said if day is not None]
    is_doubtful = IMPOSSIBLE in parts or not all(_agree(day, days[which]) for day in others)
    is_doubtful |= days != said
    age = parts[which].partition(":")[2]
    return days[which], float(age) if age else None, is_doubtful


def is_ahead(day: date | None, as_of: date | None) -> bool:
    """Whether a date lies after the night that reads it."""
    return day is not None and as_of is not None and day > as_of + AHEAD
