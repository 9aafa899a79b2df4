"""Simulated outcomes: what might become of people with a known 10-year risk. NOT patient data.

Comes in: risks, ages, a random generator. Goes out: years from the scan and what ended them.
Refuses: nothing.

The event comes at a constant rate that makes the 10-year risk. Death of other causes competes: 12 a
thousand and year at 62, a twelfth part more with each year of age, about as in national life
tables (OUR ASSUMPTION). Follow-up ends at random, whatever else happens.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NONE, EVENT, DEATH = "none", "event", "death"
_DEATHS_A_YEAR, _AT_AGE, _PER_YEAR_OF_AGE = 0.012, 62.0, 0.08
FOLLOWED_YEARS = (4.0, 16.0)


def draw_fates(
    risk_10y: Floats, age_years: Floats, rng: np.random.Generator, at_most: Floats | float = np.inf
) -> tuple[Floats, NDArray[np.str_]]:
    """Draw a time and what ended it.

    Parameters
    ----------
    risk_10y : (n,) fraction; age_years : (n,)
    at_most : years after which nobody is followed

    Returns
    -------
    Years, above 0 and to 0.0001; NONE, EVENT or DEATH
    """
    hazard = -np.log1p(-risk_10y) / 10
    event = rng.exponential(1 / hazard)
    death = rng.exponential(1 / (_DEATHS_A_YEAR * np.exp(_PER_YEAR_OF_AGE * (age_years - _AT_AGE))))
    end = np.minimum(rng.uniform(*FOLLOWED_YEARS, len(risk_10y)), at_most)
    years = np.minimum.reduce([event, death, end])
    words = np.where(event == years, EVENT, np.where(death == years, DEATH, NONE))
    return np.maximum(np.round(years, 4), 0.0001), words


def more_often(risk_10y: Floats, factor: Floats) -> Floats:
    """Return the 10-year risk where the event comes so many times as often."""
    risk: Floats = -np.expm1(factor * np.log1p(-risk_10y))
    return risk
