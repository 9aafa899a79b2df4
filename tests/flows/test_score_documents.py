"""Reports and captures of formal calcium scores, as workstations send them to an archive."""

from datetime import date

import pytest
from archive_case import Archive, night, slice_of, stack, to_bytes
from orthanc import PASSWORD, USER, needs_orthanc, running
from pydicom.dataset import Dataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    EnhancedSRStorage,
    KeyObjectSelectionDocumentStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
    XRayRadiationDoseSRStorage,
)

from screening.archive import open_source, resolve
from screening.archive.listing import STATS_SCHEMA
from screening.choose import choose
from screening.config import ArchiveSettings
from screening.header_values import OWN_MANUFACTURER

CODED = ("DCM", "112058", "Calcium score")


def item(*code: str, inside: tuple[Dataset, ...] = ()) -> Dataset:
    name, found = Dataset(), Dataset()
    name.CodingSchemeDesignator, name.CodeValue, name.CodeMeaning = code
    found.ConceptNameCodeSequence = [name]
    if inside:
        found.ContentSequence = list(inside)
    return found


def report(*content: Dataset, kind: str = ComprehensiveSRStorage, **elements: object) -> Dataset:
    """A structured report of a study whose descriptions say nothing."""
    ds = slice_of(0)
    for keyword in ("PixelData", "Rows", "Columns", "ImagePositionPatient", "ImageType"):
        del ds[keyword]
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = kind
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = "1.2.77"
    ds.SeriesInstanceUID, ds.Modality, ds.SeriesDescription = "1.2.77.1", "SR", "Results"
    ds.ContentSequence = list(content)
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def capture(kind: str = SecondaryCaptureImageStorage, **elements: object) -> Dataset:
    ds = slice_of(0)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = kind
    ds.SeriesInstanceUID, ds.Modality = "1.2.78.1", "OT"
    ds.SeriesDescription = "CaScore summary"
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def reasons(folder, ds: Dataset) -> list[str]:
    """What choosing says of a series of one file, beside a chest that is chosen."""
    folder.mkdir(exist_ok=True)
    found = night(Archive(folder / "a").add(stack(), [ds]))
    assert found.adds_up
    by_key = {d.series_key: d for d in choose([e.series for e in found.entries])}
    (one,) = (by_key[e.series.series_key] for e in found.entries if e.series.n_files == 1)
    return [str(r) for r in one.reasons]


@pytest.mark.parametrize(
    "ds",
    [
        report(item("DCM", "126000", "Imaging report", inside=(item(*CODED),))),
        report(item("99X", "1", "a"), item("99X", "2", "b", inside=(item(*CODED),))),
        report(item("SCT", "450360000", "Coronary artery calcium score"), kind=EnhancedSRStorage),
        report(item("99X", "1", "a"), SeriesDescription="Calcium Scoring"),
        capture(),
        capture(kind=MultiFrameGrayscaleWordSecondaryCaptureImageStorage),
        capture(Modality="SC", SeriesDescription="Score calcique"),
    ],
)
def test_is_evidence_and_no_image(ds, tmp_path):
    assert reasons(tmp_path, ds) == ["not_ct", "calcium_score_document"]


def test_a_capture_that_calls_itself_ct_is_evidence(tmp_path):
    ds = capture(Modality="CT", ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"])
    assert reasons(tmp_path, ds) == ["calcium_score_document"]


@pytest.mark.parametrize(
    "ds",
    [
        report(item("DCM", "112063", "Abnormal calcifications")),
        report(item("99X", "112058", "Calcium score")),  # another scheme's number
        report(item("99X", "1", "a")),
        # a dose report of the same study, a key object, images sent as they are
        report(item(*CODED), kind=XRayRadiationDoseSRStorage, StudyDescription="CT Kalkscore"),
        report(item(*CODED), kind=KeyObjectSelectionDocumentStorage, Modality="KO"),
        capture(SeriesDescription="Dose Report", StudyDescription="CT Kalkscore"),
        capture(SeriesDescription="Nodule summary"),
        # what the study was called says what was ordered, not what became of it
        capture(SeriesDescription="Page 1", StudyDescription="CT Kalkscore"),
        capture(SeriesDescription="Bolus timing", StudyDescription="CTA with calcium score"),
        capture(SeriesDescription="Page 1", ProtocolName="CaScore_CTA"),
        report(item("99X", "1", "a"), StudyDescription="CT Kalkscore"),
        # scores that were not made
        capture(SeriesDescription="Ca score not performed, arrhythmia"),
        capture(SeriesDescription="Kalkscore nicht durchgeführt"),
        capture(SeriesDescription="Score calcique non réalisé"),
        capture(SeriesDescription="Planned calcium score"),
        # what this program wrote itself
        report(item(*CODED), Manufacturer=OWN_MANUFACTURER),
    ],
)
def test_is_no_evidence(ds, tmp_path):
    assert reasons(tmp_path, ds) == ["not_ct"]


def test_of_a_report_of_many_items_the_upper_ones_are_read(tmp_path):
    first = report(item(*CODED), *(item("99X", "1", "a") for _ in range(10_001)))
    assert reasons(tmp_path / "1", first) == ["not_ct", "calcium_score_document"]
    last = report(*(item("99X", "1", "a") for _ in range(10_001)), item(*CODED))
    assert reasons(tmp_path / "2", last) == ["not_ct"]


def sent(ds: Dataset, series: str, sop: str) -> bytes:
    ds.SeriesInstanceUID, ds.SOPInstanceUID = series, sop
    ds.file_meta.MediaStorageSOPInstanceUID = sop
    return to_bytes(ds)


@needs_orthanc
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_tells_a_score_as_a_folder_does(tmp_path, monkeypatch):
    """By DICOMweb and by DIMSE; dose reports, which are not fetched, are not missed."""
    monkeypatch.setenv("SCREENING_ARCHIVE_USER", USER)
    monkeypatch.setenv("SCREENING_ARCHIVE_PASSWORD", PASSWORD)
    monkeypatch.setattr("screening.archive.dicomweb._clients", {})
    inside = report(item("DCM", "126000", "Imaging report", inside=(item(*CODED),)))
    other = report(item("99X", "1", "a"))
    dose = report(item(*CODED), kind=XRayRadiationDoseSRStorage)
    limits = ArchiveSettings(requests_per_second=0, patience_seconds=1, slice_days=20_000)
    with running(tmp_path) as orthanc:
        for content in (
            sent(inside, "1.2.77.1", "1.2.77"),
            sent(dose, "1.2.78.1", "1.2.78"),
            sent(dose, "1.2.79.1", "1.2.79.2"),  # in one series with a report
            sent(other, "1.2.79.1", "1.2.79"),
        ):
            orthanc.ask("POST", "/instances", data=content)
        for address in (orthanc.web, orthanc.dimse):
            source = open_source(resolve(address), limits)
            listed = source.list_files(STATS_SCHEMA.empty_table(), date(2026, 1, 3)).stats
            read = source.read_headers(listed)
            assert read.files.num_rows == 0
            told = {
                row["path"].split("/")[2]: "calcium score" in row["descriptions"]
                for row in read.instances.to_pylist()
            }
            assert told == {"1.2.77": True, "1.2.78": False, "1.2.79.2": False, "1.2.79": False}
