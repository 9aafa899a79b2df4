"""Who came onto the list and who left it, night after night."""

from datetime import date

from flows.comings import listed

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
