"""Runs the command line as a user does, and compares lakes."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from screening.lake import Lake
from screening.schema import Privacy
from screening.tables import LAKE_TABLES

AS_OF = "2026-11-01"
# -P: the installed package, not the checkout that lies in the current folder.
# Files look as old as their modification time says: no test can set when they were moved.
_LONG_SENT = "from screening.archive import listing; listing.written_ns = lambda f: f.st_mtime_ns"
MAIN = [sys.executable, "-P", "-c", f"{_LONG_SENT}\nfrom flows.cli import main; main()"]
SECRET = "a secret only for tests"


Screening = Callable[..., subprocess.CompletedProcess[str]]


def environment(**extra: str) -> dict[str, str]:
    return {**os.environ, "SCREENING_SECRET": SECRET, **extra}


@dataclass(frozen=True)
class Hospital:
    """Where the archive, the clinical tables and the truth lie."""

    folder: Path

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    @property
    def clinical(self) -> Path:
        return self.folder / "clinical"

    @property
    def truth(self) -> Path:
        return self.folder / "truth.parquet"

    def sweep_arguments(self, lake: Path) -> list[str]:
        return [
            "sweep", "--archive", str(self.archive), "--lake", str(lake),
            "--clinical", str(self.clinical), "--as-of", AS_OF,
        ]  # fmt: skip


def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    return subprocess.run(
        [*MAIN, *arguments], capture_output=True, text=True, env=environment(**extra), timeout=600
    )


def open_lake(path: Path) -> Lake:
    return Lake.open(path, SECRET.encode(), create=False)


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every non-volatile column of a lake, its random keys replaced by what they stand for."""
    lake = open_lake(path)
    instances = lake.read_index().instances.to_pylist()
    names: dict[str, str] = {}
    for kind in ("series_key", "study_key", "person_key"):
        for row in sorted(instances, key=lambda r: r["path"]):
            names.setdefault(row[kind], f"{kind}:{row['path']}")

    def plain(value: object) -> str:
        text = repr(value)
        for key, name in names.items():
            text = text.replace(key, name)
        return text

    found: dict[str, list[tuple[object, ...]]] = {}
    for table in LAKE_TABLES.values():
        if table.name in ("attempts", "runs"):  # one row a try: what a kill adds to
            continue
        columns = [
            c.name
            for c in table.columns
            if not c.volatile and (c.privacy is not Privacy.KEY or c.name.endswith("_key"))
        ]
        rows = lake.read(table.name).select(columns).to_pylist()
        found[table.name] = sorted(tuple(plain(v) for v in row.values()) for row in rows)
    return found
