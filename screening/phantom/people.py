"""Who is in the synthetic hospital: one plan a patient number.

Comes in: how many, and a seed.
Goes out: `Person`s; the first `len(SPECIAL)` are the special cases in order of importance
(so that a small hospital has the most telling ones), the others ordinary people.
Refuses: fewer than one person.

Person n is the same whatever the number of people. All names and numbers are invented.

How identity is written
    The clinical tables hold `issuer` and `mrn` in their plain form. A DICOM header holds the
    same issuer in IssuerOfPatientID and, in PatientID, the MRN plainly, with leading zeros,
    with spaces around it, or in lower case (`PATIENT_ID_STYLES`). Scan and record belong
    together when the issuers are equal and the MRNs are equal without spaces around them,
    without leading zeros and in upper case.

Two clocks
    Scans lie in the year before `AS_OF`. Offsets of events are days from the scan; an event
    after the scan and before `AS_OF` decides about the flag but may not enter an estimate,
    and one after `AS_OF` may do neither.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from screening.errors import ScreeningError
from screening.phantom.expectation import RiskInputs

AS_OF = date(2026, 11, 1)  # the date the truth's flags hold for
ISSUERS = ("GRAUHAVEN", "KLINIK-NORD")
PATIENT_ID_STYLES = ("plain", "zeros", "spaces", "lower_case")
N_RECORDS_WITHOUT_SCAN = 3

_FAMILY = ("Quillmark", "Tarnwood", "Zelbrück", "Ofenrath", "Yarrowgate", "Ibbelstone", "Vexholm")
_FAMILY_END = ("", "sen", "ova", "-Lind", "field", "er")
_GIVEN = {
    "F": ("Ottilie", "Maraike", "Zenobia", "Philippa", "Inés", "Xiulan"),
    "M": ("Balthasar", "Thaddeus", "Ansgar", "Évariste", "Wendelin", "Zhiming"),
}

# Bodies that models are trained, tuned and tested on (models/train); no hospital has them.
MODELS_SEEDS = (10_000_000, 40_000_000)


class Role(StrEnum):
    """The special case a person stands for."""

    HIGH = "high"
    THICK_THIN = "thick_thin"
    CONTRAST_PAIR = "contrast_pair"
    STENT = "stent"
    FORMAL_PRIOR = "formal_prior_series"
    RISK_HIGH = "risk_high"
    TWO_PEOPLE = "two_people"
    DIED_AFTER = "died_after"
    INFARCTION_AFTER = "infarction_after"
    STENT_AFTER = "stent_after"
    CHILD = "child"
    CONTRAST_PIXELS = "contrast_pixels"
    MISSING_IN_HEART = "missing_in_heart"
    MISSING_OUTSIDE = "missing_outside"
    TRUNCATED = "truncated_file"
    DUPLICATE_SLICE = "duplicate_slice"
    HEAD_ONLY = "head_only"
    SAME_IMAGES = "same_images"
    WIDE_INCREMENT = "wide_increment"
    NO_DATE = "no_date"
    OPTED_OUT = "opted_out"
    NO_RECORD = "no_record"
    SAGITTAL = "sagittal"
    FORMAL_PROCEDURE = "formal_procedure"
    ORDINARY = "ordinary"


@dataclass(frozen=True, slots=True)
class Special:
    """What is fixed about a special case; `agatston` is what the body is planned to have."""

    role: Role
    sex: str
    age: int
    race: str | None
    agatston: float
    profile: str  # lean, middle or poor: the level of the risk factors


SPECIAL = (
    Special(Role.HIGH, "M", 67, "white", 1800, "middle"),
    Special(Role.THICK_THIN, "F", 71, "black", 560, "middle"),
    Special(Role.CONTRAST_PAIR, "M", 58, "hispanic", 175, "middle"),
    Special(Role.STENT, "M", 69, "white", 520, "poor"),
    Special(Role.FORMAL_PRIOR, "F", 63, "white", 185, "middle"),
    Special(Role.RISK_HIGH, "M", 74, "white", 45, "poor"),
    Special(Role.TWO_PEOPLE, "F", 55, "white", 560, "middle"),
    Special(Role.DIED_AFTER, "M", 78, "black", 560, "poor"),
    Special(Role.INFARCTION_AFTER, "M", 66, "chinese", 1500, "poor"),
    Special(Role.STENT_AFTER, "F", 70, "white", 540, "middle"),
    Special(Role.CHILD, "F", 14, "white", 0, "lean"),
    Special(Role.CONTRAST_PIXELS, "F", 49, "hispanic", 0, "lean"),
    Special(Role.MISSING_IN_HEART, "M", 61, "white", 50, "middle"),
    Special(Role.MISSING_OUTSIDE, "M", 64, "white", 175, "middle"),
    Special(Role.TRUNCATED, "F", 53, "chinese", 0, "lean"),
    Special(Role.DUPLICATE_SLICE, "M", 72, "hispanic", 540, "middle"),
    Special(Role.HEAD_ONLY, "F", 68, "white", 0, "lean"),
    Special(Role.SAME_IMAGES, "M", 70, "white", 1700, "middle"),
    Special(Role.WIDE_INCREMENT, "F", 66, "black", 175, "middle"),
    Special(Role.NO_DATE, "M", 59, "white", 50, "middle"),
    Special(Role.OPTED_OUT, "F", 73, "white", 540, "middle"),
    Special(Role.NO_RECORD, "M", 62, "white", 290, "middle"),
    Special(Role.SAGITTAL, "F", 51, None, 0, "lean"),
    Special(Role.FORMAL_PROCEDURE, "M", 57, "white", 112, "middle"),
)

# (clinical table, code, days from the scan)
_ROLE_EVENTS: dict[Role, tuple[tuple[str, str, int], ...]] = {
    Role.STENT: (("procedure", "92928", -800), ("condition", "I25.10", -790)),
    Role.INFARCTION_AFTER: (("condition", "I21.9", 60),),
    Role.STENT_AFTER: (("procedure", "92928", 75),),
    Role.FORMAL_PROCEDURE: (("procedure", "75571", -300),),
    Role.HIGH: (("condition", "R07.9", -40), ("medication", "C10AA05", 14)),
    Role.CONTRAST_PAIR: (("condition", "I26.99", -2),),  # a lung embolism is no ASCVD
}
_ASCVD_CODES = ("I20", "I21", "I22", "I23", "I24", "I25", "I63", "I70.2", "92928", "33533")
_FORMAL_CODES = ("75571",)

# (total cholesterol, HDL, LDL, triglycerides mg/dL; systolic mmHg; BMI): lower and upper bound
_PROFILES: dict[str, tuple[tuple[float, float], ...]] = {
    "lean": ((165, 195), (56, 70), (90, 112), (70, 110), (106, 120), (20, 24)),
    "middle": ((195, 225), (42, 54), (118, 140), (120, 170), (124, 140), (24, 29)),
    "poor": ((236, 268), (33, 41), (155, 180), (190, 280), (148, 166), (28, 34)),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One dated code of the clinical record."""

    table: str  # condition, medication or procedure
    code: str
    on: date


@dataclass(frozen=True, slots=True)
class Identity:
    """What a header says about who was scanned."""

    name: str
    birth_date: date
    sex: str


@dataclass(frozen=True, slots=True)
class Person:
    """One patient number: the person, their record and their planned calcium."""

    number: int
    role: Role
    issuer: str
    mrn: str
    patient_id_style: str
    identity: Identity
    race: str | None
    height_cm: float
    bmi: float
    index_date: date
    agatston: float
    body_seed: int
    inputs: RiskInputs  # as an honest reader of the record finds them on the index date
    ldl_mg_dl: float
    triglycerides_mg_dl: float
    egfr: float
    is_si: bool  # laboratory reports mmol/L
    is_unit_mixed_up: bool = False  # cholesterol in mmol/L under the name mg/dL
    has_record: bool = True
    death_date: date | None = None
    events: tuple[Event, ...] = ()
    report: str | None = None
    is_report_formal: bool = False  # the report states a calcium score
    policy_scope: str | None = None
    policy_from: date | None = None
    lipids: tuple[float, float] = field(default=(0.0, 0.0))  # total and HDL, as measured

    @property
    def patient_id(self) -> str:
        """PatientID as this person's scanner writes it."""
        return {
            "plain": self.mrn,
            "zeros": f"000{self.mrn}",
            "spaces": f" {self.mrn} ",
            "lower_case": self.mrn.lower(),
        }[self.patient_id_style]

    def has_code(self, prefixes: tuple[str, ...], by: date) -> bool:
        """Say whether a code with one of the prefixes is on record by a date."""
        return any(e.code.startswith(prefixes) and e.on <= by for e in self.events)

    def has_known_ascvd(self, by: date) -> bool:
        """Infarction, angina, stroke, peripheral disease, stent or bypass on record."""
        return self.has_code(_ASCVD_CODES, by)

    def is_formally_scored_on_record(self, by: date) -> bool:
        """Say whether a procedure code or a report states a formal calcium score."""
        return self.is_report_formal or self.has_code(_FORMAL_CODES, by)


def _ordinary(rng: np.random.Generator) -> Special:
    """Draw an ordinary person; scores spread over all categories, mostly clear of the edges."""
    lows, highs = ((0, 0), (10, 60), (140, 230), (420, 720), (1400, 2400)), (85, 115)
    k = int(rng.choice(5, p=(0.35, 0.25, 0.18, 0.14, 0.08)))
    low, high = highs if rng.random() < 0.06 else lows[k]
    race = str(rng.choice(["white", "black", "hispanic", "chinese", "other", ""]))
    return Special(
        Role.ORDINARY,
        str(rng.choice(["F", "M"])),
        int(rng.integers(46, 82)),
        race or None,
        float(rng.uniform(low, high)),
        str(rng.choice(["lean", "middle", "poor"], p=[0.4, 0.4, 0.2])),
    )


def _identity(rng: np.random.Generator, sex: str, age: int, on: date) -> Identity:
    """Invent a name and a birth date that makes someone `age` on `on`."""
    family = str(rng.choice(_FAMILY)) + str(rng.choice(_FAMILY_END))
    days = age * 365.2425 + int(rng.integers(20, 340))
    name = f"{family}^{rng.choice(_GIVEN[sex])}"
    return Identity(name, on - timedelta(days=int(days)), sex)


def other_identity(person: Person) -> Identity:
    """Invent the second person who goes by the same number: other name, sex, birth date."""
    rng = np.random.default_rng([person.body_seed, 77])
    return _identity(rng, "M" if person.identity.sex == "F" else "F", 34, person.index_date)


def completed_years(birth: date, on: date) -> int:
    """Age in completed years."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def _events(
    special: Special, on: date, inputs: RiskInputs, rng: np.random.Generator
) -> tuple[Event, ...]:
    """List the record's codes: those of the special case, then those behind the risk inputs."""
    planned = list(_ROLE_EVENTS.get(special.role, ()))
    if special.role is Role.DUPLICATE_SLICE:  # known to nobody on the reference date
        planned.append(("condition", "I21.9", (AS_OF - on).days + 6))
    if inputs.diabetes:
        planned.append(("condition", "E11.9", -int(rng.integers(400, 3000))))
    if inputs.bp_treated:
        days = int(rng.integers(200, 2000))
        planned += [("condition", "I10", -days - 9), ("medication", "C09AA05", -days)]
    if inputs.lipid_treated:
        planned.append(("medication", "C10AA05", -int(rng.integers(100, 1500))))
    if inputs.family_history_mi:
        planned.append(("condition", "Z82.49", -int(rng.integers(100, 900))))
    return tuple(Event(table, code, on + timedelta(days=d)) for table, code, d in planned)


def _inputs(special: Special, age: int, rng: np.random.Generator) -> tuple[RiskInputs, list[float]]:
    """Draw the risk factors; returns them and LDL, triglycerides, BMI."""
    total, hdl, ldl, tg, sbp, bmi = (
        float(np.round(rng.uniform(low, high), 1)) for low, high in _PROFILES[special.profile]
    )
    is_poor, is_lean = special.profile == "poor", special.profile == "lean"
    inputs = RiskInputs(
        age_years=float(age),
        sex=special.sex,
        race=special.race,
        total_cholesterol_mg_dl=total,
        hdl_cholesterol_mg_dl=hdl,
        systolic_bp_mmhg=round(sbp),
        bp_treated=is_poor or (not is_lean and rng.random() < 0.4),
        lipid_treated=not is_lean and rng.random() < 0.3,
        diabetes=is_poor,
        smoker=is_poor,
        family_history_mi=not is_lean and rng.random() < 0.3,
    )
    return inputs, [ldl, tg, bmi]


def _with_gaps(person: Person, rng: np.random.Generator) -> Person:
    """Take away what the record of this person lacks."""
    gap = {
        Role.MISSING_OUTSIDE: "lipids",
        Role.TRUNCATED: "unit",
        Role.SAGITTAL: "none",
    }.get(person.role, "none")
    if person.role is Role.ORDINARY:
        gap = str(rng.choice(["none", "lipids", "smoking", "unit"], p=[0.8, 0.1, 0.07, 0.03]))
    if gap == "smoking":
        return replace(person, inputs=replace(person.inputs, smoker=None))
    if gap == "lipids":
        no_lipids = replace(person.inputs, total_cholesterol_mg_dl=None, hdl_cholesterol_mg_dl=None)
        return replace(person, inputs=no_lipids)
    if gap == "unit":
        no_total = replace(person.inputs, total_cholesterol_mg_dl=None)
        return replace(person, inputs=no_total, is_unit_mixed_up=True, is_si=False)
    return person


def _with_role(person: Person) -> Person:
    """Add what the special case changes in the record beside codes."""
    on = person.index_date
    match person.role:
        case Role.DIED_AFTER:
            return replace(person, death_date=on + timedelta(days=50))
        case Role.NO_RECORD:
            return replace(person, has_record=False, events=())
        case Role.OPTED_OUT:
            before = on - timedelta(days=200)
            return replace(person, policy_scope="opt_out_all", policy_from=before)
        case Role.SAME_IMAGES:
            before = on - timedelta(days=100)
            return replace(person, policy_scope="opt_out_research", policy_from=before)
        case Role.WIDE_INCREMENT:
            text = "Coronary artery calcium scoring CT. Total Agatston score: 168."
            return replace(person, report=text, is_report_formal=True)
        case Role.HIGH:
            text = "CT chest. Moderate coronary calcification is seen, not quantified."
            return replace(person, report=text)
    return person


def _body_seed(rng: np.random.Generator) -> int:
    seed = int(rng.integers(0, 2**31))
    return seed + MODELS_SEEDS[1] if MODELS_SEEDS[0] <= seed < MODELS_SEEDS[1] else seed


def plan_person(number: int, seed: int) -> Person:
    """Plan person `number` (from 0) of the hospital of that seed."""
    rng = np.random.default_rng([seed, number, 1])
    special = SPECIAL[number] if number < len(SPECIAL) else _ordinary(rng)
    is_followed = special.role.value.endswith("_after")
    on = date(2025, 11, 5) + timedelta(days=int(rng.integers(0, 210 if is_followed else 330)))
    identity = _identity(rng, special.sex, special.age, on)
    age = completed_years(identity.birth_date, on)
    inputs, (ldl, tg, bmi) = _inputs(special, age, rng)
    style = PATIENT_ID_STYLES[number % len(PATIENT_ID_STYLES)]
    digits = f"{int(rng.integers(1, 9))}{number:04d}{int(rng.integers(100, 999))}"
    height = (162.0 if special.sex == "F" else 176.0) + float(rng.normal(0, 5))
    person = Person(
        number=number,
        role=special.role,
        issuer=ISSUERS[number % 5 == 4],
        mrn=f"GX{digits}" if style == "lower_case" else digits,
        patient_id_style=style,
        identity=identity,
        race=special.race,
        height_cm=height - (12 if special.age < 18 else 0),
        bmi=bmi,
        index_date=on,
        agatston=special.agatston,
        body_seed=_body_seed(rng),
        inputs=inputs,
        ldl_mg_dl=ldl,
        triglycerides_mg_dl=tg,
        egfr=float(np.round(rng.uniform(58, 105))),
        is_si=number % 3 == 1,
        events=_events(special, on, inputs, rng),
        lipids=(inputs.total_cholesterol_mg_dl or 0.0, inputs.hdl_cholesterol_mg_dl or 0.0),
    )
    return _with_role(_with_gaps(person, rng))


def plan_people(patients: int, seed: int) -> tuple[Person, ...]:
    """Plan the hospital's people.

    Parameters
    ----------
    patients : how many patient numbers have scans, 1 or more
    seed : the hospital; the same seed gives the same people

    Returns
    -------
    `patients` persons; person n does not depend on how many there are.
    """
    if patients < 1:
        raise ScreeningError("a synthetic hospital needs at least 1 patient; give --patients N")
    return tuple(plan_person(n, seed) for n in range(patients))
