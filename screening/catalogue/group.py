"""Instances to series.

Comes in: an Arrow table of the schema `INSTANCES`, in any order.
Goes out: one `Entry` a series key, with its files from the head to the feet.
Refuses: a table of another schema, and instances without a series key.

Series are told apart by their key alone: folders and file names say nothing. Work over all
instances is done on whole columns; only what is small (one series) is done in Python.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.catalogue.columns import InstanceColumns, read_columns
from screening.catalogue.describe import describe
from screening.errors import ScreeningError
from screening.records import Series
from screening.tables import INSTANCES


@dataclass(frozen=True, slots=True)
class Entry:
    """One series and its files from the head to the feet, second copies left out."""

    series: Series
    paths: tuple[str, ...]

    def __repr__(self) -> str:
        """Name the series by key only: paths never show in logs."""
        return f"Entry({self.series.series_key}, {len(self.paths)} files)"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every series found, by key, and how many files are second copies of an instance."""

    entries: tuple[Entry, ...]
    n_duplicate_files: int


def group(instances: pa.Table) -> Catalogue:
    """Group instances by series key and describe each series.

    Files with the same instance digest at the same position are copies of one instance: the
    one with the smallest path is kept. Files without a digest, or with one digest at several
    positions (de-identification that emptied the UIDs), are instances of their own.

    Parameters
    ----------
    instances : pa.Table of the schema `INSTANCES`

    Returns
    -------
    Catalogue
        Entries sorted by series key; the same for any order of the rows.

    Raises
    ------
    ScreeningError
        The schema differs, or an instance has no series key.
    """
    table = INSTANCES.check(instances)
    if len(table) == 0:
        return Catalogue((), 0)
    n_keyless = pc.sum(pc.equal(pc.fill_null(table["series_key"], ""), "")).as_py()
    if n_keyless:
        raise ScreeningError(f"catalogue: {n_keyless} instances without a series key")
    columns = read_columns(table)
    series_rows = np.split(np.arange(len(table)), np.flatnonzero(np.diff(columns.series_codes)) + 1)
    entries: list[Entry] = []
    n_duplicates = 0
    for rows in series_rows:
        kept = rows[~_is_copy(columns, rows)]
        series, order = describe(columns, rows, kept)
        entries.append(Entry(series, tuple(columns.paths[i] for i in kept[order])))
        n_duplicates += len(rows) - len(kept)
    return Catalogue(tuple(entries), n_duplicates)


def _is_copy(columns: InstanceColumns, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the second and later files of an instance; rows are sorted by digest, then path."""
    is_copy = np.zeros(len(rows), dtype=np.bool_)
    same_as_before = columns.is_same_digest_as_before[rows[1:]]
    if not same_as_before.any():
        return is_copy
    seen: set[tuple[float, ...]] = set()
    for i, is_same in enumerate([False, *same_as_before.tolist()]):
        if not is_same:
            seen = set()
        place = tuple(np.nan_to_num(np.round(columns.positions_mm[rows[i]], 3)).tolist())
        is_copy[i] = is_same and place in seen
        seen.add(place)
    return is_copy
