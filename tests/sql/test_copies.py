"""Which of several series with the same images counts, and what of their studies does not."""

from datetime import UTC, datetime

from sql_room import lake, read, scan, series

COPY = {"state": "ineligible", "reasons": ["duplicate_images_of"], "scoring_version": 0}


def rows_of(*scans, copies=()):
    """Rows of the relation, the first scored first; of a series in several rows, the last."""
    dispositions = [
        {**d, "committed_at": datetime(2026, 6, 1 + n, tzinfo=UTC)}
        for n, (_, d) in enumerate([*scans, *copies])
    ]
    found = {s["series_key"]: {"refused": [], "rejection": "", "is_conflicted": False, **s}
             for s, _ in (*scans, *copies)}  # fmt: skip
    return read(lake(series=found.values(), dispositions=dispositions), "core_disposition")


def told(*scans, copies=()):
    """State and detail of each."""
    rows = rows_of(*scans, copies=copies)
    return {r["series_key"]: r["detail"] or r["reason"] or r["state"] for r in rows}


def one(key, images, study, place, **more):
    s, d = scan(key, study_key=study, person=f"p-{study}", place_in_study=place, **more)
    return s, {**d, "image_digest": images}


def test_a_score_steps_back_behind_a_better_copy_of_what_counts_in_another_study():
    first, second = one("first", "x", "st", 0), one("second", "y", "again", 1)
    assert told(first, second, copies=[one("copy", "x", "again", 0, **COPY)]) == {
        "first": "scored",
        "copy": "original: first",
        "second": "chosen: first",
    }


def test_two_studies_never_give_way_to_each_other():
    """The best of each is a copy of the second choice of the other."""
    seconds = [one("a2", "x", "a", 1), one("b2", "y", "b", 1)]
    bests = [one("a1", "y", "a", 0, **COPY), one("b1", "x", "b", 0, **COPY)]
    assert told(*seconds, copies=bests) == {
        "a2": "scored",
        "b2": "scored",
        "a1": "original: b2",
        "b1": "original: a2",
    }


def test_a_copy_whose_original_is_gone_waits_and_names_nobody():
    assert told(copies=[one("copy", "x", "st", 0, **COPY)]) == {"copy": "night_over"}


def test_a_copy_is_told_as_one_where_what_was_decided_first_stays():
    """With `rescore = "never"` rules say nothing of what was decided before."""
    kept = {"refused": None, "place_in_study": None}
    first, copy = one("first", "x", "st", 0), one("copy", "x", "again", 0, **COPY)
    rows = told((first[0] | kept, first[1]), copies=[(copy[0] | kept, copy[1])])
    assert rows == {"first": "scored", "copy": "original: first"}


def test_of_a_first_that_grew_the_images_are_its_own_until_the_whole_is_worked():
    first, copy = one("first", "x", "st", 0), one("copy", "x", "again", 0, **COPY)
    grew = series(**first[0] | {"content_digest": "c2", "grown_from": ["c"]})
    assert told((grew, first[1]), copies=[copy]) == {"first": "scored", "copy": "original: first"}
    whole = (grew, first[1] | {"content_digest": "c2", "image_digest": "z"})
    assert told((grew, first[1]), whole, copies=[copy])["copy"] == "night_over"  # its turn comes


def test_a_copy_tells_which_images_it_has():
    rows = rows_of(one("first", "x", "st", 0), copies=[one("copy", "x", "again", 0, **COPY)])
    assert {r["series_key"]: r["image_digest"] for r in rows} == {"first": "x", "copy": "x"}
