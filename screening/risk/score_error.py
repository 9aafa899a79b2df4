"""How far a calcium score may be off, and where it stands for a larger one.

Comes in: scores, and where known their 95 % intervals. Goes out: `Scores`. Refuses: nothing.

Where a scan's own interval is not known (a table of people), it is that of a non-gated scan: the
MESA rescan limit, twice, as the scoring room gives it (`screening.scoring.certainty`, held equal by
a test): 0.17 A + 4.89 sqrt A + 0.44 BMI - 10.84 (Chung, AJR 2008, PMID 18212206), BMI 28.
"""

from dataclasses import dataclass

import numpy as np

from screening.risk.people import Floats

_LINEAR, _ROOT, _REST = 0.17, 4.89, 0.44 * 28.0 - 10.84
_NON_GATED_FACTOR = 2.0
# What a non-gated zero may hide (Rumberger, Mayo Clin Proc 1999;74:243: the minimal class).
_ZERO_HIGH = 10.0
TWO_SIDED_95 = 1.96


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Agatston units, shape (n,); NaN unknown.

    agatston : the score where it may be taken for the whole
    low, high : its 95 % interval, NaN where it is unknown
    at_least : what was seen where that is not the whole (a heart that is cut, metal), else 0
    """

    agatston: Floats
    low: Floats
    high: Floats
    at_least: Floats


def scores_of(agatston: Floats, low: Floats, high: Floats, at_least: Floats) -> Scores:
    """Put intervals where there are none, and take a lower bound for what it is.

    Parameters
    ----------
    agatston, low, high, at_least : (n,) Agatston units, NaN unknown. A low end without a high one
        says that there may be any amount more
    """
    is_bound = ~np.isnan(agatston) & ~np.isnan(low) & np.isnan(high)
    seen = np.fmax(np.nan_to_num(at_least), np.where(is_bound, agatston, 0.0))
    whole = np.where(is_bound, np.nan, agatston)
    usual_low, usual_high = usual_interval(whole)
    return Scores(
        whole,
        np.where(np.isnan(low), usual_low, np.minimum(low, whole)),
        np.where(np.isnan(high), usual_high, np.maximum(high, whole)),
        np.where(np.isnan(whole), seen, 0.0),
    )


def usual_interval(agatston: Floats) -> tuple[Floats, Floats]:
    """Return the 95 % interval of scores of non-gated scans; NaN for NaN."""
    limit = np.maximum(_LINEAR * agatston + _ROOT * np.sqrt(agatston) + _REST, 0.0)
    half = _NON_GATED_FACTOR * limit / np.sqrt(2)
    high = np.where(agatston == 0, 0.0, agatston + half)
    return np.maximum(agatston - half, 0.0), np.maximum(high, _ZERO_HIGH)


def drawn(scores: Floats, low: Floats, high: Floats, normal: Floats) -> Floats:
    """Draw what the true scores may be: two half normals that meet at the score.

    Parameters
    ----------
    scores, low, high : (n, 1)
    normal : (1, draws) standard normal

    Returns
    -------
    (n, draws), whose 2.5 and 97.5 % points are `low` and `high`; never below 0
    """
    steps = np.where(normal < 0, scores - low, high - scores) / TWO_SIDED_95
    return np.maximum(scores + steps * normal, 0.0)
