"""The policy: thresholds on both sides of each edge, precedence, and the two clocks."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sql_room import (
    AS_OF,
    INDEX,
    event,
    flag_of,
    lake,
    one_person,
    person,
    read,
    risk,
    scan,
    series,
)

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("agatston", "tier"),
    [
        (0.0, ""),
        (99.99, ""),
        (100.0, "cac_100"),
        (299.99, "cac_100"),
        (300.0, "cac_300"),
        (999.99, "cac_300"),
        (1000.0, "cac_1000"),
    ],
)
def test_score_tiers_on_both_sides_of_their_edges(agatston, tier):
    row = flag_of(one_person(scan(agatston=agatston), risk=[risk(cac=0.0749)]))
    assert row["tier"] == tier
    assert row["flag"] == ("flagged" if tier else "not_flagged")
    assert row["reasons"] == [tier or "below_threshold"]


@pytest.mark.parametrize(
    ("agatston", "cac", "tier"),
    [(1.0, 0.0749, ""), (1.0, 0.075, "risk_high"), (0.0, 0.5, ""), (100.0, 0.5, "cac_100")],
)
def test_risk_tier_needs_calcium_and_the_threshold(agatston, cac, tier):
    assert flag_of(one_person(scan(agatston=agatston), risk=[risk(cac=cac)]))["tier"] == tier


def test_a_risk_estimated_for_another_scan_does_not_count():
    connection = one_person(scan(agatston=50.0), risk=[risk(series_key="older", cac=0.5)])
    assert flag_of(connection)["tier"] == ""


def test_a_closed_road_to_the_risk_tier_is_said_beside_below_threshold():
    reasons = ["missing_input", "out_of_range"]
    connection = one_person(scan(agatston=50.0), risk=[risk(cac=None, reasons=reasons)])
    assert flag_of(connection)["reasons"] == ["below_threshold", *reasons]


@pytest.mark.parametrize(
    ("concept", "reason"),
    [
        ("myocardial_infarction", "known_ascvd"),
        ("coronary_stent", "known_ascvd"),
        ("coronary_angioplasty", "known_ascvd"),
        ("coronary_bypass", "known_ascvd"),
        ("chronic_ischaemic_heart_disease", "known_ascvd"),
        ("ischaemic_stroke", "known_ascvd"),
        ("transient_ischaemic_attack", "known_ascvd"),
        ("peripheral_artery_disease", "known_ascvd"),
        ("peripheral_revascularisation", "known_ascvd"),
        ("aortic_aneurysm", "known_ascvd"),
        ("formal_calcium_score", "formally_scored"),
    ],
)
@pytest.mark.parametrize(
    ("day", "counts"),
    [
        (INDEX - DAY, True),
        (INDEX + DAY, True),
        (AS_OF, True),
        (AS_OF + DAY, False),
        (None, True),
    ],
)
def test_second_clock_of_events(concept, reason, day, counts):
    row = flag_of(one_person(scan(agatston=500.0), event=[event(concept, day)]))
    assert row["flag"] == ("not_flagged" if counts else "flagged")
    assert row["reason"] == (reason if counts else "cac_300")


@pytest.mark.parametrize(
    ("day", "is_dead"), [(INDEX + DAY, True), (AS_OF, True), (AS_OF + DAY, False)]
)
def test_second_clock_of_death(day, is_dead):
    row = flag_of(one_person(scan(agatston=500.0), person=[person(death_date=day)]))
    assert (row["flag"], row["reason"]) == (
        ("not_flagged", "deceased") if is_dead else ("flagged", "cac_300")
    )


@pytest.mark.parametrize(
    ("scope", "day", "is_out"),
    [
        ("opt_out_all", AS_OF, True),
        ("opt_out_all", None, True),
        ("opt_out_all", AS_OF + DAY, False),
        ("opt_out_research", INDEX, False),
    ],
)
def test_opt_out(scope, day, is_out):
    wish = {"person_key": "p", "scope": scope, "valid_from": day}
    row = flag_of(one_person(scan(agatston=500.0), policy=[wish]))
    assert (row["reason"] == "opted_out") is is_out


def test_a_wish_that_has_begun_holds_for_a_list_of_the_past():
    wish = [{"person_key": "p", "scope": "opt_out_all", "valid_from": AS_OF}]
    past = {"policy": wish, "as_of": AS_OF - DAY}
    assert flag_of(one_person(scan(agatston=500.0), **past))["flag"] == "flagged"
    row = flag_of(one_person(scan(agatston=500.0), **past, wishes_on=AS_OF))
    assert (row["flag"], row["reason"]) == ("not_flagged", "opted_out")


def test_a_statin_is_shown_as_of_the_sweep_and_excludes_nobody():
    def on(start, stop):
        events = [event("statin", start, stopped_on=stop)]
        row = flag_of(one_person(scan(agatston=500.0), event=events))
        assert row["flag"] == "flagged"
        return row["is_on_statin"]

    assert on(INDEX + DAY, None)
    assert on(INDEX, AS_OF)
    assert not on(INDEX, AS_OF - DAY)
    assert not on(AS_OF + DAY, None)
    assert on(INDEX, AS_OF - DAY) is False


# The scan is of INDEX, the list of AS_OF: a statin counts by the second clock.
STATINS = [
    (INDEX + DAY, None, True),
    (INDEX + DAY, AS_OF, True),
    (INDEX + DAY, AS_OF - DAY, False),
    (AS_OF, None, True),
    (AS_OF + DAY, None, False),
]


@pytest.mark.parametrize(("start", "stop", "is_treated"), STATINS)
@pytest.mark.parametrize(
    ("agatston", "first", "listed"), [(500.0, "cac_300", True), (1.0, "below_threshold", False)]
)
def test_a_statin_planted_after_the_scan_is_told_and_moves_no_tier(
    start, stop, is_treated, agatston, first, listed
):
    drug = [event("statin", start, stopped_on=stop)]
    connection = one_person(scan(agatston=agatston), event=drug, risk=[risk()])
    row, told = flag_of(connection), ["already_treated"] * is_treated
    assert (row["reason"], row["reasons"]) == (first, [first, *told])
    assert (row["flag"] == "flagged") is listed
    assert [r["reasons"] for r in read(connection, "out_flagged")] == [told] * listed
    without = flag_of(one_person(scan(agatston=agatston), risk=[risk()]))
    same = ("flag", "tier", "reason", "flag_risk")
    assert [row[name] for name in same] == [without[name] for name in same]


def test_who_is_treated_and_off_the_list_has_the_deciding_reason_first():
    drug = [event("statin", INDEX), event("myocardial_infarction", INDEX)]
    row = flag_of(one_person(scan(agatston=500.0), event=drug))
    assert row["reasons"] == ["known_ascvd", "already_treated"]


def test_without_a_clinical_record_a_statin_is_unknown_not_absent():
    connection = one_person(scan(agatston=500.0), person=[])
    assert flag_of(connection)["is_on_statin"] is None
    (row,) = read(connection, "out_person_explanation")
    assert row["is_on_statin"] is None


def test_a_gated_scan_in_the_archive_is_a_formal_score():
    gated = scan("g", state="ineligible", reasons=["gated_calcium_score"], index_date=INDEX - DAY)
    connection = one_person(scan(agatston=500.0), gated)
    assert flag_of(connection)["reason"] == "formally_scored"
    (row,) = read(connection, "core_formal_evidence")
    assert (row["source"], row["evidence"], row["first_on"]) == ("gated_scan", "g", INDEX - DAY)
    later = scan("g", state="ineligible", reasons=["gated_calcium_score"], index_date=AS_OF + DAY)
    assert flag_of(one_person(scan(agatston=500.0), later))["flag"] == "flagged"


def test_a_report_of_a_calcium_score_in_the_archive_is_a_formal_score():
    told = ["not_ct", "calcium_score_document"]
    more = {"state": "ineligible", "modality": "SR", "index_date": INDEX - DAY}
    document = scan("g", reasons=told, **more)
    connection = one_person(scan(agatston=500.0), document)
    assert flag_of(connection)["reason"] == "formally_scored"
    (row,) = read(connection, "core_formal_evidence")
    assert (row["source"], row["evidence"], row["counts"]) == ("score_document", "g", True)


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"terms": ["chest", "low_dose", "lung_screening"]}, "lung_screening"),
        ({"terms": ["attenuation", "low_dose"]}, "pet_ct"),
        ({"terms": ["chest", "low_dose"]}, "low_dose"),
        ({"terms": ["low_dose"], "is_gated": True}, "gated"),
        ({"terms": []}, "routine"),
        ({}, "routine"),
        ({"terms": ["low_dose"], "modality": "SR"}, ""),
    ],
)
def test_a_scan_is_marked_as_what_it_is(more, kind):
    (row,) = read(one_person(scan(**more)), "core_disposition")
    assert row["scan_kind"] == kind


def test_what_a_rejection_note_takes_back_is_no_evidence():
    more = {"state": "ineligible", "index_date": INDEX - DAY}
    for reason in ("gated_calcium_score", "calcium_score_document"):
        taken_back = scan("g", reasons=["rejected_in_archive", reason], **more)
        assert flag_of(one_person(scan(agatston=500.0), taken_back))["flag"] == "flagged"


def test_without_a_clinical_record_nothing_is_said():
    row = flag_of(one_person(scan(agatston=500.0), person=[]))
    assert (row["flag"], row["reason"]) == ("cannot_say", "no_clinical_record")


def test_no_score_is_never_read_as_zero():
    row = flag_of(one_person(scan(state="failed", reasons=["decode_failed"])))
    assert (row["flag"], row["reason"], row["agatston"]) == ("cannot_say", "no_score", None)


def test_grade_d_alone_is_too_low_and_grade_c_is_doubtful():
    row = flag_of(one_person(scan(agatston=500.0, grade="D")))
    assert (row["flag"], row["reason"]) == ("cannot_say", "grade_too_low")
    row = flag_of(one_person(scan(agatston=500.0, grade="C")))
    assert (row["flag"], row["score_is_doubtful"]) == ("flagged", True)


@pytest.mark.parametrize(("age", "is_minor"), [(17.99, True), (18.0, False)])
def test_only_scans_as_a_minor(age, is_minor):
    row = flag_of(one_person(scan(agatston=500.0, age_years=age)))
    assert (row["reason"] == "minor") is is_minor
    both = one_person(scan(agatston=500.0, age_years=age), scan("t", age_years=18.0))
    assert flag_of(both)["reason"] != "minor"


def test_all_reasons_are_kept_and_the_first_decides():
    conflict = scan("q", agatston=500.0, is_conflicted=True)
    everything = {
        "person": [person(death_date=INDEX)],
        "event": [event("coronary_stent", INDEX), event("formal_calcium_score", INDEX, code="y")],
        "policy": [{"person_key": "p", "scope": "opt_out_all", "valid_from": INDEX}],
    }
    row = flag_of(one_person(scan(grade="D"), conflict, **everything))
    assert row["flag"] == "cannot_say"
    assert row["reasons"] == [
        "identity_conflict",
        "opted_out",
        "deceased",
        "known_ascvd",
        "formally_scored",
        "no_score",
    ]
    row = flag_of(one_person(scan(grade="D"), **everything))
    assert (row["flag"], row["reason"]) == ("not_flagged", "opted_out")


def test_a_conflict_lasts_as_long_as_tonights_headers_contradict_one_another():
    mine, scored = scan(agatston=500.0)
    once = scored | {"state": "quarantined", "reasons": ["identity_conflict"]}
    once |= {"scoring_version": 0, "committed_at": datetime(2026, 7, 1, tzinfo=UTC)}
    for is_conflicted, state, flag in (
        (True, "quarantined", "cannot_say"),
        (False, "scored", "flagged"),
        (None, "scored", "flagged"),
    ):
        rows = one_person((mine | {"is_conflicted": is_conflicted}, scored))
        assert flag_of(rows)["flag"] == flag
        (row,) = read(rows, "core_disposition")
        assert (row["state"], row["agatston"] is None) == (state, state == "quarantined")
    again = one_person((mine, scored), dispositions=[scored, once])
    assert flag_of(again)["flag"] == "flagged"


def test_everybody_with_a_ct_series_gets_one_flag_and_others_none():
    connection = lake(
        series=[series("a", "ct"), series("b", "sr", modality="SR"), series("c", None)],
    )
    (row,) = read(connection, "core_person_flag")
    assert (row["person_key"], row["flag"]) == ("ct", "cannot_say")


def test_the_persons_score_is_the_latest_good_one_never_the_largest():
    old = scan("old", agatston=900.0, index_date=INDEX - 400 * DAY)
    new = scan("new", agatston=10.0, grade="B")
    doubtful = scan("c", agatston=700.0, grade="C", index_date=INDEX + DAY)
    useless = scan("d", agatston=800.0, grade="D", index_date=INDEX + 2 * DAY)
    future = scan("f", agatston=999.0, index_date=AS_OF + DAY)
    (row,) = read(one_person(old, new, doubtful, useless, future), "core_person_score")
    assert (row["series_key"], row["agatston"], row["score_is_doubtful"]) == ("new", 10.0, False)
    assert row["n_usable_scores"] == 3
    (row,) = read(one_person(doubtful, useless), "core_person_score")
    assert (row["series_key"], row["score_is_doubtful"]) == ("c", True)
    assert read(one_person(useless), "core_person_score") == []


def test_current_disposition_is_the_latest_of_the_current_content():
    def at(hour, **more):
        s, d = scan(**more)
        return s, {**d, "committed_at": datetime(2026, 6, 30, hour, tzinfo=UTC)}

    s, first = at(1, agatston=10.0, scoring_version=1)
    _, second = at(2, agatston=20.0, scoring_version=2)
    _, pending = at(3, state="pending", reasons=["night_over"], scoring_version=3)
    _, foreign = at(4, agatston=99.0)
    foreign["content_digest"] = "older content"
    rows = [pending, foreign, second, first]
    (row,) = read(lake(series=[s], dispositions=rows), "core_disposition")
    assert (row["state"], row["agatston"]) == ("scored", 20.0)
    (row,) = read(lake(series=[s], dispositions=[pending]), "core_disposition")
    assert (row["state"], row["reason"]) == ("pending", "night_over")
    (row,) = read(lake(series=[s], dispositions=[foreign]), "core_disposition")
    assert (row["state"], row["reasons"], row["agatston"]) == ("pending", ["night_over"], None)


def test_a_site_that_goes_back_to_a_model_has_its_scores_again():
    def at(hour, **more):
        s, d = scan(**more)
        return s, {**d, "committed_at": datetime(2026, 6, 30, hour, tzinfo=UTC)}

    def sweep(hour, model):
        started = datetime(2026, 6, 30, hour, tzinfo=UTC)
        return {"run_id": str(hour), "started_at": started, "model_digest": model,
                "scoring_version": 4}  # fmt: skip

    s, ours = at(1, agatston=10.0, model_digest="ours", scoring_version=4)
    _, tried = at(3, agatston=20.0, model_digest="tried", scoring_version=4)
    _, rule = at(5, state="ineligible", reasons=["not_chosen"], scoring_version=0)
    rows = [ours, tried]

    def stands(*runs, rows=rows):
        (row,) = read(lake(series=[s], dispositions=rows, runs=list(runs)), "core_disposition")
        return row["state"], row["agatston"]

    first, second, back = sweep(0, "ours"), sweep(2, "tried"), sweep(4, "ours")
    assert stands(first) == ("scored", 10.0)
    assert stands(first, second) == ("scored", 20.0)
    assert stands(first, second, back) == ("scored", 10.0)
    # Of a model that has not worked it the latest score stands; and a rule that came later holds.
    assert stands(first, second, sweep(4, "third")) == ("scored", 20.0)
    assert stands(first, second, back, rows=[*rows, rule])[0] == "ineligible"
    assert stands() == ("scored", 20.0)


@pytest.mark.parametrize(
    ("agatston", "flags", "flag", "reason"),
    [
        (40.0, [], "not_flagged", "below_threshold"),
        (40.0, ["heart_incomplete"], "cannot_say", "lower_bound"),
        (0.0, ["lead_present"], "cannot_say", "lower_bound"),
        (250.0, ["stent_present"], "not_flagged", "known_ascvd"),  # a list of its own holds it
        (40.0, ["metal_near_heart"], "cannot_say", "lower_bound"),
        (40.0, ["stent_possible"], "cannot_say", "lower_bound"),
        (40.0, ["motion"], "not_flagged", "below_threshold"),
        (250.0, ["heart_incomplete"], "flagged", "cac_100"),  # there is that much at least
    ],
)
def test_a_part_of_the_calcium_below_the_threshold_says_nothing(agatston, flags, flag, reason):
    connection = one_person(scan(agatston=agatston, grade="C", quality_flags=flags))
    (row,) = read(connection, "core_person_flag")
    assert (row["flag"], row["reason"]) == (flag, reason)
    (row,) = read(connection, "core_risk_input")
    assert (row["agatston"] is None) is ("heart_incomplete" in flags)


def test_the_list_is_ordered_by_tier_then_score():
    pairs = [("a", 150.0), ("b", 2000.0), ("c", 50.0), ("d", 250.0), ("e", 0.0), ("f", 400.0)]
    scans = [scan(f"s{k}", k, agatston=v) for k, v in pairs]
    connection = lake(
        series=[s for s, _ in scans],
        dispositions=[d for _, d in scans],
        person=[person(k) for k, _ in pairs],
        risk=[risk("c", "sc", 0.2)],
    )
    rows = read(connection, "out_flagged")
    assert [r["person_key"] for r in rows] == ["b", "f", "d", "a", "c"]
    assert {r["note"] for r in rows} == {"an image reader must confirm"}


def test_the_list_is_rounded_for_reading_and_says_the_tier_once():
    numbers = {"agatston": 2137.385830078125, "volume_mm3": 901.26, "agatston_lad": 862.16}
    connection = one_person(
        scan(**numbers, age_years=67.9), risk=[risk(cac=None, reasons=["missing_input"])]
    )
    (row,) = read(connection, "out_flagged")
    assert (row["agatston"], row["volume_mm3"], row["agatston_lad"]) == (2137.4, 901.3, 862.2)
    assert row["age_years"] == 67
    assert row["reasons"] == ["missing_input"]
    (row,) = read(one_person(scan(**numbers), risk=[risk(cac=0.36722931)]), "out_flagged")
    assert (row["tier"], row["reasons"]) == ("cac_1000", [])
    assert row["mesa_chd_10y_cac"] == 0.367


def test_the_list_tells_the_percentile_and_says_when_no_table_fits():
    of = {"percentile": 83.4, "percentile_text": "83", "percentile_source": "MESA 2006"}
    (row,) = read(one_person(scan(agatston=500.0), risk=[risk() | of]), "out_flagged")
    assert (row["percentile"], row["percentile_text"]) == (83, "83")
    assert row["percentile_source"] == "MESA 2006"
    below = of | {"percentile": 74.99, "percentile_text": "74"}
    (row,) = read(one_person(scan(agatston=500.0), risk=[risk() | below]), "out_flagged")
    assert row["percentile"] == 74  # never 75 of what is below the threshold
    above = {"percentile": None, "percentile_text": "above 90", "percentile_source": "Hoff 2001"}
    (row,) = read(one_person(scan(agatston=500.0), risk=[risk() | above]), "out_flagged")
    assert (row["percentile"], row["percentile_text"]) == (None, "above 90")
    none = risk() | {"percentile_text": None, "percentile_source": None}
    (row,) = read(one_person(scan(agatston=500.0), risk=[none]), "out_flagged")
    assert (row["percentile"], row["percentile_text"], row["percentile_source"]) == (None, "", "")


@pytest.mark.parametrize(("value", "rounded"), [(83.4, 80.0), (74.99, 70.0), (75.0, 75.0)])
def test_the_research_cohort_rounds_the_percentile_down(value, rounded):
    of = {"percentile": value, "percentile_text": "", "percentile_source": "MESA 2006"}
    (row,) = read(cohort(scan(agatston=500.0), risk=[risk() | of]), "out_cohort")
    assert (row["percentile_rounded"], row["percentile_source"]) == (rounded, "MESA 2006")
    assert "percentile_text" not in row


def test_each_place_of_a_scan_has_its_row():
    lad = {"label": "LAD", "agatston": 5.0, "volume_mm3": 9.0, "mass_mg": 1.5, "n_lesions": 2,
           "density": 1.5}  # fmt: skip
    aorta = {"label": "aorta", "agatston": 70.0, "volume_mm3": 50.0, "mass_mg": 9.0}
    connection = one_person(
        scan(agatston=5.0, vessel_measures=[lad], other_measures=[aorta]),
        scan("older", agatston=5.0),
        scan("x", state="ineligible", reasons=["not_chosen"]),
    )
    rows = read(connection, "out_calcium_place")
    told = ("label", "is_coronary", "agatston", "volume_mm3", "mass_mg", "n_lesions", "density")
    assert [tuple(r[name] for name in told) for r in rows] == [
        ("LAD", True, 5.0, 9.0, 1.5, 2, 1.5),
        ("aorta", False, 70.0, 50.0, 9.0, None, None),
    ]


def test_clinical_rejections_never_show_the_code():
    rows = [
        {"source": "condition", "reason": "code_not_used", "detail": "Mrs Canary", "n": 2},
        {"source": "condition", "reason": "code_not_used", "detail": "code_not_used", "n": 3},
        {"source": "observation", "reason": "bad_value", "detail": "effective_at", "n": 1},
    ]
    found = read(lake(clinical_rejections=rows), "out_clinical_rejections")
    assert [tuple(r.values()) for r in found] == [
        ("condition", "code_not_used", "codes/conditions.csv", 5),
        ("observation", "bad_value", "effective_at", 1),
    ]


def test_status_reasons_count_what_decided():
    connection = one_person(
        scan(agatston=5.0), scan("x", state="ineligible", reasons=["localizer", "not_chest"])
    )
    rows = {
        r["reason"]: (r["n_series"], r["n_people"]) for r in read(connection, "out_status_reasons")
    }
    assert rows == {"localizer": (1, 0), "below_threshold": (0, 1)}


def test_the_explanation_shows_every_scan_and_all_evidence():
    connection = one_person(
        scan(agatston=5.0),
        scan("x", state="ineligible", reasons=["not_chosen"]),
        event=[event("coronary_stent", INDEX), event("formal_calcium_score", INDEX, code="75571")],
    )
    (row,) = read(connection, "out_person_explanation")
    assert [s["series_key"] for s in row["series"]] == ["s", "x"]
    assert row["ascvd_evidence"] == [
        {"concept": "coronary_stent", "first_on": INDEX, "source": "record", "seen_in": []}
    ]
    assert row["formal_evidence"][0]["source"] == "procedure"
    assert (row["flag"], row["as_of"]) == ("not_flagged", AS_OF)


@pytest.mark.parametrize(
    ("low", "flags", "has_interval"),
    [
        (350.0, [], True),
        (None, ["calcium_very_bright"], False),  # how far the score may be off is not known
        (None, ["heart_incomplete"], True),  # drawn from what was seen on
    ],
)
def test_a_risk_has_an_interval_where_the_score_has_one(low, flags, has_interval):
    told = risk() | {"model_risk_low": 0.03, "model_risk_high": 0.08}
    found = scan(agatston=400.0, grade="C", agatston_low=low, quality_flags=flags)
    (row,) = read(one_person(found, risk=[told]), "out_person_explanation")
    assert row["model_risk"] == 0.05
    assert (row["model_risk_low"], row["model_risk_high"]) == (
        (0.03, 0.08) if has_interval else (None, None)
    )


@pytest.mark.parametrize(
    ("age", "band"),
    [(59.9, "55-59"), (60.0, "60-64"), (84.9, "80-84"), (85.0, "85+"), (99.0, "85+")],
)
def test_the_cohort_is_coarse_and_shifted(age, band):
    (row,) = read(cohort(scan(agatston=123.4, agatston_lad=123.4, age_years=age)), "out_cohort")
    assert row["age_band"] == band
    assert row["agatston_lad_rounded"] == 120.0
    assert row["research_key"] == "x"
    assert row["shifted_index_month"] == date(2025, 12, 1)


def test_the_cohort_tells_score_risk_and_versions_coarsely():
    numbers = {"agatston": 123.4, "model_digest": "a" * 64, "scoring_version": 3}
    (row,) = read(cohort(scan(**numbers), risk=[risk(cac=0.0749)]), "out_cohort")
    assert (row["agatston_rounded"], row["mesa_chd_10y_cac_rounded"]) == (120.0, 0.07)
    assert (row["model_digest_12"], row["choose_version"], row["scoring_version"]) == (
        "a" * 12,
        1,
        3,
    )
    assert row["as_of_month"] == AS_OF.replace(day=1)


def test_people_without_a_clinical_record_are_not_in_the_cohort():
    assert len(read(cohort(scan()), "out_cohort")) == 1
    assert read(cohort(scan(), person=[]), "out_cohort") == []


def test_opt_outs_of_any_scope_are_not_in_the_cohort():
    for scope in ("opt_out_all", "opt_out_research"):
        wish = {"person_key": "p", "scope": scope, "valid_from": AS_OF}
        assert read(cohort(scan(), policy=[wish]), "out_cohort") == []


def cohort(*scans, **more):
    return one_person(
        *scans, shift=[{"person_key": "p", "research_key": "x", "shift_days": -30}], **more
    )
