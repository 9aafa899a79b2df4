"""How long scoring takes, beside reading the volume once.

Run: python tests/benchmarks/bench_scoring.py
Prints milliseconds and ratios; the budget of the design is 30 ms on one core.
"""

import time
from collections.abc import Callable

import numpy as np

from screening.records import (
    Acquisition,
    BloodPool,
    CalciumScore,
    Label,
    Labelled,
    ModelIdentity,
    Volume,
)
from screening.scoring import score, score_mask

BUDGET_MS = 30.0
SHAPE = (120, 512, 512)
N_LESIONS = 200


def scan(n_bone_voxels: int, seed: int = 1) -> tuple[Volume, Labelled, np.ndarray]:
    """A noisy volume with 200 deposits of a few voxels to a few hundred, and a sheet of bone."""
    rng = np.random.default_rng(seed)
    hu = rng.normal(40, 20, size=SHAPE).astype(np.int16)
    labels = np.zeros(SHAPE, dtype=np.uint8)
    grid = np.mgrid[-4:5, -6:7, -6:7]
    for _ in range(N_LESIONS):
        at = [int(rng.integers(20, n - 20)) for n in SHAPE]
        radius = rng.uniform(1.0, 6.0)
        ball = np.argwhere((grid[0] * 1.5) ** 2 + grid[1] ** 2 + grid[2] ** 2 < radius**2)
        where = tuple((ball + at - np.array([4, 6, 6])).T)
        hu[where] = rng.integers(100, 900, size=len(ball))
        labels[where] = rng.choice([1, 2, 3, 4, 5, 6])
    bone = labels.reshape(-1)[-n_bone_voxels:] if n_bone_voxels else labels.reshape(-1)[:0]
    bone[:] = Label.BONE
    hu.reshape(-1)[len(hu.reshape(-1)) - n_bone_voxels :] = 400
    index = np.flatnonzero((labels > 0) & (hu >= 90)).astype(np.int64)
    n = SHAPE[0]
    volume = Volume(
        series_key="bench",
        hu=hu,
        spacing_mm=(0.7, 0.7),
        origins_lps_mm=np.stack([np.zeros(n), np.zeros(n), -2.5 * np.arange(n)], axis=1),
        row_axis_lps=np.array([0.0, 1.0, 0.0]),
        column_axis_lps=np.array([1.0, 0.0, 0.0]),
        increments_mm=np.full(n, 2.5),
        acquisition=Acquisition(120.0, 2.5, "B35f", "", "", None, False, ""),
        image_digest="",
    )
    labelled = Labelled(
        index=index,
        label=labels.ravel()[index],
        probability=np.full(len(index), 0.9, dtype=np.float32),
        heart_box=(0, n, 0, 512, 0, 512),
        is_heart_cut=False,
        blood_pool=BloodPool(42.0, 18.0, 10000),
        model=ModelIdentity("bench", "", ""),
    )
    return volume, labelled, labels


def best_ms(work: Callable[[], object], repeats: int = 9) -> float:
    """CPU milliseconds of the fastest of some runs: what else the machine does counts little."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return 1000 * min(seconds)


def main() -> None:
    for n_bone_voxels in (0, 300_000):
        volume, labelled, labels = scan(n_bone_voxels)
        result = score(volume, labelled)
        assert isinstance(result, CalciumScore)
        read_ms = best_ms(lambda hu=volume.hu: hu.max())
        score_ms = best_ms(lambda v=volume, m=labelled: score(v, m))
        mask_ms = best_ms(lambda v=volume, m=labels: score_mask(v, m))
        print(f"{len(labelled.index)} labelled voxels, {len(result.lesions)} lesions")
        print(f"  reading the volume once {read_ms:6.1f} ms")
        print(f"  score      {score_ms:6.1f} ms  ratio {score_ms / read_ms:5.2f}")
        print(f"  score_mask {mask_ms:6.1f} ms  ratio {mask_ms / read_ms:5.2f}")
        print(f"  budget     {BUDGET_MS:6.1f} ms  {'met' if score_ms <= BUDGET_MS else 'MISSED'}")


if __name__ == "__main__":
    main()
