"""Files that were images and are none any more, and such as nobody has read."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from archive_case import TODAY, Archive, setting, stack

from flows.crawl import Crawled, crawl
from screening import archive
from screening.config import ArchiveSettings
from screening.lake import Lake

Spoil = Callable[[Path], object]
SPOILT: dict[str, Spoil] = {
    "empty": lambda file: file.write_bytes(b""),
    "cut": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "zeroed": lambda file: file.write_bytes(bytes(file.stat().st_size)),
}


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    made = Lake.open(tmp_path / "lake", b"a secret for tests only", create=True)
    with made.lease("test"):
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One study."""
    return Archive(tmp_path / "archive").add(stack(), name="study/im{}").folder / "study"


def night(lake: Lake, folder: Path) -> Crawled:
    source = archive.open_source(archive.resolve(str(folder.parent)), ArchiveSettings())
    return crawl(lake, None, source, TODAY)


def digests(found: Crawled) -> set[str]:
    return set(found.instances["instance_digest"].to_pylist())


@pytest.mark.parametrize("how", SPOILT)
def test_what_was_an_image_stays_as_it_was_and_its_study_waits(
    lake: Lake, folder: Path, how: str
) -> None:
    first = night(lake, folder)
    files = sorted(folder.iterdir())[20:]
    whole = {file: file.read_bytes() for file in files}
    for file in files:
        SPOILT[how](file)
    for _ in range(2):
        found = night(lake, folder)
        assert digests(found) == digests(first)
        assert found.waiting == set(first.instances["study_key"].to_pylist())
        assert (found.n_spoilt, found.files.num_rows, found.n_seen) == (20, 0, 40)
    for file in files[:10]:
        file.write_bytes(whole[file])
    for file in files[10:]:
        file.unlink()
    last = night(lake, folder)
    assert (last.instances.num_rows, last.waiting, last.n_spoilt) == (30, frozenset(), 0)


@pytest.mark.parametrize("how", SPOILT)
def test_a_study_waits_whose_end_was_damaged_before_anybody_read_it(
    lake: Lake, folder: Path, how: str
) -> None:
    files = sorted(folder.iterdir(), key=lambda file: int(file.name[2:]))
    for file in files[25:]:
        SPOILT[how](file)
    for _ in range(2):
        found = night(lake, folder)
        assert found.instances.num_rows == 25
        assert found.waiting == set(found.instances["study_key"].to_pylist())
    for file in files[25:]:
        file.unlink()
    assert night(lake, folder).waiting == frozenset()


@pytest.mark.parametrize("how", SPOILT)
def test_a_plane_that_is_damaged_within_the_stack_is_for_measuring_to_judge(
    lake: Lake, folder: Path, how: str
) -> None:
    SPOILT[how](folder / "im20")
    found = night(lake, folder)
    assert (found.instances.num_rows, found.waiting) == (39, frozenset())


def two_series(where: Archive) -> Path:
    """A study of two series, the files of the second named after those of the first."""
    where.add(stack(), name="study/im{}")
    for n, ds in enumerate(stack(recon=1, edit=setting(SeriesInstanceUID="1.2.9"))):
        where.add([ds], name=f"study/im{101 + n}")
    return where.folder / "study"


def test_a_gap_in_one_series_is_not_where_anothers_end_is_missing(
    lake: Lake, tmp_path: Path
) -> None:
    folder = two_series(Archive(tmp_path / "archive"))
    for n in range(10, 15):
        (folder / f"im{n}").unlink()
    for n in range(136, 141):
        SPOILT["cut"](folder / f"im{n}")
    found = night(lake, folder)
    assert found.instances.num_rows == 70
    assert found.waiting == set(found.instances["study_key"].to_pylist())


def test_damaged_files_within_either_of_two_series_are_for_measuring_to_judge(
    lake: Lake, tmp_path: Path
) -> None:
    folder = two_series(Archive(tmp_path / "archive"))
    for n in (12, 13, 130):
        SPOILT["cut"](folder / f"im{n}")
    found = night(lake, folder)
    assert (found.instances.num_rows, found.waiting) == (77, frozenset())


def test_what_is_no_image_and_not_called_one_holds_nothing_back(lake: Lake, folder: Path) -> None:
    (folder / "README").write_text("what lies here")
    (folder / "_SUCCESS").write_bytes(b"")
    (folder / "thumbs7.db").write_bytes(bytes(1000))
    found = night(lake, folder)
    assert (found.files.num_rows, found.waiting) == (3, frozenset())


def test_in_a_folder_of_many_studies_nobody_can_tell_whose_it_is(
    lake: Lake, tmp_path: Path
) -> None:
    where = Archive(tmp_path / "archive")
    for n in range(6):
        uids = {"StudyInstanceUID": f"1.2.{n}", "SeriesInstanceUID": f"1.2.{n}.1"}
        where.add(stack(5, recon=n, edit=setting(**uids)), name="all/im{}")
    SPOILT["cut"](where.folder / "all" / "im4")
    found = night(lake, where.folder / "all")
    assert (found.instances.num_rows, found.waiting) == (29, frozenset())
