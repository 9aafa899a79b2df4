"""Train the model from nothing.

Comes in: how many phantoms and steps, a seed, a folder for the result; for a model that has seen
real chests, the folder that holds them.
Goes out: `coarse.onnx`, `candidate.onnx`, `ball.onnx` and `manifest.json` in that folder, when all
are made.
Refuses: what `plan.py` does, and missing real scans, before anything is trained.

    python -m models.train --out models/phantom
    python -m models.train --out models/default --real ../shared/real-ct

Stages, each left out where its result lies in `--work` already (`plan.json` there tells what it was
made with): chests, the coarse network on them, heart scans, the bright things that inference finds
in these (and in real chests with calcium placed into them), the candidate network on phantoms, then
a little further with real backgrounds among them. The network that tells stents from plaque is
trained on the heart scans and on others full of both. The counts below take some three hours on two
cores. Coarse and ball network never see a real scan.
"""

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from models.train import backgrounds
from models.train.candidate import load_candidates, train_candidate
from models.train.coarse import train_coarse
from models.train.landmarks import read_landmarks, scans
from models.train.networks import CandidateNet, export_balls, export_candidate, export_coarse
from models.train.package import PHANTOM_TERMS, REAL_TERMS, hand_over, write_manifest
from models.train.phantoms import (
    PAIRS_FROM,
    TUBES_FROM,
    write_candidate_samples,
    write_coarse_samples,
    write_heart_pairs,
)
from models.train.plan import Plan, claim, refusal
from models.train.tubes import (
    load_balls,
    train_balls,
    write_pair_samples,
    write_tube_samples,
)
from screening.inference.balls import BALL_VOXELS, N_BALL_FEATURES
from screening.inference.candidates import N_FEATURES, PATCH_VOXELS
from screening.inference.frame import GRID_CELLS
from screening.inference.manifest import Model
from screening.inference.session import networks
from screening.records import ModelIdentity


def _in_parallel(write: Callable[..., None], folder: Path, first: int, count: int) -> None:
    """Write samples on every core; those that lie there already are left alone."""
    cores = os.cpu_count() or 1
    jobs = [
        multiprocessing.Process(
            target=write, args=(folder, first + k, len(range(k, count, cores)), cores)
        )
        for k in range(cores)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    if any(job.exitcode for job in jobs):
        raise SystemExit(f"making samples for {folder.name} failed; see above")


def train(plan: Plan, out: Path, work: Path, real: Path | None, left_out: str) -> None:
    """Run the stages whose results are missing; `out` changes when all is there."""
    seen = [scan for scan in scans() if real is not None and scan != left_out]
    out.mkdir(parents=True, exist_ok=True)
    claim(work, plan)
    with tempfile.TemporaryDirectory(prefix="model-", dir=work) as made:
        files = _networks(plan, Path(made), work, seen, real)
        write_manifest(
            Path(made),
            name=out.resolve().name,
            version=plan.version,
            trained_on=trained_on(plan, files, seen),
            seed=plan.seed,
            command=f"python -m models.train {' '.join(sys.argv[1:])}",
            terms=REAL_TERMS if seen else PHANTOM_TERMS,
        )
        hand_over(Path(made), out)


def _networks(plan: Plan, made: Path, work: Path, seen: list[str], real: Path | None) -> list[Path]:
    """Make the three networks in `made`; return the samples of the second."""
    first, log, coarse = plan.first, work / "log.txt", work / "coarse.onnx"
    if not coarse.exists():
        _in_parallel(write_coarse_samples, work / "coarse", first, plan.chests)
        net = train_coarse(work / "coarse", plan.coarse_steps, plan.seed, log)
        export_coarse(net, GRID_CELLS, coarse)
    shutil.copy(coarse, made / "coarse.onnx")
    # Inference opens all networks: an untrained one stands in while candidates are found.
    export_candidate(CandidateNet(N_FEATURES), PATCH_VOXELS, N_FEATURES, made / "candidate.onnx")
    _in_parallel(write_heart_pairs, work / "pairs", first + PAIRS_FROM, plan.pairs)
    _balls(plan, first, made, work)
    nets = networks(Model(made, ModelIdentity("training", "", "")))
    write_candidate_samples(work / "pairs", work / "candidates", nets)
    files = sorted((work / "candidates").glob("candidates-*.npz"))
    net = _on_phantoms(plan, files, work)
    for scan in seen:
        volume, marks = backgrounds.load_scan(Path(str(real)) / scan), read_landmarks(scan)
        placed = work / "placed"
        backgrounds.write_candidate_samples(volume, marks, placed, nets, first, plan.placed)
        files += sorted(placed.glob(f"candidates-{scan}-*.npz"))
    if seen:
        data = load_candidates(files)
        net = train_candidate(data, plan.placed_steps, plan.seed, log, start=net.state_dict())
    export_candidate(net, PATCH_VOXELS, N_FEATURES, made / "candidate.onnx")
    return files


def _balls(plan: Plan, first: int, made: Path, work: Path) -> None:
    """Train the network that tells stents from plaque, unless that was done before."""
    kept = work / "ball.onnx"
    if not kept.exists():
        _in_parallel(write_tube_samples, work / "tubes", first + TUBES_FROM, plan.tubes)
        write_pair_samples(work / "pairs", work / "tubes")
        balls = load_balls(sorted((work / "tubes").glob("tube-*.npz")))
        net = train_balls(balls, plan.ball_steps, plan.seed, work / "log.txt")
        export_balls(net, BALL_VOXELS, N_BALL_FEATURES, kept)
    shutil.copy(kept, made / "ball.onnx")


def _on_phantoms(plan: Plan, files: list[Path], work: Path) -> CandidateNet:
    """Return the candidate network that phantoms alone have taught."""
    kept, net = work / "candidate.pt", CandidateNet(N_FEATURES)
    if kept.exists():
        net.load_state_dict(torch.load(kept, weights_only=True))
        return net.eval()
    net = train_candidate(load_candidates(files), plan.candidate_steps, plan.seed, work / "log.txt")
    torch.save(net.state_dict(), kept)
    return net


def trained_on(plan: Plan, files: list[Path], seen: list[str]) -> str:
    """Say how much was trained on."""
    n_things = len(load_candidates(files).label)
    n_pairs = sum(not any(scan in path.name for scan in seen) for path in files)
    text = (
        f"Synthetic phantoms (screening.phantom): {plan.chests} chests for the coarse network, "
        f"{n_things} bright things for the candidate network, of {n_pairs} heart scans"
    )
    if seen:
        text += f" and of {len(files) - n_pairs} draws of calcium placed into {', '.join(seen)}"
    more = f"for the ball network the heart scans and {plan.tubes} more, full of stents and plaque"
    return f"{text}; {more}."


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("models/default"))
    parser.add_argument("--real", type=Path, help="folder with the real scans")
    parser.add_argument(
        "--leave-out", default="", choices=scans(), help="a real scan to leave for testing"
    )
    parser.add_argument("--work", type=Path, help="keep samples, the coarse network and a log here")
    parser.add_argument("--chests", type=int, default=450)
    parser.add_argument("--pairs", type=int, default=900)
    parser.add_argument("--placed", type=int, default=80)
    parser.add_argument("--coarse-steps", type=int, default=1500)
    parser.add_argument("--candidate-steps", type=int, default=2500)
    parser.add_argument("--placed-steps", type=int, default=900)
    parser.add_argument("--tubes", type=int, default=1200)
    parser.add_argument("--ball-steps", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    if given.leave_out and given.real is None:
        parser.error("--leave-out leaves out a real scan; give --real too")
    plan = Plan(
        given.chests, given.pairs, given.placed, given.coarse_steps, given.candidate_steps,
        given.placed_steps, given.tubes, given.ball_steps, given.seed,
    )  # fmt: skip
    if wrong := refusal(plan):
        parser.error(wrong)
    if given.real is not None:
        backgrounds.check_scans(given.real, [s for s in scans() if s != given.leave_out])
    torch.set_num_threads(given.threads)
    work = given.work or Path(tempfile.mkdtemp(prefix="training-"))
    for folder in (given.out, work):
        if folder.exists() and not folder.is_dir():
            parser.error(f"{folder} is no folder")
    train(plan, given.out, work, given.real, given.leave_out)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
