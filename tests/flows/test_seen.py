"""What inference saw stays in the lake: scoring again asks no model; opting out removes it."""

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from night import AS_OF, Hospital, Screening, content, open_lake

from screening import inference
from screening.lake import Lake
from screening.tables import DISPOSITIONS


def files(lake: Path) -> dict[str, bytes]:
    return {f.name.partition(".")[0]: f.read_bytes() for f in (lake / "vault/seen").iterdir()}


def file_of(lake: Path, key: str, kind: str) -> Path:
    folder = "seen" if kind == "seen" else "pictures"
    (file,) = (lake / "vault" / folder).glob(f"{key}.*.{kind}")
    return file


def as_of_an_older_program(path: Path) -> None:
    """Give every row that came of working a scan an earlier scoring version."""
    lake = open_lake(path)
    rows = lake.read("dispositions").to_pylist()
    for row in rows:
        row["scoring_version"] = max(row["scoring_version"] - 1, 0)
    with lake.lease("older"):
        lake.replace("dispositions", pa.Table.from_pylist(rows, schema=DISPOSITIONS.schema))


def scored(path: Path, version: int) -> dict[str, dict]:
    rows = open_lake(path).read("dispositions").to_pylist()
    return {
        r["series_key"]: r
        for r in rows
        if r["state"] == "scored" and r["scoring_version"] == version
    }


def test_of_every_scored_series_something_is_kept_zeros_too(swept: Path) -> None:
    lake = open_lake(swept)
    rows = [r for r in lake.read("dispositions").to_pylist() if r["state"] == "scored"]
    assert {r["series_key"] for r in rows} == set(files(swept))
    for row in rows:
        packed = lake.read_seen(row["series_key"], row["model_digest"])
        assert packed is not None
        seen = inference.unpack(packed)
        assert (seen.model_digest, seen.image_digest) == (row["model_digest"], row["image_digest"])


@pytest.fixture(scope="module")
def rescored(
    screening: Screening, swept: Path, hospital: Hospital, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A lake of an older program, scored again; and the series whose file was damaged before."""
    folder = tmp_path_factory.mktemp("again")
    lake, settings = folder / "lake", folder / "screening.toml"
    shutil.copytree(swept, lake)
    as_of_an_older_program(lake)
    settings.write_text('rescore = "all"\n')
    first, second, *_ = sorted(files(lake))
    damaged = file_of(lake, first, "seen")
    damaged.write_bytes(damaged.read_bytes()[:-1])
    file_of(lake, second, "seen").unlink()  # as in a lake that kept nothing
    done = screening(*hospital.sweep_arguments(lake), "--config", str(settings))
    assert done.returncode == 0, done.stderr
    return lake, first


def test_a_new_scoring_version_asks_no_model_and_gives_the_same_score(
    swept: Path, rescored: tuple[Path, str]
) -> None:
    lake, _ = rescored
    version = max(r["scoring_version"] for r in open_lake(swept).read("dispositions").to_pylist())
    before, after = scored(swept, version), scored(lake, version)
    assert set(before) == set(after)
    volatile = {c.name for c in DISPOSITIONS.columns if c.volatile}
    for key, row in after.items():
        told = {k: v for k, v in row.items() if k not in volatile}
        assert told == {k: v for k, v in before[key].items() if k not in volatile}
    # Sealing is never twice the same: what is as it was was not written again.
    old, new = files(swept), files(lake)
    assert set(old) == set(new)
    inferred_again = {key for key in old if old[key] != new[key]}
    assert inferred_again == set(sorted(old)[:2])
    quick = [row["seconds_infer"] for key, row in after.items() if key not in inferred_again]
    slow = [after[key]["seconds_infer"] for key in inferred_again]
    assert max(quick) < min(slow) / 2


def test_what_is_damaged_or_was_never_kept_is_kept_afterwards(
    swept: Path, rescored: tuple[Path, str]
) -> None:
    lake, damaged = rescored
    model = inference.open_model("default").identity.digest
    one, other = (open_lake(path).read_seen(damaged, model) for path in (swept, lake))
    assert one is not None
    assert one == other


def test_who_opts_out_takes_all_images_along_however_often(
    screening: Screening, swept: Path, hospital: Hospital, tmp_path: Path
) -> None:
    lake, clinical = tmp_path / "lake", tmp_path / "clinical"
    shutil.copytree(swept, lake)
    shutil.copytree(hospital.clinical, clinical)
    opened: Lake = open_lake(lake)
    row = next(r for r in opened.read("dispositions").to_pylist() if r["has_picture"])
    key = row["series_key"]
    (who,) = opened.vault.identify([row["person_key"]], "a test").to_pylist()
    with (clinical / "person_policy.csv").open("a", encoding="utf-8") as file:
        file.write(f"{who['patient_id']},opt_out_all,2026-01-01\n")
    sweep = [
        "sweep", "--archive", str(hospital.archive), "--lake", str(lake), "--clinical",
        str(clinical), "--as-of", AS_OF,
    ]  # fmt: skip
    kept = [file_of(lake, key, "seen"), file_of(lake, key, "picture")]
    assert all(file.exists() for file in kept)
    copies = [file.read_bytes() for file in kept]
    others = len(files(lake))
    for _ in range(2):  # the second time the wish is old, and there are files again
        done = screening(*sweep)
        assert done.returncode == 0, done.stderr
        assert not any(file.exists() for file in kept)
        assert len(files(lake)) == others - 1
        for file, body in zip(kept, copies, strict=True):
            file.write_bytes(body)
    assert content(lake)["policy"]
