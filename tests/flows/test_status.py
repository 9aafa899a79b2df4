"""`screening status`: sums, reasons of series and of people apart, and what has no score."""

import json
from pathlib import Path

import pytest
from night import Hospital, Screening, open_lake

from flows import show, words
from flows.status import _explained, _why_unscored, status, sums_hold, unscored, unsure
from screening.lake import Lake


@pytest.fixture(scope="module")
def facts(swept: Path) -> dict:
    return status(open_lake(swept))


def test_reasons_of_series_and_of_people_add_up_apart(facts: dict) -> None:
    series, people = facts["reasons_series"], facts["reasons_people"]
    both = {name: series.get(name, 0) + people.get(name, 0) for name in {*series, *people}}
    assert facts["reasons"] == both
    assert sums_hold(facts)
    assert sum(series.values()) == facts["series"]["found"] - facts["series"]["scored"] > 0
    assert sum(people.values()) == facts["people"]["with_scan"] - facts["people"]["flagged"] > 0


def test_studies_unseen_for_contrast_alone_are_told(swept: Path, facts: dict, capsys) -> None:
    missed = facts["missed_for_contrast"]
    alone = [r for r in unscored(open_lake(swept)) if len(r["reasons"]) == 1]
    assert missed["n"] == sum(r["reasons"][0].startswith("contrast_") for r in alone) > 0
    show.print_status(facts | {"missed_for_contrast": missed | {"n_studies": 0}})
    assert "unseen for" not in capsys.readouterr().out
    some = {"n": 9, "n_studies": 5, "n_people": 4, "n_people_without_score": 3}
    show.print_status(facts | {"missed_for_contrast": some | {"n_people_never_scored": 2}})
    (line,) = [x for x in capsys.readouterr().out.splitlines() if x.startswith("unseen for")]
    assert line == (
        "unseen for contrast agent alone: 5 studies of 4 people, 3 without any score, "
        "2 never formally scored either"
    )


def test_the_printed_reasons_say_whose_they_are(facts: dict, capsys) -> None:
    show.print_status(facts)
    lines = capsys.readouterr().out.splitlines()
    head = next(line for line in lines if line.lstrip().startswith("reason "))
    assert [cell.strip() for cell in head.split("┃")] == ["reason", "series", "people"]
    cells = {c[0]: c[1:] for c in ([x.strip() for x in line.split("│")] for line in lines)}
    for name in facts["reasons"]:
        told = [facts[f"reasons_{whose}"].get(name) for whose in ("series", "people")]
        assert cells[name] == ["–" if n is None else str(n) for n in told]


def test_every_series_without_a_score_is_listed_with_its_reason(swept: Path, facts: dict) -> None:
    rows = unscored(open_lake(swept))
    assert len(rows) == facts["series"]["found"] - facts["series"]["scored"]
    assert len({r["series_key"] for r in rows}) == len(rows)
    counted: dict[object, int] = {}
    for row in rows:
        counted[row["reasons"][0]] = counted.get(row["reasons"][0], 0) + 1
        assert row["state"] != "scored"
        assert "_" not in row["explanation"]
    assert counted == facts["reasons_series"]


def test_the_list_is_a_command(screening: Screening, swept: Path, facts: dict) -> None:
    told = screening("status", "--lake", str(swept), "--unscored", "--json")
    assert told.returncode == 0, told.stderr
    rows = json.loads(told.stdout)
    text = screening("status", "--lake", str(swept), "--unscored").stdout
    assert f"{len(rows)} series without a score; that is not a score of zero" in text
    for row in rows:
        (line,) = [line for line in text.splitlines() if f" {row['series_key']} " in line]
        assert row["reasons"][0] in line
        assert row["explanation"] in line
    usual = screening("status", "--lake", str(swept), "--json")
    assert json.loads(usual.stdout)["reasons_series"] == facts["reasons_series"]


def test_people_of_whom_too_little_is_known_are_listed(
    screening: Screening, swept: Path, facts: dict
) -> None:
    rows = unsure(open_lake(swept))
    assert len(rows) == facts["people"]["cannot_say"] > 0
    scores = [float(r["agatston"] or 0) for r in rows]
    assert scores == sorted(scores, reverse=True)
    text = screening("status", "--lake", str(swept), "--unsure").stdout
    assert f"{show.people(len(rows))} of whom it cannot be said" in text
    for row in rows:
        (line,) = [line for line in text.splitlines() if f" {row['person_key']} " in line]
        assert row["explanation"] in line
    told = screening("status", "--lake", str(swept), "--unsure", "--json")
    assert [r["person_key"] for r in json.loads(told.stdout)] == [r["person_key"] for r in rows]
    both = screening("status", "--lake", str(swept), "--unsure", "--unscored")
    assert both.returncode == 2
    assert "give one of them" in both.stderr


def test_of_somebody_without_a_score_it_is_told_what_each_scan_lacks() -> None:
    def row(reason, state="ineligible", modality="CT", person="p"):
        return {"person_key": person, "state": state, "reason": reason, "modality": modality}

    why = _why_unscored(
        [row("not_chest"), row("contrast_tag"), row("contrast_tag"), row("opted_out", person="q"),
         row("wrong_modality", modality="MR"), row("", state="scored")]
    )  # fmt: skip
    told = _explained("no_score", why["p"])
    parts = [words.sentence(r) for r in ("no_score", "contrast_tag", "not_chest")]
    assert told == " ".join(parts)
    assert _explained("lower_bound", why["p"]) == words.sentence("lower_bound")


def test_a_score_without_a_date_is_told_and_sorted_by(small_lake: Lake, capsys) -> None:
    rows = unsure(small_lake)
    assert [(r["person_key"], r["agatston"]) for r in rows][:2] == [
        ("undated", 640.0), ("norecord", 150.0)
    ]  # fmt: skip
    undated = rows[0]
    assert (undated["grade"], undated["quality_flags"]) == ("B", ["heart_incomplete"])
    assert undated["index_date"] is None
    show.print_unsure(rows)
    (line,) = [x for x in capsys.readouterr().out.splitlines() if " undated " in x]
    assert "≥ 640.0" in line


def test_files_that_are_no_image_are_named_damaged_ones_first(
    screening: Screening, hospital: Hospital, tmp_path: Path
) -> None:
    folder, lake = tmp_path / "archive", tmp_path / "lake"
    folder.mkdir()
    whole = max(hospital.archive.rglob("*.dcm"), key=lambda f: f.stat().st_size).read_bytes()
    (folder / "cut.dcm").write_bytes(whole[: len(whole) // 2])
    (folder / "a note.txt").write_text("Ask before deleting anything.")
    done = screening("sweep", "--archive", str(folder), "--lake", str(lake))
    assert "1 file of the archive cannot be read (screening status --files" in done.stderr
    told = json.loads(screening("status", "--lake", str(lake), "--files", "--json").stdout)
    assert [(r["reason"], r["path"]) for r in told] == [
        ("truncated_file", "cut.dcm"), ("not_dicom", "a note.txt")
    ]  # fmt: skip
    text = screening("status", "--lake", str(lake), "--files").stdout
    assert all(row["path"] in text and row["explanation"] in text for row in told)
