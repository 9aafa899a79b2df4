"""What each flag of a score's quality says, in a few words.

Comes in: a flag. Goes out: words for it.
Refuses: nothing; an unknown flag is told by its name.

Metal is told as what it looks like: a network and a brightness tell it, nobody has seen it.
What sets a flag, with numbers and sources, is in `screening/scoring/grades.py`.
"""

REMARKS = {
    "gated": "ECG-gated scan",
    "near_category_edge": "score close to the edge of its category",
    "reconstruction_unknown": "method of reconstruction unknown",
    "iterative": "iterative reconstruction",
    "deep_learning": "deep-learning reconstruction, which lowers scores",
    "picture_failed": "no picture could be drawn",
    "stent_present": "what looks like a coronary stent, which is not counted",
    "clips_present": "what look like surgical clips, which are not counted",
    "lead_present": "what looks like a pacemaker or defibrillator lead, which is not counted",
    "valve_prosthesis": "what looks like an artificial heart valve, which is not counted",
    "fractional_hu": "HU with fractions, rounded down",
    "sternal_wires": "what look like wires round the breastbone",
    "false_calcium_unknown": "what noise alone would make cannot be told",
    "false_calcium_extreme": "so noisy that noise alone makes a score of 100 or more",
    "false_calcium_some": "so noisy that a small score may be noise",
    "false_calcium_many": "so noisy that noise alone makes a score of 10 or more",
    "motion": "the heart is blurred by its motion",
    "stent_possible": "a stent may have been taken for calcium, or calcium for a stent",
    "specks_only": "only specks of calcium",
    "missing_slice": "a slice is missing outside the heart",
    "contrast_tag": "the header speaks of contrast agent",
    "blood_pool_dark": "dark blood pool",
    "blood_pool_bright": "bright blood pool",
    "increment_over_3mm": "slices more than 3 mm apart",
    "thickness_over_3mm": "slices thicker than 3 mm",
    "thin_slices_native": "thin slices scored as they are",
    "calcium_very_bright": "calcium as bright as metal",
    "calcium_possible": "something not counted may be calcium",
    "heart_on_the_right": "the heart lies on the right, or the images are mirrored",
    "mask_alone": "scored by a mask alone",
    "thickness_unknown": "slice thickness unknown",
    "noise_high": "noisy images",
    "kvp_not_120": "tube voltage not 120 kV",
    "kvp_unknown": "tube voltage unknown",
    "kernel_unknown": "reconstruction kernel unknown",
    "heart_incomplete": "the heart is not complete",
    "thickness_over_5mm": "slices thicker than 5 mm",
    "noise_very_high": "very noisy images",
    "kvp_far_from_120": "tube voltage far from 120 kV",
    "tin_filter": "tin-filtered beam",
    "sharp_kernel": "sharp reconstruction kernel",
    "gaps_between_slices": "gaps between the slices",
    "derived_image": "images computed from other images",
    "coarse_hu": "pixel values in coarse steps",
    "lossy_compression": "images compressed with loss",
    "mixed_protocol": "slices scanned or computed in different ways",
    "blood_pool_unknown": "blood pool not found",
    "blood_pool_implausible": "implausible blood pool",
    "metal_near_heart": "what looks like metal near the heart, which is not counted",
    "increment_over_5mm": "slices more than 5 mm apart",
}


def remark(flag: str) -> str:
    """Return what a flag says."""
    return REMARKS.get(flag, flag.replace("_", " "))
