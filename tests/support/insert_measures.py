"""Simulated inserts, measured as the program measures."""

import numpy as np

from screening.phantom.inserts import STANDARD, InsertImages, InsertScan, scan_inserts
from screening.records import Acquisition, ScoringParameters, Volume
from screening.scoring import MaskScore, Rod, score_mask, with_rod

PHASES = 8
ROD_RADIUS_MM = 7.0
KERNEL_NAMES = {"soft": "B30f", "medium": "B46f", "sharp": "B60f"}


def volume_of(images: InsertImages) -> Volume:
    """The images as the program reads them."""
    how, n = images.scan, len(images.hu)
    return Volume(
        series_key="inserts",
        hu=images.hu,
        spacing_mm=(how.pixel_mm, how.pixel_mm),
        origins_lps_mm=np.stack([np.zeros(n), np.zeros(n), -how.increment_mm * np.arange(n)], 1),
        row_axis_lps=np.array([0.0, 1.0, 0.0]),
        column_axis_lps=np.array([1.0, 0.0, 0.0]),
        increments_mm=np.full(n, how.increment_mm),
        acquisition=Acquisition(
            how.kvp, how.thickness_mm, KERNEL_NAMES[how.kernel], "", "", None, False, ""
        ),
        image_digest="",
    )


def calibrated(images: InsertImages, volume: Volume) -> ScoringParameters:
    """Parameters with the factor that this scan's own rod gives."""
    row, column = (at * images.scan.pixel_mm for at in images.rod)
    return with_rod(ScoringParameters(), volume, Rod(column, row, ROD_RADIUS_MM, 200.0))


def measured_inserts(how: InsertScan, *, has_rod: bool = True) -> list[MaskScore]:
    """Each standard insert of one scan, calibrated by its rod or by the default."""
    images = scan_inserts(STANDARD, how)
    volume = volume_of(images)
    parameters = calibrated(images, volume) if has_rod else ScoringParameters()
    return [
        score_mask(volume, (images.near == number).astype(np.uint8), parameters)
        for number in range(1, len(STANDARD) + 1)
    ]
