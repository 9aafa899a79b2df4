"""A private Prefect server for one sweep.

Comes in: the lake's folder and the environment. Goes out: a running server on loopback,
its home inside the lake, telemetry off. Refuses: to start within the time allowed.

A server named by PREFECT_API_URL (production, PostgreSQL) is used as it is.
"""

import ctypes
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from screening.errors import InfrastructureError, ScreeningError

START_SECONDS = 90.0
_PR_SET_PDEATHSIG = 1
_SCHEMA = Path(__file__).with_name("prefect_schema.sql")

_QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_CLI_PROMPT": "false",
}


def prepare_environment(lake: Path) -> None:
    """Point Prefect at the lake and silence it; call before Prefect is imported."""
    os.environ.update(_QUIET, PREFECT_HOME=str(lake / "prefect"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _lay_down_schema(home: Path) -> None:
    """Begin an empty database where Prefect's hundred migrations end; they take ten seconds."""
    path = home / "prefect.db"
    if path.exists():
        return
    half_done = path.with_suffix(".new")
    half_done.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(half_done)) as database:
            database.executescript(_SCHEMA.read_text())
    except sqlite3.Error as error:
        half_done.unlink(missing_ok=True)
        raise InfrastructureError(
            f"Prefect's database cannot be written beside the lake ({error}); "
            "check the disk and its rights"
        ) from error
    half_done.replace(path)


def _die_with_parent() -> None:
    # A driver killed with -9 must not leave its server behind.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait_until_healthy(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):  # noqa: S310 - loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise ScreeningError(
        "the Prefect server did not start on 127.0.0.1; see LAKE/prefect/server.log, "
        "or name a running server in PREFECT_API_URL"
    )


class PrefectServer:
    """Starts at once, becomes ready while other work goes on."""

    def __init__(self, lake: Path) -> None:
        prepare_environment(lake)
        self._process: subprocess.Popen[bytes] | None = None
        if os.environ.get("PREFECT_API_URL"):
            return
        home = lake / "prefect"
        home.mkdir(parents=True, exist_ok=True)
        _lay_down_schema(home)
        port = _free_port()
        self._url = f"http://127.0.0.1:{port}/api"
        command = [sys.executable, "-m", "prefect", "server", "start"]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        command += ["--no-ui", "--no-services", "--log-level", "ERROR"]
        with (home / "server.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                command, stdout=log, stderr=log, preexec_fn=_die_with_parent
            )

    def wait(self) -> None:
        """Return once the server answers; from then on Prefect uses it."""
        if self._process is not None:
            _wait_until_healthy(self._process, self._url)
            os.environ["PREFECT_API_URL"] = self._url

    def stop(self) -> None:
        """End the server this object started."""
        if self._process is None:
            return
        os.environ.pop("PREFECT_API_URL", None)
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


@contextmanager
def prefect_server(lake: Path) -> Iterator[PrefectServer]:
    """Run a private server for the length of the block."""
    server = PrefectServer(lake)
    try:
        yield server
    finally:
        server.stop()
