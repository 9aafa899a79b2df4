"""Small CT series, written as scanners write them, each file as bytes."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

ROWS, COLUMNS = 16, 24


def _meta(syntax):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = syntax
    return meta


def stored_values(index):
    """Noise that a decoder cannot guess, different in every slice."""
    return np.random.default_rng(index).integers(-1000, 2000, (ROWS, COLUMNS)).astype("<i2")


def build_slice(index, syntax=ExplicitVRLittleEndian, increment_mm=2.0):
    """Slice `index` counted from the head; the first lies at z = 0."""
    ds = Dataset()
    ds.file_meta = _meta(syntax)
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID
    ds.SeriesInstanceUID = ds.StudyInstanceUID = "1.2.3"
    ds.Modality = "CT"
    ds.PatientName = "CANARY^NAME"
    ds.PatientID = "CANARY-ID"
    ds.Manufacturer = "MAKER"
    ds.KVP = "120"
    ds.SliceThickness = "3"
    ds.ConvolutionKernel = "B30f"
    ds.ImagePositionPatient = [-10, -20, -index * increment_mm]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = [0.5, 0.75]
    ds.Rows, ds.Columns = ROWS, COLUMNS
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16, 15
    ds.PixelRepresentation = 1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "HU"
    ds["PixelData"] = _pixel_element(stored_values(index))
    return ds


def _pixel_element(values):
    return DataElement(0x7FE00010, "OW", np.ascontiguousarray(values).tobytes())


def to_bytes(ds):
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture
def series() -> Callable[..., list[bytes]]:
    """Return a maker: series(n, edit) with edit(dataset, index) changing one slice."""

    def make(n=8, edit=None, **how):
        files = []
        for index in range(n):
            ds = build_slice(index, **how)
            if edit is not None:
                edit(ds, index)
            files.append(to_bytes(ds))
        return files

    return make


@pytest.fixture
def put_pixels():
    """Return a function that replaces a dataset's pixels by stored 16-bit values."""

    def put(ds, values):
        ds["PixelData"] = _pixel_element(np.asarray(values))

    return put


@pytest.fixture
def values_of():
    return stored_values
