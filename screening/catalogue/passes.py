"""Passes over the body: what was acquired in one go, told by time or by many acquisition numbers.

Comes in: the columns of all instances and rows of one kind of image.
Goes out: guesses which rows were acquired in one go, the likeliest first; whoever asks judges them.
Refuses: nothing; where nothing is told there is no guess.

A scan goes on without a pause or in even steps; before another the patient breathes, at least. The
images of one acquisition may all carry its beginning, or each its own moment.
"""

import numpy as np
from numpy.typing import NDArray

from screening.catalogue.columns import InstanceColumns
from screening.catalogue.runs import offsets_mm

Rows = NDArray[np.int64]

# Between two breath-holds lies more. A scan step by step may pause as long: its parts then follow
# one another along the body.
PAUSE_S = 5.0
# Passes under one UID; phases of a perfusion scan are more.
MAX_PASSES = 8


def in_time(columns: InstanceColumns, rows: Rows) -> list[list[Rows]]:
    """Cut at the longest pause, then also at the next, and so on."""
    seconds = columns.numbers["acquired_s"][rows]
    if not np.isfinite(seconds).all():
        return []
    order = np.argsort(seconds, kind="stable")
    pauses = np.diff(seconds[order])
    longest = np.argsort(-pauses, kind="stable")[: MAX_PASSES - 1]
    cuts = longest[pauses[longest] > PAUSE_S] + 1
    return [list(np.split(rows[order], np.sort(cuts[:n]))) for n in range(1, len(cuts) + 1)]


def in_number(columns: InstanceColumns, rows: Rows) -> list[list[Rows]]:
    """Cut where the way along the acquisition numbers, each a step of the scan, leads back."""
    numbers = columns.numbers["acquisition_number"][rows]
    along = offsets_mm(columns, rows)
    if not (np.isfinite(numbers).all() and np.isfinite(along).all()):
        return []
    _, step = np.unique(numbers, return_inverse=True)
    places = np.bincount(step, weights=along) / np.bincount(step)
    ways = np.sign(np.diff(places))
    if len(ways) < 2:
        return []
    cuts = np.flatnonzero(ways == -np.sign(np.median(ways))) + 1
    if not 0 < len(cuts) < MAX_PASSES:
        return []
    pass_of = np.searchsorted(cuts, step, side="right")
    return [[rows[pass_of == k] for k in range(len(cuts) + 1)]]
