"""Contrast agents told in a sequence, as enhanced CT does, are read as the plain tag is."""

import pytest
from archive_case import Archive, night, stack
from enhanced_case import enhanced
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence


def code(meaning: str, value: str = "") -> Sequence:
    item = Dataset()
    item.CodeMeaning, item.CodeValue = meaning, value
    return Sequence([item])


def agent(**elements: object) -> Dataset:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


IODINE = code("Iohexol", "C-B0322")
INTO_VEIN, DRUNK = code("Intravenous route", "47625008"), code("Oral route", "26643006")
ITEMS = [
    ([agent(ContrastBolusIngredientCodeSequence=IODINE)], True),
    ([agent(CodeMeaning="Omnipaque 300")], True),
    ([agent(ContrastBolusVolume=80.0)], True),
    ([agent(ContrastBolusVolume=0.0)], False),
    ([agent(CodeMeaning="None")], False),
    ([agent(ContrastBolusIngredientCodeSequence=code("Barium"))], False),
    ([agent(CodeMeaning="Iohexol", ContrastBolusAdministrationRouteSequence=INTO_VEIN)], True),
    ([agent(CodeMeaning="Iohexol", ContrastBolusAdministrationRouteSequence=DRUNK)], False),
    (
        [
            agent(CodeMeaning="Iohexol", ContrastBolusAdministrationRouteSequence=DRUNK),
            agent(CodeMeaning="Iohexol", ContrastBolusAdministrationRouteSequence=INTO_VEIN),
        ],
        True,
    ),
    ([], False),
]


@pytest.mark.parametrize(("items", "is_given"), ITEMS)
@pytest.mark.parametrize("is_enhanced", [True, False])
def test_a_sequence_of_agents(items, is_given: bool, is_enhanced: bool, tmp_path) -> None:
    files = [enhanced(stack())] if is_enhanced else stack()
    for ds in files:
        ds.SeriesDescription = "x"
        ds.ContrastBolusAgentSequence = Sequence(items)
    (entry,) = (found := night(Archive(tmp_path / "archive").add(files))).entries
    assert entry.series.has_contrast_tag is is_given
    assert ("contrast_tag" in found.series[0]) is is_given


def test_the_plain_tag_goes_first(tmp_path) -> None:
    files = [enhanced(stack())]
    files[0].SeriesDescription, files[0].ContrastBolusAgent = "x", "none"
    files[0].ContrastBolusAgentSequence = Sequence([agent(CodeMeaning="Iohexol")])
    (entry,) = night(Archive(tmp_path / "archive").add(files)).entries
    assert not entry.series.has_contrast_tag


@pytest.mark.parametrize(
    ("elements", "is_given"),
    [
        ({"ContrastBolusAgent": "Omnipaque"}, True),
        ({"ContrastBolusAgent": "Omnipaque", "ContrastBolusRoute": "IV"}, True),
        ({"ContrastBolusAgent": "Omnipaque", "ContrastBolusRoute": "ORAL"}, False),
        ({"ContrastBolusAgent": "Omnipaque", "ContrastBolusRoute": "per_os"}, False),
        ({"ContrastBolusAgent": "Omnipaque", "ContrastBolusRoute": "p.o."}, False),
        ({"ContrastBolusAgent": "Omnipaque", "ContrastBolusRoute": "IV & ORAL"}, True),
        ({"ContrastBolusAgent": "Omnipaque", "ContrastBolusRoute": "corporal"}, True),
        ({"ContrastBolusVolume": "500", "ContrastBolusRoute": "ORAL"}, False),
        ({"ContrastBolusAgent": "Gastrografin"}, False),
        ({"ContrastBolusAgent": "Omnipaque", "ContrastBolusAdministrationRouteSequence": DRUNK},
         False),
        ({"ContrastBolusAgent": "Omnipaque",
          "ContrastBolusAdministrationRouteSequence": INTO_VEIN}, True),
        ({"ContrastBolusAgent": "Omnipaque", "ContrastBolusRoute": "IV",
          "ContrastBolusAdministrationRouteSequence": DRUNK}, True),
        ({"ContrastBolusAgent": "Omnipaque", "ContrastBolusAgentSequence": Sequence(
            [agent(CodeMeaning="Iohexol", ContrastBolusAdministrationRouteSequence=DRUNK)])},
         False),
        ({"ContrastBolusAgent": "Omnipaque", "ContrastBolusAgentSequence": Sequence(
            [agent(CodeMeaning="Iohexol", ContrastBolusAdministrationRouteSequence=DRUNK),
             agent(CodeMeaning="Iohexol")])}, True),
    ],
)  # fmt: skip
def test_what_was_drunk_is_no_missed_opportunity(elements, is_given: bool, tmp_path) -> None:
    files = stack()
    for ds in files:
        ds.SeriesDescription = "x"
        for keyword, value in elements.items():
            setattr(ds, keyword, value)
    (entry,) = (found := night(Archive(tmp_path / "archive").add(files))).entries
    assert entry.series.has_contrast_tag is is_given
    assert ("contrast_tag" in found.series[0]) is is_given
