"""OMOP files, found and read piece by piece.

Comes in: a folder. Goes out: its OMOP tables, and their rows as text.
Refuses: a table that stands there twice, lacks a needed column or cannot be read
(ScreeningError); a CSV row with too many or too few cells, counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, parquet

from screening.clinical.files import column_names, look_at, text_of
from screening.errors import ScreeningError

# Tables that no site's own folder has.
OMOP_ONLY = ("measurement", "condition_occurrence", "drug_exposure", "procedure_occurrence")
_ALL = (
    "person", *OMOP_ONLY, "observation", "visit_occurrence", "death", "note", "concept",
    "concept_ancestor",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Misshapen:
    """Counts, by table, the rows with too many or too few cells; a table may be read twice."""

    rows: dict[str, int] = field(default_factory=dict)


def omop_files(folder: Path) -> dict[str, Path]:
    """Return the file of each OMOP table, whatever the case of its name."""
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        name, ending = file.stem.lower(), file.suffix.lower()
        if name in _ALL and ending in (".csv", ".parquet") and file.is_file():
            if name in found:
                raise ScreeningError(f"OMOP table {name}: two files are there; keep one")
            found[name] = file
    return found


def whole(
    file: Path | None,
    misshapen: Misshapen,
    needed: tuple[str, ...],
    optional: tuple[str, ...] = (),
) -> pa.Table:
    """Return a whole table; no rows where the file is not there."""
    if file is None:
        return pa.table({c: pa.array([], pa.string()) for c in (*needed, *optional)})
    return pa.concat_tables(list(pieces(file, misshapen, needed, optional)))


def pieces(
    file: Path, misshapen: Misshapen, needed: tuple[str, ...], optional: tuple[str, ...]
) -> Iterator[pa.Table]:
    """Give a table piece by piece as text columns, by small letters; what is optional may be empty.

    Raises
    ------
    ScreeningError
        A needed column is missing, or the file cannot be read.
    """
    try:
        names = column_names(file, list(needed))
        missing = [c for c in needed if c not in names]
        if missing:
            raise ScreeningError(
                f"OMOP table {file.name}: missing columns {', '.join(missing)}; it needs "
                f"{', '.join(needed)}"
            )
        wanted = {c: names[c] for c in (*needed, *optional) if c in names}
        n = 0
        for piece in _read(file, misshapen, list(wanted.values()), list(needed)):
            n += 1
            empty = pa.array([""] * piece.num_rows, pa.string())
            yield pa.table(
                {
                    c: text_of(piece.column(wanted[c])) if c in wanted else empty
                    for c in (*needed, *optional)
                }
            )
        if not n:
            yield pa.table({c: pa.array([], pa.string()) for c in (*needed, *optional)})
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise ScreeningError(
            f"OMOP table {file.name}: cannot be read as {file.suffix[1:]}; write it again"
        ) from None  # the cause quotes the row it failed on


def _read(
    file: Path, misshapen: Misshapen, columns: list[str], needed: list[str]
) -> Iterator[pa.Table]:
    if file.suffix.lower() == ".parquet":
        for batch in parquet.ParquetFile(file).iter_batches(columns=columns):
            yield pa.Table.from_batches([batch])
        return
    encoding, separator = look_at(file, needed)
    # Vocabulary files are written by tabs, with quotation marks that are none.
    quote = False if separator == "\t" else '"'
    table = file.stem.lower()
    misshapen.rows[table] = 0

    def skip(_: csv.InvalidRow) -> str:
        misshapen.rows[table] += 1
        return "skip"

    with csv.open_csv(
        file,
        read_options=csv.ReadOptions(encoding=encoding),
        parse_options=csv.ParseOptions(
            delimiter=separator, quote_char=quote, newlines_in_values=bool(quote),
            invalid_row_handler=skip,
        ),
        convert_options=csv.ConvertOptions(
            include_columns=columns,
            column_types=dict.fromkeys(columns, pa.string()),
            strings_can_be_null=False,
        ),
    ) as reader:  # fmt: skip
        for batch in reader:
            yield pa.Table.from_batches([batch])
