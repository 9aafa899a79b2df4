"""What a synthetic person is like, before a body is built.

Comes in: a random generator, or values of one's own.
Goes out: `Traits`.
Refuses: an unknown sex and sizes no adult or older child has.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Traits:
    """Sizes, habits and calcium of one person.

    coronary_agatston_target : what the coronaries should score on a 2.5 mm, 0.7 mm pixel scan;
        None draws by age and sex. What a scan truly shows is in its own truth.
    has_lead, valve_prosthesis : never drawn, only given
    *_mg : calcium as hydroxyapatite in the places that fool scorers
    """

    sex: str = "M"
    age_years: float = 60.0
    height_cm: float = 172.0
    bmi: float = 26.0
    is_arms_up: bool = True
    heart_scale: float = 1.0
    epicardial_fat_mm: float = 5.0
    tortuosity: float = 0.4
    inspiration: float = 0.6  # 0 breathed out, 1 deep breath
    aortic_dilation: float = 1.0
    lung_opacity: float = 0.0  # 0 clear .. 1 much consolidation
    effusion: float = 0.0  # 0 none .. 1 half of the lower chest under water
    coronary_agatston_target: float | None = None
    aorta_mg: float = 0.0
    aortic_valve_mg: float = 0.0
    mitral_annulus_mg: float = 0.0
    airway_mg: float = 0.0
    pericardium_mg: float = 0.0
    node_mg: float = 0.0
    costal_cartilage: float = 0.3  # 0 none .. 1 heavy
    osteophytes: float = 0.3
    n_stents: int = 0
    has_sternal_wires: bool = False
    has_clips: bool = False
    has_lead: bool = False
    valve_prosthesis: str = ""  # aortic or mitral

    def __post_init__(self) -> None:
        """Check what would build no body."""
        if self.sex not in ("F", "M"):
            raise ValueError("sex must be F or M")
        if not 100 <= self.height_cm <= 220 or not 12 <= self.bmi <= 65:
            raise ValueError("height must be 100..220 cm and BMI 12..65")
        if self.valve_prosthesis not in ("", "aortic", "mitral"):
            raise ValueError("valve_prosthesis must be aortic, mitral or empty")


def coronary_probability(age_years: float, sex: str) -> float:
    """Chance of any coronary calcium; roughly MESA (McClelland 2006, PMID 16365194)."""
    middle = 54.0 if sex == "M" else 65.0
    return float(1 / (1 + np.exp(-(age_years - middle) / 8.5)))


def draw_coronary_agatston(rng: np.random.Generator, age_years: float, sex: str) -> float:
    """Draw a coronary burden for age and sex: none, or log-normal; roughly MESA."""
    if rng.random() > coronary_probability(age_years, sex):
        return 0.0
    middle = 3.9 + 0.05 * (age_years - 60) + (0.4 if sex == "M" else 0.0)
    return float(np.clip(np.exp(rng.normal(middle, 1.5)), 3, 5000))


def _some(rng: np.random.Generator, chance: float, median_mg: float, spread: float = 1.0) -> float:
    if rng.random() >= np.clip(chance, 0, 0.97):
        return 0.0
    return float(np.clip(median_mg * np.exp(rng.normal(0, spread)), 0.5, 60 * median_mg))


def random_traits(rng: np.random.Generator) -> Traits:
    """Draw a plausible adult.

    Prevalences rise with age; they are of the right order, not estimates for a population.
    """
    sex = "M" if rng.random() < 0.52 else "F"
    age = float(np.clip(rng.normal(63, 12), 25, 92))
    old = (age - 60) / 10
    height = rng.normal(176, 7.5) if sex == "M" else rng.normal(163, 7)
    bmi = float(np.clip(26.5 * np.exp(rng.normal(0, 0.18)), 16.5, 48))
    return Traits(
        sex=sex,
        age_years=round(age, 1),
        height_cm=round(float(np.clip(height, 142, 205)), 1),
        bmi=round(bmi, 1),
        is_arms_up=bool(rng.random() < 0.88),
        heart_scale=float(np.clip(np.exp(rng.normal(0.0, 0.08)), 0.82, 1.4)),
        epicardial_fat_mm=float(np.clip(rng.normal(3.8 + 0.14 * (bmi - 26), 1.5), 1.2, 10)),
        tortuosity=float(rng.uniform(0, 1)),
        inspiration=float(rng.beta(3, 2)),
        aortic_dilation=float(np.clip(rng.normal(1 + 0.03 * old, 0.08), 0.8, 1.5)),
        lung_opacity=float(rng.beta(1, 2)) if rng.random() < 0.25 else 0.0,
        coronary_agatston_target=draw_coronary_agatston(rng, age, sex),
        aorta_mg=_some(rng, 0.45 + 0.25 * old, 60, 1.3),
        aortic_valve_mg=_some(rng, 0.13 + 0.12 * old, 25, 1.3),
        mitral_annulus_mg=_some(rng, 0.09 + 0.09 * old, 120, 1.2),
        airway_mg=_some(rng, 0.15 + 0.12 * old, 25),
        pericardium_mg=_some(rng, 0.03, 80),
        node_mg=_some(rng, 0.2 + 0.03 * old, 60, 1.2),
        costal_cartilage=float(np.clip(rng.beta(1.5, 3) + 0.12 * old, 0, 1)),
        osteophytes=float(np.clip(rng.beta(1.3, 3) + 0.12 * old, 0, 1)),
        n_stents=int(rng.integers(1, 4)) if rng.random() < 0.04 else 0,
        has_sternal_wires=bool(rng.random() < 0.03),
        has_clips=bool(rng.random() < 0.03),
    )
