"""Prints by how much a clip that is set into dense plaque raises the score.

    python tests/benchmarks/measure_clips_on_plaque.py [SEED]

Not a test; some five minutes. People of the shifted generator without clips or stents, of 100 units
and more by the shipped model: a clip (`measure_real_clips`) is set where the plaque of each of two
arteries is brightest, once with each of four peaks; printed are the scores before and after. The
figures of infra/decisions/0013 are of seed 0.
"""

import dataclasses
import sys

import numpy as np
from measure_real_clips import CLIP_MM, REMARKS, clip, with_metal

from models.train import shifted
from models.train.phantoms import RULES_FROM
from screening import inference
from screening.records import CORONARY_LABELS, Rejection, Volume
from screening.scoring import score
from screening.scoring.kvp import mineral_gain

FIRST, PEOPLE, FROM_AGATSTON, ARTERIES = RULES_FROM["clips"] + 5_000, 12, 100.0, 2
ADDED_HU = (800.0, 1500.0, 2500.0, 4000.0)
AS_DRAWN = shifted.shifted_traits


def traits(rng: np.random.Generator):
    return dataclasses.replace(AS_DRAWN(rng), has_clips=False, n_stents=0)


def read(model, volume: Volume):
    """The labels and the score; None where either is refused."""
    found = inference.infer(model, volume, threads=1)
    scored = None if isinstance(found, Rejection) else score(volume, found)
    return None if scored is None or isinstance(scored, Rejection) else (found, scored)


def brightest(volume: Volume, found) -> list:
    """Where the plaque of the arteries with the brightest plaque is brightest, LPS."""
    peaks = []
    for label in CORONARY_LABELS:
        index = found.index[found.label == label]
        if len(index):
            k = index[volume.hu.take(index).argmax()]
            peaks.append((int(volume.hu.take(k)), np.unravel_index(k, volume.hu.shape)))
    peaks.sort(reverse=True)
    at = np.array([place for _, place in peaks[:ARTERIES]], dtype=np.float64)
    return list(volume.lps_mm(at))


def main() -> None:
    shifted.shifted_traits = traits
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    model, told, k = inference.open_model("default"), [], 0
    while len({person for person, *_ in told}) < PEOPLE:
        case = shifted.shifted_case(FIRST + 1_000 * seed + k)
        rng, k = np.random.default_rng([seed, k]), k + 1
        before = read(model, case.volume)
        if before is None or before[1].agatston < FROM_AGATSTON:
            continue
        for middle in brightest(case.volume, before[0]):
            for added_hu in ADDED_HU:
                along = rng.normal(size=3)
                shape = clip(rng.uniform(*CLIP_MM), along / np.linalg.norm(along))
                volume, where = with_metal(case.volume, shape, added_hu, middle)
                after = read(model, volume)
                if after is None:
                    print(f"{case.name}: refused with a clip of {added_hu:.0f} HU")
                    continue
                gain = mineral_gain(volume.acquisition.kvp)
                peak_hu, was = int(volume.hu[where].max() / gain), before[1].agatston
                has_remark = any(flag in REMARKS for flag in after[1].quality.flags)
                told.append((case.name, peak_hu, was, after[1].agatston, has_remark))
                print(*told[-1], f"{volume.increment_mm:.1f} mm", flush=True)
    print("| peak, HU at 120 kVp | clips | raise it | by | of | no remark | lower it | by |")
    print(f"|{'---|' * 8}")
    for low, high in ((0, 1200), (1200, 1560), (1560, 2000), (2000, 3072)):
        rows = [(was, now, remark) for _, peak, was, now, remark in told if low <= peak < high]
        was, now = (np.array([row[c] for row in rows]) for c in (0, 1))
        more, less = now > was + 0.5, now < was - 0.5
        unsaid = sum(bool(m) and not row[2] for m, row in zip(more, rows, strict=True))
        print(
            f"| {low} to {high - 1} | {len(rows)} | {more.sum()} | {(now - was)[more].sum():,.0f} "
            f"| {was[more].sum():,.0f} | {unsaid} | {less.sum()} | {(was - now)[less].sum():,.0f} |"
        )


if __name__ == "__main__":
    main()
