"""From a site's table of outcomes to a model file and everything its report says.

Comes in: rows as text and typed, settings, the horizon. Goes out: a `RiskModel`, a `FitReport`.
Refuses: what `outcomes` and `fit` refuse.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from screening.config import RiskSettings
from screening.errors import ScreeningError
from screening.fitted import Beside, Curve, Fair, FitReport, Judged, Tenth
from screening.risk.fit import HELD_OUT_SHARE, MESA_AVERAGED, fit
from screening.risk.judge import SEED, Observed, beside, curve, fairness, judge, tenths
from screening.risk.linear_model import RiskModel, check_name, mesa_model
from screening.risk.outcomes import extras_from, held_out, outcomes_of
from screening.risk.people import Floats, people_of
from screening.risk.use_model import use_of


def fit_site(
    text: pa.Table, typed: pa.Table, settings: RiskSettings, horizon: float,
    name: str, endpoint: str, groups: Sequence[str], *, today: date,
    rows_left_out: Mapping[str, int],
) -> tuple[RiskModel, FitReport]:  # fmt: skip
    """Fit, and judge on the latest quarter of scans.

    Parameters
    ----------
    text, typed : the table, row for row; see `outcomes.outcomes_of`
    horizon : years
    groups : columns by whose levels the model is judged too
    today : nothing later can have been seen
    rows_left_out : rows of the file that the table does not have, by reason

    Raises
    ------
    ScreeningError
        A column is missing; the name is the default's; too few events or too short a follow-up.
    """
    check_name(name)
    for column in groups:
        if column not in text.column_names:
            raise ScreeningError(f"outcomes: no column {column}, which --group names")
    outcomes = outcomes_of(text, typed, today)
    if outcomes.n < 2:
        raise ScreeningError("outcomes: nobody is left to fit to; see the reasons in the table")
    late, first_day = held_out(outcomes, HELD_OUT_SHARE)
    extras = {column: extras_from(text, outcomes.rows, column) for column in settings.columns}
    use = use_of(RiskSettings(race=settings.race, race_weights=settings.race_weights))
    fitted = fit(outcomes, extras, use.race, horizon, ~late, name, endpoint)
    everybody = Observed(outcomes.years, outcomes.state, horizon)
    return fitted.model, FitReport(
        name=name,
        step=fitted.step,
        why_step=fitted.why,
        years=horizon,
        endpoint=endpoint,
        n_rows=text.num_rows + sum(rows_left_out.values()),
        left_out={**rows_left_out, **outcomes.left_out},
        values_unused=outcomes.values_unused,
        n_fitted=int(np.count_nonzero(~late)),
        n_events_fitted=everybody.of(~late).n_events,
        n_competing=int(np.count_nonzero((outcomes.state == 2) & (outcomes.years <= horizon))),
        sites=len(np.unique(outcomes.site)),
        held_out=first_day,
        n_held_out=int(np.count_nonzero(late)),
        n_events_held_out=everybody.of(late).n_events,
        coefficients=_numbers(fitted.model),
        recalibration=fitted.model.recalibration,
        seed=SEED,
        **_judged(text, typed.take(pa.array(outcomes.rows[late])), outcomes.rows[late],
                  {step: risk[late] for step, risk in fitted.estimates.items()},
                  fitted.step, everybody.of(late), groups),
    )  # fmt: skip


class _Judgement(TypedDict):
    """The part of a report that those held out give."""

    models: dict[str, Judged]
    tenths: dict[str, tuple[Tenth, ...]]
    curve: Curve
    beside: tuple[Beside, ...]
    fairness: tuple[Fair, ...]


def _judged(
    text: pa.Table, taken: pa.Table, rows: np.ndarray, estimates: Mapping[str, Floats], step: str,
    seen: Observed, groups: Sequence[str],
) -> _Judgement:  # fmt: skip
    chosen = estimates["refitted" if step == "refit" else "recalibrated"]
    words = {
        column: pc.utf8_trim_whitespace(text.column(column)).take(pa.array(rows)).to_pylist()
        for column in groups
    }
    people, _ = people_of(taken)
    # MESA's own are of 10 years, whatever the horizon; what was fitted is of the horizon.
    years = {MESA_AVERAGED: mesa_model().years}
    of_horizon = {n: risk for n, risk in estimates.items() if years.get(n) in (None, seen.horizon)}
    return {
        "models": {name: judge(risk, seen, years.get(name)) for name, risk in estimates.items()},
        "tenths": {name: tenths(risk, seen) for name, risk in of_horizon.items()},
        "curve": curve(of_horizon, seen),
        "beside": beside(taken, chosen, seen),
        "fairness": fairness(people, words, chosen, seen),
    }


def _numbers(model: RiskModel) -> dict[str, float]:
    return {
        "intercept": model.intercept,
        **model.coefficients,
        **{f"race: {race}": value for race, value in model.race.items()},
        **{extra.name: extra.coefficient for extra in model.extras},
    }
