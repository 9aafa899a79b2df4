"""A score, back into the imaging archive: a structured report and a segmentation.

Comes in: the source files' bytes, the `Volume`, `Labelled` and `CalciumScore` made from them, the
program's version and the time of the score.
Goes out: `DicomReport`, the bytes of one or two DICOM files.
Refuses: files that are not the volume's, or whose headers cannot be carried over.

What goes out is identified data: patient and study are those of the source images.
"""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.valuerep import DA, DT, TM

from screening.errors import ScreeningError
from screening.publish.origin import Origin
from screening.publish.segmentation import find_segments, make_segmentation
from screening.publish.source import HEADER_ERRORS, read_sources
from screening.publish.structured_report import make_report
from screening.records import CalciumScore, Label, Labelled, Volume


@dataclass(frozen=True, slots=True)
class DicomReport:
    """The files of one scored series; identified data, so their repr shows nothing.

    structured_report : a TID 1500 Measurement Report
    segmentation : the scored voxels; None for a score of zero
    """

    structured_report: bytes = field(repr=False)
    segmentation: bytes | None = field(repr=False)


def make_dicom_report(
    files: Sequence[bytes],
    volume: Volume,
    labelled: Labelled,
    score: CalciumScore,
    *,
    software_version: str,
    created_at: datetime,
) -> DicomReport:
    """Make the report of one scored series.

    The same arguments give the same bytes, UIDs included, so that an archive takes a second
    export for what it is.

    Parameters
    ----------
    files : the series' files, in any order
    volume, labelled, score : loaded from these files and measured
    software_version : of this program
    created_at : when the score was made, in the site's local time

    Returns
    -------
    DicomReport

    Raises
    ------
    ScreeningError
        one line with the series' key, without identity
    """
    try:
        # Both libraries quote patients' names in their warnings.
        with warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            return _make(files, volume, labelled, score, software_version, created_at)
    except HEADER_ERRORS as error:
        raise ScreeningError(
            f"series {volume.series_key}: the source images' headers cannot be carried into a "
            f"report ({type(error).__name__})"
        ) from None


def _make(
    files: Sequence[bytes],
    volume: Volume,
    labelled: Labelled,
    score: CalciumScore,
    software_version: str,
    created_at: datetime,
) -> DicomReport:
    images = read_sources(files, volume)
    number = images[0].get("SeriesNumber")
    origin = Origin(
        source_series_uid=str(images[0].SeriesInstanceUID),
        source_series_number=None if number is None else int(number),
        model=labelled.model,
        scoring=score.parameters,
        software_version=software_version,
        created_at=created_at,
        slab_mm=score.beside.slab_mm,
    )
    segmentation = None
    labels: tuple[Label, ...] = ()
    if score.agatston > 0:
        segments = find_segments(volume, labelled, score.parameters)
        segmentation = make_segmentation(images, volume, segments, origin)
        labels = segments.labels
    report = make_report(images, score, segmentation, labels, origin)
    return DicomReport(
        structured_report=_to_bytes(report, created_at),
        segmentation=None if segmentation is None else _to_bytes(segmentation, created_at),
    )


def _to_bytes(dataset: Dataset, created_at: datetime) -> bytes:
    """Write the file; the clock's time, which the library puts in, gives way to the score's."""
    dataset.ContributingEquipmentSequence[-1].ContributionDateTime = DT(created_at)
    dataset.InstanceCreationDate = DA(created_at.date())
    dataset.InstanceCreationTime = TM(created_at.time())
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
