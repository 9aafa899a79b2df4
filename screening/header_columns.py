"""What the archive reads from one file's header, and the version of that reading.

Comes in: nothing. Goes out: `HEADER_COLUMNS`, `HEADERS_VERSION`. Refuses: nothing.
"""

import pyarrow as pa

from screening.schema import Column, Privacy

_S, _I, _F, _D = pa.string(), pa.int64(), pa.float64(), pa.date32()
_SS = pa.list_(pa.string())
_ID, _QUASI = Privacy.IDENTITY, Privacy.QUASI

# What the archive reads from one file's header, identity and all. Never written as it is.
HEADER_COLUMNS = (
    Column("path", _S, "", "path below the archive's root, or study/series/instance UIDs", _ID),
    Column("size_bytes", _I, "B", "size of the file; 0 where the archive does not tell"),
    Column("mtime_ns", _I, "", "change mark: a file's time in ns, or a digest", volatile=True),
    Column("sop_class_uid", _S, "", "kind of DICOM object"),
    Column("transfer_syntax_uid", _S, "", "encoding of the pixels"),
    Column("modality", _S, "", "CT, SR, …"),
    Column("image_type", _SS, "", "ImageType values"),
    Column("rows", _I, "pixel", "matrix rows"),
    Column("columns", _I, "pixel", "matrix columns"),
    Column("n_frames", _I, "", "NumberOfFrames, 1 where absent"),
    Column("row_spacing_mm", _F, "mm", "distance between rows"),
    Column("column_spacing_mm", _F, "mm", "distance between columns"),
    Column("position_lps_mm", pa.list_(_F), "mm", "ImagePositionPatient"),
    Column("frame_positions_mm", pa.list_(_F), "mm", "of a multi-frame file, frame after frame"),
    Column("frame_kinds", _S, "", "JSON: what its frames are, where they are of several kinds"),
    Column("orientation", pa.list_(_F), "", "ImageOrientationPatient, six cosines"),
    Column("image_number", _I, "", "InstanceNumber"),
    Column("acquisition_number", _I, "", "AcquisitionNumber"),
    Column("acquired_s", _F, "s", "since midnight, AcquisitionTime or AcquisitionDateTime", _QUASI),
    Column("thickness_mm", _F, "mm", "SliceThickness"),
    Column("tilt_degrees", _F, "degree", "GantryDetectorTilt"),
    Column("kvp", _F, "kV", "tube voltage"),
    Column("exposure_mas", _F, "mAs", "Exposure"),
    Column("kernel", _S, "", "ConvolutionKernel, values joined by a backslash"),
    Column("manufacturer", _S, "", "Manufacturer"),
    Column("scanner_model", _S, "", "ManufacturerModelName"),
    Column("rescale_slope", _F, "", "RescaleSlope"),
    Column("rescale_intercept", _F, "", "RescaleIntercept"),
    Column("rescale_type", _S, "", "RescaleType"),
    Column("photometric", _S, "", "PhotometricInterpretation"),
    Column("bits_allocated", _I, "bit", "BitsAllocated"),
    Column("bits_stored", _I, "bit", "BitsStored"),
    Column("samples_per_pixel", _I, "", "SamplesPerPixel"),
    Column(
        "contrast_agent",
        _S,
        "",
        "ContrastBolusAgent, else volume or ingredient; empty where none went into blood",
    ),
    Column("body_part", _S, "", "BodyPartExamined"),
    Column("descriptions", _S, "", "study, series and protocol texts, joined", _ID),
    Column("series_description", _S, "", "SeriesDescription, and what a report measures", _ID),
    Column("protocol_name", _S, "", "ProtocolName", _ID),
    Column("conversion_type", _S, "", "ConversionType: how images became digital, else empty"),
    Column("respiratory_sync", _S, "", "RespiratoryMotionCompensationTechnique"),
    Column("cardiac_sync", _S, "", "CardiacSynchronizationTechnique or trigger tags"),
    Column("acquired_on", _D, "", "local date of acquisition, else content, series, study", _QUASI),
    Column("days_said", _S, "", "all dates where they contradict, with ages; else empty", _QUASI),
    Column("birth_date", _D, "", "PatientBirthDate", _ID),
    Column("age_years", _F, "year", "PatientAge; under keys by the birth date first", _QUASI),
    Column("sex", _S, "", "PatientSex: F, M, O or empty", _QUASI),
    Column("pixel_bytes", _I, "B", "length of the pixel data found in the file; -1 unknown"),
    Column("rejection", _S, "", "of a rejection note, the code that says why; else empty"),
)

# Raise by hand when what a header is read as changes (gating, contrast agent, reports): every
# header of a lake is then read again.
HEADERS_VERSION = 4
