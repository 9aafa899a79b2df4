"""How far a score can be trusted.

Comes in: a `Volume`, its `Labelled`, and the measured totals.
Goes out: `Quality`: noise, what it would make of itself, blur of the heart's border, flags, and a
grade that follows from the flags by the table `RULES`.
Refuses: nothing; what cannot be measured at all is refused before.

The grade is the worst that any flag allows; without a flag it is A.

    A  good: as a calcium scan, apart from gating
    B  usable: the score may be off by more than rescan variability
    C  doubtful: the score may be far off, for the reasons given; use where nothing better exists
    D  do not use

How likely the category is right is told apart from the grade, where it can be told (`certainty`).

| flag                  | at best | when                                                          |
|-----------------------|---------|---------------------------------------------------------------|
| gated                 | A       | the scan is ECG-gated: better than routine, but not routine   |
| near_category_edge    | A       | the category is right with a probability below 0.8            |
| specks_only           | A       | calcium voxels, but none of 1 mm2: the score is 0             |
| picture_failed        | A       | no picture could be drawn of this score                       |
| reconstruction_unknown| A       | the header does not tell FBP, iterative or deep learning      |
| iterative             | A       | iterative reconstruction: scores a little lower               |
| fractional_hu         | A       | HU have fractions, rounded down: no threshold is crossed      |
| sternal_wires         | A       | wires round the sternum, none of it in or beside the heart    |
| deep_learning         | B       | deep-learning reconstruction: known to lower scores           |
| missing_slice         | B       | slices missing, not at the heart                              |
| contrast_tag          | B       | the header says contrast, the blood is unenhanced             |
| blood_pool_bright     | B       | blood 65 to 80 HU                                             |
| blood_pool_dark       | B       | blood 0 to 20 HU: severest anaemia, or not blood alone        |
| false_calcium_unknown | B       | blood seen, but too little to tell what noise alone would make|
| false_calcium_some    | B       | noise alone would make 1 Agatston unit or more                |
| motion                | B       | the heart's border is blurred by its motion                   |
| increment_over_3mm    | B       | slices 3 to 5 mm apart: small calcium averages away           |
| thickness_over_3mm    | B       | slices thicker than 3 mm, however close: the same             |
| thin_slices_native    | B       | a mask on slices under 2 mm: without one, averages are scored |
| thickness_unknown     | B       | no slice thickness in the header                              |
| noise_high            | B       | blood SD over 25 HU (the SCCT aim is 20, 23 in large people)  |
| kvp_not_120           | B       | 130 HU means another density at 100 to 140 kV other than 120  |
| kvp_unknown           | B       | no tube voltage in the header                                 |
| kernel_unknown        | B       | no kernel in the header, or one not recognised                |
| heart_incomplete      | C       | the heart is cut off: the score is a lower bound              |
| thickness_over_5mm    | C       | slices thicker than 5 mm                                      |
| noise_very_high       | C       | blood SD over 40 HU: one voxel of blood in fifty passes 130   |
| kvp_far_from_120      | C       | below 100 or above 140 kV                                     |
| tin_filter            | C       | tin hardens the beam: calcium scores as at a higher voltage   |
| sharp_kernel          | C       | edge-enhancing: overshoot and noise pass for calcium          |
| gaps_between_slices   | C       | increment over 1.25 x thickness: part of the heart is unseen  |
| derived_image         | C       | computed from other images: reformatted, projected, spectral  |
| mixed_protocol        | C       | voltage, kernel or thickness differ between slices            |
| lossy_compression     | C       | the pixels are not those the scanner made                     |
| blood_pool_unknown    | C       | contrast and noise cannot be judged                           |
| blood_pool_implausible| C       | blood below 0 HU: the values may not be HU                    |
| false_calcium_many    | C       | noise alone would make 10 Agatston units or more              |
| stent_present         | C       | not counted; calcium that touches it is lost with it          |
| clips_present         | C       | not counted; streaks, and bypassed arteries                   |
| lead_present          | C       | not counted; streaks over the right coronary artery           |
| valve_prosthesis      | C       | not counted; streaks over the origins of the arteries         |
| metal_near_heart      | C       | other metal in or beside the heart: streaks pass for calcium  |
| stent_possible        | C       | metal or plaque, counted or not: the model is unsure which    |
| increment_over_5mm    | D       | slices more than 5 mm apart                                   |
| false_calcium_extreme | D       | noise alone would make 100 Agatston units: a category         |

A flag of the reading that is not in this table is kept and allows C at best: nobody has said
what it does to a score.
"""

from dataclasses import replace
from enum import StrEnum

from screening.kernels import Sharpness, sharpness
from screening.reconstruction import Reconstruction
from screening.records import (
    THIN_BELOW_MM,
    Acquisition,
    Certainty,
    Labelled,
    Lesion,
    Quality,
    ScoringParameters,
    Volume,
)
from screening.scoring.certainty import is_near_edge
from screening.scoring.checks import gaps
from screening.scoring.metal_kinds import kinds_of_metal
from screening.scoring.motion import border_blur_mm
from screening.scoring.noise import expected_false_agatston
from screening.scoring.parameters import (
    BLOOD_BRIGHT_FROM_HU,
    BLOOD_DARK_BELOW_HU,
    BLOOD_IMPLAUSIBLE_BELOW_HU,
)


class Flag(StrEnum):
    """Everything a score's quality may be marked with."""

    GATED = "gated"
    NEAR_CATEGORY_EDGE = "near_category_edge"
    SPECKS_ONLY = "specks_only"
    PICTURE_FAILED = "picture_failed"
    RECONSTRUCTION_UNKNOWN = "reconstruction_unknown"
    ITERATIVE = "iterative"
    FRACTIONAL_HU = "fractional_hu"
    STERNAL_WIRES = "sternal_wires"
    DEEP_LEARNING = "deep_learning"
    MISSING_SLICE = "missing_slice"
    CONTRAST_TAG = "contrast_tag"
    BLOOD_POOL_BRIGHT = "blood_pool_bright"
    BLOOD_POOL_DARK = "blood_pool_dark"
    FALSE_CALCIUM_UNKNOWN = "false_calcium_unknown"
    FALSE_CALCIUM_SOME = "false_calcium_some"
    MOTION = "motion"
    INCREMENT_OVER_3MM = "increment_over_3mm"
    THICKNESS_OVER_3MM = "thickness_over_3mm"
    THIN_SLICES_NATIVE = "thin_slices_native"
    THICKNESS_UNKNOWN = "thickness_unknown"
    NOISE_HIGH = "noise_high"
    KVP_NOT_120 = "kvp_not_120"
    KVP_UNKNOWN = "kvp_unknown"
    KERNEL_UNKNOWN = "kernel_unknown"
    HEART_INCOMPLETE = "heart_incomplete"
    THICKNESS_OVER_5MM = "thickness_over_5mm"
    NOISE_VERY_HIGH = "noise_very_high"
    KVP_FAR_FROM_120 = "kvp_far_from_120"
    TIN_FILTER = "tin_filter"
    SHARP_KERNEL = "sharp_kernel"
    GAPS_BETWEEN_SLICES = "gaps_between_slices"
    DERIVED_IMAGE = "derived_image"
    MIXED_PROTOCOL = "mixed_protocol"
    LOSSY_COMPRESSION = "lossy_compression"
    BLOOD_POOL_UNKNOWN = "blood_pool_unknown"
    BLOOD_POOL_IMPLAUSIBLE = "blood_pool_implausible"
    FALSE_CALCIUM_MANY = "false_calcium_many"
    STENT_PRESENT = "stent_present"
    CLIPS_PRESENT = "clips_present"
    LEAD_PRESENT = "lead_present"
    VALVE_PROSTHESIS = "valve_prosthesis"
    METAL_NEAR_HEART = "metal_near_heart"
    STENT_POSSIBLE = "stent_possible"
    INCREMENT_OVER_5MM = "increment_over_5mm"
    FALSE_CALCIUM_EXTREME = "false_calcium_extreme"


# The table of the docstring; a test holds the two together.
RULES: dict[Flag, str] = {
    Flag.GATED: "A",
    Flag.NEAR_CATEGORY_EDGE: "A",
    Flag.SPECKS_ONLY: "A",
    Flag.PICTURE_FAILED: "A",
    Flag.RECONSTRUCTION_UNKNOWN: "A",
    Flag.ITERATIVE: "A",
    Flag.FRACTIONAL_HU: "A",
    Flag.STERNAL_WIRES: "A",
    Flag.DEEP_LEARNING: "B",
    Flag.MISSING_SLICE: "B",
    Flag.CONTRAST_TAG: "B",
    Flag.BLOOD_POOL_BRIGHT: "B",
    Flag.BLOOD_POOL_DARK: "B",
    Flag.FALSE_CALCIUM_UNKNOWN: "B",
    Flag.FALSE_CALCIUM_SOME: "B",
    Flag.MOTION: "B",
    Flag.INCREMENT_OVER_3MM: "B",
    Flag.THICKNESS_OVER_3MM: "B",
    Flag.THIN_SLICES_NATIVE: "B",
    Flag.THICKNESS_UNKNOWN: "B",
    Flag.NOISE_HIGH: "B",
    Flag.KVP_NOT_120: "B",
    Flag.KVP_UNKNOWN: "B",
    Flag.KERNEL_UNKNOWN: "B",
    Flag.HEART_INCOMPLETE: "C",
    Flag.THICKNESS_OVER_5MM: "C",
    Flag.NOISE_VERY_HIGH: "C",
    Flag.KVP_FAR_FROM_120: "C",
    Flag.TIN_FILTER: "C",
    Flag.SHARP_KERNEL: "C",
    Flag.GAPS_BETWEEN_SLICES: "C",
    Flag.DERIVED_IMAGE: "C",
    Flag.MIXED_PROTOCOL: "C",
    Flag.LOSSY_COMPRESSION: "C",
    Flag.BLOOD_POOL_UNKNOWN: "C",
    Flag.BLOOD_POOL_IMPLAUSIBLE: "C",
    Flag.FALSE_CALCIUM_MANY: "C",
    Flag.STENT_PRESENT: "C",
    Flag.CLIPS_PRESENT: "C",
    Flag.LEAD_PRESENT: "C",
    Flag.VALVE_PROSTHESIS: "C",
    Flag.METAL_NEAR_HEART: "C",
    Flag.STENT_POSSIBLE: "C",
    Flag.INCREMENT_OVER_5MM: "D",
    Flag.FALSE_CALCIUM_EXTREME: "D",
}
UNLISTED_FLAG_GRADE = "C"
_OF_RECONSTRUCTION = {
    Reconstruction.UNKNOWN.value: Flag.RECONSTRUCTION_UNKNOWN,
    Reconstruction.ITERATIVE.value: Flag.ITERATIVE,
    Reconstruction.DEEP_LEARNING.value: Flag.DEEP_LEARNING,
}

# Slice distances: 3 mm is the convention's own, 5 mm the most a routine scan may have. Positions
# in headers are rounded, hence the tolerance.
INCREMENT_MM = (3.0, 5.0)
MM_TOLERANCE = 0.01
# Slices this much further apart than thick leave a fifth of the heart unseen. OUR OWN: chest
# protocols have slices that touch or overlap, and roundings of both lengths stay below it.
GAP_FROM_THICKNESS = 1.25
# SD of the blood pool. SCCT asks for 20 HU, 23 HU in large people, of a calcium scan
# (Voros, J Cardiovasc Comput Tomogr 2011;5:75). Blood of 45 HU reaches 130 HU at 3.4 SD of
# 25 HU, and at 2.1 SD of 40 HU.
NOISE_HU = (25.0, 40.0)
# A counted lesion may be a stent from the volume of the smallest one's outline (8 by 2.25 mm) on,
# where inference gives it odds of calcium below 3 to 2. Of 14 people with plaque and no stent in a
# simulated hospital (`screening demo`) two have such a lesion; at 7 to 3 four would.
STENT_FROM_MM3, STENT_BELOW_PROBABILITY = 32.0, 0.6
# Units that noise alone would make along the coronary courses. One is the least that a lesion can
# score on 3 mm slices: from there on a lesion may be noise. Ten end Rumberger's class of minimal
# calcium (Mayo Clin Proc 1999;74:243): from there on noise alone makes more than that. At a hundred
# it makes a category of its own (`CATEGORY_EDGES`), and puts people without calcium on the list.
FALSE_AGATSTON = (
    (100.0, Flag.FALSE_CALCIUM_EXTREME),
    (10.0, Flag.FALSE_CALCIUM_MANY),
    (1.0, Flag.FALSE_CALCIUM_SOME),
)
# How much wider the heart's border is than still borders. Of 12 still simulated scans the highest
# was 0.24 mm, of 12 whose border moved by 2 mm the lowest 0.31; 1 mm is seldom seen
# (infra/quality-measured.md). On three real chests it was -0.05, 0.09 and 0.09.
MOTION_FROM_MM = 0.3
KVP_TOLERANCE = 1.0
KVP_NEAR = (100.0, 140.0)


def judge(
    volume: Volume,
    labelled: Labelled,
    agatston: float,
    certainty: Certainty,
    *,
    has_calcium: bool,
    lesions: tuple[Lesion, ...] = (),
    parameters: ScoringParameters = ScoringParameters(),  # noqa: B008 - frozen
) -> Quality:
    """Return the flags and the grade of one scan.

    Parameters
    ----------
    volume : Volume
    labelled : Labelled, metal named
    agatston : float, coronary total
    certainty : of that total
    has_calcium : a coronary voxel reached the threshold
    lesions : coronary
    parameters : of the score

    Returns
    -------
    Quality, flags sorted
    """
    blood = labelled.blood_pool
    acquisition = volume.acquisition
    false_agatston = expected_false_agatston(volume, labelled, parameters)
    blur_mm = border_blur_mm(volume, labelled)
    is_flagged = {
        Flag.GATED: acquisition.is_gated,
        Flag.NEAR_CATEGORY_EDGE: is_near_edge(certainty),
        Flag.SPECKS_ONLY: has_calcium and agatston == 0,
        Flag.MISSING_SLICE: len(gaps(volume)) > 0,
        Flag.CONTRAST_TAG: acquisition.has_contrast_tag,
        Flag.HEART_INCOMPLETE: labelled.is_heart_cut,
        Flag.MOTION: blur_mm is not None and blur_mm >= MOTION_FROM_MM,
        Flag.STENT_POSSIBLE: any(
            may_be_a_stent(lesion.volume_mm3, lesion.probability) for lesion in lesions
        ),
    }
    flags = {flag.value for flag, is_true in is_flagged.items() if is_true}
    flags |= _blood_flags(labelled) | _slice_flags(volume) | _protocol_flags(acquisition)
    if blood is not None:
        flags |= _false_calcium_flags(false_agatston)
    flags |= {kind.value for kind in kinds_of_metal(volume, labelled)}
    flags |= set(volume.flags)
    return Quality(
        noise_hu=None if blood is None else blood.sd_hu,
        grade=grade(tuple(flags)),
        flags=tuple(sorted(flags)),
        expected_false_agatston=false_agatston,
        border_blur_mm=blur_mm,
        blood_hu=None if blood is None else blood.mean_hu,
    )


def judge_header(volume: Volume) -> Quality:
    """Return the flags that header and slices alone give, for a score without a model.

    What is measured in blood and heart is None, and no flag tells of it.
    """
    acquisition = volume.acquisition
    is_flagged = {
        Flag.GATED: acquisition.is_gated,
        Flag.MISSING_SLICE: len(gaps(volume)) > 0,
        Flag.CONTRAST_TAG: acquisition.has_contrast_tag,
        Flag.THIN_SLICES_NATIVE: volume.slice_mm < THIN_BELOW_MM,
    }
    flags = {flag.value for flag, is_true in is_flagged.items() if is_true}
    flags |= _slice_flags(volume) | _protocol_flags(acquisition) | set(volume.flags)
    return Quality(noise_hu=None, grade=grade(tuple(flags)), flags=tuple(sorted(flags)))


def with_flag(quality: Quality, flag: Flag) -> Quality:
    """Add a flag."""
    flags = tuple(sorted({*quality.flags, flag.value}))
    return replace(quality, flags=flags, grade=grade(flags))


def without(quality: Quality, flag: Flag) -> Quality:
    """Take a flag back."""
    left = tuple(f for f in quality.flags if f != flag)
    return replace(quality, flags=left, grade=grade(left))


def grade(flags: tuple[str, ...]) -> str:
    """Return the worst grade that any flag allows, A without flags."""
    known = {flag.value: best for flag, best in RULES.items()}
    return max((known.get(flag, UNLISTED_FLAG_GRADE) for flag in flags), default="A")


def may_be_a_stent(volume_mm3: float, probability: float) -> bool:
    """Whether a lesion that counted may be a stent: as large as one, and not surely calcium.

    Parameters
    ----------
    volume_mm3 : of the lesion
    probability : of calcium, as inference gave it
    """
    return volume_mm3 >= STENT_FROM_MM3 and probability < STENT_BELOW_PROBABILITY


def _blood_flags(labelled: Labelled) -> set[str]:
    blood = labelled.blood_pool
    if blood is None:
        return {Flag.BLOOD_POOL_UNKNOWN.value}
    flags = set()
    if blood.mean_hu < BLOOD_IMPLAUSIBLE_BELOW_HU:
        flags.add(Flag.BLOOD_POOL_IMPLAUSIBLE.value)
    elif blood.mean_hu < BLOOD_DARK_BELOW_HU:
        flags.add(Flag.BLOOD_POOL_DARK.value)
    if blood.mean_hu >= BLOOD_BRIGHT_FROM_HU:
        flags.add(Flag.BLOOD_POOL_BRIGHT.value)
    if blood.sd_hu > NOISE_HU[1]:
        flags.add(Flag.NOISE_VERY_HIGH.value)
    elif blood.sd_hu > NOISE_HU[0]:
        flags.add(Flag.NOISE_HIGH.value)
    return flags


def _false_calcium_flags(agatston: float | None) -> set[str]:
    if agatston is None:
        return {Flag.FALSE_CALCIUM_UNKNOWN.value}
    reached = [flag.value for least, flag in FALSE_AGATSTON if agatston >= least]
    return set(reached[:1])


def _slice_flags(volume: Volume) -> set[str]:
    flags = set()
    wide, too_wide = (mm + MM_TOLERANCE for mm in INCREMENT_MM)
    if volume.increment_mm > too_wide:
        flags.add(Flag.INCREMENT_OVER_5MM.value)
    elif volume.increment_mm > wide:
        flags.add(Flag.INCREMENT_OVER_3MM.value)
    thickness_mm = volume.acquisition.slice_thickness_mm
    if thickness_mm is None:
        flags.add(Flag.THICKNESS_UNKNOWN.value)
    elif thickness_mm > too_wide:
        flags.add(Flag.THICKNESS_OVER_5MM.value)
    elif thickness_mm > wide:
        flags.add(Flag.THICKNESS_OVER_3MM.value)
    if thickness_mm and volume.increment_mm > GAP_FROM_THICKNESS * thickness_mm + MM_TOLERANCE:
        flags.add(Flag.GAPS_BETWEEN_SLICES.value)
    return flags


def _protocol_flags(acquisition: Acquisition) -> set[str]:
    flags = set()
    kvp = acquisition.kvp
    if kvp is None:
        flags.add(Flag.KVP_UNKNOWN.value)
    elif not KVP_NEAR[0] - KVP_TOLERANCE <= kvp <= KVP_NEAR[1] + KVP_TOLERANCE:
        flags.add(Flag.KVP_FAR_FROM_120.value)
    elif abs(kvp - 120.0) > KVP_TOLERANCE:
        flags.add(Flag.KVP_NOT_120.value)
    if acquisition.has_tin_filter:
        flags.add(Flag.TIN_FILTER.value)
    if acquisition.reconstruction in _OF_RECONSTRUCTION:
        flags.add(_OF_RECONSTRUCTION[acquisition.reconstruction].value)
    found = sharpness(acquisition.kernel)
    if found is None:
        flags.add(Flag.KERNEL_UNKNOWN.value)
    elif found is Sharpness.SHARP:
        flags.add(Flag.SHARP_KERNEL.value)
    return flags
