"""How a figure of a validation is written.

Comes in: a `Figure`. Goes out: text for a page, a plot or a terminal. Refuses: nothing.
"""

from screening.report.validation import Figure


def number(value: float, digits: int) -> str:
    """Write a number: thousands apart, a true minus, never a minus before zero."""
    text = f"{value:,.{digits}f}"
    is_zero = not text.strip("-0.,")
    return text.lstrip("-") if is_zero else text.replace("-", "−")


def told(figure: Figure, digits: int = 2) -> str:
    """Write a value with its interval, or why it has none."""
    if figure.value is None:
        return f"– ({figure.why})"
    value = number(figure.value, digits)
    if figure.low is None or figure.high is None:
        return f"{value} ({figure.why})"
    return f"{value} ({number(figure.low, digits)} to {number(figure.high, digits)})"
