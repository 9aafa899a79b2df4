"""OMOP's hierarchy: what stands below a listed concept counts as it.

Comes in: the CONCEPT_ANCESTOR table, piece by piece, and the numbers that the code lists know.
Goes out: of each number below a listed one the nearest listed number above it.
Refuses: nothing; a row that is none (no level, no numbers) is passed over.

Of conditions and procedures only: drugs are known by the names of their ingredients, and of two
ingredients an ancestor would tell one. Only rows under a listed concept are held, some hundred
thousand of CONCEPT_ANCESTOR's hundred million.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from screening.clinical.omop_files import Misshapen, pieces

_COLUMNS = ("ancestor_concept_id", "descendant_concept_id", "min_levels_of_separation")


def nearest_listed(
    file: Path | None, misshapen: Misshapen, listed: Collection[str]
) -> dict[str, str]:
    """Return the nearest listed ancestor of every concept below one.

    Of two that are as near the smaller number counts, so that the order of rows cannot matter.
    """
    nearest: dict[str, tuple[int, int]] = {}
    for below, rank in _below(file, misshapen, listed) if file is not None else ():
        if below not in nearest or rank < nearest[below]:
            nearest[below] = rank
    return {below: str(above) for below, (_, above) in nearest.items()}


def _below(
    file: Path, misshapen: Misshapen, listed: Collection[str]
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Give each concept below a listed one, with levels between and the listed number."""
    above = pa.array(sorted(listed), pa.string())
    for piece in pieces(file, misshapen, _COLUMNS, ()):
        under = piece.filter(pc.is_in(piece.column(_COLUMNS[0]), value_set=above))
        columns = (under.column(name).to_pylist() for name in _COLUMNS)
        for ancestor, descendant, levels in zip(*columns, strict=True):
            # Level 0 is the concept itself.
            if levels.isdecimal() and int(levels) and ancestor.isdecimal():
                yield descendant, (int(levels), int(ancestor))
