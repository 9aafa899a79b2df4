"""OMOP tables as warehouses really write them."""

import csv
from datetime import date

import pyarrow as pa
import pytest
from clinical_tables import refused, resolve
from pyarrow import parquet

from screening.clinical import read_clinical
from screening.errors import ScreeningError

PERSON = {
    "person_id": 7, "gender_concept_id": 8532, "year_of_birth": 1960, "month_of_birth": 2,
    "day_of_birth": 29, "race_concept_id": 8515, "race_source_concept_id": 38003579,
    "ethnicity_concept_id": 0, "person_source_value": "A1^^^H",
}  # fmt: skip
CHOLESTEROL = {
    "person_id": 7, "measurement_concept_id": 3027114, "measurement_date": "2025-06-01",
    "operator_concept_id": "", "value_as_number": 5.2, "unit_concept_id": 8753,
}  # fmt: skip

PAST = {
    "person_id": 7, "observation_concept_id": 0, "observation_date": "2020-01-01",
    "value_as_number": "", "observation_source_value": "Z82.49",
}  # fmt: skip
CONCEPT = {
    "concept_id": 99, "concept_name": "rosuvastatin 20 MG Oral Tablet", "vocabulary_id": "RxNorm",
    "concept_code": "0",
}  # fmt: skip
NOTE = {"person_id": 7, "note_date": "2025-06-01", "note_text": "No calcium score."}


@pytest.fixture
def omop(tmp_path):
    def read(**tables):
        for name, rows in {"person": [PERSON], **tables}.items():
            with (tmp_path / f"{name}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
        return read_clinical(tmp_path, resolve)

    return read


def test_without_a_concept_table_the_short_list_of_concepts_is_used(omop):
    tables = omop(measurement=[CHOLESTEROL])
    (row,) = tables.observation.to_pylist()
    assert (row["concept"], round(row["value"], 2)) == ("total_cholesterol_mg_dl", 201.08)
    (row,) = tables.person.to_pylist()
    assert (row["sex"], row["race"]) == ("F", "chinese")
    assert tables.birth_dates["birth_date"].to_pylist() == [date(1960, 2, 29)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"operator_concept_id": 4171756}, "bad_value"),
        ({"unit_concept_id": 8840}, "unit_suspect"),
        ({"measurement_date": ""}, "bad_value"),
        ({"value_as_number": ""}, "bad_value"),
    ],
)
def test_values_that_cannot_be_trusted_are_refused(omop, change, reason):
    tables = omop(measurement=[{**CHOLESTEROL, **change}])
    assert tables.observation.num_rows == 0
    assert [r for r, _ in refused(tables, "observation")] == [reason]


def test_unknown_concepts_are_named_and_counted_and_the_rest_goes_on(omop):
    odd = [{**CHOLESTEROL, "measurement_concept_id": n} for n in (4242, 4242, 0, "CANARY")]
    tables = omop(measurement=[*odd, CHOLESTEROL])
    assert tables.observation.num_rows == 1
    assert refused(tables, "measurement") == {
        ("code_not_used", "concept 4242 is not in CONCEPT"): 2,
        ("code_not_used", "concept unreadable is not in CONCEPT"): 1,
        ("code_not_used", "code_not_used"): 1,
    }


@pytest.mark.parametrize("table", ["measurement", "observation", "person", "concept", "note"])
def test_rows_with_a_wrong_number_of_cells_are_counted_and_the_rest_goes_on(omop, tmp_path, table):
    rows = {
        "measurement": [CHOLESTEROL],
        "observation": [PAST],
        "person": [PERSON],
        "concept": [CONCEPT],
        "note": [NOTE],
    }
    omop(**rows)
    with (tmp_path / f"{table}.csv").open("a") as file:
        file.write("7,CANARY\n" + "7," * 40 + "\n")
    tables = read_clinical(tmp_path, resolve)
    assert tables.person.num_rows == tables.observation.num_rows == 1
    assert refused(tables, table) == {("cut_short", "row with too many or too few cells"): 2}


def test_a_source_value_is_taken_where_no_concept_is(omop):
    fact = {"person_id": 7, "condition_concept_id": 0, "condition_start_date": "2024-05-06",
            "condition_source_value": "I21.0"}  # fmt: skip
    tables = omop(condition_occurrence=[fact, {**fact, "condition_source_value": "I21 Doe"}])
    assert tables.event["code"].to_pylist() == ["I21.0"]


@pytest.mark.parametrize(
    ("concept", "is_stay"), [(9201, True), (262, True), (9202, False), (9203, False), (0, False)]
)
def test_a_visit_as_an_inpatient_is_a_stay_in_hospital(omop, concept, is_stay):
    visit = {"person_id": 7, "visit_concept_id": concept, "visit_start_date": "2025-06-01",
             "visit_end_date": "2025-06-09", "visit_source_value": "IMP"}  # fmt: skip
    tables = omop(visit_occurrence=[visit])
    found = [(r["concept"], r["started_on"], r["stopped_on"]) for r in tables.event.to_pylist()]
    stay = ("inpatient_stay", date(2025, 6, 1), date(2025, 6, 9))
    assert found == ([stay] if is_stay else [])
    assert sum(refused(tables, "visit_occurrence").values()) == int(not is_stay)


def test_a_drug_is_known_by_the_name_of_its_concept(omop):
    drug = {"person_id": 7, "drug_concept_id": 99, "drug_exposure_start_date": "2024-05-06",
            "drug_exposure_end_date": "2024-08-04"}  # fmt: skip
    (row,) = omop(drug_exposure=[drug], CONCEPT=[CONCEPT]).event.to_pylist()
    assert (row["concept"], row["intensity"]) == ("statin", "high")
    assert row["stopped_on"] == date(2024, 8, 4)


def test_a_year_of_birth_alone_is_no_birth_date(omop):
    tables = omop(person=[{**PERSON, "month_of_birth": "", "day_of_birth": ""}])
    assert tables.birth_dates.num_rows == 0
    assert refused(tables, "person") == {("bad_value", "birth_date, kept without"): 1}


def test_death_and_past_disease(omop):
    tables = omop(death=[{"person_id": 7, "death_date": "2026-03-01"}], observation=[PAST])
    assert tables.person["death_date"].to_pylist() == [date(2026, 3, 1)]
    assert tables.event["concept"].to_pylist() == ["family_history_mi"]
    assert refused(tables, "observation") == {}


def test_parquet_in_capitals_gives_the_same(tmp_path):
    for name, row in (("PERSON", PERSON), ("MEASUREMENT", CHOLESTEROL)):
        table = pa.Table.from_pylist([{k.upper(): v for k, v in row.items()}])
        parquet.write_table(table, tmp_path / f"{name}.parquet")
    assert read_clinical(tmp_path, resolve).observation.num_rows == 1


def test_missing_columns_and_tables_are_one_line(omop, tmp_path):
    with pytest.raises(ScreeningError, match=r"measurement\.csv: missing columns measurement_date"):
        omop(measurement=[{"person_id": 7, "measurement_concept_id": 1, "value_as_number": 1}])
    (tmp_path / "person.csv").unlink()
    with pytest.raises(ScreeningError, match=r"no person\.csv"):
        read_clinical(tmp_path, resolve)


def below(ancestor, descendant, levels):
    return {"ancestor_concept_id": ancestor, "descendant_concept_id": descendant,
            "min_levels_of_separation": levels, "max_levels_of_separation": levels}  # fmt: skip


# Infarction and diabetes (listed), gestational diabetes (listed as nothing), vascular disease of
# which a list says that what stands below it does not count.
TREE = [
    below(4329847, 1001, 2),
    below(315286, 1001, 3),
    below(4329847, 1002, 0),
    below(201820, 1003, 2),
    below(555, 1003, 1),
    below(321052, 1004, 1),
    below(777, 1005, 1),
    below("CANARY", 1005, "x"),
]


@pytest.mark.parametrize("turned", [False, True])
def test_what_stands_below_a_listed_concept_counts_as_the_nearest(omop, turned):
    facts = [
        {"person_id": 7, "condition_concept_id": n, "condition_start_date": "2024-05-06"}
        for n in (1001, 1002, 1003, 1004, 1005)
    ]
    gestational = {"concept_id": 555, "concept_name": "Gestational diabetes",
                   "vocabulary_id": "SNOMED", "concept_code": "11687002"}  # fmt: skip
    tables = omop(
        condition_occurrence=facts,
        concept=[gestational],
        concept_ancestor=TREE[::-1] if turned else TREE,
    )
    assert tables.event["concept"].to_pylist() == ["myocardial_infarction"]
    assert tables.event["code"].to_pylist() == ["22298006"]


def test_a_listed_concept_stays_what_it_is_below_another(omop):
    fact = {"person_id": 7, "condition_concept_id": 443454, "condition_start_date": "2024-05-06"}
    tables = omop(condition_occurrence=[fact], concept_ancestor=[below(4329847, 443454, 1)])
    assert tables.event["concept"].to_pylist() == ["ischaemic_stroke"]
