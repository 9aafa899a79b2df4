"""`screening score`: one series, no lake.

Comes in: a folder with one series, perhaps a mask. Goes out: the score as JSON-ready facts.
Refuses: a folder without DICOM, or with several CT series, or with stacks none of which can be
scored (`stacks.py`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter

import pyarrow as pa
import pyarrow.compute as pc

from flows import stacks, words
from screening import archive, inference, pipeline, scoring, volume
from screening.config import Providers
from screening.errors import ScreeningError
from screening.lower_bound import is_lower_bound, may_be_more
from screening.reasons import REASONS, State, state_of
from screening.records import Quality, Rejection, ScoredSeries, ScoringParameters, Volume

KEY = "series"
_MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class OneScore:
    """The answer of `score`: the contract's JSON object, and whether there is a score."""

    facts: dict[str, object]
    has_score: bool
    note: str = ""  # which of several stacks was taken


def _one_series(folder: str) -> tuple[str, stacks.Chosen]:
    """Return the archive's address, and of its only image series the stack to score."""
    address = archive.resolve_folder(folder)
    listing = archive.list_files(address)
    instances = archive.read_headers(address, listing.stats).instances
    if not instances.num_rows:
        n_left = listing.ignored.num_rows
        left = f" ({n_left} left alone: hidden, or links that lead out of it)" if n_left else ""
        raise ScreeningError(f"no DICOM file in the folder{left}; give the folder of one CT series")
    rows = instances.select(["path", "series_instance_uid", "rows"]).to_pylist()
    images = [r for r in rows if r["rows"]] or rows
    series = {r["series_instance_uid"] for r in images}
    if len(series) > 1:
        raise ScreeningError(
            f"the folder holds {len(series)} series{_left_alone(rows, series)}; "
            f"{_what_to_do(images)}"
        )
    paths = pa.array([r["path"] for r in images], pa.string())
    return address, stacks.choose_stack(instances.filter(pc.is_in(instances["path"], paths)))


def _left_alone(rows: Iterable[Mapping[str, str]], series: set[str]) -> str:
    """Say how many more series a sweep of the folder counts."""
    n = len({r["series_instance_uid"] for r in rows} - series)
    return f" of images (and {n} without: reports and the like)" if n else ""


def _what_to_do(images: Iterable[Mapping[str, str]]) -> str:
    """Name the folders of single series where there are any."""
    series_of: dict[str, set[str]] = {}
    for image in images:
        series_of.setdefault(str(Path(image["path"]).parent), set()).add(
            image["series_instance_uid"]
        )
    single = sorted(folder for folder, series in series_of.items() if len(series) == 1)
    if not single:
        return "copy the files of one into a folder of its own, or use sweep, which chooses"
    more = f" and {len(single) - _MAX_NAMED} more" if len(single) > _MAX_NAMED else ""
    return f"give the folder of one ({', '.join(single[:_MAX_NAMED])}{more}), or use sweep"


def _base(scan: Volume | None, status: str, reasons: list[str]) -> dict[str, object]:
    series = None
    if scan is not None:
        facts = asdict(pipeline.facts(scan))
        del facts["image_digest"], facts["slice_digests"]
        series = facts
    return {
        "series": series,
        "status": status,
        "reasons": reasons,
        "agatston": None,
        "volume_mm3": None,
        "mass_mg": None,
        "category": None,
        "is_lower_bound": None,
        "may_be_more": None,
        "vessels": None,
        "other": None,
        "lesions": [],
        "quality": None,
        "model": None,
        "parameters": None,
        "seconds": None,
    }


def _bound(agatston: float, quality: Quality) -> dict[str, object]:
    """Say whether there is that much at least, and whether calcium may be missing."""
    return {
        "is_lower_bound": is_lower_bound(agatston, quality.flags),
        "may_be_more": may_be_more(quality.flags),
    }


def _refused(scan: Volume | None, rejection: Rejection, seconds: dict[str, float]) -> OneScore:
    facts = _base(scan, state_of(rejection.reason).value, [rejection.reason.value])
    facts["seconds"] = seconds
    facts["explanation"] = REASONS[rejection.reason].sentence
    facts["detail"] = rejection.detail
    return OneScore(facts, has_score=False)


def _scored(scan: Volume, scored: ScoredSeries, load: float) -> OneScore:
    score = asdict(scored.score)
    facts = _base(scan, State.SCORED.value, [])
    facts.update(score)
    facts["other"] = dict(scored.score.other)
    facts.update(_bound(scored.score.agatston, scored.score.quality))
    facts["beside"]["cac_drs_basis"] = words.drs_class(  # type: ignore[index]
        {
            "is_gated": scan.acquisition.is_gated,
            "agatston": scored.score.agatston,
            "quality_flags": scored.score.quality.flags,
        }
    )
    facts["model"] = asdict(scored.model)
    facts["seconds"] = {
        "load": load,
        "infer": scored.seconds.infer,
        "score": scored.seconds.score,
    }
    return OneScore(facts, has_score=True)


def _with_mask(scan: Volume, mask: Path, parameters: ScoringParameters, load: float) -> OneScore:
    begun = perf_counter()
    labels = inference.labels_from_mask(scan, mask)
    seconds = {"load": load, "infer": perf_counter() - begun, "score": 0.0}
    if isinstance(labels, Rejection):
        return _refused(scan, labels, seconds)
    begun = perf_counter()
    measured = scoring.score_mask(scan, labels.label_map, parameters)
    seconds["score"] = perf_counter() - begun
    facts = _base(scan, State.SCORED.value, [])
    facts.update(
        n_marked=measured.n_marked,
        n_counted=measured.n_counted,
        agatston=measured.agatston,
        volume_mm3=measured.volume_mm3,
        mass_mg=measured.mass_mg,
        category=scoring.category(measured.agatston),
        volume_isotropic_mm3=measured.volume_isotropic_mm3,
        mass_integrated_mg=measured.mass_integrated_mg,
        density=measured.density,
        agatston_kvp=measured.agatston_kvp,
        kvp_edges_hu=measured.kvp_edges_hu,
        kvp_source=measured.kvp_source,
        certainty=asdict(measured.certainty),
        intervals=asdict(measured.intervals),
        quality=asdict(measured.quality),
        labels=[label._asdict() for label in measured.labels],
        parameters=asdict(replace(parameters, scoring_version=scoring.SCORING_VERSION)),
        seconds=seconds,
        **_bound(measured.agatston, measured.quality),
    )
    return OneScore(facts, has_score=True)


def score_one(
    folder: str,
    mask: Path | None,
    model_name: str,
    convention: str = "agatston_1990",
    rod: scoring.Rod | None = None,
    providers: Providers = "cpu",
) -> OneScore:
    """Score one series.

    Parameters
    ----------
    folder : holds the series' DICOM files
    mask : NIfTI labels to score instead of the model's, or None
    model_name : name or folder of the model
    convention : name of the scoring convention
    rod : a calibration rod in the scan, for the mass
    providers : where the model runs
    """
    parameters = scoring.convention(convention)
    if mask is not None and not mask.is_file():
        raise ScreeningError(f"no mask file at {mask}; check --mask")
    model = None if mask else inference.open_model(model_name, providers)
    if model is not None:
        inference.require_providers(providers)
    begun = perf_counter()
    address, chosen = _one_series(folder)
    scan = volume.load_volume(KEY, archive.read_bytes(address, chosen.paths))
    load = perf_counter() - begun
    if isinstance(scan, Rejection):
        found = _refused(None, scan, {"load": load, "infer": 0.0, "score": 0.0})
    else:
        if rod is not None:
            parameters = scoring.with_rod(parameters, scan, rod)
        found = _worked(scan, mask, model, parameters, load)
    facts = {**found.facts, "stacks": list(chosen.stacks)}
    return replace(found, facts=facts, note=stacks.told(chosen.stacks))


def _worked(
    scan: Volume,
    mask: Path | None,
    model: inference.Model | None,
    parameters: ScoringParameters,
    load: float,
) -> OneScore:
    if mask is not None or model is None:
        return _with_mask(scan, Path(str(mask)), parameters, load)
    outcome = pipeline.measure(scan, model, parameters, 0.0, load, picture=False)
    if isinstance(outcome, Rejection):
        return _refused(scan, outcome, {"load": load, "infer": 0.0, "score": 0.0})
    return _scored(scan, outcome, load)
