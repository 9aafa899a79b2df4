"""Where the files that travel with the program lie.

Comes in: nothing. Goes out: the folders `models/` and `sql/`, in a checkout or a wheel.
Refuses: an installation without them.
"""

from pathlib import Path

from screening.errors import ScreeningError

_HERE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    for candidate in (_HERE / "_data" / name, _HERE.parent / name):
        if candidate.is_dir():
            return candidate
    raise ScreeningError(f"the folder {name}/ is missing from this installation; install again")


def models_folder() -> Path:
    """ONNX files, manifests and cards."""
    return _folder("models")


def sql_folder() -> Path:
    """One file a table or view."""
    return _folder("sql")
