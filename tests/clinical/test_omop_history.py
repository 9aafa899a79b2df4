"""Whose disease a row of OMOP's `observation` tells, and whether it tells one."""

import csv
from datetime import date

import pytest
from clinical_tables import refused, resolve

from screening.clinical import read_clinical

PERSON = {
    "person_id": 7, "gender_concept_id": 8532, "year_of_birth": 1960, "month_of_birth": 2,
    "day_of_birth": 28, "person_source_value": "A1^^^H",
}  # fmt: skip
ROW = {
    "person_id": 7, "observation_concept_id": 0, "observation_date": "2020-01-01",
    "observation_source_concept_id": 0, "observation_source_value": "", "value_as_number": "",
    "value_as_concept_id": 0, "value_as_string": "", "value_source_value": "",
}  # fmt: skip
# OHDSI's concepts (its file of ICD-10 mappings has the last three together).
EVENT, FINDING, PROCEDURE, FAMILY = 1340204, 4214956, 4215685, 4167217
INFARCTION, STROKE, DIABETES, ASTHMA, NO = 4329847, 443454, 201826, 317009, 4188540
MI, FAMILY_MI = "myocardial_infarction", "family_history_mi"


def concept(number, name, vocabulary="SNOMED", code="0"):
    return {
        "concept_id": number, "concept_name": name, "vocabulary_id": vocabulary,
        "concept_code": code,
    }  # fmt: skip


@pytest.fixture
def told(tmp_path):
    def read(row, **tables):
        given = {"person": [PERSON], "observation": [{**ROW, **row}], **tables}
        for name, rows in given.items():
            with (tmp_path / f"{name}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
        return read_clinical(tmp_path, resolve)

    return read


def of(kind, value=0, source="", **more):
    return {
        "observation_concept_id": kind, "value_as_concept_id": value,
        "observation_source_value": source, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "concepts"),
    [
        # What is past is the person's own.
        (of(EVENT, INFARCTION), [MI]),
        (of(FINDING, INFARCTION), [MI]),
        (of(FINDING, STROKE, "Z86.73"), ["ischaemic_stroke"]),
        (of(EVENT, DIABETES), ["diabetes"]),
        (of(EVENT, 0, "I21.9"), [MI]),
        (of(EVENT, 0, "local", value_source_value="I25.2"), [MI]),
        (of(EVENT, ASTHMA), []),
        (of(EVENT), []),
        # A code of ICD-10-CM that says itself what it is, under any concept.
        (of(0, 0, "I25.2"), [MI]),
        (of(4242, 0, "Z95.5"), ["coronary_stent"]),
        (of(4242, 0, "Z86.73"), ["transient_ischaemic_attack"]),
        (of(FAMILY, 0, "Z82.49"), [FAMILY_MI]),
        (of(0, 0, "Z82.49"), [FAMILY_MI]),
        (of(FAMILY, INFARCTION, "Z82.49"), [FAMILY_MI]),
        # A relative's is the relative's.
        (of(FAMILY, INFARCTION), [FAMILY_MI]),
        (of(FAMILY, 315286), [FAMILY_MI]),  # ischaemic heart disease, as Z82.49 says too
        (of(FAMILY, 0, "I21.9"), [FAMILY_MI]),
        (of(FAMILY, 0, "x", value_source_value="I21.9"), [FAMILY_MI]),
        (of(FAMILY, STROKE), []),
        (of(FAMILY, DIABETES), []),
        (of(FAMILY, 0, "I63.9"), []),
        (of(FAMILY, ASTHMA, "I63.9"), []),
        (of(0, 0, "266897007"), [FAMILY_MI]),  # SNOMED CT
        # Whose a code is under a concept that nobody knows, nobody can say.
        (of(4242, 0, "I21.9"), []),
        (of(4242, INFARCTION), []),
        # An answer of no.
        (of(4163874), [MI]),
        (of(4163874, 4188539), [MI]),
        (of(4163874, NO), []),
        (of(4163874, value_as_string=" No "), []),
        (of(EVENT, NO, "I21.9"), []),
        (of(FAMILY, NO, "Z82.49"), []),
    ],
)
def test_whose_disease_an_observation_tells(told, row, concepts):
    tables = told(row)
    assert tables.event["concept"].to_pylist() == concepts
    assert set(tables.event["started_on"].to_pylist()) <= {date(2020, 1, 1)}


@pytest.mark.parametrize(
    ("name", "concepts"),
    [
        ("Family history of heart disease", [FAMILY_MI]),
        ("FH: Cardiac disorder", [FAMILY_MI]),
        ("No family history of myocardial infarction", []),
        ("No history of myocardial infarction", []),
        ("No past history of procedure", []),
        ("Admission diagnosis", [MI]),
    ],
)
def test_a_concept_says_by_its_name_whose_disease_it_is(told, name, concepts):
    tables = told(of(4242, 0, "I21.9"), concept=[concept(4242, name)])
    assert tables.event["concept"].to_pylist() == concepts


@pytest.mark.parametrize(("above", "concepts"), [(FAMILY, [FAMILY_MI]), (FINDING, [MI])])
def test_what_stands_below_a_history_is_one(told, above, concepts):
    tree = {
        "ancestor_concept_id": above, "descendant_concept_id": 4242,
        "min_levels_of_separation": 2, "max_levels_of_separation": 2,
    }  # fmt: skip
    tables = told(of(4242, INFARCTION), concept_ancestor=[tree])
    assert tables.event["concept"].to_pylist() == concepts


@pytest.mark.parametrize(
    ("kind", "concepts"),
    [(PROCEDURE, ["coronary_bypass"]), (EVENT, ["coronary_bypass"]), (FAMILY, [])],
)
def test_a_procedure_of_the_past(told, kind, concepts):
    bypass = concept(4336464, "Coronary artery bypass graft", code="232717009")
    tables = told(of(kind, 4336464), concept=[bypass])
    assert tables.event["concept"].to_pylist() == concepts


@pytest.mark.parametrize(
    ("row", "concepts"),
    [
        (of(2614801, source="T2042"), ["palliative_care"]),
        (of(0, source="Q5001"), ["palliative_care"]),
        (of(2211330, source="75571"), ["formal_calcium_score"]),
        (of(FAMILY, source="33510"), []),
        (of(4242, source="232717009"), []),  # it may be a relative's
    ],
)
@pytest.mark.parametrize("is_listed", [True, False])
def test_a_procedure_that_is_its_own_concept(told, row, concepts, is_listed):
    known = [
        concept(2614801, "Hospice care", "HCPCS", "T2042"),
        concept(2211330, "CT of the heart for calcium", "CPT4", "75571"),
    ]
    tables = told(row, concept=known if is_listed else [concept(1, "x")])
    assert tables.event["concept"].to_pylist() == concepts
    assert sum(refused(tables, "observation").values()) == int(not concepts)


def test_a_procedure_by_a_concept_of_snomed_alone(told):
    bypass = concept(4336464, "Coronary artery bypass graft", code="232717009")
    tables = told(of(4336464), concept=[bypass])
    assert tables.event["concept"].to_pylist() == ["coronary_bypass"]
    assert told(of(4336464, NO), concept=[bypass]).event.num_rows == 0


@pytest.mark.parametrize("kind", [EVENT, FAMILY])
def test_a_value_that_is_no_history_tells_nothing(told, kind):
    tables = told(of(3012697, INFARCTION))
    assert tables.event.num_rows == 0


@pytest.mark.parametrize(
    ("row", "counts"),
    [
        (of(FAMILY, STROKE), {("code_not_used", "code_not_used"): 1}),
        (of(4242, 0, "I21.9"), {("code_not_used", "concept 4242 is not in CONCEPT"): 1}),
        (of(4163874, NO), {("void_record", "answered no"): 1}),
        (of(EVENT, INFARCTION), {}),
        (of(FAMILY, INFARCTION), {}),
    ],
)
def test_every_row_is_used_or_counted_once(told, row, counts):
    tables = told(row)
    found = refused(tables, "observation")
    assert found == counts
    assert tables.event.num_rows + sum(found.values()) == 1


ANSWERS = [
    concept(45878245, "No", "LOINC", "LA32-8"),
    concept(9189, "Negative"),
    concept(7001, "Never", "LOINC", "LA6270-8"),
    concept(7002, "Not present", "LOINC", "LA9634-2"),
    concept(7003, "Unknown", "LOINC", "LA4489-6"),
    concept(7004, "Prefer not to answer", "PPI", "PMI_PreferNotToAnswer"),
    concept(7005, "Severe"),
    concept(7007, "Yes", "PPI", "ConditionStatus_Yes"),
    concept(7006, "Ei", "LOINC", "LA32-8"),  # named in another language
]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        *(({"value_as_concept_id": n}, "answered no") for n in (45878245, 4132135, 9189)),
        *(({"value_as_concept_id": n}, "answered no") for n in (7001, 7002)),
        *(({"value_as_concept_id": n}, "answer not known") for n in (45877986, 7003, 7004, 99)),
        *(({"value_source_value": t}, "answered no") for t in ("No", "N", "denies MI")),
        *(({"value_source_value": t}, "answered no") for t in ("LA32-8", "SNOMED|373067005")),
        ({"value_as_concept_id": 7006}, "answered no"),
        *(
            ({"value_as_string": t}, "answered no")
            for t in (
                "N",
                "never",
                "not present",
                "Patient has never had one",
                "MI: absent",
                "Did not have one",
                "Doesn't have",
                "Chest pain, MI ruled out",
                "MI - absent",
            )
        ),
        *(
            ({"value_as_string": t}, "answer not known")
            for t in (
                "Unknown",
                "unsure",
                "don't know",
                "possible",
                "?",
                "n/a",
                "unlikely",
                "R/O MI",
                "MI, unlikely",
                "MI (suspected)",
                "Yes?",
                "Yes/No",
                "Told MI, not confirmed",
            )
        ),
        ({"value_as_concept_id": 45877994, "value_source_value": "N"}, "answered no"),
    ],
)
@pytest.mark.parametrize(
    "row", [of(4163874), of(0, source="Z95.1"), of(FAMILY, 0, "Z82.49"), of(0, source="75571")]
)
def test_who_answers_no_or_does_not_know_has_no_disease(told, row, answer, says):
    tables = told({**row, **answer}, concept=ANSWERS)
    is_open = row["observation_source_value"] == "Z82.49" and says == "answer not known"
    assert tables.event["concept"].to_pylist() == [f"{FAMILY_MI}_not_known"] * is_open
    assert refused(tables, "observation") == {("void_record", says): 1}


@pytest.mark.parametrize(
    ("row", "concepts"),
    [
        (of(DIABETES, source="E11.51"), ["diabetes_not_known"]),
        (of(FAMILY, INFARCTION), ["family_history_mi_not_known"]),
        (of(4163874), []),
    ],
)
def test_who_does_not_know_leaves_what_the_equations_ask_for_unknown(told, row, concepts):
    assert told({**row, "value_as_string": "unlikely"}).event["concept"].to_pylist() == concepts
    assert told({**row, "value_as_string": "no"}).event.num_rows == 0


@pytest.mark.parametrize("row", [of(4163874), of(0, source="Z95.1"), of(FAMILY, 0, "Z82.49")])
@pytest.mark.parametrize(
    "answer", [{"value_as_number": 0}, {"value_as_number": "0.0"}, {"value_source_value": "0"}]
)
def test_a_zero_answers_no(told, row, answer):
    tables = told({**row, **answer})
    assert tables.event.num_rows == 0
    assert refused(tables, "observation") == {("void_record", "answered no"): 1}


@pytest.mark.parametrize(
    "answer",
    [
        {"value_as_number": 0},
        {"value_as_number": "193.5"},
        {"value_as_string": "Score 12, contrast: none"},
        {"value_as_string": "0"},
        {"value_as_string": "No coronary calcium"},
        {"value_as_number": 0, "value_as_string": "CAC 0; no calcified plaque"},
    ],
)
def test_what_a_formal_score_came_to_is_no_answer(told, answer):
    tables = told(of(0, source="75571", **answer))
    assert tables.event["concept"].to_pylist() == ["formal_calcium_score"]
    assert not any(reason == "void_record" for reason, _ in refused(tables, "observation"))


YES = 4188539


@pytest.mark.parametrize(
    ("row", "concept"),
    [
        (of(4163874, value_as_string="Yes, date unknown"), MI),
        (of(DIABETES, source="E11.9", value_as_string="Yes, onset unknown"), "diabetes"),
        (of(4163874, YES, value_as_string="year unknown"), MI),
        (of(4163874, YES, value_as_string="unknown"), MI),
        (of(4163874, YES, value_as_string="no complications"), MI),
        (of(4163874, value_as_string="Yes - 2009 (LAD)"), MI),
        (of(4163874, value_as_string="STEMI 05/2009"), MI),
        (of(4163874, value_as_string="Heart attack in March 2009."), MI),
        (of(4163874, value_as_string="MI date unknown"), MI),
        (of(4163874, value_as_string="year unknown"), MI),  # when, and so that
        (of(4163874, value_as_number=2010), MI),
        (of(4163874, value_as_concept_id=7007), MI),
        (of(FAMILY, 0, "Z82.49", value_as_string="yes, age unknown"), FAMILY_MI),
        (of(0, source="T2042", value_as_string="Yes, since unknown date"), "palliative_care"),
    ],
)
def test_a_plain_yes_stands(told, row, concept):
    tables = told(row, concept=ANSWERS)
    assert tables.event["concept"].to_pylist() == [concept]
    assert refused(tables, "observation") == {}


UNPLAIN = (
    "Patient reports no MI", "Reports no history of MI", "without MI", "w/o MI", "Mother had MI",
    "Family history only", "Screening for MI", "Yes, but it was a false alarm", "Yes, mother",
    "Yes; complications: none", "Nope", "nil", "-", "MI (-)", "MI 0", "STEMI (LAD?)",
    "STEMI 2009, stent not placed", "confirmed by mother", "mi mother", "diabetes", "2", "9",
)  # fmt: skip


@pytest.mark.parametrize("answer", [*UNPLAIN, {"value_as_concept_id": 7005}])
@pytest.mark.parametrize(
    ("row", "left"),
    [
        (of(4163874), "answer_unclear"),
        (of(0, source="Z95.1"), "answer_unclear"),
        (of(PROCEDURE, 0, "92928"), "answer_unclear"),
        (of(DIABETES, source="E11.51"), "diabetes_not_known"),
        (of(FAMILY, 0, "Z82.49"), f"{FAMILY_MI}_not_known"),
    ],
)
def test_what_is_no_plain_yes_makes_nobody_ill_and_is_told(told, row, left, answer):
    given = answer if isinstance(answer, dict) else {"value_as_string": answer}
    tables = told({**row, **given}, concept=ANSWERS)
    assert tables.event["concept"].to_pylist() == [left]
    unclear = ("void_record", "answer that is no plain yes, not believed")
    assert refused(tables, "observation") == {unclear: 1}


@pytest.mark.parametrize("answer", ["Hinterwandinfarkt", "STEMI 2009, stent not placed"])
@pytest.mark.parametrize(("kind", "concepts"), [(EVENT, [MI]), (FAMILY, [FAMILY_MI])])
def test_beside_a_value_that_names_the_disease_by_its_code_words_are_details(
    told, kind, concepts, answer
):
    tables = told(of(kind, INFARCTION, value_as_string=answer))
    assert tables.event["concept"].to_pylist() == concepts
    kept = ("bad_value", "answer that no list knows beside a code, kept")
    assert refused(tables, "observation") == {kept: 1}


@pytest.mark.parametrize(
    "answer",
    [
        *({"value_as_concept_id": n} for n in (0, "", 4188539, 45877994, 9191)),
        *({"value_as_string": t} for t in ("", "Yes", "y", "true", "present", "NULL")),
        {"value_as_number": 1},
        {"value_source_value": "Z95.5"},
    ],
)
def test_no_answer_and_a_bare_yes_leave_the_disease(told, answer):
    tables = told({**of(4163874), **answer}, concept=ANSWERS)
    assert tables.event["concept"].to_pylist() == [MI]
    assert refused(tables, "observation") == {}
