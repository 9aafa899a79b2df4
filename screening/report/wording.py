"""How a figure of a validation is written.

Comes in: a `Figure`; a category, a level of a subgroup. Goes out: text for a page, a plot or a
terminal. Refuses: nothing; what has no words of its own loses its underscores.
"""

from screening.report.validation import Figure

_WORDS = {
    "(0,100)": "> 0, < 100",
    "[100,300)": "100 to < 300",
    "[300,1000)": "300 to < 1000",
    "[1000,inf)": "≥ 1000",
    "1-99": "> 0, < 100",
    "100-399": "100 to < 400",
    ">=400": "≥ 400",
    "fbp": "filtered back projection",
}


def plain(code: str) -> str:
    """Return a category or level in words."""
    return _WORDS.get(code, code.replace("_", " "))


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
