"""Train the field's architectures alike, judge them alike, write the table.

Comes in: CPU minutes for each architecture, a number of test scans, a folder to work in; heart
pairs that were made before, or the time to make some.
Goes out: the table; networks and outcomes in the work folder, so that a run cut short goes on.
Refuses: nothing.

    python -m models.train.field.compare --work DIR --minutes 30 --scans 60 \
        --out infra/architectures-measured.md
"""

import argparse
import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnx
import torch
from threadpoolctl import threadpool_limits

from models.train.field.architectures import ARCHITECTURES, Kind, export
from models.train.field.judging import FIELD_FROM, VOXELS, Judged, judged, open_contender
from models.train.field.samples import write_samples
from models.train.field.table import Row, Run, ceiling, page
from models.train.field.training import Trained, train
from models.train.judge import Outcome
from models.train.phantoms import SEED_STRIDE, TRAINING_SEED, write_heart_pairs
from models.train.plan import SEEDS
from models.train.report import tupled
from screening.inference import open_model
from screening.inference.session import networks

SHIPPED = "shipped"
Result = TypeVar("Result")
_PAIRS_FROM = TRAINING_SEED + SEEDS.stop * SEED_STRIDE  # of people that no training run has met


@dataclass(frozen=True, slots=True)
class Plan:
    """How the comparison is made."""

    work: Path
    pairs: Path
    hearts: int
    minutes: float
    scans: int
    model: str
    seed: int
    jobs: int

    @property
    def samples(self) -> Path:
        """Folder of what the networks are shown."""
        return self.work / "samples"

    @property
    def trained(self) -> Path:
        """Folder of the networks that this budget allowed, and of their outcomes."""
        return self.work / f"minutes-{self.minutes:g}"


def _each(plan: Plan, work: Callable[[Plan, int], Result], tasks: Iterable[int]) -> list[Result]:
    """Do every task on one thread, as many at a time as the plan says."""
    if plan.jobs == 1:
        before = torch.get_num_threads()
        with threadpool_limits(1):
            torch.set_num_threads(1)
            found = [work(plan, task) for task in tasks]
        torch.set_num_threads(before)
        return found
    context = multiprocessing.get_context("spawn")
    with context.Pool(plan.jobs, _on_one_thread) as pool:
        return pool.starmap(work, [(plan, task) for task in tasks], chunksize=1)


def _on_one_thread() -> None:
    torch.set_num_threads(1)
    threadpool_limits(1)


def make_pairs(plan: Plan, part: int) -> None:
    """Write one part of the heart pairs."""
    count = len(range(part, plan.hearts, plan.jobs))
    write_heart_pairs(plan.pairs, _PAIRS_FROM + part, count, plan.jobs)


def make_samples(plan: Plan, part: int) -> None:
    """Keep what the networks are shown of one part of the pairs."""
    pairs = sorted(plan.pairs.glob("pair-*.npz"))[: plan.hearts]
    nets = networks(open_model(plan.model), 1)
    write_samples(pairs[part :: plan.jobs], plan.samples, nets)


def train_one(plan: Plan, number: int) -> None:
    """Train and export one architecture, unless that was done before."""
    of, folder = ARCHITECTURES[number], plan.trained
    if (folder / f"{of.key}.json").exists():
        return
    files = sorted(plan.samples.glob("things-*.npz"))
    net, facts = train(of, files, plan.minutes * 60, plan.seed, plan.trained / "log.txt")
    export(net, of.kind, folder / f"{of.key}.onnx")
    (folder / f"{of.key}.json").write_text(json.dumps(asdict(facts)), encoding="utf-8")


def judge_one(plan: Plan, seed: int) -> list[Judged]:
    """Judge every network on one scan, unless that was done before."""
    kept = plan.trained / f"outcomes-{seed}.json"
    if kept.exists():
        return [_judged(row) for row in json.loads(kept.read_text(encoding="utf-8"))]
    kinds = {of.key: of.kind for of in ARCHITECTURES} | {SHIPPED: Kind.THINGS}
    contenders = [open_contender(key, kind, _network(plan, key)) for key, kind in kinds.items()]
    found = judged(seed, contenders, networks(open_model(plan.model), 1))
    kept.write_text(json.dumps([asdict(row) for row in found]), encoding="utf-8")
    return found


def _judged(row: dict[str, object]) -> Judged:
    given = row["outcome"]
    assert isinstance(given, dict)
    outcome = Outcome(**{name: tupled(value) for name, value in given.items()})
    return Judged(str(row["row"]), outcome, row["gpu_seconds"])  # type: ignore[arg-type]


def _network(plan: Plan, key: str) -> Path:
    if key == SHIPPED:
        return open_model(plan.model).folder / "candidate.onnx"
    return plan.trained / f"{key}.onnx"


def compare(plan: Plan, command: str) -> str:
    """Run the stages whose results are missing and return the page."""
    plan.trained.mkdir(parents=True, exist_ok=True)
    if not any(plan.pairs.glob("pair-*.npz")):
        _each(plan, make_pairs, range(plan.jobs))
    _each(plan, make_samples, range(plan.jobs))
    _each(plan, train_one, range(len(ARCHITECTURES)))
    by_scan = _each(plan, judge_one, range(FIELD_FROM, FIELD_FROM + plan.scans))
    files = sorted(plan.samples.glob("things-*.npz"))
    seeds = [path.stem.removeprefix("things-") for path in files]
    said, shared = f"{seeds[0]} to {seeds[-1]}", open_model(plan.model).identity
    run = Run(
        command, plan.minutes, plan.seed, len(files), said, _count(files), FIELD_FROM,
        f"`{shared.name}` ({shared.digest[:12]})",
    )  # fmt: skip
    return page(_rows(plan, by_scan), run)


def _count(files: list[Path]) -> int:
    total = 0
    for path in files:
        with np.load(path) as stored:
            total += len(stored["label"])
    return total


def _rows(plan: Plan, by_scan: list[list[Judged]]) -> list[Row]:
    rows = []
    for of in ARCHITECTURES:
        text = (plan.trained / f"{of.key}.json").read_text(encoding="utf-8")
        facts = Trained(**json.loads(text))
        rows.append(_row(plan, of.key, of.name, by_scan, facts))
        if of.kind is not Kind.THINGS:
            rows.append(_row(plan, of.key + VOXELS, f"{of.name}, voxel by voxel", by_scan, None))
    rows.append(_row(plan, SHIPPED, "default, shipped weights", by_scan, None))
    return [*rows, ceiling(rows[0].outcomes)]


def _row(
    plan: Plan, key: str, name: str, by_scan: list[list[Judged]], facts: Trained | None
) -> Row:
    mine = [row for scan in by_scan for row in scan if row.row == key]
    path = _network(plan, key.removesuffix(VOXELS))
    weights = [
        w for w in onnx.load(path).graph.initializer if w.data_type == onnx.TensorProto.FLOAT
    ]
    return Row(
        key=key,
        name=name,
        outcomes=[row.outcome for row in mine],
        parameters=sum(int(np.prod(w.dims)) for w in weights),
        n_bytes=path.stat().st_size,
        steps=None if facts is None else facts.steps,
        shown=None if facts is None else facts.shown,
        gpu_seconds=[row.gpu_seconds for row in mine if row.gpu_seconds is not None],
        is_rival=key != SHIPPED,
    )


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, compare, write the table."""
    parser = argparse.ArgumentParser(prog="python -m models.train.field.compare")
    parser.add_argument("--work", type=Path, required=True, help="samples, networks, outcomes")
    parser.add_argument("--pairs", type=Path, help="heart pairs made before (else in --work)")
    parser.add_argument("--hearts", type=int, default=400, help="heart pairs to train on")
    parser.add_argument("--minutes", type=float, default=30.0, help="CPU minutes for each")
    parser.add_argument("--scans", type=int, default=60, help="test chests")
    parser.add_argument("--model", default="default", help="whose coarse network all rows share")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="tasks at a time")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    plan = Plan(
        given.work, given.pairs or given.work / "pairs", given.hearts, given.minutes, given.scans,
        given.model, given.seed, given.jobs,
    )  # fmt: skip
    said = (
        f"python -m models.train.field.compare --hearts {plan.hearts} --minutes {plan.minutes:g} "
        f"--scans {plan.scans} --seed {plan.seed}"
    )
    text = compare(plan, said)
    given.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
