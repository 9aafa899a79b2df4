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
    slice_ = calcium.index // (rows * columns)
    n_voxels = np.bincount(of)
    # Voxels ascend by slice; where an index is repeated the last value stays.
    place, (first, last) = np.arange(len(of)), np.zeros((2, count), dtype=np.int64)
    last[of], first[of[::-1]] = place, place[::-1]
    max_hu = np.full(count, np.iinfo(np.int16).min, dtype=np.int16)
    np.maximum.at(max_hu, of, calcium.hu)

    def total(values: NDArray[np.number]) -> NDArray[np.float64]:
        return np.bincount(of, weights=values).astype(np.float64)

    agatston, volume_mm3 = total(calcium.agatston), total(calcium.volume_mm3)
    # Units over area; what counts nothing is no lesion, and its density is not read.
    counted_mm3 = np.maximum(total(calcium.volume_mm3 * (calcium.agatston > 0)), 1e-300)
    measures = {
        "probability": total(probability) / n_voxels,
        "agatston": agatston,
        "volume_mm3": volume_mm3,
        "mass_mg": total(calcium.mass_mg),
        "mean_hu": total(calcium.hu) / n_voxels,
        "density": agatston * parameters.reference_increment_mm / counted_mm3,
    }
    columns_of = {key: values.tolist() for key, values in measures.items()}
    centroids = _centroids(volume, calcium.index, of).tolist()
    largest_first = np.lexsort((first, -volume_mm3, -agatston))
    return tuple(
        Lesion(
            label=Label(int(label[first[i]])).name,
            max_hu=int(max_hu[i]),
            centroid_lps_mm=tuple(centroids[i]),
            slices=(int(slice_[first[i]]), int(slice_[last[i]])),
            **{key: values[i] for key, values in columns_of.items()},
        )
        for i in largest_first
        if agatston[i] > 0
    )


def _centroids(
    volume: Volume, index: NDArray[np.int64], of: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the mean place of each lesion's voxels, LPS mm, float64 (lesions, 3)."""
    slice_, *steps = np.unravel_index(index, volume.hu.shape)
    origins = volume.origins_lps_mm[slice_].T
    sums = np.stack([np.bincount(of, weights=axis).astype(np.float64) for axis in origins], axis=1)
    axes = (volume.row_axis_lps, volume.column_axis_lps)
    for step, spacing_mm, axis in zip(steps, volume.spacing_mm, axes, strict=True):
        sums += np.bincount(of, weights=step)[:, None] * spacing_mm * axis
    return np.asarray(sums / np.bincount(of)[:, None])
