"""The list as a file: its ending says what is written."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from night import Screening

from flows import show, show_lists
from flows.people import LISTS, list_format
from flows.show_lists import NAMES
from screening.errors import ScreeningError


def test_a_list_is_written_by_the_ending_of_its_name(
    screening: Screening, swept: Path, tmp_path: Path
) -> None:
    csv, js, parquet = (tmp_path / f"list.{end}" for end in ("csv", "JSON", "parquet"))
    for file in (csv, js, parquet):
        done = screening("flagged", "--lake", str(swept), "--out", str(file))
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        said = done.stderr.splitlines()
    people = pq.read_table(parquet)
    assert people.num_rows > 0
    assert f"{show.people(people.num_rows)} written to {parquet}" in said
    assert len(json.loads(js.read_text())) == people.num_rows
    assert csv.read_text().partition("\n")[0] == ",".join(people.column_names)


def test_every_list_has_a_name_and_is_printed(screening: Screening, swept: Path) -> None:
    assert tuple(LISTS) == NAMES
    for name in LISTS:
        done = screening("flagged", "--lake", str(swept), "--list", name)
        assert done.returncode == 0, done.stderr
        assert "not a medical device" in done.stdout


def test_one_person_is_one_person_and_an_unknown_sex_a_dash(capsys):
    row = {
        "person_key": "p_1", "tier": "cac_100", "agatston": 120.0, "percentile_text": "",
        "flag_risk": None, "age_years": None, "sex": "", "is_on_statin": None, "grade": "A",
        "doubtful_agatston": None,
        "index_date": "2026-06-01", "explanation": "", "tier_but_for": "", "note": "a note",
        "quality_flags": [],
    }  # fmt: skip
    for printed in (
        lambda rows: show.print_flagged(rows, "2026-11-01"),
        lambda rows: show_lists.print_list("dialysis", rows, "2026-11-01"),
        show.print_unsure,
    ):
        printed([row])
        told = capsys.readouterr().out
        assert "1 person" in told.splitlines()[0]
        (line,) = [line for line in told.splitlines() if "p_1" in line]
        assert all(cell.strip() for cell in line.split("│")[:-1])
    assert (show.people(0), show.people(1234)) == ("0 people", "1,234 people")


@pytest.mark.parametrize(
    ("asked", "name", "form"),
    [
        (None, None, "table"),
        ("json", None, "json"),
        (None, "a.parquet", "parquet"),
        ("csv", "a.txt", "csv"),  # what was asked for holds
    ],
)
def test_what_was_asked_for_comes_before_the_ending(asked, name, form):
    assert list_format(asked, name and Path(name)) == form


@pytest.mark.parametrize(
    ("asked", "name", "told"),
    [
        (None, "list.xlsx", r"^cannot tell from list.xlsx what to write; let it end in .csv, "),
        (None, "list", "^cannot tell from list what"),
        (None, "list.table", "^cannot tell from list.table what"),
        ("table", "list.csv", "^a table is printed only"),
        ("parquet", None, "^parquet is not text"),
    ],
)
def test_a_name_that_does_not_say_what_to_write_is_one_line(asked, name, told):
    with pytest.raises(ScreeningError, match=told):
        list_format(asked, name and Path(name))
