"""A rejection note as IHE's IOCM has it.

Comes in: headers of the images, the code of the title. Goes out: a Key Object Selection.
"""

from collections.abc import Sequence

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

KEY_OBJECT = "1.2.840.10008.5.1.4.1.1.88.59"


def rejection_note(headers: Sequence[Dataset], code: str) -> Dataset:
    """Return a note on images of one series."""
    first, ds = headers[0], Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = KEY_OBJECT
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    for keyword in ("PatientID", "PatientName", "PatientSex", "PatientBirthDate", "StudyDate"):
        setattr(ds, keyword, first.get(keyword, ""))
    ds.IssuerOfPatientID = first.get("IssuerOfPatientID", "")
    ds.StudyInstanceUID, ds.SeriesInstanceUID = first.StudyInstanceUID, generate_uid()
    ds.Modality, ds.InstanceNumber = "KO", 1
    title, series, study = Dataset(), Dataset(), Dataset()
    title.CodeValue, title.CodingSchemeDesignator, title.CodeMeaning = code, "DCM", "title"
    ds.ConceptNameCodeSequence = [title]
    series.SeriesInstanceUID = first.SeriesInstanceUID
    series.ReferencedSOPSequence = []
    for header in headers:
        item = Dataset()
        item.ReferencedSOPClassUID = header.SOPClassUID
        item.ReferencedSOPInstanceUID = header.SOPInstanceUID
        series.ReferencedSOPSequence.append(item)
    study.StudyInstanceUID, study.ReferencedSeriesSequence = first.StudyInstanceUID, [series]
    ds.CurrentRequestedProcedureEvidenceSequence = [study]
    return ds
