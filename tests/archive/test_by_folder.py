"""Of files that were not delivered: whose they may be, and who waits for them."""

import pyarrow as pa
import pytest

from screening.archive.by_folder import (
    FEW_STUDIES,
    Missed,
    leaves_out_numbers,
    leaves_out_planes,
    waiting_studies,
)

AXIAL = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
INCREMENT_MM = 2.0


def slices(folder, study, numbers=range(1, 11), series="", stem=""):
    return [
        {
            "path": f"{folder}/{stem or study}-{n}".lstrip("/"), "study_key": study,
            "series_key": series or f"{study}.1", "image_number": n,
            "position_lps_mm": [0.0, 0.0, INCREMENT_MM * n], "orientation": AXIAL,
        }
        for n in numbers
    ]  # fmt: skip


SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("path", "study_key", "series_key")),
        ("image_number", pa.int64()),
        *((name, pa.list_(pa.float64())) for name in ("position_lps_mm", "orientation")),
    ]
)


def waiting(instances, files=(), shut=()):
    """Ask in two parts, each series whole in one of them."""
    keys = sorted({row["series_key"] for row in instances})
    first = set(keys[: len(keys) // 2])
    parts = [
        pa.Table.from_pylist([r for r in instances if (r["series_key"] in first) is is_in], SCHEMA)
        for is_in in (True, False)
    ]
    missed = Missed(frozenset(files), frozenset(shut))
    return waiting_studies(lambda names: (part.select(names) for part in parts), missed)


def test_nothing_missed_nobody_waits():
    assert waiting(slices("a", "A", [1, 2, 9])) == frozenset()


def test_a_file_of_an_earlier_crawl_belongs_to_its_study_alone():
    flat = slices("ct", "A") + slices("ct", "B")
    assert waiting(flat, ["ct/A-3"]) == {"A"}


def test_a_file_never_read_belongs_to_the_studies_of_its_folder():
    found = slices("p/1", "A") + slices("p/2", "B") + slices("p/1", "C")
    assert waiting(found, ["p/1/new"]) == {"A", "C"}
    assert waiting(found, ["p/new"]) == frozenset()  # a stray beside them: its folder holds none


@pytest.mark.parametrize("n", [FEW_STUDIES, FEW_STUDIES + 1])
def test_in_a_fuller_folder_those_wait_that_show_a_gap(n):
    whole = [row for k in range(n - 1) for row in slices("ct", f"S{k}")]
    cut = slices("ct", "CUT", [1, 2, 3, 5, 6])
    other = slices("elsewhere", "OTHER", [1, 2, 3, 5, 6])
    everybody = {row["study_key"] for row in whole + cut}
    assert waiting(whole + cut + other, ["ct/new"]) == (everybody if n <= FEW_STUDIES else {"CUT"})


def test_behind_a_shut_folder_may_lie_what_lies_beside_it():
    """One series over two folders, one of them shut: the other half shows no gap."""
    half = slices("p/A", "HALF", range(1, 51))
    other = slices("q/D", "WHOLE")
    assert waiting(half + other, shut=["p/B"]) == {"HALF"}
    assert waiting(slices("A", "HALF") + slices("D/deep", "D"), shut=["B"]) == {"HALF", "D"}
    many = [row for k in range(FEW_STUDIES + 1) for row in slices(f"all/{k}", f"S{k}")]
    cut = slices("all/x/y", "CUT", [1, 3, 4, 5])
    assert waiting(many + cut + slices("z", "Z", [2, 9]), shut=["all/shut"]) == {"CUT"}


def test_a_shut_folder_that_was_open_before_belongs_to_those_known_in_it():
    known = slices("p/shut/deep", "A") + slices("p/open", "B")
    assert waiting(known, shut=["p/shut"]) == {"A"}


def test_a_folder_of_which_nothing_was_read_is_as_good_as_shut():
    found = slices("p/1", "A") + slices("q/1", "B") + slices("1", "C")
    assert waiting(found, ["p/2/x", "p/2/y"]) == {"A"}
    assert waiting(found, ["2/x", "2/y"]) == frozenset()  # beside the root's folders lies anybody's


def test_a_study_of_another_folder_never_waits_for_it():
    found = [row for k in range(3) for row in slices(f"person{k}/s", f"S{k}", range(1, 5))]
    assert waiting(found, ["person1/s/new"]) == {"S1"}


@pytest.mark.parametrize(
    ("numbers", "is_gap"),
    [
        ([1, 2, 3], False),
        ([3, 1, 2, 2, None], False),
        ([1, 3, 5, 7], False),  # every second image
        ([0, 1, 2], False),
        ([1, 2, 4], True),
        ([2, 3, 4], True),
        ([None], False),
        ([], False),
    ],
)
def test_numbers_that_leave_some_out(numbers, is_gap):
    assert leaves_out_numbers(numbers) is is_gap


@pytest.mark.parametrize(
    ("at_mm", "is_gap"),
    [([0, 2, 4, 6], False), ([0, 2, 4, 6.9], False), ([0, 2, 4, 7.1], True), ([0, 9], False)],
)
def test_planes_that_leave_some_out(at_mm, is_gap):
    positions = [[0.0, 0.0, float(z)] for z in at_mm]
    assert leaves_out_planes(positions, [AXIAL] * len(at_mm)) is is_gap
    scout = [[0.0, 500.0, 0.0]]  # another orientation, far away
    sagittal = [[0.0, 1.0, 0.0, 0.0, 0.0, -1.0]]
    assert leaves_out_planes(positions + scout, [AXIAL] * len(at_mm) + sagittal) is is_gap
    assert leaves_out_planes([None, []], [AXIAL, None]) is False
