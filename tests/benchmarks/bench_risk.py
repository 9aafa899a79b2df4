"""How long the published equations and the model take for a million people; how much memory.

Run: python tests/benchmarks/bench_risk.py [PEOPLE]
Prints seconds of one process: of the equations with their reasons on typed inputs, and of the
whole command from CSV to CSV; the ratio to reading the CSV once; the peak of memory for a tenth
of the people and for all. Budgets on 2 cores: equations 5 s, model with intervals 60 s.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from flows.risk_apply import apply_to_file
from screening.clinical import open_people, read_people, take_census
from screening.config import RiskSettings
from screening.risk import apply_equations, use_of
from screening.risk.people import people_of
from screening.risk.score_error import scores_of
from screening.risk.use_model import estimate_by_model

BUDGET_S, MODEL_BUDGET_S = 5.0, 60.0


def write_people(file: Path, n: int, seed: int = 1) -> None:
    """People as records have them: a seventh of each value is missing, some are wrong."""
    rng = np.random.default_rng(seed)

    def measured(mean: float, sd: float, low: float) -> pa.Array:
        values = np.round(np.maximum(rng.normal(mean, sd, n), low), 1)
        return pa.array(values, mask=rng.random(n) < 0.15)

    def flag(share: float) -> pa.Array:
        return pa.array((rng.random(n) < share).astype(np.int64), mask=rng.random(n) < 0.05)

    total = measured(195, 40, 80).to_numpy(zero_copy_only=False)
    total = np.where(rng.random(n) < 0.01, np.round(total / 38.67, 1), total)
    table = {
        "person_id": pa.array([f"p{i}" for i in range(n)]),
        "age_years": pa.array(np.round(rng.uniform(25, 92, n), 1)),
        "sex": pa.array(rng.choice(["F", "M", ""], n, p=[0.49, 0.49, 0.02])),
        "race": pa.array(rng.choice(["white", "black", "hispanic", "chinese", "other", ""], n)),
        "total_cholesterol_mg_dl": pa.array(total, mask=np.isnan(total)),
        "hdl_cholesterol_mg_dl": measured(52, 15, 15),
        "systolic_bp_mmhg": measured(130, 20, 70),
        "bp_treated": flag(0.4),
        "lipid_treated": flag(0.3),
        "diabetes": flag(0.15),
        "smoker": flag(0.15),
        "family_history_mi": flag(0.2),
        "egfr": measured(80, 20, 5),
        "bmi": measured(28, 5, 15),
        "agatston": pa.array(np.round(rng.gamma(0.3, 400, n)), mask=rng.random(n) < 0.3),
    }
    csv.write_csv(pa.table(table), file)


def _seconds(work) -> np.ndarray:
    start = time.process_time(), time.perf_counter()
    work()
    return np.array([time.process_time() - start[0], time.perf_counter() - start[1]])


def parts(file: Path) -> tuple[int, np.ndarray, np.ndarray]:
    """People; processor and wall seconds of the equations with their reasons, and of the model."""
    people, use = open_people(file), use_of(RiskSettings())
    both = model = np.zeros(2)
    rows = 0
    for _, typed in read_people(people, take_census(people)):
        both = both + _seconds(lambda typed=typed: apply_equations(typed, use))
        asked, _ = people_of(typed)
        unknown = np.full(asked.n, np.nan)
        scores = scores_of(asked.agatston, unknown, unknown, unknown)
        model = model + _seconds(
            lambda asked=asked, scores=scores: estimate_by_model(asked, scores, {}, use)
        )
        rows += typed.num_rows
    return rows, both - model, model


def whole(file: Path, out: Path) -> None:
    """Run the command once and print its wall seconds and the peak of its memory."""
    start = time.perf_counter()
    apply_to_file(file, out, RiskSettings(), lambda stage, done, total: None)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.perf_counter() - start:.2f} {peak_mb:.0f}")


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / "people.csv", Path(folder) / "risks.csv"
        for people in (n // 10, n):
            write_people(file, people)
            run = [sys.executable, __file__, "whole", str(file), str(out)]
            seconds, peak_mb = subprocess.run(
                run, capture_output=True, text=True, check=True
            ).stdout.split()
            print(f"{people} people, CSV to CSV: {seconds} s, peak {peak_mb} MB")
        size_mb = file.stat().st_size / 1e6
        rows, equations, model = parts(file)
        start = time.perf_counter()
        csv.read_csv(file)
        read = time.perf_counter() - start
        print(f"{rows} people, {size_mb:.0f} MB of CSV")
        print(f"  reading the CSV once: {read:.2f} s")
        for name, (cpu, wall), budget in (
            ("equations and reasons", equations, BUDGET_S),
            ("model with intervals", model, MODEL_BUDGET_S),
        ):
            print(f"  {name}: {wall:.2f} s ({cpu:.2f} s of processor)")
            for_a_million = wall / rows * 1e6
            verdict = "met" if for_a_million <= budget else "MISSED"
            print(f"    a million: {for_a_million:.2f} s, budget {budget:.0f} s: {verdict}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["whole"]:
        whole(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
