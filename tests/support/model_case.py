"""Simulated people for the clinical-variable model, with some of what is known taken away."""

import numpy as np

from screening.risk.averaged import RaceUse, averaged
from screening.risk.linear_model import mesa_model
from screening.risk.people import FLAGS, MEASURED, RACES, People
from screening.risk.reference_people import MESA_SHARES, reference_people
from screening.risk.score_error import scores_of

NO_RACE = RaceUse(False, np.array(MESA_SHARES))
WITH_RACE = RaceUse(True, np.array(MESA_SHARES))


def people_of(values, race):
    """`values` by name, with `male`; `race` counts into RACES, -1 unknown."""
    return People(
        is_female=values["male"] == 0,
        is_male=values["male"] == 1,
        race={name: race == index for index, name in enumerate(RACES)},
        **{name: values[name] for name in ("age_years", *MEASURED, *FLAGS, "agatston")},
    )


def simulated(n, seed):
    reference = reference_people(n, seed)
    return reference.values, reference.race


def without(values, *names):
    n = len(values["age_years"])
    return {k: np.full(n, np.nan) if k in names else v for k, v in values.items()}


def exact_scores(people):
    """Scores that are known without error."""
    a = people.agatston
    return scores_of(a, a, a, np.zeros(people.n))


def usual_scores(people):
    """Scores with the error of a non-gated scan."""
    unknown = np.full(people.n, np.nan)
    return scores_of(people.agatston, unknown, unknown, unknown)


def estimated(values, race, *, use=NO_RACE, scores=None, model=None, extras=None):
    people = people_of(values, race)
    scores = scores if scores is not None else usual_scores(people)
    return averaged(people, scores, extras or {}, model or mesa_model(), use)


def measured_with_error(rng, values):
    """Scores as a non-gated scan would measure the true ones: 8.8 % of small ones are missed."""
    from screening.risk.score_error import TWO_SIDED_95, usual_interval

    true = values["agatston"]
    _, high = usual_interval(np.maximum(true, 1e-9))
    seen = np.maximum(true + (high - true) / TWO_SIDED_95 * rng.standard_normal(len(true)), 0.0)
    missed = (true > 0) & (true < 10) & (rng.random(len(true)) < 0.5)
    return {**values, "agatston": np.where((true == 0) | missed, 0.0, seen)}
