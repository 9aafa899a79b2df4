"""Which of a header's dates is the day of the scan, and which age goes with it."""

from datetime import date, timedelta

import pyarrow as pa
import pytest
from archive_case import TODAY, Archive, Night, night, setting, stack
from hypothesis import given
from hypothesis import strategies as st

from screening.scan_dates import believed, join, resolve

D = date(2026, 1, 2)
RESET = date(2000, 1, 1)
OLD, YEAR_ON = D - timedelta(days=367), D - timedelta(days=366)


@pytest.mark.parametrize(
    ("days", "which"),
    [
        ([D, None, None, None, None], 0),
        ([None, None, None, None, D], 4),
        ([D, None, D, D, D], 0),
        ([RESET, None, RESET, D, D], 3),  # the study's date, and one that agrees
        ([RESET, RESET, RESET, D, D], 3),
        ([D, None, D, RESET, RESET], 3),
        # one clock is one witness, however often it is written: its word against the study's
        ([RESET, None, RESET, RESET, D], None),
        ([D, None, D, D, RESET], None),
        ([RESET, None, None, None, D], None),
        ([RESET, None, D, D, None], 2),
        ([RESET, D, None, D, None], 0),  # one clock, two dates, of which the first; nobody agrees
        ([OLD, None, None, D, D], 3),
        ([YEAR_ON, None, None, D, D], 0),
        ([None] * 5, None),
    ],
)
def test_what_is_believed(days: list[date | None], which: int | None) -> None:
    assert believed(days) == which


@pytest.mark.parametrize(
    ("days", "ages", "said", "which"),
    [
        # of dates that contradict, those at which the patient was as old as stated
        ([RESET, None, RESET, RESET, D], [39.0, None, 39.0, 39.0, 65.0], 65.0, 4),
        ([D, None, D, D, RESET], [65.0, None, 65.0, 65.0, 39.0], 65.0, 0),
        ([D, None, D, RESET, RESET], [65.0, None, 65.0, 39.0, 39.0], 65.0, 0),
        ([RESET, None, RESET, RESET, D], [39.0, None, 39.0, 39.0, 65.0], 64.0, 4),
        ([RESET, None, RESET, RESET, D], [39.0, None, 39.0, 39.0, 65.0], 66.0, 4),
        # an age at none of them says nothing
        ([RESET, None, RESET, RESET, D], [39.0, None, 39.0, 39.0, 65.0], 63.0, None),
        ([RESET, None, RESET, D, D], [39.0, None, 39.0, 65.0, 65.0], 11.0, 3),
        ([RESET, None, RESET, RESET, D], [39.0, None, 39.0, 39.0, 65.0], None, None),
        ([RESET, None, RESET, RESET, D], [None] * 5, 65.0, None),
        # nor does one at both
        ([OLD, None, None, None, D], [64.0, None, None, None, 65.0], 65.0, None),
    ],
)
def test_an_age_stands_by_one_of_the_dates(
    days: list[date | None], ages: list[float | None], said: float | None, which: int | None
) -> None:
    assert believed(days, ages, said) == which


@given(st.lists(st.none() | st.dates(date(1980, 1, 1), date(2030, 1, 1)), min_size=5, max_size=5))
def test_one_that_is_there_is_believed_or_none(days: list[date | None]) -> None:
    which = believed(days)
    assert which is None or days[which] is not None
    given_ = [day for day in days if day is not None]
    if given_ and max(given_) - min(given_) <= timedelta(days=366):
        assert which is not None


def test_agreeing_dates_are_not_kept_apart() -> None:
    assert join([D, None, D, D, D + timedelta(days=1)], [False] * 5) is None
    assert join([D, None, D, D, OLD], [False] * 5) == "20260102\\\\20260102\\20260102\\20241231"
    assert join([None, None, D, None, None], [True, *[False] * 4]) == "x\\\\20260102\\\\"


@pytest.mark.parametrize(("ahead", "expected"), [(1, TODAY + timedelta(days=1)), (2, D)])
def test_a_day_ahead_of_the_night_is_still_a_day(ahead: int, expected: date) -> None:
    text = f"{TODAY + timedelta(days=ahead):%Y%m%d}:66\\\\\\\\20260102:65"
    assert resolve(text, TODAY, 65.0).day == expected
    assert resolve(text, None, 66.0).day == TODAY + timedelta(days=ahead)


def when(found: Night) -> tuple[date | None, float | None, tuple[str, ...]]:
    (entry,) = found.entries
    return entry.series.acquired_on, entry.series.age_years, entry.series.header_doubts


DATES = ("AcquisitionDate", "SeriesDate", "ContentDate", "StudyDate")
ALL_LATER = dict.fromkeys(DATES, "20991203")
CLOCK = dict.fromkeys(("AcquisitionDate", "SeriesDate", "ContentDate"), "20000101")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, (D, 66.0, ())),
        ({"AcquisitionDate": "20000101", "ContentDate": "20000101", "SeriesDate": "20260102"},
         (D, 66.0, ("date",))),
        ({"AcquisitionDate": "20990101"}, (D, 66.0, ("date",))),
        ({"AcquisitionDate": "20990101", "StudyDate": "20990101"}, (None, None, ("later",))),
        (ALL_LATER, (None, None, ("later",))),
        (ALL_LATER | {"ContentDate": "20991207"}, (None, None, ("later",))),
        (ALL_LATER | {"ContentDate": "20261102"}, (date(2026, 11, 2), 66.0, ("date",))),
        (ALL_LATER | {"AcquisitionDate": "19000101"}, (None, None, ("date",))),
        (dict.fromkeys(DATES, "20261102") | {"ContentDate": "20261107"},
         (date(2026, 11, 2), 66.0, ("date",))),
        ({"AcquisitionDate": "20990101", "StudyDate": "20990101", "PatientAge": "065Y"},
         (None, 65.0, ("later",))),
        ({"AcquisitionDate": "19000101"}, (D, 66.0, ("date",))),
        ({"AcquisitionDate": "19590101"}, (D, 66.0, ("date",))),  # before the birth
        ({"AcquisitionDate": "20261102"}, (date(2026, 11, 2), 66.0, ())),
        ({"AcquisitionDate": "20261103"}, (D, 66.0, ("date",))),
        ({"AcquisitionDate": "20251231"}, (date(2025, 12, 31), 65.0, ())),
        # a birth date and an age that contradict each other: neither is believed
        ({"PatientAge": "011Y"}, (D, None, ("age",))),
        ({"PatientAge": "065Y"}, (D, 66.0, ())),
        ({"PatientAge": "067Y"}, (D, 66.0, ())),
        ({"PatientAge": "064Y"}, (D, None, ("age",))),
        ({"PatientAge": "068Y"}, (D, None, ("age",))),
        ({"PatientAge": "065Y", "PatientBirthDate": "20200101"}, (D, None, ("age",))),
        ({"PatientAge": "065Y", "PatientBirthDate": "20260102"}, (D, None, ("age",))),
        ({"PatientAge": "000D", "PatientBirthDate": "20260102"}, (D, 0.0, ())),
        ({"PatientBirthDate": "20150101"}, (D, 11.0, ())),
        ({"PatientAge": "065Y", "PatientBirthDate": ""}, (D, 65.0, ())),
        # a clock that was reset, against the study's date
        (CLOCK, (None, None, ("date",))),
        (CLOCK | {"PatientAge": "065Y"}, (D, 66.0, ("date",))),
        (CLOCK | {"PatientAge": "040Y"}, (RESET, 40.0, ("date",))),
        (CLOCK | {"PatientAge": "011Y"}, (None, None, ("date", "age"))),
    ],
)  # fmt: skip
def test_dates_and_ages_from_the_file_to_the_series(said, expected, tmp_path) -> None:
    place = Archive(tmp_path / "archive").add(stack(3, edit=setting(**said)))
    assert when(night(place)) == expected


@pytest.mark.parametrize(
    ("age", "birth", "decision"),
    [
        ("011Y", "20150101", "minor"),
        ("", "20150101", "minor"),
        ("011Y", "", "minor"),
        ("011Y", "19600101", "rank 0"),
        ("065Y", "20200101", "rank 0"),
        ("065Y", "20260102", "rank 0"),
        ("000D", "20260102", "minor"),
    ],
)
def test_only_a_birth_and_an_age_that_agree_make_a_minor(age, birth, decision, tmp_path) -> None:
    edit = setting(PatientAge=age, PatientBirthDate=birth)
    (said,) = night(Archive(tmp_path / "a").add(stack(edit=edit))).series
    assert said.split(", ")[1] == decision


def test_doubts_are_counted_for_the_site() -> None:
    from flows.night_notes import _of_headers

    class Read:
        def read(self, _: str) -> pa.Table:
            rows = [["date"], ["date", "age"], [], None, ["later"]]
            doubts = pa.array(rows, pa.list_(pa.string()))
            run = {"as_of": [TODAY] * 5, "started_at": [TODAY] * 5}
            return pa.table({"header_doubts": doubts, **run})

    told = _of_headers(Read())  # type: ignore[arg-type]
    assert [note.partition(" series")[0] for note in told] == ["2", "1", "1"]
    assert f"later than {TODAY}, the day of the list" in told[2]
