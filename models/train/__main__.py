"""Train the model from nothing.

Comes in: minutes of machine time, a seed, a folder for the result.
Goes out: `coarse.onnx`, `candidate.onnx` and `manifest.json` in that folder.
Refuses: less than twenty minutes: in four the coarse network learns to find no heart yet.

    python -m models.train --minutes 60 --seed 1 --out models/default

One process makes phantoms while another trains on those already made: the coarse network
first; then the candidates that inference finds with it; then the candidate network.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from pathlib import Path

import torch

from models.train.candidate import load_candidates, train_candidate
from models.train.coarse import train_coarse
from models.train.networks import CandidateNet, export_candidate, export_coarse
from models.train.package import write_manifest
from models.train.phantoms import (
    TRAINING_SEED,
    write_candidate_samples,
    write_coarse_samples,
    write_heart_pairs,
)
from screening.inference.candidates import N_FEATURES, PATCH_VOXELS
from screening.inference.frame import GRID_CELLS
from screening.inference.manifest import Model
from screening.inference.session import networks
from screening.records import ModelIdentity

# Shares of the time: the coarse network stops early by design (see `coarse`).
_COARSE, _CANDIDATES, _LABELLING = 0.4, 0.35, 0.25
_SEED_STRIDE = 100_000  # each training seed has its own range of phantoms
_ENDLESS = 50_000
_LEAST_MINUTES = 20


def _until(processes: list[multiprocessing.Process], seconds: float) -> None:
    for process in processes:
        process.start()
    time.sleep(seconds)
    for process in processes:
        process.terminate()
        process.join()


def train(minutes: float, seed: int, out: Path, work: Path) -> None:
    """Run all steps; `work` keeps the phantoms and a log."""
    out.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    first, log, cores = TRAINING_SEED + seed * _SEED_STRIDE, work / "log.txt", os.cpu_count() or 1
    seconds = minutes * 60
    maker = multiprocessing.Process(
        target=write_coarse_samples, args=(work / "coarse", first, _ENDLESS)
    )
    maker.start()
    head_start = min(60.0, seconds * 0.1)
    time.sleep(head_start)
    coarse = train_coarse(work / "coarse", seconds * _COARSE - head_start, seed, log)
    maker.terminate()
    maker.join()
    export_coarse(coarse, GRID_CELLS, out / "coarse.onnx")
    # Inference opens both networks: an untrained one stands in while candidates are found.
    export_candidate(CandidateNet(N_FEATURES), PATCH_VOXELS, N_FEATURES, out / "candidate.onnx")
    makers = [
        multiprocessing.Process(
            target=write_heart_pairs, args=(work / "pairs", first + k, _ENDLESS, cores)
        )
        for k in range(cores)
    ]
    _until(makers, seconds * _CANDIDATES)
    model = Model(out, ModelIdentity("training", "", ""))
    write_candidate_samples(work / "pairs", work / "candidates", networks(model))
    data = load_candidates(work / "candidates")
    candidate = train_candidate(data, seconds * _LABELLING, seed, log)
    export_candidate(candidate, PATCH_VOXELS, N_FEATURES, out / "candidate.onnx")
    write_manifest(
        out,
        name=out.name,
        version=f"0.1.{seed}",
        trained_on=trained_on(work),
        seed=seed,
        command=f"python -m models.train --minutes {minutes:g} --seed {seed}",
    )


def trained_on(work: Path) -> str:
    """Say how much was trained on."""
    n_chests = len(list((work / "coarse").glob("coarse-*.npz")))
    scans = sorted((work / "candidates").glob("candidates-*.npz"))
    n_things = len(load_candidates(work / "candidates").label) if scans else 0
    return (
        f"Synthetic phantoms only (screening.phantom): {n_chests} chests for the coarse network, "
        f"{n_things} bright things of {len(scans)} heart scans for the candidate network."
    )


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("models/default"))
    parser.add_argument("--work", type=Path, help="keep phantoms and log here")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    if arguments.minutes < _LEAST_MINUTES:
        parser.error(f"less than {_LEAST_MINUTES} minutes train nothing useful on two cores")
    torch.set_num_threads(arguments.threads)
    work = arguments.work or Path(tempfile.mkdtemp(prefix="training-"))
    train(arguments.minutes, arguments.seed, arguments.out, work)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
