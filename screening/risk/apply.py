"""Every published equation on a table of people.

Comes in: PEOPLE, one row a person. Goes out: PEOPLE_RISK, one row each, in the same order, and
what is to be counted: how many have each estimate, and why others have not.
Refuses: a table without its columns (ScreeningError). A person whom an equation was not made for
has no estimate by it, and the reason; nothing is imputed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from screening.reasons import Reason
from screening.risk.equations import EQUATIONS, FORMULAS, Equation
from screening.risk.people import NUMBERS, Bools, People, people_of
from screening.tables import PEOPLE, PEOPLE_RISK

# Stands in `refused` for the row as a whole: two rows for one person.
WHOLE_ROW = "person_id"
_ALL = "all"


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """What became of a table of people.

    table : PEOPLE_RISK
    given : for each estimate's column, how many people have it
    causes : how many people each cause concerns, such as `missing_input agatston`
    stands_in : people whose estimate is that of the equation for white people, by column
    """

    table: pa.Table
    given: Mapping[str, int]
    causes: Mapping[str, int]
    stands_in: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Cause:
    """One reason why some people lack the estimates of `columns`."""

    says: str
    mask: Bools
    columns: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class _Checked:
    """The people, and which of their inputs are absent, refused or impossible."""

    people: People
    absent: Mapping[str, Bools]
    refused: Mapping[tuple[str, str], Bools]
    impossible: Mapping[str, Bools]


def apply_equations(table: pa.Table) -> Estimates:
    """Evaluate every equation on everyone it was made for.

    Parameters
    ----------
    table : PEOPLE; mg/dL, mmHg, years, flags 0 or 1, null unknown

    Returns
    -------
    The estimates as fractions, null with a reason where there is none

    Raises
    ------
    ScreeningError
        A column is missing.
    """
    table = PEOPLE.check(table)
    checked = _check(table)
    causes = _causes(checked)
    given: dict[str, int] = {}
    columns: dict[str, pa.Array] = {"row": table.column("row")}
    values = {name: risk for formula in FORMULAS for name, risk in formula(checked.people).items()}
    stands_in: dict[str, int] = {}
    for equation in EQUATIONS:
        name = equation.column
        may = ~_any([cause.mask for cause in causes if name in cause.columns], table.num_rows)
        columns[name] = pa.array(values[name], pa.float64(), mask=~may)
        given[name] = int(np.count_nonzero(may))
        if equation.stands_in:
            races = [checked.people.race[race] for race in equation.stands_in]
            stands_in[name] = int(np.count_nonzero(may & _any(races, table.num_rows)))
    columns["reasons"] = _texts(causes, table.num_rows)
    counts = {cause.says: int(np.count_nonzero(cause.mask)) for cause in causes}
    return Estimates(PEOPLE_RISK.check(pa.table(columns)), given, counts, stands_in)


def _check(table: pa.Table) -> _Checked:
    people, impossible = people_of(table)
    refused = _refused(table.column("refused"), table.num_rows)
    unknown = {
        "sex": ~(people.is_female | people.is_male),
        **{name: np.isnan(people.number(name)) & ~impossible[name] for name in NUMBERS},
    }
    absent = {
        name: mask & ~_any([m for (n, _), m in refused.items() if n == name], table.num_rows)
        for name, mask in unknown.items()
    }
    return _Checked(people, absent, refused, impossible)


def _refused(column: pa.ChunkedArray, n: int) -> dict[tuple[str, str], Bools]:
    """From lists of `input:reason` to one mask for each."""
    lists = column.combine_chunks()
    entries, rows = pc.list_flatten(lists), pc.list_parent_indices(lists).to_numpy()
    found: dict[tuple[str, str], Bools] = {}
    for entry in sorted(pc.unique(entries).to_pylist()):
        mask = np.zeros(n, dtype=np.bool_)
        mask[rows[pc.equal(entries, entry).to_numpy(zero_copy_only=False)]] = True
        name, reason = entry.split(":")
        found[name, reason] = mask
    return found


def _causes(checked: _Checked) -> list[_Cause]:
    """Collect the causes that concern anybody, each with all columns it empties."""
    n, every = checked.people.n, [equation.column for equation in EQUATIONS]
    whole = {reason: m for (name, reason), m in checked.refused.items() if name == WHOLE_ROW}
    found = {r: _Cause(f"{r} {WHOLE_ROW}", mask, list(every)) for r, mask in whole.items()}
    # Of a row that is not used at all nothing more is said.
    is_used = ~_any(list(whole.values()), n)
    for equation in EQUATIONS:
        for says, mask in _of_equation(equation, checked):
            if (mask & is_used).any():
                cause = found.setdefault(says, _Cause(says, mask & is_used, []))
                cause.columns.append(equation.column)
    return list(found.values())


def _of_equation(equation: Equation, checked: _Checked) -> Iterator[tuple[str, Bools]]:
    """Say what keeps people from one equation, in the order people read."""
    people = checked.people
    for name in equation.needs:
        for (refused, reason), mask in checked.refused.items():
            if refused == name:
                yield f"{reason} {name}", mask
        if name == "race":
            says = f"{Reason.MISSING_INPUT} race ({_or(equation.races)})"
            yield says, _raceless(equation, checked)
        else:
            yield f"{Reason.MISSING_INPUT} {name}", checked.absent[name]
        if name in checked.impossible:
            yield f"{Reason.OUT_OF_RANGE} {name}", checked.impossible[name]
    for limits in equation.ranges:
        value = people.number(limits.input)
        above = value >= limits.high if limits.is_open else value > limits.high
        yield f"{Reason.OUT_OF_RANGE} {limits.input} ({limits.says})", (value < limits.low) | above


def _raceless(equation: Equation, checked: _Checked) -> Bools:
    """Whose race is none that the equation was made for, and was not refused for another reason."""
    n = checked.people.n
    has = _any([checked.people.race[race] for race in equation.races], n)
    return ~has & ~_any([m for (name, _), m in checked.refused.items() if name == "race"], n)


def _any(masks: Sequence[Bools], n: int) -> Bools:
    result: Bools = np.logical_or.reduce(masks) if masks else np.zeros(n, dtype=np.bool_)
    return result


def _or(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _texts(causes: Sequence[_Cause], n: int) -> pa.Array:
    """Join the causes of each row; each pattern of causes is put into words once."""
    if not causes:
        return pa.array([""] * n, pa.string())
    every = [equation.column for equation in EQUATIONS]
    words = [f"{c.says}: {_ALL if c.columns == every else ', '.join(c.columns)}" for c in causes]
    packed = np.packbits(np.stack([cause.mask for cause in causes], axis=1), axis=1)
    width = packed.shape[1]
    keys = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), n, [None, pa.py_buffer(np.ascontiguousarray(packed))]
    ).dictionary_encode()
    patterns = [
        "; ".join(w for w, bit in zip(words, _bits(key), strict=False) if bit)
        for key in keys.dictionary.to_pylist()
    ]
    return pa.array(patterns, pa.string()).take(keys.indices)


def _bits(key: bytes) -> list[int]:
    bits: list[int] = np.unpackbits(np.frombuffer(key, dtype=np.uint8)).tolist()
    return bits
