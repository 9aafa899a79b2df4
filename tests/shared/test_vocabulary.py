"""Descriptions to terms: a table of what scanners and people write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.vocabulary import VOCABULARY, says_contrast, terms_of

U, C = "unenhanced", "contrast"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # English, both directions
        ("CT CHEST UNENHANCED", {"chest", U}),
        ("CT CHEST ENHANCED", {"chest", C}),
        ("UnEnhanced", {U}),
        ("non-enhanced", {U}),
        ("non-contrast chest", {"chest", U}),
        ("NonContrast", {U}),
        ("ROUTINE CHEST NON-CON", {"chest", U}),
        ("contrast chest", {"chest", C}),
        ("CT chest w/o contrast", {"chest", U}),
        ("CT chest w/ contrast", {"chest", C}),
        ("chest without IV contrast", {"chest", U}),
        ("chest with IV contrast", {"chest", C}),
        ("chest without iodine contrast", {"chest", U}),
        ("CT CHEST W AND W/O CONTRAST", {"chest", U, C}),
        ("without and with IV contrast", {U, C}),
        ("NCCT", {U}),
        ("CECT", {C}),
        ("THORAX C-", {"chest", U}),
        ("THORAX C+", {"chest", C}),
        # German
        ("Thorax nativ", {"chest", U}),
        ("Lunge ohne KM", {"lung", U}),
        # to come, or not come
        ("Thorax KM geplant", {"chest"}),
        ("Thorax mit KM geplant", {"chest"}),
        ("Thorax nativ, KM geplant", {"chest", U}),
        ("chest, IV contrast planned", {"chest"}),
        ("Thorax KM nicht gegeben", {"chest"}),
        ("contrast not given", set()),
        ("TC torace contrasto previsto", {"chest"}),
        ("Thorax mit KM, geplante OP", {"chest", C}),
        ("Thorax ohne Kontrastmittel", {"chest", U}),
        ("Thorax mit KM", {"chest", C}),
        ("FDG_TK_KM", {C}),
        ("Schädel nativ", {"head", U}),
        ("SCHAEDEL", {"head"}),
        # French
        ("THORAX SANS INJECTION", {"chest", U}),
        ("Scanner thoracique sans injection de produit de contraste", {"chest", U}),
        ("thorax avec injection", {"chest", C}),
        ("Poumon injecté", {"lung", C}),
        # Spanish
        ("TÓRAX SIN CONTRASTE", {"chest", U}),
        ("tórax con contraste", {"chest", C}),
        # Italian
        ("torace senza mdc", {"chest", U}),
        ("torace con mezzo di contrasto", {"chest", C}),
        # Dutch
        ("CT thorax zonder contrast", {"chest", U}),
        ("CT thorax met contrast", {"chest", C}),
        ("longen blanco", {"lung", U}),
        # Portuguese, Swedish, Norwegian, Danish, Czech, Finnish
        ("TC tórax sem contraste", {"chest", U}),
        ("TC tórax com contraste", {"chest", C}),
        ("Thorax utan kontrast", {"chest", U}),
        ("Thorax med kontrast", {"chest", C}),
        ("Thorax uten kontrast", {"chest", U}),
        ("CT thorax uden kontrast", {"chest", U}),
        ("hrudník bez kontrastu", {U}),
        ("s kontrastem", {C}),
        ("ilman varjoainetta", {U}),
        ("torace senza m.d.c.", {"chest", U}),
    ],
)
def test_contrast_words_are_told_from_their_denials(text: str, expected: set[str]) -> None:
    assert set(terms_of(text)) == expected


BEFORE = (
    "Thorax before contrast", "prior to IV contrast", "vor KM", "vor KM-Gabe", "vor i.v. KM",
    "vor Kontrastmittelgabe", "avant injection", "avant l'injection du produit de contraste",
    "prima del mdc", "prima della iniezione di mdc", "antes de contraste", "previo a contraste",
    "antes del medio de contraste", "pré-contraste", "pre injection", "voor contrast",
    "före kontrast", "før kontrast", "for kontrast", "Prekontrast", "KM-frei",
    "kontrastmittelfreie Serie", "contrast free", "0 contrast", "Thorax ohne Kontrastmittelgabe",
    "Nativphase", "Torace basale", "TC basale torace", "Torax basal", "TC torace fase basale",
    "Tórax s/c", "TAC s/c tórax", "unenh", "unenh.",
    "TC torace prima della somministrazione di mdc", "TC torace ante contrasto",
    "TC tórax antes de la administración de contraste", "TC tórax antes de civ",
    "TC tórax antes da administração de contraste", "ennen varjoaineen antoa",
    "před podáním kontrastní látky", "przed podaniem kontrastu",
)  # fmt: skip
AFTER = (
    "Thorax after contrast", "nach KM", "nach Kontrastmittelgabe", "après injection", "dopo mdc",
    "post injection", "5.0 contrast", "Thorax 5,0 KM", "for contrast", "vor Biopsie mit KM",
    "CT thorax varjoaine", "varjoaineen jälkeen",
    "before surgery with contrast", "pre-op contrast", "contrast, free breathing", "KM, freie Luft",
)  # fmt: skip
NEITHER = (
    "basal lung segments", "Thorax basal lung", "CT S/C joint", "before surgery", "vor Biopsie",
    "before IV chemo", "Lunge basal", "free breathing", "Thorax freigegeben",
)  # fmt: skip
BOTH = ("vor und nach KM", "before and after contrast", "avant et après injection")


def test_before_an_agent_is_without_and_after_it_is_with() -> None:
    said = {
        text: {U, C} & set(terms_of(text)) for texts in (BEFORE, AFTER, NEITHER, BOTH)
        for text in texts
    }  # fmt: skip
    expected = {
        text: terms
        for texts, terms in ((BEFORE, {U}), (AFTER, {C}), (NEITHER, set()), (BOTH, {U, C}))
        for text in texts
    }
    assert said == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CaScore 3.0 Qr36", {"calcium_score"}),
        ("Ca-Score", {"calcium_score"}),
        ("FLASHCaScSeq 3.0", {"calcium_score"}),
        ("Calcium Scoring", {"calcium_score"}),
        ("CAC", {"calcium_score"}),
        ("Score calcique", {"calcium_score"}),
        ("Kalkscore Herz", {"calcium_score", "heart"}),
        ("CACTUS", set()),
        ("ECG gated heart", {"gated", "heart"}),
        ("non-gated chest", {"chest"}),
        ("Herz ohne EKG", {"heart"}),
        ("respiratory gated", set()),
        ("MIP ax 10/3", {"mip"}),
        ("MinIP 5 mm", {"mip"}),
        ("SHIPMENT", set()),
        ("VNC", {"spectral"}),
        ("Virtual non-contrast", {"spectral"}),
        ("true non contrast TNC", {U}),
        ("MonoE 70keV", {"spectral"}),
        ("Iodine map", {"spectral"}),
        ("Topogram 0.6", {"localizer"}),
        ("SCOUT", {"localizer"}),
        ("Boy Scouting", set()),
        ("Sag MPR", {"sagittal", "mpr"}),
        ("coronal", {"coronal"}),
        ("coronary", {"heart"}),
        ("Dose Report", {"dose_report"}),
        ("LDCT", {"lung_screening", "lung"}),
        ("Thorax LD", {"low_dose", "chest"}),
        ("CT chest without calcium scoring", {"chest", "no_score"}),
        ("no coronary calcium score", {"no_score"}),
        (
            "LDCT chest, incidental coronary calcification",
            {"lung_screening", "lung", "chest", "heart"},
        ),
        ("calcium score declined", {"no_score"}),
        ("rule out coronary calcification", {"heart"}),
        ("CT Calcium Score without contrast", {"calcium_score", U}),
        ("Radiation Dose Information", {"dose_report"}),
        ("Evidence Documents CT CaScoring ", {"calcium_score"}),
        ("Low dose lung screening", {"low_dose", "lung_screening", "lung"}),
        ("TAP", {"chest", "abdomen", "pelvis"}),
        ("CT ABDOMEN/PELVIS", {"abdomen", "pelvis"}),
        ("C-spine", {"spine"}),
        ("ThorRoutine  2.0  D40s", {"chest"}),
        ("DM_Thor_SIN__DM (Adult)", {"chest"}),
        ("Forehead^Hartmann", set()),
        ("", set()),
    ],
)
def test_other_words_are_whole_words(text: str, expected: set[str]) -> None:
    assert set(terms_of(text)) == expected


SCORE = ("Calcium score", "CAC", "Ca score", "Kalkscore", "Score calcique", "Agatston")
MADE = (
    "{}", "{} 3.0", "{} non contrast", "{} ohne KM", "{} sans injection", "{} not gated",
    "CT Herz {}", "{} nicht getriggert",
)  # fmt: skip
NOT_MADE = (
    # denied before and after
    "no {}", "without {}", "ohne {}", "kein {}", "sans {}", "sin {}", "senza {}", "geen {}",
    "{} not performed", "{} was not performed", "{}: not done (motion)", "{} not possible",
    "{} nicht durchgeführt", "{} wurde nicht durchgefuehrt", "{} nicht möglich", "{} entfällt",
    "{} non réalisé", "{} n'a pas été réalisé", "{} no realizado", "{} no se realizó",
    "{} non eseguito", "{} non è stato eseguito", "{} niet verricht", "{} ej utförd",
    "{} não realizado", "{} ikke utført",
    # broken off
    "{} aborted", "{} cancelled", "aborted {}", "{} abgebrochen", "abgebrochener {}", "{} annulé",
    "{} cancelado", "{} annullato", "{} geannuleerd", "{} interrompu", "{} failed",
    # planned, ordered, advised
    "{} planned", "planned {}", "{} to be reported", "{} recommended", "{} advised", "{} geplant",
    "geplanter {}", "{} empfohlen", "{} prévu", "{} recommandé", "{} programado", "{} recomendado",
    # made, and useless
    "{} stent - no score", "{} post CABG no score", "{} - unscored", "{} unavailable", "{} N/A",
    "{} invalid", "invalid {}", "{} unreadable", "{} unbrauchbar", "{} verwackelt", "{} ungültig",
    "{} ininterprétable", "{} à refaire", "{} non valido", "{} no disponible", "{} onbruikbaar",
    "{} da rifare", "{} Phantom", "{} Test", "{} kein Score",
    "{} previsto", "{} consigliato", "{} gepland", "{} aanbevolen", "{} requested", "{} pending",
)  # fmt: skip


@pytest.mark.parametrize("score", SCORE)
def test_a_score_that_was_made_is_told_from_one_that_was_not(score: str) -> None:
    assert [t for t in MADE if "calcium_score" not in terms_of(t.format(score))] == []
    assert [t for t in NOT_MADE if "calcium_score" in terms_of(t.format(score))] == []


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        *[
            (none, False)
            for none in (
                *("", "  ", "-", "NONE", "none given", "NO", "No contrast", "OHNE", "ohne KM"),
                *("W/O", "W/O CONTRAST", "0", "0 ML", "0.0", "N/A", "SANS INJECTION", "nativ"),
                *("sin contraste", "senza", "ZONDER", "UNENHANCED", "NULL"),
                # denied after the noun
                *("IV: NO", "CONTRAST: NONE", "IV_NO", "KM: nein", "IV contrast: no"),
                # drunk or given by other ways
                *("Oral", "ORAL & WATER", "Water", "Wasser 500 ml", "Gastrografin"),
                *("Gastrografin p.o.", "Omnipaque oral", "oral contrast", "IV: NO, ORAL: YES"),
                *("Barium", "rectal", "per os", "peroral", "Gastrografin / Wasser"),
                *("IV: not given", "contrast not used"),
            )
        ],
        *[
            (given_, True)
            for given_ in (
                *("APPLIED", "Omnipaque 350", "100 ML", "IV", "CONTRAST", "NON-IONIC", "nonionic"),
                *("Novalue 300", "NOVA", "1", "Sinaxol", "with contrast", "KM"),
                # something else was drunk too
                *("oral and IV", "IV/oral", "Omnipaque + Gastrografin", "Omnipaque 300 water"),
                *("Omnipaque, Gastrografin p.o.", "Ultravist/oral", "IV: YES", "corporal"),
            )
        ],
    ],
)
def test_contrast_agent_tag(agent: str, expected: bool) -> None:
    assert says_contrast(agent) is expected


@given(st.text(max_size=60))
def test_nothing_but_the_vocabulary_leaves(text: str) -> None:
    found = terms_of(text)
    assert set(found) <= VOCABULARY
    assert list(found) == sorted(set(found))


@given(st.sampled_from(["chest", "enhanced", "mip", "gated"]), st.sampled_from("abxyz"))
def test_a_word_inside_a_word_is_no_word(word: str, letter: str) -> None:
    assert terms_of(letter + word + letter) == ()
