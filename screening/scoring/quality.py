"""How far a score can be trusted.

Comes in: a `Volume`, its `Labelled`, and the measured totals.
Goes out: `Quality`: noise, what it would make of itself, blur of the heart's border, flags, and a
grade that follows from the flags (`grades`).
Refuses: nothing; what cannot be measured at all is refused before.
"""

from dataclasses import replace

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
from screening.scoring.grades import Flag, grade
from screening.scoring.left_out import is_heart_on_the_right, may_be_of_higher_category
from screening.scoring.metal_kinds import kinds_of_metal
from screening.scoring.motion import border_blur_mm
from screening.scoring.noise import expected_false_agatston
from screening.scoring.parameters import (
    BLOOD_BRIGHT_FROM_HU,
    BLOOD_DARK_BELOW_HU,
    BLOOD_IMPLAUSIBLE_BELOW_HU,
)

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
# (infra/quality-measured.md). On three real chests it was -0.11, 0.09 and 0.00.
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
        Flag.CALCIUM_POSSIBLE: may_be_of_higher_category(volume, labelled, agatston, parameters),
        Flag.HEART_ON_THE_RIGHT: is_heart_on_the_right(volume, labelled),
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

    What is measured in blood and heart is None; `mask_alone` tells that nobody looked.
    """
    acquisition = volume.acquisition
    is_flagged = {
        Flag.GATED: acquisition.is_gated,
        Flag.MISSING_SLICE: len(gaps(volume)) > 0,
        Flag.CONTRAST_TAG: acquisition.has_contrast_tag,
        Flag.THIN_SLICES_NATIVE: volume.slice_mm < THIN_BELOW_MM,
        Flag.MASK_ALONE: True,
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
