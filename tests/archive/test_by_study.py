"""An archive asked by study and date: nothing is missed, nothing is asked twice."""

from collections import Counter
from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.archive import by_study
from screening.archive.by_study import (
    _by_study,
    dates_to_ask,
    has_changed,
    list_by_study,
    waiting_studies,
)
from screening.archive.listing import STATS_SCHEMA, Missed
from screening.archive.questions import Answer, Dates, QuestionError
from screening.archive.study_marks import (
    StudyFacts,
    begun_at,
    is_look_again,
    is_path,
    look_again,
    make_mark,
    study_date,
)
from screening.config import ArchiveSettings
from screening.errors import InfrastructureError

TODAY = date(2026, 3, 1)
SETTINGS = ArchiveSettings(first_date=date(2020, 1, 1), older_every_nights=1)
NOTHING = STATS_SCHEMA.empty_table()
days = st.dates(date(1995, 1, 1), date(2030, 1, 1))


class Server:
    """Studies by UID: (day, instances); gives `limit` at most and says so if it is honest."""

    def __init__(self, studies, limit=10**6, *, is_honest=True, counts=True):
        self.content = dict(studies)
        self.limit, self.is_honest, self.counts = limit, is_honest, counts
        self.who = Counter()  # corrections of a study
        self.promises = Counter()  # instances that are counted and not there
        self.asked_for = []
        self.n_images = 10**6  # of a study, that it gives at most
        self.unlisted = set()  # studies whose instances it cannot list
        self.unmatched = set()  # undated studies that no range of days matches
        self.begun = {}  # when studies began
        self.bad = set()  # studies the server stumbles over, whatever it is asked of them

    def studies(self, dates):
        if any(day in dates for uid, (day, _) in self.content.items() if uid in self.bad):
            raise QuestionError
        found = [
            self.study(uid)
            for uid, (day, _) in self.content.items()
            if day in dates and uid not in self.unmatched
        ]
        return Answer(found[: self.limit], len(found) <= self.limit or not self.is_honest)

    def study(self, uid):
        if uid not in self.content:
            return None
        day, n = self.content[uid]
        counted = n + self.promises[uid] if self.counts else None
        mark = make_mark(day, [str(n), str(self.who[uid])])
        return StudyFacts(uid, counted, mark, self.begun.get(uid))

    def every_day(self):
        if self.bad:
            raise QuestionError
        days = {uid: day for uid, (day, _) in list(self.content.items())[: self.limit]}
        return days, len(days) == len(self.content) or not self.is_honest

    def instances(self, study):
        self.asked_for.append(study)
        if study in self.unlisted:
            raise QuestionError
        found = [("7.1", f"9.{n}") for n in range(self.content[study][1])]
        return found[: self.n_images], len(found) <= self.n_images


def listed(server, known=NOTHING, today=TODAY, settings=SETTINGS):
    server.asked_for = []
    return list_by_study(server, known, today, settings)


def marks(stats):
    return dict(zip(stats["path"].to_pylist(), stats["mtime_ns"].to_pylist(), strict=True))


def studies(listing):
    return {path.split("/")[0] for path in listing.stats["path"].to_pylist()}


def some(n, first=date(2025, 1, 1)):
    return {f"1.{k}": (first + timedelta(days=k), 2) for k in range(n)}


def test_the_first_night_lists_everything_undated_and_future_too():
    server = Server(
        {"2.1": (None, 2), "2.2": (date(1985, 5, 5), 1), "2.3": (date(2099, 1, 1), 3)} | some(3)
    )
    listing = listed(server)
    assert listing.stats.num_rows == 2 + 1 + 3 + 3 * 2
    assert listing.stats["path"].to_pylist() == sorted(listing.stats["path"].to_pylist())
    assert all(is_path(path) for path in listing.stats["path"].to_pylist())


def test_of_an_unchanged_study_nothing_more_is_asked():
    server = Server(some(5))
    first = listed(server)
    again = listed(server, first.stats)
    assert again.stats.equals(first.stats)
    assert server.asked_for == []


def test_a_server_that_tells_no_numbers_is_asked_for_instances_every_time():
    server = Server(some(2), counts=False)
    listed(server, listed(server).stats)
    assert sorted(server.asked_for) == ["1.0", "1.1"]


def test_new_slices_a_correction_and_a_deletion_are_noticed():
    server = Server(some(4))
    first = listed(server).stats
    server.content["1.0"] = (server.content["1.0"][0], 3)
    server.who["1.1"] += 1  # another patient number
    del server.content["1.2"]
    again = listed(server, first)
    assert sorted(server.asked_for) == ["1.0", "1.1"]
    assert studies(again) == {"1.0", "1.1", "1.3"}
    before = marks(first)
    changed = [path for path, mark in marks(again.stats).items() if before.get(path) != mark]
    assert {p.split("/")[0] for p in changed} == {"1.0", "1.1"}
    assert len(changed) == 3 + 2


def test_a_study_whose_date_is_corrected_is_not_gone_whenever_the_new_date_has_its_turn():
    settings = ArchiveSettings(first_date=date(2020, 1, 1), slice_days=100, older_every_nights=5)
    newest = {"2.1": (date(2026, 2, 20), 2)}
    server = Server(newest | {"1.1": (date(2026, 2, 19), 2)})
    known = listed(server, settings=settings).stats
    for day in (date(2021, 6, 1), date(2023, 6, 1)):
        server.content["1.1"] = (day, 2)
        for night in range(5):
            listing = listed(server, known, TODAY + timedelta(days=night), settings)
            assert studies(listing) == {"1.1", "2.1"}
            known = listing.stats
        assert {study_date(mark) for mark in marks(known).values()} == {day, date(2026, 2, 20)}
    del server.content["1.1"]
    for night in range(5):
        known = listed(server, known, TODAY + timedelta(days=night), settings).stats
    assert studies(listed(server, known, settings=settings)) == {"2.1"}


def test_what_is_not_asked_for_tonight_stays_and_its_deletion_is_seen_in_its_turn():
    settings = ArchiveSettings(
        first_date=date(2020, 1, 1), slice_days=100, overlap_days=10, older_every_nights=5
    )
    old = {f"1.{k}": (date(2021, 6, 1) + timedelta(days=100 * k), 2) for k in range(5)}
    server = Server(old | {"2.1": (date(2026, 2, 20), 2)})
    known = listed(server, settings=settings).stats
    server.content = {"2.1": server.content["2.1"]}
    left = []
    for night in range(5):
        listing = listed(server, known, TODAY + timedelta(days=night), settings)
        known = listing.stats
        left.append(len(studies(listing)) - 1)
    assert left == [4, 3, 2, 1, 0]


@given(st.lists(days, min_size=1, max_size=20), st.integers(1, 9), st.integers(1, 400), days)
def test_every_day_has_its_turn_and_the_newest_every_night(known, nights, slice_days, probe):
    settings = ArchiveSettings(
        first_date=date(2000, 1, 1), slice_days=slice_days, older_every_nights=nights
    )
    rows = [[f"1.{n}/2.1/3.1" for n in range(len(known))], [0] * len(known)]
    table = pa.table([*rows, [make_mark(day, ["x"]) for day in known]], schema=STATS_SCHEMA)
    asked = [
        dates_to_ask(_by_study(table).values(), TODAY + timedelta(days=n), settings)
        for n in range(nights)
    ]
    assert any(probe in dates for night in asked for dates in night)
    for n, night in enumerate(asked):
        tonight = TODAY + timedelta(days=n)
        newest = max([settings.first_date, *(day for day in known if day <= tonight)])
        assert any(newest in dates for dates in night)
        assert sum(probe in dates for dates in night) <= 1  # stretches do not overlap


@given(st.lists(days, min_size=1, max_size=60, unique=True), st.integers(2, 9), st.booleans())
def test_no_cut_hides_a_study(held, limit, is_honest):
    server = Server({f"1.{k}": (day, 1) for k, day in enumerate(held)}, limit, is_honest=is_honest)
    assert len(studies(listed(server))) == len(held)


def test_a_day_that_is_cut_without_a_word_is_said_where_the_cut_is_known():
    held = some(30) | {f"2.{k}": (date(2025, 6, 1), 1) for k in range(9)}
    listing = listed(Server(held, limit=5, is_honest=False))
    assert len(studies(listing)) == 30 + 5
    assert listing.ignored["path"].to_pylist() == ["?/?/2025-06-01", "?/?/None"]


@pytest.mark.parametrize("is_honest", [True, False])
def test_a_server_that_holds_studies_back_is_asked_in_halves(is_honest):
    server = Server(some(350), limit=100, is_honest=is_honest)
    assert len(studies(listed(server))) == 350


def test_more_studies_of_one_day_than_the_server_gives_is_said():
    server = Server({f"1.{n}": (date(2025, 1, 1), 1) for n in range(7)}, limit=5)
    with pytest.raises(InfrastructureError, match="5 studies of one day"):
        listed(server)


def test_a_study_the_server_stumbles_over_does_not_hide_the_others():
    server = Server(some(40))
    known = listed(server).stats
    server.bad = {"1.7"}
    server.content["2.1"] = (date(2025, 3, 3), 2)
    again = listed(server, known)
    assert studies(again) == {f"1.{k}" for k in range(40)} | {"2.1"}  # as known, and the new one
    assert again.ignored["path"].to_pylist() == ["?/?/2025-01-08", "?/?/None"]
    fresh = listed(server)
    assert studies(fresh) == studies(again) - {"1.7"}
    assert fresh.ignored["reason"].to_pylist() == ["unreachable"] * 2


def test_a_study_whose_instances_cannot_be_listed_stays_as_known():
    server = Server(some(3))
    known = listed(server).stats
    server.who["1.1"] += 1
    server.unlisted = {"1.1", "1.2"}
    again = listed(server, known)
    assert marks(again.stats).keys() == marks(known).keys()
    assert studies(listed(server)) == {"1.0"}
    assert listed(server).ignored.num_rows == 4


@pytest.mark.parametrize("counts", [True, False])
def test_a_study_that_is_not_listed_to_its_end_is_told_whether_it_is_counted_or_not(counts):
    server = Server({"1.0": (TODAY, 2), "1.1": (TODAY, 3), "1.2": (TODAY, 2)}, counts=counts)
    server.n_images, server.unlisted = 2, {"1.2"}
    for _ in range(2):  # every night
        listing = listed(server, listed(server).stats)
        told = {path.split("/")[0] for path in listing.ignored["path"].to_pylist()}
        assert told == {"1.1", "1.2"}
        assert set(listing.ignored["reason"].to_pylist()) == {"unreachable"}
        assert studies(listing) == {"1.0", "1.1"}


def test_a_cut_answer_is_all_where_no_more_is_counted():
    server = Server({"1.0": (TODAY, 2)})
    server.instances = lambda _: ([("7.1", "9.0"), ("7.1", "9.1")], False)
    assert listed(server).ignored.num_rows == 0


def test_what_is_counted_and_not_listed_is_counted_and_its_study_waits():
    server = Server(some(3))
    server.promises["1.1"] = 2
    listing = listed(server)
    assert listing.ignored["reason"].to_pylist() == ["unreachable"] * 2
    assert {p.split("/")[0] for p in listing.ignored["path"].to_pylist()} == {"1.1"}
    listed(server, listing.stats)
    assert server.asked_for == ["1.1"]  # again, every night
    instances = pa.table({"path": ["1.0/7.1/9.0", "1.1/7.1/9.0"], "study_key": ["a", "b"]})
    missed = Missed(frozenset(listing.ignored["path"].to_pylist()))
    assert waiting_studies(lambda names: iter([instances.select(names)]), missed) == {"b"}
    assert waiting_studies(lambda names: iter([instances.select(names)]), Missed()) == frozenset()


def test_what_was_not_delivered_is_asked_for_every_night():
    settings = ArchiveSettings(first_date=date(2020, 1, 1), slice_days=20, older_every_nights=50)
    server = Server({"1.1": (date(2021, 6, 1), 2), "1.2": (date(2026, 2, 20), 2)})
    first = listed(server, settings=settings).stats
    missed = [look_again(m) if p == "1.1/7.1/9.1" else m for p, m in marks(first).items()]
    known = first.set_column(2, "mtime_ns", pa.array(missed, pa.int64()))
    for night in range(4):
        again = listed(server, known, TODAY + timedelta(days=night), settings)
        assert server.asked_for == ["1.1"]
        assert again.stats.sort_by("path").equals(first)


def test_paths_of_a_folder_swept_before_are_not_taken_for_studies():
    known = pa.table([["patient/1.dcm", "1.2"], [5, 5], [10**18, 10**18]], schema=STATS_SCHEMA)
    assert studies(listed(Server(some(1)), known)) == {"1.0"}


@given(st.none() | st.dates(date(1900, 1, 1), date(2199, 12, 31)), st.lists(st.text()))
def test_a_mark_tells_the_day(day, facts):
    mark = make_mark(day, facts)
    assert 0 <= mark < 2**62
    assert study_date(mark) == day
    assert study_date(look_again(mark)) == day
    assert is_look_again(look_again(mark))
    assert not is_look_again(mark)


def test_a_mark_changes_with_what_is_told():
    day = date(2025, 1, 1)
    assert make_mark(day, ["1", "a"]) != make_mark(day, ["1", "b"])
    assert make_mark(day, ["1", "a"]) != make_mark(day, ["1a", ""])


@given(st.none() | days, st.none() | days, st.none() | days)
def test_halves_hold_the_same_days(first, last, probe):
    dates = Dates(first, last)
    halves = dates.halves()
    if halves:
        assert sum(probe in half for half in halves) == (probe in dates)


def test_a_study_without_a_date_that_no_days_match_is_found_in_its_turn():
    settings = ArchiveSettings(first_date=date(2020, 1, 1), slice_days=100, older_every_nights=3)
    server = Server({"2.1": (None, 2), "2.2": (None, 1)} | some(3))
    server.unmatched = {"2.1", "2.2"}
    known = listed(server, settings=settings).stats
    assert studies(listed(server, settings=settings)) == {"2.1", "2.2", "1.0", "1.1", "1.2"}
    del server.content["2.2"]
    left = []
    for night in range(3):
        again = listed(server, known, TODAY + timedelta(days=night), settings)
        assert server.asked_for == []
        known = again.stats
        left.append("2.2" in studies(again))
    assert "2.1" in studies(again)
    assert sorted(left) == [False] * (3 - left.count(True)) + [True] * left.count(True)
    assert not left[-1]


def test_a_question_without_dates_that_was_cut_is_counted_and_keeps_what_is_known():
    server = Server({"2.1": (None, 2)} | some(30))
    server.unmatched = {"2.1"}
    known = listed(server).stats
    server.content = some(30) | {"2.1": (None, 2)}  # now the last, beyond the limit
    server.limit, server.is_honest = 5, False
    again = listed(server, known)
    assert again.ignored["path"].to_pylist() == ["?/?/None"]
    assert studies(again) == set(server.content)
    assert studies(listed(server)) == set(some(30))  # what cannot be had is counted
    assert listed(server).ignored["reason"].to_pylist() == ["unreachable"]


@pytest.mark.parametrize(("age_minutes", "waits"), [(9, True), (11, False), (-9, True)])
def test_a_study_never_seen_that_has_just_begun_waits_until_the_next_sweep(
    monkeypatch, age_minutes, waits
):
    now = datetime(2026, 3, 1, 22, 5)
    monkeypatch.setattr(by_study, "_now", lambda: now)
    server = Server(some(2))
    server.begun["1.1"] = now - timedelta(minutes=age_minutes)
    first = listed(server)
    assert {path.split("/")[0] for path in first.young} == ({"1.1"} if waits else set())
    assert listed(server, first.stats).young == frozenset()


def test_a_study_that_changed_since_it_was_listed_is_told():
    server = Server(some(2))
    of_study = marks(listed(server).stats)
    path = "1.1/7.1/9.0"
    assert not has_changed(server, path, of_study[path])
    server.content["1.1"] = (server.content["1.1"][0], 3)
    assert has_changed(server, path, of_study[path])
    assert not has_changed(server, "1.0/7.1/9.0", of_study["1.0/7.1/9.0"])
    assert not has_changed(server, "9.9/7.1/9.0", 5)  # gone: whoever reads it will see


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("220501.123", (22, 5, 1)),
        ("2205", (22, 5, 0)),
        ("22", (22, 0, 0)),
        ("235960", (23, 59, 59)),
        ("", None),
        ("250000", None),
        ("noon", None),
    ],
)
def test_when_a_study_began(time, said):
    day = date(2026, 3, 1)
    assert begun_at(day, time) == (datetime(2026, 3, 1, *said) if said else None)
    assert begun_at(None, time) is None
