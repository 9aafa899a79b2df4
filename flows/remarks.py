"""What each quality flag and grade means to a reader, in a sentence.

Comes in: flags and grades of a score. Goes out: sentences.
Refuses: nothing; a flag without a sentence is told in the words of `screening.flag_words`.

What sets a flag, with numbers and sources, is in `screening/scoring/grades.py`.
"""

from collections.abc import Iterable

from flows import words

GRADES = {
    "A": "A, good: as a calcium scan, apart from gating.",
    "B": "B, usable: the score may be off by more than two scans usually differ.",
    "C": "C, doubtful: for the reasons below the score may be far off; use it only where nothing "
    "better exists.",
    "D": "D, not to be used.",
}
EXPLAINED = {
    "gated": "The scan is ECG-gated, so the heart is less blurred than on a routine scan.",
    "near_category_edge": "The score lies close to the edge of its category; "
    "a second scan could well fall on the other side.",
    "reconstruction_unknown": "The header does not say how the images were computed; iterative and "
    "deep-learning methods score lower.",
    "iterative": "The images were reconstructed iteratively, which lowers scores a little.",
    "deep_learning": "The images were reconstructed by deep learning, "
    "which is known to lower scores.",
    "picture_failed": "No picture could be drawn; the score stands all the same.",
    "stent_possible": "Something bright may be a stent or plaque, and the model is unsure which. "
    "If a stent was counted, the score is too high; if plaque was left out, too low.",
    "specks_only": "There are bright specks, all of them too small for the convention to count.",
    "missing_slice": "One or more slices are missing, away from the heart.",
    "contrast_tag": "The header speaks of contrast agent, but the blood looks as it does without.",
    "blood_pool_dark": "The blood is as dark as in the severest anaemia, or something else was "
    "taken for blood.",
    "blood_pool_bright": "The blood is brighter than usual; with a little contrast agent in it, "
    "the score would be too high.",
    "increment_over_3mm": "The slices are more than 3 mm apart, so small deposits average away.",
    "thickness_over_3mm": "The slices are thicker than 3 mm, so small deposits average away.",
    "thin_slices_native": "The mask was scored on the thin slices it was drawn on; without a mask "
    "their averages are scored, which makes less of noise.",
    "calcium_very_bright": "Something that counts is brighter than calcium usually is, or small "
    "and as bright as a surgical clip can be. If it is metal, the score is too high.",
    "calcium_possible": "Something on or beside an artery was taken for something else and not "
    "counted, but it may be calcium: the score is then too low, and of a higher category.",
    "heart_on_the_right": "The heart lies on the right: the images may be mirrored, or the heart "
    "is shifted or lies so. Arteries may be mistaken for each other, and the score be wrong.",
    "mask_alone": "Only the mask was scored: contrast agent, noise, motion and metal were not "
    "looked for.",
    "thickness_unknown": "The header does not say how thick the slices are.",
    "noise_high": "The images are noisy: single bright specks may be noise.",
    "kvp_not_120": "The tube voltage was not 120 kV, for which the score is defined: a lower one "
    "makes calcium brighter and scores higher, a higher one the opposite.",
    "kvp_unknown": "The headers do not say one tube voltage for the whole scan.",
    "kernel_unknown": "It is not known how much the reconstruction sharpens edges.",
    "heart_incomplete": "The scan cuts the heart off: there may be more calcium than was seen.",
    "thickness_over_5mm": "The slices are thicker than 5 mm: small deposits are lost.",
    "noise_very_high": "The images are so noisy that noise alone can pass for calcium.",
    "kvp_far_from_120": "The tube voltage was far from 120 kV, for which the score is defined.",
    "tin_filter": "A tin filter hardened the beam: calcium scores lower than the tube voltage "
    "tells, and neither thresholds nor mass factor are known for it.",
    "sharp_kernel": "The reconstruction sharpens edges, which makes noise and edges "
    "pass for calcium.",
    "gaps_between_slices": "The slices are further apart than they are thick: part of the heart "
    "was never imaged, and what was seen stands for it, so that the score may be off either way.",
    "derived_image": "The images were computed from other images (reformatted, projected or "
    "spectral), which moves and changes calcium.",
    "coarse_hu": "The pixel values lie more than 2 HU apart: small differences at the thresholds "
    "are lost, and with them small calcium.",
    "lossy_compression": "The images were compressed with loss on their way: small and faint "
    "calcium may be gone or changed, by an unknown amount.",
    "mixed_protocol": "Tube voltage, kernel or thickness differ between slices: the score mixes "
    "scans that measure calcium differently.",
    "blood_pool_unknown": "No blood pool was found to measure, so contrast agent and noise cannot "
    "be judged.",
    "blood_pool_implausible": "The blood is darker than blood can be: "
    "the pixel values may not be Hounsfield units.",
    "fractional_hu": "The scan's HU have fractions, which are rounded down; that moves no value "
    "across the convention's thresholds.",
    "sternal_wires": "What look like steel wires hold the breastbone together; they lie away "
    "from the heart.",
    "false_calcium_unknown": "Too little even blood was seen to tell what noise alone would make; "
    "a small score may be noise.",
    "false_calcium_extreme": "Noise alone would make a hundred Agatston units or more on this "
    "scan: the score is not to be used.",
    "false_calcium_some": "Noise alone would make one Agatston unit or more on this scan.",
    "false_calcium_many": "Noise alone would make ten Agatston units or more on this scan.",
    "motion": "The heart moved while it was scanned: small deposits blur, large ones may double.",
    "stent_present": "Something long and evenly bright was taken for a stent. It is not in "
    "the score, nor is calcium that touches it; if it is dense calcium, the score is too low. "
    "A stent that was not told from calcium would make it too high.",
    "clips_present": "What look like surgical clips were seen; arteries may have been bypassed. "
    "They are not in the score; if they are dense calcium, the score is too low. One that was not "
    "told from calcium would make it too high.",
    "lead_present": "What looks like a pacemaker lead runs through the heart; its streaks can pass "
    "for calcium.",
    "valve_prosthesis": "What looks like an artificial valve was seen; its streaks can pass for "
    "calcium.",
    "metal_near_heart": "Something near the heart looks like metal, whose streaks can pass for "
    "calcium. It is not in the score; if it is dense calcium, the score is too low.",
    "increment_over_5mm": "The slices are more than 5 mm apart: the score is not to be used.",
}


def grade(value: object) -> str:
    """Say what a grade means."""
    return GRADES.get(str(value), f"{value}.")


def explained(flags: Iterable[object]) -> tuple[str, ...]:
    """Say what each flag means."""
    return tuple(
        EXPLAINED.get(str(flag), f"{words.remarks([flag]).capitalize()}.") for flag in flags
    )
