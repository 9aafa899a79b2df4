"""Put the slices of one series together.

Comes in: a series' key and its files' bytes, in any order.
Goes out: a `Volume`, or a `Rejection` with a closed reason and a detail without identity.
Refuses: see the checks of `hounsfield`, `geometry` and `decode`; this module adds files that
are not CT, and slices that contradict one another.
"""

from collections.abc import Callable, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from screening.privacy import safe_text
from screening.reasons import Reason, Room
from screening.records import Acquisition, Rejection, Volume
from screening.volume.decode import MAX_VOXELS, check_is_decodable, decode, decode_frames
from screening.volume.digest import digests
from screening.volume.geometry import Stack, stack_slices
from screening.volume.header import SliceHeader, read_headers
from screening.volume.hounsfield import check_is_hu, has_fractions, to_fraction, to_hu
from screening.volume.refusal import RefusalError

MISSING_SLICE_FLAG, FRACTIONAL_FLAG = "missing_slice", "fractional_hu"
DERIVED_FLAG, MIXED_FLAG = "derived_image", "mixed_protocol"
LOSSY_FLAG, COARSE_FLAG = "lossy_compression", "coarse_hu"
# Scanners write steps of 1 HU or less; what was squeezed into few grey levels has larger ones, and
# a voxel of 129 HU may then stand at 130 as well as below.
_FINE_STEP_HU = 2.0
# As far as slices of one protocol may differ: a voltage is held to a kV, and thickness is written
# with two or three decimals (0.625 mm as 0.63); two protocols differ by 0.1 mm at least.
_SAME_KVP, _SAME_THICKNESS_MM = 1.0, 0.05
_STANDARD_UIDS = "1.2.840.10008."


def load_volume(series_key: str, files: Sequence[bytes]) -> Volume | Rejection:
    """Decode and check one series.

    Slices are ordered from head to feet along their normal. In the plane nothing is turned or
    flipped: the axes say how rows and columns lie. Each slice's slope and intercept are its own;
    fractional HU are rounded down (see `hounsfield`), the rest kept beside. Identical copies of a
    slice are dropped. Where slices are missing, the volume keeps the hole: `origins_lps_mm` shows
    it, `increments_mm` stays the regular increment, and `flags` holds `missing_slice`. Where HU
    had fractions they hold `fractional_hu`; where the pixels were ever compressed with loss,
    `lossy_compression`; where values lie more than 2 HU apart, `coarse_hu`; where ImageType
    says that the images were computed from others,
    `derived_image`; where slices differ in voltage, kernel or thickness, `mixed_protocol`.

    Parameters
    ----------
    series_key : names the series in the result
    files : each file's bytes, in any order

    Returns
    -------
    Volume
        hu int16 (slices, rows, columns); lengths in mm, positions LPS
    Rejection
        not_ct, not_hu, not_axial, mixed_geometry, conflicting_slices, too_few_slices,
        uneven_slices, tilt_uncorrected or decode_failed
    """
    try:
        return _load(series_key, files)
    except RefusalError as refusal:
        return Rejection(Room.VOLUME, series_key, refusal.reason, refusal.detail)


def _load(series_key: str, files: Sequence[bytes]) -> Volume:
    if not files:
        raise RefusalError(Reason.TOO_FEW_SLICES, "no files")
    slices = [(n, header) for n, data in enumerate(files) for header in read_headers(data)]
    headers = [header for _, header in slices]
    others = [h for h in headers if h.modality != "CT"]
    if others:
        raise RefusalError(Reason.NOT_CT, f"{len(others)} of {len(headers)} files are not CT")
    for header in headers:
        _check_kind(header)
    stack = stack_slices(headers)
    hu, fraction = _pixels(_Decoder(files, [n for n, _ in slices]), headers, stack)
    image_digest, slice_digests = digests(stack, hu)
    first_of_planes = [headers[group[0]] for group in stack.groups]
    return Volume(
        series_key=series_key,
        hu=hu,
        spacing_mm=stack.spacing_mm,
        origins_lps_mm=stack.origins_lps_mm,
        row_axis_lps=stack.row_axis_lps,
        column_axis_lps=stack.column_axis_lps,
        increments_mm=np.full(len(hu), stack.increment_mm),
        acquisition=_acquisition(first_of_planes),
        image_digest=image_digest,
        slice_digests=slice_digests,
        flags=_flags(stack, headers),
        fraction=fraction,
    )


def _flags(stack: Stack, headers: Sequence[SliceHeader]) -> tuple[str, ...]:
    is_flagged = {
        MISSING_SLICE_FLAG: stack.n_missing > 0,
        FRACTIONAL_FLAG: any(has_fractions(h) for h in headers),
        DERIVED_FLAG: any(h.is_derived for h in headers),
        LOSSY_FLAG: any(h.is_lossy for h in headers),
        COARSE_FLAG: any((h.slope or 0.0) > _FINE_STEP_HU for h in headers),
        MIXED_FLAG: _is_mixed(headers),
    }
    return tuple(flag for flag, is_true in is_flagged.items() if is_true)


def _is_mixed(headers: Sequence[SliceHeader]) -> bool:
    """Slices differ in voltage, thickness or kernel, as far as they tell them."""
    kernels = {h.kernel.upper() for h in headers if h.kernel}
    thick_mm = [h.thickness_mm for h in headers if h.thickness_mm is not None]
    is_uneven = len(kernels) > 1 or _range(thick_mm) > _SAME_THICKNESS_MM
    return is_uneven or _has_other_kvps(headers)


def _has_other_kvps(headers: Sequence[SliceHeader]) -> bool:
    return _range([h.kvp for h in headers if h.kvp is not None]) > _SAME_KVP


def _range(values: Sequence[float]) -> float:
    return max(values) - min(values) if values else 0.0


def _check_kind(header: SliceHeader) -> None:
    """Refuse what is no HU first: colour and 8-bit images are a matter of kind, not of damage."""
    check_is_hu(header)
    check_is_decodable(header)


class _Decoder:
    """Decodes slices by their number; a multi-frame file as a whole, when its first is wanted."""

    def __init__(self, files: Sequence[bytes], file_of: Sequence[int]) -> None:
        self._files = files
        self._file_of = file_of
        self._frames: dict[int, NDArray[np.uint16]] = {}

    def stored(self, number: int, header: SliceHeader) -> NDArray[np.uint16]:
        """Return the stored bit patterns of one slice, rows x columns."""
        file = self._file_of[number]
        if header.frame is None:
            return decode(self._files[file], header)
        if file not in self._frames:
            self._frames[file] = decode_frames(self._files[file], header)
        frame: NDArray[np.uint16] = self._frames[file][header.frame]
        return frame

    def is_same_file(self, a: int, b: int) -> bool:
        """Whether two slices come from files that are equal to the byte."""
        return self._files[self._file_of[a]] == self._files[self._file_of[b]]


def _pixels(
    decoder: _Decoder, headers: Sequence[SliceHeader], stack: Stack
) -> tuple[NDArray[np.int16], NDArray[np.uint16] | None]:
    """Decode every plane, and every copy of one, which must be equal to it."""
    shape = (headers[0].rows, headers[0].columns)
    if len(stack.groups) * shape[0] * shape[1] > MAX_VOXELS:
        raise RefusalError(Reason.DECODE_FAILED, f"{len(stack.groups)} slices: larger than a body")
    hu = np.empty((len(stack.groups), *shape), dtype=np.int16)
    fraction = np.empty_like(hu, dtype=np.uint16) if any(map(has_fractions, headers)) else None
    copy = np.empty(shape, dtype=np.int16)
    for k, group in enumerate(stack.groups):
        plane, header = hu[k], headers[group[0]]
        stored = decoder.stored(group[0], header)
        to_hu(stored, header, out=plane)
        if fraction is not None:
            to_fraction(stored, header, out=fraction[k])
        for index in group[1:]:
            if headers[index].frame is None and decoder.is_same_file(index, group[0]):
                continue
            to_hu(decoder.stored(index, headers[index]), headers[index], out=copy)
            if not np.array_equal(plane, copy):
                raise RefusalError(
                    Reason.CONFLICTING_SLICES, f"{len(group)} files at one of the positions"
                )
    return hu, fraction


def _acquisition(headers: Sequence[SliceHeader]) -> Acquisition:
    """Medians over the slices; texts of the slice nearest the head, cleaned.

    The voltage only where all slices that tell it agree: no thresholds fit a mean of two.
    """
    first = headers[0]
    syntax = first.transfer_syntax
    return Acquisition(
        kvp=None if _has_other_kvps(headers) else _median(headers, lambda h: h.kvp),
        slice_thickness_mm=_median(headers, lambda h: h.thickness_mm),
        kernel=safe_text(first.kernel),
        reconstruction=first.reconstruction,
        manufacturer=safe_text(first.manufacturer),
        model=safe_text(first.model),
        exposure_mas=_median(headers, lambda h: h.exposure_mas),
        is_gated=2 * sum(h.is_gated for h in headers) > len(headers),
        transfer_syntax=syntax if syntax.startswith(_STANDARD_UIDS) else "",
        has_contrast_tag=any(h.has_contrast_tag for h in headers),
        has_tin_filter=any(h.has_tin_filter for h in headers),
    )


def _median(
    headers: Sequence[SliceHeader], value: Callable[[SliceHeader], float | None]
) -> float | None:
    found = [v for v in map(value, headers) if v is not None]
    return median(found) if found else None
