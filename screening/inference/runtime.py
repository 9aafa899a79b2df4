"""ONNX Runtime, with its telemetry shut.

Comes in: nothing. Goes out: `ort`, and the errors its sessions raise.
Refuses: nothing.

Official builds from 1.29 on report to their vendor unless this variable is set before the
library is loaded; earlier ones, which pyproject.toml asks for, have no such code. Both, because a
site may bring its own build.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    RuntimeException,
)

RUNTIME_ERRORS = (Fail, InvalidArgument, RuntimeException)

__all__ = ["RUNTIME_ERRORS", "ort"]
