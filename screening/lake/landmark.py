"""The lake as it stood for each person on a day of their own.

Comes in: the lake's tables, one day a person. Goes out: the same tables, each person's dates moved
so that their day is `COMMON_DAY`, and answers moved back.
Refuses: nothing; rows of people without a day are left out.

One query as of `COMMON_DAY` is then a query as of everybody's own day, by the same SQL. A window
of months may be a day longer or shorter than counted from the day itself.

Wishes (`policy`) stay as they are today: who does not want to be part of it now is not part of it.
"""

from collections.abc import Callable, Mapping
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

# After a leap day and before none for years, as most days are.
COMMON_DAY = date(2001, 7, 1)

LANDMARKS = pa.schema([("person_key", pa.string()), ("landmark", pa.date32())])
_SHIFT = "shift_days"
Read = Callable[[str], pa.Table]


def moved(read: Read, landmarks: pa.Table, today: date, given: Mapping[str, pa.Table]) -> Read:
    """Return a reader of the tables as if everybody's landmark were `COMMON_DAY`.

    Parameters
    ----------
    landmarks : LANDMARKS, one row a person
    today : wishes that hold on it hold
    given : tables to take in place of the lake's, dates moved already or none in them
    """
    shifts = _shifts(landmarks, +1)

    def read_moved(name: str) -> pa.Table:
        if name in given:
            return given[name]
        table = read(name)
        if name == "policy":
            return _wishes(table, today)
        return _shifted(table, shifts) if "person_key" in table.column_names else table

    return read_moved


def moved_back(found: pa.Table, landmarks: pa.Table) -> pa.Table:
    """Return an answer with its dates as they are."""
    return _shifted(found, _shifts(landmarks, -1))


def _shifts(landmarks: pa.Table, sign: int) -> dict[str, int]:
    days = landmarks["landmark"].to_pylist()
    keys = landmarks["person_key"].to_pylist()
    return {key: sign * (COMMON_DAY - day).days for key, day in zip(keys, days, strict=True) if day}


def _shifted(table: pa.Table, shifts: Mapping[str, int]) -> pa.Table:
    """Move every date of each person's rows; the order of rows stays."""
    by = pa.array([shifts.get(key) for key in table["person_key"].to_pylist()], pa.int32())
    table = table.filter(pc.is_valid(by))
    by = by.drop_null()
    for place, column in enumerate(table.schema):
        if pa.types.is_date32(column.type):
            days = pc.add(table.column(place).cast(pa.int32()), by)
            table = table.set_column(place, column, days.cast(pa.date32()))
    return table


def _wishes(policy: pa.Table, today: date) -> pa.Table:
    """Keep the wishes that hold today, without a date: such a wish is honoured at any time."""
    holds = pc.fill_null(pc.less_equal(policy["valid_from"], pa.scalar(today)), True)
    kept = policy.filter(holds)
    place = kept.schema.get_field_index("valid_from")
    return kept.set_column(place, kept.schema.field(place), pa.nulls(kept.num_rows, pa.date32()))
