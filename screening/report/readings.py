"""Pairs of readings of the same scans, and what of them is summed up.

Comes in: reference and measured Agatston scores, and whose scans they are.
Goes out: `Readings` in a fixed order; for every person the sums from which all figures follow.
Refuses: nothing; scores are checked where the reference is read.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.report.agreement import LIMIT_SD, Floats, Ints


@dataclass(frozen=True, slots=True)
class Scale:
    """Ordered categories of the Agatston score: 0, then half-open ranges from each edge."""

    name: str
    edges: tuple[float, ...]
    words: tuple[str, ...]

    def of(self, agatston: Floats) -> Ints:
        """Category numbers from 0."""
        above = np.searchsorted(np.array(self.edges), agatston, side="right")
        return np.where(agatston > 0, above + 1, 0).astype(np.int64)


# The design's categories (Maron and Budoff, JACC Adv 2024;3:101287), and the four older ones.
DESIGN = Scale(
    "design",
    (100.0, 300.0, 1000.0),
    ("0", "(0,100)", "[100,300)", "[300,1000)", "[1000,inf)"),
)
FOUR = Scale("four", (100.0, 400.0), ("0", "1-99", "100-399", ">=400"))
SCALES = (DESIGN, FOUR)
WEIGHTS = ("linear", "quadratic")
# Calcium at all; the edges of treatment (2018 AHA/ACC, CAC-DRS) and of the older categories.
THRESHOLDS: dict[str, float] = {"gt0": 0.0, "ge100": 100.0, "ge300": 300.0, "ge400": 400.0}
SCORES = ("agatston", "log")


def is_positive(agatston: Floats, name: str) -> NDArray[np.bool_]:
    """Whether scores reach a threshold of `THRESHOLDS`; any calcium at all for the first."""
    return agatston > 0 if name == "gt0" else agatston >= THRESHOLDS[name]


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Reference and measured scores of the same scans; make it by `Readings.of`.

    reference, measured : float64 (n,), Agatston units, ascending by reference
    person : int64 (n,), number of the scan's person, 0 to n_people - 1
    """

    reference: Floats
    measured: Floats
    person: Ints
    n_people: int

    @classmethod
    def of(cls, reference: list[float], measured: list[float], people: list[str]) -> "Readings":
        """Bring readings into an order that the order of rows and the keys have no part in."""
        x, y = np.asarray(reference, np.float64), np.asarray(measured, np.float64)
        _, person = np.unique(np.asarray(people, dtype=np.str_), return_inverse=True)
        order = np.lexsort((y, x))
        person = person.astype(np.int64)[order]
        return cls(x[order], y[order], person, len(set(people)))

    def n_people_where(self, mask: NDArray[np.bool_]) -> int:
        """How many people have such a scan."""
        return len(np.unique(self.person[mask]))

    def score(self, name: str) -> Floats:
        """Both scores (n, 2), as they are or as ln(A + 1)."""
        both = np.stack([self.reference, self.measured], axis=1)
        return np.log1p(both) if name == "log" else both

    def has_calcium(self) -> NDArray[np.bool_]:
        """Tell in which scans at least one reading found calcium."""
        return (self.reference > 0) | (self.measured > 0)

    def confusion(self, scale: Scale) -> Ints:
        """Count scans by category (reference, measured)."""
        k = len(scale.words)
        cells = scale.of(self.reference) * k + scale.of(self.measured)
        return np.bincount(cells, minlength=k * k).reshape(k, k).astype(np.int64)


def sums_by_person(readings: Readings) -> Floats:
    """Sum up what every figure needs, person by person.

    Returns
    -------
    (people, columns), in an order of its own: resampling people means weighting these rows
    """
    columns = [np.ones(readings.reference.size)]
    for name in SCORES:
        both = readings.score(name)
        difference, middle = both[:, 1] - both[:, 0], both.mean(axis=1)
        middle = middle - middle.mean()
        columns += [difference, difference**2, middle, middle**2]
    some = readings.has_calcium().astype(np.float64)
    log_difference = columns[5]
    columns += [some, some * log_difference, some * log_difference**2]
    for scale in SCALES:
        k = len(scale.words)
        cells = scale.of(readings.reference) * k + scale.of(readings.measured)
        columns += list(np.eye(k * k)[cells].T)
    for name in THRESHOLDS:
        reference = is_positive(readings.reference, name)
        measured = is_positive(readings.measured, name)
        cells = 2 * reference.astype(np.int64) + measured
        columns += list(np.eye(4)[cells].T)
    scans = np.stack(columns, axis=1)
    sums = np.zeros((readings.n_people, scans.shape[1]))
    np.add.at(sums, readings.person, scans)
    return np.asarray(sums[np.lexsort(sums.T)], np.float64)


def figures_of_sums(sums: Floats) -> dict[str, Floats]:
    """Every figure from sums over scans; NaN where it is not defined.

    Parameters
    ----------
    sums : (resamples, columns) as `sums_by_person` orders them

    Returns
    -------
    name of the figure: (resamples,). A test holds them to the figures of `agreement`.
    """
    taken = iter(np.moveaxis(sums, -1, 0))
    n = next(taken)
    found: dict[str, Floats] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for name in SCORES:
            d, dd, m, mm = (next(taken) for _ in range(4))
            found[f"icc_{name}"] = _icc(n, d, dd, m, mm)
            found |= _limits(name, n, d, dd)
        found |= _limits("log_some_calcium", *(next(taken) for _ in range(3)))
        for scale in SCALES:
            k = len(scale.words)
            table = np.stack([next(taken) for _ in range(k * k)], axis=-1).reshape(-1, k, k)
            found[f"same_category_{scale.name}"] = np.trace(table, axis1=1, axis2=2) / n
            for weights in WEIGHTS:
                found[f"kappa_{scale.name}_{weights}"] = _kappa(table, weights)
        for name in THRESHOLDS:
            tn, fp, fn, tp = (next(taken) for _ in range(4))
            found[f"sensitivity_{name}"] = tp / (tp + fn)
            found[f"specificity_{name}"] = tn / (tn + fp)
            found[f"f1_{name}"] = 2 * tp / (2 * tp + fp + fn)
    return found


def _icc(n: Floats, d: Floats, dd: Floats, m: Floats, mm: Floats) -> Floats:
    """ICC(2,1) of two raters from their differences and means; see `agreement.icc_agreement`."""
    rows = 2 * (mm - m**2 / n) / (n - 1)
    columns = d**2 / n / 2
    error = np.maximum(dd - d**2 / n, 0) / 2 / (n - 1)
    return np.asarray((rows - error) / (rows + error + 2 * (columns - error) / n), np.float64)


def _limits(name: str, n: Floats, d: Floats, dd: Floats) -> dict[str, Floats]:
    bias = d / n
    sd = np.sqrt(np.maximum(dd - d**2 / n, 0) / (n - 1))
    return {
        f"bias_{name}": bias,
        f"sd_{name}": sd,
        f"limit_low_{name}": bias - LIMIT_SD * sd,
        f"limit_high_{name}": bias + LIMIT_SD * sd,
    }


def _kappa(table: Floats, weights: str) -> Floats:
    """Kappa from tables (resamples, k, k): one less the disagreement over that of chance."""
    k = table.shape[-1]
    apart = np.abs(np.arange(k)[:, None] - np.arange(k)[None, :]).astype(np.float64)
    cost = apart**2 if weights == "quadratic" else apart
    n = table.sum(axis=(1, 2))
    chance = np.einsum("bi,ij,bj->b", table.sum(axis=2), cost, table.sum(axis=1)) / n
    return np.asarray(1 - (table * cost).sum(axis=(1, 2)) / chance, np.float64)
