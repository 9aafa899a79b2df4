"""A whole sweep through each door, and the two clocks as a sweep keeps them."""

import csv
import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from clinical_doors import issuers, read, write_fhir, write_omop
from night import AS_OF, Hospital, Screening, open_lake

Sweep = Callable[[Path], Path]


@pytest.fixture
def again(screening: Screening, hospital: Hospital, swept: Path, tmp_path: Path) -> Sweep:
    """Sweep a copy of the swept lake once more, with other clinical data: nothing is rescored."""

    def sweep(clinical: Path) -> Path:
        lake = tmp_path / "lake"
        shutil.copytree(swept, lake)
        settings = tmp_path / "screening.toml"
        named = issuers(hospital.clinical).items()
        lines = "".join(f'"{system}" = "{name}"\n' for system, name in named)
        settings.write_text(f"[clinical.issuers]\n{lines}")
        done = screening(
            "sweep", "--archive", str(hospital.archive), "--lake", str(lake), "--as-of", AS_OF,
            "--clinical", str(clinical), "--config", str(settings),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "0 scored" in done.stdout
        return lake

    return sweep


def flagged(screening: Screening, lake: Path) -> list[dict[str, object]]:
    done = screening("flagged", "--lake", str(lake), "--format", "json")
    assert done.returncode == 0, done.stderr
    people: list[dict[str, object]] = json.loads(done.stdout)
    return people


def flags(lake: Path) -> dict[str, dict[str, object]]:
    rows = open_lake(lake).query("core_person_flag", date.fromisoformat(AS_OF)).to_pylist()
    return {row["person_key"]: row for row in rows}


@pytest.mark.parametrize("write", [write_fhir, write_omop])
def test_the_list_is_the_same_through_every_door(
    screening: Screening,
    hospital: Hospital,
    swept: Path,
    tmp_path: Path,
    again: Sweep,
    write: Callable[[Path, Path], None],
) -> None:
    write(hospital.clinical, tmp_path / "door")
    lake = again(tmp_path / "door")
    expected = flagged(screening, swept)
    assert len(expected) >= 3
    assert flagged(screening, lake) == expected
    assert flags(lake) == flags(swept)


def scans(hospital: Hospital) -> dict[str, date]:
    """Last day of a scan by patient number."""
    found: dict[str, date] = {}
    for row in pq.read_table(hospital.truth).to_pylist():
        if row["index_date"] is not None:
            last = found.get(row["patient_id"], row["index_date"])
            found[row["patient_id"]] = max(last, row["index_date"])
    return found


def add(folder: Path, rows: dict[str, list[tuple[str, ...]]]) -> None:
    for name, more in rows.items():
        with (folder / f"{name}.csv").open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(more)


def measured_after(days: dict[str, date]) -> dict[str, list[tuple[str, ...]]]:
    """What would make everybody's risk another, the day after the scan."""
    rows: dict[str, list[tuple[str, ...]]] = {"observation": [], "condition": [], "medication": []}
    for mrn, day in days.items():
        after = (day + timedelta(days=1)).isoformat()
        rows["observation"] += [
            (mrn, "2093-3", "400", "mg/dL", after),
            (mrn, "2085-9", "20", "mg/dL", after),
            (mrn, "8480-6", "220", "mm[Hg]", after),
            (mrn, "72166-2", "LA18976-3", "", after),
        ]
        rows["condition"] += [(mrn, "E11.9", after), (mrn, "Z82.49", after)]
        rows["medication"] += [(mrn, "C09AA05", after, ""), (mrn, "C10AX09", after, "")]
    return rows


def die(folder: Path, mrn: str, day: date) -> None:
    with (folder / "person.csv").open(encoding="utf-8", newline="") as opened:
        people = list(csv.DictReader(opened))
    (person,) = (p for p in people if p["mrn"] == mrn)
    person["death_date"] = day.isoformat()
    with (folder / "person.csv").open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(person))
        writer.writeheader()
        writer.writerows(people)


def test_two_clocks(
    screening: Screening, hospital: Hospital, swept: Path, tmp_path: Path, again: Sweep
) -> None:
    """Planted the day after the scan: no estimate moves; disease, death and treatment do."""
    lake_of, day = open_lake(swept), timedelta(days=1)
    listed = sorted(flagged(screening, swept), key=lambda p: bool(p["is_on_statin"]))
    keys = [str(p["person_key"]) for p in listed][:4]
    named = lake_of.vault.identify(keys, "a test").to_pylist()
    mrns = [lake_of.vault.normalise_mrn(p["patient_id"]) for p in named]
    days, folder = scans(hospital), tmp_path / "clinical"
    treated, infarcted, stented, dead = mrns
    shutil.copytree(hospital.clinical, folder)
    rows = measured_after(days)
    rows["medication"].append((treated, "C10AA07", (days[treated] + day).isoformat(), ""))
    rows["condition"].append((infarcted, "I21.4", (days[infarcted] + day).isoformat()))
    rows["procedure"] = [(stented, "92928", (days[stented] + day).isoformat())]
    add(folder, rows)
    die(folder, dead, days[dead] + day)
    lake = again(folder)

    before, now = (open_lake(path).read("risk").to_pylist() for path in (swept, lake))
    assert sum(row["mesa_chd_10y_cac"] is not None for row in before) >= 3
    assert now == before
    n_before, n_now = (open_lake(path).read("observation").num_rows for path in (swept, lake))
    assert n_now > n_before

    was, is_now = flags(swept), flags(lake)
    assert [is_now[k]["flag"] for k in keys] == ["flagged"] + ["not_flagged"] * 3
    assert [is_now[k]["reason"] for k in keys[1:]] == ["known_ascvd", "known_ascvd", "deceased"]
    assert [of[keys[0]]["is_on_statin"] for of in (was, is_now)] == [False, True]


@pytest.mark.parametrize(
    ("write", "gone"),
    [
        (write_fhir, ("Condition", "Medication")),
        (write_omop, ("condition_occurrence", "drug_exposure", "observation")),
        (None, ("condition", "medication")),
    ],
)
def test_what_no_row_of_the_delivery_can_tell_is_drawn_and_named(
    screening: Screening,
    hospital: Hospital,
    swept: Path,
    tmp_path: Path,
    again: Sweep,
    write: Callable[[Path, Path], None] | None,
    gone: tuple[str, ...],
) -> None:
    folder = tmp_path / "without"
    (write or shutil.copytree)(hospital.clinical, folder)
    for file in [f for f in folder.iterdir() if f.name.startswith(gone)]:
        file.unlink()
    before = {row["person_key"]: row for row in explained(swept)}
    facts = ("diabetes", "family_history_mi", "bp_treated", "lipid_treated")
    seen = 0
    for row in explained(again(folder)):
        if not row["has_clinical_record"] or row["model_risk"] is None:
            continue
        full = before[row["person_key"]]
        assert [row[f] for f in facts] == [None] * 4
        assert {*facts} <= {*row["risk_imputed"]}
        assert row["is_on_statin"] is None
        assert (row["model_risk_low"] is None) is (full["model_risk_low"] is None)
        # A score that may be off by nobody knows how much gives no interval.
        if not {*facts} & {*full["risk_imputed"]} and full["model_risk_low"] is not None:
            ratios = [r["model_risk_high"] / r["model_risk_low"] for r in (full, row)]
            assert ratios[1] > ratios[0]
            seen += 1
    assert seen > 3


def explained(lake: Path) -> list[dict[str, object]]:
    found = open_lake(lake).query("out_person_explanation", date.fromisoformat(AS_OF))
    rows: list[dict[str, object]] = found.to_pylist()
    return rows


def test_who_is_off_the_list_by_a_reports_text_alone_is_told_to_a_reader(
    screening: Screening, hospital: Hospital, swept: Path, tmp_path: Path, again: Sweep
) -> None:
    keys = [str(p["person_key"]) for p in flagged(screening, swept)][:3]
    named = open_lake(swept).vault.identify(keys, "a test").to_pylist()
    text, both, negated = (open_lake(swept).vault.normalise_mrn(p["patient_id"]) for p in named)
    folder, said = tmp_path / "clinical", "CT calcium score. Total Agatston score: 149."
    shutil.copytree(hospital.clinical, folder)
    add(
        folder,
        {
            "report_text": [
                (text, "", said, "2024-03-01"),
                (both, "", said, "2024-03-01"),
                (negated, "", "Recommend a calcium score.", "2024-03-01"),
            ],
            "procedure": [(both, "75571", "2024-03-01")],
        },
    )
    lake = again(folder)
    assert {flags(lake)[k]["reason"] for k in keys[:2]} == {"formally_scored"}
    assert flags(lake)[keys[2]]["flag"] == "flagged"
    name = ("flagged", "--lake", str(lake), "--list", "scored-by-text-alone")
    (row,) = json.loads(screening(*name, "--format", "json").stdout)
    told = (row["source"], row["last_on"], row["formal_agatston"], row["formal_on"])
    assert (row["person_key"], *told) == (
        keys[0], "report_text", "2024-03-01", 149.0, "2024-03-01",
    )  # fmt: skip
    printed = screening(*name).stdout
    assert "149.0" in printed
    assert "A reader must confirm the score." in printed


def test_who_was_in_hospital_when_scanned_is_told_by_an_encounter(
    screening: Screening, hospital: Hospital, swept: Path, tmp_path: Path, again: Sweep
) -> None:
    listed = flagged(screening, swept)[:3]
    keys = [str(p["person_key"]) for p in listed]
    named = open_lake(swept).vault.identify(keys, "a test").to_pylist()
    mrns = [open_lake(swept).vault.normalise_mrn(p["patient_id"]) for p in named]
    days = [date.fromisoformat(str(p["index_date"])) for p in listed]
    folder = tmp_path / "door"
    write_fhir(hospital.clinical, folder)
    subjects = {
        p["mrn"]: f"Patient/pat-{n}" for n, p in enumerate(read(hospital.clinical, "person"))
    }
    stays = (("in-progress", "IMP", -9), ("finished", "IMP", -9), ("in-progress", "AMB", 0))
    encounters = [
        {
            "resourceType": "Encounter",
            "id": f"enc-{n}",
            "status": status,
            "class": {
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": kind,
            },
            "subject": {"reference": subjects[mrn]},
            "period": {"start": (day + timedelta(days=first)).isoformat()},
        }
        for n, ((status, kind, first), mrn, day) in enumerate(zip(stays, mrns, days, strict=True))
    ]  # fmt: skip
    lines = "".join(json.dumps(encounter) + "\n" for encounter in encounters)
    (folder / "Encounter.ndjson").write_text(lines)
    lake = again(folder)
    done = screening("flagged", "--lake", str(lake), "--list", "inpatients", "--format", "json")
    assert [row["person_key"] for row in json.loads(done.stdout)] == keys[:1]
    assert flagged(screening, lake) == flagged(screening, swept)
