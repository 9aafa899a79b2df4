"""The files that pydicom tests itself with, as an archive: all accounted for, none crashes."""

from pathlib import Path

import pydicom.data
import pytest
from archive_case import Archive, night

from screening.records import Rejection, Volume

FILES = Path(pydicom.data.__file__).parent


@pytest.mark.filterwarnings("ignore")
def test_every_file_is_accounted_for(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    for file in sorted(FILES.rglob("*")):
        if file.is_file() and file.suffix not in (".py", ".pyc"):
            archive.add([file.read_bytes()], name=f"{{}}-{file.name.lstrip('.')}")
    found = night(archive)
    assert archive.n > 150
    assert found.n_seen == archive.n
    assert found.adds_up
    assert sum(len(e.paths) + len(e.copies) for e in found.entries) > 100
    assert {"not_dicom", "truncated_file", "ignored_file", "unreadable"} >= set(found.files)
    assert all(isinstance(volume, Rejection | Volume) for volume in found.volumes)
