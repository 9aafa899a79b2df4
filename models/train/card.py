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
from models.train.measures import lost, measures, wrongly_counted
from models.train.report import INTERVALS, main_table, plain, read_outcomes, real_table
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

{scans} chests of a generator on which no rule but one and three limits were found
(`models/train/unseen.py`, `infra/decisions/0013`): other people, plaque, noise and protocols than
those of training and of the rules. More, by stratum, by the rules' generator and on real
backgrounds, in `infra/model-measured.md`.
{intervals}

{table}
{placed}{real}
## Where it fails
{fails}

## Terms
{terms}
"""

_FAILS = """- Small lesions without fat around them, and specks on noisy, sharp scans: missed or
  mistaken.
{counted}
- The vessel is read off coarse heatmaps: LM, LAD and LCX are mixed up near their origin.
- A clip that the scan makes no brighter than calcium of its size (1,200 HU), or that lies in dense
  plaque, may count; so may a short or dim stent, or one in thick slices. In people with stents or
  clips much calcium is lost with the metal (figures in `infra/decisions/0013`).
- Heavy plaque may be taken for a stent: 15 of 84 simulated people with much plaque and no stent
  lost some of it, four of them most; together they lost 6 % of their units, and 2 were told to
  have a stent.
- Mirrored pixels: the arteries are mistaken for each other, and the score may be wrong; remarked on
  (`heart_on_the_right`).
- What the phantoms do not hold: bypass grafts, congenital hearts, prone scans, children.
- Contrast-enhanced scans: the heart is found and the blood measured so that scoring can refuse."""

_PLACED = """## Measures: *simulated calcium in real scans (n = 3)*

Calcium placed into three real scans, {draws} draws, by models that never saw the scan. Intervals
tell how far draws in these three scans differ, not how far people do.

{table}
"""
_OF_PLACED = (
    "scans", "weighted kappa, linear", "ICC", "ICC of ln(A+1)", "sensitivity >0", "specificity >0",
    "scans without calcium", "false Agatston there, median",
    "false Agatston there, 95th percentile", "lesion F1", "right vessel, of lesions found",
    "Agatston units of perfect labels", "units lost", "units wrongly counted",
)  # fmt: skip


def card(folder: Path, found: dict[str, list[Outcome]], rows: list[dict[str, object]]) -> str:
    """Return the card's text."""
    manifest = Manifest.model_validate_json((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    name = f"unseen-{folder.name}"
    if name not in found:
        raise SystemExit(f"no outcomes {name}; run python -m models.train.evaluate unseen first")
    mine = [row for row in rows if row["model"] in (_seen_as(folder), folder.name)]
    placed = found.get(f"placed-{_seen_as(folder)}", [])
    return _CARD.format(
        **manifest.model_dump(include={"name", "version", "input_contract", "trained_on", "seed"}),
        trained_at=manifest.trained_at,
        command=manifest.command,
        terms=manifest.terms,
        intervals=INTERVALS,
        scans=measures(found[name])["scans"],
        table="\n".join(main_table({folder.name: found[name]})),
        placed=_placed({_seen_as(folder): placed}) if placed else "",
        real="\n".join(real_table(mine)) + "\n" if mine else "",
        fails=_FAILS.format(counted="\n".join(_counted(found[name], placed))),
    )


def _placed(run: dict[str, list[Outcome]]) -> str:
    """Show how much worse the model is on real backgrounds."""
    table = "\n".join(main_table(run, _OF_PLACED))
    return _PLACED.format(draws=sum(map(len, run.values())), table=table)


def _counted(simulated: list[Outcome], placed: list[Outcome]) -> list[str]:
    """Say what was lost and wrongly counted, on simulated chests and on real backgrounds."""
    sets = {"simulated chests": simulated}
    if placed:
        sets["draws in real scans"] = placed
    ostia = [_of_aorta(lost(o), o, where) for where, o in sets.items()]
    wall = [_of_aorta(wrongly_counted(o), o, where) for where, o in sets.items()]
    taken = [_taken(o, where) for where, o in sets.items()]
    false = [_false(o, where) for where, o in sets.items()]
    return [
        f"- Calcium at the ostia is lost to the aorta: {'; '.join(ostia)}.",
        f"- The aorta's wall counts as coronary: {'; '.join(wall)}.",
        "- Calcium is taken for something else; a remark (`calcium_possible`) tells of it only "
        "where it is calcium at a quarter or more, or calcium or metal at a tenth where it is "
        "called pericardium, node, annulus or airway: "
        f"{'; '.join(taken)}. What is taken for metal is remarked on.",
        f"- Where there is none: {'; '.join(false)}.",
    ]


def _of_aorta(sums: dict[str, tuple[int, float]], outcomes: list[Outcome], where: str) -> str:
    n, units = sums.get("AORTA", (0, 0.0))
    return f"{units:,.0f} Agatston units in {n} of {len(outcomes)} {where}"


def _taken(outcomes: list[Outcome], where: str) -> str:
    """Tell what was lost but to metal, which is remarked on, and to the aorta, told above."""
    parts = {k: v for k, (_, v) in lost(outcomes).items() if k not in ("METAL", "AORTA")}
    named = ", ".join(f"{plain(k)} {v:,.0f}" for k, v in parts.items() if round(v))
    of = sum(o.perfect for o in outcomes if not o.is_rejected)
    text = f"{sum(parts.values()):,.0f} of {of:,.0f} units in {where}"
    return f"{text} ({named})" if named else text


def _false(outcomes: list[Outcome], where: str) -> str:
    zero = [o.found for o in outcomes if not o.is_rejected and o.true == 0]
    return (
        f"{sum(found > 0 for found in zero)} of {len(zero)} {where} without calcium score above 0"
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
