"""One hospital from a disk, by DICOMweb and by DIMSE; a server that goes away and comes back."""

import json
import os
import random
import shutil
import subprocess
import time
from datetime import date
from pathlib import Path

import pydicom
import pytest
from night import AS_OF, MAIN, Hospital, Screening, environment, open_lake, run
from orthanc import PASSWORD, USER, Orthanc, needs_orthanc, running

from screening.errors import ScreeningError
from screening.phantom import write_hospital

STUDIES, SEED = 20, 77
ACCESS = {"SCREENING_ARCHIVE_USER": USER, "SCREENING_ARCHIVE_PASSWORD": PASSWORD}
# What a person reads of a scan, whichever way its images came.
COLUMNS = (
    "state", "reasons", "agatston", "volume_mm3", "mass_mg", "category", "grade", "quality_flags",
    "n_slices", "increment_mm", "kvp", "kernel", "index_date", "header_age_years", "header_sex",
    "image_digest", "agatston_low", "agatston_high", "n_lesions",
)  # fmt: skip


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    folder = tmp_path_factory.mktemp("hospital")
    write_hospital(folder, STUDIES, SEED, None, len(os.sched_getaffinity(0)))
    return Hospital(folder)


@pytest.fixture(scope="module")
def server(hospital: Hospital, tmp_path_factory: pytest.TempPathFactory):
    with running(tmp_path_factory.mktemp("orthanc"), LimitFindResults=7) as orthanc:
        orthanc.store(sorted(p for p in hospital.archive.rglob("*") if p.is_file()))
        yield orthanc


def sweep_arguments(hospital: Hospital, address: str, lake: Path, settings: Path) -> list[str]:
    return [
        "sweep", "--archive", address, "--lake", str(lake), "--clinical", str(hospital.clinical),
        "--as-of", AS_OF, "--config", str(settings), "--json",
    ]  # fmt: skip


def sweep(hospital: Hospital, address: str, lake: Path, settings: Path) -> dict:
    done = run(*sweep_arguments(hospital, address, lake, settings), **ACCESS)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def by_series(lake: Path, uid_of) -> dict[str, tuple]:
    """What became of each series, by the UID its images carry."""
    opened = open_lake(lake)
    uids = {
        row["series_key"]: uid_of(row["path"]) for row in opened.read_index().instances.to_pylist()
    }
    rows = opened.query("core_disposition", date.fromisoformat(AS_OF)).to_pylist()
    found = {uids[row["series_key"]]: tuple(row[name] for name in COLUMNS) for row in rows}
    # Of two series with the same images one is the copy: which, the order of their paths tells.
    images = [row["image_digest"] for row in rows if row["image_digest"]]
    for twice in {digest for digest in images if images.count(digest) > 1}:
        pair = {uid for uid, row in found.items() if twice in row}
        both = tuple(sorted((found[uid] for uid in pair), key=repr))
        found |= dict.fromkeys(pair, both)
    return found


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("settings") / "screening.toml"
    file.write_text("[archive]\npatience_seconds = 2\nrequests_per_second = 0\n")
    return file


@pytest.fixture(scope="module")
def on_disk(hospital: Hospital, settings: Path, tmp_path_factory: pytest.TempPathFactory):
    """The sweep of the folder, and what became of every series."""
    lake = tmp_path_factory.mktemp("disk") / "lake"
    facts = sweep(hospital, str(hospital.archive), lake, settings)

    def uid_of(path: str) -> str:
        header = pydicom.dcmread(hospital.archive / path, stop_before_pixels=True, force=True)
        return str(header.SeriesInstanceUID)

    return facts, by_series(lake, uid_of)


def uid_in_path(path: str) -> str:
    return path.split("/")[1]


@needs_orthanc
def test_dimse_gives_what_the_disk_gives(
    hospital: Hospital, server: Orthanc, on_disk, settings: Path, tmp_path: Path
) -> None:
    facts, wanted = on_disk
    lake = tmp_path / "lake"
    found = sweep(hospital, server.dimse, lake, settings)
    assert by_series(lake, uid_in_path) == wanted
    assert found["series"] == facts["series"]
    assert found["people"] == facts["people"]
    assert sum(row[0] == "scored" for row in wanted.values()) >= STUDIES // 2


@needs_orthanc
def test_nothing_that_was_only_unreachable_is_marked_failed(
    hospital: Hospital, server: Orthanc, on_disk, settings: Path, tmp_path: Path
) -> None:
    """Stopped in the middle, started with a file missing, then whole: at last as from the disk."""
    facts, wanted = on_disk
    lake = tmp_path / "lake"
    sweeping = subprocess.Popen(
        [*MAIN, *sweep_arguments(hospital, server.web, lake, settings)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(**ACCESS),
    )  # fmt: skip
    while not _attempts(lake):
        assert sweeping.poll() is None
        time.sleep(0.1)
    server.stop()
    out, err = sweeping.communicate(timeout=300)
    server.start()
    assert sweeping.returncode == 0, err
    first = json.loads(out)
    assert first["series"]["pending"] > 0
    assert first["reasons_series"]["unreachable"] > 0
    assert all(wanted[uid] == row for uid, row in bad(by_series(lake, uid_in_path)).items())

    rows = by_series(lake, uid_in_path)
    single = {uid for uid, row in wanted.items() if len(row) == len(COLUMNS)}
    waiting = min(uid for uid, row in rows.items() if uid in single and "unreachable" in row[1])
    lost = server.file_of(waiting)
    away = lost.rename(tmp_path / "lost")
    sweep(hospital, server.web, lake, settings)
    rows = by_series(lake, uid_in_path)
    assert rows[waiting][:2] == ("pending", ["unreachable"])
    same_study = series_of_study(lake, waiting)
    assert {uid for uid, row in rows.items() if "unreachable" in row[1]} <= same_study
    others = rows.keys() - same_study
    assert {uid: rows[uid] for uid in others} == {uid: wanted[uid] for uid in others}
    away.rename(lost)

    third = sweep(hospital, server.web, lake, settings)
    assert by_series(lake, uid_in_path) == wanted
    assert third["series"] == facts["series"]
    assert third["people"] == facts["people"]
    fourth = sweep(hospital, server.web, lake, settings)
    assert fourth["last_run"]["scored"] == 0
    assert fourth["last_run"]["bytes_read"] == 0


def bad(rows: dict[str, tuple]) -> dict[str, tuple]:
    return {uid: row for uid, row in rows.items() if row[0] in ("failed", "quarantined")}


def series_of_study(lake: Path, uid: str) -> set[str]:
    paths = [p.split("/") for p in open_lake(lake).read_index().instances["path"].to_pylist()]
    (study,) = {study for study, series, _ in paths if series == uid}
    return {series for of, series, _ in paths if of == study}


def _attempts(lake: Path) -> int:
    try:
        return open_lake(lake).read("attempts").num_rows
    except ScreeningError:  # there is no lake yet
        return 0


def complains(done: subprocess.CompletedProcess[str], lake: Path, *words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr
    assert not lake.exists()


@needs_orthanc
def test_what_cannot_be_swept_is_said_before_a_lake_is_made(
    screening: Screening, server: Orthanc, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"

    def try_it(address: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return screening("sweep", "--archive", address, "--lake", str(lake), **extra)

    wrong = ACCESS | {"SCREENING_ARCHIVE_PASSWORD": "hush-hush"}
    complains(try_it(server.web, **wrong), lake, "no access", "SCREENING_ARCHIVE_USER")
    assert "hush" not in try_it(server.web, **wrong).stderr
    complains(try_it("http://127.0.0.1:1/dicom-web"), lake, "cannot be reached")
    complains(try_it("dicom://AET@127.0.0.1:1"), lake, "cannot be reached")
    complains(try_it(server.dimse.replace("ORTHANC", "OTHER")), lake, "AE titles")
    complains(try_it("gopher://host/a"), lake, "gopher:// is not supported")


def test_an_unknown_setting_of_the_archive(screening: Screening, tmp_path: Path) -> None:
    file = tmp_path / "screening.toml"
    file.write_text("[archive]\nconections = 3\n")
    done = screening(
        "sweep", "--archive", str(tmp_path), "--lake", str(tmp_path / "lake"), "--config", str(file)
    )
    complains(done, tmp_path / "lake", "archive.conections", "known: connections,")


def test_one_flat_folder_gives_what_many_folders_give(
    hospital: Hospital, on_disk, settings: Path, tmp_path: Path
) -> None:
    """Every file under a number in one folder, shuffled: series are told by what they say."""
    facts, wanted = on_disk
    flat = tmp_path / "flat"
    flat.mkdir()
    files = sorted(file for file in hospital.archive.rglob("*") if file.is_file())
    random.Random(5).shuffle(files)
    for number, file in enumerate(files):
        shutil.copy(file, flat / f"{number:05d}")
    found = sweep(hospital, str(flat), tmp_path / "lake", settings)

    def uid_of(path: str) -> str:
        header = pydicom.dcmread(flat / path, stop_before_pixels=True, force=True)
        return str(header.SeriesInstanceUID)

    assert by_series(tmp_path / "lake", uid_of) == wanted
    # What was left alone for its name (DICOMDIR, hidden) is looked into here, and is none.
    for count in ("seen", "instance", "duplicate"):
        assert found["files"][count] == facts["files"][count]
    assert (found["series"], found["people"]) == (facts["series"], facts["people"])
