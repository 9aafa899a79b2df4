"""A small CT series in a folder, with one block of calcium, and masks that lie on it."""

from pathlib import Path

import nibabel
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SHAPE = (8, 20, 24)
SPACING_MM, INCREMENT_MM = (0.5, 0.75), 3.0
FIRST_LPS_MM = (-10.0, -20.0, 50.0)
BLOCK = (slice(3, 5), slice(6, 10), slice(8, 12))  # 2 slices of 4 x 4 pixels, 6 mm2 each
BLOCK_HU = 350
BLOCK_AGATSTON = 2 * 16 * 0.5 * 0.75 * 3


def write_series(folder: Path, **elements: object) -> Path:
    """Write the series; `elements` replace those of every slice."""
    folder.mkdir(parents=True, exist_ok=True)
    hu = np.full(SHAPE, 40, dtype="<i2")
    hu[BLOCK] = BLOCK_HU
    series = generate_uid()
    for k, plane in enumerate(hu):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = CTImageStorage
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
        ds.SeriesInstanceUID = ds.StudyInstanceUID = series
        ds.PatientName, ds.PatientID = "CANARY^NAME", "CANARY-ID"
        ds.Modality, ds.KVP, ds.SliceThickness = "CT", "120", "3"
        x, y, z = FIRST_LPS_MM
        ds.ImagePositionPatient = [x, y, z - k * INCREMENT_MM]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing = list(SPACING_MM)
        ds.Rows, ds.Columns = plane.shape
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "HU"
        ds.PixelData = plane.tobytes()
        for keyword, value in elements.items():
            setattr(ds, keyword, value)
        pydicom.dcmwrite(folder / f"{k}.dcm", ds, enforce_file_format=True)
    return folder


def write_mask(file: Path, label: int = 1, drop_slices: int = 0, shift_mm: float = 0.0) -> Path:
    """Write the block as a NIfTI mask, perhaps of fewer slices or at another place."""
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[BLOCK] = label
    affine = np.zeros((4, 4))
    affine[2, 0] = -INCREMENT_MM
    affine[1, 1] = -SPACING_MM[0]  # RAS: x and y the other way round
    affine[0, 2] = -SPACING_MM[1]
    affine[:, 3] = (-FIRST_LPS_MM[0] + shift_mm, -FIRST_LPS_MM[1], FIRST_LPS_MM[2], 1.0)
    nibabel.save(nibabel.Nifti1Image(labels[: SHAPE[0] - drop_slices], affine), file)
    return file
