"""`screening score FOLDER --mask FILE`: a score, a refusal or one clear line, by exit code."""

import gzip
import json
from pathlib import Path
from subprocess import CompletedProcess

import nibabel
import numpy as np
import pydicom
import pytest
from ct_series import (
    BLOCK,
    BLOCK_AGATSTON,
    FIRST_LPS_MM,
    INCREMENT_MM,
    SHAPE,
    write_mask,
    write_series,
)
from night import Screening
from publish_case import make_header

from flows.score_one import score_one
from screening.errors import ScreeningError
from screening.phantom.dicom import Encoding, Stack, write_stack
from screening.phantom.inserts import Insert, InsertScan, scan_inserts

# What only a score holds; a refusal gives none of it.
NUMBERS = ("agatston", "volume_mm3", "mass_mg", "category", "vessels", "parameters")


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_series(tmp_path_factory.mktemp("one") / "series")


def scored(screening: Screening, *arguments: object) -> CompletedProcess[str]:
    done = screening("score", *map(str, arguments))
    assert "Traceback" not in done.stderr
    assert "CANARY" not in done.stdout + done.stderr
    return done


def refused(facts: dict, reason: str) -> str:
    assert facts["reasons"] == [reason]
    assert facts["status"] in ("ineligible", "failed")
    assert [facts[name] for name in NUMBERS] == [None] * len(NUMBERS)
    assert facts["lesions"] == []
    assert "labels" not in facts
    assert "\n" not in facts["detail"]
    return facts["detail"]


def test_a_mask_that_fits_scores_what_is_drawn(screening, series, tmp_path):
    done = scored(screening, series, "--mask", write_mask(tmp_path / "m.nii.gz"), "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["agatston"] == pytest.approx(BLOCK_AGATSTON)
    assert (facts["vessels"], facts["model"]) == (None, None)
    (label,) = facts["labels"]
    assert label["label"] == 1
    assert facts["series"]["n_slices"] == SHAPE[0]


def test_beside_the_score_stand_both_volumes_and_masses_with_their_intervals(
    screening, series, tmp_path
):
    done = scored(screening, series, "--mask", write_mask(tmp_path / "m.nii.gz"), "--json")
    facts = json.loads(done.stdout)
    for name in ("volume_mm3", "volume_isotropic_mm3", "mass_mg", "mass_integrated_mg"):
        low, high = facts["intervals"][name]
        assert 0 <= low < facts[name] < high, name
    assert facts["intervals"]["mass_factor_source"] == "default"
    told = scored(screening, series, "--mask", write_mask(tmp_path / "m.nii.gz")).stdout
    assert "mass by a default, uncalibrated: HU to mg within 15.0 % (standard error)" in told


def test_an_empty_mask_has_no_interval(screening, series, tmp_path):
    nothing = write_mask(tmp_path / "m.nii.gz", label=0)
    facts = json.loads(scored(screening, series, "--mask", nothing, "--json").stdout)
    assert facts["agatston"] == 0
    assert facts["intervals"]["volume_mm3"] == facts["intervals"]["mass_mg"] == [None, None]
    told = scored(screening, series, "--mask", nothing).stdout
    assert "volume 0.0 mm³ (95 %: cannot be said)" in told
    assert "of the heart outside it nothing is said" in told


def test_a_rod_calibrates_the_mass_and_its_error_is_told(screening, tmp_path):
    insert = Insert(5.0, 400.0)
    images = scan_inserts((insert,), InsertScan())
    pixel_mm, step_mm, n = images.scan.pixel_mm, images.scan.increment_mm, len(images.hu)
    origins = np.stack([np.zeros(n), np.zeros(n), -step_mm * np.arange(n)], axis=1)
    folder = tmp_path / "series"
    folder.mkdir()
    write_stack(
        [folder / f"{k}.dcm" for k in range(n)],
        Stack(
            images.hu, (pixel_mm, pixel_mm), origins, np.array([0.0, 1, 0]), np.array([1.0, 0, 0])
        ),
        make_header(),
        Encoding(),
    )
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = -step_mm, -pixel_mm, -pixel_mm, 1.0
    mask = tmp_path / "m.nii.gz"
    nibabel.save(nibabel.Nifti1Image((images.near == 1).astype(np.uint8), affine), mask)
    row, column = (at * pixel_mm for at in images.rod)
    at = ("--rod", f"{column},{row},7,200")
    facts = json.loads(scored(screening, folder, "--mask", mask, *at, "--json").stdout)
    intervals = facts["intervals"]
    assert facts["mass_integrated_mg"] == pytest.approx(insert.mass_mg, rel=0.1)
    assert intervals["mass_factor_source"] == "rod"
    assert 0 < intervals["mass_factor_error"] < 0.02
    recorded = facts["parameters"]
    error = recorded["mass_factor_standard_error"] / recorded["mass_mg_per_cm3_per_hu"]
    assert intervals["mass_factor_error"] == pytest.approx(error)
    plain = json.loads(scored(screening, folder, "--mask", mask, "--json").stdout)
    low, high = plain["intervals"]["mass_integrated_mg"]
    assert low < intervals["mass_integrated_mg"][0] < intervals["mass_integrated_mg"][1] < high
    for wrong, told in (
        ("9,5,7", "four numbers"),
        ("9,5,0,200", "above 0"),
        ("20,70,7,200", "no calibration rod there"),
    ):
        done = scored(screening, folder, "--mask", mask, "--rod", wrong)
        assert done.returncode == 2
        assert told in done.stderr


# 350 stored x slope: the threshold, and every edge of the weights, from both sides.
@pytest.mark.parametrize(
    ("slope", "weight"),
    [
        ("0.37", 0),  # 129.5
        ("0.3714", 0),  # 129.99
        ("0.3715", 1),  # 130.025
        ("0.57", 1),  # 199.5
        ("0.5715", 2),  # 200.025
        ("0.855", 2),  # 299.25
        ("0.858", 3),  # 300.3
        ("1.1414", 3),  # 399.49
        ("1.143", 4),  # 400.05
    ],
)
def test_a_slope_that_is_no_integer_crosses_no_edge(tmp_path, slope, weight):
    folder = write_series(tmp_path / "series", RescaleSlope=slope)
    answer = score_one(str(folder), write_mask(tmp_path / "m.nii.gz"), "default")
    assert answer.facts["agatston"] == pytest.approx(BLOCK_AGATSTON / 3 * weight)


@pytest.mark.parametrize(
    ("slope", "weight"),
    [
        ("0.37142857142857", 0),  # 130 HU, as exactly as a header can say
        ("0.3714286", 1),  # 130.00001
        ("0.3715", 1),  # 130.025
        ("0.375", 1),  # 131.25
    ],
)
def test_above_130_is_any_fraction_above(tmp_path, slope, weight):
    folder = write_series(tmp_path / "series", RescaleSlope=slope)
    mask = write_mask(tmp_path / "m.nii.gz")
    answer = score_one(str(folder), mask, "default", convention="agatston_over_130")
    assert answer.facts["agatston"] == pytest.approx(BLOCK_AGATSTON / 3 * weight)
    told = score_one(str(folder), mask, "default").facts["agatston"]
    assert told == pytest.approx(BLOCK_AGATSTON / 3)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"drop_slices": 1}, "the mask has 7 x 20 x 24 voxels, the scan 8 x 20 x 24"),
        ({"shift_mm": 0.2}, "the mask lies up to 0.20 mm off; 0.1 mm may be"),
    ],
    ids=["shape", "place"],
)
def test_a_mask_of_another_shape_or_place_gives_no_score(screening, series, tmp_path, wrong, why):
    mask = write_mask(tmp_path / "m.nii.gz", **wrong)
    done = scored(screening, series, "--mask", mask, "--json")
    assert done.returncode == 1, done.stderr
    assert refused(json.loads(done.stdout), "mask_mismatch") == why


def test_for_a_person_the_refusal_is_two_plain_lines(screening, series, tmp_path):
    done = scored(screening, series, "--mask", write_mask(tmp_path / "m.nii", shift_mm=5.0))
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "ineligible: mask_mismatch",
        "The mask given does not lie on the scan's slices. "
        "the mask lies up to 5.00 mm off; 0.1 mm may be",
    ]


@pytest.mark.parametrize("axis", [0, 1, 2], ids=["z", "y", "x"])
@pytest.mark.parametrize(("shift_mm", "fits"), [(0.09, True), (-0.09, True), (0.11, False)])
def test_a_tenth_of_a_millimetre_is_allowed(series, tmp_path, axis, shift_mm, fits):
    mask = nibabel.load(write_mask(tmp_path / "m.nii.gz"))
    affine = mask.affine.copy()
    affine[2 - axis, 3] += shift_mm
    nibabel.save(nibabel.Nifti1Image(np.asarray(mask.dataobj), affine), tmp_path / "off.nii.gz")
    answer = score_one(str(series), tmp_path / "off.nii.gz", "default")
    assert answer.has_score is fits
    assert answer.facts["agatston"] == (pytest.approx(BLOCK_AGATSTON) if fits else None)


@pytest.mark.parametrize("axes", ["RAS", "LPS", "ASR", "SPL", "PIR"])
def test_any_orientation_gives_the_same_score(series, tmp_path, axes):
    mask = nibabel.load(write_mask(tmp_path / "m.nii.gz"))
    here, there = (
        nibabel.orientations.io_orientation(mask.affine),
        nibabel.orientations.axcodes2ornt(axes),
    )
    turned = mask.as_reoriented(nibabel.orientations.ornt_transform(here, there))
    assert "".join(nibabel.aff2axcodes(turned.affine)) == axes
    nibabel.save(turned, tmp_path / "t.nii.gz")
    answer = score_one(str(series), tmp_path / "t.nii.gz", "default")
    assert answer.facts["agatston"] == pytest.approx(BLOCK_AGATSTON)


def test_several_labels_are_each_told_and_no_artery_is_guessed(screening, series, tmp_path):
    mask = nibabel.load(write_mask(tmp_path / "m.nii.gz", label=2))
    labels = np.asarray(mask.dataobj).copy()
    labels[:, : BLOCK[1].start + 2] *= 2  # half of the block becomes label 4
    nibabel.save(nibabel.Nifti1Image(labels, mask.affine), tmp_path / "two.nii.gz")
    done = scored(screening, series, "--mask", tmp_path / "two.nii.gz", "--json")
    facts = json.loads(done.stdout)
    assert facts["vessels"] is None
    assert [row["label"] for row in facts["labels"]] == [2, 4]
    for name in ("agatston", "volume_mm3", "mass_mg"):
        assert facts[name] == pytest.approx(sum(row[name] for row in facts["labels"]))
        assert facts["labels"][0][name] == pytest.approx(facts["labels"][1][name])
    text = scored(screening, series, "--mask", tmp_path / "two.nii.gz").stdout
    assert "  label 2: Agatston 18.0, volume 18.0 mm³, mass 4.8 mg; 16 of 16 marked" in text
    assert "\n32 of 32 marked voxels reach 130 HU\n" in text


def test_an_empty_mask_is_a_score_of_zero_and_says_so(screening, series, tmp_path):
    mask = write_mask(tmp_path / "m.nii.gz", label=0)
    done = scored(screening, series, "--mask", mask, "--json")
    assert done.returncode == 0
    facts = json.loads(done.stdout)
    assert (facts["status"], facts["category"], facts["labels"]) == ("scored", "0", [])
    assert (facts["is_lower_bound"], facts["may_be_more"]) == (False, False)
    assert [facts[name] for name in ("agatston", "volume_mm3", "mass_mg")] == [0, 0, 0]
    assert "the mask marks no voxel" in scored(screening, series, "--mask", mask).stdout


def test_slices_that_go_back_and_forth_give_a_reason_and_no_score(tmp_path):
    folder = write_series(tmp_path / "series")
    third = pydicom.dcmread(folder / "3.dcm")
    third.ImagePositionPatient = [*FIRST_LPS_MM[:2], FIRST_LPS_MM[2] - 1.5 * INCREMENT_MM]
    third.save_as(folder / "3.dcm")
    answer = score_one(str(folder), write_mask(tmp_path / "m.nii.gz"), "default")
    assert not answer.has_score
    refused(answer.facts, "uneven_slices")


def colours() -> bytes:
    """A mask as some programs draw it: red, green and blue."""
    voxels = np.zeros(SHAPE, [(colour, "u1") for colour in "RGB"])
    return gzip.compress(nibabel.Nifti1Image(voxels, np.eye(4)).to_bytes())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no mask file at {}; check --mask"),
        (b"no image", "the mask cannot be read as NIfTI; give a .nii or"),
        (colours(), "the mask holds colours or complex numbers; give a label map"),
    ],
    ids=["absent", "not NIfTI", "colours"],
)
def test_a_mask_that_cannot_be_read_is_one_line(screening, series, tmp_path, content, says):
    mask = tmp_path / "m.nii.gz"
    if content is not None:
        mask.write_bytes(content)
    done = scored(screening, series, "--mask", mask, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"screening: {says.format(mask)}")


@pytest.mark.parametrize(
    ("elements", "reason", "detail"),
    [
        ({"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}, "not_hu", "8-bit pixels"),
        (
            {"PhotometricInterpretation": "MONOCHROME1"},
            "not_hu",
            "photometric interpretation is not MONOCHROME2",
        ),
        ({"RescaleType": "US"}, "not_hu", "rescale type is not HU"),
        ({"Modality": "MR"}, "not_ct", f"{SHAPE[0]} of {SHAPE[0]} files are not CT"),
        ({"ImagePositionPatient": [-10, -20, 50]}, "too_few_slices", None),
    ],
)
def test_pixels_that_cannot_be_measured_give_a_reason_and_no_score(
    tmp_path, elements, reason, detail
):
    folder = write_series(tmp_path / "series", **elements)
    answer = score_one(str(folder), write_mask(tmp_path / "m.nii.gz"), "default")
    assert not answer.has_score
    told = refused(answer.facts, reason)
    assert detail is None or told == detail


def test_a_folder_of_several_series_names_those_that_can_be_scored(tmp_path):
    write_series(tmp_path / "one")
    write_series(tmp_path / "two")
    with pytest.raises(ScreeningError, match=r"2 series; give the folder of one \(.*one, .*two\)"):
        score_one(str(tmp_path), None, "default")
    report = pydicom.dcmread(next((tmp_path / "one").iterdir()), stop_before_pixels=True)
    del report.Rows
    report.Modality, report.SOPClassUID = "SR", "1.2.840.10008.5.1.4.1.1.88.11"
    report.file_meta.MediaStorageSOPClassUID = report.SOPClassUID
    report.SeriesInstanceUID = report.SOPInstanceUID = "2.25.7"
    report.save_as(tmp_path / "report.dcm")
    with pytest.raises(ScreeningError, match=r"2 series of images \(and 1 without: reports and"):
        score_one(str(tmp_path), None, "default")
    for k, file in enumerate(sorted((tmp_path / "two").iterdir())):
        file.rename(tmp_path / "one" / f"another{k}")
    says = r"2 series of images \(and 1 .*; copy the files of one into a folder"
    with pytest.raises(ScreeningError, match=says):
        score_one(str(tmp_path), None, "default")


@pytest.mark.parametrize(
    ("elements", "kvp_source", "flags"),
    [
        ({}, "standard", ()),
        ({"KVP": "100"}, "table", ("kvp_not_120",)),
        ({"KVP": "110"}, "interpolated", ("kvp_not_120",)),
        ({"KVP": "140"}, "held", ("kvp_not_120",)),
        ({"KVP": ""}, "unknown", ("kvp_unknown",)),
        ({"KVP": "120", "FilterMaterial": "TIN"}, "tin_filter", ("tin_filter",)),
        ({"SliceThickness": "5"}, "standard", ("thickness_over_3mm",)),
        ({"SliceThickness": "1"}, "standard", ("gaps_between_slices",)),
    ],
)
def test_a_mask_has_the_flags_of_the_header_and_the_score_for_the_voltage(
    screening, tmp_path, elements, kvp_source, flags
):
    kernel = {"ConvolutionKernel": "B30f", "Manufacturer": "SIEMENS"}
    folder = write_series(tmp_path / "series", **(kernel | elements))
    mask = write_mask(tmp_path / "m.nii.gz")
    facts = score_one(str(folder), mask, "default").facts
    assert set(facts["quality"]["flags"]) == {*flags, "mask_alone"}
    told = scored(screening, folder, "--mask", mask).stdout
    assert ("no thresholds for the tube voltage: tin" in told) is (kvp_source == "tin_filter")
    has_gaps = flags == ("gaps_between_slices",)
    assert (facts["is_lower_bound"], facts["may_be_more"]) == (False, has_gaps)
    assert ("(doubtful: may be too high or too low)" in told) is has_gaps
    assert facts["quality"]["grade"] == ("C" if flags == ("tin_filter",) or has_gaps else "B")
    assert facts["quality"]["noise_hu"] is None  # no model has seen the blood
    assert facts["kvp_source"] == kvp_source
    assert (facts["agatston_kvp"] is None) == (kvp_source in ("unknown", "tin_filter"))
    if kvp_source == "standard":
        assert facts["agatston_kvp"] == facts["agatston"]
    assert facts["certainty"]["low"] is None  # nobody looked for contrast agent and metal
    # No factor from HU to mass fits; or what was seen stands for what was not.
    has_none = kvp_source in ("tin_filter", "unknown") or has_gaps
    assert (facts["intervals"]["volume_mm3"] == (None, None)) is has_none


def test_two_voltages_in_one_series_are_none(tmp_path):
    folder = write_series(tmp_path / "series", KVP="120")
    for file in sorted(folder.iterdir())[: SHAPE[0] // 2]:
        slice_ = pydicom.dcmread(file)
        slice_.KVP = "100"
        slice_.save_as(file)
    facts = score_one(str(folder), write_mask(tmp_path / "m.nii.gz"), "default").facts
    assert (facts["series"]["kvp"], facts["agatston_kvp"], facts["kvp_edges_hu"]) == (None,) * 3
    assert facts["kvp_source"] == "unknown"
    assert facts["agatston"] == pytest.approx(BLOCK_AGATSTON)
    assert {"mixed_protocol", "kvp_unknown"} <= set(facts["quality"]["flags"])


def test_how_many_marked_voxels_are_bright_enough_is_told_in_all_and_by_label(
    screening, series, tmp_path
):
    mask = nibabel.load(write_mask(tmp_path / "m.nii.gz", label=2))
    labels = np.asarray(mask.dataobj).copy()
    n_block = int((labels == 2).sum())
    dim = np.argwhere(labels == 0)[:3]  # soft tissue, marked by a wide hand
    labels[tuple(dim[:2].T)], labels[tuple(dim[2])] = 2, 7
    nibabel.save(nibabel.Nifti1Image(labels, mask.affine), tmp_path / "wide.nii.gz")
    facts = json.loads(
        scored(screening, series, "--mask", tmp_path / "wide.nii.gz", "--json").stdout
    )
    assert (facts["n_marked"], facts["n_counted"]) == (n_block + 3, n_block)
    by_label = [(row["label"], row["n_marked"], row["n_counted"]) for row in facts["labels"]]
    assert by_label == [(2, n_block + 2, n_block), (7, 1, 0)]
    assert facts["agatston"] == pytest.approx(BLOCK_AGATSTON)
    told = scored(screening, series, "--mask", tmp_path / "wide.nii.gz").stdout.splitlines()
    assert f"{n_block} of {n_block + 3} marked voxels reach 130 HU" in told
    (line,) = (line for line in told if line.startswith("  label 7:"))
    assert line.endswith("; 0 of 1 marked voxels reach 130 HU")
