"""From the elements of a file to the choice: what a series, its protocol and its study say."""

import pytest
from archive_case import Archive, night, setting, slice_of, stack

OTHER_PHASE, OTHER_PURPOSE = "other_phase", "other_purpose"


def said(folder, **elements):
    """The first reason against a chest with these elements, else its rank."""
    found = night(Archive(folder / "a").add(stack(edit=setting(**elements))))
    assert found.adds_up
    (line,) = found.series
    return line.split(", ")[1]


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"SeriesDescription": "AX", "StudyDescription": "CT chest MIP"}, "rank 0"),
        ({"SeriesDescription": "CT chest MIP", "StudyDescription": "AX"}, "mip"),
        ({"SeriesDescription": "AX", "ProtocolName": "Chest 3mm slab"}, "rank 0"),
        ({"SeriesDescription": "AX", "ProtocolName": "Thorax 4D"}, OTHER_PHASE),
        ({"RespiratoryMotionCompensationTechnique": "RETROSPECTIVE"}, OTHER_PHASE),
        ({"RespiratoryMotionCompensationTechnique": "BREATH_HOLD"}, "rank 0"),
        ({"ConversionType": "WSD"}, "secondary_capture"),
        ({"ConversionType": ""}, "rank 0"),
        ({"ManufacturerModelName": "On-Board Imager"}, OTHER_PURPOSE),
        ({"ManufacturerModelName": "SOMATOM Force"}, "rank 0"),
        ({"SliceThickness": "20"}, "mip"),
        ({"SliceThickness": "5"}, "rank 0"),
    ],
)
def test_what_an_element_decides(elements, expected, tmp_path):
    assert said(tmp_path, **elements) == expected


def test_breathing_that_a_few_slices_followed_is_of_another_scan(tmp_path):
    def few(ds, number):
        if number < 3:
            ds.RespiratoryMotionCompensationTechnique = "RETROSPECTIVE"

    found = night(Archive(tmp_path / "a").add(stack(edit=few)))
    assert [line.split(", ")[1] for line in found.series] == ["rank 0"]


def test_a_slice_without_these_elements_is_read_as_before(tmp_path):
    assert "ConversionType" not in slice_of(0)
    assert said(tmp_path) == "rank 0"


def test_the_scan_of_a_pet_scanner_is_marked(tmp_path):
    def terms(name, **elements):
        where = tmp_path / name
        where.mkdir()
        (entry,) = night(Archive(where / "a").add(stack(edit=setting(**elements)))).entries
        return set(entry.series.terms)

    pet = {"ManufacturerModelName": "Biograph PET/CT"}
    assert "attenuation" in terms("1", SeriesDescription="", **pet)
    assert "attenuation" not in terms("2", SeriesDescription="Thorax", **pet)
