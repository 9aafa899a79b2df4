"""The training code runs end to end on a few phantoms (skipped without torch)."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install '.[train]'")
pytest.importorskip("onnx", reason="training needs onnx: pip install '.[train]'")

from models.train import rule  # noqa: E402
from models.train.candidate import load_candidates, train_candidate  # noqa: E402
from models.train.coarse import train_coarse  # noqa: E402
from models.train.networks import export_balls, export_candidate, export_coarse  # noqa: E402
from models.train.package import write_manifest  # noqa: E402
from models.train.phantoms import (  # noqa: E402
    RULES_FROM,
    TRAINING_SEED,
    TUBES_FROM,
    write_coarse_samples,
)
from models.train.tubes import load_balls, train_balls, write_tube_samples  # noqa: E402
from screening.inference import open_model  # noqa: E402
from screening.inference.anatomy import COARSE_CHANNELS  # noqa: E402
from screening.inference.balls import BALL_VOXELS, N_BALL_FEATURES, Balls  # noqa: E402
from screening.inference.candidates import N_FEATURES, PATCH_VOXELS  # noqa: E402
from screening.inference.frame import GRID_CELLS  # noqa: E402
from screening.inference.session import networks  # noqa: E402
from screening.records import Label  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # the exporter's own


def test_three_networks_come_out_and_open(tmp_path):
    rng = np.random.default_rng(0)
    write_coarse_samples(tmp_path / "coarse", TRAINING_SEED, 1)
    coarse = train_coarse(tmp_path / "coarse", 2, 0, tmp_path / "log", batch=1)
    export_coarse(coarse, GRID_CELLS, tmp_path / "coarse.onnx")
    n = 40
    np.savez(
        tmp_path / "candidates-1.npz",
        patch=rng.integers(-200, 600, (n, *PATCH_VOXELS)).astype(np.int16),
        mask=rng.random((n, *PATCH_VOXELS)) < 0.1,
        features=rng.random((n, N_FEATURES)).astype(np.float32),
        label=rng.integers(0, len(Label), n).astype(np.uint8),
        agatston=rng.random(n).astype(np.float32),
    )
    data = load_candidates([tmp_path / "candidates-1.npz"])
    candidate = train_candidate(data, 3, 0, tmp_path / "log", batch=8)
    export_candidate(candidate, PATCH_VOXELS, N_FEATURES, tmp_path / "candidate.onnx")
    write_tube_samples(tmp_path / "tubes", TRAINING_SEED + TUBES_FROM, 1)
    samples = load_balls(sorted((tmp_path / "tubes").glob("tube-*.npz")))
    assert len(samples.metal) == len(samples.patch) > 0
    assert (samples.metal >= 0).all()
    assert (samples.metal <= 1).all()
    ball = train_balls(samples, 2, 0, tmp_path / "log", batch=8)
    export_balls(ball, BALL_VOXELS, N_BALL_FEATURES, tmp_path / "ball.onnx")
    write_manifest(tmp_path, "smoke", "0", "one phantom", 0, "pytest", "test")
    nets = networks(open_model(str(tmp_path)), 1)
    maps = nets.run_coarse(np.zeros((1, 3, *GRID_CELLS), dtype=np.float32))
    assert maps.shape == (len(COARSE_CHANNELS), *GRID_CELLS)
    for count in (1, 70):
        patches = np.zeros((count, *PATCH_VOXELS), dtype=np.float32)
        features = np.zeros((count, N_FEATURES), dtype=np.float32)
        p = nets.run_candidate(patches, patches, features)
        assert p.shape == (count, len(Label))
        np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
        balls = np.zeros((count, *BALL_VOXELS), dtype=np.float32)
        about = np.zeros((count, N_BALL_FEATURES), dtype=np.float32)
        none = np.zeros(0)
        odds = nets.run_balls(Balls(balls, balls, about, none, none, none))
        assert odds.shape == (count,)
        assert np.isfinite(odds).all()


def random_things(rng, n=60):
    """Candidates that brightness alone tells apart: bright ones are LAD, the others nothing."""
    label = rng.integers(0, 2, n).astype(np.uint8) * np.uint8(Label.LAD)
    patch = rng.integers(-50, 60, (n, *PATCH_VOXELS)) + 500 * (label > 0)[:, None, None, None]
    return {
        "patch": patch.astype(np.int16),
        "mask": np.ones((n, *PATCH_VOXELS), dtype=bool),
        "features": rng.random((n, N_FEATURES)).astype(np.float32),
        "label": label,
        "agatston": np.ones(n, dtype=np.float32),
    }


def test_a_tiny_network_learns_what_is_plain_and_the_same_seed_learns_the_same(tmp_path):
    rng = np.random.default_rng(1)
    np.savez(tmp_path / "candidates-1.npz", **random_things(rng))
    data = load_candidates([tmp_path / "candidates-1.npz"])
    torch.set_num_threads(1)
    nets = [train_candidate(data, 60, 3, tmp_path / "log", batch=32) for _ in range(2)]
    fresh = random_things(np.random.default_rng(2))
    inputs = [
        torch.from_numpy(np.asarray(fresh[k], dtype=np.float32))
        for k in ("patch", "mask", "features")
    ]
    with torch.no_grad():
        p = [torch.softmax(net(*inputs), 1)[:, int(Label.LAD)].numpy() for net in nets]
    np.testing.assert_allclose(p[0], p[1], atol=1e-5)
    assert ((p[0] > 0.5) == (fresh["label"] == Label.LAD)).mean() > 0.9


def test_a_network_goes_on_from_given_weights(tmp_path):
    rng = np.random.default_rng(1)
    np.savez(tmp_path / "candidates-1.npz", **random_things(rng))
    data = load_candidates([tmp_path / "candidates-1.npz"])
    first = train_candidate(data, 1, 0, tmp_path / "log", batch=8)
    later = train_candidate(data, 1, 0, tmp_path / "log", batch=8, start=first.state_dict())
    moved = [
        float((a - b).abs().max())
        for a, b in zip(first.parameters(), later.parameters(), strict=True)
    ]
    assert 0 < max(moved) < 0.01


def test_the_stent_rule_is_fitted_on_what_inference_sees(capsys):
    """One chest with stents through the shipped networks, then copies of it as a fit's chests."""
    seed = RULES_FROM["tune"] + 1
    rows = rule.chest_rows(seed, "default")
    assert rule.rule_case(seed).has_stent
    assert rows.opinions.shape == (len(rows.weight), 6)
    assert rows.is_metal.any()
    spoken = rows.opinions[:, 1]  # the ball network of the whole thing
    plaque = rule.Rows(rows.opinions - [[8, 8, 0, 0, 0, 0]], ~rows.is_metal, rows.weight)
    rule.report([rows, plaque] * 5)
    said = capsys.readouterr().out
    assert said.startswith(f"10 chests, {10 * len(spoken)} balls")
    assert float(said.split("opinions [")[1].split(",")[1]) > 0
