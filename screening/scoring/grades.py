"""What a score's quality may be marked with, and the grade each mark allows.

Comes in: flags. Goes out: a grade.
Refuses: nothing; a flag that is in no table allows C at best.

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
| contrast_tag          | B       | the header says contrast, the blood is unenhanced (or a mask) |
| blood_pool_bright     | B       | blood 65 to 80 HU                                             |
| blood_pool_dark       | B       | blood 0 to 20 HU: severest anaemia, or not blood alone        |
| false_calcium_unknown | B       | blood seen, but too little to tell what noise alone would make|
| false_calcium_some    | B       | noise alone would make 1 Agatston unit or more                |
| motion                | B       | the heart's border is blurred by its motion                   |
| increment_over_3mm    | B       | slices 3 to 5 mm apart: small calcium averages away           |
| thickness_over_3mm    | B       | slices thicker than 3 mm, however close: the same             |
| thin_slices_native    | B       | a mask on slices under 2 mm: without one, averages are scored |
| mask_alone            | B       | scored by a mask: contrast, noise and motion were not looked at|
| thickness_unknown     | B       | no slice thickness in the header                              |
| noise_high            | B       | blood SD over 25 HU (the SCCT aim is 20, 23 in large people)  |
| kvp_not_120           | B       | 130 HU means another density at 100 to 140 kV other than 120  |
| kvp_unknown           | B       | no tube voltage, or several                                   |
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
| coarse_hu             | C       | one step of the pixels (rescale slope) is more than 2 HU      |
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
| calcium_very_bright   | C       | counts, but is over 1560 HU, or over 1000 and calcium at less |
|                       |         | than 0.97, or over 800, small as a clip and at less than 0.98 |
| calcium_possible      | C       | not counted, but at 0.25 calcium (or at 0.1 that or metal, as |
|                       |         | pericardium, node, annulus, airway), and of another category  |
| heart_on_the_right    | C       | pixels mirrored, or such a heart: arteries are mistaken       |
| increment_over_5mm    | D       | slices more than 5 mm apart                                   |
| false_calcium_extreme | D       | noise alone would make 100 Agatston units: a category         |

A flag of the reading that is not in this table is kept and allows C at best: nobody has said
what it does to a score.
"""

from enum import StrEnum


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
    CALCIUM_VERY_BRIGHT = "calcium_very_bright"
    CALCIUM_POSSIBLE = "calcium_possible"
    HEART_ON_THE_RIGHT = "heart_on_the_right"
    MASK_ALONE = "mask_alone"
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
    COARSE_HU = "coarse_hu"
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
    Flag.MASK_ALONE: "B",
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
    Flag.COARSE_HU: "C",
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
    Flag.CALCIUM_VERY_BRIGHT: "C",
    Flag.CALCIUM_POSSIBLE: "C",
    Flag.HEART_ON_THE_RIGHT: "C",
    Flag.INCREMENT_OVER_5MM: "D",
    Flag.FALSE_CALCIUM_EXTREME: "D",
}
UNLISTED_FLAG_GRADE = "C"


def grade(flags: tuple[str, ...]) -> str:
    """Return the worst grade that any flag allows, A without flags."""
    known = {flag.value: best for flag, best in RULES.items()}
    return max((known.get(flag, UNLISTED_FLAG_GRADE) for flag in flags), default="A")
