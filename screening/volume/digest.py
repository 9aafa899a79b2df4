"""What tells images apart, whatever they are called: no UIDs, no order of files, no file format.

Comes in: a stack's geometry and its HU.
Goes out: a digest of the whole, and those of a few slices, for scans that share only a part.
Refuses: nothing.
"""

import struct
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from screening.volume.geometry import Stack

# The digests look at every eighth pixel of every eighth row of every slice: a megabyte of
# a usual scan, a few milliseconds, and noise makes it as good as all pixels.
_SAMPLE_EVERY = 8
# Positions in the digest, mm: finer than any scanner's, coarser than float noise.
_DIGEST_STEP_MM = 0.01
# So many slices stand for a scan: of two that share half their slices one in 700 shares none of
# these, (2/3)^16.
_N_SLICES = 16
# Sampled pixels of a slice with fewer values (padding, air, a drawing) may be another's by chance.
_MIN_VALUES = 64


def digests(stack: Stack, hu: NDArray[np.int16]) -> tuple[str, tuple[int, ...]]:
    """Return the hex digest of the whole, and the digests of a few slices, ascending.

    The slices with the smallest digests: in two scans that share a stretch they are mostly the
    same ones. Their place is left out of it.
    """
    sample = np.ascontiguousarray(hu[:, ::_SAMPLE_EVERY, ::_SAMPLE_EVERY], dtype="<i2")
    return _of_all(stack, hu.shape, sample), _of_slices(sample)


def _of_all(stack: Stack, shape: tuple[int, ...], sample: NDArray[np.int16]) -> str:
    digest = sha256(struct.pack("<3q", *shape))
    lengths = np.concatenate([stack.origins_lps_mm.ravel(), np.array(stack.spacing_mm)])
    digest.update(np.rint(lengths / _DIGEST_STEP_MM).astype("<i8").tobytes())
    axes = np.concatenate([stack.row_axis_lps, stack.column_axis_lps])
    digest.update(np.rint(axes * 1000).astype("<i8").tobytes())
    digest.update(sample.tobytes())
    return digest.hexdigest()


def _of_slices(sample: NDArray[np.int16]) -> tuple[int, ...]:
    # 63 bits: a column of whole numbers holds them.
    planes = {int.from_bytes(sha256(p).digest()[:8], "little") >> 1: p for p in sample}
    found: list[int] = []
    for digest in sorted(planes):
        if len(np.unique(planes[digest])) >= _MIN_VALUES:
            found.append(digest)
            if len(found) == _N_SLICES:
                break
    return tuple(found)
