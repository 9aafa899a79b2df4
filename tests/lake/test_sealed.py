"""Index, pictures and what was seen; and that nothing outside the seals says who anyone is."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from index_case import write_index

from screening.errors import ScreeningError
from screening.lake import Lake, parts
from screening.lake import index as index_module
from screening.lake.index import IndexStore
from screening.schema import Table
from screening.tables import FILES, INSTANCES, LAKE_TABLES


def _files(*paths):
    rows = [{"path": p, "size_bytes": 1, "mtime_ns": 1, "reason": "not_dicom"} for p in paths]
    return pa.Table.from_pylist(rows, schema=FILES.schema)


def _index(lake, build, n=60):
    raw = build.raw(*[{"scan": str(i % 7)} for i in range(n)])
    return lake.vault.pseudonymise(raw), _files("b/notes.txt", "a.txt", "top")


def test_the_index_comes_back_sorted(lake, build):
    assert lake.read_index().instances.equals(INSTANCES.empty())
    instances, files = _index(lake, build)
    with lake.lease("r"):
        write_index(lake, instances.take(pa.array(range(59, -1, -1))), files)
    index = Lake.open(lake.path, build.secret, create=False).read_index()
    assert index.instances.equals(instances)
    assert index.files["path"].to_pylist() == ["a.txt", "b/notes.txt", "top"]


def _contents(lake):
    return {p.name: p.read_bytes() for p in (lake.path / "index").iterdir()}


def test_only_changed_parts_are_written_again(lake, build, monkeypatch):
    monkeypatch.setattr(parts, "PART_INSTANCES", 10)
    instances, files = _index(lake, build)
    with lake.lease("r"):
        index = write_index(lake, instances, files)
        assert index is not None
        before = _contents(lake)
        n_parts = len(before) - 1  # beside the head
        assert n_parts > 1
        stays = np.ones(60, np.bool_)
        stays[17] = False
        gone = index.columns("path")["path"][17].as_py()
        kept = lake.write_index(index.renewed(stays, lake.fresh(index, 0), files))
        after = _contents(lake)
        assert len(before.keys() & after.keys()) == n_parts  # the head, and all parts but one
        assert kept.instances.equals(lake.read_index().instances)
        paths = instances["path"].to_pylist()
        assert kept.instances["path"].to_pylist() == [p for p in paths if p != gone]
        write_index(lake, INSTANCES.empty(), FILES.empty())
    assert lake.read_index().instances.num_rows == 0
    assert list(_contents(lake)) == ["head.sealed"]


def test_a_changed_or_swapped_file_is_refused(lake, build, monkeypatch):
    monkeypatch.setattr(parts, "PART_INSTANCES", 10)
    with lake.lease("r"):
        write_index(lake, *_index(lake, build))
    for file in (lake.path / "index").iterdir():
        content = file.read_bytes()
        (other, *_) = (o for o in (lake.path / "index").iterdir() if o != file)
        for wrong in (content[:-1] + bytes([content[-1] ^ 1]), content[:50], other.read_bytes()):
            file.write_bytes(wrong)
            with pytest.raises(ScreeningError, match="damaged"):
                _ = lake.read_index().instances
        file.write_bytes(content)
    assert lake.read_index().n_instances == 60
    next(p for p in (lake.path / "index").iterdir() if p.name != "head.sealed").unlink()
    with pytest.raises(ScreeningError, match="try again"):
        _ = lake.read_index().instances


def test_a_night_killed_before_its_head_leaves_the_index_of_the_last(lake, build, monkeypatch):
    instances, files = _index(lake, build)
    with lake.lease("r"):
        before = write_index(lake, instances.slice(0, 20), files)
        assert before is not None

        def killed(self, files, parts):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(IndexStore, "_write_head", killed)
            with pytest.raises(KeyboardInterrupt):
                write_index(lake, instances, files)
        assert len(_contents(lake)) > 2
        assert lake.read_index().instances.equals(instances.slice(0, 20))
        write_index(lake, instances, files)
        assert lake.read_index().instances.equals(instances)
        assert len(_contents(lake)) == 2  # what the killed one left is gone


def test_what_an_older_program_left_in_shards_is_cleared_away(lake, build):
    (lake.path / "index/shard-03.sealed").write_bytes(b"sealed by an older program")
    assert lake.read_index().n_instances == 0
    with lake.lease("r"):
        write_index(lake, *_index(lake, build))
    assert "shard-03.sealed" not in _contents(lake)


@given(st.data())
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_an_index_holds_what_stays_and_what_is_new(lake, build, monkeypatch, data):
    """Night after night, however many parts and spilled pieces there are: a dict knows as much."""
    monkeypatch.setattr(parts, "PART_INSTANCES", data.draw(st.integers(3, 30)))
    known: dict[str, dict[str, object]] = {}
    with lake.lease("r"):
        index = write_index(lake, INSTANCES.empty(), FILES.empty())
        for night in range(data.draw(st.integers(1, 4))):
            stays = np.array(
                data.draw(st.lists(st.booleans(), min_size=len(known), max_size=len(known))),
                np.bool_,
            )
            paths = index.columns("path")["path"].to_pylist()
            assert sorted(paths) == sorted(known)
            for path, stay in zip(paths, stays, strict=True):
                if not stay:
                    del known[path]
            fresh = lake.fresh(index, n := data.draw(st.integers(0, 25)))
            cut = data.draw(st.integers(0, n))
            rows = [_row(f"{night}/{k}", data.draw(st.integers(0, 9))) for k in range(n)]
            known |= {str(row["path"]): row for row in rows}
            for some, is_last in ((rows[:cut], False), (rows[cut:], True)):
                fresh.add(pa.Table.from_pylist(some, schema=INSTANCES.schema), is_last)
            renewed = index.renewed(stays, fresh, FILES.empty())
            expected = [known[path] for path in sorted(known)]
            assert renewed.instances.to_pylist() == expected
            index = lake.write_index(renewed)
            assert index.instances.to_pylist() == expected
            assert list((lake.path / "index").glob(".tmp-*")) == []
            of_part = [set(part["series_key"].to_pylist()) for part in index.read()]
            assert sum(map(len, of_part)) == len(set().union(*of_part))  # a series lies in one part


def _row(path, series):
    return dict.fromkeys(INSTANCES.schema.names) | {"path": path, "series_key": f"s{series}"}


def test_pictures_come_back_and_cannot_be_swapped(lake):
    with lake.lease("r"):
        lake.store_picture("s_1", b"one")
        lake.store_picture("s_2", b"two")
        lake.store_picture("s_2", b"two, better")
        with pytest.raises(ScreeningError, match="series key"):
            lake.store_picture("../../etc/passwd", b"")
    assert lake.read_picture("s_2") == b"two, better"
    assert lake.read_picture("s_3") is None
    assert lake.read_picture("s_2", "of a model") == b"two, better"  # as older lakes have it
    folder = lake.path / "vault/pictures"
    (folder / "s_1.picture").write_bytes((folder / "s_2.picture").read_bytes())
    with pytest.raises(ScreeningError, match="damaged"):
        lake.read_picture("s_1")


def test_what_was_seen_is_sealed_apart_from_the_pictures(lake, build):
    with lake.lease("r"):
        lake.store_picture("s_1", b"picture")
        lake.store_seen("s_1", b"voxels of somebody")
    assert Lake.open(lake.path, build.secret, create=False).read_seen("s_1") == (
        b"voxels of somebody"
    )
    assert lake.read_seen("s_2") is None
    file, picture = lake.path / "vault/seen/s_1.seen", lake.path / "vault/pictures/s_1.picture"
    assert b"voxels" not in file.read_bytes()
    assert file.parent.stat().st_mode & 0o077 == 0
    file.write_bytes(picture.read_bytes())  # another key: one is not taken for the other
    with pytest.raises(ScreeningError, match="damaged"):
        lake.read_seen("s_1")
    with lake.lease("r"):
        lake.store_seen("s_1", b"voxels", "a" * 64)
        lake.store_seen("s_12", b"of another", "a" * 64)
        lake.forget_images(frozenset({"s_1", "s_2"}))
    assert lake.read_seen("s_1") is None
    assert lake.read_seen("s_1", "a" * 64) is None
    assert lake.read_picture("s_1") is None
    assert lake.read_seen("s_12", "a" * 64) == b"of another"


def test_what_models_saw_is_kept_apart(lake):
    one, other = "a" * 64, "b" * 64
    with lake.lease("r"):
        lake.store_picture("s_1", b"by one", one)
        lake.store_picture("s_1", b"by the other", other)
    assert (lake.read_picture("s_1", one), lake.read_picture("s_1", other)) == (
        b"by one",
        b"by the other",
    )
    assert lake.read_picture("s_1", "c" * 64) is None


def test_a_lake_of_an_earlier_program_is_read_as_it_is_and_written_to_later(lake, build):
    folder = lake.path / "vault/seen"
    assert not folder.exists()
    opened = Lake.open(lake.path, build.secret, create=False)
    assert opened.read_seen("s_1") is None
    assert not folder.exists()
    with opened.lease("r"):
        opened.store_seen("s_1", b"voxels")
    assert folder.stat().st_mode & 0o077 == 0
    assert opened.read_seen("s_1") == b"voxels"


def test_canaries_are_nowhere_in_the_lake(tmp_path, build):
    canaries = ["CanaryNumber77", "9.8.7.6.5", "CANARYISSUER", "CanaryFolder", "CanaryText"]
    canaries += ["CanaryAccession", "CanaryReason", "1951-07-13", "19510713"]
    lake = Lake.open(tmp_path / "lake", None, create=True, default_issuer="CANARYISSUER")
    raw = build.raw(
        {
            "path": "CanaryFolder/1",
            "patient_id": "CanaryNumber77",
            "descriptions": "CanaryText",
            "accession": "CanaryAccession",
            "birth_date": date(1951, 7, 13),
            "study_instance_uid": "9.8.7.6.5",
            "series_instance_uid": "9.8.7.6.5.1",
            "sop_instance_uid": "9.8.7.6.5.1.1",
        }
    )
    keyed = lake.vault.pseudonymise(raw)
    person, key = keyed["person_key"][0].as_py(), keyed["series_key"][0].as_py()
    folder = tmp_path / "sql"
    folder.mkdir()
    (folder / "out_series.sql").write_text(
        "-- title: t\n-- grain: g\n-- key: series_key\n-- reads: raw_series\n-- privacy: keys\n"
        "-- publish: operations\nselect * from raw_series"
    )
    with lake.lease("r"):
        write_index(lake, keyed, _files("CanaryFolder/2"))
        lake.replace("series", build.series(series_key=[key], person_key=[person]))
        lake.append("dispositions", build.dispositions(build.disposition(key)), "r", 1)
        lake.store_picture(key, b"CanaryText")
        lake.store_seen(key, b"CanaryText")
        lake.vault.store_birth_dates(
            pa.table({"person_key": [person], "birth_date": [date(1951, 7, 13)]})
        )
        lake.vault.identify([person], "CanaryReason")
        lake.publish(date(2026, 1, 1), "r", folder=folder)
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) > 8
    for file in files:
        content = file.read_bytes().lower()
        for canary in canaries:
            assert canary.lower().encode() not in content, (file.name, canary)
    # Parquet is compressed: look at the values as well.
    values = str([lake.read(name).to_pylist() for name in LAKE_TABLES])
    assert not any(canary in values for canary in canaries)
    assert "CanaryNumber77" not in repr(lake)
    assert str(lake._manifest.data_key) not in repr(lake)


def test_an_index_of_an_older_program_is_read_anew(lake, build, monkeypatch):
    instances, files = _index(lake, build)
    older = index_module.INSTANCES
    fewer = Table("instances", older.grain, older.key, older.columns[:-1])
    with monkeypatch.context() as patch:
        patch.setattr(index_module, "INSTANCES", fewer)
        with lake.lease("older"):
            write_index(lake, instances.select(fewer.schema.names), files)
    assert lake.read_index().instances.num_rows == 0
    assert lake.read_index().files.num_rows == 0
    with lake.lease("newer"):
        write_index(lake, instances, files)
    assert lake.read_index().instances.num_rows == instances.num_rows


def test_an_index_of_headers_read_otherwise_is_read_anew(lake, build, monkeypatch):
    instances, files = _index(lake, build)
    with lake.lease("older"):
        write_index(lake, instances, files)
    assert lake.read_index().instances.num_rows == instances.num_rows
    monkeypatch.setattr(index_module, "HEADERS_VERSION", index_module.HEADERS_VERSION + 1)
    assert lake.read_index().instances.num_rows == 0
