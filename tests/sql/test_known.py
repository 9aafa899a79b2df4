"""What is known of disease, treatment and formal scores on the day of the list."""

from datetime import timedelta

import pytest
from sql_room import AS_OF, INDEX, event, flag_of, observation, one_person, person, read, scan

DAY = timedelta(days=1)


def setting(name, value):
    return {"name": name, "value": value}


def years_ago(n, day=AS_OF):
    return day.replace(year=day.year - n)


@pytest.mark.parametrize(
    ("within", "day", "is_out"),
    [
        (None, years_ago(30), True),  # the default: for ever
        (0.0, years_ago(30), True),
        (5.0, years_ago(5), True),
        (5.0, years_ago(5) - DAY, False),
        (5.0, None, True),
        (2.5, years_ago(2), True),
        (2.5, years_ago(3), False),
    ],
)
def test_how_long_a_formal_score_keeps_off_the_list(within, day, is_out):
    settings = [] if within is None else [setting("formal_within_years", within)]
    connection = one_person(
        scan(agatston=500.0),
        event=[event("formal_calcium_score", day, code="75571")],
        setting=settings,
    )
    row = flag_of(connection)
    assert (row["reason"] == "formally_scored") is is_out
    (told,) = read(connection, "out_person_explanation")
    assert [e["counts"] for e in told["formal_evidence"]] == [is_out]


@pytest.mark.parametrize("code", ["report_text", "site_list", "observation", "75571", "S8092"])
def test_where_a_formal_score_shows(code):
    events = [event("formal_calcium_score", INDEX, code=code)]
    connection = one_person(scan(agatston=500.0), event=events)
    assert flag_of(connection)["reason"] == "formally_scored"
    (row,) = read(connection, "core_formal_evidence")
    assert row["source"] == (code if "_" in code or code == "observation" else "procedure")


@pytest.mark.parametrize(
    ("earlier", "now", "is_higher"),
    [
        (0.0, 0.1, True),
        (99.9, 100.0, True),
        (100.0, 299.9, False),
        (299.9, 300.0, True),
        (999.9, 1000.0, True),
        (1000.0, 2000.0, False),
        (400.0, 50.0, False),
    ],
)
def test_formally_scored_earlier_and_now_higher(earlier, now, is_higher):
    category = next(
        name
        for name, low in (
            ("[1000,inf)", 1000), ("[300,1000)", 300), ("[100,300)", 100), ("(0,100)", 0.01),
            ("0", 0),
        )
        if now >= low
    )  # fmt: skip
    scored = scan(agatston=now, category=category)
    formal = [event("formal_calcium_score", INDEX - 400 * DAY, code="report_text")]
    values = [
        observation("formal_agatston", earlier, INDEX - 400 * DAY),
        observation("formal_agatston", 5000.0, INDEX),  # of the day of the scan: not earlier
        observation("formal_agatston", 5000.0, INDEX - 900 * DAY),  # not the latest
    ]
    connection = one_person(scored, event=formal, observation=values)
    found = read(connection, "out_formally_scored_higher")
    assert len(found) == int(is_higher)
    if found:
        assert (found[0]["formal_agatston"], found[0]["years"]) == (earlier, 1.1)
    # A statin keeps nobody off the list, and so not off this one.
    treated = one_person(
        scored, event=[*formal, event("statin", INDEX, code="y")], observation=values
    )
    assert len(read(treated, "out_formally_scored_higher")) == int(is_higher)
    # Whoever is out for another reason too has no need of the list.
    stroke = [*formal, event("ischaemic_stroke", INDEX)]
    connection = one_person(scored, event=stroke, observation=values)
    assert not read(connection, "out_formally_scored_higher")


@pytest.mark.parametrize(
    ("flags", "seen"),
    [
        (["stent_present"], ["coronary_stent"]),
        (["stent_possible"], []),
        (["stent_present", "stent_possible"], []),
        (["sternal_wires", "clips_present"], ["coronary_bypass"]),
        (["sternal_wires", "clips_present", "valve_prosthesis"], []),
        (["sternal_wires"], []),
        (["clips_present"], []),
    ],
)
def test_disease_seen_on_the_scan(flags, seen):
    connection = one_person(scan(agatston=500.0, grade="C", quality_flags=flags))
    assert flag_of(connection)["reason"] == ("known_ascvd" if seen else "cac_300")
    listed = [(r["seen"], r["seen_in"]) for r in read(connection, "out_known_by_image_only")]
    assert listed == ([(seen, ["s"])] if seen else [])
    recorded = one_person(
        scan(agatston=500.0, grade="C", quality_flags=flags), event=[event("coronary_stent", INDEX)]
    )
    assert not read(recorded, "out_known_by_image_only")


def test_beside_what_an_image_shows_stands_the_calcium_of_other_scans():
    stented = scan(agatston=0.0, grade="C", quality_flags=["stent_present"])
    earlier = scan("earlier", agatston=1946.2, grade="C", index_date=INDEX - 9 * DAY)
    (row,) = read(one_person(stented, earlier), "out_known_by_image_only")
    assert (row["agatston"], row["without_metal"]) == (0.0, 1946.2)
    (row,) = read(one_person(stented), "out_known_by_image_only")
    assert row["without_metal"] is None
    # Which series to look at, though another one's score counts.
    later = scan("later", agatston=50.0, index_date=INDEX + DAY)
    (row,) = read(one_person(stented, later), "out_known_by_image_only")
    assert (row["series_key"], row["seen_in"]) == ("later", ["s"])


@pytest.mark.parametrize(
    ("place", "study", "reason"),
    [(0, "st", "cac_300"), (2, "st", "known_ascvd"), (0, "another", "known_ascvd")],
)
def test_a_series_that_only_stood_in_shows_no_stent_against_a_better_one(place, study, reason):
    metal = ["stent_present"]
    connection = one_person(
        scan("thin", agatston=668.0, study_key=study, place_in_study=place),
        scan("thick", grade="C", quality_flags=metal, study_key="st", place_in_study=1),
    )
    assert flag_of(connection)["reason"] == reason


FORMAL = "formal_calcium_score"
TEXT = event(FORMAL, INDEX - 400 * DAY, code="report_text")
LATER_TEXT = event(FORMAL, INDEX - 30 * DAY, code="report_text")


@pytest.mark.parametrize(
    ("events", "settings", "days"),
    [
        ([TEXT], [], [(400, 400)]),
        ([TEXT, LATER_TEXT], [], [(400, 30)]),
        ([event(FORMAL, None, code="report_text")], [], [(None, None)]),
        ([TEXT, event(FORMAL, AS_OF + DAY, code="75571")], [], [(400, 400)]),
        ([TEXT, event(FORMAL, INDEX, code="75571")], [], []),
        ([TEXT, event(FORMAL, None, code="site_list")], [], []),
        ([TEXT, event(FORMAL, INDEX, code="observation")], [], []),
        ([event(FORMAL, INDEX, code="75571")], [], []),
        ([event(FORMAL, AS_OF + DAY, code="report_text")], [], []),
        ([TEXT, event("ischaemic_stroke", INDEX)], [], []),  # out for more than the text
        # What is too old to count neither keeps off the list nor confirms.
        ([TEXT], [setting("formal_within_years", 1.0)], []),
        (
            [LATER_TEXT, event(FORMAL, years_ago(9), code="75571")],
            [setting("formal_within_years", 5.0)],
            [(30, 30)],
        ),
    ],
)
def test_scored_by_the_text_of_a_report_alone(events, settings, days):
    connection = one_person(scan(agatston=500.0), event=events, setting=settings)
    listed = read(connection, "out_scored_by_text_alone")
    found = [(row["first_on"], row["last_on"]) for row in listed]
    assert found == [tuple(n and INDEX - n * DAY for n in pair) for pair in days]
    assert all(row["source"] == "report_text" for row in listed)
    assert all(row["tier_but_for"] == "cac_300" for row in listed)


def test_a_document_of_the_archive_is_more_than_a_text():
    document = scan("doc", state="excluded", reasons=["calcium_score_document"])
    connection = one_person(scan(agatston=500.0), document, event=[TEXT])
    assert flag_of(connection)["reason"] == "formally_scored"
    assert not read(connection, "out_scored_by_text_alone")


def test_whom_the_text_alone_keeps_off_has_calcium_to_be_listed_for():
    connection = one_person(scan(agatston=5.0), event=[TEXT])
    assert flag_of(connection)["reason"] == "formally_scored"
    assert not read(connection, "out_scored_by_text_alone")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], (None, None)),
        ([(149.04, 400)], (149.0, 400)),
        ([(149.0, 400), (0.0, 30)], (0.0, 30)),
        ([(149.0, 400), (180.0, 400)], (180.0, 400)),
        ([(149.0, 400), (5000.0, (INDEX - AS_OF).days - 1)], (149.0, 400)),  # after the list
    ],
)
def test_the_score_that_the_text_tells_stands_beside_ours(told, expected):
    values = [observation("formal_agatston", value, INDEX - n * DAY) for value, n in told]
    connection = one_person(scan(agatston=500.0), event=[TEXT, LATER_TEXT], observation=values)
    (row,) = read(connection, "out_scored_by_text_alone")
    value, day = expected
    assert (row["formal_agatston"], row["formal_on"]) == (value, day and INDEX - day * DAY)
    assert (row["agatston"], row["grade"], row["age_years"], row["sex"]) == (500.0, "A", 60, "M")


def test_a_stent_seen_after_the_day_of_the_list_does_not_exist_yet():
    later = scan("late", agatston=500.0, quality_flags=["stent_present"], index_date=AS_OF + DAY)
    assert flag_of(one_person(scan(agatston=500.0), later))["reason"] == "cac_300"


@pytest.mark.parametrize(
    ("intensities", "strongest"),
    [
        (["low"], "low"),
        (["low", "high", "moderate"], "high"),
        (["moderate", ""], "moderate"),
        ([""], ""),
        ([None], ""),
    ],
)
def test_the_strongest_statin_of_the_day_counts(intensities, strongest):
    events = [
        {**event("statin", INDEX, code=str(n)), "intensity": word}
        for n, word in enumerate(intensities)
    ]
    over = {**event("statin", INDEX, stopped_on=AS_OF - DAY, code="over"), "intensity": "high"}
    row = flag_of(one_person(scan(agatston=500.0), event=[*events, over]))
    assert (row["is_on_statin"], row["statin_intensity"]) == (True, strongest)


@pytest.mark.parametrize(
    ("value", "goal", "is_at_goal"),
    [(69.9, None, True), (70.0, None, False), (70.0, 100.0, True), (100.0, 100.0, False)],
)
def test_ldl_at_goal(value, goal, is_at_goal):
    settings = [] if goal is None else [setting("ldl_goal_mg_dl", goal)]
    values = [
        observation("ldl_cholesterol_mg_dl", value, AS_OF),
        observation("ldl_cholesterol_mg_dl", 300.0, AS_OF - DAY),
        observation("ldl_cholesterol_mg_dl", 10.0, AS_OF + DAY),
    ]
    connection = one_person(scan(agatston=500.0), observation=values, setting=settings)
    (row,) = read(connection, "out_flagged")
    assert (row["ldl_mg_dl"], row["is_ldl_at_goal"]) == (round(value), is_at_goal)


def test_an_old_ldl_says_nothing():
    old = [observation("ldl_cholesterol_mg_dl", 60.0, years_ago(5) - DAY)]
    row = flag_of(one_person(scan(agatston=500.0), observation=old))
    assert (row["ldl_mg_dl"], row["is_ldl_at_goal"]) == (None, None)


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ([], 150.0),
        ([("value_years", 2.0)], None),
        ([("value_years", 2.0), ("value_years:systolic_bp_mmhg", 5.0)], 150.0),
        ([("value_years:systolic_bp_mmhg", 0.5)], None),
    ],
)
def test_how_old_a_value_may_be_is_the_sites_choice(settings, value):
    connection = one_person(
        scan(agatston=5.0),
        observation=[observation("systolic_bp_mmhg", 150.0, years_ago(3, INDEX))],
        setting=[setting(*s) for s in settings],
    )
    (row,) = read(connection, "core_risk_input")
    assert row["systolic_bp_mmhg"] == value


@pytest.mark.parametrize(
    ("first", "last", "flag"),
    [
        (INDEX - 40 * DAY, INDEX, 1.0),  # a month that ends on the day of the scan
        (INDEX - 3 * DAY, INDEX + 20 * DAY, None),  # the month of the scan: before it or after?
        (INDEX + DAY, INDEX + 30 * DAY, 0.0),
        (None, INDEX, 1.0),  # onset unknown, recorded on the day of the scan
        (None, INDEX + DAY, None),
    ],
)
def test_of_a_partial_date_the_first_clock_takes_the_last_day(first, last, flag):
    diabetes = {**event("diabetes", first), "started_by": last}
    (row,) = read(one_person(scan(agatston=5.0), event=[diabetes]), "core_risk_input")
    assert row["diabetes"] == flag


@pytest.mark.parametrize(("is_deceased", "flag"), [(True, "deceased"), (False, "cac_300")])
def test_dead_on_an_unknown_day_is_dead(is_deceased, flag):
    people = [person(is_deceased=is_deceased)]
    assert flag_of(one_person(scan(agatston=500.0), person=people))["reason"] == flag
