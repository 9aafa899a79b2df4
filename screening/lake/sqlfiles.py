"""The SQL files, with what their headers say.

Comes in: a folder of `*.sql`, each one SELECT under a header of `-- name: value` lines, among
them `-- column: name | unit | privacy | meaning` for columns that no table declares.
Goes out: `Relation`s, and the order in which to make those that a relation needs.
Refuses: a missing or unknown header line, a column without meaning, a relation that reads what
is not there, a circle.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from screening.errors import ScreeningError
from screening.schema import Privacy
from screening.tables import LAKE_TABLES

RAW_RUN = "raw_run"
RAW_RESEARCH_SHIFT = "raw_research_shift"
RAW_TABLES = {f"raw_{name}": table for name, table in LAKE_TABLES.items()}
RAW = frozenset((*RAW_TABLES, RAW_RUN, RAW_RESEARCH_SHIFT))

_HEADER_LINE = re.compile(r"--\s*([a-z]+):\s*(.*)")
_FIELDS = frozenset(("title", "grain", "key", "reads", "privacy", "publish"))
_COLUMN_LINE = re.compile(r"--\s*column:\s*(.*)")
_PRIVACY = frozenset((Privacy.OPEN, Privacy.KEY, Privacy.QUASI, Privacy.HEALTH))
_NAME = re.compile(r"(core|out)_[a-z0-9_]+")


class Audience(StrEnum):
    """Which DuckDB file a relation goes into."""

    OPERATIONS = "operations"
    RESEARCH = "research"
    BOTH = "both"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a header says about one column."""

    column: str
    unit: str
    privacy: Privacy
    text: str


@dataclass(frozen=True, slots=True)
class Relation:
    """One SQL file."""

    name: str
    title: str
    grain: str
    key: tuple[str, ...]
    reads: tuple[str, ...]
    privacy: str
    publish: Audience
    columns: tuple[Meaning, ...]
    sql: str


def read_relations(folder: Path) -> dict[str, Relation]:
    """Read every SQL file of `folder`, by relation name."""
    return {file.stem: _read(file) for file in sorted(folder.glob("*.sql"))}


def needed(relations: Mapping[str, Relation], wanted: Iterable[str]) -> tuple[Relation, ...]:
    """Return the wanted relations and all they read, each after what it reads."""
    graph: dict[str, list[str]] = {}
    open_names = list(wanted)
    while open_names:
        name = open_names.pop()
        if name in graph:
            continue
        if name not in relations:
            raise ScreeningError(f"there is no relation {name}: no file sql/{name}.sql")
        graph[name] = sorted(set(relations[name].reads) - RAW)
        open_names.extend(graph[name])
    try:
        order = TopologicalSorter({n: graph[n] for n in sorted(graph)}).static_order()
        return tuple(relations[name] for name in order)
    except CycleError as error:
        raise ScreeningError(f"the SQL files read each other: {error.args[1]}") from error


def raw_reads(relations: Iterable[Relation]) -> frozenset[str]:
    """Return the raw relations these read."""
    return frozenset(name for r in relations for name in r.reads) & RAW


def _read(file: Path) -> Relation:
    text = file.read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _HEADER_LINE.fullmatch(line.strip())
        if match is None or set(found) == _FIELDS:
            break  # what follows is remarks and SQL
        found[match[1]] = match[2].strip()
    if set(found) != _FIELDS:
        wrong = ", ".join(sorted(set(found) ^ _FIELDS))
        raise ScreeningError(f"sql/{file.name}: header lines missing, unknown or cut off: {wrong}")
    if not _NAME.fullmatch(file.stem):
        raise ScreeningError(f"sql/{file.name}: a relation's name begins with core_ or out_")
    if found["publish"] not in list(Audience):
        raise ScreeningError(f"sql/{file.name}: publish is one of {', '.join(Audience)}")
    return Relation(
        name=file.stem,
        title=found["title"],
        grain=found["grain"],
        key=_names(found["key"]),
        reads=_names(found["reads"]),
        privacy=found["privacy"],
        publish=Audience(found["publish"]),
        columns=_columns(file.name, text),
        sql=text,
    )


def _columns(file_name: str, text: str) -> tuple[Meaning, ...]:
    """Read the lines `-- column: name | unit | privacy | meaning`."""
    found: dict[str, Meaning] = {}
    for line in text.splitlines():
        match = _COLUMN_LINE.fullmatch(line.strip())
        if match is None:
            continue
        parts = [part.strip() for part in match[1].split("|")]
        if len(parts) != len(("name", "unit", "privacy", "meaning")) or not (parts[0] and parts[3]):
            raise ScreeningError(
                f"sql/{file_name}: write -- column: name | unit | privacy | meaning, not {match[1]}"
            )
        name, unit, privacy, meaning = parts
        if privacy not in _PRIVACY:
            raise ScreeningError(
                f"sql/{file_name}: privacy of {name} is one of {', '.join(sorted(_PRIVACY))}"
            )
        if name in found:
            raise ScreeningError(f"sql/{file_name}: two meanings of the column {name}")
        found[name] = Meaning(name, unit, Privacy(privacy), meaning)
    return tuple(found.values())


def _names(text: str) -> tuple[str, ...]:
    """Split a list of names; `none` is an empty one."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    return () if names == ("none",) else names
