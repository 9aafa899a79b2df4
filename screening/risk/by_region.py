"""SCORE2 of the site's risk region for the lake: the risk a European policy flags by.

Comes in: `People`, which of their inputs cannot be, the region. Goes out: the columns `score2`,
`score2_reasons` of RISK.
Refuses: nothing; whom SCORE2 was not made for has no value, and the reason. Nothing is drawn.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from screening.reasons import Reason
from screening.risk.equations import EQUATIONS
from screening.risk.people import Bools, People
from screening.risk.score2 import score2_risks


def score2_columns(
    people: People, impossible: Mapping[str, Bools], region: str
) -> dict[str, pa.Array]:
    """Evaluate SCORE2, from 70 years on SCORE2-OP, for one risk region.

    Parameters
    ----------
    impossible : for each input, who has a value there that cannot be
    region : low, moderate, high or very_high; empty for none

    Returns
    -------
    Fraction and reasons, null and empty throughout without a region
    """
    if not region:
        return {
            "score2": pa.nulls(people.n, pa.float64()),
            "score2_reasons": pa.array([[]] * people.n, pa.list_(pa.string())),
        }
    equation = next(e for e in EQUATIONS if e.column == f"score2_{region}")
    nobody = np.zeros(people.n, dtype=np.bool_)
    missing, outside = nobody.copy(), nobody.copy()
    for name in equation.needs:
        if name == "sex":
            missing |= ~(people.is_female | people.is_male)
            continue
        refused = impossible.get(name, nobody)
        missing |= np.isnan(people.number(name)) & ~refused
        outside |= refused
    for limits in equation.ranges:
        value = people.number(limits.input)
        above = value >= limits.high if limits.is_open else value > limits.high
        outside |= (value < limits.low) | above
    given = (Reason.MISSING_INPUT.value, missing), (Reason.OUT_OF_RANGE.value, outside)
    reasons = [[name for name, mask in given if mask[i]] for i in range(people.n)]
    risk = score2_risks(people)[equation.column]
    return {
        "score2": pa.array(risk, pa.float64(), mask=missing | outside),
        "score2_reasons": pa.array(reasons, pa.list_(pa.string())),
    }
