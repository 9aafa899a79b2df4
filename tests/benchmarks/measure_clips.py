"""Prints how many Agatston units of surgical clips count as coronary calcium.

    python tests/benchmarks/measure_clips.py rule     26 people on whom the rule was found
    python tests/benchmarks/measure_clips.py other    23 others
    python tests/benchmarks/measure_clips.py fresh    30 from whom no limit was taken
    python tests/benchmarks/measure_clips.py without  60 without clips, neither

Not a test; some three minutes. People of the shifted generator, none with a stent, read by the
shipped model: how much of their clips counts, and how much of their calcium is called metal. The
figures of infra/decisions/0013.
"""

import dataclasses
import sys

import numpy as np

from models.train import shifted
from models.train.judge import agatston, label_map
from models.train.phantoms import RULES_FROM
from screening import inference
from screening.records import CORONARY_LABELS, Label, Rejection
from screening.scoring import name_metal

CHESTS = {
    "rule": (RULES_FROM["clips"], 26),
    "other": (RULES_FROM["clips"] + 1_000, 23),
    "fresh": (RULES_FROM["clips"] + 4_000, 30),
    "without": (RULES_FROM["clips"] + 3_000, 60),
}
MODEL = inference.open_model("default")
AS_DRAWN = shifted.shifted_traits


def traits(rng: np.random.Generator):
    return dataclasses.replace(AS_DRAWN(rng), has_clips=sys.argv[1] != "without", n_stents=0)


def main() -> None:
    shifted.shifted_traits = traits
    first, count = CHESTS[sys.argv[1]]
    counted, lost, true = np.zeros((3, count))
    for k in range(count):
        case = shifted.shifted_case(first + k)
        found = inference.infer(MODEL, case.volume, threads=1)
        if isinstance(found, Rejection):
            print(f"{case.name}: refused, {found.reason.value}")
            continue
        told = label_map(case.volume, name_metal(case.volume, found))
        is_told, is_true = (np.isin(x, CORONARY_LABELS) for x in (told, case.labels))
        counted[k] = agatston(case.volume, (case.labels == Label.METAL) & is_told)
        lost[k] = agatston(case.volume, is_true & (told == Label.METAL))
        true[k] = agatston(case.volume, is_true)
        if counted[k] > 0:
            print(f"{case.name}: {counted[k]:.0f} units of metal, {true[k]:.0f} of calcium")
    print(
        f"{count} people: {counted.sum():.0f} units of metal counted, in {(counted > 0).sum()}; "
        f"{lost.sum():.0f} of {true.sum():.0f} units of calcium called metal"
    )


if __name__ == "__main__":
    main()
