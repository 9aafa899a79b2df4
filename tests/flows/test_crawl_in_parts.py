"""Crawl and grouping a part at a time give what one table of all instances gives."""

import importlib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.crawl import Crawled, crawl
from screening import catalogue
from screening.archive import HeaderShard, Listing
from screening.archive.by_folder import waiting_studies
from screening.archive.listing import STATS_SCHEMA, Missed, Reader
from screening.errors import InfrastructureError
from screening.lake import Lake, parts
from screening.lake import index as index_module
from screening.lake.files import write_atomic
from screening.reasons import Reason
from screening.tables import FILES, INSTANCES, INSTANCES_RAW

crawl_module = importlib.import_module("flows.crawl")
TODAY = date(2026, 3, 1)
AXIAL = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]


@dataclass(frozen=True)
class File:
    """What a file says; `series` is empty where it is no image, `note` names the images it rejects.

    version : a file of another version has another change mark
    """

    series: str
    sop: int
    z_mm: float = 0.0
    version: int = 1
    note: tuple[int, ...] = ()


@dataclass
class Simulated:
    """Files by path; those of `lost` are listed and not delivered."""

    files: dict[str, File] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)

    def list_files(self, known: pa.Table, today: date) -> Listing:
        rows = [(path, 1, self.files[path].version) for path in sorted(self.files)]
        columns = [list(c) for c in zip(*rows, strict=True)]
        return Listing(pa.table(columns, schema=STATS_SCHEMA), FILES.empty())

    def shards(self, new: pa.Table) -> list[pa.Table]:
        return [new.slice(k, 3) for k in range(0, new.num_rows, 3)]

    def waiting(self, read: Reader, missed: Missed) -> frozenset[str]:
        return waiting_studies(read, missed)

    def read_headers(self, stats: pa.Table) -> HeaderShard:
        rows, others = [], []
        for stat in stats.to_pylist():
            file = self.files[stat["path"]]
            if stat["path"] in self.lost:
                others.append(stat | {"mtime_ns": -1, "reason": Reason.UNREACHABLE.value})
            elif not file.series:
                others.append(stat | {"reason": Reason.NOT_DICOM.value})
            else:
                rows.append(self.header(file) | stat)
        return HeaderShard(
            pa.Table.from_pylist(rows, schema=INSTANCES_RAW.schema),
            pa.Table.from_pylist(others, schema=FILES.schema),
        )

    @staticmethod
    def header(file: File) -> dict[str, object]:
        return dict.fromkeys(INSTANCES_RAW.schema.names) | {
            "series_instance_uid": file.series,
            "study_instance_uid": file.series[0],
            "sop_instance_uid": str(file.sop),
            "patient_id": file.series[0],
            "position_lps_mm": [0.0, 0.0, file.z_mm],
            "orientation": AXIAL,
            "rejection": "113001" if file.note else "",
            "rejected_instances": [str(sop) for sop in file.note],
            "rows": 4,
            "columns": 4,
            "modality": "CT",
        }


@dataclass
class Disk:
    """Takes so many files."""

    room: int

    def __call__(self, path: Path, content: bytes) -> None:
        if self.room == 0:
            raise InfrastructureError("cannot write: No space left on device")
        self.room -= 1
        write_atomic(path, content)


def of_one_table(lake: Lake, source: Simulated, seen: dict[str, File]) -> catalogue.Catalogue:
    """Group what was last read of every file that is there, made anew in one table."""
    rows = [
        source.header(file) | {"path": path, "size_bytes": 1, "mtime_ns": file.version}
        for path, file in seen.items()
        if file.series
    ]
    raw = pa.Table.from_pylist(rows, schema=INSTANCES_RAW.schema)
    return catalogue.group(lake.vault.pseudonymise(raw))


def of_parts(found: Crawled) -> catalogue.Catalogue:
    """Group as the sweep does."""
    rejected = catalogue.rejections(found.index.read(catalogue.NOTE_COLUMNS))
    return catalogue.group_parts(found.index.read(), rejected)


files = st.builds(
    File,
    series=st.sampled_from(["", "1.1", "1.2", "2.1", "2.2", "3.1"]),
    sop=st.integers(0, 12),
    z_mm=st.sampled_from([0.0, 3.0, 6.0]),
    version=st.integers(1, 3),
    note=st.one_of(st.just(()), st.lists(st.integers(0, 12), max_size=3).map(tuple)),
)
archives = st.dictionaries(st.sampled_from([f"d/{k}" for k in range(14)]), files, min_size=1)
# The archive, after how many files the disk is full, whether not everything is delivered.
room = st.one_of(st.just(1000), st.integers(0, 9))
nights = st.lists(st.tuples(archives, room, st.booleans()), min_size=1, max_size=4)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many parts and blocks out of few files."""
    monkeypatch.setattr(parts, "PART_INSTANCES", 4)
    monkeypatch.setattr(crawl_module, "_BLOCK_FILES", 5)


@settings(max_examples=12, deadline=None)
@given(nights)
def test_night_after_night_the_same_entries_as_from_one_table(
    of_nights: list[tuple[dict[str, File], int, bool]],
) -> None:
    """Files come, change and go, some are not delivered, some nights the disk is full."""
    seen: dict[str, File] = {}
    kept: dict[str, File] = {}  # what the index on disk says
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        lake = Lake.open(Path(name) / "lake", b"a secret for tests only", create=True)
        for content, n_files, is_wavering in of_nights:
            lost = set(sorted(content)[::2]) if is_wavering else set()
            patch.setattr(index_module, "write_atomic", Disk(n_files))
            source = Simulated(content, lost)
            with lake.lease("test"):
                found = crawl(lake, None, source, TODAY)
                grouped = of_parts(found)
                seen = _seen(kept, content, lost)
                assert grouped == of_one_table(lake, source, seen)
                reasons = found.files["reason"].to_pylist()
                assert found.n_seen == found.index.n_instances + len(reasons) == len(content)
                assert found.instances["path"].to_pylist() == sorted(
                    path for path, file in seen.items() if file.series
                )
                assert found.instances.schema == INSTANCES.schema
            if found.is_kept:
                kept = seen


def _seen(kept: dict[str, File], content: dict[str, File], lost: set[str]) -> dict[str, File]:
    """Return what a night knows: of what is not delivered, or is no image any more, as before."""
    seen = {}
    for path, file in content.items():
        was = kept.get(path)
        is_same = was is not None and was.version == file.version
        has_no_image = path in lost or not file.series
        if was is not None and (is_same or (has_no_image and was.series)):
            seen[path] = was
        elif path not in lost:
            seen[path] = file
    return seen


def test_new_headers_are_put_on_disk_sealed_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody reads a name off what lies there while headers are read, nor after a kill."""
    canary = "CanaryPath"
    source = Simulated({f"{canary}/{k:02d}": File(f"1.{k % 7}", k) for k in range(30)})
    lake = Lake.open(tmp_path / "lake", b"a secret for tests only", create=True)
    spilled: list[bytes] = []

    def look(index: parts.Index) -> None:
        every = [p for p in (tmp_path / "lake/index").iterdir() if p.name.startswith(".tmp-")]
        spilled.extend(p.read_bytes() for p in every)
        raise KeyboardInterrupt  # as a kill leaves it

    with lake.lease("killed"), monkeypatch.context() as patch:
        patch.setattr(Lake, "write_index", lambda _, index: look(index))
        with pytest.raises(KeyboardInterrupt):
            crawl(lake, None, source, TODAY)
    assert len(spilled) > 4
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or canary.encode() not in file.read_bytes()
    assert not any(content.startswith(b"PAR1") for content in spilled)
    with lake.lease("again"):
        assert list((tmp_path / "lake/index").iterdir()) == []
        found = crawl(lake, None, source, TODAY)
    assert (found.n_new, found.index.n_instances) == (30, 30)
    assert len(found.index.parts) == 8
    left = sorted(p.name for p in (tmp_path / "lake/index").iterdir() if p.name != "head.sealed")
    assert left == sorted(piece.file for part in found.index.parts for piece in part)


def test_what_was_listed_is_matched_lot_by_lot(monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever order either side comes, and however many are compared at once."""
    matching = importlib.import_module("screening.lake.matching")
    monkeypatch.setattr(matching, "_AT_ONCE", 7)
    chance = np.random.default_rng(5)
    known = pa.table(
        {"path": [f"é{k}" for k in range(60)], "size_bytes": range(60), "mtime_ns": [1] * 60}
    )
    listed = known.slice(10).to_pylist() + [
        {"path": f"new{k}", "size_bytes": 1, "mtime_ns": 1} for k in range(9)
    ]
    listed[3] = listed[3] | {"size_bytes": 0}
    listed[5] = listed[5] | {"mtime_ns": 2}
    theirs = pa.Table.from_pylist(listed).take(pa.array(chance.permutation(len(listed))))
    is_there, is_known = matching.match(known, theirs)
    assert np.flatnonzero(~is_there).tolist() == [*range(10), 13, 15]
    same = set(theirs.filter(pa.array(is_known))["path"].to_pylist())
    assert same == {f"é{k}" for k in range(10, 60)} - {"é13", "é15"}
