"""How often the intervals of `model_risk` hold the truth, on simulated people.

Run: python tests/benchmarks/measure_risk.py > infra/risk-measured.md
The truth is the model with everything known and the score without error; what is asked is how
often the interval holds it when some of that is taken away. People come from the same figures as
the imputation model (other seeds), and from three populations that differ from them.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from model_case import (
    RACES,
    WITH_RACE,
    RaceUse,
    estimated,
    exact_scores,
    measured_with_error,
    people_of,
    simulated,
    without,
)

from screening.risk.reference_people import MESA_SHARES

PEOPLE = 20_000
LIPIDS = ("total_cholesterol_mg_dl", "hdl_cholesterol_mg_dl")
YES_NO = ("smoker", "diabetes", "bp_treated", "lipid_treated", "family_history_mi")
MISSING = {
    "nothing": (),
    "HDL": LIPIDS[1:],
    "both lipids": LIPIDS,
    "lipids, pressure": (*LIPIDS, "systolic_bp_mmhg"),
    "smoking": ("smoker",),
    "all flags": YES_NO,
    "all but age, sex, score": (*LIPIDS, "systolic_bp_mmhg", *YES_NO, "egfr", "bmi"),
    "score": ("agatston",),
    "score, lipids": ("agatston", *LIPIDS),
    "sex": ("male",),
    "all but age": (*LIPIDS, "systolic_bp_mmhg", *YES_NO, "egfr", "bmi", "agatston", "male"),
}


def shifted(values, rng):
    """People of another place: lipids and pressure higher, more smokers and diabetes."""
    n = len(values["age_years"])
    return {
        **values,
        "total_cholesterol_mg_dl": values["total_cholesterol_mg_dl"] + 15,
        "systolic_bp_mmhg": values["systolic_bp_mmhg"] + 8,
        "smoker": np.maximum(values["smoker"], rng.random(n) < 0.12),
        "diabetes": np.maximum(values["diabetes"], rng.random(n) < 0.10),
    }


def spread(values, rng):
    """People who differ more: deviations of lipids and pressure a quarter larger."""
    wide = dict(values)
    for name in (*LIPIDS, "systolic_bp_mmhg"):
        mean = values[name].mean()
        wide[name] = np.maximum(mean + 1.25 * (values[name] - mean), 15.0)
    return wide


def severe(values, rng):
    """People with twice the calcium."""
    return {**values, "agatston": 2.0 * values["agatston"]}


def share(found, truth):
    """Shares of people whose truth the interval holds, and who lie below and above it."""
    below, above = truth < found.low * (1 - 1e-9), truth > found.high * (1 + 1e-9)
    return 100 * np.mean(~below & ~above), 100 * np.mean(below), 100 * np.mean(above)


def row(values, race, seen, names):
    truth = estimated(values, race, use=WITH_RACE).risk
    scores = None if "agatston" in names else exact_scores(people_of(values, race))
    sure = estimated(without(values, *names), race, scores=scores)
    found = estimated(without(seen, *names), race)
    by_race = estimated(without(seen, *names), race, use=WITH_RACE)
    width = np.median(found.high / np.maximum(found.low, 1e-9))
    ratio = found.risk.mean() / truth.mean()
    return *share(found, truth), share(sure, truth)[0], share(by_race, truth)[0], width, ratio


def table(title, change, seed):
    rng = np.random.default_rng(seed)
    values, race = simulated(PEOPLE, seed)
    values = change(values, rng) if change else values
    seen = measured_with_error(rng, values)
    lines = [
        f"## {title}",
        "",
        "| missing | held, % | truth below, % | above, % | held with a score without error, % | "
        "held with race an input, % | upper / lower end, median | mean estimate / mean truth |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, names in MISSING.items():
        *held, width, ratio = row(values, race, seen, names)
        cells = " | ".join(f"{h:.1f}" for h in held)
        lines.append(f"| {name} | {cells} | {width:.1f} | {ratio:.2f} |")
    return [*lines, ""]


def race_table(seed):
    """How often the interval of complete people holds MESA, were they of each race."""
    values, race = simulated(PEOPLE, seed)
    scores = exact_scores(people_of(values, race))
    nobody = np.full(PEOPLE, -1)
    lines = [
        "## Race",
        "",
        "All else known. Where race is no input, or is unknown, does the interval hold what MESA",
        "gives for the same people, were they all of one race? A race of less weight than 0.05 is",
        "held less.",
        "",
        f"| race | weights | score | {' | '.join(RACES[:4])} | own |",
        "|---|---|---|---|---|---|---|---|",
    ]
    of_each = [estimated(values, np.full(PEOPLE, i), use=WITH_RACE).risk for i in range(4)]
    truths = [*of_each, estimated(values, race, use=WITH_RACE).risk]
    small = (0.57, 0.30, 0.10, 0.03)
    for says, seen_race, is_input, weights, exact in (
        ("no input", race, False, MESA_SHARES, True),
        ("no input", race, False, MESA_SHARES, False),
        ("no input", race, False, small, False),
        ("an input, unknown", nobody, True, MESA_SHARES, True),
        ("an input, known", race, True, MESA_SHARES, True),
    ):
        use = RaceUse(is_input, np.array(weights))
        found = estimated(values, seen_race, use=use, scores=scores if exact else None)
        cells = " | ".join(f"{share(found, truth)[0]:.1f}" for truth in truths)
        shown = ", ".join(f"{w:g}" for w in weights)
        error = "without error" if exact else "right, its error unknown"
        lines.append(f"| {says} | {shown} | {error} | {cells} |")
    return [*lines, ""]


def own_race_table(seed):
    """How often the interval holds the truth of the people of each race, race being no input."""
    values, race = simulated(PEOPLE, seed)
    truth = estimated(values, race, use=WITH_RACE).risk
    counts = [int((race == i).sum()) for i in range(4)]
    named = " | ".join(f"{name} ({n:,})" for name, n in zip(RACES[:4], counts, strict=True))
    exactly = " | ".join(f"{name}, score without error" for name in RACES[:4])
    lines = [
        "## By the own race",
        "",
        "Race is no input; the truth is MESA of the own race. Held, % of the people of each race,",
        "and the share of chinese people, who have the lowest risks, below the low end.",
        "",
        f"| missing | {named} | chinese below, % | {exactly} |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    seen = measured_with_error(np.random.default_rng(seed), values)
    for name, names in MISSING.items():
        scores = None if "agatston" in names else exact_scores(people_of(values, race))
        found = estimated(without(seen, *names), race)
        sure = estimated(without(values, *names), race, scores=scores)
        held = [held_of(found, truth, race == i) for i in range(4)]
        exact = [held_of(sure, truth, race == i) for i in range(4)]
        below = 100 * np.mean((truth < found.low)[race == 3])
        cells = " | ".join(f"{h:.1f}" for h in (*held, below, *exact))
        lines.append(f"| {name} | {cells} |")
    return [*lines, ""]


def held_of(found, truth, rows):
    return 100 * np.mean((found.low[rows] <= truth[rows]) & (truth[rows] <= found.high[rows]))


def main() -> None:
    lines = [
        "# How often the intervals of `model_risk` hold",
        "",
        "Written by `python tests/benchmarks/measure_risk.py > infra/risk-measured.md`; do",
        "not edit. 20,000 simulated people each, 45 to 84 years. The truth is MESA with everything",
        "known, of the person's own race, drawn by MESA's shares; the estimate does not use race",
        "(the default), but in the column that says so. NOT patients: that MESA is right for yours",
        "these tables cannot say, and its own uncertainty is in no interval. 95 % are wanted.",
        "Where race is no input more is held, since the ends are the outermost of all races; with",
        "few flags missing, too, as the distribution has steps. A score measured with",
        "error is the scoring room's error, in which half of the true scores below 10 are missed.",
        "Where the score is missing it has no error, and the fourth column is the first.",
        "",
        *table("People like those the model was made from, other seed", None, 101),
        *table("Lipids +15 mg/dL, pressure +8 mmHg, more smokers and diabetes", shifted, 102),
        *table("Lipids and pressure vary a quarter more", spread, 103),
        *table("Twice the calcium", severe, 104),
        *race_table(105),
        *own_race_table(106),
    ]
    sys.stdout.write("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
