"""The rules as a table: a case on each side of each edge."""

from dataclasses import replace
from typing import Any

import pytest
from series_case import CARDIAC, CHEST, HEAD_SIZED, SMALL_FIELD, coverage

from screening.choose import CAVEATS, RULES, choose
from screening.errors import ScreeningError
from screening.reasons import REASONS, Reason, State
from screening.records import Decision
from screening.vocabulary import terms_of


def decide(**values: Any) -> Decision:
    own = {"own_terms": values["terms"]} if "terms" in values else {}
    (decision,) = choose([replace(CHEST, **own | values)])
    return decision


def test_a_plain_chest_is_eligible() -> None:
    assert decide() == Decision("series-a", "study-a", State.PENDING, (), 0, "")


R = Reason
OK: None = None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        # what kind of object
        ({"modality": "MR"}, R.NOT_CT),
        ({"modality": "SR", "sop_class_uid": "1.2.840.10008.5.1.4.1.1.88.22"}, R.NOT_CT),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.88.67"}, R.NOT_CT),
        ({"sop_class_uid": "private"}, R.NOT_CT),
        ({"sop_class_uid": ""}, OK),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.2.1"}, OK),
        ({"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")}, R.LOCALIZER),
        ({"image_type": ("ORIGINAL", "PRIMARY", "CT_SOM5 TOP")}, OK),
        ({"image_type": ()}, OK),
        ({"terms": ("localizer",), "n_slices": 5}, R.LOCALIZER),
        ({"terms": ("localizer",), "n_slices": 6}, OK),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.7"}, R.SECONDARY_CAPTURE),
        ({"image_type": ("ORIGINAL", "SECONDARY", "SCREEN_SAVE")}, R.SECONDARY_CAPTURE),
        ({"terms": ("dose_report",), "n_slices": 5}, R.SECONDARY_CAPTURE),
        ({"terms": ("dose_report",), "n_slices": 6}, OK),
        ({"image_type": ("DERIVED", "PRIMARY", "AXIAL")}, R.DERIVED),
        ({"image_type": ("ORIGINAL", "PRIMARY", "CT_SOM5 MPR")}, R.DERIVED),
        ({"terms": ("chest", "mpr")}, OK),
        ({"image_type": ("ORIGINAL", "PRIMARY", "MIP")}, R.MIP),
        ({"terms": ("chest", "mip")}, R.MIP),
        ({"image_type": ("ORIGINAL", "PRIMARY", "SHIPPED")}, OK),
        ({"image_type": ("ORIGINAL", "PRIMARY", "RESP_GATED", "NONE")}, R.OTHER_PHASE),
        ({"image_type": ("ORIGINAL", "PRIMARY", "CARDRESP_GATED", "NONE")}, R.OTHER_PHASE),
        ({"image_type": ("ORIGINAL", "PRIMARY", "PERFUSION", "NONE")}, R.OTHER_PHASE),
        ({"image_type": ("ORIGINAL", "PRIMARY", "VOLUME", "NONE")}, OK),
        ({"image_type": ("ORIGINAL", "PRIMARY", "CARDIAC_GATED", "NONE")}, OK),
        ({"image_type": ("ORIGINAL", "PRIMARY", "FLUOROSCOPY", "NONE")}, R.OTHER_PURPOSE),
        ({"image_type": ("ORIGINAL", "PRIMARY", "CBCT")}, R.OTHER_PURPOSE),
        ({"image_type": ("ORIGINAL", "PRIMARY", "VIRTUAL_UNENHANCED")}, R.VIRTUAL_NON_CONTRAST),
        ({"terms": ("chest", "spectral")}, R.VIRTUAL_NON_CONTRAST),
        ({"image_type": ("ORIGINAL", "PRIMARY", "AXIAL", "VMI")}, R.VIRTUAL_NON_CONTRAST),
        ({"is_converted": True}, R.SECONDARY_CAPTURE),
        ({"follows_breath": True}, R.OTHER_PHASE),
        # slabs: over 5 mm, and over three times the increment; not slices that overlap
        ({"increment_mm": 3.0, "thickness_mm": 9.0}, OK),
        ({"increment_mm": 3.0, "thickness_mm": 9.1}, R.MIP),
        ({"increment_mm": 3.0, "thickness_mm": 20.0}, R.MIP),
        ({"increment_mm": 1.0, "thickness_mm": 5.0}, OK),
        ({"increment_mm": 1.0, "thickness_mm": 5.1}, R.MIP),
        ({"increment_mm": 2.5, "thickness_mm": 5.0}, OK),
        ({"increment_mm": 5.0, "thickness_mm": 10.0}, OK),
        ({"increment_mm": 0.5, "thickness_mm": 1.0}, OK),
        ({"increment_mm": 3.0, "thickness_mm": None}, OK),
        # what the pixels and slices are
        ({"is_hu": False}, R.NOT_HU),
        ({"orientation": "coronal"}, R.NOT_AXIAL),
        ({"orientation": "none"}, R.NOT_AXIAL),
        ({"tilt_degrees": 3.0}, OK),
        ({"tilt_degrees": 3.1}, R.TILT_UNCORRECTED),
        (coverage(100.0), OK),
        (coverage(99.0), R.TOO_FEW_SLICES),
        ({"z_range_mm": (0.0, 0.0), "increment_mm": None}, R.TOO_FEW_SLICES),
        ({"z_range_mm": None}, R.TOO_FEW_SLICES),
        # not a chest: only where words and size agree
        (HEAD_SIZED | {"body_part": "HEAD", "terms": ()}, R.NOT_CHEST),
        (HEAD_SIZED | {"body_part": "", "terms": ("head",)}, R.NOT_CHEST),
        (HEAD_SIZED | {"body_part": "HEAD", "terms": ("chest",)}, OK),
        (HEAD_SIZED | {"body_part": "", "terms": ()}, OK),
        ({"body_part": "HEAD", "terms": ()}, OK),
        ({"body_part": "HEAD", "terms": ("head",)}, OK),
        (SMALL_FIELD | coverage(280.0) | {"body_part": "HEAD", "terms": ()}, R.NOT_CHEST),
        (SMALL_FIELD | coverage(281.0) | {"body_part": "HEAD", "terms": ()}, OK),
        (coverage(550.0) | {"body_part": "", "terms": ("abdomen",)}, R.NOT_CHEST),
        (coverage(551.0) | {"body_part": "", "terms": ("abdomen",)}, OK),
        (coverage(450.0) | {"body_part": "", "terms": ("abdomen", "chest")}, OK),
        (coverage(450.0) | {"body_part": "", "terms": ("abdomen", "whole_body")}, OK),
        (coverage(200.0) | {"body_part": "ABDOMEN", "terms": ()}, R.NOT_CHEST),
        (coverage(201.0) | {"body_part": "ABDOMEN", "terms": ()}, OK),
        ({"body_part": "", "terms": ()}, OK),
        ({"body_part": "XQZ", "terms": ("low_dose",)}, OK),
        # the formal score itself
        (CARDIAC | {"is_gated": True, "terms": ("calcium_score",)}, R.GATED_CALCIUM_SCORE),
        (CARDIAC | {"is_gated": False, "terms": ("calcium_score",)}, R.GATED_CALCIUM_SCORE),
        (CARDIAC | {"is_gated": True, "terms": ("unenhanced",)}, R.GATED_CALCIUM_SCORE),
        (CARDIAC | {"is_gated": True, "terms": (), "body_part": ""}, OK),
        (CARDIAC | {"is_gated": False, "terms": ("heart",)}, OK),
        (coverage(300.0) | {"is_gated": True, "terms": ("chest",)}, OK),
        (coverage(220.0) | {"terms": ("calcium_score",)}, R.GATED_CALCIUM_SCORE),
        (coverage(221.0) | {"terms": ("calcium_score",)}, OK),
        (coverage(221.0) | {"terms": ("calcium_score",), "is_gated": True}, R.GATED_CALCIUM_SCORE),
        # contrast agent
        ({"has_contrast_tag": True}, R.CONTRAST_TAG),
        ({"has_contrast_tag": True, "terms": ("chest", "contrast")}, R.CONTRAST_TAG),
        ({"has_contrast_tag": True, "terms": ("chest", "unenhanced")}, OK),
        ({"has_contrast_tag": False, "terms": ("chest", "contrast")}, OK),
        (CARDIAC | {"has_contrast_tag": True, "is_gated": True}, R.CONTRAST_TAG),
        # spacing
        ({"increment_mm": 5.0}, OK),
        ({"increment_mm": 5.004}, OK),
        ({"increment_mm": 5.02}, R.INCREMENT_OVER_5MM),
        ({"increment_mm": 5.0, "thickness_mm": 8.0}, OK),
        # whose
        ({"age_years": 17.9}, R.MINOR),
        ({"age_years": 18.0}, OK),
        ({"age_years": None}, OK),
        # left to the volume, which sees where the damage lies
        ({"is_mixed": True, "is_uneven": True, "n_conflicts": 1}, OK),
        ({"missing_gaps": ((30.0, 36.0),)}, OK),
    ],
)
def test_each_rule_on_both_sides_of_its_edge(values: dict[str, Any], reason: Reason | None) -> None:
    decision = decide(**values)
    if reason is None:
        assert (decision.state, decision.reasons, decision.rank) == (State.PENDING, (), 0)
    else:
        assert (decision.state, decision.rank) == (State.INELIGIBLE, None)
        assert decision.reasons[0] is reason


# What a series says of itself, from its description to the decision.
EXAMPLES = (
    # a plain chest, in many words and in none
    ("Chest unenhanced", None),
    ("Thorax nativ", None),
    ("Thorax ohne KM", None),
    ("TDM thorax sans injection", None),
    ("Torace senza mdc", None),
    ("TC tórax sin contraste", None),
    ("Thorax zonder contrast", None),
    ("胸部CT", None),
    ("", None),
    ("Chest, rule out CAD", None),
    ("Low dose chest", None),
    ("PET CT AC", None),
    ("Thorax inspiration and expiration", None),
    # spectral
    ("Chest VNC", R.VIRTUAL_NON_CONTRAST),
    ("MonoE 70 keV", R.VIRTUAL_NON_CONTRAST),
    ("Jodkarte", R.VIRTUAL_NON_CONTRAST),
    # projections and differences
    ("Lung MIP 10 mm", R.MIP),
    ("MinIP", R.MIP),
    ("Slab 8mm", R.MIP),
    ("CT lung subtraction", R.DERIVED),
    ("Lung CAD overlay", R.SECONDARY_CAPTURE),
    # breath
    ("Thorax 4D 30%", R.OTHER_PHASE),
    ("4DCT Thorax", R.OTHER_PHASE),
    ("Expiratory chest", R.OTHER_PHASE),
    ("HRCT Exspiration", R.OTHER_PHASE),
    ("Tórax espiración", R.OTHER_PHASE),
    # made for something else
    ("Bestrahlungsplanung Thorax", R.OTHER_PURPOSE),
    ("RT planning", R.OTHER_PURPOSE),
    ("CT guided biopsy lung", R.OTHER_PURPOSE),
    ("Cone beam CT", R.OTHER_PURPOSE),
    ("DynaCT", R.OTHER_PURPOSE),
)


@pytest.mark.parametrize(("text", "reason"), EXAMPLES)
def test_what_a_description_decides(text: str, reason: Reason | None) -> None:
    decision = decide(terms=terms_of(text), body_part="")
    assert decision.reasons[:1] == (() if reason is None else (reason,))


@pytest.mark.parametrize(
    ("text", "mark"),
    [("WB CTAC", "attenuation"), ("Chest low dose", "low_dose"), ("Thorax EKG", "gated")],
)
def test_what_is_marked(text: str, mark: str) -> None:
    assert mark in terms_of(text)


@pytest.mark.parametrize(
    ("values", "reasons", "detail"),
    [
        (
            HEAD_SIZED
            | {"body_part": "HEAD", "terms": ("head",), "tilt_degrees": 18.5, "increment_mm": 7.0},
            (R.NOT_CHEST, R.TILT_UNCORRECTED, R.INCREMENT_OVER_5MM),
            "head",
        ),
        (
            {"z_range_mm": (-804.5, -766.5), "increment_mm": 2.0, "n_slices": 20}
            | {"has_contrast_tag": True, "terms": ("contrast",), "body_part": "PARTIALBODY"},
            (R.CONTRAST_TAG, R.TOO_FEW_SLICES),
            "",
        ),
        (
            {"image_type": ("DERIVED", "SECONDARY", "MIP"), "orientation": "coronal"},
            (R.DERIVED, R.MIP, R.NOT_AXIAL),
            "",
        ),
        # what is no CT has no slices to be judged
        ({"modality": "SR", "is_hu": False, "orientation": "none"}, (R.NOT_CT,), ""),
    ],
)
def test_all_reasons_in_rule_order(
    values: dict[str, Any], reasons: tuple[Reason, ...], detail: str
) -> None:
    decision = decide(**values)
    assert decision.reasons == reasons
    assert decision.detail == detail


def test_conflicted_people_are_quarantined_before_anything_else() -> None:
    (decision,) = choose(
        [replace(CHEST, increment_mm=7.0)],
        opted_out=frozenset({"person-a"}),
        conflicted=frozenset({"person-a"}),
    )
    assert decision.state is State.QUARANTINED
    assert decision.reasons == (R.IDENTITY_CONFLICT, R.OPTED_OUT, R.INCREMENT_OVER_5MM)
    assert decision.rank is None


def test_who_opted_out_is_not_worked() -> None:
    (decision,) = choose([CHEST], opted_out=frozenset({"person-a"}))
    assert (decision.state, decision.reasons) == (State.INELIGIBLE, (R.OPTED_OUT,))
    (other,) = choose([CHEST], opted_out=frozenset({"person-b"}))
    assert other.state is State.PENDING


def test_a_scan_without_a_date_is_measured_and_says_so() -> None:
    decision = decide(acquired_on=None)
    assert (decision.state, decision.reasons, decision.rank) == (State.PENDING, (), 0)
    assert decision.detail == "no_scan_date"


def test_every_rule_has_one_reason_and_one_sentence() -> None:
    rules = (*RULES, *CAVEATS)
    assert len({rule.reason for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.reason in REASONS
        assert rule.why.endswith(".")


def test_two_series_under_one_key_are_refused() -> None:
    with pytest.raises(ScreeningError, match="1 series keys occur more than once"):
        choose([CHEST, replace(CHEST, study_key="study-b")])
