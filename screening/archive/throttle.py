"""Being gentle with a server: a cap on connections, and a pace of requests and bytes.

Comes in: a server's name and the site's limits.
Goes out: leave to ask, held back until the server may be asked again.
Refuses: to go on when what was asked for has not come within `reading_seconds`, waiting included:
the scan stays pending, and the sweep goes on.

Workers are processes, so what they share is a folder of small files under the user's own
temporary folder: a slot is a locked file (the kernel gives it back when its process dies, killed
or not), and the next free moment is a number in a locked file. All sweeps of one user on one
machine that speak to the same server share them.
"""

import fcntl
import os
import struct
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from screening.config import ArchiveSettings
from screening.errors import InfrastructureError, ScreeningError

_POLL_SECONDS = 0.02
_PRIVATE = 0o700
_MOMENT = struct.Struct("<d")
_MEGABYTE = 1_000_000


class Throttle:
    """Leave to ask one server, from now on for `reading_seconds`.

    Parameters
    ----------
    server : what tells servers apart, such as host and port
    limits : connections at once, requests a second, megabytes a second (0: no limit)
    folder : where processes meet; None for the user's own
    """

    def __init__(self, server: str, limits: ArchiveSettings, folder: Path | None = None) -> None:
        self._limits = limits
        self._end = time.monotonic() + limits.reading_seconds
        self._folder = (folder or _own_folder()) / sha256(server.encode()).hexdigest()[:16]
        self._folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)

    @contextmanager
    def connection(self) -> Iterator[None]:
        """Hold one of the connections; waits until one is free."""
        handle = self._slot()
        try:
            yield
        finally:
            os.close(handle)

    def _slot(self) -> int:
        handles = [_open(self._folder / f"slot-{n}") for n in range(self._limits.connections)]
        try:
            while True:
                for handle in handles:
                    if _try_lock(handle):
                        handles.remove(handle)
                        return handle
                self._check_time()
                time.sleep(_POLL_SECONDS)
        finally:
            for handle in handles:
                os.close(handle)

    def request(self) -> None:
        """Wait until another request may be made."""
        if self._limits.requests_per_second:
            self._wait_turn("requests", 1 / self._limits.requests_per_second)

    def received(self, n_bytes: int) -> None:
        """Wait as long as these bytes may take; the server then waits too, as nothing is read."""
        self._check_time()
        if self._limits.megabytes_per_second:
            self._wait_turn("bytes", n_bytes / _MEGABYTE / self._limits.megabytes_per_second)

    def _wait_turn(self, name: str, seconds: float) -> None:
        """Take the next free stretch of `seconds`; sleep until it begins."""
        handle = _open(self._folder / name)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            content = os.pread(handle, _MOMENT.size, 0)
            now = time.monotonic()  # one clock for every process of the machine
            free = _MOMENT.unpack(content)[0] if len(content) == _MOMENT.size else now
            # After a restart of the machine the clock begins anew: what it says is then nothing.
            begin = max(now, free) if free < now + 3600 else now
            os.pwrite(handle, _MOMENT.pack(begin + seconds), 0)
        finally:
            os.close(handle)
        time.sleep(max(0.0, min(begin, self._end) - now))
        self._check_time()

    def _check_time(self) -> None:
        if time.monotonic() >= self._end:
            raise InfrastructureError(
                f"archive: not within {self._limits.reading_seconds:g} s, as the server is slow or "
                "the limits of [archive] are tight"
            )


def _open(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _own_folder() -> Path:
    """Return a folder of this user alone."""
    folder = Path(tempfile.gettempdir(), f"screening-{os.getuid()}")
    folder.mkdir(mode=_PRIVATE, exist_ok=True)
    facts = folder.lstat()
    if folder.is_symlink() or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise ScreeningError(
            "the temporary folder screening-UID belongs to another or is open to others; remove it"
        )
    return folder
