"""Three doors, one record."""

import json

import pyarrow as pa
import pytest
from clinical_doors import issuers, write_fhir, write_omop
from clinical_tables import ALICE, resolve, write

from screening.clinical import read_clinical
from screening.config import ClinicalSettings
from screening.errors import ScreeningError
from screening.phantom.clinical import write_clinical
from screening.phantom.people import plan_people


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hospital")
    people = plan_people(40, 9001)
    write_clinical(folder / "tables", people, 9001)
    write_fhir(folder / "tables", folder / "fhir")
    write_omop(folder / "tables", folder / "omop")
    known = {(p.issuer, p.mrn): f"key{p.number}" for p in people}

    def resolve(who):
        pairs = zip(who["issuer"].to_pylist(), who["mrn"].to_pylist(), strict=True)
        return pa.array([known.get(p) for p in pairs], pa.string())

    settings = ClinicalSettings(issuers=issuers(folder / "tables"))
    return {
        kind: read_clinical(folder / kind, resolve, settings) for kind in ("tables", "fhir", "omop")
    }


@pytest.mark.parametrize("door", ["fhir", "omop"])
@pytest.mark.parametrize("table", ["person", "birth_dates", "observation", "event", "policy"])
def test_all_doors_give_the_same_records(hospital, door, table):
    straight, other = getattr(hospital["tables"], table), getattr(hospital[door], table)
    assert straight.num_rows > 0
    assert other.to_pylist() == straight.to_pylist()


@pytest.mark.parametrize("door", ["fhir", "omop"])
def test_all_doors_name_what_is_wrong(hospital, door):
    """The mixed-up lipid, the unknown unit and the 30th of February lie in wait in each."""
    for reason in ("unit_suspect", "unit_unknown", "bad_value"):
        named = [
            {
                (r["source"], r["detail"]): r["n"]
                for r in hospital[kind].rejections.to_pylist()
                if r["reason"] == reason and r["source"] == "observation"
            }
            for kind in ("tables", door)
        ]
        assert named[0]
        assert named[1] == named[0]


def test_a_folder_of_two_kinds_is_refused(tmp_path):
    (tmp_path / "Patient.ndjson").write_text(json.dumps({"resourceType": "Patient"}))
    (tmp_path / "person.csv").write_text("mrn\n")
    with pytest.raises(ScreeningError, match="holds fhir and tables at once"):
        read_clinical(tmp_path, lambda t: pa.nulls(t.num_rows, pa.string()))
    (tmp_path / "measurement.csv").write_text("person_id\n")
    with pytest.raises(ScreeningError, match="holds fhir and omop at once"):
        read_clinical(tmp_path, lambda t: pa.nulls(t.num_rows, pa.string()))


@pytest.mark.parametrize("door", ["fhir", "omop"])
def test_rows_that_no_list_knows_were_handed_over_all_the_same(tmp_path, door):
    """An I10 alone shows that conditions are written down: diabetes would be, too."""
    tables, other = tmp_path / "tables", tmp_path / door
    tables.mkdir()
    write(
        tables,
        person=[ALICE],
        observation=[
            ("A1", "2093-3", "200", "mg/dL", "2024-01-01"),
            ("A1", "72166-2", "LA18978-9", "", "2024-01-01"),
        ],
        condition=[("A1", "I10", "2024-01-01")],
        medication=[("A1", "N02BE01", "2024-01-01", "")] * 2,
        procedure=[("A1", "10060", "2024-01-01")],
        report_text=[("A1", "x", "Chest.", "2024-01-01")],
        person_policy=[("A1", "none", "2024-01-01")],
    )
    {"fhir": write_fhir, "omop": write_omop}[door](tables, other)
    read = read_clinical(other, resolve, ClinicalSettings(issuers=issuers(tables)))
    given = {g.table: g.n_rows for g in read.given}
    assert read.event.num_rows == 0
    assert (given["condition"], given["medication"], given["procedure"]) == (1, 2, 1)


def test_a_history_in_observation_does_not_show_that_conditions_are_written_down(tmp_path):
    """Without `condition_occurrence` nobody's diabetes is known, whatever `observation` tells."""
    (tmp_path / "person.csv").write_text(
        "person_id,gender_concept_id,year_of_birth,person_source_value\n7,8532,1960,A1^^^H\n"
    )
    (tmp_path / "observation.csv").write_text(
        "person_id,observation_concept_id,observation_date,value_as_number,"
        "observation_source_value\n" + "7,0,2024-01-01,,Z82.49\n" * 9
    )
    read = read_clinical(tmp_path, resolve)
    given = {g.table: g.n_rows for g in read.given}
    assert read.event["concept"].to_pylist() == ["family_history_mi"]
    assert (given["condition"], given["procedure"], given["observation"]) == (0, 0, 9)
