"""A scan's calcium score.

Comes in: a `Volume` and what inference says of its bright voxels (`Labelled`).
Goes out: a `CalciumScore`, or the `Rejection` that says why none can be given.
Refuses: contrast in the blood pool, a hole in the stack at the heart.

Calcium is every labelled voxel at or above the threshold. Within a slice, touching
*coronary* voxels are one lesion even across the border of two arteries, so that the
1 mm² rule and the peak do not depend on where the model draws that border; the lesion's
units then go to the arteries by voxel count. A slice's units count increment / 3 mm.
Elsewhere (`other`) a lesion is touching voxels of one label. Metal is named first
(`screening.scoring.metal`): it is never counted.

Volume is voxels x voxel volume and mass voxels x HU x an uncalibrated default factor; both
count every calcium voxel, also those below 1 mm², which the Agatston rule leaves out.
`lesions` are 26-connected in three dimensions within one artery, largest first; their
Agatston units sum to the total. What adds none, a speck below 1 mm² or noise, is no lesion.

Sources: Agatston, J Am Coll Cardiol 1990;15:827 (score); Ohnesorge, Eur Radiol 2002
(increment / 3 mm); McCollough, Radiology 2007;243:527 (volume, mass).
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from screening.errors import ScreeningError
from screening.records import (
    CORONARY_LABELS,
    CalciumScore,
    Label,
    Labelled,
    Rejection,
    ScoringParameters,
    VesselScores,
    Volume,
)
from screening.scoring.beside import beside
from screening.scoring.certainty import as_flagged, certainty, intervals_as_flagged
from screening.scoring.checks import refuse
from screening.scoring.grades import Flag
from screening.scoring.lesions import find_lesions
from screening.scoring.measure import Calcium, measure
from screening.scoring.metal import name_metal
from screening.scoring.parameters import (
    LOWEST_LABELLED_HU,
    OTHER_LABELS,
    SCORING_VERSION,
    category,
    check_parameters,
)
from screening.scoring.places import Places
from screening.scoring.quality import NOISE_HU, judge, without

_ANY_CORONARY = 0
_IS_CORONARY = np.isin(np.arange(256), CORONARY_LABELS)


def score(
    volume: Volume,
    labelled: Labelled,
    parameters: ScoringParameters = ScoringParameters(),  # noqa: B008 - frozen
) -> CalciumScore | Rejection:
    """Score one scan by the Agatston convention of 1990 (`ScoringParameters`).

    The module says what counts as one lesion, and where its units go.

    Parameters
    ----------
    volume : Volume
    labelled : Labelled
        of this volume; labels are needed from 90 HU upwards
    parameters : ScoringParameters

    Returns
    -------
    CalciumScore, or Rejection (CONTRAST_PIXELS, CONTRAST_UNCERTAIN, MISSING_SLICE_IN_HEART)

    Raises
    ------
    ScreeningError
        for parameters that make no sense, or labels of another volume
    """
    check_parameters(parameters, lowest_hu=LOWEST_LABELLED_HU)
    _check_labels(volume, labelled)
    rejection = refuse(volume, labelled)
    if rejection is not None:
        return rejection
    return _score(volume, name_metal(volume, labelled), parameters)


def _score(volume: Volume, labelled: Labelled, parameters: ScoringParameters) -> CalciumScore:
    picked, calcium = count(volume, labelled, parameters)
    label = labelled.label[picked]
    coronary_too = is_coronary(label)
    places = Places(calcium, label)
    coronary, names = calcium.of(coronary_too), label[coronary_too]
    agatston = float(coronary.agatston.sum())
    vessels = VesselScores(**{v.name: places.agatston(v) for v in CORONARY_LABELS})
    lesions = find_lesions(
        volume, coronary, names, labelled.probability[picked][coronary_too], parameters
    )
    sure = certainty(agatston, is_gated=volume.acquisition.is_gated)
    blood = labelled.blood_pool
    told, intervals = beside(
        volume,
        labelled.index[is_coronary(labelled.label)],
        coronary,
        vessels,
        len(lesions),
        NOISE_HU[0] if blood is None else blood.sd_hu,
        parameters,
    )
    quality = judge(
        volume,
        labelled,
        agatston,
        sure,
        has_calcium=bool(coronary_too.any()),
        lesions=lesions,
        parameters=parameters,
    )
    found = CalciumScore(
        agatston=agatston,
        volume_mm3=float(coronary.volume_mm3.sum()),
        mass_mg=float(coronary.mass_mg.sum()),
        category=category(agatston),
        vessels=vessels,
        vessel_measures=places.vessels(lesions, parameters),
        other=tuple((o.name.lower(), places.agatston(o)) for o in OTHER_LABELS),
        other_measures=places.others(),
        lesions=lesions,
        certainty=sure,
        intervals=intervals,
        beside=told,
        quality=quality,
        parameters=replace(parameters, scoring_version=SCORING_VERSION),
    )
    return within_flags(found)


def within_flags(score: CalciumScore) -> CalciumScore:
    """Take back what the flags of a score do not allow to be said of how sure it is."""
    flags = score.quality.flags
    sure, quality = as_flagged(score.certainty, flags), score.quality
    if sure.category_probability is None:
        quality = without(quality, Flag.NEAR_CATEGORY_EDGE)
    told = intervals_as_flagged(score.intervals, flags)
    return replace(score, certainty=sure, intervals=told, quality=quality)


def is_coronary(label: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which labels are coronary arteries."""
    return np.asarray(_IS_CORONARY[label], dtype=np.bool_)


def count(
    volume: Volume, labelled: Labelled, parameters: ScoringParameters
) -> tuple[NDArray[np.int64], Calcium]:
    """Measure all labelled voxels that are bright enough, by the convention.

    Parameters
    ----------
    volume : Volume
        of which only the labelled voxels are looked at
    labelled : Labelled
        of this volume, metal named
    parameters : ScoringParameters

    Returns
    -------
    where in `labelled` the measured voxels stand, int64 (n,); their `Calcium`, in that order
    """
    picked = np.flatnonzero(
        (labelled.label != Label.NONE) & volume.counts(labelled.index, parameters)
    )
    label = labelled.label[picked]
    group = np.where(is_coronary(label), np.uint8(_ANY_CORONARY), label)
    return picked, measure(volume, labelled.index[picked], group, parameters)


def _check_labels(volume: Volume, labelled: Labelled) -> None:
    index = labelled.index
    if not len(index) == len(labelled.label) == len(labelled.probability):
        raise ScreeningError("labels, probabilities and voxels differ in number")
    if len(index) and (index[0] < 0 or index[-1] >= volume.hu.size or (np.diff(index) <= 0).any()):
        raise ScreeningError("labelled voxels are not sorted, or lie outside the volume")
    if len(index) and labelled.label.max() > max(Label):
        raise ScreeningError("a label is not known")
