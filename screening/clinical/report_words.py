"""The words by which a report tells whose, which and what kind of number stands in it.

Comes in: nothing. Goes out: expressions, one for each question that is asked of a sentence, and
the value of a number as they find it.
Refuses: nothing. Repetition is bounded everywhere, so that no text takes time by the square of
its length.
"""

import re

_I = re.IGNORECASE


def number(written: str) -> float:
    """Return the value of what `NUMBER` or `CELL` finds."""
    if written.lower() == "zero":
        return 0.0
    if re.search(r"\.\d{3},", written):  # 1.234,5
        written = written.replace(".", "").replace(",", ".")
    return float(written.replace(",", "").replace(" ", ""))


NAME = (
    r"\b(?:agatston|calcium\s+scor(?:es?|ing)|calcification\s+scores?|ca(?:\+\+)?\s+scores?|casc"
    r"|cacs?[- ]scoring|cacs?)\b"
)
SCAN = r"\bcalcium\s+(?:scan|ct)\b"
NUMBER = (
    r"(?:zero\b|\d{1,3}(?:\.\d{3}){1,3},\d{1,2}|(?:\d{1,3}(?:,\d{3}){1,3}|\d{1,2}(?: \d{3})(?!\d)"
    r"|\d{1,9})(?:\.\d{1,9})?)"
)
# In a row of columns a blank ends a number.
CELL = r"(?:zero\b|(?:\d{1,3}(?:,\d{3}){1,3}|\d{1,9})(?:\.\d{1,9})?)"
UNIT = r"[\s)]*\(?\s*(?:agatston(?:\s+(?:units?|scores?))?|a\.u\.|au|units?)\b\)?"
ARTERY = (
    r"(?:left\s+main|lmca|lm|left\s+anterior\s+descending|lad|(?:left\s+)?circumflex|lcx|cx"
    r"|right\s+coronary|rca|posterior\s+descending|pda|ramus(?:\s+intermedius)?|diagonals?"
    r"|other|total|overall|sum)\b"
)

# Between the name and the number.
_DAY = (
    r"(?:(?:\d{1,2}[/.-]){0,2}(?:19|20)\d\d(?:-\d\d){0,2}"
    r"|(?:\d{1,2}\s+)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?\s+"
    r"(?:\d{1,2},\s*)?(?:19|20)\d\d)"
)
_NAMES_MORE = (
    r"(?:[ \t,()-]{0,9}\b(?:coronary|artery|arteries|calcium|calcification|agatston|total|overall"
    r"|composite|combined|scores?|values?|results?|units?|cacs?|au|scan|study|exam|test|ct)\b\)?"
    r"|\s*\([^()\d]{1,40}\)|\s*\([^()\d]{0,30}130\s*(?:HU)?[^()\d]{0,20}\)){0,9}"
)
_WHEN = (
    rf"(?:\s*(?:performed|done|obtained|taken)?\s*(?:in|from|of|on|dated)?\s*\(?{_DAY}\)?\s*"
    r"(?=[:=,]|(?:which|with|showed|shows|was|is|of|revealed|demonstrated)\s))?"
)
# The way of scoring, where a verb or sign says that its result follows.
_METHOD = (
    r"(?:\s*,?\s*(?:calculated\s+)?(?:by|using|per|with|via|according\s+to)\s+(?:the\s+|an?\s+)?"
    r"(?:(?:standard|modified|traditional|conventional|aj-?\s?130|agatston(?:-janowitz)?)[\s-]{1,3}){1,3}"
    r"(?:method|scoring|technique|algorithm|protocol|criteria|system)s?"
    r"(?=\s*(?:[:=]|(?:is|was|of(?!\s+(?:19|20)\d\d\b)|equals?|totals?|measures)\s)))?"
)
_ASIDE = r"(?:,[^,.;\d]{1,60},(?=\s*(?:is|was)\b))?"
_FROM_TO = (
    rf"(?:increased|decreased|progressed|risen|rose|changed|went|gone|up|down)\s+from\s+{NUMBER}"
    r"(?:\s*\(?(?:in\s+)?(?:19|20)\d\d\)?)?\s+to"
    rf"|previously\s+{NUMBER}(?:\s*\(?(?:in\s+)?(?:19|20)\d\d\)?)?\s*,?\s*(?:and\s+)?(?:(?:is|was)"
    r"\s+)?(?:now|currently|today)"
)
_SAYS = (
    r"of|is|was|were|be|been|has|have|had|measur(?:es|ed|ing)|equals?|equal\s+to|total(?:s|l?ing|l?ed)"
    r"|show(?:s|ed|ing)|demonstrat(?:es|ed|ing)|reveal(?:s|ed|ing)|came|comes|back|calculat(?:es|ed)"
    r"|computed|obtained|reported|recorded|quantified|determined|found|noted|documented|estimated|returned"
    r"|remains?|remained|at(?!\s+least)|to(?:\s+be)?|as|which|that|an?|the|total|overall|score|value"
    r"|approximately|approx\.?|about|around|roughly|only|now|currently|today|again|also|reportedly"
    r"|normal|abnormal|elevated|high|low|very|markedly|mildly|moderately|significantly|previously"
    r"|with(?=\s+an?\s+(?:total\s+|agatston\s+)?(?:score|value)\b)"
)
MENTION = re.compile(
    rf"(?P<name>{NAME}(?:-score\b)?)(?P<middle>{_NAMES_MORE}{_METHOD}{_WHEN}{_ASIDE}"
    rf"(?P<link>(?:\s*(?:[:=~]|[-–—](?=\s)|,(?=\s*(?:which|with|now)\b)|(?:{_FROM_TO}|{_SAYS})(?![a-z]))){{0,9}})"
    r"\s*\(?\s*)"
    r"(?:(?P<bound>[<>≤≥]=?|(?:greater|more|less|higher|lower)\s+than|above|below|over|under|"
    rf"at\s+least)\s*)?(?<![\d.,$])(?P<value>{NUMBER})(?![\d$]|,\d{{3}}(?!\d)|[.:/]\d)",
    _I,
)
NUMBER_FIRST = re.compile(
    rf"(?<![\d.,$<>≥≤])(?P<value>{NUMBER})\s*\(?\s*agatston\s+units?\b\)?", _I
)

# Other ways to state one: "Total score 245 (Agatston)", "calcium scan 7/2020: score 65".
_ONLY_BOUND = r"(?P<link>\s*(?:[:=]|(?:is|was|of)\s)?\s*)"
TOTAL_FIRST = re.compile(
    rf"(?P<name>\b(?:total|overall)\s+score)(?P<middle>{_ONLY_BOUND})(?P<value>{NUMBER})"
    r"(?=\s*\(agatston(?:\s+(?:units?|scores?))?\s*\))",  # not "(Agatston 0)": that is the score
    _I,
)
SCAN_SAYS = re.compile(
    rf"(?P<name>{SCAN})(?P<middle>\s*(?:(?:in|from|of|on|dated)\s+)?\(?(?:{_DAY})?\)?"
    r"\s*(?:[:,–—-]|\b(?:showed|shows|revealed|reveals|demonstrated|gave|with)\b)\s*"
    rf"(?:an?\s+|the\s+)?(?:total\s+|agatston\s+|calcium\s+){{0,2}}score{_ONLY_BOUND})"
    rf"(?P<value>{NUMBER})(?![\d$]|,\d{{3}}(?!\d)|[.:/]\d)",
    _I,
)
# A zero before the name stands for a result where the sentence has nothing else.
ZERO_FIRST = re.compile(
    r"(?:(?:^|[:;])[\s*•-]{0,9}(?:\d{1,2}[.)]\s{1,3})?|\b(?:has|had|have|showed|shows|revealed|reveals"
    r"|demonstrated|demonstrates|his|her)\s+(?:an?\s+)?)(?P<value>zero)\s+"
    r"(?P<name>(?:coronary\s+)?(?:artery\s+)?(?:calcium|agatston|cac)\s+score)\b"
    rf"(?=\s*(?:(?:(?:on|in|from)\s+)?(?:{_DAY}|this\s+\w+|today))?\s*(?:$|[.,;)]))",
    _I,
)
# What an earlier score has become: "150, now 320".
NOW = re.compile(
    rf"(?:{UNIT})?(?:\s*\(?(?:in\s+|on\s+)?{_DAY}\)?)?\s*[,;]?\s*(?:and\s+|but\s+)?(?:(?:it\s+)?is\s+)?"
    rf"(?:now|currently|today)\s*(?::|(?:is|at)\s)?\s*(?P<value>{NUMBER})(?![\d$%]|,\d{{3}}(?!\d)|[.:/]\d)",
    _I,
)
# "now 58, asymptomatic" may be an age.
NOW_ENDS = re.compile(rf"{UNIT}|\s*(?:today\b)?\s*(?:$|[.;()])", _I)
# 1+ to 4+ are the steps of a reader's eye.
HIGHEST_STEP = 4.0

LIMIT_BEFORE = re.compile(
    r"(?:\b(?:than|above|over|below|under|least|most|exceed\w*|up\s+to|to)|[<>≥≤=–-])\s*$", _I
)

# What may stand behind a number that is a score; another word makes it a count, a day, a dose.
TAIL = re.compile(
    rf"(?:{UNIT})?\s*(?:$|[.,;()\]?!|+\n]|[-–—](?=\s)|:(?=\s|$)|={1, 2}"
    r"|(?:and|with|without|which|who|whose|in|on|at(?!\s+\d)|by|from|for|as|is|was|has|had|but|though"
    r"|although|despite|since|when|while|per|using|via|or|would|should|this|that|these|both|versus"
    r"|vs|today|now|currently|previously|prior|earlier|last|ago|dated|obtained|performed|done|noted"
    r"|seen|found|recorded|measured|reported|calculated|estimated|placing|places?|corresponding"
    r"|corresponds?|consistent|compatible|indicat(?:es?|ing|ive)|suggest(?:s|ing|ive)?|represent"
    r"(?:s|ing)?|reflect(?:s|ing)?|impl(?:y|ies|ying)|means?|denotes?|carries|confers"
    r"|signif(?:y|ies)|equivalent|compared|increased|decreased|unchanged|stable|showing|due"
    r"|minimal|mild|moderate|severe|extensive|total|overall|left|lad|lcx|rca|lm|"
    r"(?:not\s+)?(?:including|excluding))\b)",
    _I,
)
SETTING = re.compile(
    r"[\s)]*(?:in|among|at)\s+(?:(?!(?:19|20)\d\d\b)\d|adults|patients|individuals|people|men\b|women\b|most|the"
    r"\s+general)|[\s)]*(?:of|out\s+of)\s+\d|.{0,60}\bscale\b",
    _I,
)

# Whose number it is.
RELATIVE = (
    r"(?:father|mother|brother|sister|sibling|parent|family|relative|wife|husband|spouse|partner"
    r"|son|daughter|uncle|aunt|cousin|nephew|niece|twin|dad|mom|grand\w+|friend|neighbou?r"
    r"|co-?worker|colleague|boss|vater|mutter|bruder|schwester|vader|moeder|broer|zus(?:ter)?"
    r"|p[èe]re|m[èe]re|fr[èe]re|s(?:œ|oe)ur|padre|madre|hermano|hermana|fratello|sorella|pai|m[ãa]e"
    r"|irm[ãa]o?)s?\b"
)
OTHER_PERSON = re.compile(rf"\b{RELATIVE}", _I)
OWN = re.compile(r"\bpatient'?s?\b(?!\W{1,2}s?\s*" + RELATIVE + r")|\b(?:his|her)\s+own\b", _I)
SCANNED = re.compile(r"\b(?:scan\w*|ct|calcium|score\w*|cac|tested|heart)\b", _I)
INDICATION = re.compile(r"\bfamily\s+history\s+of\s+[^,:;]{1,60},", _I)
PEOPLE = re.compile(
    r"\b(?:patients|individuals|people|persons|subjects|participants|adults|men|women|those"
    r"|someone|somebody|anyone|everyone|studies|trials?|cohorts?|registry|literature|guidelines?"
    r"|consensus|populations?|prevalence|incidence|mortality|thresholds?|cut-?offs?|criteri\w+"
    r"|categor\w+|in\s+(?:the\s+)?mesa|research|for\s+example|in\s+general|generally|typically"
    r"|usually|education)\b|\bpower\s+of\s+zero\b|\brisks?\s+(?:of\s+(?:\w+\s+){0,4}|for\s+\w+\s+)"
    r"with\s+an?\b|\bstud(?:y|ies)\s+(?:show|found|suggest)",
    _I,
)
COMPARED = re.compile(
    r"(?:\b(?:compar\w+|relative)\s+(?:to|with)\b|%|\bpercentile\b)[^,;.]{0,60}"
    r"\b(?:patients|individuals|people|persons|subjects|adults|men|women|those)\b",
    _I,
)

# Of which organ it is.
CORONARY = re.compile(r"\b(?:coronary|coronaries|cacs?|lad|lcx|rca|lmca|left\s+main)\b", _I)
_ORGANS = (
    r"aort\w*|lvot|mitral|tricuspid|bicuspid|pulmonic|valv\w*|annul\w*|leaflets?|carotid\w*|femoral"
    r"|iliac|renal|kidneys?|pancrea\w*|breast|mammary|splenic|abdominal|peripheral|tibial|popliteal"
    r"|cerebral|intracranial|legs?|thyroid|liver|hepatic|nodules?|urin\w*|serum|avc|mac|av|tav[ir]"
    r"|kauppila|lumbar|bone|granuloma\w*|pericardi\w*|extremit\w+"
)
OTHER_ORGAN = re.compile(rf"\b(?:{_ORGANS})\b", _I)
OF_OTHER_ORGAN = re.compile(
    rf"(?:{UNIT})?\s*(?:\(|[-–—]\s|(?:in|for|of|at|on|from)\s)[\s(]*(?:the\s+|his\s+|her\s+|an?\s+|severe\s+)?"
    rf"(?:(?:native|thoracic|calcified|patient's|ascending)\s+)?(?:{_ORGANS})\b",
    _I,
)
OF_RELATIVE = re.compile(
    rf"(?:{UNIT})?[\s(]*(?:in|for|of|at)?\s*(?:(?:his|her|the|a|patient's)\s+){{0,3}}{RELATIVE}", _I
)
# Farther behind: "120 on 3/2020 in her sister", but not "in view of her sister's infarction".
LATER_OF_RELATIVE = re.compile(
    r"[^,;]{0,80}?\b(?:in|for|of)\s+(?:his|her|their|an?|patient'?s)\s+(?:(?!family)\w+\s+)?"
    rf"(?!family){RELATIVE}(?!['’])",
    _I,
)
VALVE = re.compile(
    r"\btav[ir]\b|\blow[- ]gradient\b|\btranscatheter\s+aortic"
    r"|\baortic\s+stenosis\b|\bstenosis\s+of\s+the\s+aortic"
    r"|\bvalv\w*[^.;]{0,40}\bcalci|\bcalci\w*[^.;]{0,40}\bvalv|\bavc\b",
    _I,
)
VALVE_NEAR = re.compile(r"\b(?:valv\w*|leaflets?|annul\w*)\b", _I)
NEGATED_FINDING = re.compile(r"\b(?:no|without|absence\s+of|normal)\b[^,;.]{0,80}", _I)
# The word in front of a score that does not say whose arteries it is of; an unknown word does.
BEFORE_NAME = re.compile(
    r"(?:^|[^\w'’-]|\b(?:an?|the|his|her|their|this|that|these|of|in|on|by|to|for|from|with|and|or|but|as|at"
    r"|is|are|was|has|had|have|shows?|showed|reports?|reveals?|states?|per|given|despite|although"
    r"|total|overall|composite|prior|previous|earlier|last|latest|recent|new|old|current|known"
    r"|elevated|high|higher|low|lower|normal|abnormal|zero|baseline|repeat|follow-?up|outside|formal|gated"
    r"|dedicated|cardiac|heart|ct|scan|study|exam|test|results?|findings?|impression|history|hx"
    r"|h/o|s/p|coronary|artery|arterial|vessels?|lad|lcx|cx|rca|lm|lmca|main|circumflex|calcium|agatston|cac"
    r"|volume|patient|pt|pts?|mild|moderate|severe|final|whose|hence|therefore|then|now|not"
    r"|no|any|contrast|chest|he|she|who|which|since|because|so|where|when|if|score|and/or|w/|positive"
    r"|[a-z]+(?:ed|ing|ly|['’]s)|s['’]|\d+))[\s(]*$",
    _I,
)

# What kind of statement it is.
CLAUSE = re.compile(r"[,:(]|\bbut\b|\bwith\b|\band\b|\bwhich\b", _I)
ADVICE_CLAUSE = re.compile(r",|\bbut\b|\bwith\b(?=\s+(?:an?\s+)?(?:agatston|total))", _I)
NEUTRAL = re.compile(
    r"\bno\s+(?:\w+\s+){0,3}(?:change|increase|progression|difference)\b"
    r"|\b(?:without|no)\s+(?:(?:and\s+with|intravenous|iv|i\.v\.|oral|any)\s+){0,3}contrast\b"
    r"|\b(?:recommend|suggest|advis|order|consider|indicat|request|schedul)\w*\s+(?:given|due\s+to"
    r"|based\s+on|because\s+of|in\s+(?:view|light)\s+of|for\s+(?:elevated|high|abnormal))\b"
    r"|\bwhen\s+compared\b|\bshould\s+be\s+noted\b|\bas\s+(?:suggested|recommended|requested)\b"
    r"|\bin\s+order\s+to\b|\bmay\s+\d",
    _I,
)
NEGATION = re.compile(
    r"\b(?:no|not|without|never|cannot|unable|absent|den(?:y|ies|ied)|declin\w+|refus\w+|negative"
    r"\s+for|rather\s+than|instead\s+of)\b",
    _I,
)
NO_PLAQUE = re.compile(
    r"\b(?:no|without|absence\s+of)\b[^,;]{0,80}\b(?:calci\w*|plaques?|atheroscler\w*)", _I
)
ADVICE = re.compile(
    r"\b(?:if|when|unless|whether|until|assum\w+|suppos\w+|hypothetic\w*|si|wenn|falls|should|would|could|may|might|consider\w*|recommend\w*"
    r"|suggest\w*|advis\w*|order(?:ed|ing)?|request\w*|schedul\w*|appointment|await\w*|pending"
    r"|discuss\w*|indicated|target|goal|favou?rs?|eligib\w*|candidates?|plan(?:ned)?\s+(?:for|to)|e\.g|for"
    r"\s+example|will)\b",
    _I,
)
GUESS = re.compile(
    r"\b(?:estimat\w*|non-?\s?gated|ungated|not\s+gated|ai[- ](?:derived|based|estimated)"
    r"|deep[- ]learning|visual\w*|ordinal|weston|shemesh|qualitative\w*|semi-?quantitative\w*"
    r"|kauppila|cac-?drs|attenuation[- ]correction|predict\w*|phantom|sample"
    r"|(?:patient|pt|he|she)\s+(?:thinks?|thought|believe[sd]?|assume[sd]?|guess(?:es|ed)))\b",
    _I,
)
GUESS_AFTER = re.compile(
    r"\b(?:estimated\s+(?:from|on|by|off|visually)|an?\s+estimate|non-?\s?gated|ungated|not\s+gated"
    r"|weston|shemesh|visu[ae]l\w*|(?:range|scale)\W{0,3}0\s?(?:-|–|to)\s?(?:[34]|12|30)(?!\d)|ordinal|qualitative\w*|semi-?quantitative\w*|kauppila|cac-?drs"
    r"|ai[- ](?:derived|based)|deep[- ]learning)\b",
    _I,
)
AFTERWARDS = re.compile(
    r"\b(?:not|never)\s+(?:been\s+)?(?:performed|possible|available|done|obtained|calculated|valid)\b"
    r"|\b(?:in\s+error|erroneous\w*|incorrect\w*|wrong\s+patient|another\s+patient)\b"
    rf"|^(?:{UNIT})?[\s)]*(?:(?:is|was|were|has\s+been|be)\s+)?(?:recommended|advised|ordered"
    r"|scheduled|would|should|needed|required)\b"
    rf"|^(?:{UNIT})?[\s)]*or\s+(?:more|greater|higher|above|less|lower|below)\b",
    _I,
)

# Legends: what scores mean, and what follows from them.
THERAPY = re.compile(r"\b(?:warrant\w*|goals?|statins?|therapy|treat\w*)\b", _I)
RANGE = re.compile(r"\s*(?:-|–|to)\s*\d[\d,.]*(?!\d|\s*(?:st|nd|rd|th|%|percentile))", _I)
_GRADE = (
    r"(?:no(?:ne)?|zero|minimal|mild|moderate|severe|extensive|very|low|high|normal|intermediate"
    r"|absent|negative|positive|identifiable|calcif\w+|plaque|risk|statins?)\b"
)
LEGEND_ENTRY = re.compile(
    r"(?:\b\d{1,4}\s*(?:-|–|to)\s*\d{1,4}|[<>≥≤]=?\s*\d{1,4}|\b\d{2,4}\s*\+)\s*[:=(),-]{0,2}\s*"
    rf"(?:is\s+)?{_GRADE}",
    _I,
)
GRADED = re.compile(rf"[\s)]*(?:[:=,–—-]\s*)?{_GRADE}", _I)
EXPLAINED = re.compile(r"[\s)]*(?::|[-–—]\s)", _I)
MEANS = re.compile(
    rf"(?:{UNIT})?[\s)]*(?:impl(?:y|ies)|indicates?|suggests?|means?|corresponds?|denotes?|carries"
    r"|confers|represents?|signif(?:y|ies)|has\s+an?\b"
    r"|(?:is|are|was|were)\s+(?:considered|associated|defined|classified)"
    r"|(?:is|are)\s+(?!noted|seen|found|present|measured|recorded|reported|calculated)\w)",
    _I,
)
INDEFINITE = re.compile(r"\b(?:an?|any)\s+(?:[\w-]+\s+){0,3}$", _I)
HAS = re.compile(r"\b(?:has|had|have|with|shows?|showed|patient)\b", _I)
DEFINITE = re.compile(r"\b(?:the|his|her|this|patient'?s?|total|overall)\b", _I)
# Where the categories of the usual legends begin and end, Agatston units.
ROUND = frozenset((0.0, 1.0, 10.0, 11.0, 99.0, 100.0, 101.0, 300.0, 400.0, 1000.0))

TOTAL = re.compile(r"\b(?:total|overall|sum)\b", _I)
PAST = re.compile(
    r"\b(?:prior|previous(?:ly)?|earlier|last|old|history|hx|h/o|outside|(?:19|20)\d\d)\b", _I
)
TREND = re.compile(r"\b(?:from|previously)\b", _I)

# Sections and kinds of examination.
LEGEND_SECTION = re.compile(
    r"(?:score|calcium|agatston|cac)\b[^:]{0,30}\b(?:interpretation|risk)|interpretation\s+of"
    r"|\b(?:reference|legend|guideline|categor\w+|classification|scale|ranges?|key)\b",
    _I,
)
TECHNIQUE_SECTION = re.compile(
    r"^\W*(?:exam(?:ination)?|study|techniques?|protocol|procedure|cpt|order|dose|radiation)\b", _I
)
FAMILY_SECTION = re.compile(r"\bfamily\b|^\W*(?:fh|fhx)\b", _I)
GATED = re.compile(
    r"(?<!non)(?<!non[- ])(?<!un)(?<!not )\bgated\b|\bdedicated\b"
    r"|(?<!without )(?<!no )\b(?:ecg|ekg|cardiac)[- ]?(?:gating|trigger\w+)"
    r"|\bcardiac\s+(?:ct|computed)"
    r"|\b(?:ct|tomography)\s+(?:of\s+the\s+)?(?:heart|cardiac)|(?<!pet/)(?<!pet-)\bct\b[^.:;\n]{0,30}\bcalcium\s+scor"
    r"|\bcalcium\s+scor\w+\s+(?:ct|scan|study|exam)",
    _I,
)
# A title: of the coronaries, so that a valve told beside them does not make it a valve's report.
CORONARY_TITLE = re.compile(
    r"^(?![^\n]*\b(?:valv|tav))[^\n]*\b(?:cardiac|coronary|heart)\b[^.\n]{0,20}\bcalcium\s+scor", _I
)
# A title of two examinations: a chest, and a calcium score of its own.
COMBINED_TITLE = re.compile(
    r"\s*(?:(?:exam(?:ination)?|study|procedure)\W{1,3})?(?:non-?\s?contrast\s+)?ct\b"
    r"(?:[\s,/()-]{1,3}(?:of|the|chest|thorax|without|with|w/?o|iv|intravenous|contrast)\b){1,9}"
    r"[\s,]{1,3}(?:and|with|plus|&|\+)\s+(?:ct\s+)?(?:coronary\s+)?(?:artery\s+)?calcium\s+scor",
    _I,
)
ADVISED = re.compile(r"\b(?:recommend|suggest|consider|advis|order)\w*[^.\n]{0,120}", _I)
UNGATED = re.compile(
    r"\bnon-?\s?gated\b|\bungated\b|\bnot\s+gated\b|\bwithout\s+(?:ecg|cardiac|ekg)[- ]?gating"
    r"|\blung-?rads\b|\blung(?:[- ]cancer)?[- ]screening\b"
    r"|\blow[- ]dose\s+(?:chest|lung|ct)|\bldct\b"
    r"|\bnot\s+(?:formally\s+)?quantified\b",
    _I,
)
CHEST_CT = re.compile(
    r"\b(?:chest\s+ct|ct\s+(?:of\s+the\s+)?(?:chest|thorax)|thoracic\s+ct|ct\s+pulmonary|pet/?-?ct)\b",
    _I,
)
