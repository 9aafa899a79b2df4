"""The same images twice in an archive: they count once, whatever became of the first in between."""

from collections.abc import Iterable
from pathlib import Path

import pydicom
from nights_case import HOUR, Nights, age, key_of, one_flagged
from pydicom.uid import generate_uid


def copied(nights: Nights, files: Iterable[Path], **changes: str) -> str:
    """Write the same images as a study of their own, sweep, and return the copy's key."""
    folder = nights.archive / "copies"
    folder.mkdir()
    study, series = generate_uid(), generate_uid()
    made: list[Path] = []
    for number, file in enumerate(files):
        ds = pydicom.dcmread(file)
        ds.StudyInstanceUID, ds.SeriesInstanceUID = study, series
        ds.SOPInstanceUID = generate_uid()
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        for name, value in changes.items():
            setattr(ds, name, value)
        made.append(folder / f"{number}")
        ds.save_as(made[-1])
    age(made, HOUR * 24)
    nights.sweep()
    return key_of(nights, made[0])


def test_a_copy_counts_once_the_first_has_lost_the_images(nights: Nights) -> None:
    person, series = one_flagged(nights)
    agatston = nights.states()[series]["agatston"]
    files = nights.files_of(series)
    copy = copied(nights, files)
    assert nights.reason(copy) == ("ineligible", "duplicate_images_of")
    for file in files[1:]:
        file.unlink()
    nights.sweep()
    assert nights.reason(series) == ("ineligible", "too_few_slices")
    assert nights.reason(copy) == ("scored", "")
    assert nights.states()[copy]["agatston"] == agatston
    assert nights.flagged()[person] == copy


def test_a_copy_counts_once_rules_refuse_the_first(nights: Nights) -> None:
    person, series = one_flagged(nights)
    files = nights.files_of(series)
    copy = copied(nights, files)
    assert nights.reason(copy) == ("ineligible", "duplicate_images_of")
    for file in files:
        ds = pydicom.dcmread(file)
        ds.ContrastBolusAgent, ds.SeriesDescription = "ULTRAVIST", "Chest with contrast"
        # A text that says "native" beside them would leave the question to the blood.
        ds.StudyDescription = ds.ProtocolName = "Chest"
        ds.save_as(file)
    age(files, HOUR * 24)
    nights.sweep()
    assert nights.reason(series) == ("ineligible", "contrast_tag")
    assert nights.reason(copy) == ("scored", "")
    assert nights.flagged()[person] == copy


def test_the_first_counts_again_when_it_is_back(nights: Nights, tmp_path: Path) -> None:
    """Both were scored by then; two people on the list for one scan would be one too many."""
    person, series = one_flagged(nights)
    files = nights.files_of(series)
    copy = copied(nights, files, PatientID="COPY-7")
    somebody = nights.states()[copy]["person_key"]
    assert nights.reason(copy) == ("ineligible", "duplicate_images_of")
    for number, file in enumerate(files):
        file.rename(tmp_path / f"{number}")
    nights.sweep()
    assert nights.reason(copy) == ("scored", "")
    for number, file in enumerate(files):
        (tmp_path / f"{number}").rename(file)
    assert nights.sweep()["last_run"]["scored"] == 0
    assert nights.flagged()[person] == series
    assert somebody not in nights.flagged()
    row = nights.states()[copy]
    assert (row["state"], row["reason"]) == ("ineligible", "duplicate_images_of")
    assert row["detail"] == f"original: {series}"
