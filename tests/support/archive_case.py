"""An archive of small chests, and what a night makes of it without a cluster.

Comes in: slices as edits of a plain one. Goes out: one line for every series: what the catalogue
saw, what choosing said, and whether the pixels that came out are those that went in.
"""

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.config import disable_value_validation
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from flows.crawl import crawl
from screening import archive, catalogue, choose
from screening.config import ArchiveSettings
from screening.frames import chosen
from screening.lake import Lake
from screening.records import Rejection, Volume
from screening.volume import load_volume

SIZE, N_SLICES, INCREMENT_MM = 16, 40, 3.0
SPACING_MM = 20.0  # 320 mm wide
TODAY = date(2026, 11, 1)
Edit = Callable[[Dataset, int], None]


def pixels(recon: int, number: int) -> NDArray[np.int16]:
    """Noise that no decoder can guess, different in every slice of every reconstruction."""
    source = np.random.default_rng((recon, number))
    return source.integers(-1000, 2000, (SIZE, SIZE)).astype("<i2")


def slice_of(number: int, recon: int = 0, increment_mm: float = INCREMENT_MM) -> Dataset:
    """Slice `number` from the head."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = CTImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = f"1.2.9.{recon}.{number + 1}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = "CANARY^NAME", "CANARY-ID", "19600101"
    ds.PatientSex, ds.StudyDate, ds.AcquisitionDate = "F", "20260102", "20260102"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.Modality, ds.KVP, ds.SliceThickness, ds.ConvolutionKernel = "CT", "120", "3", "B30f"
    ds.Manufacturer, ds.SeriesDescription = "SIEMENS", "Thorax nativ"
    ds.InstanceNumber = number + 1
    ds.ImagePositionPatient = [-160, -160, f"{-number * increment_mm:.6g}"]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = [SPACING_MM, SPACING_MM]
    ds.Rows = ds.Columns = SIZE
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "HU"
    put(ds, pixels(recon, number))
    return ds


def put(ds: Dataset, values: NDArray[np.integer]) -> None:
    """Replace the pixels by 16-bit values."""
    ds["PixelData"] = DataElement(0x7FE00010, "OW", np.ascontiguousarray(values).tobytes())


def stack(
    n: int = N_SLICES, recon: int = 0, edit: Edit | None = None, increment_mm: float = INCREMENT_MM
) -> list[Dataset]:
    """A series; `edit` changes each slice."""
    found = [slice_of(k, recon, increment_mm) for k in range(n)]
    for number, ds in enumerate(found):
        if edit is not None:
            edit(ds, number)
    return found


def setting(**elements: object) -> Edit:
    """An edit that sets elements of every slice; None removes one."""

    def edit(ds: Dataset, _: int) -> None:
        for keyword, value in elements.items():
            if value is None:
                if keyword in ds:
                    del ds[keyword]
            else:
                setattr(ds, keyword, value)

    return edit


def at_place(offset_mm: float, *edits: Edit, increment_mm: float = INCREMENT_MM) -> Edit:
    """An edit that puts every slice so much nearer to the feet, after others."""

    def edit(ds: Dataset, number: int) -> None:
        for one in edits:
            one(ds, number)
        x, y, _ = ds.ImagePositionPatient
        ds.ImagePositionPatient = [x, y, f"{-number * increment_mm - offset_mm:.6g}"]

    return edit


def to_bytes(ds: Dataset) -> bytes:
    """The file of a slice."""
    buffer = io.BytesIO()
    with disable_value_validation():
        ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@dataclass
class Archive:
    """A folder of files."""

    folder: Path
    n: int = 0
    lake: Path = field(init=False)

    def __post_init__(self) -> None:
        self.lake = self.folder.parent / "lake"
        self.folder.mkdir(exist_ok=True)

    def add(self, *many: Iterable[Dataset | bytes], name: str = "{}.dcm") -> "Archive":
        """Write files, named by their number."""
        for one in many:
            for content in one:
                file = self.folder / name.format(self.n)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content if isinstance(content, bytes) else to_bytes(content))
                self.n += 1
        return self


@dataclass(frozen=True)
class Night:
    """What became of an archive."""

    series: list[str]
    files: list[str]  # reasons of those that are no instance
    n_seen: int
    n_duplicates: int
    entries: Sequence[catalogue.Entry]
    volumes: Sequence[Volume | Rejection]

    @property
    def adds_up(self) -> bool:
        """Every file seen is an instance, a copy of one, or has a reason."""
        # A file whose frames are of several kinds is in several series.
        n_instances = len({chosen(path)[0] for e in self.entries for path in e.paths})
        return self.n_seen == n_instances + self.n_duplicates + len(self.files)


def night(where: Archive) -> Night:
    """Crawl, group, choose and load; everything but the model."""
    source = archive.open_source(archive.resolve(str(where.folder)), ArchiveSettings())
    lake = Lake.open(where.lake, b"a secret for tests only", create=True)
    with lake.lease("test"):
        found = crawl(lake, None, source, TODAY)
    grouped = catalogue.group(found.instances, TODAY)
    decisions = {d.series_key: d for d in choose.choose([e.series for e in grouped.entries])}
    entries = sorted(grouped.entries, key=lambda e: (-e.series.n_slices, e.series.kernel, e.paths))
    volumes = [
        load_volume(e.series.series_key, source.read_bytes(e.paths + e.copies)) for e in entries
    ]
    lines = []
    for entry, volume in zip(entries, volumes, strict=True):
        series, decision = entry.series, decisions[entry.series.series_key]
        seen = f"{series.n_slices} x {series.increment_mm or 0:.4g} mm {series.orientation}"
        said = decision.reasons[0].value if decision.reasons else f"rank {decision.rank}"
        lines.append(f"{seen}, {said}, {_loaded(volume)}")
    files = sorted(found.files["reason"].to_pylist())
    return Night(lines, files, found.n_seen, grouped.n_duplicate_files, entries, volumes)


def _loaded(volume: Volume | Rejection) -> str:
    if isinstance(volume, Rejection):
        return volume.reason.value
    is_exact = any(_is_recon(volume, recon) for recon in range(3))
    return " ".join(["exact" if is_exact else "changed", *volume.flags])


def _is_recon(volume: Volume, recon: int) -> bool:
    """Whether every plane is, to the value, what was written at its height."""
    numbers = np.rint(-volume.origins_lps_mm[:, 2] / volume.increment_mm).astype(int)
    return numbers.min() >= 0 and all(
        np.array_equal(plane, np.maximum(pixels(recon, int(number)), -1024))
        for plane, number in zip(volume.hu, numbers, strict=True)
    )
