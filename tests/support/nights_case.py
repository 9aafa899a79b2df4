"""An archive that changes by day, and the lake of its nights: real sweeps of the command line."""

import json
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pydicom
import pytest
from night import AS_OF, Hospital, open_lake, run
from pydicom.dataset import Dataset

HOUR = 3600.0
Row = dict[str, object]


def age(files: Iterable[Path], seconds: float) -> None:
    """Make files as old as that."""
    then = time.time() - seconds
    for file in files:
        os.utime(file, (then, then))


@dataclass
class Nights:
    """An archive that changes by day, and its lake."""

    archive: Path
    lake: Path
    clinical: Path
    said: str = field(default="", init=False)

    def sweep(self) -> Row:
        done = run(
            "sweep", "--archive", str(self.archive), "--lake", str(self.lake),
            "--clinical", str(self.clinical), "--as-of", AS_OF, "--json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        self.said = done.stderr
        facts = json.loads(done.stdout)
        files, series, people = facts["files"], facts["series"], facts["people"]
        assert files["seen"] == sum(n for name, n in files.items() if name != "seen")
        assert series["found"] == sum(n for name, n in series.items() if name != "found")
        assert people["with_scan"] == sum(n for name, n in people.items() if name != "with_scan")
        return facts

    def states(self) -> dict[str, Row]:
        rows = open_lake(self.lake).query("core_disposition", date.fromisoformat(AS_OF))
        return {row["series_key"]: row for row in rows.to_pylist()}

    def flagged(self) -> dict[str, str]:
        """The series that stands for each person on the list."""
        done = run("flagged", "--lake", str(self.lake), "--format", "json")
        assert done.returncode == 0, done.stderr
        return {r["person_key"]: r["series_key"] for r in json.loads(done.stdout)}

    def explain(self, key: str) -> str:
        done = run("explain", "--lake", str(self.lake), key, COLUMNS="200")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def files_of(self, series: str) -> list[Path]:
        """From the head to the feet."""
        rows = open_lake(self.lake).read_index().instances.to_pylist()
        mine = [r for r in rows if r["series_key"] == series]
        mine.sort(key=lambda r: -r["position_lps_mm"][2])
        return [self.archive / r["path"] for r in mine]

    def reason(self, series: str) -> tuple[object, object]:
        row = self.states()[series]
        return row["state"], row["reason"]


@pytest.fixture
def nights(hospital: Hospital, swept: Path, tmp_path: Path) -> Nights:
    """After a first night, long after all was sent."""
    archive, lake = tmp_path / "archive", tmp_path / "lake"
    shutil.copytree(hospital.archive, archive)
    shutil.copytree(swept, lake)
    return Nights(archive, lake, hospital.clinical)


def headers(files: Iterable[Path]) -> list[Dataset]:
    return [pydicom.dcmread(file, stop_before_pixels=True) for file in files]


def people(nights: Nights) -> dict[str, list[Row]]:
    """The series of each person on the list for the only score they have."""
    listed = nights.flagged()
    series: dict[str, list[Row]] = {person: [] for person in listed}
    for row in nights.states().values():
        series.get(str(row["person_key"]), []).append(row)
    return {p: r for p, r in series.items() if [x["state"] for x in r].count("scored") == 1}


def one_flagged(nights: Nights) -> tuple[str, str]:
    """Such a person with no runner-up that would take over, and the series scored.

    Keys are new in every lake: the same one of the archive is taken each time.
    """
    alone = [p for p, r in people(nights).items() if all(x["reason"] != "not_chosen" for x in r)]
    listed = nights.flagged()
    person = min(alone, key=lambda p: nights.files_of(listed[p])[0])
    return person, listed[person]


def key_of(nights: Nights, file: Path) -> str:
    """The key a fresh lake gave to the series of a file."""
    rows = open_lake(nights.lake).read_index().instances.to_pylist()
    (key,) = {r["series_key"] for r in rows if nights.archive / r["path"] == file}
    return str(key)
