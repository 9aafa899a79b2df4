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
import re
import struct
import warnings
from dataclasses import dataclass, replace

import dicomsdl
import pydicom
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue

from screening.bounded import Bounded
from screening.deflated import DEFLATED, as_plain, may_inflate
from screening.frames import ENHANCED_CT, Values, values_of_frames
from screening.header_values import (
    cardiac_sync,
    contrast_agent,
    integer,
    number,
    numbers,
    positive,
    says_gated,
    text,
)
from screening.nesting import is_plain as is_plainly_nested
from screening.reasons import Reason
from screening.reconstruction import MAKERS_ELEMENTS, makers_words, reconstruction
from screening.vocabulary import (
    DERIVED_TYPES,
    PROJECTION_TYPES,
    SPECTRAL_TYPES,
    image_type_says,
    says_contrast,
)
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
    StopIteration,  # of a frame whose pieces end too soon
    struct.error,
)

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
_BEFORE_PIXELS = 0x7FDFFFFF
_META_BYTES = 1024 * 1024  # meta headers are far shorter
# JPEG baseline and extended, JPEG-LS near-lossless; JPEG 2000 and HTJ2K that may be either.
_LOSSY = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 81))
_MAYBE_LOSSY = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in (91, 203))

_TAGS = {
    "transfer_syntax": 0x00020010,
    "image_type": 0x00080008,
    "sop_class": 0x00080016,
    "modality": 0x00080060,
    "manufacturer": 0x00080070,
    "model": 0x00081090,
    "contrast_agent": 0x00180010,
    "contrast_ml": 0x00181041,
    "contrast_ingredient": 0x00181048,
    "thickness_mm": 0x00180050,
    "kvp": 0x00180060,
    "filter_type": 0x00181160,
    "trigger_time": 0x00181060,
    "trigger_type": 0x00181061,
    "tilt_degrees": 0x00181120,
    "exposure_mas": 0x00181152,
    "kernel": 0x00181210,
    "filter_material": 0x00187050,
    "cardiac_sync": 0x00189037,
    "algorithm": 0x00189315,
    "image_number": 0x00200013,
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
    "high_bit": 0x00280102,
    "is_signed": 0x00280103,
    "padding": 0x00280120,
    "padding_limit": 0x00280121,
    "intercept": 0x00281052,
    "slope": 0x00281053,
    "rescale_type": 0x00281054,
    "lossy": 0x00282110,
}
# What makers say of the reconstruction: the creator that makes an element theirs, and the value.
_TAGS |= {f"creator_{k}": element.creator_tag for k, element in enumerate(MAKERS_ELEMENTS)}
_TAGS |= {f"maker_{k}": element.tag for k, element in enumerate(MAKERS_ELEMENTS)}
_TAG_NUMBERS = list(_TAGS.values())
_ROWS_TAG = _TAGS["rows"]
# Images computed from others: choosing refuses them, a folder handed in is scored and flagged.
_COMPUTED_TYPES = f"{DERIVED_TYPES}|{PROJECTION_TYPES}|{SPECTRAL_TYPES}"
# FilterMaterial's defined term is TIN; makers also write the chemical sign.
_TIN = re.compile(r"(?<![A-Z])(?:TIN|SN|STANNUM)(?![A-Z])")


@dataclass(frozen=True, slots=True)
class SliceHeader:
    """One file's header, as far as this room needs it; None where absent or unreadable.

    `pixels_after` is an offset before the pixel element, -1 when pydicom must decode. `frame` is
    the place in a multi-frame file, None in a file of one slice.
    """

    transfer_syntax: str
    modality: str
    manufacturer: str
    model: str
    kernel: str
    reconstruction: str
    is_gated: bool
    is_derived: bool
    is_lossy: bool
    has_tin_filter: bool
    has_contrast_tag: bool
    thickness_mm: float | None
    kvp: float | None
    tilt_degrees: float | None
    exposure_mas: float | None
    image_number: int | None
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
    high_bit: int | None
    is_signed: bool
    padding: tuple[int, int] | None
    intercept: float | None
    slope: float | None
    rescale_type: str
    pixels_after: int
    frame: int | None = None


def read_header(data: bytes) -> SliceHeader:
    """Read the header of a file of one slice, or of a multi-frame file's first frame.

    Raises
    ------
    RefusalError
        `decode_failed` when the bytes are no DICOM image
    """
    return read_headers(data)[0]


def read_headers(data: bytes) -> list[SliceHeader]:
    """Read one file's header, as one for each frame where it is an enhanced image.

    Raises
    ------
    RefusalError
        `decode_failed` when the bytes are no DICOM image, or its frames are not all described
    """
    quick = _quick(data)
    if quick is not None:
        return [quick]
    is_deflated = DEFLATED.encode() in data[:_META_BYTES]
    if is_deflated and not may_inflate(data):
        raise RefusalError(Reason.DECODE_FAILED, "deflated: damaged, or far too long")
    try:
        with warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            file = Bounded(io.BytesIO(as_plain(data) if is_deflated else data))
            dataset = pydicom.dcmread(file, stop_before_pixels=True, force=True)
            values = {name: _raw(dataset, tag) for name, tag in _TAGS.items()}
            if is_deflated:
                values["transfer_syntax"] = DEFLATED
            is_enhanced = text(values["sop_class"]) in ENHANCED_CT
            frames = values_of_frames(dataset) if is_enhanced else []
    except PYDICOM_ERRORS as error:
        raise RefusalError(Reason.DECODE_FAILED, f"header: {type(error).__name__}") from None
    if not frames:
        return [_header(values, -1)]
    if len(frames) != integer(values["n_frames"]):
        raise RefusalError(Reason.DECODE_FAILED, "multi-frame: frames are not all described")
    return [
        replace(_header(values | _told(frame), -1), frame=number)
        for number, frame in enumerate(frames)
    ]


def _told(frame: Values) -> dict[str, object]:
    return {name: value for name, value in frame.items() if value is not None}


def _quick(data: bytes) -> SliceHeader | None:
    """Read with dicomsdl; None where pydicom should judge."""
    head = data[:_META_BYTES]
    if data[128:132] != b"DICM" or DEFLATED.encode() in head or not is_plainly_nested(data):
        return None
    try:
        dataset = dicomsdl.open_memory(data, False, _BEFORE_PIXELS)
        values = dict(zip(_TAGS, dataset.getValues(_TAG_NUMBERS), strict=True))
        after = dataset.getDataElement(_ROWS_TAG).offset()
    except (dicomsdl.DicomException, UnicodeDecodeError):
        return None
    header = _header(values, after)
    is_plain = header.transfer_syntax not in ("", BIG_ENDIAN) and header.rows > 0
    is_plain = is_plain and text(values["sop_class"]) not in ENHANCED_CT
    is_whole = header.slope != 0 and header.position and header.orientation and header.spacing
    return header if is_plain and is_whole else None


def _header(v: dict[str, object], after: int) -> SliceHeader:
    sync = cardiac_sync(v["cardiac_sync"], v["trigger_time"], v["trigger_type"])
    return SliceHeader(
        transfer_syntax=text(v["transfer_syntax"]),
        modality=text(v["modality"]),
        manufacturer=text(v["manufacturer"]),
        model=text(v["model"]),
        kernel=text(v["kernel"]),
        reconstruction=reconstruction(
            text(v["kernel"]), text(v["algorithm"]), text(v["manufacturer"]), _makers_words(v)
        ),
        is_gated=says_gated(sync),
        is_lossy=_is_lossy(text(v["transfer_syntax"]), text(v["lossy"])),
        is_derived=image_type_says(text(v["image_type"]).split("\\"), _COMPUTED_TYPES),
        has_tin_filter=_says_tin(text(v["filter_type"]), text(v["filter_material"])),
        has_contrast_tag=says_contrast(
            contrast_agent(v["contrast_agent"], v["contrast_ml"], v["contrast_ingredient"])
        ),
        thickness_mm=positive(v["thickness_mm"]),
        kvp=positive(v["kvp"]),
        tilt_degrees=number(v["tilt_degrees"]),
        exposure_mas=positive(v["exposure_mas"]),
        image_number=integer(v["image_number"]),
        position=numbers(v["position"], 3),
        orientation=numbers(v["orientation"], 6),
        spacing=numbers(v["spacing"], 2),
        samples=integer(v["samples"]) or 1,
        photometric=text(v["photometric"]),
        n_frames=integer(v["n_frames"]) or 1,
        rows=integer(v["rows"]) or 0,
        columns=integer(v["columns"]) or 0,
        bits_allocated=integer(v["bits_allocated"]) or 0,
        bits_stored=integer(v["bits_stored"]) or 0,
        high_bit=integer(v["high_bit"]),
        is_signed=integer(v["is_signed"]) == 1,
        padding=_padding(v["padding"], v["padding_limit"]),
        intercept=number(v["intercept"]),
        slope=number(v["slope"]),
        rescale_type=text(v["rescale_type"]).upper(),
        pixels_after=after,
    )


def _is_lossy(syntax: str, said: str) -> bool:
    """Whether the pixels were ever compressed with loss; syntaxes that allow both need the word."""
    return said == "01" or syntax in _LOSSY or (syntax in _MAYBE_LOSSY and said != "00")


def _says_tin(*filters: str) -> bool:
    return any(_TIN.search(value.upper().replace("_", " ")) for value in filters)


def _makers_words(v: dict[str, object]) -> str:
    n = range(len(MAKERS_ELEMENTS))
    return makers_words([(text(v[f"creator_{k}"]), text(v[f"maker_{k}"])) for k in n])


def _raw(dataset: Dataset, tag: int) -> object:
    source = getattr(dataset, "file_meta", Dataset()) if tag < 0x00080000 else dataset
    if tag not in source:
        return None
    try:
        value = source[tag].value
    except PYDICOM_ERRORS:
        return None
    return list(value) if isinstance(value, MultiValue) else value


def _padding(value: object, limit: object) -> tuple[int, int] | None:
    first = number(value)
    if first is None:
        return None
    last = number(limit)
    return int(first), int(first if last is None else last)
