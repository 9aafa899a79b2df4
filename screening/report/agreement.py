"""How well two readings of the same scans agree: the figures themselves.

Comes in: ratings of the same scans, by subject and rater; categories; differences.
Goes out: intraclass correlation, weighted kappa, limits of agreement, accuracy at a threshold.
Refuses: nothing; a figure that is not defined is None, never NaN.

Kappa, sensitivity, specificity and F1 are scikit-learn's. The intraclass correlation is written
out here from its analysis of variance: the libraries that have it bring a dozen others along.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import cohen_kappa_score, f1_score, recall_score

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Limits of agreement hold 95 % of the differences if these are normal (Bland and Altman, Lancet
# 1986;1:307, doi 10.1016/S0140-6736(86)90837-8, who round to 2).
LIMIT_SD = 1.96
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class MeanSquares:
    """Two-way analysis of variance of n subjects by k raters, one rating a cell."""

    rows: float  # between subjects
    columns: float  # between raters
    error: float
    n: int
    k: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Bias, standard deviation and 95 % limits of agreement, in the unit of the differences."""

    bias: float
    sd: float
    low: float
    high: float


def mean_squares(ratings: Floats) -> MeanSquares | None:
    """Split the variance of ratings; None with fewer than two subjects or raters.

    Parameters
    ----------
    ratings : (n subjects, k raters)
    """
    n, k = ratings.shape
    if n < 2 or k < 2:
        return None
    # From the mean, so that large scores with small differences lose no digits.
    centred = ratings - ratings.mean()
    subject, rater = centred.mean(axis=1), centred.mean(axis=0)
    residual = centred - subject[:, None] - rater[None, :]
    return MeanSquares(
        rows=float(k * (subject**2).sum() / (n - 1)),
        columns=float(n * (rater**2).sum() / (k - 1)),
        error=float((residual**2).sum() / ((n - 1) * (k - 1))),
        n=n,
        k=k,
    )


def icc_agreement(ratings: Floats) -> float | None:
    """Intraclass correlation ICC(2,1): two-way random, absolute agreement, single rating.

    Shrout and Fleiss, Psychol Bull 1979;86:420, doi 10.1037/0033-2909.86.2.420; ICC(A,1) of
    McGraw and Wong, Psychol Methods 1996;1:30, doi 10.1037/1082-989X.1.1.30.

    Parameters
    ----------
    ratings : (n subjects, k raters)

    Returns
    -------
    float, or None where all ratings are equal or there are fewer than two subjects
    """
    found = mean_squares(ratings)
    if found is None or not np.ptp(ratings):
        return None
    spread = found.rows + (found.k - 1) * found.error
    spread += found.k * (found.columns - found.error) / found.n
    return (found.rows - found.error) / spread if spread > 0 else None


def icc_f_interval(ratings: Floats) -> tuple[float, float] | None:
    """95 % interval of ICC(2,1) by the F distribution, for one scan a person.

    McGraw and Wong 1996, Table 7, case 2A.

    Parameters
    ----------
    ratings : (n subjects, k raters)

    Returns
    -------
    low and high, or None where the raters agree exactly or nothing varies
    """
    found, icc = mean_squares(ratings), icc_agreement(ratings)
    if found is None or icc is None or found.error <= 0 or icc >= 1:
        return None
    n, k, rows, columns, error = found.n, found.k, found.rows, found.columns, found.error
    a = k * icc / (n * (1 - icc))
    b = 1 + k * icc * (n - 1) / (n * (1 - icc))
    freedom = (a * columns + b * error) ** 2 / (
        (a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    )
    tail = (1 + CONFIDENCE) / 2
    f_low, f_high = stats.f.ppf(tail, n - 1, freedom), stats.f.ppf(tail, freedom, n - 1)
    between = k * columns + (k * n - k - n) * error
    low = n * (rows - f_low * error) / (f_low * between + n * rows)
    high = n * (f_high * rows - error) / (between + n * f_high * rows)
    return float(low), float(high)


def weighted_kappa(
    reference: Ints, measured: Ints, n_categories: int, weights: str
) -> float | None:
    """Cohen's kappa over ordered categories.

    Cohen, Psychol Bull 1968;70:213, doi 10.1037/h0026256.

    Parameters
    ----------
    reference, measured : (n,), category numbers from 0
    n_categories : int
    weights : "linear" or "quadratic"

    Returns
    -------
    float, or None where chance alone would agree everywhere: all in one category, or no scan
    """
    if not reference.size or np.ptp(np.concatenate([reference, measured])) == 0:
        return None
    labels = list(range(n_categories))
    return float(cohen_kappa_score(reference, measured, labels=labels, weights=weights))


def limits_of_agreement(differences: Floats) -> Limits | None:
    """Bland and Altman's bias and limits; None with fewer than two differences."""
    if differences.size < 2:
        return None
    bias, sd = float(differences.mean()), float(differences.std(ddof=1))
    return Limits(bias, sd, bias - LIMIT_SD * sd, bias + LIMIT_SD * sd)


def sensitivity(is_reference: NDArray[np.bool_], is_measured: NDArray[np.bool_]) -> float | None:
    """Share of the reference's positives that were found; None without positives."""
    if not is_reference.any():
        return None
    return float(recall_score(is_reference, is_measured))


def specificity(is_reference: NDArray[np.bool_], is_measured: NDArray[np.bool_]) -> float | None:
    """Share of the reference's negatives that were left alone; None without negatives."""
    return sensitivity(~is_reference, ~is_measured)


def f1(is_reference: NDArray[np.bool_], is_measured: NDArray[np.bool_]) -> float | None:
    """Harmonic mean of sensitivity and precision; None where neither reading has a positive."""
    if not (is_reference | is_measured).any():
        return None
    return float(f1_score(is_reference, is_measured))
