"""Scoring what a person has drawn, without a model.

Comes in: a `Volume` and an integer label map on its grid (0: not calcium).
Goes out: a `MaskScore`: totals and one line a label.
Refuses: a label map of another shape or type (ScreeningError).

As in `score`, touching voxels of the mask are one lesion in the slice even across a border
between two labels, and its Agatston units go to the labels by voxel count.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.errors import ScreeningError
from screening.measures import Intervals
from screening.records import Certainty, Quality, ScoringParameters, Volume
from screening.scoring.beside import at_kvp, density, measured
from screening.scoring.certainty import intervals_as_flagged, without_ends
from screening.scoring.intervals import Measured, intervals
from screening.scoring.kvp import thresholds_of
from screening.scoring.measure import Calcium, measure
from screening.scoring.parameters import check_parameters
from screening.scoring.quality import NOISE_HU, judge_header


class LabelScore(NamedTuple):
    """The measures of one label of a mask; `n_counted` of its `n_marked` voxels count."""

    label: int
    n_marked: int
    n_counted: int
    agatston: float
    volume_mm3: float
    mass_mg: float
    volume_isotropic_mm3: float
    mass_integrated_mg: float


@dataclass(frozen=True, slots=True)
class MaskScore:
    """The measures of a whole mask; `labels` in ascending order, present labels only.

    The integrated mass of a label is of its own deposits and their surroundings: where two labels
    lie close together, both hold what is between them.

    n_marked, n_counted : voxels of the mask, and those of them at or above the threshold
    agatston_kvp, kvp_edges_hu, kvp_source : as in `Beside`
    quality : of header and slices alone: no model looked at the heart
    """

    n_marked: int
    n_counted: int
    agatston: float
    volume_mm3: float
    mass_mg: float
    volume_isotropic_mm3: float
    mass_integrated_mg: float
    density: float | None
    agatston_kvp: float | None
    kvp_edges_hu: tuple[int, int, int, int] | None
    kvp_source: str
    certainty: Certainty
    intervals: Intervals
    quality: Quality
    labels: tuple[LabelScore, ...]


def score_mask(
    volume: Volume,
    label_map: NDArray[np.integer],
    parameters: ScoringParameters = ScoringParameters(),  # noqa: B008 - frozen
) -> MaskScore:
    """Measure every voxel at or above the threshold inside the mask; no anatomical check.

    Parameters
    ----------
    volume : Volume
    label_map : integer (slices, rows, columns), 0 outside the mask
    parameters : ScoringParameters

    Returns
    -------
    MaskScore; a label without calcium is listed with zeros

    Raises
    ------
    ScreeningError
        where the map does not fit the volume
    """
    check_parameters(parameters, lowest_hu=None)
    _check_map(volume, label_map)
    inside = np.flatnonzero(label_map != 0)  # of booleans: several times faster
    is_calcium = volume.counts(inside, parameters)
    names, of = np.unique(label_map.take(inside), return_inverse=True)
    n_marked = np.bincount(of, minlength=len(names))
    index, of = inside[is_calcium], of[is_calcium]
    calcium = measure(volume, index, np.zeros(len(index), dtype=np.uint8), parameters)
    whole = measured(volume, calcium, NOISE_HU[0], parameters)
    agatston = float(calcium.agatston.sum())
    quality = judge_header(volume)
    fitted, source = thresholds_of(volume.acquisition)
    return MaskScore(
        n_marked=len(inside),
        n_counted=len(index),
        agatston=agatston,
        volume_mm3=whole.volume_mm3,
        mass_mg=whole.mass_mg,
        volume_isotropic_mm3=whole.volume_isotropic_mm3,
        mass_integrated_mg=whole.integrated.mg,
        density=density(calcium, parameters),
        agatston_kvp=at_kvp(volume, inside, agatston, parameters),
        kvp_edges_hu=fitted.edges_hu if fitted else None,
        kvp_source=source,
        certainty=Certainty(None, None, None),  # blood, heart and metal were not looked at
        intervals=_sure(intervals(volume, whole, parameters), len(inside), quality),
        quality=quality,
        labels=_labels(volume, names, of, n_marked, calcium, whole, parameters),
    )


def _sure(told: Intervals, n_marked: int, quality: Quality) -> Intervals:
    """Of a mask that marks nothing nothing is told: an interval would speak of what is outside."""
    return intervals_as_flagged(told, quality.flags) if n_marked else without_ends(told)


def _check_map(volume: Volume, label_map: NDArray[np.integer]) -> None:
    if label_map.shape != volume.hu.shape:
        raise ScreeningError(
            f"the mask has {label_map.shape} voxels, the scan {volume.hu.shape}; "
            "draw it on the scan's own grid"
        )
    if not np.issubdtype(label_map.dtype, np.integer):
        raise ScreeningError("the mask must hold whole numbers")


def _labels(
    volume: Volume,
    names: NDArray[np.integer],
    of: NDArray[np.integer],
    n_marked: NDArray[np.integer],
    calcium: Calcium,
    whole: Measured,
    parameters: ScoringParameters,
) -> tuple[LabelScore, ...]:
    """Measure each label; `of` is the place in `names` of each calcium voxel's."""
    if len(names) == 1:  # what is measured once need not be again
        return (_line(names[0], n_marked[0], calcium, whole),)
    parts = [calcium.of(of == i) for i in range(len(names))]
    return tuple(
        _line(name, n, part, measured(volume, part, NOISE_HU[0], parameters))
        for name, n, part in zip(names, n_marked, parts, strict=True)
    )


def _line(name: np.integer, n_marked: np.integer, calcium: Calcium, found: Measured) -> LabelScore:
    return LabelScore(
        label=int(name),
        n_marked=int(n_marked),
        n_counted=len(calcium.agatston),
        agatston=float(calcium.agatston.sum()),
        volume_mm3=found.volume_mm3,
        mass_mg=found.mass_mg,
        volume_isotropic_mm3=found.volume_isotropic_mm3,
        mass_integrated_mg=found.integrated.mg,
    )
