"""Which level of a subgroup a scan belongs to, on both sides of each edge."""

import pytest

from screening.report.subgroups import SUBGROUPS, Pair, vendor


def level(variable: str, **known: object) -> str:
    return SUBGROUPS[variable].level(Pair("p", 1.0, 1.0, **known))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("age", "band"),
    [
        (18.0, "< 45"), (44.9, "< 45"), (45.0, "45-54"), (54.9, "45-54"), (55.0, "55-64"),
        (65.0, "65-74"), (74.9, "65-74"), (75.0, "75 and over"), (100.0, "75 and over"),
        (None, "unknown"),
    ],
)  # fmt: skip
def test_age_bands(age, band):
    assert level("age", age_years=age) == band


@pytest.mark.parametrize(
    ("mm", "band"),
    [
        (0.6, "< 2 mm"), (1.98, "< 2 mm"), (1.995, "2-3 mm"), (2.0, "2-3 mm"), (3.0, "2-3 mm"),
        (3.005, "2-3 mm"), (3.02, "> 3-5 mm"), (5.0, "> 3-5 mm"), (5.02, "> 5 mm"),
        (None, "unknown"),
    ],
)  # fmt: skip
def test_thickness_bands(mm, band):
    assert level("thickness", thickness_mm=mm) == band


@pytest.mark.parametrize(
    ("manufacturer", "name"),
    [
        ("SIEMENS", "Siemens"), ("Siemens Healthineers", "Siemens"), ("GE MEDICAL SYSTEMS", "GE"),
        ("GE  Healthcare", "GE"), ("Philips Medical Systems", "Philips"), ("TOSHIBA", "Canon"),
        ("Canon Medical Systems", "Canon"), ("UIH", "United Imaging"), ("", "unknown"),
        (" ", "unknown"), ("Gehirn CT", "Gehirn CT"),
    ],
)  # fmt: skip
def test_vendors(manufacturer, name):
    assert vendor(manufacturer) == name


def test_what_is_not_known_is_unknown():
    assert {level(variable) for variable in SUBGROUPS} == {"unknown"}


@pytest.mark.parametrize(
    ("variable", "known", "name"),
    [
        ("kernel", {"kernel": "Br40d/3"}, "soft"), ("kernel", {"kernel": "LUNG"}, "sharp"),
        ("gating", {"is_gated": True}, "gated"), ("gating", {"is_gated": False}, "not gated"),
        ("sex", {"sex": "F"}, "F"), ("grade", {"grade": "C"}, "C"),
        ("reconstruction", {"reconstruction": "iterative "}, "iterative"),
    ],
)  # fmt: skip
def test_other_levels(variable, known, name):
    assert level(variable, **known) == name
