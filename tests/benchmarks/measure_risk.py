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
    WITH_RACE,
    estimated,
    exact_scores,
    measured_with_error,
    people_of,
    simulated,
    without,
)

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


def row(values, race, seen_values, names, *, use=None):
    options = {"use": use} if use else {}
    truth = estimated(values, race, **options).risk
    people = people_of(values, race)
    sure = estimated(
        without(values, *names), race,
        scores=None if "agatston" in names else exact_scores(people), **options,
    )  # fmt: skip
    found = estimated(without(seen_values, *names), race, **options)

    def held(e):
        return 100 * np.mean((e.low <= truth) & (truth <= e.high))

    below, above = 100 * np.mean(truth < found.low), 100 * np.mean(truth > found.high)
    width = np.median(found.high / np.maximum(found.low, 1e-9))
    ratio = found.risk.mean() / truth.mean()
    return held(found), below, above, held(sure), width, ratio


def table(title, change, seed):
    rng = np.random.default_rng(seed)
    values, race = simulated(PEOPLE, seed)
    values = change(values, rng) if change else values
    seen = measured_with_error(rng, values)
    lines = [
        f"## {title}",
        "",
        "| missing | held, % | truth below, % | above, % | held with a score without error, % | "
        "upper / lower end, median | mean estimate / mean truth |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, names in MISSING.items():
        held, below, above, sure, width, ratio = row(values, race, seen, names)
        lines.append(
            f"| {name} | {held:.1f} | {below:.1f} | {above:.1f} | {sure:.1f} | {width:.1f} "
            f"| {ratio:.2f} |"
        )
    return [*lines, ""]


def race_table(seed):
    values, race = simulated(PEOPLE, seed)
    people = people_of(values, race)
    truth = estimated(values, race, use=WITH_RACE).risk
    nobody = np.full(PEOPLE, -1)
    lines = [
        "## Race",
        "",
        "| the interval of | holds MESA with the person's own race, % |",
        "|---|---|",
    ]
    for says, found in (
        ("race an input but unknown, nothing else missing, score without error",
         estimated(values, nobody, use=WITH_RACE, scores=exact_scores(people))),
        ("race no input, both lipids missing, score with error",
         estimated(without(measured_with_error(np.random.default_rng(seed), values), *LIPIDS),
                   race)),
    ):  # fmt: skip
        held = 100 * np.mean((found.low <= truth * (1 + 1e-9)) & (truth <= found.high * (1 + 1e-9)))
        lines.append(f"| {says} | {held:.1f} |")
    return [*lines, ""]


def main() -> None:
    lines = [
        "# How often the intervals of `model_risk` hold",
        "",
        "Written by `python tests/benchmarks/measure_risk.py > infra/risk-measured.md`; do",
        "not edit. 20,000 simulated people each, 45 to 84 years. The truth is the model with",
        "everything known. NOT patients: that MESA is right for yours these tables cannot",
        "say, and its own uncertainty is in no interval. 95 % are wanted. With few flags",
        "missing more is held, as the distribution has steps; a score measured with error is",
        "the scoring room's error, in which half of the true scores below 10 are missed.",
        "Where the score is missing it has no error, and the fourth column is the first.",
        "",
        *table("People like those the model was made from, other seed", None, 101),
        *table("Lipids +15 mg/dL, pressure +8 mmHg, more smokers and diabetes", shifted, 102),
        *table("Lipids and pressure vary a quarter more", spread, 103),
        *table("Twice the calcium", severe, 104),
        *race_table(105),
    ]
    sys.stdout.write("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
