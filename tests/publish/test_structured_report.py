"""The report says what was measured, passes the standard's validator, and never reassures."""

import io
import logging
import re
import shutil
import subprocess
import warnings
from dataclasses import replace

import highdicom as hd
import pydicom
import pytest
from publish_case import BLOBS, export, make_case, make_score

from screening.errors import ScreeningError
from screening.flag_words import REMARKS
from screening.publish.codes import CATEGORY
from screening.records import Certainty, Label

needs_validator = pytest.mark.skipif(not shutil.which("dciodvfy"), reason="needs dicom3tools")
needs_dcmtk = pytest.mark.skipif(not shutil.which("dsrdump"), reason="needs dcmtk")


def content(report):
    """Every item of the tree with its concept's meaning, in order."""
    out = []

    def walk(item):
        for child in item.get("ContentSequence", []):
            out.append((child.ConceptNameCodeSequence[0].CodeMeaning, child))
            walk(child)

    walk(pydicom.dcmread(io.BytesIO(report.structured_report)))
    return out


def texts(report):
    return {name: item.TextValue for name, item in content(report) if item.ValueType == "TEXT"}


def problems(body, tmp_path):
    file = tmp_path / "object.dcm"
    file.write_bytes(body)
    done = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True)
    said = (done.stdout + done.stderr).splitlines()
    assert {"ComprehensiveSR", "Segmentation"} & set(said), said
    return [line for line in said if line.startswith("Error")]


def strip(dataset, _):
    """A file as a careless de-identification leaves it."""
    for name in ("PatientName", "AccessionNumber", "StudyID", "SliceThickness", "SeriesNumber"):
        delattr(dataset, name)
    dataset.PatientBirthDate = ""
    dataset.PatientSex = ""


def averaged():
    """A score of thin slices' averages."""
    score = make_score(BLOBS)
    return replace(score, beside=replace(score.beside, agatston_native=31.0, slab_mm=2.75))


CASES = {
    "plain": {},
    "oblique": {"turned_degrees": (11.0, 6.0)},
    "zero": {"blobs": {}, "score": make_score({})},
    "averaged": {"score": averaged()},
    "stripped": {"edit": strip},
    "undated": {"study_date": None, "acquisition_date": None},
}


@needs_validator
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_validator_finds_no_error(case, tmp_path) -> None:
    report = export(make_case(tmp_path, **case))
    assert not problems(report.structured_report, tmp_path)
    assert (report.segmentation is None) == (case.get("blobs") == {})
    if report.segmentation is not None:
        assert not problems(report.segmentation, tmp_path)


@needs_validator
def test_the_validator_would_find_one(tmp_path) -> None:
    broken = pydicom.dcmread(io.BytesIO(export(make_case(tmp_path)).structured_report))
    del broken.CompletionFlag
    buffer = io.BytesIO()
    broken.save_as(buffer)
    assert problems(buffer.getvalue(), tmp_path)


@needs_dcmtk
def test_a_second_toolkit_reads_it(tmp_path) -> None:
    report = export(make_case(tmp_path))
    for name, body in (("sr", report.structured_report), ("seg", report.segmentation)):
        (tmp_path / name).write_bytes(body)
    command = ["dsrdump", "+Pl", "+Pc", str(tmp_path / "sr")]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert '(450360000,SCT,"Coronary artery calcium score")="30.0" ({score},UCUM' in said.stdout
    assert '(112197,DCM,"Volume of vascular calcification")="105.0" (mm3,UCUM' in said.stdout
    assert '(112199,DCM,"Mass of vascular calcification")="7.5" (mg,UCUM' in said.stdout
    assert "Verification Flag   : UNVERIFIED" in said.stdout
    assert "not a medical device" in said.stdout
    command = ["dcmdump", "+P", "SegmentLabel", str(tmp_path / "seg")]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout.count("Calcium, ") == 3


@needs_dcmtk
def test_a_second_toolkit_tells_calcium_elsewhere_from_the_coronaries(tmp_path) -> None:
    valves = {
        Label.AORTIC_VALVE: ((1, 1, 1), (2, 3, 3), 500),
        Label.MITRAL_ANNULUS: ((6, 8, 10), (7, 10, 12), 500),
    }
    report = export(make_case(tmp_path, blobs=BLOBS | valves, score=make_score(BLOBS | valves)))
    (tmp_path / "sr").write_bytes(report.structured_report)
    command = ["dsrdump", "+Pl", "+Pc", str(tmp_path / "sr")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {}
    for group in said.split('"Measurement Group")')[1:]:
        (site,) = re.findall(r'"Finding Site"\)=\((\d+),SCT', group)
        found[site] = re.findall(r'NUM:\((\d+),\w+,"[\w ]*alcium score"\)="([\d.]+)"', group)
    # The sum is that of the arteries; what lies elsewhere has the score's general code, 112058.
    assert found == {
        "41801008": [("450360000", "30.0")],
        "3227004": [("450360000", "0.0")],
        "59438005": [("450360000", "10.0")],
        "57396003": [("450360000", "0.0")],
        "13647002": [("450360000", "20.0")],
        "113262008": [("112058", "30.0")],
        "34202007": [("112058", "40.0")],
        "65197004": [("112058", "50.0")],
    }
    assert "Outside the coronary arteries: not in the coronary score." in said


def test_each_site_has_its_score_and_its_segment(tmp_path) -> None:
    report = export(make_case(tmp_path))
    read = hd.sr.srread(io.BytesIO(report.structured_report))
    found = {}
    for group in (
        *read.content.get_image_measurement_groups(),
        *read.content.get_volumetric_roi_measurement_groups(),
    ):
        by_method = {m[0].ContentSequence[0].value.value: m.value for m in group.get_measurements()}
        numbers = [
            i.ReferencedSOPSequence[0].ReferencedSegmentNumber
            for i in group[0].ContentSequence
            if i.ValueType == "IMAGE"
        ]
        found[group.tracking_identifier] = (by_method["112055"], *numbers)
    assert found == {
        "coronary": (30.0,), "LM": (0.0,), "LAD": (10.0, 1), "LCX": (0.0,), "RCA": (20.0, 2),
        "AORTA": (30.0, 3),
    }  # fmt: skip
    seg = pydicom.dcmread(io.BytesIO(report.segmentation))
    for _, item in content(report):
        if item.ValueType == "IMAGE" and "ReferencedSegmentNumber" in item.ReferencedSOPSequence[0]:
            assert item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == seg.SOPInstanceUID


def test_each_site_has_its_volume_and_mass(tmp_path) -> None:
    read = hd.sr.srread(io.BytesIO(export(make_case(tmp_path)).structured_report))
    found = {}
    for group in (
        *read.content.get_image_measurement_groups(),
        *read.content.get_volumetric_roi_measurement_groups(),
    ):
        by_unit = {m.unit.value: m.value for m in group.get_measurements()}
        found[group.tracking_identifier] = (by_unit["mm3"], by_unit["mg"])
    assert found == {
        "coronary": (105.0, 7.5), "LM": (3.5, 0.9), "LAD": (3.5, 0.9), "LCX": (3.5, 0.9),
        "RCA": (3.5, 0.9), "AORTA": (7.5, 1.9),
    }  # fmt: skip


def test_a_zero_is_no_reassurance(tmp_path) -> None:
    report = export(make_case(tmp_path, blobs={}, score=make_score({})))
    comments = [i.TextValue for n, i in content(report) if n == "Comment"]
    assert comments[0].startswith("No calcium detected on this scan. Scan without ECG gating. ")
    assert "never reassurance" in comments[0]
    above = [i.TextValue for n, i in content(export(make_case(tmp_path))) if n == "Comment"]
    assert "No calcium" not in above[0]
    assert "never reassurance" in above[0]


def test_where_there_is_no_calcium_no_calcification_is_found(tmp_path) -> None:
    def findings(case):
        return [
            item.ConceptCodeSequence[0].CodeValue
            for name, item in content(export(case))
            if name == "Finding"
        ]

    (tmp_path / "0").mkdir()
    assert findings(make_case(tmp_path / "0", blobs={}, score=make_score({}))) == []
    assert set(findings(make_case(tmp_path))) == {"18115005"}


@pytest.mark.parametrize(
    ("flags", "ends", "told"),
    [
        ((), (30.5, 210.4), "without ECG gating. A second scan may read 30 to 210 Agatston units"),
        (("gated",), (30.5, 210.4), "ECG-gated scan. A second scan may read 30 to 210"),
        (("heart_incomplete",), (30.5, None), "without ECG gating. The score is a lower bound"),
        (("clips_present",), (30.5, None), "too high or too low: calcium may be hidden, and what"),
        (("lossy_compression",), (None, None), "How far the score may be off cannot be said."),
        (("stent_possible", "stent_present"), (None, None), "may be too high or too low; how far"),
        (("calcium_very_bright",), (None, None), "The score may be too high; how far cannot be"),
    ],
)
def test_the_comment_tells_gating_and_how_far_the_score_may_be_off(
    flags, ends, told, tmp_path
) -> None:
    score = make_score(BLOBS, flags=flags)
    score = replace(score, certainty=Certainty(*ends, None))
    report = export(make_case(tmp_path, score=score))
    assert told in next(i.TextValue for n, i in content(report) if n == "Comment")


@pytest.mark.parametrize(("probability", "is_coded"), [(0.51, True), (None, False)])
def test_a_category_that_may_be_another_one_is_not_coded(probability, is_coded, tmp_path) -> None:
    """A code cannot say "at least": the `0` of a cut heart is no zero."""
    score = make_score(BLOBS)
    score = replace(score, certainty=replace(score.certainty, category_probability=probability))
    said = content(export(make_case(tmp_path, score=score)))
    assert (CATEGORY.meaning in [name for name, _ in said]) is is_coded
    comment = next(i.TextValue for n, i in said if n == "Comment")
    assert ("No category is coded" in comment) is not is_coded


@pytest.mark.parametrize(
    ("flags", "completion"),
    [
        ((), "COMPLETE"),
        (("missing_slice",), "COMPLETE"),
        (("sternal_wires",), "COMPLETE"),
        (("clips_present",), "PARTIAL"),
        (("gaps_between_slices",), "PARTIAL"),
        (("heart_incomplete",), "PARTIAL"),
        (("stent_present",), "PARTIAL"),
        (("stent_possible",), "PARTIAL"),
        (("metal_near_heart",), "PARTIAL"),
    ],
)
def test_quality_is_told_and_what_hides_calcium_makes_it_partial(
    flags, completion, tmp_path
) -> None:
    report = export(make_case(tmp_path, score=make_score(BLOBS, flags=flags, grade="C")))
    read = pydicom.dcmread(io.BytesIO(report.structured_report))
    assert (read.CompletionFlag, read.VerificationFlag) == (completion, "UNVERIFIED")
    assert read.PreliminaryFlag == "PRELIMINARY"
    assert texts(report)["Quality remarks"] == (REMARKS[flags[0]] if flags else "none")
    codes = {n: i.ConceptCodeSequence[0] for n, i in content(report) if i.ValueType == "CODE"}
    assert codes["Quality grade"].CodeMeaning == "C: doubtful"
    assert codes["Category of the Agatston score"].CodeValue == "cac-1"


@pytest.mark.parametrize("is_averaged", [False, True])
def test_averages_are_told_in_report_and_segmentation(is_averaged, tmp_path) -> None:
    report = export(make_case(tmp_path, score=averaged() if is_averaged else None))
    comment = next(i.TextValue for n, i in content(report) if n == "Comment")
    assert ("Thin slices were averaged to 2.75 mm for the score" in comment) is is_averaged
    parameters = [i.TextValue for n, i in content(report) if n == "Algorithm Parameters"]
    assert ("slab_mm=2.75" in parameters) is is_averaged
    segments = pydicom.dcmread(io.BytesIO(report.segmentation)).SegmentSequence
    for segment in segments:
        (algorithm,) = segment.SegmentationAlgorithmIdentificationSequence
        assert ("slab_mm=2.75" in algorithm.AlgorithmParameters) is is_averaged


def test_a_number_keeps_its_spaces_and_an_impossible_date_goes(tmp_path) -> None:
    def odd(dataset, _):
        dataset.PatientID = " 0042"
        dataset["PatientBirthDate"] = pydicom.DataElement(
            0x00100030, "DA", "19601332", validation_mode=pydicom.config.IGNORE
        )

    read = pydicom.dcmread(io.BytesIO(export(make_case(tmp_path, edit=odd)).structured_report))
    assert read.PatientID == " 0042"
    assert not read.PatientBirthDate


def test_names_in_other_scripts_survive(tmp_path) -> None:
    name = "Yamada^Tarou=山田^太郎=やまだ^たろう"

    def japanese(dataset, _):
        dataset.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
        dataset.PatientName = pydicom.valuerep.PersonName(name)

    def latin(dataset, _):
        dataset.SpecificCharacterSet = "ISO_IR 100"

    for edit, expected in ((japanese, name), (latin, "Müller^Jörg")):
        report = export(make_case(tmp_path, edit=edit))
        for body in (report.structured_report, report.segmentation):
            read = pydicom.dcmread(io.BytesIO(body))
            assert read.SpecificCharacterSet == "ISO_IR 192"
            assert str(read.PatientName) == expected


@pytest.mark.parametrize(
    ("keyword", "value", "said"),
    [
        ("FrameOfReferenceUID", None, "lacks FrameOfReferenceUID, .* let the archive supply it"),
        ("StudyInstanceUID", "2.25.5", "differ in StudyInstanceUID"),
        ("SOPInstanceUID", "2.25.6", "share a SOPInstanceUID"),
    ],
)
def test_sources_that_cannot_be_referred_to_are_refused(keyword, value, said, tmp_path) -> None:
    def edit(dataset, k):
        if value is None:
            delattr(dataset, keyword)
        elif k < 2:
            setattr(dataset, keyword, value)

    case = make_case(tmp_path, edit=edit, name="CANARY^NAME", patient_id="CANARY-1")
    with pytest.raises(ScreeningError, match=said) as error:
        export(case)
    assert "CANARY" not in str(error.value)
    assert "2.25" not in str(error.value)


def test_files_of_another_scan_are_refused(tmp_path) -> None:
    case = make_case(tmp_path)
    other = make_case(tmp_path, turned_degrees=(5.0, 5.0))
    with pytest.raises(ScreeningError, match="no source image at its place"):
        export(replace(case, files=other.files))


def test_nothing_is_logged_or_warned_of_the_patient(tmp_path, caplog, capsys) -> None:
    def too_long(dataset, _):
        dataset.PatientID = "CANARY " * 20

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of making such a file
        case = make_case(tmp_path, name="CANARY", edit=too_long)
    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        report = export(case)
    assert not caught
    assert "CANARY" not in caplog.text + "".join(capsys.readouterr())
    assert "CANARY" not in repr(report)
    assert b"CANARY" in report.structured_report
