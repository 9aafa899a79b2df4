"""Two patients under one SeriesInstanceUID, on a real Orthanc: as from disk, by either door."""

from pathlib import Path

import pytest
from archive_case import TODAY, Archive, setting, stack
from orthanc import PASSWORD, USER, needs_orthanc, running
from pydicom.dataset import Dataset

from flows.crawl import crawl
from screening import archive, catalogue, choose
from screening.config import ArchiveSettings
from screening.lake import Lake
from screening.reasons import Reason

pytestmark = [
    needs_orthanc,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
LIMITS = ArchiveSettings(requests_per_second=0, patience_seconds=1, page=5, settle_minutes=0)
OTHER = setting(PatientID="OTHER", PatientName="X^Y", PatientBirthDate="19500101")
N = 6


def halves() -> list[Dataset]:
    whole = stack(N)
    for ds in whole[N // 2 :]:
        OTHER(ds, 0)
    return whole


@pytest.mark.parametrize("door", ["dimse", "web"])
@pytest.mark.parametrize("is_twice", [True, False], ids=["the same images", "half and half"])
def test_both_people_are_counted(
    door: str, is_twice: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if door == "web":
        monkeypatch.setenv("SCREENING_ARCHIVE_USER", USER)
        monkeypatch.setenv("SCREENING_ARCHIVE_PASSWORD", PASSWORD)
    slices = [*stack(N), *stack(N, edit=OTHER)] if is_twice else halves()
    alone = stack(N, 1, setting(StudyInstanceUID="1.2.4", SeriesInstanceUID="1.2.4.1"))
    files = sorted(Archive(tmp_path / "archive").add(slices, alone).folder.iterdir())
    lake = Lake.open(tmp_path / "lake", b"a secret for tests only", create=True)
    with running(tmp_path / "server") as server:
        server.store(files)
        source = archive.open_source(archive.resolve(getattr(server, door)), LIMITS)
        with lake.lease("test"):
            first = crawl(lake, None, source, TODAY)
            again = crawl(lake, None, source, TODAY)
    for found in (first, again):
        assert found.n_seen == len(files)
        assert found.files.num_rows == 0
        series = [e.series for e in catalogue.group(found.instances).entries]
        unclear = [s for s in series if s.has_several_owners]
        assert sum(s.n_files for s in series) == len(files)
        assert [s.n_files for s in unclear] == [len(slices) // 2] * 2
        assert len({s.person_key for s in unclear}) == 2
        decisions = {d.series_key: d.reasons for d in choose.choose(series)}
        assert all(decisions[s.series_key][0] is Reason.IDENTITY_CONFLICT for s in unclear)
        assert len(series) == 3
    assert again.n_new == 0
