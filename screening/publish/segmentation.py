"""The scored voxels as a DICOM segmentation.

Comes in: the source images of a scan, its `Volume`, `Labelled` and scoring threshold.
Goes out: a binary `Segmentation`, one segment a calcified structure; None without calcium.
Refuses: nothing that its caller has not refused.

A voxel is in a segment when it carries that structure's label and reaches the threshold of the
score: what volume and mass count. The Agatston score leaves out specks below its least area.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from highdicom import AlgorithmIdentificationSequence, PixelMeasuresSequence
from highdicom.seg import (
    SegmentAlgorithmTypeValues,
    Segmentation,
    SegmentationTypeValues,
    SegmentDescription,
)
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from screening.publish import codes
from screening.publish.origin import SEG_SERIES, Origin
from screening.publish.source import UNICODE
from screening.records import Label, Labelled, ScoringParameters, Volume


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Which voxels belong to which segment.

    index : int64 (n,), flat C-order index into the volume, sorted
    number : uint8 (n,), segment of each voxel, from 1
    labels : label of segment 1, 2, …
    """

    index: NDArray[np.int64]
    number: NDArray[np.uint8]
    labels: tuple[Label, ...]


def find_segments(volume: Volume, labelled: Labelled, parameters: ScoringParameters) -> Segments:
    """Give each calcified structure that is reported a segment number."""
    is_calcium = volume.counts(labelled.index, parameters)
    is_calcium &= np.isin(labelled.label, list(codes.SITES))
    index, label = labelled.index[is_calcium], labelled.label[is_calcium]
    labels = tuple(site for site in codes.SITES if (label == site).any())
    number_of = np.zeros(len(Label), dtype=np.uint8)
    number_of[list(labels)] = np.arange(1, len(labels) + 1)
    return Segments(index, number_of[label], labels)


def make_segmentation(
    images: Sequence[Dataset], volume: Volume, segments: Segments, origin: Origin
) -> Segmentation:
    """Make the segmentation.

    Parameters
    ----------
    images : source image of each slice of the volume
    volume : the scan
    segments : of this volume, at least one
    origin : of the object

    Returns
    -------
    Segmentation, frames only where there is calcium
    """
    of_slice = segments.index // volume.hu[0].size
    used = np.unique(of_slice)
    mask = np.zeros((len(used), *volume.hu.shape[1:]), dtype=np.uint8)
    place = np.searchsorted(used, of_slice)
    mask.reshape(len(used), -1)[place, segments.index % volume.hu[0].size] = segments.number
    algorithm = AlgorithmIdentificationSequence(
        name=origin.algorithm,
        family=codes.ARTIFICIAL_INTELLIGENCE,
        version=origin.software_version,
        parameters=dict(origin.parameters),
    )
    made = Segmentation(
        source_images=[images[k] for k in used],
        pixel_array=mask,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[
            _describe(number, label, algorithm, origin)
            for number, label in enumerate(segments.labels, start=1)
        ],
        pixel_measures=_measures(volume),
        content_label="CALCIUM",
        content_description="Calcium that was scored",
        specific_character_set=UNICODE,
        series_description=f"Calcium segments{origin.of_series}",
        **origin.equipment("SEG", SEG_SERIES),
    )
    _fix_dimension_uid(made, origin)
    return made


def _describe(
    number: int, label: Label, algorithm: AlgorithmIdentificationSequence, origin: Origin
) -> SegmentDescription:
    site = codes.SITES[label]
    return SegmentDescription(
        segment_number=number,
        segment_label=f"Calcium, {site.meaning}",
        segmented_property_category=codes.ABNORMAL_STRUCTURE,
        segmented_property_type=codes.CALCIFICATION,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        tracking_id=label.name,
        tracking_uid=origin.uid("tracking", label.name),
        anatomic_regions=[site],
    )


def _measures(volume: Volume) -> PixelMeasuresSequence:
    """Say how large a voxel is; thickness unknown, a slice is as thick as its share."""
    return PixelMeasuresSequence(
        pixel_spacing=volume.spacing_mm,
        slice_thickness=volume.acquisition.slice_thickness_mm or volume.increment_mm,
        spacing_between_slices=volume.increment_mm,
    )


def _fix_dimension_uid(made: Segmentation, origin: Origin) -> None:
    """Put a UID that a second export repeats in the place of a random one."""
    uid = origin.uid("dimensions")
    made.DimensionOrganizationSequence[0].DimensionOrganizationUID = uid
    for item in made.DimensionIndexSequence:
        item.DimensionOrganizationUID = uid
