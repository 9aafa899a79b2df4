"""Every file is listed once or left alone with a reason; nothing outside is touched."""

import errno
import os
import re

import pytest

from screening.archive import list_files, read_bytes, resolve
from screening.errors import InfrastructureError, ScreeningError


def ignored(listing):
    table = listing.ignored
    return dict(zip(table["path"].to_pylist(), table["reason"].to_pylist(), strict=True))


def test_files_are_listed_sorted_with_size_and_time(tmp_path, put):
    for path in ("b/2", "b/1", "a", "b/c/IM 1.dcm"):
        put(path, b"x" * len(path))
    stats = list_files(str(tmp_path)).stats
    assert stats["path"].to_pylist() == ["a", "b/1", "b/2", "b/c/IM 1.dcm"]
    assert stats["size_bytes"].to_pylist() == [1, 3, 3, 12]
    assert stats["mtime_ns"].to_pylist()[0] == (tmp_path / "a").stat().st_mtime_ns


def test_the_walk_goes_by_path_whatever_folders_are_called(tmp_path, put, monkeypatch):
    """A slash sorts between a full stop and a nought: a folder's place is not its name's."""
    monkeypatch.setattr("screening.archive.listing._AT_ONCE", 2)
    names = ["a/1", "a/b/2", "a/b.x", "a/b0", "a.txt", "a0", "a-1/z", "B", "z", "é/1", "é0", "é-"]
    for name in names:
        put(name, b"x")
    stats = list_files(str(tmp_path)).stats
    assert stats["path"].to_pylist() == sorted(names)


def test_an_empty_archive_is_an_empty_listing(tmp_path):
    listing = list_files(str(tmp_path))
    assert (listing.stats.num_rows, listing.ignored.num_rows) == (0, 0)


def test_what_is_left_alone(tmp_path_factory, tmp_path, put):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").write_bytes(b"x")
    for path in ("DICOMDIR", ".hidden", ".snap/copy", "sub/real"):
        put(path, b"x")
    (tmp_path / "out").symlink_to(outside / "secret")
    (tmp_path / "outfolder").symlink_to(outside)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "inside").symlink_to(tmp_path / "sub" / "real")
    os.mkfifo(tmp_path / "pipe")
    listing = list_files(str(tmp_path))
    assert listing.stats["path"].to_pylist() == ["inside", "sub/real"]
    names = ("DICOMDIR", ".hidden", ".snap", "out", "outfolder", "loop", "pipe")
    assert ignored(listing) == dict.fromkeys(names, "ignored_file")


def test_a_link_whose_target_cannot_be_seen_is_a_file_that_is_missing(tmp_path, put):
    put("archive/1", b"x")
    root = tmp_path / "archive"
    (root / "inside").symlink_to(root / "offline" / "2")
    (root / "itself").symlink_to("itself")
    (root / "outside").symlink_to(tmp_path / "offline" / "3")
    listing = list_files(str(root))
    assert listing.stats["path"].to_pylist() == ["1", "inside", "itself"]
    assert ignored(listing) == {"outside": "unreadable"}


def test_a_folder_called_like_an_index_of_media_is_a_folder(tmp_path, put):
    for name in ("DICOMDIR/1", "sub/DICOMDIR"):
        put(name, b"x")
    listing = list_files(str(tmp_path))
    assert listing.stats["path"].to_pylist() == ["DICOMDIR/1"]
    assert ignored(listing) == {"sub/DICOMDIR": "ignored_file"}


def test_a_denied_folder_is_a_row(tmp_path, put, monkeypatch):
    put("open/1", b"x")
    put("shut/1", b"x")
    real = os.scandir

    def scandir(path):
        if str(path).rstrip("/").endswith("shut"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    listing = list_files(str(tmp_path))
    assert listing.stats["path"].to_pylist() == ["open/1"]
    assert ignored(listing) == {"shut": "unreadable"}


def test_what_is_the_file_systems_own_is_left_alone(tmp_path, put):
    for name in ("lost+found/1", "deep/lost+found/1", "a"):
        put(name, b"x")
    listing = list_files(str(tmp_path))
    assert listing.stats["path"].to_pylist() == ["a"]
    assert ignored(listing) == dict.fromkeys(("deep/lost+found", "lost+found"), "ignored_file")


def test_a_denied_archive_is_the_surroundings_fault(tmp_path, monkeypatch):
    def scandir(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InfrastructureError, match="Permission denied") as caught:
        list_files(str(tmp_path))
    assert tmp_path.name not in str(caught.value)


def test_a_name_that_is_no_text_is_a_row(tmp_path):
    (tmp_path / os.fsdecode(b"b\xe4d")).touch()
    assert ignored(list_files(str(tmp_path))) == {"b\\udce4d": "unreadable"}


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://pacs/dicom-web/", "https://pacs/dicom-web"),
        ("dicom://AET@pacs", "dicom://AET@pacs:104"),
        ("dicom-tls://A%20ET@pacs", "dicom-tls://A%20ET@pacs:2762"),
        ("dicom://AET@[::1]:4242", "dicom://AET@[::1]:4242"),
        ("s3://bucket/a/", "s3://bucket/a"),
    ],
)
def test_addresses_of_servers(url, address):
    assert resolve(url) == address


def test_addresses(tmp_path, put):
    folder = put("with space/x", b"x").parent
    assert resolve(str(folder)) == str(folder)
    assert resolve(folder.as_uri()) == str(folder)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://host/a", "ftp:// is not supported; give a folder's path, file:///folder, s3://"),
        ("file://elsewhere/a", "another host"),
        ("/no/such/folder", "no such folder"),
        ("https://me:secret@pacs/dicom-web", "SCREENING_ARCHIVE_PASSWORD"),
        ("https:///dicom-web", "https://host/dicom-web"),
        ("dicom://pacs:104", "dicom://AET@host:port"),
        ("dicom://TITLE@", "dicom://AET@host:port"),
        ("dicom://TITLE@host:port", "dicom://AET@host:port"),
        ("dicom://A%20TITLE%20TOO%20LONG.@host", "1 to 16 characters"),
        ("dicom://TITLE@host/path", "dicom://AET@host:port"),
        ("s3://key:secret@bucket/a", "AWS_SECRET_ACCESS_KEY"),
        ("s3:///a", "s3://bucket/prefix"),
    ],
)
def test_addresses_that_are_refused(url, says):
    with pytest.raises(ScreeningError, match=re.escape(says)) as caught:
        resolve(url)
    assert "secret" not in str(caught.value)
    assert not isinstance(caught.value, InfrastructureError)


def test_a_file_is_no_archive(put):
    with pytest.raises(ScreeningError, match="not a folder"):
        resolve(str(put("file", b"x")))


def test_bytes_come_in_the_order_asked_for(tmp_path, put):
    put("a", b"first")
    put("b/c", b"second")
    assert read_bytes(str(tmp_path), ["b/c", "a"]) == [b"second", b"first"]


def test_nothing_outside_is_read(tmp_path, put):
    put("archive/a", b"x")
    put("archive-secret", b"x")
    root = tmp_path / "archive"
    (root / "link").symlink_to(tmp_path / "archive-secret")
    for path in ("../archive-secret", "link", str(tmp_path / "archive-secret"), "", "a/../.."):
        with pytest.raises(ScreeningError, match="outside the archive") as caught:
            read_bytes(str(root), [path])
        assert not isinstance(caught.value, InfrastructureError)


def test_a_vanished_file_is_the_surroundings_fault(tmp_path, put):
    put("a", b"x")
    with pytest.raises(InfrastructureError, match="file 2 of 2") as caught:
        read_bytes(str(tmp_path), ["a", "CANARY"])
    assert "CANARY" not in str(caught.value)
    assert tmp_path.name not in str(caught.value)
