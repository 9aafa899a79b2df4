"""Growth between two scans, and on both sides of each edge what is not compared."""

from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest

from screening.errors import ScreeningError
from screening.reasons import REASONS, Reason, Room
from screening.scoring import Progression, ScoredScan, compare_pairs, progression
from screening.tables import PROGRESSION

DAY = date(2020, 1, 1)
SCAN = ScoredScan(
    index_date=DAY, volume_mm3=56.25, grade="A", thickness_mm=2.5, increment_mm=2.0,
    kernel="B30f", reconstruction="fbp", kvp=120.0, is_gated=False, shares_images=False,
    model_digest="m", scoring_version=1,
)  # fmt: skip
LATER = replace(SCAN, index_date=DAY + timedelta(days=1461))


@pytest.mark.parametrize(
    ("volumes_mm3", "change", "is_progression"),
    [
        ((0.0, 0.0), 0.0, False),
        ((0.0, 6.25), 2.5, True),
        ((0.0, 6.24), 2.498, False),
        ((56.25, 100.0), 2.5, True),  # 7.5 and 10
        ((56.25, 99.99), 2.4995, False),
        ((100.0, 56.25), -2.5, False),
        ((2500.0, 2756.25), 2.5, True),  # a tenth more is enough when there is much
    ],
)
def test_growth_is_of_the_square_root(volumes_mm3, change, is_progression):
    pair = (replace(scan, volume_mm3=v) for scan, v in zip((SCAN, LATER), volumes_mm3, strict=True))
    found = progression(*pair)
    assert isinstance(found, Progression)
    assert found.years == 4.0  # 1461 days
    assert found.sqrt_volume_change == pytest.approx(change, abs=5e-4)
    assert found.sqrt_volume_change_per_year == pytest.approx(found.sqrt_volume_change / 4)
    assert found.is_progression is is_progression


@pytest.mark.parametrize(
    ("volumes_mm3", "is_gated", "is_beyond"),
    [
        # From no calcium on, as worked out by hand: 0.16 m + 4.30 sqrt(m) + 1.44 at the mean m.
        ((0.0, 0.0), True, False),
        ((0.0, 13.87), True, False),
        ((0.0, 13.88), True, True),
        ((0.0, 59.06), False, False),
        ((0.0, 59.07), False, True),
        ((13.88, 0.0), True, True),  # less is a change as well
        ((1000.0, 1335.1), True, False),
        ((1000.0, 1335.2), True, True),
        ((1000.0, 1765.0), False, False),
        ((1000.0, 1765.1), False, True),
    ],
)
def test_a_change_within_repeatability_is_told(volumes_mm3, is_gated, is_beyond):
    pair = (
        replace(scan, volume_mm3=v, is_gated=is_gated)
        for scan, v in zip((SCAN, LATER), volumes_mm3, strict=True)
    )
    found = progression(*pair)
    assert isinstance(found, Progression)
    assert found.is_beyond_repeatability is is_beyond


@pytest.mark.parametrize(
    ("earlier", "later", "reason"),
    [
        ({}, {"index_date": DAY + timedelta(days=90)}, None),
        ({}, {"index_date": DAY + timedelta(days=89)}, Reason.TOO_SOON_AFTER),
        ({}, {"index_date": DAY}, Reason.TOO_SOON_AFTER),
        ({}, {"index_date": None}, Reason.NO_SCAN_DATE),
        ({"index_date": None}, {}, Reason.NO_SCAN_DATE),
        ({}, {"shares_images": True}, Reason.DUPLICATE_IMAGES_OF),
        ({"shares_images": True}, {}, Reason.DUPLICATE_IMAGES_OF),  # with a third scan, say
        ({"shares_images": True}, {"shares_images": True}, Reason.DUPLICATE_IMAGES_OF),
        ({}, {"grade": "B"}, None),
        ({}, {"grade": "C"}, Reason.GRADE_NOT_COMPARABLE),
        ({"grade": "D"}, {}, Reason.GRADE_NOT_COMPARABLE),
        ({}, {"grade": ""}, Reason.GRADE_NOT_COMPARABLE),
        ({}, {"thickness_mm": 2.75}, None),
        ({}, {"thickness_mm": 2.76}, Reason.OTHER_THICKNESS),
        ({"thickness_mm": 2.75}, {}, None),
        ({"thickness_mm": 2.76}, {}, Reason.OTHER_THICKNESS),
        ({"thickness_mm": 6.0}, {"thickness_mm": 6.5}, None),
        ({"thickness_mm": 6.0}, {"thickness_mm": 6.51}, Reason.OTHER_THICKNESS),
        ({"thickness_mm": None}, {"thickness_mm": None}, Reason.OTHER_THICKNESS),
        ({}, {"increment_mm": 2.2}, None),
        ({}, {"increment_mm": 2.21}, Reason.OTHER_INCREMENT),
        ({}, {"increment_mm": None}, Reason.OTHER_INCREMENT),
        ({}, {"kernel": "STANDARD"}, Reason.OTHER_KERNEL),  # another vendor's, as soft
        ({}, {"kernel": "B31f"}, Reason.OTHER_KERNEL),
        ({}, {"kernel": "b30f "}, None),
        ({"kernel": "Br40d"}, {"kernel": "Br40d\\3"}, Reason.OTHER_KERNEL),  # iterative
        ({"kernel": "Br40d\\3"}, {"kernel": "Br40d 3"}, None),  # as tables hold it
        ({"kernel": "Br40d\\3"}, {"kernel": "Br40d/3"}, None),
        ({}, {"reconstruction": "iterative"}, Reason.OTHER_RECONSTRUCTION),
        ({"reconstruction": "unknown"}, {"reconstruction": "unknown"}, None),
        ({}, {"kernel": "never heard of"}, Reason.OTHER_KERNEL),
        ({"kernel": "never heard of"}, {"kernel": "never heard of"}, None),
        ({"kernel": "never heard of"}, {"kernel": "nor of this"}, Reason.OTHER_KERNEL),
        ({"kernel": ""}, {"kernel": ""}, Reason.OTHER_KERNEL),
        ({}, {"kvp": 121.0}, None),
        ({}, {"kvp": 119.0}, None),
        ({}, {"kvp": 121.1}, Reason.OTHER_KVP),
        ({}, {"kvp": 100.0}, Reason.OTHER_KVP),
        ({"kvp": None}, {}, Reason.OTHER_KVP),
        ({"is_gated": True}, {"is_gated": True}, None),
        ({}, {"is_gated": True}, Reason.OTHER_GATING),
        ({}, {"model_digest": "n"}, Reason.OTHER_MODEL),
        ({}, {"scoring_version": 2}, Reason.OTHER_SCORING),
    ],
)
def test_what_is_compared_and_what_is_not(earlier, later, reason):
    found = progression(replace(SCAN, **earlier), replace(LATER, **later))
    if reason is None:
        assert isinstance(found, Progression)
    else:
        assert found == (reason,)


def test_every_reason_is_told():
    other = replace(LATER, kvp=80.0, kernel="B70f", grade="D", thickness_mm=1.0)
    assert progression(SCAN, other) == (
        Reason.GRADE_NOT_COMPARABLE,
        Reason.OTHER_THICKNESS,
        Reason.OTHER_KERNEL,
        Reason.OTHER_KVP,
    )
    assert REASONS[Reason.OTHER_KVP].room is Room.SCORING


def test_a_table_of_pairs():
    def pair(name, later):
        keys = {
            "person_key": name,
            "earlier_series_key": f"{name}1",
            "later_series_key": f"{name}2",
        }
        sides = {"earlier": SCAN, "later": later}
        values = {f"{w}_{c}": getattr(s, c) for w, s in sides.items() for c in ScoredScan.__slots__}
        return keys | values

    pairs = pa.Table.from_pylist(
        [pair("p", replace(LATER, volume_mm3=100.0)), pair("q", replace(LATER, kvp=80.0))]
    )
    found = compare_pairs(pairs)
    assert found.schema == PROGRESSION.schema
    one, other = found.to_pylist()
    assert one == {
        "person_key": "p", "earlier_series_key": "p1", "later_series_key": "p2", "years": 4.0,
        "sqrt_volume_change": 2.5, "sqrt_volume_change_per_year": 0.625, "is_progression": True,
        "is_beyond_repeatability": False, "reasons": [],
    }  # fmt: skip
    assert other["reasons"] == ["other_kvp"]
    assert {other[c] for c in ("years", "sqrt_volume_change", "is_progression")} == {None}
    assert compare_pairs(pairs.slice(0, 0)).schema == PROGRESSION.schema
    with pytest.raises(ScreeningError, match="later_kvp"):
        compare_pairs(pairs.drop_columns(["later_kvp"]))
