"""Simulated routine chests whose calcium mass is known.

Comes in: a seed. Goes out: a scan of the heart as the program reads it, its coronary calcium by
perfect labels, and the mass put in. Refuses: nothing.

People with 5 to 3,000 Agatston units, 1 to 5 mm slices of all kernels, 100 to 140 kVp, 7 to 20 HU
of noise at 2.5 mm, vessels that move 0.3 to 3 mm while a slice is taken; no stents.
"""

from dataclasses import dataclass, replace

import numpy as np

from screening.phantom import Protocol, make_body, random_traits, simulate
from screening.phantom.protocol import hu_per_mg_cm3
from screening.records import CORONARY_LABELS, Acquisition, ScoringParameters, Volume

# The intervals were set on the first of these and are checked on the second.
SETTING_SEEDS, CHECKING_SEEDS = range(120), range(1000, 1040)
KERNEL_NAMES = {"soft": "B20f", "medium": "B35f", "sharp": "B70f"}
_SLICES_MM, _CHANCE = (1.0, 1.25, 2.0, 2.5, 3.0, 5.0), (0.12, 0.13, 0.15, 0.25, 0.2, 0.15)


@dataclass(frozen=True, slots=True, eq=False)
class MassCase:
    """labels : uint8, shape of the volume, 1 where coronary calcium is at least 100 HU."""

    volume: Volume
    labels: np.ndarray
    mass_mg: float
    noise_hu: float

    @property
    def calibrated(self) -> ScoringParameters:
        """Parameters with the scan's true factor, as an ideal rod would give it."""
        factor = 1 / hu_per_mg_cm3(self.volume.acquisition.kvp)
        return ScoringParameters(mass_mg_per_cm3_per_hu=factor, mass_factor_standard_error=0.0)


def mass_case(seed: int, **settings: float | str) -> MassCase:
    """Scan the heart of one person; `settings` replace what is drawn of the protocol."""
    rng = np.random.default_rng([77, seed])
    drawn = replace(random_traits(rng), n_stents=0, has_clips=False, has_sternal_wires=False)
    target = float(np.clip(np.exp(rng.normal(4.5, 1.4)), 5, 3000))
    body = make_body(seed, replace(drawn, coronary_agatston_target=target))
    low, high = body.heart_box_lps_mm
    slice_mm = float(rng.choice(_SLICES_MM, p=_CHANCE))
    made = {
        "increment_mm": slice_mm,
        "thickness_mm": slice_mm,
        "kernel": str(rng.choice(("soft", "medium", "sharp"), p=(0.45, 0.45, 0.1))),
        "kvp": float(rng.choice((100.0, 120.0, 140.0), p=(0.2, 0.7, 0.1))),
    }
    pixel_mm = float(rng.uniform(0.6, 0.85))
    made["noise_hu"] = float(rng.uniform(7, 20)) * (2.5 / slice_mm) ** 0.4
    made["motion_mm"] = float(rng.uniform(0.3, 3.0))
    matrix = int(np.ceil((max(high[0] - low[0], high[1] - low[1]) + 30) / pixel_mm))
    centre = (low + high) / 2
    protocol = Protocol(
        matrix=matrix,
        fov_mm=matrix * pixel_mm,
        center_lps_mm=(float(centre[0]), float(centre[1])),
        z_top_mm=float(high[2]) + 15,
        z_bottom_mm=float(low[2]) - 12,
        has_table=False,
        **(made | settings),
    )
    scan = simulate(body, protocol, seed)
    acquisition = Acquisition(
        protocol.kvp, protocol.thickness_mm, KERNEL_NAMES[protocol.kernel], "", "", None, False, ""
    )
    return MassCase(
        volume=scan.as_volume("mass", acquisition),
        labels=np.isin(scan.labels, CORONARY_LABELS).astype(np.uint8),
        mass_mg=scan.truth.coronary_mass_mg,
        noise_hu=protocol.noise_hu,
    )
