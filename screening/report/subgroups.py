"""The subgroups that a validation is broken down by.

Comes in: a `Pair`: both scores of one scan, and what is known of person and scan.
Goes out: the level of each variable that the scan belongs to.
Refuses: nothing; what is not known is the level "unknown".
"""

from collections.abc import Callable
from dataclasses import dataclass

from screening.kernels import sharpness

UNKNOWN = "unknown"
VESSELS = ("LM", "LAD", "LCX", "RCA")
# Ten-year bands of the MESA percentile table (McClelland, Circulation 2006;113:30).
AGE_EDGES = (45.0, 55.0, 65.0, 75.0)
AGE_WORDS = ("< 45", "45-54", "55-64", "65-74", "75 and over")
# Below 2 mm noise makes false calcium at 130 HU, 2 to 3 mm is the convention's own range, above
# 5 mm routine rules refuse. Header values are rounded, hence the tolerance.
THICKNESS_WORDS = ("< 2 mm", "2-3 mm", "> 3-5 mm", "> 5 mm")
MM_TOLERANCE = 0.01
_VENDORS = {
    "ge": "GE",
    "general electric": "GE",
    "siemens": "Siemens",
    "philips": "Philips",
    "canon": "Canon",
    "toshiba": "Canon",
    "united imaging": "United Imaging",
    "uih": "United Imaging",
    "neusoft": "Neusoft",
    "hitachi": "Hitachi",
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Both scores of one scan; keys only, no identity.

    reference, measured : Agatston units
    reference_vessels, measured_vessels : LM, LAD, LCX, RCA; None where not given
    """

    person_key: str
    reference: float
    measured: float
    reference_vessels: tuple[float | None, ...] = (None, None, None, None)
    measured_vessels: tuple[float | None, ...] = (None, None, None, None)
    sex: str = ""
    age_years: float | None = None
    manufacturer: str = ""
    kernel: str = ""
    reconstruction: str = ""
    thickness_mm: float | None = None
    grade: str = ""
    is_gated: bool | None = None
    scan_kind: str = ""
    series_key: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """One variable: how a scan's level is found, and the order of levels."""

    title: str
    level: Callable[[Pair], str]
    order: tuple[str, ...] = ()


def vendor(manufacturer: str) -> str:
    """Name the maker; its own word where it is not one of the known."""
    text = " ".join(manufacturer.casefold().split())
    for start, name in _VENDORS.items():
        if text == start or text.startswith(start + " "):
            return name
    return manufacturer.strip() or UNKNOWN


def age_band(pair: Pair) -> str:
    """Ten-year band of the age at the scan."""
    if pair.age_years is None:
        return UNKNOWN
    return AGE_WORDS[sum(pair.age_years >= edge for edge in AGE_EDGES)]


def thickness_band(pair: Pair) -> str:
    """Band of the slice thickness."""
    mm = pair.thickness_mm
    if mm is None:
        return UNKNOWN
    over = (mm >= 2.0 - MM_TOLERANCE, mm > 3.0 + MM_TOLERANCE, mm > 5.0 + MM_TOLERANCE)
    return THICKNESS_WORDS[sum(over)]


def kernel_class(pair: Pair) -> str:
    """How much the kernel sharpens edges."""
    found = sharpness(pair.kernel)
    return UNKNOWN if found is None else found.name.lower()


def _gating(pair: Pair) -> str:
    return UNKNOWN if pair.is_gated is None else "gated" if pair.is_gated else "not gated"


SUBGROUPS: dict[str, Group] = {
    "sex": Group("Sex", lambda p: p.sex or UNKNOWN, ("F", "M")),
    "age": Group("Age, years", age_band, AGE_WORDS),
    "vendor": Group("Vendor", lambda p: vendor(p.manufacturer)),
    "kernel": Group("Kernel", kernel_class, ("soft", "medium", "sharp")),
    "reconstruction": Group("Reconstruction", lambda p: p.reconstruction.strip() or UNKNOWN),
    "thickness": Group("Slice thickness", thickness_band, THICKNESS_WORDS),
    "gating": Group("Gating", _gating, ("gated", "not gated")),
    "kind": Group("Kind of scan", lambda p: p.scan_kind.replace("_", " ") or UNKNOWN),
    "grade": Group("Quality grade", lambda p: p.grade or UNKNOWN, ("A", "B", "C", "D")),
}
