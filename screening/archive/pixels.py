"""Where a file's pixel data lies, and whether the file holds all of it.

Comes in: a way to read bytes at an offset, and where the pixel element may begin.
Goes out: `Extent`: the bytes of pixels and where the element ends.
Refuses: an element that runs past the file's end (`TruncatedError`), and bytes that are no
pixel element (`NoPixelsError`).

The layout is DICOM PS3.5, 7.1 (data elements) and A.4 (encapsulated pixels as a sequence of
items, closed by a delimiter).
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

PIXEL_TAG = b"\xe0\x7f\x10\x00"
_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0"
_UNDEFINED = 0xFFFFFFFF
_MAX_ITEMS = 1_000_000

ReadAt = Callable[[int, int], bytes]


class NoPixelsError(ValueError):
    """What lies there is no pixel element."""


class TruncatedError(ValueError):
    """The file ends inside its pixel element."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The pixel element of one file.

    n_bytes : length of the pixels without item headers and offset table
    end : offset of the first byte after the element
    is_native : pixels lie there uncompressed
    """

    n_bytes: int
    end: int
    is_native: bool


def pixel_extent(read_at: ReadAt, offset: int, size_bytes: int, is_explicit: bool) -> Extent:
    """Measure the little-endian pixel element that begins at `offset`.

    Raises
    ------
    NoPixelsError, TruncatedError
    """
    head = read_at(offset, 12)
    if is_explicit:
        if len(head) < 12:
            raise TruncatedError
        if head[:4] != PIXEL_TAG or head[4:8] not in (b"OW\0\0", b"OB\0\0", b"UN\0\0"):
            raise NoPixelsError
        start, length = offset + 12, struct.unpack_from("<I", head, 8)[0]
    else:
        if len(head) < 8:
            raise TruncatedError
        if head[:4] != PIXEL_TAG:
            raise NoPixelsError
        start, length = offset + 8, struct.unpack_from("<I", head, 4)[0]
    if length == _UNDEFINED:
        return _encapsulated(read_at, start, size_bytes)
    if start + length > size_bytes:
        raise TruncatedError
    return Extent(length, start + length, is_native=True)


def _encapsulated(read_at: ReadAt, start: int, size_bytes: int) -> Extent:
    n_bytes, at = 0, start
    for number in range(_MAX_ITEMS):
        head = read_at(at, 8)
        if len(head) < 8:
            raise TruncatedError
        length = struct.unpack_from("<I", head, 4)[0]
        at += 8
        if head[:4] == _SEQUENCE_END:
            return Extent(n_bytes, at, is_native=False)
        if head[:4] != _ITEM or length == _UNDEFINED:
            raise NoPixelsError
        if at + length > size_bytes:
            raise TruncatedError
        at += length
        n_bytes += length if number else 0  # the first item is the offset table
    raise NoPixelsError
