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
    found = volume_components(calcium.index, label, (slices, rows, columns))
    of, count = found.of, found.count
    at = np.unravel_index(calcium.index, (slices, rows, columns))
    n_voxels = np.bincount(of)
    # Voxels ascend by slice; where an index is repeated the last value stays.
    place, (first, last) = np.arange(len(of)), np.zeros((2, count), dtype=np.int64)
    last[of], first[of[::-1]] = place, place[::-1]
    max_hu = np.full(count, np.iinfo(np.int16).min, dtype=np.int16)
    np.maximum.at(max_hu, of, calcium.hu)

    def total(values: NDArray[np.number]) -> NDArray[np.float64]:
        return np.bincount(of, weights=values).astype(np.float64)

    centroid = np.stack([total(axis) for axis in volume.origins_lps_mm[at[0]].T], axis=1)
    for steps, spacing_mm, axis in zip(
        at[1:], volume.spacing_mm, (volume.row_axis_lps, volume.column_axis_lps), strict=True
    ):
        centroid += total(steps)[:, None] * spacing_mm * axis
    agatston, volume_mm3 = total(calcium.agatston), total(calcium.volume_mm3)
    counted_mm3 = total(calcium.volume_mm3 * (calcium.agatston > 0))
    sums = {
        "probability": total(probability) / n_voxels,
        "agatston": agatston,
        "volume_mm3": volume_mm3,
        "mass_mg": total(calcium.mass_mg),
        "mean_hu": total(calcium.hu) / n_voxels,
        "density": agatston
        * parameters.reference_increment_mm
        / np.maximum(counted_mm3, np.finfo(float).tiny),
    }
    centroids = (centroid / n_voxels[:, None]).tolist()
    columns_of = {key: values.tolist() for key, values in sums.items()}
    name, slice_ = label[first].tolist(), at[0][np.stack([first, last], axis=1)].tolist()
    largest_first = np.lexsort((first, -volume_mm3, -agatston))
    return tuple(
        Lesion(
            label=Label(name[i]).name,
            max_hu=int(max_hu[i]),
            centroid_lps_mm=tuple(centroids[i]),
            slices=(slice_[i][0], slice_[i][1]),
            **{key: values[i] for key, values in columns_of.items()},
        )
        for i in largest_first
        if agatston[i] > 0
    )
