"""Lipids in another unit than the one stated, alone and beside those of the same day."""

from datetime import date

import pytest
from clinical_tables import refused

TOTAL, HDL, LDL = "2093-3", "2085-9", "13457-7"
DAY, OTHER_DAY = "2025-06-01", "2025-06-02"
GOOD = ("A1", "8480-6", "120", "mm[Hg]", "2020-01-01")  # so that a unit is known


def read(clinical, *rows):
    tables = clinical(observation=[GOOD, *(("A1", *row) for row in rows)])
    kept = {
        (r["concept"].split("_")[0], round(r["value"], 1))
        for r in tables.observation.to_pylist()
        if r["effective_on"] != date(2020, 1, 1)
    }
    return kept, refused(tables, "observation")


@pytest.mark.parametrize(
    ("value", "unit", "kept"),
    [
        # Real under a PCSK9 inhibitor (FOURIER: median 30 mg/dL, a quarter below 19;
        # Sabatine 2017, N Engl J Med 376:1713).
        ("0.7", "mmol/L", 27.1),
        ("0.5", "mmol/L", 19.3),
        ("27", "mg/dL", 27.0),
        ("0.27", "g/L", 27.0),
        ("1.2", "mmol/L", 46.4),
        ("2.6", "mmol/L", 100.5),
        ("0.7", "mg/dL", None),
        ("2.6", "mg/dL", None),
        ("9.9", "mg/dL", None),
        ("10", "mg/dL", 10.0),
        ("100", "mmol/L", None),
        ("2.49", "g/L", 249.0),
        ("2.5", "g/L", None),
        ("2.6", "g/L", None),
        ("4.9", "g/L", None),
        (
            "5.0",
            "g/L",
            500.0,
        ),  # not ordinary in mmol/L either
        ("250", "mg/dL", 250.0),
        ("6.5", "mmol/L", 251.4),
    ],
)
def test_ldl_is_refused_where_it_would_be_ordinary_in_another_unit(clinical, value, unit, kept):
    found, why = read(clinical, (LDL, value, unit, DAY))
    assert found == ({("ldl", kept)} if kept else set())
    assert [reason for reason, _ in why] == ([] if kept else ["unit_suspect"])


BOTH = ("unit_suspect", "ldl_cholesterol_mg_dl: not below total cholesterol of the day")


@pytest.mark.parametrize(
    ("ldl", "unit", "day", "n_refused"),
    [
        ("199", "mg/dL", DAY, 0),
        ("200", "mg/dL", DAY, 2),
        ("200", "mg/dL", OTHER_DAY, 0),
        ("5.3", "mmol/L", DAY, 2),
        ("2.1", "g/L", DAY, 2),
    ],
)
def test_ldl_is_a_part_of_total_cholesterol(clinical, ldl, unit, day, n_refused):
    found, why = read(clinical, (TOTAL, "200", "mg/dL", DAY), (LDL, ldl, unit, day))
    assert len(found) == 2 - n_refused
    assert why == ({BOTH: 2} if n_refused else {})


def test_of_several_values_of_a_day_one_that_can_be_is_enough(clinical):
    found, why = read(
        clinical,
        (TOTAL, "100", "mg/dL", DAY),
        (TOTAL, "200", "mg/dL", DAY),
        (LDL, "150", "mg/dL", DAY),
    )
    assert (len(found), why) == (3, {})


def test_a_strangers_total_says_nothing_of_anothers_ldl(clinical):
    tables = clinical(
        observation=[("A1", TOTAL, "100", "mg/dL", DAY), ("B2", LDL, "150", "mg/dL", DAY)]
    )
    assert tables.observation.num_rows == 2


PAIR = ("unit_suspect", "total and HDL cholesterol: both ordinary in g/L")


@pytest.mark.parametrize(
    ("total", "hdl", "unit", "is_refused"),
    [
        ("2.8", "0.6", "mmol/L", True),
        ("3.0", "0.7", "mmol/L", True),
        ("3.01", "0.7", "mmol/L", False),
        ("3.0", "0.71", "mmol/L", False),
        ("2.8", "1.2", "mmol/L", False),  # as under a statin
        ("5.2", "0.6", "mmol/L", False),
        ("108", "23", "mg/dL", False),  # from one who writes mg/dL
        ("2.8", "0.6", "g/L", False),
    ],
)
def test_total_and_hdl_that_are_both_low_in_mmol_and_both_ordinary_in_g(
    clinical, total, hdl, unit, is_refused
):
    found, why = read(clinical, (TOTAL, total, unit, DAY), (HDL, hdl, unit, DAY))
    assert len(found) == (0 if is_refused else 2)
    assert why == ({PAIR: 2} if is_refused else {})


def test_a_pair_is_one_of_one_day(clinical):
    found, why = read(clinical, (TOTAL, "2.8", "mmol/L", DAY), (HDL, "0.6", "mmol/L", OTHER_DAY))
    assert (len(found), why) == (2, {})
