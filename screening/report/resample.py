"""Intervals by resampling people.

Comes in: the sums of every person.
Goes out: 95 % intervals of every figure.
Refuses: nothing; fewer than 20 people, or a figure that hardly varies or often is undefined, give
a reason instead of an interval.

People are drawn, not scans: two scans of one person are not two witnesses (Field and Welsh, J R
Stat Soc B 2007;69:369, doi 10.1111/j.1467-9868.2007.00593.x).
"""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import stats

from screening.fitted import LEAST_PEOPLE
from screening.report.agreement import CONFIDENCE, Floats
from screening.report.readings import figures_of_sums

N_RESAMPLES = 1000
SEED = 20261101
TOO_FEW = f"n < {LEAST_PEOPLE}"
# A figure may be undefined in a few resamples (no score above 400 among those drawn).
LEAST_DEFINED = 0.95
_CELLS = 2_000_000  # people x resamples counted at once: 16 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval, or why there is none."""

    low: float | None
    high: float | None
    method: str  # bootstrap, exact, or empty
    why: str = ""


def resample(sums: Floats, n_resamples: int, seed: int) -> dict[str, Floats]:
    """Draw people again and again; return each figure of every draw.

    Parameters
    ----------
    sums : (people, columns), of `readings.sums_by_person`
    n_resamples : int
    seed : int
        the same sums and seed give the same figures

    Returns
    -------
    name of the figure: (n_resamples,), NaN where a draw leaves it undefined
    """
    n_people = len(sums)
    names = list(figures_of_sums(sums[:1]))

    def figures(drawn: Floats, axis: int = -1) -> Floats:
        rows = np.atleast_2d(np.asarray(drawn, np.int64))
        places = rows + n_people * np.arange(len(rows))[:, None]
        times = np.bincount(places.ravel(), minlength=rows.size).reshape(rows.shape)
        found = np.stack(list(figures_of_sums(times @ sums).values()))
        return found if np.ndim(drawn) > 1 else found[:, 0]

    with warnings.catch_warnings():
        # Of scipy's own interval, which is not used: `interval` says where one is undefined.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        done = stats.bootstrap(
            (np.arange(n_people),),
            figures,
            vectorized=True,
            n_resamples=n_resamples,
            batch=max(1, _CELLS // n_people),
            method="percentile",
            rng=np.random.default_rng(seed),
        )
    return dict(zip(names, done.bootstrap_distribution, strict=True))


def interval(draws: Floats, n_people: int, is_share: bool, value: float) -> Interval:
    """Turn the draws of one figure into an interval.

    Parameters
    ----------
    draws : (resamples,)
    n_people : int
        the people the figure rests on
    is_share : bool
        a share of scans: where all or none count, no draw differs, and the exact interval of
        Clopper and Pearson over people stands in (Biometrika 1934;26:404)
    value : float
        the figure itself
    """
    if n_people < LEAST_PEOPLE:
        return Interval(None, None, "", TOO_FEW)
    defined = draws[np.isfinite(draws)]
    if is_share and value in (0.0, 1.0):
        exact = stats.binomtest(int(value) * n_people, n_people).proportion_ci(CONFIDENCE)
        return Interval(float(exact.low), float(exact.high), "exact")
    if defined.size < LEAST_DEFINED * draws.size:
        return Interval(None, None, "", "undefined in too many resamples")
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    if low == high:
        return Interval(None, None, "", "the same in every resample")
    return Interval(float(low), float(high), "bootstrap")
