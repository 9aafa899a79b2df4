"""A planned person's body on the scanner's table.

Comes in: a `Person`, and `SeriesPlan`s of chest scans.
Goes out: `Stack`s of images, and the calcium truly in them.
Refuses: nothing.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from screening.phantom.body import Body, make_body
from screening.phantom.dicom import Stack
from screening.phantom.oddities import SeriesPlan, Technique
from screening.phantom.people import Person, Role
from screening.phantom.scan import Protocol, simulate
from screening.phantom.traits import Traits, random_traits
from screening.records import Label

MAX_SLICES = 110
_ABOVE_HEART_MM, _BELOW_HEART_MM = 25.0, 15.0
_GATED_FIELD_MM = 220.0
_GATED_MOTION_MM = 0.3
_STENTS = 2


@dataclass(frozen=True, slots=True)
class Calcium:
    """What the coronaries score on one scan, without noise and motion; mass in the body."""

    agatston: float
    lm: float
    lad: float
    lcx: float
    rca: float
    mass_mg: float


class Subject:
    """One person's body, built when first needed."""

    def __init__(self, person: Person) -> None:
        self.person = person

    @cached_property
    def traits(self) -> Traits:
        """Sizes and calcium: the person's own where planned, else drawn."""
        rng = np.random.default_rng([self.person.body_seed, 3])
        return replace(
            random_traits(rng),
            sex=self.person.identity.sex,
            age_years=self.person.inputs.age_years,
            height_cm=self.person.height_cm,
            bmi=self.person.bmi,
            coronary_agatston_target=self.person.agatston,
            n_stents=_STENTS if self.person.role is Role.STENT else 0,
        )

    @cached_property
    def body(self) -> Body:
        """The chest."""
        return make_body(self.person.body_seed, self.traits)

    @property
    def heart_z_mm(self) -> float:
        """Level of the middle of the heart."""
        return float(self.body.landmarks_lps_mm["heart_centre"][2])

    def scan(self, plan: SeriesPlan) -> tuple[Stack, Calcium]:
        """Scan the chest as planned; the noise belongs to the plan's name."""
        noise_seed = int.from_bytes(plan.name.encode()[:4], "big")
        scan = simulate(
            self.body, self._protocol(plan.technique), self.person.body_seed + noise_seed
        )
        stack = Stack(
            hu=scan.hu,
            spacing_mm=scan.spacing_mm,
            origins_lps_mm=scan.origins_lps_mm,
            row_axis_lps=scan.row_axis_lps,
            column_axis_lps=scan.column_axis_lps,
        )
        vessels = (scan.truth.agatston.get(k, 0.0) for k in (Label.LM, Label.LAD, Label.LCX))
        calcium = Calcium(
            scan.truth.coronary_agatston,
            *vessels,
            scan.truth.agatston.get(Label.RCA, 0.0),
            scan.truth.coronary_mass_mg,
        )
        return stack, calcium

    def _protocol(self, technique: Technique) -> Protocol:
        """Say where and how to scan."""
        bottom, top = self._levels(technique)
        heart = self.body.landmarks_lps_mm["heart_centre"]
        width = 330.0 + 4.0 * max(self.person.bmi - 20.0, 0.0)
        return Protocol(
            matrix=technique.matrix,
            fov_mm=_GATED_FIELD_MM if technique.is_gated else round(width),
            increment_mm=technique.increment_mm,
            thickness_mm=technique.thickness_mm,
            kvp=technique.kvp,
            kernel=technique.kernel,
            noise_hu=technique.noise_hu,
            motion_mm=_GATED_MOTION_MM if technique.is_gated else self._motion_mm(),
            contrast_hu=technique.contrast_hu,
            center_lps_mm=(float(heart[0]), float(heart[1])) if technique.is_gated else None,
            z_top_mm=top,
            z_bottom_mm=bottom,
        )

    def _motion_mm(self) -> float:
        return 0.8 + 0.3 * (self.person.number % 4)

    def _levels(self, technique: Technique) -> tuple[float, float]:
        """Lowest and highest slice: the heart, or the chest as far as the slices reach."""
        bottom, top = self.body.z_range_mm
        if technique.is_heart_only:
            low, high = self.body.heart_box_lps_mm
            return float(low[2]) - _BELOW_HEART_MM, float(high[2]) + _ABOVE_HEART_MM
        return bottom, min(top, bottom + (MAX_SLICES - 1) * technique.increment_mm)
