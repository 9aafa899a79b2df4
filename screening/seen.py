"""What inference saw of one series, apart from its images.

Comes in: a `Volume` and its `Labelled`.
Goes out: `Seen`: bright voxels with their HU, labels and geometry, enough to score them again.
Refuses: change after construction.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.records import Acquisition, Labelled, Volume


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The bright voxels of one stack of slices, where they lie, and what they are.

    hu : int16 (n,), of the voxels of `labelled.index`
    fraction : uint16 (n,), of the same voxels, or None, as in `Volume`
    shape : slices, rows, columns of the stack
    spacing_mm, origins_lps_mm, row_axis_lps, column_axis_lps, increments_mm : as in `Volume`
    kvp : tube voltage, None unknown
    """

    labelled: Labelled
    hu: NDArray[np.int16]
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float]
    origins_lps_mm: NDArray[np.float64]
    row_axis_lps: NDArray[np.float64]
    column_axis_lps: NDArray[np.float64]
    increments_mm: NDArray[np.float64]
    kvp: float | None
    fraction: NDArray[np.uint16] | None = None

    def fit(self, volume: Volume) -> bool:
        """Whether these are voxels of this volume: where they lie, each with its HU."""
        # Exact: both were made by the same code from the same bytes, or they are not the same.
        return (
            self.shape == volume.hu.shape
            and self.spacing_mm == volume.spacing_mm
            and np.array_equal(self.origins_lps_mm, volume.origins_lps_mm)
            and np.array_equal(self.hu, volume.hu.take(self.labelled.index))
        )

    def bright_volume(self, series_key: str) -> Volume:
        """Return a volume that holds these voxels and nothing else, 0 HU all round.

        It serves what looks at labelled voxels alone: Agatston units, volume, metal by its HU.
        """
        hu = np.zeros(self.shape, dtype=np.int16)  # memory is taken only where it is written
        hu.ravel()[self.labelled.index] = self.hu
        fraction = None
        if self.fraction is not None:
            fraction = np.zeros(self.shape, dtype=np.uint16)
            fraction.ravel()[self.labelled.index] = self.fraction
        return Volume(
            series_key=series_key,
            hu=hu,
            spacing_mm=self.spacing_mm,
            origins_lps_mm=self.origins_lps_mm,
            row_axis_lps=self.row_axis_lps,
            column_axis_lps=self.column_axis_lps,
            increments_mm=self.increments_mm,
            acquisition=Acquisition(self.kvp, None, "", "", "", None, False, ""),
            image_digest="",
            fraction=fraction,
        )


def regions(volume: Volume, labelled: Labelled) -> Regions:
    """Take the labelled voxels out of their volume."""
    return Regions(
        labelled=labelled,
        hu=volume.hu.take(labelled.index),
        shape=(volume.hu.shape[0], volume.hu.shape[1], volume.hu.shape[2]),
        spacing_mm=volume.spacing_mm,
        origins_lps_mm=volume.origins_lps_mm,
        row_axis_lps=volume.row_axis_lps,
        column_axis_lps=volume.column_axis_lps,
        increments_mm=volume.increments_mm,
        kvp=volume.acquisition.kvp,
        fraction=None if volume.fraction is None else volume.fraction.take(labelled.index),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """All that inference saw of one series.

    made_by : digest of the program's code that made it out of the images' bytes
    image_digest : of the images
    primary : the stack that is scored: of thin slices their averages
    native : the scanner's own slices where `primary` are averages, else None
    counts : how many of the scanner's slices each slice of `primary` stands for, from the head
    """

    made_by: str
    image_digest: str
    primary: Regions
    native: Regions | None
    counts: tuple[int, ...]

    def of_the_scanner(self, first: int, last: int) -> tuple[int, int]:
        """Return the first and last slice of the scanner that these slices of `primary` hold."""
        return sum(self.counts[:first]), sum(self.counts[: last + 1]) - 1

    @property
    def model_digest(self) -> str:
        """Digest of the model that spoke."""
        return self.primary.labelled.model.digest
