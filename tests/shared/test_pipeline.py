"""One scan from volume to score: thin slices, what was seen before, a picture that fails."""

from dataclasses import replace

import numpy as np
import pytest

from screening import inference, pipeline, report, volume
from screening.phantom import Protocol, Traits, make_body, random_traits, simulate
from screening.reasons import Reason
from screening.records import (
    Acquisition,
    Label,
    Rejection,
    ScoredSeries,
    ScoringParameters,
    Volume,
)
from screening.scoring import bright_things, by_conventions


@pytest.fixture(scope="module")
def thin() -> Volume:
    """A chest of 1.25 mm slices at 256 x 256 over the heart, with much calcium."""
    traits: Traits = random_traits(np.random.default_rng(6))
    body = make_body(6, replace(traits, coronary_agatston_target=900.0))
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
        6,
    )
    return scan.as_volume("s", Acquisition(120.0, 1.25, "B30f", "SIEMENS", "", None, False, ""))


@pytest.fixture(scope="module")
def thick(thin: Volume) -> Volume:
    """The same chest, its slices as thick as a scanner without thin ones would make them."""
    slab = volume.slab_average(thin)
    assert slab is not None
    return slab.volume


def measured(scan: Volume, stored: bytes = b"", model: str = "default") -> ScoredSeries:
    found = pipeline.measure(
        scan,
        inference.open_model(model),
        ScoringParameters(),
        0.0,
        0.0,
        picture=True,
        threads=1,
        stored=stored,
    )
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


@pytest.mark.parametrize(("thickness_mm", "is_flagged"), [(1.0, False), (0.98, True)])
def test_gaps_between_thin_slices_are_told_of_their_averages(thin, thickness_mm, is_flagged):
    # Simulated plaque has no upper limit: dimmed to what plaque is, no metal is suspected.
    thin = replace(thin, hu=np.minimum(thin.hu, 700))
    gappy = replace(thin, acquisition=replace(thin.acquisition, slice_thickness_mm=thickness_mm))
    found = measured(gappy).score
    assert found.beside.agatston_native is not None
    assert ("gaps_between_slices" in found.quality.flags) is is_flagged
    # What the gaps may hide is above any end that could be told.
    assert (found.certainty.high is None) is is_flagged
    assert (found.intervals.volume_mm3[1] is None) is is_flagged


@pytest.fixture(scope="module")
def found(thin):
    return pipeline._find(thin, inference.open_model(), ScoringParameters(), 1)


def test_the_score_names_metal_once(thin, found, monkeypatch):
    """Named a second time, what touches metal may be taken too, and score and picture differ."""
    seen = found.seen
    monkeypatch.setattr(pipeline, "_see", lambda *_: seen)
    assert found.score.agatston == pytest.approx(by_conventions(seen)[0].agatston)
    assert found.score.agatston == pytest.approx(sum(t.agatston for t in bright_things(seen)))

    def all_metal(_, labelled):
        return replace(labelled, label=np.full_like(labelled.label, Label.METAL))

    monkeypatch.setattr(pipeline.scoring, "name_metal", all_metal)  # as for the picture
    again = pipeline._find(thin, inference.open_model(), ScoringParameters(), 1)
    assert set(again.labelled.label) == {Label.METAL}
    assert again.score.agatston == found.score.agatston


@pytest.mark.parametrize(
    ("told_by_thin", "has_metal", "flag"),
    [
        ("clips_present", True, "clips_present"),
        ("clips_present", False, None),  # nothing that would count is one
        ("calcium_very_bright", False, "calcium_very_bright"),
        ("stent_possible", True, "stent_possible"),
        ("stent_present", True, "stent_possible"),  # the averages show none
        ("stent_present", False, None),
        ("metal_near_heart", True, None),  # often a rib's end
        ("noise_very_high", True, None),  # of the thin slices alone
    ],
)
def test_metal_that_averages_dim_is_told_of_them(found, told_by_thin, has_metal, flag):
    quality = replace(found.drawn.quality, flags=(told_by_thin,))
    native = replace(found.drawn, quality=quality)
    score = pipeline._of_slabs(found.drawn, found.slab, native, has_metal=has_metal)
    assert set(score.quality.flags) - set(found.drawn.quality.flags) == ({flag} - {None})
    assert (score.certainty.high is None) is (flag is not None)
    assert score.quality.grade == ("C" if flag else found.drawn.quality.grade)


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


@pytest.fixture
def asked(monkeypatch) -> list[Volume]:
    """The volumes that the model was asked about."""
    volumes: list[Volume] = []
    infer = inference.infer

    def counted(model, scan, threads):
        volumes.append(scan)
        return infer(model, scan, threads)

    monkeypatch.setattr(inference, "infer", counted)
    return volumes


@pytest.mark.parametrize("kind", ["thin", "thick"])
def test_what_was_seen_before_gives_the_same_score_without_the_model(kind, request, asked):
    scan = request.getfixturevalue(kind)
    first = measured(scan)
    assert first.seen is not None
    n_asked = len(asked)
    assert n_asked == (2 if kind == "thin" else 1)
    again = measured(scan, first.seen)
    assert len(asked) == n_asked
    assert again.score == first.score
    assert again.model == first.model
    assert again.picture_png == first.picture_png
    assert again.facts == first.facts
    assert again.seen is None  # the lake has it already


def with_a_voxel_changed(scan: Volume, seen: bytes) -> Volume:
    """Another image under the same digest, which samples pixels only."""
    hu = scan.hu.copy()
    hu.ravel()[inference.unpack(seen).primary.labelled.index[7]] += 1
    return replace(scan, hu=hu)


def test_what_does_not_fit_is_inferred_again(thick, asked, monkeypatch):
    first = measured(thick)
    seen = first.seen
    assert seen is not None
    damaged = seen[:-1] + bytes([seen[-1] ^ 1])
    others = (
        (thick, damaged, "default"),
        (thick, b"of another kind", "default"),
        (thick, seen, "phantom"),
        (replace(thick, image_digest="another"), seen, "default"),
        (with_a_voxel_changed(thick, seen), seen, "default"),
        (
            replace(thick, spacing_mm=(thick.spacing_mm[0] * 1.001, thick.spacing_mm[1])),
            seen,
            "default",
        ),
    )
    for scan, stored, model in others:
        n_asked = len(asked)
        found = measured(scan, stored, model)
        assert len(asked) == n_asked + 1
        assert found.seen is not None
    n_asked = len(asked)
    monkeypatch.setattr(pipeline, "labelling_code", lambda: "of another version")
    assert measured(thick, seen).score == first.score
    assert len(asked) == n_asked + 1


def test_thin_and_averaged_stacks_are_not_taken_for_one_another(thin, thick, asked):
    averaged = measured(replace(thick, image_digest=thin.image_digest)).seen
    assert averaged is not None
    n_asked = len(asked)
    measured(thin, averaged)
    assert len(asked) == n_asked + 2


def test_the_digest_of_the_code_changes_with_what_makes_labels_and_nothing_else(
    tmp_path, monkeypatch
):
    for room in ("inference", "volume", "scoring"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "a.py").write_text("one = 1\n")
    monkeypatch.setattr(pipeline, "__file__", str(tmp_path / "pipeline.py"))
    digest = pipeline.labelling_code.__wrapped__
    found = {digest()}
    (tmp_path / "scoring/a.py").write_text("one = 2\n")
    assert digest() in found
    for room in ("inference", "volume"):
        (tmp_path / room / "a.py").write_text("one = 2\n")
        found.add(digest())
        (tmp_path / room / "a.py").rename(tmp_path / room / "b.py")
        found.add(digest())
    assert len(found) == 5
