"""Pictures of the cases in which a model was furthest from the truth.

Comes in: outcomes of `models.train.evaluate` on generated chests, and the model they are of.
Goes out: one PNG a case in `--out`, the worst first: above what was measured, below what is true;
a line a case on the terminal.
Refuses: outcomes of real backgrounds, whose pixels may not be kept.

    python -m models.train.worst --outcomes infra/measured/unseen-default.json --out DIR
"""

import argparse
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from models.train.evaluate import GENERATORS
from models.train.judge import Outcome
from models.train.report import tupled
from models.train.shifted import TestCase
from screening.errors import ScreeningError
from screening.inference import Model, infer, open_model
from screening.records import Label, Labelled, Rejection
from screening.report import render_picture
from screening.scoring import name_metal, score
from screening.scoring.parameters import LOWEST_LABELLED_HU


def distance(outcome: Outcome) -> float:
    """How far the score is from that of perfect labels: the difference of ln(A + 1)."""
    return float(abs(np.log1p(outcome.found) - np.log1p(outcome.perfect)))


def worst(outcomes: list[Outcome], count: int) -> list[Outcome]:
    """Return the scored cases that are furthest off, the worst first.

    Raises
    ------
    ScreeningError
        A case is not of a generator.
    """
    if not all(o.name.partition("-")[0] in GENERATORS for o in outcomes):
        names = " or ".join(f"{name}-*.json" for name in GENERATORS)
        raise ScreeningError(f"pictures are made of simulated chests only (outcomes {names})")
    scored = [o for o in outcomes if not o.is_rejected]
    return sorted(scored, key=distance, reverse=True)[:count]


def true_labels(case: TestCase, found: Labelled) -> Labelled:
    """Put the truth in the place of what the model said."""
    truth = case.labels.ravel()
    known = np.isin(truth, [int(label) for label in Label if label != Label.NONE])
    index = np.flatnonzero(known & (case.volume.hu.ravel() >= LOWEST_LABELLED_HU))
    sure = np.ones(len(index), dtype=np.float32)
    return replace(found, index=index, label=truth[index], probability=sure, things=None)


def picture(model: Model, case: TestCase) -> bytes:
    """Draw what the model measured above what perfect labels give.

    Raises
    ------
    ScreeningError
        The scan is refused today.
    """
    found = infer(model, case.volume, threads=1)
    if isinstance(found, Rejection):
        raise ScreeningError(f"{case.name} is refused: {found.reason.value}")
    parts = []
    for labelled in (name_metal(case.volume, found), true_labels(case, found)):
        scored = score(case.volume, labelled)
        if isinstance(scored, Rejection):
            raise ScreeningError(f"{case.name} is refused: {scored.reason.value}")
        png = render_picture(case.volume, labelled, scored)
        parts.append(Image.open(io.BytesIO(png)).convert("RGB"))
    page = Image.new("RGB", (parts[0].width, sum(part.height for part in parts)))
    page.paste(parts[0], (0, 0))
    page.paste(parts[1], (0, parts[0].height))
    out = io.BytesIO()
    page.save(out, "PNG")
    return out.getvalue()


def line(rank: int, outcome: Outcome) -> str:
    """Say in one line what went wrong."""
    crossed = ", ".join(f"{units:g} of {true} as {found}" for true, found, units in outcome.wrong)
    return (
        f"{rank:02d} {outcome.name}: measured {outcome.found:.0f}, perfect labels "
        f"{outcome.perfect:.0f}; {outcome.thickness_mm:g} mm, {outcome.kernel}, "
        f"{outcome.noise_hu:.0f} HU noise, {outcome.motion_mm:.1f} mm motion"
        f"{', stent' if outcome.has_stent else ''}; {crossed or 'nothing crossed'}"
    )


def main() -> None:
    """Draw the worst."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    rows = json.loads(given.outcomes.read_text(encoding="utf-8"))
    outcomes = [Outcome(**{k: tupled(v) for k, v in row.items()}) for row in rows]
    model = open_model(given.model)
    given.out.mkdir(parents=True, exist_ok=True)
    for rank, outcome in enumerate(worst(outcomes, given.count), 1):
        generator, _, seed = outcome.name.partition("-")
        case = GENERATORS[generator][0](int(seed))
        (given.out / f"{rank:02d}-{outcome.name}.png").write_bytes(picture(model, case))
        print(line(rank, outcome), flush=True)


if __name__ == "__main__":
    main()
