"""Prints how much plaque of people without a stent is taken for metal, as decision 0013 tells it.

    python tests/benchmarks/measure_plaque.py 400 407            the demo hospitals' 256 x 256
    python tests/benchmarks/measure_plaque.py 400 401 --matrix 512

Not a test; about five seconds a person. People of the synthetic hospitals (`screening demo`, seeds
from the first up to below the second) whose planned score is 100 or more and who have no stent,
read by the shipped model. The pixels are small or coarse by `--matrix`.
"""

import argparse
from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.train.judge import agatston, label_map
from models.train.phantoms import averaged
from screening import inference, scoring
from screening.phantom import simulate
from screening.phantom.oddities import plan_series
from screening.phantom.people import Person, Role, plan_people
from screening.phantom.subjects import Subject
from screening.records import CORONARY_LABELS, Label, Rejection, Volume
from screening.scoring.metal import name_metal

FROM_AGATSTON = 100.0


def scanned(person: Person, matrix: int | None) -> tuple[Volume, NDArray[np.uint8]] | None:
    """The person's main scan and its true labels; None of people who are not looked at."""
    plan = plan_series(person)[0]
    has_plaque = plan.has_score and plan.name == "main" and person.agatston >= FROM_AGATSTON
    if person.role is Role.STENT or not has_plaque:
        return None
    subject = Subject(person)
    subject.scan(plan)  # makes the calcium as dense as was planned
    technique = replace(plan.technique, matrix=matrix or plan.technique.matrix)
    noise_seed = person.body_seed + int.from_bytes(plan.name.encode()[:4], "big")
    scan = simulate(subject.body, subject._protocol(technique), noise_seed)
    return averaged(scan.as_volume(str(person.number)), scan.labels)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("first", type=int)
    parser.add_argument("end", type=int)
    parser.add_argument("--matrix", type=int)
    given = parser.parse_args()
    model, total, flags = inference.open_model("default"), Counter[str](), Counter[str]()
    for seed in range(given.first, given.end):
        for person in plan_people(24, seed):
            made = scanned(person, given.matrix)
            if made is None:
                continue
            volume, labels = made
            found = inference.infer(model, volume, threads=1)
            score = found if isinstance(found, Rejection) else scoring.score(volume, found)
            if isinstance(found, Rejection) or isinstance(score, Rejection):
                total["refused"] += 1
                continue
            plaque = np.isin(labels, CORONARY_LABELS)
            told = label_map(volume, name_metal(volume, found))
            units = agatston(volume, plaque)
            lost = agatston(volume, plaque & (told == Label.METAL))
            total.update(people=1, units=round(units), lost=round(lost))
            flags.update(score.quality.flags)
            if lost:
                print(
                    f"seed {seed} person {person.number:2} {person.role}: {lost:.0f} of {units:.0f}"
                )
    print(dict(total), {flag: flags[flag] for flag in ("stent_present", "stent_possible")})


if __name__ == "__main__":
    main()
