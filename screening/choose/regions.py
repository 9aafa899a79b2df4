"""Whether words and size agree that a series shows something other than a chest.

Comes in: a `Series`. Goes out: yes or no.
Refuses: nothing; where words and size contradict, the answer is no and the pixels decide.
"""

from dataclasses import dataclass

from screening.choose.size import coverage_mm, field_of_view_mm
from screening.records import Series


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the body without a heart, and the size beyond which the words are not believed.

    max_coverage_mm : where a description names the region
    max_coverage_by_tag_mm : where BodyPartExamined alone does, which is often a default
    """

    name: str
    max_field_of_view_mm: float
    max_coverage_mm: float
    max_coverage_by_tag_mm: float


# Outer sizes of adults: a head is under 200 mm wide and 260 mm long; abdomen with pelvis 450 to
# 500 mm long, with a chest 600 mm and more. A chest is 250 to 350 mm long and 300 mm wide.
REGIONS = (
    Region("head", 300.0, 280.0, 280.0),
    Region("neck", 300.0, 400.0, 280.0),
    Region("spine", 250.0, 800.0, 800.0),
    Region("extremity", 300.0, 800.0, 280.0),
    Region("abdomen", 550.0, 550.0, 200.0),
    Region("pelvis", 550.0, 550.0, 200.0),
)
# Any of these words keeps a series in.
CHEST_TERMS = frozenset({"chest", "lung", "lung_screening", "heart", "calcium_score", "whole_body"})

# BodyPartExamined values (DICOM PS3.16 Annex L, and what scanners write) by region.
_PARTS = {
    "chest": "CHEST THORAX HEART LUNG CTCHEST CHESTABDOMEN CHESTABDPELVIS WHOLEBODY BODY TAP CAP "
    "CORONARYARTERY CORONARY THORACOABDOMINAL MEDIASTINUM TRUNK PARTIALBODY AORTA",
    "head": "HEAD BRAIN SKULL ORBIT SINUS SINUSES FACE JAW MAXILLA EAR IAC SELLA HEADNECK",
    "neck": "NECK CAROTID LARYNX THYROID",
    "spine": "SPINE CSPINE TSPINE LSPINE SSPINE LUMBAR",
    "extremity": "EXTREMITY KNEE ANKLE FOOT HAND WRIST ELBOW SHOULDER HIP ARM LEG FEMUR FINGER",
    "abdomen": "ABDOMEN LIVER KIDNEY PANCREAS COLON ABDOMENPELVIS ADRENAL",
    "pelvis": "PELVIS PROSTATE BLADDER",
}
_REGION_OF_PART = {part: name for name, parts in _PARTS.items() for part in parts.split()}


def is_elsewhere(series: Series) -> bool:
    """Tell whether the series shows a region without a heart, by its words and by its size."""
    part = "".join(series.body_part.upper().split())
    tagged = _REGION_OF_PART.get(part)
    if tagged == "chest" or CHEST_TERMS & set(series.terms):
        return False
    return any(_fits(series, region, tagged) for region in REGIONS)


def _fits(series: Series, region: Region, tagged: str | None) -> bool:
    is_named = region.name in series.terms
    if not is_named and region.name != tagged:
        return False
    limit_mm = region.max_coverage_mm if is_named else region.max_coverage_by_tag_mm
    return (
        coverage_mm(series) <= limit_mm and field_of_view_mm(series) <= region.max_field_of_view_mm
    )
