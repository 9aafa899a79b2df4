"""Lipids of one person's day that cannot stand beside each other.

Comes in: measured values in mg/dL with their person, day and stated unit.
Goes out: refusals in the sieve.
Refuses: LDL cholesterol that is no less than the total it is a part of, with that total; total and
HDL cholesterol that are both rarely low in mmol/L and both ordinary in g/L.

HDL that is no less than the total is told of the person, in the rooms that use the pair. A low LDL
alone is refused by nothing: 0.5 mmol/L is what a PCSK9 inhibitor gives (a quarter below 19 mg/dL:
Sabatine 2017, N Engl J Med 376:1713).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from screening.clinical.codes import normal_unit
from screening.clinical.parse import looked_up
from screening.clinical.sieve import Sieve
from screening.lipids import part_not_below_total
from screening.reasons import Reason

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

TOTAL, HDL, LDL = (f"{name}_cholesterol_mg_dl" for name in ("total", "hdl", "ldl"))
_MMOL = 38.67  # mg/dL, as codes/units.csv
# OUR OWN edges: total up to 3.0 mmol/L and HDL up to 0.7 are each rare and together rarer; as g/L
# they are ordinary from 1.3 and from 0.2 on (codes/unit_swaps.csv).
LOW_TOTAL, LOW_HDL = 3.0 * _MMOL, 0.7 * _MMOL
ORDINARY_TOTAL, ORDINARY_HDL = 1.3 * _MMOL, 0.2 * _MMOL


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Values of one table, row for row: (n,) each; value in mg/dL where it is a lipid."""

    key: pa.Array
    concept: NDArray[np.object_]
    value: Floats
    unit: pa.Array
    day: NDArray[np.datetime64]


def refuse_odd_days(measured: Measured, sieve: Sieve) -> None:
    """Refuse the lipids of a day that contradict each other; of several one that fits is enough."""
    is_total, is_hdl, is_ldl = (measured.concept == name for name in (TOTAL, HDL, LDL))
    day = _days(measured, sieve.keep & (is_total | is_hdl | is_ldl))
    total = _of_day(np.fmax, measured.value, is_total & sieve.keep, day)
    ldl = _of_day(np.fmin, measured.value, is_ldl & sieve.keep, day)
    odd = part_not_below_total(total, ldl) & (is_total | is_ldl)
    sieve.refuse(odd, Reason.UNIT_SUSPECT, f"{LDL}: not below total cholesterol of the day")
    is_low = looked_up(measured.unit, normal_unit) == "mmol/l"
    is_low &= _within(measured.value, is_total, ORDINARY_TOTAL, LOW_TOTAL) | _within(
        measured.value, is_hdl, ORDINARY_HDL, LOW_HDL
    )
    low_total = _of_day(np.fmin, measured.value, is_total & is_low & sieve.keep, day)
    low_hdl = _of_day(np.fmin, measured.value, is_hdl & is_low & sieve.keep, day)
    pair = is_low & ~np.isnan(low_total) & ~np.isnan(low_hdl)
    sieve.refuse(pair, Reason.UNIT_SUSPECT, "total and HDL cholesterol: both ordinary in g/L")


def _within(value: Floats, of: Bools, low: float, high: float) -> Bools:
    with np.errstate(invalid="ignore"):
        found: Bools = of & (value >= low) & (value <= high)
    return found


def _days(measured: Measured, of: Bools) -> NDArray[np.int64]:
    """Return a number for each person's day among the rows `of`; -1 for the others."""
    person = measured.key.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    found = np.full(len(of), -1, dtype=np.int64)
    # Days lie within 200,000 of 1970 (years 1850 to 2199).
    since = measured.day[of].astype("datetime64[D]").astype(np.int64) + 200_000
    both = person[of].astype(np.int64) * 400_000 + since
    found[of] = np.unique(both, return_inverse=True)[1]
    return found


def _of_day(pick: np.ufunc, value: Floats, of: Bools, day: NDArray[np.int64]) -> Floats:
    """Return, for each row, the picked value of its person's day among the rows `of`."""
    best = np.full(int(day.max(initial=-1)) + 2, np.nan)  # the last for rows that are out
    pick.at(best, day[of], value[of])
    return best[day]
