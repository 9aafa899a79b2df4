"""Test scans: calcium placed into real chests in another way than for training.

Comes in: a seed, a real scan's `Volume` and `Landmarks`.
Goes out: a `TestCase`.
Refuses: nothing.
"""

import numpy as np
from numpy.typing import NDArray

from models.train import backgrounds
from models.train.judge import agatston
from models.train.landmarks import Landmarks
from models.train.shifted import TestCase, beads
from screening.records import CORONARY_LABELS, Volume


def placed_case(seed: int, volume: Volume, marks: Landmarks) -> TestCase:
    """Place calcium as another hand would: beads, other seeds; what was there keeps its name.

    The truth is what perfect labels score on the scan as it is, noise and all: a real background
    cannot be had without.
    """
    rng = np.random.default_rng([13, seed])
    zero = rng.random() < 0.3
    target = 0.0 if zero else float(np.exp(rng.uniform(1.5, 7.3)))
    n_stents = int(rng.integers(1, 3)) if rng.random() < 0.1 else 0
    motion = float(rng.choice([0.0, rng.uniform(0.5, 3.5)]))
    courses = backgrounds.draw_courses(rng, marks)
    deposits = beads(rng, courses.courses, target) + backgrounds.place(rng, marks, 0.0, n_stents)
    placed = backgrounds.at_a_thickness(rng, backgrounds.painted(rng, volume, deposits, motion))
    labels = with_true_calcium(placed, marks)
    scan = placed.volume
    acquisition = scan.acquisition
    return TestCase(
        name=f"{marks.scan}-{seed}",
        volume=scan,
        labels=labels,
        true_agatston=agatston(scan, np.isin(labels, [int(v) for v in CORONARY_LABELS])),
        thickness_mm=acquisition.slice_thickness_mm or scan.increment_mm,
        kernel=acquisition.kernel,
        kvp=acquisition.kvp or 120.0,
        noise_hu=float("nan"),
        motion_mm=motion,
        has_stent=n_stents > 0,
    )


def with_true_calcium(placed: backgrounds.PlacedScan, marks: Landmarks) -> NDArray[np.uint8]:
    """Name the coronary calcium that the scan held already."""
    labels = placed.labels.copy()
    for one in marks.true_coronary:
        index = np.stack(np.nonzero(labels == backgrounds.NATIVE), axis=1)
        away = np.linalg.norm(
            placed.volume.lps_mm(index.astype(np.float64)) - one.centroid_lps_mm, axis=1
        )
        labels[tuple(index[away <= backgrounds.SAME_THING_MM].T)] = one.label
    return labels
