"""What is kept of single series beside the tables: identified data, encrypted beside the vault.

Comes in: a series key, the digest of the model that spoke, and bytes: the picture of a scored scan,
or what inference saw of it.
Goes out: one AES-GCM file for each series and model, and the bytes again.
Refuses: a name that is no key; a file that was changed or swapped with another's.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from screening.errors import ScreeningError
from screening.lake.crypto import seal, unseal
from screening.lake.files import write_atomic

_DIGEST_CHARACTERS = 16
_KEY = re.compile(r"[A-Za-z0-9_+-]{1,64}")  # a key becomes a file name: no dots, no slashes


@dataclass(frozen=True, slots=True)
class SealedFiles:
    """A folder of encrypted files, one for each series and model; `kind` is their suffix.

    The model is part of the name, so that no score is shown with another model's picture.
    """

    folder: Path
    kind: str
    key: bytes = field(repr=False)

    def store(self, series_key: str, plain: bytes, model_digest: str = "") -> None:
        """Encrypt one file; an older one of the series and model is replaced."""
        file = self._file(series_key, model_digest)
        write_atomic(file, seal(self.key, plain, file.stem.encode()))

    def read(self, series_key: str, model_digest: str = "") -> bytes | None:
        """Return what was stored, None where the series has none of this model.

        Older lakes name no model: such a file is taken where there is no other.
        """
        for of in (model_digest, ""):
            file = self._file(series_key, of)
            try:
                return unseal(self.key, file.read_bytes(), file.stem.encode())
            except FileNotFoundError:
                continue
        return None

    def remove(self, series_keys: frozenset[str]) -> None:
        """Forget the files of these series, of every model; the folder is read once."""
        if series_keys:
            for file in self.folder.iterdir():
                if file.name.partition(".")[0] in series_keys:
                    file.unlink(missing_ok=True)

    def _file(self, series_key: str, model_digest: str) -> Path:
        if not _KEY.fullmatch(series_key):
            raise ScreeningError(f"a {self.kind} file needs a series key of the vault")
        of = f".{model_digest[:_DIGEST_CHARACTERS]}" if model_digest else ""
        return self.folder / f"{series_key}{of}.{self.kind}"
