"""Simulated outcomes of the synthetic hospital: what its record holds, and fates drawn."""

import csv

import numpy as np
import pytest

from screening.fates import draw_fates, more_often
from screening.phantom.expectation import TruthRow, mesa_chd_10y
from screening.phantom.outcomes import OUTCOMES, REFERENCE, WARD_FACTOR, _risk, write_outcomes
from screening.phantom.people import Role, plan_people

SEED = 7


def read(file):
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def people():
    return plan_people(40, SEED)


@pytest.fixture(scope="module")
def rows(people, tmp_path_factory):
    folder = tmp_path_factory.mktemp("outcomes")
    truth = [
        TruthRow(kind="person", role=p.role.value, patient_id=p.mrn, issuer=p.issuer,
                 true_agatston=p.agatston, index_date=p.index_date)
        for p in people
    ]  # fmt: skip
    write_outcomes(folder, people, truth, SEED)
    return read(folder / OUTCOMES), read(folder / REFERENCE)


def of(rows, people, role):
    mrn = next(p.mrn for p in people if p.role is role)
    (row,) = [r for r in rows[0] if r["person_id"] == mrn]
    return row


def test_what_the_record_has_after_the_scan_is_the_outcome(rows, people):
    for role, days, word in (
        (Role.INFARCTION_AFTER, 60, "event"),
        (Role.STENT_AFTER, 75, "event"),
        (Role.DIED_AFTER, 50, "death"),
    ):
        row = of(rows, people, role)
        assert row["outcome"] == word
        assert float(row["followup_years"]) * 365.25 == pytest.approx(days, abs=0.03)
        assert row["prevalent"] == "0"
    assert of(rows, people, Role.STENT)["prevalent"] == "1"


def test_everybody_grown_up_has_a_row_and_every_row_says_simulated(rows, people):
    assert len(rows[0]) == sum(p.inputs.age_years >= 18 for p in people) == 39
    assert {r["simulated"] for r in rows[0]} == {"1"}
    assert {r["outcome"] for r in rows[0]} == {"none", "event", "death"}
    assert len(rows[1]) == 40


def test_a_person_does_not_depend_on_how_many_there_are(rows, people, tmp_path):
    few = people[:10]
    truth = [
        TruthRow(kind="person", role=p.role.value, patient_id=p.mrn, issuer=p.issuer,
                 true_agatston=p.agatston, index_date=p.index_date)
        for p in few
    ]  # fmt: skip
    write_outcomes(tmp_path, few, truth, SEED)
    assert read(tmp_path / OUTCOMES) == rows[0][:10]


def test_risk_is_that_of_true_factors_whatever_the_record_lacks(people):
    full = next(p for p in people if p.role is Role.HIGH)
    assert _risk(full, 100.0) == pytest.approx(mesa_chd_10y(full.inputs, 100.0))
    no_lipids = next(p for p in people if p.inputs.total_cholesterol_mg_dl is None)
    assert mesa_chd_10y(no_lipids.inputs, 100.0) is None
    assert 0 < _risk(no_lipids, 100.0) < 1


def test_fates_have_the_risk_they_are_drawn_from():
    # At 20 hardly anybody dies, and all are followed for 4 years: 1 - 0.8 ** 0.4.
    n = 40_000
    years, words = draw_fates(np.full(n, 0.2), np.full(n, 20.0), np.random.default_rng(1))
    share = np.mean((words == "event") & (years <= 4))
    assert share == pytest.approx(1 - 0.8**0.4, abs=0.004)
    assert years.min() > 0
    # At 62 12 of 1,000 die in a year: 1 - exp(-0.048) in 4.
    years, words = draw_fates(np.full(n, 1e-6), np.full(n, 62.0), np.random.default_rng(2))
    assert np.mean((words == "death") & (years <= 4)) == pytest.approx(0.0469, abs=0.004)
    assert (
        draw_fates(np.full(9, 0.1), np.full(9, 60.0), np.random.default_rng(3), 2.0)[0].max() <= 2
    )


def test_twice_as_often_is_twice_the_rate():
    assert more_often(np.array([0.19]), np.array([WARD_FACTOR])) == pytest.approx(1 - 0.81**2)
