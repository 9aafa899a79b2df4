"""One driver at a time.

Comes in: a run's id.
Goes out: a `Lease` with an epoch that grows with every taking.
Refuses: a lease while another live driver holds it, and to renew one that was taken over.

The holder is one row of a small SQLite file, so that taking it is one transaction and a kill
at any moment leaves the old row or the new one. A holder in the same place (host, boot and
process namespace) is judged by its process: alive refuses, dead is taken over at once. A
holder elsewhere cannot be seen, and is waited for until its lease runs out. The
epoch also goes into every Delta commit (`delta.py`), where a driver that lost its lease
without noticing is refused.
"""

import os
import platform
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from screening.errors import InfrastructureError, ScreeningError

LEASE_SECONDS = 120.0
RENEW_SECONDS = 30.0
_BUSY_SECONDS = 10.0
_TABLE = """CREATE TABLE IF NOT EXISTS lease (
    id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL, run_id TEXT NOT NULL,
    place TEXT NOT NULL, pid INTEGER NOT NULL, process_start TEXT NOT NULL,
    since REAL NOT NULL, expires REAL NOT NULL)"""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write, until it ends or is taken over."""

    file: Path
    run_id: str
    epoch: int
    seconds: float
    _ended: threading.Event = field(default_factory=threading.Event, repr=False)

    def confirm(self) -> None:
        """Check that the lease is still ours; a look, so that every commit can afford it.

        Raises
        ------
        ScreeningError
            Where another driver took it over or it was given back.
        """
        with _connected(self.file) as connection:
            row = connection.execute("SELECT epoch FROM lease WHERE expires > 0").fetchone()
        if self._ended.is_set() or row != (self.epoch,):
            raise ScreeningError(
                "this sweep lost its lease of the lake to another driver; nothing more is written"
            )

    def _renew(self) -> bool:
        with _transaction(self.file) as connection:
            changed = connection.execute(
                "UPDATE lease SET expires = ? WHERE epoch = ? AND expires > 0",
                (time.time() + self.seconds, self.epoch),
            ).rowcount
        return changed == 1

    def _keep(self) -> None:
        while not self._ended.wait(min(RENEW_SECONDS, self.seconds / 4)):
            try:
                if not self._renew():
                    self._ended.set()
            except InfrastructureError:
                continue  # the next turn tries again; a commit checks for itself

    def _give_back(self) -> None:
        self._ended.set()
        with _transaction(self.file) as connection:
            connection.execute("UPDATE lease SET expires = 0 WHERE epoch = ?", (self.epoch,))


@contextmanager
def hold(
    file: Path, run_id: str, past_epoch: int = 0, seconds: float = LEASE_SECONDS
) -> Iterator[Lease]:
    """Take the lease, renew it from a thread while the block runs, give it back.

    `past_epoch` is the highest epoch in the tables' logs: a lake restored from a backup may
    carry an older lease file.

    Raises
    ------
    ScreeningError
        Naming the live driver that holds it.
    """
    lease = Lease(file, run_id, _take(file, run_id, past_epoch, seconds), seconds)
    keeper = threading.Thread(target=lease._keep, name="lease", daemon=True)
    keeper.start()
    try:
        yield lease
    finally:
        lease._ended.set()
        keeper.join()
        lease._give_back()


def _take(file: Path, run_id: str, past_epoch: int, seconds: float) -> int:
    now = time.time()
    with _transaction(file) as connection:
        connection.execute(_TABLE)
        row = connection.execute(
            "SELECT epoch, place, pid, process_start, since, expires FROM lease"
        ).fetchone()
        if row is not None:
            _refuse_live(*row[1:], now=now)
        epoch = 1 + max(past_epoch, int(row[0]) if row is not None else 0)
        connection.execute(
            "INSERT OR REPLACE INTO lease VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
            (epoch, run_id, _place(), os.getpid(), _process_start(os.getpid()), now, now + seconds),
        )
    return epoch


def _refuse_live(
    place: str, pid: int, process_start: str, since: float, expires: float, *, now: float
) -> None:
    if expires == 0:  # given back
        return
    started = datetime.fromtimestamp(since, UTC).isoformat(sep=" ", timespec="seconds")
    if place == _place() and os.name == "posix":
        if _is_alive(pid) and _process_start(pid) == process_start:
            raise ScreeningError(
                f"another sweep works on this lake: process {pid}, since {started}; "
                "wait for it or stop it"
            )
        return
    if expires > now:
        raise ScreeningError(
            f"a sweep in another place works on this lake: process {pid}, since {started}; "
            f"if it is dead, try again in {expires - now:.0f} s"
        )


def _place() -> str:
    """Name what makes a process id meaningful: host, boot, process namespace.

    Only POSIX systems can ask about a process without touching it; elsewhere time decides.
    """
    parts = [platform.node()]
    for source in (Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")):
        try:
            text = str(source.readlink()) if source.is_symlink() else source.read_text().strip()
        except OSError:
            text = ""
        parts.append(text)
    return "|".join(parts)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state_of(pid) != "Z"  # a zombie is dead and only waits for its parent


def _process_start(pid: int) -> str:
    """Return the start tick of a process, so that a reused id is not mistaken for the holder."""
    fields = _stat_of(pid)
    return fields[19] if len(fields) > 19 else ""


def _state_of(pid: int) -> str:
    fields = _stat_of(pid)
    return fields[0] if fields else ""


def _stat_of(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()  # the name in brackets may hold spaces


@contextmanager
def _transaction(file: Path) -> Iterator[sqlite3.Connection]:
    with _connected(file) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


@contextmanager
def _connected(file: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)) as open_:
            yield open_
    except sqlite3.Error as error:
        raise InfrastructureError(
            f"the lake's lease cannot be read or written ({type(error).__name__}); "
            "check the disk and its rights"
        ) from error
