"""DuckDB: answers from the lake, and the two files made for people.

Comes in: relations (SQL files), the raw tables they read, the day the answers are true for.
Goes out: one relation as an Arrow table; `screening.duckdb` and `research.duckdb`, each renamed
into place when it is whole; the dictionary of all relations.
Refuses: SQL that is not one SELECT or fails, a relation whose key is not unique, a key of the
lake in the research file, the research shift outside it. SQL can reach no file, no
network and no extension.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from tempfile import gettempdir

import duckdb
import pyarrow as pa

from screening.errors import InfrastructureError, ScreeningError
from screening.lake.dictionary import Entry, entries_of, to_table
from screening.lake.files import sync_file, sync_folder, temporary_beside
from screening.lake.research import RESEARCH_SHIFT
from screening.lake.sqlfiles import (
    RAW_RESEARCH_SHIFT,
    RAW_RUN,
    RAW_TABLES,
    Audience,
    Relation,
    needed,
    raw_reads,
    read_relations,
)
from screening.resources import sql_folder
from screening.schema import Privacy
from screening.tables import CONVENTION_SCORES, LAKE_TABLES, TABLES

MEMORY_LIMIT = "2GB"
SPILL_NAME = "spill"  # DuckDB clears it, after a kill at its next use
FILES = {Audience.OPERATIONS: "screening.duckdb", Audience.RESEARCH: "research.duckdb"}
DICTIONARY = "dictionary"

_RUN = pa.schema([("as_of", pa.date32()), ("run_id", pa.string()), ("wishes_on", pa.date32())])
_LAKE_KEYS = frozenset(
    c.name
    for t in TABLES.values()
    if t is not CONVENTION_SCORES  # under research keys, as the research file is
    for c in t.columns
    if c.privacy in (Privacy.KEY, Privacy.IDENTITY)
)


@dataclass(frozen=True, slots=True)
class Run:
    """The day the answers are true for, the sweep that asks, the day whose wishes hold."""

    as_of: date
    run_id: str
    wishes_on: date


@dataclass(frozen=True, slots=True)
class Source:
    """Where the raw relations come from."""

    folder: Path
    read: Callable[[str], pa.Table]
    research_shift: Callable[[date], pa.Table]

    def raw(self, name: str, run: Run) -> pa.Table:
        """Return one raw relation."""
        if name == RAW_RUN:
            return pa.Table.from_pylist([asdict(run)], schema=_RUN)
        if name == RAW_RESEARCH_SHIFT:
            return self.research_shift(run.wishes_on)
        return self.read(RAW_TABLES[name].name)


# Names below come from file names and headers checked in `sqlfiles.py`, and are quoted: S608.
def query(source: Source, relations: Mapping[str, Relation], name: str, run: Run) -> pa.Table:
    """Return one relation, made from the lake as it stands."""
    order = needed(relations, [name])
    with _connection(source.folder) as connection:
        _lock(connection)
        _make(connection, source, order, run)
        return connection.sql(f"SELECT * FROM {_quoted(name)}").to_arrow_table()  # noqa: S608


def publish(source: Source, relations: Mapping[str, Relation], run: Run) -> None:
    """Build both files beside their places, check them, rename them."""
    chosen = {
        audience: [r.name for r in relations.values() if r.publish in (audience, Audience.BOTH)]
        for audience in FILES
    }
    _refuse_mixed_keys(relations, chosen[Audience.OPERATIONS])
    order = needed(relations, [name for names in chosen.values() for name in names])
    temporaries = {a: temporary_beside(source.folder / file) for a, file in FILES.items()}
    try:
        with _connection(source.folder) as connection:
            for audience, file in temporaries.items():
                connection.execute(f"ATTACH {_literal(str(file))} AS {audience}")
            _lock(connection)
            _make(connection, source, order, run)
            for audience, names in chosen.items():
                _fill(connection, audience, relations, names)
                connection.execute(f"DETACH {audience}")
        for audience, file in temporaries.items():
            sync_file(file)
            file.replace(source.folder / FILES[audience])
        sync_folder(source.folder)
    except duckdb.IOException as error:
        raise InfrastructureError(
            "the databases cannot be written beside the lake's tables, which are whole; "
            "check the disk and its rights, and sweep again"
        ) from error
    finally:
        for file in temporaries.values():
            file.unlink(missing_ok=True)


def describe_relations(folder: Path | None = None) -> list[tuple[Relation, list[Entry]]]:
    """Return every relation of `sql/` (or of `folder`) with its columns, made from no rows."""
    relations = read_relations(folder or sql_folder())
    source = Source(
        Path(gettempdir()),
        lambda name: LAKE_TABLES[name].empty(),
        lambda _: RESEARCH_SHIFT.empty_table(),
    )
    with _connection(source.folder) as connection:
        _lock(connection)
        _make(connection, source, needed(relations, relations), Run(date.min, "", date.min))
        return [
            (r, entries_of(relations, r, _columns(connection, _quoted(r.name))))
            for r in relations.values()
        ]


@contextmanager
def _connection(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "python_enable_replacements": False,
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(folder / SPILL_NAME),
        },
    )
    try:
        yield connection
    finally:
        connection.close()


def _lock(connection: duckdb.DuckDBPyConnection) -> None:
    """From here on no file, network or setting can be reached by SQL."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _make(
    connection: duckdb.DuckDBPyConnection, source: Source, order: tuple[Relation, ...], run: Run
) -> None:
    """Make every relation once, as a table in memory, and check its key."""
    for name in sorted(raw_reads(order)):
        connection.register(name, source.raw(name, run))
    for relation in order:
        try:
            statements = connection.extract_statements(relation.sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise ScreeningError(f"sql/{relation.name}.sql: must be one SELECT statement")
            body = relation.sql.rstrip().rstrip(";")
            connection.execute(f"CREATE TABLE {_quoted(relation.name)} AS\n{body}")
            _require_key(connection, relation)
        except duckdb.Error as error:
            raise ScreeningError(f"sql/{relation.name}.sql: {_safe(error)}") from error


def _require_key(connection: duckdb.DuckDBPyConnection, relation: Relation) -> None:
    if not relation.key:
        return
    key = ", ".join(_quoted(name) for name in relation.key)
    ((repeated,),) = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {_quoted(relation.name)} "  # noqa: S608
        f"GROUP BY {key} HAVING count(*) > 1)"
    ).fetchall()  # to the end: an open result blocks the connection
    if repeated:
        raise ScreeningError(
            f"sql/{relation.name}.sql: {repeated} keys ({', '.join(relation.key)}) "
            "name several rows"
        )


def _refuse_mixed_keys(relations: Mapping[str, Relation], operations: list[str]) -> None:
    for name in operations:
        if RAW_RESEARCH_SHIFT in raw_reads(needed(relations, [name])):
            raise ScreeningError(
                f"sql/{name}.sql: reads the research keys and is published to operations; "
                "that would undo the research file's own keys"
            )


def _fill(
    connection: duckdb.DuckDBPyConnection,
    audience: Audience,
    relations: Mapping[str, Relation],
    names: list[str],
) -> None:
    """Copy relations into an attached file, with comments and the dictionary."""
    entries: list[Entry] = []
    for name in sorted(names):
        relation = relations[name]
        table = f"{audience}.main.{_quoted(name)}"
        connection.execute(f"CREATE TABLE {table} AS FROM {_quoted(name)}")
        about = f"{relation.title}. One row: {relation.grain}."
        connection.execute(f"COMMENT ON TABLE {table} IS {_literal(about)}")
        described = entries_of(relations, relation, _columns(connection, table))
        _refuse_lake_keys(audience, relation, [e.column_name for e in described])
        for entry in described:
            if entry.comment:
                column = f"{table}.{_quoted(entry.column_name)}"
                connection.execute(f"COMMENT ON COLUMN {column} IS {_literal(entry.comment)}")
        entries += described
    connection.register("dictionary_rows", to_table(entries))
    connection.execute(f"CREATE TABLE {audience}.main.{DICTIONARY} AS FROM dictionary_rows")
    connection.unregister("dictionary_rows")


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str]]:
    """Return name and type of each column of a table, in order."""
    rows = connection.execute(f"DESCRIBE {table}").fetchall()
    return [(str(name), str(kind)) for name, kind, *_ in rows]


def _refuse_lake_keys(audience: Audience, relation: Relation, columns: list[str]) -> None:
    kept = sorted(_LAKE_KEYS & set(columns)) if audience is Audience.RESEARCH else []
    if kept:
        raise ScreeningError(
            f"sql/{relation.name}.sql: the research file has its own keys; leave out {kept}"
        )


def _safe(error: duckdb.Error) -> str:
    """Give the message where it speaks of SQL only; others may quote a row's values."""
    if isinstance(error, duckdb.CatalogException | duckdb.BinderException | duckdb.ParserException):
        return str(error).splitlines()[0]
    return type(error).__name__


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
