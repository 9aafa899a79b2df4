"""Every published equation, and the clinical-variable model, on a table of people.

Comes in: PEOPLE, one row a person. Goes out: PEOPLE_RISK, one row each, in the same order, and
what is to be counted: how many have each estimate, and why others have not.
Refuses: a table without its columns (ScreeningError). A person whom an equation was not made for
has no estimate by it, and the reason; the model alone draws what is missing, and says what.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from screening.config import RiskSettings
from screening.reasons import Reason
from screening.risk.equations import EQUATIONS, FORMULAS, MODEL, Equation
from screening.risk.people import NUMBERS, Bools, Floats, People, people_of
from screening.risk.score_error import scores_of
from screening.risk.use_model import ModelEstimates, ModelUse, estimate_by_model, use_of
from screening.tables import PEOPLE, PEOPLE_RISK

# Stands in `refused` for the row as a whole: two rows for one person.
WHOLE_ROW = "person_id"
# All columns; all of published equations, where the model has a value nevertheless.
_ALL, _ALL_EQUATIONS = "all", "all equations"
_EVERY = (*(equation.column for equation in EQUATIONS), MODEL.column)


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """What became of a table of people.

    table : PEOPLE_RISK
    given : for each estimate's column, how many people have it
    causes : how many people each cause concerns, such as `missing_input agatston`
    stands_in : people whose estimate is that of the equation for white people, by column
    imputed : people for whom the model drew each input
    parts : by input, what it adds to the model's sum; null where there is no estimate
    """

    table: pa.Table
    given: Mapping[str, int]
    causes: Mapping[str, int]
    stands_in: Mapping[str, int]
    imputed: Mapping[str, int]
    parts: Mapping[str, pa.Array]


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


def apply_equations(
    table: pa.Table, use: ModelUse | None = None, extras: Mapping[str, Floats] | None = None
) -> Estimates:
    """Evaluate every equation on everyone it was made for, and the model on all of its ages.

    Parameters
    ----------
    table : PEOPLE; mg/dL, mmHg, years, flags 0 or 1, null unknown
    use : the model and how race enters it; the default ones where None
    extras : (n,) each, NaN unknown: columns of a site's own that its model uses

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
    may = ~_any([c.mask for c in causes if MODEL.column in c.columns], table.num_rows)
    model = _by_model(checked.people, use or use_of(RiskSettings()), extras or {}, may)
    columns |= _model_columns(model, may, table.num_rows)
    given[MODEL.column] = int(np.count_nonzero(may))
    imputed = {name: int(np.count_nonzero(mask & may)) for name, mask in model.imputed.items()}
    columns["reasons"] = _texts(causes, table.num_rows)
    counts = {cause.says: int(np.count_nonzero(cause.mask)) for cause in causes}
    parts = {n: pa.array(v, pa.float64(), mask=~may) for n, v in model.found.parts.items()}
    return Estimates(PEOPLE_RISK.check(pa.table(columns)), given, counts, stands_in, imputed, parts)


def _by_model(
    people: People, use: ModelUse, extras: Mapping[str, Floats], may: Bools
) -> ModelEstimates:
    """Estimate by the model; of scores in a table no interval is known."""
    unknown = np.full(people.n, np.nan)
    # Of who is refused nothing is worked out.
    asked = replace(people, age_years=np.where(may, people.age_years, np.nan))
    return estimate_by_model(
        asked, scores_of(people.agatston, unknown, unknown, unknown), extras, use
    )


def _model_columns(model: ModelEstimates, may: Bools, n: int) -> dict[str, pa.Array]:
    found = model.found
    ends = (("", found.risk), ("_low", found.low), ("_high", found.high))
    drawn = list(model.imputed.items())
    return {
        **{f"model_risk{end}": pa.array(values, pa.float64(), mask=~may) for end, values in ends},
        "model_imputed": _said([name for name, _ in drawn], [mask for _, mask in drawn], ", ", n),
    }


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
    n, every = checked.people.n, [*_EVERY]
    whole = {reason: m for (name, reason), m in checked.refused.items() if name == WHOLE_ROW}
    found = {r: _Cause(f"{r} {WHOLE_ROW}", mask, list(every)) for r, mask in whole.items()}
    # Of a row that is not used at all nothing more is said.
    is_used = ~_any(list(whole.values()), n)
    for equation in (*EQUATIONS, MODEL):
        for says, mask in _of_equation(equation, checked):
            if (mask & is_used).any():
                cause = found.setdefault(says, _Cause(says, mask & is_used, []))
                cause.mask[mask & is_used] = True
                if equation.column not in cause.columns:
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
    whole = {_EVERY: _ALL, _EVERY[:-1]: _ALL_EQUATIONS}
    words = [f"{c.says}: {whole.get(tuple(c.columns), ', '.join(c.columns))}" for c in causes]
    return _said(words, [cause.mask for cause in causes], "; ", n)


def _said(words: Sequence[str], masks: Sequence[Bools], separator: str, n: int) -> pa.Array:
    """Join the words that hold of each row; each pattern of them is joined once."""
    if not words:
        return pa.array([""] * n, pa.string())
    packed = np.packbits(np.stack(masks, axis=1), axis=1)
    width = packed.shape[1]
    keys = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), n, [None, pa.py_buffer(np.ascontiguousarray(packed))]
    ).dictionary_encode()
    patterns = [
        separator.join(w for w, bit in zip(words, _bits(key), strict=False) if bit)
        for key in keys.dictionary.to_pylist()
    ]
    return pa.array(patterns, pa.string()).take(keys.indices)


def _bits(key: bytes) -> list[int]:
    bits: list[int] = np.unpackbits(np.frombuffer(key, dtype=np.uint8)).tolist()
    return bits
