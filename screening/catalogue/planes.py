"""The image planes of some files: one a slice, several a multi-frame file.

Comes in: the columns of all instances and rows of one series.
Goes out: `Planes`: where each plane lies, and which file holds it.
Refuses: nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.catalogue.columns import InstanceColumns


@dataclass(frozen=True, slots=True)
class Planes:
    """Planes in the order of their files.

    positions_mm : float64 (n, 3), cosines : float64 (n, 6); NaN where absent
    file : int64 (n,), index into the rows asked for
    """

    positions_mm: NDArray[np.float64]
    cosines: NDArray[np.float64]
    file: NDArray[np.int64]

    def files_in(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the files in the order in which their first planes come."""
        files = self.file[order]
        _, first = np.unique(files, return_index=True)
        found: NDArray[np.int64] = files[np.sort(first)]
        return found


def planes_of(columns: InstanceColumns, rows: NDArray[np.int64]) -> Planes:
    """Return the planes of these files."""
    frames = [columns.frame_positions_mm.get(int(row)) for row in rows]
    if not any(f is not None for f in frames):
        return Planes(columns.positions_mm[rows], columns.cosines[rows], np.arange(len(rows)))
    positions = [
        columns.positions_mm[row : row + 1] if f is None else f
        for row, f in zip(rows, frames, strict=True)
    ]
    file = np.repeat(np.arange(len(rows)), [len(p) for p in positions])
    return Planes(np.concatenate(positions), columns.cosines[rows][file], file)
