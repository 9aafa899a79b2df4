"""Fits the risk model to a site's outcomes: recalibration first, and more only with enough events.

Comes in: `Outcomes`, the model in use. Goes out: a `RiskModel` and a `FitReport`.
Refuses: fewer than ten events by the horizon; a horizon that too few were followed to
(ScreeningError).

Step 1 moves MESA's intercept and slope. From 100 events on (ten for each of the main inputs) a
logistic regression of the inputs at the horizon is fitted too, weighted by the inverse of being
uncensored; its penalty, and whether it replaces step 1, is chosen by cross-validation in the people
it is fitted to, grouped by site. The latest quarter of scans is held out and judges; it chooses
nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from screening.errors import ScreeningError
from screening.fitted import LEAST_EVENTS
from screening.risk.averaged import RaceUse, averaged
from screening.risk.linear_model import INPUTS, Extra, RiskModel, mesa_model
from screening.risk.mesa import RACES
from screening.risk.outcomes import Outcomes
from screening.risk.people import Bools, Floats
from screening.risk.score_error import scores_of
from screening.risk.survival import censoring_weights, has_event, rising_line

REFIT_EVENTS = 100
MESA_AVERAGED = "MESA averaged"
HELD_OUT_SHARE = 0.25
_PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_FOLDS = 5
_NO_OFFSET = (np.zeros(1), np.ones(1))


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """The model, how it came about, and estimates of everybody by each step, (n,) each."""

    model: RiskModel
    step: str
    why: str
    estimates: Mapping[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """What is fitted: everybody's inputs, and outcomes of one horizon."""

    inputs: Mapping[str, Floats]
    mesa: Floats
    extras: Mapping[str, Floats]
    races: Floats
    event: Floats
    weights: Floats
    groups: np.ndarray
    train: Bools


def fit(
    outcomes: Outcomes, extras: Mapping[str, Floats], race: RaceUse, horizon: float, train: Bools,
    name: str, endpoint: str,
) -> Fitted:  # fmt: skip
    """Fit to the people of `train`.

    Raises
    ------
    ScreeningError
        Too few events, or nobody followed to the horizon.
    """
    nan = np.full(outcomes.n, np.nan)
    scores = scores_of(outcomes.people.agatston, nan, nan, nan)
    base = averaged(outcomes.people, scores, {}, mesa_model(), race)
    weights = np.zeros(outcomes.n)
    weights[train] = censoring_weights(outcomes.years[train], outcomes.state[train], horizon)
    event = has_event(outcomes.years, outcomes.state, horizon)
    n_events = _check(outcomes, event, horizon, train)
    _check_numbers(extras, train)
    task = _Task(
        base.inputs,
        base.risk,
        extras,
        _races(outcomes, race),
        event,
        weights,
        _groups(outcomes, train),
        train,
    )
    described = {"name": name, "endpoint": endpoint, "years": horizon}
    first, alone = _recalibrated(task, n_events, described)
    estimates = {MESA_AVERAGED: base.risk, "recalibrated": first.recalibrated(base.risk)}
    if n_events < REFIT_EVENTS:
        why = f"{n_events} events to fit to, below {REFIT_EVENTS}: {alone}"
        return Fitted(first, "recalibration", why, estimates)
    penalty, gain = _choose(task)
    second = _refit(task, penalty, train)
    second = second.model_copy(
        update={
            **described,
            "source": f"logistic regression on {n_events} events of {int(train.sum())} people, "
            f"penalty C = {penalty:g}; what is missing drawn by models/joint.json",
        }
    )
    estimates["refitted"] = averaged(outcomes.people, scores, extras, second, race).risk
    if second.is_upside_down:
        why = f"refitted, risk falls with calcium, so that was not taken; {alone}"
    elif gain > 0:
        why = f"in cross-validation its log loss is {gain:.5f} below that of recalibration"
        return Fitted(second, "refit", why, estimates)
    else:
        why = (
            f"refitting did not help in cross-validation: log loss {-gain:.5f} above that of "
            f"recalibration; {alone}"
        )
    return Fitted(first, "recalibration", why, estimates)


def _recalibrated(
    task: _Task, n_events: int, described: Mapping[str, object]
) -> tuple[RiskModel, str]:
    """Return MESA recalibrated, and what of it was fitted."""
    train = task.train
    line = rising_line(task.mesa[train], task.event[train], task.weights[train])
    source = f"MESA recalibrated to {n_events} events of {int(train.sum())} people"
    model = mesa_model().model_copy(
        update={
            **described,
            "source": f"{source}; {mesa_model().source}",
            "recalibration": line,
        }
    )
    has_slope = line[1] != 1
    return model, "intercept and slope alone" if has_slope else "the intercept alone: no line rises"


def _check_numbers(extras: Mapping[str, Floats], train: Bools) -> None:
    """Refuse a column of words."""
    for column, values in extras.items():
        if np.isnan(values[train]).all():
            raise ScreeningError(
                f"outcomes: column {column}, which [risk] columns names, holds no number for the "
                "people to fit to; leave it out, or give it as numbers"
            )


def _races(outcomes: Outcomes, race: RaceUse) -> Floats:
    """Columns of black, hispanic, chinese, their weights where unknown; none where no input."""
    if not race.is_input:
        return np.zeros((outcomes.n, 0))
    masks = np.stack([outcomes.people.race[name] for name in RACES], axis=1)
    known = masks.any(axis=1, keepdims=True)
    columns: Floats = np.where(known, masks, race.weights)[:, 1:]
    return columns


def _check(outcomes: Outcomes, event: Floats, horizon: float, train: Bools) -> int:
    n_events = int(event[train].sum())
    if n_events < LEAST_EVENTS:
        raise ScreeningError(
            f"outcomes: {n_events} events within {horizon:g} years in the {int(train.sum())} "
            f"people to fit to; at least {LEAST_EVENTS} are needed even to recalibrate"
        )
    for side, mask in (("to fit to", train), ("held out", ~train)):
        n_followed = int(np.count_nonzero(outcomes.years[mask] >= horizon))
        if n_followed < LEAST_EVENTS:
            raise ScreeningError(
                f"outcomes: {n_followed} of the people {side} were followed for {horizon:g} years; "
                "give a shorter --years"
            )
    return n_events


def _groups(outcomes: Outcomes, train: Bools) -> np.ndarray:
    """Sites where there are enough of them to leave some out, else people."""
    n_sites = len(np.unique(outcomes.site[train]))
    return outcomes.site if n_sites >= _FOLDS else np.arange(outcomes.n)


def _choose(task: _Task) -> tuple[float, float]:
    """Return the best penalty, and how much lower its log loss is than that of recalibration."""
    rows = np.flatnonzero(task.train)
    losses = np.zeros(len(_PENALTIES))
    of_first = 0.0
    for fit_at, judge_at in GroupKFold(_FOLDS).split(rows, groups=task.groups[rows]):
        fit_rows, judge_rows = rows[fit_at], rows[judge_at]
        mask = np.zeros(len(task.train), dtype=np.bool_)
        mask[fit_rows] = True
        line = rising_line(task.mesa[mask], task.event[mask], task.weights[mask])
        moved = mesa_model().model_copy(update={"recalibration": line})
        of_first += _loss(task, judge_rows, moved.recalibrated(task.mesa[judge_rows]))
        for i, penalty in enumerate(_PENALTIES):
            model = _refit(task, penalty, mask)
            losses[i] += _loss(task, judge_rows, _estimate(task, model, judge_rows))
    n = len(rows)
    best = int(np.argmin(losses))
    return _PENALTIES[best], float((of_first - losses[best]) / n)


def _loss(task: _Task, rows: np.ndarray, risk: Floats) -> float:
    risk = np.clip(risk, 1e-6, 1 - 1e-6)
    event = task.event[rows]
    terms = event * np.log(risk) + (1 - event) * np.log1p(-risk)
    return float(-np.sum(task.weights[rows] * terms))


def _estimate(task: _Task, model: RiskModel, rows: np.ndarray) -> Floats:
    """Estimate from inputs as they are, means where unknown: enough to compare penalties."""
    sums = np.full(len(rows), model.intercept)
    for name, coefficient in model.coefficients.items():
        sums = sums + coefficient * task.inputs[name][rows]
    for extra in model.extras:
        values = task.extras[extra.name][rows]
        sums = sums + extra.coefficient * np.where(np.isnan(values), extra.mean, values)
    if model.race:
        return model.risk_of(sums + task.races[rows] @ model.race_offsets[1:], *_NO_OFFSET)
    return model.risk_of(sums, *_NO_OFFSET)


def _refit(task: _Task, penalty: float, train: Bools) -> RiskModel:
    """Fit all inputs, each in its own deviations; write coefficients in the inputs' units."""
    names = list(INPUTS)
    columns = [task.inputs[name] for name in names]
    means = {name: float(np.nanmean(values[train])) for name, values in task.extras.items()}
    columns += [np.where(np.isnan(v), means[name], v) for name, v in task.extras.items()]
    used = train & (task.weights > 0)
    table = np.column_stack([*columns, task.races])
    center, spread = table[used].mean(axis=0), table[used].std(axis=0)
    spread[spread == 0] = 1.0
    fitted = LogisticRegression(C=penalty, max_iter=2000).fit(
        (table[used] - center) / spread, task.event[used], sample_weight=task.weights[used]
    )
    slopes = fitted.coef_[0] / spread
    n_inputs, n_extras = len(names), len(task.extras)
    of_race = slopes[n_inputs + n_extras :]
    return RiskModel(
        name="refit",
        endpoint="",
        years=1,
        source="",
        link="logit",
        intercept=float(fitted.intercept_[0] - slopes @ center),
        coefficients=dict(zip(names, map(float, slopes), strict=False)),
        race=dict(zip(RACES[1:], map(float, of_race), strict=True)) if len(of_race) else {},
        extras=tuple(
            Extra(
                name=name,
                coefficient=float(slope),
                mean=means[name],
                sd=float(np.nanstd(task.extras[name][train])),
            )
            for name, slope in zip(task.extras, slopes[n_inputs : n_inputs + n_extras], strict=True)
        ),
    )
