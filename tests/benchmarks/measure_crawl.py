"""What an archive of 10,000 to 1,000,000 instances costs: time, memory, bytes stored.

    python tests/benchmarks/measure_crawl.py [FILES]

Writes infra/crawl-measured.md. Real tiny files (FILES of them, 10,000 unless told) are crawled,
crawled again, and once more after some were changed, deleted and added. Larger archives are
simulated: names and headers are made some at a time in place of walking and reading, and crawled
and grouped as a night does, the first time and again. Each of these nights has a process of its
own, whose peak is told. Bytes are read from 200 files of a scan's size.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
from bench_crawl import best, slice_of, write_archive
from numpy.typing import NDArray

from flows.crawl import crawl
from screening import archive, catalogue
from screening.archive import HeaderShard, Listing
from screening.config import ArchiveSettings
from screening.lake import Lake
from screening.tables import FILES, INSTANCES_RAW

SIZES = (10_000, 100_000, 1_000_000)
PER_SERIES, CHANGED = 100, 100
TODAY = date(2026, 11, 1)
AT_ONCE = 10_000  # made at once
_ROOT = "1.2.826.0.1.3680043.8.498"
OUT = Path(__file__).resolve().parents[2] / "infra" / "crawl-measured.md"


@dataclass(slots=True)
class Simulated:
    """A plain archive: a hundred slices a series, two series a person, made some at a time."""

    n: int
    seconds: float = 0.0  # that making took

    def list_files(self, known: pa.Table, today: date) -> Listing:
        begun = time.perf_counter()
        lots = [self._stats(np.arange(k, min(k + AT_ONCE, self.n))) for k in self._starts()]
        self.seconds += time.perf_counter() - begun
        return Listing(pa.concat_tables(lots), FILES.empty())

    def _starts(self) -> range:
        return range(0, self.n, AT_ONCE)

    def _stats(self, k: NDArray[np.int64]) -> pa.Table:
        series = (k // PER_SERIES).tolist()
        paths = [
            f"{s // 100:05d}/{s:07d}/IM{i:08d}.dcm" for s, i in zip(series, k.tolist(), strict=True)
        ]
        marks = 1_700_000_000_000_000_000 + k * 977
        sizes = np.full(len(k), 526_000)
        return pa.table({"path": paths, "size_bytes": sizes, "mtime_ns": marks})

    def shards(self, new: pa.Table) -> list[pa.Table]:
        return [new.slice(k, AT_ONCE) for k in range(0, new.num_rows, AT_ONCE)]

    def read_headers(self, stats: pa.Table) -> HeaderShard:
        begun = time.perf_counter()
        k = np.array([int(path[-12:-4]) for path in stats["path"].to_pylist()])
        found = HeaderShard(_headers(stats, k), FILES.empty())
        self.seconds += time.perf_counter() - begun
        return found


def _headers(stats: pa.Table, k: NDArray[np.int64]) -> pa.Table:
    n, series = len(k), k // PER_SERIES
    positions = np.column_stack([np.full((n, 2), -180.0), (k % PER_SERIES) * 3.0]).ravel()
    starts = np.arange(0, 3 * n + 1, 3, dtype=np.int32)
    same = {
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2", "modality": "CT",
        "transfer_syntax_uid": "1.2.840.10008.1.2.1", "rows": 512, "columns": 512, "n_frames": 1,
        "image_type": ["ORIGINAL", "PRIMARY", "AXIAL"], "orientation": [1.0, 0, 0, 0, 1.0, 0],
        "row_spacing_mm": 0.7, "column_spacing_mm": 0.7, "thickness_mm": 3.0, "kvp": 120.0,
        "kernel": "Br40f", "manufacturer": "SIEMENS", "rescale_slope": 1.0, "bits_stored": 12,
        "rescale_intercept": -1024.0, "rescale_type": "HU", "descriptions": "Thorax nativ",
    }  # fmt: skip
    own = {
        "image_number": k % PER_SERIES + 1,
        "position_lps_mm": pa.ListArray.from_arrays(starts, positions).cast(pa.list_(pa.float64())),
        "sop_instance_uid": [f"{_ROOT}.{s}.{i}" for s, i in zip(series, k, strict=True)],
        "series_instance_uid": [f"{_ROOT}.{s}" for s in series],
        "study_instance_uid": [f"{_ROOT}.1.{s}" for s in series],
        "patient_id": [f"{s // 2:09d}" for s in series],
    }

    def column(field: pa.Field) -> pa.Array:
        if field.name in same:
            one = pa.array([same[field.name]], field.type)
            return one.take(pa.array(np.zeros(n, np.int64)))
        if field.name in stats.column_names:
            return stats[field.name]
        return pa.array(own[field.name]) if field.name in own else pa.nulls(n, field.type)

    columns = {field.name: column(field) for field in INSTANCES_RAW.schema}
    return INSTANCES_RAW.check(pa.table(columns))


def timed(work: Callable[[], object]) -> tuple[object, float]:
    """Return what `work` gives and how long it took, in seconds."""
    begun = time.perf_counter()
    found = work()
    return found, time.perf_counter() - begun


def memory_mb(what: str) -> float:
    """Memory that this process has now (VmRSS), or the most it had since it began (VmHWM).

    Not `ru_maxrss`: a process begins with what the one had that started it.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{what}:")[2].split()[0]) / 1024


def measure(n: int, folder: Path) -> dict[str, float]:
    """Crawl `n` simulated instances into the lake below `folder`, and group them, in this process.

    A process that finds them in the index crawls an archive where nothing is new.
    """
    lake = Lake.open(folder / "lake", b"a secret for measuring", create=True)
    source, before = Simulated(n), memory_mb("VmRSS")
    with lake.lease("measure"):
        found, seconds = timed(lambda: crawl(lake, None, source, TODAY))
        crawled_mb = memory_mb("VmHWM")
        index = found.index

        def group() -> catalogue.Catalogue:
            rejected = catalogue.rejections(index.read(catalogue.NOTE_COLUMNS))
            return catalogue.group_parts(index.read(), rejected)

        grouped, grouping = timed(group)
    assert len(grouped.entries) == n // PER_SERIES
    stored = sum(f.stat().st_size for f in (lake.path / "index").iterdir())
    return {
        "n": n, "crawl": seconds - source.seconds, "group": grouping, "stored": stored / n,
        "before": before, "crawl_mb": crawled_mb - before, "peak_mb": memory_mb("VmHWM") - before,
    }  # fmt: skip


def crawled(folder: Path, n: int) -> list[str]:
    """Crawl real files three times; return the rows of a table."""
    root = folder / "archive"
    root.mkdir()
    write_archive(root, n)
    source = archive.open_source(archive.resolve(str(root)), ArchiveSettings())
    lake = Lake.open(folder / "lake", b"a secret for measuring", create=True)
    rows = []
    with lake.lease("measure"):

        def night(what: str, n_new: int, n_all: int) -> None:
            found, seconds = timed(lambda: crawl(lake, None, source, TODAY))
            assert (found.n_new, found.instances.num_rows) == (n_new, n_all), what
            rows.append(f"| {what} | {n_new:,} | {seconds:.2f} s |")

        night("the first time", n, n)
        night("nothing new", 0, n)
        every = sorted(file for file in root.rglob("*") if file.is_file())
        for file in every[:CHANGED]:
            stat = file.stat()
            os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
        for file in every[CHANGED : 2 * CHANGED]:
            file.unlink()
        for number, file in enumerate(every[-CHANGED:]):
            shutil.copy(file, root / f"new{number}")
        night(f"{CHANGED} changed, {CHANGED} deleted, {CHANGED} new", 2 * CHANGED, n)
    return rows


def read_rates(folder: Path) -> tuple[float, float]:
    """Return MB/s of reading series' files and of a plain read of the same, both from cache."""
    big = slice_of(0)
    big.Rows = big.Columns = 512
    big["PixelData"].value = np.zeros((512, 512), "<u2").tobytes()
    paths = [f"{number}.dcm" for number in range(200)]
    for path in paths:
        big.save_as(folder / path, enforce_file_format=True)
    source = archive.open_source(archive.resolve(str(folder)), ArchiveSettings())
    n_bytes = sum((folder / path).stat().st_size for path in paths) / 1e6
    ours = best(lambda: source.read_bytes(paths))
    plain = best(lambda: [Path(folder, path).read_bytes() for path in paths])
    return n_bytes / ours, n_bytes / plain


def simulated(n: int) -> list[str]:
    """Crawl and group twice, each time in a process of its own; return the rows of a table."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for night in ("the first", "nothing new"):
            command = [sys.executable, __file__, "--size", str(n), name]
            s = json.loads(subprocess.check_output(command))
            rows.append(
                f"| {n:,} | {night} | {s['crawl']:.1f} s | {s['group']:.1f} s "
                f"| {s['crawl_mb']:,.0f} MB | {s['peak_mb']:,.0f} MB | {s['stored']:.0f} B each |"
            )
    return rows


def page(n_files: int) -> str:
    """Measure all and write the page."""
    with tempfile.TemporaryDirectory() as name:
        rows = crawled(Path(name), n_files)
    with tempfile.TemporaryDirectory() as name:
        ours, plain = read_rates(Path(name))
    rows_of_size = [row for n in SIZES for row in simulated(n)]
    lines = [
        "# What a large archive costs",
        "",
        "Written by `python tests/benchmarks/measure_crawl.py`; one process, on a machine that "
        "others use too.",
        "",
        f"## {n_files:,} real tiny files",
        "",
        "| crawl | headers read | seconds |",
        "|---|---|---|",
        *rows,
        "",
        f"Bytes of series: {ours:,.0f} MB/s, a plain read of the same files {plain:,.0f} MB/s "
        f"({ours / plain:.2f} ×), both from the cache.",
        "",
        "## Simulated archives",
        "",
        "Names and headers are made some at a time, in place of walking and reading, and what that "
        "takes is left out; all else is a night's crawl and grouping. Memory: the most the driver "
        "had, beyond what it has before it begins.",
        "",
        "| instances | night | crawl | group | memory: crawl | with grouping | on disk |",
        "|---|---|---|---|---|---|---|",
        *rows_of_size,
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--size" in sys.argv:
        print(json.dumps(measure(int(sys.argv[-2]), Path(sys.argv[-1]))))
    else:
        text = page(int(sys.argv[1]) if len(sys.argv) > 1 else SIZES[0])
        OUT.write_text(text, encoding="utf-8")
        print(text)
