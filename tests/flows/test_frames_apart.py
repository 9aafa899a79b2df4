"""Frames of several kinds in one enhanced file: each kind is judged, and read, by itself."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from archive_case import Archive, night, slice_of, stack
from enhanced_case import enhanced
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from screening.archive.frame_choice import keep_frames
from screening.frames import MAX_KINDS, choose, chosen

WHOLE = "40 x 3 mm axial, rank 0, exact"
SECOND = WHOLE.replace("rank 0", "rank 1")
NONE, MAXIMUM = (
    [kind, "PRIMARY", "VOLUME", flavor]
    for kind, flavor in (("ORIGINAL", "NONE"), ("DERIVED", "MAXIMUM"))
)


def item(**elements: object) -> list[Dataset]:
    found = Dataset()
    for keyword, value in elements.items():
        setattr(found, keyword, value)
    return [found]


def of_kinds(
    slices: Sequence[Dataset],
    group: str,
    say: Callable[[int], dict[str, object]],
    syntax: str = ExplicitVRLittleEndian,
) -> Dataset:
    """A file that says something of each frame instead of all."""
    ds = enhanced(slices, syntax)
    shared = ds.SharedFunctionalGroupsSequence[0]
    if group in shared:
        del shared[group]
    for k, frame in enumerate(ds.PerFrameFunctionalGroupsSequence):
        setattr(frame, group, item(**say(k)))
    return ds


def kernels(k: int) -> dict[str, object]:
    return {"ConvolutionKernel": "B30f" if k < 40 else "B70f"}


def lying(k: int) -> dict[str, object]:
    return {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0] if k < 40 else [1, 0, 0, 0, 0, -1]}


def projected(first: int) -> Callable[[int], dict[str, object]]:
    return lambda k: {"FrameType": NONE if k < first else MAXIMUM}


@pytest.mark.parametrize(
    "syntax",
    [ExplicitVRLittleEndian, RLELossless, JPEGLSLossless, DeflatedExplicitVRLittleEndian],
)
def test_two_kernels_in_one_file(syntax: str, tmp_path: Path) -> None:
    both = [*stack(), *stack(recon=1)]
    is_deflated = syntax == DeflatedExplicitVRLittleEndian
    ds = of_kinds(
        both, "CTReconstructionSequence", kernels, ExplicitVRLittleEndian if is_deflated else syntax
    )
    if is_deflated:
        ds.file_meta.TransferSyntaxUID = syntax
    found = night(Archive(tmp_path / "archive").add([ds]))
    assert found.series == [WHOLE, SECOND]
    assert [e.series.kernel for e in found.entries] == ["B30f", "B70f"]
    assert found.adds_up


def test_kernels_in_turn(tmp_path: Path) -> None:
    both = [ds for pair in zip(stack(), stack(recon=1), strict=True) for ds in pair]
    say = lambda k: kernels(0 if k % 2 == 0 else 40)  # noqa: E731
    found = night(Archive(tmp_path / "a").add([of_kinds(both, "CTReconstructionSequence", say)]))
    assert found.series == [WHOLE, SECOND]


def test_a_scout_beside_its_scan(tmp_path: Path) -> None:
    ds = of_kinds([*stack(), slice_of(0, 1)], "PlaneOrientationSequence", lying)
    found = night(Archive(tmp_path / "archive").add([ds]))
    assert found.series == [WHOLE, "1 x 0 mm coronal, not_axial, not_axial"]


@pytest.mark.parametrize("said", [["MIXED", "PRIMARY", "VOLUME", "MIXED"], None, NONE])
def test_projections_among_the_frames(said: list[str] | None, tmp_path: Path) -> None:
    def write(first: int) -> list[str]:
        ds = of_kinds(stack(), "CTImageFrameTypeSequence", projected(first))
        ds.ImageType = said
        return night(Archive(tmp_path / str(first)).add([ds])).series

    assert write(1) == [
        "39 x 3 mm axial, derived, exact derived_image",
        "1 x 0 mm axial, too_few_slices, too_few_slices",
    ]
    assert write(40)[0] == WHOLE
    assert write(37)[0] == "37 x 3 mm axial, rank 0, exact"


def test_what_is_mixed_by_name_alone_is_what_its_frames_are(tmp_path: Path) -> None:
    ds = of_kinds(stack(), "CTImageFrameTypeSequence", projected(0))
    ds.ImageType = ["MIXED", "PRIMARY", "VOLUME", "MIXED"]
    found = night(Archive(tmp_path / "archive").add([ds]))
    assert found.series == ["40 x 3 mm axial, derived, exact derived_image"]


def test_a_kernel_that_changes_on_the_way_down_makes_one_stack(tmp_path: Path) -> None:
    say = lambda k: kernels(0 if k < 20 else 40)  # noqa: E731
    found = night(Archive(tmp_path / "a").add([of_kinds(stack(), "CTReconstructionSequence", say)]))
    assert found.series == [f"{WHOLE} mixed_protocol"]
    assert found.entries[0].series.n_files == 1


def test_the_same_file_twice_is_one_copy(tmp_path: Path) -> None:
    ds = of_kinds([*stack(), *stack(recon=1)], "CTReconstructionSequence", kernels)
    found = night(Archive(tmp_path / "archive").add([ds, ds]))
    assert (found.series, found.n_duplicates, found.adds_up) == ([WHOLE, SECOND], 1, True)


@pytest.mark.parametrize(("n", "is_split"), [(MAX_KINDS, True), (MAX_KINDS + 1, False)])
def test_of_many_kinds_nobody_can_say(n: int, is_split: bool, tmp_path: Path) -> None:
    say = lambda k: {"ConvolutionKernel": f"B{min(k, n - 1)}f"}  # noqa: E731
    ds = of_kinds(stack(), "CTReconstructionSequence", say)
    (entry,) = night(Archive(tmp_path / "archive").add([ds])).entries
    assert bool(entry.series.kernel) is is_split


def test_names_of_frames() -> None:
    assert chosen(choose("a/b", [3, 1])) == ("a/b", (3, 1))
    assert chosen("a/b") == ("a/b", ())


@pytest.mark.parametrize("content", [b"", b"no file", b"\0" * 400])
def test_what_cannot_be_cut_stays_whole(content: bytes) -> None:
    assert keep_frames(content, [0]) == content
