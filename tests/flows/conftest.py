"""A small synthetic hospital and its swept lake, made once for all tests of flows/."""

import os
import time
from pathlib import Path

import pytest
from explain_case import page, small_lake, told
from night import Hospital, Screening, run
from nights_case import nights

from screening.phantom import write_hospital

__all__ = ["nights", "page", "small_lake", "told"]  # fixtures

PATIENTS, SEED = 8, 9001


@pytest.fixture(scope="session")
def screening() -> Screening:
    return run


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    folder = tmp_path_factory.mktemp("hospital")
    write_hospital(folder, PATIENTS, SEED, None, len(os.sched_getaffinity(0)))
    made = Hospital(folder)
    # Sent long ago: else some tests run as the first of them, not all, have settled.
    long_ago = time.time() - 86_400
    for file in made.archive.rglob("*"):
        if file.is_file() and not file.is_symlink():
            os.utime(file, (long_ago, long_ago))
    return made


@pytest.fixture(scope="session")
def swept(hospital: Hospital, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake after one whole sweep."""
    lake = tmp_path_factory.mktemp("swept") / "lake"
    done = run(*hospital.sweep_arguments(lake))
    assert done.returncode == 0, done.stderr
    return lake
