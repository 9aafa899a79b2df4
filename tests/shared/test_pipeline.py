"""One scan from volume to score: thin slices, and a picture that cannot be drawn."""

from dataclasses import replace

import numpy as np
import pytest

from screening import inference, pipeline, report
from screening.phantom import Protocol, Traits, make_body, random_traits, simulate
from screening.reasons import Reason
from screening.records import Acquisition, Rejection, ScoredSeries, ScoringParameters, Volume


@pytest.fixture(scope="module")
def thin() -> Volume:
    """A chest of 1.25 mm slices at 256 x 256 over the heart, with much calcium."""
    traits: Traits = random_traits(np.random.default_rng(5))
    body = make_body(5, replace(traits, coronary_agatston_target=900.0))
    low, high = body.heart_box_lps_mm
    scan = simulate(
        body,
        Protocol(
            matrix=256,
            increment_mm=1.25,
            thickness_mm=1.25,
            z_top_mm=float(high[2]) + 60,
            z_bottom_mm=float(low[2]) - 40,
        ),
        5,
    )
    return scan.as_volume("s", Acquisition(120.0, 1.25, "B30f", "SIEMENS", "", None, False, ""))


def measured(scan: Volume) -> ScoredSeries:
    model = inference.open_model()
    found = pipeline.measure(scan, model, ScoringParameters(), 0.0, 0.0, picture=True, threads=1)
    assert isinstance(found, ScoredSeries)
    return found


def test_thin_slices_are_averaged_and_told_in_the_scanners_numbers(thin):
    found = measured(thin)
    assert found.facts.n_slices == len(thin.hu)
    assert found.facts.spacing_mm[2] == 1.25
    assert found.score.agatston > 100
    assert found.score.beside.agatston_native is not None
    assert found.score.beside.agatston_native > 100
    assert found.picture_png is not None
    for lesion in found.score.lesions:
        first, last = lesion.slices
        assert first % 2 == 0
        assert first < last < len(thin.hu)
        # The numbers point at the lesion: its centroid lies between these slices.
        z = thin.origins_lps_mm[[first, last], 2]
        assert z.min() - 1.25 <= lesion.centroid_lps_mm[2] <= z.max() + 1.25


def test_a_score_outlives_its_picture(thin, monkeypatch):
    def fail(*_: object) -> bytes:
        raise ValueError("nothing to draw")

    monkeypatch.setattr(report, "render_picture", fail)
    found = measured(thin)
    assert found.picture_png is None
    assert found.score.agatston > 100
    assert "picture_failed" in found.score.quality.flags


def without_slice(scan: Volume, missing: int) -> Volume:
    kept = np.delete(np.arange(len(scan.hu)), missing)
    return replace(
        scan,
        hu=scan.hu[kept],
        origins_lps_mm=scan.origins_lps_mm[kept],
        increments_mm=scan.increments_mm[kept],
    )


def test_a_hole_that_averaging_would_bridge_is_seen(thin):
    model = inference.open_model()
    inferred = inference.infer(model, thin, 1)
    assert not isinstance(inferred, Rejection)
    first, stop = inferred.heart_box[:2]
    for parity in (0, 1):
        scan = without_slice(thin, (first + stop) // 2 + parity)
        found = pipeline.measure(
            scan, model, ScoringParameters(), 0.0, 0.0, picture=False, threads=1
        )
        assert isinstance(found, Rejection)
        assert found.reason is Reason.MISSING_SLICE_IN_HEART
    elsewhere = measured(without_slice(thin, 2))
    assert "missing_slice" in elsewhere.score.quality.flags
    assert elsewhere.score.quality.grade >= "B"
