"""Which of a header's dates is the day of the scan, and whether its age can be.

Comes in: the dates of one header, in the order in which they are preferred; the ages at them by
the birth date, and PatientAge.
Goes out: the day that is believed, the age on it, and whether the rest contradicts them; the dates
as one text.
Refuses: nothing; where none can be believed there is none.

Clocks of scanners are reset (to 2000-01-01), or run ahead; de-identification writes dates of its
own. The dates of acquisition, content and series come from one clock: they are one witness.
StudyDate comes from the request, and the archive files by it: another. Where dates contradict by
years, those are believed at which birth date and PatientAge agree, else those with StudyDate that
one of the clock's confirms, else none; without StudyDate any two of the clock's, else its first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

# Acquisition, acquisition date-time, content, series, and the study's.
N_DATES = 5
_STUDY = 4
IMPOSSIBLE = "x"  # a day before the first CT, or before the birth
_SEPARATOR = "\\"
# A study is read, rebuilt or copied within the year; a clock that was reset is off by more.
AGREE_WITHIN = timedelta(days=366)
# PatientAge is rounded down on the study's day: a year more or less is the same age.
SAME_AGE_YEARS = 1.0
MAXIMUM_AGE_YEARS = 130
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


def believed(
    days: Sequence[date | None],
    ages: Sequence[float | None] = (None,) * N_DATES,
    age_said: float | None = None,
) -> int | None:
    """Return which of the dates is believed; None where there is none, or none against another.

    Parameters
    ----------
    days : of acquisition, acquisition date-time, content, series and study
    ages : years, at each of them by the birth date
    age_said : years, PatientAge
    """
    present = [k for k, day in enumerate(days) if day is not None]
    fitting = [k for k in present if is_same_age(ages[k], age_said)]
    present = fitting or present
    leader = _leader(days, present)
    if leader is None:
        return None
    return next(k for k in present if _agree(days[k], days[leader]))


def _leader(days: Sequence[date | None], present: Sequence[int]) -> int | None:
    """Return one of the dates that are believed, by who agrees with it."""

    def has_friend(k: int, others: Sequence[int]) -> bool:
        return any(other != k and _agree(days[k], days[other]) for other in others)

    if _STUDY in present:
        return _STUDY if len(present) == 1 or has_friend(_STUDY, present) else None
    # One element of acquisition does not confirm the other.
    voices = [k for k in present if k != 1 or 0 not in present]
    return next((k for k in voices if has_friend(k, voices)), next(iter(voices), None))


def is_same_age(a: float | None, b: float | None) -> bool:
    """Whether two ages in years, of which PatientAge may be one, are there and agree."""
    return a is not None and b is not None and abs(a - b) <= SAME_AGE_YEARS


def _agree(a: date | None, b: date | None) -> bool:
    return a is not None and b is not None and abs(a - b) <= AGREE_WITHIN


@dataclass(frozen=True, slots=True)
class Resolved:
    """What is believed of contradicting dates.

    day : None where none is
    age_years : on that day, by the birth date
    is_doubtful : another date is not believed, as it cannot be or the rest contradicts it
    is_later : all there is lies after the night, and agrees: no fault of the header's
    contradicts_age : at none of the dates that can be was the patient as old as PatientAge says
    """

    day: date | None
    age_years: float | None
    is_doubtful: bool
    is_later: bool
    contradicts_age: bool


@lru_cache(maxsize=4096)
def resolve(text: str, as_of: date | None, age_said: float | None) -> Resolved:
    """Judge dates that contradict, on a night.

    Parameters
    ----------
    text : as `with_ages` makes it
    as_of : what lies more than a day after it cannot be; None: no date is too late
    age_said : years, PatientAge
    """
    parts, said = text.split(_SEPARATOR), _days(text)
    days = [None if is_ahead(day, as_of) else day for day in said]
    ages = [None if day is None else _age(part) for part, day in zip(parts, days, strict=True)]
    which = believed(days, ages, age_said)
    others = [day for day in said if day is not None]
    if which is None:
        known = [age for age in ages if age is not None]
        is_other = age_said is not None and not any(is_same_age(a, age_said) for a in known)
        do_agree = all(_agree(a, b) for a in others for b in others)
        is_later = IMPOSSIBLE not in parts and not any(days) and do_agree
        return Resolved(None, None, not is_later, is_later, bool(known) and is_other)
    is_doubtful = IMPOSSIBLE in parts or not all(_agree(day, days[which]) for day in others)
    age = ages[which]
    is_other = age is not None and age_said is not None and not is_same_age(age, age_said)
    return Resolved(days[which], age, is_doubtful or days != said, False, is_other)


def _age(part: str) -> float | None:
    age = part.partition(":")[2]
    return float(age) if age else None


def completed_years(born_on: date | None, on: date | None) -> float | None:
    """Return the age in completed years; None where a date is missing or the age impossible.

    Born on 29 February, one comes of age on 1 March in a common year.
    """
    if born_on is None or on is None:
        return None
    years = on.year - born_on.year - ((on.month, on.day) < (born_on.month, born_on.day))
    return float(years) if 0 <= years <= MAXIMUM_AGE_YEARS else None


def is_ahead(day: date | None, as_of: date | None) -> bool:
    """Whether a date lies after the night that reads it."""
    return day is not None and as_of is not None and day > as_of + AHEAD
