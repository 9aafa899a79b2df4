"""Prints what becomes of compact plaque in real chests, as decision 0013 tells it.

    python tests/benchmarks/measure_implants.py FOLDER

Not a test; some ten minutes. FOLDER holds the real scans whose landmarks are kept in
`models/train/landmarks`. Into each, one at a time, lumps are set along its own coronary courses:
of uneven grains, or smooth spindles of one density, and the scan is worked as the program works it.
Chains of beads are `models.train.placed`.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from set_in import set_in

from models.train import backgrounds
from models.train.judge import agatston, label_map
from models.train.landmarks import read_landmarks, scans
from screening import inference
from screening.pipeline import measure
from screening.records import CORONARY_LABELS, Label, Rejection, ScoringParameters, Volume
from screening.scoring import Flag
from screening.scoring.thin import named_of
from screening.volume import slab_average

Floats = NDArray[np.float64]
BLUR_MM, REACH_MM, N_GRAINS, UNEVEN, SEEN = 0.7, 24.0, 14, 0.35, 0.2
PLACES, FROM_END = 3, 8  # along each course; and so many points from its ends
MIN_COURSE = 20  # points, about a millimetre apart: the left main has no room
HALF = 0.5  # of its units: a lump of which no more counts is lost
NOT_COUNTED = tuple(label for label in Label if label not in CORONARY_LABELS)
HEAD = (
    "| lump | set in | half or more lost | units | counted | called metal | called otherwise "
    "| lost, told so | lost, grade A or B |"
)


@dataclass(frozen=True, slots=True)
class Lump:
    """What is set in: its length and radius, and how much brighter than tissue it is."""

    name: str
    length_mm: float
    radius_mm: float
    hu: float
    is_smooth: bool


LUMPS = (
    Lump("grains, 10 mm, 250 HU", 10.0, 2.0, 250.0, is_smooth=False),
    Lump("grains, 16 mm, 500 HU", 16.0, 2.2, 500.0, is_smooth=False),
    Lump("spindle, 12 mm, 400 HU", 12.0, 2.5, 400.0, is_smooth=True),
)


def painted(lump: Lump, away_mm: Floats, along: Floats, rng: np.random.Generator) -> Floats:
    """HU that a lump adds, without blur.

    away_mm : (..., 3) from its middle, along : (3,) unit vector of the course
    """
    if lump.is_smooth:
        t = away_mm @ along
        off = np.linalg.norm(away_mm - t[..., None] * along, axis=-1)
        inside = (2 * t / lump.length_mm) ** 2 + (off / lump.radius_mm) ** 2 <= 1
        return np.asarray(inside * lump.hu, dtype=np.float64)
    found = np.zeros(away_mm.shape[:-1])
    for _ in range(N_GRAINS):
        middle = along * rng.uniform(-0.5, 0.5) * lump.length_mm
        middle = middle + rng.normal(0, 0.4 * lump.radius_mm, 3)
        radius = rng.uniform(0.4, 0.9) * lump.radius_mm
        inside = np.linalg.norm(away_mm - middle, axis=-1) <= radius
        found = np.maximum(found, inside * lump.hu * rng.uniform(1 - UNEVEN, 1 + UNEVEN))
    return found


def added_hu(
    lump: Lump, along: Floats, rng: np.random.Generator, volume: Volume, away_mm: Floats
) -> Floats:
    """HU that a lump adds, as an image blurs it."""
    steps_mm = (volume.increment_mm, *volume.spacing_mm)
    return gaussian_filter(painted(lump, away_mm, along, rng), [BLUR_MM / s for s in steps_mm])


@dataclass(frozen=True, slots=True)
class Row:
    """One lump: its units, those that count, those named otherwise by name, and the scan's grade.

    is_told : the scan has the remark that something not counted may be calcium
    """

    units: float
    counted: float
    named: Counter[str]
    grade: str
    is_told: bool

    @property
    def is_lost(self) -> bool:
        return self.counted <= HALF * self.units


def with_lumps(scan: str, volume: Volume) -> Iterator[tuple[Lump, Volume, NDArray[np.bool_]]]:
    """Each lump at each place of a scan: the scan with it, and where it is."""
    lines = backgrounds.draw_courses(np.random.default_rng(1), read_landmarks(scan)).courses
    for label, line in lines.items():
        for seed in range(PLACES if len(line) >= MIN_COURSE else 0):
            rng = np.random.default_rng([seed, int(label)])
            k = int(rng.integers(FROM_END, len(line) - FROM_END))
            along = line[k + 4] - line[k - 4]
            along = along / np.linalg.norm(along)
            for lump in LUMPS:
                added = partial(added_hu, lump, along, rng, volume)
                yield lump, *set_in(volume, line[k], REACH_MM, added, SEEN * lump.hu)


def read(model: inference.Model, made: Volume, where: NDArray[np.bool_]) -> Row:
    """Work a scan as the program does, thin slices averaged, and ask what became of the lump."""
    found = measure(made, model, ScoringParameters(), 0.0, 0.0, picture=True, threads=1)
    if isinstance(found, Rejection) or found.seen is None:
        raise SystemExit(f"{made.series_key} is refused")
    slab, seen = slab_average(made), inference.unpack(found.seen)
    scored = slab.volume if slab else made
    first = np.cumsum((0, *seen.counts[:-1]))
    where = np.logical_or.reduceat(where, first, axis=0)
    told = label_map(scored, named_of(seen)[1])
    units = {label: agatston(scored, where & (told == label)) for label in NOT_COUNTED}
    return Row(
        units=agatston(scored, where),
        counted=agatston(scored, where & np.isin(told, CORONARY_LABELS)),
        named=Counter({label.name.lower(): n for label, n in units.items() if n > 0}),
        grade=found.score.quality.grade,
        is_told=Flag.CALCIUM_POSSIBLE in found.score.quality.flags,
    )


def line(lump: str, rows: list[Row]) -> str:
    """One row of the table of the decision."""
    lost = [row for row in rows if row.is_lost]
    untold = [row for row in lost if row.grade in "AB"]
    named = sum((row.named for row in rows), Counter[str]())
    metal = named.pop("metal", 0.0)
    others = ", ".join(f"{name} {units:,.0f}" for name, units in named.most_common())
    units, counted = (sum(getattr(row, k) for row in rows) for k in ("units", "counted"))
    cells = (lump, len(rows), len(lost), f"{units:,.0f}", f"{counted:,.0f}", f"{metal:,.0f}",
             others, sum(row.is_told for row in lost), len(untold))  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    model, rows = inference.open_model("default"), defaultdict[str, list[Row]](list)
    for scan in scans():
        volume = backgrounds.load_scan(Path(sys.argv[1]) / scan)
        for lump, made, where in with_lumps(scan, volume):
            rows[lump.name].append(read(model, made, where))
    print(HEAD + "\n|" + "---|" * HEAD.count(" | ") + "---|")
    for name, seen in rows.items():
        print(line(name, seen))


if __name__ == "__main__":
    main()
