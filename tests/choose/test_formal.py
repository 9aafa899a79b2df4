"""What is evidence of a formal score, and what only stands beside one."""

from typing import Any

import pytest
from series_case import CARDIAC, called, coverage

from screening.choose import choose
from screening.choose.formal import is_formal_score
from screening.reasons import Reason

GATED = CARDIAC | {"is_gated": True, "body_part": ""}
TAG = {"has_contrast_tag": True}


@pytest.mark.parametrize(
    ("texts", "values", "is_formal"),
    [
        # called one by its own description
        (("", "DS_CaScSeq 3.0 B35f"), GATED, True),
        (("", "Kalkscore"), CARDIAC, True),
        (("", "Score calcique"), GATED | {"thickness_mm": 1.0}, True),
        (("CTA with calcium score", "CaSc 3.0"), GATED, True),
        # broken off
        (("", "DS_CaScSeq 3.0 B35f"), GATED | coverage(12.0), False),
        (("", "DS_CaScSeq 3.0 B35f"), GATED | coverage(99.0), False),
        (("", "DS_CaScSeq 3.0 B35f"), GATED | coverage(100.0), True),
        # with contrast agent, by tag or by its own words; or agent computed away
        (("CT coronary angiography with calcium score", "0.75 Bv40"), GATED | TAG, False),
        (("CT coronary angiography with calcium score", "DS_CorCTA 0.75 Bv40"), GATED, False),
        (("", "CaSc 3.0"), GATED | TAG, False),
        (("", "CaSc 3.0 nativ"), GATED | TAG, True),
        (("", "CaSc VNC"), GATED, False),
        (("", "CaSc"), GATED | {"image_type": ("ORIGINAL", "PRIMARY", "VMI")}, False),
        # by its protocol, where it shows a heart alone
        (("", "3.0 Qr36", "DS_CaSc"), GATED, True),
        (("", "3.0 Qr36", "DS_CaSc"), CARDIAC, True),
        (("", "AX 3.0 STD", "Chest and CaSc"), coverage(210.0), False),
        (("", "BestDiast 75 %", "CaSc_CTA"), GATED, False),
        # by how it is made, where it says that no contrast agent was given
        (("", "Herz nativ 3.0"), GATED, True),
        (("", "3.0 Qr36", "Herz nativ"), GATED, True),
        (("", "Herz nativ 3.0"), CARDIAC, False),
        (("CT Herz", "nativ 3.0"), GATED | {"thickness_mm": 1.5}, True),
        (("CT Herz", "nativ 3.0"), GATED | {"thickness_mm": 1.4}, False),
        (("CT Herz", "nativ 3.0"), GATED | {"thickness_mm": None}, False),
        (("CT coronary angiography", "3.0 Qr36 nativ"), GATED, False),
        (("", "Herz nativ 3.0"), GATED | coverage(220.0), True),
        (("", "Herz nativ 3.0"), GATED | coverage(221.0), False),
        # an angiogram may carry neither tag nor word of its agent
        (("", "3.0 Qr36"), GATED, False),
        (("CT Herz nativ", "3.0 Qr36"), GATED, False),
        (("CT Herz", "Cor 3.0 BestDiast 75%"), GATED, False),
        (("Herz", "BestSyst 37% 3.0", "CorAdSeq"), GATED, False),
        (("TAVI CT", "Herz 3.0 Aorta", "TAVI"), GATED, False),
        # in doubt
        (("", "CAC?"), GATED, False),
        (("", "CaScore 3.0 (?)"), GATED, False),
        (("", "? CAC"), GATED, False),
        (("", "Ca Score wegen Tachykardie nicht auswertbar"), GATED, False),
        (("", "CaScore 3.0", "Infiltrat?"), GATED, True),
        # denied by the series itself, whatever its protocol
        (("", "CaSc verwackelt 3.0", "DS_CaSc"), GATED, False),
        (("", "CaSc Phantom", "DS_CaSc"), CARDIAC, False),
        (("", "nativ 3.0 no score, CAC post CABG"), GATED, True),
        (("", "CAC post CABG no score, nativ"), GATED, False),
        (("", "CaSc 3.0", "CaSc, Test geplant"), GATED, True),
        # in more languages
        (("", "Punteggio calcico 3.0"), GATED, True),
        (("", "Puntuacion de calcio", "Corazon"), GATED, True),
        (("", "Puntuación de calcio"), GATED, True),
        (("", "Pontuação de cálcio"), GATED, True),
        (("", "Punteggio calcico non eseguito"), GATED, False),
        # by the name of its study alone
        (("CT chest, CAC to be reported", "AX 3.0 STD"), coverage(210.0), False),
        (("CT chest with CAC", "AX 3.0 STD"), coverage(210.0), False),
        (("CT Kalkscore", "AX 3.0 STD"), CARDIAC, False),
        # planned, advised, denied
        (("", "CT chest, CAC to be reported"), coverage(210.0), False),
        (("", "Chest low dose, calcium score recommended"), coverage(210.0), False),
        (("", "Thorax ohne Kalkscore"), coverage(210.0), False),
    ],
)
def test_what_is_a_formal_score(
    texts: tuple[str, ...], values: dict[str, Any], is_formal: bool
) -> None:
    one = called(*texts, **values)
    assert is_formal_score(one) is is_formal
    (decision,) = choose([one])
    assert (Reason.GATED_CALCIUM_SCORE in decision.reasons) is is_formal


def test_an_angiogram_of_a_study_with_a_score_is_a_missed_opportunity() -> None:
    """`contrast_tag` must be the only reason for a study to be counted as one."""
    one = called("Coronary CTA with calcium score", "DS_CorCTA", **GATED | TAG)
    (decision,) = choose([one])
    assert decision.reasons == (Reason.CONTRAST_TAG,)
