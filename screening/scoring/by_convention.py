"""One scan by every named convention, from its labelled voxels alone.

Comes in: `Regions`. Goes out: Agatston units and category by each convention.
Refuses: nothing; the scan was scored once, and may be.
"""

from dataclasses import dataclass

from screening.records import CORONARY_LABELS, VesselScores
from screening.scoring.conventions import CONVENTIONS
from screening.scoring.metal import name_metal
from screening.scoring.parameters import category
from screening.scoring.places import Places
from screening.scoring.scan import count, is_coronary
from screening.seen import Regions


@dataclass(frozen=True, slots=True)
class ConventionScore:
    """Agatston units of one scan by one convention."""

    convention: str
    agatston: float
    category: str
    vessels: VesselScores


def by_conventions(regions: Regions) -> tuple[ConventionScore, ...]:
    """Score stored voxels by every named convention; the first is the default's, the row's own.

    Parameters
    ----------
    regions : Regions
        of the stack that is scored

    Returns
    -------
    tuple of ConventionScore, in the order of `CONVENTIONS`
    """
    volume = regions.bright_volume("")
    labelled = name_metal(volume, regions.labelled)
    scores = []
    for parameters in CONVENTIONS.values():
        picked, calcium = count(volume, labelled, parameters)
        places = Places(calcium, labelled.label[picked])
        vessels = VesselScores(**{v.name: places.agatston(v) for v in CORONARY_LABELS})
        total = float(calcium.of(is_coronary(labelled.label[picked])).agatston.sum())
        scores.append(ConventionScore(parameters.convention, total, category(total), vessels))
    return tuple(scores)
