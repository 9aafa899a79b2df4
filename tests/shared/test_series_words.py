"""The words around a series: whose they are, and what a scanner's model adds."""

import pytest

from screening.series_words import series_words


def test_own_words_are_told_from_those_of_protocol_and_study() -> None:
    words = series_words(["CT MIP | Thorax VNC | Abdomen"], ["Thorax VNC"], ["Abdomen"], [])
    assert words.own == ("chest", "spectral")
    assert words.protocol == ("abdomen",)
    assert words.everything == ("abdomen", "chest", "mip", "spectral")


@pytest.mark.parametrize(
    ("study", "own", "model", "is_attenuation"),
    [
        ("", "", "Biograph PET/CT", True),
        ("", "", "Discovery 690", True),
        ("", "", "GEMINI TF 64", True),
        ("", "", "Discovery CT750 HD", False),
        ("", "", "SOMATOM Force", False),
        ("CT Thorax", "AX 3.0", "Biograph PET/CT", False),  # used as a CT
        ("PET/CT FDG", "WB CT", "", True),
        ("TEP-TDM", "3.0 B30f", "", True),
        ("PET/CT FDG", "Thorax 1.0 Lunge", "Biograph PET/CT", True),
        # words of its own
        ("PET/CT FDG", "CT diagnostisch", "Biograph PET/CT", False),
        ("PET/CT FDG", "Diagnostic chest 3.0", "", False),
        ("PET/CT FDG", "Thorax Inspiration", "Biograph PET/CT", False),
        ("PET/CT FDG", "Thorax mit KM", "Biograph PET/CT", False),
        ("PET/CT diagnostic", "WB CT", "", True),
        ("", "CTAC", "", True),
        ("CT Carpet", "AX", "", False),
    ],
)
def test_the_ct_of_a_pet_study(study: str, own: str, model: str, is_attenuation: bool) -> None:
    words = series_words([f"{study} | {own}"], [own], [], [model])
    assert ("attenuation" in words.everything) is is_attenuation


@pytest.mark.parametrize(
    ("model", "is_cone_beam"),
    [
        ("On-Board Imager", True), ("O-arm", True), ("OBI", True), ("XVI", True),
        ("Artis zee", True), ("TrueBeam", True), ("SOMATOM Definition", False), ("Aquilion", False),
        ("LightSpeed VCT", False), ("Robinson", False), ("", False),
        ("O_arm_2", True), ("Siemens_Artis_zee", True),
    ],
)  # fmt: skip
def test_cone_beam_scanners_by_model(model: str, is_cone_beam: bool) -> None:
    assert ("cone_beam" in series_words([], [], [], [model]).own) is is_cone_beam
