"""Which series of a study is worked first, and that every series is decided about once."""

from datetime import date
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.choose import choose
from screening.reasons import State
from screening.records import Series


def make_series(
    key: str = "a",
    study: str = "study",
    *,
    increment_mm: float | None = 3.0,
    thickness_mm: float | None = 3.0,
    kernel: str = "Br40f",
    length_mm: float = 297.0,
    n_slices: int = 100,
    gaps: tuple[tuple[float, float], ...] = (),
    n_conflicts: int = 0,
    modality: str = "CT",
    orientation: str = "axial",
    terms: tuple[str, ...] = ("chest",),
    age_years: float | None = 61.0,
    acquired_on: date | None = date(2024, 5, 17),
    person: str = "person",
    has_contrast_tag: bool = False,
) -> Series:
    return Series(
        series_key=key,
        study_key=study,
        person_key=person,
        modality=modality,
        image_type=("ORIGINAL", "PRIMARY", "AXIAL"),
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        n_files=n_slices,
        n_slices=n_slices,
        n_duplicates=0,
        n_conflicts=n_conflicts,
        rows=512,
        columns=512,
        row_spacing_mm=0.7,
        column_spacing_mm=0.7,
        increment_mm=increment_mm,
        thickness_mm=thickness_mm,
        z_range_mm=(0.0, length_mm),
        missing_gaps=gaps,
        is_uneven=False,
        is_mixed=False,
        orientation=orientation,
        tilt_degrees=0.0,
        kvp=120.0,
        kernel=kernel,
        manufacturer="",
        is_hu=modality == "CT",
        has_contrast_tag=has_contrast_tag,
        is_gated=False,
        terms=terms,
        body_part="",
        acquired_on=acquired_on,
        age_years=age_years,
        sex="F",
        content_digest="c",
    )


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        # slices: 2.5 and 3 mm are equally good, then the nearer
        ({"increment_mm": 3.0}, {"increment_mm": 5.0, "thickness_mm": 5.0}),
        ({"increment_mm": 2.5, "thickness_mm": 2.5}, {"increment_mm": 1.0, "thickness_mm": 1.0}),
        ({"increment_mm": 3.0}, {"increment_mm": 1.5}),  # overlapping
        ({"increment_mm": 2.5, "thickness_mm": 2.5}, {"increment_mm": 3.1, "thickness_mm": 3.1}),
        # kernel: sharp comes last, soft before unknown
        ({"increment_mm": 1.0, "thickness_mm": 1.0}, {"kernel": "Bl57d"}),
        ({"kernel": "Br40f"}, {"kernel": ""}),
        ({"kernel": ""}, {"kernel": "LUNG"}),
        ({"kernel": "", "increment_mm": 3.0}, {"kernel": "Br40f", "increment_mm": 2.0}),
        # a whole stack, more body, more slices
        ({"length_mm": 200.0}, {"gaps": ((30.0, 36.0),)}),
        ({}, {"n_conflicts": 1}),
        ({"length_mm": 297.0}, {"length_mm": 180.0, "n_slices": 150}),
        ({"length_mm": 297.0, "n_slices": 101}, {"length_mm": 299.0, "n_slices": 100}),
    ],
)
@pytest.mark.parametrize("keys", [("a", "b"), ("b", "a")])
def test_the_better_series_is_worked_first(
    better: dict[str, object], worse: dict[str, object], keys: tuple[str, str]
) -> None:
    first = make_series(keys[0], **better)  # type: ignore[arg-type]
    second = make_series(keys[1], **worse)  # type: ignore[arg-type]
    ranks = {d.series_key: d.rank for d in choose([second, first])}
    assert ranks == {keys[0]: 0, keys[1]: 1}


def test_equal_series_are_ranked_by_key() -> None:
    assert [d.rank for d in choose([make_series("b"), make_series("a")])] == [0, 1]


def test_runners_up_wait_and_refused_ones_take_no_rank() -> None:
    study = [
        make_series("thin", increment_mm=1.0, thickness_mm=1.0),
        make_series("best"),
        make_series("thick", increment_mm=7.0),
        make_series("alone", study="other", increment_mm=5.0),
    ]
    found = {d.series_key: (d.state, d.rank) for d in choose(study)}
    assert found == {
        "best": (State.PENDING, 0),
        "thin": (State.PENDING, 1),
        "thick": (State.INELIGIBLE, None),
        "alone": (State.PENDING, 0),
    }


random_series = st.builds(
    make_series,
    key=st.integers(0, 10_000).map(str),
    study=st.sampled_from(["s1", "s2", "s3"]),
    increment_mm=st.none() | st.floats(0.3, 10.0),
    thickness_mm=st.none() | st.floats(0.3, 10.0),
    kernel=st.sampled_from(["Br40f", "LUNG", "", "FC52"]) | st.text(max_size=8),
    length_mm=st.floats(0.0, 700.0),
    n_slices=st.integers(0, 900),
    n_conflicts=st.integers(0, 2),
    modality=st.sampled_from(["CT", "CT", "CT", "SR", "MR"]),
    orientation=st.sampled_from(["axial", "axial", "sagittal", "none"]),
    terms=st.sampled_from([(), ("chest",), ("head",), ("mip",), ("calcium_score",)]),
    age_years=st.none() | st.floats(0.0, 110.0),
    acquired_on=st.none() | st.dates(),
    person=st.sampled_from(["p1", "p2", "p3"]),
    has_contrast_tag=st.booleans(),
)
people = st.frozensets(st.sampled_from(["p1", "p2", "p3"]), max_size=1)


@settings(max_examples=60)
@given(
    st.lists(random_series, max_size=12, unique_by=lambda s: s.series_key),
    people,
    people,
    st.randoms(use_true_random=False),
)
def test_in_is_out_whatever_the_order(
    series: list[Series], opted_out: frozenset[str], conflicted: frozenset[str], random: Random
) -> None:
    decisions = choose(series, opted_out, conflicted)
    shuffled = list(series)
    random.shuffle(shuffled)
    assert choose(shuffled, opted_out, conflicted) == decisions
    assert sorted(d.series_key for d in decisions) == sorted(s.series_key for s in series)
    for decision in decisions:
        is_refused = decision.state in (State.INELIGIBLE, State.QUARANTINED)
        assert is_refused == bool(decision.reasons) == (decision.rank is None)
    for study in {d.study_key for d in decisions}:
        ranks = sorted(d.rank for d in decisions if d.study_key == study and d.rank is not None)
        assert ranks == list(range(len(ranks)))
