"""How sure a score is.

Comes in: an Agatston score and whether the scan was gated; the flags of its quality.
Goes out: an interval for it, and the probability that its category is right; of a scan whose flags
forbid it the lower end alone, or nothing.
Refuses: nothing.

Two scans of one person minutes apart differ. The MESA rescan study gives the upper 95 % limit of
that difference; one score's own standard deviation is that limit / (1.96 x sqrt 2). A non-gated
scan, read by a model, differs by more: the factor is measured on simulated chests.
"""

from collections.abc import Callable
from dataclasses import replace
from math import sqrt

from scipy.stats import norm

from screening.lower_bound import LOWER_BOUND_FLAGS, NOTHING_KNOWN_FLAGS, SCORE_UNKNOWN_FLAGS
from screening.measures import Interval, Intervals
from screening.records import Certainty
from screening.scoring.parameters import CATEGORY_EDGES

# Upper 95 % repeatability limit of the Agatston score, MESA, 6,742 people scanned twice (Chung,
# AJR 2008, PMID 18212206): 0.17 A + 4.89 sqrt(A) + 0.44 BMI - 10.84, never below 0.
_LINEAR, _ROOT, _BMI, _CONSTANT = 0.17, 4.89, 0.44, -10.84
# A header tells no body mass index; this is about the mean of that cohort.
ASSUMED_BMI = 28.0
# Measured by tests/benchmarks/measure_errors.py: 71 scored chest scans of four synthetic hospitals
# (seeds 7, 311-313) against their noise-free, motion-free truth. 95 % of errors lay below 1.5 such
# half-widths with model 0.2.1, below 2.2 with model 0.1.1; a scan with stents lay at 7.8. With
# model 0.3.2, 84 scans of people with calcium and no stent (seeds 400-406): 95 % below 1.2, the
# worst 2.6.
NON_GATED_FACTOR = 2.0
# That a zero is one: taken from how often presence differs on the next gated scan (MESA rescan,
# 4.1 %), and how often a non-gated scan misses calcium that is there (8.8 %; Xie, Circ Cardiovasc
# Imaging 2013). Neither is exactly this probability, which depends on how many people have calcium:
# people are told the share that is missed.
ZERO_HOLDS = {True: 1 - 0.041, False: 1 - 0.088}
# What a non-gated zero may hide: the minimal class ends at 10 units (Rumberger, Mayo Clin Proc
# 1999;74:243). Of 38 simulated people with tiny plaques whose scan gave 0 one had more, 10.5.
ZERO_HIGH_NON_GATED = 10.0
# Below this the category is called near an edge.
SURE_ENOUGH = 0.8
TWO_SIDED_95 = 1.96
# The same study's limit of the volume: 0.16 V + 4.30 sqrt(V) + 0.23 BMI - 5.00.
_VOLUME = (0.16, 4.30, 0.23, -5.00)


def repeatability_limit(agatston: float, bmi: float = ASSUMED_BMI) -> float:
    """Upper 95 % limit of the difference between two gated scans, Agatston units."""
    limit = _LINEAR * agatston + _ROOT * sqrt(agatston) + _BMI * bmi + _CONSTANT
    return max(limit, 0.0)


def volume_repeatability_limit(volume_mm3: float, bmi: float = ASSUMED_BMI) -> float:
    """Upper 95 % limit of the difference between two gated scans, mm³."""
    linear, root, per_bmi, constant = _VOLUME
    return max(linear * volume_mm3 + root * sqrt(volume_mm3) + per_bmi * bmi + constant, 0.0)


def as_flagged(sure: Certainty, flags: tuple[str, ...]) -> Certainty:
    """Take back what the flags of the scan do not allow to be said."""
    if SCORE_UNKNOWN_FLAGS.intersection(flags):
        return Certainty(None, None, None)
    if LOWER_BOUND_FLAGS.intersection(flags):
        return Certainty(sure.low, None, None)
    return sure


def intervals_as_flagged(told: Intervals, flags: tuple[str, ...]) -> Intervals:
    """Take back the ends of volume and mass that the flags do not allow to be said."""
    if NOTHING_KNOWN_FLAGS.intersection(flags):
        return without_ends(told)
    if LOWER_BOUND_FLAGS.intersection(flags):
        return _with_ends(told, lambda interval: (interval[0], None))
    return told


def without_ends(told: Intervals) -> Intervals:
    """Take back all ends of volume and mass."""
    return _with_ends(told, lambda _: (None, None))


def _with_ends(told: Intervals, ends: Callable[[Interval], Interval]) -> Intervals:
    return replace(
        told,
        volume_mm3=ends(told.volume_mm3),
        volume_isotropic_mm3=ends(told.volume_isotropic_mm3),
        mass_mg=ends(told.mass_mg),
        mass_integrated_mg=ends(told.mass_integrated_mg),
    )


def certainty(agatston: float, *, is_gated: bool) -> Certainty:
    """Return the 95 % interval of a score and the probability of its category.

    Parameters
    ----------
    agatston : Agatston units, 0 or more
    is_gated : by the header
    """
    factor = 1.0 if is_gated else NON_GATED_FACTOR
    half = factor * repeatability_limit(agatston) / sqrt(2)
    # Some calcium speaks for no less than none does: below 1 the end of a zero holds.
    least_high = 0.0 if is_gated else ZERO_HIGH_NON_GATED
    low, high = max(agatston - half, 0.0), max(agatston + half, least_high)
    if agatston == 0:
        return Certainty(0.0, high, ZERO_HOLDS[is_gated])
    edges = (0.0, *CATEGORY_EDGES, float("inf"))
    at = sum(agatston >= edge for edge in edges)
    spread = half / TWO_SIDED_95
    inside = norm.cdf(edges[at], agatston, spread) - norm.cdf(edges[at - 1], agatston, spread)
    return Certainty(low, high, float(inside))


def is_near_edge(certainty: Certainty) -> bool:
    """Whether the category of a score is less than sure enough."""
    share = certainty.category_probability
    return share is not None and share < SURE_ENOUGH
