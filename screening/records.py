"""Frozen records that cross a doorway between rooms.

Comes in: values already checked by the room that makes the record.
Goes out: `Series`, `SeriesJob`, `Volume`, `Labelled`, `CalciumScore`, `Rejection` and their parts.
Refuses: change after construction.

Positions are millimetres in the DICOM patient frame LPS (x to the left, y to the back,
z to the head). Arrays are indexed [slice, row, column]; slice 0 is nearest the head.
"""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from screening.config import ArchiveSettings
from screening.measures import Beside, Intervals, OtherMeasures, VesselMeasures
from screening.reasons import Reason, Room
from screening.series import Decision as Decision
from screening.series import Series as Series
from screening.surroundings import Surroundings
from screening.things import Things

# What lies outside the scanner's field. Real values are clipped to >= AIR_HU, so the
# sentinel cannot be mistaken for tissue.
PADDING_HU = -2048
AIR_HU = -1024
# Slices thinner and closer than this are averaged before they are scored.
THIN_BELOW_MM = 2.0


class Label(IntEnum):
    """What a bright voxel belongs to."""

    NONE = 0  # soft tissue, noise
    LM = 1
    LAD = 2
    LCX = 3
    RCA = 4
    AORTA = 5
    AORTIC_VALVE = 6
    MITRAL_ANNULUS = 7
    PERICARDIUM = 8
    AIRWAY = 9  # bronchial cartilage
    BONE = 10  # ribs, spine, sternum, costal cartilage
    NODE = 11  # lymph nodes, granulomas
    METAL = 12  # stents, wires, clips


CORONARY_LABELS = (Label.LM, Label.LAD, Label.LCX, Label.RCA)
# Odds of metal from which a long thing is a stent: inference takes its neighbours along, scoring
# says so and the person leaves the list. Chosen on simulated people (infra/decisions/0013).
STENT_FROM_ODDS = 7.0


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a room gave no result for `key`. `detail` never carries identity."""

    room: Room
    key: str
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SeriesJob:
    """One series to be worked. Its repr is safe to log: the paths never show."""

    series_key: str
    address: str = field(repr=False)
    paths: tuple[str, ...] = field(repr=False)
    attempt: int = 1
    limits: ArchiveSettings = field(default_factory=ArchiveSettings, repr=False)


@dataclass(frozen=True, slots=True)
class Acquisition:
    """How the scan was made, as far as its header says."""

    kvp: float | None
    slice_thickness_mm: float | None
    kernel: str
    manufacturer: str
    model: str
    exposure_mas: float | None
    is_gated: bool
    transfer_syntax: str
    has_contrast_tag: bool = False
    reconstruction: str = "unknown"  # fbp | iterative | deep_learning | unknown
    has_tin_filter: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A checked stack of axial CT slices in Hounsfield units.

    hu : int16 (slices, rows, columns), rounded down; PADDING_HU outside the scanner's field
    spacing_mm : (row spacing, column spacing) in the plane
    origins_lps_mm : float64 (slices, 3), centre of each slice's first pixel
    row_axis_lps, column_axis_lps : unit vectors along which the row index and the
        column index grow
    increments_mm : float64 (slices,), the slab each slice stands for along the normal
    image_digest : hex digest of geometry and sampled pixels; equal for the same images
        under other UIDs
    slice_digests : of a few of its slices (`volume.digest`); scans with one in common share images
    flags : quality flags found while reading (closed list in scoring)
    fraction : uint16 like `hu`, what rounding down took away, in 1/65,536 HU and above 0 wherever
        it took anything; None: all HU are whole numbers
    """

    series_key: str
    hu: NDArray[np.int16]
    spacing_mm: tuple[float, float]
    origins_lps_mm: NDArray[np.float64]
    row_axis_lps: NDArray[np.float64]
    column_axis_lps: NDArray[np.float64]
    increments_mm: NDArray[np.float64]
    acquisition: Acquisition
    image_digest: str
    flags: tuple[str, ...] = ()
    fraction: NDArray[np.uint16] | None = None
    slice_digests: tuple[int, ...] = ()

    @property
    def increment_mm(self) -> float:
        """Median slice increment, mm."""
        return float(np.median(self.increments_mm))

    @property
    def slice_mm(self) -> float:
        """What a slice counts for, mm: the larger of its thickness and its increment."""
        return max(self.acquisition.slice_thickness_mm or 0.0, self.increment_mm)

    def counts(
        self, index: NDArray[np.int64], parameters: "ScoringParameters"
    ) -> NDArray[np.bool_]:
        """Which voxels, by flat index (n,), are as bright as a convention asks."""
        hu, from_hu = self.hu.take(index), parameters.threshold_hu
        if not parameters.is_strict:
            return np.asarray(hu >= from_hu)
        is_over = hu > from_hu
        if self.fraction is not None:
            is_over |= (hu == from_hu) & (self.fraction.take(index) > 0)
        return np.asarray(is_over)

    def lps_mm(self, index: NDArray[np.float64]) -> NDArray[np.float64]:
        """Patient coordinates of fractional [slice, row, column] indices.

        Parameters
        ----------
        index : float (n, 3)

        Returns
        -------
        float64 (n, 3), LPS mm
        """
        index = np.atleast_2d(np.asarray(index, dtype=np.float64))
        n = len(self.origins_lps_mm)
        slices = np.arange(n, dtype=np.float64)
        origin = np.stack(
            [np.interp(index[:, 0], slices, self.origins_lps_mm[:, k]) for k in range(3)], axis=1
        )
        return (
            origin
            + index[:, 1:2] * self.spacing_mm[0] * self.row_axis_lps
            + index[:, 2:3] * self.spacing_mm[1] * self.column_axis_lps
        )


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model spoke, and on what."""

    name: str
    digest: str
    provider: str


@dataclass(frozen=True, slots=True)
class BloodPool:
    """Hounsfield units sampled inside heart and aorta, away from calcium."""

    mean_hu: float
    sd_hu: float
    n_voxels: int


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """What inference says of the bright voxels near the heart.

    index : int64 (n,), flat C-order index into `Volume.hu`, sorted, unique
    label : uint8 (n,), a `Label`
    probability : float32 (n,), of that label
    heart_box : (slice0, slice1, row0, row1, col0, col1), half-open voxel bounds
    is_heart_cut : heart touches the stack's first or last slice, or the field's edge
    surroundings : None where only the bright voxels are known
    things : what each voxel is a part of; None where only labels are known
    """

    index: NDArray[np.int64]
    label: NDArray[np.uint8]
    probability: NDArray[np.float32]
    heart_box: tuple[int, int, int, int, int, int]
    is_heart_cut: bool
    blood_pool: BloodPool | None
    model: ModelIdentity
    surroundings: Surroundings | None = None
    things: Things | None = None


@dataclass(frozen=True, slots=True)
class Lesion:
    """One connected calcification (3-D, one label).

    density : mean Agatston weight over the counted area, 1 to 4
    """

    label: str
    probability: float
    agatston: float
    volume_mm3: float
    max_hu: int
    centroid_lps_mm: tuple[float, float, float]
    slices: tuple[int, int]  # first and last, counted from the head, 0-based
    mass_mg: float
    mean_hu: float
    density: float


@dataclass(frozen=True, slots=True)
class VesselScores:
    """Agatston units per coronary artery."""

    LM: float
    LAD: float
    LCX: float
    RCA: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How far the score can be trusted: A good, B usable, C doubtful, D do not use.

    noise_hu, blood_hu : standard deviation and mean of the blood pool
    expected_false_agatston : what noise alone would make along the coronary courses
    border_blur_mm : how much wider the heart's border is than borders that stand still
    """

    noise_hu: float | None
    grade: str
    flags: tuple[str, ...]
    expected_false_agatston: float | None = None
    border_blur_mm: float | None = None
    blood_hu: float | None = None


@dataclass(frozen=True, slots=True)
class ScoringParameters:
    """Everything the number depends on, recorded with it."""

    convention: str = "agatston_1990"
    threshold_hu: int = 130
    is_strict: bool = False  # above the threshold, not from it on
    connectivity: int = 8  # 4 or 8 within a slice, 26 through all slices
    min_area_mm2: float = 1.0
    min_pixels: int = 1
    weight_edges_hu: tuple[int, int, int] = (200, 300, 400)
    reference_increment_mm: float = 3.0
    mass_mg_per_cm3_per_hu: float | None = None  # of a calibration rod; None: default of the kVp
    mass_factor_standard_error: float | None = None  # of that factor, in its unit
    scoring_version: int = 15  # of what reads it; a test holds it to `scoring.SCORING_VERSION`


@dataclass(frozen=True, slots=True)
class Certainty:
    """How sure a score is: 95 % interval in Agatston units, probability of its category.

    high, category_probability : None where calcium may be missing, or nothing can be said
    low : None where nothing can be said
    """

    low: float | None
    high: float | None
    category_probability: float | None


@dataclass(frozen=True, slots=True)
class CalciumScore:
    """The measured calcium of one scan."""

    agatston: float
    volume_mm3: float
    mass_mg: float
    category: str
    vessels: VesselScores | None  # None when the labels are unnamed (a single-label mask)
    vessel_measures: tuple[VesselMeasures, ...] | None  # as `vessels`
    other: tuple[tuple[str, float], ...]  # (label, Agatston) outside the coronaries
    other_measures: tuple[OtherMeasures, ...]  # of the same places, in the same order
    lesions: tuple[Lesion, ...]
    certainty: Certainty
    intervals: Intervals
    beside: Beside
    quality: Quality
    parameters: ScoringParameters


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """What is said about the series beside its score."""

    n_slices: int
    spacing_mm: tuple[float, float, float]  # row, column, slice increment
    kvp: float | None
    slice_thickness_mm: float | None
    kernel: str
    reconstruction: str
    manufacturer: str
    image_digest: str
    slice_digests: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall-clock seconds of one scan's steps."""

    read: float
    load: float
    infer: float
    score: float


@dataclass(frozen=True, slots=True)
class ScoredSeries:
    """One scan, worked to the end."""

    series_key: str
    facts: VolumeFacts
    score: CalciumScore
    model: ModelIdentity
    seconds: Seconds
    picture_png: bytes | None = field(default=None, repr=False)
    seen: bytes | None = field(default=None, repr=False)  # packed; None: the lake has it already
