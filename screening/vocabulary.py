"""Recognised words in descriptions.

Comes in: free text of headers, which may carry names.
Goes out: terms of a closed vocabulary, never the text itself.
Refuses: nothing; unknown words are dropped.

Words are matched whole, without regard to case and accents, in English, German, French,
Spanish, Italian and Dutch. Order matters where one phrase holds another: what a step
recognises is taken out before the next looks ("virtual non contrast" before "non contrast"
before "contrast").
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

# Words that deny what follows them.
_NOT = "no|non|not|without|wo|w o|w out|un|ohne|kein|keine|sans|sin|senza|zonder|geen|s|minus|never"
_WITH = "with|w|post|after|iv|mit|nach|avec|apres|con|tras|dopo|met|na|c|plus"
# What may stand between the denial and the agent.
_FILLER = (
    "iv|i v|intravenous|intravenoese|any|the|agent|oral or|oral and|de|du|d|di|del|"
    "produit|mezzo|medio|medium|material|media|iodinated|iodine"
)
_AGENT = (
    "contrast|contrasts|contrasted|contraste|contrasto|contraststof|contrastmiddel|contrastmedium|"
    "kontrast|kontrastmittel|km|mdc|mezzo di contrasto|produit de contraste|pdc|enhanced|"
    "enhancement|injection|injectie|inyeccion|iniezione|injected|injecte|injectee|"
    "ic|civ|iv|i v|iode|iodine|jod|iodio|yodo|jodium"
)
_AGENT_PHRASE = rf"(?:(?:{_FILLER}) )*(?:{_AGENT})(?: (?:{_FILLER}|{_AGENT}))*"
# Of these, what says contrast without a "with" before it.
_PLAIN_AGENT = (
    "contrast|contrasted|contraste|contrasto|contrastmiddel|kontrast|kontrastmittel|km|mdc|pdc|"
    "enhanced|cect|ce ct|cta|ctpa|angio|angiography|angiographie|angiografia|angiografie|"
    "angioscanner|angiotc|angio ct|arterial|arterial phase|arteriell|venous|venoes|portal|"
    "portovenous|portalvenoes|portalvenous|veineux|venosa|injecte|injectee|injected|smartprep|"
    "bolus|embolism|embolie|lungenembolie"
)
_BOTH = (
    "with and without|without and with|w and wo|w wo|w w o|w o w|wo w|wo and w|w o and w|"
    "w and w o|mit und ohne|ohne und mit|avec et sans|sans et avec|con y sin|sin y con|"
    "con e senza|senza e con|met en zonder|zonder en met|pre and post|pre post"
)
_GATED = (
    "gated|gating|ecg|ekg|ecg triggered|ekg getriggert|cardiac synchronised|cardiac synchronized|"
    "sequence cardiaque|cardiosincronizzato|cardiosincronizado"
)

# One step a line: the terms it gives, and its phrases. None: recognised only to be taken out.
_STEPS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("spectral",),
        "vnc|virtual (?:non|no|un) ?(?:contrast|enhanced)|virtual unenhanced|"
        "virtual noncontrast|virtuell nativ|monoenergetic|monoenergetisch|monoenergetique|"
        "monoenergetica|monoenergetico|mono ?e|mono ?plus|mono ?chromatic|"
        "(?:mono )?[0-9]+ ?kev|kev|iodine (?:map|maps|overlay|density|only|no water)|"
        "iodkarte|jodkarte|jod karte|carte d? ?iode|mapa de yodo|mappa iodio|jodiumkaart|"
        "zeff|z eff|effective z|electron density|pbv",
    ),
    # Recognised to be taken out: a score that was not made.
    (
        (),
        rf"(?:{_NOT}|declined|refused|rule out|incidental)"
        r"(?: (?:coronary|cardiac|artery|ct|the|a|any))* (?:cac|calcium|ca ?sc|kalk)"
        r"(?: ?scor(?:e|es|ing))?|(?:calcium|cac|ca) ?(?:score|scoring) "
        "(?:declined|refused|cancel+ed|not done|abgelehnt)",
    ),
    (
        ("calcium_score",),
        r"cac|cacs|casc|ca ?sc(?:ore|oring)?|calc(?:ium)? ?(?:score|scoring|scan)|"
        "kalk ?scor(?:e|ing)|kalzium ?scor(?:e|ing)|calcium coronaire|coronary (?:artery )?calcium|"
        "score calcique|calcio coronari[ao]|score calcico|"
        "puntaje de calcio|score de calcio|calcio score|agatston|smartscore|kransslagaderkalk|"
        "flash ?ca ?sc(?: ?seq)?",
    ),
    (
        (),
        rf"ungated|nongated|(?:{_NOT})(?: (?:{_GATED}))+|respiratory (?:gated|gating)",
    ),
    (("gated",), _GATED),
    (("contrast", "unenhanced"), rf"(?:{_BOTH})(?: (?:{_FILLER}))*(?: (?:{_AGENT}))?"),
    (
        ("unenhanced",),
        rf"(?:{_NOT}) {_AGENT_PHRASE}|unenhanced|nonenhanced|noncontrast|"
        "noncon|non con|nativ|native|natif|nativo|nativa|nativaufnahme|blanco|plain|tnc|ncct|nect|"
        "sc tc|smdc|precontrast|pre contrast",
    ),
    (
        ("contrast",),
        rf"(?:{_WITH}) {_AGENT_PHRASE}|{_PLAIN_AGENT}|cmdc",
    ),
    (("spectral",), "iodine"),
    (("subtraction",), "subtraction|subtracted|subtraktion|soustraction|sustraccion|sottrazione"),
    # CAD alone is also coronary artery disease.
    (("cad_overlay",), "cad (?:overlay|overlays|marks?|results?|report|findings)"),
    (("phase_4d",), "4 d ?ct|4 d|4 dct|respiratory correlated|resp [0-9]+"),
    (
        ("expiratory",),
        "expiration|expiratory|exspiration|exspiratorisch|exspirium|expiratoire|espirazione|"
        "espiratoria|espiracion|expiratie",
    ),
    (
        ("inspiratory",),
        "inspiration|inspiratory|inspiratorisch|inspirium|inspiratoire|inspirazione|"
        "inspiracion|inspiratie",
    ),
    (
        ("planning",),
        "(?:rt|radiotherapy|radiation|treatment) planning|bestrahlungsplanung|planungs ?ct|"
        "dosimetrie|planification radiotherapie",
    ),
    (
        ("interventional",),
        "biopsy|biopsie|biopsia|interventional|intervention|punktion|drainage|ct guided|"
        "ct gesteuert|ablation",
    ),
    (("cone_beam",), "cbct|cone ?beam|dyna ?ct|xper ?ct|digitale volumentomographie"),
    (("attenuation",), "ctac|ct ac|ac ct|attenuation(?: correction)?|schwaechungskorrektur"),
    (
        ("mip",),
        "slab|slabs|mip|mips|minip|min ip|max ip|maxip|"
        "(?:maximum|minimum) intensity(?: projection)?",
    ),
    (
        ("localizer",),
        "locali[sz]er|locali[sz]ers|scout|scouts|topogram|topogramm|topogramme|topogramma|topo|"
        "surview|scanogram|scanogramm|scano|localizador|localizzatore|pilot|planscan",
    ),
    (
        ("dose_report",),
        "dose report|dose info|dose information|radiation dose|dose record|patient protocol|"
        "dosisbericht|dosisprotokoll|"
        "rapport de dose|informe de dosis|rapporto dose|dosisrapport",
    ),
    (
        ("lung_screening", "lung"),
        "lung (?:cancer )?screening|lungenkrebs ?screening|lungenscreening|ldct|lcs|"
        "depistage pulmonaire|cribado (?:de )?pulmon|screening polmonare|longkankerscreening",
    ),
    (("lung_screening",), "screening|depistage|cribado"),
    (
        ("low_dose",),
        "low ?dose|low ?dosis|niedrig ?dosis|niedrigdosis|faible dose|basse dose|bassa dose|"
        "baja dosis|lage dosis|ld",
    ),
    (("coronal",), "coronal|coronals|cor|coronale|koronar|coronaal"),
    (("sagittal",), "sagittal|sagittals|saggital|sag|sagital|sagittale|sagittaal"),
    (("mpr",), "mpr|mprs|reformat|reformats|reformatted|reformation|multiplanar"),
    (
        ("chest", "abdomen", "pelvis"),
        "cap|tap|chest abd(?:omen)? pel(?:vis)?|thorakoabdominal|thoracoabdominal",
    ),
    (
        ("whole_body",),
        "whole ?body|ganzkoerper|ganzkorper|corps entier|cuerpo entero|total body|total ?body|"
        "polytrauma|pan ?scan|trauma ?scan|pet|pet ?ct|ganzkoerperspirale",
    ),
    (
        ("lung",),
        "lung|lungs|lunge|lungen|pulmonary|poumon|poumons|pulmonaire|pulmon|pulmones|pulmonar|"
        "polmone|polmoni|polmonare|longen|longparenchym|hrct",
    ),
    (
        ("heart",),
        "heart|cardiac|cardio|cardiaque|cardiaco|cardiaca|herz|coeur|corazon|cuore|hart|coronary|"
        "coronaries|coronaire|coronaires|coronarie|coronarias|koronarien|koronarangiographie|"
        "koronararterien|kransslagaders?",
    ),
    (
        ("spine",),
        "(?:thoracic|cervical|lumbar|t|c|l|ls|dorsal) spine|(?:rachis|columna|rachide) "
        "(?:dorsal|dorsale|lumbar|lumbaire|lombare|cervical|thoracique)",
    ),
    (
        ("chest",),
        "chest|thorax|thoraces|thoracic|thoracique|thorakal|thor|tho|torax|toracico|toracica|"
        "torace|borst|borstkas|brustkorb|mediastinum|mediastin|ribs|rippen",
    ),
    (
        ("head",),
        "head|brain|cranial|cranium|skull|schaedel|schadel|kopf|gehirn|hirn|neuro|cerebral|crane|"
        "cerveau|cerebrale|tete|craneo|cabeza|cerebro|cranio|testa|encefalo|cervello|hoofd|"
        "schedel|hersenen|sinus|sinuses|nnh|orbit|orbits|orbita|facial|maxillofacial|mastoid|"
        "temporal bone|felsenbein|rochers|dental",
    ),
    (("neck",), "neck|hals|cou|cuello|collo|larynx|thyroid"),
    (
        ("abdomen",),
        "abdomen|abdominal|abdo|abd|bauch|oberbauch|ventre|addome|addominale|buik|liver|leber|"
        "foie|higado|fegato|pancreas|pankreas|kidney|kidneys|renal|niere|nieren|reins|kub|"
        "urography|urogramm|uroscanner|colon|colonography|kolon|adrenal|adrenals|enterography",
    ),
    (
        ("pelvis",),
        "pelvis|pelvic|becken|bassin|pelvien|bacino|pelvi|bekken|prostate|bladder|blase",
    ),
    (
        ("spine",),
        "spine|wirbelsaeule|wirbelsaule|lws|hws|bws|rachis|columna|colonna|rachide|wervelkolom|"
        "lumbar|lumbaire|cervical",
    ),
    (
        ("extremity",),
        "knee|knie|genou|rodilla|ginocchio|ankle|sprunggelenk|cheville|tobillo|caviglia|enkel|"
        "foot|fuss|pied|wrist|handgelenk|poignet|hand|elbow|ellenbogen|coude|codo|gomito|"
        "shoulder|schulter|epaule|hombro|spalla|schouder|hip|huefte|hufte|hanche|cadera|"
        "femur|tibia|humerus|forearm|leg|arm",
    ),
)
_COMPILED = tuple((terms, re.compile(rf"\b(?:{phrases})\b")) for terms, phrases in _STEPS)

VOCABULARY: frozenset[str] = frozenset(term for terms, _ in _STEPS for term in terms)
"""Every term there is."""

# Words of ImageType, whole, in capitals: images computed from others, projections, spectral ones.
DERIVED_TYPES = r"DERIVED|REFORMATTED|MPR|AVERAGE|SUBTRACTED|PROCESSED|RESAMPLED"
PROJECTION_TYPES = r"MIP|MINIP|MAX IP|MIN IP|(?:MAXIMUM|MINIMUM|MAX|MIN)|PROJECTION IMAGE"
# Image flavors of Enhanced CT (PS3.3, C.8.15): repeated in time, or to guide a needle.
PHASE_TYPES = r"(?:CARD)?RESP GATED|DYNAMIC|MOTION|PERFUSION|STRESS"
PURPOSE_TYPES = r"FLUOROSCOPY|CONE ?BEAM|CBCT"
SPECTRAL_TYPES = (
    r"VNC|VUE|MONO ?E|MONOENERGETIC|IODINE|Z ?EFF|EFFECTIVE Z|VIRTUAL.*|ELECTRON DENSITY"
)

# ContrastBolusAgent values that say none was given.
_NO_AGENT = re.compile(
    "(?:none|no|non(?! ionic)|not|n|nil|null|na|n a|nan|false|off|without|w o|wo|ohne|kein|keine|"
    "keines|sans|sin|senza|zonder|geen|aucun|aucune|ninguno|ninguna|nessuno|nessuna|plain|"
    r"unknown|undefined|[0 ]+(?:ml|cc|mg|g)?$)(?:\b|$)"
)

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# "C+", "KM-", "IV +": the sign is the message. A hyphen inside a word ("C-spine") is not.
_PLUS = re.compile(r"\b(?:c|km|iv|ic|pdc|mdc)\s?\+(?!\w)", re.IGNORECASE)
_MINUS = re.compile(r"\b(?:c|km|iv|ic|pdc|mdc)\s?-(?=\s|$|[_,;)])", re.IGNORECASE)
_NO_WORD = re.compile(r"[^a-z0-9]+")
_LETTER_DIGIT = re.compile(r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])")


@lru_cache(maxsize=65536)
def terms_of(text: str) -> tuple[str, ...]:
    """Return the recognised terms of a description, sorted, each once.

    Parameters
    ----------
    text : str
        Descriptions as written; may be empty.

    Returns
    -------
    tuple of str, each in `VOCABULARY`
    """
    signed = _MINUS.sub(" unenhanced ", _PLUS.sub(" contrast ", text))
    # As written, and with "LungScreening" taken apart: "CaScore" is read either way.
    found = _recognise(_plain(signed)) | _recognise(_plain(_CAMEL.sub(" ", signed)))
    return tuple(sorted(found))


def says_contrast(agent: str) -> bool:
    """Tell whether a ContrastBolusAgent value says that an agent was given.

    Empty values and words for "none" in several languages say that none was.
    """
    plain = _plain(agent)
    if not plain or _NO_AGENT.match(plain):
        return False
    return terms_of(agent) != ("unenhanced",)


def image_type_says(values: Iterable[str], words: str) -> bool:
    """Match whole words in any ImageType value; underscores read as spaces.

    Parameters
    ----------
    values : of ImageType, as written
    words : a pattern in capitals, such as `DERIVED_TYPES`
    """
    pattern = re.compile(rf"\b(?:{words})\b")
    return any(pattern.search(value.upper().replace("_", " ")) for value in values)


def _plain(text: str) -> str:
    """Lower case, no accents, words and numbers apart, single spaces."""
    letters = unicodedata.normalize("NFKD", text.replace("ß", "ss")).casefold()
    bare = "".join(c for c in letters if not unicodedata.combining(c))
    return _LETTER_DIGIT.sub(" ", _NO_WORD.sub(" ", bare)).strip()


def _recognise(plain: str) -> set[str]:
    found: set[str] = set()
    rest = plain
    for terms, pattern in _COMPILED:
        rest, n = pattern.subn("|", rest)
        if n:
            found.update(terms)
    return found
