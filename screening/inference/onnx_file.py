"""What an ONNX file asks for, without running it.

Comes in: an ONNX file; an open session.
Goes out: its operator sets; the shapes it takes and gives, held against a description.
Refuses: files that are no ONNX, operator sets no supported runtime has, other shapes; a network
that draws its answers.

The `onnx` library is not needed to run a model, so the one field that says which operator set
was used (ModelProto.opset_import, number 8 of onnx.proto) is read by hand.
"""

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from screening.errors import ScreeningError
from screening.inference.description import Network
from screening.inference.runtime import RUNTIME_ERRORS, ort

Floats = NDArray[np.float32]
MIN_OPSET, MAX_OPSET = 7, 24  # what every ONNX Runtime within pyproject's bounds runs
MOST_FIELDS = 100_000  # a model has some tens of them, and one for each function it defines
_OPSET_FIELD, _DOMAIN_FIELD, _VERSION_FIELD = 8, 1, 2
_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")  # built into ONNX Runtime
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FLOAT = "tensor(float)"
_SAME = (1e-3, 1e-3)  # relative, absolute: what threads' order of adding may change
# Mean and deviation of what is asked: normalised values, HU of a body, HU about the threshold. A
# network made for one of these may answer the others with what hardly moves (a sigmoid's 0 or 1).
_ASKED = ((0.0, 1.0), (0.0, 300.0), (150.0, 30.0))


def opsets(file: Path) -> dict[str, int]:
    """Operator sets the file imports, by domain; "" is ONNX's own.

    Raises
    ------
    ScreeningError
        The file is no ONNX.
    """
    found: dict[str, int] = {}
    try:
        with file.open("rb") as stream:
            size = file.stat().st_size
            n_fields = 0
            while stream.tell() < size:
                n_fields += 1
                if n_fields > MOST_FIELDS:
                    raise ValueError
                field, value = _field(stream, size, wanted=_OPSET_FIELD)
                if field == _OPSET_FIELD and isinstance(value, bytes):
                    domain, version = _opset(value)
                    found[domain] = version
    except (ValueError, UnicodeDecodeError) as error:
        raise ScreeningError(f"{file.name} is no ONNX file") from error
    if not found:
        raise ScreeningError(f"{file.name} is no ONNX file")
    return found


def check_opsets(file: Path) -> str:
    """Refuse operator sets outside what the runtime has; return them in words."""
    found = opsets(file)
    foreign = sorted(set(found) - set(_DOMAINS))
    if foreign:
        raise ScreeningError(
            f"{file.name} needs operators of {foreign[0]}, which ONNX Runtime does not have; "
            "export it with standard operators"
        )
    version = found.get("", found.get("ai.onnx", 0))
    if not MIN_OPSET <= version <= MAX_OPSET:
        raise ScreeningError(
            f"{file.name} has opset {version}, this program runs {MIN_OPSET} to {MAX_OPSET}; "
            "export it again"
        )
    return f"opset {version}"


def check_shapes(session: ort.InferenceSession, network: Network) -> str:
    """Refuse inputs and outputs that cannot be what the description says; name the shapes."""
    taken = _only("input", session.get_inputs(), network.input.name)
    given = _only("output", session.get_outputs(), network.output.name)
    field = dict(zip("yx" if network.kind == "slice" else "zyx", network.input.field, strict=True))
    sizes = {"n": network.batch, **field}
    wanted = (
        (taken, network.input.layout, {**sizes, "c": network.input.channels}),
        (given, network.output_layout, {**sizes, "c": len(network.output.labels)}),
    )
    for port, layout, size in wanted:
        _check_port(port, layout, size)
    return f"{taken.name} {_words(taken.shape)} to {given.name} {_words(given.shape)}"


def check_repeats(session: ort.InferenceSession, network: Network) -> None:
    """Refuse a network that answers the same question in two ways: a score must stand."""
    name, answer = input_names(session, network)
    field = dict(zip("yx" if network.kind == "slice" else "zyx", network.input.field, strict=True))
    size = {"n": network.batch, "c": network.input.channels, **field}
    shape = [size[letter] for letter in network.input.layout]
    rng = np.random.default_rng(0)
    for mean, deviation in _ASKED:
        asked = rng.normal(mean, deviation, shape).astype(np.float32)
        try:
            first, second = (session.run([answer], {name: asked})[0] for _ in range(2))
        except RUNTIME_ERRORS:
            return  # that it cannot be run is told where it is tried on a chest
        check_same(first, second)


def check_same(first: Floats, second: Floats) -> None:
    """Refuse two answers to one question that are not the same but for rounding."""
    if not np.allclose(first, second, *_SAME, equal_nan=True):
        raise ScreeningError(
            "the network answers the same question differently each time; export it for "
            "inference (in torch: model.eval()), without random operators"
        )


def input_names(session: ort.InferenceSession, network: Network) -> tuple[str, str]:
    """Names of the input to feed and the output to read."""
    taken = _only("input", session.get_inputs(), network.input.name)
    given = _only("output", session.get_outputs(), network.output.name)
    return str(taken.name), str(given.name)


def _only(what: str, ports: list[ort.NodeArg], name: str | None) -> ort.NodeArg:
    named = [port for port in ports if name in (None, port.name)]
    if len(named) == 1 and (what == "output" or len(ports) == 1):
        return named[0]
    names = ", ".join(str(port.name) for port in ports)
    raise ScreeningError(
        f"the network has these {what}s: {names}; the manifest says "
        f"{name or 'the only one'}; give {what}.name"
        + (", and export it with one input" if what == "input" and len(ports) > 1 else "")
    )


def _check_port(port: ort.NodeArg, layout: str, size: dict[str, int]) -> None:
    wanted = [size[letter] for letter in layout]
    free = [not isinstance(n, int) for n in port.shape]
    fits = len(port.shape) == len(wanted) and all(
        is_free or n == m for n, m, is_free in zip(port.shape, wanted, free, strict=True)
    )
    if not fits:
        raise ScreeningError(
            f"{port.name} is {_words(port.shape)}, the manifest says {_words(wanted)} ({layout})"
        )
    if port.type != _FLOAT:
        raise ScreeningError(f"{port.name} is {port.type}; export the network in float32")


def _words(shape: list[object] | list[int]) -> str:
    return "(" + ", ".join(str(n) if isinstance(n, int) else "free" for n in shape) + ")"


def _varint(stream: BinaryIO) -> int:
    value = shift = 0
    while True:
        byte = stream.read(1)
        if not byte or shift > 63:
            raise ValueError
        value |= (byte[0] & 0x7F) << shift
        if not byte[0] & 0x80:
            return value
        shift += 7


def _field(stream: BinaryIO, size: int, wanted: int | None = None) -> tuple[int, bytes | int]:
    """One field; the bytes of others than `wanted` are skipped, not read."""
    key = _varint(stream)
    field, kind = key >> 3, key & 7
    if field == 0:
        raise ValueError
    if kind == _VARINT:
        return field, _varint(stream)
    lengths = {_FIXED64: 8, _FIXED32: 4}
    length = _varint(stream) if kind == _BYTES else lengths.get(kind, -1)
    if length < 0 or stream.tell() + length > size:
        raise ValueError
    if wanted in (None, field):
        return field, stream.read(length)
    stream.seek(length, 1)
    return field, b""


def _opset(raw: bytes) -> tuple[str, int]:
    domain, version, stream = "", 0, BytesIO(raw)
    while stream.tell() < len(raw):
        field, value = _field(stream, len(raw))
        if field == _DOMAIN_FIELD and isinstance(value, bytes):
            domain = value.decode()
        elif field == _VERSION_FIELD and isinstance(value, int):
            version = value
    return domain, version
