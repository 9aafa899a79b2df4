"""`lake.json` and the secret that opens it.

Comes in: the lake's folder, the secret from the environment if there is one.
Goes out: an opened `Manifest` (version, data key, where the secret came from).
Refuses: a folder that is no lake, a lake of another version, a missing or wrong secret.

Without a secret in the environment a new lake gets a random one in `<lake>.secret`, beside
the folder, so that a copy of the lake does not carry it. The file may hold several lines:
while the secret is being rotated both the new and the old one stand there, so that a
kill between two writes locks nobody out.
"""

import base64
import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from screening.config import SECRET_VARIABLE
from screening.errors import ScreeningError
from screening.lake.crypto import KEY_BYTES, SALT_BYTES, unwrap, wrap
from screening.lake.files import TEMPORARY_PREFIX, write_atomic
from screening.tables import SCHEMA_VERSION

MANIFEST_NAME = "lake.json"
MINIMUM_SECRET_BYTES = 16
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """An opened lake: its data key, and the secret's file where the secret lies in one."""

    data_key: bytes = field(repr=False)
    secret_file: Path | None


def secret_path(lake: Path) -> Path:
    """Return the file beside the lake that holds its secret."""
    return lake.with_name(f"{lake.name}.secret")


def is_lake(path: Path) -> bool:
    """Tell whether `path` holds a lake of any version."""
    return (path / MANIFEST_NAME).is_file()


def open_manifest(path: Path, secret: bytes | None) -> Manifest:
    """Open an existing lake's `lake.json`.

    Raises
    ------
    ScreeningError
        Another schema version; no secret; a secret that is not this lake's.
    """
    document = _read(path)
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ScreeningError(
            f"the lake has schema version {version}, this program works with {SCHEMA_VERSION}; "
            "use the program version that wrote it, or another lake folder"
        )
    try:
        salt = base64.b64decode(str(document["salt"]))
        wrapped = base64.b64decode(str(document["wrapped_key"]))
    except (KeyError, ValueError) as error:
        raise ScreeningError(f"{MANIFEST_NAME} is damaged; restore it from a backup") from error
    file = None if secret else secret_path(path)
    for candidate in [secret] if secret else _read_secret_file(secret_path(path)):
        data_key = unwrap(wrapped, candidate, salt)
        if data_key is not None:
            return Manifest(data_key, file)
    source = SECRET_VARIABLE if secret else secret_path(path).name
    raise ScreeningError(f"the secret in {source} is not the one of this lake; give the right one")


def create_manifest(path: Path, secret: bytes | None) -> Manifest:
    """Make a new lake's `lake.json`, and its secret where none is given."""
    file = None if secret else secret_path(path)
    if file is not None:
        if not file.is_file():
            write_atomic(file, secrets.token_urlsafe(32).encode() + b"\n")
        secret = _read_secret_file(file)[0]
    data_key = secrets.token_bytes(KEY_BYTES)
    _write(path, data_key, _checked(secret), datetime.now(UTC).isoformat(timespec="seconds"))
    return Manifest(data_key, file)


def rotate(path: Path, manifest: Manifest, new_secret: bytes) -> None:
    """Wrap the same data key under another secret; tables, vault and pictures stay as they are."""
    _checked(new_secret)
    document = _read(path)
    if manifest.secret_file is not None:
        old = _read_secret_file(manifest.secret_file)
        write_atomic(manifest.secret_file, b"\n".join([new_secret, *old]) + b"\n")
    _write(path, manifest.data_key, new_secret, str(document["created"]))
    if manifest.secret_file is not None:
        write_atomic(manifest.secret_file, new_secret + b"\n")


def refuse_unreadable_name(path: Path) -> None:
    """Refuse a path in which the table library would take `%20` and its like for one character."""
    if _ESCAPE.search(str(path)):
        raise ScreeningError(f"the lake's path {path} has a percent escape; use another name")


def refuse_foreign_folder(path: Path) -> None:
    """Refuse to make a lake where something else already lies."""
    if path.exists() and not path.is_dir():
        raise ScreeningError(f"{path} is a file, not a lake; give a folder")
    if path.is_dir() and any(not p.name.startswith(TEMPORARY_PREFIX) for p in path.iterdir()):
        raise ScreeningError(f"{path} is not a lake and not empty; give another folder")


def _checked(secret: bytes | None) -> bytes:
    if secret is None or len(secret) < MINIMUM_SECRET_BYTES or b"\n" in secret:
        raise ScreeningError(
            f"the secret needs at least {MINIMUM_SECRET_BYTES} characters in one line"
        )
    return secret


def _read_secret_file(file: Path) -> list[bytes]:
    try:
        lines = [line.strip() for line in file.read_bytes().splitlines() if line.strip()]
    except OSError:
        lines = []
    if not lines:
        raise ScreeningError(
            f"the secret of this lake is missing: set {SECRET_VARIABLE} or put back {file}"
        )
    return lines


def _read(path: Path) -> dict[str, object]:
    try:
        document = json.loads((path / MANIFEST_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ScreeningError(f"{MANIFEST_NAME} is damaged; restore it from a backup") from error
    if not isinstance(document, dict):
        raise ScreeningError(f"{MANIFEST_NAME} is damaged; restore it from a backup")
    return document


def _write(path: Path, data_key: bytes, secret: bytes, created: str) -> None:
    salt = secrets.token_bytes(SALT_BYTES)
    document = {
        "schema_version": SCHEMA_VERSION,
        "created": created,
        "salt": base64.b64encode(salt).decode(),
        "wrapped_key": base64.b64encode(wrap(data_key, secret, salt)).decode(),
    }
    text = json.dumps(document, indent=2) + "\n"
    write_atomic(path / MANIFEST_NAME, text.encode(), mode=0o644)
