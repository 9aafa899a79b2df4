"""What cannot be measured at all.

Comes in: a `Volume` and its `Labelled`.
Goes out: a `Rejection`, or None when the scan may be scored.
Refuses: a blood pool with contrast agent in it or possibly so; a hole in the stack at the heart.
"""

import numpy as np
from numpy.typing import NDArray

from screening.reasons import Reason, Room
from screening.records import Labelled, Rejection, Volume
from screening.scoring.parameters import (
    BLOOD_BRIGHT_FROM_HU,
    BLOOD_CONTRAST_FROM_HU,
    BLOOD_UNCERTAIN_FROM_HU,
    GAP_RATIO,
)


def refuse(volume: Volume, labelled: Labelled) -> Rejection | None:
    """Say why the scan cannot be measured, or None.

    Parameters
    ----------
    volume : Volume
    labelled : Labelled, of the same scan

    Returns
    -------
    Rejection with CONTRAST_PIXELS, CONTRAST_UNCERTAIN or MISSING_SLICE_IN_HEART, or None
    """
    for reason, detail in (_contrast(volume, labelled), _hole(volume, labelled)):
        if reason is not None:
            return Rejection(Room.SCORING, volume.series_key, reason, detail)
    return None


def gaps(volume: Volume) -> NDArray[np.int64]:
    """Slices after which others are missing: the step to the next is over 1.5 x the median."""
    normal = np.cross(volume.row_axis_lps, volume.column_axis_lps)
    step = np.abs(np.diff(volume.origins_lps_mm @ normal))
    if len(step) == 0:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(step > GAP_RATIO * np.median(step)).astype(np.int64)


def _contrast(volume: Volume, labelled: Labelled) -> tuple[Reason | None, str]:
    blood = labelled.blood_pool
    if blood is None:
        # The tag says contrast and the pixels cannot gainsay it.
        if volume.acquisition.has_contrast_tag:
            return Reason.CONTRAST_UNCERTAIN, "contrast tag; no blood pool found"
        return None, ""
    detail = f"blood pool {blood.mean_hu:.0f} HU"
    if blood.mean_hu >= BLOOD_CONTRAST_FROM_HU:
        return Reason.CONTRAST_PIXELS, detail
    if blood.mean_hu >= BLOOD_UNCERTAIN_FROM_HU:
        return Reason.CONTRAST_UNCERTAIN, detail
    if volume.acquisition.has_contrast_tag and blood.mean_hu >= BLOOD_BRIGHT_FROM_HU:
        return Reason.CONTRAST_UNCERTAIN, f"contrast tag; {detail}"
    return None, ""


def _hole(volume: Volume, labelled: Labelled) -> tuple[Reason | None, str]:
    # A hole that borders on the heart counts: what is missing may be heart.
    after = gaps(volume)
    first, stop = labelled.heart_box[:2]
    n = int(((after + 1 >= first) & (after < stop)).sum())
    if n:
        return Reason.MISSING_SLICE_IN_HEART, f"holes at the heart: {n}"
    return None, ""
