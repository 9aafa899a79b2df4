"""What leaves the lake for other systems.

Comes in: a scored series with its source files.
Goes out: a DICOM structured report and a segmentation, as bytes.
Refuses: source files that cannot be referred to.
"""

from screening.publish.dicom_report import DicomReport, make_dicom_report

__all__ = ["DicomReport", "make_dicom_report"]
