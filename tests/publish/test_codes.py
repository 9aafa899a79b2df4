"""Every outcome of scoring has a code, and public codes are those of the standard."""

import pytest
from pydicom.sr.codedict import codes as standard

from screening import scoring
from screening.errors import ScreeningError
from screening.publish import codes
from screening.records import CORONARY_LABELS


def test_every_category_and_grade_has_its_own_code() -> None:
    values = [codes.category(name).value for name in scoring.CATEGORIES]
    assert len(set(values)) == len(scoring.CATEGORIES)
    grades = {codes.grade(name).value for name in (*scoring.RULES.values(), "A")}
    assert len(grades) == len({*scoring.RULES.values(), "A"})


def test_an_outcome_without_a_code_is_refused() -> None:
    with pytest.raises(ScreeningError, match="no DICOM code for category none"):
        codes.category("none")
    with pytest.raises(ScreeningError, match="no DICOM code for grade E"):
        codes.grade("E")


def test_all_coronary_arteries_are_reported() -> None:
    assert set(CORONARY_LABELS) <= set(codes.SITES)


@pytest.mark.parametrize(
    ("ours", "standards"),
    [
        (codes.CORONARY_CALCIUM_SCORE, standard.SCT.CoronaryArteryCalciumScore),
        (codes.CALCIUM_SCORE, standard.DCM.CalciumScore),
        (codes.CALCIUM_VOLUME, standard.DCM.VolumeOfVascularCalcification),
        (codes.CALCIUM_MASS, standard.DCM.MassOfVascularCalcification),
        (codes.AGATSTON_METHOD, standard.DCM.AgatstonScoringMethod),
        (codes.VOLUME_METHOD, standard.DCM.VolumeScoringMethod),
        (codes.MASS_METHOD, standard.DCM.MassScoringMethod),
        (codes.CALCIFICATION, standard.SCT.PathologicCalcification),
        (codes.ABNORMAL_STRUCTURE, standard.SCT.MorphologicallyAbnormalStructure),
        (codes.CORONARY_ARTERY, standard.SCT.CoronaryArtery),
        (codes.COMMENT, standard.DCM.Comment),
        (codes.ARTIFICIAL_INTELLIGENCE, standard.DCM.ArtificialIntelligence),
        (codes.CUBIC_MILLIMETRE, standard.UCUM.CubicMillimeter),
        *zip(
            codes.SITES.values(),
            (
                standard.SCT.LeftMainCoronaryArtery,
                standard.SCT.LeftAnteriorDescendingCoronaryArtery,
                standard.SCT.CircumflexCoronaryArtery,
                standard.SCT.RightCoronaryArtery,
                standard.SCT.ThoracicAorta,
                standard.SCT.AorticValve,
                standard.SCT.MitralAnnulus,
            ),
            strict=True,
        ),
    ],
)
def test_public_codes_are_in_the_standards_dictionary(ours, standards) -> None:
    assert (ours.value, ours.scheme_designator) == (standards.value, standards.scheme_designator)
    assert ours.meaning.lower() == standards.meaning.lower()
