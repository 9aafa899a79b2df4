"""How a fitted model fares on people held out, beside published equations, and in each group.

Comes in: `Outcomes`, estimates. Goes out: the records of `screening.fitted`.
Refuses: nothing; cells with fewer than ten events have counts alone.

Intervals come from drawing people again (percentiles of 200 draws, a fixed seed).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from screening.fitted import LEAST_EVENTS, Beside, Curve, Fair, Judged, Tenth, Told
from screening.risk.apply import apply_equations
from screening.risk.equations import EQUATIONS
from screening.risk.people import RACES, Bools, Floats, People
from screening.risk.survival import (
    aalen_johansen,
    brier,
    calibration_line,
    censoring_weights,
    has_event,
    net_benefit,
    weighted_auc,
)

DRAWS, SEED = 200, 20261125
THRESHOLDS = tuple(round(0.01 * i, 2) for i in range(1, 31))
# Ten-year bands; below 45 and from 85 on there is no model, but there are lists.
_BANDS = ((0, 45), (45, 55), (55, 65), (65, 75), (75, 85), (85, 130))
_BAND_WORDS = {0: "below 45", 85: "85 and over"}


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """What became of people, (n,) each, and the horizon in years."""

    years: Floats
    state: np.ndarray
    horizon: float

    def of(self, rows: np.ndarray | Bools) -> "Observed":
        """Take some of them."""
        return Observed(self.years[rows], self.state[rows], self.horizon)

    def risk_of(self, rows: np.ndarray) -> tuple[float]:
        """Observed risk of some of them, one may stand there several times."""
        return (aalen_johansen(self.years[rows], self.state[rows], self.horizon),)

    @property
    def n_events(self) -> int:
        """Events by the horizon."""
        return int(has_event(self.years, self.state, self.horizon).sum())


def judge(risk: Floats, seen: Observed, years: float | None = None) -> Judged:
    """Compare one set of estimates with what was observed.

    Parameters
    ----------
    years : that the estimates are of; None: the horizon. Of others ranking alone is judged
    """
    years = seen.horizon if years is None else years
    if years == seen.horizon:
        return _judged(risk, seen, years)
    return replace(
        _judged(risk, seen, years),
        expected=None,
        ratio=Told(None),
        brier=None,
        intercept=Told(None),
    )


def _judged(risk: Floats, seen: Observed, years: float) -> Judged:
    n, n_events = len(risk), seen.n_events
    expected = float(risk.mean()) if n else None
    if n_events < LEAST_EVENTS:
        nothing = Told(None)
        return Judged(n, n_events, years, nothing, expected, nothing, nothing)
    whole = _figures(risk, seen)
    drawn = drawn_again(n, lambda rows: _figures(risk[rows], seen.of(rows)))
    told = [with_ends(value, draws) for value, draws in zip(whole, drawn.T, strict=True)]
    weights = censoring_weights(seen.years, seen.state, seen.horizon)
    return Judged(
        n, n_events, years, told[0], expected, told[1], told[2],
        brier(risk, has_event(seen.years, seen.state, seen.horizon), weights), told[3], told[4],
    )  # fmt: skip


def _figures(risk: Floats, seen: Observed) -> tuple[float, ...]:
    observed = aalen_johansen(seen.years, seen.state, seen.horizon)
    weights = censoring_weights(seen.years, seen.state, seen.horizon)
    event = has_event(seen.years, seen.state, seen.horizon)
    ratio = observed / float(risk.mean())
    line = calibration_line(risk, event, weights)
    return observed, ratio, weighted_auc(risk, event, weights), *line


def drawn_again(n: int, figures: Callable[[np.ndarray], Sequence[float] | Floats]) -> Floats:
    """Work figures out on people drawn again: (DRAWS, figures)."""
    rng = np.random.default_rng(SEED)
    return np.array([figures(rng.integers(0, n, n)) for _ in range(DRAWS)])


def with_ends(value: float, draws: Floats) -> Told:
    """Give a figure the ends of its draws; draws in which it cannot be worked out do not count."""
    can = draws[np.isfinite(draws)]
    if not np.isfinite(value) or len(can) < DRAWS / 2:
        return Told(float(value) if np.isfinite(value) else None)
    low, high = np.percentile(can, (2.5, 97.5))
    return Told(float(value), float(low), float(high))


def tenths(risk: Floats, seen: Observed) -> tuple[Tenth, ...]:
    """Observed risk by tenths of the estimate."""
    found = []
    for rows in np.array_split(np.argsort(risk, kind="stable"), 10):
        mine = seen.of(rows)
        observed = Told(None)
        if mine.n_events >= LEAST_EVENTS:
            drawn = drawn_again(len(rows), mine.risk_of)
            low, high = np.percentile(drawn[:, 0], (2.5, 97.5))
            (value,) = mine.risk_of(np.arange(len(rows)))
            observed = Told(value, float(low), float(high))
        found.append(Tenth(len(rows), mine.n_events, float(risk[rows].mean()), observed))
    return tuple(found)


def curve(estimates: Mapping[str, Floats], seen: Observed) -> Curve:
    """Net benefit by threshold, of each set of estimates and of flagging all."""
    weights = censoring_weights(seen.years, seen.state, seen.horizon)
    event = has_event(seen.years, seen.state, seen.horizon)
    everybody = {"all": np.ones(len(event)), **estimates}
    return Curve(
        THRESHOLDS,
        {
            name: tuple(net_benefit(risk, event, weights, t) for t in THRESHOLDS)
            for name, risk in everybody.items()
        },
    )


def beside(typed: pa.Table, ours: Floats, seen: Observed) -> tuple[Beside, ...]:
    """Set each published equation beside the model, on the people whom both speak of.

    Observed / expected is given of equations of the horizon alone; of others the AUC.
    """
    table = apply_equations(typed).table
    found = []
    for equation in EQUATIONS:
        theirs = table.column(equation.column).to_numpy()
        has = np.isfinite(theirs)
        # One of 30 years is no answer to the question of 10.
        if not has.any() or equation.years > 2 * seen.horizon:
            continue
        mine = seen.of(has)
        found.append(
            Beside(
                equation.column, equation.endpoint, equation.years,
                judge(theirs[has], mine, equation.years), judge(ours[has], mine),
            )
        )  # fmt: skip
    return tuple(found)


def fairness(
    people: People, groups: Mapping[str, Sequence[str]], risk: Floats, seen: Observed
) -> tuple[Fair, ...]:
    """Judge the model in each sex, age band, race and level of the site's own columns."""
    sex = np.where(people.is_female, "F", np.where(people.is_male, "M", ""))
    race = np.full(people.n, "", dtype=object)
    for name in RACES:
        race[people.race[name]] = name
    levels = levels_of(sex, people.age_years, race, groups)
    return tuple(
        Fair(variable, level, judge(risk[mask], seen.of(mask))) for variable, level, mask in levels
    )


def levels_of(
    sex: np.ndarray, age_years: Floats, race: np.ndarray, groups: Mapping[str, Sequence[str]]
) -> list[tuple[str, str, Bools]]:
    """Tell who is in each sex, age band, race and level of a site's own columns; none is empty.

    Parameters
    ----------
    sex, race : words, empty unknown; age_years : NaN unknown; each (n,)
    """
    levels: list[tuple[str, str, Bools]] = [("sex", word, sex == word) for word in ("F", "M")]
    levels.append(("sex", "unknown", (sex != "F") & (sex != "M")))
    levels += [
        (
            "age",
            _BAND_WORDS.get(low, f"{low} to {high - 1}"),
            (age_years >= low) & (age_years < high),
        )
        for low, high in _BANDS
    ]
    levels.append(("age", "unknown", np.isnan(age_years)))
    levels += [("race", name, race == name) for name in RACES]
    levels.append(("race", "unknown", ~np.isin(race, RACES)))
    for name, words in groups.items():
        values = np.array(words, dtype=np.str_)
        levels += [
            (name, level or "unknown", values == level) for level in np.unique(values).tolist()
        ]
    return [(variable, level, mask) for variable, level, mask in levels if mask.any()]
