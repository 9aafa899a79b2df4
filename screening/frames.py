"""What an enhanced multi-frame image says of its frames, in the words of a single slice.

Comes in: a data set of Enhanced CT or Legacy Converted Enhanced CT, by whatever reads it.
Goes out: of each frame the values that a slice has in its own header.
Refuses: nothing; what neither the frame nor all frames together say is absent.

PS3.3, C.7.6.16: what is equal in all frames stands in the shared functional groups, else in each
frame's own.
"""

import json
from collections.abc import Sequence
from typing import Any, Protocol

from screening.header_values import RawValue, numbers, text

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

# What sets frames apart that share a file, and how it is compared: two reconstructions, a scout
# beside its scan, projections beside what they were made of.
_KIND = ("image_type", "orientation", "spacing", "thickness_mm", "kernel", "tilt_degrees")
_DIGITS = 4
# Of a file with more kinds of frames nobody can say what it is.
MAX_KINDS = 16
_CHOSEN = "\0"  # in no path

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


def kinds(frames: Sequence[Values]) -> str:
    """Return of which kind each frame is, and what each kind says, as JSON; empty of a single kind.

    `of` has the number of its kind for every frame; `kinds` their values by column.
    """
    labels = [json.dumps([_rounded(frame[name]) for name in _KIND]) for frame in frames]
    found = list(dict.fromkeys(labels))
    if not 1 < len(found) <= MAX_KINDS:
        return ""
    said = [{name: frames[labels.index(label)][name] for name in _KIND} for label in found]
    return json.dumps({"of": [found.index(label) for label in labels], "kinds": said})


def common_type(frames: Sequence[Values], image_type: RawValue) -> RawValue:
    """Return the type of the frames where the file says MIXED and they do not, else the file's."""
    types = {text(frame["image_type"]) for frame in frames}
    is_mixed = "MIXED" in text(image_type).upper().split("\\")
    is_one = len(types) == 1 and "" not in types
    return frames[0]["image_type"] if is_mixed and is_one else image_type


def choose(path: str, frames: Sequence[int]) -> str:
    """Name some frames of a file; `chosen` takes the name apart."""
    return f"{path}{_CHOSEN}{','.join(map(str, frames))}"


def chosen(name: str) -> tuple[str, tuple[int, ...]]:
    """Return the file, and the frames that are meant; no frames: all."""
    path, _, listed = name.partition(_CHOSEN)
    return path, tuple(int(n) for n in listed.split(",") if n)


def _rounded(value: RawValue) -> object:
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return round(value, _DIGITS) + 0.0 if isinstance(value, float) else value


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
