"""Which files are too young to have rested, and whether any has."""

import os
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from screening.archive import list_files, listing, nothing_rests
from screening.archive.settling import young_paths

NOW = 1_800_000_000.0


def young(paths: list[str], written: list[float]) -> frozenset[str]:
    return young_paths(pa.chunked_array([paths]), np.array(written), NOW, 10)


def test_a_file_rests_from_the_settling_time_on():
    written = [NOW - 599.0, NOW - 600.0, NOW + 599.0, NOW + 600.0]
    assert young(["a", "b", "c", "d"], written) == {"a", "c"}


def test_a_file_whose_time_was_set_back_is_as_young_as_it_came(tmp_path: Path):
    """As `cp -p` and `rsync -t` do."""
    (tmp_path / "a").write_bytes(b"x")
    os.utime(tmp_path / "a", (1e9, 1e9))
    facts = (tmp_path / "a").stat()
    assert facts.st_mtime == 1e9
    assert listing.written_ns(facts) == facts.st_ctime_ns
    os.utime(tmp_path / "a", (2e9, 2e9))
    assert listing.written_ns((tmp_path / "a").stat()) == 2e9 * 1e9
    written = list_files(str(tmp_path)).written_ns
    assert written is not None
    assert written.tolist() == [2e9 * 1e9]


def test_where_every_file_is_young_none_is_held_back_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(listing, "written_ns", lambda facts: facts.st_mtime_ns)

    def write(name: str, age: float) -> None:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
        os.utime(file, (NOW - age, NOW - age))

    write("one/a", 60)
    write("two/b", 120)
    write("two/.hidden", 86_400)
    write(".trash/c", 86_400)
    assert nothing_rests(str(tmp_path), NOW, 10)
    assert young(["a", "b"], [NOW - 60, NOW - 120]) == frozenset()
    assert not nothing_rests(str(tmp_path), NOW, 0)  # nothing ever waits
    write("DICOMDIR", 86_400)
    assert nothing_rests(str(tmp_path), NOW, 10)
    write("two/DICOMDIR/d", 600)
    assert not nothing_rests(str(tmp_path), NOW, 10)


@pytest.mark.parametrize("address", ["https://pacs/dicom-web", "s3://bucket/ct"])
def test_of_a_server_it_is_not_told(address: str):
    assert not nothing_rests(address, time.time(), 10)
