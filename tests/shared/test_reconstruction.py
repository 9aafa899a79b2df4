"""What headers say about the reconstruction."""

import pytest

from screening.reconstruction import MAKERS_ELEMENTS, Reconstruction, makers_words, reconstruction


@pytest.mark.parametrize(
    ("kernel", "algorithm", "manufacturer", "expected"),
    [
        ("B30f", "", "SIEMENS", "fbp"),
        ("Br40f", "", "Siemens Healthineers", "fbp"),
        ("Br40d\\3", "", "SIEMENS", "iterative"),
        ("Br40d/3", "", "SIEMENS", "iterative"),
        ("Br40d\\6", "", "SIEMENS", "fbp"),  # strengths end at 5
        ("Br40d\\3", "FILTER_BACK_PROJ", "SIEMENS", "iterative"),
        ("Br40d\\6", "FILTER_BACK_PROJ", "SIEMENS", "fbp"),
        ("Br40d", "FILTER_BACK_PROJ", "SIEMENS", "fbp"),
        ("Br40d\\3", "FILTER_BACK_PROJ", "ACME", "fbp"),  # its second value means something else
        ("I30f\\3", "", "SIEMENS", "iterative"),
        ("I30f", "", "SIEMENS", "iterative"),
        ("STANDARD", "", "GE MEDICAL SYSTEMS", "unknown"),
        ("STANDARD", "ASIR-V 50%", "GE MEDICAL SYSTEMS", "iterative"),
        ("STANDARD", "TrueFidelity", "GE MEDICAL SYSTEMS", "deep_learning"),
        ("FC08", "AIDR 3D", "TOSHIBA", "iterative"),
        ("AiCE Body", "", "CANON", "deep_learning"),
        ("B", "ITERATIVE", "Philips", "iterative"),
        ("B", "FILTER_BACK_PROJ", "Philips", "fbp"),
        ("", "", "", "unknown"),
        ("B30f", "", "ACME", "unknown"),
    ],
)
def test_reconstruction(kernel, algorithm, manufacturer, expected):
    assert reconstruction(kernel, algorithm, manufacturer) is Reconstruction(expected)


GE, PHILIPS, CANON = "GEHC_CT_ADVAPP_001", "ELSCINT1", "TOSHIBA_MEC_CT3"


@pytest.mark.parametrize(
    ("creator", "value", "expected"),
    [
        (GE, "SS50", "iterative"),
        (GE, "ASiR-V 40%", "iterative"),
        (GE, "DLIR-H", "deep_learning"),
        (GE, "TrueFidelity-Medium", "deep_learning"),
        (GE, "NONE", "unknown"),
        (GE, "AR00", "unknown"),
        (GE, "SS0", "unknown"),
        (GE, "", "unknown"),
        ("SOMEONE_ELSE", "ASiR-V 40%", "unknown"),  # not GE's element then
        (PHILIPS, "1", "iterative"),
        (PHILIPS, "0", "unknown"),
        (CANON, "AIDR 3D STD", "iterative"),
        (CANON, "AiCE Body Mild", "deep_learning"),
        (CANON, "ORG", "unknown"),
    ],
)
def test_what_makers_write_in_elements_of_their_own(creator, value, expected):
    said = [
        (creator, value) if creator in (element.creator, "SOMEONE_ELSE") else ("", "")
        for element in MAKERS_ELEMENTS
    ]
    found = reconstruction("STANDARD", "", "a maker", makers_words(said))
    assert found is Reconstruction(expected)
