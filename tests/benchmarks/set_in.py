"""Sets something into a real scan, for the benchmarks that ask what becomes of it.

Comes in: a `Volume`, a place, and what is added there.
Goes out: the volume with it, and which voxels it changed.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from screening.records import Volume

Floats = NDArray[np.float64]


def set_in(
    volume: Volume,
    middle_lps_mm: Floats,
    reach_mm: float,
    added_hu: Callable[[Floats], Floats],
    from_hu: float,
) -> tuple[Volume, NDArray[np.bool_]]:
    """Return the scan with HU added around a place, and where they were `from_hu` or more.

    added_hu : of (slices, rows, columns, 3), mm away from the middle, LPS
    """
    normal = np.cross(volume.row_axis_lps, volume.column_axis_lps)
    centre = int(np.abs((volume.origins_lps_mm - middle_lps_mm) @ normal).argmin())
    in_plane = middle_lps_mm - volume.origins_lps_mm[centre]
    steps = (volume.increment_mm, *volume.spacing_mm)
    places = (
        centre,
        in_plane @ volume.row_axis_lps / steps[1],
        in_plane @ volume.column_axis_lps / steps[2],
    )
    box = tuple(
        slice(max(int(c - reach_mm / s), 0), min(int(c + reach_mm / s) + 1, n))
        for c, s, n in zip(places, steps, volume.hu.shape, strict=True)
    )
    index = np.stack(np.mgrid[box], axis=-1).astype(np.float64)
    added = added_hu(volume.lps_mm(index.reshape(-1, 3)).reshape(index.shape) - middle_lps_mm)
    hu = volume.hu.astype(np.float64)
    hu[box] += added
    where = np.zeros(volume.hu.shape, dtype=np.bool_)
    where[box] = added >= from_hu
    return replace(volume, hu=np.clip(hu, -1024, 3071).astype(volume.hu.dtype)), where
