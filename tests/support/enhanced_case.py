"""Slices put into one Enhanced CT file, as scanners write it.

Comes in: slices of one series. Goes out: one data set with a frame for each.
Refuses: nothing.
"""

from collections.abc import Sequence

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

_OF_THE_FILE = (
    "StudyInstanceUID", "SeriesInstanceUID", "PatientName", "PatientID", "PatientBirthDate",
    "PatientSex", "StudyDate", "Modality", "Manufacturer", "SeriesDescription", "Rows", "Columns",
    "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation",
)  # fmt: skip


def _group(**elements: object) -> list[Dataset]:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return [item]


def enhanced(slices: Sequence[Dataset], syntax: str = ExplicitVRLittleEndian) -> Dataset:
    """Put slices into one file; what they share stands once."""
    first, ds = slices[0], Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = EnhancedCTImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    for keyword in _OF_THE_FILE:
        setattr(ds, keyword, first[keyword].value)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    ds.AcquisitionDateTime = f"{first.AcquisitionDate}101010"
    ds.NumberOfFrames = len(slices)
    shared = Dataset()
    shared.PixelMeasuresSequence = _group(
        PixelSpacing=first.PixelSpacing, SliceThickness=first.SliceThickness
    )
    shared.PlaneOrientationSequence = _group(ImageOrientationPatient=first.ImageOrientationPatient)
    shared.CTXRayDetailsSequence = _group(KVP=float(first.KVP))
    shared.CTReconstructionSequence = _group(ConvolutionKernel=first.ConvolutionKernel)
    ds.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for each in slices:
        frame = Dataset()
        frame.PlanePositionSequence = _group(ImagePositionPatient=each.ImagePositionPatient)
        frame.PixelValueTransformationSequence = _group(
            RescaleIntercept=each.RescaleIntercept,
            RescaleSlope=each.RescaleSlope,
            RescaleType="HU",
        )
        frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = frames
    ds.add_new(0x7FE00010, "OW", b"".join(each.PixelData for each in slices))
    if syntax != ExplicitVRLittleEndian:
        ds.compress(syntax, generate_instance_uid=False)
    return ds
