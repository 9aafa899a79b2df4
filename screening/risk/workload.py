"""Reviews a week against what they find: a queue of people, worked in one order or another.

Comes in: when people were scanned, the order, when each has the event or dies, reviews a week.
Goes out: who is reviewed and when; the records of `screening.listed`.
Refuses: nothing.

Each week those scanned in it join those waiting; at its end the first in the order are reviewed,
as many as there is capacity for. Who has the event, or dies, while waiting is gone: the next sweep
takes them off. It ends with the last week of scans; who still waits is not reached. More capacity
reaches everybody whom less reaches, and no later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from screening.fitted import LEAST_EVENTS, Told
from screening.listed import CANNOT_SAY, GROUPS, TIERS, Reached, Week, Workload
from screening.risk.judge import SEED, drawn_again, with_ends
from screening.risk.list_figures import Judgement
from screening.risk.list_people import Listed
from screening.risk.people import Bools, Floats

DAYS_A_YEAR, DAYS_A_WEEK = 365.25, 7
WORKLIST, BY_SCORE, BY_RISK = "worklist", "score alone", "10-year risk"
LIST_AT_RANDOM, AT_RANDOM = "the list at random", "everybody at random"
RANDOM_ORDERS = 5
_CURVE_POINTS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Queue:
    """What happened: day of each review (NaN none), reviewed and waiting after each week."""

    reviewed_on: Floats
    reviewed: np.ndarray
    waiting: np.ndarray
    is_gone: Bools


def work(order: Floats, week: np.ndarray, gone_after: Floats, per_week: int | np.ndarray) -> Queue:
    """Work a queue.

    Parameters
    ----------
    order : (n,) place in the order, no two alike; NaN for who is not in it
    week : (n,) of the scan, from 0
    gone_after : (n,) weeks from the first day until event or death; inf where neither is known
    per_week : reviews a week, 1 or more; or (weeks,) how many in each, 0 or more

    Returns
    -------
    `reviewed_on` in weeks from the first day: the end of the week of the review
    """
    n_weeks = int(week.max(initial=-1)) + 1
    capacity = np.broadcast_to(per_week, n_weeks)
    reviewed_on = np.full(len(order), np.nan)
    is_gone = np.zeros(len(order), dtype=np.bool_)
    reviewed, waiting_after = np.zeros(n_weeks, int), np.zeros(n_weeks, int)
    rows = np.flatnonzero(~np.isnan(order))
    rows = rows[np.argsort(week[rows], kind="stable")]
    ends = np.searchsorted(week[rows], np.arange(n_weeks), side="right")
    waiting, start = np.zeros(0, int), 0
    for w in range(n_weeks):
        pool = np.concatenate([waiting, rows[start : ends[w]]])
        start = ends[w]
        stays = gone_after[pool] > w + 1
        is_gone[pool[~stays]] = True
        pool = pool[stays]
        if len(pool) > (most := int(capacity[w])):
            first = np.argpartition(order[pool], max(most - 1, 0))
            chosen, waiting = pool[first[:most]], pool[first[most:]]
        else:
            chosen, waiting = pool, pool[:0]
        reviewed_on[chosen] = w + 1
        reviewed[w], waiting_after[w] = len(chosen), len(waiting)
    return Queue(reviewed_on, reviewed, waiting_after, is_gone)


@dataclass(frozen=True, slots=True, eq=False)
class _Site:
    """Everybody swept as a queue sees them; `events` are those that each stands for.

    is_enough : at least ten events were seen, so that shares of them may be told
    """

    listed: Listed
    week: np.ndarray
    gone_after: Floats
    events: Floats
    is_enough: bool
    orders: Mapping[str, tuple[Floats, ...]]


def workload_of(listed: Listed, judged: Judgement, per_week: int) -> Workload:
    """Work the list and other orders at several capacities."""
    site = _site(listed, judged)
    list_order = site.orders[WORKLIST][0]
    whole = work(list_order, site.week, site.gone_after, _largest_week(site, list_order))
    queue = work(list_order, site.week, site.gone_after, per_week)
    swept = np.bincount(site.week[site.week >= 0], minlength=len(queue.reviewed))
    in_list = site.week[~np.isnan(list_order)]
    flagged = np.bincount(in_list, minlength=len(queue.reviewed))
    capacities = _capacities(site, per_week)
    curve = tuple(
        _reached(site, name, capacity)[0] for name in site.orders for capacity in capacities
    )
    mine = listed.is_evaluated & (listed.group != GROUPS.index(CANNOT_SAY))
    return Workload(
        per_week=per_week,
        n_weeks=len(queue.reviewed),
        enough_per_week=_enough(site, int(whole.reviewed.max(initial=0))),
        weeks=tuple(
            Week(w + 1, int(swept[w]), int(flagged[w]), int(queue.reviewed[w]),
                 int(queue.waiting[w]))
            for w in range(len(queue.reviewed))
        ),
        asked=_asked(site, per_week, judged),
        equal=_asked(site, queue.reviewed, judged),
        curve=curve,
        n_ranked=int(mine.sum()),
        gain={name: _gain(site, orders, mine) for name, orders in site.orders.items()},
        random_orders=RANDOM_ORDERS,
    )  # fmt: skip


def queue_of_list(listed: Listed, per_week: int) -> Floats:
    """Week in which each person of the list is reviewed, from 1; NaN for who is not."""
    week, gone_after = _weeks(listed)
    order = _orders(listed)[WORKLIST][0]
    return work(order, week, gone_after, per_week).reviewed_on


def _weeks(listed: Listed) -> tuple[np.ndarray, Floats]:
    """Week of each scan, -1 without a day; weeks from the first day until event or death."""
    dated = ~np.isnan(listed.day)
    first = listed.day[dated].min() if dated.any() else 0.0
    days = np.where(dated, listed.day - first, -DAYS_A_WEEK)
    ends = days + listed.years * DAYS_A_YEAR
    return (days // DAYS_A_WEEK).astype(int), np.where(listed.state > 0, ends / DAYS_A_WEEK, np.inf)


def _site(listed: Listed, judged: Judgement) -> _Site:
    week, gone_after = _weeks(listed)
    events = np.zeros(len(listed.key))
    events[listed.is_evaluated] = judged.cohort.weighted(np.arange(judged.cohort.n))
    is_enough = bool(judged.cohort.event.sum() >= LEAST_EVENTS)
    return _Site(listed, week, gone_after, events, is_enough, _orders(listed))


def _orders(listed: Listed) -> dict[str, tuple[Floats, ...]]:
    """Orders of working: the list's own, and of everybody whom the policy does not keep off."""
    dated = ~np.isnan(listed.day)
    on_list = (listed.group >= 0) & (listed.group < len(TIERS)) & dated
    open_to = (listed.group >= 0) & (listed.group != GROUPS.index(CANNOT_SAY)) & dated
    rng = np.random.default_rng(SEED)
    shuffles = [rng.permutation(len(listed.key)).astype(float) for _ in range(RANDOM_ORDERS)]
    worklist = np.where(on_list, listed.rank, np.nan)
    by_score = _ranked(open_to, listed.agatston, listed.risk)
    by_risk = _ranked(open_to, listed.risk, listed.agatston)
    return {
        WORKLIST: (worklist,),
        BY_SCORE: (by_score,),
        BY_RISK: (by_risk,),
        LIST_AT_RANDOM: tuple(np.where(on_list, s, np.nan) for s in shuffles),
        AT_RANDOM: tuple(np.where(open_to, s, np.nan) for s in shuffles),
    }


def _ranked(mask: Bools, first: Floats, then: Floats) -> Floats:
    """Rank the highest first, what is unknown last, ties by the second and then by key."""
    down = [-np.nan_to_num(values, nan=-1.0) for values in (first, then)]
    order = np.lexsort((np.arange(len(mask)), down[1], down[0]))
    rank = np.empty(len(mask))
    rank[order] = np.arange(len(mask))
    return np.where(mask, rank, np.nan)


def _is_reached(site: _Site, queue: Queue) -> Bools:
    """Whoever was reviewed before their event."""
    with np.errstate(invalid="ignore"):
        reached: Bools = queue.reviewed_on < site.gone_after
    return reached


def _reached(site: _Site, name: str, per_week: int | np.ndarray) -> tuple[Reached, Floats]:
    """Work one order at one capacity; of random ones the mean. Also who is reached, 0 to 1."""
    queues = [work(o, site.week, site.gone_after, per_week) for o in site.orders[name]]
    reached: Floats = np.mean([_is_reached(site, q) for q in queues], axis=0)
    n_reviewed = float(np.mean([q.reviewed.sum() for q in queues]))
    events, total = float(site.events @ reached), float(site.events.sum())
    return (
        Reached(
            order=name,
            per_week=int(np.max(per_week, initial=0)),
            n_reviewed=n_reviewed,
            n_left=float(np.mean([q.waiting[-1] if len(q.waiting) else 0 for q in queues])),
            n_gone=float(np.mean([q.is_gone.sum() for q in queues])),
            events_reached=events,
            share=Told(events / total if site.is_enough and total > 0 else None),
            per_event=n_reviewed / events if site.is_enough and events > 0 else None,
        ),
        reached,
    )


def _asked(site: _Site, per_week: int | np.ndarray, judged: Judgement) -> tuple[Reached, ...]:
    """Work every order at one capacity, with intervals: people drawn again.

    Who is reached stays as it is in the draws: a queue of other people would be another queue.
    """
    both = [_reached(site, name, per_week) for name in site.orders]
    if not site.is_enough:
        return tuple(found for found, _ in both)
    mine = np.array([reached[site.listed.is_evaluated] for _, reached in both])

    def shares(rows: np.ndarray) -> Floats:
        events = judged.cohort.weighted(rows)
        total = events.sum()
        found: Floats = mine[:, rows] @ events / (total if total > 0 else np.nan)
        return found

    draws = drawn_again(judged.cohort.n, shares)
    return tuple(
        replace(found, share=with_ends(found.share.value or 0.0, draws[:, i]))
        for i, (found, _) in enumerate(both)
    )


def _gain(site: _Site, orders: tuple[Floats, ...], mine: Bools) -> tuple[float | None, ...]:
    """Share of all expected events among the first 0, 1, … 100 % of those who can be ranked."""
    n, total = int(mine.sum()), float(site.events.sum())
    if not n or total <= 0 or not site.is_enough:
        return ()
    curves = []
    for order in orders:
        rows = np.flatnonzero(mine & ~np.isnan(order))
        rows = rows[np.argsort(order[rows])]
        curves.append(np.r_[0.0, np.cumsum(site.events[rows])] / total)
    mean = np.mean(curves, axis=0)
    places = [round(n * percent / 100) for percent in range(101)]
    return tuple(float(mean[p]) if p < len(mean) else None for p in places)


def _largest_week(site: _Site, order: Floats) -> int:
    weeks = site.week[~np.isnan(order)]
    return int(np.bincount(weeks).max(initial=1)) if len(weeks) else 1


def _enough(site: _Site, at_most: int) -> int:
    """Fewest reviews a week that leave nobody of the list waiting after the last week."""
    order = site.orders[WORKLIST][0]
    low, high = 1, max(at_most, 1)
    while low < high:
        middle = (low + high) // 2
        left = work(order, site.week, site.gone_after, middle).waiting
        if len(left) and left[-1] > 0:
            low = middle + 1
        else:
            high = middle
    return low


def _capacities(site: _Site, per_week: int) -> list[int]:
    """Reviews a week, evenly spread on a logarithmic scale, with the one asked for."""
    top = max(_largest_week(site, site.orders[BY_SCORE][0]), per_week)
    spread = np.geomspace(1, top, _CURVE_POINTS).round().astype(int).tolist()
    return sorted({*spread, per_week})
