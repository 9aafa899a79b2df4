"""What is kept of single series beside the tables: identified data, encrypted beside the vault.

Comes in: a series key and bytes: the picture of a scored scan, or what inference saw of it.
Goes out: one AES-GCM file a series, and the bytes again.
Refuses: a name that is no key; a file that was changed or swapped with another's.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from screening.errors import ScreeningError
from screening.lake.crypto import seal, unseal
from screening.lake.files import write_atomic

_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")  # a key becomes a file name: no dots, no slashes


@dataclass(frozen=True, slots=True)
class SealedFiles:
    """A folder of encrypted files, one a series; `kind` is their suffix."""

    folder: Path
    kind: str
    key: bytes = field(repr=False)

    def store(self, series_key: str, plain: bytes) -> None:
        """Encrypt one file; an older one of the series is replaced."""
        write_atomic(self._file(series_key), seal(self.key, plain, series_key.encode()))

    def read(self, series_key: str) -> bytes | None:
        """Return what was stored, None where the series has none."""
        try:
            sealed = self._file(series_key).read_bytes()
        except FileNotFoundError:
            return None
        return unseal(self.key, sealed, series_key.encode())

    def remove(self, series_key: str) -> None:
        """Forget the file of one series, if there is one."""
        self._file(series_key).unlink(missing_ok=True)

    def _file(self, series_key: str) -> Path:
        if not _KEY.fullmatch(series_key):
            raise ScreeningError(f"a {self.kind} file needs a series key of the vault")
        return self.folder / f"{series_key}.{self.kind}"
