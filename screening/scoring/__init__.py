"""Scoring: how much calcium, where, and how far to trust it. All thresholds live here.

Comes in: a `Volume` with its `Labelled` (or with a drawn mask).
Goes out: a `CalciumScore` (or a `MaskScore`). Of what was seen before (`Seen`): the bright things,
each with why it was not counted, and the score by every convention.
Refuses: contrast in the blood pool, or the doubt of it; missing slices at the heart.
"""

from screening.scoring.bright import BrightThing, Why, bright_things
from screening.scoring.by_convention import ConventionScore, by_conventions
from screening.scoring.calibration import Rod, with_rod
from screening.scoring.certainty import certainty
from screening.scoring.conventions import CONVENTIONS, convention
from screening.scoring.grades import RULES, Flag, grade
from screening.scoring.mask import LabelScore, MaskScore, score_mask
from screening.scoring.metal import name_metal
from screening.scoring.parameters import CATEGORIES, SCORING_VERSION, category
from screening.scoring.progression import (
    PROGRESSION_FROM_SQRT_MM3,
    Progression,
    ScoredScan,
    compare_pairs,
    progression,
)
from screening.scoring.quality import may_be_a_stent
from screening.scoring.scan import score, within_flags
from screening.scoring.thin import with_metal_of_thin

__all__ = [
    "CATEGORIES",
    "CONVENTIONS",
    "PROGRESSION_FROM_SQRT_MM3",
    "RULES",
    "SCORING_VERSION",
    "BrightThing",
    "ConventionScore",
    "Flag",
    "LabelScore",
    "MaskScore",
    "Progression",
    "Rod",
    "ScoredScan",
    "Why",
    "bright_things",
    "by_conventions",
    "category",
    "certainty",
    "compare_pairs",
    "convention",
    "grade",
    "may_be_a_stent",
    "name_metal",
    "progression",
    "score",
    "score_mask",
    "with_metal_of_thin",
    "with_rod",
    "within_flags",
]
