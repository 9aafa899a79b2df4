"""A small archive on disk, written as scanners and archives write it."""

import numpy as np
import pytest
from pydicom.config import disable_value_validation
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SR_CLASS = "1.2.840.10008.5.1.4.1.1.88.11"


def build_image(index=0, syntax=ExplicitVRLittleEndian):
    """One CT slice that carries a name nobody may see again."""
    ds = build_report(syntax)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
    ds.Modality = "CT"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.ImagePositionPatient = [-1.5, -2.5, index * 2.0]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = [0.5, 0.75]
    ds.SliceThickness, ds.KVP, ds.Exposure, ds.GantryDetectorTilt = "3", "120", "55", "0"
    ds.ConvolutionKernel = ["Br40f", "3"]
    ds.Manufacturer, ds.ManufacturerModelName = "MAKER", "MODEL"
    ds.Rows, ds.Columns, ds.SamplesPerPixel = 16, 24, 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    values = np.random.default_rng(index).integers(0, 4000, (16, 24)).astype("<u2")
    ds["PixelData"] = DataElement(0x7FE00010, "OW", values.tobytes())
    return ds


def build_report(syntax=ExplicitVRLittleEndian):
    """A structured report: DICOM without an image."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = SR_CLASS
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.Modality = "SR"
    ds.StudyDate = "20260102"
    ds.AccessionNumber = "CANARY-ACC"
    ds.StudyDescription = "CANARY study"
    ds.SeriesDescription = "Thorax nativ"
    ds.PatientName = "CANARY^NAME"
    ds.PatientID, ds.IssuerOfPatientID = " CANARY-ID ", "HOSPITAL"
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = "19600229", "F", "065Y"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3.4", "1.2.3.4.5"
    ds.FrameOfReferenceUID = "1.2.3.4.6"
    return ds


@pytest.fixture
def image():
    return build_image


@pytest.fixture
def report():
    return build_report


@pytest.fixture
def put(tmp_path):
    """Return a function that writes a dataset or bytes below the archive's root."""

    def write(path, content):
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            content.save_as(target, enforce_file_format=True)
        return target

    return write


@pytest.fixture
def anything_goes():
    """Write values that the standard forbids, as real archives do."""
    with disable_value_validation():
        yield
