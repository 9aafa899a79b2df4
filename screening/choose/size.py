"""How much of a body a series holds.

Comes in: a `Series`. Goes out: millimetres; 0 where the headers do not say.
Refuses: nothing.
"""

from screening.records import Series


def coverage_mm(series: Series) -> float:
    """Return the length along the slice normal, outer slabs included; 0 for a single slice."""
    if series.z_range_mm is None or series.increment_mm is None:
        return 0.0
    return series.z_range_mm[1] - series.z_range_mm[0] + series.increment_mm


def field_of_view_mm(series: Series) -> float:
    """Return the longer side of the image; 0 without pixel spacing."""
    return max(
        series.rows * (series.row_spacing_mm or 0.0),
        series.columns * (series.column_spacing_mm or 0.0),
    )
