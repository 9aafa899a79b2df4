"""Whether a score is "at least" that much: by the flags of its quality, everywhere the same.

Comes in: a score and its flags.
Goes out: whether there may be more calcium, whether the score is a lower bound, or off either way.
Refuses: nothing; an unknown flag says nothing of it.
"""

from collections.abc import Iterable

# Under these calcium is lost and nothing but calcium is counted for them: arteries outside the
# images, calcium that touches metal and is left out with it, or was taken for something else.
LOWER_BOUND_FLAGS = frozenset(
    {
        "heart_incomplete",
        "stent_present",
        "clips_present",
        "lead_present",
        "valve_prosthesis",
        "metal_near_heart",
        "calcium_possible",
    }
)
# Under these no interval measured on whole, clean scans holds: metal, contrast agent or noise may
# have been counted, or what was seen stands for what was not.
NOTHING_KNOWN_FLAGS = frozenset(
    {
        "stent_possible",
        "gaps_between_slices",
        "calcium_very_bright",
        "heart_on_the_right",
        "false_calcium_many",
        "false_calcium_extreme",
        "noise_very_high",
        "blood_pool_implausible",
        "blood_pool_unknown",
        "increment_over_5mm",
        "thickness_over_5mm",
        "kvp_far_from_120",
        "tin_filter",
        "sharp_kernel",
        "derived_image",
        "mixed_protocol",
        "lossy_compression",
        "kvp_unknown",
        "coarse_hu",
    }
)
# Of these, those under which what counted may be no calcium at all.
_MAY_BE_NONE_FLAGS = frozenset(
    {
        "calcium_very_bright",
        "false_calcium_many",
        "false_calcium_extreme",
        "noise_very_high",
        "heart_on_the_right",
    }
)
# With an unknown kernel volume and mass are as sure as else; a sharp one raises the score more.
SCORE_UNKNOWN_FLAGS = NOTHING_KNOWN_FLAGS | {"kernel_unknown"}
# Under these the interval stands, for seldom or by little is something counted that is no calcium;
# but "at least" is a promise. A clip or stent that was not found counts beside those that were (in
# 5 of 79 simulated people with clips), streaks can pass for calcium, contrast agent and noise add.
_MAY_BE_COUNTED_FLAGS = frozenset(
    {
        "stent_present",
        "clips_present",
        "lead_present",
        "valve_prosthesis",
        "metal_near_heart",
        "blood_pool_bright",
        "contrast_tag",
        "false_calcium_some",
    }
)
MAY_BE_TOO_MUCH_FLAGS = SCORE_UNKNOWN_FLAGS | _MAY_BE_COUNTED_FLAGS
# Below a threshold these leave open what is above it. What may be a stent may also be calcium left
# out, and between slices that are apart calcium is unseen.
MAY_BE_MORE_FLAGS = LOWER_BOUND_FLAGS | {"stent_possible", "gaps_between_slices"}


def may_be_more(flags: Iterable[str]) -> bool:
    """Whether calcium may be missing from a score."""
    return not MAY_BE_MORE_FLAGS.isdisjoint(flags)


def is_lower_bound(agatston: float, flags: Iterable[str]) -> bool:
    """Whether there is that much calcium at least: some may be missing, and none is too much.

    Of a zero nothing can be too much. Any other score is a bound only where nothing speaks for
    anything but calcium in it.
    """
    given = set(flags)
    return may_be_more(given) and (agatston == 0 or MAY_BE_TOO_MUCH_FLAGS.isdisjoint(given))


def is_off_either_way(agatston: float, flags: Iterable[str]) -> bool:
    """Whether calcium may be missing from a score, and some of it may be none."""
    given = set(flags)
    return may_be_more(given) and not is_lower_bound(agatston, given)


def may_be_too_high(agatston: float, flags: Iterable[str]) -> bool:
    """Whether noise, metal or the wrong side may have made a score, and nothing hides calcium."""
    given = set(flags)
    return agatston > 0 and not may_be_more(given) and not _MAY_BE_NONE_FLAGS.isdisjoint(given)
