"""What a list finds and misses: sensitivity, predictive value, people to review, by group.

Comes in: `Listed`, a horizon. Goes out: the records of `screening.listed`.
Refuses: nothing; cells of fewer than ten events have counts alone, below 20 people no interval.

Each person followed stands for those who were lost: weights are the inverse of the probability of
not being lost, within each tier, below the threshold and among those of whom nothing could be said
(`survival.censoring_weights`). A tier's weighted events over its people are its Aalen-Johansen
risk, deaths of other causes competing; and tiers add up. Intervals: people drawn again; of plain
shares, and where no draw differs, Wilson's (J Am Stat Assoc 1927;22:209).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binomtest

from screening.fitted import LEAST_EVENTS, LEAST_PEOPLE, Told
from screening.listed import GROUPS, TIERS, Found, Group, TrulyHigh
from screening.risk.judge import drawn_again, levels_of, with_ends
from screening.risk.list_people import Listed
from screening.risk.people import Bools, Floats
from screening.risk.survival import censoring_weights, has_event

_N, _T = len(GROUPS), len(TIERS)
TRULY_HIGH, TRULY_SEVERE = 100.0, 300.0  # Agatston units, as the list's tiers begin
NOT_TOLD = Told(None)


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """The people evaluated, (n,) each, and what is worked out on some of them.

    group : place in GROUPS; members : (levels, n) 0 or 1; variable : number of each level's
    variable
    """

    group: np.ndarray
    years: Floats
    state: np.ndarray
    risk: Floats
    horizon: float
    members: Floats
    variable: np.ndarray

    @property
    def n(self) -> int:
        """How many."""
        return len(self.years)

    @property
    def event(self) -> Floats:
        """1 for an event by the horizon."""
        return has_event(self.years, self.state, self.horizon)

    def weighted(self, rows: np.ndarray) -> Floats:
        """Events that each of some people stands for; one may stand there several times."""
        group, years, state = self.group[rows], self.years[rows], self.state[rows]
        weights = np.zeros(len(rows))
        for g in np.unique(group):
            mine = group == g
            weights[mine] = censoring_weights(years[mine], state[mine], self.horizon)
        return weights * has_event(years, state, self.horizon)

    def figures(self, rows: np.ndarray) -> Floats:
        """All figures that have bootstrap intervals, one after the other."""
        events = self.weighted(rows)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.concatenate([self._of_tiers(rows, events), self._of_levels(rows, events)])

    def _of_tiers(self, rows: np.ndarray, events: Floats) -> Floats:
        """Share and predictive value of each of GROUPS, then of tiers and those above them."""
        group = self.group[rows]
        found = np.bincount(group, events, _N)
        people = np.bincount(group, minlength=_N)
        total = found.sum()
        so_far, n_so_far = np.cumsum(found), np.cumsum(people)
        parts = (found / total, found / people, so_far / total, so_far / n_so_far)
        return np.concatenate(parts)

    def _of_levels(self, rows: np.ndarray, events: Floats) -> Floats:
        """Sensitivity, its difference from the others, predictive value, observed / expected."""
        members = self.members[:, rows]
        on_list = (self.group[rows] < _T) * 1.0
        has_risk = ~np.isnan(self.risk[rows]) * 1.0
        everyone, listed = members @ events, members @ (events * on_list)
        n_listed = members @ on_list
        n_variables = int(self.variable.max(initial=-1)) + 1
        other = np.bincount(self.variable, everyone, n_variables)[self.variable] - everyone
        other_listed = np.bincount(self.variable, listed, n_variables)[self.variable] - listed
        sensitivity = listed / everyone
        expected = members @ (np.nan_to_num(self.risk[rows]) * has_risk)
        return np.concatenate(
            (
                sensitivity, sensitivity - other_listed / other, listed / n_listed,
                members @ (events * has_risk) / expected,
            )
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """A cohort with its figures and the draws of each, (figures,) and (draws, figures)."""

    cohort: Cohort
    names: tuple[tuple[str, str], ...]
    whole: Floats
    draws: Floats

    def told(self, place: int, n: int, n_events: float, *, is_difference: bool = False) -> Told:
        """Give a figure that rests on so many people and events."""
        if n_events < LEAST_EVENTS or not np.isfinite(self.whole[place]):
            return NOT_TOLD
        if n < LEAST_PEOPLE:
            return Told(float(self.whole[place]))
        told = with_ends(float(self.whole[place]), self.draws[:, place])
        if told.low is None or told.low != told.high:
            return told
        # No draw differs: none, or all, of the events. They are few, not certain: Wilson.
        ends = _wilson_ends(round(abs(float(self.whole[place])) * n_events), int(n_events))
        if is_difference:
            return replace(told, low=-ends[1], high=ends[1])
        return replace(told, low=ends[0], high=ends[1])


def judge_cohort(listed: Listed, horizon: float) -> Judgement:
    """Work every figure out, on the people evaluated and on people drawn again."""
    mine = listed.is_evaluated
    words = {name: levels[mine].tolist() for name, levels in listed.levels.items()}
    levels = levels_of(listed.sex[mine], listed.age_years[mine], listed.race[mine], words)
    variables = list(dict.fromkeys(variable for variable, _, _ in levels))
    cohort = Cohort(
        listed.group[mine],
        listed.years[mine],
        listed.state[mine],
        listed.risk[mine],
        horizon,
        np.array([mask for _, _, mask in levels], dtype=np.float64),
        np.array([variables.index(variable) for variable, _, _ in levels]),
    )
    names = tuple((variable, level) for variable, level, _ in levels)
    whole = cohort.figures(np.arange(cohort.n))
    return Judgement(cohort, names, whole, drawn_again(cohort.n, cohort.figures))


def found_of(judged: Judgement) -> tuple[Found, ...]:
    """Tell what became of each tier and of those off the list; empty ones are left out."""
    cohort = judged.cohort
    event = cohort.event
    n_events = np.bincount(cohort.group, event, _N)
    people = np.bincount(cohort.group, minlength=_N)
    is_dead = (cohort.state == 2) & (cohort.years <= cohort.horizon)
    is_lost = (cohort.state == 0) & (cohort.years < cohort.horizon)
    deaths, lost = (np.bincount(cohort.group, mask, _N) for mask in (is_dead, is_lost))
    weighted = np.bincount(cohort.group, cohort.weighted(np.arange(cohort.n)), _N)
    so_far, n_so_far = np.cumsum(n_events), np.cumsum(people)
    found = []
    for i, name in enumerate(GROUPS):
        if not people[i]:
            continue
        n, k = int(people[i]), float(n_events[i])
        predictive = judged.told(_N + i, n, k)
        above = (int(n_so_far[i]), float(so_far[i])) if i < _T else (0, 0.0)
        predictive_so_far = judged.told(3 * _N + i, *above)
        found.append(
            Found(
                name, n, int(k), int(deaths[i]), int(lost[i]), float(weighted[i]),
                judged.told(i, n, k), predictive, to_review(predictive),
                judged.told(2 * _N + i, *above), predictive_so_far, to_review(predictive_so_far),
            )
        )  # fmt: skip
    return tuple(found)


def of_list(judged: Judgement) -> tuple[Told, Told]:
    """Return sensitivity and predictive value of the whole list."""
    on_list = judged.cohort.group < _T
    n, k = int(on_list.sum()), float(judged.cohort.event[on_list].sum())
    last = _T - 1
    # Of sensitivity all events are the cell: a list that finds none of many is told as that.
    everyone = float(judged.cohort.event.sum())
    return judged.told(2 * _N + last, judged.cohort.n, everyone), judged.told(3 * _N + last, n, k)


def groups_of(judged: Judgement, *, has_ratio: bool) -> tuple[Group, ...]:
    """Tell how the list fares in each group of people."""
    cohort, n_levels = judged.cohort, len(judged.names)
    on_list = (cohort.group < _T) * 1.0
    event = cohort.event
    has_risk = ~np.isnan(cohort.risk) * 1.0
    found = []
    for i, (variable, level) in enumerate(judged.names):
        member = cohort.members[i]
        n, n_flagged = int(member.sum()), int(member @ on_list)
        n_events, n_found = float(member @ event), float(member @ (event * on_list))
        siblings = cohort.variable == cohort.variable[i]
        n_other = float(cohort.members[siblings].sum(axis=0) @ event) - n_events
        base = 4 * _N + i
        ratio = judged.told(base + 3 * n_levels, n, float(member @ (event * has_risk)))
        found.append(
            Group(
                variable=variable,
                level=level,
                n=n,
                n_flagged=n_flagged,
                n_cannot_say=int(member @ (cohort.group == _N - 1)),
                n_events=int(n_events),
                flag_rate=wilson(n_flagged, n),
                sensitivity=judged.told(base, n, n_events),
                difference=judged.told(
                    base + n_levels, n, min(n_events, n_other), is_difference=True
                ),
                predictive=judged.told(base + 2 * n_levels, n_flagged, n_found),
                ratio=ratio if has_ratio else NOT_TOLD,
            )
        )
    return tuple(found)


def truth_of(listed: Listed) -> tuple[TrulyHigh, ...]:
    """Hold tiers, the list and those below it against reference scores."""
    known = ~np.isnan(listed.reference)
    parts: list[tuple[str, Bools]] = [(name, listed.group == i) for i, name in enumerate(GROUPS)]
    on_list = (listed.group >= 0) & (listed.group < _T)
    found = []
    for name, mask in [*parts[:_T], ("all on the list", on_list), *parts[_T:]]:
        scores = listed.reference[mask & known]
        if not len(scores):
            continue
        n, n_100 = len(scores), int((scores >= TRULY_HIGH).sum())
        n_300 = int((scores >= TRULY_SEVERE).sum())
        moderate, severe = wilson(n_100, n), wilson(n_300, n)
        found.append(
            TrulyHigh(name, n, n_100, n_300, moderate, severe, to_review(moderate),
                      to_review(severe))
        )  # fmt: skip
    return tuple(found)


def truth_sensitivity(listed: Listed, least: float) -> Told:
    """Share on the list, of people scored and not kept off it who truly have so much.

    Who has a score and no answer from the policy (`cannot say`) is not on it: missed.
    """
    truly = (listed.reference >= least) & (listed.group >= 0)
    return wilson(int((truly & (listed.group < _T)).sum()), int(truly.sum()))


def wilson(k: int, n: int) -> Told:
    """Share k of n with Wilson's interval; below LEAST_PEOPLE without."""
    if not n:
        return NOT_TOLD
    if n < LEAST_PEOPLE:
        return Told(k / n)
    return Told(k / n, *_wilson_ends(k, n))


def _wilson_ends(k: int, n: int) -> tuple[float, float]:
    ends = binomtest(k, n).proportion_ci(method="wilson")
    return float(ends.low), float(ends.high)


def to_review(predictive: Told) -> Told:
    """People to review for one: the inverse of the predictive value; not told where it is 0."""
    low, high = predictive.low, predictive.high
    if not predictive.value:
        return NOT_TOLD
    if low is None or high is None or low <= 0:
        return Told(1 / predictive.value)
    return Told(1 / predictive.value, 1 / high, 1 / low)


def too_short(judged: Judgement) -> Sequence[str]:
    """Name the groups in which nobody is known at the horizon: their risk reads too low."""
    cohort = judged.cohort
    is_known = (cohort.years >= cohort.horizon) | (cohort.state > 0)
    return [
        name
        for i, name in enumerate(GROUPS)
        if (cohort.group == i).any() and not (is_known & (cohort.group == i)).any()
    ]
