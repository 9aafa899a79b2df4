"""Prints how much compact plaque in real chests is taken for metal, as decision 0013 tells it.

    python tests/benchmarks/measure_implants.py FOLDER

Not a test; some six minutes. FOLDER holds the real scans whose landmarks are kept in
`models/train/landmarks`. Into each, one at a time, lumps are set along its own coronary courses:
of uneven grains, or smooth spindles of one density. Chains of beads are `models.train.placed`.
"""

import sys
from collections import defaultdict
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
from screening.records import Label, Rejection, Volume
from screening.scoring import name_metal

Floats = NDArray[np.float64]
BLUR_MM, REACH_MM, N_GRAINS, UNEVEN, SEEN = 0.7, 24.0, 14, 0.35, 0.2
PLACES, FROM_END = 3, 8  # along each course; and so many points from its ends
MIN_COURSE = 20  # points, about a millimetre apart: the left main has no room


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


def main() -> None:
    model, rows = inference.open_model("default"), defaultdict(list)
    for scan in scans():
        volume = backgrounds.load_scan(Path(sys.argv[1]) / scan)
        lines = backgrounds.draw_courses(np.random.default_rng(1), read_landmarks(scan)).courses
        for label, line in lines.items():
            for seed in range(PLACES if len(line) >= MIN_COURSE else 0):
                rng = np.random.default_rng([seed, int(label)])
                k = int(rng.integers(FROM_END, len(line) - FROM_END))
                along = line[k + 4] - line[k - 4]
                along = along / np.linalg.norm(along)
                for lump in LUMPS:
                    added = partial(added_hu, lump, along, rng, volume)
                    made, where = set_in(volume, line[k], REACH_MM, added, SEEN * lump.hu)
                    found = inference.infer(model, made, threads=1)
                    if isinstance(found, Rejection):
                        raise SystemExit(f"{scan} is refused")
                    told = label_map(made, name_metal(made, found))
                    lost = agatston(made, where & (told == Label.METAL))
                    rows[lump.name].append((agatston(made, where), lost))
    print("| lump | set in | taken for metal | units | of them lost |\n|---|---|---|---|---|")
    for name, seen in rows.items():
        units, lost = (sum(row[k] for row in seen) for k in range(2))
        n_lost = sum(row[1] > 0 for row in seen)
        print(f"| {name} | {len(seen)} | {n_lost} | {units:,.0f} | {lost:,.0f} |")


if __name__ == "__main__":
    main()
