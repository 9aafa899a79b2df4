"""How figures of an evaluated list are worded.

Comes in: figures. Goes out: words. Refuses: nothing.
"""

from collections.abc import Sequence

from screening.fitted import LEAST_EVENTS, LEAST_PEOPLE, Told
from screening.listed import BELOW, CANNOT_SAY

# A figure and its interval break between the two, never within.
_NO_BREAK = "\u00a0"
_TOO_FEW_PEOPLE = f"(n{_NO_BREAK}<{_NO_BREAK}{LEAST_PEOPLE})"
TOO_FEW = f"fewer than {LEAST_EVENTS} events"
# Beside the table of orders at one capacity.
MORE_REVIEWS = (
    "An order that reviews more people reaches more events by that alone: compare the orders "
    "where all review as many."
)
GROUP_WORDS = {
    "cac_1000": "Agatston 1000 and more",
    "cac_300": "Agatston 300 to below 1000",
    "cac_100": "Agatston 100 to below 300",
    "percentile_75": "below 100, 75th percentile and above",
    "risk_high": "below 100, risk high",
    "age_18_39": "ages 18 to 39",
    "age_over_84": "ages from 85 on",
    BELOW: "below the threshold",
    CANNOT_SAY: "cannot say",
    "all on the list": "all on the list",
}


def short_of_time(groups: Sequence[str], years: float) -> str:
    """Say that nobody of some groups is known at the horizon; empty where there are none."""
    if not groups:
        return ""
    named = "; ".join(GROUP_WORDS[group] for group in groups)
    return (
        f"Nobody is known at {years:g} years of: {named}. What is expected of them reads too low."
    )


def percent(figure: Told, digits: int = 1) -> str:
    """Write a share in per cent, or that there are too few events for it."""
    if figure.value is None:
        return TOO_FEW
    text = f"{100 * figure.value:.{digits}f}{_NO_BREAK}%"
    return f"{text}{_ends(figure, 100, digits)}"


def truly(figure: Told, units: int) -> str:
    """Write how many of those who truly have so much are on the list."""
    if figure.value is None:
        return f"no reference score of a person judged reaches {units} units"
    return (
        f"of people scored who truly have {units} units and more {percent(figure)} are on the list"
    )


def one_in(figure: Told, digits: int = 1) -> str:
    """Write how many people are reviewed for one."""
    if figure.value is None:
        return "–"
    return f"{figure.value:.{digits}f}{_ends(figure, 1, digits)}"


def points(figure: Told) -> str:
    """Write a difference of shares in percentage points."""
    if figure.value is None:
        return TOO_FEW
    text = f"{100 * figure.value:+.1f}".replace("-", "−")
    if figure.low is None or figure.high is None:
        return f"{text} {_TOO_FEW_PEOPLE}"
    ends = (f"{100 * v:+.1f}".replace("-", "−") for v in (figure.low, figure.high))
    both = f"({' to '.join(ends)})"
    return f"{text} {_together(both)}"


def _ends(figure: Told, factor: float, digits: int) -> str:
    if figure.low is None or figure.high is None:
        return f" {_TOO_FEW_PEOPLE}"
    ends = f"({factor * figure.low:.{digits}f} to {factor * figure.high:.{digits}f})"
    return f" {_together(ends)}"


def _together(text: str) -> str:
    return text.replace(" ", _NO_BREAK)
