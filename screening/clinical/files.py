"""The site's tables as text columns.

Comes in: a folder. Goes out: one Arrow table a clinical table, all columns string, no null, how
many rows could not be taken apart, and whether the last one is cut in its middle.
Refuses: missing columns, an unreadable file, a table given twice (ScreeningError, one line, and
never a word of the file's content: Arrow's own messages quote rows).

A CSV file may be separated by comma, semicolon, tab or bar, whichever finds the columns in its
first line, and may begin with a byte order mark (UTF-8 or UTF-16).
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from screening.config import ClinicalSettings
from screening.errors import ScreeningError

COLUMNS: dict[str, tuple[str, ...]] = {
    "person": ("site_id", "issuer", "mrn", "birth_date", "sex", "race", "death_date"),
    "observation": ("mrn", "code", "value", "unit", "effective_at"),
    "condition": ("mrn", "code", "onset_at"),
    "medication": ("mrn", "code", "start_at", "stop_at"),
    "procedure": ("mrn", "code", "performed_at"),
    "report_text": ("mrn", "accession", "text", "at"),
    "formal_score": ("mrn", "agatston", "at"),
    "person_policy": ("mrn", "scope", "from"),
}
# What a table may hold beside: who issued the number; the name and daily dose of a medicine; the
# day on which a condition was written down; the last day of what lasts (a stay in hospital).
_MAY_HOLD = {
    "medication": ("issuer", "name", "daily_dose_mg"),
    "condition": ("issuer", "recorded_at"),
    "procedure": ("issuer", "ended_at"),
}
_ISSUER = ("issuer",)
# A person as a server names them (FHIR, OMOP); no site's table holds it.
SUBJECT = "subject"
# Tables that most sites do not have, and need not.
_RARE = frozenset(("formal_score",))

MISSHAPEN = "row with too many or too few cells"

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
_SEPARATORS = (",", ";", "\t", "|")
_DATE = r"^\d{4}(-\d{2}|\d{4})"
_HEAD_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """One table as text columns, and the rows with too few or too many cells left out of it.

    is_cut : whether the last row was cut in its middle; it is left out of the table as well, and
        not among the misshapen
    """

    table: pa.Table
    n_misshapen: int = 0
    is_cut: bool = False

    @property
    def n_rows(self) -> int:
        """All rows of the file."""
        return int(self.table.num_rows) + self.n_misshapen + self.is_cut


def may_hold(name: str) -> tuple[str, ...]:
    """Return the columns a table may have and need not."""
    return () if name == "person" else _MAY_HOLD.get(name, _ISSUER)


def all_columns(name: str) -> tuple[str, ...]:
    """Return the columns under which rows of one table go on."""
    return (*COLUMNS[name], *may_hold(name), SUBJECT)


def no_rows(name: str) -> pa.Table:
    """Return a table without rows."""
    return pa.table({c: pa.array([], pa.string()) for c in all_columns(name)})


def read_table(folder: Path, name: str, settings: ClinicalSettings) -> Given:
    """Read `name`.csv or `name`.parquet; without either an empty table, but for `person`.

    Returns
    -------
    The columns of `all_columns`, string, empty text where nothing was given
    """
    files = files_of(folder, name)
    if len(files) == 2:
        raise ScreeningError(f"clinical table {name}: both CSV and Parquet are there; keep one")
    if not files:
        if name == "person":
            raise ScreeningError(
                "clinical table person: neither person.csv nor person.parquet is in the folder"
                f"; give one with the columns {', '.join(COLUMNS[name])}"
            )
        return Given(no_rows(name))
    return _as_text(files[0], name, settings.columns.get(name, {}))


def missing_tables(folder: Path) -> tuple[str, ...]:
    """Return the names of the tables that a folder does not hold, in the order of COLUMNS."""
    return tuple(name for name in COLUMNS if name not in _RARE and not files_of(folder, name))


def files_of(folder: Path, name: str) -> list[Path]:
    """Return the files of one table."""
    return [f for f in (folder / f"{name}.csv", folder / f"{name}.parquet") if f.is_file()]


def check_columns(settings: ClinicalSettings) -> None:
    """Refuse a column map that speaks of a table or a column that is none."""
    for table, names in settings.columns.items():
        if table not in COLUMNS:
            raise ScreeningError(
                f"settings: clinical.columns.{table} is no clinical table; tables: "
                f"{', '.join(COLUMNS)}"
            )
        known = (*COLUMNS[table], *may_hold(table))
        for column in names:
            if column not in known:
                raise ScreeningError(
                    f"settings: clinical.columns.{table}.{column} is no column; columns: "
                    f"{', '.join(known)}"
                )


def _as_text(file: Path, name: str, renamed: Mapping[str, str]) -> Given:
    wanted = {c: renamed.get(c, c) for c in (*COLUMNS[name], *may_hold(name))}
    try:
        if not file.stat().st_size:
            raise ScreeningError(
                f"clinical table {file.name}: the file is empty; write it again, with its columns "
                "in the first line, or take it away"
            )
        given = (
            _read_csv(file, [wanted[c] for c in COLUMNS[name]])
            if file.suffix == ".csv"
            else Given(parquet.read_table(file))
        )
    except (pa.ArrowException, OSError):
        raise ScreeningError(
            f"clinical table {file.name}: cannot be read as {file.suffix[1:]} in UTF-8; "
            "write it again"
        ) from None  # the cause quotes the row it failed on
    found = {n.strip().lower(): n for n in given.table.column_names}
    missing = [wanted[c] for c in COLUMNS[name] if wanted[c].lower() not in found]
    if missing:
        raise ScreeningError(
            f"clinical table {file.name}: missing columns {', '.join(missing)}"
            f"; expected {', '.join(wanted[c] for c in COLUMNS[name])}"
        )
    places = {c: found.get(as_written.lower()) for c, as_written in wanted.items()}
    return replace(given, table=_columns(given.table, {**places, SUBJECT: None}, file))


def _columns(given: pa.Table, places: Mapping[str, str | None], file: Path) -> pa.Table:
    nothing = pa.array([""] * given.num_rows, pa.string())
    try:
        return pa.table(
            {c: text_of(given.column(at)) if at else nothing for c, at in places.items()}
        )
    except pa.ArrowException:
        raise ScreeningError(
            f"clinical table {file.name}: a column is neither text, number nor date"
        ) from None


def _read_csv(file: Path, needed: list[str]) -> Given:
    """Everything as text; the first line tells the separator."""
    encoding, separator = look_at(file, needed)
    if _is_one_line(file):  # Arrow takes no header that has no line end
        names = column_names(file, needed).values()
        return Given(pa.table({name: pa.array([], pa.string()) for name in names}))
    lost: list[str] = []

    def skip(row: csv.InvalidRow) -> str:
        lost.append(row.text)
        return "skip"

    parse = csv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=skip)
    read = csv.ReadOptions(encoding=encoding)
    with csv.open_csv(file, read_options=read, parse_options=parse) as reader:
        names = reader.schema.names
    lost.clear()
    table = csv.read_csv(
        file,
        read_options=read,
        parse_options=parse,
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
    last = _last_line_without_end(file)
    if last and any(_bare(row.strip().encode(e)) == last for row in lost for e in _ENCODINGS):
        return Given(table, len(lost) - 1, is_cut=True)
    if last and _has_cut_cell(table):
        return Given(table.slice(0, table.num_rows - 1), len(lost), is_cut=True)
    return Given(table, len(lost))


def _is_one_line(file: Path) -> bool:
    with file.open("rb") as opened:
        head = opened.read(_HEAD_BYTES)
    return len(head) < _HEAD_BYTES and not {*b"\r\n"} & {*head}


def _last_line_without_end(file: Path) -> bytes:
    """Return a file's last line, `_bare`, where it has no line end; empty where it has one."""
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - _HEAD_BYTES))
        tail = _bare(opened.read())
    return tail[max(tail.rfind(b"\n"), tail.rfind(b"\r")) + 1 :]


def _bare(text: bytes) -> bytes:
    """Leave the zeros out that UTF-16 has in plain letters, so that it need not be told apart."""
    return text.replace(b"\0", b"")


def _has_cut_cell(table: pa.Table) -> bool:
    """Whether the last cell of all is a date cut in its middle: short as no other is.

    "2025-01-12" cut to "2025-01" would be read as a month. An empty cell is a cut one where no
    other is empty. Of columns that hold something else than dates it cannot be told.
    """
    column = table.column(table.num_columns - 1)
    others = column.slice(0, max(0, table.num_rows - 1))
    filled = others.filter(pc.not_equal(others, ""))
    if not len(filled) or not pc.all(pc.match_substring_regex(filled, _DATE)).as_py():
        return False
    lengths = pc.utf8_length(column)
    last = lengths[-1]
    is_new = not pc.any(pc.equal(lengths.slice(0, len(others)), last)).as_py()
    return is_new and last.as_py() < pc.max(lengths).as_py()


def look_at(file: Path, needed: list[str]) -> tuple[str, str]:
    """Return a CSV file's encoding and the separator that finds most columns."""
    with file.open("rb") as opened:
        head = opened.read(_HEAD_BYTES)
    encoding = next((e for m, e in _MARKS if head.startswith(m)), "utf-8")
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    first = decoder.decode(head[: len(head) // 2 * 2])
    line = first.lstrip("\ufeff").splitlines()[:1] or [""]
    asked = {n.lower() for n in needed}

    def hits(separator: str) -> int:
        return len(asked & {c.strip(" \"'").lower() for c in line[0].split(separator)})

    return encoding, max(_SEPARATORS, key=hits)


def column_names(file: Path, needed: list[str]) -> dict[str, str]:
    """Return the columns of a CSV or Parquet file by their names in small letters."""
    if file.suffix.lower() == ".parquet":
        names = parquet.read_schema(file).names
    else:
        encoding, separator = look_at(file, needed)
        with file.open(encoding=encoding, errors="replace") as opened:
            line = opened.readline().lstrip("\ufeff")
        names = [c.strip(" \"'\r\n") for c in line.split(separator)]
    return {n.lower(): n for n in names}


def text_of(column: pa.ChunkedArray) -> pa.Array:
    """Any column as trimmed text without null."""
    text = pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), ""))
    return text.combine_chunks()
