"""What one file says about its slice.

Comes in: a file's bytes.
Goes out: `SliceHeader`.
Refuses: bytes that neither reader understands (`decode_failed`).

dicomsdl reads plain files; pydicom judges the others. dicomsdl ends the process on some
damaged input when it reads past the header or inflates, so it stops before the pixels and is
never given deflated files.
"""

import io
import logging
import math
import struct
import warnings
from dataclasses import dataclass

import dicomsdl
import pydicom
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue

from screening.reasons import Reason
from screening.volume.refusal import RefusalError

# Both libraries quote header values in what they log.
dicomsdl.set_loglevel(dicomsdl.LogLevel.DISABLE)
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)

# What pydicom and its decoders raise on damaged input, measured over changed files.
PYDICOM_ERRORS = (
    InvalidDicomError,
    BytesLengthException,
    EOFError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    MemoryError,
    RuntimeError,
    struct.error,
)

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
_BEFORE_PIXELS = 0x7FDFFFFF

_TAGS = {
    "transfer_syntax": 0x00020010,
    "modality": 0x00080060,
    "manufacturer": 0x00080070,
    "model": 0x00081090,
    "contrast_agent": 0x00180010,
    "thickness_mm": 0x00180050,
    "kvp": 0x00180060,
    "trigger_time": 0x00181060,
    "trigger_type": 0x00181061,
    "tilt_degrees": 0x00181120,
    "exposure_mas": 0x00181152,
    "kernel": 0x00181210,
    "cardiac_sync": 0x00189037,
    "position": 0x00200032,
    "orientation": 0x00200037,
    "samples": 0x00280002,
    "photometric": 0x00280004,
    "n_frames": 0x00280008,
    "rows": 0x00280010,
    "columns": 0x00280011,
    "spacing": 0x00280030,
    "bits_allocated": 0x00280100,
    "bits_stored": 0x00280101,
    "is_signed": 0x00280103,
    "padding": 0x00280120,
    "padding_limit": 0x00280121,
    "intercept": 0x00281052,
    "slope": 0x00281053,
    "rescale_type": 0x00281054,
}
_TAG_NUMBERS = list(_TAGS.values())
_ROWS_TAG = _TAGS["rows"]
# How sites write into the contrast tag that none was given.
_NO_CONTRAST = frozenset({"", "NONE", "NO", "N", "NO CONTRAST", "WITHOUT", "WITHOUT CONTRAST", "0"})
_NOT_GATED = frozenset({"", "NONE"})


@dataclass(frozen=True, slots=True)
class SliceHeader:
    """One file's header, as far as this room needs it; None where absent or unreadable.

    `pixels_after` is an offset before the pixel element, -1 when pydicom must decode.
    """

    transfer_syntax: str
    modality: str
    manufacturer: str
    model: str
    kernel: str
    is_gated: bool
    has_contrast_tag: bool
    thickness_mm: float | None
    kvp: float | None
    tilt_degrees: float | None
    exposure_mas: float | None
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    samples: int
    photometric: str
    n_frames: int
    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    is_signed: bool
    padding: tuple[int, int] | None
    intercept: float | None
    slope: float | None
    rescale_type: str
    pixels_after: int


def read_header(data: bytes) -> SliceHeader:
    """Read one file's header.

    Raises
    ------
    RefusalError
        `decode_failed` when the bytes are no DICOM image
    """
    quick = _quick(data)
    if quick is not None:
        return quick
    try:
        with warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, force=True)
            values = {name: _raw(dataset, tag) for name, tag in _TAGS.items()}
    except PYDICOM_ERRORS as error:
        raise RefusalError(Reason.DECODE_FAILED, f"header: {type(error).__name__}") from None
    return _header(values, -1)


def _quick(data: bytes) -> SliceHeader | None:
    """Read with dicomsdl; None where pydicom should judge."""
    if data[128:132] != b"DICM" or DEFLATED.encode() in data[:8192]:
        return None
    try:
        dataset = dicomsdl.open_memory(data, False, _BEFORE_PIXELS)
        values = dict(zip(_TAGS, dataset.getValues(_TAG_NUMBERS), strict=True))
        after = dataset.getDataElement(_ROWS_TAG).offset()
    except (dicomsdl.DicomException, UnicodeDecodeError):
        return None
    header = _header(values, after)
    is_plain = header.transfer_syntax not in ("", BIG_ENDIAN) and header.rows > 0
    is_whole = header.slope != 0 and header.position and header.orientation and header.spacing
    return header if is_plain and is_whole else None


def _header(v: dict[str, object], after: int) -> SliceHeader:
    sync = _text(v["cardiac_sync"]).upper()
    trigger = _text(v["trigger_time"]) + _text(v["trigger_type"])
    return SliceHeader(
        transfer_syntax=_text(v["transfer_syntax"]),
        modality=_text(v["modality"]),
        manufacturer=_text(v["manufacturer"]),
        model=_text(v["model"]),
        kernel=_text(v["kernel"]),
        is_gated=sync not in _NOT_GATED or bool(not sync and trigger),
        has_contrast_tag=_text(v["contrast_agent"]).upper() not in _NO_CONTRAST,
        thickness_mm=_positive(v["thickness_mm"]),
        kvp=_positive(v["kvp"]),
        tilt_degrees=_number(v["tilt_degrees"]),
        exposure_mas=_positive(v["exposure_mas"]),
        position=_numbers(v["position"], 3),
        orientation=_numbers(v["orientation"], 6),
        spacing=_numbers(v["spacing"], 2),
        samples=_integer(v["samples"], 1),
        photometric=_text(v["photometric"]),
        n_frames=_integer(v["n_frames"], 1),
        rows=_integer(v["rows"], 0),
        columns=_integer(v["columns"], 0),
        bits_allocated=_integer(v["bits_allocated"], 0),
        bits_stored=_integer(v["bits_stored"], 0),
        is_signed=_integer(v["is_signed"], 0) == 1,
        padding=_padding(v["padding"], v["padding_limit"]),
        intercept=_number(v["intercept"]),
        slope=_number(v["slope"]),
        rescale_type=_text(v["rescale_type"]).upper(),
        pixels_after=after,
    )


def _raw(dataset: Dataset, tag: int) -> object:
    source = getattr(dataset, "file_meta", Dataset()) if tag < 0x00080000 else dataset
    if tag not in source:
        return None
    try:
        value = source[tag].value
    except PYDICOM_ERRORS:
        return None
    return list(value) if isinstance(value, MultiValue) else value


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "/".join(_text(v) for v in value)
    return str(value).strip(" \0")


def _number(value: object) -> float | None:
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _positive(value: object) -> float | None:
    found = _number(value)
    return found if found is not None and found > 0 else None


def _integer(value: object, default: int) -> int:
    found = _number(value)
    return default if found is None else int(found)


def _numbers(value: object, count: int) -> tuple[float, ...] | None:
    if not isinstance(value, list) or len(value) != count:
        return None
    found = tuple(n for n in map(_number, value) if n is not None)
    return found if len(found) == count else None


def _padding(value: object, limit: object) -> tuple[int, int] | None:
    first = _number(value)
    if first is None:
        return None
    last = _number(limit)
    return int(first), int(first if last is None else last)
