"""The site's tables as text columns.

Comes in: a folder. Goes out: one Arrow table a clinical table, all columns string, no null.
Refuses: missing columns, an unreadable file, a table given twice (ScreeningError, one line, and
never a word of the file's content: Arrow's own messages quote rows).
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from screening.errors import ScreeningError

COLUMNS: dict[str, tuple[str, ...]] = {
    "person": ("site_id", "issuer", "mrn", "birth_date", "sex", "race", "death_date"),
    "observation": ("mrn", "code", "value", "unit", "effective_at"),
    "condition": ("mrn", "code", "onset_at"),
    "medication": ("mrn", "code", "start_at", "stop_at"),
    "procedure": ("mrn", "code", "performed_at"),
    "report_text": ("mrn", "accession", "text", "at"),
    "person_policy": ("mrn", "scope", "from"),
}


def read_table(folder: Path, name: str) -> pa.Table:
    """Read `name`.csv or `name`.parquet; without either an empty table, but for `person`.

    Returns
    -------
    The columns of COLUMNS[name], string, empty text where nothing was given
    """
    files = _files(folder, name)
    if len(files) == 2:
        raise ScreeningError(f"clinical table {name}: both CSV and Parquet are there; keep one")
    if not files:
        if name == "person":
            raise ScreeningError(
                "clinical table person: neither person.csv nor person.parquet is in the folder"
                f"; give one with the columns {', '.join(COLUMNS[name])}"
            )
        return pa.table({c: pa.array([], pa.string()) for c in COLUMNS[name]})
    return _as_text(files[0], name)


def missing_tables(folder: Path) -> tuple[str, ...]:
    """Return the names of the tables that a folder does not hold, in the order of COLUMNS."""
    return tuple(name for name in COLUMNS if not _files(folder, name))


def _files(folder: Path, name: str) -> list[Path]:
    return [f for f in (folder / f"{name}.csv", folder / f"{name}.parquet") if f.is_file()]


def _as_text(file: Path, name: str) -> pa.Table:
    try:
        given = _read_csv(file) if file.suffix == ".csv" else parquet.read_table(file)
    except (pa.ArrowException, OSError):
        raise ScreeningError(
            f"clinical table {file.name}: cannot be read as {file.suffix[1:]}; write it again"
        ) from None  # the cause quotes the row it failed on
    missing = [c for c in COLUMNS[name] if c not in given.column_names]
    if missing:
        raise ScreeningError(
            f"clinical table {file.name}: missing columns {', '.join(missing)}"
            f"; expected {', '.join(COLUMNS[name])}"
        )
    try:
        columns = {c: _text(given.column(c)) for c in COLUMNS[name]}
    except pa.ArrowException:
        raise ScreeningError(
            f"clinical table {file.name}: a column is neither text, number nor date"
        ) from None
    return pa.table(columns)


def _read_csv(file: Path) -> pa.Table:
    """Everything as text; only the header is looked at for the column names."""
    with csv.open_csv(file, parse_options=csv.ParseOptions(newlines_in_values=True)) as reader:
        names = reader.schema.names
    return csv.read_csv(
        file,
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )


def _text(column: pa.ChunkedArray) -> pa.Array:
    text = pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), ""))
    return text.combine_chunks()
