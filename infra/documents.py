"""Writes the generated documents, or checks that they are up to date (`--check`).

Comes in: tables.py, reasons.py and the SQL files. Goes out: infra/data-dictionary.md.
Refuses: with --check, a document that differs from what the code says.
"""

import sys
from pathlib import Path

import pyarrow as pa

from screening.lake import describe_relations
from screening.reasons import REASONS, state_of
from screening.tables import SCHEMA_VERSION, TABLES

HERE = Path(__file__).resolve().parent


def _type(kind: pa.DataType) -> str:
    return str(kind).replace("|", "\\|").replace("<", "‹").replace(">", "›")


PUBLISHED = {
    "operations": "`screening.duckdb`",
    "research": "`research.duckdb`",
    "both": "`screening.duckdb` and `research.duckdb`",
    "no": "no file; made when asked for",
}


def _relations() -> list[str]:
    lines = ["# Relations of the DuckDB files", ""]
    # What people open comes first.
    described = sorted(
        describe_relations(), key=lambda d: (not d[0].name.startswith("out"), d[0].name)
    )
    for relation, entries in described:
        lines += [
            f"## {relation.name}",
            "",
            f"{relation.title}. One row: {relation.grain}. "
            f"Key: {', '.join(f'`{k}`' for k in relation.key)}. In: {PUBLISHED[relation.publish]}.",
            "",
            "| column | type | unit | meaning | privacy |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| `{e.column_name}` | {e.type} | {e.unit} | {e.meaning} | {e.privacy} |"
            for e in entries
        ]
        lines.append("")
    return lines


def data_dictionary() -> str:
    """Return the dictionary of tables and reasons as Markdown."""
    lines = [
        "# Data dictionary",
        "",
        "Generated from `screening/tables.py`, `screening/reasons.py` and the headers in `sql/` by",
        "`python infra/documents.py`; do not edit. First what people open, the relations of the",
        "DuckDB files (there it is also the table `dictionary`); then the tables of the lake.",
        "",
        f"Schema version {SCHEMA_VERSION}. Privacy: *open* about scan or program; *key* random key",
        "of the vault; *quasi* identifying in combination; *health* clinical fact; *identity* only",
        "in the vault and the encrypted index. *Volatile* columns may differ between two runs over",
        "the same input; all others may not.",
        "",
    ]
    lines += _relations()
    lines += ["# Tables of the lake", ""]
    for table in TABLES.values():
        lines += [
            f"## {table.name}",
            "",
            f"One row: {table.grain}. Key: {', '.join(f'`{k}`' for k in table.key)}.",
            "",
            "| column | type | unit | meaning | privacy |",
            "|---|---|---|---|---|",
        ]
        for column in table.columns:
            volatile = ", volatile" if column.volatile else ""
            lines.append(
                f"| `{column.name}` | {_type(column.type)} | {column.unit} | {column.meaning} "
                f"| {column.privacy}{volatile} |"
            )
        lines.append("")
    lines += [
        "# Reasons",
        "",
        "| code | room | state of a series | sentence |",
        "|---|---|---|---|",
    ]
    for reason, text in REASONS.items():
        lines.append(f"| `{reason}` | {text.room} | {state_of(reason)} | {text.sentence} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check every generated document."""
    stale = []
    for name, text in (("data-dictionary.md", data_dictionary()),):
        file = HERE / name
        if "--check" in sys.argv:
            if not file.exists() or file.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            file.write_text(text, encoding="utf-8")
    if stale:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run python infra/documents.py\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
