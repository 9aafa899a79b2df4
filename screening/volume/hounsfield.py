"""Stored pixel values become Hounsfield units.

Comes in: stored 16-bit values and how the header says to read them.
Goes out: int16 HU, `PADDING_HU` outside the scanner's field; what rounding took away.
Refuses: nothing; `check_is_hu` refuses headers whose values are no HU.

Rounding: a fractional HU (a slope that is no integer) is rounded *down*. Every threshold of
calcium scoring is an integer, and for an integer t, floor(x) >= t exactly when x >= t: rounding
down moves no voxel across a threshold, which rounding to the nearest would (129.5 is below 130).
The fraction is kept beside, for means of slices and for conventions that count *above* 130 HU.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from screening.reasons import Reason
from screening.records import AIR_HU, PADDING_HU
from screening.volume.header import SliceHeader
from screening.volume.refusal import RefusalError

# Below this no scanner measures anything: vacuum is -1000 HU, noise and edge artefacts reach
# a few hundred lower. Scanners write -1500, -2000, -3024 outside their field.
OUTSIDE_BELOW_HU = -1500.0
# PixelPaddingValue is honoured only where it means air or less; a header that names a value in
# the range of tissue would erase anatomy.
PADDING_AT_MOST_HU = -900.0
# 0.1 x 11540 - 1024 gives 129.99999999999997 in floating point and means 130.
_ROUNDING_SLACK_HU = 1e-6
_INT16_MAX = 32767
# Our own bounds, far beyond what scanners write: steps of 1 HU or less; the extended CT scale has
# 10 HU and begins at -10240 (Coolens 2003, Phys Med Biol 48:1591). Beyond them a slice becomes one
# grey level, or noise.
_STEP_AT_MOST_HU, _INTERCEPT_AT_MOST_HU = 100.0, 32768.0
# Water is 0 HU by definition (Hounsfield 1973, Br J Radiol 46:1016), and calcium counts from 130 HU
# (Agatston 1990, doi 10.1016/0735-1097(90)90282-T): a scale without both says nothing of a chest.
_WATER_HU, _CALCIUM_HU = 0.0, 130.0
FRACTIONS = 65536  # in a HU


def check_is_hu(header: SliceHeader) -> None:
    """Refuse a slice whose pixels are not Hounsfield units.

    RescaleType may be absent (HU is then implied for CT, DICOM PS3.3 C.8.2.1), not another.

    Raises
    ------
    RefusalError
        `not_hu`, with what is wrong
    """
    problems = {
        "no rescale slope and intercept": header.slope is None or header.intercept is None,
        "rescale slope is not positive": header.slope is not None and header.slope <= 0,
        "rescale type is not HU": header.rescale_type not in ("", "HU"),
        "8-bit pixels": header.bits_allocated == 8 or 1 <= header.bits_stored <= 8,
        "more than one sample a pixel": header.samples != 1,
        "photometric interpretation is not MONOCHROME2": header.photometric != "MONOCHROME2",
        "rescale slope or intercept is beyond any scanner's": _is_absurd(header),
        "rescaled values cannot hold both water and calcium": _is_too_narrow(header),
    }
    for detail, is_wrong in problems.items():
        if is_wrong:
            raise RefusalError(Reason.NOT_HU, detail)


def _is_absurd(header: SliceHeader) -> bool:
    return (header.slope or 0.0) > _STEP_AT_MOST_HU or (
        abs(header.intercept or 0.0) > _INTERCEPT_AT_MOST_HU
    )


def _is_too_narrow(header: SliceHeader) -> bool:
    """Whether no value of the bits stored means water, or none calcium."""
    bits = header.bits_stored
    if not 1 <= bits <= 16 or not header.slope or header.slope < 0 or header.intercept is None:
        return False  # refused for that
    first = -(1 << (bits - 1)) if header.is_signed else 0
    last = first + (1 << bits) - 1
    lowest, highest = (end * header.slope + header.intercept for end in (first, last))
    return lowest > _WATER_HU or highest < _CALCIUM_HU


def has_fractions(header: SliceHeader) -> bool:
    """Whether a slice's HU are not whole numbers, so that rounding down changes them."""
    return not all(float(v or 0.0).is_integer() for v in (header.slope, header.intercept))


def to_hu(stored: NDArray[np.uint16], header: SliceHeader, out: NDArray[np.int16]) -> None:
    """Write the HU of `stored` (raw 16-bit patterns, rows x columns) into `out`."""
    np.take(_table(*_how(header))[0], stored, out=out, mode="clip")


def to_fraction(stored: NDArray[np.uint16], header: SliceHeader, out: NDArray[np.uint16]) -> None:
    """Write what rounding down takes away from the HU of `stored`, in 1/65,536 HU."""
    np.take(_table(*_how(header))[1], stored, out=out, mode="clip")


def _how(header: SliceHeader) -> tuple[float, float, int, bool, tuple[int, int] | None]:
    return (
        header.slope or 1.0,
        header.intercept or 0.0,
        header.bits_stored,
        header.is_signed,
        header.padding,
    )


@lru_cache(maxsize=16)
def _table(
    slope: float,
    intercept: float,
    bits_stored: int,
    is_signed: bool,
    padding: tuple[int, int] | None,
) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
    """HU and fraction of each of the 65,536 bit patterns; bits above `bits_stored` count not."""
    pattern = np.arange(65536, dtype=np.int32)
    stored = _stored(pattern, bits_stored, is_signed)
    exact = stored * slope + intercept
    is_outside = exact < OUTSIDE_BELOW_HU
    if padding is not None:
        first, last = (_stored(np.array(p & 0xFFFF), bits_stored, is_signed) for p in padding)
        is_padding = (stored >= min(first, last)) & (stored <= max(first, last))
        is_padding |= pattern == (padding[0] & 0xFFFF)
        is_outside |= is_padding & (exact <= PADDING_AT_MOST_HU)
    whole = np.floor(exact + _ROUNDING_SLACK_HU)
    hu: NDArray[np.int16] = np.clip(whole, AIR_HU, _INT16_MAX).astype(np.int16)
    hu[is_outside] = PADDING_HU
    rest = exact - whole
    fraction = np.clip(np.rint(rest * FRACTIONS), 1, FRACTIONS - 1)
    fraction[(rest <= _ROUNDING_SLACK_HU) | (hu != whole)] = 0
    return hu, fraction.astype(np.uint16)


def _stored(pattern: NDArray[np.int32], bits_stored: int, is_signed: bool) -> NDArray[np.int32]:
    value = pattern & ((1 << bits_stored) - 1)
    if is_signed:
        sign = 1 << (bits_stored - 1)
        value = (value ^ sign) - sign
    return value
