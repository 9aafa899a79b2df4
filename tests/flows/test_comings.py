"""Who came onto the list and who left it, night after night."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from flows import show
from flows.comings import keep_list, kept_for, listed
from flows.status import status
from screening.lake import Lake
from screening.tables import LAKE_TABLES

FIRST, SECOND, THIRD = date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)


def on_it(*people, score=500.0):
    return [
        {"person_key": p, "series_key": f"s_{p}", "tier": "cac_300", "agatston": score}
        for p in people
    ]


def after(before, now, day):
    return listed(before, on_it(*now), day).to_pylist()


def told(rows):
    return {r["person_key"]: (r["listed_on"], r["left_on"]) for r in rows}


def test_the_list_remembers_who_was_on_it_until_they_are_back():
    first = after([], "ab", FIRST)
    assert told(first) == {"a": (FIRST, None), "b": (FIRST, None)}
    second = after(first, "bc", SECOND)
    assert told(second) == {"a": (FIRST, SECOND), "b": (FIRST, None), "c": (SECOND, None)}
    third = after(second, "ac", THIRD)
    assert told(third) == {"a": (THIRD, None), "b": (FIRST, THIRD), "c": (SECOND, None)}
    assert told(after(third, "c", THIRD))["b"] == (FIRST, THIRD)  # the day they left stays


def test_a_night_killed_and_run_again_gives_the_same():
    first = after([], "ab", FIRST)
    second = after(first, "b", SECOND)
    assert after(second, "b", SECOND) == second


def test_tier_and_score_are_those_of_the_last_sweep_with_them():
    first = after([], "a", FIRST)
    second = listed(first, on_it("a", score=700.0), SECOND).to_pylist()
    (gone,) = after(second, "", THIRD)
    assert (gone["agatston"], gone["left_on"]) == (700.0, THIRD)


def swept_on(as_of, begun=None, seconds=1.0):
    begun = begun or as_of
    at = datetime(begun.year, begun.month, begun.day, 1, tzinfo=UTC)
    return {"run_id": f"{begun}", "started_at": at, "as_of": as_of, "seconds": seconds}


@pytest.fixture
def kept(tmp_path):
    """A lake swept on the third day, with nobody of its list in the archive."""
    lake = Lake.open(tmp_path / "lake", b"a secret for tests", create=True)
    fill(lake, "listed", after([], "ab", SECOND))
    fill(lake, "runs", [swept_on(SECOND), swept_on(THIRD)])
    return lake


def fill(lake, name, rows):
    schema = LAKE_TABLES[name].schema
    empty = dict.fromkeys(schema.names)
    with lake.lease("r"):
        lake.replace(name, pa.Table.from_pylist([empty | row for row in rows], schema=schema))


def keep(lake, as_of):
    with lake.lease("r"):
        keep_list(lake, as_of)
    return told(lake.read("listed").to_pylist())


def test_a_look_into_the_past_moves_nobody_and_says_that_it_is_one(kept, capsys):
    on_it_still = {"a": (SECOND, None), "b": (SECOND, None)}
    assert keep(kept, FIRST) == on_it_still
    fill(kept, "runs", [swept_on(SECOND), swept_on(THIRD), swept_on(FIRST, date(2026, 11, 4))])
    assert keep(kept, SECOND) == on_it_still
    facts = status(kept)
    assert (facts["list"]["new"], facts["list"]["left"]) == (0, 0)
    assert facts["list"]["past_of"] == str(THIRD)
    show.print_status(facts)
    said = "list as of 2026-11-01: a look into the past; who is new and who left stays as of 2026"
    assert said in " ".join(capsys.readouterr().out.split())
    assert keep(kept, THIRD) == {"a": (SECOND, THIRD), "b": (SECOND, THIRD)}


def test_a_night_that_did_not_end_is_no_list():
    runs = [swept_on(SECOND), swept_on(THIRD, seconds=None)]
    assert kept_for(runs) == SECOND
    assert kept_for([]) is None


def test_a_day_to_come_does_not_stop_the_list_nor_stay_in_it():
    far = date(2062, 11, 2)
    assert kept_for([swept_on(far, begun=FIRST)]) == SECOND  # a day for zones
    first = after(after([], "ab", FIRST), "a", far)
    assert told(after(first, "a", SECOND)) == {"a": (FIRST, None), "b": (FIRST, SECOND)}
    assert told(after(after([], "a", far), "a", SECOND)) == {"a": (SECOND, None)}
