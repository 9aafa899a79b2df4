"""Which scans research tables tell of, and under which keys."""

from datetime import date, timedelta

import pytest
from sql_room import AS_OF, INDEX, build, lake, person, read, scan


def research(*scans, people=("p",), **more):
    tables = {
        "series": [s for s, _ in scans],
        "dispositions": [d for _, d in scans],
        "person": [person(p) for p in people],
    }
    shift = [{"person_key": p, "research_key": f"x{p}", "shift_days": -30} for p in people]
    return lake(shift=shift, **(tables | more))


def test_scans_of_a_person_are_counted_by_their_dates():
    later = scan("a", index_date=INDEX + timedelta(40), agatston=3.0, model_digest="m" * 64)
    connection = research(later, scan("b", agatston=2.0), scan("c", "q"), people=("p", "q"))
    rows = read(connection, "core_research_scan")
    assert [(r["series_key"], r["research_key"], r["scan"]) for r in rows] == [
        ("b", "xp", 1), ("a", "xp", 2), ("c", "xq", 1),
    ]  # fmt: skip
    assert [r["shifted_index_month"] for r in rows[:2]] == [date(2025, 12, 1), date(2026, 1, 1)]
    assert rows[1]["model_digest_12"] == "m" * 12


@pytest.mark.parametrize(
    "other",
    [
        scan("b", state="failed", reasons=["not_chest"]),
        scan("b", index_date=AS_OF + timedelta(1)),
        scan("b", index_date=None),
    ],
)
def test_only_scans_scored_as_things_stand_are_told_of(other):
    rows = read(research(scan("a"), other), "core_research_scan")
    assert [r["series_key"] for r in rows] == ["a"]
    inside = scan("b", index_date=AS_OF)
    assert len(read(research(scan("a"), inside), "core_research_scan")) == 2


@pytest.mark.parametrize(
    ("agatston", "flags", "is_bound", "may_be_more"),
    [
        (250.0, [], False, False),
        (250.0, ["heart_incomplete", "motion"], True, True),
        (250.0, ["stent_present", "stent_possible"], False, True),
        (250.0, ["clips_present"], False, True),
        (250.0, ["heart_incomplete", "blood_pool_bright"], False, True),
        (0.0, ["clips_present", "contrast_tag"], True, True),
        (0.0, ["stent_possible"], True, True),
        (0.0, ["heart_incomplete", "kernel_unknown"], True, True),
    ],
)
def test_the_cohort_says_which_scores_are_lower_bounds(agatston, flags, is_bound, may_be_more):
    connection = research(scan(agatston=agatston, grade="C", quality_flags=flags))
    build(connection, "out_cohort")
    for name in ("core_person_score", "out_cohort"):
        (row,) = read(connection, name)
        assert (row["is_lower_bound"], row["may_be_more"]) == (is_bound, may_be_more)
        assert row["score_is_doubtful"]
    (row,) = read(connection, "core_research_scan")
    assert row["quality_flags"] == flags
    assert "quality_flags" not in read(connection, "out_cohort")[0]


@pytest.mark.parametrize("scope", ["opt_out_all", "opt_out_research"])
@pytest.mark.parametrize(("days", "n"), [(0, 0), (1, 1), (None, 0)])
def test_who_opted_out_of_anything_is_not_told_of(scope, days, n):
    since = None if days is None else AS_OF + timedelta(days)
    wish = {"person_key": "p", "scope": scope, "valid_from": since}
    assert len(read(research(scan(), policy=[wish]), "core_research_scan")) == n
    later = research(scan(), policy=[wish], wishes_on=AS_OF + timedelta(1))
    assert read(later, "core_research_scan") == []


def test_who_cannot_have_opted_out_or_was_a_child_is_not_told_of():
    assert read(research(scan(), person=[]), "core_research_scan") == []
    assert read(research(scan(age_years=17.9)), "core_research_scan") == []
    assert len(read(research(scan(age_years=18.0)), "core_research_scan")) == 1
    conflict = scan("b", is_conflicted=True)
    assert read(research(scan(), conflict), "core_research_scan") == []


def test_the_cohort_holds_the_same_people():
    connection = research(
        scan("a"), scan("b", "q"), scan("c", "r"), people=("p", "q", "r"),
        policy=[{"person_key": "q", "scope": "opt_out_research", "valid_from": None}],
    )  # fmt: skip
    build(connection, "out_cohort")
    told = {r["research_key"] for r in read(connection, "core_research_scan")}
    assert told == {r["research_key"] for r in read(connection, "out_cohort")} == {"xp", "xr"}
