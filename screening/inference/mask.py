"""A given mask, on the volume's grid.

Comes in: a `Volume` and a NIfTI label map drawn on the same images.
Goes out: `MaskLabels`: the labels voxel by voxel as the volume indexes them.
Refuses: a mask whose voxels do not lie on the volume's within 0.1 mm, by each of the places that
the file gives (`mask_mismatch`), and with one line a file that is not NIfTI or does not hold whole
labels.

What a label number stands for only the mask's author knows: no name of an artery is guessed.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from screening.errors import ScreeningError
from screening.reasons import Reason, Room
from screening.records import Rejection, Volume

GRID_TOLERANCE_MM = 0.1
_MAX_LABEL = 65535


@dataclass(frozen=True, slots=True, eq=False)
class MaskLabels:
    """Labels of a mask on the volume's grid.

    label_map : uint16, like `Volume.hu`; 0 outside
    """

    label_map: NDArray[np.uint16]


def labels_from_mask(volume: Volume, nifti: Path) -> MaskLabels | Rejection:
    """Read a NIfTI mask in any orientation and lay it on the volume's grid.

    Parameters
    ----------
    volume : Volume
    nifti : Path
        `.nii` or `.nii.gz`; its affine (RAS mm) says where its voxels lie.

    Returns
    -------
    MaskLabels or Rejection
        Rejected as `mask_mismatch` when any corner of the mask's
        grid is more than 0.1 mm from the volume's.

    Raises
    ------
    ScreeningError
        The file cannot be read as NIfTI or holds values that are not whole labels.
    """
    labels, affines = _read(nifti)
    for name, affine in affines.items():
        placed = _place(volume, labels, affine)
        if isinstance(placed, str):
            why = placed if len(affines) == 1 else f"{placed}, by its {name}"
            return Rejection(Room.INFERENCE, volume.series_key, Reason.MASK_MISMATCH, why)
    return MaskLabels(np.ascontiguousarray(placed))


def _read(nifti: Path) -> tuple[NDArray[np.uint16], dict[str, NDArray[np.float64]]]:
    try:
        image = cast("nibabel.Nifti1Image", nibabel.load(nifti))
        values = np.asarray(image.dataobj, dtype=np.float32)
        affines = _affines(image)
    except (OSError, ImageFileError, EOFError, ValueError, AttributeError) as error:
        raise ScreeningError("the mask cannot be read as NIfTI; give a .nii or .nii.gz") from error
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise ScreeningError(f"the mask has {values.ndim} dimensions; give one with 3")
    whole = np.rint(values)
    if not np.isfinite(values).all() or np.abs(values - whole).max(initial=0) > 1e-3:
        raise ScreeningError("the mask holds values that are not whole; give a label map")
    if whole.min(initial=0) < 0 or whole.max(initial=0) > _MAX_LABEL:
        raise ScreeningError(f"the mask holds labels outside 0..{_MAX_LABEL}; give a label map")
    return whole.astype(np.uint16), affines


def _affines(image: "nibabel.Nifti1Image") -> dict[str, NDArray[np.float64]]:
    """Return where the file says it lies: some give two places, and programs differ in which."""
    header: Any = image.header
    given = {"sform": header.get_sform(coded=True), "qform": header.get_qform(coded=True)}
    said = {name: affine for name, (affine, code) in given.items() if code > 0}
    return said or {"affine": np.asarray(image.affine, dtype=np.float64)}


def _place(
    volume: Volume, labels: NDArray[np.uint16], affine: NDArray[np.float64]
) -> NDArray[np.uint16] | str:
    """Permute and flip the mask's axes until its corners lie on the volume's; or say why not."""
    if not np.isfinite(affine).all():
        return "the mask does not say where it lies"
    to_lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    along = np.stack(
        [
            volume.origins_lps_mm[-1] - volume.origins_lps_mm[0],
            volume.row_axis_lps,
            volume.column_axis_lps,
        ]
    )
    along = along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
    lengths = np.maximum(np.linalg.norm(to_lps[:3, :3], axis=0), 1e-12)
    agreement = along @ (to_lps[:3, :3] / lengths)
    order = np.abs(agreement).argmax(1)
    if sorted(order) != [0, 1, 2]:
        return "the mask's axes are not the scan's"
    flips = [bool(agreement[k, order[k]] < 0) for k in range(3)]
    placed = labels.transpose(order)
    if placed.shape != volume.hu.shape:
        return f"the mask has {_size(placed)} voxels, the scan {_size(volume.hu)}"
    placed = placed[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    distance_mm = _largest_distance_mm(volume, to_lps, order, flips)
    if distance_mm > GRID_TOLERANCE_MM:
        return f"the mask lies up to {distance_mm:.2f} mm off; {GRID_TOLERANCE_MM} mm may be"
    return placed


def _size(grid: NDArray[np.generic]) -> str:
    return " x ".join(str(n) for n in grid.shape)


def _largest_distance_mm(
    volume: Volume, to_lps: NDArray[np.float64], order: NDArray[np.int64], flips: list[bool]
) -> float:
    """Compare the in-plane corners of every slice."""
    n, rows, columns = volume.hu.shape
    corners = [(r, c) for r in (0, rows - 1) for c in (0, columns - 1)]
    index = np.array([(s, r, c) for s in range(n) for r, c in corners], dtype=np.float64)
    source = np.ones((len(index), 4))
    for k in range(3):
        last = volume.hu.shape[k] - 1
        source[:, order[k]] = last - index[:, k] if flips[k] else index[:, k]
    there = (source @ to_lps.T)[:, :3]
    return float(np.linalg.norm(there - volume.lps_mm(index), axis=1).max())
