"""Where the heart lies on a scan, for every kind of model.

Comes in: the open networks and a volume.
Goes out: `Location`: the scan in one orientation, its coarse grid, anatomy and blood.
Refuses: numbers of the network that are none (`UnusableOutputError`); no heart is None.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.inference.anatomy import (
    COARSE_CHANNELS,
    Anatomy,
    blood_pool,
    find_heart,
    heart_box,
)
from screening.inference.answers import UnusableOutputError
from screening.inference.frame import GRID_CELLS, CoarseGrid, Frame, coarse_grid, make_frame
from screening.inference.session import Networks
from screening.records import BloodPool, Volume

Box = tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Location:
    """A scan with its heart.

    heart, reach : half-open boxes of the frame: the heart, and what is looked at round it
    """

    frame: Frame
    grid: CoarseGrid
    anatomy: Anatomy
    blood: BloodPool | None
    heart: Box
    reach: Box


def locate(nets: Networks, volume: Volume) -> Location | None:
    """Find the heart; None where there is none.

    Raises
    ------
    UnusableOutputError
    """
    frame = make_frame(volume)
    grid = coarse_grid(frame)
    maps = nets.run_coarse(grid.input_array())
    require(maps, (len(COARSE_CHANNELS), *GRID_CELLS), "the network that finds the heart")
    anatomy = find_heart(grid, maps)
    if anatomy is None:
        return None
    return Location(
        frame=frame,
        grid=grid,
        anatomy=anatomy,
        blood=blood_pool(frame, grid, anatomy),
        heart=heart_box(frame, grid, anatomy.heart),
        reach=heart_box(frame, grid, anatomy.reach),
    )


def require(array: NDArray[np.float32], shape: tuple[int, ...], network: str) -> None:
    """Raise UnusableOutputError unless a network's output has this shape and is finite."""
    if array.shape != shape or not np.isfinite(array).all():
        raise UnusableOutputError(f"{network} gave no usable numbers")
