"""What every column of the SQL relations means.

Comes in: relations with their headers, the names and types of their real columns.
Goes out: one `Entry` a column; as Arrow the table `dictionary` of the DuckDB files.
Refuses: nothing; a column that nobody declared has an empty meaning (a test looks for those).
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import pyarrow as pa

from screening.lake.sqlfiles import RAW_TABLES, Meaning, Relation, needed, raw_reads
from screening.tables import LAKE_TABLES


@dataclass(frozen=True, slots=True)
class Entry:
    """One column of one relation."""

    relation: str
    title: str
    grain: str
    column_name: str
    type: str
    unit: str
    meaning: str
    privacy: str
    position: int

    @property
    def comment(self) -> str:
        """Meaning and unit in one line; empty where nobody declared the column."""
        return f"{self.meaning} [{self.unit}]" if self.unit else self.meaning


SCHEMA = pa.schema(
    [
        (name, pa.int64() if kind is int else pa.string())
        for name, kind in Entry.__annotations__.items()
    ]
)


def entries_of(
    relations: Mapping[str, Relation], relation: Relation, columns: Iterable[tuple[str, str]]
) -> list[Entry]:
    """Describe the real columns (name, type) of one relation."""
    known = _meanings(relations, relation)
    entries = []
    for position, (name, kind) in enumerate(columns):
        said = known.get(name)
        entries.append(
            Entry(
                relation=relation.name,
                title=relation.title,
                grain=relation.grain,
                column_name=name,
                type=kind,
                unit=said.unit if said else "",
                meaning=said.text if said else "",
                privacy=said.privacy if said else "",
                position=position,
            )
        )
    return entries


def to_table(entries: Iterable[Entry]) -> pa.Table:
    """Return the rows of the table `dictionary`."""
    return pa.Table.from_pylist([asdict(e) for e in entries], schema=SCHEMA)


def _meanings(relations: Mapping[str, Relation], relation: Relation) -> dict[str, Meaning]:
    """Meanings by column: of the relation's header, of those it reads, of the tables read."""
    order = needed(relations, [relation.name])
    found: dict[str, Meaning] = {}
    for one in reversed(order):
        for meaning in one.columns:
            found.setdefault(meaning.column, meaning)
    read = [RAW_TABLES[name] for name in sorted(raw_reads(order)) if name in RAW_TABLES]
    for table in (*read, *LAKE_TABLES.values()):
        for c in table.columns:
            found.setdefault(c.name, Meaning(c.name, c.unit, c.privacy, c.meaning))
    return found
