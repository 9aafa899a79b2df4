"""Which header elements are read, and how each becomes a column.

Comes in: the values of `TAGS` as either library gives them (text, number, list, None).
Goes out: one `INSTANCES_RAW` row.
Refuses: nothing; a value that cannot be understood is null.
"""

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache

from screening import scan_dates
from screening.header_values import (
    RawValue,
    cardiac_sync,
    contrast_agent,
    integer,
    number,
    numbers,
    positive,
    text,
)

TAGS: dict[str, int] = {
    "media_class_uid": 0x00020002,
    "transfer_syntax_uid": 0x00020010,
    "character_set": 0x00080005,
    "image_type": 0x00080008,
    "sop_class_uid": 0x00080016,
    "sop_instance_uid": 0x00080018,
    "study_date": 0x00080020,
    "series_date": 0x00080021,
    "acquisition_date": 0x00080022,
    "content_date": 0x00080023,
    "acquisition_datetime": 0x0008002A,
    "acquisition_time": 0x00080032,
    "accession": 0x00080050,
    "modality": 0x00080060,
    "conversion_type": 0x00080064,
    "manufacturer": 0x00080070,
    "study_description": 0x00081030,
    "series_description": 0x0008103E,
    "scanner_model": 0x00081090,
    "patient_name": 0x00100010,
    "patient_id": 0x00100020,
    "issuer": 0x00100021,
    "birth_date": 0x00100030,
    "sex": 0x00100040,
    "age": 0x00101010,
    "contrast_agent": 0x00180010,
    "contrast_route": 0x00181040,
    "contrast_ml": 0x00181041,
    "contrast_ingredient": 0x00181048,
    "body_part": 0x00180015,
    "thickness_mm": 0x00180050,
    "kvp": 0x00180060,
    "protocol_name": 0x00181030,
    "trigger_time": 0x00181060,
    "trigger_type": 0x00181061,
    "tilt_degrees": 0x00181120,
    "exposure_mas": 0x00181152,
    "kernel": 0x00181210,
    "cardiac_sync": 0x00189037,
    "respiratory_sync": 0x00189170,
    "study_instance_uid": 0x0020000D,
    "series_instance_uid": 0x0020000E,
    "acquisition_number": 0x00200012,
    "image_number": 0x00200013,
    "position": 0x00200032,
    "orientation": 0x00200037,
    "frame_of_reference_uid": 0x00200052,
    "samples_per_pixel": 0x00280002,
    "photometric": 0x00280004,
    "n_frames": 0x00280008,
    "rows": 0x00280010,
    "columns": 0x00280011,
    "spacing": 0x00280030,
    "bits_allocated": 0x00280100,
    "bits_stored": 0x00280101,
    "intercept": 0x00281052,
    "slope": 0x00281053,
    "rescale_type": 0x00281054,
}
TAG_NUMBERS = list(TAGS.values())
AT = {name: index for index, name in enumerate(TAGS)}

RawHeader = list[RawValue]

# The first patient was scanned at Atkinson Morley Hospital (Beckmann, Br J Radiol 2006;79:5).
FIRST_CT = date(1971, 10, 1)
_DATES = (
    "acquisition_date",
    "acquisition_datetime",
    "content_date",
    "series_date",
    "study_date",
)
_OF_DAYS = [AT[name] for name in ("birth_date", "age", *_DATES)]
_DAYS_A_YEAR = 365.25
_DAY_CHARACTERS = 8
# To the second at least; with colons in files of before 1993.
_TIME = re.compile(r"([01][0-9]|2[0-3]):?([0-5][0-9]):?([0-5][0-9](?:\.[0-9]+)?)")
_AGE_CHARACTERS = 4
_AGE_UNITS = {"Y": 1.0, "M": 1 / 12, "W": 7 / _DAYS_A_YEAR, "D": 1 / _DAYS_A_YEAR}


def text_or_null(value: RawValue) -> str | None:
    """As `text`, null where the element is absent."""
    return None if value is None else text(value)


def texts(value: RawValue) -> list[str]:
    """Several texts."""
    return text(value).split("\\") if value not in (None, "") else []


@lru_cache(maxsize=4096)
def day(value: str) -> date | None:
    """Read a DA, or the day of a DT; null where it is no calendar day."""
    digits = value.replace(".", "")[:8]
    if len(digits) != 8 or not digits.isdecimal():
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def seconds(value: str) -> float | None:
    """Read a TM, or the time of a DT, as seconds since midnight; null where it is none."""
    found = _TIME.match(value)
    if found is None:
        return None
    hours, minutes, rest = found.groups()
    return 3600.0 * int(hours) + 60.0 * int(minutes) + float(rest)


@lru_cache(maxsize=512)
def age_years(value: str) -> float | None:
    """Read an AS such as 064Y, 018M, 003W or 010D."""
    unit = _AGE_UNITS.get(value[-1:].upper())
    if unit is None or not value[:-1].isdecimal() or len(value) > _AGE_CHARACTERS:
        return None
    return int(value[:-1]) * unit


def acquired_on(header: RawHeader) -> date | None:
    """Return the day the images were taken, or the best day there is.

    It is the day as written, the scanner's own: of a date-time with a zone too. A day before the
    first CT or before the patient's birth is a clock that was never set, or de-identification:
    the next best is taken. Which of several is believed: `scan_dates`.
    """
    return _judged(*[text(header[at]) for at in _OF_DAYS])[0]


def acquired_s(header: RawHeader) -> float | None:
    """Return seconds since midnight at which the image was acquired, null where none are told."""
    told = text(header[AT["acquisition_time"]])
    return seconds(told or text(header[AT["acquisition_datetime"]])[_DAY_CHARACTERS:])


def days_said(header: RawHeader) -> str | None:
    """Return every date where they contradict, to be judged on the night; else nothing."""
    return _judged(*[text(header[at]) for at in _OF_DAYS])[1]


@lru_cache(maxsize=4096)  # the slices of a series say the same
def _judged(birth: str, age: str, *dates: str) -> tuple[date | None, str | None]:
    """Return the day that is believed, and the dates in the order of preference if at odds."""
    born = day(birth)
    first = max(FIRST_CT, born or FIRST_CT)
    found = [day(told) for told in dates]
    impossible = [d is not None and d < first for d in found]
    days = [None if bad else d for d, bad in zip(found, impossible, strict=True)]
    ages = [scan_dates.completed_years(born, on) for on in days]
    which = scan_dates.believed(days, ages, age_years(age))
    return None if which is None else days[which], scan_dates.join(days, impossible)


def _sync(header: RawHeader) -> str:
    names = ("cardiac_sync", "trigger_time", "trigger_type")
    return cardiac_sync(*(header[AT[name]] for name in names))


def _contrast(header: RawHeader) -> str | None:
    names = ("contrast_agent", "contrast_ml", "contrast_ingredient", "contrast_route")
    told = contrast_agent(*(header[AT[name]] for name in names))
    is_absent = header[AT["contrast_agent"]] is None
    return None if is_absent and not told else told


def descriptions(header: RawHeader) -> str:
    """Study, series and protocol texts, those that are there, joined by ` | `."""
    names = ("study_description", "series_description", "protocol_name")
    return " | ".join(t for t in (text(header[AT[n]]) for n in names) if t)


def sop_class(header: RawHeader) -> str:
    """SOPClassUID, else the class the file's preface names."""
    return text(header[AT["sop_class_uid"]]) or text(header[AT["media_class_uid"]])


def _spacing(index: int) -> Callable[[RawHeader], float | None]:
    def read(header: RawHeader) -> float | None:
        pair = numbers(header[AT["spacing"]], 2)
        return None if pair is None or min(pair) <= 0 else pair[index]

    return read


def _plain(name: str, convert: Callable[[RawValue], object]) -> Callable[[RawHeader], object]:
    at = AT[name]
    return lambda header: convert(header[at])


# Column name -> how it comes out of a header. Path, size, time and pixel bytes come from the file.
COLUMNS: dict[str, Callable[[RawHeader], object]] = {
    "sop_class_uid": sop_class,
    "transfer_syntax_uid": _plain("transfer_syntax_uid", text),
    "modality": _plain("modality", text),
    "image_type": _plain("image_type", texts),
    "rows": _plain("rows", integer),
    "columns": _plain("columns", integer),
    "n_frames": lambda header: integer(header[AT["n_frames"]]) or 1,
    "row_spacing_mm": _spacing(0),
    "column_spacing_mm": _spacing(1),
    "position_lps_mm": _plain("position", lambda value: numbers(value, 3)),
    "orientation": _plain("orientation", lambda value: numbers(value, 6)),
    "image_number": _plain("image_number", integer),
    "acquisition_number": _plain("acquisition_number", integer),
    "acquired_s": acquired_s,
    "thickness_mm": _plain("thickness_mm", positive),
    "tilt_degrees": _plain("tilt_degrees", number),
    "kvp": _plain("kvp", positive),
    "exposure_mas": _plain("exposure_mas", positive),
    "kernel": _plain("kernel", text),
    "manufacturer": _plain("manufacturer", text),
    "scanner_model": _plain("scanner_model", text),
    "rescale_slope": _plain("slope", number),
    "rescale_intercept": _plain("intercept", number),
    "rescale_type": _plain("rescale_type", text),
    "photometric": _plain("photometric", text),
    "bits_allocated": _plain("bits_allocated", integer),
    "bits_stored": _plain("bits_stored", integer),
    "samples_per_pixel": _plain("samples_per_pixel", integer),
    "contrast_agent": _contrast,
    "body_part": _plain("body_part", text),
    "descriptions": descriptions,
    "series_description": _plain("series_description", text),
    "protocol_name": _plain("protocol_name", text),
    "conversion_type": _plain("conversion_type", text),
    "respiratory_sync": _plain("respiratory_sync", text),
    "cardiac_sync": _sync,
    "acquired_on": acquired_on,
    "days_said": days_said,
    "birth_date": _plain("birth_date", lambda value: day(text(value))),
    "age_years": _plain("age", lambda value: age_years(text(value))),
    "sex": _plain("sex", lambda value: text(value).upper()),
    "sop_instance_uid": _plain("sop_instance_uid", text),
    "series_instance_uid": _plain("series_instance_uid", text),
    "study_instance_uid": _plain("study_instance_uid", text),
    "frame_of_reference_uid": _plain("frame_of_reference_uid", text),
    "patient_name": _plain("patient_name", text),
    "patient_id": _plain("patient_id", text),
    "issuer": _plain("issuer", text),
    "accession": _plain("accession", text),
}
