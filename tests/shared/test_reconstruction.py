"""What headers say about the reconstruction."""

import pytest

from screening.reconstruction import Reconstruction, reconstruction


@pytest.mark.parametrize(
    ("kernel", "algorithm", "manufacturer", "expected"),
    [
        ("B30f", "", "SIEMENS", "fbp"),
        ("Br40f", "", "Siemens Healthineers", "fbp"),
        ("Br40d\\3", "", "SIEMENS", "iterative"),
        ("Br40d/3", "", "SIEMENS", "iterative"),
        ("Br40d\\6", "", "SIEMENS", "fbp"),  # strengths end at 5
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
