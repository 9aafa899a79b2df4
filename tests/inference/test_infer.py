"""What inference makes of a volume when the networks' answers are known."""

import pickle

import numpy as np
import pytest

from screening.inference import infer as infer_volume
from screening.inference import open_model
from screening.inference.anatomy import COARSE_CHANNELS
from screening.inference.aorta import its_calcium
from screening.inference.candidates import GROWN_HU, SEED_HU
from screening.inference.frame import GRID_CELLS, coarse_grid, make_frame
from screening.inference.labelling import _as_decided, decide
from screening.inference.manifest import Model
from screening.inference.session import networks
from screening.reasons import Reason
from screening.records import (
    PADDING_HU,
    Acquisition,
    Label,
    Labelled,
    ModelIdentity,
    Rejection,
    Volume,
)

CENTRE_MM = (120.0, 130.0, 150.0)  # of the heart: from the top, the front, the right
SPACING_MM, INCREMENT_MM = (1.25, 1.25), 3.0


def make_volume(hu, row_axis=(0.0, 1.0, 0.0), column_axis=(1.0, 0.0, 0.0), spacing=SPACING_MM):
    n = len(hu)
    origins = np.zeros((n, 3))
    origins[:, 2] = -INCREMENT_MM * np.arange(n)
    return Volume(
        series_key="s1",
        hu=np.ascontiguousarray(hu, dtype=np.int16),
        spacing_mm=spacing,
        origins_lps_mm=origins,
        row_axis_lps=np.array(row_axis),
        column_axis_lps=np.array(column_axis),
        increments_mm=np.full(n, INCREMENT_MM),
        acquisition=Acquisition(120.0, 3.0, "B", "X", "Y", None, False, "1.2.840.10008.1.2.1"),
        image_digest="0" * 64,
    )


def chest(blood_hu=40):
    """A box of tissue with two lungs, a ball of blood and three bright spots."""
    s, r, c = np.meshgrid(np.arange(80) * 3.0 + 1.5, *[(np.arange(240) + 0.5) * 1.25] * 2,
                          indexing="ij")  # fmt: skip
    hu = np.full(s.shape, -1000.0)
    hu[np.hypot((r - 150) / 110, (c - 150) / 140) < 1] = 30
    for side in (80, 220):
        hu[np.hypot((r - 150) / 80, (c - side) / 45) < 1] = -850
    ball = np.sqrt((s - 120) ** 2 + (r - 130) ** 2 + (c - 150) ** 2) < 45
    hu[ball] = blood_hu
    hu[40:42, 90:93, 118:121] = 300  # a spot in front of the centre
    hu[40, 90:93, 121] = 100  # its dim neighbours
    hu[40, 120, 120] = 900  # one pixel of 1.56 mm²
    return hu


class FakeNetworks:
    """Answers as a good model would: a ball of heart, every bright thing the LAD."""

    provider = "FakeExecutionProvider"

    def __init__(self, peak=0.98, labels=Label.LAD):
        self.peak, self.label = peak, labels
        self.corner = (0, 0, 0)
        self.arch_mm = None

    def run_coarse(self, grid):
        maps = np.zeros((len(COARSE_CHANNELS), *GRID_CELLS), dtype=np.float32)
        where = np.stack(np.meshgrid(*[np.arange(n) for n in GRID_CELLS], indexing="ij"), -1)
        cells = np.array(CENTRE_MM) / 6 - 0.5 - np.array(self.corner)
        away = np.linalg.norm(where - cells, axis=-1) * 6
        maps[COARSE_CHANNELS.index("heart")] = self.peak * (away < 45)
        for name in ("LM", "LAD", "LCX", "RCA", "aortic_valve", "mitral_annulus"):
            maps[COARSE_CHANNELS.index(name)] = 0.9 * np.exp(-((away / 20) ** 2))
        if self.arch_mm is not None:
            cells = np.array(self.arch_mm) / 6 - 0.5 - np.array(self.corner)
            maps[COARSE_CHANNELS.index("aorta")] = np.linalg.norm(where - cells, axis=-1) < 2
        return maps

    def run_candidate(self, patches, masks, features):
        assert patches.shape == masks.shape
        assert len(features) == len(patches)
        assert np.isfinite(features).all()
        p = np.full((len(patches), len(Label)), 0.01, dtype=np.float32)
        p[:, self.label] = 1 - 0.01 * (len(Label) - 1)
        return p

    def run_balls(self, balls):
        return np.full(len(balls.features), -5.0, dtype=np.float32)


@pytest.fixture
def run(monkeypatch, tmp_path):
    def go(volume, nets=None):
        nets = nets or FakeNetworks()
        nets.corner = coarse_grid(make_frame(volume)).corner
        monkeypatch.setattr("screening.inference.labelling.networks", lambda *_: nets)
        model = Model(tmp_path, ModelIdentity("fake", "d" * 64, "none"))
        return infer_volume(model, volume)

    return go


def test_bright_spots_are_labelled_and_grown_to_their_dim_neighbours(run):
    volume = make_volume(chest())
    out = run(volume)
    assert isinstance(out, Labelled)
    expected = np.zeros(volume.hu.shape, bool)
    expected[40:42, 90:93, 118:121] = True
    expected[40, 90:93, 121] = True
    expected[40, 120, 120] = True
    np.testing.assert_array_equal(out.index, np.flatnonzero(expected))
    assert set(out.label) == {Label.LAD}
    assert (volume.hu.ravel()[out.index] >= GROWN_HU).all()
    assert out.index.dtype == np.int64
    assert out.label.dtype == np.uint8
    assert out.probability.dtype == np.float32
    assert out.model.provider == "FakeExecutionProvider"
    assert not out.is_heart_cut


def test_threshold_of_a_candidate_is_130_hu(run):
    hu = chest()
    hu[40:42, 90:93, 118:121] = SEED_HU - 1
    hu[40, 120, 120] = SEED_HU
    out = run(make_volume(hu))
    assert [tuple(np.unravel_index(i, hu.shape)) for i in out.index] == [(40, 120, 120)]


def test_a_scan_turned_in_the_plane_gives_the_same_voxels(run):
    hu = chest()
    straight = run(make_volume(hu))
    turned = {
        "mirrored axes": (hu[:, ::-1, ::-1], (0.0, -1.0, 0.0), (-1.0, 0.0, 0.0)),
        "transposed": (hu.transpose(0, 2, 1), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    }
    for name, (pixels, row, column) in turned.items():
        out = run(make_volume(pixels, row, column))
        mask = np.zeros(hu.size, bool)
        mask[out.index] = True
        mask = mask.reshape(pixels.shape)
        mask = mask[:, ::-1, ::-1] if name == "mirrored axes" else mask.transpose(0, 2, 1)
        np.testing.assert_array_equal(np.flatnonzero(mask), straight.index)


@pytest.mark.parametrize(
    ("called", "expected"),
    [(Label.AORTA, {Label.AORTA}), (Label.LAD, set()), (Label.BONE, set())],
)
def test_the_arch_has_calcium_of_the_aorta_and_none_of_a_coronary(run, called, expected):
    """60 mm above the heart's border; what is called coronary there is none."""
    hu = chest()
    hu[5:7, 103:106, 118:121] = 400
    nets = FakeNetworks(labels=called)
    nets.arch_mm = (6 * 3.0, 104.5 * 1.25, 119.5 * 1.25)
    out = run(make_volume(hu), nets)
    s = np.unravel_index(out.index, hu.shape)[0]
    assert set(out.label[s < 10]) == expected
    assert (s < 10).sum() == (18 if expected else 0)
    assert (np.diff(out.index) > 0).all()
    own = out.things.shares[out.things.owner, out.label] / 10_000
    np.testing.assert_allclose(out.probability[s < 10], own[s < 10], atol=1e-4)
    # Without the arch in the map the heart has the same things.
    near = run(make_volume(hu), FakeNetworks(labels=called))
    assert set(near.index) == set(out.index[s >= 10])


@pytest.mark.parametrize(("bone", "is_aorta"), [(0.08, True), (0.11, False)])
def test_away_from_the_heart_bone_must_be_ruled_out(bone, is_aorta):
    """Nine parts aorta to one of bone; a coronary is left out of it."""
    p = np.zeros((1, len(Label)), dtype=np.float32)
    p[0, Label.BONE], p[0, Label.LAD] = bone, 0.1
    p[0, Label.AORTA] = 0.9 - bone
    found, shares = its_calcium(p)
    assert bool(found[0]) == is_aorta
    assert shares[0, Label.LAD] == 0
    assert shares.sum() == pytest.approx(1)


@pytest.mark.parametrize(("below_mm", "is_found"), [(36.0, True), (66.0, False)])
def test_below_the_chest_the_aorta_is_left_alone(run, below_mm, is_found):
    """Calcium so far below the lowest slice of the heart, at 165 mm."""
    hu, at = chest(), int((165 + below_mm) / 3)
    hu[at : at + 2, 103:106, 118:121] = 400
    nets = FakeNetworks(labels=Label.AORTA)
    nets.arch_mm = (at * 3.0 + 3, 104.5 * 1.25, 119.5 * 1.25)
    out = run(make_volume(hu), nets)
    assert (out.index >= at * hu[0].size).any() == is_found


@pytest.mark.parametrize("blood_hu", [40, 350])
def test_blood_is_measured_also_when_it_is_brighter_than_calcium(run, blood_hu):
    rng = np.random.default_rng(0)
    hu = chest(blood_hu) + rng.normal(0, 12, (80, 240, 240))
    pool = run(make_volume(hu)).blood_pool
    assert pool.mean_hu == pytest.approx(blood_hu, abs=3)
    assert pool.sd_hu == pytest.approx(12, abs=2)
    assert pool.n_voxels > 1000


def test_heart_box_holds_the_heart(run):
    s0, s1, r0, r1, c0, c1 = run(make_volume(chest())).heart_box
    assert 22 <= s0 <= 27
    assert 53 <= s1 <= 58
    assert 65 <= r0 <= 71
    assert 136 <= r1 <= 144
    assert 81 <= c0 <= 87
    assert 152 <= c1 <= 160


@pytest.mark.parametrize("where", ["below", "field"])
def test_a_heart_that_meets_the_end_of_the_scan_is_cut(run, where):
    hu = chest()
    if where == "below":
        hu = hu[:45]
    else:
        hu[:, :, 130:] = PADDING_HU
    assert run(make_volume(hu)).is_heart_cut


def test_no_heart_is_not_a_chest(run):
    out = run(make_volume(chest()), FakeNetworks(peak=0.3))
    assert isinstance(out, Rejection)
    assert (out.reason, out.key) == (Reason.NOT_CHEST, "s1")


@pytest.mark.parametrize(("n_slices", "is_refused"), [(25, True), (32, True), (37, False)])
def test_of_the_heart_counts_what_was_scanned(run, n_slices, is_refused):
    """The ball begins at 75 mm: 0, 53 and 134 mL of its 382 lie in these slices of 3 mm."""
    out = run(make_volume(chest()[:n_slices]))
    assert isinstance(out, Rejection) == is_refused
    if not is_refused:
        assert out.is_heart_cut


@pytest.mark.parametrize(
    ("bone_mm", "is_refused"),  # 24 mm of bone from here, front to back; the heart's middle is 130
    [(None, False), (198, False), (102, False), (90, True), (42, True)],
)
def test_bones_in_front_of_the_heart_tell_a_chest_whose_front_is_its_back(run, bone_mm, is_refused):
    hu = chest()
    if bone_mm is not None:
        rows = slice(int(bone_mm / 1.25), int((bone_mm + 24) / 1.25))
        hu[:, rows, 190:214] = 500  # beside the ball
    out = run(make_volume(hu))
    assert isinstance(out, Rejection) == is_refused
    if is_refused:
        assert out.reason is Reason.NOT_CHEST


@pytest.mark.parametrize("stage", ["run_coarse", "run_candidate"])
def test_numbers_that_are_not_finite_are_refused(run, stage):
    nets = FakeNetworks()
    good = getattr(nets, stage)
    setattr(nets, stage, lambda *args: good(*args) * np.float32("nan"))
    out = run(make_volume(chest()), nets)
    assert isinstance(out, Rejection)
    assert out.reason is Reason.MODEL_FAILED


@pytest.mark.parametrize(
    ("vessels", "other", "expected"),
    [
        ({Label.LM: 0.3, Label.LAD: 0.22}, Label.AORTA, Label.LM),  # 0.52: coronary
        ({Label.LM: 0.3, Label.LAD: 0.18}, Label.AORTA, Label.AORTA),  # 0.48: not
    ],
)
def test_coronary_is_decided_before_the_vessel(vessels, other, expected):
    p = np.zeros((1, len(Label)), dtype=np.float32)
    for label, value in vessels.items():
        p[0, label] = value
    p[0, other] = 1 - p.sum()
    label, probability = decide(p)
    assert label[0] == expected
    assert probability[0] == pytest.approx(max(p[0, 1:5].sum(), p[0, other]))


def test_each_voxel_belongs_to_a_thing_and_each_thing_has_all_probabilities(run):
    nets = FakeNetworks()
    found = run(make_volume(chest()), nets)
    things = found.things
    assert things.names == tuple(label.name.lower() for label in Label)
    assert things.counts_from == 0.5
    assert len(things.owner) == len(found.index)
    assert set(things.owner) == set(range(len(things.shares)))
    assert np.abs(things.shares.sum(1).astype(int) - 10_000).max() <= len(Label) / 2
    vessels = things.shares[:, [Label.LM, Label.LAD, Label.LCX, Label.RCA]].sum(1).astype(int)
    assert np.abs(vessels - things.coronary).max() <= 2
    # What was decided follows from what is told.
    is_coronary = np.isin(found.label, (Label.LM, Label.LAD, Label.LCX, Label.RCA))
    np.testing.assert_array_equal(is_coronary, things.coronary[things.owner] >= 5000)
    own = np.where(is_coronary, things.coronary[things.owner],
                   things.shares[things.owner, found.label])  # fmt: skip
    np.testing.assert_allclose(found.probability, own / 10_000, atol=1e-4)
    for thing in np.unique(things.owner):
        assert len(np.unique(found.label[things.owner == thing])) == 1


# Odds of metal times 0.6: coronary from 0.375 against 0.625.
@pytest.mark.parametrize(("coronary", "expected"), [(0.38, Label.RCA), (0.37, Label.METAL)])
def test_metal_is_believed_at_its_odds_in_life(coronary, expected):
    p = np.zeros((1, len(Label)), dtype=np.float32)
    p[0, Label.RCA], p[0, Label.METAL] = coronary, 1 - coronary
    before = p.copy()
    label, probability = decide(p)
    assert label[0] == expected
    assert 0.5 <= probability[0] <= 0.52
    np.testing.assert_array_equal(p, before)


def test_default_model_refuses_what_is_no_chest():
    model = pickle.loads(pickle.dumps(open_model()))
    rng = np.random.default_rng(1)
    empty = np.full((40, 128, 128), -1000.0)
    head = empty.copy()
    s, r, c = np.indices(head.shape)
    away = np.sqrt(
        ((s - 20) * 3.0 / 80) ** 2 + ((r - 64) * 1.6 / 90) ** 2 + ((c - 64) * 1.6 / 75) ** 2
    )
    head[away < 1] = 900
    head[away < 0.92] = 35
    for hu in (empty, head + rng.normal(0, 8, head.shape), np.full_like(empty, PADDING_HU)):
        out = infer_volume(model, make_volume(hu, spacing=(1.6, 1.6)), threads=1)
        assert isinstance(out, Rejection)
        assert out.reason is Reason.NOT_CHEST


def test_sessions_are_opened_once_a_process_and_run_on_the_recorded_provider():
    model = open_model()
    nets = networks(model, 1)
    assert networks(model, 1) is nets
    assert nets.provider == "CPUExecutionProvider"


def test_what_is_told_of_a_thing_is_what_decided():
    """Where the whole tube overruled the network, metal and coronary are shared out anew."""
    p = np.zeros((3, len(Label)), dtype=np.float32)
    p[:, Label.LAD], p[:, Label.LCX], p[:, Label.METAL], p[:, Label.NONE] = 0.6, 0.2, 0.1, 0.1
    lad, metal = np.uint8(Label.LAD), np.uint8(Label.METAL)
    told = _as_decided(
        p,
        by_network=np.array([lad, lad, metal]),
        label=np.array([lad, metal, lad]),
        probability=np.array([0.8, 0.7, 0.75], dtype=np.float32),
    )
    assert told.sum(axis=1) == pytest.approx(1)
    assert told[0] == pytest.approx(p[0])
    assert told[1, [Label.LAD, Label.LCX, Label.METAL]] == pytest.approx([0.15, 0.05, 0.7])
    assert told[2, [Label.LAD, Label.LCX, Label.METAL]] == pytest.approx([0.5625, 0.1875, 0.15])
    assert told[:, Label.NONE] == pytest.approx(0.1)
