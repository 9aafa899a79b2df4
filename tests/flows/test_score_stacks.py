"""`screening score` of one UID that holds two stacks: the one that a sweep would score."""

import json
from pathlib import Path

import pytest
from archive_case import Archive, night, setting, stack
from night import Screening

from flows.score_one import _one_series
from flows.stacks import told
from screening import archive
from screening.errors import ScreeningError

SHARP = setting(ConvolutionKernel="B70f")


def write(folder: Path, *stacks: list) -> Path:
    for number, images in enumerate(stacks):
        Archive(folder).add(images, name=f"{number}/{{}}")
    return folder


def scout(n: int = 1) -> list:
    edit = setting(
        ImageOrientationPatient=[1, 0, 0, 0, 0, -1], ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]
    )
    return stack(n, 2, edit)


@pytest.mark.parametrize("sharp_first", [False, True])
def test_the_stack_is_the_one_that_the_sweep_scores(tmp_path: Path, sharp_first: bool) -> None:
    soft, sharp = stack(24, 0, increment_mm=5.0), stack(40, 1, SHARP)
    both = (sharp, soft) if sharp_first else (soft, sharp)
    folder = write(tmp_path / "a", *both)
    swept = night(Archive(folder))
    (ranked,) = (
        entry.paths
        for entry, line in zip(swept.entries, swept.series, strict=True)
        if "rank 0" in line
    )
    address, chosen = _one_series(str(folder))
    assert set(chosen.paths) == set(ranked)
    assert len(archive.read_bytes(address, chosen.paths)) == len(ranked)
    said = told(chosen.stacks)
    first, second = said.split("; left: ")
    kernels = {s["kernel"]: s["is_taken"] for s in chosen.stacks}
    assert sum(kernels.values()) == 1
    assert all((kernel in first) == is_taken for kernel, is_taken in kernels.items())
    assert all((kernel in second) != is_taken for kernel, is_taken in kernels.items())


def test_a_folder_with_one_stack_is_as_before(tmp_path: Path) -> None:
    _, chosen = _one_series(str(write(tmp_path / "a", stack(3))))  # too short for a sweep
    assert len(chosen.paths) == 3
    assert told(chosen.stacks) == ""


def test_of_stacks_that_no_sweep_scores_each_is_named(tmp_path: Path) -> None:
    short = stack(3)
    with pytest.raises(ScreeningError) as caught:
        _one_series(str(write(tmp_path / "a", short, scout(2))))
    assert "holds 2 stacks" in str(caught.value)
    assert "3 slices of 16 x 16, axial, 3 mm apart, kernel B30f" in str(caught.value)
    assert "coronal" in str(caught.value)
    assert "copy the files of one" in str(caught.value)
    assert "CANARY" not in str(caught.value)


def test_copies_are_read_beside_the_stack(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", stack(40), stack(24, 1, SHARP, increment_mm=5.0), stack(2))
    _, chosen = _one_series(str(folder))
    wanted = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    kernel = next(s["kernel"] for s in chosen.stacks if s["is_taken"])
    of = ("0/", "2/") if kernel == "B30f" else ("1/",)
    assert set(chosen.paths) == {p for p in wanted if p.startswith(of)}


def test_the_command_says_which(screening: Screening, tmp_path: Path) -> None:
    folder = write(tmp_path / "a", stack(40), scout())
    done = screening("score", str(folder), "--json")
    facts = json.loads(done.stdout)
    assert [s["is_taken"] for s in facts["stacks"]] == [True, False]
    assert "not_axial" not in facts["reasons"]
    assert "taken: 40 slices of 16 x 16, axial" in done.stderr
    assert "left: 1 slice of 16 x 16, coronal" in done.stderr
