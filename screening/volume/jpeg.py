"""Whether a JPEG Lossless stream is plain enough for the fast decoder.

Comes in: one frame's stream and the matrix the header announces.
Goes out: yes or no.
Refuses: nothing.

dicomsdl writes past its buffer, and ends the process, when a damaged stream announces another
size, component or table than its file's header. The segments before the scan are therefore
checked here (ITU-T T.81, annex B), and that no marker interrupts the scan.
"""

import re
import struct

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_SOF3, _DHT, _SOS = 0xC3, 0xC4, 0xDA
_APP_OR_COMMENT = frozenset([*range(0xE0, 0xF0), 0xFE])
# In a scan, 0xFF is followed by a stuffed zero or a restart number; anything else is a marker.
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7]")
_MAX_CATEGORY = 16  # longest difference that lossless coding knows


def is_plain_lossless(stream: bytes, rows: int, columns: int, bits: int) -> bool:
    """Check the segments of one grey, 16-bit-or-less, lossless Huffman frame."""
    if stream[:2] != _SOI:
        return False
    at, frame, has_table = 2, None, False
    while at + 4 <= len(stream) and stream[at] == 0xFF:
        marker, length = stream[at + 1], struct.unpack_from(">H", stream, at + 2)[0]
        body = stream[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == _SOF3:
            if frame is not None or not _is_frame(body, rows, columns, bits):
                return False
            frame = body
        elif marker == _DHT:
            if not _is_table(body):
                return False
            has_table = True
        elif marker == _SOS:
            is_ready = frame is not None and has_table and _is_scan(body, frame)
            return is_ready and _is_uninterrupted(stream, at)
        elif marker not in _APP_OR_COMMENT:
            return False
    return False


def _is_frame(body: bytes, rows: int, columns: int, bits: int) -> bool:
    if len(body) != 9:
        return False
    precision, height, width, components = struct.unpack_from(">BHHB", body)
    is_size = (height, width, components) == (rows, columns, 1)
    return is_size and bits <= precision <= 16 and body[7] == 0x11 and body[8] == 0


def _is_table(body: bytes) -> bool:
    """One DC Huffman table with possible code lengths and categories."""
    counts = body[1:17]
    if len(counts) != 16 or body[0] > 3 or len(body) != 17 + sum(counts):
        return False
    room = sum(count << (16 - length) for length, count in enumerate(counts, start=1))
    return room <= 1 << 16 and max(body[17:], default=0) <= _MAX_CATEGORY and sum(counts) > 0


def _is_scan(body: bytes, frame: bytes) -> bool:
    if len(body) != 6:
        return False
    components, component, table, predictor, end, transform = body
    is_grey = components == 1 and component == frame[6] and table in (0x00, 0x10, 0x20, 0x30)
    return is_grey and 1 <= predictor <= 7 and end == 0 and transform == 0


def _is_uninterrupted(stream: bytes, at: int) -> bool:
    found = _MARKER_IN_SCAN.search(stream, at)
    if found is None or found.group() != _EOI:
        return False
    return len(stream) - found.end() <= 1  # one byte may pad the frame to an even length
