"""How an Agatston score is written for people.

Comes in: Agatston units. Goes out: text. Refuses: nothing.
"""

import math

# No rounding may carry a score over an edge: 99.7 is written so, never as 100.
EDGES = (100.0, 300.0, 400.0, 1000.0)


def units(value: float) -> str:
    """Write a score: whole from 10 on, else with a tenth, and below its edge where it lies below.

    Parameters
    ----------
    value : Agatston units
    """
    if value == 0:
        return "0"
    if value < 10:
        return f"{value:.1f}"
    if any(value < edge <= round(value) for edge in EDGES):
        return f"{math.floor(10 * value) / 10:,.1f}"
    return f"{value:,.0f}"
