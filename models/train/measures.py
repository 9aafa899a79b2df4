"""Figures from judged scans.

Comes in: `Outcome`s.
Goes out: agreement, sensitivity and specificity, lesions, vessels, calcium lost and false calcium;
by stratum.
Refuses: nothing; a figure that is not defined is None, an interval that too few stand behind is
left out.
"""

from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from models.train.judge import Outcome, category
from screening.records import CORONARY_LABELS
from screening.report.agreement import icc_agreement, sensitivity, specificity, weighted_kappa

LEAST_FOR_INTERVAL = 20
N_CATEGORIES = 5
WANTED_SPECIFICITY = 0.95
Figures = dict[str, float | int | None]
FROM = {">0": 1e-9, ">=100": 100.0, ">=400": 400.0}  # Agatston units, and what asks for so many
_CORONARY = frozenset(label.name for label in CORONARY_LABELS)
_DRAWN = ("weighted kappa, linear", "ICC", "ICC of ln(A+1)", "lesion F1",
          "right vessel, of lesions found")  # fmt: skip
STRATA: dict[str, Callable[[Outcome], str]] = {
    "slices": lambda o: _band(o.thickness_mm, (2.0, 3.01), "mm"),
    "kernel": lambda o: o.kernel,
    "tube voltage": lambda o: _band(o.kvp, (100.0, 125.0), "kVp"),
    "noise": lambda o: _band(o.noise_hu, (12.0, 20.0), "HU"),
    "motion": lambda o: "none" if o.motion_mm == 0 else _band(o.motion_mm, (2.0,), "mm"),
}


def _band(value: float, edges: tuple[float, ...], unit: str) -> str:
    if np.isnan(value):
        return "nan"
    at = sum(value >= edge for edge in edges)
    bounds = [f"{e:.0f}" for e in edges]
    if at == 0:
        return f"below {bounds[0]} {unit}"
    if at == len(edges):
        return f"{bounds[-1]} {unit} and more"
    return f"{bounds[at - 1]} to {bounds[at]} {unit}"


def at_specificity(
    true: NDArray[np.float64], found: NDArray[np.float64]
) -> tuple[float | None, float | None]:
    """Read the curve of sensitivity by specificity for any calcium at `WANTED_SPECIFICITY`.

    Returns
    -------
    the lowest score above which so many without calcium are right, Agatston units; sensitivity
    above it. None without people of both kinds
    """
    if not (true > 0).any() or not (true == 0).any():
        return None, None
    cuts = np.unique([0.0, *found[true == 0]])
    right = [float((found[true == 0] <= cut).mean()) for cut in cuts]
    cut = float(cuts[np.array(right) >= WANTED_SPECIFICITY][0])
    return cut, sensitivity(true > 0, found > cut)


def measures(outcomes: list[Outcome]) -> Figures:
    """Figures of one group of scans."""
    kept = [o for o in outcomes if not o.is_rejected]
    true, found = (np.array([getattr(o, k) for o in kept]) for k in ("true", "found"))
    zero = found[true == 0]
    lesions, right = sum(o.n_lesions for o in kept), sum(o.n_right for o in kept)
    false = sum(o.n_false for o in kept)
    out: Figures = {"scans": len(outcomes), "refused": len(outcomes) - len(kept)}
    out["weighted kappa, linear"] = _kappa(true, found, "linear")
    out["weighted kappa, quadratic"] = _kappa(true, found, "quadratic")
    out["ICC"] = icc_agreement(np.stack([true, found], axis=1))
    out["ICC of ln(A+1)"] = icc_agreement(np.log1p(np.stack([true, found], axis=1)))
    for name, at in FROM.items():
        out[f"sensitivity {name}"] = sensitivity(true >= at, found >= at)
        out[f"specificity {name}"] = specificity(true >= at, found >= at)
    name = f"sensitivity >0 at specificity {WANTED_SPECIFICITY}"
    out[f"{name}, from units"], out[name] = at_specificity(true, found)
    out["lesions"] = lesions
    out["lesion F1"] = _share(2 * right, lesions + right + false)
    out["right vessel, of lesions found"] = _share(sum(o.n_vessel_right for o in kept), right)
    out["scans without calcium"] = len(zero)
    out["false Agatston there, median"] = float(np.median(zero)) if len(zero) else None
    out["false Agatston there, 95th percentile"] = (
        float(np.percentile(zero, 95)) if len(zero) else None
    )
    out["Agatston units of perfect labels"] = round(sum(o.perfect for o in kept))
    out["units lost"] = _units(lost(kept))
    out["units wrongly counted"] = _units(wrongly_counted(kept))
    return {name: _rounded(value) for name, value in out.items()}


def intervals(outcomes: list[Outcome], seed: int = 1) -> dict[str, tuple[float, float]]:
    """95 % intervals: shares of people from counts, the others by drawing scans again.

    A share needs 20 people of its own kind (with calcium for a sensitivity, without for a
    specificity); the others need 20 scans. Where every draw is alike, drawing tells nothing.
    """
    kept = [o for o in outcomes if not o.is_rejected]
    out = _share_intervals(kept)
    if len(kept) < LEAST_FOR_INTERVAL:
        return out
    rng = np.random.default_rng(seed)
    draws = [measures([kept[k] for k in rng.integers(0, len(kept), len(kept))]) for _ in range(400)]
    for name in _DRAWN:
        values = [d[name] for d in draws if d[name] is not None]
        if len(set(values)) > 1:
            low, high = np.percentile(np.array(values, float), [2.5, 97.5])
            out[name] = (round(float(low), 3), round(float(high), 3))
    return out


def _share_intervals(kept: list[Outcome]) -> dict[str, tuple[float, float]]:
    """Wilson's intervals of sensitivity and specificity, one scan a person."""
    true, found = (np.array([getattr(o, k) for o in kept]) for k in ("true", "found"))
    out = {}
    for name, at in FROM.items():
        is_right = (true >= at) == (found >= at)
        for kind, is_asked in (("sensitivity", true >= at), ("specificity", true < at)):
            n = int(is_asked.sum())
            if n >= LEAST_FOR_INTERVAL:
                ends = binomtest(int(is_right[is_asked].sum()), n).proportion_ci(method="wilson")
                out[f"{kind} {name}"] = (round(float(ends.low), 3), round(float(ends.high), 3))
    return out


def by_stratum(outcomes: list[Outcome]) -> dict[str, dict[str, Figures]]:
    """Return the figures of each stratum of each way to split."""
    out: dict[str, dict[str, Figures]] = {}
    for name, of in STRATA.items():
        groups = sorted({of(o) for o in outcomes})
        out[name] = {g: measures([o for o in outcomes if of(o) == g]) for g in groups}
    return out


def wrongly_counted(outcomes: list[Outcome]) -> dict[str, tuple[int, float]]:
    """Sum what was counted as coronary and is not: by true label, scans and Agatston units."""
    return _crossed(outcomes, lambda true, found: true if found in _CORONARY else "")


def lost(outcomes: list[Outcome]) -> dict[str, tuple[int, float]]:
    """Sum the coronary calcium that was not counted: by what it was called, scans and units."""
    return _crossed(outcomes, lambda true, found: found if true in _CORONARY else "")


def _crossed(
    outcomes: list[Outcome], name_of: Callable[[str, str], str]
) -> dict[str, tuple[int, float]]:
    """Sum what crossed between coronary and not under a name; of refused scans nothing is told."""
    scans: Counter[str] = Counter()
    units: Counter[str] = Counter()
    for outcome in outcomes:
        here: Counter[str] = Counter()
        for true, found, amount in () if outcome.is_rejected else outcome.wrong:
            if name := name_of(true, found):
                here[name] += amount
        scans.update(here.keys())
        units.update(here)
    return {name: (scans[name], round(total, 1)) for name, total in units.most_common()}


def _units(sums: dict[str, tuple[int, float]]) -> int:
    return round(sum(units for _, units in sums.values()))


def _kappa(true: np.ndarray, found: np.ndarray, weights: str) -> float | None:
    a, b = (np.array([category(v) for v in values], dtype=np.int64) for values in (true, found))
    return weighted_kappa(a, b, N_CATEGORIES, weights)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _rounded(value: float | int | None) -> float | int | None:
    return value if value is None or isinstance(value, int) else round(float(value), 3)
