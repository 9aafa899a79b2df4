"""Risk averaged over what is missing, with an interval.

Comes in: people, their scores, a `RiskModel`, the weights of races. Goes out: `Averaged`.
Refuses: nothing; who is outside the ages of MESA, or whose age is unknown, has NaN.

The estimate is the mean of the risk over 200 draws of what is missing, from its distribution given
what is known (`joint`), and over race by its weights where race is unknown or no input. The 2.5
and 97.5 % points of the draws, in which the score varies too, are the interval; where race is
unknown or no input, the lowest and the highest of those of each race (`LEAST_RACE_WEIGHT`).
Everybody has the same 200 points, evenly spread (a Kronecker sequence): equal people get equal
numbers, whatever their key, row or company.

It does not carry how sure the equation itself is: its paper prints no covariance.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr, ndtri

from screening.risk.equations import MESA_YEARS
from screening.risk.joint import (
    CALCIUM,
    FLAGS,
    LN_CALCIUM,
    LN_HDL,
    MEASURED,
    Conditional,
    cells_of,
    conditionals,
    joint,
    linear,
    log_odds_to_log_share,
)
from screening.risk.linear_model import INPUTS, REFERENCE, RiskModel
from screening.risk.mesa import RACES
from screening.risk.people import Bools, Floats, People
from screening.risk.score_error import Scores, drawn

DRAWS = 200
# OUR OWN: a race of less weight than one in twenty does not widen the interval of everybody else.
LEAST_RACE_WEIGHT = 0.05
# So that rounding leaves the equation itself inside.
_ROUNDING = 1e-12
# People times draws at a time: what fits the cache.
_AT_A_TIME = 200_000
_LOW, _HIGH = 0.025, 0.975
_HDL = "hdl_cholesterol_mg_dl"


@dataclass(frozen=True, slots=True, eq=False)
class RaceUse:
    """Whether race is an input; the weights it is averaged by where it is not, or is unknown."""

    is_input: bool
    weights: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Averaged:
    """One value a person, shape (n,); fractions, NaN where there is none.

    inputs : by input, its value, or where it is unknown its mean given what is known

    parts : by input, what it adds to the model's sum, counted from the reference person; with
        `reference` where that starts, `race` and `averaging` (of what is missing, of race, and by a
        site's recalibration) they add up to that of `risk`
    """

    risk: Floats
    low: Floats
    high: Floats
    parts: dict[str, Floats]
    inputs: dict[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """People of whom the same flags are known; (n, 1) each.

    flags : (7, n, 1), NaN where unknown for all; measured : (6, n, 1), in the joint model's terms
    hdl : mg/dL, NaN unknown; own : what is added whatever is missing; own_sd : of unknown extras
    """

    age: Floats
    flags: Floats
    measured: Floats
    hdl: Floats
    scores: Floats
    low: Floats
    high: Floats
    at_least: Floats
    own: Floats
    own_sd: Floats
    is_averaged_over_race: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Every combination of unknown flags, (n, cells) each: how likely, and what it makes.

    sums : without what is drawn by itself; calcium, ln_hdl : means of ln(Agatston + 1), ln(HDL)
    """

    share: Floats
    sums: Floats
    calcium: Floats
    ln_hdl: Floats
    has_calcium: Floats
    expected: dict[str, Floats]


@cache
def points() -> tuple[Floats, Floats]:
    """Return the points: (draws,) uniform, (4, draws) standard normal."""
    # The second of six dimensions drew race; without it every estimate would move a little.
    # Generalised golden ratio of six dimensions: the root of x^7 = x + 1.
    ratio = 1.1127756842787055
    steps = ratio ** -np.arange(1.0, 7.0)
    normal = ndtri((0.5 + np.arange(DRAWS)[:, None] * steps) % 1.0).T
    normal -= normal.mean(axis=1, keepdims=True)
    # What correlation so few points have is taken out.
    normal = np.linalg.solve(np.linalg.cholesky(normal @ normal.T / DRAWS), normal)
    return ndtr(normal[0]), normal[2:]


def averaged(
    people: People, scores: Scores, extras: Mapping[str, Floats], model: RiskModel, race: RaceUse
) -> Averaged:
    """Estimate everybody from 45 to 84 years.

    Parameters
    ----------
    people, scores : n people
    extras : (n,) each, NaN unknown; columns of a site's own that the model uses
    race : is_input False averages over race for everybody, whatever is known of theirs
    """
    inside = (people.age_years >= MESA_YEARS.low) & (people.age_years < MESA_YEARS.high)
    flags, measured = _arrays(people, scores)
    own, own_sd = _extras(extras, model, people.n)
    race_of = np.full(people.n, -1)
    for index, name in enumerate(RACES):
        race_of[people.race[name]] = index
    risk, low, high = np.full((3, people.n), np.nan)
    parts = {name: np.full(people.n, np.nan) for name in part_names(model)}
    inputs = {name: np.full(people.n, np.nan) for name in INPUTS}
    inputs["age_years"] = np.where(inside, people.age_years, np.nan)
    prepared = _prepared(tuple(model.coefficient(name) for name in MEASURED))
    knows_race = race.is_input & (race_of >= 0)
    for rows in _groups(flags, knows_race, inside):
        is_known = bool(knows_race[rows[0]])
        offset = model.race_offsets[race_of[rows]] if is_known else np.zeros(len(rows))
        group = _Group(
            people.age_years[rows, None], flags[:, rows, None], measured[:, rows, None],
            people.hdl_cholesterol_mg_dl[rows, None],
            scores.agatston[rows, None], scores.low[rows, None], scores.high[rows, None],
            scores.at_least[rows, None], (own[rows] + offset)[:, None], own_sd[rows, None],
            not is_known,
        )  # fmt: skip
        *found, expected = _estimate(group, model, race.weights, prepared)
        risk[rows], low[rows], high[rows] = (model.recalibrated(values) for values in found)
        for name, values in _parts(group, offset, own[rows], model, expected, risk[rows]).items():
            parts[name][rows] = values
        for name in INPUTS[1:]:
            inputs[name][rows] = expected[name]
    return Averaged(risk, low, high, parts, inputs)


@cache
def _prepared(weights: tuple[float, ...]) -> Conditional:
    return conditionals(joint(), np.array(weights))


def part_names(model: RiskModel) -> tuple[str, ...]:
    """Return the names of contributions, in the order people read them."""
    extras = ("extras",) if model.extras else ()
    return ("reference", *model.uses, "race", *extras, "averaging")


def _arrays(people: People, scores: Scores) -> tuple[Floats, Floats]:
    """Give flags and measured values in the order of `joint`, NaN unknown."""
    agatston = scores.agatston
    has = np.where(np.isnan(agatston), np.where(scores.at_least > 0, 1.0, np.nan), agatston > 0)
    male = people.by_sex(np.zeros(people.n), np.ones(people.n))
    flags = np.stack([male, *(people.number(name) for name in FLAGS[1:-1]), has])
    y = np.where(agatston > 0, np.log1p(np.maximum(agatston, 0.0)), np.nan)
    transformed = {LN_CALCIUM: y, LN_HDL: np.log(people.hdl_cholesterol_mg_dl)}
    return flags, np.stack(
        [transformed[n] if n in transformed else people.number(n) for n in MEASURED]
    )


def _extras(extras: Mapping[str, Floats], model: RiskModel, n: int) -> tuple[Floats, Floats]:
    """Sum what a site's own columns add, and its deviation where they are unknown."""
    add, variance = np.zeros(n), np.zeros(n)
    for extra in model.extras:
        values = extras.get(extra.name, np.full(n, np.nan))
        add += extra.coefficient * np.where(np.isnan(values), extra.mean, values)
        variance += np.isnan(values) * (extra.coefficient * extra.sd) ** 2
    return add, np.sqrt(variance)


def _groups(flags: Floats, knows_race: Bools, inside: Bools) -> Iterator[np.ndarray]:
    """Rows of people of whom the same flags are known, a handful of thousands at a time."""
    code = (np.isnan(flags) * 2 ** np.arange(len(FLAGS))[:, None]).sum(axis=0) * 2 + knows_race
    for value in np.unique(code[inside]):
        rows = np.flatnonzero(inside & (code == value))
        n_cells = 2 ** int(bin(value >> 1).count("1"))
        size = max(_AT_A_TIME // max(DRAWS, 4 * n_cells), 1)
        for start in range(0, len(rows), size):
            yield rows[start : start + size]


def _estimate(
    group: _Group, model: RiskModel, race_weights: Floats, prepared: Conditional
) -> tuple[Floats, Floats, Floats, dict[str, Floats]]:
    known = ~np.isnan(group.measured[:, :, 0])
    pattern = (known * 2 ** np.arange(len(MEASURED))[:, None]).sum(axis=0)
    cells = _cells(group, known, pattern, model, prepared)
    sums = _drawn_sums(group, cells, prepared.factor[pattern], model)
    offsets = model.race_offsets if group.is_averaged_over_race else np.zeros(1)
    weights = race_weights if group.is_averaged_over_race else np.ones(1)
    mean = model.risk_of(sums, offsets, weights).mean(axis=1)
    # What is drawn does not depend on race, which only shifts the sum: the ends within each race
    # are those of all, shifted.
    shifts = offsets[weights >= LEAST_RACE_WEIGHT]
    ends = _ends(group, sums, model.coefficient(LN_CALCIUM))
    low, high = (
        model.risk_of(end + shift, np.zeros(1), np.ones(1))
        for end, shift in zip(ends, (shifts.min(), shifts.max()), strict=True)
    )
    low, high = low * (1 - _ROUNDING), np.minimum(high * (1 + _ROUNDING), 1.0)
    return mean, np.minimum(low, mean), np.maximum(high, mean), cells.expected


def _drawn_sums(group: _Group, cells: _Cells, factor: Floats, model: RiskModel) -> Floats:
    """Draw the sums, the score as measured; (n, 1) where nothing that matters is missing."""
    uniform, (z_calcium, z_hdl, z_rest, _) = points()
    pick = _picker(cells.share, uniform)
    sums = pick(cells.sums)
    rest_sd = np.hypot(factor[:, 2, 2, None], group.own_sd)
    by_calcium, by_hdl = factor[:, 2, 0, None], factor[:, 2, 1, None]
    if rest_sd.any() or by_calcium.any() or by_hdl.any():
        sums = sums + (by_calcium * z_calcium + by_hdl * z_hdl + rest_sd * z_rest)
    is_measured, knows_hdl = ~np.isnan(group.scores), ~np.isnan(group.hdl)
    if not knows_hdl.all() and model.coefficient(_HDL):
        off = factor[:, 1, 0, None] * z_calcium + factor[:, 1, 1, None] * z_hdl
        drawn_hdl = np.exp(np.where(knows_hdl, 0.0, pick(cells.ln_hdl) + off))
        sums = sums + np.where(knows_hdl, 0.0, model.coefficient(_HDL) * drawn_hdl)
    if is_measured.all():
        return sums
    y = np.maximum(pick(cells.calcium) + factor[:, 0, 0, None] * z_calcium, 0.0)
    y = np.maximum(np.where(pick(cells.has_calcium) > 0, y, 0.0), np.log1p(group.at_least))
    return sums + np.where(is_measured, 0.0, model.coefficient(LN_CALCIUM) * y)


def _picker(share: Floats, uniform: Floats) -> Callable[[Floats], Floats]:
    """Take for each draw one cell, as often as it is likely."""
    n_cells = share.shape[1]
    if n_cells == 1:
        return lambda values: values
    up_to = np.cumsum(share, axis=1)
    # Flat places, so that picking is one gather.
    place = np.broadcast_to(np.arange(len(share))[:, None] * n_cells, (len(share), DRAWS)).copy()
    for cell in range(n_cells - 1):
        place += up_to[:, cell, None] <= uniform
    return lambda values: np.ascontiguousarray(values).ravel().take(place)


def _ends(group: _Group, sums: Floats, beta: float) -> tuple[Floats, Floats]:
    """Return the sums between which 95 % of the draws lie, the score's own error among them."""
    is_measured = ~np.isnan(group.scores)
    if sums.shape[1] == 1:
        # All is known but the score's error, in which the sum only rises.
        low, high = (
            beta * (np.log1p(end) - np.log1p(group.scores)) for end in (group.low, group.high)
        )
        return (sums + low)[:, 0], (sums + high)[:, 0]
    if is_measured.any():
        true = drawn(group.scores, group.low, group.high, points()[1][3])
        # log is several times as fast as log1p, and as good for scores.
        error = beta * np.log((1.0 + true) / (1.0 + group.scores))
        sums = sums + np.where(is_measured, error, 0.0)
    ordered = np.sort(sums, axis=1)
    return _quantile(ordered, _LOW), _quantile(ordered, _HIGH)


def _quantile(ordered: Floats, share: float) -> Floats:
    place = share * ordered.shape[1] - 0.5
    below = int(np.floor(place))
    at: Floats = ordered[:, below] + (place - below) * (ordered[:, below + 1] - ordered[:, below])
    return at


def _cells(
    group: _Group, known: Bools, pattern: np.ndarray, model: RiskModel, prepared: Conditional
) -> _Cells:
    free = cells_of([bool(k) for k in ~np.isnan(group.flags[:, 0, 0])])
    flags = [
        group.flags[i] if np.isnan(free[i]).all() else free[i][None, :] for i in range(len(FLAGS))
    ]
    shape = (len(known[0]), free.shape[1])
    means = [np.broadcast_to(linear(row, group.age, flags), shape) for row in joint().means]
    n = len(MEASURED)
    off = [np.where(known[i][:, None], group.measured[i] - means[i], 0.0) for i in range(n)]
    each = prepared.of_each[pattern]
    values = {}
    for i, name in enumerate(MEASURED):
        shift = sum((each[:, i, j, None] * off[j] for j in range(n)), np.zeros(shape))
        values[name] = np.where(known[i][:, None], group.measured[i], means[i] + shift)
    sums = np.broadcast_to(
        model.intercept + model.coefficient("age_years") * group.age + group.own, shape
    )
    for name, flag in zip(FLAGS, flags, strict=True):
        sums = sums + model.coefficient(name) * flag
    for name in (name for name in MEASURED if name not in (LN_CALCIUM, LN_HDL)):
        sums = sums + model.coefficient(name) * values[name]
    for name, given in ((_HDL, group.hdl), (LN_CALCIUM, np.log1p(group.scores))):
        sums = sums + model.coefficient(name) * np.where(np.isnan(given), 0.0, given)
    share = _share(flags, group.age, off, prepared.whitening[pattern], shape)
    has = np.broadcast_to(flags[FLAGS.index(CALCIUM)], shape)
    expected = _expected(group, share, flags, values, prepared.variance[pattern])
    return _Cells(share, sums, values[LN_CALCIUM], values[LN_HDL], has, expected)


def _expected(
    group: _Group, share: Floats, flags: list[Floats], values: dict[str, Floats], variance: Floats
) -> dict[str, Floats]:
    """Mean of each input given what is known, (n,) each; of calcium, cut off at 0, only nearly."""
    by_cell = {**dict(zip(FLAGS, flags, strict=True)), **values}
    half = variance[:, MEASURED.index(LN_HDL), None] / 2
    by_cell[_HDL] = np.where(np.isnan(group.hdl), np.exp(values[LN_HDL] + half), group.hdl)
    y = np.where(by_cell[CALCIUM] > 0, np.maximum(values[LN_CALCIUM], 0.0), 0.0)
    score = np.log1p(group.scores)
    by_cell[LN_CALCIUM] = np.where(np.isnan(score), np.maximum(y, np.log1p(group.at_least)), score)
    return {name: (share * value).sum(axis=1) for name, value in by_cell.items()}


def _share(
    flags: list[Floats], age: Floats, off: list[Floats], whitening: Floats, shape: tuple[int, int]
) -> Floats:
    """Say how likely each cell is, given what is known."""
    if shape[1] == 1:
        return np.ones(shape)
    log_share = np.zeros(shape)
    for i, row in enumerate(joint().flags):
        log_share = log_share + log_odds_to_log_share(linear(row, age, flags[:i]), flags[i])
    for i in range(len(MEASURED)):
        standard = sum((whitening[:, i, j, None] * off[j] for j in range(i + 1)), np.zeros(shape))
        log_share = log_share - 0.5 * standard**2
    share = np.exp(log_share - log_share.max(axis=1, keepdims=True))
    normal: Floats = share / share.sum(axis=1, keepdims=True)
    return normal


def _parts(
    group: _Group, offset: Floats, own: Floats, model: RiskModel, expected: dict[str, Floats],
    risk: Floats,
) -> dict[str, Floats]:  # fmt: skip
    """Break the sum of the averaged risk into what each input adds."""
    start = model.intercept + sum(model.coefficient(n) * REFERENCE[n] for n in model.uses)
    values = {**expected, "age_years": group.age[:, 0]}
    parts = {"reference": np.full(len(risk), start)}
    for name in model.uses:
        parts[name] = model.coefficient(name) * (values[name] - REFERENCE[name])
    parts["race"] = offset
    if model.extras:
        parts["extras"] = own
    parts["averaging"] = model.sum_of(risk) - sum(parts.values())
    return parts
