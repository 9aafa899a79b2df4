"""What a training run is made with, and what tells it from another.

Comes in: a `Plan`; the folder that keeps a run's stages.
Goes out: nothing, or `plan.json` in the folder of stages.
Refuses: counts and seeds whose people are not this run's alone, a folder of stages made with
another plan.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from models.train.phantoms import PAIRS_FROM, SEED_STRIDE, TRAINING_SEED, TUBES_FROM
from screening.phantom.trial import TRIAL_SEED

# From here on other people have served: those that the field's architectures learn from
# (`field/compare.py`, seed 99), the one on whom a network is tried, those of rules and tests.
SEEDS = range(99)
assert TRAINING_SEED + SEEDS.stop * SEED_STRIDE < TRIAL_SEED
LEAST_COARSE_STEPS = 300  # that find a heart
# How many people there are of each kind before those of another kind begin.
MOST = {
    "chests": PAIRS_FROM,
    "pairs": TUBES_FROM - PAIRS_FROM,
    "tubes": SEED_STRIDE - TUBES_FROM,
    "placed": SEED_STRIDE,
}
_SERIES = "0.4"  # of model versions; what an older one's code made is not taken up
_KEPT_AS = "plan.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is trained on, and how long."""

    chests: int
    pairs: int
    placed: int  # draws of calcium for each real scan
    coarse_steps: int
    candidate_steps: int
    placed_steps: int  # more, with real backgrounds among the phantoms
    tubes: int  # hearts with stents and heavy plaque
    ball_steps: int
    seed: int

    @property
    def version(self) -> str:
        """Version of the model that comes out."""
        return f"{_SERIES}.{self.seed}"

    @property
    def first(self) -> int:
        """The first of this run's people."""
        return TRAINING_SEED + self.seed * SEED_STRIDE


def refusal(plan: Plan) -> str:
    """Say what is wrong with a plan; nothing if it can be followed."""
    if plan.seed not in SEEDS:
        return f"--seed: {plan.seed} is not from {SEEDS.start} to {SEEDS.stop - 1}; the people of \
others serve for tests and rules"
    for name, count in asdict(plan).items():
        option = f"--{name.replace('_', '-')}"
        if name != "seed" and count < 1:
            return f"{option}: {count} is less than 1"
        if name in MOST and count > MOST[name]:
            return f"{option}: {count} is more than the {MOST[name]} there are for a seed"
    if plan.coarse_steps < LEAST_COARSE_STEPS:
        return f"--coarse-steps: fewer than {LEAST_COARSE_STEPS} find no heart"
    return ""


def claim(work: Path, plan: Plan) -> None:
    """Keep the plan beside its stages; refuse a folder with stages of another plan."""
    work.mkdir(parents=True, exist_ok=True)
    kept, mine = work / _KEPT_AS, {"version": plan.version, **asdict(plan)}
    if not kept.exists():
        if any(work.iterdir()):
            raise SystemExit(
                f"{work} holds things, and no {_KEPT_AS} that tells what they were made with; "
                "give --work an empty folder"
            )
        kept.write_text(json.dumps(mine, indent=1) + "\n", encoding="utf-8")
        return
    try:
        theirs = dict(json.loads(kept.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise SystemExit(f"{kept} cannot be read; give --work an empty folder") from None
    other = [
        f"{name.replace('_', '-')} {theirs.get(name)}, not {mine.get(name)}"
        for name in {**mine, **theirs}
        if theirs.get(name) != mine.get(name)
    ]
    if other:
        raise SystemExit(
            f"{work} was made with {'; '.join(other)}; go on with what it was made with, or give "
            "--work an empty folder"
        )
