"""Tubes and lumps as CT would show them, in a small frame.

Comes in: a length and a place. Goes out: HU of one thing; a frame of several and its candidates.
Refuses: nothing.
"""

import numpy as np

from screening.inference.candidates import Candidates
from screening.inference.frame import Frame

SHAPE = (40, 60, 60)  # slices of 2 mm, pixels of 0.7 mm
STEP_MM = np.array([2.0, 0.7, 0.7])
AXIS_MM = np.array([40.0, 21.0, 21.0])


def grid_mm():
    at = np.stack(np.meshgrid(*[np.arange(n) + 0.5 for n in SHAPE], indexing="ij"), axis=-1)
    return at * STEP_MM


def tube(length_mm, at_mm=AXIS_MM, hu=420):
    """A blurred mesh round a whole artery: bright on the wall of 1.5 mm, nearly so within."""
    away = grid_mm() - at_mm
    r = np.hypot(away[..., 1], away[..., 2])
    across = np.where(r < 1.6, 1.0, np.exp(-(((r - 1.6) / 0.9) ** 2)))
    ends = 1 / (1 + np.exp((np.abs(away[..., 0]) - length_mm / 2) / 0.5))
    return hu * across * ends


def plaque(length_mm, at_mm=AXIS_MM):
    """Lumps of dense calcium on one side of the wall."""
    hu = np.zeros(SHAPE)
    for k, z in enumerate(np.arange(-length_mm / 2, length_mm / 2 + 0.1, 4.0)):
        away = (grid_mm() - at_mm - np.array([z, 0.0, 1.2])) / np.array(
            [2.0, 1.6, 0.8 + 0.3 * (k % 2)]
        )
        hu = np.maximum(hu, (950 if k % 2 else 500) * np.exp(-0.5 * (away**2).sum(axis=-1)))
    return hu


def seen(*things):
    """Each thing one candidate: its frame and its candidates."""
    hu = np.rint(20 + np.sum(things, axis=0)).astype(np.int16)
    voxels = [np.argwhere((thing > 50) & (hu >= 130)) for thing in things]
    frame = Frame(
        hu, (0.7, 0.7), (np.arange(SHAPE[0]) + 0.5) * 2.0, np.full(SHAPE[0], 2.0), False, False,
        False,
    )  # fmt: skip
    n, none = len(things), np.zeros((0,), dtype=np.float32)
    owner = np.repeat(np.arange(n), [len(v) for v in voxels])
    return frame, Candidates(np.concatenate(voxels), owner, np.arange(n), none, none, none)


FLAT = tube(20) * (np.abs(grid_mm()[..., 1] - 21.0) < 1.0)

SPIKE = np.zeros(SHAPE)
SPIKE[15:25, 29:31, 29:31] = 150
SPIKE[16:25:3, 29, 29] = 1500
