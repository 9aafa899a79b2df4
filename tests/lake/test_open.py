"""Opening: what a user sees with a right, wrong, missing or changed secret."""

import json
import shutil
import stat
from datetime import date

import pytest

from screening.errors import ScreeningError
from screening.lake import Lake


def test_new_lake_writes_its_secret_beside_the_folder(tmp_path):
    lake = Lake.open(tmp_path / "lake", None, create=True)
    assert lake.secret_file == tmp_path / "lake.secret"
    assert stat.S_IMODE(lake.secret_file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "lake/vault").stat().st_mode) == 0o700
    assert Lake.open(tmp_path / "lake", None, create=False).secret_file == lake.secret_file


def test_secret_from_the_environment_is_not_written(tmp_path, build):
    lake = Lake.open(tmp_path / "lake", build.secret, create=True)
    assert lake.secret_file is None
    assert not (tmp_path / "lake.secret").exists()


def test_missing_secret_says_what_to_do(tmp_path):
    Lake.open(tmp_path / "lake", None, create=True)
    (tmp_path / "lake.secret").unlink()
    with pytest.raises(ScreeningError, match=r"missing: set SCREENING_SECRET or put back .*secret"):
        Lake.open(tmp_path / "lake", None, create=True)


def test_wrong_secret_is_one_line(tmp_path, build):
    Lake.open(tmp_path / "lake", build.secret, create=True)
    with pytest.raises(ScreeningError, match="SCREENING_SECRET is not the one") as caught:
        Lake.open(tmp_path / "lake", b"another secret of the site", create=True)
    assert "\n" not in str(caught.value)


def test_other_version_names_both(tmp_path, build):
    Lake.open(tmp_path / "lake", build.secret, create=True)
    file = tmp_path / "lake/lake.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema_version": 99}))
    with pytest.raises(ScreeningError, match="schema version 99, this program works with 1"):
        Lake.open(tmp_path / "lake", build.secret, create=True)


def test_damaged_manifest(tmp_path, build):
    Lake.open(tmp_path / "lake", build.secret, create=True)
    (tmp_path / "lake/lake.json").write_text("{")
    with pytest.raises(ScreeningError, match="damaged"):
        Lake.open(tmp_path / "lake", build.secret, create=True)


def test_folder_with_other_things_is_refused(tmp_path, build):
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(ScreeningError, match="not a lake and not empty"):
        Lake.open(tmp_path, build.secret, create=True)
    with pytest.raises(ScreeningError, match="is a file"):
        Lake.open(tmp_path / "thesis.txt", build.secret, create=True)


def test_no_lake_without_create(tmp_path, build):
    with pytest.raises(ScreeningError, match="there is no lake"):
        Lake.open(tmp_path / "lake", build.secret, create=False)
    assert not (tmp_path / "lake").exists()


def test_creation_killed_half_way_is_taken_up_again(tmp_path):
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake/.tmp-0123").write_bytes(b"half")
    (tmp_path / "lake.secret").write_bytes(b"a secret written before the kill\n")
    lake = Lake.open(tmp_path / "lake", None, create=True)
    assert lake.secret_file.read_bytes() == b"a secret written before the kill\n"


@pytest.mark.parametrize("from_file", [False, True])
def test_rotation_keeps_everything_and_ends_the_old_secret(tmp_path, build, from_file):
    lake = Lake.open(tmp_path / "lake", None if from_file else build.secret, create=True)
    old = lake.secret_file.read_bytes().strip() if from_file else build.secret
    before = lake.vault.pseudonymise(build.raw({"patient_id": "9"}))
    new = b"the new secret of the site"
    lake.rotate_secret(new)
    again = Lake.open(tmp_path / "lake", None if from_file else new, create=False)
    assert again.vault.pseudonymise(build.raw({"patient_id": "9"})).equals(before)
    with pytest.raises(ScreeningError, match="not the one"):
        Lake.open(tmp_path / "lake", old, create=False)
    with pytest.raises(ScreeningError, match="at least 16"):
        lake.rotate_secret(b"short")


def test_rotation_killed_between_its_writes_locks_nobody_out(tmp_path):
    lake = Lake.open(tmp_path / "lake", None, create=True)
    old = lake.secret_file.read_bytes()
    shutil.copy(tmp_path / "lake/lake.json", tmp_path / "before.json")
    lake.secret_file.write_bytes(b"the new secret of the site\n" + old)  # killed after write one
    Lake.open(tmp_path / "lake", None, create=False)


@pytest.mark.parametrize("name", ["a lake", "Hôpital", "100%", "a#b", "quote's"])
def test_odd_folder_names_work(tmp_path, build, name):
    lake = Lake.open(tmp_path / name, build.secret, create=True)
    folder = tmp_path / "sql"
    folder.mkdir()
    (folder / "out_x.sql").write_text(
        "-- title: t\n-- grain: g\n-- key: series_key\n-- reads: raw_dispositions\n"
        "-- privacy: k\n-- publish: operations\nselect series_key from raw_dispositions"
    )
    with lake.lease("r"):
        lake.append("dispositions", build.dispositions(build.disposition("s")), "r", 1)
        lake.publish(date(2026, 1, 1), "r", folder=folder)
    assert lake.read("dispositions").num_rows == 1


def test_a_folder_name_the_table_library_misreads_is_refused(tmp_path, build):
    with pytest.raises(ScreeningError, match="percent escape"):
        Lake.open(tmp_path / "a%20b", build.secret, create=True)
