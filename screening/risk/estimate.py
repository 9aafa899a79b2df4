"""From the inputs the SQL found to the table of estimates.

Comes in: the rows of `core_risk_input`. Goes out: RISK, one row each, in the same order.
Refuses: a table without a needed column (ScreeningError). A missing or out-of-range input makes
MESA's own estimates empty and is named, and no race stands for an unknown one; so do total
cholesterol and HDL that cannot both be right (`unit_suspect`). The clinical-variable model draws
what is missing or suspect, and names that too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from screening.config import RiskSettings
from screening.errors import ScreeningError
from screening.lipids import part_not_below_total
from screening.reasons import Reason
from screening.risk.by_region import score2_columns
from screening.risk.equations import MESA_YEARS
from screening.risk.mesa import RACES, mesa_risks
from screening.risk.people import NUMBERS, Bools, Floats, People, people_of
from screening.risk.percentile import percentile_columns
from screening.risk.score_error import scores_of
from screening.risk.use_model import ModelEstimates, estimate_by_model, use_for_flag
from screening.tables import RISK

EQUATION = "mesa_chd_10y_cac: McClelland 2015, doi 10.1016/j.jacc.2015.08.035"

_DATED = ("total_cholesterol_mg_dl", "hdl_cholesterol_mg_dl", "systolic_bp_mmhg", "smoker")
# What MESA needs, in the order people read it.
_REQUIRED = (
    *("age_years", "sex", "race", *_DATED),
    *("bp_treated", "lipid_treated", "diabetes", "family_history_mi", "agatston"),
)
_LIPIDS = ("total_cholesterol_mg_dl", "hdl_cholesterol_mg_dl")
_SCORE = ("agatston_low", "agatston_high", "agatston_at_least")
_AGE_SUFFIX = "_age_days"
# Dated too, but used by the model alone.
_ALSO_DATED = ("egfr", "bmi")

INPUT_COLUMNS = (
    "person_key",
    "series_key",
    *_REQUIRED,
    *_ALSO_DATED,
    *_SCORE,
    *(name + _AGE_SUFFIX for name in (*_DATED, *_ALSO_DATED)),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Checked:
    """Which inputs are missing, suspect or out of range, one array a name."""

    missing: tuple[tuple[str, Bools], ...]
    suspect: tuple[tuple[str, Bools], ...]
    outside: tuple[tuple[str, Bools], ...]


def estimate(inputs: pa.Table, settings: RiskSettings | None = None) -> pa.Table:
    """Estimate the 10-year risk of coronary heart disease of each row.

    Parameters
    ----------
    inputs : rows of the SQL view `core_risk_input`, columns INPUT_COLUMNS (others are left
        alone). Cholesterol mg/dL, pressure mmHg, ages years, flags 0 or 1, null unknown
    settings : which model, whether race is an input of it, what counts as stale

    Returns
    -------
    RISK, one row an input row, same order. `mesa_chd_10y` needs all inputs but the score;
    `mesa_chd_10y_cac` needs the score too; `model_risk` an age

    Raises
    ------
    ScreeningError
        A column is missing; the fitted model cannot be read, or is of another horizon.
    """
    absent = [name for name in INPUT_COLUMNS if name not in inputs.column_names]
    if absent:
        raise ScreeningError(
            f"risk inputs: missing columns {absent}; expected {list(INPUT_COLUMNS)}"
        )
    settings = settings or RiskSettings()
    inputs, suspect = _without_suspect(inputs)
    people, impossible = people_of(inputs)
    checked = _check(people, impossible, suspect)
    risks, n = mesa_risks(people), people.n
    inside = (people.age_years >= MESA_YEARS.low) & (people.age_years < MESA_YEARS.high)
    use = use_for_flag(settings)
    low, high, at_least = (_floats(inputs.column(name)) for name in _SCORE)
    scores = scores_of(people.agatston, low, high, at_least)
    model = estimate_by_model(people, scores, {}, use)
    return RISK.check(
        pa.table(
            {
                "person_key": inputs.column("person_key"),
                "series_key": inputs.column("series_key"),
                "equation": pa.array([EQUATION] * n, pa.string()),
                **{name: _where(inside, values) for name, values in risks.items()},
                **percentile_columns(inputs),
                "inputs_used": _inputs_used(inputs, checked),
                **_reasons(checked, n),
                "model": pa.array([use.says] * n, pa.string()),
                **_model_columns(model, scores.at_least, n),
                **score2_columns(people, impossible, settings.score2_region),
                "stale": _stale(inputs, people, settings.stale_days, use.model.uses),
            }
        )
    )


def _without_suspect(inputs: pa.Table) -> tuple[pa.Table, Mapping[str, Bools]]:
    """Empty both lipids where they cannot both be right, and tell of whom."""
    odd = part_not_below_total(*(_floats(inputs.column(name)) for name in _LIPIDS))
    for name in _LIPIDS:
        kept = pc.if_else(pa.array(odd), pa.scalar(None, pa.float64()), inputs.column(name))
        inputs = inputs.set_column(inputs.column_names.index(name), name, kept)
    return inputs, dict.fromkeys(_LIPIDS, odd)


def _floats(column: pa.ChunkedArray) -> Floats:
    values = pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def _where(mask: Bools, values: Floats) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~mask | np.isnan(values))


def _model_columns(model: ModelEstimates, at_least: Floats, n: int) -> dict[str, pa.Array]:
    found, has = model.found, ~np.isnan(model.found.risk)
    return {
        "model_risk": _where(has, found.risk),
        "model_risk_low": _where(has, found.low),
        "model_risk_high": _where(has, found.high),
        "imputed": _imputed(model.imputed, at_least, n),
        "contributions": _contributions(found.parts, has),
    }


def _imputed(imputed: Mapping[str, Bools], at_least: Floats, n: int) -> pa.Array:
    """Names of inputs that were drawn; of a score that is a lower bound what was seen."""
    texts = [pa.array([name] * n, pa.string(), mask=~mask) for name, mask in imputed.items()]
    if "agatston" in imputed:
        seen = pc.round(pa.array(at_least, pa.float64(), mask=~(at_least > 0)), 1)
        seen = seen.cast(pa.string())
        bound = pc.binary_join_element_wise("agatston (drawn from ", seen, " on)", "")
        at = list(imputed).index("agatston")
        texts[at] = pc.if_else(texts[at].is_valid(), pc.coalesce(bound, texts[at]), texts[at])
    return _lists(texts, n)


def _contributions(parts: Mapping[str, Floats], has: Bools) -> pa.Array:
    """One list a row of what each input adds, empty where there is no estimate."""
    names, k = list(parts), len(parts)
    rows = np.flatnonzero(has)
    adds = np.stack([parts[name][rows] for name in names], axis=1).ravel() + 0.0
    offsets = np.concatenate([[0], np.cumsum(np.where(has, k, 0))]).astype(np.int32)
    pairs = pa.StructArray.from_arrays(
        [pa.array(names * len(rows), pa.string()), pa.array(adds, pa.float64())],
        ["input", "adds"],
    )
    return pa.ListArray.from_arrays(pa.array(offsets), pairs)


def _stale(inputs: pa.Table, people: People, days: int, uses: Sequence[str]) -> pa.Array:
    """Names of values that the model used although they are older than `days`."""
    texts = []
    for name in (name for name in (*_DATED, *_ALSO_DATED) if name in uses):
        age = _floats(inputs.column(name + _AGE_SUFFIX))
        old = (age > days) & ~np.isnan(people.number(name))
        texts.append(pa.array([name] * people.n, pa.string(), mask=~old))
    return _lists(texts, people.n)


def _check(
    people: People, impossible: Mapping[str, Bools], suspect: Mapping[str, Bools]
) -> _Checked:
    """Judge each input by itself, in the order people read them."""
    unknown = {
        **{name: np.isnan(people.number(name)) & ~impossible[name] for name in NUMBERS},
        "sex": ~(people.is_female | people.is_male),
        "race": ~np.logical_or.reduce([people.race[race] for race in RACES]),
    }
    unknown |= {name: unknown[name] & ~mask for name, mask in suspect.items()}
    age = people.age_years
    beyond = {"age_years": (age < MESA_YEARS.low) | (age >= MESA_YEARS.high)}
    outside = tuple(
        (name, impossible[name] | beyond.get(name, np.zeros(people.n, dtype=np.bool_)))
        for name in _REQUIRED
        if name in impossible
    )
    missing = tuple((name, unknown[name]) for name in _REQUIRED)
    return _Checked(missing, tuple(suspect.items()), outside)


def _named(names: Sequence[tuple[str, Bools]], n: int) -> pa.Array:
    """Names whose mask is set, comma-joined, for each row; empty where none."""
    texts = [pa.array([name] * n, pa.string(), mask=~mask) for name, mask in names]
    return _joined(texts, ", ", n)


def _joined(texts: Sequence[pa.Array], separator: str, n: int) -> pa.Array:
    # Through lists: pyarrow 26's binary_join_element_wise with null_handling="skip" drops the
    # rows in which every part is null.
    return pc.binary_join(_lists(texts, n), separator)


def _reasons(checked: _Checked, n: int) -> dict[str, pa.Array]:
    """Reason codes and the inputs they speak of."""
    nothing = pa.scalar(None, pa.string())
    codes, details = [], []
    for reason, words, names in (
        (Reason.MISSING_INPUT, "missing: ", _named(checked.missing, n)),
        (Reason.UNIT_SUSPECT, "unit suspect: ", _named(checked.suspect, n)),
        (Reason.OUT_OF_RANGE, "out of range: ", _named(checked.outside, n)),
    ):
        applies = pc.not_equal(names, "")
        codes.append(pc.if_else(applies, reason.value, nothing))
        text = pc.binary_join_element_wise(words, names, "")
        details.append(pc.if_else(applies, text, nothing))
    return {"reasons": _lists(codes, n), "detail": _joined(details, "; ", n)}


def _inputs_used(inputs: pa.Table, checked: _Checked) -> pa.Array:
    """`name=value`, with the age of a measurement in days; never a date."""
    n = inputs.num_rows
    texts: list[pa.Array] = []
    for name, is_missing in checked.missing:
        value = _array(inputs.column(name))
        if name not in ("sex", "race"):
            value = pc.round(value.cast(pa.float64()), 1)
        text = pc.binary_join_element_wise(name, value.cast(pa.string()), "=")
        if name in _DATED:
            days = _array(inputs.column(name + _AGE_SUFFIX)).cast(pa.string())
            age = pc.binary_join_element_wise(" (", days, " d before scan)", "")
            text = pc.binary_join_element_wise(text, pc.fill_null(age, ""), "")
        texts.append(pc.if_else(pa.array(is_missing), pa.scalar(None, pa.string()), text))
    return _lists(texts, n)


def _array(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)


def _lists(columns: Sequence[pa.Array], n: int) -> pa.Array:
    """One list a row of the columns' values that are not null, in column order."""
    k = len(columns)
    flat = pa.concat_arrays(columns)
    by_row = flat.take(pa.array(np.arange(n * k).reshape(k, n).T.ravel()))
    valid = by_row.is_valid().to_numpy(zero_copy_only=False).reshape(n, k)
    offsets = np.concatenate([[0], np.cumsum(valid.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), by_row.drop_null())
