"""Frozen records of one series: as its headers describe it, and what choosing said.

Comes in: values already checked by the room that makes the record.
Goes out: `Series` and `Decision`; other rooms have them from `records`.
Refuses: change after construction.
"""

from dataclasses import dataclass
from datetime import date

from screening.reasons import Reason, State


@dataclass(frozen=True, slots=True)
class Series:
    """One series as its headers describe it; no identity, only keys.

    `increment_mm` is the median distance between neighbouring slice planes along the
    normal; `terms` are recognised words of the descriptions, from a closed list, `own_terms` those
    of the series' own description and `protocol_terms` those of its protocol; `rejection` is the
    code of the note that takes all its images back; `follows_breath` says that images were sorted
    or triggered by breathing, `is_converted` that a workstation or a film scanner made them,
    `has_several_owners` that another person's images lie under its UID; `header_doubts` names what
    the rest contradicts and is not believed: date, age; `age_said` is PatientAge.
    """

    series_key: str
    study_key: str
    person_key: str
    modality: str
    image_type: tuple[str, ...]
    sop_class_uid: str
    n_files: int
    n_slices: int
    n_duplicates: int
    n_conflicts: int
    rows: int
    columns: int
    row_spacing_mm: float | None
    column_spacing_mm: float | None
    increment_mm: float | None
    thickness_mm: float | None
    z_range_mm: tuple[float, float] | None
    missing_gaps: tuple[tuple[float, float], ...]  # z from..to of each hole, mm
    is_uneven: bool
    is_mixed: bool
    orientation: str  # axial | sagittal | coronal | oblique | none
    tilt_degrees: float
    kvp: float | None
    kernel: str
    manufacturer: str
    is_hu: bool
    has_contrast_tag: bool
    is_gated: bool
    terms: tuple[str, ...]
    body_part: str
    acquired_on: date | None
    age_years: float | None
    sex: str
    content_digest: str
    rejection: str = ""
    own_terms: tuple[str, ...] = ()
    protocol_terms: tuple[str, ...] = ()
    follows_breath: bool = False
    is_converted: bool = False
    has_several_owners: bool = False
    header_doubts: tuple[str, ...] = ()
    age_said: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What choosing said about one series: work it (reason None), or why not.

    `rank` orders the eligible series of a study: 0 is worked first, the others are its
    runners-up (`not_chosen` unless the ones before fail).
    """

    series_key: str
    study_key: str
    state: State
    reasons: tuple[Reason, ...]
    rank: int | None
    detail: str = ""
