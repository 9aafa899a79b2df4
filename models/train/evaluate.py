"""How good a model is on phantoms it was not trained on.

Comes in: a model folder and test seeds (never used in training or tuning).
Goes out: measures, and the model's card written from them.
Refuses: nothing.

    python -m models.train.evaluate --model models/default --scans 60
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from models.train.judge import THRESHOLDS, Outcome, category, judge
from models.train.phantoms import TEST_SEED, make_case
from screening.inference import infer, open_model


def run(model_folder: str, seeds: list[int]) -> list[Outcome]:
    """Simulate, infer and judge each seed."""
    model, outcomes = open_model(model_folder), []
    for seed in seeds:
        case = make_case(seed)
        started = time.perf_counter()
        found = infer(model, case.volume)
        outcomes.append(judge(case, found, time.perf_counter() - started))
    return outcomes


def measures(outcomes: list[Outcome]) -> dict[str, float]:
    """Summarise; every number is simulated."""
    kept = [o for o in outcomes if not o.is_rejected]
    clear = [o for o in kept if all(abs(o.true - t) > 0.25 * t for t in THRESHOLDS)]
    sides = [sum((o.true >= t) != (o.found >= t) for o in clear) for t in THRESHOLDS]
    zero = [o for o in kept if o.true == 0]
    lesions, right = sum(o.n_lesions for o in kept), sum(o.n_right for o in kept)
    false = sum(o.n_false for o in kept)
    return {
        "scans": len(outcomes),
        "refused": len(outcomes) - len(kept),
        "category agreement with the truth": _share(
            sum(category(o.true) == category(o.found) for o in kept), len(kept)
        ),
        "category agreement with perfect labels on the same scan": _share(
            sum(category(o.perfect) == category(o.found) for o in kept), len(kept)
        ),
        "scans more than 25 % from 100, 300 and 1000": len(clear),
        "of them on a wrong side of a threshold": sum(sides),
        "lesions": lesions,
        "lesion sensitivity": _share(right, lesions),
        "lesion precision": _share(right, right + false),
        "lesion F1": _share(2 * right, lesions + right + false),
        "right vessel, of lesions found": _share(sum(o.n_vessel_right for o in kept), right),
        "scans without coronary calcium": len(zero),
        "of them scored zero": sum(o.found == 0 for o in zero),
        "highest false Agatston on them": round(max((o.found for o in zero), default=0.0), 1),
        "median seconds a scan": round(float(np.median([o.seconds for o in kept])), 2),
    }


def _share(part: float, whole: float) -> float:
    return round(part / whole, 3) if whole else float("nan")


def main() -> None:
    """Print the measures and write the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="models/default")
    parser.add_argument("--scans", type=int, default=60)
    parser.add_argument("--first", type=int, default=TEST_SEED)
    parser.add_argument("--card", action="store_true", help="write card.md beside the model")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    seeds = list(range(arguments.first, arguments.first + arguments.scans))
    outcomes = run(arguments.model, seeds)
    if arguments.verbose:
        for o in outcomes:
            print(
                o.seed, f"true {o.true:.0f} perfect {o.perfect:.0f} found {o.found:.0f}",
                f"noise {o.noise_hu:.0f}", "REFUSED" if o.is_rejected else "", o.wrong,
            )  # fmt: skip
    found = measures(outcomes)
    print(json.dumps(found, indent=2))
    if arguments.card:
        from models.train.card import write_card

        write_card(Path(arguments.model), found)


if __name__ == "__main__":
    main()
