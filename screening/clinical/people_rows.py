"""From the text of a table of people to typed inputs in the units of their columns.

Comes in: pieces of a `PeopleFile`. Goes out: PEOPLE (`screening.tables`).
Refuses: single values, each with its reason in `refused`: `bad_value` what cannot be read,
`unit_suspect` what is implausible in its unit (a lipid in mmol/L), `out_of_range` a score above
any there is. A row without a `person_id` is nobody's (`missing_input`). All rows of a person whose
rows contradict are refused (`identity_conflict`), of equal ones all but the first
(`duplicate_row`). Nothing is converted by guess.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from screening.clinical.codes import Codes, load_codes, normal_word
from screening.clinical.parse import Bools, bools, looked_up, numbers
from screening.clinical.people_file import (
    INPUTS,
    NOTHING,
    PERSON_ID,
    Census,
    Hashes,
    PeopleFile,
    id_hashes,
    pieces,
)
from screening.lipids import part_not_below_total
from screening.reasons import Reason
from screening.tables import PEOPLE

Floats = NDArray[np.float64]
Refusals = list[tuple[str, Bools]]

_FLAGS: Mapping[str, str] = {
    **dict.fromkeys(("0", "0.0", "false"), "0"),
    **dict.fromkeys(("1", "1.0", "true"), "1"),
}
_FLAG_COLUMNS = ("bp_treated", "lipid_treated", "diabetes", "smoker", "family_history_mi")
# The concept whose plausible range (`codes/ranges.csv`) judges a column.
_CONCEPTS = {
    "total_cholesterol_mg_dl": "total_cholesterol_mg_dl",
    "hdl_cholesterol_mg_dl": "hdl_cholesterol_mg_dl",
    "systolic_bp_mmhg": "systolic_bp_mmhg",
    "egfr": "egfr_ml_min_173m2",
    "bmi": "bmi_kg_m2",
    "agatston": "formal_agatston",
}
_TOTAL, _HDL = "total_cholesterol_mg_dl", "hdl_cholesterol_mg_dl"


def read_people(people: PeopleFile, census: Census) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Read the file piece by piece.

    Returns
    -------
    Pieces, each as the file's own text and as PEOPLE, row for row

    Raises
    ------
    ScreeningError
        The file is no CSV in UTF-8.
    """
    codes, seen, row = load_codes(), set[int](), 1
    for piece in pieces(people):
        copies = _copies(id_hashes(piece), census, seen)
        yield piece, _typed(piece, row, copies, codes)
        row += piece.num_rows


def _copies(hashes: Hashes, census: Census, seen: set[int]) -> Refusals:
    """Tell rows of nobody and of people who stand there twice; `seen` goes from piece to piece."""
    conflict, copy = np.zeros((2, len(hashes)), dtype=np.bool_)
    if census.twice:
        several = np.isin(hashes, np.array(sorted(census.twice), dtype=np.int64))
        for row in np.flatnonzero(several).tolist():
            person = int(hashes[row])
            conflict[row] = person in census.contradicting
            copy[row] = not conflict[row] and person in seen
            seen.add(person)
    return [
        (f"{PERSON_ID}:{Reason.MISSING_INPUT}", hashes == 0),
        (f"{PERSON_ID}:{Reason.IDENTITY_CONFLICT}", conflict),
        (f"{PERSON_ID}:{Reason.DUPLICATE_ROW}", copy),
    ]


def _typed(piece: pa.Table, first_row: int, refusals: Refusals, codes: Codes) -> pa.Table:
    n = piece.num_rows
    columns: dict[str, pa.Array] = {"row": pa.array(np.arange(first_row, first_row + n))}
    values: dict[str, Floats] = {}
    for name in INPUTS:
        if name not in piece.column_names:
            columns[name] = pa.nulls(n, PEOPLE.schema.field(name).type)
            continue
        texts = _cells(piece.column(name))
        if name in ("sex", "race"):
            columns[name] = _words(name, texts, codes, refusals)
        else:
            values[name] = _values(name, texts, codes, refusals)
    _compare_lipids(values, refusals)
    columns |= {name: pa.array(v, mask=np.isnan(v)) for name, v in values.items()}
    return PEOPLE.check(pa.table({**columns, "refused": _lists(refusals, n)}))


def _cells(column: pa.ChunkedArray) -> pa.Array:
    """Trim, and take a word for nothing as nothing."""
    texts = pc.utf8_trim_whitespace(column).combine_chunks()
    return pc.if_else(pc.is_in(texts, NOTHING), "", texts)


def _words(name: str, texts: pa.Array, codes: Codes, refusals: Refusals) -> pa.Array:
    """Sex and race by the same words as in the clinical tables (`codes/words.csv`)."""
    found = looked_up(texts, lambda text: codes.words.get((name, normal_word(text))))
    words = pa.array(found, pa.string())
    refusals.append(_bad(name, bools(pc.and_(pc.is_null(words), pc.not_equal(texts, "")))))
    return words


def _values(name: str, texts: pa.Array, codes: Codes, refusals: Refusals) -> Floats:
    if name in _FLAG_COLUMNS:
        found = looked_up(texts, lambda text: _FLAGS.get(normal_word(text)))
        values = pa.array(found, pa.string()).cast(pa.float64())
        read = _with_nan(values)
    else:
        read = _numbers(texts)
    refusals.append(_bad(name, np.isnan(read) & bools(pc.not_equal(texts, ""))))
    if name not in _CONCEPTS:
        return read
    limits = codes.ranges[_CONCEPTS[name]]
    # Not above zero is no matter of units: the equations refuse it as out of range; a score may be.
    is_told = (read > 0) | (limits.low == 0)
    is_suspect = is_told & ((read < limits.low) | (read > limits.high))
    refusals.append((f"{name}:{limits.reason}", is_suspect))
    return np.where(is_suspect, np.nan, read)


def _numbers(texts: pa.Array) -> Floats:
    """Read all at once where all are numbers, else one by one."""
    try:
        values = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts).cast(
            pa.float64()
        )
    except pa.ArrowInvalid:
        return numbers(texts)
    read = _with_nan(values)
    return np.where(np.isfinite(read), read, np.nan)


def _with_nan(values: pa.Array) -> Floats:
    found: Floats = pc.fill_null(values, np.nan).to_numpy(zero_copy_only=False)
    return found


def _compare_lipids(values: dict[str, Floats], refusals: Refusals) -> None:
    """HDL is a part of total cholesterol: where it is not less, one is in another unit."""
    if _TOTAL not in values or _HDL not in values:
        return
    is_odd = part_not_below_total(values[_TOTAL], values[_HDL])
    for name in (_TOTAL, _HDL):
        values[name] = np.where(is_odd, np.nan, values[name])
        refusals.append((f"{name}:{Reason.UNIT_SUSPECT}", is_odd))


def _bad(name: str, mask: Bools) -> tuple[str, Bools]:
    return f"{name}:{Reason.BAD_VALUE}", mask


def _lists(refusals: Sequence[tuple[str, Bools]], n: int) -> pa.ListArray:
    """One list a row of what was refused in it."""
    rows = np.concatenate([np.flatnonzero(mask) for _, mask in refusals])
    which = np.repeat(np.arange(len(refusals)), [np.count_nonzero(m) for _, m in refusals])
    order = np.argsort(rows, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))]).astype(np.int32)
    said = pa.array([says for says, _ in refusals], pa.string())
    return pa.ListArray.from_arrays(pa.array(offsets), said.take(pa.array(which[order])))
