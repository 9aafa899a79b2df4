"""Instances to series: what a user of the catalogue sees."""

import importlib
import math
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.catalogue import (
    NOTE_COLUMNS,
    Catalogue,
    Entry,
    group,
    group_parts,
    rejections,
    series_table,
)
from screening.errors import ScreeningError
from screening.records import Series
from screening.tables import INSTANCES, SERIES

AXIAL = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
SAGITTAL = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]
CORONAL = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0]

DEFAULTS: dict[str, Any] = {
    "size_bytes": 525_000,
    "mtime_ns": 1,
    "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2",
    "transfer_syntax_uid": "1.2.840.10008.1.2.1",
    "modality": "CT",
    "image_type": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "rows": 512,
    "columns": 512,
    "n_frames": 1,
    "row_spacing_mm": 0.7,
    "column_spacing_mm": 0.7,
    "orientation": AXIAL,
    "thickness_mm": 3.0,
    "kvp": 120.0,
    "kernel": "Br40f\\3",
    "manufacturer": "SIEMENS",
    "rescale_slope": 1.0,
    "rescale_intercept": -1024.0,
    "series_key": "series-a",
    "study_key": "study-a",
    "person_key": "person-a",
    "acquired_on": date(2024, 5, 17),
    "age_years": 61.0,
    "sex": "F",
}


def slices(z_mm: list[float], **values: Any) -> list[dict[str, Any]]:
    """One instance a position, path order against slice order."""
    key = values.get("series_key", "series-a")
    rows = [
        DEFAULTS
        | {
            "path": f"{key}/{1000 - i}",
            "instance_digest": f"{key}-{i}",
            "position_lps_mm": [-180.0, -170.0, z],
        }
        for i, z in enumerate(z_mm)
    ]
    return [row | values for row in rows]


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=INSTANCES.schema)


def catalogue(rows: list[dict[str, Any]]) -> Catalogue:
    return group(table(rows))


def only(rows: list[dict[str, Any]]) -> Series:
    (entry,) = catalogue(rows).entries
    return entry.series


def steps(n: int, step_mm: float = 3.0) -> list[float]:
    return [i * step_mm for i in range(n)]


def test_a_plain_series() -> None:
    (entry,) = catalogue(slices(steps(50))).entries
    series = entry.series
    assert (series.n_files, series.n_slices, series.n_duplicates) == (50, 50, 0)
    assert series.increment_mm == pytest.approx(3.0)
    assert series.z_range_mm == (0.0, 147.0)
    assert (series.orientation, series.tilt_degrees) == ("axial", 0.0)
    assert (series.missing_gaps, series.n_conflicts) == ((), 0)
    assert (series.is_uneven, series.is_mixed) == (False, False)
    assert (series.is_hu, series.has_contrast_tag, series.is_gated) == (True, False, False)
    assert (series.kernel, series.manufacturer) == ("Br40f/3", "SIEMENS")
    assert (series.acquired_on, series.age_years, series.sex) == (date(2024, 5, 17), 61.0, "F")
    # slice 49 lies at the head and has the smallest file name
    assert entry.paths == tuple(f"series-a/{1000 - i}" for i in range(49, -1, -1))


def test_series_are_told_apart_by_key_not_by_folder() -> None:
    rows = slices(steps(3), series_key="series-b") + slices(steps(4))
    for row in rows:
        row["path"] = f"one-folder/{row['path'].replace('/', '-')}"
    found = catalogue(rows)
    assert [e.series.series_key for e in found.entries] == ["series-a", "series-b"]
    assert [len(e.paths) for e in found.entries] == [4, 3]


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(24)))
def test_the_order_of_the_files_changes_nothing(order: list[int]) -> None:
    rows = slices(steps(12)) + slices(steps(12), series_key="series-b")
    assert catalogue([rows[i] for i in order]) == catalogue(rows)


@pytest.mark.parametrize("at_once", [1, 3, 10, 11, 24])
def test_how_many_are_described_at_once_changes_nothing(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row for k in "abc" for row in slices(steps(10), series_key=f"series-{k}")]
    rows += [rows[k] | {"path": f"copy-{k}"} for k in (3, 17)]
    whole = catalogue(rows[::-1])
    module = importlib.import_module("screening.catalogue.group")
    monkeypatch.setattr(module, "BATCH_INSTANCES", at_once)
    assert catalogue(rows[::-1]) == whole
    assert whole.n_duplicate_files == 2


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=5, max_size=5), st.permutations(range(45)))
def test_parts_of_whole_series_give_what_one_table_gives(
    part_of: list[int], order: list[int]
) -> None:
    """A note rejects images of other parts; copies and stacks of one key stay together."""
    rows = [row for k in "abcd" for row in slices(steps(10), series_key=f"s{k}")]
    for row in rows[30:35]:
        row["kernel"] = "Br60f"
    rows += [rows[k] | {"path": f"copy-{k}"} for k in (3, 17, 25)]
    taken = [row["instance_digest"] for row in (*rows[:10], rows[12], rows[25])]
    rows += [
        slices([0.0], series_key="se", path=f"se/{code}", rejection=code, rejected_instances=taken)[
            0
        ]
        for code in ("113037", "113001")
    ]
    whole = catalogue([rows[i] for i in order])
    parts = [
        [rows[i] for i in order if part_of["abcde".index(rows[i]["series_key"][1])] == number]
        for number in range(4)
    ]
    rejected = rejections([table(rows).select(NOTE_COLUMNS)])
    assert group_parts([table(part) for part in parts], rejected) == whole
    # the whole of a, one image of b, one of c and its copy; d and the notes stay
    assert [e.series.rejection for e in whole.entries] == ["113001", "", "", "", ""]
    assert [e.series.n_files for e in whole.entries] == [11, 10, 9, 10, 2]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from("abc"), max_size=15), st.integers(0, 5))
def test_every_file_is_in_one_series_or_a_second_copy(keys: list[str], n_copies: int) -> None:
    rows = [
        slices([float(i)], series_key=k, path=f"{k}{i}", instance_digest=f"{i}")[0]
        for i, k in enumerate(keys)
    ]
    rows += [row | {"path": row["path"] + "-copy"} for row in rows[:n_copies]]
    found = catalogue(rows)
    assert sum(len(e.paths) for e in found.entries) + found.n_duplicate_files == len(rows)
    assert sum(e.series.n_files for e in found.entries) == len(rows)
    assert {e.series.series_key for e in found.entries} == set(keys)


# --- copies and conflicts -------------------------------------------------------------------


def test_of_copies_the_smallest_path_is_kept() -> None:
    rows = slices(steps(4))
    copy = rows[2] | {"path": "a-copy", "mtime_ns": 9}
    found = catalogue([*rows, copy])
    (entry,) = found.entries
    assert found.n_duplicate_files == 1
    assert (entry.series.n_files, entry.series.n_slices, entry.series.n_duplicates) == (5, 4, 1)
    assert entry.series.n_conflicts == 0
    assert entry.paths[1] == "a-copy"
    assert rows[2]["path"] not in entry.paths


def test_the_same_images_under_two_people_are_no_copies_even_without_positions() -> None:
    rows = slices(steps(4), position_lps_mm=None)
    others = [r | {"path": r["path"] + "..1", "person_key": "person-b"} for r in rows]
    copy = rows[2] | {"path": "z-copy"}
    found = catalogue([*rows, *others, copy])
    assert found.n_duplicate_files == 1
    assert [(e.series.person_key, e.series.n_files, e.series.n_slices) for e in found.entries] == [
        ("person-a", 5, 4),
        ("person-b", 4, 4),
    ]
    assert all(e.series.has_several_owners for e in found.entries)


@pytest.mark.parametrize(
    ("names", "owned"),
    [
        (["a"] * 6, [(6, False)]),
        (["a", "", "a", "", "a", "a"], [(6, False)]),
        (["a", "a", "a", "b", "b", "b"], [(3, True), (3, True)]),
        (["a", "a", "a", "b", "b", ""], [(3, True), (2, True), (1, True)]),
    ],
)
def test_one_number_with_two_names_in_a_series_is_nobodys(
    names: list[str], owned: list[tuple[int, bool]]
) -> None:
    rows = slices(steps(6))
    for row, name in zip(rows, names, strict=True):
        row["name_digest"] = name
    series = [e.series for e in catalogue(rows).entries]
    found = sorted(((s.n_slices, s.has_several_owners) for s in series), reverse=True)
    assert found == owned
    assert len({s.series_key for s in series}) == len(series)


@pytest.mark.parametrize(("apart_mm", "n_conflicts"), [(0.0, 1), (0.01, 1), (0.05, 0)])
def test_two_instances_at_one_position_conflict(apart_mm: float, n_conflicts: int) -> None:
    rows = slices([*steps(5), 6.0 + apart_mm])
    series = only(rows)
    assert series.n_conflicts == n_conflicts
    assert series.n_slices == 6 - n_conflicts
    assert series.n_duplicates == 0


@pytest.mark.parametrize("digest", ["", None, "the digest of an empty UID"])
def test_emptied_uids_do_not_make_copies_of_slices(digest: str | None) -> None:
    found = catalogue(slices(steps(20), instance_digest=digest))
    assert found.n_duplicate_files == 0
    assert found.entries[0].series.n_slices == 20


# --- spacing --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("z_mm", "gaps", "is_uneven"),
    [
        (steps(10), (), False),
        ([z + 1e-15 * (-1) ** i for i, z in enumerate(steps(10))], (), False),
        ([z + 0.004 * (-1) ** i for i, z in enumerate(steps(10, 1.25))], (), False),
        ([round(z, 1) for z in steps(20, 0.625)], (), False),
        ([z for z in steps(10) if z != 12.0], ((9.0, 15.0),), False),
        ([z for z in steps(12) if z not in (12.0, 15.0)], ((9.0, 18.0),), False),
        ([z for z in steps(12) if z not in (6.0, 21.0)], ((3.0, 9.0), (18.0, 24.0)), False),
        # a step of 1.1 increments is rounding, of 1.11 uneven; of 1.89 too, of 1.9 a hole
        ([0.0, 10.0, 20.0, 30.999], (), False),
        ([0.0, 10.0, 20.0, 31.1], (), True),
        ([0.0, 10.0, 20.0, 38.9], (), True),
        ([0.0, 10.0, 20.0, 39.01], ((20.0, 39.01),), False),
        ([0.0], (), False),
    ],
)
def test_holes_and_uneven_spacing(
    z_mm: list[float], gaps: tuple[tuple[float, float], ...], is_uneven: bool
) -> None:
    series = only(slices(z_mm))
    assert series.missing_gaps == gaps
    assert series.is_uneven is is_uneven


def test_overlapping_slices_have_their_increment_not_their_thickness() -> None:
    series = only(slices(steps(40, 1.5), thickness_mm=3.0))
    assert (series.increment_mm, series.thickness_mm) == (pytest.approx(1.5), 3.0)


# --- orientation ----------------------------------------------------------------------------


def turned(degrees: float) -> list[float]:
    """Axial planes turned about the left-right axis."""
    angle = math.radians(degrees)
    return [1.0, 0.0, 0.0, 0.0, math.cos(angle), -math.sin(angle)]


@pytest.mark.parametrize(
    ("cosines", "along", "orientation"),
    [
        (AXIAL, [0, 0, 3], "axial"),
        ([-1.0, 0.0, 0.0, 0.0, -1.0, 0.0], [0, 0, 3], "axial"),  # prone
        ([0.9999, 0.0, 0.0141, 0.0, 1.0, 0.0], [0, 0, 3], "axial"),
        (turned(9.9), [0, math.sin(math.radians(9.9)), math.cos(math.radians(9.9))], "axial"),
        (turned(10.1), [0, math.sin(math.radians(10.1)), math.cos(math.radians(10.1))], "oblique"),
        (turned(45), [0, 1, 1], "oblique"),
        (SAGITTAL, [3, 0, 0], "sagittal"),
        (CORONAL, [0, 3, 0], "coronal"),
        (None, [0, 0, 3], "none"),
        ([1.0, 0.0, 0.0], [0, 0, 3], "none"),
        ([1.0, 0.0, 0.0, 1.0, 0.0, 0.0], [0, 0, 3], "none"),  # spans no plane
    ],
)
def test_orientation_by_angle(
    cosines: list[float] | None, along: list[float], orientation: str
) -> None:
    rows = slices(steps(10), orientation=cosines)
    for i, row in enumerate(rows):
        row["position_lps_mm"] = [float(v) for v in i * np.array(along)]
    series = only(rows)
    assert series.orientation == orientation
    assert series.tilt_degrees < 1.0  # the planes are stacked along their normal


@pytest.mark.parametrize(
    ("degrees", "orientation"),
    [(2.0, "axial"), (18.5, "axial"), (29.9, "axial"), (30.5, "oblique")],
)
def test_a_tilted_gantry_is_axial_with_a_tilt(degrees: float, orientation: str) -> None:
    series = only(slices(steps(10), orientation=turned(degrees), tilt_degrees=degrees))
    assert series.orientation == orientation
    assert series.tilt_degrees == pytest.approx(degrees, abs=1e-3)
    assert series.increment_mm == pytest.approx(3.0 * math.cos(math.radians(degrees)))


def test_a_corrected_tilt_is_no_tilt() -> None:
    assert only(slices(steps(10), tilt_degrees=18.5)).tilt_degrees == 0.0


def test_no_positions() -> None:
    (entry,) = catalogue(slices(steps(3), position_lps_mm=None, modality="SR")).entries
    series = entry.series
    assert (series.orientation, series.increment_mm, series.z_range_mm) == ("none", None, None)
    assert (series.n_slices, series.is_hu, len(entry.paths)) == (3, False, 3)


@pytest.mark.parametrize(
    ("change", "is_mixed"),
    [
        ({"row_spacing_mm": 0.702}, True),
        ({"row_spacing_mm": 0.7003}, False),
        ({"orientation": turned(0.2)}, True),
        ({"orientation": turned(0.03)}, False),
        ({"orientation": None}, True),
        ({"kvp": 100.0}, False),
    ],
)
def test_mixed_geometry(change: dict[str, Any], is_mixed: bool) -> None:
    rows = slices(steps(10))
    rows[4] |= change
    assert only(rows).is_mixed is is_mixed


@pytest.mark.parametrize(
    ("values", "kvp"),
    [
        ([120.0, 120.0, None], 120.0),
        ([120.0, 121.0, 121.0], 121.0),
        ([100.0, 120.0, 120.0], None),  # no voltage is that of all
        ([100.0, 120.0, None], None),
        ([None, None, None], None),
    ],
)
def test_one_voltage_or_none(values: list[float | None], kvp: float | None) -> None:
    rows = [row | {"kvp": v} for row, v in zip(slices(steps(3)), values, strict=True)]
    assert only(rows).kvp == kvp


# --- what headers say -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "is_hu"),
    [
        ({}, True),
        ({"rescale_type": "HU"}, True),
        ({"rescale_type": "Z_EFF"}, False),
        ({"rescale_type": "US"}, False),
        ({"rescale_slope": None}, False),
        ({"rescale_intercept": None}, False),
        ({"modality": "MR"}, False),
    ],
)
def test_hounsfield_units(values: dict[str, Any], is_hu: bool) -> None:
    assert only(slices(steps(5), **values)).is_hu is is_hu


@pytest.mark.parametrize(
    ("values", "is_gated"),
    [
        ({"cardiac_sync": "PROSPECTIVE"}, True),
        ({"cardiac_sync": "NONE"}, False),
        ({"series_description": "Heart ECG gated"}, True),
        ({"protocol_name": "Heart ECG gated"}, True),
        ({"descriptions": "Heart ECG gated"}, False),  # the study's name
        ({"series_description": "Chest non-gated"}, False),
    ],
)
def test_gating(values: dict[str, Any], is_gated: bool) -> None:
    assert only(slices(steps(5), **values)).is_gated is is_gated


def test_one_slice_with_contrast_is_enough_and_none_is_not_an_agent() -> None:
    rows = slices(steps(5), contrast_agent="NONE")
    assert not only(rows).has_contrast_tag
    rows[3]["contrast_agent"] = "APPLIED"
    assert only(rows).has_contrast_tag


@pytest.mark.parametrize(
    ("column", "values", "field", "expected"),
    [
        ("acquired_on", [None, None], "acquired_on", None),
        ("acquired_on", [date(2024, 1, 1), date(2024, 1, 2)], "acquired_on", date(2024, 1, 1)),
        ("acquired_on", [date(2024, 1, 1), date(2024, 1, 3)], "acquired_on", None),
        ("age_years", [None, 61.0], "age_years", 61.0),
        ("age_years", [60.0, 61.0], "age_years", None),
        ("age_years", [None, None], "age_years", None),
        ("sex", ["F", ""], "sex", "F"),
        ("sex", ["F", "M"], "sex", ""),
    ],
)
def test_missing_stays_missing(column: str, values: list[Any], field: str, expected: Any) -> None:
    rows = slices(steps(2))
    for row, value in zip(rows, values, strict=True):
        row[column] = value
    assert getattr(only(rows), field) == expected


def test_no_identity_leaves_in_the_record_or_the_repr() -> None:
    rows = slices(
        steps(5),
        descriptions="CANARY^NAME thorax nativ 1.2.3.4.5.6",
        kernel="B30f 1.2.826.0.1.77",
        sop_class_uid="1.2.826.0.1.77.1",
    )
    (entry,) = catalogue([row | {"path": f"CANARY/{row['path']}"} for row in rows]).entries
    assert entry.series.terms == ("chest", "unenhanced")
    for text in (repr(entry), repr(entry.series)):
        assert "CANARY" not in text
        assert "1.2.826" not in text


# --- content digest -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"path": "elsewhere"}, True),
        ({"mtime_ns": 99}, True),
        ({"descriptions": "chest"}, True),
        ({"size_bytes": 1}, False),
        ({"instance_digest": "another"}, False),
        ({"rescale_intercept": -1000.0}, False),
        ({"position_lps_mm": [0.0, 0.0, 6.5]}, False),
        ({"transfer_syntax_uid": "1.2.840.10008.1.2.4.70"}, False),
        ({"rescale_slope": None}, False),
        # what scores and grades rest on
        ({"kvp": 100.0}, False),
        ({"thickness_mm": 1.0}, False),
        ({"exposure_mas": 7.0}, False),
        ({"tilt_degrees": 1.0}, False),
        ({"image_number": 900}, False),
        ({"kernel": "Br59"}, False),
        ({"manufacturer": "another"}, False),
        ({"scanner_model": "another"}, False),
        ({"cardiac_sync": "PROSPECTIVE"}, False),
        ({"contrast_agent": "Omnipaque"}, False),
        ({"image_type": ["ORIGINAL", "PRIMARY", "AXIAL", "MONO"]}, False),
        ({"body_part": "CHEST"}, True),
    ],
)
def test_content_digest(change: dict[str, Any], is_same: bool) -> None:
    rows = slices(steps(5))
    before = only(rows).content_digest
    rows[2] |= change
    assert (only(rows).content_digest == before) is is_same


def test_an_exact_copy_does_not_change_the_content() -> None:
    rows = slices(steps(5))
    copied = [*rows, rows[1] | {"path": "0-copy"}]
    assert only(copied).content_digest == only(rows).content_digest
    assert only(rows[:4]).content_digest != only(rows).content_digest


# --- doorway --------------------------------------------------------------------------------


def test_nothing_gives_nothing() -> None:
    assert group(INSTANCES.empty()) == Catalogue((), 0)
    assert series_table(()).schema == SERIES.schema


def test_instances_without_a_series_key_are_refused() -> None:
    with pytest.raises(ScreeningError, match="1 instances without a series key"):
        catalogue([*slices(steps(3)), *slices([99.0], series_key="")])


def test_another_schema_is_refused() -> None:
    with pytest.raises(ScreeningError, match="missing columns"):
        group(INSTANCES.empty().drop_columns(["path"]))


def test_series_table_has_one_row_a_series() -> None:
    found = catalogue(
        slices(steps(5), descriptions="thorax nativ")
        + slices(steps(2), series_key="series-b", modality="SR", position_lps_mm=None)
    )
    rows = series_table(found.entries).to_pylist()
    assert [row["series_key"] for row in rows] == ["series-a", "series-b"]
    assert rows[0]["index_date"] == date(2024, 5, 17)
    assert rows[0]["terms"] == ["chest", "unenhanced"]
    assert rows[1]["increment_mm"] is None
    assert isinstance(found.entries[0], Entry)
