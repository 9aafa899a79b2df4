"""The same images twice in an archive: they count once, whatever became of the first in between."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pydicom
from night import AS_OF, open_lake
from nights_case import HOUR, Nights, age, key_of, one_flagged, people
from pydicom.uid import generate_uid


def copied(nights: Nights, files: Iterable[Path], **changes: str) -> str:
    """Write the same images as a study of their own, sweep, and return the copy's key."""
    study, series = generate_uid(), generate_uid()
    folder = nights.archive / series
    folder.mkdir()
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


def test_a_copy_changes_nothing_while_the_first_only_grows_or_is_corrected(nights: Nights) -> None:
    person, series = one_flagged(nights)
    files = nights.files_of(series)
    late = files.pop()
    bytes_of_late = late.read_bytes()
    late.unlink()
    nights.sweep()  # all but its last slice
    copy = copied(nights, files, PatientID="COPY-8")
    assert nights.reason(copy) == ("ineligible", "duplicate_images_of")
    for file in files:
        ds = pydicom.dcmread(file)
        ds.PatientName = f"{ds.PatientName}^CORRECTED"
        ds.save_as(file)
    age(files, HOUR * 24)
    nights.sweep()
    assert nights.flagged()[person] == series
    assert nights.reason(copy) == ("ineligible", "duplicate_images_of")
    late.write_bytes(bytes_of_late)
    assert nights.sweep()["last_run"]["scored"] == 0
    assert nights.states()[series]["redo_reason"] == "still_arriving"
    assert nights.flagged()[person] == series
    assert nights.reason(copy) == ("ineligible", "duplicate_images_of")


def test_a_part_of_a_scan_sent_as_another_years_is_no_second_scan(nights: Nights) -> None:
    _, series = one_flagged(nights)
    files = nights.files_of(series)
    day = pydicom.dcmread(files[0], stop_before_pixels=True).AcquisitionDate
    before = {
        name: f"{int(day[:4]) - 3}0601"
        for name in ("AcquisitionDate", "StudyDate", "SeriesDate", "ContentDate")
    }
    copy = copied(nights, files[1:], PatientAge="", **before)
    assert nights.reason(copy) == ("scored", "")
    rows = open_lake(nights.lake).query("out_progression", date.fromisoformat(AS_OF)).to_pylist()
    (pair,) = (r for r in rows if "duplicate_images_of" in r["reasons"])
    assert (pair["earlier_series_key"], pair["later_series_key"]) == (copy, series)
    assert (pair["reasons"], pair["is_progression"]) == (["duplicate_images_of"], None)


def test_of_a_study_sent_again_whole_the_second_choice_is_not_scored(nights: Nights) -> None:
    person, runner_up = next(
        (p, str(x["series_key"]))
        for p, rows in people(nights).items()
        for x in rows
        if x["reason"] == "not_chosen"
    )
    first, study = nights.flagged()[person], generate_uid()
    again = [
        copied(nights, nights.files_of(key), StudyInstanceUID=study, PatientID="COPY-9")
        for key in (first, runner_up)
    ]
    told = [(nights.reason(key), nights.states()[key]["detail"]) for key in again]
    assert told == [
        (("ineligible", "duplicate_images_of"), f"original: {first}"),
        (("ineligible", "not_chosen"), f"chosen: {first}"),
    ]
    assert nights.flagged()[person] == first
    for file in nights.files_of(first) + nights.files_of(runner_up):
        file.unlink()
    nights.sweep()
    assert nights.reason(again[0]) == ("scored", "")
    assert nights.states()[again[1]]["detail"] == f"chosen: {again[0]}"
