"""What an enhanced multi-frame image says of its frames, in the words of a single slice.

Comes in: a data set of Enhanced CT or Legacy Converted Enhanced CT, by whatever reads it.
Goes out: of each frame the values that a slice has in its own header.
Refuses: nothing; what neither the frame nor all frames together say is absent.

PS3.3, C.7.6.16: what is equal in all frames stands in the shared functional groups, else in each
frame's own.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from screening.header_values import RawValue, numbers

# Enhanced CT, Legacy Converted Enhanced CT.
ENHANCED_CT = frozenset({"1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"})
# Shared and per-frame functional groups.
GROUPS = (0x52009229, 0x52009230)

# What a slice calls it -> functional group and element that hold it.
_ELEMENTS = {
    "image_type": ("CTImageFrameTypeSequence", "FrameType"),
    "position": ("PlanePositionSequence", "ImagePositionPatient"),
    "orientation": ("PlaneOrientationSequence", "ImageOrientationPatient"),
    "spacing": ("PixelMeasuresSequence", "PixelSpacing"),
    "thickness_mm": ("PixelMeasuresSequence", "SliceThickness"),
    "intercept": ("PixelValueTransformationSequence", "RescaleIntercept"),
    "slope": ("PixelValueTransformationSequence", "RescaleSlope"),
    "rescale_type": ("PixelValueTransformationSequence", "RescaleType"),
    "kvp": ("CTXRayDetailsSequence", "KVP"),
    "exposure_mas": ("CTExposureSequence", "ExposureInmAs"),
    "kernel": ("CTReconstructionSequence", "ConvolutionKernel"),
    "tilt_degrees": ("CTGeometrySequence", "GantryDetectorTilt"),
}
# What frames of one stack may differ in.
_OWN = frozenset({"position", "intercept", "slope", "exposure_mas", "image_type"})

Values = dict[str, RawValue]


class Elements(Protocol):
    """A data set: elements by keyword."""

    def get(self, keyword: str, /) -> Any:
        """Return an element's value, None where it is absent."""


def values_of_frames(dataset: Elements) -> list[Values]:
    """Return the values of every frame, in the order of the frames."""
    shared = _first(dataset, "SharedFunctionalGroupsSequence")
    common = {name: _element(shared, *where) for name, where in _ELEMENTS.items()}
    found = []
    for frame in dataset.get("PerFrameFunctionalGroupsSequence") or ():
        own = {name: _element(frame, *where) for name, where in _ELEMENTS.items()}
        found.append({n: common[n] if own[n] is None else own[n] for n in _ELEMENTS})
    return found


def in_common(frames: Sequence[Values]) -> Values:
    """Return what holds of the whole file; absent where frames differ and must not."""
    if not frames:
        return {}
    first = frames[0]
    return {
        name: value if name in _OWN or all(f[name] == value for f in frames) else None
        for name, value in first.items()
    }


def positions_mm(frames: Sequence[Values]) -> tuple[float, ...]:
    """Return three numbers a frame; nothing where one has no position."""
    found = [numbers(frame["position"], 3) for frame in frames]
    return () if None in found else tuple(v for p in found if p is not None for v in p)


def _first(dataset: Elements | None, keyword: str) -> Elements | None:
    sequence: Sequence[Elements] = (dataset.get(keyword) or ()) if dataset is not None else ()
    return sequence[0] if len(sequence) else None


def _element(group: Elements | None, sequence: str, keyword: str) -> RawValue:
    """One element of a functional group, as a slice's header would give it."""
    item = _first(group, sequence)
    value = None if item is None else item.get(keyword)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return float(value) if isinstance(value, float) else int(value)
    return [float(v) if isinstance(v, float) else str(v) for v in value]  # type: ignore[return-value]
