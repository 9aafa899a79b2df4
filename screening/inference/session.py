"""ONNX Runtime sessions, one set a process.

Comes in: a `Model` and a number of threads.
Goes out: numpy arrays out of the two networks, and the provider that computed them.
Refuses: nothing itself; the runtime's errors pass through for `infer` to name.
"""

import functools
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from screening.inference.manifest import CPU_PROVIDER, Model
from screening.inference.runtime import ort

Floats = NDArray[np.float32]
_BATCH = 64  # candidates a call: bounds the memory, costs no speed


@dataclass(frozen=True, slots=True)
class Networks:
    """The two open networks of a model."""

    coarse: ort.InferenceSession
    candidate: ort.InferenceSession
    provider: str

    def run_coarse(self, grid: Floats) -> Floats:
        """Return maps, float32 (channels, z, y, x), of the (1, 3, z, y, x) input."""
        maps = self.coarse.run(None, {"grid": grid})[0]
        return np.asarray(maps[0], dtype=np.float32)

    def run_candidate(self, patches: Floats, masks: Floats, features: Floats) -> Floats:
        """Label probabilities, float32 (n, labels)."""
        parts = [
            self.candidate.run(
                None,
                {
                    "patch": patches[i : i + _BATCH],
                    "mask": masks[i : i + _BATCH],
                    "features": features[i : i + _BATCH],
                },
            )[0]
            for i in range(0, len(patches), _BATCH)
        ]
        return np.concatenate(parts).astype(np.float32)


def networks(model: Model, threads: int | None = None) -> Networks:
    """Open the model's sessions, or return those this process already has."""
    return _open(model.folder, model.identity.digest, threads or len(os.sched_getaffinity(0)))


@functools.lru_cache(maxsize=2)
def _open(folder: Path, digest: str, threads: int) -> Networks:
    del digest  # part of the cache's key: a changed model is opened anew
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    coarse, candidate = (
        ort.InferenceSession(folder / name, options, providers=[CPU_PROVIDER])
        for name in ("coarse.onnx", "candidate.onnx")
    )
    return Networks(coarse, candidate, coarse.get_providers()[0])
