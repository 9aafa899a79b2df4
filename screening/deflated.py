"""Whether a deflated file may be inflated at all.

Comes in: a file's bytes whose meta header names the deflated transfer syntax.
Goes out: yes or no.
Refuses: nothing.

A few kilobytes can hold gigabytes of zeros. The libraries inflate a file whole, so it is counted
here first how long it would become, in pieces that are thrown away.
"""

import struct
import zlib

DEFLATED = "1.2.840.10008.1.2.1.99"
MAX_INFLATED_BYTES = 512 * 1024 * 1024  # a thousand slices of 512 x 512 in one file
_PIECE_BYTES = 1024 * 1024
_GROUP_LENGTH = b"\x02\x00\x00\x00UL\x04\x00"  # the first element, behind preamble and prefix
_AT = 132


def may_inflate(data: bytes, limit_bytes: int = MAX_INFLATED_BYTES) -> bool:
    """Tell whether the data set behind the meta header is one deflated stream within the limit."""
    if data[_AT : _AT + 8] != _GROUP_LENGTH or len(data) < _AT + 12:
        return False
    start = _AT + 12 + struct.unpack_from("<I", data, _AT + 8)[0]
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
