"""Every column of every table, once.

Comes in: nothing. Goes out: `TABLES`, from which schemas, checks and the dictionary are made.
Refuses: nothing itself; `schema.Table.check` refuses data that differs.

The data dictionary (`infra/data-dictionary.md`) is generated from this file. The columns of a
header, a score, of estimates and of the clinical record have pages of their own (`*_columns.py`).
"""

import pyarrow as pa

from screening.clinical_columns import (
    CLINICAL_REJECTIONS_COLUMNS,
    EVENT_COLUMNS,
    HANDED_OVER_COLUMNS,
    OBSERVATION_COLUMNS,
    PERSON_COLUMNS,
    POLICY_COLUMNS,
    SETTING_COLUMNS,
)
from screening.header_columns import HEADER_COLUMNS
from screening.listed_columns import EVALUATED_COLUMNS, WORKLOAD_COLUMNS
from screening.risk_columns import PEOPLE_COLUMNS, PEOPLE_RISK_COLUMNS, RISK_COLUMNS
from screening.schema import Column, Privacy, Table
from screening.score_columns import CONVENTION_COLUMNS, SCORE_COLUMNS
from screening.truth_columns import TRUTH_COLUMNS

SCHEMA_VERSION = 1

_S, _I, _F, _B, _D = pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.date32()
_T = pa.timestamp("us", tz="UTC")
_SS = pa.list_(pa.string())
_ID, _KEY, _QUASI, _HEALTH = Privacy.IDENTITY, Privacy.KEY, Privacy.QUASI, Privacy.HEALTH

_SERIES_KEY = Column("series_key", _S, "", "random key of the series", _KEY)
_STUDY_KEY = Column("study_key", _S, "", "random key of the study", _KEY)
_PERSON_KEY = Column("person_key", _S, "", "random key of the person", _KEY)

INSTANCES_RAW = Table(
    "instances_raw",
    "one DICOM file as read from the archive, in memory only",
    ("path",),
    (
        *HEADER_COLUMNS,
        Column("sop_instance_uid", _S, "", "SOPInstanceUID", _ID),
        Column("series_instance_uid", _S, "", "SeriesInstanceUID", _ID),
        Column("study_instance_uid", _S, "", "StudyInstanceUID", _ID),
        Column("frame_of_reference_uid", _S, "", "FrameOfReferenceUID", _ID),
        Column("patient_name", _S, "", "PatientName as written", _ID),
        Column("patient_id", _S, "", "PatientID as written", _ID),
        Column("issuer", _S, "", "IssuerOfPatientID", _ID),
        Column("accession", _S, "", "AccessionNumber", _ID),
        Column("rejected_instances", _SS, "", "SOPInstanceUIDs a rejection note names", _ID),
    ),
)

INSTANCES = Table(
    "instances",
    "one DICOM file under the vault's keys; kept encrypted because it holds paths",
    ("path",),
    (
        *(c for c in HEADER_COLUMNS if c.name != "birth_date"),
        _PERSON_KEY,
        _STUDY_KEY,
        _SERIES_KEY,
        Column("birth_key", _S, "", "random key of the PatientBirthDate, else empty", _KEY),
        Column("age_said", _F, "year", "PatientAge as stated in the header", _QUASI),
        Column("instance_digest", _S, "", "keyed digest of the SOPInstanceUID", _KEY),
        Column("frame_digest", _S, "", "keyed digest of the FrameOfReferenceUID, else empty", _KEY),
        Column(
            "name_digest", _S, "", "keyed digest of the PatientName where no birth date is", _KEY
        ),
        Column("rejected_instances", _SS, "", "digests of those a rejection note names", _KEY),
    ),
)

# Files that are not instances: so that a second crawl need not open them again.
FILES = Table(
    "files",
    "one file of the archive that is no usable instance; kept encrypted",
    ("path",),
    (
        Column("path", _S, "", "as in instances", _ID),
        Column("size_bytes", _I, "B", "as in instances"),
        Column("mtime_ns", _I, "", "change mark, as in instances", Privacy.OPEN, volatile=True),
        Column(
            "reason", _S, "", "not_dicom, unreadable, truncated_file, ignored_file or unreachable"
        ),
    ),
)

SERIES = Table(
    "series",
    "one series found in the archive",
    ("series_key",),
    (
        _SERIES_KEY,
        _STUDY_KEY,
        _PERSON_KEY,
        Column("modality", _S, "", "CT, SR, …"),
        Column("n_files", _I, "", "files of the series"),
        Column("n_slices", _I, "", "distinct slice positions"),
        Column("rows", _I, "pixel", "matrix rows"),
        Column("columns", _I, "pixel", "matrix columns"),
        Column("row_spacing_mm", _F, "mm", "distance between rows"),
        Column("column_spacing_mm", _F, "mm", "distance between columns"),
        Column("increment_mm", _F, "mm", "median distance between slices"),
        Column("thickness_mm", _F, "mm", "slice thickness"),
        Column("orientation", _S, "", "axial, sagittal, coronal, oblique, none"),
        Column("kvp", _F, "kV", "tube voltage"),
        Column("kernel", _S, "", "reconstruction kernel"),
        Column("manufacturer", _S, "", "scanner vendor"),
        Column("is_gated", _B, "", "ECG-gated by tag or recognised words"),
        Column("has_contrast_tag", _B, "", "header says contrast agent was given"),
        Column("terms", _SS, "", "recognised words of the descriptions"),
        Column("index_date", _D, "", "local date of acquisition", _QUASI),
        Column("age_years", _F, "year", "age at the scan", _QUASI),
        Column("age_said", _F, "year", "PatientAge, where all images state the same", _QUASI),
        Column("sex", _S, "", "F, M, O or empty, from the header", _QUASI),
        Column("content_digest", _S, "", "keyed digest of the series' instances", _KEY),
        Column("rejection", _S, "", "code of the note that takes all its images back; else empty"),
        Column(
            *("header_doubts", _SS, ""),
            "not believed as the rest contradicts it: date, age; or after as_of: later",
        ),
        Column("is_conflicted", _B, "", "tonight's headers contradict one another on whose it is"),
        Column("refused", _SS, "", "reasons of tonight's rules against it, the first decides"),
        Column("refused_detail", _S, "", "what exactly, without identity"),
        Column("place_in_study", _I, "", "among what rules let pass, 0 the best; else empty"),
        Column("grown_from", _SS, "", "digests of what it was before it only grew", _KEY),
    ),
)

WITHDRAWALS = Table(
    "withdrawals",
    "one series that a person had and that the archive took from them; gone when it is back",
    ("series_key", "person_key"),
    (
        _SERIES_KEY,
        _STUDY_KEY,
        Column("person_key", _S, "", "random key of the person it was taken from", _KEY),
        Column("reason", _S, "", "left_archive, rejected_in_archive or moved_to_another_person"),
        Column("withdrawn_on", _D, "", "as_of of the sweep that noticed", _QUASI),
        Column("modality", _S, "", "CT, SR, …"),
        Column("index_date", _D, "", "local date of acquisition", _QUASI),
        Column("agatston", _F, "Agatston unit", "of the score that no longer counts", _HEALTH),
    ),
)

LISTED = Table(
    "listed",
    "one person who is on the list, or was in an earlier sweep and is not back",
    ("person_key",),
    (
        _PERSON_KEY,
        Column("series_key", _S, "", "random key of the series that put them there last", _KEY),
        Column("tier", _S, "", "why they were flagged when last on it", _HEALTH),
        Column("agatston", _F, "Agatston unit", "their score when last on it", _HEALTH),
        Column("listed_on", _D, "", "as_of of the sweep that put them on it", _QUASI),
        Column("left_on", _D, "", "as_of of the first sweep without them; empty: on it", _QUASI),
    ),
)

DISPOSITIONS = Table(
    "dispositions",
    "what became of one series under one set of versions",
    ("series_key", "content_digest", "choose_version", "model_digest", "scoring_version"),
    (
        _SERIES_KEY,
        _STUDY_KEY,
        _PERSON_KEY,
        Column("content_digest", _S, "", "keyed digest of the series' instances", _KEY),
        Column("choose_version", _I, "", "version of the choosing rules"),
        Column("model_digest", _S, "", "sha256 of the model; empty for a rules outcome"),
        Column("scoring_version", _I, "", "version of the scoring code; 0 for a rules outcome"),
        Column("state", _S, "", "scored, ineligible, failed, quarantined, pending"),
        Column("reasons", _SS, "", "reason codes, the first decides"),
        Column("detail", _S, "", "what exactly, without identity"),
        Column("image_digest", _S, "", "digest of geometry and sampled pixels", _KEY),
        Column(
            *("slice_digests", pa.list_(_I), ""),
            "digests of a few slices' sampled pixels, of a score; empty in older lakes",
            _KEY,
        ),
        *SCORE_COLUMNS,
        Column("model_name", _S, "", "name of the model"),
        Column("provider", _S, "", "ONNX Runtime execution provider"),
        Column("parameters", _S, "", "scoring parameters as JSON"),
        Column("reconstruction", _S, "", "fbp, iterative, deep_learning, unknown"),
        Column("has_picture", _B, "", "an encrypted picture lies beside the vault"),
        Column("seconds_read", _F, "s", "reading the bytes", Privacy.OPEN, volatile=True),
        Column("seconds_load", _F, "s", "decoding and checking", Privacy.OPEN, volatile=True),
        Column("seconds_infer", _F, "s", "running the model", Privacy.OPEN, volatile=True),
        Column("seconds_score", _F, "s", "scoring", Privacy.OPEN, volatile=True),
        Column("attempt", _I, "", "which attempt this was", Privacy.OPEN, volatile=True),
        Column("run_id", _S, "", "the sweep that wrote the row", Privacy.OPEN, volatile=True),
        Column("committed_at", _T, "", "when it was committed", Privacy.OPEN, volatile=True),
    ),
)

ATTEMPTS = Table(
    "attempts",
    "one handing-out of a series to a worker, committed before it starts",
    ("series_key", "content_digest", "model_digest", "scoring_version", "attempt"),
    (
        _SERIES_KEY,
        Column("content_digest", _S, "", "keyed digest of the series' instances", _KEY),
        Column("model_digest", _S, "", "sha256 of the model; empty in older lakes"),
        Column("scoring_version", _I, "", "version of the scoring code; empty in older lakes"),
        Column("attempt", _I, "", "1, 2, …", Privacy.OPEN, volatile=True),
        Column("run_id", _S, "", "the sweep", Privacy.OPEN, volatile=True),
        Column("started_at", _T, "", "when it was handed out", Privacy.OPEN, volatile=True),
    ),
)

RUNS = Table(
    "runs",
    "one finished sweep",
    ("run_id",),
    (
        Column("run_id", _S, "", "the sweep", Privacy.OPEN, volatile=True),
        Column("started_at", _T, "", "when it began", Privacy.OPEN, volatile=True),
        Column("as_of", _D, "", "the date the flags are true for"),
        Column("seconds", _F, "s", "how long it took", Privacy.OPEN, volatile=True),
        Column("model_digest", _S, "", "sha256 of its model; empty in older lakes"),
        Column("scoring_version", _I, "", "of its scoring code; empty in older lakes"),
        Column("n_scored", _I, "", "series scored in this sweep", Privacy.OPEN, volatile=True),
        Column("bytes_read", _I, "B", "bytes of pixels read", Privacy.OPEN, volatile=True),
        Column("files_seen", _I, "", "files in the archive"),
        Column("files_instance", _I, "", "usable DICOM instances"),
        Column("files_not_dicom", _I, "", "files that are not DICOM"),
        Column("files_unreadable", _I, "", "damaged or unreadable files"),
        Column("files_duplicate", _I, "", "second copies of an instance"),
        Column("files_ignored", _I, "", "files left alone by rule"),
        *HANDED_OVER_COLUMNS,
    ),
)

PERSON = Table(
    "person",
    "one person of the clinical record who has a scan",
    ("person_key",),
    PERSON_COLUMNS,
)

AMBIGUOUS = Table(
    "ambiguous",
    "one person with a scan whose number leads to a record of two people, or of another: unused",
    ("person_key",),
    (_PERSON_KEY,),
)

OBSERVATION = Table(
    "observation",
    "one measured value, unit resolved",
    ("person_key", "concept", "effective_on", "value"),
    OBSERVATION_COLUMNS,
)

EVENT = Table(
    "event",
    "one dated fact: condition, medication or procedure, code resolved to a concept",
    ("person_key", "concept", "started_on", "code"),
    EVENT_COLUMNS,
)

POLICY = Table(
    "policy",
    "one person's wish about the use of their data",
    ("person_key", "scope"),
    POLICY_COLUMNS,
)

CLINICAL_REJECTIONS = Table(
    "clinical_rejections",
    "how many rows of a clinical file were not taken, and why",
    ("source", "reason", "detail"),
    CLINICAL_REJECTIONS_COLUMNS,
)

SETTING = Table(
    "setting",
    "one setting of the site that the flags depend on; absent: its default",
    ("name",),
    SETTING_COLUMNS,
)

AGES = Table(
    "ages",
    "age of the person at one scan",
    ("series_key",),
    (
        _SERIES_KEY,
        _PERSON_KEY,
        Column("age_years", _F, "year", "age on the index date", _QUASI),
        Column("age_source", _S, "", "clinical_birth_date, dicom_birth_date or dicom_age"),
    ),
)

RISK = Table(
    "risk", "the estimates for one person at their index scan", ("person_key",), RISK_COLUMNS
)

# What `screening risk apply` reads and adds; in no lake.
PEOPLE = Table(
    "people",
    "one person whose risk is asked for, typed and checked; in memory only",
    ("row",),
    PEOPLE_COLUMNS,
)
PEOPLE_RISK = Table(
    "people_risk",
    "the published estimates for one person; written by request",
    ("row",),
    PEOPLE_RISK_COLUMNS,
)

EVALUATED = Table(
    "evaluated",
    "one person swept, and what became of them; people.csv of risk evaluate",
    ("person_key",),
    EVALUATED_COLUMNS,
)

WORKLOAD = Table(
    "workload",
    "one order of working at so many reviews a week; workload.csv of risk evaluate",
    ("ranking", "per_week"),
    WORKLOAD_COLUMNS,
)

PROGRESSION = Table(
    "progression",
    "how calcium grew between two consecutive scored scans of one person",
    ("earlier_series_key", "later_series_key"),
    (
        _PERSON_KEY,
        Column("earlier_series_key", _S, "", "random key of the earlier scan's series", _KEY),
        Column("later_series_key", _S, "", "random key of the later scan's series", _KEY),
        Column("years", _F, "year", "from the earlier scan to the later", _QUASI),
        Column("sqrt_volume_change", _F, "√mm³", "growth of the volume's square root", _HEALTH),
        Column("sqrt_volume_change_per_year", _F, "√mm³/year", "the same, a year", _HEALTH),
        Column("is_progression", _B, "", "the growth is 2.5 √mm³ or more", _HEALTH),
        Column("is_beyond_repeatability", _B, "", "more than unchanged scans differ by", _HEALTH),
        Column("reasons", _SS, "", "why the scans are not compared; empty where they are"),
    ),
)

# What should happen to a synthetic hospital (room `phantom`); never written to a lake.
TRUTH = Table(
    "truth",
    "one file, series or person of a synthetic hospital and what should become of it",
    ("kind", "path", "series_instance_uid", "patient_id", "issuer"),
    TRUTH_COLUMNS,
)

# What `screening conventions` writes: research keys, no key of the lake; in no lake.
CONVENTION_SCORES = Table(
    "convention_scores",
    "one scored scan by one scoring convention, from the voxels kept of it; written by request",
    ("research_key", "scan", "convention"),
    CONVENTION_COLUMNS,
)

LAKE_TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        SERIES, WITHDRAWALS, LISTED, DISPOSITIONS, ATTEMPTS, RUNS, PERSON, AMBIGUOUS, OBSERVATION,
        EVENT, POLICY, CLINICAL_REJECTIONS, SETTING, AGES, RISK, PROGRESSION,
    )
}  # fmt: skip

TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        INSTANCES_RAW, INSTANCES, FILES, TRUTH, CONVENTION_SCORES, PEOPLE, PEOPLE_RISK,
        EVALUATED, WORKLOAD, *LAKE_TABLES.values(),
    )
}  # fmt: skip
