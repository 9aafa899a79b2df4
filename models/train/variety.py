"""Who is scanned in training and testing, and how.

Comes in: a random generator.
Goes out: `Traits` and `Protocol`s more varied than one hospital's.
Refuses: nothing.

What a network has not met it cannot tell apart: here everything that a chest CT may show is
drawn more often and more widely than it occurs. `shifted_*` draw from other ranges than training
does, for tests of what happens on a scanner and in people never met.
"""

import dataclasses

import numpy as np

from screening.phantom import Protocol, Traits, random_traits

_THICK_MM = (0.6, 1.0, 1.25, 2.0, 2.5, 3.0, 4.0, 5.0)
_THICK_CHANCE = (0.04, 0.08, 0.08, 0.2, 0.2, 0.2, 0.08, 0.12)
_KVP = (70.0, 80.0, 100.0, 110.0, 120.0, 130.0, 140.0)
_KVP_CHANCE = (0.03, 0.05, 0.2, 0.1, 0.45, 0.07, 0.1)
# Calcium outside the coronaries: hydroxyapatite in the middle of the range, how often it is there.
_ELSEWHERE_MG = {
    "aorta_mg": (80, 0.7),
    "aortic_valve_mg": (30, 0.5),
    "mitral_annulus_mg": (100, 0.5),
    "airway_mg": (30, 0.5),
    "pericardium_mg": (60, 0.25),
    "node_mg": (60, 0.5),
}


def training_traits(rng: np.random.Generator, *, is_rich: bool) -> Traits:
    """Draw people more varied than a hospital's, and sicker where calcium is to be learnt."""
    traits = random_traits(rng)
    changes: dict[str, float | str] = {
        "heart_scale": float(np.exp(rng.uniform(-0.22, 0.38))),
        "inspiration": float(rng.uniform(0, 1)),
        "epicardial_fat_mm": float(rng.uniform(0.8, 9)),
        "lung_opacity": float(rng.beta(1, 1.5)) if rng.random() < 0.35 else 0.0,
        "aortic_dilation": float(rng.uniform(0.8, 1.5)),
        "effusion": float(rng.uniform(0.1, 1)) if rng.random() < 0.2 else 0.0,
        "is_arms_up": bool(rng.random() < 0.7),
    }
    if is_rich:
        changes["n_stents"] = int(rng.integers(1, 5)) if rng.random() < 0.35 else 0
        changes["has_sternal_wires"] = bool(rng.random() < 0.15)
        changes["has_clips"] = bool(rng.random() < 0.3)
        changes["has_lead"] = bool(rng.random() < 0.2)
        changes["valve_prosthesis"] = str(rng.choice(["", "aortic", "mitral"], p=[0.8, 0.1, 0.1]))
        if rng.random() < 0.8:
            changes["coronary_agatston_target"] = float(np.exp(rng.uniform(1.0, 7.8)))
        for name, (median_mg, chance) in _ELSEWHERE_MG.items():
            is_there = rng.random() < chance
            changes[name] = float(median_mg * np.exp(rng.normal(0, 1.3))) if is_there else 0.0
    return dataclasses.replace(traits, **changes)  # type: ignore[arg-type]


def training_protocol(rng: np.random.Generator) -> Protocol:
    """Draw a non-contrast chest protocol: 0.6 to 5 mm, 70 to 140 kVp."""
    thickness = float(rng.choice(_THICK_MM, p=_THICK_CHANCE))
    kernel = str(rng.choice(["soft", "medium", "sharp"], p=[0.4, 0.4, 0.2]))
    noise = rng.uniform(6, 22) * (1.0 if kernel != "sharp" else 1.35)
    return Protocol(
        matrix=512,
        fov_mm=float(rng.uniform(300, 440)),
        increment_mm=thickness if rng.random() < 0.75 else round(thickness * 0.8, 2),
        thickness_mm=thickness,
        kvp=float(rng.choice(_KVP, p=_KVP_CHANCE)),
        kernel=kernel,
        noise_hu=float(min(noise * (2.5 / max(thickness, 1.0)) ** 0.4, 45)),
        motion_mm=float(rng.choice([0.0, rng.uniform(0, 2.5), rng.uniform(1, 5)])),
        is_padded=bool(rng.random() < 0.3),
        has_table=bool(rng.random() < 0.8),
    )
