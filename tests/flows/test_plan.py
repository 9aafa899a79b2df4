"""Which series a night works: the ledger, the turns of a study, its runners-up."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from flows.plan import Ledger, lasting, make_plan
from flows.scoring_stage import _next_turn, _runners_up
from screening.catalogue import Entry
from screening.dispositions import Disposition, Stamp, Versions, to_table
from screening.reasons import Reason, State
from screening.records import Decision, Series
from screening.tables import DISPOSITIONS

NOW = Versions(choose_version=1, model_digest="m1", scoring_version=1)
STAMP = Stamp("run", datetime(2026, 1, 1, tzinfo=UTC))


def entry(key: str, study: str = "st", content: str = "c", day: date | None = None) -> Entry:
    series = Series(
        series_key=key, study_key=study, person_key="p", modality="CT", image_type=(),
        sop_class_uid="", n_files=1, n_slices=1, n_duplicates=0, n_conflicts=0, rows=1, columns=1,
        row_spacing_mm=1, column_spacing_mm=1, increment_mm=3, thickness_mm=3, z_range_mm=None,
        missing_gaps=(), is_uneven=False, is_mixed=False, orientation="axial", tilt_degrees=0,
        kvp=120, kernel="", manufacturer="", is_hu=True, has_contrast_tag=False, is_gated=False,
        terms=(), body_part="", acquired_on=day, age_years=60, sex="F", content_digest=content,
    )  # fmt: skip
    return Entry.of(series, (f"{key}/1",))


def past(*rows: Disposition, rescore: str = "new_only", current: Versions = NOW) -> Ledger:
    tables = [DISPOSITIONS.empty(), to_table(rows, STAMP)]
    return Ledger(pa.concat_tables(tables), current, rescore)


def worked(e: Entry, state: State, versions: Versions = NOW) -> Disposition:
    reasons = () if state is State.SCORED else (Reason.DECODE_FAILED,)
    return Disposition(e.series, versions, state, reasons)


def ranked(*entries: Entry) -> list[Decision]:
    return [
        Decision(e.series.series_key, e.series.study_key, State.PENDING, (), rank)
        for rank, e in enumerate(entries)
    ]


def keys(entries: list[Entry]) -> list[str]:
    return [e.series.series_key for e in entries]


def test_a_new_study_works_its_best_series_only() -> None:
    a, b = entry("a"), entry("b")
    plan = make_plan([b, a], ranked(a, b), past(), 1)
    assert keys(_next_turn(plan.studies, past(), {})) == ["a"]


def test_only_studies_that_are_held_back_count_as_arriving() -> None:
    """A touched file of a scored series, or of one that its header refuses, holds nothing back."""
    a, b, c, d = (entry(key, study) for key, study in (("a", "s1"), ("b", "s2"), ("c", "s3"),
                                                      ("d", "s3")))  # fmt: skip
    report = Decision("e", "s4", State.INELIGIBLE, (Reason.NOT_CT,), None)
    decisions = [*ranked(a, b, c, d), report]
    every = [a, b, c, d, entry("e", "s4")]
    young = frozenset(e.series.study_key for e in every)
    ledger = past(worked(a, State.SCORED))
    plan = make_plan(every, decisions, ledger, 1, frozenset(), young)
    held = sorted(p.series.series_key for p in plan.decided if p.state is State.PENDING)
    assert (held, plan.n_arriving) == (["b", "c", "d"], 2)
    assert make_plan(every, decisions, ledger, 1, young, young).n_arriving == 0  # unreachable
    assert make_plan(every, decisions, ledger, 1).n_arriving == 0


def test_what_was_scored_is_not_worked_again_and_its_runner_up_is_not_chosen() -> None:
    a, b = entry("a"), entry("b")
    ledger = past(worked(a, State.SCORED))
    plan = make_plan([a, b], ranked(a, b), ledger, 1)
    assert _next_turn(plan.studies, ledger, {}) == []
    rows = list(_runners_up(plan.studies, ledger, {}, 1))
    assert [(r.series.series_key, r.reasons) for r in rows] == [("b", (Reason.NOT_CHOSEN,))]


def test_a_runner_up_row_is_written_once() -> None:
    a, b = entry("a"), entry("b")
    plan = make_plan([a, b], ranked(a, b), past(), 1)
    first = list(_runners_up(plan.studies, past(worked(a, State.SCORED)), {}, 1))
    ledger = past(worked(a, State.SCORED), *first)
    assert list(_runners_up(plan.studies, ledger, {}, 1)) == []


@pytest.mark.parametrize("state", [State.FAILED, State.INELIGIBLE, State.QUARANTINED])
def test_when_the_best_gives_no_score_the_next_is_tried(state: State) -> None:
    a, b = entry("a"), entry("b")
    plan = make_plan([a, b], ranked(a, b), past(), 1)
    ledger = past(worked(a, state))
    assert keys(_next_turn(plan.studies, ledger, {"a": state})) == ["b"]
    ledger.note(worked(b, State.SCORED))
    assert list(_runners_up(plan.studies, ledger, {"a": state, "b": State.SCORED}, 1)) == []


def test_an_unreachable_series_waits_and_its_runner_up_is_not_tried() -> None:
    a, b = entry("a"), entry("b")
    plan = make_plan([a, b], ranked(a, b), past(), 1)
    assert _next_turn(plan.studies, past(), {"a": State.PENDING}) == []


def test_a_study_that_was_not_wholly_delivered_waits_and_is_worked_when_it_is() -> None:
    a, b, scout = entry("a"), entry("b"), entry("c")
    other = entry("d", study="other")
    decisions = [*ranked(a, b), *ranked(other)]
    decisions += [Decision("c", "st", State.INELIGIBLE, (Reason.LOCALIZER,), None)]
    plan = make_plan([a, b, scout, other], decisions, past(), 1, frozenset({"st"}))
    assert keys(_next_turn(plan.studies, past(), {})) == ["d"]
    rows = {row.series.series_key: (row.state, row.reasons) for row in plan.decided}
    waits = (State.PENDING, (Reason.UNREACHABLE,))
    assert rows == {"a": waits, "b": waits, "c": (State.INELIGIBLE, (Reason.LOCALIZER,))}
    ledger = past(*plan.decided)
    plan = make_plan([a, b], ranked(a, b), ledger, 1)
    assert keys(_next_turn(plan.studies, ledger, {})) == ["a"]
    ledger.note(worked(a, State.SCORED))
    rows_after = list(_runners_up(plan.studies, ledger, {"a": State.SCORED}, 1))
    assert [row.reasons for row in rows_after] == [(Reason.NOT_CHOSEN,)]


def test_a_score_stands_while_its_study_waits() -> None:
    a = entry("a")
    ledger = past(worked(a, State.SCORED))
    assert make_plan([a], ranked(a), ledger, 1, frozenset({"st"})).decided == ()


def test_pending_last_night_is_worked_tonight() -> None:
    a = entry("a")
    ledger = past(worked(a, State.PENDING, Versions(1, "m1", 0)))
    plan = make_plan([a], ranked(a), ledger, 1)
    assert keys(_next_turn(plan.studies, ledger, {})) == ["a"]


def test_changed_content_is_new_unless_never() -> None:
    old, new = entry("a", content="c1"), entry("a", content="c2")
    row = worked(old, State.SCORED)
    plan = make_plan([new], ranked(new), past(row), 1)
    assert keys(_next_turn(plan.studies, past(row), {})) == ["a"]
    assert _next_turn(plan.studies, past(row, rescore="never"), {}) == []


def test_a_new_model_rescores_only_when_all_is_asked_for() -> None:
    a = entry("a")
    row = worked(a, State.SCORED, Versions(1, "older", 1))
    plan = make_plan([a], ranked(a), past(row), 1)
    assert _next_turn(plan.studies, past(row), {}) == []
    assert keys(_next_turn(plan.studies, past(row, rescore="all"), {})) == ["a"]


def test_scores_of_another_version_are_known_as_such() -> None:
    a = entry("a")
    assert past(worked(a, State.SCORED, Versions(1, "older", 1))).keeps_another(a)
    assert past(worked(a, State.SCORED, replace(NOW, scoring_version=7))).keeps_another(a)
    assert not past(worked(a, State.SCORED)).keeps_another(a)
    older = worked(a, State.SCORED, Versions(1, "older", 1))
    assert not past(worked(a, State.SCORED), older).keeps_another(a)
    assert not past(worked(a, State.FAILED, Versions(1, "older", 1))).keeps_another(a)
    assert not past().keeps_another(a)


def test_studies_are_worked_by_date_then_path_so_that_ties_fall_alike() -> None:
    late, early = (
        entry("late", "s1", day=date(2026, 2, 1)),
        entry("early", "s2", day=date(2026, 1, 1)),
    )
    undated = entry("undated", "s3")
    decisions = [*ranked(undated), *ranked(late), *ranked(early)]
    plan = make_plan([undated, late, early], decisions, past(), 1)
    assert keys(_next_turn(plan.studies, past(), {})) == ["early", "late", "undated"]


def test_a_rule_outcome_is_written_once() -> None:
    a = entry("a")
    refused = [Decision("a", "st", State.INELIGIBLE, (Reason.LOCALIZER,), None)]
    plan = make_plan([a], refused, past(), 1)
    assert [r.reasons for r in plan.decided] == [(Reason.LOCALIZER,)]
    assert make_plan([a], refused, past(*plan.decided), 1).decided == ()


def copy_of(e: Entry, original: str) -> Disposition:
    versions = Versions(1, "m1", 0)
    detail = f"original: {original}"
    reasons = (Reason.DUPLICATE_IMAGES_OF,)
    return Disposition(e.series, versions, State.INELIGIBLE, reasons, detail, "images")


def scored(e: Entry) -> Disposition:
    return Disposition(e.series, NOW, State.SCORED, (), "", "images")


def test_a_copy_is_worked_again_once_its_original_has_gone_or_changed() -> None:
    a, b, second = entry("a"), entry("b"), entry("c")
    plan = make_plan([a, second], ranked(a, second), past(), 1)
    ledger = past(scored(b), copy_of(a, "b"))
    ledger.set_owners({"images": "b"})
    # Its scan has its score: the second choice of its study is not worked in its place.
    assert _next_turn(plan.studies, ledger, {}) == []
    rows = list(_runners_up(plan.studies, ledger, {}, 1))
    assert [(r.series.series_key, r.reasons) for r in rows] == [("c", (Reason.NOT_CHOSEN,))]
    ledger.note(replace(scored(entry("b", content="later")), image_digest="others"))
    assert keys(_next_turn(plan.studies, ledger, {})) == ["a"]
    ledger.set_owners({})
    assert keys(_next_turn(plan.studies, ledger, {})) == ["a"]


def test_of_two_that_were_scored_from_the_same_images_the_first_counts() -> None:
    """As when the first had gone for a night: its copy stands back, whichever is worked first."""
    a, b = entry("a"), entry("b")
    plan = make_plan([a, b], ranked(a), past(), 1)
    tables = [
        to_table([row], Stamp("run", datetime(2026, 1, day, tzinfo=UTC)))
        for day, row in ((2, scored(a)), (1, scored(entry("b", content="before"))))
    ]
    ledger = Ledger(pa.concat_tables(tables), NOW, "new_only", {"images": "a"})
    assert (ledger.original_of("b", "images"), ledger.original_of("c", "images")) == ("", "a")
    past_a = ledger.outcome(a)
    assert past_a is not None
    assert past_a.state is State.SCORED
    ledger.note(scored(b))
    assert ledger.original_of("a", "images") == "b"
    past_a = ledger.outcome(a)
    assert past_a is not None
    assert past_a.is_copy
    assert _next_turn(plan.studies, ledger, {}) == []


def test_a_runner_up_that_was_refused_once_is_told_as_one() -> None:
    """Of the same content and versions: the reason is another."""
    a, b = entry("a"), entry("b")
    minor = Disposition(b.series, Versions(1), State.INELIGIBLE, (Reason.MINOR,))
    ledger = past(minor, worked(a, State.SCORED))
    plan = make_plan([a, b], ranked(a, b), ledger, 1)
    (row,) = _runners_up(plan.studies, ledger, {}, 1)
    assert row.reasons == (Reason.NOT_CHOSEN,)
    assert list(_runners_up(plan.studies, past(minor, worked(a, State.SCORED), row), {}, 1)) == []


def test_rules_say_something_tonight_of_what_neither_waits_nor_is_kept_as_it_was() -> None:
    a, b = entry("a"), entry("b")
    small = Decision("b", "st", State.INELIGIBLE, (Reason.TOO_FEW_SLICES,), None)
    decisions, study = [*ranked(a), small], frozenset({"st"})

    def said(ledger: Ledger, *held: frozenset[str]) -> list[str]:
        return [d.series_key for d in lasting(decisions, ledger, *held)]

    none: frozenset[str] = frozenset()
    assert said(past(), none, none) == ["a", "b"]
    assert said(past(), none, study) == ["a"]  # as more arrives it may be long enough
    assert said(past(worked(b, State.FAILED), rescore="never"), none, none) == ["a"]
