"""One scan, worked from bytes to score: load → infer → score.

Comes in: a `SeriesJob` (where the bytes lie) and a model.
Goes out: a `ScoredSeries`, or the `Rejection` of the room that refused.
Refuses: nothing itself; no engine, no lake and no identity in here.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from time import perf_counter

from screening import archive, inference, report, scoring, volume
from screening.errors import InfrastructureError, ScreeningError
from screening.reasons import Reason, Room
from screening.records import (
    CalciumScore,
    Labelled,
    Rejection,
    ScoredSeries,
    ScoringParameters,
    Seconds,
    SeriesJob,
    Volume,
    VolumeFacts,
)
from screening.seen import Seen, regions


@dataclass(frozen=True, slots=True)
class Worked:
    """The outcome of one scan, what was read for it, and the digest of its images if known."""

    series_key: str
    outcome: ScoredSeries | Rejection
    bytes_read: int
    image_digest: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One scan with everything that was measured on it, voxels and all."""

    volume: Volume
    labelled: Labelled
    score: CalciumScore


def facts(scan: Volume) -> VolumeFacts:
    """Return what is told about a scan beside its score."""
    return VolumeFacts(
        n_slices=scan.hu.shape[0],
        spacing_mm=(*scan.spacing_mm, scan.increment_mm),
        kvp=scan.acquisition.kvp,
        slice_thickness_mm=scan.acquisition.slice_thickness_mm,
        kernel=scan.acquisition.kernel,
        reconstruction=scan.acquisition.reconstruction,
        manufacturer=scan.acquisition.manufacturer,
        image_digest=scan.image_digest,
        slice_digests=scan.slice_digests,
    )


def process_series(
    job: SeriesJob,
    model: inference.Model,
    parameters: ScoringParameters,
    *,
    picture: bool,
    threads: int | None = None,
    stored: bytes = b"",
) -> Worked:
    """Work one series.

    Parameters
    ----------
    job : where the bytes lie
    model : a checked model; its sessions are built in this process on first use
    parameters : recorded with the score
    picture : make what the lake keeps beside the row: the picture of a score above zero, and
        what was seen
    threads : of the model; None for every core this process may use
    stored : what was seen of this series before, packed. Where images, model and code are those
        it came of, the model is not asked again

    Returns
    -------
    Worked, with a `ScoredSeries` or the refusing room's `Rejection`
    """
    started = perf_counter()
    try:
        files = archive.open_source(job.address, job.limits).read_bytes(job.paths)
    except InfrastructureError as error:
        gone = Rejection(Room.ARCHIVE, job.series_key, Reason.UNREACHABLE, str(error))
        return Worked(job.series_key, gone, 0)
    n_bytes = sum(len(f) for f in files)
    read = perf_counter()
    scan = volume.load_volume(job.series_key, files)
    del files
    if isinstance(scan, Rejection):
        return Worked(job.series_key, scan, n_bytes)
    loaded = perf_counter()
    spent = (read - started, loaded - read)
    outcome = measure(
        scan, model, parameters, *spent, picture=picture, threads=threads, stored=stored
    )
    return Worked(job.series_key, outcome, n_bytes, scan.image_digest)


def measure(
    scan: Volume,
    model: inference.Model,
    parameters: ScoringParameters,
    read_seconds: float,
    load_seconds: float,
    *,
    picture: bool,
    threads: int | None = None,
    stored: bytes = b"",
) -> ScoredSeries | Rejection:
    """Infer and score one loaded scan; of thin slices their averages, with the rest beside.

    The arguments are those of `process_series`.
    """
    found = _find(scan, model, parameters, threads, stored)
    if isinstance(found, Rejection):
        return found
    score, png = found.score, None
    seen = inference.pack(found.seen) if picture and found.is_new else None
    if picture and score.agatston > 0:
        native = found.slab.native if found.slab else None
        try:
            png = report.render_picture(found.primary, found.labelled, found.drawn, native)
        except (ArithmeticError, IndexError, ValueError):
            score = _without_picture(score)
    return ScoredSeries(
        series_key=scan.series_key,
        facts=facts(scan),
        score=score,
        model=found.labelled.model,
        seconds=Seconds(read_seconds, load_seconds, found.infer_seconds, found.score_seconds),
        picture_png=png,
        seen=seen,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What was found: `drawn` counts the slices of `primary`, `score` the scanner's own.

    labelled : of `primary`, metal named
    seen : as inferred; `is_new` where that was just now
    """

    primary: Volume
    slab: volume.Slab | None
    labelled: Labelled
    seen: Seen
    is_new: bool
    drawn: CalciumScore
    score: CalciumScore
    infer_seconds: float
    score_seconds: float


def _find(
    scan: Volume,
    model: inference.Model,
    parameters: ScoringParameters,
    threads: int | None,
    stored: bytes = b"",
) -> _Found | Rejection:
    """Infer and score; what refuses the native stack refuses the scan, averaged or not."""
    begun = perf_counter()
    slab = volume.slab_average(scan)
    primary = slab.volume if slab else scan
    kept = _as_stored(stored, model, scan, slab)
    seen = kept or _see(scan, slab, model, threads)
    if isinstance(seen, Rejection):
        return seen
    inferred = perf_counter()
    as_seen = seen.primary.labelled
    if slab and seen.native:
        thin = seen.native.labelled
        as_seen = scoring.with_metal_of_thin(as_seen, slab.counts, scan, thin)
    labelled = scoring.name_metal(primary, as_seen)
    # The native stack first: averages bridge a missing slice, which must be seen.
    beside = scoring.score(scan, (seen.native or seen.primary).labelled, parameters)
    if isinstance(beside, Rejection):
        return beside
    # As seen: to name metal twice could take for metal what touches what was named the first time.
    drawn = scoring.score(primary, as_seen, parameters) if slab else beside
    if isinstance(drawn, Rejection):
        return drawn
    has_metal = as_seen is not seen.primary.labelled
    score = _of_slabs(drawn, slab, beside, has_metal=has_metal) if slab else drawn
    spent = (inferred - begun, perf_counter() - inferred)
    return _Found(primary, slab, labelled, seen, kept is None, drawn, score, *spent)


def _see(
    scan: Volume, slab: volume.Slab | None, model: inference.Model, threads: int | None
) -> Seen | Rejection:
    """Ask the model; of thin slices about their averages and about the slices as they are."""
    primary = slab.volume if slab else scan
    labelled = inference.infer(model, primary, threads)
    if isinstance(labelled, Rejection):
        return labelled
    native = inference.infer(model, scan, threads) if slab else None
    if isinstance(native, Rejection):
        return native
    return Seen(
        made_by=labelling_code(),
        image_digest=scan.image_digest,
        primary=regions(primary, labelled),
        native=None if native is None else regions(scan, native),
        counts=slab.counts if slab else (1,) * len(scan.hu),
    )


def _as_stored(
    stored: bytes, model: inference.Model, scan: Volume, slab: volume.Slab | None
) -> Seen | None:
    """Return what was seen before; None unless asking the model again would give the same."""
    if not stored:
        return None
    try:
        seen = inference.unpack(stored)
    except ScreeningError:
        return None
    now = (labelling_code(), model.identity.digest, scan.image_digest)
    if (seen.made_by, seen.model_digest, seen.image_digest) != now:
        return None
    if (seen.native is None) != (slab is None):
        return None
    fits = seen.primary.fit(slab.volume if slab else scan)
    return seen if fits and (seen.native is None or seen.native.fit(scan)) else None


@functools.cache
def labelling_code() -> str:
    """Digest of the code between a scan's bytes and its labels: the rooms `volume`, `inference`.

    A number to be raised by hand would be forgotten once; a changed comment costs one inference.
    """
    digest, here = sha256(), Path(__file__).parent
    for room in ("inference", "volume"):
        for file in sorted((here / room).glob("*.py")):
            digest.update(f"{room}/{file.name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _without_picture(score: CalciumScore) -> CalciumScore:
    """Say in the quality that no picture could be drawn: a score is worth more than its picture."""
    flags = tuple(sorted({*score.quality.flags, scoring.Flag.PICTURE_FAILED.value}))
    return replace(score, quality=replace(score.quality, flags=flags))


def _told_by_thin(native: CalciumScore, *, has_score: bool, has_metal: bool) -> set[str]:
    """Return the flags of the thin slices that hold for their averages.

    has_metal : something of the averages is metal by the thin slices alone. A stent is possible
        then: it takes a person off the list, so the stack that is scored must show it
    """
    flag = scoring.Flag
    told = {flag.MISSING_SLICE, flag.GAPS_BETWEEN_SLICES}
    told |= {flag.CALCIUM_VERY_BRIGHT} if has_score else set()
    told |= {flag.CLIPS_PRESENT, flag.STENT_POSSIBLE} if has_metal else set()
    found = {f.value for f in told}.intersection(native.quality.flags)
    if has_metal and flag.STENT_PRESENT.value in native.quality.flags:
        found.add(flag.STENT_POSSIBLE.value)
    return found


def _of_slabs(
    score: CalciumScore, slab: volume.Slab, native: CalciumScore, *, has_metal: bool
) -> CalciumScore:
    """Count the slices of lesions as the scanner did; keep what the native stack tells beside."""
    native_slices = slab.native
    lesions = tuple(
        replace(lesion, slices=(native_slices[first][0], native_slices[last][1]))
        for lesion in score.lesions
        for first, last in (lesion.slices,)
    )
    told_by_thin = _told_by_thin(native, has_score=score.agatston > 0, has_metal=has_metal)
    flags = tuple(sorted(told_by_thin.union(score.quality.flags)))
    told = replace(
        score,
        lesions=lesions,
        quality=replace(score.quality, flags=flags, grade=scoring.grade(flags)),
        beside=replace(score.beside, agatston_native=native.agatston, slab_mm=slab.thickness_mm),
    )
    return scoring.within_flags(told)


def measure_again(
    series_key: str,
    files: Sequence[bytes],
    model: inference.Model,
    parameters: ScoringParameters,
) -> Measured | Rejection:
    """Load, infer and score as `process_series`, and keep the voxels, which no table holds.

    Of thin slices what was scored are their averages: they are laid back on the native slices.
    """
    scan = volume.load_volume(series_key, files)
    if isinstance(scan, Rejection):
        return scan
    found = _find(scan, model, parameters, None)
    if isinstance(found, Rejection):
        return found
    laid = (
        volume.lay_back(found.slab, scan, found.labelled) if found.slab else (scan, found.labelled)
    )
    return Measured(*laid, found.score)
