"""A file's pixels as stored values.

Comes in: a file's bytes and its header.
Goes out: the stored 16-bit patterns, rows x columns.
Refuses: pixels that are cut off, do not decode or are not as large as the header says.

Who decodes what: native little-endian pixels are taken where they lie; JPEG Lossless is
decoded by dicomsdl, four times faster than the alternative and equal to the bit; everything
else by pydicom with its plugins, after each frame's own size was compared with the header's.
A JPEG Lossless stream that dicomsdl finds damaged is refused and not handed on: the other decoder
gives wrong pixels for it without a word. What is found damaged later than this, inside a compressed
stream, can still end the process; the sweep counts attempts for that.
"""

import io
import struct
import warnings

import dicomsdl
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.config import disable_value_validation
from pydicom.dataset import FileDataset
from pydicom.encaps import generate_frames
from pydicom.uid import ImplicitVRLittleEndian, RLELossless

from screening.reasons import Reason
from screening.volume.codestream import Announced, announced
from screening.volume.header import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    PYDICOM_ERRORS,
    SliceHeader,
)
from screening.volume.jpeg import is_plain_lossless
from screening.volume.refusal import RefusalError

_JPEG_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_PIXEL_TAG = b"\xe0\x7f\x10\x00"
_ENCAPSULATED = _PIXEL_TAG + b"OB\0\0\xff\xff\xff\xff"
_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0"
MAX_MATRIX = 4096  # CT is 512 to 2048; more is a damaged header
# 2,048 slices of 512 x 512, or 512 of 1024 x 1024: a whole body. A gigabyte.
MAX_VOXELS = 2**29


def check_is_decodable(header: SliceHeader) -> None:
    """Refuse a slice whose header promises no single 16-bit image.

    Raises
    ------
    RefusalError
        `decode_failed`
    """
    problems = {
        "multi-frame": header.n_frames > 1 and header.frame is None,
        "no image": header.rows < 1 or header.columns < 1,
        "matrix too large": max(header.rows, header.columns) > MAX_MATRIX,
        "too many frames": header.n_frames * header.rows * header.columns > MAX_VOXELS,
        "pixels are not 16-bit": header.bits_allocated != 16 or not 1 <= header.bits_stored <= 16,
        # PS3.5 8.1.1 asks for it; else the bits that count lie where nobody looks for them.
        "high bit is not the last bit stored": (
            header.high_bit is not None and header.high_bit != header.bits_stored - 1
        ),
    }
    for detail, is_wrong in problems.items():
        if is_wrong:
            raise RefusalError(Reason.DECODE_FAILED, detail)


def decode(data: bytes, header: SliceHeader) -> NDArray[np.uint16]:
    """Decode one file.

    Returns
    -------
    uint16 (rows, columns), the stored bit patterns; signed values as their 16-bit pattern

    Raises
    ------
    RefusalError
        `decode_failed`
    """
    stored = None
    if header.transfer_syntax in _JPEG_LOSSLESS:
        stored = _jpeg_lossless(data, header)
    elif header.transfer_syntax in (EXPLICIT_LITTLE, IMPLICIT_LITTLE):
        stored = _native(data, header)
    if stored is None:
        stored = _with_pydicom(data, header)
    if stored.shape != (header.rows, header.columns) or stored.dtype.itemsize != 2:
        raise RefusalError(Reason.DECODE_FAILED, "pixels do not fit the matrix")
    return _patterns(stored)


def decode_frames(data: bytes, header: SliceHeader) -> NDArray[np.uint16]:
    """Decode a multi-frame file.

    Returns
    -------
    uint16 (frames, rows, columns), as `decode`

    Raises
    ------
    RefusalError
        `decode_failed`
    """
    stored = _with_pydicom(data, header)
    if stored.ndim == 2:
        stored = stored[None]  # of one frame pydicom makes a slice
    if stored.shape != (header.n_frames, header.rows, header.columns) or stored.dtype.itemsize != 2:
        raise RefusalError(Reason.DECODE_FAILED, "pixels do not fit the matrix")
    return _patterns(stored)


def _patterns(stored: NDArray[np.uint16]) -> NDArray[np.uint16]:
    native = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    return np.ascontiguousarray(native).view(np.uint16)


def _native(data: bytes, header: SliceHeader) -> NDArray[np.uint16] | None:
    """Take the pixels where they lie; None where the element is not as expected."""
    if header.pixels_after < 0:
        return None
    n_pixels = header.rows * header.columns
    length = struct.pack("<I", 2 * n_pixels)
    is_explicit = header.transfer_syntax == EXPLICIT_LITTLE
    for kind in (b"OW\0\0", b"OB\0\0") if is_explicit else (b"",):
        mark = _PIXEL_TAG + kind + length
        at = data.find(mark, header.pixels_after)
        if 0 <= at <= len(data) - len(mark) - 2 * n_pixels:
            flat = np.frombuffer(data, dtype="<u2", count=n_pixels, offset=at + len(mark))
            return flat.reshape(header.rows, header.columns)
    return None


def _jpeg_lossless(data: bytes, header: SliceHeader) -> NDArray[np.uint16]:
    """Decode with dicomsdl, which ends the process on some damaged elements and streams.

    It therefore never sees the file: only a stream whose segments were looked through, in a
    wrapping of its own.
    """
    stream = b"".join(_streams(data, max(header.pixels_after, 0)))
    if not is_plain_lossless(stream, header.rows, header.columns, header.bits_stored):
        raise RefusalError(Reason.DECODE_FAILED, "JPEG Lossless: damaged or unusual stream")
    wrapped = _wrapped(stream, header)
    try:
        stored: NDArray[np.uint16] = dicomsdl.open_memory(wrapped, False).pixelData(
            storedvalue=True
        )
    except (dicomsdl.DicomException, RuntimeError) as error:
        detail = f"JPEG Lossless: {type(error).__name__}"
        raise RefusalError(Reason.DECODE_FAILED, detail) from None
    return stored


def _wrapped(stream: bytes, header: SliceHeader) -> bytes:
    """Write the smallest DICOM file around one frame's stream."""

    def short(group: int, element: int, kind: bytes, value: bytes) -> bytes:
        return struct.pack("<HH2sH", group, element, kind, len(value)) + value

    def number(element: int, value: int) -> bytes:
        return short(0x0028, element, b"US", struct.pack("<H", value))

    syntax = header.transfer_syntax.encode()
    meta = short(0x0002, 0x0010, b"UI", syntax + b"\0" * (len(syntax) % 2))
    stream += b"\0" * (len(stream) % 2)
    parts = (
        bytes(128) + b"DICM",
        short(0x0002, 0x0000, b"UL", struct.pack("<I", len(meta))),
        meta,
        number(0x0002, 1),
        short(0x0028, 0x0004, b"CS", b"MONOCHROME2 "),
        number(0x0010, header.rows),
        number(0x0011, header.columns),
        number(0x0100, 16),
        number(0x0101, header.bits_stored),
        number(0x0102, header.bits_stored - 1),
        number(0x0103, int(header.is_signed)),
        _ENCAPSULATED,
        _ITEM + bytes(4),
        _ITEM + struct.pack("<I", len(stream)),
        stream,
        _SEQUENCE_END + bytes(4),
    )
    return b"".join(parts)


def _streams(data: bytes, after: int) -> list[bytes]:
    """Return the pieces of the encapsulated pixels; none unless they are all there."""
    at = data.find(_ENCAPSULATED, after)
    if at < 0:
        return []
    at += len(_ENCAPSULATED)
    items: list[bytes] = []
    while at + 8 <= len(data):
        tag, length = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        at += 8
        if tag == _SEQUENCE_END:
            return items[1:]  # the first is the offset table
        if tag != _ITEM or at + length > len(data):
            return []
        items.append(data[at : at + length])
        at += length
    return []


def _with_pydicom(data: bytes, header: SliceHeader) -> NDArray[np.uint16]:
    try:
        with warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(io.BytesIO(data), force=True)
            if "TransferSyntaxUID" not in dataset.file_meta:
                # A file without meta header: the default encoding of DICOM (PS3.5, 10.1).
                dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
            _check_streams(dataset, header)
            stored: NDArray[np.uint16] = dataset.pixel_array
    except PYDICOM_ERRORS as error:
        raise RefusalError(Reason.DECODE_FAILED, f"pixels: {type(error).__name__}") from None
    return stored


def _check_streams(dataset: FileDataset, header: SliceHeader) -> None:
    """Refuse a frame that would decode to another size than the header says.

    Decoders make room for what the stream says, before they look whether it is there.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated or syntax == RLELossless:
        return
    expected = Announced(header.rows, header.columns, 1)
    for stream in generate_frames(dataset.PixelData, number_of_frames=header.n_frames):
        if announced(stream) != expected:
            raise RefusalError(Reason.DECODE_FAILED, "the frame's own size is not the header's")
