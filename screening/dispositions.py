"""Rows of the table `dispositions`, made from decisions and outcomes.

Comes in: a series, and what choosing, working or the sweep said about it.
Goes out: one typed row; a batch of them as an Arrow table of the declared schema.
Refuses: nothing.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

import pyarrow as pa

from screening.measures import Intervals
from screening.reasons import Reason, State
from screening.records import CalciumScore, ScoredSeries, Series
from screening.tables import DISPOSITIONS


@dataclass(frozen=True, slots=True)
class Versions:
    """What a result depends on beside its pixels."""

    choose_version: int
    model_digest: str = ""
    scoring_version: int = 0


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which sweep wrote a row, and when."""

    run_id: str
    committed_at: datetime
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Disposition:
    """What became of one series."""

    series: Series
    versions: Versions
    state: State
    reasons: tuple[Reason, ...]
    detail: str = ""
    image_digest: str = ""
    scored: ScoredSeries | None = None


def _score_columns(score: CalciumScore | None) -> dict[str, object]:
    if score is None:
        return {}
    vessels = score.vessels
    return {
        "agatston": score.agatston,
        "volume_mm3": score.volume_mm3,
        "mass_mg": score.mass_mg,
        "category": score.category,
        "agatston_lm": vessels.LM if vessels else None,
        "agatston_lad": vessels.LAD if vessels else None,
        "agatston_lcx": vessels.LCX if vessels else None,
        "agatston_rca": vessels.RCA if vessels else None,
        "other": [{"label": label, "agatston": value} for label, value in score.other],
        "other_measures": [asdict(place) for place in score.other_measures],
        "vessel_measures": [asdict(vessel) for vessel in score.vessel_measures or ()],
        "lesions": [asdict(lesion) for lesion in score.lesions],
        "agatston_low": score.certainty.low,
        "agatston_high": score.certainty.high,
        "category_probability": score.certainty.category_probability,
        "n_vessels": score.beside.n_vessels,
        "n_lesions": score.beside.n_lesions,
        "density": score.beside.density,
        "volume_isotropic_mm3": score.beside.volume_isotropic_mm3,
        "mass_integrated_mg": score.beside.mass_integrated_mg,
        "agatston_kvp": score.beside.agatston_kvp,
        "kvp_source": score.beside.kvp_source,
        "agatston_native": score.beside.agatston_native,
        "slab_mm": score.beside.slab_mm,
        "score_group": score.beside.group,
        "cac_drs": score.beside.cac_drs,
        "noise_hu": score.quality.noise_hu,
        "blood_hu": score.quality.blood_hu,
        "expected_false_agatston": score.quality.expected_false_agatston,
        "border_blur_mm": score.quality.border_blur_mm,
        "grade": score.quality.grade,
        "quality_flags": list(score.quality.flags),
        "parameters": json.dumps(asdict(score.parameters), sort_keys=True),
        **_interval_columns(score.intervals),
    }


def _interval_columns(intervals: Intervals) -> dict[str, object]:
    columns: dict[str, object] = {
        "mass_factor_source": intervals.mass_factor_source,
        "mass_factor_mg_per_cm3_per_hu": intervals.mass_factor_mg_per_cm3_per_hu,
        "mass_factor_error": intervals.mass_factor_error,
    }
    for name in ("volume_mm3", "volume_isotropic_mm3", "mass_mg", "mass_integrated_mg"):
        columns[f"{name}_low"], columns[f"{name}_high"] = getattr(intervals, name)
    return columns


def _work_columns(scored: ScoredSeries | None) -> dict[str, object]:
    if scored is None:
        return {}
    return {
        **_score_columns(scored.score),
        "model_name": scored.model.name,
        "provider": scored.model.provider,
        "slice_digests": list(scored.facts.slice_digests),
        "reconstruction": scored.facts.reconstruction,
        "has_picture": scored.picture_png is not None,
        "seconds_read": scored.seconds.read,
        "seconds_load": scored.seconds.load,
        "seconds_infer": scored.seconds.infer,
        "seconds_score": scored.seconds.score,
    }


def _row(disposition: Disposition, stamp: Stamp) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(DISPOSITIONS.schema.names)
    row.update(
        series_key=disposition.series.series_key,
        study_key=disposition.series.study_key,
        person_key=disposition.series.person_key,
        content_digest=disposition.series.content_digest,
        state=disposition.state.value,
        reasons=[r.value for r in disposition.reasons],
        detail=disposition.detail,
        image_digest=disposition.image_digest,
        **asdict(disposition.versions),
        **asdict(stamp),
    )
    row["has_picture"] = False
    row.update(_work_columns(disposition.scored))
    return row


def to_table(dispositions: Iterable[Disposition], stamp: Stamp) -> pa.Table:
    """Return the rows in the declared schema."""
    return pa.Table.from_pylist([_row(d, stamp) for d in dispositions], schema=DISPOSITIONS.schema)
