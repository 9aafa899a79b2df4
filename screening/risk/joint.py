"""How inputs hang together: what is missing, given what is known.

Comes in: `models/joint.json`, made by `joint_fit`. Goes out: `Joint`, and for one pattern of what
is missing the numbers that conditional draws need.
Refuses: a file that is missing or damaged (ScreeningError).

A general location model (Olkin and Tate, Ann Math Stat 1961;32:448; Schafer 1997): flags are drawn
one after the other, each by a logistic regression on age and the flags before it; given the flags,
measured values, HDL and Agatston + 1 by their logarithms, are normal with a mean linear in age and
flags and one covariance. So what is missing is drawn from its exact distribution given what is
known, whatever the pattern. Race is no part of it: nobody's values are guessed from their race.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

from screening.errors import ScreeningError
from screening.risk.people import Bools, Floats

# In the order in which they are drawn; calcium last, as it depends on all others.
CALCIUM = "has_calcium"
FLAGS = (
    *("male", "smoker", "family_history_mi", "diabetes", "bp_treated", "lipid_treated"),
    CALCIUM,
)
LN_CALCIUM, LN_HDL = "ln_agatston_plus_1", "ln_hdl_mg_dl"
MEASURED = ("total_cholesterol_mg_dl", LN_HDL, "systolic_bp_mmhg", "egfr", "bmi", LN_CALCIUM)
AGE_TERMS = ("one", "age", "age_squared", "male_age")
FILE = Path(__file__).resolve().parent / "models" / "joint.json"


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """The fitted model.

    flags : (7, 4 + 7) log odds of each flag by the age terms and the flags before it
    means : (6, 4 + 7) mean of each measured value by the age terms and all flags
    covariance : (6, 6) around those means
    """

    flags: Floats
    means: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """What the known measured values say of the unknown, for each pattern of them.

    Of `n` patterns; deviations are of known values from their means, 0 where unknown.
    whitening : (n, 6, 6) times deviations: independent standard ones, for how likely they are
    of_each : (n, 6, 6) times deviations: what they add to each unknown value
    factor : (n, 3, 3) lower triangle: times three standard normal draws, how ln(Agatston + 1),
        ln(HDL) and the weighted sum of the other unknown values leave their means
    variance : (n, 6) of each unknown value, 0 where it is known
    """

    whitening: Floats
    of_each: Floats
    factor: Floats
    variance: Floats


@cache
def joint() -> Joint:
    """Read the shipped model, once a process.

    Raises
    ------
    ScreeningError
        The file is missing or damaged.
    """
    try:
        held = json.loads(FILE.read_text(encoding="utf-8"))
        if tuple(held["flags"]) != FLAGS or tuple(held["measured"]) != MEASURED:
            raise ValueError("other inputs")
        found = Joint(
            np.array([held["flags"][name] for name in FLAGS], dtype=np.float64),
            np.array([held["measured"][name] for name in MEASURED], dtype=np.float64),
            np.array(held["covariance"], dtype=np.float64),
        )
        np.linalg.cholesky(found.covariance)
    except (OSError, ValueError, KeyError, TypeError, np.linalg.LinAlgError) as error:
        raise ScreeningError(f"the imputation model {FILE.name} is damaged; install again") from (
            error
        )
    return found


def age_terms(age_years: Floats) -> tuple[Floats, Floats]:
    """Return decades from 60, and their square."""
    decades = (age_years - 60.0) / 10.0
    return decades, decades * decades


def linear(terms: Sequence[float], age_years: Floats, flags: Sequence[Floats]) -> Floats:
    """Evaluate one row of the model.

    Parameters
    ----------
    terms : intercept, age, age squared, male times age, then one a flag
    age_years : (n, 1)
    flags : (n, cells) or (1, cells) each; those of the row that come before it
    """
    age, squared = age_terms(age_years)
    value = terms[0] + terms[1] * age + terms[2] * squared
    if flags:
        value = value + terms[3] * age * flags[0]
    for term, flag in zip(terms[4:], flags, strict=False):
        value = value + term * flag
    return value


def cells_of(known: Sequence[bool]) -> Floats:
    """Every combination of the unknown flags, shape (7, cells); NaN stands for the known ones."""
    free = [name for name, is_known in zip(FLAGS, known, strict=True) if not is_known]
    cells = np.full((len(FLAGS), 2 ** len(free)), np.nan)
    rows = [FLAGS.index(name) for name in free]
    for cell, values in enumerate(product((0.0, 1.0), repeat=len(free))):
        cells[rows, cell] = values
    return cells


def log_odds_to_log_share(log_odds: Floats, flag: Floats) -> Floats:
    """Return ln of the probability of a flag's value, 0 or 1."""
    share: Floats = -np.logaddexp(0.0, np.where(flag > 0, -log_odds, log_odds))
    return share


def conditionals(model: Joint, weights: Floats) -> Conditional:
    """Prepare all 64 patterns of known measured values.

    Parameters
    ----------
    weights : (6,) the coefficient of each measured value in the sum that is wanted; HDL and
        calcium, which are drawn by themselves, have none

    Returns
    -------
    By pattern number, whose bit i says that measured value i is known
    """
    rest = weights.copy()
    rest[[MEASURED.index(LN_CALCIUM), MEASURED.index(LN_HDL)]] = 0.0
    parts = [_conditional(model.covariance, rest, known) for known in _patterns()]
    return Conditional(*(np.stack(column) for column in zip(*parts, strict=True)))


def _patterns() -> list[Bools]:
    return [
        np.array([bool(number >> bit & 1) for bit in range(len(MEASURED))])
        for number in range(2 ** len(MEASURED))
    ]


def _conditional(covariance: Floats, rest: Floats, known: Bools) -> tuple[Floats, ...]:
    n = len(known)
    at, free = np.flatnonzero(known), np.flatnonzero(~known)
    whitening, of_all = np.zeros((n, n)), np.zeros((n, n))
    among = covariance[np.ix_(at, at)]
    if len(at):
        whitening[np.ix_(at, at)] = np.linalg.inv(np.linalg.cholesky(among))
        of_all[np.ix_(free, at)] = np.linalg.solve(among, covariance[np.ix_(at, free)]).T
    left = np.zeros((n, n))
    left[np.ix_(free, free)] = (
        covariance[np.ix_(free, free)] - of_all[np.ix_(free, at)] @ covariance[np.ix_(at, free)]
    )
    pick = np.zeros((3, n))
    pick[0, MEASURED.index(LN_CALCIUM)] = pick[1, MEASURED.index(LN_HDL)] = 1.0
    pick[2] = rest
    return whitening, of_all, _factor(pick @ left @ pick.T), np.diag(left).copy()


def _factor(covariance: Floats) -> Floats:
    """Cholesky factor of a covariance that may have empty rows."""
    factor = np.zeros_like(covariance)
    for i in range(len(covariance)):
        beside = covariance[i, i] - factor[i] @ factor[i]
        if beside <= 1e-12:
            continue
        factor[i, i] = np.sqrt(beside)
        for j in range(i + 1, len(covariance)):
            factor[j, i] = (covariance[j, i] - factor[j] @ factor[i]) / factor[i, i]
    return factor
