"""What counts of all that was made of a series: its content, tonight's headers, its study."""

from datetime import UTC, datetime, timedelta

import pytest
from sql_room import AS_OF, INDEX, lake, one_person, read, scan, series

MINOR = {"state": "ineligible", "reasons": ["minor"], "scoring_version": 0, "model_digest": ""}


def at(hour, content="c", **more):
    """One series and its disposition, of some content, committed at an hour."""
    s, d = scan(**more)
    committed = datetime(2026, 6, 30, hour, tzinfo=UTC)
    return s, {**d, "content_digest": content, "committed_at": committed}


def states(s, *rows, **tables):
    (row,) = read(lake(series=[s], dispositions=list(rows), **tables), "core_disposition")
    return row["state"], row["reason"], row["agatston"], row["redo_reason"]


SCORED = ("scored", "", 10.0, "")
REFUSED = ("ineligible", "minor", None, "")


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_rules_hold_as_tonights_headers_say_whatever_was_decided_last(order):
    """Minor, adult, minor with the same images; and adult, minor, adult."""
    (_, scored), (_, rule) = at(order[0], agatston=10.0), at(order[1], **MINOR)
    assert states(series(refused=["minor"], refused_detail="d"), scored, rule) == REFUSED
    assert states(series(refused=[], place_in_study=0), scored, rule) == SCORED
    # One rule after another of the same content.
    tilted = states(series(refused=["tilt_uncorrected", "minor"]), scored, rule)
    assert tilted[:2] == ("ineligible", "tilt_uncorrected")
    only_rule = states(series(refused=[], place_in_study=0), rule)
    assert only_rule[:2] == ("pending", "night_over")


def test_of_one_study_the_best_series_that_has_a_score_counts():
    best = scan("best", agatston=400.0, study_key="st", place_in_study=0)
    stand_in = scan("next", agatston=90.0, study_key="st", place_in_study=1, index_date=INDEX)
    other = scan("other", agatston=50.0, study_key="st", person="q", place_in_study=2)
    rows = {r["series_key"]: r for r in read(one_person(best, stand_in, other), "core_disposition")}
    told = {key: (r["state"], r["reason"], r["detail"]) for key, r in rows.items()}
    assert told["best"][0] == told["other"][0] == "scored"
    assert told["next"] == ("ineligible", "not_chosen", "chosen: best")
    assert rows["next"]["agatston"] is None
    (score,) = (r for r in read(one_person(best, stand_in), "core_person_score"))
    assert (score["series_key"], score["n_usable_scores"]) == ("best", 1)
    waiting = scan("best", state="pending", reasons=["unreachable"], study_key="st",
                   place_in_study=0)  # fmt: skip
    (score,) = read(one_person(waiting, stand_in), "core_person_score")
    assert score["series_key"] == "next"


def test_one_that_was_not_chosen_and_has_a_score_counts_once_the_better_one_is_gone():
    _, scored = at(1, agatston=10.0)
    _, rule = at(2, **{**MINOR, "reasons": ["not_chosen"]})
    assert states(series(refused=[], place_in_study=0), scored, rule) == SCORED


NOT_CHOSEN = {**MINOR, "reasons": ["not_chosen"], "study_key": "st"}


@pytest.mark.parametrize(
    ("better", "expected"),
    [
        ({"state": "scored"}, ("ineligible", "not_chosen", "chosen: best")),
        ({"state": "failed"}, ("pending", "still_arriving", "d")),
        ({"state": "scored", "person": "q"}, ("pending", "still_arriving", "d")),
        ({"state": "scored", "rejection": "113001"}, ("pending", "still_arriving", "d")),
        (None, ("pending", "still_arriving", "d")),  # gone
    ],
)
def test_a_runner_up_is_not_chosen_only_beside_a_series_that_has_a_score(better, expected):
    _, rule = at(1, key="next", **NOT_CHOSEN)
    held = {"state": "pending", "reasons": ["still_arriving"], "detail": "d"}
    _, waits = at(2, key="next", study_key="st", **held)
    found = [series("next", study_key="st", refused=[], place_in_study=1)]
    rows = [rule, waits]
    if better:
        s, d = scan("best", study_key="st", place_in_study=0, **better)
        found, rows = [*found, {**s, "rejection": better.get("rejection", "")}], [*rows, d]
    told = read(lake(series=found, dispositions=rows), "core_disposition")
    (row,) = (r for r in told if r["series_key"] == "next")
    assert (row["state"], row["reason"], row["detail"]) == expected


GREW = {"content_digest": "c3", "grown_from": ["c", "c2"], "refused": [], "place_in_study": 0}


def test_what_only_grew_keeps_its_score_until_the_whole_has_one():
    _, old = at(1, agatston=10.0)
    _, held = at(3, state="pending", reasons=["still_arriving"], content="c3")
    assert states(series(**GREW), old) == ("scored", "", 10.0, "night_over")
    assert states(series(**GREW), old, held) == ("scored", "", 10.0, "still_arriving")
    _, new = at(4, agatston=30.0, content="c3")
    assert states(series(**GREW), old, new) == ("scored", "", 30.0, "")
    _, failed = at(4, state="failed", reasons=["timeout"], content="c3")
    assert states(series(**GREW), old, failed)[:2] == ("failed", "timeout")
    # As it was last night: what came between gave no score.
    _, between = at(2, state="ineligible", reasons=["contrast_pixels"], content="c2")
    assert states(series(**GREW), old, between, held)[:2] == ("pending", "still_arriving")


@pytest.mark.parametrize(
    "change",
    [
        {"grown_from": []},
        {"rejection": "113001"},
        {"is_conflicted": True},
        {"refused": ["contrast_tag"], "place_in_study": None},
        {"key": "another"},
    ],
)
def test_what_was_taken_back_or_is_refused_keeps_no_score(change):
    _, old = at(1, agatston=10.0)
    assert states(series(**{**GREW, **change}), old)[2] is None


def test_a_wish_hides_a_score_whatever_rows_there_are():
    wish = {"person_key": "p", "scope": "opt_out_all", "valid_from": AS_OF}
    s, d = scan(agatston=10.0)
    assert states(s, d, policy=[wish])[:3] == ("ineligible", "opted_out", None)
    past = {"policy": [wish], "as_of": AS_OF - timedelta(1)}
    assert states(s, d, **past)[0] == "scored"
    assert states(s, d, **past, wishes_on=AS_OF)[:2] == ("ineligible", "opted_out")
    assert states(s, d)[0] == "scored"
