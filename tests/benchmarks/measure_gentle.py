"""How much a sweep's reading slows a server for others, with the limits of [archive] and without.

    python tests/benchmarks/measure_gentle.py [SECONDS]

An Orthanc on this machine holds a few series. Eight processes read them over DICOMweb, as workers
do, while somebody else asks for one study every 50 ms. Prints how long that one waits (median and
95th percentile, ms), alone, with the default limits, and with none; and what was read. Rounds
alternate, so that a busy machine disturbs all alike. Server and readers share the cores here.
"""

import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import pydicom

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from ct_series import write_series
from orthanc import PASSWORD, USER, running

from screening.archive import open_source, resolve
from screening.archive.listing import STATS_SCHEMA
from screening.config import ArchiveSettings

READERS, ROUNDS, SERIES, ROWS = 8, 3, 4, 512
WAYS = {
    "alone": None,
    "default limits": ArchiveSettings(),
    "no limits": ArchiveSettings(connections=64, requests_per_second=0),
}


def _write(folder: Path) -> None:
    noise = np.random.default_rng(1)
    for number in range(SERIES):
        for file in write_series(folder / str(number), StudyDate="20250102").iterdir():
            ds = pydicom.dcmread(file)
            ds.Rows = ds.Columns = ROWS
            ds.PixelData = noise.integers(0, 2000, (ROWS, ROWS), "<i2").tobytes()
            ds.save_as(file)


def _read(address: str, limits: ArchiveSettings, paths: list[str], end: float, out) -> None:
    source = open_source(address, limits)
    n_bytes = n_series = 0
    while time.monotonic() < end:
        n_bytes += sum(map(len, source.read_bytes(paths)))
        n_series += 1
    out.put((n_bytes, n_series))


def _probe(orthanc, study: str, end: float) -> list[float]:
    waits = []
    with orthanc.session as session:
        while time.monotonic() < end:
            begin = time.monotonic()
            session.get(f"{orthanc.web}/studies/{study}/series", timeout=60).raise_for_status()
            waits.append(1000 * (time.monotonic() - begin))
            time.sleep(0.05)
    return waits


def _round(orthanc, limits: ArchiveSettings | None, paths: list[str], seconds: float):
    spawn = multiprocessing.get_context("spawn")
    out = spawn.Queue()
    begin = time.monotonic() + (6 if limits else 0)  # readers need a while to start
    end = begin + seconds
    readers = [
        spawn.Process(target=_read, args=(orthanc.web, limits, paths, end, out))
        for _ in range(READERS if limits else 0)
    ]
    for reader in readers:
        reader.start()
    time.sleep(max(0.0, begin - time.monotonic()))
    waits = _probe(orthanc, paths[0].split("/")[0], end)
    read = [out.get(timeout=120) for _ in readers]
    for reader in readers:
        reader.join()
    return waits, sum(n for n, _ in read), sum(n for _, n in read)


def main(seconds: float) -> None:
    os.environ |= {"SCREENING_ARCHIVE_USER": USER, "SCREENING_ARCHIVE_PASSWORD": PASSWORD}
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder, "orthanc")) as orthanc,
    ):
        _write(Path(folder, "disk"))
        orthanc.store(sorted(Path(folder, "disk").rglob("*.dcm")))
        source = open_source(resolve(orthanc.web), ArchiveSettings(requests_per_second=0))
        stats = source.list_files(STATS_SCHEMA.empty_table(), date(2026, 1, 1)).stats
        paths = stats["path"].to_pylist()
        paths = [p for p in paths if p.startswith(paths[0].rpartition("/")[0])]
        waits: dict[str, list[float]] = {way: [] for way in WAYS}
        n_bytes, n_series = dict.fromkeys(WAYS, 0), dict.fromkeys(WAYS, 0)
        for _ in range(ROUNDS):
            for way, limits in WAYS.items():
                found, read, series = _round(orthanc, limits, paths, seconds)
                waits[way] += found
                n_bytes[way] += read
                n_series[way] += series
    print("| reading | another's query, median | 95th percentile | read |")
    print("|---|---|---|---|")
    for way, found in waits.items():
        rate = n_bytes[way] / 1e6 / (ROUNDS * seconds)
        tail = statistics.quantiles(found, n=20)[-1]
        print(f"| {way} | {statistics.median(found):.0f} ms | {tail:.0f} ms | {rate:.0f} MB/s |")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
