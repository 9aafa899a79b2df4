"""Tables: exactly once, no idle growth, keys unique."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from screening.errors import ScreeningError
from screening.lake import Lake
from screening.tables import DISPOSITIONS, LAKE_TABLES, PERSON, RUNS


def _version(lake, name):
    return DeltaTable(lake.path / "tables" / name).version()


def _people(*rows):
    names = ("person_key", "sex", "race", "death_date")
    known = [dict(zip(names, row, strict=True)) for row in rows]
    return pa.Table.from_pylist(known, schema=PERSON.schema)


def test_every_table_is_readable_before_it_is_written(lake):
    for name, table in LAKE_TABLES.items():
        assert lake.read(name).schema.equals(table.schema)
    with pytest.raises(ScreeningError, match="no table nothing"):
        lake.read("nothing")


@pytest.mark.parametrize("name", list(LAKE_TABLES))
def test_an_all_null_column_keeps_its_type(lake, name):
    table = LAKE_TABLES[name]
    row = pa.Table.from_pylist([dict.fromkeys(table.schema.names)], schema=table.schema)
    with lake.lease("r"):
        assert lake.append(name, row, "r", 1)
    assert lake.read(name).equals(row)


def test_a_repeated_transaction_is_skipped(lake, build):
    with lake.lease("r"):
        runs = pa.Table.from_pylist(
            [dict.fromkeys(RUNS.schema.names) | {"run_id": "r"}], schema=RUNS.schema
        )
        assert [lake.append("runs", runs, "r", 1) for _ in range(3)] == [True, False, False]
    assert lake.read("runs").num_rows == 1
    lake.check_keys()


def test_a_key_is_appended_once_whoever_brings_it(lake, build):
    with lake.lease("first"):
        assert lake.append(
            "dispositions",
            build.dispositions(build.disposition("s1"), build.disposition("s1", agatston=9.0)),
            "first",
            1,
        )
    # Another run, another process: the key is found in the table, not in memory.
    again = Lake.open(lake.path, build.secret, create=False)
    with again.lease("second"):
        both = build.dispositions(build.disposition("s1"), build.disposition("s2"))
        assert again.append("dispositions", both, "second", 1)
        assert not again.append("dispositions", both, "second", 2)
        newer = build.dispositions(build.disposition("s1", scoring_version=2))
        assert again.append("dispositions", newer, "second", 3)
    keys = [("series_key", "ascending"), ("scoring_version", "ascending")]
    rows = again.read("dispositions").sort_by(keys).to_pylist()
    assert [(r["series_key"], r["scoring_version"]) for r in rows] == [
        ("s1", 1),
        ("s1", 2),
        ("s2", 1),
    ]
    assert rows[0]["agatston"] is None
    again.check_keys()


def test_what_rules_said_gives_way_to_what_they_say_and_work_to_nothing(lake, build):
    def put(version, *rows):
        return lake.append("dispositions", build.dispositions(*rows), "r", version)

    def refused(key, reason, state="ineligible"):
        rules = {"model_digest": "", "scoring_version": 0}
        return build.disposition(key, state, reasons=[reason], **rules)

    with lake.lease("r"):
        assert put(1, refused("s1", "opted_out"), build.disposition("s2"))
        assert put(2, refused("s1", "not_chosen"))
        assert not put(3, refused("s1", "not_chosen"))
        assert not put(4, refused("s1", "still_arriving", "pending"))
        assert not put(5, build.disposition("s2", "failed", reasons=["crashed"]))
    rows = {
        r["series_key"]: (r["state"], r["reasons"]) for r in lake.read("dispositions").to_pylist()
    }
    assert rows == {"s1": ("ineligible", ["not_chosen"]), "s2": ("scored", [])}
    lake.check_keys()


def test_pending_gives_way_and_never_returns(lake, build):
    def states():
        return {r["series_key"]: r["state"] for r in lake.read("dispositions").to_pylist()}

    def put(version, *rows):
        return lake.append("dispositions", build.dispositions(*rows), "r", version)

    with lake.lease("r"):
        pending = build.disposition("s1", "pending", reasons=["unreachable"])
        assert put(1, pending, build.disposition("s2"))
        assert not put(2, pending)  # the same again leaves no trace
        assert put(3, build.disposition("s1", "pending", reasons=["night_over"]))
        lesion = {
            "label": "LAD",
            "probability": 0.9,
            "agatston": 5.0,
            "volume_mm3": 4.0,
            "max_hu": 300,
            "centroid_lps_mm": [1.0, 2.0, 3.0],
            "slices": [4, 5],
            "mass_mg": 1.5,
            "mean_hu": 250.0,
            "density": 2.0,
        }
        when = datetime(2026, 1, 2, tzinfo=UTC)
        done = build.disposition("s1", lesions=[lesion], agatston=5.0, committed_at=when)
        assert put(4, done, build.disposition("s3", "pending", reasons=["night_over"]))
        assert not put(5, pending)
    assert states() == {"s1": "scored", "s2": "scored", "s3": "pending"}
    found = [r for r in lake.read("dispositions").to_pylist() if r["series_key"] == "s1"]
    assert found[0]["lesions"] == [lesion]
    assert lake.read("dispositions").schema.equals(DISPOSITIONS.schema)
    lake.check_keys()


def test_replace_of_the_same_content_leaves_no_trace(lake):
    with lake.lease("r"):
        people = _people(("p2", "M", "", None), ("p1", "F", "white", None))
        assert lake.replace("person", people)
        version = _version(lake, "person")
        assert not lake.replace("person", people.take([1, 0]))
        assert _version(lake, "person") == version
        assert lake.replace("person", _people(("p1", "F", "white", None)))
    assert lake.read("person")["person_key"].to_pylist() == ["p1"]


def test_replace_takes_a_change_of_a_volatile_column(lake):
    runs = [
        pa.Table.from_pylist(
            [dict.fromkeys(RUNS.schema.names) | {"files_seen": 1, "seconds": seconds}],
            schema=RUNS.schema,
        )
        for seconds in (1.0, 2.0)
    ]
    with lake.lease("r"):
        assert lake.replace("runs", runs[0])
        assert not lake.replace("runs", runs[0])
        assert lake.replace("runs", runs[1])


def test_replace_by_nothing_empties(lake):
    with lake.lease("r"):
        lake.replace("person", _people(("p1", "F", "", None)))
        assert lake.replace("person", PERSON.empty())
        assert not lake.replace("person", PERSON.empty())
    assert lake.read("person").num_rows == 0


def test_repeated_keys_are_refused_and_found(lake):
    twice = _people(("p1", "F", "", None), ("p1", "M", "", None))
    with lake.lease("r"):
        with pytest.raises(ScreeningError, match="person: 1 rows repeat a key"):
            lake.replace("person", twice)
        assert lake.read("person").num_rows == 0
        lake.append("person", twice, "r", 1)
    with pytest.raises(ScreeningError, match="person: 1 rows repeat a key"):
        lake.check_keys()


def test_other_columns_are_refused(lake):
    with lake.lease("r"), pytest.raises(ScreeningError, match="missing columns"):
        lake.append("person", pa.table({"person_key": ["p"]}), "r", 1)


def test_nothing_is_written_without_the_lease(lake):
    for write in (
        lambda: lake.append("person", PERSON.empty(), "r", 1),
        lambda: lake.replace("person", PERSON.empty()),
        lambda: lake.maintain(),
        lambda: lake.store_picture("s", b""),
        lambda: lake.store_seen("s", b""),
        lambda: lake.forget_images(frozenset("s")),
    ):
        with pytest.raises(ScreeningError, match="lease"):
            write()


def test_a_table_written_before_a_column_was_declared(lake, build):
    older = build.dispositions(build.disposition("s1")).drop_columns(["image_digest"])
    write_deltalake(lake.path / "tables/dispositions", older)
    assert lake.read("dispositions")["image_digest"].to_pylist() == [None]
    with lake.lease("r"):
        newer = build.dispositions(build.disposition("s2", image_digest="d"))
        lake.append("dispositions", newer, "r", 1)
    rows = lake.read("dispositions").sort_by("series_key")
    assert rows["image_digest"].to_pylist() == [None, "d"]


def test_lesions_written_before_they_had_a_mass(lake, build):
    """A field added within a list of structures: old rows stay readable, new ones join them."""
    lesion = {"label": "LAD", "agatston": 5.0, "mass_mg": 1.5, "mean_hu": 250.0, "density": 2.0}
    newer = build.dispositions(build.disposition("s2", lesions=[lesion]))
    column = DISPOSITIONS.schema.field("lesions")
    fields = [f for f in column.type.value_type if f.name not in ("mass_mg", "mean_hu", "density")]
    older = build.dispositions(build.disposition("s1", lesions=[lesion]))
    at = older.column_names.index("lesions")
    old_type = pa.list_(pa.struct(fields))
    plain = pa.array([[{"label": "LAD", "agatston": 5.0}]], old_type)
    older = older.set_column(at, "lesions", plain).drop_columns(["vessel_measures", "n_lesions"])
    write_deltalake(lake.path / "tables/dispositions", older)
    with lake.lease("r"):
        lake.append("dispositions", newer, "r", 1)
        pending = build.disposition("s3", "pending", reasons=["unreachable"])
        lake.append("dispositions", build.dispositions(pending), "r", 2)
        lake.append("dispositions", build.dispositions(build.disposition("s3")), "r", 3)
    rows = {r["series_key"]: r for r in lake.read("dispositions").to_pylist()}
    assert rows["s1"]["lesions"][0]["mass_mg"] is None
    assert rows["s2"]["lesions"][0]["mass_mg"] == 1.5
    assert (rows["s3"]["state"], rows["s1"]["vessel_measures"]) == ("scored", None)


def test_maintenance_keeps_the_rows_and_drops_the_files(lake, build):
    with lake.lease("r"):
        for i in range(20):
            lake.append("dispositions", build.dispositions(build.disposition(f"s{i}")), "r", i)
        before = lake.read("dispositions").sort_by("series_key")
        lake.maintain(vacuum_hours=0)
        assert lake.read("dispositions").sort_by("series_key").equals(before)
        assert len(list((lake.path / "tables/dispositions").glob("*.parquet"))) == 1
        version = _version(lake, "dispositions")
        lake.maintain(vacuum_hours=0)
        assert _version(lake, "dispositions") == version
        # The log still knows what was committed.
        assert not lake.append("dispositions", build.dispositions(build.disposition("x")), "r", 19)
    lake.check_keys()
