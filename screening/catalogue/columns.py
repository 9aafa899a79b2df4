"""Instance columns as numpy arrays, sorted so that series lie together.

Comes in: a table of the schema `INSTANCES`. Goes out: `InstanceColumns`.
Refuses: nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.catalogue.apart import FRAMES, apart
from screening.catalogue.digest import floats, row_digests
from screening.scan_dates import AHEAD, SAME_AGE_YEARS, resolve

Floats = NDArray[np.float64]
EPOCH = date(1970, 1, 1)

_TEXTS = (
    "series_key",
    "study_key",
    "person_key",
    "sop_class_uid",
    "modality",
    "kernel",
    "manufacturer",
    "rescale_type",
    "contrast_agent",
    "body_part",
    "descriptions",
    "series_description",
    "protocol_name",
    "scanner_model",
    "conversion_type",
    "cardiac_sync",
    "respiratory_sync",
    "sex",
    "taken_back",
    "days_said",
    "frame_digest",
    "name_digest",
)
_NUMBERS = (
    "rows",
    "columns",
    "n_frames",
    "row_spacing_mm",
    "column_spacing_mm",
    "thickness_mm",
    "tilt_degrees",
    "kvp",
    "rescale_slope",
    "rescale_intercept",
    "age_years",
    "age_said",
    "image_number",
    "acquisition_number",
    "acquired_s",
)


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A text column as codes into its distinct values."""

    codes: NDArray[np.int64]
    values: tuple[str, ...]

    def distinct(self, rows: NDArray[np.int64]) -> dict[str, int]:
        """Return the non-empty values of these rows and how often each occurs."""
        codes = self.codes[rows]
        if (codes == codes[0]).all():
            value = self.values[codes[0]]
            return {value: len(codes)} if value else {}
        found, counts = np.unique(codes, return_counts=True)
        pairs = zip(found.tolist(), counts.tolist(), strict=True)
        return {self.values[c]: n for c, n in pairs if self.values[c]}

    def most_common(self, rows: NDArray[np.int64]) -> str:
        """Return the most frequent non-empty value, of equals the smallest; else empty."""
        counts = self.distinct(rows)
        return min(counts, key=lambda v: (-counts[v], v)) if counts else ""


@dataclass(frozen=True, slots=True)
class InstanceColumns:
    """All instances, sorted by series key, instance digest and path.

    positions_mm : float64 (n, 3), cosines : float64 (n, 6); NaN where absent
    frames : of each row that is some frames of a file, which
    frame_positions_mm : of each multi-frame file, by its row, float64 (frames, 3)
    days : acquisition date as days since 1970, NaN where absent or not to be believed
    has_doubtful_day : whether another date of the header contradicts it
    is_later : whether it has no day because all its dates, which agree, lie after the night
    has_doubtful_age : whether birth date and PatientAge contradict each other: there is no age then
    """

    paths: list[str]
    frames: Mapping[int, tuple[int, ...]]
    series_codes: NDArray[np.int64]
    is_same_digest_as_before: NDArray[np.bool_]
    texts: Mapping[str, TextColumn]
    numbers: Mapping[str, NDArray[np.float64]]
    image_types: TextColumn
    positions_mm: NDArray[np.float64]
    frame_positions_mm: Mapping[int, NDArray[np.float64]]
    cosines: NDArray[np.float64]
    days: NDArray[np.float64]
    has_doubtful_day: NDArray[np.bool_]
    is_later: NDArray[np.bool_]
    has_doubtful_age: NDArray[np.bool_]
    digests: list[bytes]


def read_columns(table: pa.Table, as_of: date | None = None) -> InstanceColumns:
    """Sort `table` (schema `INSTANCES`, not empty) and take it apart.

    What is dated after `as_of` has no date.
    """
    table = apart(table)
    keys = [(name, "ascending") for name in ("series_key", "instance_digest", "path")]
    table = table.take(pc.sort_indices(table, sort_keys=keys)).combine_chunks()
    texts = {name: _text(table[name]) for name in _TEXTS}
    positions_mm = _fixed(table["position_lps_mm"], 3)
    cosines = _fixed(table["orientation"], 6)
    series_codes = texts["series_key"].codes
    digest = _text(table["instance_digest"])
    has_digest = np.array([bool(v) for v in digest.values])[digest.codes]
    same = np.zeros(len(table), dtype=np.bool_)
    same[1:] = (np.diff(digest.codes) == 0) & (np.diff(series_codes) == 0) & has_digest[1:]
    image_type = pc.binary_join(pc.cast(table["image_type"], pa.list_(pa.string())), "\\")
    numbers = {name: floats(table[name]) for name in _NUMBERS}
    days = floats(pc.cast(table["acquired_on"], pa.int32()))
    judged = judge_days(days, numbers["age_years"], numbers["age_said"], texts["days_said"], as_of)
    numbers["age_years"] = judged.ages
    return InstanceColumns(
        paths=table["path"].to_pylist(),
        frames={row: tuple(f) for row, f in enumerate(table[FRAMES].to_pylist()) if f},
        series_codes=series_codes,
        is_same_digest_as_before=same,
        texts=texts,
        numbers=numbers,
        image_types=_text(image_type),
        positions_mm=positions_mm,
        frame_positions_mm=_frames(table["frame_positions_mm"]),
        cosines=cosines,
        days=judged.days,
        has_doubtful_day=judged.has_doubtful_day,
        is_later=judged.is_later,
        has_doubtful_age=judged.has_doubtful_age,
        digests=row_digests(table, np.column_stack([positions_mm, cosines])),
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """Of every instance the day, the age on it in years, and what was not believed."""

    days: Floats
    ages: Floats
    has_doubtful_day: NDArray[np.bool_]
    is_later: NDArray[np.bool_]
    has_doubtful_age: NDArray[np.bool_]


def judge_days(
    days: Floats, ages: Floats, ages_said: Floats, said: TextColumn, as_of: date | None
) -> Judged:
    """Decide the day of every instance, and with it the age; say what is not believed.

    Parameters
    ----------
    days : float64 (n,), since 1970, where no dates contradict
    ages : float64 (n,), years, by the birth date, else as stated
    ages_said : float64 (n,), years, PatientAge
    said : of dates that contradict, all
    as_of : the night
    """
    days, ages = days.copy(), ages.copy()
    is_doubtful, is_later = np.zeros((2, len(days)), dtype=np.bool_)
    if as_of is not None:
        is_later = days > (as_of + AHEAD - EPOCH).days
        days[is_later] = ages[is_later] = np.nan
    is_other = np.abs(ages - ages_said) > SAME_AGE_YEARS
    is_told = np.array([bool(text) for text in said.values], dtype=np.bool_)[said.codes]
    for row in np.flatnonzero(is_told):
        age = None if np.isnan(ages_said[row]) else float(ages_said[row])
        found = resolve(said.values[said.codes[row]], as_of, age)
        days[row] = np.nan if found.day is None else (found.day - EPOCH).days
        ages[row] = np.nan if found.age_years is None else found.age_years
        is_doubtful[row], is_later[row] = found.is_doubtful, found.is_later
        is_other[row] = found.contradicts_age
    ages = np.where(np.isnan(ages), ages_said, ages)
    return Judged(days, np.where(is_other, np.nan, ages), is_doubtful, is_later, is_other)


def _frames(column: pa.ChunkedArray) -> dict[int, NDArray[np.float64]]:
    """Return the frames' positions of the rows that have any."""
    rows = np.flatnonzero(pc.is_valid(column).to_numpy())
    values = column.take(pa.array(rows)).to_pylist()
    return {
        int(row): np.array(value, dtype=np.float64).reshape(-1, 3)
        for row, value in zip(rows, values, strict=True)
        if value
    }


def _text(column: pa.ChunkedArray) -> TextColumn:
    encoded = pc.fill_null(column, "").combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return TextColumn(codes, tuple(encoded.dictionary.to_pylist()))


def _fixed(column: pa.ChunkedArray, width: int) -> NDArray[np.float64]:
    """Return a list column as (n, width); rows of another length become NaN."""
    lists = column.combine_chunks()
    is_whole = pc.fill_null(pc.equal(pc.list_value_length(lists), width), False)
    values = np.full((len(lists), width), np.nan)
    whole = pc.list_flatten(lists.filter(is_whole))
    values[is_whole.to_numpy(zero_copy_only=False)] = (
        pc.fill_null(whole, np.nan).to_numpy(zero_copy_only=False).reshape(-1, width)
    )
    return values
