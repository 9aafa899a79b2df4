"""One scan by every named convention, from its labelled voxels alone.

Comes in: `Seen`. Goes out: Agatston units and category by each convention.
Refuses: nothing; the scan was scored once, and may be.
"""

import math
from dataclasses import dataclass

from screening.records import CORONARY_LABELS as _VESSELS
from screening.records import VesselScores
from screening.scoring.conventions import CONVENTIONS
from screening.scoring.parameters import category
from screening.scoring.places import Places
from screening.scoring.scan import count, is_coronary
from screening.scoring.thin import named_of
from screening.seen import Seen

# As in sql/out_cohort.sql: an exact score would name whoever has the image.
RESEARCH_STEP = 10.0


@dataclass(frozen=True, slots=True)
class ConventionScore:
    """Agatston units of one scan by one convention."""

    convention: str
    agatston: float
    category: str
    vessels: VesselScores

    def coarse(self) -> dict[str, object]:
        """Return the columns of a research table: the category, scores to the nearest 10."""
        scores = {"agatston": self.agatston}
        scores |= {f"agatston_{v.name.lower()}": getattr(self.vessels, v.name) for v in _VESSELS}
        return {
            "convention": self.convention,
            "category": self.category,
            **{f"{name}_rounded": _rounded(score) for name, score in scores.items()},
        }


def _rounded(score: float) -> float:
    return math.floor(score / RESEARCH_STEP + 0.5) * RESEARCH_STEP  # half up, as DuckDB does


def by_conventions(seen: Seen) -> tuple[ConventionScore, ...]:
    """Score stored voxels by every named convention; the first is the default's, the row's own.

    Parameters
    ----------
    seen : Seen

    Returns
    -------
    tuple of ConventionScore, in the order of `CONVENTIONS`
    """
    volume, labelled = named_of(seen)
    scores = []
    for parameters in CONVENTIONS.values():
        picked, calcium = count(volume, labelled, parameters)
        places = Places(calcium, labelled.label[picked])
        vessels = VesselScores(**{v.name: places.agatston(v) for v in _VESSELS})
        total = float(calcium.of(is_coronary(labelled.label[picked])).agatston.sum())
        scores.append(ConventionScore(parameters.convention, total, category(total), vessels))
    return tuple(scores)
