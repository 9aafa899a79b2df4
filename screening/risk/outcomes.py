"""A site's outcomes: from rows of a table to people with a time and what ended it.

Comes in: the table as text, and the same rows typed (PEOPLE). Goes out: `Outcomes`.
Refuses: a table without its columns or a horizon nobody was followed to (ScreeningError); rows that
cannot be used are left out and counted by reason.

The landmark is the scan: time counts from it, what is known then may enter, and who has had the
disease by then is out. One scan a person stands for them: the first that can be used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from screening.errors import ScreeningError
from screening.risk.people import Bools, Floats, People, people_of

PERSON, SITE, DAY, PREVALENT = "person_id", "site", "scan_date", "prevalent"
YEARS, OUTCOME = "followup_years", "outcome"
NEEDED = (PERSON, DAY, PREVALENT, YEARS, OUTCOME)
# What ended the time: nothing yet (censored), the event, a death that is none.
STATES: Mapping[str, int] = {"none": 0, "event": 1, "death": 2}
# MESA's, and so those of a model fitted here.
_MODEL_AGES = (45.0, 85.0)


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """People with outcomes, arrays of shape (n,).

    rows : of the table, from 0; years : from scan to what ended it; state : 0 censored, 1 event,
    2 other death; site : number of the site; day : of the scan, days since 1970
    """

    people: People
    rows: np.ndarray
    years: Floats
    state: np.ndarray
    site: np.ndarray
    day: np.ndarray
    left_out: Mapping[str, int]

    @property
    def n(self) -> int:
        """How many people."""
        return len(self.years)


def outcomes_of(text: pa.Table, typed: pa.Table, *, of_any_age: bool = False) -> Outcomes:
    """Take one scan a person, without prevalent disease, with a time after it.

    Parameters
    ----------
    text : columns NEEDED and, where there are several, `site`; scan_date YYYY-MM-DD, prevalent 0 or
        1, followup_years, outcome none, event or death
    typed : PEOPLE, row for row
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
    cells = {name: pc.utf8_trim_whitespace(text.column(name)) for name in NEEDED}
    age = people_of(typed)[0].age_years
    low, high = _MODEL_AGES
    day = _days(cells[DAY])
    years = _numbers(cells[YEARS])
    state = np.array([STATES.get(v.lower(), -1) for v in cells[OUTCOME].to_pylist()])
    prevalent = np.array(cells[PREVALENT].to_pylist())
    person = np.array(cells[PERSON].to_pylist())
    left_out: dict[str, int] = {}
    keep = np.ones(len(years), dtype=np.bool_)
    for says, mask in (
        ("no person_id", person == ""),
        ("scan_date cannot be read", np.isnan(day)),
        ("outcome is not none, event or death", state < 0),
        ("prevalent is not 0 or 1", ~np.isin(prevalent, ("0", "1"))),
        ("followup_years cannot be read", np.isnan(years)),
        ("followup_years is negative: it ended before the scan", years < 0),
        ("disease before the scan", prevalent == "1"),
        ("event or end at the scan itself", years == 0),
        ("age unknown or not from 45 to 84", ~(of_any_age | ((age >= low) & (age < high)))),
    ):
        left_out[says] = int(np.count_nonzero(mask & keep))
        keep &= ~mask
    rows = _first_scans(np.flatnonzero(keep), person, day)
    left_out["a later scan of the same person"] = int(np.count_nonzero(keep)) - len(rows)
    site = np.zeros(len(rows), dtype=np.int64)
    if SITE in text.column_names:
        names = np.array(pc.utf8_trim_whitespace(text.column(SITE)).to_pylist())
        site = np.unique(names[rows], return_inverse=True)[1]
    taken, _ = people_of(typed.take(pa.array(rows)))
    counted = {says: n for says, n in left_out.items() if n}
    return Outcomes(taken, rows, years[rows], state[rows], site, day[rows], counted)


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
