"""Prints the design's speed table with what this machine reached, as ratios in one run.

    python tests/benchmarks/bench_sweep.py [--scans 40]

Not a test: speed is never asserted. Needs about two minutes and a gigabyte of temporary space.
"""

import argparse
import os
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median

import numpy as np
import pydicom

from screening import archive, inference, pipeline, scoring, volume
from screening.phantom import Protocol, make_body, random_traits, simulate, write_series
from screening.records import ScoringParameters, SeriesJob


def timed(call, times: int = 3) -> float:
    """Median seconds of a few calls."""
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return median(seconds)


def big_scan(folder: Path) -> None:
    """One uncompressed 512 × 512 × 120 scan of a body with calcium."""
    body = make_body(5, random_traits(np.random.default_rng(5)))
    scan = simulate(body, Protocol(matrix=512, increment_mm=2.5, thickness_mm=2.5), 5)
    write_series(scan, folder)


def row(step: str, budget: str, reached: str, good: bool) -> None:
    print(f"| {step} | {budget} | {reached} | {'yes' if good else 'NO'} |")


def crawl_rows(folder: str) -> None:
    stats = archive.list_files(folder).stats
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=40, help="people of the swept hospital")
    asked = parser.parse_args()
    print(
        f"{len(os.sched_getaffinity(0))} cores, Python {sys.version.split()[0]}, {date.today()}\n"
    )
    print("| step | budget | reached | within |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        series = Path(folder) / "scan"
        big_scan(series)
        crawl_rows(str(series))
        scan_rows(str(series))
        sweep_rows(Path(folder), asked.scans)


if __name__ == "__main__":
    main()
