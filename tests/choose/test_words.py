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
        ("Thorax CARE Dose 4D", None),  # modulates the dose
        ("01_Thorax_CARE_Dose_4D", None),
        ("Thorax Drainage in situ", None),
        ("Thorax_4D_RT", R.OTHER_PHASE),
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
        "virtueel blanco", "virtuelle native Serie", "CaSupp 25", "VUE", "Virtual NonCon 3.0",
        "VirtualNonCon", "Virt Non Con", "virt. nativ", "virtual plain", "Virtual NC", "VNCa",
        "Virtual Non Calcium", "virtuell ohne Kalzium", "virtuel sans calcium",
    )),
    *((text, None) for text in (
        "Mono 3.0", "Thorax nativ, virtuelle Bronchoskopie", "TC tórax simple", "NonCon 3.0",
        "Chest plain, virtual bronchoscopy", "Virtual bronchoscopy", "Thorax ohne Kalk",
        "Thorax uten kontrast",
    )),
    *((text, R.VIRTUAL_NON_CONTRAST) for text in (
        "Thorax Jodbild", "Iodine image", "Chest_VNC_4.0", "70 keV", "140 keV", "Mono 120 keV",
        "MonoE 120 keV", "VUE 2.5", "VUE Axial 2.5",
    )),
    *((text, None) for text in (
        "Vue axiale 4 mm", "Thorax vue axiale", "VUE AXIALE", "Vue de face", "Chest VUE PACS",
        "Thorax 120 keV", "IODINE ALLERGY", "Jodallergie", "allergie à l'iode",
        "allergic to iodine",
    )),
    # breath
    *((text, R.OTHER_PHASE) for text in (
        "Thorax Ausatmung", "Lunge Exp 1.0", "HRCT exsp.", "50% Ex", "0 % In", "Thorax T=30%",
        "espiratoria", "uitademing", "expiración", "4D", "4-D 30%", "4DCT", "AVG CT",
        "Thorax_4D30%", "CHEST EXHALE 3.0", "EXHALATION", "EXHALED", "EXH 1.0", "Forced Exhale",
        "Ausatemlage", "expirado", "TC tórax espirada", "udånding", "exhalación",
        # phases of breathing
        "P4^P100^S300^I00003, Gated, 50.0%A", "Gated, 0.0%A", "Resp 0%", "Resp 50%", "resp. 40 %",
        "Phase 50%", "50 % phase", "CT_50%", "0%", "50 Ex", "CT 0 Ex", "T50", "T00", "CT_T50",
        "MidVent", "Mid-Ventilation",
    )),
    *((text, None) for text in (
        "Thorax 4 D30", "Thorax 4.0 B30f", "Thorax 4 D30f", "Lung 1.0 Insp", "Insp Exp",
        "Einatmung",
        "Tissue expander", "Chest exposure 30", "T20f 3.0", "Thorax 64D", "70% B30f",
        "Thorax In/Ex", "Inhale/Exhale", "Ausatmung/Einatmung", "Inhalation trauma",
        "Expiration date 5/2027", "KM exp date 2027", "Chest s/p exp lap", "Exhibit A",
        "Thorax 4.0 50", "T10 fracture", "Thorax to T10", "ASIR 40%", "Chest 50%", "Resp distress",
        "Midventral hernia",
    )),
    *((text, R.OTHER_PHASE) for text in (
        "CT_50% Ex 4.0", "Thorax_0%_In", "RespLow 4.0", "Low dose 4D", "Exp no contrast",
    )),
    *((text, None) for text in (
        "CARE Dose 4D", "Thorax CARE_Dose_4D 4.0", "CareDose 4D", "CAREDose4D", "Care-Dose 4D",
        "Chest SURE Exp 4.0", "SureExp3D Chest", "SURE_Exp", "Thorax blanco exp nr 2", "exp no 2",
        "Gated, 50.0%", "Chest ASIR 40%", "BestDiast 75%", "iDose 4D", "iDose4D", "DoseRight 4D",
        "SURE IQ 4D", "SUREIQ 4D", "Thorax CARE 4D",
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
        # a state, or what is to be done, not what was done
        "Thorax nativ, Drain links", "Drainage in situ", "Thorax nativ v. Ablation", "v. Biopsie",
        "Nachsorge Strahlentherapie", "Strahlentherapie Nachsorge", "suivi radiothérapie",
        "seguimiento radioterapia", "Thorax biopsie geplant", "Chest, biopsy planned",
        "geplante Punktion", "Thorax, ponction prévue",
    )),
    *((text, R.OTHER_PURPOSE) for text in (
        "CT-gesteuerte Drainage", "CT_gesteuerte_Drainage", "Drainageanlage", "perkutane Drainage",
        "Ablation needle", "Biopsie", "Thorax i.v. KM, Punktion", "Bestrahlungsplanung Position",
    )),
    # projections
    *((text, R.MIP) for text in (
        "VRT", "Thorax AveIP 10mm", "Ave-IP", "Volume rendering", "MinIP",
        "proyección de máxima intensidad", "proiezione massima intensità", "MIP + MPR",
        "projection d'intensité maximale", "minimale Intensitätsprojektion", "Average intensity",
        "projeção de intensidade máxima", "Thorax ohne KM MIP", "non contrast MIP", "Lung+MIP 10",
        "MIP for lungs", "Thorax B30f MIP",
    )),
    *((text, None) for text in (
        "Thorax ohne KM inkl. MIP", "CT Chest incl. MIP recon", "CT chest without MIP", "no MIP",
        "kein MIP", "thorax + MIP", "Thorax nativ + MIPs", "Lunge & MinIP", "sin MIP",
        # the slices that one is made of
        "Chest 2.5 mm for MIP", "Thorax 1.0 Br59 für MIP", "pour MIP", "for axial MIPs",
        "MIP source 1.0",
    )),
    # overlays
    *((text, R.SECONDARY_CAPTURE) for text in (
        "Lung CAD", "LungCAD", "AI results", "ClearRead CT",
    )),
    *((text, None) for text in (
        "Chest, known CAD", "CAD risk, chest", "Thorax 4.0 for Lung CAD", "Thorax für CAD",
    )),
)  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), OWN)
def test_what_a_series_says_of_itself(text: str, reason: R | None) -> None:
    assert first_reason(own=text) is reason


@pytest.mark.parametrize(
    ("own", "protocol", "reason"),
    [
        ("Exspiration 4.0 B30f", "HRCT Insp-Exsp", R.OTHER_PHASE),
        ("Inspiration 4.0 B30f", "HRCT Insp-Exsp", None),
        ("EXP 1mm", "Chest Inspiration", R.OTHER_PHASE),
        ("Insp 1mm", "Chest Exspiration", None),
        ("Insp Exp", "Chest Exspiration", None),  # names both, not which of them this is
        ("Thorax 3.0", "Chest Exspiration", R.OTHER_PHASE),
        ("Thorax 3.0", "HRCT Insp-Exsp", None),
    ],
)
def test_of_the_breath_the_series_itself_tells_before_its_protocol(
    own: str, protocol: str, reason: R | None
) -> None:
    assert first_reason(own=own, protocol=protocol) is reason


@pytest.mark.parametrize(
    ("study", "own", "reason"),
    [
        ("RT Thorax 4DCT", "Gated, 50.0%A", R.OTHER_PHASE),
        ("4D_Thorax", "CT 50 %", R.OTHER_PHASE),
        ("RT Thorax 4DCT", "Thorax 3.0", None),  # beside the phases
        ("RT Thorax", "Gated, 50.0%", None),
        ("CT Kalkscore", "70%", None),  # of a heartbeat
        ("CT Herz", "Phase 70%", None),
        ("CT Thorax", "Phase 70%", R.OTHER_PHASE),
        ("Thorax CARE Dose 4D", "Chest ASIR 40%", None),
    ],
)
def test_a_percentage_in_a_study_of_4d_is_one_of_its_phases(
    study: str, own: str, reason: R | None
) -> None:
    assert first_reason(study=study, own=own) is reason


def test_a_phase_of_a_gated_scan_is_none_of_breathing() -> None:
    assert first_reason(own="70%") is R.OTHER_PHASE
    assert first_reason(own="70%", is_gated=True) is None


@pytest.mark.parametrize("own", ["Thorax before contrast", "vor KM", "Nativphase", "Tórax s/c"])
def test_a_series_before_the_agent_is_none_with_it(own: str) -> None:
    assert first_reason(own=own, has_contrast_tag=True) is None
    assert first_reason(own="Thorax nach KM", has_contrast_tag=True) is R.CONTRAST_TAG


def test_a_virtual_unenhanced_series_says_nothing_against_the_contrast_tag() -> None:
    one = called("CT CHEST WITH CONTRAST", "Virtual NonCon 3.0", has_contrast_tag=True)
    (decision,) = choose([one])
    assert decision.reasons == (R.VIRTUAL_NON_CONTRAST, R.CONTRAST_TAG)


ORDINARY = (
    "", "Thorax", "Thorax  4.0  Br40  S3", "STD CHEST W/O", "Thorax, iDose (3)", "Body 4.0 AIDR3D",
    "Conventional Thorax (spectral)", "ThorRoutine  2.0  D40s", "AX 3.0 STD", "Lung 1.0 Insp",
    "TDM thoracique sans injection", "Torace senza mdc", "Tórax simple inspiración",
    "Torax sem contraste 4.0", "Thorax leer 4.0", "Thorax nach Portanlage Lagekontrolle",
    "Thorax control post RT", "Thorax Z.n. Bestrahlung", "Thorax vor Biopsie", "Chest 120 kV 4.0",
    "LDCT", "Chest_low_dose_3.0", "Thorax_nativ_3.0_B30f", "胸部CT", "Thorax zonder contrast",
    "Thorax blanco", "Chest C- 3.0", "CHEST_C-_3.0", "Lunge nativ", "Thorax iMAR", "Thorax DLIR",
)  # fmt: skip


@pytest.mark.parametrize("text", ORDINARY)
@pytest.mark.parametrize("whose", ["study", "own", "protocol"])
def test_an_ordinary_chest_is_not_refused(text: str, whose: str) -> None:
    assert first_reason(**{whose: text}) is None
