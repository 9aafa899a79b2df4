"""Kernel families, a case on each side of each edge."""

import pytest

from screening.kernels import Sharpness, sharpness


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        # Siemens: the number
        ("B30f", Sharpness.SOFT),
        ("B41s", Sharpness.SOFT),
        ("D40s", Sharpness.SOFT),
        ("Qr36d", Sharpness.SOFT),
        ("I30f\\3", Sharpness.SOFT),
        ("Br45", Sharpness.SOFT),
        ("Br46", Sharpness.MEDIUM),
        ("Br49", Sharpness.MEDIUM),
        ("Br50", Sharpness.SHARP),
        ("Bl57d\\3", Sharpness.SHARP),
        ("Bl57d/3", Sharpness.SHARP),
        ("B70f", Sharpness.SHARP),
        # GE
        ("STANDARD", Sharpness.SOFT),
        ("SOFT", Sharpness.SOFT),
        ("STD+", Sharpness.SOFT),
        ("DETAIL", Sharpness.MEDIUM),
        ("LUNG", Sharpness.SHARP),
        ("LUNG (A)", Sharpness.SHARP),
        ("Standard", Sharpness.SOFT),
        ("BONEPLUS", Sharpness.SHARP),
        # Philips
        ("B", Sharpness.SOFT),
        ("C", Sharpness.SOFT),
        ("L", Sharpness.SHARP),
        ("YB", Sharpness.SHARP),
        # Canon
        ("FC08", Sharpness.SOFT),
        ("FC08-H", Sharpness.SOFT),
        ("FC19", Sharpness.SOFT),
        ("FC20", Sharpness.MEDIUM),
        ("FC29", Sharpness.MEDIUM),
        ("FC30", Sharpness.SHARP),
        ("FC52", Sharpness.SHARP),
        # unknown
        ("", None),
        ("KERNEL_X", None),
        ("123", None),
        ("B_SOFT_C", None),  # whole words
    ],
)
def test_kernel_families(kernel: str, expected: Sharpness | None) -> None:
    assert sharpness(kernel) is expected
