"""Values of the lake in words that a nurse reads.

Comes in: values of `out_person_explanation`, `out_progression` and `core_disposition`.
Goes out: words with units; codes that have no words lose their underscores.
Refuses: nothing.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from flows import show, show_score
from flows.treatment_words import SUSPECTED, disease, formal, is_suspected_alone
from screening.flag_words import remark
from screening.reasons import REASONS, Reason
from screening.report.amounts import units as _units
from screening.scoring import PROGRESSION_FROM_SQRT_MM3

Row = Mapping[str, object]

NONE_RECORDED = "none recorded"
UNKNOWN = "unknown"
NO_RECORD = "unknown, there is no clinical record"
AMBIGUOUS = "unknown, the clinical records under this number are of two people"

_REASONS: dict[str, str] = {reason.value: text.sentence for reason, text in REASONS.items()}
TIERS = {
    "cac_1000": "Agatston 1000 or more",
    "cac_300": "Agatston 300 to below 1000",
    "cac_100": "Agatston 100 to below 300",
    "percentile_75": "Agatston below 100, but at or above the 75th percentile",
    "risk_high": "Agatston below 100, but a 10-year risk that the policy calls high",
    "age_18_39": "calcium at an age of 18 to 39",
    "age_over_84": "Agatston 100 or more at an age above 84",
}
CATEGORIES = {
    "0": "0",
    "(0,100)": "above 0, below 100",
    "[100,300)": "100 to below 300",
    "[300,1000)": "300 to below 1000",
    "[1000,inf)": "1000 and above",
}
FLAGS = {
    "flagged": "on the list",
    "not_flagged": "not on the list",
    "cannot_say": "nothing can be said",
}
VESSELS = {
    "lm": "left main",
    "lad": "left anterior descending",
    "lcx": "left circumflex",
    "rca": "right coronary artery",
}
# Inputs of the risk equation: measured ones with unit, then yes or no.
MEASURED = {
    "total_cholesterol_mg_dl": ("total cholesterol", "mg/dL"),
    "hdl_cholesterol_mg_dl": ("HDL cholesterol", "mg/dL"),
    "systolic_bp_mmhg": ("systolic blood pressure", "mmHg"),
}
YES_NO = {
    "bp_treated": "blood-pressure medicine at the scan",
    "lipid_treated": "lipid medicine at the scan",
    "diabetes": "diabetes at the scan",
    "family_history_mi": "heart attack in the family",
}
INPUTS = {
    **{name: words for name, (words, _) in MEASURED.items()},
    **YES_NO,
    "age_years": "age",
    "smoker": "smoking",
    "agatston": "Agatston score",
}
_INPUT_NAME = re.compile("|".join(rf"\b{name}\b" for name in sorted(INPUTS, key=len, reverse=True)))
_SEXES = {"F": "female", "M": "male"}
_WISHES = {"opt_out_all": "no use of the data at all", "opt_out_research": "no use for research"}


def plain(code: object) -> str:
    """Return a code as words, its underscores being spaces."""
    return str(code).replace("_", " ")


def listed(parts: Iterable[str], otherwise: str) -> str:
    """Join by semicolons, or say what an empty list means."""
    return "; ".join(parts) or otherwise


def sentence(reason: object, person: Row | None = None) -> str:
    """Return what a reason code or tier says to a person, and of which."""
    if person is not None and reason == Reason.KNOWN_ASCVD and is_suspected_alone(person):
        return SUSPECTED
    if reason in TIERS:
        return f"{TIERS[str(reason)]}."
    return _REASONS.get(str(reason), f"{plain(reason)}.")


def why(person: Row) -> str:
    """Return in one sentence why the person is on the list, or is not."""
    reasons = as_list(person["reasons"])
    flag = FLAGS.get(str(person["flag"]), plain(person["flag"]))
    return f"Why: {flag}: {sentence(reasons[0], person) if reasons else UNKNOWN}"


def category(value: object) -> str:
    """Return a category's bounds in words."""
    return CATEGORIES.get(str(value), str(value))


def remarks(flags: object) -> str:
    """Return quality flags in words."""
    return listed((remark(str(f)) for f in as_list(flags)), "none")


def noise(row: Row) -> str:
    """Return the noise, and what it would make of itself."""
    text = f"noise {show.number(row['noise_hu'])} HU"
    if row["blood_hu"] is not None:
        text = f"blood {show.number(row['blood_hu'])} HU, {text}"
    false = row["expected_false_agatston"]
    if false is None:
        return text
    some = float(str(false))
    told = "less than 0.1" if some < 0.1 else f"about {show.number(some, 1)}"
    return f"{text}: without any calcium it would make {told} Agatston units"


def vessels(row: Row) -> str:
    """Return the score of each vessel; of a lower bound, that it is what was seen."""
    told = ", ".join(
        f"{words} {show.number(row[f'agatston_{name}'], 1)}" for name, words in VESSELS.items()
    )
    return show.at_least(row["agatston"], row["quality_flags"], "seen in the ") + told


KVP_SOURCES = {
    "table": "published",
    "interpolated": "interpolated between published ones",
    "held": "published for 135 kV, none are for more",
}


NO_KVP_SCORE = {
    "tin_filter": "none: tin filtered the beam, and no published thresholds fit that",
    "outside_table": "none: the published table reaches from 70 to 140 kV",
}


def at_least(row: Row) -> str:
    """Return words to set before a lower bound, nothing before another score."""
    return show.at_least(row["agatston"], as_list(row["quality_flags"]))


def category_of(row: Row) -> str:
    """Return the category of a score in words, and what is open about it."""
    score, flags = row["agatston"], row["quality_flags"]
    higher = show.or_higher(row["category"], score, flags)
    return category(row["category"]) + higher + show.doubt(score, flags)


def likely(row: Row) -> str:
    """Return the interval of a score and how probable its category is, as far as can be said."""
    if row["agatston_low"] is None:
        return "how far the Agatston score may be off cannot be said, see the quality remarks"
    low, high = (show.number(row[name]) for name in ("agatston_low", "agatston_high"))
    if row["category_probability"] is None:
        return show_score.without_high_end(low, is_bound=bool(at_least(row)))
    share = float(str(row["category_probability"]))
    if row["agatston"] == 0:
        return show_score.zero(share, high, as_list(row["quality_flags"]))
    # A probability is never told as certainty.
    text = "over 99 %" if share > 0.99 else f"about {show.number(100 * share)} %"
    right = f"{show_score.RIGHT} of {text}{show_score.IF_CALCIUM}"
    return f"Agatston score likely between {low} and {high} (95 %); {right}"


def drs_class(row: Row) -> str:
    """Say what the class of CAC-DRS is; it was made for gated scans."""
    basis = "of an ECG-gated scan" if row["is_gated"] else "A-equivalent, non-gated"
    return basis + show.at_least(row["agatston"], row["quality_flags"], ", at least")


def group(row: Row) -> str:
    """Return the older group of a score; of a lower bound, that it may be a higher one."""
    return (
        f"{(of := row['score_group'])}{show.or_higher(of, row['agatston'], row['quality_flags'])}"
    )


def of_same_scan(row: Row, name: str) -> str:
    """Return another score of the scan, a lower bound as the score is."""
    return show.at_least(row[name], row["quality_flags"]) + show.number(row[name], 1)


def beside(row: Row) -> list[str]:
    """Say how sure a score is and what stands beside it; nothing of a row without these."""
    if row["score_group"] is None:
        return []
    lines = [
        likely(row),
        f"group {group(row)}, CAC-DRS {row['cac_drs']} ({drs_class(row)})",
    ]
    counted = f"{at_least(row)}{row['n_vessels']} of 4 arteries calcified"
    if row["n_lesions"] is not None:
        counted += f", {row['n_lesions']} lesion{'' if row['n_lesions'] == 1 else 's'}"
    if row["density"] is not None:
        counted += f", density {show.number(row['density'], 1)} of 1 to 4"
    lines.append(counted)
    if row["kvp_source"] in KVP_SOURCES and row["agatston_kvp"] is not None:
        score = of_same_scan(row, "agatston_kvp")
        lines.append(
            f"at thresholds for the tube voltage ({KVP_SOURCES[str(row['kvp_source'])]}): {score}"
        )
    elif row["kvp_source"] in NO_KVP_SCORE:
        lines.append(f"thresholds for the tube voltage: {NO_KVP_SCORE[str(row['kvp_source'])]}")
    if row["agatston_native"] is not None:
        native = of_same_scan(row, "agatston_native")
        to = "" if row["slab_mm"] is None else f" to {show.number(row['slab_mm'], 1)} mm"
        lines.append(f"thin slices were averaged{to} for the score; as they are they give {native}")
    return lines


def yes_no(value: object) -> str:
    """Say yes, no or unknown to a flag (0, 1, a boolean, or nothing)."""
    return UNKNOWN if value is None else "yes" if value else "no"


def sex(value: object) -> str:
    """Return the sex in a word."""
    return _SEXES.get(str(value), "sex unknown")


def before_scan(days: object) -> str:
    """Say how long before the scan something was measured."""
    if days is None:
        return "day unknown"
    if days == 0:
        return "on the day of the scan"
    return f"{days} day{'' if days == 1 else 's'} before the scan"


def measured(person: Row, name: str) -> tuple[str, str]:
    """Return the name of a measured input and its value: '204 mg/dL, 37 days before the scan'."""
    words, unit = MEASURED[name]
    value = person[name]
    if value is None:
        return words, nothing(person)
    age = before_scan(person[f"{name}_age_days"])
    return words, f"{show.number(value)} {unit}, {age}"


def nothing(person: Row) -> str:
    """Say what an absent fact means: with a record none recorded, without one unknown."""
    if person["has_clinical_record"]:
        return NONE_RECORDED
    return AMBIGUOUS if _is_ambiguous(person) else NO_RECORD


def _is_ambiguous(person: Row) -> bool:
    return Reason.AMBIGUOUS_RECORD in as_list(person["reasons"])


_PUBLISHED = "MESA as published, by the race on record"


def risk(person: Row) -> str:
    """Return the published equation's estimates, or why there are none.

    The average stands beside them (`risk_words.estimate`): it draws what the equation lacks, and
    race, so that it may be there alone, or lower than the equation with the calcium that was seen.
    """
    without, with_calcium = person["mesa_chd_10y"], person["mesa_chd_10y_cac"]
    if _is_heart_cut(person):
        return (
            f"{_PUBLISHED}: 10-year CHD risk without calcium {show.percent(without)}; "
            "with calcium not told, as the heart is cut"
        )
    if without is None and with_calcium is None:
        if person.get("model_risk") is None:
            return f"10-year CHD risk not estimated{_no_risk(person)}"
        return f"{_PUBLISHED} gives no 10-year CHD risk{_no_risk(person)}"
    seen = "the calcium that was seen" if at_least(person) else "calcium"
    text = (
        f"{_PUBLISHED}: 10-year CHD risk without calcium {show.percent(without)}, "
        f"with {seen} {show.percent(with_calcium)}"
    )
    return f"{text} ({_inputs(person)})" if person["risk_detail"] else text


def _is_heart_cut(person: Row) -> bool:
    return "heart_incomplete" in as_list(person["quality_flags"])


def standing(person: Row) -> str:
    """Return where the score stands among people of that age, or that no table says."""
    if _is_heart_cut(person):
        return "percentile: not told, as the heart is cut"
    if not person["percentile_text"]:
        return "percentile: none of the published tables fits this person"
    score, flags = person["agatston"], person["quality_flags"]
    place = show.standing(person["percentile_text"], score, flags, "at least ")
    if not place:
        return "percentile: not told, as the score is a lower bound"
    among = "age, sex and race" if person["percentile_source"] == "MESA 2006" else "age and sex"
    return f"percentile {place} by {among} ({person['percentile_source']})"


def growth(pair: Row) -> list[str]:
    """Return how the calcium grew between two scans, or why they are not compared."""
    days = [str(pair[f"{when}_index_date"] or "no date") for when in ("earlier", "later")]
    reasons = as_list(pair["reasons"])
    if reasons:
        why = " ".join(sentence(reason) for reason in reasons)
        return [f"scans of {days[0]} and {days[1]}: growth of calcium cannot be told", f"  {why}"]
    change = show.number(pair["sqrt_volume_change"], 1)
    yearly = show.number(pair["sqrt_volume_change_per_year"], 1)
    edge = show.number(PROGRESSION_FROM_SQRT_MM3, 1)
    verdict = "progression" if pair["is_progression"] else "no progression"
    may_be_chance = bool(pair["sqrt_volume_change"]) and not pair["is_beyond_repeatability"]
    if may_be_chance and pair["is_progression"]:
        verdict = "progression by its size, but within what chance makes"
    lines = [
        f"from {days[0]} to {days[1]} ({show.number(pair['years'], 1)} years): {verdict}",
        f"  volume {_from_to(pair, 'volume_mm3')} mm³, Agatston {_from_to(pair, 'agatston')}",
        f"  square root of the volume changed by {change} ({yearly} a year); "
        f"progression from {edge} on",
    ]
    if may_be_chance:
        lines.append("  may be chance: two scans without any change can differ by as much")
    if pair["is_reconstruction_unknown"]:
        lines.append("  how the images were reconstructed is unknown of both: it may differ")
    return lines


def _from_to(pair: Row, name: str) -> str:
    earlier, later = (show.number(pair[f"{when}_{name}"], 1) for when in ("earlier", "later"))
    return f"{earlier}, then {later}"


def dated(text: str, day: object) -> str:
    """Return a fact with its day: 'coronary stent, 2024-06-08'."""
    return f"{text}, {day or 'no date'}"


def known_disease(person: Row) -> str:
    """Return the evidence of known cardiovascular disease."""
    return _evidence(
        person, "ascvd_evidence", lambda e: dated(disease(plain(e["concept"]), e), e["first_on"])
    )


def formal_scores(person: Row) -> str:
    """Return the evidence of formal calcium scores."""
    return _evidence(person, "formal_evidence", lambda e: dated(formal(e), e["first_on"]))


def wishes(person: Row) -> str:
    """Return the person's wishes about the use of their data."""
    return _evidence(
        person,
        "policies",
        lambda w: (
            f"{_WISHES.get(str(w['scope']), plain(w['scope']))}, "
            f"{'always' if w['valid_from'] is None else f'''from {w['valid_from']}'''}"
        ),
    )


def units(value: object) -> str:
    """Write a score, or a dash where there is none."""
    return _units(value) if isinstance(value, int | float) else "–"


def rows(value: object) -> list[dict[str, object]]:
    """Return the rows of a list."""
    return [row for row in as_list(value) if isinstance(row, dict)]


def as_list(value: object) -> list[object]:
    """Return the list, an empty one where there is nothing."""
    return value if isinstance(value, list) else []


def _inputs(person: Row) -> str:
    """Return which inputs are missing or out of range, in words."""
    return _INPUT_NAME.sub(lambda m: INPUTS[m[0]], str(person["risk_detail"] or ""))


def _no_risk(person: Row) -> str:
    if person["series_key"] is None:
        return f": {show_score.none_that_counts(as_list(person['reasons']))}"
    if not person["has_clinical_record"]:
        return f": {nothing(person).removeprefix('unknown, ')}"
    return f", {_inputs(person)}" if person["risk_detail"] else ""


def _evidence(person: Row, name: str, told: Callable[[Row], str]) -> str:
    items = [item for item in as_list(person[name]) if isinstance(item, Mapping)]
    return listed((told(item) for item in items), nothing(person))
