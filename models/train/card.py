"""The model's card.

Comes in: a model folder with its manifest, and the outcomes kept by `models.train.evaluate`.
Goes out: `card.md` beside the manifest.
Refuses: a folder of outcomes without this model's.

    python -m models.train.card --model models/default --outcomes infra/measured
"""

import argparse
import json
from pathlib import Path

from models.train.judge import Outcome
from models.train.measures import measures
from models.train.report import INTERVALS, main_table, read_outcomes, real_table
from screening.inference.manifest import MANIFEST_NAME, Manifest

_CARD = """# Model card: {name} {version}

Research software, not a medical device. Not evaluated clinically.

**What it does.** `coarse.onnx` finds heart, aorta, airway, hilum and bone, the courses of the
four coronary arteries and the two left-sided valves on 6 mm cells. `candidate.onnx` names each
bright thing (>= 130 HU) within 12 mm of the heart: one of the four arteries, or what it is
otherwise, stents and other metal among it. A thing counts as coronary when its four vessel
probabilities sum to 0.5 or more, and it does not lie 12 mm or more off their courses. `ball.onnx`
looks along what is as long as a stent, through balls of 14 mm, and tells the two apart
(`infra/decisions/0013`).

**Input.** {input_contract}

**Training.** {trained_on} Seed {seed}, {trained_at}: `{command}`.
Training, the rules behind the networks (what is metal, from when a thing counts) and the test have
phantoms of three generators and of disjoint ranges of seeds
(`tests/models/test_seeds_and_generators.py`).

## Measures: *simulated*

{scans} chests of a generator on which no rule but one was found (`models/train/unseen.py`): other
people, plaque, noise and protocols than those of training and of the rules. More, by stratum, by
the rules' generator and on real backgrounds, in `infra/model-measured.md`.
{intervals}

{table}
{real}
## Where it fails
{fails}

## Terms
{terms}
"""

_FAILS = """- Small lesions without fat around them, and specks on noisy, sharp scans: missed or
  mistaken.
- Left main and proximal LAD against the aortic root; LCX against the mitral annulus.
- The vessel is read off coarse heatmaps: LM, LAD and LCX are mixed up near their origin.
- A short or dim stent, or one in thick slices, may still count as calcium; in people with stents
  much calcium is lost with the metal (figures in `infra/decisions/0013`).
- Heavy plaque may be taken for a stent: 14 of 84 simulated people with much plaque and no stent
  lost some of it, four of them most; together they lost 6 % of their units, and 2 were told to
  have a stent.
- What the phantoms do not hold: bypass grafts, congenital hearts, prone scans, children.
- Contrast-enhanced scans: the heart is found and the blood measured so that scoring can refuse."""


def card(folder: Path, found: dict[str, list[Outcome]], rows: list[dict[str, object]]) -> str:
    """Return the card's text."""
    manifest = Manifest.model_validate_json((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    name = f"unseen-{folder.name}"
    if name not in found:
        raise SystemExit(f"no outcomes {name}; run python -m models.train.evaluate unseen first")
    mine = [row for row in rows if row["model"] in (_seen_as(folder), folder.name)]
    return _CARD.format(
        **manifest.model_dump(include={"name", "version", "input_contract", "trained_on", "seed"}),
        trained_at=manifest.trained_at,
        command=manifest.command,
        terms=manifest.terms,
        intervals=INTERVALS,
        scans=measures(found[name])["scans"],
        table="\n".join(main_table({folder.name: found[name]})),
        real="\n".join(real_table(mine)) + "\n" if mine else "",
        fails=_FAILS,
    )


def _seen_as(folder: Path) -> str:
    """Real scans are judged by models that left the scan out, in place of the one that saw it."""
    return "left-out" if folder.name == "default" else folder.name


def main() -> None:
    """Write the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--outcomes", type=Path, default=Path("infra/measured"))
    given = parser.parse_args()
    real = given.outcomes / "real.json"
    rows = json.loads(real.read_text(encoding="utf-8")) if real.is_file() else []
    text = card(given.model, read_outcomes(given.outcomes), rows)
    (given.model / "card.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
