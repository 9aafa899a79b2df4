"""Who was on the list and is not now, and why; since when the others are on it."""

from datetime import date, timedelta

import pytest
from sql_room import AS_OF, event, lake, one_person, person, read, risk, scan

from screening.reasons import Reason

BEFORE = AS_OF - timedelta(days=30)


def on_list(**more):
    then = {"person_key": "p", "series_key": "s", "tier": "cac_300", "agatston": 412.34}
    return then | {"listed_on": BEFORE, "left_on": AS_OF} | more


def left(*scans, **more):
    tables = {"listed": [on_list()]} | more
    (row,) = read(one_person(*scans, **tables), "out_left_list")
    return row


def withdrawn(reason):
    return {"series_key": "s", "person_key": "p", "reason": reason, "withdrawn_on": AS_OF}


def test_new_evidence_takes_a_person_off():
    row = left(scan(agatston=412.34), event=[event("formal_calcium_score", BEFORE, code="75571")])
    assert (row["flag"], row["reason"]) == ("not_flagged", Reason.FORMALLY_SCORED)
    before = row["tier_before"], row["agatston_before"]
    assert (*before, row["agatston"]) == ("cac_300", 412.3, 412.3)
    assert (row["listed_on"], row["left_on"]) == (BEFORE, AS_OF)


def test_a_lower_score_of_a_newer_scan_is_told_as_such():
    older, newer = scan(agatston=412.34), scan("t", agatston=3.0, index_date=date(2026, 6, 1))
    row = left(older, newer, risk=[risk(series_key="t", cac=0.01)])
    assert (row["reason"], row["agatston"]) == (Reason.BELOW_THRESHOLD, 3.0)


@pytest.mark.parametrize("reason", ["left_archive", "moved_to_another_person"])
def test_images_that_went_are_the_reason(reason):
    other = scan("t", state="failed", reasons=["decode_failed"])
    row = left(other, withdrawals=[withdrawn(reason)])
    assert (row["flag"], row["reason"]) == ("cannot_say", reason)
    (row,) = read(lake(listed=[on_list()], withdrawals=[withdrawn(reason)]), "out_left_list")
    assert (row["flag"], row["reason"], row["agatston"]) == ("", reason, None)
    (row,) = read(lake(listed=[on_list()]), "out_left_list")
    assert row["reason"] == Reason.LEFT_ARCHIVE


@pytest.mark.parametrize("reason", ["still_arriving", "contrast_pixels"])
def test_a_scan_that_is_not_scored_now_is_the_reason(reason):
    state = "pending" if reason == "still_arriving" else "ineligible"
    row = left(scan(state=state, reasons=[reason]))
    assert row["reason"] == reason
    row = left(scan(state=state, reasons=[reason]), person=[])
    assert row["reason"] == Reason.NO_CLINICAL_RECORD


def test_another_series_of_the_study_is_no_reason_of_its_own():
    row = left(scan(state="ineligible", reasons=["not_chosen"]), scan("t", agatston=0.0))
    assert row["reason"] == Reason.BELOW_THRESHOLD


def test_a_record_of_two_people_is_told_as_such():
    row = left(scan(agatston=412.34), person=[], ambiguous=[{"person_key": "p"}])
    assert (row["flag"], row["reason"]) == ("cannot_say", Reason.AMBIGUOUS_RECORD)


def test_of_who_opted_out_the_wish_alone_is_told():
    wish = {"person_key": "p", "scope": "opt_out_all", "valid_from": None}
    row = left(scan(agatston=412.34), policy=[wish])
    assert row["reason"] == Reason.OPTED_OUT
    assert (row["tier_before"], row["agatston_before"], row["agatston"]) == ("", None, None)


def test_the_list_says_since_when():
    listed = [on_list(left_on=None)]
    connection = one_person(scan(agatston=500.0), listed=listed)
    assert [r["listed_on"] for r in read(connection, "out_flagged")] == [BEFORE]
    assert not read(connection, "out_left_list")
    for gone in ([], [on_list()]):
        connection = one_person(scan(agatston=500.0), listed=gone)
        assert [r["listed_on"] for r in read(connection, "out_flagged")] == [None]


def test_a_look_into_the_past_tells_of_nothing_later():
    later = AS_OF + timedelta(days=20)
    for row, day in (
        (on_list(listed_on=later, left_on=None), None),
        (on_list(left_on=later), BEFORE),
        (on_list(left_on=BEFORE), None),  # and back on the list as of that day
    ):
        connection = one_person(scan(agatston=500.0), listed=[row])
        assert [r["listed_on"] for r in read(connection, "out_flagged")] == [day]
        assert not read(connection, "out_left_list")
    assert not read(lake(listed=[on_list(left_on=later)]), "out_left_list")


def test_the_latest_to_leave_come_first():
    listed = [
        on_list(person_key="p", left_on=BEFORE),
        on_list(person_key="q", agatston=100.0),
        on_list(person_key="r"),
    ]
    found = read(lake(listed=listed, person=[person(k) for k in "pqr"]), "out_left_list")
    assert [row["person_key"] for row in found] == ["r", "q", "p"]
