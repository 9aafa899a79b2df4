"""A CSV of people whose risk is asked for: one row a person, read piece by piece.

Comes in: the file. Goes out: its columns, pieces of it as text, and who stands in it twice.
Refuses: a file that is no CSV in UTF-8, one without `person_id`, `age_years` or `sex`, a column
named twice (ScreeningError, one line, never a word of the file's content). Rows with too many or
too few cells are left out and counted.
"""

import csv as plain_csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from screening.errors import ScreeningError
from screening.tables import PEOPLE

PERSON_ID = "person_id"
INPUTS = tuple(n for n in PEOPLE.schema.names if n not in ("row", "refused"))
_NEEDED = (PERSON_ID, "age_years", "sex")
# How programs write that nothing is known.
NOTHING = pa.array(["", "NA", "NaN", "nan", "null", "NULL"])
# Bytes read at a time: some ten thousand people, whatever the size of the file.
_BLOCK_BYTES = 4 << 20

Hashes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """The file and what its header says; `absent` inputs are unknown for everybody."""

    path: Path
    separator: str
    columns: tuple[str, ...]

    @property
    def absent(self) -> tuple[str, ...]:
        """Inputs that the file has no column for."""
        return tuple(name for name in INPUTS if name not in self.columns)

    @property
    def passed_on(self) -> tuple[str, ...]:
        """Columns that are no input: they are written again as they are."""
        return tuple(n for n in self.columns if n != PERSON_ID and n not in INPUTS)


@dataclass(frozen=True, slots=True, eq=False)
class Census:
    """What one pass over the file found: its rows, and the people on several of them.

    twice : hashes of the person_id of those people; contradicting : of those whose rows differ
    lines_left_out : rows with too many or too few cells, by line where it is known
    """

    n_rows: int
    twice: frozenset[int]
    contradicting: frozenset[int]
    lines_left_out: tuple[int | None, ...]


@dataclass(slots=True)
class _LeftOut:
    """Takes the rows that have too many or too few cells; `is_torn`: one runs over lines."""

    lines: list[int | None] = field(default_factory=list)
    is_torn: bool = False

    def __call__(self, row: csv.InvalidRow) -> str:
        self.lines.append(row.number)
        self.is_torn |= "\n" in row.text.strip()
        return "skip"


def open_people(path: Path, needed: Sequence[str] = _NEEDED) -> PeopleFile:
    """Read the header; a file without a column of `needed` is refused.

    Raises
    ------
    ScreeningError
        The file cannot be read, or lacks a column without which there is no estimate at all.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    except OSError as error:
        raise ScreeningError(f"cannot read {path}: {error.strerror}") from error
    separator = ";" if "," not in head and ";" in head else ","
    cells = next(plain_csv.reader(io.StringIO(head), delimiter=separator), [])
    columns = [name.strip() for name in cells]
    missing = [name for name in needed if name not in columns]
    if missing:
        named = (PERSON_ID, *INPUTS) if needed is _NEEDED else needed
        raise ScreeningError(
            f"{path.name}: no column {', '.join(missing)}; its first line must name the columns "
            f"{', '.join(named)}"
        )
    named_twice = [name for name, n in Counter(columns).items() if n > 1]
    if named_twice:
        raise ScreeningError(f"{path.name}: the column {named_twice[0]!r} stands there twice")
    return PeopleFile(path, separator, tuple(columns))


def pieces(
    people: PeopleFile, columns: tuple[str, ...] = (), left_out: _LeftOut | None = None
) -> Iterator[pa.Table]:
    """Read the file piece by piece, every cell as text.

    Parameters
    ----------
    columns : which of them; all where none is named

    Raises
    ------
    ScreeningError
        The file is no CSV in UTF-8.
    """
    try:
        with csv.open_csv(
            people.path,
            read_options=csv.ReadOptions(
                block_size=_BLOCK_BYTES,
                use_threads=False,
                column_names=list(people.columns),
                skip_rows=1,
            ),
            parse_options=csv.ParseOptions(
                delimiter=people.separator,
                newlines_in_values=True,
                invalid_row_handler=left_out or _LeftOut(),
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(people.columns, pa.string()),
                include_columns=list(columns),
                strings_can_be_null=False,
            ),
        ) as reader:
            for batch in reader:
                piece = pa.Table.from_batches([batch])
                _require_single_lines(people, piece)
                yield piece
    except pa.ArrowInvalid as error:
        # Arrow's own message quotes the row.
        if "UTF8" in str(error):
            raise _not_utf8(people.path) from None
        raise _not_closed(people.path) from None
    except OSError as error:
        raise ScreeningError(f"cannot read {people.path}: {error.strerror}") from error


def _require_single_lines(people: PeopleFile, piece: pa.Table) -> None:
    """No input has several lines: one that does has swallowed the people below it."""
    for name in (PERSON_ID, *INPUTS):
        if name in piece.column_names:
            has_lines = pc.match_substring(piece.column(name), "\n")
            if pc.any(has_lines).as_py():
                raise _not_closed(people.path)


def take_census(people: PeopleFile) -> Census:
    """Count the rows and find who stands on several, by hashes: no identifier is kept.

    Raises
    ------
    ScreeningError
        The file is no CSV in UTF-8; a quotation mark in it is not closed, so that one cell would
        swallow the people below it.
    """
    left_out = _LeftOut()
    hashes = [id_hashes(piece) for piece in pieces(people, (PERSON_ID,), left_out)]
    if left_out.is_torn or _n_quotes(people.path) % 2:
        raise _not_closed(people.path)
    every = np.concatenate([np.zeros(0, dtype=np.int64), *hashes])
    found, times = np.unique(every, return_counts=True)
    # 0 is a row without an identifier.
    twice = frozenset(found[(times > 1) & (found != 0)].tolist())
    contradicting = _contradicting(people, twice) if twice else frozenset()
    return Census(len(every), twice, contradicting, tuple(left_out.lines))


def id_hashes(piece: pa.Table) -> Hashes:
    """Hash each row's person_id, alike within one process; 0 where there is none."""
    ids = pc.utf8_trim_whitespace(piece.column(PERSON_ID))
    ids = pc.if_else(pc.is_in(ids, NOTHING), "", ids).to_pylist()
    return np.fromiter((hash(i) if i else 0 for i in ids), dtype=np.int64, count=len(ids))


def _contradicting(people: PeopleFile, twice: frozenset[int]) -> frozenset[int]:
    """Return who has two rows that say something different of the inputs."""
    wanted = np.array(sorted(twice), dtype=np.int64)
    first: dict[int, int] = {}
    differing: set[int] = set()
    names = [PERSON_ID, *(n for n in INPUTS if n in people.columns)]
    for piece in pieces(people, tuple(names)):
        hashes = id_hashes(piece)
        rows = np.flatnonzero(np.isin(hashes, wanted))
        chosen = piece.take(pa.array(rows))
        cells = [pc.utf8_trim_whitespace(chosen.column(name)) for name in names]
        texts = pc.binary_join_element_wise(*cells, "\x1f").to_pylist()
        for person, text in zip(hashes[rows].tolist(), texts, strict=True):
            if first.setdefault(person, hash(text)) != hash(text):
                differing.add(person)
    return frozenset(differing)


def _n_quotes(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b'"') for block in iter(lambda: file.read(_BLOCK_BYTES), b""))


def _not_closed(path: Path) -> ScreeningError:
    return ScreeningError(
        f"{path.name} cannot be read as CSV: a quotation mark in it is not closed; save it again"
    )


def _not_utf8(path: Path) -> ScreeningError:
    return ScreeningError(f"{path.name} is not UTF-8 text; save it as CSV UTF-8")
