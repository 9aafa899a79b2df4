"""Which kinds of metal there are in and round the heart.

Comes in: a `Volume` and its `Labelled`, metal named (`screening.scoring.metal`).
Goes out: the kinds of metal that are there, and the voxels of each piece.
Refuses: nothing.

What inference calls metal away from heart and courses without being brighter than calcium can be
(a rib's end) is none.

| kind           | rule                                                                           |
|----------------|--------------------------------------------------------------------------------|
| lead           | thin pieces in a row over 50 mm, one of them 20 mm or longer, into the heart   |
| valve          | 12 to 50 mm wide in two directions, within 30 mm of the aortic or mitral valve; |
|                | or wire in a circle in the heart, however bright (`valve_rings`)                |
| stent          | on a coronary course, 10 to 60 mm long, at most 11 mm across with its bend     |
| stent possible | the same, of which the network is less sure than 0.875                         |
| clips          | at most 10 mm, in or beside the heart, brighter than calcium of that size       |
| sternal wires  | at the bone in front of the heart, under the skin, brighter than calcium        |
| very bright    | what counts and is as bright as metal (`screening.scoring.clips`)              |
| other          | in or beside the heart and none of these                                        |

On the skin, and away from the heart in every other direction, metal is left out: ECG electrodes,
spinal screws. Sizes are those of the image, which blurs metal by a few millimetres: stents are 8
to 48 mm long and 2.5 to 5 mm wide, surgical clips 4 to 8 mm, valve rings 19 to 33 mm.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from screening.records import STENT_FROM_ODDS, Label, Labelled, Volume
from screening.scoring.clips import SEEN_FROM_HU, SMALL_METAL_FROM_HU_120KVP, is_bright_as_metal
from screening.scoring.components import touching
from screening.scoring.kvp import at_kvp_of, metal_from_hu
from screening.scoring.metal import MAJORITY
from screening.scoring.valve_rings import in_valve_rings
from screening.surroundings import Place

_BESIDE_MM, _FRONT_MM, _ABOVE_MM = 12.0, 45.0, 60.0  # how far round the heart metal is looked for
_GAP_MM = 12.0  # pieces of one lead lie no further apart
_LEAD_MM, _LEAD_PIECE_MM = 50.0, 20.0
_LEAD_MM2 = 113.0  # a disc of 12 mm: leads of 2 to 3 mm, blurred and with a coil of 5 to 6 mm
_VALVE_MM, _VALVE_AWAY_MM = (12.0, 50.0), 30.0
_STENT_MM, _STENT_ACROSS_MM = (10.0, 60.0), 11.0
_SURE_STENT = STENT_FROM_ODDS / (1 + STENT_FROM_ODDS)  # probability of its surest voxel
_CLIP_MM = 10.0
_SKIN_MM = 10.0
_AT_BONE_MM = 6.0
_AIR_HU = -500
# Of metal in a thing's brightest slice; less may be noise.
_FEWEST_MM2, _FEWEST_VOXELS = 1.0, 2
# Of what does not count (aorta, valves) no flag is made where inference is sure of it: simulated
# plaque has no upper limit, and of 45 things brighter than calcium can be 43 were calcium, called
# so at 0.71 to 1.0; two were metal, called calcium at 0.43 and 0.55.
_BELIEVED_FROM = 0.8
_OTHER_CALCIUM = (Label.AORTA, Label.AORTIC_VALVE, Label.MITRAL_ANNULUS, Label.PERICARDIUM)


class Metal(StrEnum):
    """Kinds of metal, as flags name them."""

    LEAD = "lead_present"
    VALVE = "valve_prosthesis"
    STENT = "stent_present"
    POSSIBLE_STENT = "stent_possible"
    CLIPS = "clips_present"
    WIRES = "sternal_wires"
    VERY_BRIGHT = "calcium_very_bright"
    OTHER = "metal_near_heart"


@dataclass(frozen=True, slots=True, eq=False)
class _Thing:
    """One connected piece.

    size_mm : longest, second and third extent along its own axes, a voxel included
    section_mm2 : mean area across the longest
    in_heart, on_course : share of its voxels
    peak_hu : brightest voxel
    probability : of metal, its surest voxel; 0 where only brightness says so
    is_bright : brighter than calcium can be
    is_believed : its brightest voxels are surely calcium, by inference
    """

    lps_mm: NDArray[np.float64]
    size_mm: tuple[float, float, float]
    section_mm2: float
    in_heart: float
    on_course: float
    peak_hu: int
    probability: float
    is_bright: bool
    is_believed: bool

    @property
    def middle_lps_mm(self) -> NDArray[np.float64]:
        """Mean position."""
        return np.asarray(self.lps_mm.mean(axis=0))


def kinds_of_metal(volume: Volume, labelled: Labelled) -> frozenset[Metal]:
    """Tell what metal there is, by the table above."""
    kinds = {kind for _, kind in pieces_of_metal(volume, labelled)}
    is_bright = is_bright_as_metal(volume, labelled)
    return frozenset(kinds | {Metal.VERY_BRIGHT} if is_bright else kinds)


def pieces_of_metal(volume: Volume, labelled: Labelled) -> list[tuple[NDArray[np.int64], Metal]]:
    """Return the voxels, a flat index, of each piece of metal and its kind, by the same table."""
    index = _metal_voxels(volume, labelled)
    if len(index) == 0:
        return []
    if labelled.surroundings is None:
        return [(index, Metal.OTHER)]
    valve = np.intersect1d(index, labelled.index[in_valve_rings(volume, labelled)])
    rest = _pieces(volume, labelled, np.setdiff1d(index, valve))
    return [(valve, Metal.VALVE), *rest] if len(valve) else rest


def _pieces(
    volume: Volume, labelled: Labelled, index: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], Metal]]:
    """Take what touches for one piece."""
    if len(index) == 0 or labelled.surroundings is None:
        return []
    found = touching(index, volume.hu.shape)
    count, of = found.count, found.of
    bright = _is_bright(volume, index, of, count)
    at = np.stack(np.unravel_index(index, volume.hu.shape), axis=1).astype(np.float64)
    lps_mm, hu = volume.lps_mm(at), volume.hu.take(index)
    place = labelled.surroundings.at(lps_mm)
    order = np.argsort(of, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(of, minlength=count))[:-1])
    sure = _probability_of_metal(labelled, index)
    core = hu >= metal_from_hu(volume.acquisition.kvp)
    calcium = core & _surely_calcium(labelled, index)
    kept = [
        (part, bool(is_bright))
        for part, is_bright in zip(parts, bright, strict=True)
        if is_bright or len(part) >= _FEWEST_VOXELS
    ]
    things = [
        _thing(
            volume,
            lps_mm[part],
            place[part],
            int(hu[part].max()),
            float(sure[part].max()),
            is_bright,
            is_bright and calcium[part].sum() >= MAJORITY * core[part].sum(),
        )
        for part, is_bright in kept
    ]
    lead = _lead(things)
    kinds = [
        Metal.LEAD if k in lead else _kind(volume, labelled, thing)
        for k, thing in enumerate(things)
    ]
    return [
        (index[part], kind) for (part, _), kind in zip(kept, kinds, strict=True) if kind is not None
    ]


def _metal_voxels(volume: Volume, labelled: Labelled) -> NDArray[np.int64]:
    """Find what is called metal or too bright for anything else, near the heart; sorted."""
    called = labelled.index[labelled.label == Label.METAL]
    called = called[volume.hu.take(called) >= SEEN_FROM_HU]
    s0, s1, r0, r1, c0, c1 = _region(volume, labelled)
    from_hu = metal_from_hu(volume.acquisition.kvp)
    found = [called]
    for k in range(s0, s1):
        plane = volume.hu[k, r0:r1, c0:c1]
        if plane.max() >= from_hu:  # few slices hold any
            rows, columns = np.nonzero(plane >= from_hu)
            found.append((k * volume.hu.shape[1] + rows + r0) * volume.hu.shape[2] + columns + c0)
    return np.unique(np.concatenate(found))


def _probability_of_metal(labelled: Labelled, index: NDArray[np.int64]) -> NDArray[np.float32]:
    """Of each voxel, 0 where it is not called metal."""
    out = np.zeros(len(index), dtype=np.float32)
    called = labelled.label == Label.METAL
    at = np.minimum(np.searchsorted(index, labelled.index[called]), len(index) - 1)
    found = index[at] == labelled.index[called]
    out[at[found]] = labelled.probability[called][found]
    return out


def _surely_calcium(labelled: Labelled, index: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which voxels inference is sure of to be calcium."""
    is_sure = labelled.probability >= _BELIEVED_FROM
    return np.isin(index, labelled.index[is_sure & np.isin(labelled.label, _OTHER_CALCIUM)])


def _is_bright(
    volume: Volume, index: NDArray[np.int64], of: NDArray[np.int64], count: int
) -> NDArray[np.bool_]:
    """Whether a thing has, in one slice, 1 mm2 that is brighter than calcium can be."""
    core = volume.hu.take(index) >= metal_from_hu(volume.acquisition.kvp)
    is_bright = np.zeros(count, dtype=np.bool_)
    if core.any():
        key = of[core] * len(volume.hu) + index[core] // volume.hu[0].size
        keys, n = np.unique(key, return_counts=True)
        area_mm2 = n * volume.spacing_mm[0] * volume.spacing_mm[1]
        enough = (area_mm2 >= _FEWEST_MM2 * (1 - 1e-9)) & (n >= _FEWEST_VOXELS)
        is_bright[keys[enough] // len(volume.hu)] = True
    return is_bright


def _region(volume: Volume, labelled: Labelled) -> tuple[int, ...]:
    """Take the heart's box, the chest wall before it and the great veins above."""
    box = labelled.heart_box
    up = round(_ABOVE_MM / volume.increment_mm)
    rows, columns = (round(_FRONT_MM / mm) for mm in volume.spacing_mm)
    return (
        max(box[0] - up, 0),
        box[1],
        max(box[2] - rows, 0),
        min(box[3] + rows, volume.hu.shape[1]),
        max(box[4] - columns, 0),
        min(box[5] + columns, volume.hu.shape[2]),
    )


def _thing(
    volume: Volume,
    lps_mm: NDArray[np.float64],
    place: NDArray[np.uint8],
    peak_hu: int,
    probability: float,
    is_bright: bool,
    is_believed: bool,
) -> _Thing:
    away = lps_mm - lps_mm.mean(axis=0)
    _, axes = np.linalg.eigh(away.T @ away)
    # A voxel has a size of its own; along a slanted axis a part of it.
    voxel_mm = np.abs(axes.T) @ np.array([volume.spacing_mm[1], volume.spacing_mm[0], 0.0])
    voxel_mm = np.hypot(voxel_mm, axes[2] * volume.increment_mm)
    voxel_mm3 = volume.increment_mm * float(np.prod(volume.spacing_mm))
    longest = sorted((float(s) for s in np.ptp(away @ axes, axis=0) + voxel_mm), reverse=True)
    return _Thing(
        lps_mm=lps_mm,
        size_mm=(longest[0], longest[1], longest[2]),
        section_mm2=len(lps_mm) * voxel_mm3 / longest[0],
        in_heart=float((place & Place.HEART > 0).mean()),
        on_course=float((place & Place.COURSE > 0).mean()),
        peak_hu=peak_hu,
        probability=probability,
        is_bright=is_bright,
        is_believed=is_believed,
    )


def _lead(things: list[_Thing]) -> set[int]:
    """Numbers of the pieces of a lead, none without."""
    for start, first in enumerate(things):
        if not first.is_bright or first.size_mm[0] < _LEAD_PIECE_MM:
            continue
        linked, edge = {start}, [start]
        while edge:
            here = things[edge.pop()]
            left = [k for k in range(len(things)) if k not in linked]
            new = [k for k in left if _gap_mm(here, things[k]) <= _GAP_MM]
            linked.update(new)
            edge += new
        points = np.concatenate([things[k].lps_mm for k in linked])
        # A lead bends in all directions: its thickness is what its volume leaves for its length.
        is_thin = all(things[k].section_mm2 <= _LEAD_MM2 for k in linked)
        # Not merely touching it: wires of the sternum lie against the heart.
        reaches = max(things[k].in_heart for k in linked) >= MAJORITY
        if is_thin and reaches and np.linalg.norm(np.ptp(points, axis=0)) >= _LEAD_MM:
            return linked
    return set()


def _gap_mm(one: _Thing, other: _Thing) -> float:
    """Distance of the nearest voxels, of at most a hundred each."""
    a, b = (t.lps_mm[:: max(1, len(t.lps_mm) // 100)] for t in (one, other))
    return float(np.linalg.norm(a[:, None] - b[None], axis=-1).min())


def _kind(volume: Volume, labelled: Labelled, thing: _Thing) -> Metal | None:
    if thing.in_heart + thing.on_course == 0:
        # A voxel alone may be noise in bone; where it has a name, what is lost with it is told.
        has_spot = thing.probability > 0 and thing.peak_hu >= metal_from_hu(volume.acquisition.kvp)
        is_metal = has_spot or (thing.is_bright and not thing.is_believed)
        return _kind_outside(volume, labelled, thing) if is_metal else None
    if not thing.is_bright and max(thing.in_heart, thing.on_course) < MAJORITY:
        return None
    if _is_valve(labelled, thing):
        return Metal.VALVE
    if thing.is_believed:
        return None
    longest, across, _ = thing.size_mm
    is_tube = _STENT_MM[0] <= longest <= _STENT_MM[1] and across <= _STENT_ACROSS_MM
    if is_tube and thing.on_course >= MAJORITY:
        is_sure = thing.is_bright or thing.probability >= _SURE_STENT
        return Metal.STENT if is_sure else Metal.POSSIBLE_STENT
    small_from_hu = at_kvp_of(SMALL_METAL_FROM_HU_120KVP, volume)
    is_clip = longest <= _CLIP_MM and (thing.is_bright or thing.peak_hu >= small_from_hu)
    return Metal.CLIPS if is_clip else Metal.OTHER


def _kind_outside(volume: Volume, labelled: Labelled, thing: _Thing) -> Metal | None:
    """Of bright metal outside heart and courses; None where it lies on the skin or far off."""
    low, high = heart_box_lps_mm(volume, labelled)
    middle = thing.middle_lps_mm
    is_before = low[0] <= middle[0] <= high[0] and middle[1] < (low[1] + high[1]) / 2
    if is_before and _is_at_bone(labelled, thing):
        front = thing.lps_mm[thing.lps_mm[:, 1].argmin()]
        return None if _meets_air(volume, front) else Metal.WIRES
    beside = np.array([_BESIDE_MM, 0.0, _BESIDE_MM])
    if not ((middle >= low - beside).all() and (middle <= high + beside).all()):
        return None
    return Metal.CLIPS if thing.size_mm[0] <= _CLIP_MM else Metal.OTHER


def _is_at_bone(labelled: Labelled, thing: _Thing) -> bool:
    """Whether bone lies within 6 mm of any of its voxels."""
    assert labelled.surroundings is not None
    steps = np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)]) * _AT_BONE_MM
    around = labelled.surroundings.at(thing.lps_mm[:, None] + steps)
    return bool((around & Place.BONE).any())


def _is_valve(labelled: Labelled, thing: _Thing) -> bool:
    near = labelled.surroundings
    assert near is not None
    low, high = _VALVE_MM
    if not (thing.is_bright and thing.size_mm[0] <= high and thing.size_mm[1] >= low):
        return False
    valves = np.array([near.aortic_valve_lps_mm, near.mitral_annulus_lps_mm])
    away_mm = np.linalg.norm(valves - thing.middle_lps_mm, axis=1)
    return bool(away_mm.min() <= _VALVE_AWAY_MM)


def heart_box_lps_mm(volume: Volume, labelled: Labelled) -> NDArray[np.float64]:
    """Lowest and highest coordinates of the heart's box."""
    a, b, c, d, e, f = labelled.heart_box
    corners = np.array([(s, r, k) for s in (a, b - 1) for r in (c, d - 1) for k in (e, f - 1)])
    lps_mm = volume.lps_mm(corners.astype(np.float64))
    return np.stack([lps_mm.min(axis=0), lps_mm.max(axis=0)])


def _meets_air(volume: Volume, lps_mm: NDArray[np.float64]) -> bool:
    """Whether there is air before a position, within `_SKIN_MM`."""
    direction = np.array([0.0, -1.0, 0.0])
    normal = np.cross(volume.row_axis_lps, volume.column_axis_lps)
    k = int(np.argmin(np.abs((volume.origins_lps_mm - lps_mm) @ normal)))
    way = lps_mm + np.arange(0.0, _SKIN_MM, 1.0)[:, None] * direction - volume.origins_lps_mm[k]
    rows = np.rint(way @ volume.row_axis_lps / volume.spacing_mm[0]).astype(int)
    columns = np.rint(way @ volume.column_axis_lps / volume.spacing_mm[1]).astype(int)
    inside = (rows >= 0) & (rows < volume.hu.shape[1])
    inside &= (columns >= 0) & (columns < volume.hu.shape[2])
    return bool(~inside.all() or (volume.hu[k, rows[inside], columns[inside]] < _AIR_HU).any())
