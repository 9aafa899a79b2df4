"""How a table is declared: its grain, its key, its columns.

Comes in: nothing. Goes out: `Table`, `Column`, `Privacy`.
Refuses: Arrow data whose columns or types differ from the declaration.
"""

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from screening.errors import ScreeningError


class Privacy(StrEnum):
    """How much a column says about who someone is."""

    OPEN = "open"  # about the scan or the program
    KEY = "key"  # random key given by the vault
    QUASI = "quasi"  # dates, ages: identifying in combination
    HEALTH = "health"  # clinical facts about a keyed person
    IDENTITY = "identity"  # names, numbers, UIDs, paths: vault and encrypted index only


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its Arrow type, unit, meaning, privacy class; volatile if a rerun may differ."""

    name: str
    type: pa.DataType
    unit: str
    meaning: str
    privacy: Privacy = Privacy.OPEN
    volatile: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what one row is, what names it, and its columns."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, in declared order."""
        return pa.schema([pa.field(c.name, c.type) for c in self.columns])

    def check(self, data: pa.Table) -> pa.Table:
        """Return `data` in this table's column order and types, or say what differs."""
        missing = [c.name for c in self.columns if c.name not in data.column_names]
        extra = [n for n in data.column_names if n not in {c.name for c in self.columns}]
        if missing or extra:
            raise ScreeningError(f"table {self.name}: missing columns {missing}, unknown {extra}")
        return data.select(self.schema.names).cast(self.schema)

    def empty(self) -> pa.Table:
        """No rows, the right columns."""
        return self.schema.empty_table()
