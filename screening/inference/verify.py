"""Whether models' files are what their manifests say, and can be run.

Comes in: names or folders of models.
Goes out: a `Verification` of each file: digest, operator set, inputs and outputs.
Refuses: nothing; what is wrong is said in the verification.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from screening.errors import ScreeningError
from screening.inference.anatomy import COARSE_CHANNELS
from screening.inference.description import NETWORK_FILE, BroughtManifest
from screening.inference.frame import GRID_CELLS
from screening.inference.manifest import (
    LOCATOR_FILE,
    Manifest,
    Verification,
    check_digests,
    folders,
    read_manifest,
)
from screening.inference.onnx_file import check_opsets, check_repeats, check_shapes
from screening.inference.runtime import new_session, ort


def verify_models(extra: Sequence[str] = ()) -> tuple[Verification, ...]:
    """Look at every file of the installed models and of those named in `extra`."""
    return tuple(v for folder in folders(extra) for v in verify_folder(folder))


def verify_folder(folder: Path) -> list[Verification]:
    """Look at every file of one model."""
    manifest = read_manifest(folder)
    return [_further(folder, manifest, found) for found in check_digests(folder, manifest)]


def _further(
    folder: Path, manifest: Manifest | BroughtManifest, found: Verification
) -> Verification:
    """Of an ONNX file with the right digest: its operator set, and its shapes."""
    if not found.is_good or not found.file.endswith(".onnx"):
        return found
    try:
        opset = check_opsets(folder / found.file)
        session = new_session(folder / found.file, 1, "cpu")
        shapes = _shapes(session, manifest, found.file)
    except ScreeningError as error:
        return replace(found, is_good=False, detail=str(error))
    return replace(found, detail=f"{found.detail}, {opset}, {shapes}")


def _shapes(session: ort.InferenceSession, manifest: Manifest | BroughtManifest, file: str) -> str:
    if isinstance(manifest, BroughtManifest) and file == NETWORK_FILE:
        shapes = check_shapes(session, manifest.network)
        check_repeats(session, manifest.network)
        return shapes
    taken, given = session.get_inputs(), session.get_outputs()
    if file == LOCATOR_FILE:
        wanted = [[1, 3, *GRID_CELLS], [1, len(COARSE_CHANNELS), *GRID_CELLS]]
        if [taken[0].shape, given[0].shape] != wanted:
            raise ScreeningError(f"its shapes are not {wanted[0]} to {wanted[1]}")
    return ", ".join(p.name for p in taken) + " to " + ", ".join(p.name for p in given)
