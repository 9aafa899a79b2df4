"""The field's architectures: what they are shown, what they say, and the table's own rules."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install '.[train]'")
pytest.importorskip("onnx", reason="training needs onnx: pip install '.[train]'")

from models.train import phantoms, shifted  # noqa: E402
from models.train.field import compare, judging, samples, table  # noqa: E402
from models.train.field.architectures import ARCHITECTURES, Kind, example, export  # noqa: E402
from models.train.field.training import VoxelFeed  # noqa: E402
from models.train.judge import Outcome, judge  # noqa: E402
from models.train.phantoms import PAIRS_FROM, SEED_STRIDE, TEST_SEED, TRAINING_SEED  # noqa: E402
from screening.inference import open_model  # noqa: E402
from screening.inference.runtime import ort  # noqa: E402
from screening.inference.session import networks  # noqa: E402
from screening.records import Acquisition, Label, Labelled, ModelIdentity, Volume  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # the exporter's own

FIRST = TRAINING_SEED + 98 * SEED_STRIDE + PAIRS_FROM
BASE = Outcome(
    name="x", true=0.0, perfect=0.0, found=0.0, vessels_perfect=(0.0,) * 4,
    vessels_found=(0.0,) * 4, n_lesions=2, n_found=2, n_right=1, n_false=1, n_vessel_right=1,
    thickness_mm=2.0, kernel="soft", kvp=120.0, noise_hu=10.0, motion_mm=0.0, has_stent=False,
    seconds=1.0, is_rejected=False, wrong=(),
)  # fmt: skip


def coarsely(draw):
    """The same people, scanned at a quarter of the resolution."""

    def protocol(rng):
        drawn = draw(rng)
        return dataclasses.replace(drawn, matrix=192, thickness_mm=5.0, increment_mm=5.0)

    return protocol


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The command's table on two small heart pairs and one small test chest."""
    work = tmp_path_factory.mktemp("field")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phantoms, "training_protocol", coarsely(phantoms.training_protocol))
        patch.setattr(shifted, "shifted_protocol", coarsely(shifted.shifted_protocol))
        patch.setattr(compare, "_PAIRS_FROM", FIRST)
        compare.main(
            ["--work", str(work), "--minutes", "0.01", "--scans", "1", "--hearts", "2",
             "--jobs", "1", "--out", str(work / "table.md")]
        )  # fmt: skip
    return work


@pytest.fixture(scope="module")
def seen(run):
    pair = phantoms.read_heart_pair(sorted((run / "pairs").glob("pair-*.npz"))[0])
    found = samples.see_pair(pair, networks(open_model(), 1))
    assert found is not None
    return pair, found, samples.crop_of(found)


def test_the_table_has_every_row(run):
    text = (run / "table.md").read_text()
    names = [a.name for a in ARCHITECTURES]
    names += [f"{a.name}, voxel by voxel" for a in ARCHITECTURES if a.kind is not Kind.THINGS]
    for name in [*names, "default, shipped weights", "every voxel's true label"]:
        assert sum(line.startswith(f"| {name} |") for line in text.splitlines()) >= 1
    assert "Budget-limited: 0.01 CPU-minutes" in text
    assert "1 scans are too few to say." in text


def test_a_run_cut_short_goes_on(run):
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file()}
    text = (run / "table.md").read_text()
    plan = compare.Plan(run, run / "pairs", 2, 0.01, 1, "default", 1, 1)
    command = text.split("`")[1]
    assert compare.compare(plan, command) == text
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("of", ARCHITECTURES, ids=lambda a: a.key)
def test_onnx_says_what_torch_says(of, tmp_path):
    torch.manual_seed(0)
    net = of.make().eval()
    export(net, of.kind, tmp_path / "net.onnx")
    session = ort.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    assert all(one.version >= 17 for one in _opsets(tmp_path / "net.onnx"))
    # Another number and other sizes than those it was exported with.
    given = {name: _other_size(value, of.kind) for name, value in example(of.kind).items()}
    said = session.run(None, {name: value.numpy() for name, value in given.items()})[0]
    with torch.no_grad():
        expected = torch.softmax(net(*given.values()), 1).numpy()
    assert said.shape == expected.shape
    assert said.shape[1] == len(Label)
    np.testing.assert_allclose(said, expected, atol=1e-4)


def _opsets(path):
    import onnx

    return onnx.load(path).opset_import


def _other_size(value, kind):
    if kind is Kind.THINGS:
        return torch.randn(5, *value.shape[1:])
    return torch.randn(3, value.shape[1], *(n + 8 for n in value.shape[2:]))


def test_a_bright_voxels_place_in_the_crop_is_that_voxel(seen):
    pair, found, crop = seen
    native = pair.fine.hu[tuple(found.things.voxels.T)]
    assert (crop.hu[tuple(crop.spot.T)] == native).mean() > 0.95
    assert all(n % 8 == 0 for n in crop.hu.shape)


def test_context_holds_the_maps_where_inference_samples_them(seen):
    _, found, crop = seen
    whole = slice(None)
    around = samples.context(crop, (whole, whole, whole))
    assert around.shape == (15, *crop.hu.shape)
    # The features' first columns are the maps at each thing's centre.
    owner, spot = found.things.owner, crop.spot
    small = np.flatnonzero(np.bincount(owner) <= 3)
    firsts = np.searchsorted(owner, small)
    mine = around[(slice(None), *spot[firsts].T)]
    np.testing.assert_allclose(mine[:12].T, found.things.features[small, :12], atol=0.15)
    # A piece alone is the same as that piece of the whole.
    window = (slice(3, 9), slice(5, 40), slice(0, 24))
    np.testing.assert_allclose(samples.context(crop, window), around[(whole, *window)], atol=1e-5)


@pytest.mark.parametrize("kind", [Kind.PLANES, Kind.BLOCK])
def test_crops_show_bright_voxels_with_their_labels(run, kind):
    files = sorted((run / "samples").glob("things-*.npz"))
    feed = VoxelFeed(files, kind, 3)
    for _ in range(6):
        hu, around, where, label, weight = feed._draw()
        middle = hu[1] if kind is Kind.PLANES else hu[0]
        assert around.shape[1:] == middle.shape
        assert len(where) == len(label) == len(weight) > 0
        assert (middle.ravel()[where] >= 130).mean() > 0.9
        assert set(label) <= {int(v) for v in Label}


def test_a_voxels_probabilities_come_from_its_place(seen):
    _, _, crop = seen
    z, y, x = np.indices(crop.hu.shape)
    field = np.stack([z, y, x], axis=1).astype(np.float32)  # (z, 3, rows, columns)
    asked = np.unique(crop.spot[:, 0])
    for kind, p in (
        (Kind.PLANES, np.array_split(field[asked], 3)),
        (Kind.BLOCK, [field.swapaxes(0, 1)[None]]),
    ):
        np.testing.assert_array_equal(judging.at_spots(kind, p, crop), crop.spot)


def test_scans_of_the_comparison_are_of_its_own_seeds():
    assert TEST_SEED + 310_000 < judging.FIELD_FROM < TEST_SEED + 10_000_000
    assert compare._PAIRS_FROM + SEED_STRIDE <= TRAINING_SEED + 10_000_000


def test_judging_near_the_heart_judges_the_whole(seen):
    pair, found, _ = seen
    case = shifted.TestCase("x", pair.fine, pair.labels, 9.0, 5.0, "soft", 120.0, 9.0, 0.0, False)
    rng = np.random.default_rng(4)
    p = rng.dirichlet(np.ones(len(Label)) / 9, len(found.things.component)).astype(np.float32)
    p = p[found.things.owner]
    near = judging.near_heart(case, found)
    assert near.case.volume.hu.size < pair.fine.hu.size
    first = near.case.volume.lps_mm(np.zeros((1, 3)))
    np.testing.assert_allclose(first, pair.fine.lps_mm(near.first[None].astype(float)))
    whole = judging.Near(case, np.zeros(3, np.int64), pair.fine.hu.shape)
    outcomes = [judge(n.case, judging.labelled(n, found, p), 1.0) for n in (near, whole)]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].n_found > 0


@pytest.mark.parametrize("is_there", [False, True])
def test_a_scan_without_calcium_is_judged(is_there):
    pair = phantoms.HeartPair(None, small_volume(), np.zeros((4, 16, 16), np.uint8))
    case = shifted.TestCase("x", pair.fine, pair.labels, 0.0, 2.0, "soft", 120.0, 9.0, 0.0, False)
    index = np.arange(3 if is_there else 0)
    labels = np.full(len(index), int(Label.LAD), np.uint8)
    found = Labelled(index, labels, labels / 1.0, (0,) * 6, False, None, ModelIdentity("", "", ""))
    outcome = judge(case, found, 0.0)
    assert (outcome.n_lesions, outcome.n_false) == (0, int(is_there))
    assert outcome.found == pytest.approx(3.0 * 4 * 3.0 / 3 if is_there else 0.0)


def small_volume():
    hu = np.full((4, 16, 16), 500, np.int16)
    return Volume(
        series_key="x", hu=hu, spacing_mm=(1.0, 1.0), origins_lps_mm=np.zeros((4, 3)),
        row_axis_lps=np.array([0.0, 1.0, 0.0]), column_axis_lps=np.array([1.0, 0.0, 0.0]),
        increments_mm=np.full(4, 3.0),
        acquisition=Acquisition(None, None, "", "", "", None, False, ""), image_digest="",
    )  # fmt: skip


def rows_of(n):
    """Best, as good and cheaper, cheapest and clearly worse."""
    lesions = {"best": (10, 0, 3.0), "cheap": (10, 0, 1.0), "poor": (3, 4, 0.1)}
    return [
        table.Row(
            key, key,
            [dataclasses.replace(BASE, n_lesions=10, n_right=r, n_false=f, seconds=s)] * n,
            is_rival=True,
        )
        for key, (r, f, s) in lesions.items()
    ]  # fmt: skip


@pytest.mark.parametrize(("n", "says"), [(19, "19 scans are too few"), (20, "default: cheap.")])
def test_the_verdict_names_the_cheapest_that_is_not_clearly_worse(n, says):
    assert says in table.verdict(rows_of(n))


def test_a_shipped_network_is_no_rival():
    rows = rows_of(20)
    rows[1] = dataclasses.replace(rows[1], is_rival=False)
    assert "default: best." in table.verdict(rows)


def test_differences_are_counted_by_hand():
    best, _, poor = rows_of(20)
    f1 = 2 * 3 / (10 + 3 + 4)
    assert table.f1_less(poor, best) == pytest.approx((f1 - 1, f1 - 1, f1 - 1))
    assert table.f1_less(*(dataclasses.replace(r, outcomes=r.outcomes[:19])
                           for r in (poor, best))) is None  # fmt: skip


def test_categories_are_counted_over_scans_that_were_not_refused():
    outcomes = [
        dataclasses.replace(BASE, true=t, found=f, is_rejected=r)
        for t, f, r in ((0, 0, False), (99, 101, False), (300, 999, False), (5, 0, True))
    ]
    assert table.category_right(outcomes) == pytest.approx(2 / 3)
    assert table.category_right(outcomes[3:]) is None
