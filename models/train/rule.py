"""Coefficients of the rule that tells stents from plaque along their length.

Comes in: a model folder, and how many chests.
Goes out: on the terminal, the coefficients of `screening.inference.tubes`, and how well they do.
Refuses: fewer chests than can be judged by others.

    python -m models.train.rule --model models/default --chests 160

Chests are of the shifted generator, of seeds that serve for nothing but such rules: half of the
people have stents, and half have smooth plaque besides, as wide as a stent. Each fold is judged by
coefficients from the others.
"""

import argparse
import multiprocessing
import os
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.train.phantoms import RULES_FROM
from models.train.shifted import TestCase, shifted_case
from models.train.tubes import rod
from screening.inference import infer, labelling, open_model
from screening.inference.balls import Balls
from screening.inference.candidates import Candidates
from screening.inference.tubes import metal_share, opinions, tell_stents
from screening.phantom import Body
from screening.phantom.deposits import Deposit
from screening.records import CORONARY_LABELS, Label

_FOLDS, _PENALTY = 5, 1.0
_MEANT = 0.3  # of a ball, true calcium or metal, from which it tells something
_UNIT_HU_MM3 = 300.0  # HU above blood times mm3 that weigh 1
_FEWEST = 20
_ROWS = ("opinions", "is_metal", "weight")


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Balls of one chest: opinions (b, 6), truth (b,), weight (b,)."""

    opinions: NDArray[np.float64]
    is_metal: NDArray[np.bool_]
    weight: NDArray[np.float64]


def rule_case(seed: int) -> TestCase:
    """Scan a chest of the rule's seeds: every second with stents, two of four with rods."""
    more = _rods if seed % 4 >= 2 else None
    return shifted_case(seed, n_stents=1 + seed % 3 if seed % 2 else None, more=more)


def _rods(rng: np.random.Generator, body: Body) -> list[Deposit]:
    return [rod(rng, body) for _ in range(int(rng.integers(1, 4)))]


def chest_rows(seed: int, folder: str) -> Rows | None:
    """Infer one chest and keep what the rule sees; None where it sees nothing."""
    case, seen = rule_case(seed), []

    def watched(*given: Any) -> Any:
        _, candidates, balls, ball_odds, p, *_ = given
        if len(ball_odds):
            seen.append(_rows(case, candidates, balls, ball_odds, p))
        return tell_stents(*given)

    labelling.tell_stents = watched
    try:
        infer(open_model(folder), case.volume, threads=1)
    finally:
        labelling.tell_stents = tell_stents
    return seen[0] if seen else None


def _rows(
    case: TestCase,
    candidates: Candidates,
    balls: Balls,
    ball_odds: NDArray[np.float32],
    p: NDArray[np.float32],
) -> Rows:
    truth, n = case.labels[tuple(candidates.voxels.T)], len(p)
    whole = np.maximum(np.bincount(candidates.owner, minlength=n), 1)
    size = np.bincount(balls.ball, balls.weight, len(ball_odds))

    def of_ball(is_true: NDArray[np.bool_]) -> NDArray[np.float64]:
        share = np.bincount(candidates.owner, is_true, n) / whole
        part = np.bincount(balls.ball, balls.weight * share[balls.candidate], len(size))
        return np.asarray(part / size)

    metal, calcium = of_ball(truth == Label.METAL), of_ball(np.isin(truth, CORONARY_LABELS))
    meant = metal + calcium > _MEANT
    voxel_mm3 = case.volume.increment_mm * float(np.prod(case.volume.spacing_mm))
    seen = opinions(candidates, balls, ball_odds, metal_share(p))
    weight = np.sqrt(size * voxel_mm3 / _UNIT_HU_MM3)
    return Rows(seen[meant], (metal > calcium)[meant], weight[meant])


def report(chests: list[Rows]) -> None:
    """Fit, and say how much metal lies below even odds and how much calcium above."""
    of_chest = np.concatenate([np.full(len(c.weight), k) for k, c in enumerate(chests)])
    x, is_metal, weight = (np.concatenate([getattr(c, name) for c in chests]) for name in _ROWS)
    print(f"{len(chests)} chests, {len(x)} balls, {is_metal.mean():.2f} of them metal")

    def fitted(rows: NDArray[np.bool_]) -> LogisticRegression:
        one = LogisticRegression(C=_PENALTY, max_iter=5000)
        return one.fit(x[rows], is_metal[rows], weight[rows])

    odds = np.zeros(len(x))
    for fold in range(_FOLDS):
        mine = of_chest % _FOLDS == fold
        odds[mine] = fitted(~mine).decision_function(x[mine])
    for name, wrong in (("metal", is_metal & (odds < 0)), ("calcium", ~is_metal & (odds >= 0))):
        same = is_metal == (name == "metal")
        print(f"{name} on the wrong side: {weight[wrong].sum() / weight[same].sum():.4f}")
    whole = fitted(np.ones(len(x), dtype=np.bool_))
    print(f"base {whole.intercept_[0]:.2f}, opinions {whole.coef_[0].round(2).tolist()}")


def main() -> None:
    """Read the command line and fit."""
    parser = argparse.ArgumentParser(prog="python -m models.train.rule", description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--chests", type=int, default=160)
    given = parser.parse_args()
    if given.chests < _FEWEST:
        parser.error(f"fewer than {_FEWEST} chests tell nothing")
    seeds = range(RULES_FROM["tune"], RULES_FROM["tune"] + given.chests)
    with multiprocessing.Pool(os.cpu_count() or 1) as pool:
        found = pool.map(partial(chest_rows, folder=given.model), seeds, chunksize=1)
    report([rows for rows in found if rows is not None])


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
