"""Killed with -9 at random moments and run again: every row once, none missing."""

import random
import subprocess
import sys
import time

from screening.lake import Lake

N_BATCHES, ROWS = 12, 5

_DRIVER = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
import pyarrow as pa
from index_case import write_index
from screening.lake import Lake
from screening.tables import DISPOSITIONS, FILES, INSTANCES_RAW, SERIES

run = sys.argv[1]
lake = Lake.open(Path({lake!r}), {secret!r}, create=True)
print("started", flush=True)
blank = dict.fromkeys(DISPOSITIONS.schema.names)
with lake.lease(run):
    for batch in range({batches}):
        rows = [
            blank | dict(series_key=f"s{{batch * {rows} + i}}", content_digest="c",
                         model_digest="m", choose_version=1, scoring_version=1,
                         state="scored", reasons=[], agatston=float(batch), run_id=run)
            for i in range({rows})
        ]
        table = pa.Table.from_pylist(rows, schema=DISPOSITIONS.schema)
        lake.append("dispositions", table, run, batch)
        lake.store_picture(f"s{{batch}}", b"picture")
        series = [dict.fromkeys(SERIES.schema.names) | dict(series_key=f"s{{i}}")
                  for i in range(batch + 1)]
        lake.replace("series", pa.Table.from_pylist(series, schema=SERIES.schema))
        raw = [dict.fromkeys(INSTANCES_RAW.schema.names) | dict(
                   path=f"{{i}}/a", patient_id=str(i), study_instance_uid=str(i),
                   series_instance_uid=str(i), sop_instance_uid=str(i))
               for i in range(batch + 1)]
        raw = pa.Table.from_pylist(raw, schema=INSTANCES_RAW.schema)
        write_index(lake, lake.vault.pseudonymise(raw), FILES.empty())
    lake.maintain(vacuum_hours=0)
    lake.check_keys()
print("done", flush=True)
"""


def test_killed_at_random_moments_then_rerun(tmp_path, build):
    folder = tmp_path / "lake"
    script = tmp_path / "driver.py"
    script.write_text(
        _DRIVER.format(
            path=sys.path, lake=str(folder), secret=build.secret, batches=N_BATCHES, rows=ROWS
        )
    )
    rng = random.Random(3)
    for attempt in range(3):
        driver = subprocess.Popen(
            [sys.executable, script, f"run{attempt}"], stdout=subprocess.PIPE, text=True
        )
        with driver.stdout:
            assert driver.stdout.readline() == "started\n"
            time.sleep(rng.uniform(0.0, 0.8))
            driver.kill()
            driver.wait()
    last = subprocess.run(
        [sys.executable, script, "last"], capture_output=True, text=True, check=False
    )
    assert last.stdout == "started\ndone\n", last.stderr
    lake = Lake.open(folder, build.secret, create=False)
    lake.check_keys()
    rows = lake.read("dispositions").select(["series_key", "agatston"]).to_pylist()
    assert {r["series_key"]: r["agatston"] for r in rows} == {
        f"s{i}": float(i // ROWS) for i in range(N_BATCHES * ROWS)
    }
    assert len(rows) == N_BATCHES * ROWS
    assert lake.read("series").num_rows == N_BATCHES
    assert all(lake.read_picture(f"s{i}") == b"picture" for i in range(N_BATCHES))
    instances = lake.read_index().instances
    assert sorted(instances["path"].to_pylist()) == sorted(f"{i}/a" for i in range(N_BATCHES))
    assert len(set(instances["person_key"].to_pylist())) == N_BATCHES
    assert list(folder.rglob(".tmp-*")) == []
