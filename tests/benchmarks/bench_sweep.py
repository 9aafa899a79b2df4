"""Prints the design's speed table with what this machine reached, as ratios in one run.

    python tests/benchmarks/bench_sweep.py [--scans 200]

Not a test: speed is never asserted. Needs about five minutes and four gigabytes of temporary space.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
import pydicom

from screening import archive, inference, pipeline, scoring, volume
from screening.phantom import Protocol, SimulatedScan, make_body, random_traits, simulate
from screening.phantom.dicom import Encoding, Header, Stack, make_uid, write_stack
from screening.records import ScoredSeries, ScoringParameters, SeriesJob

# -P: the installed package, not the checkout that lies in the current folder.
MAIN = [sys.executable, "-P", "-c", "from flows.cli import main; main()"]
HEADER = Header(
    patient_id="bench", issuer="", name="", birth_date=date(1960, 1, 1), sex="F", age_years=66,
    study_uid="", series_uid="", accession="", series_number=1,
    study_date=date(2026, 1, 1), acquisition_date=date(2026, 1, 1),
)  # fmt: skip


def timed(call, times: int = 3) -> float:
    """Median seconds of a few calls."""
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return median(seconds)


def scan_of(matrix: int) -> SimulatedScan:
    """A chest with calcium at 2.5 mm."""
    traits = replace(
        random_traits(np.random.default_rng(5)), n_stents=0, coronary_agatston_target=300.0
    )
    body = make_body(5, traits)
    return simulate(body, Protocol(matrix=matrix, increment_mm=2.5, thickness_mm=2.5), 5)


def write(scan: SimulatedScan, folder: Path, number: int, slices: int) -> None:
    """Write one series under UIDs and a person of its own."""
    folder.mkdir(parents=True)
    hu = scan.hu[:slices].copy()
    hu[:, :8, :8] = -1000 + number % 500  # other images for other numbers
    stack = Stack(
        hu, scan.spacing_mm, scan.origins_lps_mm[:slices], scan.row_axis_lps, scan.column_axis_lps
    )
    header = replace(
        HEADER,
        patient_id=f"bench{number}",
        study_uid=make_uid("bench", number),
        series_uid=make_uid("bench", number, 1),
    )
    write_stack([folder / f"{k:04}" for k in range(len(hu))], stack, header, Encoding())


def row(step: str, budget: str, reached: str, good: bool) -> None:
    print(f"| {step} | {budget} | {reached} | {'yes' if good else 'NO'} |")


def crawl_rows(folder: str) -> None:
    """An archive of many folders; the headers of the first thousands of its files."""
    stats = archive.list_files(folder).stats.slice(0, 2_200)
    paths = [str(Path(folder) / p) for p in stats["path"].to_pylist()]

    def by_pydicom() -> None:
        for path in paths:
            pydicom.dcmread(path, stop_before_pixels=True)

    ratio = timed(by_pydicom) / timed(lambda: archive.read_headers(folder, stats))
    row("header crawl, first time", "≥ 4 × pydicom's files/s", f"{ratio:.1f} ×", ratio >= 4)

    def bare_walk() -> None:
        waiting = [folder]
        while waiting:
            with os.scandir(waiting.pop()) as found:
                for entry in found:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        entry.stat()

    again = timed(lambda: archive.list_files(folder), 7) / timed(bare_walk, 7)
    row("crawl again, nothing new", "≤ 2 × bare scandir + stat", f"{again:.1f} ×", again <= 2)


def scan_rows(folder: str) -> None:
    paths = archive.list_files(folder).stats["path"].to_pylist()
    model = inference.open_model()
    job = SeriesJob("bench", folder, tuple(paths))

    def end_to_end() -> pipeline.Worked:
        return pipeline.process_series(job, model, ScoringParameters(), picture=False)

    def read_and_decode() -> None:
        for path in paths:
            _ = pydicom.dcmread(Path(folder) / path).pixel_array

    end_to_end()
    whole, floor = timed(end_to_end), timed(read_and_decode)
    budget = 1.5 * floor + 0.8
    row("one scan end to end", f"≤ 1.5 × read + decode + 0.8 s = {budget:.2f} s", f"{whole:.2f} s",
        whole <= budget)  # fmt: skip
    row("uncompressed 512 × 512 × 120", "≤ 1 s", f"{whole:.2f} s", whole <= 1)
    scan = volume.load_volume("bench", archive.read_bytes(folder, paths))
    infer = timed(lambda: inference.infer(model, scan))
    row("its inference", "≤ 0.5 s", f"{infer:.2f} s", infer <= 0.5)
    labelled = inference.infer(model, scan)
    score = timed(lambda: scoring.score(scan, labelled, ScoringParameters()), 7)
    row("its scoring", "≤ 30 ms", f"{1000 * score:.1f} ms", score <= 0.03)


def work_bare(folder: str) -> float:
    """One scan of the bare loop, in a process of its own; returns its peak memory, MB."""
    paths = tuple(archive.list_files(folder).stats["path"].to_pylist())
    job = SeriesJob("bench", folder, paths)
    done = pipeline.process_series(
        job, inference.open_model(), ScoringParameters(), picture=True, threads=1
    )
    assert isinstance(done.outcome, ScoredSeries)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def bare_loop(folders: list[str], workers: int) -> tuple[float, float]:
    """Seconds and peak MB of as many plain processes as the sweep has workers, warmed up."""
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        list(pool.map(work_bare, folders[: 4 * workers]))
        begun = time.perf_counter()
        peak = max(pool.map(work_bare, folders))
        return time.perf_counter() - begun, peak


def sweep_seconds(folder: Path, lake: Path) -> float:
    """Seconds of one sweep, as a user runs it."""
    begun = time.perf_counter()
    command = ["sweep", "--archive", str(folder), "--lake", str(lake)]
    subprocess.run([*MAIN, *command], check=True, capture_output=True)
    return time.perf_counter() - begun


def write_hospital(hospital: Path, n_scans: int) -> None:
    """Write an archive of chests, a folder each."""
    scan = scan_of(256)
    for number in range(n_scans):
        write(scan, hospital / f"{number:04}", number, 110)


def sweep_rows(folder: Path, n_scans: int) -> None:
    """A whole sweep against the bare loop over the same scans in as many processes."""
    workers, hospital = len(os.sched_getaffinity(0)), folder / "hospital"
    stats = archive.list_files(str(hospital)).stats
    crawl = timed(lambda: archive.read_headers(str(hospital), stats), 1) / workers
    folders = [str(f) for f in sorted(hospital.iterdir())]
    before, peak = bare_loop(folders, workers)
    first = sweep_seconds(hospital, folder / "lake")
    after, _ = bare_loop(folders, workers)  # a machine may change its pace meanwhile
    again = sweep_seconds(hospital, folder / "lake")
    bare = (before + after) / 2
    whole, beyond = (first - bare) / bare, (first - again - crawl - bare) / bare
    reached = f"{100 * whole:.0f} % ({first:.0f} s against {bare:.0f} s)"
    step = f"a sweep of {n_scans} new scans, all of it, {workers} workers"
    row(step, "≤ 5 % over the bare loop", reached, whole <= 0.05)
    step = f"less a sweep with nothing new ({again:.0f} s) and reading headers ({crawl:.0f} s)"
    row(f"{step}: Dask + Prefect + commits", "≤ 5 %", f"{100 * beyond:.0f} %", beyond <= 0.05)
    row("memory of a process of the bare loop", "≤ 1 GB", f"{peak:.0f} MB", peak <= 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=200, help="scans of the swept archive")
    asked = parser.parse_args()
    print(
        f"{len(os.sched_getaffinity(0))} cores, Python {sys.version.split()[0]}, {date.today()}\n"
    )
    print("| step | budget | reached | within |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        series = Path(folder) / "scan"
        write(scan_of(512), series, 0, 120)
        write_hospital(Path(folder) / "hospital", asked.scans)
        crawl_rows(str(Path(folder) / "hospital"))
        scan_rows(str(series))
        sweep_rows(Path(folder), asked.scans)


if __name__ == "__main__":
    main()
