"""One series in its own words, without identity.

Comes in: the sorted columns of all instances and the rows of one series.
Goes out: its `Series` record and the slice order of the rows kept.
Refuses: nothing; what is missing or contradicts itself is None or empty.
"""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from screening.catalogue.columns import EPOCH, InstanceColumns
from screening.catalogue.digest import content_digest
from screening.catalogue.geometry import Geometry, measure
from screening.catalogue.keys import part_key
from screening.catalogue.planes import Planes, planes_of
from screening.header_values import says_breathing, says_gated
from screening.privacy import safe_text
from screening.records import Series
from screening.series_words import SeriesWords, series_words
from screening.vocabulary import says_contrast

# Pixel spacings of one series may differ in their last written digits.
SPACING_TOLERANCE = 1e-3
_SAME_KVP = 1.0
_STANDARD_UID = "1.2.840.10008."
_HU = frozenset({"", "HU"})

Rows = NDArray[np.int64]


def describe(
    columns: InstanceColumns, rows: Rows, kept: Rows, tag: str = ""
) -> tuple[Series, Rows]:
    """Describe one series.

    Parameters
    ----------
    columns : InstanceColumns
    rows : int64 (n,)
        All files of the series.
    kept : int64 (m,)
        Those that are no second copies.
    tag : str
        What is added to the series key where one key holds several stacks.

    Returns
    -------
    Series, and int64 (m,) the order of `kept` from the head to the feet
    """
    texts, numbers = columns.texts, columns.numbers
    planes, geometry = _geometry(columns, kept)
    modality, words = texts["modality"].most_common(kept).upper(), _words(columns, kept)
    series = Series(
        series_key=part_key(texts["series_key"].most_common(kept), tag),
        study_key=texts["study_key"].most_common(kept),
        person_key=texts["person_key"].most_common(kept),
        modality=safe_text(modality, 16),
        image_type=_image_type(columns, kept),
        sop_class_uid=_sop_class(columns, kept),
        n_files=len({columns.paths[row] for row in rows}) if columns.frames else len(rows),
        n_slices=_n_slices(columns, kept, geometry),
        n_duplicates=len(rows) - len(kept),
        n_conflicts=geometry.n_conflicts,
        rows=int(_median(numbers["rows"][kept]) or 0),
        columns=int(_median(numbers["columns"][kept]) or 0),
        row_spacing_mm=_median(numbers["row_spacing_mm"][kept]),
        column_spacing_mm=_median(numbers["column_spacing_mm"][kept]),
        increment_mm=geometry.increment_mm,
        thickness_mm=_median(numbers["thickness_mm"][kept]),
        z_range_mm=geometry.z_range_mm,
        missing_gaps=geometry.missing_gaps,
        is_uneven=geometry.is_uneven,
        is_mixed=geometry.is_mixed or _is_mixed_matrix(columns, kept),
        orientation=geometry.orientation,
        tilt_degrees=geometry.tilt_degrees,
        kvp=_kvp(numbers["kvp"][kept]),
        kernel=safe_text(texts["kernel"].most_common(kept).replace("\\", "/")),
        manufacturer=safe_text(texts["manufacturer"].most_common(kept)),
        is_hu=modality == "CT" and _is_hu(columns, kept),
        has_contrast_tag=any(says_contrast(a) for a in texts["contrast_agent"].distinct(kept)),
        is_gated=_is_gated(columns, kept, words),
        terms=words.everything,
        body_part=_code(texts["body_part"].most_common(kept)),
        acquired_on=_acquired_on(columns.days[kept]),
        age_years=_agreed(numbers["age_years"][kept]),
        sex=_agreed_sex(columns, kept),
        content_digest=content_digest(columns.digests[i] for i in rows),
        rejection=texts["taken_back"].most_common(kept),
        own_terms=words.own,
        protocol_terms=words.protocol,
        follows_breath=_has_sync(columns, kept, "respiratory_sync", says_breathing),
        is_converted=bool(texts["conversion_type"].most_common(kept)),
        header_doubts=_doubts(columns, kept),
        age_said=_agreed(numbers["age_said"][kept]),
    )
    return series, planes.files_in(geometry.order)


def _geometry(columns: InstanceColumns, rows: Rows) -> tuple[Planes, Geometry]:
    planes, tilt = planes_of(columns, rows), _median(columns.numbers["tilt_degrees"][rows])
    found = measure(planes.positions_mm, planes.cosines, np.nan if tilt is None else tilt)
    return planes, found


def _median(values: NDArray[np.float64]) -> float | None:
    """Return the lower median, a value that occurs; None where all are absent."""
    present = np.sort(values[np.isfinite(values)])
    return float(present[(len(present) - 1) // 2]) if len(present) else None


def _kvp(values: NDArray[np.float64]) -> float | None:
    """Return the voltage; None where slices differ in it, as for the score (`volume`)."""
    present = values[np.isfinite(values)]
    is_one = len(present) > 0 and np.ptp(present) <= _SAME_KVP
    return _median(present) if is_one else None


def _agreed(values: NDArray[np.float64]) -> float | None:
    """Return the one value all instances that have one share, else None."""
    present = np.unique(values[np.isfinite(values)])
    return float(present[0]) if len(present) == 1 else None


def _acquired_on(days: NDArray[np.float64]) -> date | None:
    """Return the date; the first where a scan runs over midnight; None where dates contradict."""
    present = days[np.isfinite(days)]
    if len(present) == 0 or present.max() - present.min() > 1:
        return None
    return EPOCH + timedelta(days=int(present.min()))


def _doubts(columns: InstanceColumns, rows: Rows) -> tuple[str, ...]:
    """Name what of the headers was not believed, and dates after the night."""
    is_doubtful = {
        "date": bool(columns.has_doubtful_day[rows].any()),
        "age": bool(columns.has_doubtful_age[rows].any()),
        "later": bool(columns.is_later[rows].any()),
    }
    return tuple(name for name, is_so in is_doubtful.items() if is_so)


def _agreed_sex(columns: InstanceColumns, rows: Rows) -> str:
    found = set(columns.texts["sex"].distinct(rows)) & {"F", "M", "O"}
    return found.pop() if len(found) == 1 else ""


def _code(text: str) -> str:
    """Return a code string in capitals; underscores read as spaces."""
    return safe_text(text.replace("_", " ").upper(), 32)


def _image_type(columns: InstanceColumns, rows: Rows) -> tuple[str, ...]:
    joined = columns.image_types.most_common(rows)
    return tuple(_code(value) for value in joined.split("\\")) if joined else ()


def _sop_class(columns: InstanceColumns, rows: Rows) -> str:
    """Return a standard class as it is; a private one could name its maker, so only that it is."""
    uid = columns.texts["sop_class_uid"].most_common(rows)
    return uid if not uid or uid.startswith(_STANDARD_UID) else "private"


def _n_slices(columns: InstanceColumns, rows: Rows, geometry: Geometry) -> int:
    if geometry.orientation != "none":
        return geometry.n_slices
    return int(np.nansum(np.maximum(columns.numbers["n_frames"][rows], 1)))


def _is_mixed_matrix(columns: InstanceColumns, rows: Rows) -> bool:
    for name in ("rows", "columns", "row_spacing_mm", "column_spacing_mm"):
        values = columns.numbers[name][rows]
        present = values[np.isfinite(values)]
        if len(present) == 0:
            continue
        tolerance = SPACING_TOLERANCE * abs(float(present[0]))
        if len(present) < len(values) or present.max() - present.min() > tolerance:
            return True
    return False


def _is_hu(columns: InstanceColumns, rows: Rows) -> bool:
    """Tell whether every slice has its rescale, and no type but Hounsfield units is named."""
    slope, intercept = columns.numbers["rescale_slope"], columns.numbers["rescale_intercept"]
    has_rescale = np.isfinite(slope[rows]).all() and np.isfinite(intercept[rows]).all()
    kinds = {kind.strip().upper() for kind in columns.texts["rescale_type"].distinct(rows)}
    return bool(has_rescale) and kinds <= _HU


def _has_sync(columns: InstanceColumns, rows: Rows, name: str, says: Callable[[str], bool]) -> bool:
    """Tell whether most slices follow a signal: of a few, it is what another scan left behind."""
    said = columns.texts[name].distinct(rows)
    return 2 * sum(n for value, n in said.items() if says(value)) > len(rows)


def _is_gated(columns: InstanceColumns, rows: Rows, words: SeriesWords) -> bool:
    is_told = "gated" in (*words.own, *words.protocol)
    return is_told or _has_sync(columns, rows, "cardiac_sync", says_gated)


def _words(columns: InstanceColumns, rows: Rows) -> SeriesWords:
    names = ("descriptions", "series_description", "protocol_name", "scanner_model")
    return series_words(*(columns.texts[name].distinct(rows) for name in names))
