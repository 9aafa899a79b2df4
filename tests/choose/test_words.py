"""Whose words exclude a series: its own always, its protocol's and its study's not always."""

import pytest
from series_case import called

from screening.choose import choose
from screening.reasons import Reason

R = Reason
NOT_ORIGINAL: dict[str, object] = {"image_type": ()}


def first_reason(study: str = "", own: str = "", protocol: str = "", **values: object) -> R | None:
    (decision,) = choose([called(study, own, protocol, **values)])
    return decision.reasons[0] if decision.reasons else None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("CT THORAX WO CONTRAST WITH MIPS", None),  # says what came beside the images
        ("CT chest MIP", R.MIP),
        ("CT Thorax dual energy iodine map", R.VIRTUAL_NON_CONTRAST),
        ("CT chest + lung subtraction", R.DERIVED),
        ("TDM thorax: VNC", R.VIRTUAL_NON_CONTRAST),
        ("Nodule CAD", R.SECONDARY_CAPTURE),
        ("CT guided biopsy lung", R.OTHER_PURPOSE),
        ("Bestrahlungsplanung", R.OTHER_PURPOSE),
        ("TC simulación radioterapia", R.OTHER_PURPOSE),
        ("4DCT", R.OTHER_PHASE),
        ("HRCT Exspiration", R.OTHER_PHASE),
    ],
)
def test_the_name_of_a_study_excludes_no_original_images(text: str, reason: R | None) -> None:
    assert first_reason(study=text) is None
    assert first_reason(own=text) is reason
    assert first_reason(study=text, **NOT_ORIGINAL) is reason


@pytest.mark.parametrize(
    ("protocol", "reason"),
    [
        # a protocol makes many things of one scan
        ("Chest 3mm slab", None),
        ("Thorax DE VNC", None),
        ("Thorax MIP", None),
        # but scans in one way
        ("Thorax 4D RT", R.OTHER_PHASE),
        ("HRCT Exspiration", R.OTHER_PHASE),
        ("HRCT Inspiration Exspiration", None),
        ("RT planning chest", R.OTHER_PURPOSE),
        ("Punktion", R.OTHER_PURPOSE),
    ],
)
def test_a_protocol_tells_how_the_body_was_scanned(protocol: str, reason: R | None) -> None:
    assert first_reason(protocol=protocol) is reason


OWN = (
    # spectral, and what only looks like it
    *((text, R.VIRTUAL_NON_CONTRAST) for text in (
        "VMI 70", "VMI", "Mono 70", "Mono 40 keV", "Thorax virtuell ohne KM",
        "Thorax sans contraste virtuel", "Tórax sin contraste virtual", "Virtuale senza contrasto",
        "virtueel blanco", "virtuelle native Serie", "CaSupp 25", "VUE",
    )),
    *((text, None) for text in (
        "Mono 3.0", "Thorax nativ, virtuelle Bronchoskopie", "TC tórax simple",
        "Thorax uten kontrast",
    )),
    # breath
    *((text, R.OTHER_PHASE) for text in (
        "Thorax Ausatmung", "Lunge Exp 1.0", "HRCT exsp.", "50% Ex", "0 % In", "Thorax T=30%",
        "espiratoria", "uitademing", "expiración", "4D", "4-D 30%", "4DCT", "AVG CT",
        "Thorax_4D30%",
    )),
    *((text, None) for text in (
        "Thorax 4 D30", "Thorax 4.0 B30f", "Thorax 4 D30f", "Lung 1.0 Insp", "Insp Exp",
        "Einatmung",
        "Tissue expander", "Chest exposure 30", "T20f 3.0", "Thorax 64D", "70% B30f",
    )),
    # purpose, and what a scan came after
    *((text, R.OTHER_PURPOSE) for text in (
        "CT Sim", "Planung Bestrahlung Lunge", "scanner de centrage", "TC simulacion radioterapia",
        "Ponction thorax", "agobiopsia polmonare", "longpunctie", "CT fluoro", "TC guidata",
        "O-arm", "CT-gesteuerte Punktion", "Strahlentherapie", "radiothérapie",
    )),
    *((text, None) for text in (
        "Thorax nach Bestrahlung", "Chest, follow-up after lung biopsy", "CT post ablation",
        "Kontrolle nach Punktion", "Contrôle après ponction", "drainage check chest", "RT lung",
        "Lungenfunktion",
    )),
    # projections
    *((text, R.MIP) for text in (
        "VRT", "Thorax AveIP 10mm", "Ave-IP", "Volume rendering", "MinIP",
    )),
    *((text, None) for text in ("Thorax ohne KM inkl. MIP", "CT Chest incl. MIP recon")),
    # overlays
    *((text, R.SECONDARY_CAPTURE) for text in (
        "Lung CAD", "LungCAD", "AI results", "ClearRead CT",
    )),
    *((text, None) for text in ("Chest, known CAD", "CAD risk, chest")),
)  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), OWN)
def test_what_a_series_says_of_itself(text: str, reason: R | None) -> None:
    assert first_reason(own=text) is reason
