"""What a compressed frame says of itself, before anything is allocated for it.

Comes in: one frame's stream, as it lies in the file.
Goes out: `Announced`: the size a decoder would make room for.
Refuses: nothing; a stream that is none of these is None.

JPEG and JPEG-LS: a frame header SOFn (ITU-T T.81 B.2.2, T.87 C.2.2). JPEG 2000 and HTJ2K: the SIZ
marker right behind the start of the codestream (ITU-T T.800 A.5.1), perhaps in a box of a JP2 file.
"""

import struct
from dataclasses import dataclass

_SOI = b"\xff\xd8"
_J2K_START = b"\xff\x4f\xff\x51"
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
_BOXES_BYTES = 4096  # boxes before the codestream
_SOS = 0xDA
# SOF0-3, 5-7, 9-11, 13-15 and JPEG-LS's SOF55; not DHT, JPG, DAC.
_SOF = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_MAX_TILES = 65535  # T.800: tiles are numbered in 16 bits


@dataclass(frozen=True, slots=True)
class Announced:
    """What the stream would decode to."""

    rows: int
    columns: int
    components: int


def announced(stream: bytes) -> Announced | None:
    """Read the size out of a stream."""
    if stream[:2] == _SOI:
        return _of_jpeg(stream)
    if stream[:4] == _J2K_START:
        return _of_j2k(stream, 0)
    if stream[:8] == _JP2_SIGNATURE:
        at = stream.find(_J2K_START, 0, _BOXES_BYTES)
        return None if at < 0 else _of_j2k(stream, at)
    return None


def _of_jpeg(stream: bytes) -> Announced | None:
    at = 2
    while at + 10 <= len(stream) and stream[at] == 0xFF:
        marker, length = stream[at + 1], struct.unpack_from(">H", stream, at + 2)[0]
        if marker in _SOF:
            _, rows, columns, components = struct.unpack_from(">BHHB", stream, at + 4)
            return Announced(rows, columns, components)
        if marker == _SOS:
            return None
        at += 2 + length
    return None


def _of_j2k(stream: bytes, at: int) -> Announced | None:
    if len(stream) < at + 42:
        return None
    right, bottom, left, top, tile_x, tile_y, tile_left, tile_top = struct.unpack_from(
        ">8I", stream, at + 8
    )
    (components,) = struct.unpack_from(">H", stream, at + 40)
    is_placed = left < right and top < bottom and tile_left <= left and tile_top <= top
    if not is_placed or not tile_x or not tile_y:
        return None
    tiles = -(-(right - tile_left) // tile_x) * -(-(bottom - tile_top) // tile_y)
    return Announced(bottom - top, right - left, components) if tiles <= _MAX_TILES else None
