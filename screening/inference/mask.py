"""A given mask, on the volume's grid.

Comes in: a `Volume` and a NIfTI label map drawn on the same images.
Goes out: `MaskLabels`: the labels voxel by voxel as the volume indexes them.
Refuses: a mask whose voxels do not lie on the volume's within 0.1 mm, by each of the places that
the file gives (`mask_mismatch`), and with one line a file that is not NIfTI or does not hold whole
labels.

What a label number stands for only the mask's author knows: no name of an artery is guessed.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import nibabel
import nibabel.imageglobals
import numpy as np
from numpy.typing import NDArray

from screening.errors import ScreeningError
from screening.reasons import Reason, Room
from screening.records import Rejection, Volume

GRID_TOLERANCE_MM = 0.1
_MAX_LABEL = 65535
_UNREADABLE = "the mask cannot be read as NIfTI; give a .nii or .nii.gz"

nibabel.imageglobals.logger.disabled = True  # it comments on headers, on the terminal

# The mask's axes in the order of the volume's, and which of them run the other way.
_Turn = tuple[NDArray[np.int64], list[bool]]


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
    image, affines = _open(nifti)
    shape = tuple(image.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3:
        raise ScreeningError(f"the mask has {len(shape)} dimensions; give one with 3")
    placed: _Turn | str = "the mask does not say where it lies"
    for name, affine in affines.items():
        placed = _turn(volume, shape, affine)
        if isinstance(placed, str):
            why = placed if len(affines) == 1 else f"{placed}, by its {name}"
            return Rejection(Room.INFERENCE, volume.series_key, Reason.MASK_MISMATCH, why)
    # Read only now: as many voxels as the scan has, whatever a damaged header promises.
    return MaskLabels(np.ascontiguousarray(_turned(_labels(image).reshape(shape), *placed)))


def _open(nifti: Path) -> tuple["nibabel.Nifti1Image", dict[str, NDArray[np.float64]]]:
    """Read the header. Whatever a damaged file makes the reader raise, it cannot be read."""
    try:
        with warnings.catch_warnings(action="ignore"):
            image = cast("nibabel.Nifti1Image", nibabel.load(nifti))
            affines = _affines(image)
            header, voxels = cast("Any", image.header), cast("Any", image.dataobj)
            if header.is_single and voxels.offset < header.sizeof_hdr:
                raise ValueError("the voxels would begin within the header")
    except Exception as error:
        raise ScreeningError(_UNREADABLE) from error
    if voxels.dtype.kind not in "biuf":
        raise ScreeningError("the mask holds colours or complex numbers; give a label map")
    return image, affines


def _labels(image: "nibabel.Nifti1Image") -> NDArray[np.uint16]:
    try:
        with warnings.catch_warnings(action="ignore"):
            values = np.asarray(image.dataobj, dtype=np.float32)
    except Exception as error:
        raise ScreeningError(_UNREADABLE) from error
    whole = np.rint(values)
    is_near = bool(np.isfinite(values).all()) and np.abs(values - whole).max(initial=0) <= 1e-3
    # By a tiny slope a mask would read as empty.
    if not is_near or ((values != 0) & (whole == 0)).any():
        raise ScreeningError("the mask holds values that are not whole; give a label map")
    if whole.min(initial=0) < 0 or whole.max(initial=0) > _MAX_LABEL:
        raise ScreeningError(f"the mask holds labels outside 0..{_MAX_LABEL}; give a label map")
    return whole.astype(np.uint16)


def _affines(image: "nibabel.Nifti1Image") -> dict[str, NDArray[np.float64]]:
    """Return where the file says it lies: some give two places, and programs differ in which."""
    header: Any = image.header
    given = {"sform": header.get_sform(coded=True), "qform": header.get_qform(coded=True)}
    said = {name: affine for name, (affine, code) in given.items() if code > 0}
    return said or {"affine": np.asarray(image.affine, dtype=np.float64)}


def _turn(volume: Volume, shape: tuple[int, ...], affine: NDArray[np.float64]) -> _Turn | str:
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
    turned = tuple(shape[axis] for axis in order)
    if turned != volume.hu.shape:
        return f"the mask has {_size(turned)} voxels, the scan {_size(volume.hu.shape)}"
    distance_mm = _largest_distance_mm(volume, to_lps, order, flips)
    if distance_mm > GRID_TOLERANCE_MM:
        return f"the mask lies up to {distance_mm:.2f} mm off; {GRID_TOLERANCE_MM} mm may be"
    return order, flips


def _turned(
    labels: NDArray[np.uint16], order: NDArray[np.int64], flips: list[bool]
) -> NDArray[np.uint16]:
    return labels.transpose(order)[tuple(slice(None, None, -1 if f else 1) for f in flips)]


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


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
