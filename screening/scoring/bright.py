"""The bright things near the heart: what each was taken for, and why it was not counted.

Comes in: `Seen`, the regions that inference found in one series.
Goes out: `BrightThing`s, what counted first, then in the order in which a reader wants them.
Refuses: nothing; without things (labels alone) there are none.

It looks at labelled voxels alone, so that stored regions suffice.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from screening.records import Label, Labelled, ScoringParameters, Volume
from screening.scoring.kvp import metal_from_hu
from screening.scoring.left_out import units_left_out
from screening.scoring.metal_kinds import heart_box_lps_mm, pieces_of_metal
from screening.scoring.scan import count, is_coronary
from screening.scoring.thin import named_of
from screening.seen import Seen
from screening.surroundings import Place
from screening.things import SHARES, Things

_HALF = 0.5
# What came nearest to counting stands first: up to eight things, from 5 % on; then the largest.
_NEAREST, _NEAR_FROM = 8, 0.05
_N_LIKELY, _LIKELY_FROM = 3, 0.01  # names told of a thing


class Why(StrEnum):
    """Whether a thing counted, or why not."""

    COUNTED = "counted"
    TAKEN_FOR_OTHER = "taken_for_other"  # the network holds it for something else
    TOO_SMALL = "too_small"  # coronary, and below the least area in every slice
    TOO_DIM = "too_dim"  # coronary, and nowhere at the threshold
    TOO_BRIGHT = "too_bright"  # coronary to the network, and brighter than calcium can be
    PART_OF_METAL = "part_of_metal"  # coronary to the network; touches metal, or is a clip


@dataclass(frozen=True, slots=True)
class BrightThing:
    """One bright thing.

    taken_for : label in lower case, by the network
    metal : kind of metal it is a part of, by the flags of the score; empty without
    agatston : units that it adds to the score
    agatston_left_out : units that it would add were it calcium, which it may well be; else 0
    volume_mm3 : of its voxels at the threshold or above it
    slices : first and last, of the scanner, counted from the head, the first is 0
    side, depth, level : -1 right, front, foot third of the box round the heart; 0 middle; 1 left,
        back, head third; -2 and 2 beyond the box
    on_course : half of it or more lies where coronary arteries run; None unknown
    likely : the likeliest names with their probabilities, at most three
    coronary : probability of the four arteries together
    counts_from : from which `coronary` counts; None where the likeliest name wins
    is_notable : worth a line. Ribs, spine and sternum are always there: bone is not, unless it lies
        where arteries run or came near to counting
    """

    taken_for: str
    why: Why
    metal: str
    agatston: float
    agatston_left_out: float
    volume_mm3: float
    peak_hu: int
    centre_lps_mm: tuple[float, float, float]
    slices: tuple[int, int]
    side: int
    depth: int
    level: int
    on_course: bool | None
    likely: tuple[tuple[str, float], ...]
    coronary: float
    counts_from: float | None
    is_notable: bool


def bright_things(
    seen: Seen,
    parameters: ScoringParameters = ScoringParameters(),  # noqa: B008 - frozen
) -> tuple[BrightThing, ...]:
    """Tell of each bright thing what it was taken for and why it was not counted.

    Parameters
    ----------
    seen : of one series
    parameters : of its score

    Returns
    -------
    tuple of BrightThing: what counted by its units; then the eight that came nearest to being
    coronary (5 % and more); then the others by size, noise away from the arteries and bone last
    """
    labelled = seen.primary.labelled
    if labelled.things is None or len(labelled.index) == 0:
        return ()
    table = _Table(seen, *named_of(seen), labelled.things, parameters)
    return _in_order([table.thing(k) for k in range(len(labelled.things.shares))])


def _in_order(things: list[BrightThing]) -> tuple[BrightThing, ...]:
    counted = [t for t in things if t.why is Why.COUNTED]
    others = sorted((t for t in things if t.why is not Why.COUNTED), key=lambda t: -t.coronary)
    near = [t for t in others if t.coronary >= _NEAR_FROM][:_NEAREST]
    rest = others[len(near) :]
    return (
        *sorted(counted, key=lambda t: -t.agatston),
        *near,
        *sorted(rest, key=lambda t: (_dullness(t), -t.volume_mm3)),
    )


def _dullness(thing: BrightThing) -> int:
    """Noise and cartilage away from the arteries stand behind what has a name, bone behind all."""
    if not thing.is_notable:
        return 2
    return int(thing.taken_for == Label.NONE.name.lower() and not thing.on_course)


class _Table:
    """Sums over the voxels of each thing; a voxel below the threshold counts in none."""

    def __init__(
        self,
        seen: Seen,
        volume: Volume,
        named: Labelled,
        things: Things,
        parameters: ScoringParameters,
    ) -> None:
        self._seen, self._things = seen, things
        self._metal_from_hu = metal_from_hu(seen.primary.kvp)
        n, owner, hu = len(things.shares), things.owner, seen.primary.hu
        labelled = seen.primary.labelled
        picked, calcium = count(volume, named, parameters)
        units = calcium.agatston * is_coronary(named.label[picked])
        self._agatston = np.bincount(owner[picked], units, n)
        self._left_out = units_left_out(volume, named, parameters)
        # A thing has one label, that of any of its voxels.
        self._label = np.zeros(n, dtype=np.uint8)
        self._label[owner] = labelled.label
        self._is_coronary = is_coronary(self._label)
        is_seen = volume.counts(labelled.index, parameters)
        of = owner[is_seen]
        self._n = np.bincount(of, minlength=n)
        self._renamed = np.bincount(of, (named.label != labelled.label)[is_seen], n)
        self._peak = np.full(n, np.iinfo(np.int16).min, dtype=np.int16)
        np.maximum.at(self._peak, owner, hu)
        at = np.stack(np.unravel_index(labelled.index, volume.hu.shape), axis=1)
        pixel_mm2 = volume.spacing_mm[0] * volume.spacing_mm[1]
        self._mm3 = np.bincount(of, pixel_mm2 * volume.increments_mm[at[is_seen, 0]], n)
        lps_mm = volume.lps_mm(at.astype(np.float64))
        # Of all its voxels: what is nowhere at the threshold lies somewhere, too.
        all_n = np.maximum(np.bincount(owner, minlength=n), 1)
        self._centre = np.stack([np.bincount(owner, c, n) / all_n for c in lps_mm.T], axis=1)
        self._first, self._last = np.full(n, len(volume.hu)), np.zeros(n, dtype=np.int64)
        np.minimum.at(self._first, owner, at[:, 0])
        np.maximum.at(self._last, owner, at[:, 0])
        self._thirds = _thirds(self._centre, *heart_box_lps_mm(volume, labelled))
        self._course = None
        if labelled.surroundings is not None:
            on_course = (labelled.surroundings.at(lps_mm) & Place.COURSE) > 0
            self._course = np.bincount(owner, on_course, n) / all_n
        self._metal = _kinds(volume, named, np.where(is_seen, owner, -1), self._n)

    def thing(self, k: int) -> BrightThing:
        """Gather one thing."""
        x, y, z = self._centre[k].tolist()
        side, depth, level = self._thirds[k].tolist()
        coronary = int(self._things.coronary[k]) / SHARES
        on_course = None if self._course is None else bool(self._course[k] >= _HALF)
        is_bone = self._label[k] == Label.BONE
        return BrightThing(
            taken_for=Label(int(self._label[k])).name.lower(),
            why=self._why(k),
            metal=self._metal.get(k, ""),
            agatston=float(self._agatston[k]),
            agatston_left_out=float(self._left_out[k]),
            volume_mm3=float(self._mm3[k]),
            peak_hu=int(self._peak[k]),
            centre_lps_mm=(x, y, z),
            slices=self._seen.of_the_scanner(int(self._first[k]), int(self._last[k])),
            side=side,
            depth=depth,
            level=level,
            on_course=on_course,
            likely=_likely(self._things, k),
            coronary=coronary,
            counts_from=self._things.counts_from,
            is_notable=not is_bone or bool(on_course) or coronary >= _NEAR_FROM,
        )

    def _why(self, k: int) -> Why:
        if not self._is_coronary[k]:
            return Why.TAKEN_FOR_OTHER
        if self._agatston[k] > 0:
            return Why.COUNTED
        if self._n[k] == 0:
            return Why.TOO_DIM
        if self._renamed[k] < _HALF * self._n[k]:
            return Why.TOO_SMALL
        return Why.TOO_BRIGHT if self._peak[k] >= self._metal_from_hu else Why.PART_OF_METAL


def _likely(things: Things, k: int) -> tuple[tuple[str, float], ...]:
    shares = things.shares[k] / SHARES
    best = np.argsort(-shares, kind="stable")[:_N_LIKELY]
    return tuple((things.names[i], float(shares[i])) for i in best if shares[i] >= _LIKELY_FROM)


def _thirds(
    lps_mm: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Third of the box along each axis: -1, 0, 1; beyond it -2 and 2."""
    part = (lps_mm - low) / np.maximum(high - low, 1e-6)
    return np.digitize(part, [0.0, 1 / 3, 2 / 3, 1.0]) - 2


def _kinds(
    volume: Volume, named: Labelled, owner: NDArray[np.int32], n_voxels: NDArray[np.int64]
) -> dict[int, str]:
    """Kind of metal of each thing of which half the voxels or more are metal; -1 owns nothing."""
    kinds: dict[int, str] = {}
    for index, kind in pieces_of_metal(volume, named):
        mine = owner[np.isin(named.index, index)]
        n_metal = np.bincount(mine[mine >= 0], minlength=len(n_voxels))
        is_metal = (n_metal > 0) & (n_metal >= _HALF * n_voxels)
        kinds |= {int(k): kind.value for k in np.flatnonzero(is_metal)}
    return kinds
