"""A whole validation: one reference against the program's scores.

Comes in: `Pair`s, one a scan that has both scores.
Goes out: a `Validation`: agreement of all, by vessel, by subgroup.
Refuses: to validate without a single pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from screening.errors import ScreeningError
from screening.fitted import LEAST_PEOPLE
from screening.report import agreement as of
from screening.report.readings import (
    SCALES,
    SCORES,
    THRESHOLDS,
    WEIGHTS,
    Readings,
    is_positive,
    sums_by_person,
)
from screening.report.resample import (
    N_RESAMPLES,
    SEED,
    TOO_FEW,
    Interval,
    interval,
    resample,
)
from screening.report.subgroups import SUBGROUPS, UNKNOWN, VESSELS, Pair

# Below this many people a subgroup is told by its counts alone: one odd scan of nine would be read
# as a property of a scanner. Ours; twice as many are asked for before an interval is given.
LEAST_SUBGROUP_PEOPLE = 10
TOO_SMALL = f"n < {LEAST_SUBGROUP_PEOPLE}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its value, what it rests on, its 95 % interval; or why there is none."""

    name: str
    value: float | None
    n_scans: int
    n_people: int
    low: float | None = None
    high: float | None = None
    method: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How well the two readings of one set of scans agree."""

    n_scans: int
    n_people: int
    figures: dict[str, Figure]
    confusion: dict[str, tuple[tuple[int, ...], ...]]  # scale: rows reference, columns measured


@dataclass(frozen=True, slots=True, eq=False)
class Subgroup:
    """Agreement among the scans of one level of one variable."""

    variable: str
    level: str
    agreement: Agreement


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """Everything that the report says in numbers."""

    pairs: tuple[Pair, ...]
    overall: Agreement
    vessels: dict[str, Agreement]
    subgroups: tuple[Subgroup, ...]
    n_resamples: int
    seed: int


def validate(pairs: Sequence[Pair], n_resamples: int = N_RESAMPLES, seed: int = SEED) -> Validation:
    """Compare the program's scores with a reference.

    Parameters
    ----------
    pairs : one a scan; a variable that is not known of any of them makes no subgroups
    n_resamples, seed : of the bootstrap

    Raises
    ------
    ScreeningError
        There is no pair.
    """
    if not pairs:
        raise ScreeningError("no row of the reference meets a scored scan; nothing to compare")

    def compare(chosen: Sequence[Pair]) -> Agreement:
        return agree(
            Readings.of(
                [p.reference for p in chosen],
                [p.measured for p in chosen],
                [p.person_key for p in chosen],
            ),
            n_resamples,
            seed,
        )

    subgroups = []
    for variable, group in SUBGROUPS.items():
        members: dict[str, list[Pair]] = {}
        for pair in pairs:
            members.setdefault(group.level(pair), []).append(pair)
        if set(members) == {UNKNOWN}:
            continue
        known = [level for level in (*group.order, *sorted(members)) if level in members]
        subgroups += [
            Subgroup(variable, level, _if_large(compare(members[level])))
            for level in dict.fromkeys(known)
        ]
    return Validation(
        pairs=tuple(pairs),
        overall=compare(pairs),
        vessels=_vessels(pairs, n_resamples, seed),
        subgroups=tuple(subgroups),
        n_resamples=n_resamples,
        seed=seed,
    )


def _if_large(agreement: Agreement) -> Agreement:
    """Leave of a small subgroup its counts."""
    if agreement.n_people >= LEAST_SUBGROUP_PEOPLE:
        return agreement
    figures = {
        name: Figure(name, None, f.n_scans, f.n_people, why=TOO_SMALL)
        for name, f in agreement.figures.items()
    }
    return replace(agreement, figures=figures)


def _vessels(pairs: Sequence[Pair], n_resamples: int, seed: int) -> dict[str, Agreement]:
    found = {}
    for place, name in enumerate(VESSELS):
        both = [
            (reference, measured, p.person_key)
            for p in pairs
            if (reference := p.reference_vessels[place]) is not None
            and (measured := p.measured_vessels[place]) is not None
        ]
        if both:
            readings = Readings.of([b[0] for b in both], [b[1] for b in both], [b[2] for b in both])
            found[name] = agree(readings, n_resamples, seed)
    return found


def agree(readings: Readings, n_resamples: int, seed: int) -> Agreement:
    """Compute every figure of one set of scans, with its interval."""
    figures = {f.name: f for f in _figures(readings)}
    if readings.n_people >= LEAST_PEOPLE:
        draws = resample(sums_by_person(readings), n_resamples, seed)
    else:
        draws = {}
    return Agreement(
        n_scans=readings.reference.size,
        n_people=readings.n_people,
        figures={name: _with_interval(f, draws.get(name)) for name, f in figures.items()},
        confusion={
            scale.name: tuple(tuple(row) for row in readings.confusion(scale).tolist())
            for scale in SCALES
        },
    )


def _with_interval(figure: Figure, draws: of.Floats | None) -> Figure:
    if figure.value is None:
        return figure
    is_share = figure.name.startswith(("sensitivity", "specificity", "same_category"))
    found = (
        Interval(None, None, "", TOO_FEW)
        if draws is None
        else interval(draws, figure.n_people, is_share, figure.value)
    )
    return Figure(
        figure.name, figure.value, figure.n_scans, figure.n_people,
        found.low, found.high, found.method, found.why,
    )  # fmt: skip


def _figures(readings: Readings) -> list[Figure]:
    """Every figure without intervals, in the order of the report."""
    n, n_people = readings.reference.size, readings.n_people
    figures = []

    def add(name: str, value: float | None, why: str, where: np.ndarray | None = None) -> None:
        counts = (n, n_people)
        if where is not None:
            counts = (int(where.sum()), readings.n_people_where(where))
        figures.append(Figure(name, value, *counts, why="" if value is not None else why))

    no_icc = "all scores are equal" if n > 1 else "fewer than two scans"
    for name in SCORES:
        add(f"icc_{name}", of.icc_agreement(readings.score(name)), no_icc)
    for scale in SCALES:
        x, y = scale.of(readings.reference), scale.of(readings.measured)
        add(f"same_category_{scale.name}", float((x == y).mean()), "")
        for weights in WEIGHTS:
            kappa = of.weighted_kappa(x, y, len(scale.words), weights)
            add(f"kappa_{scale.name}_{weights}", kappa, "all scores are in one category")
    some = readings.has_calcium()
    for name, where in (("agatston", None), ("log", None), ("log_some_calcium", some)):
        both = readings.score("agatston" if name == "agatston" else "log")
        chosen = both if where is None else both[where]
        limits = of.limits_of_agreement(chosen[:, 1] - chosen[:, 0])
        for part, key in (("bias", "bias"), ("sd", "sd"), ("low", "limit_low"),
                          ("high", "limit_high")):  # fmt: skip
            value = None if limits is None else float(getattr(limits, part))
            add(f"{key}_{name}", value, "fewer than two scans", where)
    for name in THRESHOLDS:
        x_is = is_positive(readings.reference, name)
        y_is = is_positive(readings.measured, name)
        add(f"sensitivity_{name}", of.sensitivity(x_is, y_is), "no such reference score", x_is)
        add(f"specificity_{name}", of.specificity(x_is, y_is), "no other reference score", ~x_is)
        add(f"f1_{name}", of.f1(x_is, y_is), "no such score in either reading", x_is | y_is)
    return figures
