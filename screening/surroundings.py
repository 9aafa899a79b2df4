"""Where things lie round the heart: what inference tells scoring beside the labels.

Comes in: cells of a few millimetres and how they lie in the patient.
Goes out: `Surroundings`, a frozen record that crosses a doorway within `Labelled`.
Refuses: change after construction.
"""

from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray


class Place(IntFlag):
    """What lies in a cell of `Surroundings`; several may hold."""

    HEART = 1
    COURSE = 2  # where coronary arteries run, and candidates for coronary calcium are looked for
    BLOOD = 4  # heart or aorta for certain: where the blood pool is sampled
    BONE = 8


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """Where things lie round the heart, in cells of a few millimetres.

    place : uint8 (to the feet, to the back, to the left), `Place` bits
    to_cell : float64 (3, 4), takes an LPS position in mm with a 1 behind it to fractional cells
    soft_ml : soft tissue along the coronary courses, fat and lung left out
    """

    place: NDArray[np.uint8]
    to_cell: NDArray[np.float64]
    soft_ml: float
    aortic_valve_lps_mm: tuple[float, float, float]
    mitral_annulus_lps_mm: tuple[float, float, float]

    def at(self, lps_mm: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Place bits of positions, float (..., 3); 0 outside the cells."""
        cell = np.rint(lps_mm @ self.to_cell[:, :3].T + self.to_cell[:, 3]).astype(np.int64)
        axes = np.moveaxis(cell, -1, 0)
        inside = np.ones(axes.shape[1:], dtype=np.bool_)
        for axis, n in zip(axes, self.place.shape, strict=True):
            inside &= (axis >= 0) & (axis < n)
        found = np.zeros(inside.shape, dtype=np.uint8)
        found[inside] = self.place[tuple(axes[:, inside])]
        return found
