"""Lesions in three dimensions.

Comes in: the coronary calcium voxels with their measures, arteries and probabilities.
Goes out: `Lesion`s, largest first.
Refuses: nothing. What adds no Agatston units, a speck or noise, is no lesion.
"""

import numpy as np
from numpy.typing import NDArray

from screening.records import Label, Lesion, ScoringParameters, Volume
from screening.scoring.components import volume_components
from screening.scoring.measure import Calcium


def find_lesions(
    volume: Volume,
    calcium: Calcium,
    label: NDArray[np.uint8],
    probability: NDArray[np.float32],
    parameters: ScoringParameters,
) -> tuple[Lesion, ...]:
    """Return what is 26-connected within one artery, largest first.

    Parameters
    ----------
    volume : Volume
    calcium : of the coronaries
    label : uint8 (n,), the artery of each voxel
    probability : float32 (n,), of that label
    parameters : ScoringParameters
    """
    slices, rows, columns = volume.hu.shape
    if len(calcium.index) == 0:
        return ()
    of = volume_components(calcium.index, label, (slices, rows, columns)).of
    at = np.unravel_index(calcium.index, (slices, rows, columns))
    n_voxels = np.bincount(of)
    order = np.argsort(of, kind="stable")  # keeps slices ascending within a lesion
    first = np.cumsum(n_voxels) - n_voxels
    last = first + n_voxels - 1
    slice_, name = at[0][order], label[order[first]]

    def total(values: NDArray[np.number]) -> NDArray[np.float64]:
        return np.bincount(of, weights=values).astype(np.float64)

    centroid = np.stack([total(axis) for axis in volume.origins_lps_mm[at[0]].T], axis=1)
    for steps, spacing_mm, axis in zip(
        at[1:], volume.spacing_mm, (volume.row_axis_lps, volume.column_axis_lps), strict=True
    ):
        centroid += total(steps)[:, None] * spacing_mm * axis
    agatston, volume_mm3 = total(calcium.agatston), total(calcium.volume_mm3)
    counted_mm3 = total(calcium.volume_mm3 * (calcium.agatston > 0))
    found = {
        "probability": total(probability) / n_voxels,
        "agatston": agatston,
        "volume_mm3": volume_mm3,
        "mass_mg": total(calcium.mass_mg),
        "mean_hu": total(calcium.hu) / n_voxels,
        "density": agatston
        * parameters.reference_increment_mm
        / np.maximum(counted_mm3, np.finfo(float).tiny),
    }
    max_hu = np.maximum.reduceat(calcium.hu[order], first).tolist()
    centroids = (centroid / n_voxels[:, None]).tolist()
    columns_of = {key: values.tolist() for key, values in found.items()}
    largest_first = np.lexsort((first, -volume_mm3, -agatston))
    return tuple(
        Lesion(
            label=Label(int(name[i])).name,
            max_hu=max_hu[i],
            centroid_lps_mm=tuple(centroids[i]),
            slices=(int(slice_[first[i]]), int(slice_[last[i]])),
            **{key: values[i] for key, values in columns_of.items()},
        )
        for i in largest_first
        if agatston[i] > 0
    )
