"""Prints how much metal counts as calcium, and how much calcium is taken for metal.

    python tests/benchmarks/measure_stents.py test      the table of infra/decisions/0013
    python tests/benchmarks/measure_stents.py unseen
    python tests/benchmarks/measure_stents.py tune

Not a test; some ten minutes. Simulated chests read by the shipped model with and without what looks
along the whole thing. `unseen` are of a generator on which nothing was set (`models.train.unseen`),
the others of the shifted one: `tune` are seeds on which the rule's coefficients were found.
"""

import sys
from collections.abc import Callable

import numpy as np

from models.train import judge
from models.train.judge import agatston, label_map
from models.train.measures import measures
from models.train.phantoms import RULES_FROM, TEST_SEED
from models.train.shifted import TestCase, shifted_case
from models.train.unseen import unseen_case
from screening import inference
from screening.inference import labelling
from screening.records import CORONARY_LABELS, Label, Labelled, Rejection
from screening.scoring import name_metal, score

N_STENTED, N_AS_THEY_COME = 32, 40
CHESTS = {
    "unseen": (unseen_case, TEST_SEED + 710_000),  # 700_000 served for the rule about clips
    **{name: (shifted_case, RULES_FROM[name]) for name in ("tune", "test")},
}
MODEL = inference.open_model("default")
UNSURE = {
    "stent_present",
    "stent_possible",
    "metal_near_heart",
    "clips_present",
    "calcium_very_bright",
}
TELL = labelling.tell_stents


def network_alone(frame, candidates, balls, ball_odds, p, label, probability):
    """In place of the rule: what the candidate network says."""
    return label, probability


def read(case: TestCase, rule: Callable) -> Labelled | Rejection:
    labelling.tell_stents = rule
    return inference.infer(MODEL, case.volume, threads=1)


def units(case: TestCase, found: Labelled) -> tuple[float, float, float]:
    """Agatston units of metal that counts, of calcium called metal, of calcium."""
    volume, told = case.volume, label_map(case.volume, found)
    is_true, is_told = (np.isin(x, CORONARY_LABELS) for x in (case.labels, told))
    counted = agatston(volume, (case.labels == Label.METAL) & is_told)
    lost = agatston(volume, is_true & (told == Label.METAL))
    return counted, lost, agatston(volume, is_true)


def row(name: str, group: str, rows: list) -> None:
    counted, lost, true = (np.array([r[0][k] for r in rows]) for k in range(3))
    silent = sum(r[0][0] > 0 and not UNSURE & r[1] for r in rows)
    kinds = [sum(k in r[1] for r in rows) for k in ("stent_present", "stent_possible")]
    m = measures([r[2] for r in rows])
    print(
        f"| {group} | {name} | {len(rows)} | {counted.sum():.0f} in {(counted > 0).sum()} "
        f"| {silent} | {lost.sum():.0f} of {true.sum():.0f} in {(lost > 0).sum()} "
        f"| {kinds[0]} | {kinds[1]} | {m['sensitivity >0']} | {m['specificity >0']} "
        f"| {m['weighted kappa, linear']} |",
        flush=True,
    )


def main() -> None:
    make, first = CHESTS[sys.argv[1]]
    print(
        "| scans | labels | n | metal counted | of these without a flag | calcium called metal ",
        end="",
    )
    print("| stent_present | stent_possible | sensitivity >0 | specificity >0 | kappa |")
    print(f"|{'---|' * 11}")
    for group, n, some in (
        ("with stents", N_STENTED, True),
        ("as they come", N_AS_THEY_COME, False),
    ):
        rows = {"network alone": [], "with the rule": []}
        for k in range(n):
            case = make(first + k, n_stents=1 + k % 3 if some else None)
            for name, rule in zip(rows, (network_alone, TELL), strict=True):
                found = read(case, rule)
                if isinstance(found, Rejection):
                    continue
                scored, named = score(case.volume, found), name_metal(case.volume, found)
                flags = set() if isinstance(scored, Rejection) else set(scored.quality.flags)
                rows[name].append((units(case, named), flags, judge.judge(case, named, 0.0)))
        for name, one in rows.items():
            row(name, group, one)


if __name__ == "__main__":
    main()
