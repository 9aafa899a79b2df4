"""The bright things near the heart, and how likely inference holds each of what it may be.

Comes in: numbers that inference has checked.
Goes out: `Things`, a frozen record that crosses a doorway within `Labelled`.
Refuses: change after construction.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHARES = 10_000  # one whole: as fine as anybody reads, and zero for what is all but impossible


@dataclass(frozen=True, slots=True, eq=False)
class Things:
    """Bright things: connected voxels, long ones cut into pieces.

    owner : int32 (n,), number of the thing each voxel of `Labelled.index` is a part of
    names : what each column of `shares` is: a label in lower case, or `coronary` where the
        network names no artery. Our own networks give all labels, a brought one its own
    shares : uint16 (things, names), probabilities in `SHARES` parts, as they decided. Of a
        brought network, which speaks of voxels, the mean over the thing's voxels
    counts_from : probability of the arteries together from which a thing counts; None where the
        likeliest name wins
    """

    owner: NDArray[np.int32]
    names: tuple[str, ...]
    shares: NDArray[np.uint16]
    coronary: NDArray[np.uint16]
    counts_from: float | None


def in_shares(probability: NDArray[np.floating]) -> NDArray[np.uint16]:
    """Probabilities, 0 to 1, in whole parts of `SHARES`."""
    return np.asarray(np.rint(np.clip(probability, 0.0, 1.0) * SHARES), dtype=np.uint16)
