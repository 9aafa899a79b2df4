"""Images of two people under one SeriesInstanceUID: nobody is guessed, and nobody vanishes."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from archive_case import TODAY, Archive, at_place, night, setting, stack
from pydicom.dataset import Dataset

from flows.crawl import crawl
from flows.stacks import choose_stack
from flows.withdrawal import withdrawn
from screening import archive, catalogue, choose
from screening.catalogue import key_of_uid
from screening.config import ArchiveSettings
from screening.errors import ScreeningError
from screening.lake import Lake
from screening.reasons import Reason, State
from screening.tables import DISPOSITIONS

SCORE = 170.2
OTHER = setting(PatientID="OTHER", PatientName="X^Y", PatientBirthDate="19500101")


def halves(n_other: int) -> list[list[Dataset]]:
    """One stack of 40; the last of its slices name another patient."""
    whole = stack()
    for ds in whole[40 - n_other :]:
        OTHER(ds, 0)
    return [whole]


def copies() -> list[list[Dataset]]:
    """Every image twice, to the byte but for the patient."""
    return [stack(), stack(edit=OTHER)]


@pytest.mark.parametrize(
    ("write", "n_images"),
    [
        (lambda: halves(21), [21, 19]),
        (lambda: halves(1), [39, 1]),
        (copies, [40, 40]),
    ],
    ids=["half and half", "a single stray slice", "the same images twice"],
)
def test_both_people_are_there_and_neither_has_a_score(
    write: Callable[[], list[list[Dataset]]], n_images: list[int], tmp_path: Path
) -> None:
    found = night(Archive(tmp_path / "archive").add(*write()))
    assert found.adds_up
    assert found.n_duplicates == 0
    series = [entry.series for entry in found.entries]
    assert sorted((s.n_files for s in series), reverse=True) == n_images
    assert len({s.person_key for s in series}) == 2
    assert len({s.series_key for s in series}) == 2
    assert len({key_of_uid(s.series_key) for s in series}) == 1
    decisions = choose.choose(series)
    assert {d.state for d in decisions} == {State.QUARANTINED}
    assert {d.reasons[0] for d in decisions} == {Reason.IDENTITY_CONFLICT}


@pytest.mark.parametrize("number", ["", "UNKNOWN", "CANARY-ID"])
def test_two_names_without_a_birth_date_are_two_people(number: str, tmp_path: Path) -> None:
    one = setting(PatientID=number, PatientName="Doe^Jane", PatientBirthDate="")
    other = setting(PatientID=number, PatientName="Roe^Richard", PatientBirthDate="")
    place = Archive(tmp_path / "archive").add(
        stack(20, 0, one), stack(20, 1, at_place(60.0, other))
    )
    found = night(place)
    assert found.adds_up
    series = [entry.series for entry in found.entries]
    assert [s.n_files for s in series] == [20, 20]
    assert {d.reasons[0] for d in choose.choose(series)} == {Reason.IDENTITY_CONFLICT}


@pytest.mark.parametrize("number", ["", "UNKNOWN", "n/a", "000", "---"])
def test_a_number_that_is_none_makes_nobody_one(number: str, tmp_path: Path) -> None:
    """Two studies without a patient's number are two people, whoever they are."""
    one = setting(PatientID=number)
    other = setting(PatientID=number, StudyInstanceUID="1.2.3.9", SeriesInstanceUID="1.2.3.9.1")
    found = night(Archive(tmp_path / "archive").add(stack(edit=one), stack(recon=1, edit=other)))
    assert len({entry.series.person_key for entry in found.entries}) == 2


def test_copies_of_one_person_stay_copies_beside_another_person(tmp_path: Path) -> None:
    place = Archive(tmp_path / "archive").add(stack(), stack()[:3], stack(edit=OTHER))
    found = night(place)
    assert found.adds_up
    assert found.n_duplicates == 3


@pytest.mark.parametrize(
    "other",
    [
        setting(PatientID=" canary-id "),
        setting(PatientName="ANOTHER^SPELLING"),
        setting(SeriesInstanceUID="1.2.3.5", PatientID="OTHER"),
    ],
    ids=["the number written otherwise", "another name", "another series"],
)
def test_one_owner_is_no_conflict(other: Callable[[Dataset, int], None], tmp_path: Path) -> None:
    place = Archive(tmp_path / "archive").add(stack(20), stack(20, 1, at_place(60.0, other)))
    assert not any(e.series.has_several_owners for e in night(place).entries)


def test_studies_of_two_people_under_one_uid_do_not_compete(tmp_path: Path) -> None:
    other = setting(SeriesInstanceUID="1.2.3.5", PatientID="OTHER")
    found = night(Archive(tmp_path / "archive").add(stack(), stack(recon=1, edit=other)))
    assert [line.split(", ")[1] for line in found.series] == ["rank 0", "rank 0"]


def test_one_folder_of_two_patients_is_not_scored_alone(tmp_path: Path) -> None:
    folder = Archive(tmp_path / "archive").add(*halves(20)).folder
    source = archive.open_source(archive.resolve(str(folder)), ArchiveSettings())
    stats = source.list_files(pa.table({"path": [], "size_bytes": [], "mtime_ns": []}), TODAY)
    with pytest.raises(ScreeningError, match="name several patients"):
        choose_stack(source.read_headers(stats.stats).instances)


class Nights:
    """An archive over several nights: only what tells whose the images are."""

    def __init__(self, folder: Path) -> None:
        self.archive = Archive(folder).add([b"never empty"], name="note.txt")
        self.archive.n = 0
        self.lake = Lake.open(self.archive.lake, b"a secret for tests only", create=True)

    def put(self, name: str, slices: list[Dataset]) -> "Nights":
        shutil.rmtree(self.archive.folder / name, ignore_errors=True)
        self.archive.add(slices, name=name + "/{}")
        return self

    def drop(self, name: str) -> "Nights":
        shutil.rmtree(self.archive.folder / name)
        return self

    def score(self) -> None:
        row = self.lake.read("series").to_pylist()[0]
        scored = {n: row[n] for n in ("series_key", "study_key", "person_key", "content_digest")}
        scored |= {"state": "scored", "agatston": SCORE, "reasons": [], "choose_version": 1}
        scored |= {"committed_at": datetime(2026, 11, 1, tzinfo=UTC), "model_digest": "m"}
        full = dict.fromkeys(DISPOSITIONS.schema.names) | scored | {"scoring_version": 1}
        with self.lake.lease("test"):
            table = pa.Table.from_pylist([full], schema=DISPOSITIONS.schema)
            self.lake.append("dispositions", table, "test", 1)

    def sweep(self) -> tuple[list[tuple[str, str, bool]], list[tuple[str, str]]]:
        """Return series (person, content, unclear) and withdrawals (person, reason)."""
        source = archive.open_source(archive.resolve(str(self.archive.folder)), ArchiveSettings())
        with self.lake.lease("test"):
            found = crawl(self.lake, None, source, TODAY)
            entries = catalogue.group(found.instances).entries
            now = catalogue.series_table(entries)
            gone = withdrawn(self.lake, now, TODAY)
            self.lake.replace("withdrawals", gone)
            self.lake.replace("series", now)
        keys = [e.series.person_key for e in entries] + gone["person_key"].to_pylist()
        people = self.lake.vault.identify(sorted(set(keys)), "a test").to_pylist()
        name = {p["person_key"]: p["patient_id"] for p in people}
        series = sorted(
            (name[s.person_key], s.content_digest, s.has_several_owners)
            for s in (e.series for e in entries)
        )
        rows = [(name[r["person_key"]], r["reason"]) for r in gone.to_pylist()]
        return series, rows


def test_what_moved_is_no_conflict(tmp_path: Path) -> None:
    nights = Nights(tmp_path / "archive").put("a", stack())
    nights.sweep()
    series, gone = nights.put("a", stack(edit=OTHER)).sweep()
    assert [(who, unclear) for who, _, unclear in series] == [("OTHER", False)]
    assert gone == [("CANARY-ID", "moved_to_another_person")]


def test_a_conflict_comes_and_goes(tmp_path: Path) -> None:
    nights = Nights(tmp_path / "archive").put("a", stack())
    ((_, alone, _),), _ = nights.sweep()
    series, gone = nights.put("b", stack(edit=OTHER)).sweep()
    assert [(who, unclear) for who, _, unclear in series] == [("CANARY-ID", True), ("OTHER", True)]
    assert alone not in {content for _, content, _ in series}  # its score is not of this
    assert gone == []  # nothing left: the images are there, and say why they do not count
    series, gone = nights.drop("b").sweep()
    assert series == [("CANARY-ID", alone, False)]  # and has its score again
    assert gone == [("OTHER", "left_archive")]


def test_who_had_half_of_it_for_a_night_is_not_told_its_score(tmp_path: Path) -> None:
    nights = Nights(tmp_path / "archive").put("a", stack()[:15]).put("b", stack()[15:])
    nights.sweep()
    nights.score()
    nights.put("b", halves(25)[0][15:]).sweep()
    nights.put("b", stack()[15:]).sweep()
    assert nights.lake.read("withdrawals")["agatston"].to_pylist() == [None]
    nights.drop("a").drop("b").sweep()
    assert nights.lake.read("withdrawals")["agatston"].to_pylist().count(SCORE) == 1


def test_half_of_it_is_put_right(tmp_path: Path) -> None:
    nights = Nights(tmp_path / "archive").put("a", stack()[:15]).put("b", halves(25)[0][15:])
    nights.sweep()
    series, gone = nights.put("b", stack()[15:]).sweep()
    assert [(who, unclear) for who, _, unclear in series] == [("CANARY-ID", False)]
    assert gone == [("OTHER", "moved_to_another_person")]
