"""A record under somebody's number that the scans' headers contradict."""

from datetime import date

import pyarrow as pa
import pytest
from clinical_tables import ALICE, BOB, refused, resolve, write

from screening.clinical import headers_of, read_clinical

SCANS = pa.schema(
    [("person_key", pa.string()), ("index_date", pa.date32()), ("age_said", pa.float64())]
)
BIRTHS = pa.schema([("person_key", pa.string()), ("birth_date", pa.date32())])
ANOTHER = ("identity_conflict", "another sex and year of birth than the scans' headers tell")
OTHER_SEX = ("identity_conflict", "sex: another than the scans' headers tell, neither used")


def told(sex="F", born="1960-02-29", age=None, on=date(2020, 6, 1)):
    """What the headers of Alice's scans tell; the record says F, 1960-02-29."""
    scans = pa.table([["alice"], [on], [age]], schema=SCANS)
    births = [date.fromisoformat(born)] if born else []
    table = pa.table([["alice"] * len(births), births], schema=BIRTHS)
    return headers_of({"alice": sex} if sex else {}, scans, table)


def read(folder, headers, alice=(ALICE,), **tables):
    given = {"condition": [("A1", "I21.9", "2020-01-01")], **tables}
    return read_clinical(write(folder, person=[*alice, BOB], **given), resolve, None, headers)


@pytest.mark.parametrize(
    ("headers", "is_another"),
    [
        (told(), False),
        (told("M", "1931-03-04"), True),
        (told("M", "1931-03-04", 89.0), True),
        (told("M", ""), False),  # nothing tells the year
        (told("M", "", 72.0), True),
        (told("M", "", 60.0), False),
        (told("M", "", 59.0), False),  # born in 1960 or 1961
        (told("M", "1931-03-04", 60.0), False),  # the headers' own age takes their birth back
        (told("M", "1900-01-01"), False),  # nobody's birth
        (told("M", "1900-01-01", 120.0), False),
        (told("M", "1900-01-01", 72.0), True),
        (told("M", "1931-03-04", None, None), True),  # a scan without a date
        (told("M", "", 72.0, None), False),
        (told("F", "1931-03-04"), False),  # the record's to correct, or `births.py`'s to refuse
        (told("", "1931-03-04"), False),
    ],
)
def test_a_record_that_differs_in_sex_and_year_of_birth_is_another_persons(
    tmp_path, headers, is_another
):
    wish = [("A1", "opt_out_research", "2024-01-01")]
    tables = read(tmp_path, headers, person_policy=wish)
    assert tables.ambiguous["person_key"].to_pylist() == ["alice"] * is_another
    assert tables.person["person_key"].to_pylist() == ["alice", "bob"][is_another:]
    assert tables.event.num_rows == (not is_another)
    assert "alice" in tables.policy["person_key"].to_pylist()  # a wish is honoured
    assert refused(tables, "person").get(ANOTHER, 0) == is_another
    counted = {("identity_conflict", "mrn of several people"): 1} if is_another else {}
    assert refused(tables, "condition") == counted


@pytest.mark.parametrize(
    ("rows", "is_another"),
    [
        ([("s", "H", "A1", "1960", "F", "white", "")], True),  # the year alone
        ([("s", "H", "A1", "", "F", "white", "")], False),
        ([("s", "H", "A1", "1960-02-29", "", "white", "")], False),
        ([ALICE, ("s", "H", "A1", "1960-02-29", "M", "white", "")], False),
        ([ALICE, ("s", "H", "A1", "1931-03-04", "F", "white", "")], False),
        (
            [("s", "H", "A1", "", "F", "white", ""), ("s", "H", "A1", "1960-02-29", "", "", "")],
            True,
        ),
    ],
)
def test_one_row_that_agrees_with_the_headers_is_enough(tmp_path, rows, is_another):
    tables = read(tmp_path, told("M", "1931-03-04"), rows)
    assert tables.ambiguous["person_key"].to_pylist() == ["alice"] * is_another


@pytest.mark.parametrize(("sex", "n"), [("M", 1), ("F", 0), ("", 0)])
def test_a_record_that_differs_in_sex_alone_is_counted(tmp_path, sex, n):
    tables = read(tmp_path, told(sex))
    assert refused(tables, "person").get(OTHER_SEX, 0) == n
    assert tables.person["person_key"].to_pylist() == ["alice", "bob"]
