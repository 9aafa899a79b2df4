"""Writing images as scanners write them.

Comes in: a `Stack` of Hounsfield units with its geometry, a `Header` and an `Encoding`.
Goes out: one DICOM file a slice, at the paths given; the SOP instance UIDs as a list.
Refuses: as many paths as slices, not more and not fewer.

Encodings met in archives, all of them used here: signed values with a padding far below air
outside the round field, 12 bits unsigned in 16, a rescale slope that differs from slice to
slice as PET/CT writes it, implicit and explicit value representations, run-length
compression, and files without preamble.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
DOSE_SR_STORAGE = "1.2.840.10008.5.1.4.1.1.88.67"
_IMPLEMENTATION_UID = "2.25.292771948235563212345678901234567890"
PADDING_STORED = -2000  # with the intercept of -1024 below: -3024 HU
_INTERCEPT = -1024
_MAX_12_BIT = 4095


class Storage(StrEnum):
    """How Hounsfield units become stored integers."""

    SIGNED = "signed"
    SIGNED_PADDED = "signed_padded"
    UNSIGNED_12 = "unsigned_12"
    PER_SLICE = "per_slice"


class Syntax(StrEnum):
    """How the file is encoded."""

    EXPLICIT = ExplicitVRLittleEndian
    IMPLICIT = ImplicitVRLittleEndian
    RLE = RLELossless


@dataclass(frozen=True, slots=True)
class Encoding:
    """How one scanner writes its files."""

    storage: Storage = Storage.SIGNED
    syntax: Syntax = Syntax.EXPLICIT
    has_preamble: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Images and where they lie; axes as in `screening.records.Volume`.

    hu : int16 (slices, rows, columns)
    spacing_mm : (row spacing, column spacing)
    origins_lps_mm : float (slices, 3)
    row_axis_lps, column_axis_lps : unit vectors along which row and column index grow
    """

    hu: NDArray[np.int16]
    spacing_mm: tuple[float, float]
    origins_lps_mm: NDArray[np.float64]
    row_axis_lps: NDArray[np.float64]
    column_axis_lps: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the files of one series say beside their pixels. None: the tag is absent."""

    patient_id: str
    issuer: str
    name: str
    birth_date: date
    sex: str
    age_years: int
    study_uid: str
    series_uid: str
    accession: str
    series_number: int
    study_date: date | None
    acquisition_date: date | None
    study_description: str | None = "CT Thorax"
    series_description: str | None = "Thorax 3.0 B30f"
    protocol_name: str | None = "Thorax_Routine"
    body_part: str | None = "CHEST"
    image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "AXIAL")
    manufacturer: str = "SIEMENS"
    model: str = "Phantom 64"
    kernel: str = "B30f"
    kvp: float = 120.0
    thickness_mm: float = 3.0
    exposure_mas: int = 90
    contrast_agent: str | None = None
    cardiac_sync: str | None = None
    extra: tuple[tuple[str, str], ...] = field(default=())  # further keywords and values


def make_uid(*parts: object) -> str:
    """Give the UID (under 2.25) that belongs to these parts, always the same."""
    digest = sha256("|".join(str(p) for p in parts).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def _day(value: date | None) -> str | None:
    return None if value is None else value.strftime("%Y%m%d")


def _put(dataset: Dataset, keyword: str, value: object) -> None:
    """Set a tag, or leave it out where there is no value."""
    if value is not None:
        setattr(dataset, keyword, value)


def _patient_and_study(header: Header) -> Dataset:
    """Fill what every object of a study has in common."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = header.name
    dataset.PatientID = header.patient_id
    dataset.IssuerOfPatientID = header.issuer
    has_no_date = header.study_date is None
    # A file stripped of its dates has lost the birth date as well.
    dataset.PatientBirthDate = "" if has_no_date else _day(header.birth_date)
    dataset.PatientSex = header.sex
    dataset.PatientAge = f"{header.age_years:03d}Y"
    dataset.StudyInstanceUID = header.study_uid
    dataset.SeriesInstanceUID = header.series_uid
    dataset.StudyID = header.accession[-6:]
    dataset.AccessionNumber = header.accession
    dataset.SeriesNumber = header.series_number
    dataset.ReferringPhysicianName = "Dr^Unnamed"
    dataset.InstitutionName = f"{header.issuer} HOSPITAL"
    dataset.Manufacturer = header.manufacturer
    dataset.ManufacturerModelName = header.model
    dataset.StudyDate = _day(header.study_date) or ""
    dataset.StudyTime = "" if has_no_date else "101500"
    _put(dataset, "StudyDescription", header.study_description)
    _put(dataset, "SeriesDescription", header.series_description)
    return dataset


def _ct_template(header: Header, stack: Stack, encoding: Encoding) -> Dataset:
    """Fill what is equal in all slices of a series."""
    dataset = _patient_and_study(header)
    dataset.SOPClassUID = CT_IMAGE_STORAGE
    dataset.Modality = "CT"
    dataset.ImageType = list(header.image_type)
    for kind in ("Series", "Acquisition", "Content"):
        _put(dataset, f"{kind}Date", _day(header.acquisition_date))
    _put(dataset, "ProtocolName", header.protocol_name)
    _put(dataset, "BodyPartExamined", header.body_part)
    _put(dataset, "ContrastBolusAgent", header.contrast_agent)
    _put(dataset, "CardiacSynchronizationTechnique", header.cardiac_sync)
    dataset.PatientPosition = "HFS"
    dataset.KVP = f"{header.kvp:g}"
    dataset.SliceThickness = f"{header.thickness_mm:g}"
    dataset.Exposure = header.exposure_mas
    dataset.ConvolutionKernel = header.kernel
    dataset.GantryDetectorTilt = "0"
    dataset.FrameOfReferenceUID = make_uid(header.study_uid, "frame")
    dataset.PositionReferenceIndicator = ""
    row, column = stack.row_axis_lps, stack.column_axis_lps
    dataset.ImageOrientationPatient = [f"{v:.8g}" for v in (*column, *row)]
    dataset.PixelSpacing = [f"{v:.8g}" for v in stack.spacing_mm]
    dataset.Rows, dataset.Columns = stack.hu.shape[1:]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = 16
    dataset.WindowCenter, dataset.WindowWidth = "40", "400"
    dataset.RescaleType = "HU"
    _put_storage(dataset, encoding.storage)
    for keyword, value in header.extra:
        setattr(dataset, keyword, value)
    return dataset


def _put_storage(dataset: Dataset, storage: Storage) -> None:
    """Say in the header how the pixels are stored."""
    bits = 12 if storage is Storage.UNSIGNED_12 else 16
    dataset.BitsStored, dataset.HighBit = bits, bits - 1
    is_signed = storage in (Storage.SIGNED, Storage.SIGNED_PADDED)
    dataset.PixelRepresentation = int(is_signed)
    if storage is Storage.SIGNED_PADDED:
        # Explicit bytes of a signed 16-bit value: its VR follows PixelRepresentation.
        dataset.add_new("PixelPaddingValue", "SS", PADDING_STORED)


def _rescale(storage: Storage, number: int) -> tuple[float, int]:
    """Give slope and intercept of slice `number`."""
    if storage is Storage.PER_SLICE:
        return round(0.55 + 0.013 * (number * 7 % 29), 6), _INTERCEPT - number % 5
    return 1.0, 0 if storage is Storage.SIGNED else _INTERCEPT


def _outside(rows: int, columns: int) -> NDArray[np.bool_]:
    """Mark the corners outside the round field of reconstruction."""
    y = (np.arange(rows) - (rows - 1) / 2)[:, None] / (rows / 2)
    x = (np.arange(columns) - (columns - 1) / 2)[None, :] / (columns / 2)
    return np.asarray(x * x + y * y > 1.0)


def _stored(hu: NDArray[np.int16], storage: Storage, number: int) -> NDArray[np.integer]:
    """Turn one slice of Hounsfield units into what is stored."""
    slope, intercept = _rescale(storage, number)
    if storage is Storage.PER_SLICE:
        exact = np.rint((hu.astype(np.float32) - np.float32(intercept)) / np.float32(slope))
        return np.asarray(np.clip(exact, 0, 65535), dtype="<u2")
    stored = hu.astype(np.int32) - intercept
    if storage is Storage.UNSIGNED_12:
        return np.asarray(np.clip(stored, 0, _MAX_12_BIT), dtype="<u2")
    if storage is Storage.SIGNED_PADDED:
        stored[_outside(*hu.shape)] = PADDING_STORED
    return np.asarray(stored, dtype="<i2")


def _save(dataset: Dataset, path: Path, encoding: Encoding) -> None:
    """Write one file; without preamble, the group 2 header is left out as well."""
    is_implicit = encoding.syntax is Syntax.IMPLICIT
    if not encoding.has_preamble:
        dcmwrite(path, dataset, implicit_vr=is_implicit, little_endian=True)
        return
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = encoding.syntax.value
    meta.ImplementationClassUID = UID(_IMPLEMENTATION_UID)
    dataset.file_meta = meta
    dcmwrite(path, dataset, enforce_file_format=True)


def write_stack(
    paths: Sequence[Path], stack: Stack, header: Header, encoding: Encoding
) -> list[str]:
    """Write one file a slice.

    Parameters
    ----------
    paths : where slice 0, 1, … go
    stack : images, HU, mm
    header : what the files say
    encoding : how they say it

    Returns
    -------
    SOP instance UIDs in slice order, made from the series UID.

    Raises
    ------
    ValueError : another number of paths than of slices
    """
    dataset = _ct_template(header, stack, encoding)
    uids = [make_uid(header.series_uid, k) for k in range(len(stack.hu))]
    normal = np.cross(stack.column_axis_lps, stack.row_axis_lps)
    for k, (path, uid, origin) in enumerate(zip(paths, uids, stack.origins_lps_mm, strict=True)):
        slope, intercept = _rescale(encoding.storage, k)
        dataset.SOPInstanceUID = uid
        dataset.InstanceNumber = k + 1
        dataset.ImagePositionPatient = [f"{v:.6f}" for v in origin]
        dataset.SliceLocation = f"{float(origin @ normal):.4f}"
        dataset.RescaleSlope, dataset.RescaleIntercept = f"{slope:g}", f"{intercept:d}"
        pixels = _stored(stack.hu[k], encoding.storage, k)
        dataset.PixelData = pixels.tobytes()
        dataset["PixelData"].VR = "OW"
        if encoding.syntax is Syntax.RLE:
            _save_compressed(dataset, path, pixels)
        else:
            _save(dataset, path, encoding)
    return uids


def _save_compressed(dataset: Dataset, path: Path, pixels: NDArray[np.integer]) -> None:
    """Write one run-length compressed file from a copy, so that the template stays plain."""
    copy = Dataset(dataset)
    copy.file_meta = FileMetaDataset()
    copy.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    copy.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    copy.file_meta.ImplementationClassUID = UID(_IMPLEMENTATION_UID)
    copy.compress(RLELossless, pixels, encoding_plugin="gdcm", generate_instance_uid=False)
    dcmwrite(path, copy, enforce_file_format=True)


def write_dose_report(path: Path, header: Header) -> str:
    """Write a structured dose report (modality SR, no pixels); returns its SOP UID."""
    dataset = _patient_and_study(header)
    dataset.SOPClassUID = DOSE_SR_STORAGE
    dataset.SOPInstanceUID = make_uid(header.series_uid, "report")
    dataset.Modality = "SR"
    dataset.InstanceNumber = 1
    dataset.ContentDate = _day(header.acquisition_date) or ""
    dataset.ContentTime = "102000"
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "UNVERIFIED"
    dataset.ValueType = "CONTAINER"
    dataset.ContinuityOfContent = "SEPARATE"
    dataset.ConceptNameCodeSequence = [_code("113701", "DCM", "X-Ray Radiation Dose Report")]
    dose = Dataset()
    dose.RelationshipType, dose.ValueType = "CONTAINS", "NUM"
    dose.ConceptNameCodeSequence = [_code("113813", "DCM", "CT Dose Length Product Total")]
    value = Dataset()
    value.NumericValue = "187.4"
    value.MeasurementUnitsCodeSequence = [_code("mGy.cm", "UCUM", "mGy.cm")]
    dose.MeasuredValueSequence = [value]
    dataset.ContentSequence = [dose]
    _save(dataset, path, Encoding())
    return str(dataset.SOPInstanceUID)


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code
