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

from screening.choose.size import coverage_mm
from screening.kernels import Sharpness, sharpness
from screening.records import Series

BEST_SLICE_MM = (2.5, 3.0)
# Differences below a tenth of a millimetre are rounding.
SLICE_ROUNDING_DIGITS = 1
COVERAGE_STEP_MM = 10.0


def preference(series: Series) -> tuple[bool, float, int, bool, int, int, str]:
    """Return the sort key of an eligible series within its study; smallest first."""
    found = sharpness(series.kernel)
    kernel = Sharpness.MEDIUM if found is None else found
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
