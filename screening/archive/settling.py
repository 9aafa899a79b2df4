"""What is still being received, told from when files were last written.

Comes in: when each file was written. Goes out: the paths of those that may have company coming.
Refuses: nothing.

Where every file is as young as that the archive itself was just written or copied, and times say
nothing: then nothing is held back. Nor does a time far in the future, of a clock that is wrong.
"""

from collections.abc import Sequence

import numpy as np

_SECONDS_A_MINUTE = 60.0


def young_paths(
    paths: Sequence[str], written_seconds: Sequence[float], now_seconds: float, minutes: float
) -> frozenset[str]:
    """Return the paths written less than `minutes` ago.

    Parameters
    ----------
    paths : n paths
    written_seconds : of each, seconds since 1970
    now_seconds : seconds since 1970
    minutes : the settling time
    """
    age_seconds = now_seconds - np.asarray(written_seconds, dtype=np.float64)
    is_young = np.abs(age_seconds) < minutes * _SECONDS_A_MINUTE
    if is_young.all():
        return frozenset()
    return frozenset(paths[i] for i in np.flatnonzero(is_young).tolist())
