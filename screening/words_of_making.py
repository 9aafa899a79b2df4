"""Words for how images were made: contrast agent, breath, projection, purpose, in many languages.

Comes in: nothing. Goes out: `MAKING_STEPS`, which `vocabulary` matches one after the other.
Refuses: nothing.

The text is lower case without accents, numbers apart from letters. A German umlaut may be written
with or without its e.
"""

# What `vocabulary` writes where a text says 4-D or a phase of breathing ("4DCT", "T=30%").
PHASE_MARK = "fourd"
# And where a text gives a percentage: of a cycle, or of iterative reconstruction.
PERCENT_MARK = "percentmark"
# And where it asks: "CAC?".
QUESTION_MARK = "questionmark"

# Words that deny what follows them.
_NOT = (
    "no|non|not|without|wo|w o|w out|un|ohne|kein|keine|sans|sin|senza|zonder|geen|s|minus|never|"
    "utan|uten|uden|sem|bez|ilman"
)
_WITH = "with|w|post|after|iv|mit|nach|avec|apres|con|tras|dopo|met|na|c|plus|com|med"
# What may stand between the denial and the agent.
_FILLER = (
    "iv|i v|intravenous|intravenoese|any|the|agent|oral or|oral and|de|du|d|di|del|"
    "produit|mezzo|medio|medium|material|media|iodinated|iodine"
)
_AGENT = (
    "contrast|contrasts|contrasted|contraste|contrasto|contraststof|contrastmiddel|contrastmedium|"
    "kontrast|kontrastu|kontrastmittel|kontrastmedel|kontrastmiddel|varjoaine[a-z]*|km|mdc|m d c|"
    "kontrastmittelgabe|kontrastgabe|mezzo di contrasto|produit de contraste|pdc|enhanced|"
    "enhancement|injection|injectie|inyeccion|iniezione|injected|injecte|injectee|"
    "ic|civ|iv|i v|iode|iodine|jod|iodio|yodo|jodium"
)
_AGENT_PHRASE = rf"(?:(?:{_FILLER}) )*(?:{_AGENT})(?: (?:{_FILLER}|{_AGENT}))*"
# Of these, what says contrast without a "with" before it.
_PLAIN_AGENT = (
    "contrast|contrasted|contraste|contrasto|contrastmiddel|kontrast|kontrastem|kontrastmittel|"
    "varjoaine[a-z]*|"
    "kontrastmedel|kontrastmiddel|km|mdc|pdc|"
    "enhanced|cect|ce ct|cta|ctpa|angio|angiography|angiographie|angiografia|angiografie|"
    "angioscanner|angiotc|angio ct|arterial|arterial phase|arteriell|venous|venoes|portal|"
    "portovenous|portalvenoes|portalvenous|veineux|venosa|injecte|injectee|injected|smartprep|"
    "bolus|embolism|embolie|lungenembolie"
)
_NOT_GIVEN = (
    "planned|scheduled|geplant|vorgesehen|prevue?|planifie|previsto|programado|gepland|planlagt|"
    "planerad|(?:not|nicht|niet|nao|inte|ikke) (?:given|administered|gegeben|verabreicht|gegeven|"
    "toegediend|administrado|givet|gitt)"
)
_BOTH = (
    "with and without|without and with|w and wo|w wo|w w o|w o w|wo w|wo and w|w o and w|"
    "w and w o|mit und ohne|ohne und mit|avec et sans|sans et avec|con y sin|sin y con|"
    "con e senza|senza e con|met en zonder|zonder en met|com e sem|sem e com|med och utan|"
    "utan och med|med og uten|uten og med|pre and post|pre post"
)
# Contrast agent as an event, which images come before; of "iv" alone it may be any drug.
_EVENT = (
    "contrast|contrasts|contrasto|contraste|contrast[a-z]+|"
    "kontrast[a-z]*|varjoaine[a-z]*|km|mdc|m d c|"
    "pdc|civ|injection|injektion|injectie|inyeccion|injecao|iniezione|enhancement|bolus"
)
_THE = (
    "the|an?|der|dem|den|die|das|le|la|les|l|el|il|lo|de|del|della|dell|di|do|da|du|d|het|iv|i v|"
    "al|allo|alla|administration|gabe|verabreichung|applikation|toediening|mezzo|medio|meio|produit|"
    "somministrazione|administracion|administracao|aplicacion|podaniem|podanim|intravenous|"
    "intravenoese[nr]?"
)
_THE_EVENT = rf"(?:(?:(?:{_THE}) )*(?:{_EVENT})\b ?)+(?<! )"
_BEFORE_AND_AFTER = (
    "before and after|vor und nach|vor u nach|avant et apres|antes y despues|antes e depois|"
    "prima e dopo|voor en na|fore och efter|for og etter|for og efter|f r og etter|f r og efter"
)
# Not "contrast, free breathing", "KM, freie Luft".
_FREE = "(?:frei(?:e[a-z]?)?|free|vrije?|fri|fritt)(?! (?:breath|atm|air|luft|fluid|flu|gas))"
# "For" written for the Nordic "før" is before where the agent is written with a k, as there.
_BEFORE = (
    rf"(?:before|prior to|pre|vor|avant|prima|antes?|previ[oa] al?|voor|fore|f r|innan|ennen|przed|"
    rf"pred) {_THE_EVENT}|for kontrast[a-z]*|pre(?:contrast|kontrast)[a-z]*|"
    rf"(?:{_EVENT}) ?(?:{_FREE})|"
    # None of it: "5.0 contrast" is a thickness.
    rf"(?<![0-9] )(?:0|zero) {_THE_EVENT}"
)
# "Basal" is a phase beside the chest, and a place beside what lies in it; "s/c" is without.
_CHEST = "torace|torax|thorax"
_AT_CHEST = r"(?:(?<=\btorace )|(?<=\btorax )|(?<=\bthorax ))"
_AT_CT = rf"(?:{_AT_CHEST}|(?<=\btac )|(?<=\btc )|(?<=\bct ))"
_PLACES = (
    "lung|pulm|polm|segment|lob|atele|pleur|effus|infiltr|fibro|consol|links|rechts|left|right|bil"
)
_PLAIN_PHASE = (
    rf"{_AT_CHEST}basale?(?! (?:{_PLACES}))|basale?(?= (?:{_CHEST})(?: |$))|fase basale?|"
    rf"{_AT_CT}s c(?! (?:joint|gelenk))"
)
_GATED = (
    "gated|gating|ecg|ekg|ecg triggered|ekg getriggert|cardiac synchronised|cardiac synchronized|"
    "sequence cardiaque|cardiosincronizzato|cardiosincronizado"
)

_VIRTUAL = (
    "virt|virtual|virtuel|virtuell|virtuelle|virtuelles|virtueller|virtuale|virtueel|virtuele"
)
# A virtual bronchoscopy of an unenhanced chest is no virtual unenhanced chest.
_NO_ENDOSCOPY = "(?! (?:bronch|colon|kolo|endos))"
_UNENHANCED = (
    rf"(?:{_NOT}) ?{_AGENT_PHRASE}|unenh[a-z]*|non ?con|non ?contr[a-z]*|nc|nativ[a-z]*|natif|"
    "blanco|plain"
)
_NO_CALCIUM = (
    rf"(?:{_NOT}) ?(?:calcium|kalzium|kalk|calcio|ca)|(?:calcium|kalzium|kalk) ?frei[a-z]*"
)
_IODINE = "iodine|iod|iode|jod|iodio|yodo|jodium"
# GE's virtual unenhanced, not a view: French says of what ("vue axiale", "vue de face", "champ de
# vue"), and there is a viewer of that name.
_GE_UNENHANCED = (
    "(?<!de )vue(?! (?:[a-z]+ale|[a-z]+aire|[a-z]+euse|d|de|du|des|en|pour|par|sur|pacs)(?: |$))"
)
_SPECTRAL = (
    rf"vnca?|{_GE_UNENHANCED}|vmi|(?:{_VIRTUAL}) (?:{_UNENHANCED}|{_NO_CALCIUM})|"
    rf"(?:{_UNENHANCED}) (?:{_VIRTUAL}){_NO_ENDOSCOPY}|"
    # 40 to 200 keV are what scanners offer.
    "mono ?energ[a-z]*(?: plus)?|mono ?e|mono ?plus|mono ?chromatic|"
    "mono (?:[4-9][0-9]|1[0-9][0-9]|200)(?: kev)?|(?:mono )?[0-9]+ ?kev|kev|"
    "iodine (?:only|no water)|"
    rf"(?:{_IODINE}) ?(?:maps?|images?|overlay|density|bild[a-z]*|karten?|kaart|beeld)|"
    rf"(?:carte|image|mapa|imagen|mappa|immagine) (?:d |de |di )?(?:{_IODINE})|"
    "zeff|z eff|effective z|electron density|pbv|(?:calcium|ca) ?supp[a-z]*"
)

_SCORE = (
    r"cac|cacs|casc|ca ?sc(?:ore|oring)?|calc(?:ium)? ?(?:score|scoring|scan)|"
    "kalk ?scor(?:e|ing)|kalzium ?scor(?:e|ing)|calcium coronaire|coronary (?:artery )?calcium|"
    "score calcique|calcio coronari[ao]|"
    "(?:scor(?:e|ing)|punteggio|puntaje|puntuacion|indice|escore|pontuacao) (?:(?:de|del|di|do) )?"
    "calci(?:o|um|co)(?: coronari[ao])?|calcio score|agatston|smartscore|"
    "kransslagaderkalk|flash ?ca ?sc(?: ?seq)?"
)
# A score that was not made: denied, planned, advised, broken off. Before the word or after it.
_NEITHER = (
    "no|not|non|without|wo|w o|ohne|kein|keine|keinen|sans|pas de|sin|senza|zonder|geen|sem|bez|"
    "utan|uten|uden|never|rule out|incidental|consider|empfehle|statt|instead of"
)
_TO_COME = (
    "planned|scheduled|advised|recommend[a-z]*|suggested|requested|ordered|pending|"
    "geplant[a-z]*|empfohlen[a-z]*|ausstehend[a-z]*|"
    "prevue?|planifie[e]?|programmee?|conseillee?|recommandee?|"
    "programad[ao]|previst[ao]|planificad[ao]|recomendad[ao]|aconsejad[ao]|solicitad[ao]|pendiente|"
    "programmat[ao]|pianificat[ao]|consigliat[ao]|raccomandat[ao]|"
    "gepland[a-z]*|aanbevolen|geadviseerd|planlagt|planerad"
)
# Made, but nothing to be read.
_USELESS = (
    "unscor[a-z]*|unavailable|invalid[a-z]*|unread[a-z]*|uninterpret[a-z]*|unusable|unevalua[a-z]*|"
    "non ?diagnostic|unreliable|blurred|"
    "unbrauchbar|ungue?ltig|unlesbar|unauswertbar|unverwertbar|verwackelt|"
    "ininterpret[a-z]*|inexploitable|illisible|indisponible|inutili[sz][a-z]*|ilegible|ilegivel|"
    "illeggibile|inattendibile|ongeldig|onbruikbaar|onleesbaar|onbeoordeelbaar|bewogen|"
    "ugyldig|ogiltig|ubrukelig|obrukbar"
)
_UNDONE = (
    "cancel[a-z]*|abort[a-z]*|abandon[a-z]*|omitted|skipped|failed|declined|refused|deferred|"
    "unsuccessful|"
    "abgebrochen[a-z]*|abgesagt[a-z]*|abgelehnt[a-z]*|entfaellt|entfallt|entfallen|"
    "verschoben[a-z]*|verweigert|storniert|annul[a-z]*|interromp[a-z]*|refusee?|"
    "anulad[ao]|suspendid[ao]|interrumpid[ao]|rechazad[ao]|rifiutat[ao]|interrott[ao]|"
    "sospes[ao]|geannuleerd[a-z]*|geweigerd[a-z]*|afgebroken|mislukt[a-z]*|avbruten|avbrutt|"
    f"evtl|eventuell|ggf|fraglich[a-z]*|{QUESTION_MARK}|{_TO_COME}|{_USELESS}|"
    # Of no patient.
    "phantom[a-z]*|fantom[a-z]*|fantoom|test|tests|testscan"
)
_UNDONE_AFTER = (
    # "not gated" and "not enhanced" deny something else.
    "(?:not|nicht|niet|nao|inte|ej|ikke) (?!gated|getriggert|enhanced|contrast|kontrast)[a-z]+|"
    "(?:non|pas|no)(?: (?:se|ete|e stat[ao]|fue|ha sido|been))? (?:realis|effectu|fai[ts]|obten|"
    "possib|interpret|esegui|effettu|fatt|valut|realiz|hech|efectu|posib|valor|done|perform|made|"
    "diagnos|valid|valab|dispon|exploit|lisib|utilis|utiliz)[a-z]*|"
    # "No score", of a scan that is called one.
    rf"(?:{_NEITHER}) (?:calcium |agatston )?scor[a-z]*|n a|na$|"
    "to follow|to be [a-z]+|zu [a-z]+en|a prevoir|a (?:re)?faire|a realiser|a repeter|da (?:rifare|"
    "ripetere)|a repetir|para repetir|folgt|volgt|on request|"
    "if possible|impossible|incomplete"
)
_AUXILIARY = (
    "was|is|were|has been|have been|will be|be|wurde|wird|ist|war|a ete|n a|n est|est|etait|fue|"
    "ha sido|e stat[ao]|werd|foi|var|score|scoring|scan|seq"
)
_NO_SCORE = (
    rf"(?:{_NEITHER}|{_UNDONE})"
    r"(?: (?:coronary|cardiac|artery|ct|the|a|any|de|du|le|di|el|la|il))*"
    rf" (?:{_SCORE}|calcium|kalk|calcio)(?: ?scor(?:e|es|ing))?|"
    # What became of it may stand after the reason: "wegen Tachykardie nicht auswertbar".
    rf"(?:{_SCORE})(?: (?:{_AUXILIARY}))*(?: [a-z0-9]+){{0,4}}? (?:{_UNDONE}|{_UNDONE_AFTER})"
)

_BEFORE_OR_AFTER = (
    "after|post|following|follow up|fu|status post|s p|history of|before|prior to|pre|"
    "nach|vor|(?<!i )v|z n|zustand nach|verlauf nach|apres|avant|tras|despues de|antes de|dopo|"
    "prima di|na|voor|etter|efter|apos"
)
_FOLLOW_UP = (
    "follow up|fu|nachsorge|verlauf|verlaufskontrolle|suivi|surveillance|seguimi?ento|nazorg|"
    "oppfolging|uppfoljning|opfolgning"
)
# A drain that lies there, an ablation that is to come: the state or the reason of a scan. Only with
# a word of doing it (or of guiding a needle) were the images made for it.
_STATE_OR_DEED = (
    "drainagen?|drains?|drenaje|drenaggio|[a-z]*ablation|ablacion|ablazione|radiofre[a-z]*|rfa|mwa"
)
_DOING = "procedures?|placement|insertion|anlage|einlage|intervention|needle|nadel|session|pose"
_INTERVENTION = (
    "[a-z]*biops[a-z]*|biopt|intervention|interventional|[a-z]*punktion(?:en)?|[a-z]*punctie|"
    "ponctions?|puncion|punzione|[a-z]*aspirato|vertebroplast[a-z]*|kyphoplast[a-z]*|hook ?wire|"
    rf"(?:percutan[a-z]*|perkutan[a-z]*|needle|nadel) (?:{_STATE_OR_DEED})|"
    rf"(?:{_STATE_OR_DEED}) ?(?:{_DOING})"
)
_GUIDED = (
    "ct ?guided|ct ?gesteuert[a-z]*|ct ?gestuurd[a-z]*|(?:tc|ct) guidat[ao]|"
    "guiad[ao] por (?:tc|ct)|(?:scanno|scanner|tdm) ?guidee?|ct ?fluoro|fluoro|"
    "[a-z]*fluoros[ck][a-z]*"
)
_RADIOTHERAPY = (
    "radiother[a-z]*|radioter[a-z]*|strahlentherap[a-z]*|[a-z]*bestrahlung[a-z]*|bestraling[a-z]*|"
    "stralebehandling|stralbehandling"
)
_PLANNING = (
    "(?:rt|radiotherapy|radiation|treatment) ?plan[a-z]*|rtp|planning ct|ct planning|"
    "planungs ?ct|ct ?sim(?:ulat[a-z]*)?|sim(?:ulat[a-z]*)? ?ct|rt ?sim|sim|simulat[a-z]*|"
    "simula[cz]ion[a-z]*|simulazione|dosimetri[a-z]*|planification[a-z]*|planificacion[a-z]*|"
    f"centrage|centraje|centratura|{_RADIOTHERAPY}"
)
_CHECK = f"check|control|kontrolle|controle|controllo|lage|position|{_FOLLOW_UP}"

_EXPIRATORY = (
    "exp|expi|expir|expirat[a-z]*|exsp|exspir[a-z]*|expiracion|expiracao|espirazione|espirat[a-z]*|"
    "espiracion|e[sx]pirad[ao]|espirium|espirio|exh|exhal[a-z]*|ausat(?:em|m)[a-z]*|ausgeatmet|"
    "uitadem[a-z]*|uitgeademd|utandning|utandad|udanding[a-z]*|utpust|ekspirasjon|ekspiration"
)
_INSPIRATORY = (
    "insp|inspi|inspir|inspirat[a-z]*|inspirium|inspirazione|inspiracion|inspiracao|inspirad[ao]|"
    "inspirio|inh|inhal[a-z]*|einat(?:em|m)[a-z]*|eingeatmet|inadem[a-z]*|ingeademd|inandning|"
    "inandad|indanding[a-z]*|innpust|inspirasjon"
)
# "Maximum intensity", "intensité maximale", "massima intensità", "máxima intensidad".
_EXTREME = "maxim[a-z]*|massim[a-z]*|minim[a-z]*|average|mean|media|moyenne|gemiddelde|mittlere"
_FOR = "for|fuer|fur|pour|para|per|voor|til|zur"
_PROJECTION = (
    "slab|slabs|mip|mips|minip|min ip|max ip|maxip|ave ?ip|avg ?ip|mean ?ip|ray ?sum|vrt|"
    "volume rendering|volume rendered|"
    rf"(?:{_EXTREME}) ?intensi[a-z]*|intensi[a-z]* (?:{_EXTREME})"
)

# One step a line: the terms it gives, and its phrases. None: recognised only to be taken out.
# A group named `kept` stays for the steps after it.
MAKING_STEPS: tuple[tuple[tuple[str, ...], str], ...] = (
    # Allergies are the patient's.
    (
        (),
        rf"(?:{_IODINE}|{_AGENT}) ?(?:allerg|alerg)[a-z]*|"
        rf"(?:allerg|alerg)[a-z]* (?:(?:to|auf|gegen|al|au|a|all|voor|l|iv) )*"
        rf"(?:{_IODINE}|{_AGENT})",
    ),
    # 120 kV, the voltage of most chest CT, miswritten: monoenergetic images to be read lie at 40 to
    # 70 keV, against metal at 130 and more, and one at 120 says "mono".
    ((), "(?<!mono )120 kev"),
    (("spectral",), _SPECTRAL),
    (("no_score",), _NO_SCORE),
    (("calcium_score",), _SCORE),
    (
        (),
        rf"ungated|nongated|(?:{_NOT})(?: (?:{_GATED}))+|respiratory (?:gated|gating)",
    ),
    (("gated",), _GATED),
    # An intervention or radiotherapy that the scan came before or after is not what it was for.
    (
        (),
        rf"(?:{_BEFORE_OR_AFTER}|{_FOLLOW_UP})(?: (?P<kept>[a-z]+(?: [a-z]+)?))?? "
        rf"(?:{_INTERVENTION}|{_RADIOTHERAPY}|{_STATE_OR_DEED})|"
        rf"(?:{_INTERVENTION}) (?:{_CHECK}|{_TO_COME})|(?:{_TO_COME}) (?:{_INTERVENTION})|"
        rf"(?:{_RADIOTHERAPY}) (?:{_FOLLOW_UP})",
    ),
    (
        ("contrast", "unenhanced"),
        rf"(?:{_BOTH})(?: (?:{_FILLER}))*(?: (?:{_AGENT}))?|(?:{_BEFORE_AND_AFTER}) {_THE_EVENT}",
    ),
    (
        ("unenhanced",),
        rf"(?:{_NOT}) {_AGENT_PHRASE}|unenh[a-z]*|nonenhanced|noncontrast|"
        "noncon|non con|nativ[a-z]*|natif|blanco|plain|tnc|ncct|nect|"
        rf"sc tc|smdc|{_BEFORE}|{_PLAIN_PHASE}",
    ),
    # Of an agent that is to come, or did not, no image tells; "KM, geplante OP" is an operation.
    ((), rf"(?:(?:{_WITH}) )?{_AGENT_PHRASE} (?:{_NOT_GIVEN})"),
    (
        ("contrast",),
        rf"(?:{_WITH}) {_AGENT_PHRASE}|{_PLAIN_AGENT}|cmdc",
    ),
    (("spectral",), "iodine"),
    (
        ("subtraction",),
        "[a-z]*subtraction|subtracted|[a-z]*subtraktion|soustraction|sustraccion|sottrazione",
    ),
    # Made for CAD to read, not by it.
    ((), rf"(?:{_FOR}) (?:(?P<kept>lungs?|lunge|pulmonary) )?cad"),
    # CAD alone is also coronary artery disease.
    (("cad_overlay", "lung"), "(?:lung|lungen?|pulmonary) ?cad|cad (?:lung|lunge)"),
    (
        ("cad_overlay",),
        "cad (?:overlay|overlays|marks?|results?|report|findings|nodules?)|nodules? cad|clearread|"
        "ai (?:results?|overlays?|findings)|(?:nodules?|results?) overlays?",
    ),
    (
        ("phase_4d",),
        f"{PHASE_MARK}(?: ?ct)?|respiratory correlated|resp (?:[0-9]+|{PERCENT_MARK})|"
        "resp ?(?:low|high) ?(?:br)?|(?:average|avg|ave) ct|mid ?vent(?:ilation)?|"
        # A series called nothing but "T50"; "T10" among other words is a vertebra.
        "^(?:ct )?t (?:0|00|[1-9]0)(?: ct)?$",
    ),
    # A phase of breathing or of a heartbeat: "Phase 50%", or called nothing but "CT 50%".
    (
        ("percent", "percent_phase"),
        f"phase {PERCENT_MARK}|{PERCENT_MARK} phase|^(?:ct )?{PERCENT_MARK}$",
    ),
    (("percent",), PERCENT_MARK),
    # The exposure: Canon's SUREExposure, or its number. The day up to which something may be used.
    (
        (),
        "(?:sure|auto) ?exp[a-z]*|exp (?:nr|no|num|number|nummer) [0-9]+|exp(?:iry|iration)? date|"
        "date d ?expiration|(?:fecha|data) de expira[a-z]*|exp lap[a-z]*",
    ),
    (("expiratory",), _EXPIRATORY),
    (("inspiratory",), _INSPIRATORY),
    (("planning",), _PLANNING),
    (("interventional",), rf"{_GUIDED}|{_INTERVENTION}"),
    (
        ("cone_beam",),
        "cbct|cone ?beam|dyna ?ct|xper ?ct|o arm|digitale volumentomographie|faisceau conique|"
        "haz conico|fascio conico",
    ),
    # "CT chest with MIPs" says what came beside the images, "without MIP" what did not.
    (
        (),
        "(?:(?:with|w|incl[a-z]*|inkl[a-z]*|avec|con|mit|met|plus|and|und)(?: [a-z]+)?|"
        rf"{_NEITHER}) (?:mips?|min ?ips?)(?: recon[a-z]*)?|"
        # The slices that a projection is to be made of.
        rf"(?:{_FOR})(?: (?:the|an?|die|der|les?|la|el|il|de|axial|coronal|sagittal))* "
        "(?:mips?|min ?ips?|max ?ips?|vrt|volume rendering)|"
        "mips? (?:source|src|quell[a-z]*|basis|base|input)",
    ),
    (("mip",), _PROJECTION),
)
