"""From the inputs the SQL found to the table of estimates.

Comes in: the rows of `core_risk_input`. Goes out: RISK, one row each, in the same order.
Refuses: a table without a needed column (ScreeningError). A missing or out-of-range input makes
the estimate empty and is named; nothing is imputed, and no race stands for an unknown one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.errors import ScreeningError
from screening.reasons import Reason
from screening.risk.equations import MESA_YEARS
from screening.risk.mesa import MESA_CAC, MESA_NO_CAC, RACES, MesaInputs, mesa_risk
from screening.risk.percentile import percentile_columns
from screening.tables import RISK

EQUATION = "mesa_chd_10y_cac: McClelland 2015, doi 10.1016/j.jacc.2015.08.035"

_MEASURED = (
    "total_cholesterol_mg_dl",
    "hdl_cholesterol_mg_dl",
    "systolic_bp_mmhg",
    "smoker",
)
_FLAGS = ("bp_treated", "lipid_treated", "diabetes", "family_history_mi")
_NUMBERS = ("age_years", "agatston", *_MEASURED, *_FLAGS)
_REQUIRED = ("age_years", "sex", "race", *_MEASURED, *_FLAGS, "agatston")
_AGE_SUFFIX = "_age_days"

INPUT_COLUMNS = (
    "person_key",
    "series_key",
    *_REQUIRED,
    *(name + _AGE_SUFFIX for name in _MEASURED),
)

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Checked:
    """Which inputs are missing and which are out of range, one array a name."""

    missing: tuple[tuple[str, Bools], ...]
    outside: tuple[tuple[str, Bools], ...]


def estimate(inputs: pa.Table) -> pa.Table:
    """Estimate the 10-year risk of coronary heart disease of each row.

    Parameters
    ----------
    inputs : rows of the SQL view `core_risk_input`, columns INPUT_COLUMNS (others are left
        alone). Cholesterol mg/dL, pressure mmHg, ages years, flags 0 or 1, null unknown

    Returns
    -------
    RISK, one row an input row, same order. `mesa_chd_10y` needs all inputs but the score;
    `mesa_chd_10y_cac` needs the score too

    Raises
    ------
    ScreeningError
        A column is missing.
    """
    absent = [name for name in INPUT_COLUMNS if name not in inputs.column_names]
    if absent:
        raise ScreeningError(
            f"risk inputs: missing columns {absent}; expected {list(INPUT_COLUMNS)}"
        )
    numbers = {name: _floats(inputs.column(name)) for name in _NUMBERS}
    sex, race = _words(inputs.column("sex")), _words(inputs.column("race"))
    checked = _check(numbers, sex, race)
    known = _none_of([mask for name, mask in checked.missing if name != "agatston"], len(sex))
    inside = _none_of([mask for name, mask in checked.outside if name != "agatston"], len(sex))
    has_score = _none_of([m for n, m in (*checked.missing, *checked.outside) if n == "agatston"], 0)
    arrays = _mesa_inputs(numbers, sex, race)
    may = known & inside
    return RISK.check(
        pa.table(
            {
                "person_key": inputs.column("person_key"),
                "series_key": inputs.column("series_key"),
                "equation": pa.array([EQUATION] * len(sex), pa.string()),
                "mesa_chd_10y": _where(may, mesa_risk(arrays, MESA_NO_CAC)),
                "mesa_chd_10y_cac": _where(may & has_score, mesa_risk(arrays, MESA_CAC)),
                **percentile_columns(inputs),
                "inputs_used": _inputs_used(inputs, sex, race, checked),
                **_reasons(checked, len(sex)),
            }
        )
    )


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Null and anything not finite become NaN."""
    values = pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def _words(column: pa.ChunkedArray) -> NDArray[np.str_]:
    words: list[str] = pc.fill_null(column.cast(pa.string()), "").to_pylist()
    return np.array(words, dtype=np.str_)


def _none_of(masks: Sequence[Bools], n: int) -> Bools:
    result: Bools = ~np.logical_or.reduce(masks) if masks else np.ones(n, dtype=np.bool_)
    return result


def _where(mask: Bools, values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~mask)


def _check(
    numbers: dict[str, NDArray[np.float64]], sex: NDArray[np.str_], race: NDArray[np.str_]
) -> _Checked:
    """Judge each input by itself, in the order people read them."""
    missing: list[tuple[str, Bools]] = []
    for name in _REQUIRED:
        if name == "sex":
            missing.append((name, ~np.isin(sex, ("F", "M"))))
        elif name == "race":
            missing.append((name, ~np.isin(race, RACES)))
        else:
            missing.append((name, np.isnan(numbers[name])))
    age = numbers["age_years"]
    outside: list[tuple[str, Bools]] = [
        ("age_years", (age < MESA_YEARS.low) | (age >= MESA_YEARS.high))
    ]
    outside += [(name, numbers[name] <= 0) for name in _MEASURED[:3]]
    outside += [
        (name, ~np.isnan(numbers[name]) & ~np.isin(numbers[name], (0.0, 1.0)))
        for name in ("smoker", *_FLAGS)
    ]
    outside.append(("agatston", numbers["agatston"] < 0))
    return _Checked(tuple(missing), tuple(outside))


def _mesa_inputs(
    numbers: dict[str, NDArray[np.float64]], sex: NDArray[np.str_], race: NDArray[np.str_]
) -> MesaInputs:
    return MesaInputs(
        age_years=numbers["age_years"],
        male=(sex == "M").astype(np.float64),
        chinese=(race == "chinese").astype(np.float64),
        black=(race == "black").astype(np.float64),
        hispanic=(race == "hispanic").astype(np.float64),
        diabetes=numbers["diabetes"],
        smoker=numbers["smoker"],
        total_cholesterol_mg_dl=numbers["total_cholesterol_mg_dl"],
        hdl_cholesterol_mg_dl=numbers["hdl_cholesterol_mg_dl"],
        lipid_treated=numbers["lipid_treated"],
        systolic_bp_mmhg=numbers["systolic_bp_mmhg"],
        bp_treated=numbers["bp_treated"],
        family_history_mi=numbers["family_history_mi"],
        # A negative score is refused by its own mask; here it must not make a warning.
        agatston=np.maximum(numbers["agatston"], 0.0),
    )


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
        (Reason.OUT_OF_RANGE, "out of range: ", _named(checked.outside, n)),
    ):
        applies = pc.not_equal(names, "")
        codes.append(pc.if_else(applies, reason.value, nothing))
        text = pc.binary_join_element_wise(words, names, "")
        details.append(pc.if_else(applies, text, nothing))
    return {"reasons": _lists(codes, n), "detail": _joined(details, "; ", n)}


def _inputs_used(
    inputs: pa.Table, sex: NDArray[np.str_], race: NDArray[np.str_], checked: _Checked
) -> pa.Array:
    """`name=value`, with the age of a measurement in days; never a date."""
    n = inputs.num_rows
    texts: list[pa.Array] = []
    for name, is_missing in checked.missing:
        if name in ("sex", "race"):
            value = pa.array(sex if name == "sex" else race, pa.string())
        else:
            rounded = pc.round(_array(inputs.column(name)).cast(pa.float64()), 1)
            value = rounded.cast(pa.string())
        text = pc.binary_join_element_wise(name, value, "=")
        if name in _MEASURED:
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
