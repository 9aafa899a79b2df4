"""A server is not asked by more at once, nor faster, than the site allows; then asked again."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from screening.archive.patience import ask
from screening.archive.throttle import Throttle
from screening.config import ArchiveSettings
from screening.errors import InfrastructureError


def hold(folder, limits, n, out):
    throttle = Throttle("pacs", limits, Path(folder))
    for _ in range(n):
        with throttle.connection():
            begin = time.monotonic()
            time.sleep(0.03)
            out.put((begin, time.monotonic()))


def at_once(spans):
    return max(sum(b <= begin < e for b, e in spans) for begin, _ in spans)


def test_processes_share_the_connections(tmp_path):
    limits = ArchiveSettings(connections=2)
    spawn = multiprocessing.get_context("spawn")
    out = spawn.Queue()
    workers = [spawn.Process(target=hold, args=(tmp_path, limits, 8, out)) for _ in range(5)]
    for worker in workers:
        worker.start()
    spans = [out.get(timeout=60) for _ in range(40)]
    for worker in workers:
        worker.join()
    assert at_once(spans) == 2


def test_a_killed_process_gives_its_connection_back(tmp_path):
    limits = ArchiveSettings(connections=1, reading_seconds=20)
    child = os.fork()
    if child == 0:
        throttle = Throttle("pacs", limits, tmp_path)
        with throttle.connection():
            (tmp_path / "held").touch()
            time.sleep(60)
        os._exit(0)
    while not (tmp_path / "held").exists():
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    with Throttle("pacs", limits, tmp_path).connection():
        pass


def test_requests_keep_their_pace(tmp_path):
    throttle = Throttle("pacs", ArchiveSettings(requests_per_second=50), tmp_path)
    begin = time.monotonic()
    for _ in range(11):
        throttle.request()
    assert time.monotonic() - begin >= 10 / 50


def test_bytes_keep_their_pace(tmp_path):
    throttle = Throttle("pacs", ArchiveSettings(megabytes_per_second=10), tmp_path)
    begin = time.monotonic()
    for _ in range(4):
        throttle.received(1_000_000)
    assert time.monotonic() - begin >= 3 / 10


def test_servers_do_not_wait_for_one_another(tmp_path):
    limits = ArchiveSettings(connections=1)
    with Throttle("one", limits, tmp_path).connection():
        begin = time.monotonic()
        with Throttle("two", limits, tmp_path).connection():
            assert time.monotonic() - begin < 1


def test_nothing_waits_for_ever(tmp_path):
    limits = ArchiveSettings(connections=1, reading_seconds=0.1)
    with (
        Throttle("pacs", limits, tmp_path).connection(),
        pytest.raises(InfrastructureError, match=r"not within 0\.1 s"),
        Throttle("pacs", limits, tmp_path).connection(),
    ):
        pass


def test_the_folder_is_closed_to_others(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    Throttle("pacs", ArchiveSettings())
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o077 == 0


class Flaky:
    def __init__(self, failures):
        self.failures, self.n = failures, 0

    def __call__(self):
        self.n += 1
        if self.n <= self.failures:
            raise ConnectionError
        return "answer"


def passes(error):
    return isinstance(error, ConnectionError)


def test_what_may_pass_is_asked_again():
    flaky = Flaky(1)
    assert ask("a", flaky, passes, 5) == "answer"
    assert flaky.n == 2


def test_what_will_not_pass_is_asked_once():
    flaky = Flaky(9)
    with pytest.raises(ConnectionError):
        ask("b", flaky, lambda _: False, 5)
    assert flaky.n == 1


def test_a_server_given_up_is_asked_once_until_it_answers():
    with pytest.raises(ConnectionError):
        ask("c", Flaky(99), passes, 0.6)
    down = Flaky(99)
    with pytest.raises(ConnectionError):
        ask("c", down, passes, 5)
    assert down.n == 1
    assert ask("c", Flaky(0), passes, 5) == "answer"
    again = Flaky(1)
    assert ask("c", again, passes, 5) == "answer"
