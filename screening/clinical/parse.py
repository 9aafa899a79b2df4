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
_PARTIAL_DATE = r"^\d{4}(?:-\d{2})?$"
_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"

# Years outside are typing errors or placeholders such as 1800-01-01.
_FIRST_YEAR, _LAST_YEAR = 1850, 2199


@dataclass(frozen=True, slots=True, eq=False)
class Dates:
    """Days as datetime64[D], NaT where there is none.

    is_empty : nothing was given; is_partial : a year or month only; is_bad : unreadable
    """

    days: NDArray[np.datetime64]
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
    is_empty = bools(pc.equal(texts, ""))
    is_partial = bools(pc.match_substring_regex(texts, _PARTIAL_DATE))
    return Dates(
        days=np.where(fits, days, np.datetime64("NaT", "D")),
        is_empty=is_empty,
        is_partial=is_partial & ~fits,
        is_bad=~fits & ~is_empty & ~is_partial,
    )


def numbers(texts: pa.Array) -> NDArray[np.float64]:
    """Read plain decimal numbers; NaN for anything else ("<5", "1,2", "see note")."""
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
    values = pc.fill_null(texts.cast(pa.int64()), 0)
    result: NDArray[np.int64] = values.to_numpy(zero_copy_only=False)
    return result
