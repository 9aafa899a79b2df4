"""The whole hospital on disk: what lies there, what the truth says of it, twice the same.

Most tests scan a stand-in of a few small slices instead of a body, to be quick.
"""

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pydicom
import pytest
from threadpoolctl import threadpool_limits

from screening.errors import ScreeningError
from screening.phantom import subjects
from screening.phantom.dicom import Stack
from screening.phantom.hospital import write_hospital
from screening.phantom.people import Role, plan_people, plan_person
from screening.phantom.studies import write_person
from screening.phantom.subjects import Calcium, is_as_planned
from screening.reasons import Reason, State
from screening.tables import TRUTH

N_SLICES, INCREMENT_MM = 40, 3.0


def stand_in(self, plan):
    rng = np.random.default_rng([self.person.body_seed, len(plan.name)])
    hu = rng.integers(-1000, 1000, (N_SLICES, 64, 64)).astype(np.int16)
    origins = np.array([[-50.0, -60.0, 60 - INCREMENT_MM * k] for k in range(N_SLICES)])
    axes = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])
    calcium = Calcium(self.person.agatston, 0.0, self.person.agatston, 0.0, 0.0, 1.0)
    return Stack(hu, (1.4, 1.4), origins, *axes), calcium


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    out = tmp_path_factory.mktemp("hospital")
    calls = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subjects.Subject, "scan", stand_in)
        patch.setattr(subjects.Subject, "heart_z_mm", 0.0)
        write_hospital(out, 24, 1, progress=lambda done, n: calls.append((done, n)))
    assert calls == [(n, 24) for n in range(1, 25)]
    return out


@pytest.fixture(scope="module")
def truth(hospital):
    return pq.read_table(hospital / "truth.parquet")


@pytest.fixture(scope="module")
def read(hospital, truth):
    """Every file the truth calls an instance or a duplicate, by path."""
    files = [r for r in truth.to_pylist() if r["expected_state"] in ("instance", "duplicate")]
    paths = [r["path"] for r in files]
    return {p: pydicom.dcmread(hospital / "archive" / p, force=True) for p in paths}


def rows(truth, kind):
    return truth.filter(pc.field("kind") == kind).to_pylist()


def person(truth, role):
    return next(r for r in rows(truth, "person") if r["role"] == role.value)


def test_truth_has_its_schema_and_every_file_one_row(hospital, truth):
    assert truth.schema.equals(TRUTH.schema)
    archive = hospital / "archive"
    on_disk = sorted(p.relative_to(archive).as_posix() for p in archive.rglob("*") if p.is_file())
    assert sorted(r["path"] for r in rows(truth, "file")) == on_disk


def test_rows_are_unique_by_their_key(truth):
    keys = [tuple(r[name] for name in TRUTH.key) for r in truth.to_pylist()]
    assert len(set(keys)) == len(keys)


def test_the_three_sums_hold(truth, read):
    files = Counter(r["expected_state"] for r in rows(truth, "file"))
    assert files["instance"] + files["duplicate"] == len(read)
    assert (files["unreadable"], files["duplicate"], files["ignored"]) == (1, 1, 2)
    series = rows(truth, "series")
    assert {r["expected_state"] for r in series} <= {s.value for s in State}
    assert {r["series_instance_uid"] for r in series} == {
        str(ds.SeriesInstanceUID) for ds in read.values()
    }
    people = rows(truth, "person")
    assert len(people) == 24
    assert {r["expected_flag"] for r in people} == {"flagged", "not_flagged", "cannot_say"}


def test_every_series_is_readable_with_pixels_where_there_should_be(read):
    for ds in read.values():
        assert all(part.startswith("2.25.") for part in (ds.StudyInstanceUID, ds.SOPInstanceUID))
        if ds.Modality == "CT":
            assert ds.Rows * ds.Columns * 2 <= len(ds.PixelData) or "RLE" in str(
                ds.file_meta.TransferSyntaxUID.name
            )
        else:
            assert ds.Modality == "SR"


def test_names_say_nothing_and_order_is_lost(read):
    by_series = defaultdict(list)
    for path, ds in read.items():
        assert ds.PatientID.strip() not in path
        by_series[ds.SeriesInstanceUID].append((path, int(ds.InstanceNumber)))
    for found in by_series.values():
        numbers = [n for _, n in sorted(found)]
        assert len(numbers) < 10 or numbers != sorted(numbers)


def test_headers_and_record_belong_together(truth, read):
    uid_to_mrn = {r["series_instance_uid"]: r for r in rows(truth, "series")}
    styles = set()
    for ds in read.values():
        row = uid_to_mrn[ds.SeriesInstanceUID]
        assert str(ds.PatientID).strip().lstrip("0").upper() == row["patient_id"]
        assert ds.IssuerOfPatientID == row["issuer"]
        styles.add(ds.PatientID == row["patient_id"])
    assert styles == {True, False}


def test_damage_is_where_the_truth_says(hospital, truth, read):
    slices = defaultdict(list)
    for ds in read.values():
        if ds.Modality == "CT" and "AXIAL" in ds.ImageType:
            slices[ds.SeriesInstanceUID].append(float(ds.ImagePositionPatient[2]))
    holes = {}
    for row in rows(truth, "series"):
        z = sorted(set(slices.get(row["series_instance_uid"], [])))
        gaps = [a for a, b in pairwise(z) if b - a > 1.5 * INCREMENT_MM]
        if gaps and row["role"] != Role.HEAD_ONLY.value:
            holes[row["role"]] = gaps
    assert set(holes) == {"missing_in_heart", "missing_outside", "truncated_file"}
    assert abs(holes["missing_in_heart"][0]) <= 2 * INCREMENT_MM
    assert holes["missing_outside"][0] > 30
    (cut,) = (r for r in rows(truth, "file") if r["expected_state"] == "unreadable")
    sizes = Counter(
        (hospital / "archive" / r["path"]).stat().st_size
        for r in rows(truth, "file")
        if r["series_instance_uid"] == cut["series_instance_uid"]
    )
    assert (hospital / "archive" / cut["path"]).stat().st_size < max(sizes)
    uids = Counter(ds.SOPInstanceUID for ds in read.values())
    assert [n for n in uids.values() if n > 1] == [2]


def test_same_images_lie_there_under_two_names(truth, read):
    mrn = person(truth, Role.SAME_IMAGES)["patient_id"]
    series = defaultdict(set)
    for ds in read.values():
        if ds.PatientID.strip().lstrip("0") == mrn and ds.Modality == "CT":
            series[ds.SeriesInstanceUID].add(ds.PixelData)
    first, second = series.values()
    assert first == second


def test_one_number_carries_two_people_and_one_scan_no_date(truth, read):
    birthdays, dates = defaultdict(set), defaultdict(set)
    for ds in read.values():
        mrn = ds.PatientID.strip().lstrip("0").upper()
        birthdays[mrn].add((ds.PatientBirthDate, ds.PatientSex))
        dates[mrn] |= {e.value for e in ds if e.VR == "DA"}
    assert {m for m, b in birthdays.items() if len(b) > 1} == {
        person(truth, Role.TWO_PEOPLE)["patient_id"]
    }
    assert {m for m, d in dates.items() if d == {""}} == {person(truth, Role.NO_DATE)["patient_id"]}


@pytest.mark.parametrize(
    ("role", "flag", "tier", "reason"),
    [
        (Role.HIGH, "flagged", "cac_1000", None),
        (Role.THICK_THIN, "flagged", "cac_300", None),
        (Role.CONTRAST_PAIR, "flagged", "cac_100", None),
        (Role.RISK_HIGH, "flagged", "risk_high", None),
        (Role.DUPLICATE_SLICE, "flagged", "cac_300", None),
        (Role.SAME_IMAGES, "flagged", "cac_1000", None),
        (Role.MISSING_OUTSIDE, "flagged", "cac_100", None),
        (Role.STENT, "not_flagged", None, Reason.KNOWN_ASCVD),
        (Role.INFARCTION_AFTER, "not_flagged", None, Reason.KNOWN_ASCVD),
        (Role.STENT_AFTER, "not_flagged", None, Reason.KNOWN_ASCVD),
        (Role.DIED_AFTER, "not_flagged", None, Reason.DECEASED),
        (Role.FORMAL_PRIOR, "not_flagged", None, Reason.FORMALLY_SCORED),
        (Role.FORMAL_PROCEDURE, "not_flagged", None, Reason.FORMALLY_SCORED),
        (Role.WIDE_INCREMENT, "not_flagged", None, Reason.FORMALLY_SCORED),
        (Role.OPTED_OUT, "not_flagged", None, Reason.OPTED_OUT),
        (Role.CHILD, "not_flagged", None, Reason.MINOR),
        (Role.SAGITTAL, "not_flagged", None, Reason.BELOW_THRESHOLD),
        (Role.TWO_PEOPLE, "cannot_say", None, Reason.IDENTITY_CONFLICT),
        (Role.NO_RECORD, "cannot_say", None, Reason.NO_CLINICAL_RECORD),
        (Role.NO_DATE, "cannot_say", None, Reason.NO_SCAN_DATE),
        (Role.HEAD_ONLY, "cannot_say", None, Reason.NO_SCORE),
        (Role.CONTRAST_PIXELS, "cannot_say", None, Reason.NO_SCORE),
        (Role.MISSING_IN_HEART, "cannot_say", None, Reason.NO_SCORE),
    ],
)
def test_what_should_become_of_each_special_case(truth, role, flag, tier, reason):
    row = person(truth, role)
    assert (row["expected_flag"], row["expected_tier"]) == (flag, tier)
    assert row["expected_reason"] == (None if reason is None else reason.value)
    assert row["note"]


def test_a_second_hospital_is_not_mixed_into_the_first(hospital):
    with pytest.raises(ScreeningError, match="empty"):
        write_hospital(hospital, 1, 1)


@pytest.mark.parametrize(
    ("wanted", "true", "holds"),
    [
        (175.0, 130.0, True),
        (175.0, 120.0, False),
        (175.0, 320.0, False),
        (45.0, 0.0, False),
        (45.0, 70.0, True),
        (0.0, 0.0, True),
        (112.0, 95.0, True),
    ],
)
def test_scores_planned_clear_of_an_edge_must_come_out_clear(wanted, true, holds):
    assert is_as_planned(wanted, true) is holds


def bytes_of(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_real_bodies_are_the_same_byte_for_byte_in_any_process(tmp_path):
    write_hospital(tmp_path / "out", 1, 3, workers=2)
    archive = tmp_path / "again" / "archive"
    archive.mkdir(parents=True)
    with threadpool_limits(1):  # as `write_hospital` does, in this process or in others
        found = write_person(archive, plan_person(0, 3), 3)
    written = bytes_of(tmp_path / "out" / "archive")
    again = bytes_of(archive)
    assert again == {path: written[path] for path in again}
    scan = next(r for r in found if r.kind == "series" and r.expected_state == "scored")
    assert scan.true_agatston > 1250
    parts = (scan.true_agatston_lm, scan.true_agatston_lad)
    parts += (scan.true_agatston_lcx, scan.true_agatston_rca)
    assert sum(parts) == pytest.approx(scan.true_agatston)
    assert {p.role for p in plan_people(1, 3)} == {Role.HIGH}
