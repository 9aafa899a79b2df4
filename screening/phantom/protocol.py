"""How a scan is made, and where its voxels lie.

Comes in: the values of a protocol, a body.
Goes out: `Protocol`, `Geometry`, the brightness of mineral at a tube voltage.
Refuses: a protocol no scanner has (ValueError).
"""

from dataclasses import dataclass

import numpy as np

from screening.phantom.body import Body
from screening.phantom.burden import HU_PER_MG_CM3
from screening.phantom.noise import KERNELS
from screening.phantom.shapes import Vector

PSF_SIGMA_MM = {"soft": 0.65, "medium": 0.50, "sharp": 0.38}  # in the plane, by kernel
# Mineral is brighter at lower tube voltage: lower bounds of the first Agatston weight by kVp
# (Graeni 2018, doi 10.1093/ehjci/jey019), taken relative to 130 HU at 120 kVp.
_KVP = np.array([70.0, 80.0, 100.0, 120.0, 135.0])
_FIRST_BOUND_HU = np.array([207.0, 177.0, 145.0, 130.0, 119.0])


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a scan is made.

    center_lps_mm : (x, y) of the field's centre; None for the body's middle
    z_top_mm, z_bottom_mm : patient-frame levels of the first and the last slice; None for the
        whole chest
    noise_hu : standard deviation in the middle of the body
    motion_mm : how far the coronaries move while a slice is taken
    contrast_hu : HU that contrast adds to blood; below 0, blood as dark as an anaemic person's
    tilt_degrees : gantry tilt
    is_padded : PADDING_HU outside the circular field
    """

    matrix: int = 512
    fov_mm: float = 360.0
    increment_mm: float = 2.5
    thickness_mm: float = 2.5
    kvp: float = 120.0
    kernel: str = "medium"
    noise_hu: float = 15.0
    motion_mm: float = 0.0
    contrast_hu: float = 0.0
    tilt_degrees: float = 0.0
    center_lps_mm: tuple[float, float] | None = None
    z_top_mm: float | None = None
    z_bottom_mm: float | None = None
    is_padded: bool = False
    has_table: bool = True

    def __post_init__(self) -> None:
        """Check what no scanner does."""
        if self.kernel not in KERNELS:
            raise ValueError(f"kernel must be one of {', '.join(KERNELS)}")
        sizes = (self.matrix, self.fov_mm, self.increment_mm, self.thickness_mm)
        if min(sizes) <= 0 or not 60 <= self.kvp <= 150:
            raise ValueError("matrix, field, increment and thickness must be positive, 60..150 kVp")
        if abs(self.tilt_degrees) > 30 or min(self.noise_hu, self.motion_mm) < 0:
            raise ValueError("tilt is at most 30 degrees; noise and motion are not negative")

    @property
    def pixel_mm(self) -> float:
        """Row and column spacing."""
        return self.fov_mm / self.matrix


def mineral_gain(kvp: float) -> float:
    """How much brighter mineral is than at 120 kVp (linear between the table's voltages)."""
    slope = (_FIRST_BOUND_HU[-1] - _FIRST_BOUND_HU[-2]) / (_KVP[-1] - _KVP[-2])
    if kvp > _KVP[-1]:
        return float((_FIRST_BOUND_HU[-1] + slope * (kvp - _KVP[-1])) / 130)
    return float(np.interp(kvp, _KVP, _FIRST_BOUND_HU) / 130)


def hu_per_mg_cm3(kvp: float) -> float:
    """HU added by 1 mg/cm3 of hydroxyapatite."""
    return HU_PER_MG_CM3 * mineral_gain(kvp)


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Slice index → position: origin + s·slice + r·row + c·column (mm steps)."""

    origin: Vector
    slice_step: Vector
    row_step: Vector
    column_step: Vector
    shape: tuple[int, int, int]

    @property
    def matrix(self) -> Vector:
        """Steps of slice, row and column as rows."""
        return np.stack([self.slice_step, self.row_step, self.column_step])

    def index(self, points_lps_mm: Vector) -> Vector:
        """Fractional [slice, row, column] of points."""
        return np.asarray((points_lps_mm - self.origin) @ np.linalg.inv(self.matrix))


def geometry(body: Body, protocol: Protocol) -> Geometry:
    """Where the slices of a protocol lie in a body."""
    low, high = body.z_range_mm
    top = high if protocol.z_top_mm is None else protocol.z_top_mm
    bottom = low if protocol.z_bottom_mm is None else protocol.z_bottom_mm
    n = round((top - bottom) / protocol.increment_mm) + 1
    if n < 1:
        raise ValueError("the first slice must lie above the last one")
    if protocol.center_lps_mm is None:
        middle = body.pose.to_patient(body.frame.place((0.0, -25.0, 0.0))[None])[0]
        center = (float(middle[0]), float(middle[1]))
    else:
        center = protocol.center_lps_mm
    tilt = np.radians(protocol.tilt_degrees)
    px = protocol.pixel_mm
    row = px * np.array([0.0, np.cos(tilt), np.sin(tilt)])
    column = px * np.array([1.0, 0.0, 0.0])
    half = (protocol.matrix - 1) / 2
    origin = np.array([center[0], center[1], top]) - half * (row + column)
    step = np.array([0.0, 0.0, -protocol.increment_mm])
    return Geometry(origin, step, row, column, (n, protocol.matrix, protocol.matrix))
