"""What was not counted and may be coronary calcium all the same.

Comes in: a `Volume` and its `Labelled`, metal named.
Goes out: its Agatston units, and whether the heart lies where the arteries can be told.
Refuses: nothing.

Inference gives every bright thing one name. Where the name is none of the arteries although these
together have a quarter of the probability or more, a reader would look twice. In 79 simulated
chests, 49 of them with calcium, five things of ten units or more were so: four were calcium (139,
88, 68 and 28 units, taken for annulus, airway or aorta), one the annulus. Metal has flags of its
own.
"""

import numpy as np

from screening.records import CORONARY_LABELS, Label, Labelled, ScoringParameters, Volume
from screening.scoring.measure import measure
from screening.scoring.parameters import category
from screening.surroundings import Place
from screening.things import SHARES

MAY_BE_CALCIUM_FROM = 0.25
# The end of Rumberger's class of minimal calcium (Mayo Clin Proc 1999;74:243).
FEWEST_UNITS = 10.0
# The heart's middle lies left of that of the bones beside it: by -7 to 27 mm in 30 chests, three
# of them real. Mirrored, 20 of these show no heart any more; of the other ten six lie 9 to 16 mm
# on the right, four are not told (-7 to 0 mm).
RIGHT_FROM_MM = 8.0
_NOT_ASKED = np.isin(np.arange(256), [*CORONARY_LABELS, Label.METAL])


def may_be_of_higher_category(
    volume: Volume, labelled: Labelled, agatston: float, parameters: ScoringParameters
) -> bool:
    """Whether what was left out would lift the score, by ten units or more, to another category."""
    units = _units_left_out(volume, labelled, parameters)
    return units >= FEWEST_UNITS and category(agatston + units) != category(agatston)


def _units_left_out(volume: Volume, labelled: Labelled, parameters: ScoringParameters) -> float:
    """Agatston units of what may be calcium and was not counted."""
    things = labelled.things
    if things is None or len(labelled.index) == 0:
        return 0.0
    may_be = things.coronary[things.owner] >= MAY_BE_CALCIUM_FROM * SHARES
    may_be &= ~_NOT_ASKED[labelled.label] & volume.counts(labelled.index, parameters)
    index = labelled.index[may_be]
    if len(index) == 0:
        return 0.0
    found = measure(volume, index, np.zeros(len(index), dtype=np.uint8), parameters)
    return float(found.agatston.sum())


def is_heart_on_the_right(labelled: Labelled) -> bool:
    """Whether the heart lies right of the bones' middle: mirrored pixels, or a heart that does."""
    near = labelled.surroundings
    if near is None:
        return False
    heart, bone = ((near.place & np.uint8(bit)) > 0 for bit in (Place.HEART, Place.BONE))
    bone[~heart.any(axis=(1, 2))] = False  # of the slices with heart
    if not (heart.any() and bone.any()):
        return False
    to_the_left = np.argwhere(heart)[:, 2].mean() - np.argwhere(bone)[:, 2].mean()
    cell_mm = 1 / np.linalg.norm(near.to_cell[2, :3])
    return bool(to_the_left * cell_mm < -RIGHT_FROM_MM)
