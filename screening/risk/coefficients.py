"""The published coefficients: plain tables in `coefficients/`, each with its source.

Comes in: the files beside this one. Goes out: one mapping from term to number a column.
Refuses: a table that cannot be read or holds what is not a number (ScreeningError).

`coefficients/sources.csv` says from which paper each table is, and against what it was checked.
"""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from screening.errors import ScreeningError

_FOLDER = Path(__file__).resolve().parent / "coefficients"

Terms = Mapping[str, float]


@cache
def coefficients(name: str) -> Mapping[str, Terms]:
    """Read one table, once a process.

    Parameters
    ----------
    name : file name without ending

    Returns
    -------
    For each column of the file (a sex, a sex and race, a sex and outcome) its terms

    Raises
    ------
    ScreeningError
        The file is missing or damaged.
    """
    rows = _rows(name)
    try:
        columns = [column for column in rows[0] if column != "term"]
        return {c: {row["term"]: float(row[c]) for row in rows} for c in columns}
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ScreeningError(
            f"the table {name}.csv of coefficients is damaged; install again"
        ) from error


@cache
def citation(name: str) -> str:
    """Return paper and DOI of one table.

    Raises
    ------
    ScreeningError
        `sources.csv` is missing, damaged, or does not name the table.
    """
    for row in _rows("sources"):
        if row.get("file") == name:
            return f"{row['paper']}, doi {row['doi']}"
    raise ScreeningError(f"sources.csv does not name the table {name}; install again")


def _rows(name: str) -> list[dict[str, str]]:
    try:
        with (_FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, strict=True))
    except (OSError, csv.Error) as error:
        raise ScreeningError(
            f"the table {name}.csv of coefficients cannot be read; install again"
        ) from error
