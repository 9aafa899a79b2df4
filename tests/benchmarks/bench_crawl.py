"""How fast the crawl is, as ratios within one run.

    python tests/benchmarks/bench_crawl.py [FILES]

Prints files/s of reading headers against pydicom, and the time of listing an unchanged archive
against a bare scandir + stat walk. Budgets: at least 4, at most 2.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from screening.archive import list_files, read_headers

REPEATS = 5
FILES_A_FOLDER = 200


def slice_of(index: int) -> Dataset:
    """A small slice with about as many elements as a scanner writes."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = CTImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20260102"
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = "101112"
    ds.AccessionNumber, ds.Modality, ds.Manufacturer = "A1", "CT", "MAKER"
    ds.StudyDescription, ds.SeriesDescription = "CT chest", "Chest 2.0 B30f"
    ds.ManufacturerModelName, ds.InstitutionName = "MODEL", "HOSPITAL"
    ds.PatientName, ds.PatientID, ds.PatientSex = "A^B", "P1", "F"
    ds.PatientBirthDate, ds.PatientAge = "19600101", "066Y"
    ds.BodyPartExamined, ds.SliceThickness, ds.KVP = "CHEST", "2", "120"
    ds.DataCollectionDiameter = ds.ReconstructionDiameter = "380"
    ds.DistanceSourceToDetector, ds.DistanceSourceToPatient = "1085.6", "595"
    ds.GantryDetectorTilt, ds.TableHeight, ds.ExposureTime = "0", "150", "500"
    ds.XRayTubeCurrent, ds.Exposure, ds.ConvolutionKernel = "110", "55", "B30f"
    ds.FilterType, ds.GeneratorPower, ds.FocalSpots = "0", "40", "1.2"
    ds.PatientPosition, ds.ProtocolName, ds.RotationDirection = "HFS", "Thorax", "CW"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = "1.2.3", "1.2.3.4", "1.2.5"
    ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = 2, 1, index
    ds.ImagePositionPatient = [-190, -190, -2.0 * index]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.SliceLocation = str(-2 * index)
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns, ds.PixelSpacing = 64, 64, [0.7, 0.7]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.WindowCenter, ds.WindowWidth = [40, -600], [400, 1500]
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    ds["PixelData"] = DataElement(0x7FE00010, "OW", np.zeros((64, 64), "<u2").tobytes())
    return ds


def write_archive(root: Path, n_files: int) -> None:
    """Write `n_files` slices, 200 a folder."""
    for index in range(n_files):
        folder = root / f"{index // FILES_A_FOLDER:04d}"
        folder.mkdir(exist_ok=True)
        slice_of(index).save_as(folder / f"IM{index:06d}", enforce_file_format=True)


def bare_walk(folder: str) -> int:
    """Walk and stat, nothing else."""
    n = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                n += bare_walk(entry.path)
            else:
                n += entry.stat().st_size > 0
    return n


def best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of some repeats: the machine is shared."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main(n_files: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        write_archive(Path(folder), n_files)
        stats = list_files(folder).stats
        paths = [f"{folder}/{p}" for p in stats["path"].to_pylist()]
        shard = read_headers(folder, stats)
        assert shard.instances.num_rows == n_files
        ours = best(lambda: read_headers(folder, stats))
        theirs = best(lambda: [pydicom.dcmread(p, stop_before_pixels=True) for p in paths])
        listed = best(lambda: list_files(folder))
        walked = best(lambda: bare_walk(folder))
    print(f"headers   {n_files / ours:9.0f} files/s   {theirs / ours:5.2f} x pydicom (>= 4)")
    print(f"listing   {n_files / listed:9.0f} files/s   {listed / walked:5.2f} x bare walk (<= 2)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
