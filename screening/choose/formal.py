"""Whether a series is a formal calcium score: evidence that its person was scored already.

Comes in: a `Series`. Goes out: yes or no.
Refuses: nothing; where it is not sure, the answer is no: evidence takes a person off the list.

A formal score is made of images without contrast agent, long enough to hold the heart, that are
called a calcium score by their own description, or by their protocol and their size, or that were
gated, reconstructed to the heart alone and called unenhanced by themselves or their protocol: an
angiogram of heart or aorta may carry neither tag nor word of its agent. A score in question
("CAC?") is none, nor one that the series itself denies ("CaSc verwackelt"), whatever
its protocol. What the study is called proves nothing: a CT angiogram, an aborted scan and a routine
chest beside a calcium scan share its name, and a score that was ordered is not yet one that was
made.
"""

from screening.choose.size import coverage_mm, field_of_view_mm
from screening.records import Series
from screening.vocabulary import SPECTRAL_TYPES, image_type_says

# Calcium scans cover 10 to 15 cm (McCollough et al., Radiology 2007;243:527), an adult
# heart is about 12 cm from base to apex (Gray's Anatomy). What is shorter was broken off or a test.
SCORED_MIN_COVERAGE_MM = 100.0
# They run from the carina to the apex, reconstructed to 200-250 mm (McCollough 2007); a chest is
# 250 mm long and 300 mm wide at least. Between the two lie these limits.
CARDIAC_MAX_COVERAGE_MM = 220.0
CARDIAC_MAX_FIELD_OF_VIEW_MM = 300.0
# They are made at 2.5 or 3 mm (McCollough 2007), coronary angiograms below 1 mm. Between the two.
SCORED_MIN_THICKNESS_MM = 1.5


def is_formal_score(series: Series) -> bool:
    """Tell whether the series is a calcium scan that could have been scored."""
    if coverage_mm(series) < SCORED_MIN_COVERAGE_MM or _shows_contrast(series):
        return False
    if "no_score" in series.own_terms:
        return False
    return _calls_itself_one(series) or _is_made_like_one(series)


def _calls_itself_one(series: Series) -> bool:
    if "calcium_score" in series.own_terms:
        return series.is_gated or _is_short(series)
    is_told = "calcium_score" in series.protocol_terms and _is_of_the_heart_alone(series)
    return is_told and not _speaks_of_contrast(series.protocol_terms)


def _is_made_like_one(series: Series) -> bool:
    is_thick = series.thickness_mm is not None and series.thickness_mm >= SCORED_MIN_THICKNESS_MM
    says_so = "unenhanced" in (*series.own_terms, *series.protocol_terms)
    is_plain = says_so and "contrast" not in series.terms
    return series.is_gated and _is_of_the_heart_alone(series) and is_thick and is_plain


def _is_short(series: Series) -> bool:
    return coverage_mm(series) <= CARDIAC_MAX_COVERAGE_MM


def _is_of_the_heart_alone(series: Series) -> bool:
    return _is_short(series) and field_of_view_mm(series) <= CARDIAC_MAX_FIELD_OF_VIEW_MM


def _shows_contrast(series: Series) -> bool:
    """Tell whether contrast agent is in the images, or was taken out of them by computing."""
    is_tagged = series.has_contrast_tag and "unenhanced" not in series.own_terms
    is_virtual = "spectral" in series.own_terms or image_type_says(
        series.image_type, SPECTRAL_TYPES
    )
    return is_tagged or is_virtual or _speaks_of_contrast(series.own_terms)


def _speaks_of_contrast(terms: tuple[str, ...]) -> bool:
    return "contrast" in terms and "unenhanced" not in terms
