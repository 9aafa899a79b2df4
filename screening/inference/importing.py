"""Taking a site's network in.

Comes in: an ONNX file and the JSON that describes it.
Goes out: a model folder: the network, what lies beside it, a manifest with digests.
Refuses: a folder that is there, a description that is off, the name of a model of the program,
another operator set, shapes that differ from the description's, a file the runtime cannot open,
a network that answers the same question in two ways.
"""

import shutil
from hashlib import file_digest
from pathlib import Path

from pydantic import ValidationError

from screening.errors import ScreeningError
from screening.inference.brought import Scan, ask, locate_bright, open_network, that_matter
from screening.inference.description import (
    CARD_FILE,
    NETWORK_FILE,
    BroughtManifest,
    Description,
    ModelFile,
)
from screening.inference.manifest import MANIFEST_NAME, Model, check_new_name, what_is_wrong
from screening.inference.onnx_file import check_opsets, check_same
from screening.inference.session import networks
from screening.inference.verify import verify_folder
from screening.records import Volume

_OF_EVERY_MODEL = (NETWORK_FILE, MANIFEST_NAME, CARD_FILE)


def read_description(file: Path) -> Description:
    """Read the JSON that describes a network.

    Raises
    ------
    ScreeningError
        It cannot be read, or contradicts itself; the line names the setting.
    """
    try:
        return Description.model_validate_json(file.read_bytes())
    except OSError as error:
        raise ScreeningError(f"manifest {file.name}: {error.strerror}") from error
    except ValidationError as error:
        raise ScreeningError(f"manifest {file.name}: {what_is_wrong(error)}") from error


def build_model(onnx: Path, description: Description, folder: Path) -> BroughtManifest:
    """Write a model folder and check it; what does not hold leaves no folder behind.

    Parameters
    ----------
    onnx : the network; files beside it, or beside what it links to, whose names begin with its
        own (`net.onnx.data`) are its outer weights and come along
    description : how to use it
    folder : a new folder

    Raises
    ------
    ScreeningError
    """
    if folder.exists():
        raise ScreeningError(f"{folder} is there already; give a new folder")
    if not onnx.is_file():
        raise ScreeningError(f"{onnx.name}: no such file; give the network as ONNX")
    check_new_name(description.name, "name in the manifest")
    check_opsets(onnx)
    try:
        folder.mkdir(parents=True)
        shutil.copyfile(onnx, folder / NETWORK_FILE)
        for outer in _outer_weights(onnx):
            shutil.copyfile(outer, folder / outer.name)
        manifest = BroughtManifest(
            **dict(description), files=tuple(_described(f) for f in sorted(folder.iterdir()))
        )
        text = manifest.model_dump_json(indent=2) + "\n"
        (folder / MANIFEST_NAME).write_text(text, encoding="utf-8")
        for found in verify_folder(folder):
            if not found.is_good:
                raise ScreeningError(found.detail)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return manifest


def check_repeats_on(model: Model, volume: Volume) -> None:
    """Refuse a brought network that answers of a scan in two ways, though of noise in one.

    Three windows tell: to ask all of them again would double a heavy network's import.
    """
    if model.network is None:
        return
    located = locate_bright(networks(model), volume, model.network.lowest_hu)
    if located is None:
        return
    scan = Scan(located, model.network)
    matter = that_matter(scan.windows, scan.points)
    few = [matter[k] for k in sorted({0, len(matter) // 2, len(matter) - 1})] if matter else []
    session = open_network(model, None)
    check_same(ask(session, scan, few), ask(session, scan, few))


def _outer_weights(onnx: Path) -> list[Path]:
    """List what may be outer weights; no file takes the place of one that every model has."""
    found: dict[str, Path] = {}
    for network in (onnx.resolve(), onnx):
        for file in network.parent.iterdir():
            is_its = file.name.startswith(network.name) and file.name != network.name
            if is_its and file.name not in _OF_EVERY_MODEL and file.is_file():
                found[file.name] = file
    return [found[name] for name in sorted(found)]


def _described(file: Path) -> ModelFile:
    with file.open("rb") as stream:
        digest = file_digest(stream, "sha256").hexdigest()
    try:
        return ModelFile(name=file.name, sha256=digest, n_bytes=file.stat().st_size)
    except ValidationError as error:
        raise ScreeningError(
            f"{file.name!r}: export the network again under a plain name (letters and digits)"
        ) from error
