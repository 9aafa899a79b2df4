"""Series as archives really hold them: each row a way to write one chest, and what comes of it.

A line of the result: slices x increment and orientation as the catalogue saw them; what choosing
said; what the pixels were in the end: `exact` (to the value, with flags) or why they were refused.
"""

import gc
import io
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from archive_case import (
    N_SLICES,
    SIZE,
    Archive,
    at_place,
    night,
    pixels,
    put,
    setting,
    slice_of,
    stack,
    to_bytes,
)
from enhanced_case import enhanced
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
    generate_uid,
)
from recoding import recoded

WHOLE = f"{N_SLICES} x 3 mm axial, rank 0, exact"
SECOND = WHOLE.replace("rank 0", "rank 1")


@dataclass(frozen=True)
class Case:
    """A phrase, how its archive is written, the line of every series, and files that are none."""

    phrase: str
    write: Callable[[Archive], object]
    series: tuple[str, ...] = (WHOLE,)
    duplicates: int = 0
    files: tuple[str, ...] = ()


def of(*edits: Callable[[Dataset, int], None]) -> Callable[[Archive], object]:
    """One series, every slice changed."""

    def write(archive: Archive) -> None:
        def edit(ds: Dataset, number: int) -> None:
            for each in edits:
                each(ds, number)

        archive.add(stack(edit=edit))

    return write


def second(edit: Callable[[Dataset, int], None], increment_mm: float = 3.0, n: int = N_SLICES):
    """A second reconstruction under the UID of the first."""
    return lambda archive: archive.add(stack(edit=edit_numbers(1)), stack(n, 1, edit, increment_mm))


def edit_numbers(first: int) -> Callable[[Dataset, int], None]:
    return lambda ds, number: setattr(ds, "InstanceNumber", first + number)


def upright(ds: Dataset, number: int) -> None:
    """A coronal scout."""
    ds.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    ds.ImagePositionPatient = [-160, 0, 160]
    ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]


def other_matrix(ds: Dataset, number: int) -> None:
    ds.Rows = ds.Columns = SIZE // 2
    ds.PixelSpacing = [40, 40]
    put(ds, pixels(1, number)[::2, ::2])


def folders(archive: Archive) -> None:
    files = stack()
    archive.add(files[::2], name="a/{}").add(files[1::2], name="b/c/{}")


def studies(archive: Archive) -> None:
    """Two studies of two people in one folder."""
    edit = setting(StudyInstanceUID="1.2.8", SeriesInstanceUID="1.2.8.1", PatientID="OTHER")
    archive.add(stack(), stack(recon=1, edit=edit))


def renamed(archive: Archive) -> None:
    names = setting(StudyInstanceUID="1.2.8", SeriesInstanceUID="1.2.8.1")
    copy = stack(edit=names)
    for ds in copy:
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    archive.add(stack(), copy)


def with_copies(change: Callable[[Dataset], object]) -> Callable[[Archive], object]:
    """Three slices lie there twice, the second files changed."""

    def write(archive: Archive) -> None:
        copies = [slice_of(k) for k in (3, 4, 20)]
        for ds in copies:
            change(ds)
        archive.add(stack()).add(copies, name="z/{}")

    return write


def one_value(ds: Dataset) -> None:
    values = np.frombuffer(ds.PixelData, "<i2").copy()
    values[7] += 1
    ds.PixelData = values.tobytes()


def tilted(degrees: float) -> Callable[[Dataset, int], None]:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    def edit(ds: Dataset, number: int) -> None:
        ds.ImageOrientationPatient = [1, 0, 0, 0, round(c, 6), round(-s, 6)]
        ds.GantryDetectorTilt = str(degrees)

    return edit


def without(*numbers: int) -> Callable[[Archive], object]:
    return lambda archive: archive.add([ds for k, ds in enumerate(stack()) if k not in numbers])


def at(place: Callable[[int], float]) -> Callable[[Dataset, int], None]:
    def edit(ds: Dataset, number: int) -> None:
        ds.ImagePositionPatient = [-160, -160, f"{place(number):.6g}"]

    return edit


def media(archive: Archive) -> None:
    """A disc: files named by an index, the index itself, and a note."""
    disc = FileSet()
    for ds in stack(edit=setting(PatientName="A^B")):
        ds.StudyTime, ds.StudyID, ds.SeriesNumber, ds.AccessionNumber = "101010", "1", 1, ""
        disc.add(ds)
    disc.write(archive.folder)
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        del disc  # pydicom leaves its temporary folder to the collector, and nothing closes it
        gc.collect()
    (archive.folder / "README.TXT").write_text("a disc")
    (archive.folder / "index").write_bytes((archive.folder / "DICOMDIR").read_bytes())


def bare(ds: Dataset, is_implicit: bool) -> bytes:
    """A file without preamble and meta header."""
    buffer = io.BytesIO()
    del ds.file_meta
    ds.save_as(buffer, implicit_vr=is_implicit, little_endian=True, enforce_file_format=False)
    return buffer.getvalue()


def syntax(new: str) -> Callable[[Dataset, int], None]:
    def edit(ds: Dataset, number: int) -> None:
        ds.file_meta.TransferSyntaxUID = new
        if new == ExplicitVRBigEndian:
            put(ds, pixels(0, number).astype(">i2"))

    return edit


def compressed(new: str, **how: object) -> Callable[[Dataset, int], None]:
    return lambda ds, number: ds.compress(new, generate_instance_uid=False, **how)


def by_gdcm(name: str) -> Callable[[Archive], object]:
    return lambda archive: archive.add(recoded(to_bytes(ds), name) for ds in stack())


def own_rescale(ds: Dataset, number: int) -> None:
    ds.RescaleIntercept = str(-number)
    put(ds, pixels(0, number) + np.int16(number))


def twelve_bits(ds: Dataset, number: int) -> None:
    """12 bits unsigned in 16, with rubbish in the four that do not count."""
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 12, 11, 0
    ds.RescaleIntercept = "-1024"
    stored = (pixels(0, number) + 1024).astype("<u2")
    put(ds, stored | np.uint16((number % 16) << 12))


def unsigned(ds: Dataset, number: int) -> None:
    ds.PixelRepresentation, ds.RescaleIntercept = 0, "-1000"
    put(ds, (pixels(0, number) + 1000).astype("<u2"))


TILTED = f"{N_SLICES} x 2.845 mm axial, tilt_uncorrected, tilt_uncorrected"
CONFLICT = f"{N_SLICES} x 3 mm axial, rank 0, conflicting_slices"
SCOUT = "1 x 0 mm coronal, localizer, not_axial"
OUT_OF_ORDER = CONFLICT.replace("conflicting_slices", "slices_out_of_order")

CASES = (
    Case("a plain series", of()),
    # --- grouping ---
    Case("one series over several folders", folders),
    Case("several studies in one folder", studies, (WHOLE, WHOLE)),
    Case("one UID, two kernels", second(setting(ConvolutionKernel="B70f")), (WHOLE, SECOND)),
    Case(
        "one UID, two increments told by thickness",
        second(setting(SliceThickness="1.5"), 1.5, 80),
        ("80 x 1.5 mm axial, rank 1, exact", WHOLE),
    ),
    Case(
        "one UID, two increments told by image numbers",
        second(edit_numbers(N_SLICES + 1), 1.5, 80),
        ("80 x 1.5 mm axial, rank 1, exact", WHOLE),
    ),
    Case(
        "one UID, a second kernel's planes between",
        second(at_place(1.5, setting(ConvolutionKernel="B70f"))),
        (WHOLE, SECOND.replace("exact", "changed")),  # not at the heights that are compared
    ),
    Case(
        "one UID, a virtual non-contrast copy",
        second(setting(ImageType=["DERIVED", "SECONDARY", "AXIAL", "VNC"])),
        (WHOLE, WHOLE.replace("rank 0", "derived") + " derived_image"),
    ),
    Case(
        "one UID, two matrices",
        second(other_matrix),
        (WHOLE, SECOND.replace("exact", "changed")),  # every other pixel, so not the planes written
    ),
    Case("one UID, a scout with its scan", second(upright, n=1), (WHOLE, SCOUT)),
    Case("one UID, every plane twice (4-D)", second(edit_numbers(1)), (CONFLICT,)),
    Case("the same, numbered through", second(edit_numbers(N_SLICES + 1)), (OUT_OF_ORDER,)),
    # --- copies ---
    Case("the same file twice", with_copies(lambda ds: None), duplicates=3),
    Case(
        "the same instance in another encoding",
        with_copies(lambda ds: ds.compress(RLELossless, generate_instance_uid=False)),
        duplicates=3,
    ),
    Case("one instance, two contents", with_copies(one_value), (CONFLICT,), duplicates=3),
    Case(
        "one instance, two rescales",
        with_copies(lambda ds: setattr(ds, "RescaleIntercept", "1")),
        (CONFLICT,),
        duplicates=3,
    ),
    Case("the same images under new UIDs", renamed, (WHOLE, WHOLE)),
    # --- geometry ---
    Case("gantry tilt", of(tilted(18.5)), (TILTED,)),
    Case("a tilt named and corrected", of(setting(GantryDetectorTilt="0.5"))),
    Case(
        "a slice missing",
        without(7),
        (f"{N_SLICES - 1} x 3 mm axial, rank 0, exact missing_slice",),
    ),
    Case(
        "a gap of three",
        without(7, 8, 9),
        (f"{N_SLICES - 3} x 3 mm axial, rank 0, exact missing_slice",),
    ),
    Case(
        "slices uneven",
        of(at(lambda k: -3.0 * k - (1.2 if k > 20 else 0))),
        (f"{N_SLICES} x 3 mm axial, rank 0, uneven_slices",),
    ),
    Case(
        "two zones",
        of(at(lambda k: -3.0 * k if k < 30 else -87 - 5.0 * (k - 29))),
        (f"{N_SLICES} x 3 mm axial, rank 0, uneven_slices",),
    ),
    Case(
        "numbered from the feet",
        of(lambda ds, k: setattr(ds, "InstanceNumber", N_SLICES - k)),
    ),
    # --- multi-frame ---
    Case("enhanced multi-frame", lambda a: a.add([enhanced(stack())])),
    Case(
        "enhanced, one instance in two files (concatenation)",
        lambda a: a.add([enhanced(stack()[:25]), enhanced(stack()[25:])]),
    ),
    Case(
        "enhanced, a frame missing",
        lambda a: a.add([enhanced([ds for k, ds in enumerate(stack()) if k != 7])]),
        (f"{N_SLICES - 1} x 3 mm axial, rank 0, exact missing_slice",),
    ),
    Case(
        "enhanced and run-length coded",
        lambda a: a.add([enhanced(stack(), RLELossless)]),
    ),
    # --- files ---
    Case("a disc with its DICOMDIR", media, files=("ignored_file", "ignored_file", "not_dicom")),
    Case("no extension", lambda a: a.add(stack(), name="IM{}")),
    Case("a wrong extension", lambda a: a.add(stack(), name="{}.jpg")),
    Case("no preamble, no meta header", lambda a: a.add(bare(ds, True) for ds in stack())),
    Case("the same in explicit VR", lambda a: a.add(bare(ds, False) for ds in stack())),
    Case("implicit VR", of(syntax(ImplicitVRLittleEndian))),
    Case("big endian", of(syntax(ExplicitVRBigEndian))),
    Case("deflated", of(syntax(DeflatedExplicitVRLittleEndian))),
    # --- pixels ---
    Case("JPEG Lossless", by_gdcm("JPEGLosslessProcess14_1")),
    Case("JPEG Lossless of any predictor", by_gdcm("JPEGLosslessProcess14")),
    Case("JPEG 2000", by_gdcm("JPEG2000Lossless")),
    Case("JPEG-LS", of(compressed(JPEGLSLossless))),
    Case("RLE", of(compressed(RLELossless))),
    Case(
        "JPEG-LS with loss",
        of(compressed(JPEGLSNearLossless, jls_error=3)),
        (WHOLE.replace("exact", "changed lossy_compression"),),
    ),
    Case(
        "compressed with loss before, and told",
        of(setting(LossyImageCompression="01")),
        (f"{WHOLE} lossy_compression",),
    ),
    Case("never compressed with loss, and told", of(setting(LossyImageCompression="00"))),
    Case("a rescale of its own in each slice", of(own_rescale)),
    Case("12 bits in 16, rubbish above", of(twelve_bits)),
    Case("unsigned", of(unsigned)),
    # --- words ---
    Case(
        "an odd character set", of(setting(SpecificCharacterSet="GB18030", StudyDescription="胸"))
    ),
    Case("a character set nobody knows", of(setting(SpecificCharacterSet="LATIN-9 OR SO"))),
    Case("several kernels in one tag", of(setting(ConvolutionKernel=["Br40d", "3"]))),
    # --- dates ---
    Case("no date at all", of(setting(StudyDate="", AcquisitionDate=None))),
    Case("a date that is none", of(setting(StudyDate="20250230", AcquisitionDate="today"))),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.phrase)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_as_they_are(case: Case, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    case.write(archive)
    found = night(archive)
    assert found.adds_up
    assert tuple(found.series) == case.series
    assert found.n_duplicates == case.duplicates
    assert tuple(found.files) == case.files
