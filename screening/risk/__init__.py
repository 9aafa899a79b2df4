"""Published risk equations on the inputs of one person each.

Comes in: the rows of the SQL view `core_risk_input` (one person at one index scan), or PEOPLE,
a table of people without a lake.
Goes out: RISK or PEOPLE_RISK (`screening.tables`): the estimates, or why there are none.
Refuses: a table without the columns it needs; a person whose inputs are missing or out of the
range the equation was made for gets reasons, never a silent default.

What each equation predicts, for whom and from which paper: `equations.py`.
"""

from screening.risk.apply import Estimates, apply_equations
from screening.risk.equations import EQUATIONS, MODEL, Equation
from screening.risk.estimate import INPUT_COLUMNS, estimate
from screening.risk.fit_site import fit_site
from screening.risk.linear_model import RiskModel
from screening.risk.list_people import Swept, landmarks_of
from screening.risk.list_report import JudgedList, ListAsked, judge_list
from screening.risk.mesa import MESA_CAC, MESA_NO_CAC, MesaCoefficients, mesa_risk
from screening.risk.outcomes import CONTRADICTING, SAME_AGAIN, outcomes_of
from screening.risk.percentile import Percentile, percentile
from screening.risk.simulated_site import AS_OF as SIMULATED_AS_OF
from screening.risk.simulated_site import SimulatedSite, simulate_site
from screening.risk.use_model import ModelUse, extras_of, use_for_flag, use_of

__all__ = [
    "CONTRADICTING",
    "EQUATIONS",
    "INPUT_COLUMNS",
    "MESA_CAC",
    "MESA_NO_CAC",
    "MODEL",
    "SAME_AGAIN",
    "SIMULATED_AS_OF",
    "Equation",
    "Estimates",
    "JudgedList",
    "ListAsked",
    "MesaCoefficients",
    "ModelUse",
    "Percentile",
    "RiskModel",
    "SimulatedSite",
    "Swept",
    "apply_equations",
    "estimate",
    "extras_of",
    "fit_site",
    "judge_list",
    "landmarks_of",
    "mesa_risk",
    "outcomes_of",
    "percentile",
    "simulate_site",
    "use_for_flag",
    "use_of",
]
