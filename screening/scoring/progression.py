"""Whether calcium has grown between two scans of one person.

Comes in: pairs of scored scans of one person, the rows of `core_scan_pair`.
Goes out: PROGRESSION: for each pair the growth, or every reason why the two are not compared.
Refuses: a table without a needed column. Scans made differently are not compared: what they
differ by would be read as growth.

Method: the square roots of the two volumes are compared, because the spread between two scans of
one person grows with the volume and that of its square root hardly does. Progression is a
difference of 2.5 or more, whatever the time between the scans: Hokanson, Evaluating changes in
coronary artery calcium, AJR Am J Roentgenol 2004;182:1327 (the SQRT method, on gated scans). On
scans without gating two scans differ more, so that the same edge is passed more often by chance:
each pair says whether its change is more than two scans without any change differ by.

The volume is that of the lesions that count. Specks below 1 mm2 have a volume and no score, and
between two scans of score 0 they would make progression out of noise.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import sqrt

import pyarrow as pa

from screening.errors import ScreeningError
from screening.reasons import Reason
from screening.scoring.certainty import NON_GATED_FACTOR, volume_repeatability_limit
from screening.tables import PROGRESSION

# Hokanson 2004: square root of the later volume less that of the earlier, both in mm3.
PROGRESSION_FROM_SQRT_MM3 = 2.5

# All below is OUR OWN: no guideline says how alike two routine scans must be.
MIN_DAYS_APART = 90  # sooner, repeatability is measured and not growth
# Thickness and increment: both bounds hold, the relative one by the smaller of the two.
SLAB_TOLERANCE_FRACTION = 0.10
SLAB_TOLERANCE_MM = 0.5
KVP_TOLERANCE = 1.0
COMPARABLE_GRADES = ("A", "B")

DAYS_PER_YEAR = 365.25
_VALUES = re.compile(r"[\\/]")  # between a kernel's values, in headers and in tables
_ROUNDING_SLACK = 1e-9  # 2.75 mm is 10 % more than 2.5 mm, not more than that


@dataclass(frozen=True, slots=True)
class ScoredScan:
    """What a comparison needs to know of one scored scan; None and "" unknown.

    volume_mm3 : of the counted lesions
    shares_images : a scan of the person of another day, scored or not, holds images of this one
    """

    index_date: date | None
    volume_mm3: float
    grade: str
    thickness_mm: float | None
    increment_mm: float | None
    kernel: str
    reconstruction: str
    kvp: float | None
    is_gated: bool | None
    shares_images: bool
    model_digest: str
    scoring_version: int


@dataclass(frozen=True, slots=True)
class Progression:
    """How the square root of the calcium volume (mm3) changed.

    years : between the scans
    sqrt_volume_change : later less earlier; below zero where less was measured
    sqrt_volume_change_per_year : the same, a year
    is_progression : the change is 2.5 or more
    is_beyond_repeatability : the volumes differ by more than those of two scans without any change
    """

    years: float
    sqrt_volume_change: float
    sqrt_volume_change_per_year: float
    is_progression: bool
    is_beyond_repeatability: bool


SCAN_COLUMNS = ScoredScan.__slots__
_KEYS = ("person_key", "earlier_series_key", "later_series_key")
PAIR_COLUMNS = (*_KEYS, *(f"{when}_{c}" for when in ("earlier", "later") for c in SCAN_COLUMNS))


def progression(earlier: ScoredScan, later: ScoredScan) -> Progression | tuple[Reason, ...]:
    """Compare two scans of one person.

    Returns
    -------
    Progression, or every reason why the scans are not comparable
    """
    reasons = tuple(r for r, is_given in _differences(earlier, later).items() if is_given)
    days = _days(earlier, later)
    if reasons or days is None:
        return reasons
    years = days / DAYS_PER_YEAR
    change = sqrt(later.volume_mm3) - sqrt(earlier.volume_mm3)
    return Progression(
        years,
        change,
        change / years,
        change >= PROGRESSION_FROM_SQRT_MM3,
        _is_beyond_repeatability(earlier, later),
    )


def _is_beyond_repeatability(earlier: ScoredScan, later: ScoredScan) -> bool:
    """Hold the volumes' difference against the limit at their mean, wider without gating."""
    limit_mm3 = volume_repeatability_limit((earlier.volume_mm3 + later.volume_mm3) / 2)
    if not (earlier.is_gated and later.is_gated):
        limit_mm3 *= NON_GATED_FACTOR
    return abs(later.volume_mm3 - earlier.volume_mm3) > limit_mm3


def compare_pairs(pairs: pa.Table) -> pa.Table:
    """Compare the two scans of each pair.

    Parameters
    ----------
    pairs : rows of the SQL view `core_scan_pair`, columns PAIR_COLUMNS (others are left alone)

    Returns
    -------
    PROGRESSION, one row a pair, same order

    Raises
    ------
    ScreeningError
        A column is missing.
    """
    absent = [name for name in PAIR_COLUMNS if name not in pairs.column_names]
    if absent:
        raise ScreeningError(f"pairs of scans: missing columns {absent}")
    rows = [_row(pair) for pair in pairs.select(PAIR_COLUMNS).to_pylist()]
    return pa.Table.from_pylist(rows, schema=PROGRESSION.schema)


def _row(pair: Mapping[str, object]) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(PROGRESSION.schema.names)
    row.update({key: pair[key] for key in _KEYS}, reasons=[])
    found = progression(_scan(pair, "earlier"), _scan(pair, "later"))
    if isinstance(found, Progression):
        row.update({name: getattr(found, name) for name in Progression.__slots__})
    else:
        row["reasons"] = [reason.value for reason in found]
    return row


def _scan(pair: Mapping[str, object], when: str) -> ScoredScan:
    values: dict[str, object] = {name: pair[f"{when}_{name}"] for name in SCAN_COLUMNS}
    return ScoredScan(**values)  # type: ignore[arg-type]  # the table's schema says which types


def _differences(earlier: ScoredScan, later: ScoredScan) -> dict[Reason, bool]:
    days = _days(earlier, later)
    return {
        Reason.DUPLICATE_IMAGES_OF: earlier.shares_images or later.shares_images,
        Reason.NO_SCAN_DATE: days is None,
        Reason.TOO_SOON_AFTER: days is not None and days < MIN_DAYS_APART,
        Reason.GRADE_NOT_COMPARABLE: not {earlier.grade, later.grade} <= set(COMPARABLE_GRADES),
        Reason.OTHER_THICKNESS: _is_other_slab(earlier.thickness_mm, later.thickness_mm),
        Reason.OTHER_INCREMENT: _is_other_slab(earlier.increment_mm, later.increment_mm),
        Reason.OTHER_KERNEL: _is_other_kernel(earlier.kernel, later.kernel),
        Reason.OTHER_RECONSTRUCTION: earlier.reconstruction != later.reconstruction,
        Reason.OTHER_KVP: _is_other_kvp(earlier.kvp, later.kvp),
        Reason.OTHER_GATING: earlier.is_gated != later.is_gated,
        Reason.OTHER_MODEL: earlier.model_digest != later.model_digest,
        Reason.OTHER_SCORING: earlier.scoring_version != later.scoring_version,
    }


def _days(earlier: ScoredScan, later: ScoredScan) -> int | None:
    if earlier.index_date is None or later.index_date is None:
        return None
    return (later.index_date - earlier.index_date).days


def _is_other_slab(one_mm: float | None, other_mm: float | None) -> bool:
    """Thickness or increment differs, or one of them is not known."""
    if one_mm is None or other_mm is None:
        return True
    most = min(SLAB_TOLERANCE_MM, SLAB_TOLERANCE_FRACTION * min(one_mm, other_mm))
    return abs(one_mm - other_mm) > most + _ROUNDING_SLACK


def _is_other_kernel(one: str, other: str) -> bool:
    """Kernels are not the same, to the strength of iteration; or one of them is not known.

    Kernels of like sharpness, of another maker say, still smear a deposit differently.
    """
    names = [_VALUES.sub(" ", kernel).upper().split() for kernel in (one, other)]
    return names[0] != names[1] or not names[0]


def _is_other_kvp(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return True
    return abs(one - other) > KVP_TOLERANCE + _ROUNDING_SLACK
