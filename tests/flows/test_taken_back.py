"""Studies still being sent, and images the archive takes back: real sweeps, night after night."""

import shutil
from datetime import date
from pathlib import Path

import pydicom
import pytest
from archive_case import Archive
from key_object import rejection_note
from night import AS_OF, Hospital, open_lake, run
from nights_case import HOUR, Nights, age, headers, key_of, one_flagged, people

from screening.archive import open_source
from screening.archive.listing import STATS_SCHEMA
from screening.config import ArchiveSettings


def test_the_runner_up_stands_in_for_a_series_that_was_deleted(
    nights: Nights, tmp_path: Path
) -> None:
    person, runner_up = next(
        (p, str(x["series_key"]))
        for p, rows in people(nights).items()
        for x in rows
        if x["reason"] == "not_chosen"
    )
    better = nights.flagged()[person]
    files = nights.files_of(better)
    for number, file in enumerate(files):
        file.rename(tmp_path / f"{number}")
    nights.sweep()
    assert nights.states()[runner_up]["state"] == "scored"
    assert nights.flagged()[person] == runner_up
    for number, file in enumerate(files):
        (tmp_path / f"{number}").rename(file)
    assert nights.sweep()["last_run"]["scored"] == 0
    assert nights.flagged()[person] == better
    assert nights.reason(runner_up) == ("ineligible", "not_chosen")  # one series a study
    told = nights.explain(runner_up)
    assert f"chosen: {better}" in told
    assert "superseded, since a better series of the study has a score: Agatston" in told


def test_while_more_may_come_no_runner_up_is_not_chosen_for_a_series_that_is_gone(
    nights: Nights,
) -> None:
    runner_up = next(k for k, r in nights.states().items() if r["reason"] == "not_chosen")
    for file in nights.files_of(nights.states()[runner_up]["detail"].removeprefix("chosen: ")):
        file.unlink()
    nights.files_of(runner_up)[0].touch()
    nights.sweep()
    assert nights.reason(runner_up) == ("pending", "still_arriving")


def test_deleted_images_take_their_flag_along_and_bring_it_back(
    nights: Nights, tmp_path: Path
) -> None:
    person, series = one_flagged(nights)
    score = nights.states()[series]["agatston"]
    files = nights.files_of(series)
    for number, file in enumerate(files):
        file.rename(tmp_path / f"{number}")
    nights.sweep()
    assert "1 series of 1 person of the last sweep is no longer in the archive" in nights.said
    assert person not in nights.flagged()
    lines = run("flagged", "--lake", str(nights.lake), "--list", "left").stdout
    assert "were on the list and are not now, as of 2026-11-01: 1 person" in lines
    (line,) = [x for x in lines.splitlines() if x.startswith(f" {person} ")]
    assert "left_archive: The images are no longer in the archive." in line
    printed = run("status", "--lake", str(nights.lake)).stdout
    assert " 1 left it (left_archive 1); who: screening flagged --list left" in printed
    told = nights.explain(person)
    assert f"withdrawn on {AS_OF}: series {series}" in told
    assert "[left_archive]" in told
    assert f"{score:,.1f}) no longer counts" in told
    assert "[left_archive]" in nights.explain(series)
    nights.sweep()  # nothing new: told once, kept for as long as it holds
    assert "no longer in the archive" not in nights.said
    assert "[left_archive]" in nights.explain(person)
    for number, file in enumerate(files):
        (tmp_path / f"{number}").rename(file)
    assert nights.sweep()["last_run"]["scored"] == 0
    assert nights.flagged()[person] == series
    assert "withdrawn" not in nights.explain(person)
    assert ": 0 people" in run("flagged", "--lake", str(nights.lake), "--list", "left").stdout


def test_a_rejection_note_withdraws_the_score_for_as_long_as_it_is_there(nights: Nights) -> None:
    person, series = one_flagged(nights)
    note = nights.archive / "note.dcm"
    images = headers(nights.files_of(series))
    rejection_note(images, "113001").save_as(note, enforce_file_format=True)
    age([note], HOUR)
    nights.sweep()
    assert nights.reason(series) == ("ineligible", "rejected_in_archive")
    assert "1 series was rejected or moved" in nights.said
    assert person not in nights.flagged()
    assert "A rejection note in the archive takes the images back." in nights.explain(person)
    assert "rejection note 113001" in nights.explain(series)
    note.unlink()
    assert nights.sweep()["last_run"]["scored"] == 0
    assert nights.flagged()[person] == series


@pytest.mark.parametrize(
    ("code", "n_rejected"),
    [("113001", 9), ("113037", 9), ("113038", 9), ("113039", 9), ("113000", 0), ("", 0)],
)
def test_four_titles_reject_and_others_do_not(
    hospital: Hospital, tmp_path: Path, code: str, n_rejected: int
) -> None:
    images = [p for p in sorted(hospital.archive.rglob("*.dcm")) if p.is_file()][:9]
    archive = Archive(tmp_path / "archive").add(p.read_bytes() for p in images)
    archive.add([rejection_note(headers(images), code)])
    source = open_source(str(archive.folder), ArchiveSettings())
    read = source.read_headers(source.list_files(STATS_SCHEMA.empty_table(), date.max).stats)
    found = [r for r in read.instances.to_pylist() if r["rejection"]]
    assert sum(len(r["rejected_instances"]) for r in found) == n_rejected
    assert [r["rejection"] for r in found] == ([code] if n_rejected else [])


def test_images_moved_to_another_person_leave_the_first(nights: Nights) -> None:
    person, series = one_flagged(nights)
    files = nights.files_of(series)
    for file in files:
        ds = pydicom.dcmread(file)
        ds.PatientID, ds.PatientName = "0909090", "CANARY^OTHER"
        ds.save_as(file)
    age(files, HOUR)
    nights.sweep()
    assert "1 series was rejected or moved" in nights.said
    owner = nights.states()[series]["person_key"]
    assert owner != person
    assert person not in nights.flagged()
    told = nights.explain(person)
    assert "[moved_to_another_person]" in told
    assert "CANARY" not in told


def test_a_study_being_sent_waits_and_late_slices_redo_the_score(
    nights: Nights, tmp_path: Path
) -> None:
    """Four nights: half there and young; half there and at rest; whole and young; whole."""
    _, series = one_flagged(nights)
    whole = nights.states()[series]["agatston"]
    files = nights.files_of(series)
    late = files[-len(files) // 8 :]
    for number, file in enumerate(late):
        file.rename(tmp_path / f"{number}")
    shutil.rmtree(nights.lake)
    every = [file for file in nights.archive.rglob("*") if file.is_file()]
    age(every, HOUR)
    age(files[:20], 60.0)

    first = nights.sweep()
    held = key_of(nights, files[0])
    assert nights.reason(held) == ("pending", "still_arriving")
    assert "1 study is still being received" in nights.said
    assert first["reasons_series"]["still_arriving"] >= 1
    assert first["last_run"]["scored"] > 0  # the others do not wait for it
    owner = nights.states()[held]["person_key"]
    assert owner not in nights.flagged()
    assert "[still_arriving]" in nights.explain(held)

    age(every, HOUR)
    assert nights.sweep()["last_run"]["scored"] == 1
    part = nights.states()[held]["agatston"]
    assert nights.flagged()[owner] == held

    for number, file in enumerate(late):
        (tmp_path / f"{number}").rename(file)
    age(late, 60.0)
    assert nights.sweep()["last_run"]["scored"] == 0
    # What was scored stands until the whole has its score.
    assert nights.reason(held) == ("scored", "")
    assert nights.states()[held]["agatston"] == pytest.approx(part)
    assert nights.flagged()[owner] == held
    told = nights.explain(held)
    assert "more of the series came since: it will be scored again." in told
    assert "[still_arriving]" in told
    assert "superseded" not in told
    assert "1 series only grew since the last score and waits to be scored again" in nights.said

    age(late, HOUR)
    assert nights.sweep()["last_run"]["scored"] == 1
    assert nights.states()[held]["agatston"] == pytest.approx(whole)
    told = nights.explain(held)
    assert f"superseded, since slices came or went: Agatston {part:,.1f}" in told
    kept = open_lake(nights.lake).read("dispositions").to_pylist()
    scores = [r["agatston"] for r in kept if r["series_key"] == held and r["state"] == "scored"]
    assert scores == pytest.approx([part, whole])
