"""Writing a file so that a reader sees the old one or the new one, never half.

Comes in: a path and its bytes.
Goes out: the file, on disk, under its name.
Refuses: nothing of its own; a full or broken disk is an `InfrastructureError`.
"""

import os
import secrets
from pathlib import Path

from screening.errors import InfrastructureError

TEMPORARY_PREFIX = ".tmp-"  # what a killed writer may leave behind


def temporary_beside(path: Path) -> Path:
    """Return an unused name in the folder of `path`, so that a rename stays on one disk."""
    return path.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")


def write_atomic(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write `content` under a temporary name, force it to disk, rename it into place."""
    temporary = temporary_beside(path)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InfrastructureError(
            f"cannot write {path.name} of the lake: {error.strerror}; check the disk and its rights"
        ) from error


def sync_file(path: Path) -> None:
    """Force a finished file to disk."""
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


def sync_folder(folder: Path) -> None:
    """Force a rename in `folder` to disk, where the system can do that (not on Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep_temporaries(folder: Path) -> None:
    """Remove what killed writers left in `folder`; call it only while holding the lease."""
    for left in folder.glob(f"{TEMPORARY_PREFIX}*"):
        if left.is_file():
            left.unlink(missing_ok=True)
