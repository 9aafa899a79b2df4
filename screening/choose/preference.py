"""Which of a study's eligible series is worked first.

Comes in: one eligible `Series`. Goes out: a key; the smallest is worked first.
Refuses: nothing.

The order, published so that a site can dispute it:

1. no sharp kernel: it raises noise above 130 HU and sharpens calcium's edges;
2. increment and thickness nearest to the 2.5 to 3 mm the score was defined and standardised on
   (Agatston 1990; McCollough, Radiology 2007;243:527);
3. a soft kernel before a medium or unknown one;
4. a whole stack: no hole, no two images at one place, even spacing, one matrix;
5. more of the body (to the centimetre), then more slices;
6. the series key, so that the same input always gives the same choice.
"""

import re
from enum import IntEnum

from screening.choose.size import coverage_mm
from screening.records import Series

BEST_SLICE_MM = (2.5, 3.0)
# Differences below a tenth of a millimetre are rounding.
SLICE_ROUNDING_DIGITS = 1
COVERAGE_STEP_MM = 10.0
# Siemens kernels carry their sharpness as a number (B30f, Br40, Qr36d): up to 45 soft,
# from 50 the edges are enhanced.
SIEMENS_SOFT_MAX = 45
SIEMENS_SHARP_MIN = 50
# Canon: FC01-FC19 body, FC20-FC29 head (medium), from FC30 bone, ear and lung.
CANON_SOFT_MAX = 19
CANON_SHARP_MIN = 30

_GE = {
    "STANDARD": 0,
    "STND": 0,
    "STD": 0,
    "SOFT": 0,
    "DETAIL": 1,
    "CHST": 1,
    "CHEST": 1,
} | dict.fromkeys(("LUNG", "BONE", "BONEPLUS", "BONE PLUS", "EDGE", "ULTRA"), 2)
_PHILIPS = {"A": 0, "B": 0, "C": 0, "UA": 0, "UB": 0, "UC": 0, "XCA": 0, "XCB": 0} | dict.fromkeys(
    ("D", "E", "L", "YA", "YB", "YC", "YD"), 2
)
_NAMED = _GE | _PHILIPS
_SIEMENS_NUMBER = re.compile(r"^[A-Z][A-Z]?(\d{2})(?!\d)")
_CANON_NUMBER = re.compile(r"^FC(\d{2})")


class Sharpness(IntEnum):
    """How much a reconstruction kernel sharpens edges."""

    SOFT = 0
    MEDIUM = 1  # or unknown
    SHARP = 2


def sharpness(kernel: str) -> Sharpness:
    """Class a kernel by the families vendors use; MEDIUM where it is not known."""
    name = kernel.split("/")[0].strip().upper()
    if name.rstrip("+") in _NAMED:
        return Sharpness(_NAMED[name.rstrip("+")])
    for pattern, soft_max, sharp_min in (
        (_CANON_NUMBER, CANON_SOFT_MAX, CANON_SHARP_MIN),
        (_SIEMENS_NUMBER, SIEMENS_SOFT_MAX, SIEMENS_SHARP_MIN),
    ):
        match = pattern.match(name)
        if match:
            number = int(match.group(1))
            if number >= sharp_min:
                return Sharpness.SHARP
            return Sharpness.SOFT if number <= soft_max else Sharpness.MEDIUM
    return Sharpness.MEDIUM


def preference(series: Series) -> tuple[bool, float, int, bool, int, int, str]:
    """Return the sort key of an eligible series within its study; smallest first."""
    kernel = sharpness(series.kernel)
    return (
        kernel is Sharpness.SHARP,
        _slice_distance_mm(series),
        int(kernel),
        _is_damaged(series),
        -round(coverage_mm(series) / COVERAGE_STEP_MM),
        -series.n_slices,
        series.series_key,
    )


def _slice_distance_mm(series: Series) -> float:
    """Return the mean distance of increment and thickness from the best; absent ones left out."""
    low, high = BEST_SLICE_MM
    known = [v for v in (series.increment_mm, series.thickness_mm) if v is not None]
    away = [max(low - v, v - high, 0.0) for v in known]
    return round(sum(away) / len(away), SLICE_ROUNDING_DIGITS) if away else 0.0


def _is_damaged(series: Series) -> bool:
    return bool(series.missing_gaps or series.n_conflicts or series.is_uneven or series.is_mixed)
