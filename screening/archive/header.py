"""One file's header: fast where the file is plain, careful where it is not.

Comes in: an open file and its size.
Goes out: `Header` (the values of `TAGS`, bytes of pixels) or the reason why it is no instance.
Refuses: nothing; a damaged file is a reason.

Two readers. dicomsdl, compiled, reads the first bytes of a plain file. pydicom judges every
doubtful one: no preface, deflated or big-endian, an unusual character set, missing essentials,
a pixel element that is not where and as long as the matrix says.

dicomsdl ends the process on some damaged input when it reads the pixel element or inflates;
it is therefore only given bytes in memory, never deflated ones, and stops before the pixels
(6,000 damaged files: none ended the process that way).
"""

import io
import logging
import os
import re
import struct
import warnings
from dataclasses import dataclass
from typing import BinaryIO

import dicomsdl
import pydicom
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue

from screening.archive.calcium_report import STRUCTURED_REPORTS
from screening.archive.contrast import AGENT_SEQUENCE, ROUTE_SEQUENCE
from screening.archive.deeper import (
    PYDICOM_ERRORS,
    note_of,
    take_agents,
    take_frames,
    take_report,
)
from screening.archive.pixels import (
    PIXEL_TAG,
    Extent,
    NoPixelsError,
    TruncatedError,
    pixel_extent,
)
from screening.archive.rejection import KEY_OBJECT_SELECTION, NO_NOTE, Note
from screening.archive.tags import AT, TAG_NUMBERS, RawHeader, sop_class
from screening.bounded import Bounded
from screening.deflated import DEFLATED, MAX_INFLATED_BYTES, as_plain, may_inflate
from screening.frames import ENHANCED_CT
from screening.header_values import RawValue, numbers, text
from screening.nesting import is_plain as is_plainly_nested
from screening.reasons import Reason

# Both libraries quote header values and paths in what they log.
dicomsdl.set_loglevel(dicomsdl.LogLevel.DISABLE)
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)

_HEAD_BYTES = 16 * 1024  # holds the header of nearly every CT slice
_MORE_BYTES = 4 * 1024 * 1024
_BEFORE_PIXELS = 0x7FDFFFFF
_ROWS_TAG = 0x00280010
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")
_UNDEFINED = 0xFFFFFFFF

_DEFLATED_BYTES = DEFLATED.encode()
_IMPLICIT = "1.2.840.10008.1.2"
_EXPLICIT = "1.2.840.10008.1.2.1"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_CT_CLASSES = frozenset(f"1.2.840.10008.5.1.4.1.1.2{tail}" for tail in ("", ".1", ".2"))
# What matters of these lies in sequences, which only pydicom looks into.
_LIES_DEEPER = frozenset({*ENHANCED_CT, *STRUCTURED_REPORTS, KEY_OBJECT_SELECTION})
_OF_CONTRAST = (AGENT_SEQUENCE, ROUTE_SEQUENCE)
_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_PLAIN_CHARACTER_SETS = ("", "ISO_IR 6", "ISO_IR 100", "ISO_IR 192")
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00")  # how a file without a preface may begin
_PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@dataclass(frozen=True, slots=True)
class Header:
    """The values of `TAGS` in their order, and the length of the pixels (-1: none).

    frame_positions : mm, of a multi-frame file three numbers a frame, else none
    frame_kinds : of a multi-frame file with several kinds of frames, as `frames.kinds`
    note : what a rejection note takes back; of other objects nothing
    """

    values: RawHeader
    pixel_bytes: int
    frame_positions: tuple[float, ...] = ()
    note: Note = NO_NOTE
    frame_kinds: str = ""


class _DoubtError(Exception):
    """The fast reader cannot vouch for this file."""


def read_header(file: BinaryIO, size_bytes: int) -> Header | Reason:
    """Read the header of an open file.

    Raises
    ------
    OSError
        when reading fails
    """
    head = _pread(file, _HEAD_BYTES, 0)
    has_preface = head[128:132] == b"DICM"
    if not has_preface and head[:2] not in _FIRST_GROUPS:
        return Reason.NOT_DICOM
    try:
        if not has_preface:
            raise _DoubtError
        header: Header | Reason = _quick(file, head, size_bytes)
    except (_DoubtError, dicomsdl.DicomException, NoPixelsError, UnicodeDecodeError):
        header = _judge(file, size_bytes, has_preface)
    except TruncatedError:
        return Reason.TRUNCATED_FILE
    if isinstance(header, Header) and sop_class(header.values) == _MEDIA_DIRECTORY:
        return Reason.IGNORED_FILE
    return header


def sop_instance_of(content: bytes) -> str:
    """Return the SOPInstanceUID of a file in memory; empty where that is not to be read."""
    try:
        file, _, _ = _not_deflated(io.BytesIO(content), len(content))
        found = pydicom.dcmread(
            Bounded(file), stop_before_pixels=True, specific_tags=["SOPInstanceUID"], force=True
        )
    except (EOFError, *PYDICOM_ERRORS):
        return ""
    return str(found.get("SOPInstanceUID", ""))


def _pread(file: BinaryIO, length: int, offset: int) -> bytes:
    """Read at a place; in one call where the file is one of the operating system."""
    if isinstance(file, io.FileIO):
        return os.pread(file.fileno(), length, offset)
    file.seek(offset)
    return file.read(length)


def read_values(dataset: Dataset) -> Header | Reason:
    """Take the header from a data set that came without its file, and so without pixels."""
    with warnings.catch_warnings(), disable_value_validation():
        warnings.simplefilter("ignore")
        values = _values(dataset)
        positions, kinds_of_frames = take_frames(dataset, values)
        take_agents(dataset, values)
        take_report(dataset, values)
        note = note_of(dataset, values)
    if not _is_object(values, has_preface=True):
        return Reason.UNREADABLE
    return Header(values, -1, positions, note, kinds_of_frames)


def _quick(file: BinaryIO, head: bytes, size_bytes: int) -> Header:
    try:
        return _parse(file, head, size_bytes)
    except (_DoubtError, dicomsdl.DicomException):
        if len(head) >= size_bytes or size_bytes > _MORE_BYTES:
            raise
    return _parse(file, _pread(file, _MORE_BYTES, 0), size_bytes)


def _parse(file: BinaryIO, head: bytes, size_bytes: int) -> Header:
    if _DEFLATED_BYTES in head or not is_plainly_nested(head):
        raise _DoubtError
    dataset = dicomsdl.open_memory(head, False, _BEFORE_PIXELS)
    values: RawHeader = dataset.getValues(TAG_NUMBERS)
    syntax = text(values[AT["transfer_syntax_uid"]])
    if syntax in ("", _BIG_ENDIAN) or _is_doubtful(values):
        raise _DoubtError
    is_told = all(text(values[AT[name]]) for name in ("contrast_agent", "contrast_route"))
    if not is_told and any(dataset.getDataElement(tag).length() for tag in _OF_CONTRAST):
        raise _DoubtError
    if values[AT["rows"]] is None:
        # No image: only the whole file shows that nothing is cut off.
        if len(head) < size_bytes or sop_class(values) in _CT_CLASSES:
            raise _DoubtError
        return Header(values, -1)
    after = dataset.getDataElement(_ROWS_TAG).offset()
    return Header(values, _find_pixels(file, head, after, size_bytes, values).n_bytes)


def _find_pixels(
    file: BinaryIO, head: bytes, after: int, size_bytes: int, values: RawHeader
) -> Extent:
    """Find the one pixel element that is as long as the matrix says, or fills the file."""
    syntax = text(values[AT["transfer_syntax_uid"]])
    expected = _native_bytes(values)

    def read_at(offset: int, length: int) -> bytes:
        if offset + length <= len(head):
            return head[offset : offset + length]
        return _pread(file, length, offset)

    offset = head.find(PIXEL_TAG, after)
    while offset >= 0:
        try:
            extent = pixel_extent(read_at, offset, size_bytes, syntax != _IMPLICIT)
            fits = extent.n_bytes in (expected, expected + 1)
            if fits if extent.is_native else extent.end == size_bytes:
                return extent
        except NoPixelsError:
            pass
        except TruncatedError:
            if offset < len(head) and head.find(PIXEL_TAG, offset + 4) < 0:
                raise _DoubtError from None
        offset = head.find(PIXEL_TAG, offset + 4)
    raise _DoubtError


def _native_bytes(values: RawHeader) -> int:
    names = ("rows", "columns", "samples_per_pixel", "bits_allocated")
    product = 1
    for name in names:
        value = values[AT[name]]
        if not isinstance(value, int):
            raise _DoubtError
        product *= value
    frames = values[AT["n_frames"]]
    return product // 8 * (frames if isinstance(frames, int) and frames > 0 else 1)


def _is_doubtful(values: RawHeader) -> bool:
    """Whether essentials are missing, lie deeper, or were read more kindly than written."""
    found = sop_class(values)
    if not found or found in _LIES_DEEPER or not text(values[AT["modality"]]):
        return True
    if text(values[AT["character_set"]]) not in _PLAIN_CHARACTER_SETS:
        return True
    slope, position = values[AT["slope"]], values[AT["position"]]
    return slope == 0 or (position not in (None, "") and numbers(position, 3) is None)


def _judge(file: BinaryIO, size_bytes: int, has_preface: bool) -> Header | Reason:
    """Let pydicom say what a doubtful file is."""
    bad = Reason.UNREADABLE if has_preface else Reason.NOT_DICOM
    try:
        with warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            file, size_bytes, is_deflated = _not_deflated(file, size_bytes)
            plain = Bounded(file)
            dataset = pydicom.dcmread(plain, stop_before_pixels=True, force=not has_preface)
            is_cut = _is_cut(dataset)  # first: reading a value replaces the raw element
            values = _values(dataset)
            if is_deflated:
                values[AT["transfer_syntax_uid"]] = DEFLATED
            if not _is_object(values, has_preface):
                return bad
            if is_cut:
                return Reason.TRUNCATED_FILE
            positions, kinds_of_frames = take_frames(dataset, values)
            take_agents(dataset, values)
            take_report(dataset, values)
            note = note_of(dataset, values)
            n_bytes = _judged_pixels(file, dataset, size_bytes)
            return Header(values, n_bytes, positions, note, kinds_of_frames)
    except TruncatedError:
        return Reason.TRUNCATED_FILE
    except (EOFError, *PYDICOM_ERRORS) as error:
        is_end = isinstance(error, EOFError | struct.error) or "end of file" in str(error)
        return Reason.TRUNCATED_FILE if is_end and has_preface else bad


def _not_deflated(file: BinaryIO, size_bytes: int) -> tuple[BinaryIO, int, bool]:
    """Return the file at its beginning, as if it had never been deflated; and whether it was."""
    is_deflated = _DEFLATED_BYTES in _pread(file, _HEAD_BYTES, 0)
    if is_deflated:
        data = _pread(file, size_bytes, 0) if size_bytes <= MAX_INFLATED_BYTES else b""
        if not may_inflate(data):
            raise InvalidDicomError
        plain = as_plain(data)
        file, size_bytes = io.BytesIO(plain), len(plain)
    file.seek(0)
    return file, size_bytes, is_deflated


def _is_object(values: RawHeader, has_preface: bool) -> bool:
    """Whether the header names a DICOM object; without a preface, more is asked.

    De-identified archives leave UIDs empty: with a preface, class or modality is enough.
    """
    if has_preface:
        return bool(sop_class(values) or text(values[AT["modality"]]))
    names = ("sop_class_uid", "sop_instance_uid", "series_instance_uid")
    return all(_UID.fullmatch(text(values[AT[n]])) for n in names)


def _is_cut(dataset: FileDataset) -> bool:
    """Whether an element holds fewer bytes than it announces: pydicom reads on silently."""
    for element in dataset._dict.values():
        length = getattr(element, "length", None)
        value = getattr(element, "value", None)
        if not isinstance(length, int) or not isinstance(value, bytes):
            continue
        if length != _UNDEFINED and len(value) < length:
            return True
    return False


def _judged_pixels(file: BinaryIO, dataset: FileDataset, size_bytes: int) -> int:
    syntax = str(getattr(dataset.file_meta, "TransferSyntaxUID", "") or _IMPLICIT)
    is_image = "Rows" in dataset or sop_class(_values(dataset)) in _CT_CLASSES
    if syntax == _BIG_ENDIAN:
        file.seek(0)
        whole = pydicom.dcmread(file)
        found = next((whole[k].value for k in _PIXEL_KEYWORDS if k in whole), None)
        if found is None and is_image:
            raise TruncatedError
        return -1 if found is None else len(found)
    offset = file.tell()
    if offset >= size_bytes:
        if is_image:
            raise TruncatedError
        return -1

    def read_at(at: int, length: int) -> bytes:
        return _pread(file, length, at)

    try:
        return pixel_extent(read_at, offset, size_bytes, not _is_implicit(dataset)).n_bytes
    except NoPixelsError:
        return -1  # floating-point pixels, or something after a header without an image


def _is_implicit(dataset: FileDataset) -> bool:
    return bool(dataset.original_encoding[0])


def _values(dataset: Dataset) -> RawHeader:
    meta = getattr(dataset, "file_meta", Dataset())
    return [_raw(meta if tag < 0x00080000 else dataset, tag) for tag in TAG_NUMBERS]


def _raw(dataset: Dataset, tag: int) -> RawValue:
    """One element as dicomsdl would give it; null where it cannot be understood."""
    if tag not in dataset:
        return None
    try:
        value = dataset[tag].value
    except PYDICOM_ERRORS:
        return None
    if value is None:
        return ""
    if isinstance(value, MultiValue | list):
        return [_scalar(v) for v in value]  # type: ignore[return-value]  # one kind a tag
    return _scalar(value)


def _scalar(value: object) -> str | int | float:
    if isinstance(value, float):
        return float(value)
    return int(value) if isinstance(value, int) else str(value)
