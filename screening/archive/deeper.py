"""What matters of some objects lies in their sequences.

Comes in: a data set as pydicom read it, and the values of `TAGS` so far.
Goes out: the values completed: frames in common, contrast agents, what a report tells; positions
and kinds of frames; what a rejection note takes back.
Refuses: nothing; what is damaged adds nothing.
"""

import struct

from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

from screening.archive.calcium_report import STRUCTURED_REPORTS, words_of
from screening.archive.contrast import agent_of_sequence, route_of_sequence
from screening.archive.rejection import KEY_OBJECT_SELECTION, NO_NOTE, Note, read_note
from screening.archive.tags import AT, RawHeader, sop_class
from screening.frames import (
    ENHANCED_CT,
    common_type,
    in_common,
    kinds,
    positions_mm,
    values_of_frames,
)
from screening.header_values import text

# What pydicom raises on damaged input, measured over cut and changed files.
PYDICOM_ERRORS = (
    InvalidDicomError,
    BytesLengthException,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    NotImplementedError,
    LookupError,
    OverflowError,
    RecursionError,
    MemoryError,
    struct.error,
)

_OF_CONTRAST = (("contrast_agent", agent_of_sequence), ("contrast_route", route_of_sequence))


def take_frames(dataset: Dataset, values: RawHeader) -> tuple[tuple[float, ...], str]:
    """Put what an enhanced image says of all its frames where a slice says it of itself."""
    if sop_class(values) not in ENHANCED_CT:
        return (), ""
    try:
        frames = values_of_frames(dataset)
    except PYDICOM_ERRORS:
        return (), ""
    values[AT["image_type"]] = common_type(frames, values[AT["image_type"]])
    for name, value in in_common(frames).items():
        if values[AT[name]] in (None, ""):
            values[AT[name]] = value
    positions = positions_mm(frames)
    return positions, kinds(frames) if positions else ""


def take_agents(dataset: Dataset, values: RawHeader) -> None:
    """Put the agents and routes of sequences where the plain tags are empty or absent."""
    for name, read in _OF_CONTRAST:
        at = AT[name]
        try:
            values[at] = text(values[at]) or read(dataset) or values[at]
        except PYDICOM_ERRORS:
            continue


def take_report(dataset: Dataset, values: RawHeader) -> None:
    """Add to a report's description that it tells a calcium score."""
    if sop_class(values) not in STRUCTURED_REPORTS:
        return
    try:
        told = words_of(dataset)
    except PYDICOM_ERRORS:
        return
    at = AT["series_description"]
    values[at] = " | ".join(part for part in (text(values[at]), told) if part)


def note_of(dataset: Dataset, values: RawHeader) -> Note:
    """Return what a rejection note takes back; of other objects nothing."""
    if sop_class(values) != KEY_OBJECT_SELECTION:
        return NO_NOTE
    try:
        return read_note(dataset)
    except PYDICOM_ERRORS:
        return NO_NOTE
