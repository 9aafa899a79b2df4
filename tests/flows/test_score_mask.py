"""`screening score FOLDER --mask FILE`: a score, a refusal or one clear line, by exit code."""

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from ct_series import BLOCK_AGATSTON, SHAPE, write_mask, write_series
from night import Screening

from flows.score_one import score_one

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


@pytest.mark.parametrize("wrong", [{"drop_slices": 1}, {"shift_mm": 0.2}], ids=["shape", "place"])
def test_a_mask_of_another_shape_or_place_gives_no_score(screening, series, tmp_path, wrong):
    mask = write_mask(tmp_path / "m.nii.gz", **wrong)
    done = scored(screening, series, "--mask", mask, "--json")
    assert done.returncode == 1, done.stderr
    detail = refused(json.loads(done.stdout), "mask_mismatch")
    assert detail == "over 0.1 mm off, or another shape"


def test_for_a_person_the_refusal_is_two_plain_lines(screening, series, tmp_path):
    done = scored(screening, series, "--mask", write_mask(tmp_path / "m.nii", shift_mm=5.0))
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "ineligible: mask_mismatch",
        "The mask given does not lie on the scan's slices. over 0.1 mm off, or another shape",
    ]


@pytest.mark.parametrize("content", [None, b"no image"], ids=["absent", "not NIfTI"])
def test_a_mask_that_cannot_be_read_is_one_line(screening, series, tmp_path, content):
    mask = tmp_path / "m.nii.gz"
    if content is not None:
        mask.write_bytes(content)
    done = scored(screening, series, "--mask", mask, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("screening: the mask cannot be read as NIfTI")


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
