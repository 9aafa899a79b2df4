"""Prints how far a model's scores lie from the truth, in half-widths of the gated rescan interval.

    screening demo --seed 311 --out a && screening demo --seed 312 --out b
    python tests/benchmarks/measure_errors.py a b

Not a test. `NON_GATED_FACTOR` (screening/scoring/certainty.py) and the rule for possible stents
(screening/scoring/quality.py) rest on what it prints.
"""

import sys
from math import sqrt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from screening.lake import Lake
from screening.scoring.certainty import repeatability_limit
from screening.scoring.quality import STENT_FROM_MM3, may_be_a_stent


def scored(demo: Path) -> list[tuple[dict, dict]]:
    """Truth and current outcome of each series that is scored and whose true score is known."""
    lake = Lake.open(demo / "lake", None, create=False)
    truth = pq.read_table(demo / "hospital" / "truth.parquet").to_pylist()
    truth = [r for r in truth if r["kind"] == "series" and r["expected_state"] == "scored"]
    uids = pa.array([r["series_instance_uid"] for r in truth], pa.string())
    found = {r["series_key"]: r for r in lake.read("dispositions").to_pylist()}
    pairs = zip(truth, lake.vault.series_keys(uids).to_pylist(), strict=True)
    return [(row, found[key]) for row, key in pairs if found[key]["state"] == "scored"]


def is_like_a_stent(lesion: dict) -> bool:
    return may_be_a_stent(lesion["volume_mm3"], lesion["probability"])


def main() -> None:
    rows = [row for demo in sys.argv[1:] for row in scored(Path(demo))]
    for name, kept in (
        ("all", rows),
        ("without stents", [r for r in rows if r[0]["role"] != "stent"]),
    ):
        errors = [
            abs(found["agatston"] - truth["true_agatston"])
            / (repeatability_limit(found["agatston"]) / sqrt(2))
            for truth, found in kept
        ]
        shares = np.quantile(errors, (0.5, 0.8, 0.9, 0.95, 1.0)).round(2)
        print(f"{name}: {len(kept)} scans; 50, 80, 90, 95, 100 % of errors below {shares}")
    for name, is_stent in (("with stents", True), ("without", False)):
        lesions = [
            lesion
            for truth, found in rows
            if (truth["role"] == "stent") is is_stent
            for lesion in found["lesions"]
            if lesion["volume_mm3"] >= STENT_FROM_MM3
        ]
        n = sum(map(is_like_a_stent, lesions))
        print(f"scans {name}: {len(lesions)} coronary lesions that large, {n} like a stent")


if __name__ == "__main__":
    main()
