"""Small CT series with known calcium: files, volume, labels and score that belong together."""

import io
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import pydicom

from screening.measures import Beside, Intervals
from screening.phantom.dicom import Encoding, Header, Stack, write_stack
from screening.publish import make_dicom_report
from screening.records import (
    CORONARY_LABELS,
    CalciumScore,
    Certainty,
    Label,
    Labelled,
    Lesion,
    ModelIdentity,
    OtherMeasures,
    Quality,
    ScoringParameters,
    VesselMeasures,
    VesselScores,
    Volume,
)
from screening.volume import load_volume

KEY = "s_key"
NO_INTERVALS = Intervals((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0), "default", 0.77, 0.15)
CREATED = datetime(2026, 11, 2, 3, 4, 5)
SHAPE = (8, 16, 20)
DIGEST = "ab" * 32

# What lies where: (slice, row, column) from, to; HU. The last two are no calcium that counts.
BLOBS = {
    Label.LAD: ((2, 4, 5), (4, 7, 9), 400),
    Label.RCA: ((5, 10, 2), (6, 12, 4), 130),
    Label.AORTA: ((3, 1, 15), (7, 3, 18), 600),
}
DIM = ((2, 7, 5), (3, 8, 9), 129)  # labelled LAD, one below the threshold
BONE = ((0, 14, 0), (8, 16, 20), 900)


@dataclass(frozen=True)
class Case:
    """One series, read and measured."""

    files: list[bytes]
    stack: Stack
    volume: Volume
    labelled: Labelled
    score: CalciumScore


def _box(blob):
    (s0, r0, c0), (s1, r1, c1), _ = blob
    return slice(s0, s1), slice(r0, r1), slice(c0, c1)


def paint(blobs):
    hu = np.full(SHAPE, 40, dtype=np.int16)
    label = np.zeros(SHAPE, dtype=np.uint8)
    for name, blob in blobs.items():
        hu[_box(blob)], label[_box(blob)] = blob[2], name
    hu[_box(BONE)], label[_box(BONE)] = BONE[2], Label.BONE
    hu[_box(DIM)], label[_box(DIM)] = DIM[2], Label.LAD
    return hu, label


def make_header(**changes):
    header = Header(
        patient_id="PID-77", issuer="HOSP", name="Müller^Jörg", birth_date=date(1960, 2, 3),
        sex="M", age_years=66, study_uid="2.25.111", series_uid="2.25.222", accession="ACC0001",
        series_number=4, study_date=date(2026, 11, 1), acquisition_date=date(2026, 11, 1),
    )  # fmt: skip
    return replace(header, **changes)


def make_score(blobs, agatston=None, flags=(), grade="A"):
    """A score as scoring would give it; the numbers are chosen, not measured."""
    units = {label: 10.0 * n for n, label in enumerate(blobs, start=1)}
    total = sum(v for k, v in units.items() if k <= Label.RCA) if agatston is None else agatston
    return CalciumScore(
        agatston=total, volume_mm3=3.5 * total, mass_mg=0.25 * total,
        category="0" if total == 0 else "(0,100)",
        vessels=VesselScores(*(units.get(v, 0.0) if total else 0.0 for v in (1, 2, 3, 4))),
        other=tuple(
            (o.name.lower(), units.get(o, 0.0))
            for o in (Label.AORTA, Label.AORTIC_VALVE, Label.MITRAL_ANNULUS)
        ),
        vessel_measures=tuple(
            VesselMeasures(v.name, units.get(v, 0.0) * bool(total), 3.5, 0.9, 1, 2.0)
            for v in CORONARY_LABELS
        ),
        other_measures=tuple(
            OtherMeasures(o.name.lower(), units.get(o, 0.0), 7.5, 1.9)
            for o in (Label.AORTA, Label.AORTIC_VALVE, Label.MITRAL_ANNULUS)
        ),
        lesions=tuple(
            Lesion(
                label.name, 0.9, units[label], 3.5, 500, (0.0, 0.0, 0.0), (2, 3), 4.0, 250.0, 2.0
            )
            for label in blobs if label <= Label.RCA and total
        ),
        certainty=Certainty(0.0, 2 * total, 0.9),
        intervals=NO_INTERVALS,
        beside=Beside(len(blobs), len(blobs), None, 0.0, 0.0, None, None, "unknown", "0", "A0/N0"),
        quality=Quality(12.0, grade, flags), parameters=ScoringParameters(),
    )  # fmt: skip


def axes(turned_degrees, seen_from_above):
    """Column and row axis: turned about z and nodding about x; mirrored when seen from above."""
    a, b = np.radians(turned_degrees)
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    column, row, _ = (about_z @ about_x).T
    return (-column if seen_from_above else column), row


def make_case(
    folder,
    blobs=BLOBS,
    turned_degrees=(0.0, 0.0),
    seen_from_above=False,
    score=None,
    encoding=Encoding(),  # noqa: B008 - frozen
    edit=None,
    reorder=None,
    **header,
):
    """Write a series and load it; `edit(dataset, k)` changes the file of slice k."""
    hu, label = paint(blobs)
    column, row = axes(turned_degrees, seen_from_above)
    normal = np.cross(column, row)
    normal *= np.sign(normal[2])
    origins = np.array([-12.3, 45.6, 789.1]) - 2.5 * np.arange(SHAPE[0])[:, None] * normal
    stack = Stack(hu, (0.7, 0.6), origins, row, column)
    paths = [folder / f"{k:03d}.dcm" for k in range(SHAPE[0])]
    write_stack(paths, stack, make_header(**header), encoding)
    files = [_edited(p.read_bytes(), edit, k) for k, p in enumerate(paths)]
    files = files if reorder is None else [files[k] for k in reorder]
    volume = load_volume(KEY, files)
    assert isinstance(volume, Volume), volume
    index = np.flatnonzero(label)
    labelled = Labelled(
        index=index,
        label=label.ravel()[index],
        probability=np.ones(len(index), dtype=np.float32),
        heart_box=(0, 8, 0, 16, 0, 20),
        is_heart_cut=False,
        blood_pool=None,
        model=ModelIdentity("default", DIGEST, "CPUExecutionProvider"),
    )
    return Case(files, stack, volume, labelled, score or make_score(blobs))


def _edited(body, edit, k):
    if edit is None:
        return body
    dataset = pydicom.dcmread(io.BytesIO(body))
    edit(dataset, k)
    return as_file(dataset)


def as_file(dataset):
    """The bytes of a dataset."""
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def export(case, **changes):
    """The DICOM report of a case."""
    how = {"software_version": "0.1.0", "created_at": CREATED, **changes}
    return make_dicom_report(case.files, case.volume, case.labelled, case.score, **how)


def true_voxels(case):
    """Where, in the patient, the voxels lie that count: {label: set of LPS points}."""
    hu, label = case.stack.hu, case.labelled
    found = {}
    for flat, name in zip(label.index, label.label, strict=True):
        s, r, c = np.unravel_index(flat, hu.shape)
        if hu[s, r, c] >= 130 and name in BLOBS:
            point = (
                case.stack.origins_lps_mm[s]
                + r * 0.7 * case.stack.row_axis_lps
                + c * 0.6 * case.stack.column_axis_lps
            )
            found.setdefault(Label(name), set()).add(tuple(np.round(point, 2) + 0.0))
    return found
