"""The segmentation holds exactly the scored voxels, at their place in the patient."""

import io

import highdicom as hd
import numpy as np
import pydicom
import pytest
from publish_case import BLOBS, CREATED, SHAPE, as_file, export, make_case, make_score, true_voxels

from screening.phantom.dicom import Encoding, Storage, Syntax
from screening.publish import codes
from screening.publish.segmentation import find_segments
from screening.records import Label
from screening.scoring import scan
from screening.scoring.measure import measure

GEOMETRIES = {
    "straight": {},
    "oblique": {"turned_degrees": (11.0, 6.0)},
    "seen from above": {"seen_from_above": True},
    "oblique, seen from above": {"turned_degrees": (-23.0, -8.0), "seen_from_above": True},
    "feet first in the folder": {"reorder": range(SHAPE[0] - 1, -1, -1)},
    "any order": {"turned_degrees": (4.0, 2.0), "reorder": [3, 0, 7, 5, 1, 2, 6, 4]},
}


def voxels_of(body):
    """Read a segmentation as a viewer does: {segment: set of LPS points}, {frame: source UID}."""
    found, sources = {}, []
    seg = pydicom.dcmread(io.BytesIO(body))
    shared = seg.SharedFunctionalGroupsSequence[0]
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    row_mm, column_mm = shared.PixelMeasuresSequence[0].PixelSpacing
    pixels = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    for frame, plane in zip(seg.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        number = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        position = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float)
        for r, c in np.argwhere(plane):
            point = position + r * row_mm * cosines[3:] + c * column_mm * cosines[:3]
            found.setdefault(number, set()).add(tuple(np.round(point, 2) + 0.0))
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        sources.append((tuple(position), str(source.ReferencedSOPInstanceUID)))
    return found, sources


def close(found, wanted):
    """Whether two sets of points are the same; positions are written with six digits."""
    a, b = (np.array(sorted(points)) for points in (found, wanted))
    return a.shape == b.shape and np.abs(a - b).max() <= 0.011


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_the_voxels_are_those_that_count_and_lie_where_they_lay(geometry, tmp_path) -> None:
    case = make_case(tmp_path, **geometry)
    found, sources = voxels_of(export(case).segmentation)
    wanted = true_voxels(case)
    assert set(found) == {1, 2, 3}
    for number, label in enumerate((Label.LAD, Label.RCA, Label.AORTA), start=1):
        assert close(found[number], wanted[label]), label.name
    heads = [pydicom.dcmread(io.BytesIO(f), stop_before_pixels=True) for f in case.files]
    position = {str(h.SOPInstanceUID): tuple(map(float, h.ImagePositionPatient)) for h in heads}
    assert len(sources) == 2 + 1 + 4
    assert all(position[uid] == place for place, uid in sources)


def test_highdicom_reads_segments_back_by_source_image(tmp_path) -> None:
    case = make_case(tmp_path)
    seg = hd.seg.segread(io.BytesIO(export(case).segmentation))
    uids = [pydicom.dcmread(io.BytesIO(f)).SOPInstanceUID for f in case.files]
    array = seg.get_pixels_by_source_instance(
        uids, combine_segments=True, assert_missing_frames_are_empty=True
    )
    expected = np.zeros(SHAPE, dtype=np.uint8)
    for number, label in enumerate((Label.LAD, Label.RCA, Label.AORTA), start=1):
        (s0, r0, c0), (s1, r1, c1), _ = BLOBS[label]
        expected[s0:s1, r0:r1, c0:c1] = number
    assert np.array_equal(array, expected)
    described = seg.get_segment_description(1)
    assert described.anatomic_regions[0].value == "59438005"
    assert described.segmented_property_type.value == "18115005"
    assert described.segmented_property_category.value == "49755003"
    assert described.algorithm_type.value == "AUTOMATIC"
    assert described.algorithm_identification.version == "0.1.0"
    assert "model=abababab" in described.algorithm_identification[0].AlgorithmParameters


def test_patient_study_and_frame_of_reference_are_those_of_the_source(tmp_path) -> None:
    case = make_case(tmp_path)
    source = pydicom.dcmread(io.BytesIO(case.files[0]))
    report = export(case)
    for body in (report.structured_report, report.segmentation):
        made = pydicom.dcmread(io.BytesIO(body))
        for name in (
            "PatientID", "PatientName", "PatientBirthDate", "IssuerOfPatientID",
            "StudyInstanceUID", "AccessionNumber", "StudyDate",
        ):  # fmt: skip
            assert made[name].value == source[name].value, name
        assert made.SeriesInstanceUID != source.SeriesInstanceUID
        assert made.SeriesDescription.endswith("of series 4")
    assert made.FrameOfReferenceUID == source.FrameOfReferenceUID


def test_the_same_export_gives_the_same_bytes_whatever_the_files_order(tmp_path) -> None:
    first = export(make_case(tmp_path))
    again = export(make_case(tmp_path, reorder=[5, 4, 6, 0, 1, 7, 2, 3]))
    assert first == again
    later = export(make_case(tmp_path), created_at=CREATED.replace(day=3))
    uids = {
        str(pydicom.dcmread(io.BytesIO(body)).SOPInstanceUID)
        for r in (first, again, later)
        for body in (r.structured_report, r.segmentation)
    }
    assert len(uids) == 4


def test_a_copy_of_a_slice_is_referred_to_once(tmp_path) -> None:
    case = make_case(tmp_path)
    copy = pydicom.dcmread(io.BytesIO(case.files[2]))
    copy.SOPInstanceUID = copy.file_meta.MediaStorageSOPInstanceUID = "2.25.9"
    case.files.append(as_file(copy))
    last = export(case)
    case.files.insert(0, case.files.pop())
    assert export(case) == last
    report = pydicom.dcmread(io.BytesIO(last.structured_report))
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    referred = {s.SeriesInstanceUID: len(s.ReferencedSOPSequence) for s in evidence}
    assert referred["2.25.222"] == SHAPE[0]


@pytest.mark.parametrize(
    "encoding",
    [
        Encoding(Storage.UNSIGNED_12, Syntax.IMPLICIT, has_preamble=False),
        Encoding(Storage.SIGNED, Syntax.RLE),
    ],
    ids=["no preamble", "compressed"],
)
def test_other_encodings_of_the_source_change_nothing(encoding, tmp_path) -> None:
    plain = voxels_of(export(make_case(tmp_path)).segmentation)
    assert voxels_of(export(make_case(tmp_path, encoding=encoding)).segmentation) == plain


def test_a_zero_has_no_segmentation_even_beside_a_calcified_aorta(tmp_path) -> None:
    only = {Label.AORTA: BLOBS[Label.AORTA]}
    report = export(make_case(tmp_path, blobs=only, score=make_score(only, agatston=0.0)))
    assert report.segmentation is None
    assert report.structured_report


def test_what_is_segmented_is_what_scoring_measured(tmp_path, monkeypatch) -> None:
    case = make_case(tmp_path)
    measured = {}

    def spy(volume, index, group, parameters):
        measured["index"] = index
        return measure(volume, index, group, parameters)

    monkeypatch.setattr(scan, "measure", spy)
    score = scan.score(case.volume, case.labelled)
    assert score.agatston > 0
    label_of = dict(zip(case.labelled.index, case.labelled.label, strict=True))
    wanted = [i for i in measured["index"] if label_of[i] in codes.SITES]
    segments = find_segments(case.volume, case.labelled, score.parameters)
    assert segments.index.tolist() == wanted
    assert [segments.labels[n - 1] for n in segments.number] == [label_of[i] for i in wanted]
