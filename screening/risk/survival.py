"""Risk observed with censoring and competing death, and how estimates fare against it.

Comes in: times, states (0 censored, 1 event, 2 other death), estimates. Goes out: figures.
Refuses: nothing; what cannot be worked out is NaN.

Observed risk is the Aalen-Johansen estimate (Aalen and Johansen, Scand J Stat 1978;5:141). Figures
of one horizon weigh people by the inverse of their probability of being uncensored (Graf, Stat Med
1999;18:2529; Blanche, Stat Med 2013;32:5381): who died of something else is known to have had no
event. Net benefit: Vickers and Elkin, Med Decis Making 2006;26:565.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from screening.risk.people import Floats

_FAR = 50.0  # log odds beyond any


def aalen_johansen(years: Floats, state: np.ndarray, horizon: float) -> float:
    """Cumulative incidence of the event by the horizon; NaN of nobody."""
    if not len(years):
        return float("nan")
    times = np.unique(years[(state > 0) & (years <= horizon)])
    ordered = np.sort(years)
    at_risk = len(years) - np.searchsorted(ordered, times, side="left")
    events, deaths = (
        np.array([np.count_nonzero((years == t) & wanted) for t in times])
        if len(times) < 50
        else np.bincount(
            np.searchsorted(times, years[wanted & (years <= horizon)]), minlength=len(times)
        )
        for wanted in (state == 1, state > 0)
    )
    free = np.cumprod(1.0 - deaths / at_risk)
    before = np.r_[1.0, free[:-1]]
    return float(np.sum(before * events / at_risk))


def censoring_weights(years: Floats, state: np.ndarray, horizon: float) -> Floats:
    """Weights of one horizon: 0 for who was censored before it, else 1 / P(not yet censored).

    Returns
    -------
    float64 (n,)
    """
    censored = np.unique(years[(state == 0) & (years < horizon)])
    ordered = np.sort(years)
    at_risk = len(years) - np.searchsorted(ordered, censored, side="left")
    gone = np.searchsorted(np.sort(years[state == 0]), censored, side="right") - np.searchsorted(
        np.sort(years[state == 0]), censored, side="left"
    )
    # Ties: who has the event at a time is counted before who is censored at it.
    other = np.searchsorted(np.sort(years[state > 0]), censored, side="right") - np.searchsorted(
        np.sort(years[state > 0]), censored, side="left"
    )
    survival = np.r_[1.0, np.cumprod(1.0 - gone / np.maximum(at_risk - other, 1))]
    known = np.minimum(years, horizon)
    just_before = survival[np.searchsorted(censored, known, side="left")]
    weights = 1.0 / np.maximum(just_before, 1e-6)
    return np.where((state == 0) & (years < horizon), 0.0, weights)


def has_event(years: Floats, state: np.ndarray, horizon: float) -> Floats:
    """1 for an event by the horizon, else 0."""
    found: Floats = ((state == 1) & (years <= horizon)) * 1.0
    return found


def weighted_auc(risk: Floats, event: Floats, weights: Floats) -> float:
    """Area under the curve of one horizon, ties half; NaN where there are no cases or no others."""
    levels, level = np.unique(risk, return_inverse=True)
    cases = np.bincount(level, weights * event, len(levels))
    others = np.bincount(level, weights * (1 - event), len(levels))
    pairs = cases.sum() * others.sum()
    if pairs <= 0:
        return float("nan")
    below = np.cumsum(others) - others
    return float(np.sum(cases * (below + others / 2)) / pairs)


def brier(risk: Floats, event: Floats, weights: Floats) -> float:
    """Mean squared error of one horizon, weighted."""
    return float(np.sum(weights * (event - risk) ** 2) / len(risk))


def calibration_line(risk: Floats, event: Floats, weights: Floats) -> tuple[float, float]:
    """Intercept and slope of the outcome's log odds on those of the estimate."""
    table = np.column_stack([np.ones(len(risk)), log_odds(risk)])
    line = np.array([0.0, 1.0])
    if not 0 < float(weights @ event) < float(weights.sum()) or np.ptp(table[:, 1]) == 0:
        return float("nan"), float("nan")
    # Newton's steps of a logistic regression with two terms, kept short; it starts near its end.
    for _ in range(50):
        fitted = expit(table @ line)
        information = (table * (weights * fitted * (1 - fitted))[:, None]).T @ table
        if np.linalg.det(information) <= 1e-9:
            break
        step = np.linalg.solve(information, table.T @ (weights * (event - fitted)))
        line = line + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-9:
            return float(line[0]), float(line[1])
    # Cases and others are apart: there is no such line.
    return float("nan"), float("nan")


def rising_line(risk: Floats, event: Floats, weights: Floats) -> tuple[float, float]:
    """As `calibration_line`; where that falls or does not exist, the intercept alone.

    A falling line would turn an estimate's order round: more calcium, less risk.
    """
    intercept, slope = calibration_line(risk, event, weights)
    if slope > 0:
        return intercept, slope
    odds = log_odds(risk)

    def surplus(shift: float) -> float:
        return float(weights @ (expit(shift + odds) - event))

    return float(brentq(surplus, -_FAR, _FAR)), 1.0


def log_odds(risk: Floats) -> Floats:
    """Log odds, of estimates kept from 0 and 1."""
    odds: Floats = logit(np.clip(risk, 1e-6, 1 - 1e-6))
    return odds


def net_benefit(risk: Floats, event: Floats, weights: Floats, threshold: float) -> float:
    """Net benefit of flagging from the threshold on, events a person."""
    flagged = risk >= threshold
    true = float(np.sum(weights * event * flagged)) / len(risk)
    false = float(np.sum(weights * (1 - event) * flagged)) / len(risk)
    return true - false * threshold / (1 - threshold)
