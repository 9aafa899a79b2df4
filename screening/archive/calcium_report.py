"""What a structured report says about coronary calcium.

Comes in: a structured report as pydicom gives it.
Goes out: words for its descriptions where it measures a calcium score, else none; never its text.
Refuses: nothing; a report that cannot be understood says nothing.

A site's workstation sends its calcium scores as structured reports, whose descriptions may say
no more than "Results". What they measure is in coded names, those of DICOM PS3.16: calcium score
and calcium scoring analysis (annex D), coronary artery calcium score (CID 6142), cardiac CT for
calcium scoring (CID 3757).
"""

from collections.abc import Iterator

from pydicom.dataset import Dataset

from screening.header_values import text

# Basic, enhanced, comprehensive, comprehensive 3-D and extensible structured reports (PS3.4, B.5).
# Dose reports (88.67) and findings of other kinds of CAD have classes of their own.
STRUCTURED_REPORTS = frozenset(
    f"1.2.840.10008.5.1.4.1.1.88.{tail}" for tail in ("11", "22", "33", "34", "35")
)
CALCIUM_SCORES = frozenset(
    {("DCM", "112058"), ("DCM", "122603"), ("SCT", "450360000"), ("SCT", "426005005")}
)
WORDS = "calcium score"
_ITEMS_AT_MOST = 10_000


def words_of(report: Dataset) -> str:
    """Return `WORDS` where the report's title or one of its items is a calcium score."""
    names = (_code(item) for item in _items(report))
    return WORDS if any(name in CALCIUM_SCORES for name in names) else ""


def _items(report: Dataset) -> Iterator[Dataset]:
    """Yield the title and then every item, the upper ones first; some thousands at most."""
    waiting = [report]
    for nth, item in enumerate(waiting):
        yield item
        if nth >= _ITEMS_AT_MOST:
            return
        waiting.extend(i for i in item.get("ContentSequence") or () if isinstance(i, Dataset))


def _code(item: Dataset) -> tuple[str, str]:
    for name in item.get("ConceptNameCodeSequence") or ():
        if isinstance(name, Dataset):
            return text(name.get("CodingSchemeDesignator")).upper(), text(name.get("CodeValue"))
    return "", ""
