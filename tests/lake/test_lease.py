"""The lease: one driver, dead ones taken over, late ones refused."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from screening.errors import ScreeningError
from screening.lake import Lake
from screening.lake.lease import hold


def _change(lake, **values):
    with closing(sqlite3.connect(lake.path / "lease.sqlite")) as connection, connection:
        for name, value in values.items():
            connection.execute(f"UPDATE lease SET {name} = ?", (value,))


def test_epoch_grows_and_goes_into_the_log(lake, build):
    with lake.lease("a") as first:
        pass
    with lake.lease("b") as second:
        lake.append("dispositions", build.dispositions(build.disposition("s")), "b", 1)
    assert second.epoch == first.epoch + 1
    # A lease file older than the log (a restored backup) does not lock the lake.
    (lake.path / "lease.sqlite").unlink()
    with lake.lease("c") as third:
        assert third.epoch == second.epoch + 1
        assert lake.append("dispositions", build.dispositions(build.disposition("s2")), "c", 1)


def test_a_live_driver_is_named(lake):
    holder = f"""
import sys, time
sys.path[:0] = {sys.path!r}
from pathlib import Path
from screening.lake.lease import hold
with hold(Path({str(lake.path / "lease.sqlite")!r}), "other"):
    print("held", flush=True)
    time.sleep(60)
"""
    other = subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, text=True)
    with other.stdout:
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(ScreeningError, match=rf"process {other.pid}, since 20\d\d-"),
            lake.lease("mine"),
        ):
            pass
        other.kill()
        other.wait()
    with lake.lease("mine"):  # killed with -9: taken over at once
        pass


def test_a_reused_process_id_is_not_the_holder(lake):
    with lake.lease("a"):
        pass
    _change(lake, expires=time.time() + 60)
    with pytest.raises(ScreeningError, match="another sweep"), lake.lease("b"):
        pass
    _change(lake, process_start="1")
    with lake.lease("b"):
        pass


def test_a_driver_elsewhere_is_waited_for(lake):
    with lake.lease("a"):
        pass
    _change(lake, place="other host", expires=time.time() + 60)
    with (
        pytest.raises(ScreeningError, match=r"another place .* try again in \d+ s"),
        lake.lease("b"),
    ):
        pass
    _change(lake, expires=time.time() - 1)
    with lake.lease("b"):
        pass


def test_the_lease_is_renewed_while_work_goes_on(tmp_path):
    file = tmp_path / "lease.sqlite"
    with hold(file, "a", seconds=0.4):
        time.sleep(0.8)
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("SELECT expires FROM lease").fetchone()[0] > time.time()


def test_a_driver_that_was_taken_over_writes_nothing(lake, build):
    late = Lake.open(lake.path, build.secret, create=False)
    with late.lease("late"):
        _change(lake, place="other host", expires=time.time() - 1)
        with lake.lease("new"):
            with pytest.raises(ScreeningError, match="lost its lease"):
                late.append("dispositions", build.dispositions(build.disposition("s")), "late", 1)
            lake.append("dispositions", build.dispositions(build.disposition("s")), "new", 1)
    assert lake.read("dispositions").num_rows == 1


def test_the_log_itself_refuses_a_past_epoch(lake, build, monkeypatch):
    monkeypatch.setattr("screening.lake.lease.Lease.confirm", lambda self: None)
    late = Lake.open(lake.path, build.secret, create=False)
    with late.lease("late"):
        _change(lake, place="other host", expires=time.time() - 1)
        with lake.lease("new"):
            lake.append("dispositions", build.dispositions(build.disposition("s")), "new", 1)
        with pytest.raises(ScreeningError, match="another driver writes"):
            late.append("dispositions", build.dispositions(build.disposition("s2")), "late", 1)
    assert lake.read("dispositions").num_rows == 1
