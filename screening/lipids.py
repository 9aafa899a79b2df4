"""Whether two lipids of one person can both be right.

Comes in: arrays of mg/dL. Goes out: who has a pair that cannot be. Refuses: nothing.
"""

import numpy as np
from numpy.typing import NDArray


def part_not_below_total(
    total_mg_dl: NDArray[np.float64], part_mg_dl: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell where HDL or LDL is no less than total cholesterol, of which it is a part.

    One of the two is in another unit then, or they are swapped; which, nobody can say.

    Parameters
    ----------
    total_mg_dl, part_mg_dl : (n,) mg/dL, NaN unknown; of values not above 0 nothing is said here
    """
    odd: NDArray[np.bool_] = (part_mg_dl > 0) & (total_mg_dl > 0) & (part_mg_dl >= total_mg_dl)
    return odd
