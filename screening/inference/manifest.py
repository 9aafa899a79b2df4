"""Which models there are, and whether their files are what they claim.

Comes in: a model's name, or a folder with `manifest.json`.
Goes out: a `Model` (path and identity only, so that it travels to workers), `Manifest`s
and `Verification`s for the command line.
Refuses: a folder without a manifest, a manifest of another format, a file whose SHA-256
is not the one its manifest states.
"""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from screening.errors import ScreeningError
from screening.records import ModelIdentity
from screening.resources import models_folder

MANIFEST_NAME = "manifest.json"
FORMAT_VERSION = 1
CPU_PROVIDER = "CPUExecutionProvider"
REQUIRED_FILES = ("candidate.onnx", "coarse.onnx")


class ModelFile(BaseModel):
    """One file of a model and its digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str
    n_bytes: int


class Manifest(BaseModel):
    """What a model is, what it eats and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int
    name: str
    version: str
    summary: str
    files: tuple[ModelFile, ...]
    input_contract: str
    coarse_channels: tuple[str, ...]
    labels: tuple[str, ...]
    trained_on: str
    trained_at: str
    seed: int
    command: str
    terms: str

    @property
    def digest(self) -> str:
        """SHA-256 over the files' names and digests; changes when a file does."""
        lines = sorted(f"{f.name}:{f.sha256}" for f in self.files)
        return sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Model:
    """A checked model: where it lies and what it is. Safe to pickle and to log."""

    folder: Path = field(repr=False)
    identity: ModelIdentity


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether one file of one model is what its manifest says."""

    model: str
    file: str
    is_good: bool
    detail: str


def open_model(name_or_path: str = "default") -> Model:
    """Check a model's files and return it, ready to be sent to workers.

    Parameters
    ----------
    name_or_path : str
        A folder name below `models/`, or the path of a folder.

    Returns
    -------
    Model

    Raises
    ------
    ScreeningError
        No such model, a manifest that cannot be read, or a file with another digest.
    """
    folder = _folder_of(name_or_path)
    manifest = _read_manifest(folder)
    for verification in _verify(folder, manifest):
        if not verification.is_good:
            raise ScreeningError(
                f"model {manifest.name}: {verification.file}: {verification.detail}; "
                "restore the file or train the model again"
            )
    return Model(folder, ModelIdentity(manifest.name, manifest.digest, CPU_PROVIDER))


def list_models() -> tuple[Manifest, ...]:
    """Manifests of the models that travel with the program, by name."""
    return tuple(_read_manifest(folder) for folder in _installed())


def verify_models() -> tuple[Verification, ...]:
    """Compare every file of every installed model with its manifest."""
    return tuple(v for folder in _installed() for v in _verify(folder, _read_manifest(folder)))


def _installed() -> list[Path]:
    return sorted(path.parent for path in models_folder().glob(f"*/{MANIFEST_NAME}"))


def _folder_of(name_or_path: str) -> Path:
    installed = {folder.name: folder for folder in _installed()}
    if name_or_path in installed:
        return installed[name_or_path]
    folder = Path(name_or_path)
    if (folder / MANIFEST_NAME).is_file():
        return folder.resolve()
    known = ", ".join(sorted(installed)) or "none"
    raise ScreeningError(f"no model of that name or folder; installed: {known}")


def _read_manifest(folder: Path) -> Manifest:
    try:
        raw = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
        manifest = Manifest.model_validate(raw)
    except (OSError, json.JSONDecodeError) as error:
        raise ScreeningError(f"model {folder.name}: {MANIFEST_NAME} cannot be read") from error
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ScreeningError(f"model {folder.name}: {MANIFEST_NAME}: {where} is wrong") from error
    if manifest.format_version != FORMAT_VERSION:
        raise ScreeningError(
            f"model {manifest.name}: manifest format {manifest.format_version}, "
            f"this program reads {FORMAT_VERSION}"
        )
    missing = set(REQUIRED_FILES) - {file.name for file in manifest.files}
    if missing:
        raise ScreeningError(f"model {manifest.name}: manifest lacks {', '.join(sorted(missing))}")
    return manifest


def _verify(folder: Path, manifest: Manifest) -> list[Verification]:
    return [_verify_file(folder, manifest.name, file) for file in manifest.files]


def _verify_file(folder: Path, model: str, file: ModelFile) -> Verification:
    try:
        found = sha256((folder / file.name).read_bytes()).hexdigest()
    except OSError:
        return Verification(model, file.name, is_good=False, detail="the file is missing")
    if found == file.sha256:
        return Verification(model, file.name, is_good=True, detail=f"sha256 {found[:12]}")
    detail = f"sha256 is {found[:12]}, the manifest says {file.sha256[:12]}"
    return Verification(model, file.name, is_good=False, detail=detail)
