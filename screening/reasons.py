"""The closed list of reason codes.

Comes in: nothing. Goes out: `Reason`, its room, its state and a sentence for people.
Refuses: any code that is not here.
"""

from dataclasses import dataclass
from enum import StrEnum


class Room(StrEnum):
    """The rooms that may give a reason."""

    ARCHIVE = "archive"
    CATALOGUE = "catalogue"
    CHOOSE = "choose"
    VOLUME = "volume"
    INFERENCE = "inference"
    SCORING = "scoring"
    CLINICAL = "clinical"
    RISK = "risk"
    SWEEP = "sweep"


class State(StrEnum):
    """What became of a series (contract)."""

    SCORED = "scored"
    INELIGIBLE = "ineligible"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    PENDING = "pending"


class Reason(StrEnum):
    """Why a file, a series or a person was not taken further."""

    # files
    NOT_DICOM = "not_dicom"
    UNREADABLE = "unreadable"
    TRUNCATED_FILE = "truncated_file"
    DUPLICATE_INSTANCE = "duplicate_instance"
    IGNORED_FILE = "ignored_file"
    # series, by rules on the headers
    NOT_CT = "not_ct"
    LOCALIZER = "localizer"
    DERIVED = "derived"
    SECONDARY_CAPTURE = "secondary_capture"
    MIP = "mip"
    VIRTUAL_NON_CONTRAST = "virtual_non_contrast"
    OTHER_PHASE = "other_phase"
    OTHER_PURPOSE = "other_purpose"
    NOT_HU = "not_hu"
    NOT_AXIAL = "not_axial"
    NOT_CHEST = "not_chest"
    HEART_INCOMPLETE = "heart_incomplete"
    CONTRAST_TAG = "contrast_tag"
    CONTRAST_PIXELS = "contrast_pixels"
    CONTRAST_UNCERTAIN = "contrast_uncertain"
    GATED_CALCIUM_SCORE = "gated_calcium_score"
    CALCIUM_SCORE_DOCUMENT = "calcium_score_document"
    INCREMENT_OVER_5MM = "increment_over_5mm"
    MISSING_SLICE = "missing_slice"
    MISSING_SLICE_IN_HEART = "missing_slice_in_heart"
    UNEVEN_SLICES = "uneven_slices"
    SLICES_OUT_OF_ORDER = "slices_out_of_order"
    TILT_UNCORRECTED = "tilt_uncorrected"
    TOO_FEW_SLICES = "too_few_slices"
    MIXED_GEOMETRY = "mixed_geometry"
    CONFLICTING_SLICES = "conflicting_slices"
    MINOR = "minor"
    NO_SCAN_DATE = "no_scan_date"
    DUPLICATE_IMAGES_OF = "duplicate_images_of"
    NOT_CHOSEN = "not_chosen"
    OPTED_OUT = "opted_out"
    # series, taken back by the archive
    REJECTED_IN_ARCHIVE = "rejected_in_archive"
    LEFT_ARCHIVE = "left_archive"
    MOVED_TO_ANOTHER_PERSON = "moved_to_another_person"
    # series, while working
    DECODE_FAILED = "decode_failed"
    MODEL_FAILED = "model_failed"
    MODEL_FIELD = "model_field"
    NO_GPU = "no_gpu"
    MASK_MISMATCH = "mask_mismatch"
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    IDENTITY_CONFLICT = "identity_conflict"
    STILL_ARRIVING = "still_arriving"
    UNREACHABLE = "unreachable"
    NIGHT_OVER = "night_over"
    # rows of the clinical tables
    NO_SCAN = "no_scan"
    CODE_NOT_USED = "code_not_used"
    DUPLICATE_ROW = "duplicate_row"
    VOID_RECORD = "void_record"
    CUT_SHORT = "cut_short"
    # people
    NO_CLINICAL_RECORD = "no_clinical_record"
    AMBIGUOUS_RECORD = "ambiguous_record"
    NO_SCORE = "no_score"
    MISSING_INPUT = "missing_input"
    OUT_OF_RANGE = "out_of_range"
    UNIT_SUSPECT = "unit_suspect"
    UNIT_UNKNOWN = "unit_unknown"
    BAD_VALUE = "bad_value"
    KNOWN_ASCVD = "known_ascvd"
    DECEASED = "deceased"
    FORMALLY_SCORED = "formally_scored"
    ALREADY_TREATED = "already_treated"
    SEX_UNCLEAR = "sex_unclear"
    ANSWER_UNCLEAR = "answer_unclear"
    GRADE_TOO_LOW = "grade_too_low"
    BELOW_THRESHOLD = "below_threshold"
    NO_PERCENTILE = "no_percentile"
    LOWER_BOUND = "lower_bound"
    LATER_SCAN_DOUBTFUL = "later_scan_doubtful"
    PALLIATIVE_CARE = "palliative_care"
    DIALYSIS = "dialysis"
    TRANSPLANT = "transplant"
    # two scans of one person
    TOO_SOON_AFTER = "too_soon_after"
    GRADE_NOT_COMPARABLE = "grade_not_comparable"
    OTHER_THICKNESS = "other_thickness"
    OTHER_INCREMENT = "other_increment"
    OTHER_KERNEL = "other_kernel"
    OTHER_RECONSTRUCTION = "other_reconstruction"
    OTHER_KVP = "other_kvp"
    OTHER_GATING = "other_gating"
    OTHER_MODEL = "other_model"
    OTHER_SCORING = "other_scoring"


@dataclass(frozen=True, slots=True)
class ReasonText:
    """Where a reason is given, and what it says to a person."""

    room: Room
    sentence: str


REASONS: dict[Reason, ReasonText] = {
    Reason.NOT_DICOM: ReasonText(Room.ARCHIVE, "The file is not DICOM."),
    Reason.UNREADABLE: ReasonText(Room.ARCHIVE, "The file could not be read."),
    Reason.TRUNCATED_FILE: ReasonText(Room.ARCHIVE, "The file ends before its contents do."),
    Reason.DUPLICATE_INSTANCE: ReasonText(
        Room.CATALOGUE, "Another file holds the same instance; one of them is used."
    ),
    Reason.IGNORED_FILE: ReasonText(
        Room.ARCHIVE, "A file the crawl leaves alone by rule (hidden, DICOMDIR, a link out)."
    ),
    Reason.NOT_CT: ReasonText(Room.CHOOSE, "The series is not computed tomography."),
    Reason.LOCALIZER: ReasonText(Room.CHOOSE, "The series is a scout (localizer)."),
    Reason.DERIVED: ReasonText(Room.CHOOSE, "The series is derived, not original images."),
    Reason.SECONDARY_CAPTURE: ReasonText(Room.CHOOSE, "The series is a screen capture."),
    Reason.MIP: ReasonText(Room.CHOOSE, "The series is an intensity projection."),
    Reason.VIRTUAL_NON_CONTRAST: ReasonText(
        Room.CHOOSE, "The series is a spectral reconstruction (virtual non-contrast and kin)."
    ),
    Reason.OTHER_PHASE: ReasonText(
        Room.CHOOSE,
        "The series is one of many in time (4-D, perfusion), or was taken breathed out.",
    ),
    Reason.OTHER_PURPOSE: ReasonText(
        Room.CHOOSE, "The series was made to plan or guide a treatment, or with a cone beam."
    ),
    Reason.NOT_HU: ReasonText(Room.CHOOSE, "The pixel values are not Hounsfield units."),
    Reason.NOT_AXIAL: ReasonText(Room.CHOOSE, "The slices are not axial."),
    Reason.NOT_CHEST: ReasonText(
        Room.CHOOSE, "The series does not show a chest with a heart, or its pixels are turned."
    ),
    Reason.HEART_INCOMPLETE: ReasonText(Room.CHOOSE, "The series ends inside the heart."),
    Reason.CONTRAST_TAG: ReasonText(Room.CHOOSE, "The header says contrast agent was given."),
    Reason.CONTRAST_PIXELS: ReasonText(
        Room.SCORING, "The blood pool is as bright as after contrast agent."
    ),
    Reason.CONTRAST_UNCERTAIN: ReasonText(
        Room.SCORING, "The blood pool is too bright to be sure that no contrast agent was given."
    ),
    Reason.GATED_CALCIUM_SCORE: ReasonText(
        Room.CHOOSE, "The series is itself a gated calcium-score scan: a formal score exists."
    ),
    Reason.CALCIUM_SCORE_DOCUMENT: ReasonText(
        Room.CHOOSE, "The series is a report or a capture of a formal calcium score."
    ),
    Reason.INCREMENT_OVER_5MM: ReasonText(Room.CHOOSE, "The slices are more than 5 mm apart."),
    Reason.MISSING_SLICE: ReasonText(
        Room.CATALOGUE, "One or more slices are missing outside the heart."
    ),
    Reason.MISSING_SLICE_IN_HEART: ReasonText(
        Room.VOLUME, "One or more slices are missing where the heart lies."
    ),
    Reason.UNEVEN_SLICES: ReasonText(Room.VOLUME, "The slices are unevenly spaced."),
    Reason.SLICES_OUT_OF_ORDER: ReasonText(
        Room.VOLUME, "The image numbers do not follow the slices' positions: passes may be mixed."
    ),
    Reason.TILT_UNCORRECTED: ReasonText(Room.CHOOSE, "The gantry was tilted."),
    Reason.TOO_FEW_SLICES: ReasonText(Room.CHOOSE, "There are too few slices for a heart."),
    Reason.MIXED_GEOMETRY: ReasonText(
        Room.VOLUME, "The slices differ in matrix, pixel spacing or orientation."
    ),
    Reason.CONFLICTING_SLICES: ReasonText(
        Room.VOLUME, "Two slices lie at one position with different pixels."
    ),
    Reason.MINOR: ReasonText(Room.CHOOSE, "The person was younger than 18 at the scan."),
    Reason.NO_SCAN_DATE: ReasonText(
        Room.CHOOSE, "The scan carries no usable date, or one later than the day of the list."
    ),
    Reason.DUPLICATE_IMAGES_OF: ReasonText(
        Room.SWEEP, "The same images were already scored under other UIDs."
    ),
    Reason.NOT_CHOSEN: ReasonText(Room.CHOOSE, "Another series of the same study fits better."),
    Reason.OPTED_OUT: ReasonText(Room.CHOOSE, "The person has opted out."),
    Reason.REJECTED_IN_ARCHIVE: ReasonText(
        Room.CHOOSE, "A rejection note in the archive takes the images back."
    ),
    Reason.LEFT_ARCHIVE: ReasonText(Room.SWEEP, "The images are no longer in the archive."),
    Reason.MOVED_TO_ANOTHER_PERSON: ReasonText(
        Room.SWEEP, "The archive now holds the images under another person."
    ),
    Reason.DECODE_FAILED: ReasonText(Room.VOLUME, "The pixels could not be decoded."),
    Reason.MODEL_FAILED: ReasonText(Room.INFERENCE, "The model gave no usable output."),
    Reason.MODEL_FIELD: ReasonText(
        Room.INFERENCE, "The scan does not fit the field that the model can see."
    ),
    Reason.NO_GPU: ReasonText(
        Room.INFERENCE, "The GPU that was asked for did not load; the scan waits."
    ),
    Reason.MASK_MISMATCH: ReasonText(
        Room.INFERENCE, "The mask given does not lie on the scan's slices."
    ),
    Reason.CRASHED: ReasonText(
        Room.SWEEP, "Scoring this series met an error nobody foresaw, or ended its worker."
    ),
    Reason.TIMEOUT: ReasonText(Room.SWEEP, "Scoring this series took too long."),
    Reason.OUT_OF_MEMORY: ReasonText(Room.SWEEP, "Scoring this series ran out of memory."),
    Reason.IDENTITY_CONFLICT: ReasonText(
        Room.SWEEP,
        "One patient number carries contradicting people, or one series the images of several; "
        "nobody is guessed.",
    ),
    Reason.STILL_ARRIVING: ReasonText(Room.SWEEP, "The study is still being received."),
    Reason.UNREACHABLE: ReasonText(
        Room.ARCHIVE, "The archive could not be reached, did not deliver, or holds damaged files."
    ),
    Reason.NIGHT_OVER: ReasonText(Room.SWEEP, "The night ended before its turn came."),
    Reason.NO_SCAN: ReasonText(
        Room.CLINICAL, "The row belongs to nobody who has a scan in this archive."
    ),
    Reason.CODE_NOT_USED: ReasonText(Room.CLINICAL, "The program does not use this code."),
    Reason.DUPLICATE_ROW: ReasonText(Room.CLINICAL, "The same fact was already taken once."),
    Reason.VOID_RECORD: ReasonText(
        Room.CLINICAL, "The record itself says that it is no fact: an error, refuted, or not done."
    ),
    Reason.CUT_SHORT: ReasonText(
        Room.CLINICAL, "The file ends, or a line of it breaks off, before its contents do."
    ),
    Reason.NO_CLINICAL_RECORD: ReasonText(
        Room.CLINICAL, "No clinical record matches the scan's patient number."
    ),
    Reason.AMBIGUOUS_RECORD: ReasonText(
        Room.CLINICAL,
        "The clinical record under the scan's patient number is of two people, or of another than "
        "the one scanned; nobody is guessed.",
    ),
    Reason.NO_SCORE: ReasonText(Room.RISK, "No eligible scan of this person gave a score."),
    Reason.MISSING_INPUT: ReasonText(Room.RISK, "An input of the equation is missing."),
    Reason.OUT_OF_RANGE: ReasonText(
        Room.RISK, "An input lies outside the range the equation was made for, or any there is."
    ),
    Reason.UNIT_SUSPECT: ReasonText(
        Room.CLINICAL, "The value is implausible in its stated unit; a unit mix-up is likely."
    ),
    Reason.UNIT_UNKNOWN: ReasonText(Room.CLINICAL, "The unit is not known for this code."),
    Reason.BAD_VALUE: ReasonText(Room.CLINICAL, "The value or date cannot be read."),
    Reason.KNOWN_ASCVD: ReasonText(Room.RISK, "Cardiovascular disease is already known."),
    Reason.DECEASED: ReasonText(Room.RISK, "The person has died."),
    Reason.FORMALLY_SCORED: ReasonText(Room.RISK, "A formal calcium score already exists."),
    Reason.ALREADY_TREATED: ReasonText(
        Room.RISK,
        "A statin is taken on the day of the list. It keeps nobody off the list: it stands beside "
        "the reason that decides.",
    ),
    Reason.SEX_UNCLEAR: ReasonText(
        Room.CLINICAL,
        "The clinical record and the scans' headers tell opposite sexes: neither is used, and the "
        "record may be another person's. It keeps nobody off the list: it stands beside the "
        "reason that decides.",
    ),
    Reason.ANSWER_UNCLEAR: ReasonText(
        Room.CLINICAL,
        "An answer on record about a disease or a procedure is no plain yes: it is not believed; "
        "read the record. It keeps nobody off the list: it stands beside the reason that decides.",
    ),
    Reason.GRADE_TOO_LOW: ReasonText(Room.RISK, "The scan's quality grade is too low to flag."),
    Reason.BELOW_THRESHOLD: ReasonText(Room.RISK, "The score is below the flag's threshold."),
    Reason.NO_PERCENTILE: ReasonText(
        Room.RISK, "No published table has a percentile for a person of this age, sex and race."
    ),
    Reason.LOWER_BOUND: ReasonText(
        Room.RISK, "There may be more calcium (a cut heart, slices apart, metal that hides some)."
    ),
    Reason.LATER_SCAN_DOUBTFUL: ReasonText(
        Room.RISK,
        "A later scan of a lower grade, or one without a date, reads more than the score that "
        "counts, by which the person is not flagged: look at it.",
    ),
    Reason.PALLIATIVE_CARE: ReasonText(Room.RISK, "The person is in hospice or palliative care."),
    Reason.DIALYSIS: ReasonText(
        Room.RISK, "The person is on dialysis; such people have a list of their own."
    ),
    Reason.TRANSPLANT: ReasonText(
        Room.RISK, "The person has a transplanted organ; such people have a list of their own."
    ),
    Reason.TOO_SOON_AFTER: ReasonText(
        Room.SCORING, "The two scans follow too soon on one another to show growth."
    ),
    Reason.GRADE_NOT_COMPARABLE: ReasonText(
        Room.SCORING, "One of the two scans is of too low a quality grade to be compared."
    ),
    Reason.OTHER_THICKNESS: ReasonText(
        Room.SCORING, "The two scans' slice thickness differs, or is not known of both."
    ),
    Reason.OTHER_INCREMENT: ReasonText(
        Room.SCORING, "The two scans' slices are not equally far apart."
    ),
    Reason.OTHER_KERNEL: ReasonText(
        Room.SCORING, "The two scans' kernels differ, or are not known."
    ),
    Reason.OTHER_RECONSTRUCTION: ReasonText(
        Room.SCORING,
        "The two scans were reconstructed by different methods, "
        "or the method is known of one only.",
    ),
    Reason.OTHER_KVP: ReasonText(
        Room.SCORING, "The two scans' tube voltage differs, or is not known of both."
    ),
    Reason.OTHER_GATING: ReasonText(
        Room.SCORING, "Of the two scans one is ECG-gated and the other not."
    ),
    Reason.OTHER_MODEL: ReasonText(
        Room.SCORING, "The two scans were labelled by different models."
    ),
    Reason.OTHER_SCORING: ReasonText(
        Room.SCORING, "The two scans were scored by different versions of the scoring."
    ),
}

# Reasons that end a series in another state than `ineligible`.
_STATES: dict[Reason, State] = {
    Reason.TRUNCATED_FILE: State.FAILED,
    Reason.DECODE_FAILED: State.FAILED,
    Reason.MODEL_FAILED: State.FAILED,
    Reason.MODEL_FIELD: State.FAILED,
    Reason.MIXED_GEOMETRY: State.FAILED,
    Reason.CONFLICTING_SLICES: State.FAILED,
    Reason.UNEVEN_SLICES: State.FAILED,
    Reason.SLICES_OUT_OF_ORDER: State.FAILED,
    Reason.MISSING_SLICE_IN_HEART: State.FAILED,
    Reason.CRASHED: State.QUARANTINED,
    Reason.TIMEOUT: State.QUARANTINED,
    Reason.OUT_OF_MEMORY: State.QUARANTINED,
    Reason.IDENTITY_CONFLICT: State.QUARANTINED,
    Reason.STILL_ARRIVING: State.PENDING,
    Reason.UNREACHABLE: State.PENDING,
    Reason.NIGHT_OVER: State.PENDING,
    Reason.NO_GPU: State.PENDING,
}


def state_of(reason: Reason) -> State:
    """Return the state a series ends in when `reason` decides."""
    return _STATES.get(reason, State.INELIGIBLE)
