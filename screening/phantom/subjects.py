"""A planned person's body on the scanner's table.

Comes in: a `Person`, and `SeriesPlan`s of chest scans.
Goes out: `Stack`s of images, and the calcium truly in them.
Refuses: nothing.
"""

from dataclasses import dataclass, replace

import numpy as np

from screening.phantom.body import Body, make_body
from screening.phantom.dicom import Stack
from screening.phantom.expectation import is_borderline, true_category
from screening.phantom.oddities import SeriesPlan, Technique
from screening.phantom.people import Person, Role
from screening.phantom.scan import Protocol, simulate
from screening.phantom.traits import Traits, random_traits
from screening.records import CORONARY_LABELS

MAX_SLICES = 110
_ABOVE_HEART_MM, _BELOW_HEART_MM = 15.0, 12.0
# A body's target holds for 0.7 mm pixels; twice as large ones lose about a fifth of the score.
_COARSE_PIXEL_GAIN = 1.25
_MAX_TRIES = 5
# The score grows faster than the density: area and weight grow together.
_DENSITY_EXPONENT, _DENSITY_STEP = 0.6, (0.4, 2.5)
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


def is_as_planned(wanted: float, true: float) -> bool:
    """Say whether a scan's true score may stand for the planned one.

    It may where its category is the planned one and it is clear of the flag's edges; a score
    planned beside an edge may fall on either side.
    """
    if is_borderline(wanted, None):
        return True
    return true_category(wanted) == true_category(true) and not is_borderline(true, None)


class Subject:
    """One person's body, built when first needed, and scanned."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self._body: Body | None = None

    @property
    def body(self) -> Body:
        """The chest."""
        if self._body is None:
            self._body = make_body(self.person.body_seed, self._traits())
        return self._body

    @property
    def heart_z_mm(self) -> float:
        """Level of the middle of the heart."""
        return float(self.body.landmarks_lps_mm["heart_centre"][2])

    def scan(self, plan: SeriesPlan) -> tuple[Stack, Calcium]:
        """Scan the chest as planned.

        The main scan comes first: where its score counts, the coronaries' calcium is made
        denser or fainter until that scan truly scores what was planned.
        """
        stack, calcium = self._taken(plan)
        wanted, tries = self.person.agatston, 1
        while plan.name == "main" and plan.has_score and tries < _MAX_TRIES:
            if is_as_planned(wanted, calcium.agatston):
                break
            self._make_denser(wanted / max(calcium.agatston, 0.1 * wanted))
            stack, calcium = self._taken(plan)
            tries += 1
        return stack, calcium

    def _traits(self) -> Traits:
        """Sizes and calcium: the person's own where planned, else drawn."""
        rng = np.random.default_rng([self.person.body_seed, 3])
        return replace(
            random_traits(rng),
            sex=self.person.identity.sex,
            age_years=self.person.inputs.age_years,
            height_cm=self.person.height_cm,
            bmi=self.person.bmi,
            coronary_agatston_target=self.person.agatston * _COARSE_PIXEL_GAIN,
            n_stents=_STENTS if self.person.role is Role.STENT else 0,
        )

    def _make_denser(self, score_ratio: float) -> None:
        """Change the coronaries' calcium so that the score changes by about this ratio."""
        factor = float(np.clip(score_ratio**_DENSITY_EXPONENT, *_DENSITY_STEP))
        deposits = tuple(
            d.scaled(factor) if d.label in CORONARY_LABELS else d for d in self.body.deposits
        )
        self._body = replace(self.body, deposits=deposits)

    def _taken(self, plan: SeriesPlan) -> tuple[Stack, Calcium]:
        """Scan once; the noise belongs to the plan's name."""
        noise_seed = self.person.body_seed + int.from_bytes(plan.name.encode()[:4], "big")
        scan = simulate(self.body, self._protocol(plan.technique), noise_seed)
        stack = Stack(
            hu=scan.hu,
            spacing_mm=scan.spacing_mm,
            origins_lps_mm=scan.origins_lps_mm,
            row_axis_lps=scan.row_axis_lps,
            column_axis_lps=scan.column_axis_lps,
        )
        lm, lad, lcx, rca = (scan.truth.agatston.get(label, 0.0) for label in CORONARY_LABELS)
        total, mass_mg = scan.truth.coronary_agatston, scan.truth.coronary_mass_mg
        return stack, Calcium(total, lm, lad, lcx, rca, mass_mg)

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
