"""Which code stands for what in the DICOM objects.

Comes in: nothing. Goes out: coded concepts, by what they mean here.
Refuses: a category or grade that has no code.

Codes of the standard wherever there is one: SNOMED CT and DCM from DICOM PS3.16 (CID 6140 and
6142 for calcium scoring, CID 3015 for the arteries, CID 7150 for what a segment shows), LOINC for
the procedure, UCUM for units. What no standard codes, the score's category and the quality grade,
is in a scheme of our own, which every object that uses it names.
"""

from pydicom.sr.coding import Code

from screening.errors import ScreeningError
from screening.records import Label

PRIVATE_SCHEME = "99SCREENING"
PRIVATE_SCHEME_NAME = "Codes of the screening program"

CT_OF_CHEST = Code("24627-2", "LN", "CT Chest")
CALCIFICATION = Code("18115005", "SCT", "Pathologic calcification")
ABNORMAL_STRUCTURE = Code("49755003", "SCT", "Morphologically Abnormal Structure")
CORONARY_ARTERY = Code("41801008", "SCT", "Coronary artery")
SOURCE = Code("260753009", "SCT", "Source")

# The sites that are reported and segmented, in this order.
SITES = {
    Label.LM: Code("3227004", "SCT", "Left main coronary artery"),
    Label.LAD: Code("59438005", "SCT", "Left anterior descending coronary artery"),
    Label.LCX: Code("57396003", "SCT", "Circumflex coronary artery"),
    Label.RCA: Code("13647002", "SCT", "Right coronary artery"),
    Label.AORTA: Code("113262008", "SCT", "Thoracic aorta"),
    Label.AORTIC_VALVE: Code("34202007", "SCT", "Aortic valve"),
    Label.MITRAL_ANNULUS: Code("65197004", "SCT", "Mitral annulus"),
}

CORONARY_CALCIUM_SCORE = Code("450360000", "SCT", "Coronary artery calcium score")
CALCIUM_SCORE = Code("112058", "DCM", "Calcium score")
CALCIUM_VOLUME = Code("112197", "DCM", "Volume of vascular calcification")
CALCIUM_MASS = Code("112199", "DCM", "Mass of vascular calcification")
AGATSTON_METHOD = Code("112055", "DCM", "Agatston scoring method")
VOLUME_METHOD = Code("112056", "DCM", "Volume scoring method")
MASS_METHOD = Code("112057", "DCM", "Mass scoring method")

AGATSTON_UNIT = Code("{score}", "UCUM", "Agatston unit")
CUBIC_MILLIMETRE = Code("mm3", "UCUM", "cubic millimeter")
MILLIGRAM = Code("mg", "UCUM", "milligram")

COMMENT = Code("121106", "DCM", "Comment")
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")

CATEGORY = Code("category", PRIVATE_SCHEME, "Category of the Agatston score")
CATEGORIES = {
    "0": Code("cac-0", PRIVATE_SCHEME, "Agatston score 0"),
    "(0,100)": Code("cac-1", PRIVATE_SCHEME, "Agatston score above 0, below 100"),
    "[100,300)": Code("cac-100", PRIVATE_SCHEME, "Agatston score 100 to below 300"),
    "[300,1000)": Code("cac-300", PRIVATE_SCHEME, "Agatston score 300 to below 1000"),
    "[1000,inf)": Code("cac-1000", PRIVATE_SCHEME, "Agatston score 1000 or more"),
}
GRADE = Code("grade", PRIVATE_SCHEME, "Quality grade")
GRADES = {
    "A": Code("grade-a", PRIVATE_SCHEME, "A: good"),
    "B": Code("grade-b", PRIVATE_SCHEME, "B: usable"),
    "C": Code("grade-c", PRIVATE_SCHEME, "C: doubtful"),
    "D": Code("grade-d", PRIVATE_SCHEME, "D: do not use"),
}
FLAGS = Code("flags", PRIVATE_SCHEME, "Quality remarks")


def category(name: str) -> Code:
    """Return the code of a score's category."""
    return _code(CATEGORIES, name, "category")


def grade(name: str) -> Code:
    """Return the code of a quality grade."""
    return _code(GRADES, name, "grade")


def _code(table: dict[str, Code], name: str, kind: str) -> Code:
    if name not in table:
        raise ScreeningError(
            f"there is no DICOM code for {kind} {name}; add it in publish/codes.py"
        )
    return table[name]
