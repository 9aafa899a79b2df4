"""Kill -9 of the driver, and of a worker, at random moments: the same lake in the end."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from night import MAIN, Hospital, Screening, content, environment, open_lake


def children(pid: int) -> list[int]:
    """All descendants of a process, from /proc."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        below = parents.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def start(hospital: Hospital, lake: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*MAIN, *hospital.sweep_arguments(lake)],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def n_attempts(lake: Path) -> int:
    try:
        return open_lake(lake).read("attempts").num_rows
    except Exception:  # noqa: BLE001 - the lake is being made while we look
        return 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux /proc")
def test_a_killed_driver_run_again_leaves_the_same_lake(
    screening: Screening, swept: Path, hospital: Hospital, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    chance = random.Random(20261101)
    # Once anywhere, then while scans are out, when most is at stake.
    for moment in ("anywhere", "scoring", "scoring"):
        before = n_attempts(lake)
        driver = start(hospital, lake)
        deadline = time.monotonic() + 60
        if moment == "scoring":
            while n_attempts(lake) == before and driver.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            time.sleep(chance.uniform(0, 2))
        else:
            time.sleep(chance.uniform(2, 8))
        below = children(driver.pid)
        driver.kill()
        driver.wait()
        deadline = time.monotonic() + 20
        while any(Path(f"/proc/{p}").exists() for p in below) and time.monotonic() < deadline:
            time.sleep(0.2)
        left = [p for p in below if Path(f"/proc/{p}").exists()]
        assert not left, "a killed driver leaves no process behind"
        status = screening("status", "--lake", str(lake), "--json")
        assert status.returncode in (0, 2), status.stderr
    done = screening(*hospital.sweep_arguments(lake))
    assert done.returncode == 0, done.stderr
    assert content(lake) == content(swept)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux /proc")
def test_a_killed_worker_costs_nothing(swept: Path, hospital: Hospital, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    driver = start(hospital, lake)
    deadline = time.monotonic() + 90
    while n_attempts(lake) == 0:
        assert driver.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(random.Random(7).uniform(0, 1))
    workers = [p for p in children(driver.pid) if is_worker(p)]
    assert workers
    os.kill(workers[0], signal.SIGKILL)
    assert driver.wait(timeout=300) == 0
    assert content(lake) == content(swept)


def is_worker(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"spawn_main" in command
