"""The source images of a scan, as far as an object made from them needs.

Comes in: the files' bytes, in any order, and the `Volume` that was loaded from them.
Goes out: one header a slice of the volume, head to feet.
Refuses: files that do not hold the volume's slices, or that do not say which study, series and
frame of reference they belong to.
"""

import io
import logging
import re
from collections.abc import Sequence

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from screening.errors import ScreeningError
from screening.records import Volume

# These libraries quote header values in what they log.
for _name in ("pydicom", "highdicom"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

UNICODE = "ISO_IR 192"
# What damaged headers make pydicom and highdicom raise.
HEADER_ERRORS = (AttributeError, LookupError, TypeError, ValueError, OSError, NotImplementedError)
# As near as one file's position is to the slice loaded from it, mm: both are read from its text.
POSITION_TOLERANCE_MM = 0.01

_SHARED = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
_PER_SLICE = (*_SHARED, "SOPClassUID", "SOPInstanceUID", "ImagePositionPatient")
# Elements every object of a study must have, though they may be empty (type 2).
_TYPE_2 = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber",
    "StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName",
)  # fmt: skip
# Values that are passed on only in this form; else the element is left empty.
_FORMS = {
    "PatientSex": re.compile(r"[MFO]"),
    "PatientBirthDate": re.compile(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"),
    "StudyDate": re.compile(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"),
    "StudyTime": re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?"),
}
_LOSSY = ("LossyImageCompressionRatio", "LossyImageCompressionMethod")


def read_sources(files: Sequence[bytes], volume: Volume) -> tuple[Dataset, ...]:
    """Find the source image of each slice.

    Of several copies at one position the one with the lowest UID is taken, so that the order of
    the files changes nothing. Orientation, pixel spacing, patient and study are those of the
    slice nearest the head: `volume` has checked that the slices agree.

    Parameters
    ----------
    files : each file's bytes, in any order
    volume : loaded from these files

    Returns
    -------
    one Dataset a slice, in the order of the volume; without pixels, texts in Unicode

    Raises
    ------
    ScreeningError
        see the module's text
    """
    heads = [(_read(data, _PER_SLICE), data) for data in files]
    placed = [(h, d) for h, d in heads if len(h.get("ImagePositionPatient") or ()) == 3]
    placed.sort(key=lambda pair: str(pair[0].get("SOPInstanceUID", "")))
    chosen = _match(volume, [head for head, _ in placed])
    _check_shared(volume, [placed[i][0] for i in chosen])
    template = _template(placed[chosen[0]][1])
    # The library asks for one even where the voxel's size is given (`segmentation._measures`).
    template.SliceThickness = volume.acquisition.slice_thickness_mm or volume.increment_mm
    return tuple(_slice(template, placed[i][0]) for i in chosen)


def _read(data: bytes, only: Sequence[str] | None = None) -> Dataset:
    tags = list(only) if only else None
    return pydicom.dcmread(
        io.BytesIO(data), stop_before_pixels=True, specific_tags=tags, force=True
    )


def _match(volume: Volume, heads: Sequence[Dataset]) -> list[int]:
    """Return which header lies at each slice of the volume."""
    positions = np.array([[float(v) for v in h.ImagePositionPatient] for h in heads])
    positions = positions.reshape(-1, 3)
    chosen = []
    for origin in volume.origins_lps_mm:
        away = np.linalg.norm(positions - origin, axis=1)
        near = np.flatnonzero(away <= POSITION_TOLERANCE_MM)
        if not len(near):
            raise ScreeningError(
                f"series {volume.series_key}: a slice has no source image at its place; "
                "give the files the volume was loaded from"
            )
        chosen.append(int(near[0]))
    return chosen


def _check_shared(volume: Volume, heads: Sequence[Dataset]) -> None:
    for name in _SHARED:
        if len({str(head.get(name) or "") for head in heads}) > 1:
            raise ScreeningError(f"series {volume.series_key}: the source images differ in {name}")
    for name in (*_SHARED, "SOPClassUID", "SOPInstanceUID"):
        if not all(head.get(name) for head in heads):
            raise ScreeningError(
                f"series {volume.series_key}: a source image lacks {name}, without which nothing "
                "can refer to it; let the archive supply it, and sweep again"
            )
    if len({str(head.SOPInstanceUID) for head in heads}) < len(heads):
        raise ScreeningError(f"series {volume.series_key}: source images share a SOPInstanceUID")


def _template(data: bytes) -> Dataset:
    """Read what all slices have in common, in Unicode, with what every object must have."""
    header = _read(data)
    header.decode()
    header.walk(_plain_name)
    header.SpecificCharacterSet = UNICODE
    for name in _TYPE_2:
        if not header.get(name):
            setattr(header, name, "")
    for name, form in _FORMS.items():
        text = str(header.get(name)).strip(" \0")
        setattr(header, name, text if form.fullmatch(text) else "")
    if not all(header.get(name) for name in _LOSSY):
        # Without both, the statement that the images were compressed with loss is no valid one.
        for name in ("LossyImageCompression", *_LOSSY):
            if name in header:
                delattr(header, name)
    return header


def _plain_name(dataset: Dataset, element: pydicom.DataElement) -> None:
    """Let a person's name forget the bytes it was read from, so that it is written anew."""
    if element.VR == "PN" and element.value:
        many = isinstance(element.value, pydicom.multival.MultiValue)
        element.value = [str(v) for v in element.value] if many else str(element.value)


def _slice(template: Dataset, head: Dataset) -> Dataset:
    image = Dataset()
    image.update(template)
    for name in _PER_SLICE:
        image[name] = head[name]
    return image
