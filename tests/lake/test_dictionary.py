"""The dictionary inside the DuckDB files against the real columns and the printed document."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

DOCUMENT = Path(__file__).parents[2] / "infra/data-dictionary.md"


def _printed():
    """{(relation, column): (type, unit, meaning, privacy)} of the document's SQL part."""
    part = DOCUMENT.read_text(encoding="utf-8").split("# Tables of the lake")[0]
    found = {}
    for section in part.split("\n## ")[1:]:
        name = section.split("\n", 1)[0]
        for line in section.splitlines():
            if line.startswith("| `"):
                column, *rest = (cell.strip() for cell in line.strip("|").split("|"))
                found[name, column.strip("`")] = tuple(rest)
    return found


@pytest.mark.parametrize("file", ["screening.duckdb", "research.duckdb"])
def test_the_dictionary_equals_the_real_columns_and_the_document(lake, file):
    with lake.lease("r"):
        lake.publish(date(2026, 11, 1), "r")
    with duckdb.connect(str(lake.path / file), read_only=True) as connection:
        real = connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE NOT internal AND table_name <> 'dictionary' ORDER BY table_name, column_index"
        ).fetchall()
        told = connection.execute(
            "SELECT relation, column_name, type, unit, meaning, privacy FROM dictionary "
            "ORDER BY relation, position"
        ).fetchall()
    assert [row[:3] for row in told] == real
    assert real
    printed = _printed()
    for relation, column, *rest in told:
        assert printed[relation, column] == tuple(rest)
        assert rest[2]
