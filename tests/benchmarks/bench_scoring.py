"""How long scoring takes, beside reading the volume once.

Run: python tests/benchmarks/bench_scoring.py
Prints milliseconds of one core, everything beside the score included, and the ratio to one pass
over the volume; the budget of the design is 30 ms for 200 lesions.
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
    """A noisy volume at 100 kVp with 200 coronary lesions of a few voxels to a few hundred.

    They lie on a jittered grid, so that no two join. A third as many deposits lie elsewhere, and
    perhaps a sheet of bone.
    """
    rng = np.random.default_rng(seed)
    hu = rng.normal(40, 20, size=SHAPE).astype(np.int16)
    labels = np.zeros(SHAPE, dtype=np.uint8)
    grid = np.mgrid[-4:5, -6:7, -6:7]
    places = [(k, i, j) for k in range(16, 106, 18) for i in range(30, 480, 55)
              for j in range(30, 480, 55)]  # fmt: skip
    for n, place in enumerate(rng.permutation(places)[: N_LESIONS + N_LESIONS // 3]):
        at = place + rng.integers(-3, 4, size=3)
        radius = rng.uniform(1.5, 5.0)
        ball = np.argwhere((grid[0] * 1.5) ** 2 + grid[1] ** 2 + grid[2] ** 2 < radius**2)
        where = tuple((ball + at - np.array([4, 6, 6])).T)
        hu[where] = rng.integers(150, 900, size=len(ball))
        labels[where] = rng.choice([1, 2, 3, 4] if n < N_LESIONS else [5, 6])
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
        acquisition=Acquisition(100.0, 2.5, "B35f", "", "", None, False, ""),
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
        print(f"{len(labelled.index)} labelled voxels, {len(result.lesions)} coronary lesions")
        print(f"  reading the volume once {read_ms:6.1f} ms")
        print(f"  score      {score_ms:6.1f} ms  ratio {score_ms / read_ms:5.2f}")
        print(f"  score_mask {mask_ms:6.1f} ms  ratio {mask_ms / read_ms:5.2f}")
        verdict = "met" if score_ms <= BUDGET_MS else "MISSED"
        print(f"  budget of score {BUDGET_MS:.0f} ms: {verdict}")


if __name__ == "__main__":
    main()
