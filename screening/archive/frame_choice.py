"""Some frames of a multi-frame file, as a file of their own.

Comes in: what reads whole files. Goes out: the same for names that choose frames (`frames.choose`).
Refuses: nothing; a file that cannot be cut stays whole, and whoever loads it refuses it.
"""

import io
import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TypeVar

import pydicom
from pydicom.config import disable_value_validation
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate, generate_frames

from screening.archive.deeper import PYDICOM_ERRORS
from screening.deflated import DEFLATED, may_inflate
from screening.frames import chosen
from screening.header_values import integer

Where = TypeVar("Where")
Read = Callable[[Where, Sequence[str]], list[bytes]]

_BITS_A_BYTE = 8
# Pieces of compressed pixels that are not as they should be.
_ODD_PIECES = (EOFError, RuntimeError, StopIteration)


def cuts_frames(read: Read[Where]) -> Read[Where]:
    """Let a reader of whole files be asked for frames of some."""

    @wraps(read)
    def reads(where: Where, paths: Sequence[str]) -> list[bytes]:
        asked = [chosen(path) for path in paths]
        files = read(where, [path for path, _ in asked])
        return [
            keep_frames(content, frames) if frames else content
            for content, (_, frames) in zip(files, asked, strict=True)
        ]

    return reads


def keep_frames(content: bytes, frames: Sequence[int]) -> bytes:
    """Return the file with these frames alone; whole where that cannot be done."""
    if DEFLATED.encode() in content[:1024] and not may_inflate(content):
        return content
    try:
        with warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            return _cut(pydicom.dcmread(io.BytesIO(content), force=True), frames)
    except (*PYDICOM_ERRORS, *_ODD_PIECES):
        return content


def _cut(dataset: FileDataset, frames: Sequence[int]) -> bytes:
    n = integer(dataset.NumberOfFrames) or 1
    groups = dataset.PerFrameFunctionalGroupsSequence
    pixels = dataset["PixelData"]
    if dataset.file_meta.TransferSyntaxUID.is_compressed and pixels.is_undefined_length:
        coded = list(generate_frames(pixels.value, number_of_frames=n))
        pixels.value = encapsulate([coded[k] for k in frames])
    else:
        bits = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated
        size = bits // _BITS_A_BYTE
        if len(pixels.value) < n * size:
            raise ValueError("cut off")
        pixels.value = b"".join(pixels.value[k * size : (k + 1) * size] for k in frames)
    dataset.PerFrameFunctionalGroupsSequence = [groups[k] for k in frames]
    dataset.NumberOfFrames = len(frames)
    written = io.BytesIO()
    dataset.save_as(written)
    return written.getvalue()
