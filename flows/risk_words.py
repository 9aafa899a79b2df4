"""What one person's risk and list rest on, in words.

Comes in: a row of `out_person_explanation`. Goes out: sentences. Refuses: nothing.
"""

from collections.abc import Mapping
from math import exp

from flows import show, words
from screening.config import POLICIES

Row = Mapping[str, object]

_NAMES = {
    **words.INPUTS,
    "male": "sex",
    "ln_agatston_plus_1": "calcium",
    "race": "race",
    "egfr": "kidney function (eGFR)",
    "bmi": "body mass index",
    "extras": "the site's own columns",
    "averaging": "averaging over race and what is not known",
}
START = "times the hazard of a woman of 60 without calcium or risk factors"
# What moves the hazard by less than this is not worth a word.
_LEAST_FACTOR = 1.005


_LOOKED_AT = {
    "model_risk": "MESA, CHD with calcium, averaged",
    "score2": "SCORE2, CVD without calcium",
}


def policy(person: Row) -> str:
    """Return the policy that flagged, and the risk it looked at."""
    name = POLICIES.get(str(person["policy"]), str(person["policy"]))
    source = str(person["flag_risk_source"])
    looked = _LOOKED_AT.get(source)
    if source == "model_risk" and not _is_default(person):
        looked = f"the site's model {_model(person)}"
    if looked is None:
        return f"{name}; without a 10-year risk to look at"
    return f"{name}; 10-year risk it looks at: {show.percent(person['flag_risk'])} ({looked})"


_MORE = {
    "later_doubtful_agatston": "a later scan of a lower grade",
    "undated_agatston": "a scan without a date",
}


def later_scan(person: Row) -> list[str]:
    """Say what a later scan reads that is too doubtful to count, or an undated one, if more."""
    return [
        f"{scan} reads Agatston {show.number(person[name])}: it does not count beside this one, "
        "but look at it"
        for name, scan in _MORE.items()
        if person[name] is not None and float(str(person[name])) > float(str(person["agatston"]))
    ]


def estimate(person: Row) -> str:
    """Return the estimate with its interval, and what was drawn or is old."""
    risk = person["model_risk"]
    if risk is None:
        return f"{_subject(person)}: not estimated; the model is for ages 45 to 84"
    text = f"{_subject(person)}: {show.percent(risk)} ({_interval(person)})"
    drawn = [_named(str(name)) for name in words.as_list(person["risk_imputed"])]
    stale = [_named(str(name)) for name in words.as_list(person["risk_stale"])]
    if drawn:
        text += f"; not known and drawn: {', '.join(drawn)}"
    return f"{text}; old at the scan: {', '.join(stale)}" if stale else text


def _interval(person: Row) -> str:
    low, high = (person[f"model_risk_{end}"] for end in ("low", "high"))
    if low is None:
        return "without an interval: how far the score may be off cannot be said"
    return f"95 % interval {show.percent(low)} to {show.percent(high)}"


def _subject(person: Row) -> str:
    if _is_default(person):
        return "10-year CHD risk with calcium, averaged over race and what is missing"
    return f"risk by the site's model {_model(person)}"


def _model(person: Row) -> str:
    return str(person["model"]).partition(";")[0]


def _is_default(person: Row) -> bool:
    return _model(person).startswith("mesa_chd_10y_cac")


def contributions(person: Row) -> str:
    """Return what moves the estimate, the strongest first, as factors that multiply up to it."""
    adds = {
        str(item["input"]): float(str(item["adds"]))
        for item in words.as_list(person["risk_contributions"])
        if isinstance(item, Mapping)
    }
    adds.pop("reference", None)
    told = [
        f"{_named(name)} ×{exp(add):.2f}"
        for name, add in sorted(adds.items(), key=lambda pair: -abs(pair[1]))
        if exp(abs(add)) >= _LEAST_FACTOR
    ]
    return ", ".join(told)


def _named(name: str) -> str:
    """Put an input's name into words, what is said of it in brackets left as it is."""
    word, bracket, rest = name.partition(" (")
    return f"{_NAMES.get(word, word)}{bracket}{rest}"
