"""The three networks of our own kind of model, opened once a process.

Comes in: a `Model` and a number of threads.
Goes out: numpy arrays out of the networks, and the provider that computed them.
Refuses: with `require_providers`, to begin without the GPU that was asked for; else nothing
itself: the runtime's errors pass through for `infer` to name.
"""

import functools
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from screening.config import Providers
from screening.inference.balls import Balls
from screening.inference.manifest import LOCATOR, LOCATOR_FILE, Model, folder_of
from screening.inference.runtime import (
    ProviderError,
    no_cuda,
    open_session,
    ort,
    run_in_batches,
)

Floats = NDArray[np.float32]
_BATCH = 64  # candidates or balls a call: bounds the memory, costs no speed


@dataclass(frozen=True, slots=True)
class Networks:
    """The open networks of a model."""

    coarse: ort.InferenceSession
    candidate: ort.InferenceSession
    ball: ort.InferenceSession
    provider: str

    def run_coarse(self, grid: Floats) -> Floats:
        """Return maps, float32 (channels, z, y, x), of the (1, 3, z, y, x) input."""
        maps = self.coarse.run(None, {"grid": grid})[0]
        return np.asarray(maps[0], dtype=np.float32)

    def run_candidate(self, patches: Floats, masks: Floats, features: Floats) -> Floats:
        """Label probabilities, float32 (n, labels)."""
        feeds = {"patch": patches, "mask": masks, "features": features}
        return run_in_batches(self.candidate, None, feeds, _BATCH)

    def run_balls(self, balls: Balls) -> Floats:
        """Log-odds of metal of each ball, float32 (b,)."""
        feeds = {"patch": balls.patches, "mask": balls.masks, "features": balls.features}
        return run_in_batches(self.ball, None, feeds, _BATCH)


def threads_here() -> int:
    """One thread for each core of the affinity mask, which a container may have cut."""
    return len(os.sched_getaffinity(0))


def networks(model: Model, threads: int | None = None) -> Networks:
    """Open the model's sessions, or return those this process already has."""
    chosen = threads or threads_here()
    return _open(model.locator, model.identity.digest, chosen, model.providers)


@functools.lru_cache(maxsize=2)
def _open(folder: Path, digest: str, threads: int, providers: Providers) -> Networks:
    coarse, candidate, ball = (
        open_session(folder / name, digest, threads, providers)
        for name in ("coarse.onnx", "candidate.onnx", "ball.onnx")
    )
    return Networks(coarse, candidate, ball, coarse.get_providers()[0])


def require_providers(providers: Providers) -> None:
    """Fail now, and not scan by scan, where CUDA is asked for and does not load.

    It is tried in a process of its own, so that this one holds no GPU memory all night.

    Raises
    ------
    ProviderError
        It is asked for and does not load.
    """
    if providers != "cuda":
        return
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawned) as pool:
        if not pool.submit(_loads_cuda, folder_of(LOCATOR) / LOCATOR_FILE).result():
            raise no_cuda()


def _loads_cuda(file: Path) -> bool:
    try:
        open_session(file, "", 1, "cuda")
    except ProviderError:
        return False
    return True
