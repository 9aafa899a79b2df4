"""What is still being received, told from when files were last written.

Comes in: when each file was written. Goes out: the paths of those that may have company coming, and
whether all are as young as that.
Refuses: nothing.

Where every file is as young as that the archive itself was just written or copied, and times say
nothing: then nothing is held back, or a fresh copy would give no score on its first night. Whether
that copy has come to its end they do not say either: the sweep notes it. Nor does a time far in
the future, of a clock that is wrong, say anything.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from screening.archive import listing

_SECONDS_A_MINUTE = 60.0
_NS_A_SECOND = 1e9


def young_paths(
    paths: pa.ChunkedArray, written_seconds: NDArray[np.float64], now_seconds: float, minutes: float
) -> frozenset[str]:
    """Return the paths written less than `minutes` ago.

    Parameters
    ----------
    paths : n paths
    written_seconds : float64 (n,), of each, seconds since 1970
    now_seconds : seconds since 1970
    minutes : the settling time
    """
    is_young = np.abs(now_seconds - written_seconds) < minutes * _SECONDS_A_MINUTE
    if is_young.all():
        return frozenset()
    return frozenset(paths.filter(pa.array(is_young)).to_pylist())


def nothing_rests(address: str, now_seconds: float, minutes: float) -> bool:
    """Whether every file of a folder was written less than `minutes` ago.

    The walk ends at the first file that was not: in a folder that has been there for long, the
    first it meets. Of a server it says no.

    Parameters
    ----------
    address : of the archive
    now_seconds : seconds since 1970
    minutes : the settling time
    """
    if "://" in address or minutes <= 0:
        return False
    return all(
        abs(now_seconds - written) < minutes * _SECONDS_A_MINUTE
        for written in _written_seconds(Path(address))
    )


def _written_seconds(folder: Path) -> Iterator[float]:
    for below, folders, names in os.walk(folder):
        folders[:] = (f for f in folders if not listing.is_left_alone(f"{f}/"))
        for name in (n for n in names if not listing.is_left_alone(n)):
            with suppress(OSError):  # went away meanwhile, or may not be looked at
                yield listing.written_ns((Path(below) / name).stat()) / _NS_A_SECOND
