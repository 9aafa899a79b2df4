"""How good a model is on scans it was not trained on.

Comes in: a model folder; for real backgrounds the folder with the real scans and, for each scan,
the model that never saw it.
Goes out: outcomes scan by scan (`outcomes.json` in `--out`), measures on the terminal.
Refuses: nothing.

    python -m models.train.evaluate shifted --model models/default --scans 150 --out measured
    python -m models.train.evaluate placed --real ../shared/real-ct --left-out runs --scans 40 --out measured
"""

import argparse
import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from models.train import backgrounds
from models.train.judge import Outcome, judge
from models.train.landmarks import read_landmarks, scans
from models.train.measures import measures
from models.train.phantoms import TEST_SEED
from models.train.shifted import TestCase, shifted_case
from screening.inference import Model, infer, open_model

_SHIFTED_FROM = TEST_SEED + 100_000
_PLACED_FROM = TEST_SEED + 200_000


def judged(model: Model, cases: Iterable[TestCase]) -> list[Outcome]:
    """Infer and judge case by case."""
    out = []
    for case in cases:
        started = time.perf_counter()
        found = infer(model, case.volume, threads=1)
        out.append(judge(case, found, time.perf_counter() - started))
    return out


def on_shifted(model_folder: str, count: int) -> list[Outcome]:
    """Chests of the shifted generator."""
    seeds = range(_SHIFTED_FROM, _SHIFTED_FROM + count)
    return judged(open_model(model_folder), map(shifted_case, seeds))


def on_placed(real: Path, left_out: Path, count: int) -> list[Outcome]:
    """Calcium placed into each real scan, before the model `left_out/SCAN`, which never saw it."""
    out = []
    for number, scan in enumerate(scans()):
        volume, marks = backgrounds.load_scan(real / scan), read_landmarks(scan)
        first = _PLACED_FROM + number * 10_000
        cases = (backgrounds.test_case(s, volume, marks) for s in range(first, first + count))
        out += judged(open_model(str(left_out / scan)), cases)
    return out


def write_outcomes(outcomes: list[Outcome], folder: Path, name: str) -> None:
    """Keep the outcomes, so that tables are made again without the scans."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(o) for o in outcomes], indent=1)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Evaluate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("on", choices=["shifted", "placed"])
    parser.add_argument("--model", default="models/default")
    parser.add_argument("--real", type=Path, default=Path("../shared/real-ct"))
    parser.add_argument("--left-out", type=Path, help="folder with a model for each scan left out")
    parser.add_argument("--scans", type=int, default=150)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    if given.on == "shifted":
        outcomes = on_shifted(given.model, given.scans)
    else:
        outcomes = on_placed(given.real, given.left_out, given.scans)
    write_outcomes(outcomes, given.out, given.on)
    print(json.dumps(measures(outcomes), indent=2))


if __name__ == "__main__":
    main()
