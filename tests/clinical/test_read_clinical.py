"""What a site sees when it hands over its clinical tables."""

from datetime import date, datetime

import pyarrow as pa
import pytest
from clinical_tables import ALICE, BOB, COLUMNS, STRANGER, refused, resolve, write
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from screening.clinical import read_clinical
from screening.errors import ScreeningError
from screening.reasons import Reason
from screening.tables import CLINICAL_REJECTIONS, EVENT, OBSERVATION, PERSON, POLICY


def observe(clinical, *rows):
    """Each row: code, value, unit; read together with a good one so that units are known."""
    good = ("A1", "8480-6", "120", "mm[Hg]", "2020-01-01")
    dated = [("A1", *row, "2025-06-01") for row in rows]
    return clinical(observation=[good, *dated])


def values(tables):
    return {
        (r["concept"], round(r["value"], 2))
        for r in tables.observation.to_pylist()
        if r["effective_on"] == date(2025, 6, 1)
    }


def test_schemas_and_people(clinical):
    tables = clinical()
    alive = {"death_date": None, "is_deceased": False}
    dead = {"death_date": date(2026, 3, 1), "is_deceased": True}
    assert tables.person.to_pylist() == [
        {"person_key": "alice", "sex": "F", "race": "white", **alive},
        {"person_key": "bob", "sex": "M", "race": "black", **dead},
    ]
    assert tables.birth_dates.to_pylist() == [
        {"person_key": "alice", "birth_date": date(1960, 2, 29)},
        {"person_key": "bob", "birth_date": date(1950, 1, 1)},
    ]
    for table, declared in (
        (tables.person, PERSON),
        (tables.observation, OBSERVATION),
        (tables.event, EVENT),
        (tables.policy, POLICY),
        (tables.rejections, CLINICAL_REJECTIONS),
    ):
        assert table.schema == declared.schema
    assert refused(tables, "person") == {("no_scan", "person without a scan"): 1}


def test_parquet_with_typed_columns_gives_the_same(tmp_path):
    rows = [dict(zip(COLUMNS["person"].split(), ALICE, strict=True))]
    people = pa.Table.from_pylist(rows)
    people = people.set_column(3, "birth_date", pa.array([date(1960, 2, 29)]))
    people = people.set_column(6, "death_date", pa.array([None], pa.date32()))
    parquet.write_table(people, tmp_path / "person.parquet")
    observations = pa.table(
        {
            "mrn": pa.array(["A1"]).dictionary_encode(),
            "code": ["2093-3"],
            "value": [213.5],
            "unit": ["mg/dL"],
            "effective_at": pa.array([datetime(2025, 6, 1, 10)], pa.timestamp("us", tz="UTC")),
        }
    )
    parquet.write_table(observations, tmp_path / "observation.parquet")
    tables = read_clinical(tmp_path, resolve)
    assert tables.birth_dates["birth_date"].to_pylist() == [date(1960, 2, 29)]
    assert values(tables) == {("total_cholesterol_mg_dl", 213.5)}


@pytest.mark.parametrize(
    ("code", "value", "unit", "expected"),
    [
        ("2093-3", "213", "mg/dL", ("total_cholesterol_mg_dl", 213.0)),
        ("14647-2", "5.2", "mmol/L", ("total_cholesterol_mg_dl", 201.08)),
        ("2093-3", "5.2", "mmol/l", ("total_cholesterol_mg_dl", 201.08)),
        ("LOINC:2085-9", "1.3", "mmol/L", ("hdl_cholesterol_mg_dl", 50.27)),
        ("2085-9", "0.5", "g/L", ("hdl_cholesterol_mg_dl", 50.0)),
        ("8480-6", "18", "kPa", ("systolic_bp_mmhg", 135.01)),
        ("8480-6", "135", "mm Hg", ("systolic_bp_mmhg", 135.0)),
        ("39156-5", "27", "kg/m2", ("bmi_kg_m2", 27.0)),
        ("72166-2", "449868002", "", ("smoker", 1.0)),
        ("72166-2", "LA18978-9", "", ("smoker", 0.0)),
        ("72166-2", "Former Smoker", "", ("smoker", 0.0)),
        ("72166-2", "1", "", ("smoker", 1.0)),
    ],
)
def test_units_and_answers_become_canonical(clinical, code, value, unit, expected):
    assert values(observe(clinical, (code, value, unit))) == {expected}


@pytest.mark.parametrize(
    ("code", "value", "unit", "reason"),
    [
        ("2093-3", "5.2", "mg/dL", Reason.UNIT_SUSPECT),
        ("2093-3", "200", "mmol/L", Reason.UNIT_SUSPECT),
        ("2093-3", "49.9", "mg/dL", Reason.UNIT_SUSPECT),
        ("2093-3", "50", "mg/dL", None),
        ("2093-3", "1000", "mg/dL", None),
        ("2093-3", "1000.1", "mg/dL", Reason.UNIT_SUSPECT),
        ("2085-9", "1.3", "mg/dL", Reason.UNIT_SUSPECT),
        ("8480-6", "18", "mm[Hg]", Reason.UNIT_SUSPECT),
        ("2093-3", "200", "", Reason.UNIT_UNKNOWN),
        ("2093-3", "200", "mm[Hg]", Reason.UNIT_UNKNOWN),
        ("2093-3", "<50", "mg/dL", Reason.BAD_VALUE),
        ("2093-3", "1,50", "mg/dL", Reason.BAD_VALUE),
        ("2093-3", "", "mg/dL", Reason.BAD_VALUE),
        ("2093-3", "nan", "mg/dL", Reason.BAD_VALUE),
        ("72166-2", "sometimes", "", Reason.BAD_VALUE),
        ("72166-2", "266927001", "", Reason.CODE_NOT_USED),
        ("72166-2", "LA18979-7", "", Reason.CODE_NOT_USED),
        ("72166-2", "LA18980-5", "", Reason.CODE_NOT_USED),
        ("9999-9", "1", "mg/dL", Reason.CODE_NOT_USED),
    ],
)
def test_values_that_cannot_be_trusted_are_refused_with_a_reason(
    clinical, code, value, unit, reason
):
    tables = observe(clinical, (code, value, unit))
    assert [r for r, _ in refused(tables, "observation")] == ([reason] if reason else [])
    assert bool(values(tables)) is (reason is None)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2025-06-01", date(2025, 6, 1)),
        ("20250601", date(2025, 6, 1)),
        ("2025-06-01T23:59:00+02:00", date(2025, 6, 1)),
        ("2024-02-29 08:00", date(2024, 2, 29)),
        ("2025-02-29", None),
        ("2025-13-01", None),
        ("01/06/2025", None),
        ("2025-06", None),
        ("", None),
        ("1700-01-01", None),
    ],
)
def test_dates_are_read_or_refused_never_guessed(clinical, text, day):
    tables = clinical(observation=[("A1", "8480-6", "120", "mm[Hg]", text)])
    assert tables.observation["effective_on"].to_pylist() == ([day] if day else [])
    assert refused(tables, "observation") == ({} if day else {("bad_value", "effective_at"): 1})


def test_policies_are_honoured_in_doubt(clinical):
    tables = clinical(
        person=[ALICE, BOB, ("s", "G", "C3", "", "F", "", ""), ("s", "H", "C3", "", "M", "", "")],
        person_policy=[
            ("A1", "opt_out_research", "2025-01-01"),
            ("A1", "opt_out_research", "2024-01-01"),
            ("B2", "please do not", "soon"),
            ("C3", "opt_out_all", "2025-01-01"),
            ("Z9", "opt_out_all", "2025-01-01"),
        ],
    )
    assert tables.policy.to_pylist() == [
        {"person_key": "alice", "scope": "opt_out_research", "valid_from": date(2024, 1, 1)},
        {"person_key": "bob", "scope": "opt_out_all", "valid_from": None},
        {"person_key": "carol", "scope": "opt_out_all", "valid_from": date(2025, 1, 1)},
        {"person_key": "conrad", "scope": "opt_out_all", "valid_from": date(2025, 1, 1)},
    ]


def test_a_wish_holds_for_who_has_a_scan_but_no_row_in_the_person_table(clinical):
    wishes = [("B2", "opt_out_all", "2020-01-01"), ("Z9", "opt_out_all", "2020-01-01")]
    tables = clinical(person=[ALICE], person_policy=wishes)
    assert tables.policy["person_key"].to_pylist() == ["bob"]
    assert refused(tables, "person_policy") == {("no_scan", "no scan"): 1}


def test_an_mrn_of_several_people_belongs_to_nobody(clinical):
    tables = clinical(
        person=[ALICE, ("s", "G", "C3", "", "F", "", ""), ("s", "H", "C3", "", "M", "", "")],
        condition=[("C3", "I21.0", "2024-01-01"), ("A1", "I21.0", "2024-01-01")],
    )
    assert tables.person["person_key"].to_pylist() == ["alice"]
    assert tables.ambiguous["person_key"].to_pylist() == ["carol", "conrad"]
    assert tables.event["person_key"].to_pylist() == ["alice"]
    assert refused(tables, "condition") == {("identity_conflict", "mrn of several people"): 1}
    # A namesake number of somebody without a scan makes it just as ambiguous.
    tables = clinical(
        person=[ALICE, ("s", "OTHER", "A1", "", "M", "", "")],
        condition=[("A1", "I21.0", "2024-01-01")],
    )
    assert tables.event.num_rows == 0


@pytest.mark.parametrize(
    ("written", "other", "is_same"),
    [("00123", "123", True), ("a 1", "A1", True), ("0A1", "A1", False), ("000", "0", True)],
)
def test_numbers_are_joined_as_the_vault_compares_them(tmp_path, written, other, is_same):
    write(
        tmp_path,
        person=[("s", "H", written, "", "F", "", "")],
        condition=[(other, "I21.0", "2024-01-01")],
    )
    tables = read_clinical(tmp_path, lambda t: pa.array(["key"] * t.num_rows))
    assert tables.event.num_rows == int(is_same)


def test_contradicting_rows_of_one_person_leave_the_field_empty(clinical):
    tables = clinical(person=[ALICE, ("s", "H", "A1", "1960-02-29", "M", "white", "")])
    (alice,) = tables.person.to_pylist()
    assert (alice["sex"], alice["race"]) == ("", "white")
    assert refused(tables, "person") == {("identity_conflict", "sex differs"): 1}
    tables = clinical(person=[ALICE, ALICE])
    assert refused(tables, "person") == {("duplicate_row", "same person again"): 1}
    assert tables.person["sex"].to_pylist() == ["F"]


@pytest.mark.parametrize(
    ("number", "birth", "sex", "death", "is_one"),
    [
        # The same number: one field may be a slip of the pen.
        ("80", "1990-01-01", "M", "", False),
        ("80", "1990-01-01", "F", "", True),
        ("80", "1960-11-30", "M", "", True),
        ("80", "1960-02-29", "F", "2015-01-01", True),
        # A padded one: none may.
        ("0080", "1990-01-01", "F", "", False),
        ("0080", "1961-02-28", "F", "", False),
        ("0080", "1960-11-30", "M", "", False),
        ("0080", "1960", "F", "2015-01-01", False),
        ("0080", "", "F", "deceased", False),
        ("0080", "1960-02-29", "F", "", True),
        ("0080", "1960-11-30", "F", "", False),
        ("0080", "1960-11", "F", "", True),  # a month is no day
        ("0080", "1960", "F", "", True),
        ("0080", "", "", "", True),
        (" 80", "1990-01-01", "F", "", True),  # a blank is no zero
    ],
)
def test_who_differs_twice_under_one_number_is_another_person(
    tmp_path, number, birth, sex, death, is_one
):
    write(
        tmp_path,
        person=[
            ("s", "H", "80", "1960-02-29", "F", "white", ""),
            ("s", "H", number, birth, sex, "", death),
        ],
        condition=[(number, "I21.0", "2024-01-01")],
        observation=[("80", "2093-3", "200", "mg/dL", "2024-01-01")],
        report_text=[("80", "x", "Agatston score: 120.", "2024-01-01")],
        person_policy=[("80", "opt_out_all", "2025-01-01")],
    )
    tables = read_clinical(tmp_path, lambda t: pa.array(["key"] * t.num_rows))
    assert (tables.event.num_rows > 0) == (tables.observation.num_rows > 0) == is_one
    assert tables.person.num_rows == int(is_one)
    assert tables.ambiguous["person_key"].to_pylist() == ([] if is_one else ["key"])
    torn = ("identity_conflict", "two people under one number")
    assert refused(tables, "person").get(torn, 0) == (0 if is_one else 2)
    assert (
        refused(tables, "condition") == {("identity_conflict", "mrn of several people"): 1}
    ) != is_one
    # A wish is honoured in doubt.
    assert tables.policy["person_key"].to_pylist() == ["key"]


def test_who_may_be_dead_has_no_usable_record(clinical):
    tables = clinical(person=[(*ALICE[:6], "spring 2025"), BOB])
    assert tables.person["person_key"].to_pylist() == ["bob"]
    assert refused(tables, "person") == {("bad_value", "death_date"): 1}


def test_missing_columns_unreadable_files_and_units_are_one_clear_line(tmp_path, clinical):
    with pytest.raises(ScreeningError, match=r"person\.csv nor person\.parquet"):
        read_clinical(tmp_path, resolve)
    with pytest.raises(ScreeningError, match="folder is not there"):
        read_clinical(tmp_path / "nowhere", resolve)
    with pytest.raises(ScreeningError, match="not one of 2 measured values has a known unit"):
        clinical(
            observation=[
                ("A1", "2093-3", "200", "furlong", "2025-01-01"),
                ("Q", "8480-6", "120", "", "2025-01-01"),
                ("A1", "72166-2", "never", "", "2025-01-01"),
            ]
        )
    (tmp_path / "observation.csv").write_text("mrn,code,when\nDOE-JANE,1,2\n", encoding="utf-8")
    with pytest.raises(ScreeningError) as caught:
        read_clinical(tmp_path, resolve)
    line = str(caught.value)
    assert "observation.csv: missing columns value, unit, effective_at; expected mrn" in line
    for content in (b"mrn,code\nDOE-JANE,1,2,3\n", b"", b"mrn,code\n\xff\xfe,1\n"):
        (tmp_path / "observation.csv").write_bytes(content)
        with pytest.raises(ScreeningError) as caught:
            read_clinical(tmp_path, resolve)
        assert "DOE" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_nothing_but_birth_dates_carries_what_the_site_wrote_about_identity(clinical):
    name = "CANARY Jane"
    tables = clinical(
        person=[("s", "H", "A1", name, name, name, "")],
        observation=[
            ("A1", "2093-3", name, "mg/dL", "2025-01-01"),
            ("A1", "2093-3", "200", name, "2025-01-01"),
            ("A1", "2093-3", "200", "mg/dL", name),
            ("A1", name, "200", "mg/dL", "2025-01-01"),
        ],
        condition=[("A1", f"{name}|I21.0", "2025-01-01"), ("A1", f"I21.0 {name}", name)],
        medication=[("A1", "83367", name, name)],
        report_text=[("A1", name, f"{name}: Agatston score of 5", name)],
        person_policy=[("A1", name, name)],
    )
    for table in (
        tables.person,
        tables.observation,
        tables.event,
        tables.policy,
        tables.rejections,
    ):
        assert "canary" not in str(table.to_pylist()).lower()
    assert tables.birth_dates.num_rows == 0


cells = {
    "mrn": st.sampled_from(["A1", "b2 ", "C3", "Z9", "Q", ""]),
    "code": st.sampled_from(["2093-3", "8480-6", "72166-2", "1-1", ""]),
    "value": st.sampled_from(["120", "5", "never", "x", ""]),
    "unit": st.sampled_from(["mg/dL", "mmol/L", "mm[Hg]", "?", ""]),
    "effective_at": st.sampled_from(["2025-01-01", "2025-01-02T03:04", "bad", ""]),
}


@settings(deadline=None)
@given(rows=st.lists(st.tuples(*cells.values()), max_size=12), seed=st.randoms())
def test_in_is_kept_plus_refused_in_any_order(tmp_path_factory, rows, seed):
    rows = [("A1", "8480-6", "120", "mmHg", "2020-01-01"), *rows]
    shuffled = seed.sample(rows, len(rows))
    both = []
    for order in (rows, shuffled):
        folder = tmp_path_factory.mktemp("clinical")
        write(folder, person=[ALICE, BOB, STRANGER], observation=order)
        both.append(read_clinical(folder, resolve))
    straight, other = both
    assert straight.observation.equals(other.observation)
    assert straight.rejections.equals(other.rejections)
    n_refused = sum(r["n"] for r in straight.rejections.to_pylist() if r["source"] == "observation")
    assert straight.observation.num_rows + n_refused == len(rows)
    keys = straight.observation.select(list(OBSERVATION.key)).to_pylist()
    assert len({tuple(k.values()) for k in keys}) == len(keys)
    reasons = {r["reason"] for r in straight.rejections.to_pylist()}
    assert reasons <= {r.value for r in Reason}


@pytest.mark.parametrize(
    ("stops", "expected"),
    [
        (("", "2024-03-01"), None),
        (("2024-03-01", "2024-09-01", "2024-05-01"), date(2024, 9, 1)),
    ],
)
@pytest.mark.parametrize("code", ["C10AA05", "C09AA05"])
@pytest.mark.parametrize("start", ["2024-03-01", "2024", ""])
@pytest.mark.parametrize("turned", [False, True])
def test_of_two_packs_begun_on_one_day_the_one_that_goes_on_counts(
    clinical, stops, expected, code, start, turned
):
    rows = [("A1", code, start, stop) for stop in (stops[::-1] if turned else stops)]
    tables = clinical(medication=rows)
    assert tables.event["stopped_on"].to_pylist() == [expected]
    counted = {("duplicate_row", "same fact again"): len(stops) - 1}
    assert refused(tables, "medication") == counted


def test_of_two_packs_that_go_on_the_stronger_counts(tmp_path):
    (tmp_path / "person.csv").write_text(",".join(COLUMNS["person"].split()) + "\ns,H,A1,,F,,\n")
    doses = "".join(f"A1,C10AA05,2024-03-01,,{mg}\n" for mg in ("", "10", "80", "20"))
    (tmp_path / "medication.csv").write_text(f"mrn,code,start_at,stop_at,daily_dose_mg\n{doses}")
    tables = read_clinical(tmp_path, resolve)
    assert tables.event["intensity"].to_pylist() == ["high"]


@pytest.mark.parametrize("ends", [("", "2024-03-02"), ("2024-03-02", "2024-03-09")])
def test_of_two_stays_from_one_day_on_the_longer_counts(tmp_path, ends):
    (tmp_path / "person.csv").write_text(",".join(COLUMNS["person"].split()) + "\ns,H,A1,,F,,\n")
    stays = "".join(f"A1,V3ACT|IMP,2024-03-01,{end}\n" for end in ends)
    (tmp_path / "procedure.csv").write_text(f"mrn,code,performed_at,ended_at\n{stays}")
    stopped = read_clinical(tmp_path, resolve).event["stopped_on"].to_pylist()
    assert stopped == [None if "" in ends else date(2024, 3, 9)]
