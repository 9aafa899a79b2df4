"""Writing everything one person has in the archive.

Comes in: the archive's folder, a planned `Person`, the hospital's seed.
Goes out: DICOM files, and the truth rows of the files, the series and the person.
Refuses: nothing.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np

from screening.phantom.dicom import (
    Header,
    Stack,
    make_uid,
    write_dose_report,
    write_stack,
)
from screening.phantom.expectation import (
    ADULT_YEARS,
    FLAG_EDGES,
    FlagFacts,
    TruthRow,
    expected_flag,
    is_borderline,
    mesa_averaged,
    mesa_chd_10y,
    percentile_75,
    state_of,
    true_category,
)
from screening.phantom.oddities import (
    Damage,
    Kind,
    SeriesPlan,
    kernel_name,
    plan_series,
    scanner_of,
)
from screening.phantom.people import AS_OF, Person, Role, completed_years, other_identity
from screening.phantom.reformats import head, sagittal, scout
from screening.phantom.subjects import Calcium, Subject
from screening.reasons import Reason

_NAME_STYLES = ("IM{:09d}", "{:016x}", "{:08x}.dcm", "{:010d}.IMA")
_KEPT_OF_TRUNCATED = 0.6
_SLICES_ABOVE_HEART = 0.12  # where along the stack a slice above the heart is taken from


@dataclass(frozen=True, slots=True, eq=False)
class _Written:
    """One series as it lies in the archive."""

    plan: SeriesPlan
    series_uid: str
    on: date | None
    calcium: Calcium | None
    rows: tuple[TruthRow, ...]


def _scan_date(person: Person, plan: SeriesPlan) -> date | None:
    return person.index_date + timedelta(days=plan.days) if plan.has_any_date else None


def _header(person: Person, plan: SeriesPlan, seed: int, number: int) -> Header:
    """Fill the header of one series."""
    who = other_identity(person) if plan.is_other_person else person.identity
    scanner, on = scanner_of(person), _scan_date(person, plan)
    study, series, protocol, part = plan.texts
    technique = plan.technique
    return Header(
        patient_id=person.patient_id,
        issuer=person.issuer,
        name=who.name,
        birth_date=who.birth_date,
        sex=who.sex,
        age_years=completed_years(who.birth_date, on or person.index_date),
        study_uid=make_uid(seed, person.number, plan.study),
        series_uid=make_uid(seed, person.number, plan.study, plan.name),
        accession=f"A{int(make_uid(seed, person.number, plan.study)[5:]) % 10**8:08d}",
        series_number=number,
        study_date=on,
        acquisition_date=on if plan.has_acquisition_date else None,
        study_description=study,
        series_description=series,
        protocol_name=protocol,
        body_part=part,
        image_type=plan.image_type,
        manufacturer=scanner.manufacturer,
        model=scanner.model,
        kernel=kernel_name(scanner, technique.kernel),
        kvp=technique.kvp,
        thickness_mm=technique.thickness_mm,
        contrast_agent=plan.contrast_agent,
        cardiac_sync="PROSPECTIVE" if technique.is_gated else None,
        extra=(("HeartRate", "62"), ("TriggerTime", "620")) if technique.is_gated else (),
    )


def _file_names(folder: Path, header: Header, count: int) -> list[Path]:
    """Name files so that neither name nor order says anything; makes their folders."""
    style = _NAME_STYLES[int(header.study_uid[-2:]) % len(_NAME_STYLES)]
    top = folder / sha256(header.study_uid.encode()).hexdigest()[:2]
    below = [sha256(f"{header.study_uid}{k}".encode()).hexdigest()[:6] for k in range(2)]
    for name in below:
        (top / name).mkdir(parents=True, exist_ok=True)
    paths = []
    for k in range(count):
        number = int(sha256(f"{header.series_uid}/{k}".encode()).hexdigest()[:15], 16)
        wraps = 10**9 if "d}" in style else 16 ** (8 if "08x" in style else 16)
        paths.append(top / below[number % 2] / style.format(number % wraps))
    return paths


def _file_rows(
    archive: Path, paths: Sequence[Path], person: Person, header: Header
) -> list[TruthRow]:
    return [
        TruthRow(
            kind="file",
            role=person.role.value,
            path=path.relative_to(archive).as_posix(),
            series_instance_uid=header.series_uid,
            patient_id=person.mrn,
            issuer=person.issuer,
            expected_state="instance",
        )
        for path in paths
    ]


def _changed(row: TruthRow, state: str, reason: Reason, note: str) -> TruthRow:
    values = asdict(row) | {"expected_state": state, "expected_reason": reason.value, "note": note}
    return TruthRow(**values)


def _hurt(
    archive: Path, plan: SeriesPlan, rows: list[TruthRow], spare: Path, heart_slice: int
) -> list[TruthRow]:
    """Do to the files of a series what its plan says; rows are in slice order."""
    above = round(len(rows) * _SLICES_ABOVE_HEART)
    match plan.damage:
        case Damage.MISSING_IN_HEART | Damage.MISSING_OUTSIDE:
            k = heart_slice if plan.damage is Damage.MISSING_IN_HEART else above
            (archive / str(rows[k].path)).unlink()
            return rows[:k] + rows[k + 1 :]
        case Damage.TRUNCATED_FILE:
            path = archive / str(rows[above].path)
            contents = path.read_bytes()
            path.write_bytes(contents[: int(len(contents) * _KEPT_OF_TRUNCATED)])
            cut = _changed(rows[above], "unreadable", Reason.TRUNCATED_FILE, "the file ends early")
            return [*rows[:above], cut, *rows[above + 1 :]]
        case Damage.DUPLICATE_FILE:
            spare.write_bytes((archive / str(rows[above].path)).read_bytes())
            name = spare.relative_to(archive).as_posix()
            note = "a second file with the same UID; either of the two may be used"
            twin = _changed(rows[above], "duplicate", Reason.DUPLICATE_INSTANCE, note)
            return [*rows, TruthRow(**(asdict(twin) | {"path": name}))]
    return rows


def _calcium_fields(calcium: Calcium | None) -> dict[str, float | str | None]:
    """Give the truth columns about calcium."""
    if calcium is None:
        return {}
    return {
        "true_agatston": calcium.agatston,
        "true_agatston_lm": calcium.lm,
        "true_agatston_lad": calcium.lad,
        "true_agatston_lcx": calcium.lcx,
        "true_agatston_rca": calcium.rca,
        "true_mass_mg": calcium.mass_mg,
        "true_category": true_category(calcium.agatston),
    }


def _series_row(
    person: Person, plan: SeriesPlan, header: Header, calcium: Calcium | None
) -> TruthRow:
    values = _calcium_fields(calcium) if plan.kind is Kind.CHEST else {}
    return TruthRow(
        kind="series",
        role=person.role.value,
        series_instance_uid=header.series_uid,
        patient_id=person.mrn,
        issuer=person.issuer,
        expected_state=state_of(plan.reason).value,
        expected_reason=None if plan.reason is None else plan.reason.value,
        note=plan.note,
        index_date=header.study_date,
        age_years=float(header.age_years),
        sex=header.sex,
        **values,  # type: ignore[arg-type]
    )


def _image(
    plan: SeriesPlan, subject: Subject, done: dict[str, tuple[Stack, Calcium]]
) -> tuple[Stack, Calcium | None]:
    """Give the images of a series: scanned, or made from an earlier series."""
    if plan.kind is Kind.HEAD:
        return head(subject.person.body_seed), None
    if plan.source is None:
        done[plan.name] = subject.scan(plan)
        return done[plan.name]
    stack, calcium = done[plan.source]
    if plan.kind is Kind.SCOUT:
        return scout(stack), None
    return (sagittal(stack), None) if plan.kind is Kind.SAGITTAL else (stack, calcium)


def _heart_slice(stack: Stack, heart_z_mm: float) -> int:
    return int(np.argmin(np.abs(stack.origins_lps_mm[:, 2] - heart_z_mm)))


def _write_series(
    archive: Path, subject: Subject, seed: int, done: dict[str, tuple[Stack, Calcium]], number: int
) -> _Written:
    """Write series `number` of the person's plan."""
    person = subject.person
    plan = plan_series(person)[number]
    header = _header(person, plan, seed, number + 1)
    if plan.kind is Kind.REPORT:
        path = _file_names(archive, header, 1)[0]
        write_dose_report(path, header)
        rows, calcium = _file_rows(archive, [path], person, header), None
    else:
        stack, calcium = _image(plan, subject, done)
        *paths, spare = _file_names(archive, header, len(stack.hu) + 1)
        write_stack(paths, stack, header, plan.encoding)
        rows = _file_rows(archive, paths, person, header)
        middle = _heart_slice(stack, subject.heart_z_mm) if plan.damage is not Damage.NONE else 0
        rows = _hurt(archive, plan, rows, spare, middle)
    rows.append(_series_row(person, plan, header, calcium))
    return _Written(plan, header.series_uid, header.study_date, calcium, tuple(rows))


def _score_of(written: Sequence[_Written]) -> _Written | None:
    """Give the latest scan that should have a score."""
    scored = [w for w in written if w.plan.kind is Kind.CHEST and w.plan.has_score and w.on]
    return max(scored, key=lambda w: w.on or date.min, default=None)


def _person_row(person: Person, written: Sequence[_Written]) -> TruthRow:
    """Say what should become of the person as of the reference date."""
    best = _score_of(written)
    calcium = None if best is None else best.calcium
    agatston = None if calcium is None else calcium.agatston
    reasons = {w.plan.reason for w in written}
    risk = None if agatston is None else mesa_chd_10y(person.inputs, agatston)
    looked_at = None if agatston is None else mesa_averaged(person.inputs, agatston)
    p75 = percentile_75(person.inputs.age_years, person.inputs.sex, person.inputs.race)
    has_record = person.has_record
    flag = expected_flag(
        FlagFacts(
            is_identity_conflict=Reason.IDENTITY_CONFLICT in reasons,
            is_opted_out=person.policy_scope == "opt_out_all",
            is_minor=person.inputs.age_years < ADULT_YEARS,
            is_deceased=person.death_date is not None and person.death_date <= AS_OF,
            has_known_ascvd=person.has_known_ascvd(AS_OF),
            is_formally_scored=person.is_formally_scored_on_record(AS_OF)
            or Reason.GATED_CALCIUM_SCORE in reasons,
            has_record=has_record,
            agatston=agatston,
            is_undated=Reason.NO_SCAN_DATE in reasons,
            risk=looked_at,
            age_years=person.inputs.age_years,
            percentile_75=p75,
        )
    )
    # A risk that lacks an input the program draws; the truth cannot tell which side it falls on.
    is_drawn = (
        has_record and looked_at is None and agatston is not None and 0 < agatston < FLAG_EDGES[0]
    )
    inputs = asdict(person.inputs) if has_record else {}
    return TruthRow(
        kind="person",
        role=person.role.value,
        patient_id=person.mrn,
        issuer=person.issuer,
        expected_flag=flag.flag,
        expected_tier=flag.tier,
        expected_reason=None if flag.reason is None else flag.reason.value,
        is_borderline=is_drawn or is_borderline(agatston, looked_at if has_record else None, p75),
        note=_NOTES.get(person.role, "an ordinary person"),
        index_date=None if best is None else best.on,
        true_mesa_chd_10y=mesa_chd_10y(person.inputs) if best and has_record else None,
        true_mesa_chd_10y_cac=risk if has_record else None,
        **inputs,
        **_calcium_fields(calcium),  # type: ignore[arg-type]
    )


def write_person(archive: Path, person: Person, seed: int) -> list[TruthRow]:
    """Write all series of a person.

    Parameters
    ----------
    archive : the archive's root; folders below it are made
    person : as planned
    seed : of the hospital, for the UIDs

    Returns
    -------
    Truth rows of the files, the series and the person.
    """
    subject = Subject(person)
    done: dict[str, tuple[Stack, Calcium]] = {}
    count = len(plan_series(person))
    written = [_write_series(archive, subject, seed, done, number) for number in range(count)]
    rows = [row for series in written for row in series.rows]
    return [*rows, _person_row(person, written)]


_NOTES = {
    Role.HIGH: "much calcium, no disease on record; a statin begun after the scan changes nothing",
    Role.THICK_THIN: "one acquisition, two reconstructions, one score",
    Role.CONTRAST_PAIR: "scored on the unenhanced half; a lung embolism is no ASCVD",
    Role.STENT: "a stent on record before the scan; its metal is no calcium",
    Role.FORMAL_PRIOR: "an earlier gated calcium-score scan lies in the archive",
    Role.RISK_HIGH: "little calcium, but a high estimated risk",
    Role.TWO_PEOPLE: "two people on one number; nobody is guessed",
    Role.DIED_AFTER: "died after the scan, before the reference date",
    Role.INFARCTION_AFTER: "an infarction after the scan, before the reference date",
    Role.STENT_AFTER: "a stent after the scan, before the reference date",
    Role.CHILD: "not 18 at the scan",
    Role.CONTRAST_PIXELS: "the only scan is enhanced without saying so",
    Role.MISSING_IN_HEART: "the only scan has a hole in the heart",
    Role.MISSING_OUTSIDE: "a hole above the heart does not matter; no lipids on record in time",
    Role.TRUNCATED: "a file cut short above the heart does not matter; one lipid's unit is wrong",
    Role.DUPLICATE_SLICE: "an infarction after the reference date is not known yet",
    Role.HEAD_ONLY: "no chest scan",
    Role.SAME_IMAGES: "the same images twice count once; out of research, not out of care",
    Role.WIDE_INCREMENT: "a report states a formal calcium score",
    Role.NO_DATE: "the only scan has no date",
    Role.OPTED_OUT: "has opted out of everything",
    Role.NO_RECORD: "no clinical record under this number",
    Role.SAGITTAL: "no calcium; race not on record",
    Role.FORMAL_PROCEDURE: "a calcium-score procedure on record",
}
