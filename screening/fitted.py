"""What fitting a risk model to a site's outcomes found; plain numbers, nobody's identity.

Comes in: nothing. Goes out: the records that `risk` makes and `report` draws.
Refuses: nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

# Below so many events a cell says so and gives no figure.
LEAST_EVENTS = 10
# Below so many people a figure has no interval.
LEAST_PEOPLE = 20


@dataclass(frozen=True, slots=True)
class Told:
    """A figure with its 95 % interval; None where it cannot be given."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """One set of estimates on one set of people.

    years : of the estimates. Where they are not the horizon's, expected, ratio, brier and intercept
        are None: a risk of 10 years is not wrong because fewer have the event in 5
    observed : risk by Aalen-Johansen; expected : mean estimate; ratio : observed / expected
    auc : IPCW, cases against all who had no event by the horizon
    intercept, slope : of the log odds of the outcome on those of the estimate
    """

    n: int
    n_events: int
    years: float
    observed: Told
    expected: float | None
    ratio: Told
    auc: Told
    brier: float | None = None
    intercept: Told = Told(None)
    slope: Told = Told(None)


@dataclass(frozen=True, slots=True)
class Tenth:
    """One tenth of people by their estimate."""

    n: int
    n_events: int
    expected: float
    observed: Told


@dataclass(frozen=True, slots=True)
class Curve:
    """Net benefit at each threshold of flagging by each set of estimates, and of all."""

    thresholds: tuple[float, ...]
    by: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Beside:
    """A published equation and the fitted model on the people who have both."""

    column: str
    endpoint: str
    years: float
    theirs: Judged
    ours: Judged


@dataclass(frozen=True, slots=True)
class Fair:
    """One group of people."""

    variable: str
    level: str
    judged: Judged


@dataclass(frozen=True, slots=True)
class FitReport:
    """All of it.

    step : recalibration or refit; left_out : reason and rows; models : by name, on those held out
    values_unused : values of people fitted to or held out that cannot be and were taken for
        missing, by reason and input
    coefficients : what the model file holds, for reading
    """

    name: str
    step: str
    why_step: str
    years: float
    endpoint: str
    n_rows: int
    left_out: Mapping[str, int]
    values_unused: Mapping[str, int]
    n_fitted: int
    n_events_fitted: int
    n_competing: int
    sites: int
    held_out: str
    n_held_out: int
    n_events_held_out: int
    models: Mapping[str, Judged]
    tenths: Mapping[str, tuple[Tenth, ...]]
    curve: Curve
    beside: tuple[Beside, ...]
    fairness: tuple[Fair, ...]
    coefficients: Mapping[str, float]
    recalibration: tuple[float, float] | None
    seed: int
