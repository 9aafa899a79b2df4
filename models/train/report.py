"""The table of what models were measured at.

Comes in: outcomes kept by `models.train.evaluate`.
Goes out: `infra/model-measured.md`.
Refuses: a folder without outcomes.

    python -m models.train.report --outcomes infra/measured
"""

import argparse
import json
from pathlib import Path
from typing import Any

from models.train.judge import Outcome
from models.train.measures import (
    LEAST_FOR_INTERVAL,
    Figures,
    by_stratum,
    intervals,
    lost,
    measures,
    wrongly_counted,
)

TARGET = Path(__file__).parents[2] / "infra" / "model-measured.md"
_HEADS = {
    "unseen": "*simulated*: chests of a generator on which one rule and three limits were found",
    "shifted": "*simulated*: chests of the generator on which rules behind the networks were found",
    "placed": "*simulated calcium in real scans (n = 3)*: by models that never saw the scan",
}
_SETS = {
    "unseen": "People of all builds, plaque as smooth spindles along the artery and sheets on its "
    "wall, noise of all frequencies with rings, other thicknesses and voltages than in training "
    "and in the shifted generator (`models/train/unseen.py`). Truth is the score without noise and "
    "motion. Other chests of it showed that the training lacked smooth plaque, and what clips did "
    "to long plaque; these (from 30,620,000 on) served for nothing but three limits of the rule "
    "about clips (`infra/decisions/0013`): three of these people had lost 97 to 255 units by it.",
    "shifted": "People turned and bent further, other heart sizes, plaque as chains of beads, "
    "another noise texture with streaks, other thicknesses, voltages and fields "
    "(`models/train/shifted.py`). Truth is the score without noise and motion. "
    "Rules behind the networks were found and compared on other chests of this generator; these "
    "(from 30,500,000 on) served for none, but for the limits above, after two of them.",
    "placed": "Chains of beads along the scan's own coronary courses, mitral ring, valve and aorta "
    "(`models/train/backgrounds.py`). Truth is what perfect labels score on the same scan, and "
    "the calcium a person saw in it. `left-out`: trained with the other two scans; `phantom`: "
    "trained with none. Intervals tell how far draws of calcium in these three scans differ, not "
    "how far people do.",
}
# What others report of non-gated scans, read against readers or gated scans: beside ours, which
# are against simulated truth, and not to be compared number by number.
_LITERATURE = (
    ("Eng, npj Digit Med 2021;4:88", "kappa 0.84 (own site), 0.58 to 0.80 (four others)"),
    ("PMC9014138, 1 mm and 3 mm slices", "ICC 0.90 and 0.94; kappa 0.72 and 0.82"),
    ("Xie, Circ Cardiovasc Imaging 2013;6:514", "non-gated against gated, by people: kappa 0.89"),
    ("Kim, Korean J Radiol 2021;22:1034", "the same, 16 studies: weighted kappa 0.85"),
)  # fmt: skip
INTERVALS = (
    f"Intervals: 95 %; of sensitivity and specificity by Wilson from counts, none below "
    f"{LEAST_FOR_INTERVAL} people with (without) so much calcium; of the others by bootstrap over "
    f"scans, none below {LEAST_FOR_INTERVAL} scans or where all draws are alike."
)
_SHORT = {
    "scans": "n",
    "weighted kappa, linear": "kappa",
    "ICC of ln(A+1)": "ICC ln",
    "sensitivity >0": "sens > 0",
    "specificity >0": "spec > 0",
    "lesion F1": "lesion F1",
    "right vessel, of lesions found": "vessel",
    "Agatston units of perfect labels": "units",
    "units lost": "lost",
    "units wrongly counted": "wrong",
}


def read_outcomes(folder: Path) -> dict[str, list[Outcome]]:
    """Outcomes by name of the run, such as `shifted-default`."""
    found = {}
    for path in sorted(folder.glob("*-*.json")):
        rows = json.loads(path.read_text(encoding="utf-8"))
        found[path.stem] = [Outcome(**{k: tupled(v) for k, v in row.items()}) for row in rows]
    if not found:
        raise SystemExit(f"no outcomes in {folder}; run python -m models.train.evaluate first")
    return found


def tupled(value: object) -> object:
    """Turn the lists that JSON made of tuples back into tuples."""
    return tuple(tupled(v) for v in value) if isinstance(value, list) else value


def page(found: dict[str, list[Outcome]], real: list[dict[str, Any]]) -> str:
    """Return the whole page."""
    lines = [
        "# What the models were measured at",
        "",
        "Written by `python -m models.train.report`. Every figure is *simulated* unless it is "
        f"headed otherwise. {INTERVALS}",
        "",
    ]
    for kind, head in _HEADS.items():
        runs = {k.removeprefix(f"{kind}-"): v for k, v in found.items() if k.startswith(kind)}
        if runs:
            lines += [
                f"## {head}",
                "",
                _SETS[kind],
                "",
                *main_table(runs),
                *_strata(runs),
                *_wrong(runs),
            ]
    if real:
        lines += real_table(real)
    lines += ["## Literature, for orientation", ""]
    lines += ["Read against people or gated scans; ours above against simulated truth.", ""]
    lines += ["| source | figures |", "|---|---|", *(f"| {a} | {b} |" for a, b in _LITERATURE)]
    return "\n".join(lines) + "\n"


def real_table(rows: list[dict[str, Any]]) -> list[str]:
    """Show what was found on the real scans as they are."""
    lines = ["## *real (n = 3)*: the scans as they are", ""]
    lines += [
        "Agatston units found, and what each lesion is by the eye of one who is no radiologist "
        "(`?`: unsure). `left-out` never saw the scan, nor "
        "did `phantom`; `default` was trained on it.",
        "",
        "| scan | model | Agatston | lesions: found as, units, by eye |",
        "|---|---|---|---|",
    ]
    for row in rows:
        lesions = "; ".join(
            f"{x['label']} {x['agatston']} = {x['by_eye']}" for x in row.get("lesions", [])
        )
        units = row.get("agatston", row.get("refused"))
        lines.append(f"| {row['scan']} | {row['model']} | {units} | {lesions or '–'} |")
    return [*lines, ""]


def main_table(runs: dict[str, list[Outcome]], names: tuple[str, ...] = ()) -> list[str]:
    """Show every figure of each run, or those named, with intervals."""
    figures = {name: measures(o) for name, o in runs.items()}
    ranges = {name: intervals(o) for name, o in runs.items()}
    lines = [f"| measure | {' | '.join(runs)} |", "|---" * (len(runs) + 1) + "|"]
    for measure in names or next(iter(figures.values())):
        cells = [_cell(figures[name][measure], ranges[name].get(measure)) for name in runs]
        lines.append(f"| {measure} | {' | '.join(cells)} |")
    return [*lines, ""]


def _cell(value: float | int | None, interval: tuple[float, float] | None) -> str:
    if value is None:
        return "–"
    text = f"{value:d}" if isinstance(value, int) else f"{value:.3g}"
    return text if interval is None else f"{text} ({interval[0]:.2f} to {interval[1]:.2f})"


def _strata(runs: dict[str, list[Outcome]]) -> list[str]:
    name = next(iter(runs))
    lines = [
        f"`{name}`, by how it was scanned (units: Agatston units of perfect labels; lost: of "
        "these, not counted; wrong: counted beside them, and not coronary):",
        "",
    ]
    lines += [f"| stratum | {' | '.join(_SHORT.values())} |", "|---" * (len(_SHORT) + 1) + "|"]
    for split, groups in by_stratum(runs[name]).items():
        for group, figures in groups.items():
            if "nan" not in group:
                lines.append(_stratum_row(f"{split}: {group}", figures))
    return [*lines, ""]


def _stratum_row(name: str, figures: Figures) -> str:
    return f"| {name} | {' | '.join(_cell(figures[k], None) for k in _SHORT)} |"


def _wrong(runs: dict[str, list[Outcome]]) -> list[str]:
    """Show what was counted and is not coronary, and what is coronary and was not counted."""
    return [
        "Counted as coronary and not so: Agatston units over all scans (scans concerned).",
        "",
        *_by_label("what it is", {name: wrongly_counted(o) for name, o in runs.items()}),
        "Coronary calcium that was not counted, by what it was called instead: Agatston units over "
        "all scans (scans concerned).",
        "",
        *_by_label("called", {name: lost(o) for name, o in runs.items()}),
    ]


def _by_label(head: str, sums: dict[str, dict[str, tuple[int, float]]]) -> list[str]:
    lines = [f"| {head} | {' | '.join(sums)} |", "|---" * (len(sums) + 1) + "|"]
    for label in sorted({label for total in sums.values() for label in total}):
        cells = [f"{total[label][1]:.0f} ({total[label][0]})" if label in total else "0"
                 for total in sums.values()]  # fmt: skip
        lines.append(f"| {plain(label)} | {' | '.join(cells)} |")
    return [*lines, ""]


def plain(label: str) -> str:
    """Name a label as people do."""
    return label.lower().replace("_", " ")


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=Path, default=TARGET.parent / "measured")
    given = parser.parse_args()
    real = given.outcomes / "real.json"
    rows = json.loads(real.read_text(encoding="utf-8")) if real.is_file() else []
    TARGET.write_text(page(read_outcomes(given.outcomes), rows), encoding="utf-8")


if __name__ == "__main__":
    main()
