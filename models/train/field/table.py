"""The table of the comparison.

Comes in: what was trained, and outcomes scan by scan.
Goes out: a page of Markdown, with the default that it justifies by a rule fixed beforehand.
Refuses: to name a default on fewer scans than an interval needs.
"""

from dataclasses import dataclass, replace

import numpy as np

from models.train.judge import Outcome, category
from models.train.measures import LEAST_FOR_INTERVAL, intervals, measures, wrongly_counted

CEILING = "perfect"
_DRAWS = 1000
_HEADS = (
    "architecture", "category right", "weighted kappa", "lesion F1", "F1 less the default's",
    "right vessel", "false Agatston at true zero: median / 95th percentile",
    "wrongly counted, all scans", "parameters", "ONNX, kB", "CPU, ms a scan", "GPU, ms a scan",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    outcomes : in the order of the scans, the same for every row
    parameters, n_bytes : None for what is no network
    steps, shown : None for what was not trained here
    is_rival : whether it was trained under the budget, and so may be justified
    """

    key: str
    name: str
    outcomes: list[Outcome]
    parameters: int | None = None
    n_bytes: int | None = None
    steps: int | None = None
    shown: int | None = None
    gpu_seconds: list[float] | None = None
    is_rival: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """What all rows have in common."""

    command: str
    minutes: float
    seed: int
    n_pairs: int
    pair_seeds: str
    n_things: int
    first_scan: int
    model: str


def ceiling(outcomes: list[Outcome]) -> Row:
    """Return the row of true labels on the same noisy scans: no network can do better."""
    best = [
        replace(o, found=o.perfect, n_right=o.n_lesions, n_false=0, n_vessel_right=o.n_lesions,
                wrong=())
        for o in outcomes
    ]  # fmt: skip
    return Row(CEILING, "every voxel's true label", best)


def page(rows: list[Row], run: Run) -> str:
    """Return the whole page."""
    scans = rows[0].outcomes
    refused, zeros = sum(o.is_rejected for o in scans), sum(o.true == 0 for o in scans)
    lines = [
        "# Architectures of the field for the second stage",
        "",
        f"Written by `{run.command}`; do not edit. Every figure is *simulated*. Intervals: 95 %, "
        f"bootstrap over scans, none below {LEAST_FOR_INTERVAL} scans or where draws are alike.",
        "",
        f"**Budget-limited: {run.minutes:g} CPU-minutes of training each** (processor time of one "
        f"thread; reading files is not counted; what else the machine computes slows it), on "
        f"the same {run.n_pairs} heart scans (seeds {run.pair_seeds}) with {run.n_things:,} bright "
        f"things; seed {run.seed}. One optimiser (AdamW), rate, schedule, loss and "
        "augmentation for all: those of the default network, which this favours.",
        "",
        f"Judged on the same {len(scans)} chests of the shifted generator "
        f"(`models/train/shifted.py`, seeds from {run.first_scan}; {zeros} without "
        f"coronary calcium; {refused} refused, for all alike). Heart, bright things and the cut at "
        f"0.5 come from the coarse network of model {run.model} and its code in every row; only "
        "what names the bright things differs.",
        "",
        *_figures(rows),
        *_NOTES,
        *_budget(rows),
        *_SHOWN,
        "## What the table justifies",
        "",
        verdict(rows),
    ]
    return "\n".join(lines) + "\n"


def _figures(rows: list[Row]) -> list[str]:
    default = next((row for row in rows if row.key == "default"), None)
    lines = [f"| {' | '.join(_HEADS)} |", "|---" * len(_HEADS) + "|"]
    for row in rows:
        lines.append(f"| {row.name} | {' | '.join(_cells(row, default))} |")
    return [*lines, ""]


def _cells(row: Row, default: Row | None) -> list[str]:
    found, ranges = measures(row.outcomes), intervals(row.outcomes)
    is_same = default is None or row.key in (default.key, CEILING)
    less = "–" if is_same else _difference(f1_less(row, default))
    units = sum(total for _, total in wrongly_counted(row.outcomes).values())
    median, high = (
        _plain(found[f"false Agatston there, {k}"]) for k in ("median", "95th percentile")
    )
    seconds = [o.seconds for o in row.outcomes if not o.is_rejected]
    return [
        _plain(category_right(row.outcomes)),
        _ranged(found["weighted kappa, linear"], ranges.get("weighted kappa, linear")),
        _ranged(found["lesion F1"], ranges.get("lesion F1")),
        less,
        _plain(found["right vessel, of lesions found"]),
        f"{median} / {high}",
        f"{units:.0f}",
        "–" if row.parameters is None else f"{row.parameters:,}",
        "–" if row.n_bytes is None else f"{row.n_bytes / 1000:.0f}",
        "–" if row.parameters is None or not seconds else _milliseconds(seconds),
        _milliseconds(row.gpu_seconds) if row.gpu_seconds else "–",
    ]


def category_right(outcomes: list[Outcome]) -> float | None:
    """Share of scans in their true category (0, to 99, to 299, to 999, above)."""
    kept = [o for o in outcomes if not o.is_rejected]
    if not kept:
        return None
    return sum(category(o.found) == category(o.true) for o in kept) / len(kept)


def f1_less(row: Row, other: Row) -> tuple[float, float, float] | None:
    """Difference of lesion F1 and its interval, scan by scan the same in both rows."""
    counts = np.array(
        [
            [(2 * o.n_right, o.n_lesions + o.n_right + o.n_false) for o in one.outcomes]
            for one in (row, other)
        ],
        dtype=np.float64,
    )
    n = counts.shape[1]
    if n < LEAST_FOR_INTERVAL:
        return None
    drawn = np.random.default_rng(1).integers(0, n, (_DRAWS, n))
    sums = counts[:, drawn].sum(axis=2)
    f1 = sums[..., 0] / np.maximum(sums[..., 1], 1)
    low, high = np.percentile(f1[0] - f1[1], [2.5, 97.5])
    total = counts.sum(axis=1)
    here = total[:, 0] / np.maximum(total[:, 1], 1)
    return float(here[0] - here[1]), float(low), float(high)


def verdict(rows: list[Row]) -> str:
    """Name the cheapest of those that are not clearly worse than the best at lesions."""
    rivals = [row for row in rows if row.is_rival]
    n = len(rivals[0].outcomes) if rivals else 0
    if n < LEAST_FOR_INTERVAL:
        return f"{n} scans are too few to say."
    f1 = {row.key: _number(measures(row.outcomes)["lesion F1"]) for row in rivals}
    best = max(rivals, key=lambda row: f1[row.key])
    equal = []
    for row in rivals:
        less = f1_less(row, best)
        if row is best or (less is not None and less[2] >= 0):
            equal.append(row)
    chosen = min(equal, key=lambda row: np.median([o.seconds for o in row.outcomes]))
    names = ", ".join(row.name for row in equal)
    return (
        "Rule, fixed before the run: of those trained under the budget whose lesion F1 is not "
        "clearly below the best one's (the interval of the difference reaches 0), the one that "
        f"costs the least CPU time. Best lesion F1: {best.name} ({f1[best.key]:.3g}). Not clearly "
        f"worse: {names}. **Justified as default: {chosen.name}.** This holds for this budget; "
        "see above what it hides."
    )


def _budget(rows: list[Row]) -> list[str]:
    lines = ["What the budget allowed:", "", "| architecture | steps | shown |", "|---|---|---|"]
    lines += [f"| {r.name} | {r.steps:,} | {r.shown:,} |" for r in rows if r.steps and r.shown]
    lines += [
        "",
        "*Shown*: crops (segmenting networks) or bright things (classifiers), as often as drawn. "
        "What this hides: a large network is far from trained after so few steps, and one that "
        "was shown few crops has the most to gain from more time, a small one the least. The order "
        "says what a small budget is best spent on, not which is best in the end.",
        "",
    ]
    return lines


_NOTES = [
    "GPU: – where no GPU was at hand. CPU: ONNX Runtime, one thread, processor time, the second "
    "network alone, median over the scans. Parameters: numbers in the ONNX file. *Category right* "
    "and kappa: 0, 1–99, 100–299, 300–999, 1000 and more, against the score without noise and "
    "motion, so that true labels on the noisy scan do not reach 1 either. *Wrongly counted*: "
    "Agatston units counted as coronary that are not. *Voxel by voxel*: each bright voxel takes "
    "its own label; otherwise a bright thing takes the mean of its voxels' probabilities.",
    "",
    "*Shipped weights*: the default network as it travels with the program, trained longer and on "
    "more (its card says on what); for orientation, not a rival.",
    "",
]
_SHOWN = [
    "What each was shown:",
    "",
    "- 2-D U-Net, U-Net++: axial planes of the heart's box at 1 x 1 mm with neighbours 3 mm above "
    "and below, in three windows; for each voxel the 12 coarse maps and its place from the heart's "
    "centre. Trained on 64 x 64 mm round drawn things.",
    "- 3-D U-Net: the same in blocks at 1.5 x 1 x 1 mm, without separate neighbours. Trained on "
    "36 x 48 x 48 mm.",
    "- The segmenting networks have no features: what these hold beyond maps and place (tissue "
    "24 and 48 mm off, size of the whole, blood, slices) they must see for themselves. Their loss "
    "counts voxels of bright things alone.",
    "- ResNet, VGG: patch and mask of a bright thing, 24 x 24 x 24 mm, and the default network's "
    "features beside their last layers; not its fat rings.",
    "- CandidateNet: patch, mask, features, fat rings.",
    "",
]


def _number(value: float | int | None) -> float:
    return float("nan") if value is None else float(value)


def _plain(value: float | int | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _ranged(value: float | int | None, interval: tuple[float, float] | None) -> str:
    if value is None or interval is None:
        return _plain(value)
    return f"{value:.3g} ({interval[0]:.2f} to {interval[1]:.2f})"


def _difference(value: tuple[float, float, float] | None) -> str:
    return "–" if value is None else f"{value[0]:+.2f} ({value[1]:+.2f} to {value[2]:+.2f})"


def _milliseconds(seconds: list[float]) -> str:
    return f"{1000 * np.median(seconds):,.0f}"
