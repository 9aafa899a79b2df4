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
        shape = np.array(self.place.shape)
        inside = ((cell >= 0) & (cell < shape)).all(axis=-1)
        a, b, c = np.moveaxis(np.clip(cell, 0, shape - 1), -1, 0)
        return np.where(inside, self.place[a, b, c], np.uint8(0))
