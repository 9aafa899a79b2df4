"""A score as a DICOM structured report, TID 1500 (Measurement Report).

Comes in: the source images, the `CalciumScore`, and the segmentation where there is one.
Goes out: a `ComprehensiveSR`, preliminary and unverified.
Refuses: nothing that its caller has not refused.

One group for the coronary arteries together (Agatston, volume, mass, category, quality), one for
each artery, one for each other calcified structure. A group whose voxels are segmented refers to
its segment. A report is PARTIAL where the scan cuts the heart off, and where metal may have taken
calcium with it. A category is coded only where it is known how likely it is right: a code cannot
say "at least", and the `0` of a cut heart is no zero.
"""

from collections.abc import Sequence

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.seg import Segmentation
from highdicom.sr import (
    AlgorithmIdentification,
    CodeContentItem,
    CodedConcept,
    ComprehensiveSR,
    ContainerContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    ImageContentItem,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    ReferencedSegment,
    RelationshipTypeValues,
    SourceSeriesForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    UIDRefContentItem,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as standard
from pydicom.sr.coding import Code

from screening.flag_words import remark
from screening.header_values import OWN_MANUFACTURER
from screening.lower_bound import is_off_either_way, may_be_more, may_be_too_high
from screening.measures import OtherMeasures, VesselMeasures
from screening.publish import codes
from screening.publish.origin import PROGRAM, SR_SERIES, Origin
from screening.publish.source import UNICODE
from screening.records import (
    CORONARY_LABELS,
    CalciumScore,
    Label,
)

NOTICE = (
    "Research software, not a medical device. Not verified: an image reader confirms every "
    "finding before anyone is contacted. A non-gated zero is no calcium detected on this scan, "
    "never reassurance."
)
ZERO = "No calcium detected on this scan."
MASS_NOTE = "Mass is uncalibrated: a default factor for the tube voltage."

_CONTAINS = RelationshipTypeValues.CONTAINS
_Group = MeasurementsAndQualitativeEvaluations | VolumetricROIMeasurementsAndQualitativeEvaluations


def make_report(
    images: Sequence[Dataset],
    score: CalciumScore,
    segmentation: Segmentation | None,
    segment_labels: Sequence[Label],
    origin: Origin,
) -> ComprehensiveSR:
    """Make the report.

    Parameters
    ----------
    images : source image of each slice
    score : what is reported
    segmentation : the scored voxels; None for a score of zero
    segment_labels : label of the segmentation's segment 1, 2, …
    origin : of the object

    Returns
    -------
    ComprehensiveSR
    """
    number_of = {label: i for i, label in enumerate(segment_labels, start=1)}

    def group(place: VesselMeasures | OtherMeasures) -> _Group:
        label, segment = Label[place.label.upper()], None
        if segmentation is not None and label in number_of:
            segment = _segment(segmentation, number_of[label], origin)
        return _site_group(label, place, segment, origin)

    groups = [_total(score, origin), *map(group, score.vessel_measures or ())]
    for place in score.other_measures:
        label = Label[place.label.upper()]
        if label in codes.SITES and (place.agatston > 0 or label in number_of):
            groups.append(group(place))
    report = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_observer(origin)),
        procedure_reported=codes.CT_OF_CHEST,
        imaging_measurements=groups,
        title=standard.DCM.ImagingMeasurementReport,
    )
    # The library goes before the measurements, which come last.
    report[0].ContentSequence.insert(len(report[0].ContentSequence) - 1, _library(images))
    return ComprehensiveSR(
        evidence=[*images, *([] if segmentation is None else [segmentation])],
        content=report,
        is_complete=not may_be_more(score.quality.flags),
        is_final=False,
        is_verified=False,
        performed_procedure_codes=[codes.CT_OF_CHEST],
        coding_schemes=[
            CodingSchemeIdentificationItem(codes.PRIVATE_SCHEME, name=codes.PRIVATE_SCHEME_NAME)
        ],
        specific_character_set=UNICODE,
        series_description=f"Calcium report{origin.of_series}",
        **origin.equipment("SR", SR_SERIES),
    )


def _observer(origin: Origin) -> ObserverContext:
    return ObserverContext(
        observer_type=standard.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=origin.uid("device"),
            name=PROGRAM,
            manufacturer_name=OWN_MANUFACTURER,
            model_name=f"{origin.algorithm}, version {origin.software_version}",
            serial_number=origin.model.digest[:16],
        ),
    )


def _library(images: Sequence[Dataset]) -> ContainerContentItem:
    """List the source images (TID 1600), head to feet."""
    group = ContainerContentItem(standard.DCM.ImageLibraryGroup, relationship_type=_CONTAINS)
    context = RelationshipTypeValues.HAS_ACQ_CONTEXT
    items = ContentSequence()
    items.append(CodeContentItem(standard.DCM.Modality, standard.DCM.ComputedTomography, context))
    frame = str(images[0].FrameOfReferenceUID)
    items.append(UIDRefContentItem(standard.DCM.FrameOfReferenceUID, frame, context))
    for image in images:
        items.append(
            ImageContentItem(
                codes.SOURCE, image.SOPClassUID, image.SOPInstanceUID, relationship_type=_CONTAINS
            )
        )
    group.ContentSequence = items
    library = ContainerContentItem(standard.DCM.ImageLibrary, relationship_type=_CONTAINS)
    library.ContentSequence = ContentSequence([group])
    return library


def _total(score: CalciumScore, origin: Origin) -> _Group:
    """All coronary arteries together, and what is said of the scan as a whole."""
    found = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(origin.uid("tracking", "all"), "coronary"),
        finding_type=_finding(score.agatston),
        finding_sites=[FindingSite(codes.CORONARY_ARTERY)],
        algorithm_id=AlgorithmIdentification(
            name=origin.algorithm,
            version=origin.software_version,
            parameters=[f"{name}={value}" for name, value in origin.parameters],
        ),
        measurements=[
            _agatston(score.agatston, codes.CORONARY_CALCIUM_SCORE),
            _volume(score.volume_mm3),
            _mass(score.mass_mg),
        ],
        qualitative_evaluations=[
            *_category(score),
            QualitativeEvaluation(codes.GRADE, codes.grade(score.quality.grade)),
        ],
    )
    flags = ", ".join(map(remark, score.quality.flags)) or "none"
    zero = f"{ZERO} " if score.agatston == 0 else ""
    _say(found, codes.FLAGS, flags)
    sure = how_sure(score)
    if not _category(score):
        sure += " No category is coded: it may be another one."
    note = f"{zero}{sure} {NOTICE} {MASS_NOTE}{_averaged(score.beside.slab_mm)}"
    _say(found, codes.COMMENT, note)
    return found


def _category(score: CalciumScore) -> list[QualitativeEvaluation]:
    """Return the category as a code; none where nobody can say how likely it is right."""
    if score.certainty.category_probability is None:
        return []
    return [QualitativeEvaluation(codes.CATEGORY, codes.category(score.category))]


def _finding(agatston: float) -> Code | None:
    """Return the code of calcification; none where there is none."""
    return codes.CALCIFICATION if agatston > 0 else None


def how_sure(score: CalciumScore) -> str:
    """Say whether the scan was gated, and how far its score may be off."""
    sure = score.certainty
    flags = score.quality.flags
    is_gated = "gated" in flags
    kind = "ECG-gated scan." if is_gated else "Scan without ECG gating."
    if sure.low is None:
        if is_off_either_way(score.agatston, flags):
            return f"{kind} The score may be too high or too low; how far cannot be said."
        more = " Calcium may be missing from it." if may_be_more(flags) else ""
        if may_be_too_high(score.agatston, flags):
            return f"{kind} The score may be too high; how far cannot be said."
        return f"{kind} How far the score may be off cannot be said.{more}"
    if sure.high is None and is_off_either_way(score.agatston, flags):
        return (
            f"{kind} The score may be too high or too low: calcium may be hidden, and what is none "
            "counted; how far cannot be said."
        )
    if sure.high is None:
        return (
            f"{kind} The score is a lower bound: calcium may be hidden or outside the images. "
            f"A second scan of what was seen may read from {sure.low:.0f} on."
        )
    if score.agatston == 0:
        return kind
    return f"{kind} A second scan may read {sure.low:.0f} to {sure.high:.0f} Agatston units (95 %)."


def _averaged(slab_mm: float | None) -> str:
    if slab_mm is None:
        return ""
    return (
        f" Thin slices were averaged to {slab_mm:.2f} mm for the score: "
        "each average stands on several of the source images."
    )


def _site_group(
    label: Label,
    place: VesselMeasures | OtherMeasures,
    segment: ReferencedSegment | None,
    origin: Origin,
) -> _Group:
    """One artery or other structure; with its segment where it has one."""
    is_coronary = label in CORONARY_LABELS
    name = codes.CORONARY_CALCIUM_SCORE if is_coronary else codes.CALCIUM_SCORE
    measurements = [
        _agatston(place.agatston, name),
        _volume(place.volume_mm3),
        _mass(place.mass_mg),
    ]
    tracking = TrackingIdentifier(origin.uid("tracking", label.name), label.name)
    sites = [FindingSite(codes.SITES[label])]
    found: _Group
    if segment is None:
        found = MeasurementsAndQualitativeEvaluations(
            tracking_identifier=tracking,
            finding_type=_finding(place.agatston),
            finding_sites=sites,
            measurements=measurements,
        )
    else:
        found = VolumetricROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=tracking,
            finding_type=_finding(place.agatston),
            finding_sites=sites,
            measurements=measurements,
            referenced_segment=segment,
        )
    if not is_coronary:
        _say(found, codes.COMMENT, "Outside the coronary arteries: not in the coronary score.")
    return found


def _segment(segmentation: Segmentation, number: int, origin: Origin) -> ReferencedSegment:
    return ReferencedSegment(
        sop_class_uid=segmentation.SOPClassUID,
        sop_instance_uid=segmentation.SOPInstanceUID,
        segment_number=number,
        source_series=SourceSeriesForSegmentation(origin.source_series_uid),
    )


def _agatston(value: float, name: Code) -> Measurement:
    return Measurement(name, value, codes.AGATSTON_UNIT, method=codes.AGATSTON_METHOD)


def _volume(value: float) -> Measurement:
    return Measurement(
        codes.CALCIUM_VOLUME, value, codes.CUBIC_MILLIMETRE, method=codes.VOLUME_METHOD
    )


def _mass(value: float) -> Measurement:
    return Measurement(codes.CALCIUM_MASS, value, codes.MILLIGRAM, method=codes.MASS_METHOD)


def _say(group: _Group, name: Code, text: str) -> None:
    """Add a text to a group (TID 1501 and 1411 let texts stand beside the codes)."""
    item = TextContentItem(CodedConcept.from_code(name), text, _CONTAINS)
    group[0].ContentSequence.append(item)
