"""Whose word holds on a person's sex, and what remarks say."""

from datetime import timedelta

import pytest
from sql_room import AS_OF, INDEX, event, flag_of, one_person, person, read, risk, scan


@pytest.mark.parametrize(
    ("record", "headers", "sex", "is_unclear"),
    [
        ("M", ["M"], "M", False),
        ("F", ["M"], "", True),
        ("M", ["F", "F"], "", True),
        ("M", ["", "O", "F"], "", True),
        ("F", ["O"], "F", False),
        ("", ["M"], "M", False),
        ("", ["O", "F"], "F", False),
        ("", [""], "", False),
        ("F", ["M", "F"], "F", False),  # headers that contradict one another tell nothing
    ],
)
def test_the_record_holds_unless_the_headers_contradict_it(record, headers, sex, is_unclear):
    scans = [scan(f"s{i}", sex=said, agatston=500.0) for i, said in enumerate(headers)]
    connection = one_person(*scans, person=[person(sex=record)], risk=[risk(series_key="s0")])
    row = flag_of(connection)
    assert (row["sex"], row["flag"]) == (sex, "flagged")
    assert row["reasons"] == ["cac_300", *["sex_unclear"] * is_unclear]
    assert [r["sex"] for r in read(connection, "core_risk_input")] == [sex]
    assert [r["reasons"] for r in read(connection, "out_flagged")] == [row["remarks"]]


@pytest.mark.parametrize(
    ("record", "agatston", "flag", "reasons"),
    [
        ("F", 50.0, "cannot_say", ["missing_input", "sex_unclear"]),
        ("F", 0.0, "not_flagged", ["below_threshold", "sex_unclear"]),
        ("M", 50.0, "not_flagged", ["below_threshold", "no_percentile"]),
    ],
)
def test_without_a_percentile_nothing_is_said_of_a_sex_in_doubt(record, agatston, flag, reasons):
    known = {"person": [person(sex=record)], "risk": [{**risk(), "percentile_text": ""}]}
    row = flag_of(one_person(scan(sex="M", agatston=agatston), **known))
    assert (row["flag"], row["reasons"]) == (flag, reasons)


def test_headers_of_images_that_were_taken_back_contradict_nobody():
    taken = scan("t", sex="F", rejection="113001")
    row = flag_of(one_person(scan(agatston=500.0), taken, person=[person(sex="M")]))
    assert (row["sex"], row["remarks"]) == ("M", [])


@pytest.mark.parametrize(
    ("day", "is_told"), [(INDEX, True), (None, True), (AS_OF, True), (AS_OF + timedelta(1), False)]
)
def test_an_unclear_answer_keeps_nobody_off_the_list(day, is_told):
    row = flag_of(one_person(scan(agatston=500.0), event=[event("answer_unclear", day)]))
    assert (row["flag"], row["reason"]) == ("flagged", "cac_300")
    assert row["remarks"] == ["answer_unclear"] * is_told


def test_remarks_stand_last():
    events = [event("answer_unclear", None), event("statin", INDEX, code="y")]
    row = flag_of(one_person(scan(agatston=500.0), event=events, person=[person(sex="F")]))
    assert row["reasons"] == ["cac_300", "already_treated", "sex_unclear", "answer_unclear"]
