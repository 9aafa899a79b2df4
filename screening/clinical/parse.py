"""Text columns to dates and numbers, all rows at once.

Comes in: string arrays without null. Goes out: numpy arrays and masks of what cannot be read.
Refuses: nothing; what cannot be read is in the mask, for the caller to count.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Bools = NDArray[np.bool_]

_DATE = r"^(?P<y>\d{4})-?(?P<m>\d{2})-?(?P<d>\d{2})(?:[T ].*)?$"
_PARTIAL_DATE = r"^(?P<y>\d{4})(?:-(?P<m>\d{2}))?$"
_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"

# Years outside are typing errors or placeholders such as 1800-01-01.
_FIRST_YEAR, _LAST_YEAR = 1850, 2199


@dataclass(frozen=True, slots=True, eq=False)
class Dates:
    """Days as datetime64[D], NaT where there is none.

    first, last : the earliest and the latest day it may be; of a year or month its ends
    is_empty : nothing was given; is_partial : a year or month only; is_bad : unreadable
    """

    days: NDArray[np.datetime64]
    first: NDArray[np.datetime64]
    last: NDArray[np.datetime64]
    is_empty: Bools
    is_partial: Bools
    is_bad: Bools

    @property
    def is_missing(self) -> Bools:
        """No full date, whatever the cause."""
        result: Bools = np.isnat(self.days)
        return result

    def arrow(self, keep: Bools) -> pa.Array:
        """date32 of the rows in `keep`, null for NaT."""
        return pa.array(self.days[keep], pa.date32())


def dates(texts: pa.Array) -> Dates:
    """Read ISO dates and date-times (or YYYYMMDD); the local date as written counts.

    Nothing is guessed: 03/04/2024 is unreadable, 2024-02-30 too, and a month is not a day.
    """
    parts = pc.extract_regex(texts, _DATE)
    year, month, day = (_ints(pc.struct_field(parts, name)) for name in ("y", "m", "d"))
    fits = (year >= _FIRST_YEAR) & (year <= _LAST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1)
    months = np.where(fits, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (np.where(fits, day, 1) - 1).astype("timedelta64[D]")
    # The 30th of February lands in March: not a date.
    fits &= days.astype("datetime64[M]") == months
    days = np.where(fits, days, np.datetime64("NaT", "D"))
    is_empty = bools(pc.equal(texts, ""))
    first, last = _ends(texts)
    is_partial = ~np.isnat(first) & ~fits
    return Dates(
        days=days,
        first=np.where(is_partial, first, days),
        last=np.where(is_partial, last, days),
        is_empty=is_empty,
        is_partial=is_partial,
        is_bad=~fits & ~is_empty & ~is_partial,
    )


def _ends(texts: pa.Array) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
    """First and last day of what is a year or a month; NaT for anything else."""
    parts = pc.extract_regex(texts, _PARTIAL_DATE)
    year, month = (_ints(pc.struct_field(parts, name)) for name in ("y", "m"))
    is_month = month > 0
    fits = (year >= _FIRST_YEAR) & (year <= _LAST_YEAR) & (month <= 12)
    fits &= is_month | bools(pc.equal(pc.fill_null(pc.struct_field(parts, "m"), ""), ""))
    start = np.where(fits, (year - 1970) * 12 + np.where(is_month, month - 1, 0), 0)
    end = start + np.where(is_month, 1, 12)
    nothing = np.datetime64("NaT", "D")
    first, after = (m.astype("datetime64[M]").astype("datetime64[D]") for m in (start, end))
    return np.where(fits, first, nothing), np.where(fits, after - np.timedelta64(1, "D"), nothing)


def numbers(texts: pa.Array, decimal: str = ".") -> NDArray[np.float64]:
    """Read plain decimal numbers; NaN for anything else ("<5", "1,2", "see note").

    With `decimal` "," it is "1.2" that is not one: nothing is guessed.
    """
    if decimal == ",":
        is_point = pc.match_substring(texts, ".")
        texts = pc.if_else(is_point, "", pc.replace_substring(texts, ",", "."))
    is_number = pc.match_substring_regex(texts, _NUMBER)
    values = pc.if_else(is_number, texts, pa.scalar(None, pa.string())).cast(pa.float64())
    read = pc.fill_null(values, np.nan).to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(read), read, np.nan)


def looked_up(texts: pa.Array, find: Callable[[str], str | None]) -> NDArray[np.object_]:
    """Apply `find` to each distinct text; None where it finds nothing."""
    coded = texts.dictionary_encode()
    found = np.array([find(t) for t in coded.dictionary.to_pylist()] + [None], dtype=object)
    result: NDArray[np.object_] = found[coded.indices.to_numpy(zero_copy_only=False)]
    return result


def bools(mask: pa.Array) -> Bools:
    """Arrow to numpy."""
    result: Bools = mask.to_numpy(zero_copy_only=False).astype(np.bool_)
    return result


def _ints(texts: pa.Array) -> NDArray[np.int64]:
    given = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    values = pc.fill_null(given.cast(pa.int64()), 0)
    result: NDArray[np.int64] = values.to_numpy(zero_copy_only=False)
    return result
