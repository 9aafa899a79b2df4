"""What a rejection note takes back.

Comes in: a Key Object Selection as pydicom gives it.
Goes out: why it rejects, and the SOP Instance UIDs it names; nothing of another key object.
Refuses: nothing; a note that cannot be understood rejects nothing.

IHE's profile Imaging Object Change Management (RAD TF-1, 21; RAD TF-2, 4.66): whoever
rejects images sends a Key Object Selection titled with one of four codes of DICOM (PS3.16,
CID 7011), whose evidence (PS3.3, C.17.6.2) names the instances. Those are not to be used any more.
"""

from dataclasses import dataclass, field

from pydicom.dataset import Dataset

from screening.header_values import text

KEY_OBJECT_SELECTION = "1.2.840.10008.5.1.4.1.1.88.59"
TITLES = {
    "113001": "rejected for quality",
    "113037": "rejected for patient safety",
    "113038": "wrong worklist entry",
    "113039": "kept for as long as is due",
}


@dataclass(frozen=True, slots=True)
class Note:
    """Why, as a code of `TITLES`, and which instances; both empty where nothing is rejected."""

    code: str = ""
    instances: tuple[str, ...] = field(default=(), repr=False)


NO_NOTE = Note()


def read_note(dataset: Dataset) -> Note:
    """Read what a key object rejects."""
    codes = {text(title.get("CodeValue")) for title in _items(dataset, "ConceptNameCodeSequence")}
    found = sorted(codes & TITLES.keys())
    if not found:
        return NO_NOTE
    series = [
        series
        for study in _items(dataset, "CurrentRequestedProcedureEvidenceSequence")
        for series in _items(study, "ReferencedSeriesSequence")
    ]
    uids = {
        text(instance.get("ReferencedSOPInstanceUID"))
        for one in series
        for instance in _items(one, "ReferencedSOPSequence")
    }
    return Note(found[0], tuple(sorted(uids - {""})))


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    value = dataset.get(keyword)
    return [item for item in value or () if isinstance(item, Dataset)]
