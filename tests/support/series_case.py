"""A routine chest as choosing sees it, and sizes of other things.

Comes in: nothing. Goes out: a `Series` and edits of it.
"""

from dataclasses import replace
from datetime import date
from typing import Any

from screening.records import Series
from screening.series_words import series_words

CHEST = Series(
    series_key="series-a",
    study_key="study-a",
    person_key="person-a",
    modality="CT",
    image_type=("ORIGINAL", "PRIMARY", "AXIAL"),
    sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    n_files=100,
    n_slices=100,
    n_duplicates=0,
    n_conflicts=0,
    rows=512,
    columns=512,
    row_spacing_mm=0.7,
    column_spacing_mm=0.7,
    increment_mm=3.0,
    thickness_mm=3.0,
    z_range_mm=(0.0, 297.0),
    missing_gaps=(),
    is_uneven=False,
    is_mixed=False,
    orientation="axial",
    tilt_degrees=0.0,
    kvp=120.0,
    kernel="Br40f",
    manufacturer="SIEMENS",
    is_hu=True,
    has_contrast_tag=False,
    is_gated=False,
    terms=("chest",),
    body_part="CHEST",
    acquired_on=date(2024, 5, 17),
    age_years=61.0,
    sex="F",
    content_digest="c",
)
SMALL_FIELD = {"row_spacing_mm": 0.4, "column_spacing_mm": 0.4}  # 205 mm
HEAD_SIZED = {"row_spacing_mm": 0.49, "column_spacing_mm": 0.49, "z_range_mm": (0.0, 150.0)}
CARDIAC = SMALL_FIELD | {"z_range_mm": (0.0, 135.0)}


def coverage(mm: float) -> dict[str, Any]:
    """A stack of this length at 3 mm."""
    return {"z_range_mm": (0.0, mm - 3.0)}


def called(study: str = "", own: str = "", protocol: str = "", **values: Any) -> Series:
    """The chest with the words of these texts."""
    words = series_words([f"{study} | {own} | {protocol}"], [own], [protocol], [])
    said = {
        "terms": words.everything,
        "own_terms": words.own,
        "protocol_terms": words.protocol,
    }
    return replace(CHEST, **said | values)
