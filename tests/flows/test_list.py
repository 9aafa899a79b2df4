"""The list as a file: its ending says what is written."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from night import Screening

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
    people = pq.read_table(parquet)
    assert people.num_rows > 0
    assert len(json.loads(js.read_text())) == people.num_rows
    assert csv.read_text().partition("\n")[0] == ",".join(people.column_names)


def test_every_list_has_a_name_and_is_printed(screening: Screening, swept: Path) -> None:
    assert tuple(LISTS) == NAMES
    for name in LISTS:
        done = screening("flagged", "--lake", str(swept), "--list", name)
        assert done.returncode == 0, done.stderr
        assert "not a medical device" in done.stdout


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
