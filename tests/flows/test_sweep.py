"""One night after another, as the command line runs them."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from night import AS_OF, Hospital, Screening, content, open_lake

STATES = ("scored", "ineligible", "failed", "quarantined", "pending")


def facts(screening: Screening, lake: Path) -> dict[str, dict[str, int]]:
    done = screening("status", "--lake", str(lake), "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_three_sums_hold(screening: Screening, swept: Path, hospital: Hospital) -> None:
    found = facts(screening, swept)
    files, series, people = found["files"], found["series"], found["people"]
    on_disk = sum(1 for p in hospital.archive.rglob("*") if p.is_file())
    assert files["seen"] == on_disk
    assert files["seen"] == sum(v for k, v in files.items() if k != "seen")
    assert series["found"] == sum(series[s] for s in STATES)
    assert people["with_scan"] == people["flagged"] + people["not_flagged"] + people["cannot_say"]
    assert series["scored"] > 0
    assert series["pending"] == 0


def test_a_second_run_scores_nothing_and_changes_nothing(
    screening: Screening, swept: Path, hospital: Hospital, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(swept, lake)
    before = content(lake)
    done = screening(*hospital.sweep_arguments(lake), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["last_run"]["scored"] == 0
    assert content(lake) == before


def test_next_night_only_the_new_scans_are_worked(
    screening: Screening, hospital: Hospital, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    shutil.copytree(hospital.archive, folder)
    held_back = sorted(p for p in folder.iterdir() if p.is_dir())[:2]
    for later in held_back:
        later.rename(tmp_path / later.name)
    lake = tmp_path / "lake"
    first = screening("sweep", "--archive", str(folder), "--lake", str(lake), "--json")
    assert first.returncode == 0, first.stderr
    for later in held_back:
        (tmp_path / later.name).rename(later)
    known = set(open_lake(lake).read("attempts")["series_key"].to_pylist())
    second = screening("sweep", "--archive", str(folder), "--lake", str(lake), "--json")
    assert second.returncode == 0, second.stderr
    attempts = open_lake(lake).read("attempts").to_pylist()
    tonight = {r["series_key"] for r in attempts} - known
    assert len(attempts) == len(known) + len(tonight)
    assert (
        json.loads(second.stdout)["series"]["found"] >= json.loads(first.stdout)["series"]["found"]
    )


def test_another_model_scores_all_again_and_then_rests(
    screening: Screening, swept: Path, hospital: Hospital, tmp_path: Path
) -> None:
    lake, settings = tmp_path / "lake", tmp_path / "screening.toml"
    shutil.copytree(swept, lake)
    sweep = [*hospital.sweep_arguments(lake), "--config", str(settings), "--json"]
    settings.write_text('model = "phantom"\n')
    kept = screening(*sweep)
    n_scored = json.loads(kept.stdout)["series"]["scored"]
    assert json.loads(kept.stdout)["last_run"]["scored"] == 0
    assert f"{n_scored} series keep a score of another model or" in kept.stderr
    settings.write_text('model = "phantom"\nrescore = "all"\n')
    first = screening(*sweep)
    assert first.returncode == 0, first.stderr
    facts = json.loads(first.stdout)
    assert facts["last_run"]["scored"] == facts["series"]["scored"] > 0
    attempts = open_lake(lake).read("attempts").to_pylist()
    again = {r["model_digest"] for r in attempts}
    assert len(again) == 2
    second = screening(*sweep)
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout)["last_run"]["scored"] == 0
    assert "keep a score of another model" not in second.stderr
    # And back again: the first model's scores stand as they were, without work.
    settings.write_text('rescore = "all"\n')
    back = screening(*sweep)
    assert back.returncode == 0, back.stderr
    assert json.loads(back.stdout)["last_run"]["scored"] == 0
    assert scores(lake) == scores(swept)


def scores(lake: Path) -> dict[str, tuple[float | None, str | None]]:
    rows = open_lake(lake).query("core_disposition", date.fromisoformat(AS_OF)).to_pylist()
    return {r["series_key"]: (r["agatston"], r["model_digest"]) for r in rows}


def test_prefect_lives_inside_the_lake(swept: Path) -> None:
    assert (swept / "prefect").is_dir()


def test_a_score_says_who_measured_it_and_how(screening: Screening, swept: Path) -> None:
    rows = open_lake(swept).read("dispositions").to_pylist()
    for row in (r for r in rows if r["state"] == "scored"):
        assert row["model_digest"]
        assert row["provider"].endswith("ExecutionProvider")
        assert json.loads(row["parameters"])["convention"] == "agatston_1990"
        vessels = [row[f"agatston_{v}"] for v in ("lm", "lad", "lcx", "rca")]
        assert sum(vessels) == pytest.approx(row["agatston"])


def test_every_score_above_zero_has_a_picture_and_explain_writes_it(
    screening: Screening, swept: Path, tmp_path: Path
) -> None:
    rows = open_lake(swept).read("dispositions").to_pylist()
    positive = [r for r in rows if r["state"] == "scored" and r["agatston"] > 0]
    assert positive
    assert all(r["has_picture"] for r in positive)
    file = tmp_path / "picture.png"
    done = screening("explain", "--lake", str(swept), positive[0]["series_key"], "--out", str(file))
    assert done.returncode == 0, done.stderr
    assert file.read_bytes().startswith(b"\x89PNG")
    assert file.stat().st_size <= 150_000
    assert f"Agatston {positive[0]['agatston']:,.1f}" in done.stdout


def test_an_opt_out_lasts_as_long_as_the_wish(
    screening: Screening, swept: Path, hospital: Hospital, tmp_path: Path
) -> None:
    lake, clinical = tmp_path / "lake", tmp_path / "clinical"
    shutil.copytree(swept, lake)
    shutil.copytree(hospital.clinical, clinical)

    def flagged() -> dict[str, dict[str, object]]:
        done = screening("flagged", "--lake", str(lake), "--format", "json", "--identified",
                         "--reason", "test")  # fmt: skip
        return {row["person_key"]: row for row in json.loads(done.stdout)}

    def sweep_again() -> None:
        arguments = hospital.sweep_arguments(lake)
        arguments[arguments.index("--clinical") + 1] = str(clinical)
        done = screening(*arguments)
        assert done.returncode == 0, done.stderr

    before = flagged()
    key, person = next(iter(before.items()))
    policy = clinical / "person_policy.csv"
    wishes = policy.read_text()
    policy.write_text(f"{wishes.rstrip()}\n{person['patient_id']},opt_out_all,2026-01-01\n")
    sweep_again()
    assert set(flagged()) == set(before) - {key}
    series = str(person["series_key"])
    assert not list((lake / "vault/pictures").glob(f"{series}.*"))
    policy.write_text(wishes)
    sweep_again()
    assert set(flagged()) == set(before)


def test_a_lake_inside_its_archive_is_refused(screening: Screening, hospital: Hospital) -> None:
    inside = hospital.archive / "lake"
    done = screening("sweep", "--archive", str(hospital.archive), "--lake", str(inside))
    assert done.returncode == 2
    assert not inside.exists()
