"""What an archive of 10,000 to 1,000,000 instances costs: time, memory, bytes stored.

    python tests/benchmarks/measure_crawl.py [FILES]

Writes infra/crawl-measured.md. Real tiny files (FILES of them, 10,000 unless told) are crawled,
crawled again, and once more after some were changed, deleted and added. Larger archives are
simulated where the catalogue begins: their instances are made, stored in the index, read and
grouped. Each size has a process of its own, whose peak is told. Bytes are read from 200 files of a
scan's size.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from bench_crawl import best, slice_of, write_archive

from flows.crawl import crawl
from screening import archive, catalogue
from screening.config import ArchiveSettings
from screening.lake import Lake
from screening.tables import FILES, INSTANCES

SIZES = (10_000, 100_000, 1_000_000)
PER_SERIES, CHANGED = 100, 100
TODAY = date(2026, 11, 1)
OUT = Path(__file__).resolve().parents[2] / "infra" / "crawl-measured.md"


def simulated(n: int) -> pa.Table:
    """INSTANCES of a plain archive: a hundred slices a series, two series a person."""
    k = np.arange(n)
    series = k // PER_SERIES
    positions = np.column_stack([np.full((n, 2), -180.0), (k % PER_SERIES) * 3.0]).ravel()
    starts = np.arange(0, 3 * n + 1, 3, dtype=np.int32)
    same = {
        "size_bytes": 526_000, "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2", "modality": "CT",
        "transfer_syntax_uid": "1.2.840.10008.1.2.1", "rows": 512, "columns": 512, "n_frames": 1,
        "image_type": ["ORIGINAL", "PRIMARY", "AXIAL"], "orientation": [1.0, 0, 0, 0, 1.0, 0],
        "row_spacing_mm": 0.7, "column_spacing_mm": 0.7, "thickness_mm": 3.0, "kvp": 120.0,
        "kernel": "Br40f", "manufacturer": "SIEMENS", "rescale_slope": 1.0, "bits_stored": 12,
        "rescale_intercept": -1024.0, "rescale_type": "HU", "descriptions": "Thorax nativ",
    }  # fmt: skip
    own = {
        "path": [f"{s // 100:04d}/{s:06d}/IM{i:05d}.dcm" for s, i in zip(series, k, strict=True)],
        "mtime_ns": 1_700_000_000_000_000_000 + k * 977,
        "image_number": k % PER_SERIES + 1,
        "position_lps_mm": pa.ListArray.from_arrays(starts, positions).cast(pa.list_(pa.float64())),
        "series_key": [f"s_{s:022d}" for s in series],
        "study_key": [f"t_{s:022d}" for s in series],
        "person_key": [f"p_{s // 2:022d}" for s in series],
        "instance_digest": [os.urandom(32).hex() for _ in k],
    }

    def column(field: pa.Field) -> pa.Array:
        if field.name in same:
            one = pa.array([same[field.name]], field.type)
            return one.take(pa.array(np.zeros(n, np.int64)))
        return pa.array(own[field.name]) if field.name in own else pa.nulls(n, field.type)

    return INSTANCES.check(pa.table({field.name: column(field) for field in INSTANCES.schema}))


def peak_mb() -> float:
    """Most memory that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(work: Callable[[], object]) -> tuple[object, float]:
    """Return what `work` gives and how long it took, in seconds."""
    begun = time.perf_counter()
    found = work()
    return found, time.perf_counter() - begun


def measure(n: int) -> dict[str, float]:
    """Store, read and group `n` simulated instances, in this process."""
    with tempfile.TemporaryDirectory() as name:
        lake = Lake.open(Path(name, "lake"), b"a secret for measuring", create=True)
        with lake.lease("measure"):
            table = simulated(n)
            before = peak_mb()
            _, write = timed(partial(lake.write_index, table, FILES.empty()))
            del table
            index, read = timed(lake.read_index)
            instances = index.instances
            found, grouped = timed(lambda: catalogue.group(instances))
            stored = sum(f.stat().st_size for f in (lake.path / "index").iterdir())
    assert len(found.entries) == n // PER_SERIES
    return {
        "n": n, "write": write, "read": read, "group": grouped, "table": instances.nbytes / n,
        "stored": stored / n, "peak": peak_mb(), "made": before,
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


def page(n_files: int) -> str:
    """Measure all and write the page."""
    with tempfile.TemporaryDirectory() as name:
        rows = crawled(Path(name), n_files)
    with tempfile.TemporaryDirectory() as name:
        ours, plain = read_rates(Path(name))
    sizes = [
        json.loads(subprocess.check_output([sys.executable, __file__, "--size", str(n)]))
        for n in SIZES
    ]
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
        "## Simulated where the catalogue begins",
        "",
        "Peak: of the whole process, in which making the instances took what stands beside it.",
        "",
        "| instances | write the index | read it | group | in memory | on disk | peak (made) |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {s['n']:,} | {s['write']:.1f} s | {s['read']:.1f} s | {s['group']:.1f} s "
            f"| {s['table']:.0f} B each | {s['stored']:.0f} B each "
            f"| {s['peak']:,.0f} MB ({s['made']:,.0f} MB) |"
            for s in sizes
        ),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--size" in sys.argv:
        print(json.dumps(measure(int(sys.argv[-1]))))
    else:
        text = page(int(sys.argv[1]) if len(sys.argv) > 1 else SIZES[0])
        OUT.write_text(text, encoding="utf-8")
        print(text)
