"""Two reconstructions under one UID: told apart where each is a stack, together where not."""

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.catalogue import group
from screening.records import Series
from screening.tables import INSTANCES

VNC = ["DERIVED", "SECONDARY", "AXIAL", "VNC"]
SAID: dict[str, Any] = {
    "size_bytes": 1,
    "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2",
    "modality": "CT",
    "image_type": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "rows": 512,
    "columns": 512,
    "n_frames": 1,
    "row_spacing_mm": 0.7,
    "column_spacing_mm": 0.7,
    "orientation": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    "thickness_mm": 3.0,
    "kernel": "B20s",
    "series_key": "series",
    "study_key": "study",
    "person_key": "person",
}
_made = iter(range(10**9))


def recon(
    n: int = 40,
    step_mm: float = 3.0,
    start_mm: float = 0.0,
    first: int | None = 1,
    centre_mm: tuple[float, float] = (-180.0, -170.0),
    **values: Any,
) -> list[dict[str, Any]]:
    """Slices towards the feet, numbered from `first`."""
    return [
        SAID
        | {
            "path": f"{(name := next(_made)):09}",
            "instance_digest": str(name),
            "position_lps_mm": [*centre_mm, round(-start_mm - k * step_mm, 3)],
            "image_number": None if first is None else first + k,
        }
        | values
        for k in range(n)
    ]


def found(*stacks: list[dict[str, Any]]) -> list[Series]:
    rows = [row for stack in stacks for row in stack]
    entries = group(pa.Table.from_pylist(rows, schema=INSTANCES.schema)).entries
    assert sum(e.series.n_files for e in entries) == len(rows)
    return sorted((e.series for e in entries), key=lambda s: (-s.n_slices, s.kernel))


def shapes(*stacks: list[dict[str, Any]]) -> list[tuple[int, float | None]]:
    return [(s.n_slices, s.increment_mm) for s in found(*stacks)]


TWO = [(40, 3.0), (40, 3.0)]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (recon(start_mm=1.5, kernel="B70f"), TWO),
        (recon(start_mm=1.5, kernel="B70f", first=None), TWO),
        (recon(start_mm=1.5, thickness_mm=1.5), TWO),
        (recon(start_mm=1.5, image_type=VNC), TWO),
        (recon(start_mm=1.5, image_type=["ORIGINAL", "PRIMARY", "AXIAL", "OTHER"]), TWO),
        (recon(start_mm=1.5), TWO),
        (recon(start_mm=1.5, first=41), TWO),
        (recon(start_mm=1.0, first=41), TWO),
        (recon(image_type=VNC), TWO),
        (recon(centre_mm=(-120.0, -130.0)), TWO),
        (recon(centre_mm=(-120.0, -130.0), start_mm=1.5, first=None), TWO),
        (recon(80, 1.5), [(80, 1.5), (40, 3.0)]),
        (recon(80, 1.5, first=41), [(80, 1.5), (40, 3.0)]),
        (recon(80, 1.5, 0.75), [(80, 1.5), (40, 3.0)]),
        (recon(60, 2.0), [(60, 2.0), (40, 3.0)]),
        (recon(39, start_mm=1.5, kernel="B70f"), [(40, 3.0), (39, 3.0)]),
    ],
    ids=[
        "kernel, between", "kernel without numbers, between", "thickness, between",
        "spectral, between", "another ImageType, between", "numbers alone, between",
        "numbered through, between", "numbered through, a third between", "spectral, same planes",
        "field centre, same planes", "field centre, between", "half the increment",
        "half the increment, numbered through", "half the increment, no plane in common",
        "two thirds of the increment", "one slice fewer",
    ],
)  # fmt: skip
def test_two_reconstructions(
    second: list[dict[str, Any]], expected: list[tuple[int, float]]
) -> None:
    assert shapes(recon(), second) == expected


def strays(change: dict[str, Any], *numbers: int) -> list[dict[str, Any]]:
    rows = recon()
    for k in numbers:
        rows[k] |= change
    return rows


def leaning() -> list[dict[str, Any]]:
    """The field's centre wanders from slice to slice, as in a tilted gantry's stack."""
    rows = recon()
    for k, row in enumerate(rows):
        row["position_lps_mm"] = [-180.0, -170.0 + 0.9 * k, -3.0 * k]
    return rows


@pytest.mark.parametrize(
    ("rows", "n_conflicts"),
    [
        (recon(), 0),
        (recon(first=None), 0),
        (strays({"kernel": "B70f"}, *range(20, 40)), 0),
        (strays({"kernel": "B70f"}, 7), 0),
        (strays({"thickness_mm": None}, 5, 6, 7), 0),
        (strays({"image_type": ["ORIGINAL", "PRIMARY", "AXIAL", "OTHER"]}, 3, 30), 0),
        (strays({"image_number": 1}, 20), 0),
        (strays({"image_number": 1}, 20, 21), 0),
        (strays({"image_number": 77}, 20), 0),
        (strays({"position_lps_mm": [-180.9, -170.0, -60.0]}, 20), 0),
        (leaning(), 0),
        (recon() + recon(), 40),
        (recon() + recon(first=41), 40),
        (recon() + recon(first=None), 40),
    ],
    ids=[
        "plain", "no numbers", "the kernel changes on the way down", "one slice of another kernel",
        "three without thickness", "two of another ImageType", "a number twice",
        "a number three times", "a number out of order", "a centre a millimetre off",
        "a wandering centre", "4-D", "4-D, numbered through", "4-D, numbers missing",
    ],
)  # fmt: skip
def test_one_stack_stays_one(rows: list[dict[str, Any]], n_conflicts: int) -> None:
    (series,) = found(rows)
    assert (series.n_slices, series.n_conflicts) == (40, n_conflicts)


@pytest.mark.parametrize(("apart_mm", "n"), [(0.9, 1), (1.1, 2)])
def test_field_centres_a_millimetre_apart_are_two(apart_mm: float, n: int) -> None:
    second = recon(centre_mm=(-180.0 + apart_mm, -170.0), first=None)
    assert len(found(recon(first=None), second)) == n


@pytest.mark.parametrize(("start_mm", "n"), [(115.5, 2), (120.0, 1)])
def test_what_goes_on_below_is_one_stack(start_mm: float, n: int) -> None:
    """The last plane of the first lies 117 mm down: another kernel from there on overlaps it."""
    assert len(found(recon(), recon(start_mm=start_mm, kernel="B70f"))) == n


def test_the_computed_part_of_a_scan_is_a_stack_of_its_own() -> None:
    rows = recon()
    for row in rows[25:]:
        row["image_type"] = ["DERIVED", "SECONDARY", "MIP"]
    original, projected = found(rows)
    assert (original.n_slices, original.image_type) == (25, ("ORIGINAL", "PRIMARY", "AXIAL"))
    assert (projected.n_slices, "MIP" in projected.image_type) == (15, True)


def test_three_reconstructions() -> None:
    rows = (recon(start_mm=1.0, kernel="B70f"), recon(start_mm=2.0, image_type=VNC))
    assert shapes(recon(), *rows) == [(40, 3.0)] * 3
    assert shapes(recon(), recon(start_mm=1.0), recon(start_mm=2.0)) == [(40, 3.0)] * 3


# --- scanned twice ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        {"acquisition_number": 2},
        {"kvp": 100.0},
        {"series_description": "Exspiration"},
        {"acquired_on": date(2024, 5, 20)},
        {"frame_digest": "g"},
    ],
)
def test_two_scans_whose_planes_lie_between_each_others_are_two(other: dict[str, Any]) -> None:
    one = {
        "acquisition_number": 1,
        "kvp": 120.0,
        "series_description": "Inspiration",
        "acquired_on": date(2024, 5, 17),
        "frame_digest": "f",
    }
    rows = by_place(recon(**one), recon(start_mm=1.5, **(one | other)))
    assert shapes(rows) == [(40, 3.0)] * 2


def by_place(*stacks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Numbered by place: numbers tell nothing."""
    rows = sorted(
        (row for stack in stacks for row in stack), key=lambda row: -row["position_lps_mm"][2]
    )
    for number, row in enumerate(rows):
        row["image_number"] = number
    return rows


def timed(rows: list[dict[str, Any]], start_s: float, step_s: float) -> list[dict[str, Any]]:
    for k, row in enumerate(rows):
        row["acquired_s"] = start_s + k * step_s
    return rows


@pytest.mark.parametrize("start_s", [130.0, 20.0])
@pytest.mark.parametrize("step_s", [0.0, 0.2])
@pytest.mark.parametrize("is_numbered", [True, False])
def test_passes_that_a_pause_sets_apart_are_two(
    start_s: float, step_s: float, is_numbered: bool
) -> None:
    one, two = timed(recon(), 0.0, step_s), timed(recon(start_mm=1.5), start_s, step_s)
    rows = by_place(one, two)
    if not is_numbered:
        for row in rows:
            row["image_number"] = None
    assert shapes(rows) == TWO


def test_three_passes_are_three() -> None:
    passes = (timed(recon(start_mm=k), 60.0 * k, 0.2) for k in (0.0, 1.0, 2.0))
    assert shapes(by_place(*passes)) == [(40, 3.0)] * 3


def test_a_second_pass_on_the_way_back_is_a_stack_of_its_own() -> None:
    back = timed(recon(start_mm=1.5)[::-1], 30.0, 0.2)
    assert shapes(by_place(timed(recon(), 0.0, 0.2), back)) == TWO


def test_steps_with_pauses_are_one_scan() -> None:
    assert shapes(timed(recon(), 0.0, 10.0)) == [(40, 3.0)]
    assert shapes(timed(recon()[:20], 0.0, 0.2) + timed(recon()[20:], 60.0, 0.2)) == [(40, 3.0)]


def test_the_same_planes_taken_several_times_stay_together() -> None:
    """They are phases of one scan, none of which may be scored alone."""
    phases = [row for k in range(4) for row in timed(recon(), 60.0 * k, 0.2)]
    assert [(s.n_slices, s.n_conflicts) for s in found(phases)] == [(40, 120)]


def test_what_has_no_acquisition_number_may_be_another_acquisition() -> None:
    one = recon(acquisition_number=1)
    assert shapes(by_place(one, recon(start_mm=1.5))) == TWO
    one[3]["acquisition_number"] = one[30]["acquisition_number"] = None
    assert shapes(one) == [(40, 3.0)]


def test_two_scans_step_by_step_are_two() -> None:
    one, two = recon(), recon(start_mm=1.5)
    for k, (a, b) in enumerate(zip(one, two, strict=True)):
        a["acquisition_number"], b["acquisition_number"] = 1 + k // 2, 21 + k // 2
    assert shapes(by_place(one, two)) == TWO


@pytest.mark.parametrize(("n_shared", "n"), [(0, 1), (2, 1), (30, 2)])
def test_blocks_scanned_one_after_another_are_one(n_shared: int, n: int) -> None:
    below = recon(start_mm=120.0 - 3.0 * n_shared, first=None, acquisition_number=2)
    assert len(found(recon(first=None, acquisition_number=1), below)) == n


def test_a_scan_step_by_step_counts_each_step() -> None:
    rows = recon()
    for k, row in enumerate(rows):
        row["acquisition_number"] = k // 2
    assert shapes(rows) == [(40, 3.0)]


def test_frames_of_reference_made_up_image_by_image_tell_nothing() -> None:
    rows = recon()
    for k, row in enumerate(rows):
        row["frame_digest"] = str(k)
    assert shapes(rows) == [(40, 3.0)]


def test_a_scan_over_midnight_is_one() -> None:
    rows = recon(acquired_on=date(2024, 5, 17))
    for row in rows[20:]:
        row["acquired_on"] = date(2024, 5, 18)
    assert shapes(rows) == [(40, 3.0)]


TOGETHER = recon() + recon(start_mm=1.5) + recon(30, start_mm=0.5, kernel="B70f", image_type=VNC)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(len(TOGETHER))))
def test_the_order_of_the_files_changes_no_key(order: list[int]) -> None:
    def keys(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
        return [(s.series_key, s.content_digest) for s in found(rows)]

    assert keys([TOGETHER[k] for k in order]) == keys(TOGETHER)
