"""Words for what a scan was taken for and what of the body it shows, in several languages.

Comes in: nothing. Goes out: `BODY_STEPS`, which `vocabulary` matches after `words_of_making`.
Refuses: nothing.
"""

# One step a line: the terms it gives, and its phrases. Earlier steps take out what they match.
BODY_STEPS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("attenuation",),
        "ctac|ct ac|ac ct|attenuation(?: correction)?|att(?:n|enuation)? corr[a-z]*|"
        "schwaechungskorrektur|schwachungskorrektur",
    ),
    # What in a PET/CT study says that its CT was made to be read.
    (("diagnostic",), "diag|diagn|diagnost[a-z]*"),
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
        ("pet", "whole_body"),
        "pet|pet ?ct|pet ?tc|pet ?scan|tep|tep ?(?:tdm|ct|scan)",
    ),
    (
        ("whole_body",),
        "whole ?body|ganzkoerper|ganzkorper|corps entier|cuerpo entero|total body|total ?body|"
        "polytrauma|pan ?scan|trauma ?scan|ganzkoerperspirale",
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
