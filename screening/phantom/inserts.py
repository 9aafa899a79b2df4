"""A cardiac calcification phantom: cylinders of known mineral in tissue, and a calibration rod.

Comes in: what is inserted, how it is scanned.
Goes out: HU with a label a cylinder, and the true masses.
Refuses: a stack too short for its inserts (ValueError).

The classic physical phantom holds cylinders of 1, 3 and 5 mm (as long as they are wide) of 200,
400 and 800 mg/cm3 hydroxyapatite; a ring of fat makes a larger body of it, which here is noise.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from screening.phantom.noise import noise_slices
from screening.phantom.protocol import PSF_SIGMA_MM, hu_per_mg_cm3
from screening.phantom.shapes import Vector
from screening.phantom.splat import optics, splat

TISSUE_HU = 40.0
DIAMETERS_MM = (1.0, 3.0, 5.0)
DENSITIES_MG_CM3 = (200.0, 400.0, 800.0)
ROD_DIAMETER_MM = 14.0
ROD_MG_CM3 = 200.0
_STEP_MM, _STEPS = 0.125, 20  # of the lattice of points; wide things take a coarser one
_MATRIX = 128
_SPACE_MM = 16.0


@dataclass(frozen=True, slots=True)
class InsertScan:
    """How the phantom is scanned. `phase` shifts the slices by this part of an increment."""

    pixel_mm: float = 0.68
    increment_mm: float = 3.0
    thickness_mm: float = 3.0
    kernel: str = "medium"
    kvp: float = 120.0
    noise_hu: float = 15.0
    phase: float = 0.0
    seed: int = 0
    psf_sigma_mm: float | None = None  # in the plane; else that of the kernel


@dataclass(frozen=True, slots=True)
class Insert:
    """One cylinder: as long as it is wide unless told otherwise."""

    diameter_mm: float
    mg_per_cm3: float
    length_mm: float | None = None

    @property
    def mass_mg(self) -> float:
        """True mass of hydroxyapatite."""
        length = self.length_mm or self.diameter_mm
        return self.mg_per_cm3 * np.pi / 4 * self.diameter_mm**2 * length / 1000


@dataclass(frozen=True, slots=True, eq=False)
class InsertImages:
    """The scanned phantom.

    hu : int16 (slices, rows, columns)
    near : uint8, same shape: number of the insert from 1 on, within 4 mm of it
    rod : (row, column) of the calibration rod's axis
    """

    hu: NDArray[np.int16]
    near: NDArray[np.uint8]
    rod: tuple[float, float]
    scan: InsertScan


STANDARD = tuple(Insert(d, rho) for rho in DENSITIES_MG_CM3 for d in DIAMETERS_MM)


def _cylinder(diameter_mm: float, length_mm: float) -> Vector:
    """Points on a fine lattice, centred, [z, y, x] mm."""
    step = max(_STEP_MM, diameter_mm / _STEPS)
    half = np.arange(-diameter_mm / 2 + step / 2, diameter_mm / 2, step)
    along = np.arange(-length_mm / 2 + step / 2, length_mm / 2, step)
    z, y, x = np.meshgrid(along, half, half, indexing="ij")
    inside = y**2 + x**2 <= (diameter_mm / 2) ** 2
    return np.stack([z[inside], y[inside], x[inside]], axis=1)


def scan_inserts(
    inserts: tuple[Insert, ...] = STANDARD, how: InsertScan | None = None
) -> InsertImages:
    """Scan the phantom.

    Parameters
    ----------
    inserts : at most nine, laid out three by three
    how : see `InsertScan`

    Returns
    -------
    InsertImages
    """
    how = how or InsertScan()
    clean, near, rod = _painted(inserts, replace(how, noise_hu=0.0, seed=0))
    hu = clean.copy()
    _add_noise(hu, how)
    return InsertImages(np.floor(hu).astype(np.int16), near.copy(), rod, how)


@lru_cache(maxsize=32)
def _painted(
    inserts: tuple[Insert, ...], how: InsertScan
) -> tuple[NDArray[np.float32], NDArray[np.uint8], tuple[float, float]]:
    """HU without noise, numbers of the inserts, (row, column) of the rod."""
    longest = max((i.length_mm or i.diameter_mm for i in inserts), default=0.0)
    n = int(np.ceil((longest + 24.0) / how.increment_mm)) + 2
    shape = (n, _MATRIX, _MATRIX)
    hu = np.full(shape, TISSUE_HU, dtype=np.float32)
    near = np.zeros(shape, dtype=np.uint8)
    sigma_mm = how.psf_sigma_mm or PSF_SIGMA_MM[how.kernel]
    seen = optics(sigma_mm, (how.pixel_mm,) * 2, how.thickness_mm, how.increment_mm, shape)
    gain = hu_per_mg_cm3(how.kvp)
    spacing = np.array([how.increment_mm, how.pixel_mm, how.pixel_mm])
    middle = (n - 1) / 2 + how.phase
    places = [(30.0 + _SPACE_MM * r, 14.0 + _SPACE_MM * c) for r in range(3) for c in range(3)]
    rod = (middle, 30.0 + _SPACE_MM, 14.0 + 3.3 * _SPACE_MM)
    solids = [(i, p) for i, p in zip(inserts, places, strict=False)]
    solids.append(
        (Insert(ROD_DIAMETER_MM, ROD_MG_CM3, n * how.increment_mm + 20), (rod[1], rod[2]))
    )
    for number, (insert, (y, x)) in enumerate(solids, start=1):
        points = _cylinder(insert.diameter_mm, insert.length_mm or insert.diameter_mm)
        at = points / spacing + np.array([middle, y / how.pixel_mm, x / how.pixel_mm])
        each = insert.mass_mg / len(points) * 1000 * gain  # mg of each point as HU mm3
        patch = splat(at, np.full(len(points), each), seen)
        if patch is not None:
            hu[patch.where] += patch.hu
        if number <= len(inserts):
            low = np.floor(at.min(axis=0) - 4.0 / spacing).astype(int)
            high = np.ceil(at.max(axis=0) + 4.0 / spacing).astype(int) + 1
            near[tuple(slice(max(a, 0), b) for a, b in zip(low, high, strict=True))] = number
    return hu, near, (rod[1] / how.pixel_mm, rod[2] / how.pixel_mm)


def _add_noise(hu: NDArray[np.float32], how: InsertScan) -> None:
    rng = np.random.default_rng([8_118, how.seed])
    overlap = float(np.clip(0.75 - 0.6 * how.increment_mm / how.thickness_mm, 0, 0.7))
    noise = noise_slices(rng, len(hu), _MATRIX, how.pixel_mm, how.kernel, overlap)
    for plane, grain in zip(hu, noise, strict=True):
        plane += grain * np.float32(how.noise_hu)
