"""Noise with the texture of a reconstruction kernel.

Comes in: matrix, pixel size, kernel, a random generator.
Goes out: slices of noise with standard deviation one.
Refuses: a kernel it does not know.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from screening.phantom.shapes import Floats

_SLICES = 6
_MIN_SIDE = 64
# Noise power rises with frequency (ramp filter) and falls with the kernel's apodisation:
# exponent of the rise, frequency (1/mm) of the fall, power of the fall.
_TEXTURES = {"soft": (0.6, 0.30, 2.0), "medium": (0.7, 0.45, 2.0), "sharp": (1.0, 0.75, 4.0)}
KERNELS = tuple(_TEXTURES)


@lru_cache(maxsize=6)
def _block(side: int, pixel_mm: float, kernel: str) -> Floats:
    """Periodic slices of filtered white noise."""
    rise, corner, fall = _TEXTURES[kernel]
    rng = np.random.default_rng(20_260_101)
    fy = np.fft.fftfreq(side, pixel_mm)[:, None]
    fx = np.fft.rfftfreq(side, pixel_mm)[None, :]
    f = np.sqrt(fy * fy + fx * fx)
    response = (f + 0.03) ** rise * np.exp(-((f / corner) ** fall))
    out = np.empty((_SLICES, side, side), np.float32)
    for s in range(_SLICES):
        white = np.fft.rfft2(rng.standard_normal((side, side), dtype=np.float32))
        out[s] = np.fft.irfft2(white * response, s=(side, side))
    out -= out.mean()
    out /= out.std()
    return out


def noise_slices(
    rng: np.random.Generator, n: int, matrix: int, pixel_mm: float, kernel: str, overlap: float
) -> Iterator[Floats]:
    """Noise of standard deviation one, slice after slice.

    Parameters
    ----------
    rng : chooses piece, shift and flip
    n : number of slices
    matrix : rows and columns
    pixel_mm : pixel size, to which the texture belongs
    kernel : soft, medium or sharp
    overlap : correlation of neighbouring slices, 0..1

    Yields
    ------
    float32 (matrix, matrix); overwritten by the next one
    """
    if kernel not in _TEXTURES:
        raise ValueError(f"kernel must be one of {', '.join(KERNELS)}")
    block = _block(max(matrix, _MIN_SIDE), round(pixel_mm, 3), kernel)
    side = block.shape[1]
    fresh = np.float32(np.sqrt(1 - overlap**2))
    out = np.zeros((matrix, matrix), np.float32)
    for s in range(n):
        a = block[rng.integers(_SLICES)]
        if rng.random() < 0.5:
            a = a.T
        flips = rng.integers(0, 2, 2) * 2 - 1
        a = a[:: flips[0], :: flips[1]]
        a = np.roll(a, tuple(rng.integers(0, side, 2)), axis=(0, 1))[:matrix, :matrix]
        sign = np.float32(rng.integers(0, 2) * 2 - 1)
        if s == 0 or overlap == 0:
            np.multiply(a, sign, out=out)
        else:
            out *= np.float32(overlap)
            out += a * (sign * fresh)
        yield out
