"""The policies: who has a tier of their own, who a list of their own, and what settings change."""

from datetime import timedelta

import pytest
from sql_room import (
    AS_OF,
    INDEX,
    event,
    flag_of,
    lake,
    observation,
    one_person,
    person,
    read,
    risk,
    scan,
)

from screening.risk.percentile import percentile as place_of

DAY = timedelta(days=1)
OWN_LISTS = ("treated_not_at_goal", "dialysis", "transplant", "inpatients", "spoiling_devices")


def settings(*names):
    return [{"name": name, "value": 1.0} for name in names]


def percentile(value, text=""):
    return {"percentile": value, "percentile_text": text, "percentile_source": "MESA 2006"}


@pytest.mark.parametrize(
    ("agatston", "place", "tier"),
    [
        (50.0, percentile(74.99, "74"), ""),
        (50.0, percentile(75.0, "75"), "percentile_75"),
        (50.0, percentile(None, "above 90"), "percentile_75"),
        (50.0, percentile(None, "below 25"), ""),
        (50.0, percentile(None, ""), ""),
        (0.0, percentile(None, "a zero, as in at least 75 %"), ""),
        (100.0, percentile(90.0, "90"), "cac_100"),
    ],
)
def test_the_75th_percentile_on_both_sides(agatston, place, tier):
    found = flag_of(one_person(scan(agatston=agatston), risk=[risk(cac=0.01) | place]))
    assert (found["tier"], found["reason"]) == (tier, tier or "below_threshold")


@pytest.mark.parametrize(
    ("age", "race", "agatston", "found"),
    [
        # By the tables themselves, from the person to the flag.
        (39.9, "white", 60.0, ("age_18_39", ["age_18_39"])),
        (40.0, "white", 60.0, ("percentile_75", ["percentile_75"])),
        (42.4, "white", 60.0, ("percentile_75", ["percentile_75"])),
        (42.4, None, 60.0, ("percentile_75", ["percentile_75"])),
        (45.0, "white", 60.0, ("percentile_75", ["percentile_75"])),
        (47.0, "white", 60.0, ("percentile_75", ["percentile_75"])),
        (47.0, None, 60.0, ("percentile_75", ["percentile_75"])),
        (49.9, "white", 60.0, ("percentile_75", ["percentile_75"])),
        (49.9, "white", 2.0, ("", ["below_threshold"])),
        (50.0, "white", 60.0, ("percentile_75", ["percentile_75"])),
        (80.0, "white", 60.0, ("", ["below_threshold"])),
        (84.9, "white", 60.0, ("", ["below_threshold"])),
        (84.9, None, 60.0, ("", ["below_threshold"])),
        (80.1, "white", 0.0, ("", ["below_threshold"])),  # a zero flags at no age
        (85.0, "white", 60.0, ("", ["below_threshold"])),  # nor does a percentile from 85 on
    ],
)
def test_a_woman_with_little_calcium_by_age(age, race, agatston, found):
    standing = place_of(agatston, age, "F", race)
    place = percentile(standing and standing.value, standing and standing.text)
    row = flag_of(one_person(scan(agatston=agatston, age_years=age), risk=[risk(cac=0.01) | place]))
    assert (row["tier"], row["reasons"]) == found
    assert row["reason"] == found[1][0]


def test_the_european_policy_asks_for_no_percentile():
    row = risk() | percentile(None, None) | {"score2": 0.01, "score2_reasons": []}
    chosen = settings("flag_policy:esc_2021")
    found = flag_of(one_person(scan(agatston=50.0), risk=[row], setting=chosen))
    assert found["reasons"] == ["below_threshold"]


def test_the_percentile_goes_before_the_risk_and_the_score_before_both():
    both = risk(cac=0.5) | percentile(80.0, "80")
    assert flag_of(one_person(scan(agatston=99.9), risk=[both]))["tier"] == "percentile_75"
    assert flag_of(one_person(scan(agatston=300.0), risk=[both]))["tier"] == "cac_300"


@pytest.mark.parametrize(
    ("age", "agatston", "tier"),
    [
        (18.0, 1.0, "age_18_39"),
        (39.99, 1.0, "age_18_39"),
        (39.99, 0.0, ""),
        (39.99, 1500.0, "age_18_39"),
        (40.0, 1.0, ""),
        (40.0, 1500.0, "cac_1000"),
        (84.99, 100.0, "cac_100"),
        (85.0, 100.0, "age_over_84"),
        (85.0, 99.99, ""),
        (None, 100.0, "cac_100"),
    ],
)
def test_ages_without_percentile_and_risk_have_their_own_tier(age, agatston, tier):
    connection = one_person(scan(agatston=agatston, age_years=age), risk=[risk(cac=0.01)])
    assert flag_of(connection)["tier"] == tier
    assert [row["tier"] for row in read(connection, "out_flagged")] == [tier] * bool(tier)


@pytest.mark.parametrize(("model", "tier"), [(0.0749, ""), (0.075, "risk_high")])
def test_without_mesa_the_averaged_risk_decides(model, tier):
    row = risk(cac=None, reasons=["missing_input"]) | {"model_risk": model}
    found = flag_of(one_person(scan(agatston=50.0), risk=[row]))
    assert (found["tier"], found["flag_risk_source"]) == (tier, "model_risk")
    assert found["flag_risk"] == model


@pytest.mark.parametrize(
    "model", ["mesa_chd_10y_cac averaged; race not used", "Our site; 300 events"]
)
@pytest.mark.parametrize("mesa", [None, 0.0673, 0.0912])
def test_the_published_equation_with_its_race_moves_no_flag(model, mesa):
    row = risk() | {"mesa_chd_10y_cac": mesa, "model_risk": 0.076, "model": model}
    found = flag_of(one_person(scan(agatston=50.0), risk=[row]))
    assert (found["flag_risk"], found["flag_risk_source"]) == (0.076, "model_risk")
    assert (found["tier"], found["mesa_chd_10y_cac"]) == ("risk_high", mesa)
    none = flag_of(one_person(scan(agatston=50.0), risk=[row | {"model_risk": None}]))
    assert (none["flag_risk"], none["flag_risk_source"], none["tier"]) == (None, "", "")


def test_lipids_that_cannot_be_are_told_beside_the_flag():
    row = risk(cac=None, reasons=["unit_suspect"]) | {"model_risk": 0.03}
    assert flag_of(one_person(scan(agatston=50.0), risk=[row]))["reasons"] == [
        "below_threshold",
        "unit_suspect",
    ]
    assert flag_of(one_person(scan(agatston=0.0), risk=[row]))["reasons"] == ["below_threshold"]
    row |= {"model_risk": None}
    found = flag_of(one_person(scan(agatston=50.0), risk=[row]))
    assert found["reasons"] == ["below_threshold", "unit_suspect"]


def test_calcium_whose_risk_only_lacks_an_input_cannot_be_judged():
    row = risk(cac=None, reasons=["missing_input"])
    found = flag_of(one_person(scan(agatston=50.0), risk=[row]))
    assert (found["flag"], found["reason"]) == ("cannot_say", "missing_input")
    assert flag_of(one_person(scan(agatston=0.0), risk=[row]))["reason"] == "below_threshold"
    assert flag_of(one_person(scan(agatston=100.0), risk=[row]))["tier"] == "cac_100"


@pytest.mark.parametrize(
    ("grade", "minimum", "flag"),
    [
        ("C", None, "flagged"),
        ("C", "C", "flagged"),
        ("C", "B", "cannot_say"),
        ("B", "B", "flagged"),
        ("B", "A", "cannot_say"),
        ("A", "A", "flagged"),
    ],
)
def test_the_minimum_grade_on_both_sides(grade, minimum, flag):
    chosen = settings(f"minimum_grade:{minimum}") if minimum else []
    found = flag_of(one_person(scan(agatston=500.0, grade=grade), setting=chosen))
    assert (found["flag"], found["reason"]) == (
        flag,
        "cac_300" if flag == "flagged" else "grade_too_low",
    )


@pytest.mark.parametrize(("minimum", "score"), [(None, 20.0), ("B", 20.0), ("A", 1200.0)])
def test_the_latest_scan_of_the_grade_that_is_asked_for_stands(minimum, score):
    connection = one_person(
        scan("newer", agatston=20.0, grade="B"),
        scan("older", agatston=1200.0, grade="A", index_date=INDEX - 400 * DAY),
        setting=settings(f"minimum_grade:{minimum}") if minimum else [],
    )
    (row,) = read(connection, "core_person_score")
    assert row["agatston"] == score


@pytest.mark.parametrize(
    ("older", "high", "later", "grade", "days_later", "flag"),
    [
        (90.0, 170.0, 99.9, "C", 400, "not_flagged"),
        (90.0, 170.0, 100.0, "C", 400, "cannot_say"),  # an older low score does not answer it
        (0.0, 10.0, 10.0, "C", 400, "not_flagged"),
        (0.0, 10.0, 10.1, "C", 400, "cannot_say"),  # more than a zero may be
        (20.0, None, 20.0, "C", 400, "not_flagged"),
        (20.0, None, 20.1, "C", 400, "cannot_say"),  # how far the older one is off nobody knows
        (0.0, 10.0, 2137.0, "C", 1, "cannot_say"),
        (0.0, 10.0, 2137.0, "C", 0, "not_flagged"),  # of the same day, another series
        (0.0, 10.0, 2137.0, "C", -1, "not_flagged"),
        (0.0, 10.0, 10.0, "D", 400, "not_flagged"),
        (0.0, 10.0, 2137.0, "D", 400, "cannot_say"),  # alone it would be asked about too
        (0.0, 10.0, 10.0, "C", None, "not_flagged"),
        (0.0, 10.0, 10.1, "C", None, "cannot_say"),  # without a date it may be the later one
        (90.0, 170.0, 100.0, "A", None, "cannot_say"),
        (0.0, 10.0, 2137.0, "D", None, "cannot_say"),
        (100.0, 180.0, 2137.0, "C", 400, "flagged"),  # by the older one
        (100.0, 180.0, 2137.0, "C", None, "flagged"),
    ],
)
def test_an_older_low_score_does_not_answer_one_that_is_later_or_may_be(
    older, high, later, grade, days_later, flag
):
    newest = INDEX - DAY
    found = flag_of(
        one_person(
            scan(
                "good",
                agatston=older,
                agatston_high=high,
                index_date=newest - (days_later or 0) * DAY,
            ),
            scan(
                "doubtful",
                agatston=later,
                grade=grade,
                index_date=None if days_later is None else newest,
            ),
        )
    )
    assert (found["flag"], found["agatston"]) == (flag, older)
    told = {"cannot_say": "later_scan_doubtful", "not_flagged": "below_threshold"}
    assert found["reason"] == told.get(flag, "cac_100")


def test_a_later_scan_that_would_flag_by_the_age_alone_is_not_hidden():
    older = scan("good", agatston=0.0, age_years=37.0, index_date=INDEX - 400 * DAY)
    found = flag_of(one_person(older, scan("later", agatston=60.0, age_years=38.0, grade="C")))
    assert (found["flag"], found["reason"]) == ("cannot_say", "later_scan_doubtful")
    assert found["doubtful_agatston"] == 60.0


@pytest.mark.parametrize("grade", ["B", "C"])
def test_nor_where_a_site_asks_for_more(grade):
    older = scan("good", agatston=0.0, index_date=INDEX - 400 * DAY)
    later = scan("later", agatston=500.0, grade=grade)
    found = flag_of(one_person(older, later, setting=settings("minimum_grade:A")))
    assert (found["flag"], found["reason"]) == ("cannot_say", "later_scan_doubtful")


@pytest.mark.parametrize(
    ("age", "below", "at"),
    [
        (40.0, 0.0749, 0.075),
        (49.99, 0.0749, 0.075),
        (50.0, 0.0999, 0.10),
        (69.99, 0.0999, 0.10),
        (70.0, 0.1499, 0.15),
        (84.99, 0.1499, 0.15),
    ],
)
def test_the_european_policy_looks_at_score2_by_age(age, below, at):
    def tier(value):
        # MESA's risk and the percentile would flag by the other policy.
        row = risk(cac=0.9) | percentile(99.0, "99") | {"score2": value, "score2_reasons": []}
        found = flag_of(
            one_person(
                scan(agatston=50.0, age_years=age),
                risk=[row],
                setting=settings("flag_policy:esc_2021"),
            )
        )
        assert (found["policy"], found["flag_risk"]) == ("esc_2021", value)
        return found["tier"]

    assert (tier(below), tier(at)) == ("", "risk_high")


def test_the_european_policy_says_what_score2_lacks():
    def found(reasons, agatston=50.0, age=60.0):
        row = risk(cac=0.9) | {"score2_reasons": reasons}
        chosen = settings("flag_policy:esc_2021")
        return flag_of(
            one_person(scan(agatston=agatston, age_years=age), risk=[row], setting=chosen)
        )

    assert found(["missing_input"])["flag"] == "cannot_say"
    # As of people with diabetes, for whom SCORE2 was not made.
    assert found(["out_of_range"])["flag"] == "cannot_say"
    assert found(["out_of_range"])["reasons"] == ["out_of_range"]
    assert found(["out_of_range"], agatston=0.0)["flag"] == "not_flagged"
    assert found(["out_of_range"], age=85.0)["flag"] == "not_flagged"
    assert found([], agatston=300.0)["tier"] == "cac_300"
    assert found(["out_of_range"], agatston=99.0, age=30.0)["tier"] == ""
    assert found(["out_of_range"], agatston=100.0, age=30.0)["tier"] == "age_18_39"


def test_without_settings_the_policy_is_that_of_2018():
    assert flag_of(one_person(scan(agatston=500.0)))["policy"] == "aha_acc_2018"


@pytest.mark.parametrize("concept", ["palliative_care", "dialysis", "transplant"])
@pytest.mark.parametrize(
    ("day", "counts"),
    [(INDEX - DAY, True), (INDEX + DAY, True), (AS_OF, True), (AS_OF + DAY, False), (None, True)],
)
def test_second_clock_of_care(concept, day, counts):
    row = flag_of(one_person(scan(agatston=500.0), event=[event(concept, day)]))
    assert row["flag"] == ("not_flagged" if counts else "flagged")
    assert row["reason"] == (concept if counts else "cac_300")
    assert row["tier_but_for"] == "cac_300"


@pytest.mark.parametrize(("day", "is_out"), [(-1, False), (0, True)])
def test_dialysis_of_more_than_a_year_ago_is_over(day, is_out):
    on = AS_OF.replace(year=AS_OF.year - 1) + day * DAY
    row = flag_of(one_person(scan(agatston=500.0), event=[event("dialysis", on)]))
    assert (row["reason"] == "dialysis") is is_out


@pytest.mark.parametrize(
    ("day", "is_out"),
    [(AS_OF.replace(year=AS_OF.year - 20), True), (None, True), (AS_OF + DAY, False)],
)
def test_dependence_on_dialysis_does_not_expire(day, is_out):
    row = flag_of(one_person(scan(agatston=500.0), event=[event("chronic_dialysis", day)]))
    assert (row["reason"] == "dialysis") is is_out


@pytest.mark.parametrize("own", ["dialysis", "transplant"])
def test_dialysis_and_transplant_have_their_lists(own):
    def listed(agatston, *events):
        connection = one_person(scan(agatston=agatston), event=list(events))
        return [row["tier_but_for"] for row in read(connection, f"out_{own}")]

    mine = event(own, INDEX)
    assert listed(500.0, mine) == ["cac_300"]
    assert listed(99.0, mine) == []  # nothing to tell
    assert listed(500.0, mine, event("coronary_stent", INDEX, code="y")) == []
    both = [event("dialysis", INDEX), event("transplant", INDEX, code="y")]
    assert listed(500.0, *both) == ["cac_300"]


@pytest.mark.parametrize(
    ("day", "is_in"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_inpatients_are_those_in_hospital_at_the_scan(day, is_in):
    care = event("inpatient_care", INDEX + day * DAY, code="99231")
    connection = one_person(scan(agatston=500.0), event=[care])
    assert flag_of(connection)["flag"] == "flagged"
    assert len(read(connection, "out_inpatients")) == is_in
    undated = one_person(scan(agatston=500.0), event=[event("inpatient_care", None)])
    assert read(undated, "out_inpatients") == []


@pytest.mark.parametrize(
    ("first", "last", "is_in"),
    [
        (-20, 20, True),
        (-20, -2, False),
        (-20, -1, True),
        (1, 20, True),
        (2, 20, False),
        (-20, None, True),  # still there
        (1, None, True),
        (2, None, False),
        (None, 20, False),  # since when, nobody knows
        (None, None, False),
    ],
)
def test_a_stay_in_hospital_lasts_from_its_first_day_to_its_last(first, last, is_in):
    days = [None if n is None else INDEX + n * DAY for n in (first, last)]
    care = event("inpatient_stay", days[0], stopped_on=days[1], code="IMP")
    connection = one_person(scan(agatston=500.0), event=[care])
    assert flag_of(connection)["flag"] == "flagged"
    assert len(read(connection, "out_inpatients")) == is_in


def test_a_stay_that_began_after_the_day_of_the_list_does_not_exist_yet():
    care = event("inpatient_stay", AS_OF + DAY, code="IMP")
    scanned = scan(agatston=500.0, index_date=AS_OF)
    assert read(one_person(scanned, event=[care]), "out_inpatients") == []


@pytest.mark.parametrize(
    ("ldl", "statin", "n"), [(69.9, True, 0), (70.0, True, 1), (None, True, 0), (150.0, False, 0)]
)
def test_treated_and_not_at_goal_is_a_finding(ldl, statin, n):
    values = [] if ldl is None else [observation("ldl_cholesterol_mg_dl", ldl, INDEX)]
    drugs = [event("statin", INDEX)] if statin else []
    connection = one_person(scan(agatston=500.0), observation=values, event=drugs)
    assert len(read(connection, "out_treated_not_at_goal")) == n
    assert flag_of(connection)["flag"] == "flagged"


@pytest.mark.parametrize(
    ("agatston", "flags", "flag"),
    [
        (500.0, ["lead_present"], "flagged"),
        (5.0, ["valve_prosthesis"], "cannot_say"),
        (500.0, ["motion"], None),
        (500.0, ["stent_present"], None),  # known disease, on another list
        (500.0, ["stent_present", "stent_possible"], "flagged"),
    ],
)
def test_devices_that_spoil_the_score_have_a_list(agatston, flags, flag):
    connection = one_person(scan(agatston=agatston, grade="C", quality_flags=flags))
    rows = read(connection, "out_spoiling_devices")
    assert [row["flag"] for row in rows] == ([flag] if flag else [])


def test_everybody_is_somewhere_once_under_both_policies():
    keys = [f"p{i}" for i in range(8)]
    scores = [0.0, 5.0, 50.0, 150.0, 500.0, 2000.0, 20.0, 90.0]
    ages = [30.0, 30.0, 44.0, 60.0, 90.0, 39.0, 85.0, None]
    scans = [
        scan(f"s{k}", k, agatston=a, age_years=y)
        for k, a, y in zip(keys, scores, ages, strict=True)
    ]
    for chosen in ("aha_acc_2018", "esc_2021"):
        connection = lake(
            series=[s for s, _ in scans],
            dispositions=[d for _, d in scans],
            person=[person(k) for k in keys],
            event=[event("dialysis", INDEX, key="p3")],
            setting=settings(f"flag_policy:{chosen}"),
        )
        (people,) = read(connection, "out_status_people")
        assert people["with_scan"] == 8
        assert sum(people[k] for k in ("flagged", "not_flagged", "cannot_say")) == 8
        for row in read(connection, "core_person_flag"):
            assert (row["tier"] != "") is (row["flag"] == "flagged")
            assert row["policy"] == chosen
        for name in OWN_LISTS:
            read(connection, f"out_{name}")
