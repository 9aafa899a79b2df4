"""Files as spreadsheets and sites really write them."""

import shutil
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from clinical_tables import ALICE, BOB, COLUMNS, refused, resolve, write

from screening.clinical import codes, read_clinical, without_impossible_births
from screening.config import ClinicalSettings
from screening.errors import ScreeningError

CUT = "the last row has no line end and is not whole"
LISTS = Path(codes.__file__).parent / "codes"


def rows(separator, *cells):
    return "".join(separator.join(row) + "\r\n" for row in cells)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_separators_and_byte_order_marks(tmp_path, separator, encoding):
    people = rows(separator, COLUMNS["person"].split(), ALICE, BOB)
    (tmp_path / "person.csv").write_text(people, encoding=encoding)
    tables = read_clinical(tmp_path, resolve)
    assert tables.person["sex"].to_pylist() == ["F", "M"]


def test_text_that_is_not_unicode_is_refused_by_name(tmp_path):
    people = rows(",", COLUMNS["person"].split(), (*ALICE[:5], "weiß", ""))
    (tmp_path / "person.csv").write_text(people, encoding="latin-1")
    with pytest.raises(ScreeningError, match=r"person\.csv: cannot be read as csv in UTF-8"):
        read_clinical(tmp_path, resolve)


def test_a_file_cut_in_the_middle_of_a_row_loses_that_row_and_says_so(tmp_path):
    write(tmp_path, person=[ALICE, BOB])
    facts = rows(",", COLUMNS["condition"].split(), ("A1", "I21.0", "2024-01-01"), ("B2", "I2"))
    (tmp_path / "condition.csv").write_text(facts.rstrip())
    tables = read_clinical(tmp_path, resolve)
    assert tables.event["person_key"].to_pylist() == ["alice"]
    assert refused(tables, "condition") == {("cut_short", CUT): 1}
    (tmp_path / "condition.csv").write_text(facts)
    tables = read_clinical(tmp_path, resolve)
    assert refused(tables, "condition") == {("cut_short", "row with too many or too few cells"): 1}


DAYS = ("2024-01-01", "2024-02-11T07:30:00", "2024-03-21")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("n_cut", range(1, 11))
def test_a_last_date_cut_in_its_middle_is_not_read_as_a_month_or_a_year(
    tmp_path, encoding, end, n_cut
):
    write(tmp_path, person=[ALICE, BOB])
    facts = rows(",", COLUMNS["condition"].split(), *(("A1", "I21.0", day) for day in DAYS))
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    text = mark + facts.replace("\r\n", end)[: -len(end) - n_cut]
    (tmp_path / "condition.csv").write_bytes(text.encode(encoding))
    tables = read_clinical(tmp_path, resolve)
    assert [str(day) for day in tables.event["started_on"].to_pylist()] == [DAYS[0], DAYS[1][:10]]
    assert refused(tables, "condition") == {("cut_short", CUT): 1}


def test_a_whole_last_row_without_a_line_end_is_taken(tmp_path):
    """Some programs write none; nor is a month among days, or an empty cell among such, a cut."""
    write(tmp_path, person=[ALICE, BOB])
    for days in (
        DAYS,
        DAYS[:1],
        ("2024-02", "2024-01-01", "2024-03"),
        ("2024-01-01", "", "2024-03-01", ""),
        ("2024-01-01", "2024-01-01T07:30:00"),
    ):
        facts = rows(",", COLUMNS["condition"].split(), *(("A1", "I21.0", day) for day in days))
        (tmp_path / "condition.csv").write_text(facts.rstrip("\r\n"))
        tables = read_clinical(tmp_path, resolve)
        assert not any(reason == "cut_short" for reason, _ in refused(tables, "condition"))
    (tmp_path / "condition.csv").write_text("mrn,code,onset_at\nA1,I21.0,2024-01\n")
    assert read_clinical(tmp_path, resolve).event.num_rows == 1


def test_rows_are_counted_as_handed_over_whoever_they_speak_of(tmp_path):
    write(tmp_path, person=[ALICE, BOB], condition=[("A1", "?", ""), ("nobody", "I21", "x")])
    with (tmp_path / "condition.csv").open("a") as file:
        file.write("A1,I2")
    (tmp_path / "procedure.csv").write_text("mrn,code,performed_at")
    given = {g.table: g.n_rows for g in read_clinical(tmp_path, resolve).given}
    assert given == {"person": 2, "condition": 3, "procedure": 0}


def test_a_file_of_no_byte_is_refused_by_name(tmp_path):
    write(tmp_path, person=[ALICE])
    (tmp_path / "condition.csv").touch()
    with pytest.raises(ScreeningError, match=r"condition\.csv: the file is empty; write it again"):
        read_clinical(tmp_path, resolve)


def test_decimal_commas_are_read_where_the_site_says_so(tmp_path):
    write(tmp_path, person=[ALICE])
    facts = rows(
        ";", COLUMNS["observation"].split(), ("A1", "2093-3", "5,2", "mmol/L", "2025-06-01")
    )
    (tmp_path / "observation.csv").write_text(facts)
    assert read_clinical(tmp_path, resolve).observation.num_rows == 0
    tables = read_clinical(tmp_path, resolve, ClinicalSettings(decimal=","))
    assert [round(v, 2) for v in tables.observation["value"].to_pylist()] == [201.08]


def test_a_site_names_its_own_columns(tmp_path):
    write(tmp_path, person=[ALICE])
    text = (tmp_path / "person.csv").read_text().replace("mrn", "PAT_ID").replace("sex", "Gender")
    (tmp_path / "person.csv").write_text(text)
    settings = ClinicalSettings(columns={"person": {"mrn": "PAT_ID", "sex": "gender"}})
    assert read_clinical(tmp_path, resolve, settings).person["sex"].to_pylist() == ["F"]
    with pytest.raises(ScreeningError, match="missing columns mrn, sex"):
        read_clinical(tmp_path, resolve)
    for wrong, says in (({"people": {}}, "people is no clinical table"),
                        ({"person": {"mrm": "x"}}, r"person\.mrm is no column")):  # fmt: skip
        with pytest.raises(ScreeningError, match=says):
            read_clinical(tmp_path, resolve, ClinicalSettings(columns=wrong))


def test_a_site_keeps_its_own_code_lists(tmp_path):
    folder, own = tmp_path / "clinical", tmp_path / "codes"
    folder.mkdir()
    own.mkdir()
    write(folder, person=[ALICE], condition=[("A1", "LOCAL7", "2024-01-01"), ("A1", "E11", "")])
    settings = ClinicalSettings(codes=str(own))
    assert read_clinical(folder, resolve, settings).event["concept"].to_pylist() == ["diabetes"]
    shutil.copy(LISTS / "conditions.csv", own)
    with (own / "conditions.csv").open("a") as file:
        file.write("myocardial_infarction,LOCAL,exact,LOCAL7,,our own\n")
    codes.load_codes.cache_clear()
    tables = read_clinical(folder, resolve, settings)
    assert tables.event["concept"].to_pylist() == ["diabetes", "myocardial_infarction"]
    (own / "condition.csv").write_text("concept\n")
    codes.load_codes.cache_clear()
    with pytest.raises(ScreeningError, match=r"condition\.csv in clinical\.codes is no list"):
        read_clinical(folder, resolve, settings)
    with pytest.raises(ScreeningError, match="no folder of code lists"):
        read_clinical(folder, resolve, ClinicalSettings(codes=str(tmp_path / "no")))


def test_where_rows_name_the_issuer_two_people_may_share_a_number(tmp_path):
    write(
        tmp_path,
        person=[ALICE, ("s", "G", "C3", "", "F", "", ""), ("s", "H", "C3", "", "M", "", "")],
    )
    facts = rows(",", ("mrn", "code", "onset_at", "issuer"), ("C3", "I21.0", "2024-01-01", "h"))
    (tmp_path / "condition.csv").write_text(facts)
    tables = read_clinical(tmp_path, resolve)
    assert tables.person["person_key"].to_pylist() == ["alice", "carol", "conrad"]
    assert tables.event["person_key"].to_pylist() == ["conrad"]


def test_a_birth_after_death_is_none(tmp_path):
    write(tmp_path, person=[(*ALICE[:6], "1950-01-01"), BOB])
    tables = read_clinical(tmp_path, resolve)
    assert tables.birth_dates["person_key"].to_pylist() == ["bob"]
    assert refused(tables, "person") == {
        ("bad_value", "birth_date after death_date, kept without"): 1
    }


def test_a_sites_list_of_formal_scores(tmp_path):
    listed = [("A1", "120", "2020-01-01"), ("B2", "", ""), ("A1", "-3", "2021-01-01")]
    write(tmp_path, person=[ALICE, BOB])
    (tmp_path / "formal_score.csv").write_text(rows(",", ("mrn", "agatston", "at"), *listed))
    tables = read_clinical(tmp_path, resolve)
    assert [(e["person_key"], e["code"]) for e in tables.event.to_pylist()] == [
        ("alice", "site_list"), ("alice", "site_list"), ("bob", "site_list")
    ]  # fmt: skip
    assert tables.observation["value"].to_pylist() == [120.0]
    assert refused(tables, "formal_score") == {("bad_value", "agatston, kept without"): 1}


NOBODY = pa.table(
    {"person_key": pa.array([], pa.string()), "birth_date": pa.array([], pa.date32())}
)


def test_a_birth_after_the_scan_or_110_years_before_it_is_counted_and_left_out(tmp_path):
    write(tmp_path, person=[ALICE, BOB])
    read = read_clinical(tmp_path, resolve)

    def births(*days):
        keys = ["alice"] * len(days)
        dates = pa.array([date.fromisoformat(d) for d in days] + [None], pa.date32())
        scans = pa.table({"person_key": [*keys, "bob"], "index_date": dates})
        kept = without_impossible_births(read, scans, date(2100, 1, 1), NOBODY)
        n = sum(refused(kept, "person").values()) - sum(refused(read, "person").values())
        return kept.birth_dates["person_key"].to_pylist(), n

    assert births("1960-02-29") == (["alice", "bob"], 0)
    assert births("1960-02-28") == (["bob"], 1)
    assert births("2000-01-01", "1960-02-28") == (["bob"], 1)
    assert births("2070-02-28") == (["alice", "bob"], 0)
    assert births("2070-03-31") == (["bob"], 1)
    assert births() == (["alice", "bob"], 0)


def test_a_birth_after_the_day_of_the_list_is_counted_and_left_out(tmp_path):
    write(tmp_path, person=[ALICE, BOB])
    read = read_clinical(tmp_path, resolve)
    nobody = pa.table(
        {"person_key": pa.array([], pa.string()), "index_date": pa.array([], pa.date32())}
    )
    for day, left in ((date(1960, 2, 29), ["alice", "bob"]), (date(1960, 2, 28), ["bob"])):
        kept = without_impossible_births(read, nobody, day, NOBODY)
        assert kept.birth_dates["person_key"].to_pylist() == left
    assert (
        refused(kept, "person")["bad_value", "birth_date: after the day of the list, kept without"]
        == 1
    )


@pytest.mark.parametrize(
    ("header", "is_kept"),
    [
        ("1960-02-28", True),  # slips of the pen: the record is believed
        ("1970-02-28", True),
        ("1950-02-28", True),
        ("1971-02-28", False),
        ("1949-01-28", False),
        ("2015-06-01", False),
        ("1900-01-01", True),  # nobody's birth, from which the scanner reckons 120 years
        (None, True),
    ],
)
def test_a_birth_decades_from_what_the_headers_tell_twice_is_left_out(tmp_path, header, is_kept):
    write(tmp_path, person=[ALICE, BOB])
    read = read_clinical(tmp_path, resolve)
    scans = pa.table({"person_key": ["alice", "bob"], "index_date": [date(2020, 5, 1)] * 2})
    days = [date.fromisoformat(header)] if header else []
    told = pa.table([["alice"] * len(days), days], schema=NOBODY.schema)
    kept = without_impossible_births(read, scans, date(2026, 1, 1), told)
    assert kept.birth_dates["person_key"].to_pylist() == ["alice", "bob"][not is_kept :]
    what = (
        "birth_date: more than 10 years from the one that a scan's headers tell and their "
        "PatientAge confirms, kept without"
    )
    assert refused(kept, "person").get(("bad_value", what), 0) == (not is_kept)


TOTAL, HDL, EGFR = "2093-3", "2085-9", "98979-8"


# Both sides of each edge; beside each the same value in the unit in which it is ordinary.
@pytest.mark.parametrize(
    ("code", "text", "unit", "is_taken"),
    [
        (TOTAL, "2.0", "mmol/L", False),
        (TOTAL, "2.58", "mmol/L", False),
        (TOTAL, "2.59", "mmol/L", True),
        (TOTAL, "2.0", "g/L", True),
        (TOTAL, "5.2", "g/L", False),
        (TOTAL, "4.00", "g/L", False),
        (TOTAL, "3.99", "g/L", True),
        (TOTAL, "8.2", "g/L", False),
        (TOTAL, "8.3", "g/L", True),  # 8.3 mmol/L is 321 mg/dL, no ordinary value either
        (TOTAL, "5.2", "mmol/L", True),
        (TOTAL, "77", "mg/dL", True),
        (HDL, "1.3", "g/L", False),
        (HDL, "1.00", "g/L", False),
        (HDL, "0.99", "g/L", True),
        (HDL, "1.3", "mmol/L", True),
        (HDL, "2.7", "mmol/L", True),
        (HDL, "0.5", "mmol/L", False),
        (HDL, "0.52", "mmol/L", True),
        (HDL, "0.5", "g/L", True),
        (HDL, "130", "mg/dL", True),
        (EGFR, "1.5", "mL/min/{1.73_m2}", False),
        (EGFR, "2.9", "mL/min/{1.73_m2}", False),
        (EGFR, "3", "mL/min/{1.73_m2}", True),
    ],
)
def test_a_rare_value_that_is_ordinary_in_another_unit_is_suspect(
    tmp_path, code, text, unit, is_taken
):
    write(tmp_path, person=[ALICE], observation=[("A1", code, text, unit, "2026-01-01")])
    read = read_clinical(tmp_path, resolve)
    assert read.observation.num_rows == is_taken
    reasons = [reason for reason, _ in refused(read, "observation")]
    assert reasons == ([] if is_taken else ["unit_suspect"])


@pytest.mark.parametrize(("scan", "n"), [("2026-03-01", 0), ("2026-03-02", 1)])
def test_a_death_before_a_scan_is_counted_and_stays_a_death(tmp_path, scan, n):
    write(tmp_path, person=[ALICE, BOB])  # Bob died on 1 March 2026
    read = read_clinical(tmp_path, resolve)
    days = [date(2020, 1, 1), date.fromisoformat(scan), date(2030, 1, 1), None]
    scans = pa.table(
        {"person_key": ["bob", "bob", "alice", "bob"], "index_date": pa.array(days, pa.date32())}
    )
    kept = without_impossible_births(read, scans, date(2100, 1, 1), NOBODY)
    says = "death_date: before a scan of the person, kept as deceased"
    assert refused(kept, "person").get(("identity_conflict", says), 0) == n
    assert kept.person.equals(read.person)
