"""Where a calcium score stands among people of the same age and sex.

Comes in: Agatston scores with age, sex and, where known, race.
Goes out: the percentile in words, as a number where the tables hold one, and which table.
Refuses: ages outside a table, an unknown sex: these stay empty.

With a race that MESA published, MESA (McClelland, Circulation 2006;113:30, table 2, people
without cardiovascular disease) between the middles of its first and last bracket, 50 to 80; without
one, and at other ages, Hoff (Am J Cardiol 2001;87:1335, 35,246 adults, no race).
Both give a few percentiles by age bracket. A bracket's values belong to its middle; between two
middles they are interpolated. Ages are completed years on both sides, as the vault has them: Hoff's
40-44 are people of 40, 41, 42, 43 and 44, its middle is 42; MESA's calculator, which asks for whole
years, gives the table's values at 50, 60, 70 and 80.
MESA's ten years are never applied beyond their middles: at 45 a
score ranks otherwise than at 50. Hoff's first of five years, 40-44, holds from 40 on ("<40" has no
middle), and its ">74" from 77, as if it were 75-79, to 84: it has no end of its own.
Between two percentiles the score is interpolated on ln(A + 1).
Any calcium ranks above every zero: where MESA tells how many have none (white and black people),
the scores between zero and the first tabulated percentile above that share lie between the two. A
percentile is a score of zero until fewer than that have none, and rises from the age of which that
is so, not from the last bracket in which it was zero: so it never contradicts the share.
In words a percentile is rounded down: "75" is never said of a score below the 75th.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

_MESA_PERCENTILES = (25.0, 50.0, 75.0, 90.0, 95.0)
_MESA_AGES = (50.0, 60.0, 70.0, 80.0)  # for 45-54, 55-64, 65-74, 75-84
_MESA: Mapping[tuple[str, str], tuple[tuple[int, ...], ...]] = {
    ("M", "white"): ((0, 0, 22, 110, 207), (0, 28, 155, 452, 743), (21, 145, 540, 1345, 2271),
                     (103, 385, 1200, 2933, 4619)),
    ("F", "white"): ((0, 0, 0, 8, 31), (0, 0, 16, 102, 209), (0, 13, 119, 391, 674),
                     (20, 106, 370, 921, 1535)),
    ("M", "chinese"): ((0, 0, 14, 89, 184), (0, 5, 67, 242, 429), (0, 34, 174, 487, 803),
                       (11, 81, 305, 769, 1299)),
    ("F", "chinese"): ((0, 0, 0, 12, 44), (0, 0, 18, 105, 213), (0, 5, 70, 246, 436),
                       (0, 32, 146, 398, 656)),
    ("M", "black"): ((0, 0, 2, 45, 105), (0, 0, 40, 173, 318), (0, 32, 191, 575, 945),
                     (23, 141, 516, 1281, 2176)),
    ("F", "black"): ((0, 0, 0, 9, 38), (0, 0, 5, 74, 173), (0, 0, 77, 310, 561),
                     (0, 47, 214, 582, 953)),
    ("M", "hispanic"): ((0, 0, 9, 88, 195), (0, 3, 75, 291, 512), (1, 56, 247, 666, 1091),
                        (36, 153, 494, 1221, 1943)),
    ("F", "hispanic"): ((0, 0, 0, 2, 18), (0, 0, 2, 50, 118), (0, 1, 51, 203, 361),
                        (0, 45, 205, 557, 917)),
}  # fmt: skip
# Percent who have any calcium, of MESA's web tool. Read from one independent program; a second one
# agrees where it was looked up (black women at all ages, black men at 45 and 50).
_ANY_AGES = (45.0, 50.0, 55.0, 60.0, 65.0, 70.0, 75.0, 80.0, 84.0)
_ANY_PERCENT: Mapping[tuple[str, str], tuple[int, ...]] = {
    ("M", "white"): (25, 41, 56, 68, 77, 83, 90, 96, 99),
    ("M", "black"): (19, 28, 37, 46, 56, 66, 75, 84, 92),
    ("F", "white"): (7, 16, 26, 36, 47, 59, 73, 87, 98),
    ("F", "black"): (8, 15, 21, 28, 37, 49, 62, 74, 85),
}
_HOFF_PERCENTILES = (25.0, 50.0, 75.0, 90.0)
_HOFF_AGES = (42.0, 47.0, 52.0, 57.0, 62.0, 67.0, 72.0, 77.0)  # middles of 40-44 … 70-74, and >74
_HOFF: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "M": ((0, 1, 9, 59), (0, 3, 36, 154), (1, 15, 103, 332), (4, 48, 215, 554),
          (13, 113, 410, 994), (32, 180, 566, 1299), (64, 310, 892, 1774),
          (166, 473, 1071, 1982)),
    "F": ((0, 0, 1, 4), (0, 0, 2, 22), (0, 0, 5, 55), (0, 1, 23, 121),
          (0, 3, 57, 193), (1, 24, 145, 410), (3, 52, 210, 631), (9, 75, 241, 709)),
}  # fmt: skip
_HOFF_FROM_YEARS = 40.0  # where its bracket 40-44 begins
_BELOW_YEARS = 85.0  # the flag has a tier of its own from there on
MESA_SOURCE, HOFF_SOURCE = "MESA 2006", "Hoff 2001"


def mesa_table(
    sex: str, race: str
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[tuple[int, ...], ...]]:
    """Return MESA's ages, its percentiles, and the scores of one sex and race by both."""
    return _MESA_AGES, _MESA_PERCENTILES, _MESA[sex, race]


@dataclass(frozen=True, slots=True)
class Percentile:
    """`value` is None of a zero, and below the lowest and above the highest known percentile."""

    text: str
    value: float | None
    source: str


def percentile(agatston: float, age_years: float, sex: str, race: str | None) -> Percentile | None:
    """Place one score; None where no table speaks of such a person.

    Parameters
    ----------
    agatston : Agatston units, 0 or more
    age_years : completed years; MESA from 50 to 80, Hoff from 40 to below 85
    sex : F or M
    race : white, black, hispanic, chinese; anything else is unknown
    """
    ages: tuple[float, ...] = _HOFF_AGES
    percentiles: tuple[float, ...] = _HOFF_PERCENTILES
    table, source = _HOFF.get(sex), HOFF_SOURCE
    any_percent = None
    if (sex, race) in _MESA and _MESA_AGES[0] <= age_years <= _MESA_AGES[-1]:
        ages, percentiles = _MESA_AGES, _MESA_PERCENTILES
        table, source = _MESA[(sex, str(race))], MESA_SOURCE
        any_percent = _ANY_PERCENT.get((sex, str(race)))
    if table is None or agatston < 0 or not _HOFF_FROM_YEARS <= age_years < _BELOW_YEARS:
        return None
    scores = [
        _score_at(age_years, ages, column, _onset(percent, any_percent))
        for percent, column in zip(percentiles, zip(*table, strict=True), strict=True)
    ]
    at_zero = None
    if any_percent is not None:
        at_zero = 100 - float(np.interp(age_years, _ANY_AGES, any_percent))
    if agatston == 0:
        return Percentile(_of_zero(scores, percentiles, at_zero), None, source)
    return _place(agatston, scores, percentiles, source, at_zero)


def _onset(percent: float, any_percent: tuple[int, ...] | None) -> float | None:
    """Return the age from which on fewer than so many percent have no calcium; None unknown."""
    if any_percent is None:
        return None
    return float(np.interp(100 - percent, any_percent, _ANY_AGES))


def _score_at(
    age_years: float, ages: tuple[float, ...], scores: tuple[int, ...], onset: float | None
) -> float:
    """Interpolate a percentile's score on age; one that begins at zero rises from its onset on."""
    n_zero = scores.count(0)
    if onset is not None and 0 < n_zero < len(scores):
        ages, scores = (onset, *ages[n_zero:]), (0, *scores[n_zero:])
    return float(np.interp(age_years, ages, scores))  # holds the outermost beyond their ages


def _of_zero(scores: list[float], percentiles: tuple[float, ...], at_zero: float | None) -> str:
    if at_zero is not None:
        return f"a zero, as in {at_zero:.0f} %"
    n_zero = sum(score == 0 for score in scores)
    return f"a zero, as in at least {percentiles[n_zero - 1]:.0f} %" if n_zero else "below 25"


def _place(
    agatston: float,
    scores: list[float],
    percentiles: tuple[float, ...],
    source: str,
    at_zero: float | None,
) -> Percentile:
    """Place a score above zero."""
    if agatston > scores[-1]:
        return Percentile(f"above {percentiles[-1]:.0f}", None, source)
    if at_zero is None and agatston < scores[0]:
        return Percentile(f"below {percentiles[0]:.0f}", None, source)
    known = list(zip(scores, percentiles, strict=True))
    if at_zero is not None:
        known = [(0.0, at_zero), *((a, p) for a, p in known if a > 0 and p > at_zero)]
    logs, ranks = np.log1p([a for a, _ in known]), [p for _, p in known]
    value = float(np.interp(np.log1p(agatston), logs, ranks))
    return Percentile(str(int(value)), value, source)  # rounded down


def percentile_columns(inputs: pa.Table) -> dict[str, pa.Array]:
    """Columns `percentile`, `percentile_text`, `percentile_source` of the rows of risk inputs."""
    names = ("agatston", "age_years", "sex", "race")
    found = [
        None if agatston is None or age is None else percentile(agatston, age, sex or "", race)
        for agatston, age, sex, race in zip(*(inputs[n].to_pylist() for n in names), strict=True)
    ]
    return {
        "percentile": pa.array([p and p.value for p in found], pa.float64()),
        "percentile_text": pa.array([p and p.text for p in found], pa.string()),
        "percentile_source": pa.array([p and p.source for p in found], pa.string()),
    }
