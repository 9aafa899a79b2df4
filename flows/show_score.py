"""How one score looks on a terminal, and the words for how sure it is.

Comes in: the facts of `screening score`. Goes out: text. Refuses: nothing.
"""

from collections.abc import Mapping, Sequence

from flows import show
from screening.flag_words import remark
from screening.reasons import Reason


def _reached(row: Mapping[str, object], reached: str) -> str:
    """Say how many marked voxels are as bright as calcium."""
    marked = f"{show.number(row['n_marked'])} marked voxels"
    return f"{show.number(row['n_counted'])} of {marked} {reached}"


def _print_labels(facts: Mapping[str, object]) -> None:
    """Print what each label of a mask adds to the score."""
    labels: Sequence[Mapping[str, object]] = facts["labels"]  # type: ignore[assignment]
    parameters: Mapping[str, object] = facts["parameters"]  # type: ignore[assignment]
    verb = "exceed" if parameters["is_strict"] else "reach"
    reached = f"{verb} {parameters['threshold_hu']} HU"
    if labels:
        show.say(_reached(facts, reached))
    for row in labels:
        volume, mass = show.number(row["volume_mm3"], 1), show.number(row["mass_mg"], 1)
        score = show.number(row["agatston"], 1)
        amounts = f"Agatston {score}, volume {volume} mm³, mass {mass} mg"
        show.say(f"  label {row['label']}: {amounts}; {_reached(row, reached)}")
    if not labels:
        show.say("  the mask marks no voxel")


def _amounts(facts: Mapping[str, object]) -> list[str]:
    """Volume and mass with their intervals, and how the mass was calibrated."""
    intervals = facts["intervals"]
    assert isinstance(intervals, Mapping)
    beside = facts.get("beside", facts)
    if facts["volume_mm3"] == 0 and intervals["mass_mg"][1] is not None and "labels" not in facts:
        most = show.number(intervals["mass_mg"][1], 1)
        return [f"volume 0 mm³, mass 0 mg; below 130 HU everywhere, up to {most} mg may be unseen"]
    lines = []
    for told, unit, name in (
        ("volume", "mm³", "volume_mm3"),
        ("  interpolated", "mm³", "volume_isotropic_mm3"),
        ("mass", "mg", "mass_mg"),
        ("  integrated", "mg", "mass_integrated_mg"),
    ):
        value = facts[name] if name in facts else beside[name]  # type: ignore[index]
        lines.append(f"{told} {show.number(value, 1)} {unit} ({_ends(facts, *intervals[name])})")
    error = show.number(100 * float(intervals["mass_factor_error"]), 1)
    source = "a rod" if intervals["mass_factor_source"] == "rod" else "a default, uncalibrated"
    return [*lines, f"  mass by {source}: HU to mg within {error} % (standard error)"]


def _ends(facts: Mapping[str, object], low: float | None, high: float | None) -> str:
    """Write a 95 % interval as far as it may be told."""
    more = show.no_upper_end(facts["agatston"], facts["quality"]["flags"])  # type: ignore[index]
    to = more if high is None else f"to {show.number(high, 1)}"
    return f"95 %: {show.number(low, 1)} {to}" if low is not None and to else "95 %: cannot be said"


def _how_sure(facts: Mapping[str, object]) -> list[str]:
    """Interval of the score, and the score at thresholds for the tube voltage where it is other."""
    sure, beside = facts["certainty"], facts.get("beside", facts)
    assert isinstance(sure, Mapping)
    assert isinstance(beside, Mapping)
    lines = [_ends(facts, sure["low"], sure["high"])]
    if sure["category_probability"] is not None:
        share = float(sure["category_probability"])
        text = "over 99 %" if share > 0.99 else f"about {show.number(100 * share)} %"
        if facts["agatston"] == 0:
            lines = [zero(share, show.number(sure["high"]), facts["quality"]["flags"])]  # type: ignore[index]
        else:
            lines.append(f"{RIGHT} of {text}{IF_CALCIUM}")
    if beside["kvp_source"] in ("table", "interpolated", "held"):
        other = beside["agatston_kvp"]
        score = show.at_least(other, facts["quality"]["flags"]) + show.number(other, 1)  # type: ignore[index]
        lines.append(f"at thresholds for the tube voltage ({beside['kvp_source']}): {score}")
    if beside["kvp_source"] == "outside_table":
        lines.append("no thresholds for the tube voltage: the table reaches from 70 to 140 kV")
    if beside["kvp_source"] == "tin_filter":
        lines.append("no thresholds for the tube voltage: tin filtered the beam")
    return lines


RIGHT = "the category is right with a probability"
# The figure tells how far two scans differ, not how often something else is taken for calcium.
IF_CALCIUM = ", if what counted is coronary calcium and none was missed"
# Under these remarks a zero may hide more than was measured on simulated chests.
MORE_HIDDEN = frozenset(
    ("thickness_over_3mm", "increment_over_3mm", "thickness_unknown", "motion", "noise_high")
) | {"deep_learning"}


def zero(share: float, high: str, flags: Sequence[object]) -> str:
    """Say how sure a zero is; the published share is of people who have calcium."""
    missed = show.number(100 * (1 - share))
    told = f"scans like this miss about {missed} of 100 people who have calcium"
    if "gated" in flags:
        return f"{told}; a second gated scan seldom shows more than {high} units"
    hidden = f"of 38 simulated people with tiny plaques and a zero, one had more than {high} units"
    if MORE_HIDDEN.intersection(map(str, flags)):
        return f"{told}; {hidden}, and under this scan's quality remarks more may be hidden"
    return f"{told}; {hidden}"


def no_calcium(flags: Sequence[object]) -> str:
    """Say what a zero is not."""
    kind = "zero" if "gated" in flags else "non-gated zero"
    return f"no calcium detected on this scan; a {kind} is not reassurance"


def print_score(facts: Mapping[str, object]) -> None:
    """Print one score for a person."""
    if facts["status"] != "scored":
        show.say(f"{facts['status']}: {', '.join(facts['reasons'])}")  # type: ignore[arg-type]
        show.say(f"{facts.get('explanation', '')} {facts.get('detail', '')}".strip())
        return
    flags = facts["quality"]["flags"]  # type: ignore[index]
    score = show.at_least(facts["agatston"], flags) + show.number(facts["agatston"], 1)
    open_end = show.or_higher(facts["category"], facts["agatston"], flags)
    doubt = show.doubt(facts["agatston"], flags)
    show.say(f"Agatston {score}, category {facts['category']}{open_end}{doubt}")
    beside = facts.get("beside")
    if isinstance(beside, Mapping):
        group = f"{beside['group']}{show.or_higher(beside['group'], facts['agatston'], flags)}"
        show.say(f"group {group}, CAC-DRS {beside['cac_drs']} ({beside['cac_drs_basis']})")
    for line in (*_how_sure(facts), *_amounts(facts)):
        show.say(line)
    vessels = facts["vessels"]
    if isinstance(vessels, Mapping):
        told = ", ".join(f"{name} {show.number(value, 1)}" for name, value in vessels.items())
        show.say(show.at_least(facts["agatston"], flags, "seen in ") + told)
    if "labels" in facts:
        _print_labels(facts)
    quality = facts["quality"]
    if isinstance(quality, Mapping):
        told = ", ".join(map(remark, quality["flags"])) or "none"
        by = " (by header and slices alone)" if "labels" in facts else ""
        show.say(f"grade {quality['grade']}{by}, quality remarks: {told}")
        false = quality["expected_false_agatston"]
        if false is not None:
            show.say(f"noise alone would make {show.number(false, 1)} Agatston units")
    if facts["agatston"] == 0 and "labels" in facts:
        show.say("no calcium in the mask; of the heart outside it nothing is said")
    elif facts["agatston"] == 0:
        show.say(no_calcium(quality["flags"]))  # type: ignore[index]
    show.say(show.NOTICE)


def without_high_end(low: str, *, is_bound: bool) -> str:
    """Say how sure a score is that may lack calcium, and what of it may be none."""
    missing = "calcium may be hidden or missing (see the quality remarks)"
    if not is_bound:
        off = f"may be too high or too low, for some of it may be none and {missing}"
        return f"the Agatston score {off}; how far cannot be said"
    return (
        f"the Agatston score is a lower bound, for {missing}; a second scan of what was seen may "
        f"read from {low} on (95 %); how probable its category is cannot be said"
    )


_NONE_THAT_COUNTS = {
    Reason.NO_SCAN_DATE.value: "the score has no date",
    Reason.GRADE_TOO_LOW.value: "the score is of too low a grade",
}


def none_that_counts(reasons: Sequence[object]) -> str:
    """Say why a person has no score that counts, although there may be one."""
    told = [text for reason, text in _NONE_THAT_COUNTS.items() if reason in reasons]
    return told[0] if told else "there is no score"
