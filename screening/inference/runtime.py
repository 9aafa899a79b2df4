"""ONNX Runtime, with its telemetry shut, and the processor it runs on.

Comes in: an ONNX file, threads, and the processor asked for (`cpu`, `cuda` or `auto`).
Goes out: `ort`, the errors its sessions raise, sessions, and which provider runs them.
Refuses: to fall back unsaid: CUDA that was asked for and did not load is a `ProviderError`.

Official builds from 1.29 on report to their vendor unless this variable is set before the
library is loaded; earlier ones, which pyproject.toml asks for, have no such code. Both, because a
site may bring its own build.
"""

import functools
import os
import re
from collections.abc import Mapping
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    EPFail,
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,
    RuntimeException,
)

from screening.config import Providers
from screening.errors import InfrastructureError, ScreeningError

RUNTIME_ERRORS = (EPFail, Fail, InvalidArgument, NotImplemented, RuntimeException)
_FILE_ERRORS = (*RUNTIME_ERRORS, InvalidGraph, InvalidProtobuf)
CPU_PROVIDER = "CPUExecutionProvider"
CUDA_PROVIDER = "CUDAExecutionProvider"
_FATAL, _WARNING = 4, 2  # severities of the runtime's log
_WHY = (
    (
        r"Unsupported model IR version: (\d+), max supported IR version: (\d+)",
        "its IR version is {0}, it reads up to {1}; export it with an older one",
    ),
    (
        r"(?:No Op registered for |find an implementation for |:)(\w+)(?: with domain_version"
        r"|\(-?\d+\) (?:node with|is not a registered))",
        "it has no operator {0} of this version; export it with standard operators",
    ),
    (r"Protobuf parsing failed", "the file is damaged or cut short; copy or export it again"),
)
Floats = NDArray[np.float32]

__all__ = [
    "CPU_PROVIDER",
    "CUDA_PROVIDER",
    "RUNTIME_ERRORS",
    "ProviderError",
    "new_session",
    "no_cuda",
    "open_session",
    "ort",
    "run_in_batches",
]


class ProviderError(InfrastructureError):
    """The processor that was asked for did not load; no scan is to blame."""


@functools.lru_cache(maxsize=6)
def open_session(
    file: Path, digest: str, threads: int, providers: Providers
) -> ort.InferenceSession:
    """Open a network once a process; later calls get the same session.

    Parameters
    ----------
    file : ONNX file
    digest : of the model: a changed one is opened anew
    threads, providers : as of `new_session`
    """
    del digest
    return new_session(file, threads, providers)


def new_session(file: Path, threads: int, providers: Providers) -> ort.InferenceSession:
    """Open a network that is not kept.

    Parameters
    ----------
    file : ONNX file
    threads : of the runtime on the CPU
    providers : `cuda` must load; `auto` takes it where it does

    Raises
    ------
    ProviderError
        CUDA was asked for and is not there.
    ScreeningError
        The file is no network that this runtime can run.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    wanted = _wanted(providers)
    # The runtime writes pages about a CUDA that does not load; we say it in one line.
    ort.set_default_logger_severity(_FATAL if len(wanted) > 1 else _WARNING)
    try:
        session = ort.InferenceSession(file, options, providers=wanted)
    except _FILE_ERRORS as error:
        raise ScreeningError(
            f"{file.name} cannot be opened by ONNX Runtime: {_why(error)}"
        ) from error
    finally:
        ort.set_default_logger_severity(_WARNING)
    if providers == "cuda" and session.get_providers()[0] != CUDA_PROVIDER:
        raise no_cuda()
    return session


def _why(error: Exception) -> str:
    """Say why a file was not opened; the runtime's own words quote paths and its source code."""
    for pattern, words in _WHY:
        if found := re.search(pattern, str(error)):
            return words.format(*found.groups())
    kind = type(error).__name__
    if isinstance(error, InvalidGraph):
        return f"its parts do not fit together ({kind}); export it again"
    return f"({kind}); export it again with its weights inside, or beside it under its own name"


def _wanted(providers: Providers) -> list[str | tuple[str, dict[str, str]]]:
    if providers == "cpu":
        return [CPU_PROVIDER]
    if CUDA_PROVIDER not in ort.get_available_providers():
        if providers == "cuda":
            raise no_cuda()
        return [CPU_PROVIDER]
    # Memory grows by what is asked for, not by doubling: several workers share a card.
    return [(CUDA_PROVIDER, {"arena_extend_strategy": "kSameAsRequested"}), CPU_PROVIDER]


def no_cuda() -> ProviderError:
    """Say in one line that CUDA did not load, and what to do."""
    return ProviderError(
        "a GPU was asked for and CUDA did not load; install a driver and the CUDA and cuDNN "
        'libraries that this ONNX Runtime needs, or set providers = "cpu"'
    )


def run_in_batches(
    session: ort.InferenceSession, output: str | None, feeds: Mapping[str, Floats], size: int
) -> Floats:
    """Run all rows, `size` at a time.

    On a GPU the last call is filled up with repeats, because every new shape costs memory
    that is not given back; where it runs out of memory the batch is halved.

    Parameters
    ----------
    session : the network
    output : name of the output; None: the first
    feeds : arrays whose first axis counts the rows, float32
    size : rows a call

    Returns
    -------
    float32, one row a row of the feeds
    """
    n = len(next(iter(feeds.values())))
    is_fixed = session.get_providers()[0] != CPU_PROVIDER
    names = [output] if output is not None else None
    parts: list[Floats] = []
    done = 0
    while done < n:
        rows = np.arange(done, min(done + size, n))
        if is_fixed:
            rows = np.append(rows, np.full(size - len(rows), n - 1))
        try:
            part = session.run(names, {name: array[rows] for name, array in feeds.items()})[0]
        except RUNTIME_ERRORS as error:
            if size == 1 or "memory" not in str(error):
                raise
            size = max(1, size // 2)
            continue
        parts.append(np.asarray(part, dtype=np.float32)[: min(size, n - done)])
        done += size
    return np.concatenate(parts)
