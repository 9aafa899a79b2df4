"""Deflated files: whether one may be inflated at all, and how it would be otherwise.

Comes in: a file's bytes whose meta header names the deflated transfer syntax.
Goes out: yes or no; the same file not deflated.
Refuses: nothing.

A few kilobytes can hold gigabytes of zeros. The libraries inflate a file whole, so it is counted
here first how long it would become, in pieces that are thrown away.
"""

import struct
import zlib

DEFLATED, _PLAIN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.1"
MAX_INFLATED_BYTES = 512 * 1024 * 1024  # a thousand slices of 512 x 512 in one file
_PIECE_BYTES = 1024 * 1024
_GROUP_LENGTH = b"\x02\x00\x00\x00UL\x04\x00"  # the first element, behind preamble and prefix
_AT = 132


def may_inflate(data: bytes, limit_bytes: int = MAX_INFLATED_BYTES) -> bool:
    """Tell whether the data set behind the meta header is one deflated stream within the limit."""
    start = _starts_at(data)
    if start is None:
        return False
    stream, rest, total = zlib.decompressobj(-zlib.MAX_WBITS), data[start:], 0
    try:
        while rest and not stream.eof:
            total += len(stream.decompress(rest, _PIECE_BYTES))
            rest = stream.unconsumed_tail
            if total > limit_bytes:
                return False
    except zlib.error:
        return False
    return stream.eof


def as_plain(data: bytes) -> bytes:
    """Return a file that `may_inflate` as if it had been written without."""
    start = _starts_at(data)
    meta = data[:start].replace(DEFLATED.encode(), _PLAIN.encode().ljust(len(DEFLATED), b"\0"))
    return meta + zlib.decompress(data[start:], -zlib.MAX_WBITS)


def _starts_at(data: bytes) -> int | None:
    """Return where the data set begins, behind the meta header; None where that has no length."""
    if data[_AT : _AT + 8] != _GROUP_LENGTH or len(data) < _AT + 12:
        return None
    return int(_AT + 12 + struct.unpack_from("<I", data, _AT + 8)[0])
