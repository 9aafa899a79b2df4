"""Valid files, changed at random, sent through everything that reads files.

Comes in: a number of mutants. Goes out: what became of each: a row of the crawl, and of those that
are instances a volume or a refusal; how long the slowest took.
Refuses: nothing; a mutant that ends its process or takes too long is one of the outcomes.

Every mutant follows from its number alone. They are worked in child processes, so that one that
ends its process is known by its number, and the others go on.
"""

import base64
import json
import multiprocessing
import os
import random
import struct
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from archive_case import pixels, put, setting, slice_of, to_bytes
from enhanced_case import enhanced
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEGLSNearLossless,
    RLELossless,
)
from recoding import recoded

from screening import archive, catalogue, choose
from screening.lake import Lake
from screening.records import Rejection, Volume
from screening.volume import load_volume

LIMIT_SECONDS = 10.0
_START_SECONDS = 30.0  # for a process to start, where the machine is busy
Answer = tuple[list[str], float] | str
HTJ2K = Path(__file__).parents[1] / "volume" / "htj2k.json"
# Values that lengths, sizes and counts are set to.
_EXTREMES = (0, 1, 2, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)
_TAGS = (
    (0x0028, 0x0010), (0x0028, 0x0011), (0x0028, 0x0002), (0x0028, 0x0008), (0x0028, 0x0100),
    (0x0028, 0x0101), (0x0028, 0x0102), (0x0028, 0x0103), (0x0028, 0x0030), (0x0028, 0x1052),
    (0x0028, 0x1053), (0x0020, 0x0013), (0x0020, 0x0032), (0x0020, 0x0037), (0x0002, 0x0000),
    (0x0002, 0x0010), (0x0008, 0x0005), (0x0008, 0x0016), (0x0008, 0x0022), (0x0010, 0x0020),
    (0x7FE0, 0x0010), (0x5200, 0x9229), (0x5200, 0x9230), (0xFFFE, 0xE000), (0xFFFE, 0xE0DD),
)  # fmt: skip
_TEXTS = (
    b"1e400", b"9" * 12, b"-" * 12, b"nan", b"inf ", b"\xff\xfe\x00\xd8", b"\\\\\\\\", b"../../..",
    b"ISO 2022 IR 87\\ISO 2022 IR 159", b"GB18030 ", b"99999999", b"00000000",
    b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.5 ",
    b"1.2.840.10008.1.2.2 ",
)  # fmt: skip


def seeds() -> list[tuple[str, list[bytes]]]:
    """Valid series of three files, or one, in every encoding."""

    def series(**how: object) -> list[Dataset]:
        found = [slice_of(k) for k in range(3)]
        for ds in found:
            setting(**how)(ds, 0)
            ds.RequestAttributesSequence = [Dataset(), Dataset()]
            for item in ds.RequestAttributesSequence:
                item.CodeMeaning = "CANARY"
        return found

    def encoded(syntax: str) -> list[bytes]:
        found = series()
        for number, ds in enumerate(found):
            ds.file_meta.TransferSyntaxUID = syntax
            if syntax == ExplicitVRBigEndian:
                put(ds, pixels(0, number).astype(">i2"))
        return [to_bytes(ds) for ds in found]

    def compressed(syntax: str, **how: object) -> list[bytes]:
        found = series()
        for ds in found:
            ds.compress(syntax, generate_instance_uid=False, **how)
        return [to_bytes(ds) for ds in found]

    plain = [to_bytes(ds) for ds in series()]
    report = series(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR", Rows=None)
    names = (
        "JPEGLosslessProcess14_1",
        "JPEGLosslessProcess14",
        "JPEG2000Lossless",
        "JPEGLSLossless",
    )
    return [
        ("explicit", plain),
        ("implicit", encoded(ImplicitVRLittleEndian)),
        ("big endian", encoded(ExplicitVRBigEndian)),
        ("deflated", encoded(DeflatedExplicitVRLittleEndian)),
        ("RLE", compressed(RLELossless)),
        ("JPEG-LS with loss", compressed(JPEGLSNearLossless, jls_error=2)),
        *((name, [recoded(data, name) for data in plain]) for name in names),
        ("JPEG-LS", [recoded(data, "JPEGLSLossless") for data in plain]),
        ("HTJ2K", _htj2k(series())),
        ("enhanced", [to_bytes(enhanced(series()))]),
        ("enhanced RLE", [to_bytes(enhanced(series(), RLELossless))]),
        ("report", [to_bytes(ds) for ds in report]),
        (
            "odd words",
            [to_bytes(d) for d in series(SpecificCharacterSet="GB18030", PatientName="李")],
        ),
        ("no preface", [data[_meta_end(data) :] for data in encoded(ImplicitVRLittleEndian)]),
    ]


def _meta_end(data: bytes) -> int:
    return 144 + struct.unpack_from("<I", data, 140)[0]


def _htj2k(found: list[Dataset]) -> list[bytes]:
    streams = json.loads(HTJ2K.read_text())["signed"]
    for number, ds in enumerate(found):
        ds.file_meta.TransferSyntaxUID = HTJ2KLossless
        ds.Rows, ds.Columns = 16, 24
        ds.PixelData = encapsulate([base64.b64decode(streams[number % len(streams)])])
        ds["PixelData"].VR = "OB"
    return [to_bytes(ds) for ds in found]


def mutate(data: bytes, source: random.Random, other: bytes) -> bytes:
    """Change a file once or a few times."""
    changed = bytearray(data)
    for _ in range(source.choice((1, 1, 1, 2, 4))):
        changed = source.choice(_MUTATIONS)(changed, source, other) or bytearray(b"\0")
    return bytes(changed)


def _bytes_changed(d: bytearray, source: random.Random, _: bytes) -> bytearray:
    for _n in range(source.choice((1, 3, 20, 100))):
        d[source.randrange(len(d))] = source.randrange(256)
    return d


def _cut(d: bytearray, source: random.Random, _: bytes) -> bytearray:
    return d[: source.randrange(len(d))]


def _run(d: bytearray, source: random.Random, _: bytes) -> bytearray:
    at, n = source.randrange(len(d)), source.choice((2, 8, 64, 600))
    d[at : at + n] = bytes([source.choice((0, 0xFF, 0xFE))]) * len(d[at : at + n])
    return d


def _taken_out(d: bytearray, source: random.Random, _: bytes) -> bytearray:
    at = source.randrange(len(d))
    del d[at : at + source.choice((1, 2, 7, 40, 400))]
    return d


def _put_in(d: bytearray, source: random.Random, other: bytes) -> bytearray:
    at, start = source.randrange(len(d)), source.randrange(len(other))
    d[at:at] = other[start : start + source.choice((1, 8, 60, 700))]
    return d


def _spliced(d: bytearray, source: random.Random, other: bytes) -> bytearray:
    return d[: source.randrange(len(d))] + bytearray(other[source.randrange(len(other)) :])


def _element(d: bytearray, source: random.Random) -> int:
    """Find an element that matters; -1 where it is not there."""
    mark = struct.pack(source.choice("<<<>") + "HH", *source.choice(_TAGS))
    places = [k for k in range(len(d) - 12) if d[k] == mark[0] and d[k : k + 4] == mark]
    return source.choice(places) if places else -1


def _length_changed(d: bytearray, source: random.Random, _: bytes) -> bytearray:
    at = _element(d, source)
    if at < 0:
        return d
    form, skip = source.choice((("<H", 6), ("<I", 4), ("<I", 8), (">I", 4)))
    value = source.choice(_EXTREMES) & (0xFFFF if form == "<H" else 0xFFFFFFFF)
    struct.pack_into(form, d, at + skip, value)
    return d


def _value_changed(d: bytearray, source: random.Random, _: bytes) -> bytearray:
    at = _element(d, source)
    if at < 0:
        return d
    text = source.choice(_TEXTS)
    new = text if source.random() < 0.5 else struct.pack("<I", source.choice(_EXTREMES))
    d[at + 8 : at + 8 + len(new)] = new[: max(0, len(d) - at - 8)]
    return d


def _text_set(d: bytearray, source: random.Random, _: bytes) -> bytearray:
    """Give an explicit element another text, its length made to fit."""
    at = _element(d, source)
    if at < 0 or not d[at + 4 : at + 6].isalpha():
        return d
    new = source.choice(_TEXTS)
    new += b" " * (len(new) % 2)
    old = struct.unpack_from("<H", d, at + 6)[0]
    d[at + 6 : at + 8 + old] = struct.pack("<H", len(new)) + new
    return d


def _nested(d: bytearray, source: random.Random, _: bytes) -> bytearray:
    """Open sequences in sequences, perhaps never closed."""
    depth = source.choice((3, 100, 2000, 30000))
    opened = struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    opened += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    closed = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    at = d.find(b"\x08\x00\x3e\x10", 0)
    at = at if at > 0 else source.randrange(len(d))
    d[at:at] = opened * depth + (closed * depth if source.random() < 0.5 else b"")
    return d


_MUTATIONS = (
    _bytes_changed, _bytes_changed, _cut, _run, _taken_out, _put_in, _spliced, _length_changed,
    _length_changed, _value_changed, _value_changed, _text_set, _text_set, _nested,
)  # fmt: skip


@dataclass
class Outcome:
    """What became of many mutants."""

    crawled: Counter[str] = field(default_factory=Counter)  # instance, or the file's reason
    loaded: Counter[str] = field(default_factory=Counter)  # volume, or the refusal's reason
    crashes: list[int] = field(default_factory=list)  # numbers of mutants
    hangs: list[int] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    slowest: tuple[float, int] = (0.0, -1)

    @property
    def n(self) -> int:
        """Mutants accounted for."""
        return self.crawled.total() + len(self.crashes) + len(self.hangs) + len(self.errors)


def mutant(number: int, of: Sequence[tuple[str, list[bytes]]]) -> tuple[list[bytes], int]:
    """Return a series, one of whose files is changed, and which."""
    source = random.Random(number)
    _, files = of[number % len(of)]
    at = source.randrange(len(files))
    _, others = source.choice(of)
    changed = mutate(files[at], source, source.choice(others))
    return [changed if k == at else data for k, data in enumerate(files)], at


def work(number: int, of: Sequence[tuple[str, list[bytes]]], folder: Path, lake: Lake) -> list[str]:
    """Send one mutant the whole way; return what crawl and loading made of it."""
    files, at = mutant(number, of)
    for k, data in enumerate(files):
        (folder / f"{k}").write_bytes(data)
    address = str(folder)
    listed = archive.list_files(address).stats.slice(0, len(files))
    shard = archive.read_headers(address, listed)
    assert shard.instances.num_rows + shard.files.num_rows == len(files)
    reasons = dict(
        zip(shard.files["path"].to_pylist(), shard.files["reason"].to_pylist(), strict=True)
    )
    found = catalogue.group(lake.vault.pseudonymise(shard.instances))
    choose.choose([e.series for e in found.entries])
    loaded = "no volume asked for"
    for entry in found.entries:
        result = load_volume("key", archive.read_bytes(address, entry.paths + entry.copies))
        assert isinstance(result, Volume | Rejection)
        if str(at) in entry.paths + entry.copies:
            loaded = "volume" if isinstance(result, Volume) else result.reason.value
            assert isinstance(result, Volume) or "CANARY" not in result.detail
    return [reasons.get(str(at), "instance"), loaded]


def _child(pipe: Connection, of: Sequence[tuple[str, list[bytes]]]) -> None:
    """Work the numbers that come, until none comes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what dying decoders say
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "archive")
        folder.mkdir()
        lake = Lake.open(Path(name, "lake"), b"a secret for tests only", create=True)
        while (number := pipe.recv()) is not None:
            for old in folder.iterdir():
                old.unlink()
            begun = time.perf_counter()
            try:
                told = work(number, of, folder, lake)
            except Exception as error:  # noqa: BLE001 - an error that leaves the rooms is a finding
                told = [f"{type(error).__name__}: {error}"[:300]]
            pipe.send((told, time.perf_counter() - begun))


@dataclass
class _Child:
    """A process that works mutants, and its end of the pipe."""

    of: Sequence[tuple[str, list[bytes]]]
    process: multiprocessing.Process | None = None
    pipe: Connection | None = None

    def ask(self, number: int) -> Answer:
        """Return the answer; "crash" where the process ended, "hang" where it took too long."""
        if self.process is None or self.pipe is None:
            self.pipe, theirs = multiprocessing.Pipe()
            context = multiprocessing.get_context("spawn")
            self.process = context.Process(target=_child, args=(theirs, self.of), daemon=True)
            self.process.start()
            theirs.close()
        self.pipe.send(number)
        try:
            if self.pipe.poll(LIMIT_SECONDS + _START_SECONDS):
                return self.pipe.recv()
            self.stop()
        except (EOFError, ConnectionError):
            self.process.join()
            self.process = None
            return "crash"
        return "hang"

    def stop(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None


def fuzz(first: int, n: int, processes: int = 1) -> Outcome:
    """Work `n` mutants from number `first` on, some at a time."""
    of, found, lock = seeds(), Outcome(), threading.Lock()
    numbers = iter(range(first, first + n))

    def keep_asking() -> None:
        child = _Child(of)
        try:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                answer = child.ask(number)
                with lock:
                    _note(found, number, answer)
        finally:
            child.stop()

    threads = [threading.Thread(target=keep_asking) for _ in range(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _note(found: Outcome, number: int, answer: Answer) -> None:
    if answer == "crash":
        found.crashes.append(number)
    elif isinstance(answer, str) or answer[1] > LIMIT_SECONDS:
        found.hangs.append(number)
    elif len(answer[0]) == 1:
        found.errors[number] = answer[0][0]
    else:
        found.crawled[answer[0][0]] += 1
        found.loaded[answer[0][1]] += 1
        found.slowest = max(found.slowest, (answer[1], number))
