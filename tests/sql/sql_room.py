"""A small stand-in for the lake: raw tables from rows, the files run as their headers say."""

import re
from datetime import UTC, date, datetime
from functools import cache

import duckdb
import pyarrow as pa

from screening.resources import sql_folder
from screening.tables import LAKE_TABLES

HEADER = ("title", "grain", "key", "reads", "privacy", "publish")
AS_OF = date(2026, 6, 30)
INDEX = date(2026, 1, 15)
SHIFT = pa.schema(
    [("person_key", pa.string()), ("research_key", pa.string()), ("shift_days", pa.int64())]
)


@cache
def text_of(name):
    return (sql_folder() / f"{name}.sql").read_text(encoding="utf-8")


def header(name):
    """Header lines of one file as {word: text}, in order of appearance; columns apart."""
    found = {}
    for line in text_of(name).splitlines():
        match = re.match(r"-- (\w+): (.+)$", line)
        if not match or match[1] == "column":
            break
        found[match[1]] = match[2]
    return found


@cache
def meanings(name):
    """Column lines of one file as [(name, unit, privacy, meaning)]."""
    lines = re.findall(r"^-- column: (.*)$", text_of(name), re.M)
    return [tuple(part.strip() for part in line.split("|")) for line in lines]


@cache
def names():
    return sorted(p.stem for p in sql_folder().glob("*.sql"))


def words(text):
    return tuple(w.strip() for w in text.split(","))


@cache
def needed(name):
    """What `name` rests on, each after those it reads, and itself last."""
    found = []
    for relation in words(header(name)["reads"]):
        if relation in names():
            found += [r for r in needed(relation) if r not in found]
    return [*found, name]


def lake(as_of=AS_OF, shift=(), wishes_on=None, **rows):
    """Connect to an in-memory DuckDB with raw tables from dicts of rows."""
    connection = duckdb.connect(config={"threads": 1})
    for name, table in LAKE_TABLES.items():
        defaults = dict.fromkeys(table.schema.names)
        filled = [{**defaults, **row} for row in rows.pop(name, ())]
        connection.register(f"raw_{name}", pa.Table.from_pylist(filled, table.schema))
    assert not rows, f"no such table: {list(rows)}"
    days = {"as_of": as_of, "wishes_on": wishes_on or as_of}
    run = pa.table({n: pa.array([day], pa.date32()) for n, day in days.items()})
    run = run.append_column("run_id", pa.array(["r"]))
    connection.register("raw_run", run)
    connection.register("raw_research_shift", pa.Table.from_pylist(list(shift), SHIFT))
    return connection


def build(connection, name):
    """Make `name` and what it rests on, as tables, once."""
    for one in needed(name):
        connection.execute(f"create table if not exists {one} as {text_of(one)}")


def read(connection, name):
    build(connection, name)
    return connection.sql(f"select * from {name}").to_arrow_table().to_pylist()


def series(key="s", person="p", **more):
    return {
        "series_key": key,
        "study_key": f"st-{key}",
        "person_key": person,
        "modality": "CT",
        "index_date": INDEX,
        "age_years": 60.0,
        "sex": "M",
        "content_digest": "c",
        **more,
    }


def disposition(key="s", person="p", state="scored", **more):
    score = {"agatston": 0.0, "category": "0", "grade": "A", "quality_flags": []}
    return {
        "series_key": key,
        "study_key": f"st-{key}",
        "person_key": person,
        "content_digest": "c",
        "choose_version": 1,
        "model_digest": "m",
        "scoring_version": 1,
        "state": state,
        "reasons": [],
        "committed_at": datetime(2026, 6, 30, tzinfo=UTC),
        **(score if state == "scored" else {}),
        **more,
    }


def scan(key="s", person="p", state="scored", **more):
    """One series and its disposition; keywords go where the column is."""
    in_series = {k: v for k, v in more.items() if k in LAKE_TABLES["series"].schema.names}
    in_disposition = {k: v for k, v in more.items() if k not in in_series}
    return series(key, person, **in_series), disposition(key, person, state, **in_disposition)


def person(key="p", **more):
    return {"person_key": key, "sex": "M", "race": "white", **more}


def event(concept, started_on, key="p", code="x", stopped_on=None):
    return {
        "person_key": key,
        "concept": concept,
        "code": code,
        "started_on": started_on,
        "stopped_on": stopped_on,
    }


def observation(concept, value, effective_on, key="p"):
    return {
        "person_key": key,
        "concept": concept,
        "value": value,
        "effective_on": effective_on,
    }


def risk(key="p", series_key="s", cac=0.05, reasons=()):
    return {
        "person_key": key,
        "series_key": series_key,
        "equation": "mesa",
        "mesa_chd_10y": cac,
        "mesa_chd_10y_cac": cac,
        "model_risk": cac,
        "percentile_text": "below 25",
        "percentile_source": "MESA 2006",
        "inputs_used": [],
        "reasons": list(reasons),
        "detail": "",
    }


def one_person(*scans, **more):
    """A lake with one person `p` who has a clinical record and the given scans."""
    tables = {
        "series": [s for s, _ in scans],
        "dispositions": [d for _, d in scans],
        "person": [person()],
        **more,
    }
    return lake(**tables)


def flag_of(connection):
    (row,) = read(connection, "core_person_flag")
    return row
