"""Frozen records of what is told beside a score; parts of a `CalciumScore`.

Comes in: values already checked by the scoring room.
Goes out: `VesselMeasures`, `OtherMeasures`, `Intervals`, `Beside`.
Refuses: change after construction.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VesselMeasures:
    """The calcium of one coronary artery; `density` is None where no lesion counts."""

    label: str
    agatston: float
    volume_mm3: float
    mass_mg: float
    n_lesions: int
    density: float | None


@dataclass(frozen=True, slots=True)
class OtherMeasures:
    """The calcium of one place outside the coronaries."""

    label: str
    agatston: float
    volume_mm3: float
    mass_mg: float


# An end is None where the scan's flags do not allow it to be told.
Interval = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Intervals:
    """95 % intervals (low, high) of volume and mass.

    Of a volume: what the next scan may show. Of a mass: where all the mineral in the coronaries
    lies, as far as noise, calibration, partial volume and the tissue around it make it uncertain;
    the upper end holds what slices of this thickness may keep below the threshold.

    mass_factor_source : rod (measured in the scan) or default (of the tube voltage)
    mass_factor_mg_per_cm3_per_hu : the factor from HU to mass itself
    mass_factor_error : its standard error, as a fraction of it
    """

    volume_mm3: Interval
    volume_isotropic_mm3: Interval
    mass_mg: Interval
    mass_integrated_mg: Interval
    mass_factor_source: str
    mass_factor_mg_per_cm3_per_hu: float
    mass_factor_error: float


@dataclass(frozen=True, slots=True)
class Beside:
    """What is told beside the score; none of it enters the score.

    density : mean Agatston weight over the counted area, 1 to 4; None without calcium
    agatston_kvp : at thresholds that fit the tube voltage (`kvp_edges_hu`, found as
        `kvp_source` says); None where the voltage is unknown or outside 70 to 140 kVp,
        or where tin filtered the beam
    agatston_native : where thin slices were averaged for the score: of the same things on the
        native stack, not of what stands out there alone
    slab_mm : thickness of the averages that were scored; None where no slices were averaged
    """

    n_vessels: int
    n_lesions: int
    density: float | None
    volume_isotropic_mm3: float
    mass_integrated_mg: float
    agatston_kvp: float | None
    kvp_edges_hu: tuple[int, int, int, int] | None
    kvp_source: str  # standard | table | interpolated | held | tin_filter | unknown
    group: str  # 0, 1-99, 100-399, >=400
    cac_drs: str  # A-equivalent of a non-gated scan, and vessels: A2/N3
    agatston_native: float | None = None
    slab_mm: float | None = None
