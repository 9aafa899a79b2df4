"""Object storage, against a local S3 server: what comes from it is what lies on the disk."""

import logging
import os
from datetime import UTC, date, datetime, timedelta

import pytest
from ct_series import write_series

pytest.importorskip("s3fs", reason="needs pip install 'screening[s3]'")
pytest.importorskip("moto", reason="needs pip install 'screening[test]'")
from s3_server import ACCESS, BUCKET, client, put, store, write_at

from screening.archive import list_files, open_source, read_bytes, read_headers, resolve, s3
from screening.archive.listing import STATS_SCHEMA
from screening.config import ArchiveSettings
from screening.errors import InfrastructureError, ScreeningError

TODAY = date(2026, 3, 1)
LIMITS = ArchiveSettings(requests_per_second=0, patience_seconds=0.6)
NOTHING = STATS_SCHEMA.empty_table()
ADDRESS = f"s3://{BUCKET}/ct"


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("disk")
    write_series(folder / "a b" / "ü", StudyDate="20250102")
    big = b"\0" * 128 + b"DICM" + b"no header"
    files = {
        "note.txt": b"no image",
        "DICOMDIR": b"x",
        ".hidden": b"x",
        ".snap/x": b"x",
        "cut": big,
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def endpoint(disk):
    with store() as address:
        put(address, disk, "ct/")
        put(address, disk, "ct-other/")
        yield address


@pytest.fixture(autouse=True)
def _environment(endpoint, monkeypatch):
    for name, value in {**ACCESS, "AWS_ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("screening.archive.s3._stores", {})


@pytest.fixture
def source():
    return open_source(resolve(ADDRESS), LIMITS)


def test_the_same_rows_as_from_the_folder(source, disk):
    source.check()
    listing, on_disk = source.list_files(NOTHING, TODAY), list_files(str(disk))
    for name in ("path", "size_bytes"):
        assert listing.stats[name].to_pylist() == on_disk.stats[name].to_pylist()
    # A store has no folders: what lies in a hidden one is told file by file.
    assert listing.ignored["path"].to_pylist() == [".hidden", ".snap/x", "DICOMDIR"]
    found, wanted = source.read_headers(listing.stats), read_headers(str(disk), on_disk.stats)
    for a, b in ((found.instances, wanted.instances), (found.files, wanted.files)):
        assert a.drop_columns("mtime_ns").equals(b.drop_columns("mtime_ns"))


def test_a_store_has_no_pace_of_a_pacs_unless_it_is_set(endpoint):
    def limits(given):
        return open_source(ADDRESS, given)._throttle()._limits

    assert limits(ArchiveSettings()).requests_per_second == 0
    assert limits(ArchiveSettings()).connections == 32
    assert limits(ArchiveSettings(connections=3)).connections == 3
    assert limits(ArchiveSettings(requests_per_second=7)).requests_per_second == 7


def test_pages_of_a_listing_are_followed_to_the_last(source, monkeypatch):
    whole, n_asked = source.list_files(NOTHING, TODAY).stats, []
    real = s3._page

    def small(store, **asked):
        n_asked.append(1)
        return real(store, MaxKeys=2, **asked)

    monkeypatch.setattr(s3, "_page", small)
    assert source.list_files(NOTHING, TODAY).stats.equals(whole)
    assert len(n_asked) > whole.num_rows / 2


def test_bytes_come_in_the_order_asked_for(source, disk):
    paths = source.list_files(NOTHING, TODAY).stats["path"].to_pylist()[::-1]
    assert source.read_bytes(paths) == read_bytes(str(disk), paths)


def test_the_mark_changes_with_the_content_alone(source, endpoint, disk):
    def marks():
        stats = source.list_files(NOTHING, TODAY).stats
        return dict(zip(stats["path"].to_pylist(), stats["mtime_ns"].to_pylist(), strict=True))

    before = marks()
    assert all(0 <= mark < 2**62 for mark in before.values())
    objects = client(endpoint)
    objects.put_object(Bucket=BUCKET, Key="ct/note.txt", Body=b"no image")
    assert marks() == before
    objects.put_object(Bucket=BUCKET, Key="ct/note.txt", Body=b"no IMAGE")
    changed = marks()
    assert {path for path in before if before[path] != changed[path]} == {"note.txt"}
    objects.delete_object(Bucket=BUCKET, Key="ct/note.txt")
    assert before.keys() - marks().keys() == {"note.txt"}
    objects.put_object(Bucket=BUCKET, Key="ct/note.txt", Body=b"no image")


def test_an_object_just_written_is_held_back(endpoint, disk):
    """As in a folder: what is younger than `settle_minutes` is young, unless everything is."""
    put(endpoint, disk, "settling/")
    source = open_source(resolve(f"s3://{BUCKET}/settling"), LIMITS)
    assert source.list_files(NOTHING, TODAY).young == frozenset()  # all of it was just copied
    now = datetime.now(UTC)
    for path in source.list_files(NOTHING, TODAY).stats["path"].to_pylist():
        write_at(f"settling/{path}", now - timedelta(hours=1))
    write_at("settling/a b/ü/3.dcm", now - timedelta(minutes=9))
    write_at("settling/a b/ü/4.dcm", now - timedelta(minutes=11))
    assert source.list_files(NOTHING, TODAY).young == {"a b/ü/3.dcm"}
    nothing_waits = LIMITS.model_copy(update={"settle_minutes": 0})
    assert open_source(source.address, nothing_waits).list_files(NOTHING, TODAY).young == set()


def test_what_is_gone_is_unreachable_not_bad(source):
    stats = source.list_files(NOTHING, TODAY).stats.slice(0, 2)
    gone = stats.set_column(0, "path", [["a b/ü/0.dcm", "a b/ü/CANARY.dcm"]])
    shard = source.read_headers(gone)
    assert shard.files["reason"].to_pylist() == ["unreachable"]
    assert shard.instances.num_rows == 1
    with pytest.raises(InfrastructureError, match="file 2 of 2") as caught:
        source.read_bytes(gone["path"].to_pylist())
    assert "CANARY" not in str(caught.value)


def complaint(address):
    with pytest.raises(ScreeningError) as caught:
        open_source(resolve(address), LIMITS).check()
    return str(caught.value)


def test_addresses_that_lead_nowhere(monkeypatch):
    assert "nothing there" in complaint("s3://no-such-bucket")
    assert "nothing there" in complaint(f"s3://{BUCKET}/no-such-prefix")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("screening.archive.s3._stores", {})
    assert "cannot be reached" in complaint(ADDRESS)


def test_without_credentials_no_cloud_is_asked(monkeypatch, tmp_path):
    for name in ACCESS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED", raising=False)
    assert "no access; check AWS_ACCESS_KEY_ID" in complaint(ADDRESS)
    assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"


def test_a_wrong_key(monkeypatch):
    monkeypatch.setattr("moto.settings.INITIAL_NO_AUTH_ACTION_COUNT", 0)
    assert "no access; check AWS_ACCESS_KEY_ID" in complaint(ADDRESS)


def test_nothing_of_it_is_logged(source, caplog):
    with caplog.at_level(logging.DEBUG):
        stats = source.list_files(NOTHING, TODAY).stats
        source.read_headers(stats)
        source.read_bytes(stats["path"].to_pylist())
    for record in caplog.records:
        if not record.name.startswith("werkzeug"):  # the server, which lives in this process
            assert "dcm" not in record.getMessage()


def pages(monkeypatch, answers):
    """Let the store answer as told, whatever it is asked; the last answer for ever."""
    asked = []

    def page(store, **question):
        asked.append(question)
        assert len(asked) < 20, "the listing does not end"
        return answers[min(len(asked), len(answers)) - 1]

    monkeypatch.setattr(s3, "_page", page)
    return asked


def told(*names, token=None, is_cut=True):
    objects = [{"Key": f"ct/{name}", "Size": 5, "ETag": f"of {name}"} for name in names]
    page = {"Contents": objects, "IsTruncated": is_cut}
    return page | ({"NextContinuationToken": token} if token else {})


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([told("a/1", token="t"), told("b/2", "b/3", token="t")], "same token"),
        ([told("a/1", token="t"), told("b/2", "b/3")], "not where"),
        (
            [told("a/1", token="s"), *(told("b/2", "b/3", token=f"t{n}") for n in range(20))],
            "same page",
        ),
    ],
)
def test_a_listing_that_does_not_get_on_ends_and_what_it_did_not_show_stays(
    source, monkeypatch, answers, why
):
    pages(monkeypatch, [told("a/1", "b/2", "b/3", "z/9", "z/old", is_cut=False)])
    known = source.list_files(NOTHING, TODAY).stats
    pages(monkeypatch, answers)
    listing = source.list_files(known, TODAY)
    assert why in listing.cut_short
    assert listing.stats.sort_by("path").equals(known)
    (row,) = listing.ignored.to_pylist()
    assert (row["path"], row["reason"]) == ("b/?", "unreachable")
    pages(monkeypatch, answers)
    first = source.list_files(NOTHING, TODAY)
    assert first.stats["path"].to_pylist() == ["a/1", "b/2", "b/3"]


def test_a_key_listed_twice_is_one_file_as_it_was_told_last(source, monkeypatch):
    newer = told("a", "b", "c", is_cut=False)
    newer["Contents"][1] |= {"Size": 7}
    pages(monkeypatch, [told("b", "a", "z", "y", token="t"), newer])
    listing = source.list_files(NOTHING, TODAY)
    assert listing.stats["path"].to_pylist() == ["a", "b", "c", "y", "z"]
    assert listing.stats["size_bytes"].to_pylist() == [5, 7, 5, 5, 5]
    assert listing.cut_short == ""


def test_every_request_is_counted_in_the_pace(source, monkeypatch, caplog):
    """None is made that nobody counts, such as a HEAD before each GET."""
    paced = []
    monkeypatch.setattr("screening.archive.throttle.Throttle.request", lambda _: paced.append(1))
    with caplog.at_level(logging.INFO):
        source.check()
        stats = source.list_files(NOTHING, TODAY).stats
        source.read_headers(stats)
        n_headers = len(paced)
        source.read_bytes(stats["path"].to_pylist())
    made = [r.getMessage() for r in caplog.records if r.name == "werkzeug"]
    assert len(made) == len(paced) == n_headers + stats.num_rows
    assert not [line for line in made if "HEAD" in line]
    assert sum("0.dcm" in line for line in made) == 2  # of a plain file one for its header


def test_of_a_long_header_what_is_beyond_the_first_bytes_is_fetched(
    endpoint, tmp_path, monkeypatch
):
    file = write_series(tmp_path / "long", StudyComments="x" * 10_000) / "0.dcm"
    put(endpoint, tmp_path, "long/")
    source = open_source(resolve(f"s3://{BUCKET}/long"), LIMITS)
    monkeypatch.setattr(s3, "_HEAD_BYTES", 512)
    stats = source.list_files(NOTHING, TODAY).stats
    found, wanted = source.read_headers(stats), read_headers(str(tmp_path), stats)
    assert file.stat().st_size > 10_000
    assert found.instances.equals(wanted.instances)
    assert found.instances.num_rows == 8
