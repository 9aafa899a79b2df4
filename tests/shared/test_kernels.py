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
        # any maker's word for edges
        ("HD LUNG", Sharpness.SHARP),
        ("Lung20", Sharpness.SHARP),
        ("BONE_LUNG", Sharpness.SHARP),
        ("B_SHARP_C", Sharpness.SHARP),
        ("B_VSHARP_C", Sharpness.SHARP),
        ("UIH LUNG", Sharpness.SHARP),
        ("Y-Sharp", Sharpness.SHARP),
        ("SharpPlus", Sharpness.SHARP),
        ("Bl 60", Sharpness.SHARP),
        ("STANDARD LUNG", Sharpness.SHARP),
        ("FC08 LUNG", Sharpness.SHARP),
        ("CHST BONE", Sharpness.SHARP),
        ("UNSHARP", None),
        ("Bl 40", Sharpness.SOFT),
        # unknown
        ("", None),
        ("KERNEL_X", None),
        ("123", None),
        ("B_SOFT_C", None),  # whole words
    ],
)
def test_kernel_families(kernel: str, expected: Sharpness | None) -> None:
    assert sharpness(kernel) is expected
