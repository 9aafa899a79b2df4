"""What was not counted and may be coronary calcium all the same.

Comes in: a `Volume` and its `Labelled`, metal named.
Goes out: its Agatston units, thing by thing, and whether the heart lies where the arteries can be
told.
Refuses: nothing.

Inference gives every bright thing one name. Where the name is none of the arteries although these
together have a quarter of the probability or more, a reader would look twice. Compact plaque has
less: it is taken for pericardium, node, mitral annulus or airway, and what the network doubts is
whether it is metal. So of these names a tenth of artery and metal together is enough. Figures of
both: infra/decisions/0013. What is called metal has flags of its own.
"""

import numpy as np
from numpy.typing import NDArray

from screening.records import CORONARY_LABELS, Label, Labelled, ScoringParameters, Volume
from screening.scoring.measure import measure
from screening.scoring.parameters import category
from screening.surroundings import Place
from screening.things import SHARES, Things

MAY_BE_CALCIUM_FROM = 0.25
CALCIUM_OR_METAL_FROM = 0.1
# The end of Rumberger's class of minimal calcium (Mayo Clin Proc 1999;74:243).
FEWEST_UNITS = 10.0
# The heart's middle lies left of that of the bones beside it: by -3 to 30 mm in 22 chests, three of
# them real. Mirrored, 14 of these show no heart any more; the other eight lie 6 to 29 mm right.
RIGHT_FROM_MM = 5.0
_BONE_FROM_HU, _BODY_FROM_HU = 150, -200
_NOT_ASKED = np.isin(np.arange(256), [*CORONARY_LABELS, Label.METAL])
# What plaque is taken for in real chests. Of what is called bone, aorta or valve too much is so.
_MISTAKEN = np.isin(
    np.arange(256), [Label.PERICARDIUM, Label.NODE, Label.MITRAL_ANNULUS, Label.AIRWAY]
)


def may_be_of_higher_category(
    volume: Volume, labelled: Labelled, agatston: float, parameters: ScoringParameters
) -> bool:
    """Whether what was left out would lift the score, by ten units or more, to another category."""
    units = float(units_left_out(volume, labelled, parameters).sum())
    return units >= FEWEST_UNITS and category(agatston + units) != category(agatston)


def units_left_out(
    volume: Volume, labelled: Labelled, parameters: ScoringParameters
) -> NDArray[np.float64]:
    """Agatston units of each thing that may be calcium and was not counted; 0 of the others.

    Parameters
    ----------
    volume : of which only the labelled voxels are looked at
    labelled : of this volume, metal named
    parameters : of the score

    Returns
    -------
    float64, one for each of `labelled.things`; empty without things
    """
    things = labelled.things
    if things is None or len(labelled.index) == 0:
        return np.zeros(0)
    may_be = _may_be_calcium(things)[things.owner, labelled.label]
    may_be &= ~_NOT_ASKED[labelled.label] & volume.counts(labelled.index, parameters)
    index = labelled.index[may_be]
    n = len(things.shares)
    if len(index) == 0:
        return np.zeros(n)
    found = measure(volume, index, np.zeros(len(index), dtype=np.uint8), parameters)
    return np.bincount(things.owner[may_be], found.agatston, n).astype(np.float64)


def _may_be_calcium(things: Things) -> NDArray[np.bool_]:
    """(things, labels): whether a thing of this label may be calcium."""
    is_metal = np.array([name == Label.METAL.name.lower() for name in things.names])
    either = things.coronary + things.shares[:, is_metal].sum(1)
    # Off the courses the arteries have nothing, and metal is no plaque there.
    is_doubted = (things.coronary > 0) & (either >= CALCIUM_OR_METAL_FROM * SHARES)
    is_likely = things.coronary >= MAY_BE_CALCIUM_FROM * SHARES
    return np.asarray(is_likely[:, None] | (is_doubted[:, None] & _MISTAKEN))


def is_heart_on_the_right(volume: Volume, labelled: Labelled) -> bool:
    """Whether the heart lies right of the bones' middle: mirrored pixels, or a heart that does."""
    left_mm = heart_to_the_left_mm(volume, labelled)
    return left_mm is not None and left_mm < -RIGHT_FROM_MM


def heart_to_the_left_mm(volume: Volume, labelled: Labelled) -> float | None:
    """How far the heart's middle lies left of that of the bones beside it; None where unknown.

    A voxel in 8 x 8 x 2 is looked at; bone is what is brighter than tissue and not in the heart.
    """
    if labelled.surroundings is None:
        return None
    first, end = labelled.heart_box[:2]
    thinned = volume.hu[first:end:2, ::8, ::8]
    at = np.argwhere(thinned > _BODY_FROM_HU) * (2, 8, 8) + (first, 0, 0)
    lps_mm = volume.lps_mm(at.astype(np.float64))
    is_heart = (labelled.surroundings.at(lps_mm) & Place.HEART) > 0
    is_bone = ~is_heart & (thinned[thinned > _BODY_FROM_HU] > _BONE_FROM_HU)
    if not (is_heart.any() and is_bone.any()):
        return None
    return float(lps_mm[is_heart, 0].mean() - lps_mm[is_bone, 0].mean())
