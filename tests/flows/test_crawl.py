"""A crawl of an archive that lists more than it delivers: nothing known is lost, nothing rushed."""

import builtins
import errno
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pydicom
import pytest
from ct_series import write_series
from killing import Killing

from flows.cluster import Cluster
from flows.crawl import Crawled, crawl
from screening import archive, catalogue
from screening.archive import HeaderShard, Listing
from screening.archive.by_folder import waiting_studies
from screening.archive.listing import Reader
from screening.config import ArchiveSettings, Settings
from screening.errors import InfrastructureError
from screening.lake import Lake
from screening.lake import index as index_module
from screening.reasons import Reason

TODAY = date(2026, 3, 1)


@dataclass
class Wavering:
    """A folder that does not deliver what is named in `lost`, and lists another mark at will."""

    address: str
    lost: set[str] = field(default_factory=set)
    shift: int = 0

    def list_files(self, known: pa.Table, today: date) -> Listing:
        found = archive.list_files(self.address)
        marks = pa.array([m + self.shift for m in found.stats["mtime_ns"].to_pylist()], pa.int64())
        return Listing(found.stats.set_column(2, "mtime_ns", marks), found.ignored)

    def shards(self, new: pa.Table) -> list[pa.Table]:
        return [new]

    def waiting(self, read: Reader, missed: archive.Missed) -> frozenset[str]:
        return waiting_studies(read, missed)

    def read_headers(self, stats: pa.Table) -> HeaderShard:
        is_lost = pa.array(
            [p.split("/")[0] in self.lost for p in stats["path"].to_pylist()], pa.bool_()
        )
        read = archive.read_headers(self.address, stats.filter(pc.invert(is_lost)))
        gone = stats.filter(is_lost)
        n = gone.num_rows
        gone = gone.set_column(2, "mtime_ns", pa.array([-1] * n, pa.int64()))
        gone = gone.append_column("reason", pa.array([Reason.UNREACHABLE.value] * n, pa.string()))
        return HeaderShard(read.instances, pa.concat_tables([read.files, gone]))


@pytest.fixture
def source(tmp_path: Path) -> Wavering:
    """Two series, named as a server names them, below the study's UID."""
    for n in (1, 2):
        write_series(tmp_path / "archive" / f"1.{n}", StudyInstanceUID=f"1.{n}")
    return Wavering(str(tmp_path / "archive"))


@pytest.fixture
def lake(tmp_path: Path):
    made = Lake.open(tmp_path / "lake", b"a secret for tests only", create=True)
    with made.lease("test"):
        yield made


def night(lake: Lake, source: Wavering) -> Crawled:
    return crawl(lake, None, source, TODAY)


def test_what_is_not_delivered_is_counted_and_asked_for_again(lake: Lake, source: Wavering) -> None:
    source.lost = {"1.2"}
    first = night(lake, source)
    assert (first.instances.num_rows, first.files["reason"].to_pylist()) == (8, ["unreachable"] * 8)
    assert first.n_seen == 16
    assert first.waiting == frozenset()  # nothing of that study is known: there is nothing to hold
    source.lost = set()
    second = night(lake, source)
    assert (second.instances.num_rows, second.files.num_rows, second.n_new) == (16, 0, 8)


def test_what_cannot_be_read_again_stays_as_it_was_known(lake: Lake, source: Wavering) -> None:
    before = catalogue.group(night(lake, source).instances).entries
    source.shift, source.lost = 1, {"1.2"}  # every mark changes; one study cannot be had
    tonight = night(lake, source)
    after = catalogue.group(tonight.instances).entries
    assert {e.series.series_key: e.series.content_digest for e in after} == {
        e.series.series_key: e.series.content_digest for e in before
    }
    assert tonight.files.num_rows == 0
    assert tonight.n_seen == tonight.instances.num_rows == 16
    assert len(tonight.waiting) == 1
    source.lost = set()
    last = night(lake, source)
    assert (last.n_new, last.waiting) == (8, frozenset())
    assert night(lake, source).n_new == 0


def test_a_study_of_which_a_slice_is_missing_waits(lake: Lake, source: Wavering) -> None:
    (folder,) = (p for p in Path(source.address).iterdir() if p.name == "1.2")
    slices = sorted(folder.iterdir())
    late = pydicom.dcmread(slices[3])
    assert night(lake, source).waiting == frozenset()
    late.save_as(folder / "late")
    real = archive.read_headers

    def all_but_the_late(stats: pa.Table) -> HeaderShard:
        n = stats.num_rows
        rows = stats.set_column(2, "mtime_ns", pa.array([-1] * n, pa.int64()))
        rows = rows.append_column("reason", pa.array([Reason.UNREACHABLE.value] * n, pa.string()))
        return HeaderShard(real(source.address, stats.slice(0, 0)).instances, rows)

    source.read_headers = all_but_the_late  # type: ignore[method-assign]
    tonight = night(lake, source)
    assert tonight.n_new == 1
    assert len(tonight.waiting) == 1


def test_a_file_that_ends_its_reader_costs_that_file(lake: Lake, tmp_path: Path) -> None:
    """Segmentation faults of a native reader cost the process, not the night."""
    for n in range(5):
        write_series(tmp_path / "archive" / f"{n}")
    (tmp_path / "archive" / "3" / "killer").write_bytes(b"\0" * 200)
    source = Killing(str(tmp_path / "archive"), str(tmp_path / "deaths"))
    with Cluster(Settings(workers=2), lake.path) as cluster:
        found = crawl(lake, cluster, source, TODAY)
    assert (found.instances.num_rows, found.n_seen) == (40, 41)
    (row,) = found.files.to_pylist()
    assert (row["path"], row["reason"]) == ("3/killer", "unreadable")
    deaths = (tmp_path / "deaths").read_text().split()
    assert (deaths[0], deaths[-1]) == ("21", "1")
    again = crawl(lake, None, source, TODAY)
    assert (again.n_new, again.files.num_rows) == (0, 1)  # not looked at again until they change


def test_a_full_disk_does_not_lose_what_was_read(lake: Lake, source: Wavering, monkeypatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise InfrastructureError("cannot write: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(index_module, "write_atomic", full)
        first = night(lake, source)
    assert (first.is_kept, first.instances.num_rows, first.n_seen) == (False, 16, 16)
    second = night(lake, source)
    assert (second.is_kept, second.n_new) == (True, 16)
    assert second.instances.equals(first.instances)


def test_what_lies_in_a_folder_that_was_shut_is_not_gone(
    lake: Lake, source: Wavering, monkeypatch
) -> None:
    first = night(lake, source)
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).rstrip("/").endswith("1.2"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scandir)
        tonight = night(lake, source)
    assert tonight.instances.equals(first.instances)
    assert (tonight.n_shut, tonight.files["reason"].to_pylist()) == (1, ["unreadable"])
    assert tonight.n_seen == tonight.instances.num_rows + tonight.files.num_rows
    last = night(lake, source)
    assert (last.n_new, last.n_shut, last.n_seen) == (0, 0, 16)


def chest(folder: Path, study: str, numbers: Iterable[int]) -> Path:
    """Slices of one series and study, each with its number."""
    for n in numbers:
        ds = pydicom.dcmread(write_series(folder.parent / "spare") / "0.dcm")
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.InstanceNumber = study, f"{study}.1", n
        ds.ImagePositionPatient = [0, 0, 3.0 * n]
        folder.mkdir(exist_ok=True)
        ds.save_as(folder / f"{study}-{n:02d}")
    shutil.rmtree(folder.parent / "spare")
    return folder


def of_study(crawled: Crawled, study: str) -> str:
    rows = crawled.instances.to_pylist()
    (key,) = {r["study_key"] for r in rows if f"{study}-" in r["path"]}
    return str(key)


def test_a_series_of_which_a_folder_is_shut_waits(lake: Lake, tmp_path: Path, monkeypatch) -> None:
    root = tmp_path / "archive"
    root.mkdir()
    chest(root / "A", "1.1", range(1, 9))
    chest(root / "B", "1.1", range(9, 12))
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).rstrip("/").endswith("/B"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    source = archive.open_source(str(root), ArchiveSettings())
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scandir)
        first = crawl(lake, None, source, TODAY)
    assert first.waiting == {of_study(first, "1.1")}
    second = crawl(lake, None, source, TODAY)
    assert (second.instances.num_rows, second.waiting) == (11, frozenset())


def test_of_files_that_do_not_open_the_study_waits_in_a_flat_folder(
    lake: Lake, tmp_path: Path, monkeypatch
) -> None:
    """Of seven studies in one folder two lack files: in the middle, and at the end."""
    root = tmp_path / "archive"
    root.mkdir()
    for n in range(7):
        chest(root / "flat", f"1.{n}", range(1, 7))
    shut = {"1.2-03", "1.4-06"}
    real = builtins.open

    def opened(path: object, *args: object, **kwargs: object) -> object:
        if str(path).rpartition("/")[2] in shut:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *args, **kwargs)  # type: ignore[call-overload]

    source = archive.open_source(str(root), ArchiveSettings())
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", opened)
        first = crawl(lake, None, source, TODAY)
    assert first.instances.num_rows == 40
    assert first.waiting == {of_study(first, "1.2")}  # the other's end cannot be told
    second = crawl(lake, None, source, TODAY)
    assert second.waiting == frozenset()
    for name in shut:  # once known, a file is its study's: changed, and not to be opened
        os.utime(root / "flat" / name)
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", opened)
        third = crawl(lake, None, source, TODAY)
    assert third.instances.num_rows == 42
    assert third.waiting == {of_study(third, "1.2"), of_study(third, "1.4")}


def test_a_study_waits_for_the_targets_of_its_links(lake: Lake, tmp_path: Path) -> None:
    """As when the storage that some of its files were moved to is offline."""
    root = tmp_path / "archive"
    root.mkdir()
    chest(root / "A", "1.1", range(1, 9))
    chest(root / "B", "1.2", range(1, 9))
    moved = sorted((root / "A").iterdir())[5:]
    (root / "vault").mkdir()
    for file in moved:
        kept = file.rename(root / "vault" / file.name)
        file.symlink_to(kept)
    source = archive.open_source(str(root), ArchiveSettings())
    (root / "vault").rename(tmp_path / "offline")
    first = crawl(lake, None, source, TODAY)
    assert (first.instances.num_rows, first.waiting) == (13, {of_study(first, "1.1")})
    assert first.files["reason"].to_pylist() == ["unreadable"] * 3
    (tmp_path / "offline").rename(root / "vault")
    assert crawl(lake, None, source, TODAY).waiting == frozenset()
