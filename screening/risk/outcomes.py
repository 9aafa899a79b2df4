"""A site's outcomes: from rows of a table to people with a time and what ended it.

Comes in: the table as text, and the same rows typed (PEOPLE). Goes out: `Outcomes`.
Refuses: a table without its columns or a horizon nobody was followed to (ScreeningError); rows that
cannot be used are left out and counted by reason.

The landmark is the scan: time counts from it, what is known then may enter, and who has had the
disease by then, by any row of theirs, is out. One scan a person stands for them: the first that
can be used. Rows of one person and day that contradict each other are left out, as `risk evaluate`
does; so is a person whose rows name both sexes. A value of an input that cannot be is counted
(`values_unused`) and is missing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from screening.errors import ScreeningError
from screening.reasons import Reason
from screening.risk.people import Bools, Floats, People, people_of

PERSON, SITE, DAY, PREVALENT = "person_id", "site", "scan_date", "prevalent"
YEARS, OUTCOME = "followup_years", "outcome"
# Of made-up tables: 1 where the outcome is simulated, and may lie in the future.
SIMULATED = "simulated"
NEEDED = (PERSON, DAY, PREVALENT, YEARS, OUTCOME)
# What ended the time: nothing yet (censored), the event, a death that is none.
STATES: Mapping[str, int] = {"none": 0, "event": 1, "death": 2}
CONTRADICTING = "rows of one person and scan_date that contradict each other"
SAME_AGAIN = "the same row again"
# MESA's, and so those of a model fitted here.
_MODEL_AGES = (45.0, 85.0)
# The first CT of a patient: 1 October 1971 (Beckmann 2006, Br J Radiol 79:5-8,
# doi 10.1259/bjr/29444122).
FIRST_CT = date(1971, 10, 1)
# Years may be rounded: to whole ones they end up to half a year late.
_ROUNDING = timedelta(days=183)
_DAYS_A_YEAR = 365.25


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """People with outcomes, arrays of shape (n,).

    rows : of the table, from 0; years : from scan to what ended it; state : 0 censored, 1 event,
    2 other death; site : number of the site; day : of the scan, days since 1970
    left_out : rows, by reason; values_unused : values of the people's inputs that cannot be and
    are missing here, by reason and input
    """

    people: People
    rows: np.ndarray
    years: Floats
    state: np.ndarray
    site: np.ndarray
    day: np.ndarray
    left_out: Mapping[str, int]
    values_unused: Mapping[str, int]

    @property
    def n(self) -> int:
        """How many people."""
        return len(self.years)


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """The rows' own columns, read; arrays of shape (n,). day NaN, state -1 unreadable."""

    person: np.ndarray
    day: Floats
    years: Floats
    state: np.ndarray
    prevalent: np.ndarray
    age: Floats
    sex: np.ndarray
    is_simulated: Bools


def outcomes_of(
    text: pa.Table, typed: pa.Table, today: date, *, of_any_age: bool = False
) -> Outcomes:
    """Take one scan a person, without prevalent disease, with a time after it.

    Parameters
    ----------
    text : columns NEEDED and, where there are several, `site`; scan_date YYYY-MM-DD, prevalent 0 or
        1, followup_years, outcome none, event or death
    typed : PEOPLE, row for row
    today : nothing later can have been seen
    of_any_age : else from 45 to 84, as a model needs

    Raises
    ------
    ScreeningError
        A column is missing.
    """
    missing = [name for name in NEEDED if name not in text.column_names]
    if missing:
        raise ScreeningError(
            f"outcomes: no column {missing[0]}; needed beside the inputs: {', '.join(NEEDED)}"
        )
    cells = _read(text, typed)
    left_out: dict[str, int] = {}
    keep = np.ones(text.num_rows, dtype=np.bool_)
    for says, mask in _why_not(cells, typed, today, None if of_any_age else _MODEL_AGES):
        left_out[says] = int(np.count_nonzero(mask & keep))
        keep &= ~mask
    rows = _first_scans(np.flatnonzero(keep), cells.person, cells.day)
    left_out["a later scan of the same person"] = int(np.count_nonzero(keep)) - len(rows)
    site = np.zeros(len(rows), dtype=np.int64)
    if SITE in text.column_names:
        names = np.array(pc.utf8_trim_whitespace(text.column(SITE)).to_pylist())
        site = np.unique(names[rows], return_inverse=True)[1]
    taken = typed.take(pa.array(rows))
    people, impossible = people_of(taken)
    counted = {says: n for says, n in left_out.items() if n}
    unused = _unused(taken, impossible)
    return Outcomes(
        people, rows, cells.years[rows], cells.state[rows], site, cells.day[rows], counted, unused
    )


def _why_not(
    cells: _Cells, typed: pa.Table, today: date, ages: tuple[float, float] | None
) -> list[tuple[str, Bools]]:
    """Say whom each reason leaves out; the first that holds of a row is told."""
    contradicting, again = _twice(cells, typed)
    is_of_age = np.ones(len(cells.age), dtype=np.bool_)
    if ages:
        is_of_age = (cells.age >= ages[0]) & (cells.age < ages[1])
    end = cells.day + cells.years * _DAYS_A_YEAR
    is_too_long = ~cells.is_simulated & (end > _day(today + _ROUNDING))
    is_too_long |= cells.years * _DAYS_A_YEAR > _day(today) - _day(FIRST_CT)
    is_impossible_day = (cells.day < _day(FIRST_CT)) | (cells.day > _day(today))
    return [
        ("no person_id", cells.person == ""),
        ("scan_date cannot be read", np.isnan(cells.day)),
        (CONTRADICTING, contradicting),
        (SAME_AGAIN, again),
        ("rows of one person that name both sexes", _of_both_sexes(cells)),
        ("scan_date is before CT (October 1971) or in the future", is_impossible_day),
        ("outcome is not none, event or death", cells.state < 0),
        ("prevalent is not 0 or 1", ~np.isin(cells.prevalent, ("0", "1"))),
        ("followup_years cannot be read", np.isnan(cells.years)),
        ("followup_years is negative: it ended before the scan", cells.years < 0),
        ("followup_years ends in the future", is_too_long),
        ("disease before the scan", cells.prevalent == "1"),
        ("event or end at the scan itself", cells.years == 0),
        ("disease before the scan, by another row of the person", _had_it_before(cells)),
        ("age unknown or not from 45 to 84", ~is_of_age),
    ]


def _read(text: pa.Table, typed: pa.Table) -> _Cells:
    cells = {name: pc.utf8_trim_whitespace(text.column(name)) for name in NEEDED}
    return _Cells(
        person=np.array(cells[PERSON].to_pylist()),
        day=_days(cells[DAY]),
        years=_numbers(cells[YEARS]),
        state=np.array([STATES.get(v.lower(), -1) for v in cells[OUTCOME].to_pylist()]),
        prevalent=np.array(cells[PREVALENT].to_pylist()),
        age=people_of(typed)[0].age_years,
        sex=np.array(pc.fill_null(typed.column("sex"), "").to_pylist()),
        is_simulated=_simulated(text),
    )


def _simulated(text: pa.Table) -> Bools:
    if SIMULATED not in text.column_names:
        return np.zeros(text.num_rows, dtype=np.bool_)
    words = np.array(pc.utf8_trim_whitespace(text.column(SIMULATED)).to_pylist())
    mask: Bools = words == "1"
    return mask


def _day(day: date) -> float:
    return float((day - date(1970, 1, 1)).days)


def _twice(cells: _Cells, typed: pa.Table) -> tuple[Bools, Bools]:
    """Find rows of one person and day: those that contradict each other, copies of the first."""
    contradicting, again = np.zeros((2, len(cells.day)), dtype=np.bool_)
    person = np.unique(cells.person, return_inverse=True)[1]
    which = np.flatnonzero(~np.isnan(cells.day) & (cells.person != ""))
    pairs = np.column_stack([person[which], cells.day[which]])
    _, pair, times = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    is_several = times[pair] > 1
    which, pair = which[is_several], pair[is_several]
    inputs = typed.drop_columns(["row", "refused"]).take(pa.array(which)).to_pylist()
    said: dict[int, list[tuple[int, str]]] = {}
    for row, of_pair, values in zip(which.tolist(), pair.tolist(), inputs, strict=True):
        own = (cells.years[row], cells.state[row], cells.prevalent[row])
        said.setdefault(of_pair, []).append((row, repr((own, values))))
    for rows in said.values():
        places = [row for row, _ in rows]
        if len({words for _, words in rows}) > 1:
            contradicting[places] = True
        else:
            again[places[1:]] = True
    return contradicting, again


def _of_both_sexes(cells: _Cells) -> Bools:
    both = set(cells.person[cells.sex == "F"]) & set(cells.person[cells.sex == "M"]) - {""}
    return np.isin(cells.person, sorted(both))


def _had_it_before(cells: _Cells) -> Bools:
    """Tell whose disease was there by the day of a row, by whatever row of theirs.

    Where rows contradict each other the one with the disease is believed here.
    """
    _, person = np.unique(cells.person, return_inverse=True)
    since = np.where(cells.prevalent == "1", cells.day, np.inf)
    event = np.where(cells.state == STATES["event"], cells.day + cells.years * _DAYS_A_YEAR, np.inf)
    onset = np.full(person.max(initial=-1) + 1, np.inf)
    # fmin: of a row without a readable day or time nothing is known.
    np.fmin.at(onset, person, np.fmin(since, event))
    before: Bools = (cells.person != "") & (onset[person] <= cells.day)
    return before


def _unused(taken: pa.Table, impossible: Mapping[str, Bools]) -> dict[str, int]:
    """Count the values that are missing because they cannot be, as `risk apply` names them."""
    entries = pc.list_flatten(taken.column("refused")).to_pylist()
    found = Counter(" ".join(reversed(entry.split(":"))) for entry in entries)
    for name, mask in impossible.items():
        found[f"{Reason.OUT_OF_RANGE} {name}"] += int(np.count_nonzero(mask))
    return {says: n for says, n in sorted(found.items()) if n}


def _first_scans(rows: np.ndarray, person: np.ndarray, day: Floats) -> np.ndarray:
    order = rows[np.lexsort((rows, day[rows], person[rows]))]
    is_first = np.r_[True, person[order][1:] != person[order][:-1]] if len(order) else order > 0
    return np.sort(order[is_first])


def _days(cells: pa.ChunkedArray) -> Floats:
    is_day = pc.match_substring_regex(cells, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    shown = pc.if_else(is_day, cells, pa.scalar(None, pa.string()))
    parsed = pc.strptime(shown, format="%Y-%m-%d", unit="s", error_is_null=True)
    days = pc.divide(parsed.cast(pa.int64()).cast(pa.float64()), 86400.0)
    found: Floats = pc.fill_null(days, np.nan).to_numpy()
    return found


def _numbers(cells: pa.ChunkedArray) -> Floats:
    is_number = pc.match_substring_regex(cells, r"^[-+]?[0-9]+\.?[0-9]*$")
    values = pc.if_else(is_number, cells, pa.scalar(None, pa.string())).cast(pa.float64())
    found: Floats = pc.fill_null(values, np.nan).to_numpy()
    return found


def held_out(outcomes: Outcomes, share: float) -> tuple[Bools, str]:
    """Hold out the latest scans, and say from which day on.

    Whole days, so that no day is on both sides; a person is on one side, having one scan.
    """
    edge = np.quantile(outcomes.day, 1.0 - share, method="lower")
    late: Bools = outcomes.day > edge
    if not late.any():
        late = outcomes.day >= edge
    if late.all():
        raise ScreeningError("outcomes: all scans are of one day; a later part cannot be held out")
    first = np.datetime64(int(outcomes.day[late].min()), "D")
    return late, str(first)


def extras_from(text: pa.Table, rows: Sequence[int] | np.ndarray, name: str) -> Floats:
    """Read a column of the site's own for the rows taken; what is no number is unknown."""
    if name not in text.column_names:
        raise ScreeningError(f"outcomes: no column {name}, which [risk] columns names")
    values: Floats = _numbers(pc.utf8_trim_whitespace(text.column(name)))[np.asarray(rows)]
    return values
