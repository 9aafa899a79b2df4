"""Published risk equations on the inputs of one person each.

Comes in: the rows of the SQL view `core_risk_input` (one person at one index scan).
Goes out: RISK (`screening.tables`): the estimates, or the reasons why there are none.
Refuses: a table without the columns it needs; a person whose inputs are missing or out of the
range the equation was made for gets reasons, never a silent default.
"""

from screening.risk.estimate import INPUT_COLUMNS, estimate
from screening.risk.mesa import MESA_CAC, MESA_NO_CAC, MesaCoefficients, mesa_risk
from screening.risk.percentile import Percentile, percentile

__all__ = [
    "INPUT_COLUMNS",
    "MESA_CAC",
    "MESA_NO_CAC",
    "MesaCoefficients",
    "Percentile",
    "estimate",
    "mesa_risk",
    "percentile",
]
