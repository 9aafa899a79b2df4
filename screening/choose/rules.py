"""Which series may be worked: every rule and every threshold, in order.

Comes in: one `Series` and the `People` who may not be worked.
Goes out: every reason against it, in the order of `RULES`; the first decides.
Refuses: nothing.

Words alone never say that a scan of a chest's size shows no chest: descriptions are often wrong,
and the image says itself whether a heart is in it. BodyPartExamined was wrong in 15 % of series in
Gueld et al., Proc SPIE 2002;4685:280. How the images were made or computed, which no pixel tells
(a projection, a spectral map, a breath held out), is taken from tags, ImageType and the series'
own words. What a study is called excludes no original images.
"""

from collections.abc import Callable
from dataclasses import dataclass

from screening.choose.formal import is_formal_score
from screening.choose.regions import is_elsewhere
from screening.choose.size import coverage_mm
from screening.header_values import OWN_MANUFACTURER
from screening.privacy import safe_text
from screening.reasons import Reason
from screening.records import Series
from screening.vocabulary import (
    DERIVED_TYPES,
    PHASE_TYPES,
    PROJECTION_TYPES,
    PURPOSE_TYPES,
    SCOUT_TYPES,
    SPECTRAL_TYPES,
    image_type_says,
)

# CT, enhanced CT, legacy converted enhanced CT.
CT_CLASSES = frozenset(f"1.2.840.10008.5.1.4.1.1.2{suffix}" for suffix in ("", ".1", ".2"))
SECONDARY_CAPTURE_CLASSES = frozenset(
    f"1.2.840.10008.5.1.4.1.1.7{suffix}" for suffix in ("", ".1", ".2", ".3", ".4")
)

# What a score's result is kept in: structured reports (but for those of dose and of other CAD),
# encapsulated documents, captures; and what a modality of theirs holds.
DOCUMENT_CLASSES = SECONDARY_CAPTURE_CLASSES | frozenset(
    f"1.2.840.10008.5.1.4.1.1.{tail}"
    for tail in ("88.11", "88.22", "88.33", "88.34", "88.35", "104.1", "104.2")
)
DOCUMENT_MODALITIES = frozenset(("CT", "SR", "DOC", "OT", "SC"))

# Scouts and dose reports are one to a few images; a longer series is a scan, whatever words say.
FEW_SLICES = 5
# Chest protocols do not tilt the gantry. Up to 3 degrees the ends of a heart shift by 6 mm
# against each other and areas change by 0.1 %; cosines rounded to 0.9999 alone make 0.8 degrees.
TILT_MAX_DEGREES = 3.0
# An adult heart is about 12 cm from base to apex, lying aslant (Gray's Anatomy); calcium scans
# cover 10 to 15 cm (McCollough et al., Radiology 2007;243:527). What is shorter cannot hold one.
HEART_MIN_COVERAGE_MM = 100.0
# Agatston's slices were 3 mm (JACC 1990;15:827). Chest CT up to 5 mm still orders people by
# risk (Hecht et al., SCCT/STR guideline, JCCT 2017;11:74); beyond, small lesions vanish.
INCREMENT_MAX_MM = 5.0
# Positions are written to a hundredth of a millimetre or so: 5.004 is 5.
INCREMENT_ROUNDING_MM = 0.01
# Slices overlap by half where they overlap (5 mm at 2.5): two images a thickness hold what there is
# (the sampling theorem), three are the most that is made. Thicker than a chest's slices (5 mm) and
# at a third of its thickness or less, an image is a slab that was put together from slices.
SLAB_MIN_THICKNESS_MM = 5.0
SLAB_MIN_OVERLAP = 3.0
MIN_ADULT_AGE = 18.0
_OF_THE_HEART = frozenset({"heart", "calcium_score", "gated"})
_BREATHS = frozenset({"inspiratory", "expiratory"})


@dataclass(frozen=True, slots=True)
class People:
    """Person keys that decide before any image does."""

    opted_out: frozenset[str] = frozenset()
    conflicted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """A reason, when it applies, and why the rule exists."""

    reason: Reason
    applies: Callable[[Series, People], bool]
    why: str


def _is_conflicted(series: Series, people: People) -> bool:
    return series.has_several_owners or series.person_key in people.conflicted


def _is_opted_out(series: Series, people: People) -> bool:
    return series.person_key in people.opted_out


def _is_rejected(series: Series, _: People) -> bool:
    return bool(series.rejection)


def _is_not_ct(series: Series, _: People) -> bool:
    known = CT_CLASSES | SECONDARY_CAPTURE_CLASSES | {""}
    return series.modality != "CT" or series.sop_class_uid not in known


def _is_localizer(series: Series, _: People) -> bool:
    if _image_type_says(series, SCOUT_TYPES):
        return True
    return "localizer" in series.terms and series.n_slices <= FEW_SLICES


def _is_secondary_capture(series: Series, _: People) -> bool:
    return (
        series.sop_class_uid in SECONDARY_CAPTURE_CLASSES
        or series.is_converted
        or _image_type_says(series, r"SCREEN ?SAVE|SCREEN ?SHOT|SECONDARY CAPTURE|DOSE INFO")
        or _is_made_as(series, "cad_overlay")
        or ("dose_report" in series.terms and series.n_slices <= FEW_SLICES)
    )


def _is_score_document(series: Series, people: People) -> bool:
    is_document = series.sop_class_uid in DOCUMENT_CLASSES or (
        series.modality == "CT" and _is_secondary_capture(series, people)
    )
    return (
        is_document
        and series.modality in DOCUMENT_MODALITIES
        and "calcium_score" in series.own_terms
        and "dose_report" not in series.own_terms
        and series.manufacturer != safe_text(OWN_MANUFACTURER)
    )


def _is_derived(series: Series, _: People) -> bool:
    return _is_made_as(series, "subtraction") or _image_type_says(series, DERIVED_TYPES)


def _is_mip(series: Series, _: People) -> bool:
    return (
        _is_made_as(series, "mip") or _is_slab(series) or _image_type_says(series, PROJECTION_TYPES)
    )


def _is_virtual(series: Series, _: People) -> bool:
    return _is_made_as(series, "spectral") or _image_type_says(series, SPECTRAL_TYPES)


def _is_other_phase(series: Series, _: People) -> bool:
    is_in_phases = _is_taken_as(series, "phase_4d") or series.follows_breath
    # In a study of 4-D a series with a percentage of its own is one of the phases.
    is_one_of_many = "percent" in series.own_terms and "phase_4d" in series.terms
    is_told = is_in_phases or is_one_of_many or _is_breathed_out(series)
    return is_told or _is_phase_alone(series) or _image_type_says(series, PHASE_TYPES)


def _is_phase_alone(series: Series) -> bool:
    """Tell whether a series is called by a phase ("Phase 50%"), and that is none of a heartbeat."""
    is_of_heart = series.is_gated or bool(_OF_THE_HEART & set(series.terms))
    return "percent_phase" in series.own_terms and not is_of_heart


def _is_breathed_out(series: Series) -> bool:
    """Tell whether a breath held out is named, by the series itself, else by its protocol.

    "Inspiration and expiration" names both, not which of the two this is.
    """
    is_original = _image_type_says(series, "ORIGINAL")
    said = (series.own_terms, series.protocol_terms, () if is_original else series.terms)
    told = next((terms for terms in said if _BREATHS & set(terms)), ())
    return _BREATHS & set(told) == {"expiratory"}


def _is_other_purpose(series: Series, _: People) -> bool:
    is_named = any(_is_taken_as(series, w) for w in ("planning", "interventional", "cone_beam"))
    return is_named or _image_type_says(series, PURPOSE_TYPES)


def _is_not_hu(series: Series, _: People) -> bool:
    return not series.is_hu


def _is_not_axial(series: Series, _: People) -> bool:
    return series.orientation != "axial"


def _is_tilted(series: Series, _: People) -> bool:
    return series.tilt_degrees > TILT_MAX_DEGREES


def _is_too_short(series: Series, _: People) -> bool:
    return coverage_mm(series) < HEART_MIN_COVERAGE_MM


def _is_not_chest(series: Series, _: People) -> bool:
    return is_elsewhere(series)


def _is_formal_score(series: Series, _: People) -> bool:
    return is_formal_score(series)


def _has_contrast(series: Series, _: People) -> bool:
    return series.has_contrast_tag and "unenhanced" not in series.terms


def _is_coarse(series: Series, _: People) -> bool:
    increment_mm = series.increment_mm
    return increment_mm is not None and increment_mm > INCREMENT_MAX_MM + INCREMENT_ROUNDING_MM


def _is_minor(series: Series, _: People) -> bool:
    return series.age_years is not None and series.age_years < MIN_ADULT_AGE


def _has_no_date(series: Series, _: People) -> bool:
    return series.acquired_on is None


# The order is the order of the reasons: whose image, what kind, what it shows, how well.
RULES: tuple[Rule, ...] = (
    Rule(Reason.IDENTITY_CONFLICT, _is_conflicted, "Nobody is guessed: a score needs one owner."),
    Rule(Reason.OPTED_OUT, _is_opted_out, "The person said no."),
    Rule(Reason.REJECTED_IN_ARCHIVE, _is_rejected, "Who made the images takes them back."),
    Rule(Reason.NOT_CT, _is_not_ct, "Hounsfield units exist in CT alone."),
    Rule(
        Reason.CALCIUM_SCORE_DOCUMENT, _is_score_document, "It tells a score: evidence, no image."
    ),
    Rule(Reason.LOCALIZER, _is_localizer, "A scout is a projection, not slices."),
    Rule(Reason.SECONDARY_CAPTURE, _is_secondary_capture, "A capture holds grey levels, not HU."),
    Rule(Reason.DERIVED, _is_derived, "Reformatting smooths peaks and moves them."),
    Rule(Reason.MIP, _is_mip, "A projection counts the same calcium in many slices."),
    Rule(Reason.VIRTUAL_NON_CONTRAST, _is_virtual, "Spectral images weaken or invent calcium."),
    Rule(Reason.OTHER_PHASE, _is_other_phase, "Breathed out or in phases, the heart is smeared."),
    Rule(Reason.OTHER_PURPOSE, _is_other_purpose, "Needles and cone beams change the image."),
    Rule(Reason.NOT_HU, _is_not_hu, "The 130 HU threshold needs Hounsfield units."),
    Rule(Reason.NOT_AXIAL, _is_not_axial, "The Agatston score is defined on axial slices."),
    Rule(Reason.NOT_CHEST, _is_not_chest, "Words and size both say that no heart is in it."),
    Rule(
        Reason.GATED_CALCIUM_SCORE, _is_formal_score, "It is the formal score: evidence, not work."
    ),
    Rule(Reason.CONTRAST_TAG, _has_contrast, "Contrast agent is as bright as calcium."),
    Rule(Reason.TILT_UNCORRECTED, _is_tilted, "Tilted stacks shear the anatomy."),
    Rule(Reason.TOO_FEW_SLICES, _is_too_short, "The stack is shorter than a heart."),
    Rule(Reason.INCREMENT_OVER_5MM, _is_coarse, "Small lesions vanish between coarse slices."),
    Rule(Reason.MINOR, _is_minor, "The risk equations and the policy are for adults."),
)

# What does not stop a measurement but must be known later: without a date the scan is scored,
# but it can be nobody's index scan.
CAVEATS: tuple[Rule, ...] = (
    Rule(Reason.NO_SCAN_DATE, _has_no_date, "The clocks of risk and flag need the scan's date."),
)

_NO_SLICES = frozenset((Reason.NOT_CT, Reason.CALCIUM_SCORE_DOCUMENT))


def reasons_for(series: Series, people: People) -> tuple[Reason, ...]:
    """Return every reason against a series, in rule order; empty where it is eligible.

    What is no CT, or tells a score, is not judged further: it has no slices.
    """
    reasons: list[Reason] = []
    for rule in RULES:
        if rule.applies(series, people):
            reasons.append(rule.reason)
        if rule.reason is Reason.CALCIUM_SCORE_DOCUMENT and _NO_SLICES & set(reasons):
            break
    return tuple(reasons)


def caveats_for(series: Series) -> tuple[Reason, ...]:
    """Return what is to be known about an eligible series."""
    return tuple(rule.reason for rule in CAVEATS if rule.applies(series, People()))


def detail_of(series: Series, reason: Reason) -> str:
    """Return the measure that a reason rests on, without identity; empty where there is none."""
    details: dict[Reason, str] = {
        Reason.REJECTED_IN_ARCHIVE: f"rejection note {series.rejection}",
        Reason.NOT_AXIAL: f"orientation {series.orientation}",
        Reason.TILT_UNCORRECTED: f"tilt {series.tilt_degrees:.1f} degrees",
        Reason.TOO_FEW_SLICES: f"{series.n_slices} slices over {coverage_mm(series):.0f} mm",
        Reason.NOT_CHEST: " ".join(series.terms),
        Reason.INCREMENT_OVER_5MM: f"increment {series.increment_mm or 0.0:.2f} mm",
    }
    return details.get(reason, "")


def _is_made_as(series: Series, term: str) -> bool:
    """Tell whether words say how the images were computed.

    A study is named after all that is made in it, a protocol after all that it makes ("CT chest
    with MIPs"): of original images neither is believed.
    """
    is_original = _image_type_says(series, "ORIGINAL")
    return term in (series.own_terms if is_original else series.terms)


def _is_taken_as(series: Series, term: str) -> bool:
    """Tell whether words say how the body was scanned, which a protocol tells too."""
    return term in series.protocol_terms or _is_made_as(series, term)


def _is_slab(series: Series) -> bool:
    thickness_mm, increment_mm = series.thickness_mm, series.increment_mm
    if thickness_mm is None or increment_mm is None or thickness_mm <= SLAB_MIN_THICKNESS_MM:
        return False
    return thickness_mm > SLAB_MIN_OVERLAP * increment_mm


def _image_type_says(series: Series, words: str) -> bool:
    return image_type_says(series.image_type, words)
