"""Scoring conventions by name.

Comes in: a name. Goes out: the `ScoringParameters` it stands for.
Refuses: a name that is not known.

Programs called "Agatston" differ; each of these is met in published code, and each is recorded
with its score. `infra/scoring-measured.md` shows what they make of the same simulated calcium.
"""

from screening.errors import ScreeningError
from screening.records import ScoringParameters

_ALL = (
    # Agatston, J Am Coll Cardiol 1990;15:827; the default.
    ScoringParameters(),
    # Pixels that touch at a corner only are two lesions.
    ScoringParameters(convention="agatston_4_connected", connectivity=4),
    # At least three pixels, whatever their size.
    ScoringParameters(convention="agatston_3_pixels", min_area_mm2=0.0, min_pixels=3),
    # Above 130 HU, not from 130 HU on.
    ScoringParameters(convention="agatston_over_130", is_strict=True),
    # One lesion through all its slices: its peak and its least area are those of the whole.
    ScoringParameters(convention="agatston_3d", connectivity=26),
)
CONVENTIONS = {parameters.convention: parameters for parameters in _ALL}


def convention(name: str) -> ScoringParameters:
    """Return the parameters of a named convention.

    Raises
    ------
    ScreeningError : for a name that is not in `CONVENTIONS`
    """
    if name not in CONVENTIONS:
        raise ScreeningError(f"no convention {name}; known are {', '.join(CONVENTIONS)}")
    return CONVENTIONS[name]
