"""SQL over the lake: one answer, two files, and what is refused."""

from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
import pytest

from screening.errors import ScreeningError
from screening.lake import Lake
from screening.tables import LAKE_TABLES, POLICY, RUNS

AS_OF = date(2026, 11, 1)


def _sql(folder, name, sql, *, key="person_key", reads="raw_series", publish="no"):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.sql").write_text(
        f"-- title: About {name}\n-- grain: one thing\n-- key: {key}\n-- reads: {reads}\n"
        f"-- privacy: keys\n-- publish: {publish}\n-- note: the person's view\n{sql}\n"
    )
    return folder


@pytest.fixture
def filled(lake, build):
    scans = {"series_key": ["s1", "s2", "s3"], "person_key": ["p1", "p1", "p2"]}
    scans["index_date"] = [date(2026, 1, 31), date(2026, 2, 1), None]
    wish = {"person_key": "p2", "scope": "opt_out_research", "valid_from": date(2026, 5, 1)}
    with lake.lease("r"):
        lake.replace("series", build.series(**scans))
        lake.replace("policy", pa.Table.from_pylist([wish], schema=POLICY.schema))
    return lake


@pytest.fixture
def sql(tmp_path):
    folder = _sql(
        tmp_path / "sql",
        "out_people",
        "select person_key, n_series, as_of, run_id from core_people cross join raw_run;",
        reads="core_people, raw_run",
        publish="operations",
    )
    _sql(
        folder,
        "core_people",
        "-- column: n_series | | open | series of the person\n"
        "select person_key, count(*) as n_series from raw_series group by person_key order by 1",
        publish="operations",
    )
    return _sql(
        folder,
        "out_research",
        "-- column: shifted_on | day | quasi | moved back in time\n"
        "select research_key, index_date + shift_days as shifted_on\n"
        "from raw_series inner join raw_research_shift using (person_key)",
        key="research_key, shifted_on",
        reads="raw_series, raw_research_shift",
        publish="research",
    )


def _tables(file):
    with duckdb.connect(str(file), read_only=True) as connection:
        names = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        return {name: connection.execute(f'FROM "{name}"').fetchall() for (name,) in names}


def test_a_query_runs_what_it_needs(filled, sql):
    _sql(sql, "core_broken", "select nonsense")
    found = filled.query("out_people", AS_OF, run_id="r7", folder=sql)
    assert found.to_pylist() == [
        {"person_key": "p1", "n_series": 2, "as_of": AS_OF, "run_id": "r7"},
        {"person_key": "p2", "n_series": 1, "as_of": AS_OF, "run_id": "r7"},
    ]


def test_every_raw_table_can_be_read_before_it_is_written(lake, tmp_path):
    for name, table in LAKE_TABLES.items():
        folder = _sql(
            tmp_path / "sql", "core_x", f"from raw_{name}", key="none", reads=f"raw_{name}"
        )
        assert lake.query("core_x", AS_OF, folder=folder).column_names == table.schema.names


def test_both_files_hold_their_relations_and_a_dictionary(filled, sql):
    with filled.lease("r7"):
        filled.publish(AS_OF, "r7", folder=sql)
    operations = _tables(filled.path / "screening.duckdb")
    assert set(operations) == {"core_people", "out_people", "dictionary"}
    assert operations["core_people"] == [("p1", 2), ("p2", 1)]
    research = _tables(filled.path / "research.duckdb")
    assert set(research) == {"out_research", "dictionary"}
    assert [row[3] for row in research["dictionary"]] == ["research_key", "shifted_on"]
    assert research["dictionary"][1][5:] == ("day", "moved back in time", "quasi", 1)
    told = {row[3]: row[6:8] for row in operations["dictionary"] if row[0] == "out_people"}
    assert told["n_series"] == ("series of the person", "open")  # from the relation it reads
    with duckdb.connect(str(filled.path / "screening.duckdb"), read_only=True) as connection:
        comments = connection.execute(
            "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'core_people'"
        ).fetchall()
        about = connection.execute(
            "SELECT comment FROM duckdb_tables() WHERE table_name = 'core_people'"
        ).fetchone()
    assert dict(comments)["person_key"] == "random key of the person"
    assert about == ("About core_people. One row: one thing.",)
    names = {p.name for p in filled.path.iterdir()}
    assert not any(n.startswith(".tmp") or n.endswith(".wal") for n in names)


def test_the_research_file_has_own_keys_shifted_dates_and_no_opt_outs(filled, sql):
    with filled.lease("r"):
        filled.publish(AS_OF, "r", folder=sql)
    first, second = sorted(
        _tables(filled.path / "research.duckdb")["out_research"], key=lambda r: r[1]
    )
    assert first[0] == second[0]
    assert first[0].startswith("r_")
    assert (second[1] - first[1]).days == 1  # one shift a person: intervals survive
    assert 1 <= (date(2026, 1, 31) - first[1]).days <= 365
    before = filled.query("out_research", date(2026, 4, 30), folder=sql)
    assert len(set(before["research_key"].to_pylist())) == 2  # the wish counts from 1 May on
    again = Lake.open(filled.path, b"a secret for tests only", create=False)
    assert again.query("out_research", date(2026, 4, 30), folder=sql).equals(before)


def test_a_wish_that_had_begun_at_a_sweep_holds_for_the_past_too(filled, sql):
    past = date(2026, 4, 30)
    assert filled.wishes_on(past) == past
    begun = {"run_id": "r", "started_at": datetime(2026, 5, 2, 12, tzinfo=UTC), "as_of": past}
    row = dict.fromkeys(RUNS.schema.names) | begun
    with filled.lease("r"):
        filled.replace("runs", pa.Table.from_pylist([row], schema=RUNS.schema))
        filled.publish(past, "r", folder=sql)
    assert filled.wishes_on(past) == date(2026, 5, 2)
    assert filled.wishes_on(AS_OF) == AS_OF
    keys = {key for key, _ in _tables(filled.path / "research.duckdb")["out_research"]}
    assert len(keys) == 1
    days = pa.table({"person_key": ["p1", "p2"], "landmark": [date(2026, 4, 1)] * 2})
    held = filled.query_at("core_research_person", days, past, {})
    assert "p2" not in held["person_key"].to_pylist()


@pytest.mark.parametrize(
    ("name", "statement", "options", "message"),
    [
        ("out_x", "select person_key from raw_series", {}, "1 keys .person_key. name several"),
        (
            "out_x",
            "select * from raw_series",
            {"publish": "research", "key": "series_key"},
            "own keys",
        ),
        (
            "out_x",
            "select * from raw_research_shift",
            {"publish": "both", "reads": "raw_research_shift"},
            "published to operations",
        ),
        ("out_x", "select 1 as person_key; select 2", {}, "one SELECT"),
        ("out_x", "drop table raw_series", {}, "one SELECT"),
        ("out_x", "select 1 as person_key from raw_policy", {}, "raw_policy"),
        ("out_x", "select 1 as person_key from core_y", {"reads": "core_y"}, "no relation core_y"),
        ("out_x", "select 1 as person_key", {"reads": "out_x"}, "read each other"),
        ("out_x", "select 1 as person_key from '/etc/hostname'", {}, r"sql/out_x.sql"),
        ("out_x", "select * from read_text('/etc/hostname')", {}, "PermissionException"),
        ("out_x", "select cast('CanaryName' as int) as person_key", {}, "ConversionException$"),
        ("x", "select 1 as person_key", {}, "begins with core_ or out_"),
        ("out_x", "select 1 as person_key", {"publish": "maybe"}, "publish is one of"),
        ("out_x", "select 1 as person_key", {"reads": "a\n-- writes: b"}, "writes"),
        ("out_x", "-- column: a | | open |\nselect 1 as person_key", {}, "-- column: name"),
        ("out_x", "-- column: a | | secret | b\nselect 1 as person_key", {}, "privacy of a"),
        ("out_x", "-- column: a | | open | b\n-- column: a | | key | c", {}, "two meanings"),
    ],
)
def test_what_is_refused_leaves_the_old_file(filled, sql, name, statement, options, message):
    with filled.lease("r"):
        filled.publish(AS_OF, "r", folder=sql)
        before = (filled.path / "screening.duckdb").read_bytes()
        _sql(sql, name, statement, **{"publish": "operations"} | options)
        with pytest.raises(ScreeningError, match=message) as caught:
            filled.publish(AS_OF, "r", folder=sql)
    assert "Canary" not in str(caught.value)
    assert (filled.path / "screening.duckdb").read_bytes() == before
    assert not list(filled.path.glob(".tmp*"))


def test_a_reader_keeps_its_file_while_the_next_is_published(filled, sql):
    with filled.lease("r"):
        filled.publish(AS_OF, "first", folder=sql)
        with duckdb.connect(str(filled.path / "screening.duckdb"), read_only=True) as reader:
            filled.publish(AS_OF, "second", folder=sql)
            runs = reader.execute("SELECT DISTINCT run_id FROM out_people").fetchall()
    assert runs == [("first",)]
    with duckdb.connect(str(filled.path / "screening.duckdb"), read_only=True) as reader:
        runs = reader.execute("SELECT DISTINCT run_id FROM out_people").fetchall()
    assert runs == [("second",)]
