"""The planned people and their clinical tables."""

import csv
from datetime import date

import pytest

from screening.errors import ScreeningError
from screening.phantom.clinical import CONTRACT, write_clinical
from screening.phantom.expectation import FLAG_RISK, mesa_chd_10y
from screening.phantom.oddities import Damage, Kind, plan_series
from screening.phantom.people import AS_OF, SPECIAL, Role, completed_years, plan_people
from screening.reasons import Reason

PEOPLE = plan_people(24, 1)
BY_ROLE = {p.role: p for p in PEOPLE}


def read(folder, name):
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def rows(folder, name):
    head, *body = read(folder, name)
    return [dict(zip(head, row, strict=True)) for row in body]


@pytest.fixture(scope="module")
def clinical(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clinical")
    write_clinical(folder, PEOPLE, 1)
    return folder


def test_every_special_case_is_there_with_24_and_the_first_with_6():
    assert {p.role for p in PEOPLE} == {s.role for s in SPECIAL} == set(Role) - {Role.ORDINARY}
    assert [p.role for p in plan_people(6, 1)] == [s.role for s in SPECIAL[:6]]


def test_a_person_does_not_depend_on_how_many_there_are():
    assert plan_people(40, 1)[:24] == PEOPLE
    assert plan_people(24, 2) != PEOPLE


def test_nobody_is_no_hospital():
    with pytest.raises(ScreeningError):
        plan_people(0, 1)


def test_numbers_are_unique_and_normalise_to_the_record():
    many = plan_people(300, 4)
    assert len({p.mrn for p in many}) == 300
    for person in many:
        assert person.patient_id.strip().lstrip("0").upper() == person.mrn
    assert any(p.patient_id != p.mrn for p in many)


def test_scans_lie_in_the_year_before_the_reference_date():
    for person in plan_people(300, 4):
        assert 0 < (AS_OF - person.index_date).days <= 365
        age = completed_years(person.identity.birth_date, person.index_date)
        assert age == person.inputs.age_years


def test_about_forty_series_with_every_kind_of_refusal():
    plans = [plan for p in PEOPLE for plan in plan_series(p)]
    assert 36 <= len(plans) <= 44
    assert {plan.reason for plan in plans} >= {
        Reason.LOCALIZER,
        Reason.NOT_CT,
        Reason.DERIVED,
        Reason.CONTRAST_TAG,
        Reason.CONTRAST_PIXELS,
        Reason.GATED_CALCIUM_SCORE,
        Reason.INCREMENT_OVER_5MM,
        Reason.MISSING_SLICE_IN_HEART,
        Reason.NOT_CHEST,
        Reason.MINOR,
        Reason.NO_SCAN_DATE,
        Reason.NOT_CHOSEN,
        Reason.OPTED_OUT,
        Reason.DUPLICATE_IMAGES_OF,
        Reason.IDENTITY_CONFLICT,
    }
    assert {plan.damage for plan in plans} == set(Damage)
    assert {plan.kind for plan in plans} == set(Kind)


def test_events_keep_to_the_two_clocks():
    for role in (Role.INFARCTION_AFTER, Role.STENT_AFTER):
        person = BY_ROLE[role]
        assert not person.has_known_ascvd(person.index_date)
        assert person.has_known_ascvd(AS_OF)
    later = BY_ROLE[Role.DUPLICATE_SLICE]
    assert not later.has_known_ascvd(AS_OF)
    assert later.has_known_ascvd(date(2027, 1, 1))
    assert BY_ROLE[Role.STENT].has_known_ascvd(BY_ROLE[Role.STENT].index_date)
    dead = BY_ROLE[Role.DIED_AFTER]
    assert dead.index_date < dead.death_date <= AS_OF
    assert not BY_ROLE[Role.CONTRAST_PAIR].has_known_ascvd(AS_OF)  # embolism, not infarction


@pytest.mark.parametrize("seed", range(8))
def test_risks_of_low_scores_are_clear_of_the_threshold(seed):
    people = {p.role: p for p in plan_people(24, seed)}
    high = people[Role.RISK_HIGH]
    assert mesa_chd_10y(high.inputs, high.agatston) > 1.5 * FLAG_RISK
    for role in (Role.TRUNCATED, Role.SAGITTAL):
        risk = mesa_chd_10y(people[role].inputs, 20.0)
        assert risk is None or risk < 0.6 * FLAG_RISK


def test_tables_have_the_columns_of_the_contract(clinical):
    assert {p.stem for p in clinical.iterdir()} == set(CONTRACT)
    for name, columns in CONTRACT.items():
        head, *body = read(clinical, name)
        assert tuple(head) == columns
        assert body
        assert all(len(row) == len(columns) for row in body)


def test_people_on_record_are_those_with_one_and_some_never_scanned(clinical):
    mrns = {row["mrn"] for row in rows(clinical, "person")}
    scanned = {p.mrn for p in PEOPLE}
    assert scanned - mrns == {BY_ROLE[Role.NO_RECORD].mrn}
    assert mrns - scanned
    for name in CONTRACT:
        assert {row["mrn"] for row in rows(clinical, name)} <= mrns


def test_the_latest_lipids_before_the_scan_are_the_inputs(clinical):
    observations = rows(clinical, "observation")
    per_mg = {"mg/dL": 1.0, "mmol/L": 38.67}
    units = set()
    for person in PEOPLE:
        found = [
            (row["effective_at"][:10], float(row["value"]) * per_mg[row["unit"]])
            for row in observations
            if (row["mrn"], row["code"]) == (person.mrn, "2093-3")
            and row["effective_at"][:10] <= person.index_date.isoformat()
        ]
        units |= {r["unit"] for r in observations if r["code"] == "2093-3"}
        total = person.inputs.total_cholesterol_mg_dl
        if not person.has_record or total is None:
            assert all(value < 20 for _, value in found)  # nothing, or a unit mix-up
        else:
            assert max(found)[1] == pytest.approx(total, abs=0.1)
    assert units == {"mg/dL", "mmol/L"}


def test_each_record_goes_on_after_the_scan(clinical):
    person = BY_ROLE[Role.HIGH]
    days = {r["effective_at"][:10] for r in rows(clinical, "observation") if r["mrn"] == person.mrn}
    assert min(days) < person.index_date.isoformat() < max(days)
