"""Every SQL file: a complete and truthful header, one SELECT, a unique key on any lake."""

import random
import re
from datetime import timedelta

import pytest
from sql_room import (
    AS_OF,
    HEADER,
    INDEX,
    build,
    event,
    header,
    lake,
    meanings,
    names,
    observation,
    person,
    read,
    risk,
    scan,
    words,
)

from screening.config import POLICIES
from screening.lake import describe_relations
from screening.reasons import Reason
from screening.resources import sql_folder
from screening.tables import LAKE_TABLES

RELATION = re.compile(r"\b(?:raw|core|out)_[a-z_]+\b")
GIVEN = {f"raw_{n}" for n in LAKE_TABLES} | {"raw_run", "raw_research_shift"}
TIERS = ("cac_1000", "cac_300", "cac_100", "percentile_75", "risk_high", "age_18_39", "age_over_84")
NEEDED = {
    "core_disposition",
    "core_person_score",
    "core_risk_input",
    "core_person_flag",
    "out_status_series",
    "out_status_people",
    "out_status_reasons",
    "out_status_files",
    "out_flagged",
    "out_clinical_rejections",
    "out_person_explanation",
    "out_missed_opportunity",
}


def code(name):
    lines = (sql_folder() / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line.split("--")[0] for line in lines)


def random_lake(seed):
    """A lake of a dozen people with everything that can happen, in any order."""
    rng = random.Random(seed)
    keys = [f"p{i}" for i in range(12)]
    reasons = [r.value for r in Reason]
    scans, events, observations, risks = [], [], [], []
    for i in range(rng.randrange(40)):
        owner = rng.choice([*keys, ""])
        state = rng.choice(["scored", "scored", "ineligible", "failed", "quarantined", "pending"])
        day = rng.choice([None, INDEX, INDEX + timedelta(rng.randrange(-2000, 400))])
        agatston = rng.choice([0.0, 50.0, 150.0, 5000.0])
        scores = {"agatston": agatston, "grade": rng.choice("ABCD")} if state == "scored" else {}
        why = [] if state == "scored" else rng.sample(reasons, 2)
        modality = rng.choice(["CT", "CT", "SR"])
        age = rng.choice([None, 10.0, 60.0, 90.0])
        s, d = scan(f"s{i}", owner, state, index_date=day, reasons=why, modality=modality, **scores)
        s["age_years"] = age
        scans.append((s, d))
        if rng.random() < 0.3:  # a second version of the row, and one for older content
            scans.append(
                (None, {**d, "scoring_version": 2, "state": rng.choice(["pending", state])})
            )
            scans.append((None, {**d, "content_digest": "old"}))
        risks.append(risk(owner, f"s{i}", rng.choice([0.01, 0.5])))
    for owner in keys:
        for _ in range(rng.randrange(4)):
            day = rng.choice([None, INDEX + timedelta(rng.randrange(-900, 900))])
            concept = rng.choice(
                ["diabetes", "statin", "formal_calcium_score", "coronary_stent", "antihypertensive"]
            )
            events.append(event(concept, day, owner, code=f"c{len(events)}"))
            observations.append(
                observation(
                    rng.choice(["smoker", "systolic_bp_mmhg"]),
                    float(len(observations)),
                    INDEX + timedelta(rng.randrange(-30, 30)),
                    owner,
                )
            )
    wishes = [
        {"person_key": k, "scope": s, "valid_from": rng.choice([None, INDEX, AS_OF + timedelta(9)])}
        for k in keys
        for s in ("opt_out_all", "opt_out_research")
        if rng.random() < 0.1
    ]
    people = [person(k, death_date=rng.choice([None, None, INDEX])) for k in keys]
    unique_risks = {r["person_key"]: r for r in risks}.values()
    rejections = [
        {"source": s, "reason": r, "detail": f"d{i}", "n": i}
        for i in range(3)
        for s in ("observation", "condition")
        for r in ("code_not_used", "bad_value")
    ]
    tables = {
        "series": [s for s, _ in scans if s],
        "dispositions": [d for _, d in scans],
        "person": [p for p in people if rng.random() < 0.8],
        "event": events,
        "observation": observations,
        "policy": wishes,
        "risk": list(unique_risks),
        "clinical_rejections": rejections,
        "runs": [{"run_id": f"r{i}", "as_of": AS_OF, "files_seen": i} for i in range(3)],
    }
    for rows in tables.values():
        rng.shuffle(rows)
    return lake(
        shift=[{"person_key": k, "research_key": f"x{k}", "shift_days": -7} for k in keys], **tables
    )


@pytest.mark.parametrize("name", names())
def test_header_is_complete_and_true(name):
    found = header(name)
    assert tuple(found) == HEADER
    assert found["publish"] in ("operations", "research", "both", "no")
    used = set(RELATION.findall(code(name))) & (GIVEN | set(names()))
    assert set(words(found["reads"])) == used - {name}


def test_the_views_other_rooms_need_are_there():
    assert set(names()) >= NEEDED


@pytest.mark.parametrize("name", names())
def test_one_select_that_reads_no_clock_and_runs_on_an_empty_lake(name):
    text = code(name)
    assert ";" not in text
    assert not re.search(r"\b(now|today|current_date|current_timestamp|random)\b", text, re.I)
    connection = lake()
    assert len(read(connection, name)) in (0, 1, 5)  # 1 and 5: the status counts, all zero
    assert set(words(header(name)["key"])) <= set(connection.sql(f"from {name}").columns)


@pytest.mark.parametrize("name", names())
def test_columns_told_in_the_header_are_real_and_have_meaning(name):
    connection = lake()
    build(connection, name)
    told = meanings(name)
    assert {t[0] for t in told} <= set(connection.sql(f"from {name}").columns)
    assert len({t[0] for t in told}) == len(told)
    for _, _, privacy, meaning in told:
        assert privacy in ("open", "key", "quasi", "health")
        assert meaning


def test_every_column_of_every_relation_has_a_meaning():
    described = {relation.name: entries for relation, entries in describe_relations()}
    assert sorted(described) == names()
    for name, entries in described.items():
        connection = lake()
        build(connection, name)
        assert [e.column_name for e in entries] == connection.sql(f"from {name}").columns
        assert not [e.column_name for e in entries if not e.meaning or not e.privacy], name
    text = {e.column_name: e.meaning for e in described["core_person_flag"]}
    for value in ("flagged", "not_flagged", "cannot_say"):
        assert value in text["flag"]
    for value in TIERS:
        assert value in text["tier"]


@pytest.mark.parametrize("seed", range(12))
def test_keys_are_unique_and_the_sums_hold_on_random_lakes(seed):
    connection = random_lake(seed)
    for name in names():
        build(connection, name)
        key = header(name)["key"]
        again = f"select {key}, count(*) from {name} group by {key} having count(*) > 1"
        assert connection.sql(again).fetchall() == [], name
        empty = " or ".join(f"{k} is null" for k in words(key))
        assert connection.sql(f"select * from {name} where {empty}").fetchall() == [], name
    (people,) = read(connection, "out_status_people")
    assert people["with_scan"] == sum(people[k] for k in ("flagged", "not_flagged", "cannot_say"))
    found = connection.sql("select * from raw_series").shape[0]
    assert sum(r["n"] for r in read(connection, "out_status_series")) == found
    assert sum(r["n"] for r in read(connection, "out_attrition")) == found
    assert len(read(connection, "out_flagged")) == people["flagged"]
    for row in read(connection, "core_person_flag"):
        assert row["reasons"][0] == row["reason"]
        assert (row["tier"] != "") is (row["flag"] == "flagged")


def test_every_reason_of_the_policy_is_in_the_closed_list():
    codes = set(re.findall(r"'([a-z_0-9]+)'", code("core_person_flag")))
    others = {"flagged", "not_flagged", "cannot_say", "scored", "opt_out_all", "statin"}
    others |= {*POLICIES, "chd", "score2", "mesa_chd_10y_cac", "model_risk"}
    assert codes - set(TIERS) - others <= {r.value for r in Reason}


def test_no_operations_key_or_date_reaches_the_research_cohort():
    connection = random_lake(3)
    build(connection, "out_cohort")
    columns = connection.sql("select * from out_cohort").columns
    assert not {"person_key", "series_key", "study_key", "index_date", "age_years"} & set(columns)
