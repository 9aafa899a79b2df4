"""Headers that contradict one another on who a number is, and are corrected: night after night."""

import csv
import re
import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pydicom
from key_object import rejection_note
from night import open_lake
from nights_case import HOUR, Nights, age, headers, one_flagged


def rewritten(files: Iterable[Path], **elements: str) -> None:
    """Write other elements into files, as long as they were, long ago."""
    for file in files:
        ds = pydicom.dcmread(file)
        for keyword, value in elements.items():
            setattr(ds, keyword, value)
        ds.save_as(file)
        age([file], HOUR)


def everything_of(nights: Nights, person: str) -> list[Path]:
    rows = open_lake(nights.lake).read_index().instances.to_pylist()
    return [nights.archive / r["path"] for r in rows if r["person_key"] == person]


def test_a_study_with_a_wrong_birth_date_is_a_conflict_for_as_long_as_it_is_there(
    nights: Nights,
) -> None:
    person, series = one_flagged(nights)
    wrong = nights.archive / "wrong.dcm"
    shutil.copy(nights.files_of(series)[0], wrong)
    uids = {f"{of}InstanceUID": f"2.25.{n}" for n, of in enumerate(("Study", "Series", "SOP"))}
    rewritten([wrong], PatientBirthDate="19000101", **uids)
    nights.sweep()
    assert nights.reason(series) == ("quarantined", "identity_conflict")
    assert person not in nights.flagged()
    assert nights.states()[series]["agatston"] is None
    note = nights.archive / "note.dcm"
    rejection_note(headers([wrong]), "113037").save_as(note, enforce_file_format=True)
    age([note], HOUR)
    nights.sweep()  # what was taken back is no witness, nor is the note with the same header
    assert nights.flagged()[person] == series
    note.unlink()
    nights.sweep()
    assert nights.reason(series) == ("quarantined", "identity_conflict")
    wrong.unlink()
    assert nights.sweep()["last_run"]["scored"] == 0
    assert nights.flagged()[person] == series
    assert nights.reason(series) == ("scored", "")


def test_a_birth_date_corrected_everywhere_is_the_birth_date(nights: Nights) -> None:
    person, series = one_flagged(nights)
    files = everything_of(nights, person)
    born = pydicom.dcmread(files[0]).PatientBirthDate
    corrected = f"{born[:6]}{'16' if born.endswith('15') else '15'}"
    rewritten(files[1:], PatientBirthDate=corrected)
    nights.sweep()
    assert nights.reason(series) == ("quarantined", "identity_conflict")
    rewritten(files[:1], PatientBirthDate=corrected)
    nights.sweep()
    assert nights.flagged()[person] == series


def test_rules_follow_tonights_headers_though_the_images_stay(nights: Nights) -> None:
    """Adult, minor, adult, minor: what was decided of the same content before does not count."""
    person, series = one_flagged(nights)
    files = everything_of(nights, person)
    first = pydicom.dcmread(files[0])
    adult = {"PatientBirthDate": first.PatientBirthDate}
    child = {"PatientBirthDate": "20150601"}
    if "PatientAge" in first:
        adult, child = adult | {"PatientAge": first.PatientAge}, child | {"PatientAge": "010Y"}
    for _ in range(2):
        rewritten(files, **child)
        assert nights.sweep()["last_run"]["scored"] == 0
        assert nights.reason(series) == ("ineligible", "minor")
        assert person not in nights.flagged()
        rewritten(files, **adult)
        assert nights.sweep()["last_run"]["scored"] == 0
        assert nights.reason(series) == ("scored", "")
        assert nights.flagged()[person] == series


def test_a_record_that_is_decades_from_the_scans_is_refused_and_told(
    nights: Nights, tmp_path: Path
) -> None:
    """Everybody's year of birth is mistyped by forty: the headers' two witnesses are believed."""
    lake = open_lake(nights.lake)
    ages = {r["series_key"]: r["age_years"] for r in lake.read("ages").to_pylist()}
    flagged = nights.flagged()
    nights.clinical = Path(shutil.copytree(nights.clinical, tmp_path / "mistyped"))
    people = nights.clinical / "person.csv"
    text = people.read_text()
    people.write_text(re.sub(r"\b(19\d\d)(?=-\d\d-\d\d)", lambda y: str(int(y[1]) - 40), text))
    nights.sweep()
    told = [r for r in lake.read("clinical_rejections").to_pylist() if "birth_date" in r["detail"]]
    assert sum(r["n"] for r in told if "PatientAge confirms" in r["detail"]) >= len(flagged)
    rows = {r["series_key"]: r for r in lake.read("ages").to_pylist()}
    for key in flagged.values():
        assert rows[key]["age_source"] == "dicom_birth_date"
        assert rows[key]["age_years"] == ages[key]
    assert nights.flagged() == flagged


def with_other_sex(nights: Nights, folder: Path, person: str, *, years_older: int = 0) -> str:
    """Let the person's row of the record state the other sex, and an earlier birth; the number."""
    nights.clinical = Path(shutil.copytree(nights.clinical, folder))
    file = nights.clinical / "person.csv"
    head, *rows = csv.reader(file.read_text().splitlines())
    told = [dict(zip(head, row, strict=True)) for row in rows]
    keys = open_lake(nights.lake).vault.person_keys(pa.Table.from_pylist(told)).to_pylist()
    mine = told[keys.index(person)]
    born = mine["birth_date"]
    mine["birth_date"] = f"{int(born[:4]) - years_older}{born[4:]}"
    mine["sex"] = {"F": "M", "M": "F"}[mine["sex"]]
    lines = [",".join(head), *(",".join(row.values()) for row in told)]
    file.write_text("\n".join([*lines, ""]))
    return str(mine["mrn"])


def also_told(nights: Nights, table: str, line: str) -> None:
    with (nights.clinical / f"{table}.csv").open("a") as file:
        file.write(f"{line}\n")


def test_a_record_of_another_sex_and_year_than_the_scans_is_nobodys(
    nights: Nights, tmp_path: Path
) -> None:
    person, _ = one_flagged(nights)
    number = with_other_sex(nights, tmp_path / "other", person, years_older=24)
    also_told(nights, "condition", f"{number},I21.9,2020-01-01")
    nights.sweep()
    assert person not in nights.flagged()
    said = " ".join(nights.explain(person).split())
    assert "of another than the one scanned" in said
    assert "infarction" not in said


def test_a_record_of_another_sex_alone_is_told_and_a_wish_holds_for_the_past(
    nights: Nights, tmp_path: Path
) -> None:
    person, series = one_flagged(nights)
    number = with_other_sex(nights, tmp_path / "other", person)
    nights.sweep()
    assert nights.flagged().get(person) == series
    said = " ".join(nights.explain(person).split())
    assert "sex unknown" in said
    assert "tell opposite sexes: neither is used" in said
    also_told(nights, "person_policy", f"{number},opt_out_all,{date.today()}")
    nights.sweep()  # as of a day that is past
    assert person not in nights.flagged()
    assert "opted out" in nights.explain(person)


def test_a_corrected_tag_that_sets_the_score_is_scored_anew(nights: Nights) -> None:
    """As a fresh lake says it; the old score is of a voltage that was not."""
    _, series = one_flagged(nights)
    before = nights.states()[series]
    files = nights.files_of(series)
    sizes = [file.stat().st_size for file in files]
    other = "100" if before["kvp"] != 100.0 else "120"
    rewritten(files, KVP=other)
    assert sizes == [file.stat().st_size for file in files]
    assert nights.sweep()["last_run"]["scored"] == 1
    after = nights.states()[series]
    assert (after["kvp"], after["redo_reason"]) == (float(other), "")
    assert (after["kvp_source"], after["agatston_kvp"]) != (
        before["kvp_source"],
        before["agatston_kvp"],
    )
