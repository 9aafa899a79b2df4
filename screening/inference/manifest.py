"""Which models there are, and whether their files are what they claim.

Comes in: a model's name, or a folder with `manifest.json`.
Goes out: a `Model` (path and identity only, so that it travels to workers), `Manifest`s
and `Verification`s for the command line.
Refuses: a folder without a manifest, a manifest of another format, a file whose SHA-256
is not the one its manifest states.

Two formats: 1, the three networks of our own kind; 2, one network that a site brought. Of the
latter the heart is found by the default model's coarse network.
"""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from screening.config import Providers
from screening.errors import ScreeningError
from screening.inference.description import (
    BROUGHT_FORMAT,
    NETWORK_FILE,
    BroughtManifest,
    ModelFile,
    Network,
)
from screening.inference.runtime import CPU_PROVIDER
from screening.records import ModelIdentity
from screening.resources import models_folder

MANIFEST_NAME = "manifest.json"
FORMAT_VERSION = 1
REQUIRED_FILES = ("ball.onnx", "candidate.onnx", "coarse.onnx")
LOCATOR, LOCATOR_FILE = "default", "coarse.onnx"


class Manifest(BaseModel):
    """What a model of our own kind is, what it eats and where it comes from."""

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
    """A checked model: where it lies and what it is. Safe to pickle and to log.

    folder : its files
    network : how to use a brought network; None: our own kind
    locator_folder : where the coarse network that finds the heart lies; None: in `folder`
    providers : the processor asked for
    """

    folder: Path = field(repr=False)
    identity: ModelIdentity
    network: Network | None = None
    locator_folder: Path | None = field(default=None, repr=False)
    providers: Providers = "cpu"

    @property
    def locator(self) -> Path:
        """Folder of the network that finds the heart."""
        return self.folder if self.locator_folder is None else self.locator_folder


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether one file of one model is what its manifest says."""

    model: str
    file: str
    is_good: bool
    detail: str


def open_model(name_or_path: str = "default", providers: Providers = "cpu") -> Model:
    """Check a model's files and return it, ready to be sent to workers.

    Parameters
    ----------
    name_or_path : str
        A folder name below `models/`, or the path of a folder.
    providers : str
        Where its networks are to run.

    Returns
    -------
    Model

    Raises
    ------
    ScreeningError
        No such model, a manifest that cannot be read, or a file with another digest.
    """
    folder = folder_of(name_or_path)
    manifest = read_manifest(folder)
    for verification in check_digests(folder, manifest):
        if not verification.is_good:
            raise ScreeningError(
                f"model {manifest.name}: {verification.file}: {verification.detail}; "
                "restore the file or train the model again"
            )
    identity = ModelIdentity(manifest.name, digest_of(manifest), CPU_PROVIDER)
    if isinstance(manifest, BroughtManifest):
        locator = open_model(LOCATOR).folder
        return Model(folder, identity, manifest.network, locator, providers)
    return Model(folder, identity, providers=providers)


def digest_of(manifest: Manifest | BroughtManifest) -> str:
    """Digest of all that a model's answers depend on; of a brought one also the heart finder's."""
    if isinstance(manifest, Manifest):
        return manifest.digest
    locator = read_manifest(folder_of(LOCATOR))
    coarse = next(f.sha256 for f in locator.files if f.name == LOCATOR_FILE)
    return sha256(f"{manifest.digest}\n{coarse}".encode()).hexdigest()


def list_models(extra: Sequence[str] = ()) -> tuple[Manifest | BroughtManifest, ...]:
    """Manifests of the models that travel with the program, and of `extra` folders."""
    return tuple(read_manifest(folder) for folder in folders(extra))


def folders(extra: Sequence[str] = ()) -> list[Path]:
    """Folders of the installed models, and those of `extra` names or paths."""
    return [*_installed(), *(f for f in map(folder_of, extra) if f not in _installed())]


def _installed() -> list[Path]:
    return sorted(path.parent for path in models_folder().glob(f"*/{MANIFEST_NAME}"))


def check_new_name(name: str, what: str) -> None:
    """Refuse what would be taken for a model that travels with the program."""
    if name.casefold() in {folder.name.casefold() for folder in _installed()}:
        raise ScreeningError(
            f"{name}: that is what a model of this program is called; give another {what}"
        )


def folder_of(name_or_path: str) -> Path:
    """Return the folder of an installed model by name, or a folder by its path."""
    installed = {folder.name: folder for folder in _installed()}
    if name_or_path in installed:
        return installed[name_or_path]
    folder = Path(name_or_path)
    if (folder / MANIFEST_NAME).is_file():
        return folder.resolve()
    known = ", ".join(sorted(installed)) or "none"
    raise ScreeningError(
        f"no model {name_or_path!r}: neither the name of one (installed: {known}) nor a folder "
        f"with a {MANIFEST_NAME}; check --model, or model in --config"
    )


def read_manifest(folder: Path) -> Manifest | BroughtManifest:
    """Read and check a folder's manifest, of either format."""
    try:
        raw = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ScreeningError(f"model {folder.name}: {MANIFEST_NAME} cannot be read") from error
    try:
        return _of_format(raw)
    except ValidationError as error:
        raise ScreeningError(f"model {folder.name}: {MANIFEST_NAME}: {what_is_wrong(error)}") from (
            error
        )


def _of_format(raw: Any) -> Manifest | BroughtManifest:
    if isinstance(raw, dict) and raw.get("format_version") == BROUGHT_FORMAT:
        brought = BroughtManifest.model_validate(raw)
        _require(brought, {NETWORK_FILE})
        return brought
    manifest = Manifest.model_validate(raw)
    if manifest.format_version != FORMAT_VERSION:
        raise ScreeningError(
            f"model {manifest.name}: manifest format {manifest.format_version}, "
            f"this program reads {FORMAT_VERSION} and {BROUGHT_FORMAT}"
        )
    _require(manifest, set(REQUIRED_FILES))
    return manifest


def _require(manifest: Manifest | BroughtManifest, names: set[str]) -> None:
    missing = names - {file.name for file in manifest.files}
    if missing:
        raise ScreeningError(f"model {manifest.name}: manifest lacks {', '.join(sorted(missing))}")


def what_is_wrong(error: ValidationError) -> str:
    """Say in a few words where a manifest is wrong, and why."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return "is not JSON: " + first["msg"].removeprefix("Invalid JSON: ")
    where = ".".join(str(part) for part in first["loc"])
    why = first["msg"].removeprefix("Value error, ")
    return f"{where} is wrong: {why}" if where else f"is wrong: {why}"


def check_digests(folder: Path, manifest: Manifest | BroughtManifest) -> list[Verification]:
    """Compare every file with its digest."""
    return [_verify_file(folder, manifest.name, file) for file in manifest.files]


def _verify_file(folder: Path, model: str, file: ModelFile) -> Verification:
    path = folder / file.name
    try:
        stat = path.stat()
        found = _digest(path, stat.st_size, stat.st_mtime_ns)
    except OSError:
        return Verification(model, file.name, is_good=False, detail="the file is missing")
    if found == file.sha256:
        return Verification(model, file.name, is_good=True, detail=f"sha256 {found[:12]}")
    detail = f"sha256 is {found[:12]}, the manifest says {file.sha256[:12]}"
    return Verification(model, file.name, is_good=False, detail=detail)


@functools.lru_cache(maxsize=16)
def _digest(path: Path, size: int, changed_ns: int) -> str:
    """Digest of a file; a worker asks for the same hundreds of megabytes at every scan."""
    del size, changed_ns  # parts of the cache's key
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
