"""Prints how much of clips and stents set into real chests counts as calcium.

    python tests/benchmarks/measure_real_clips.py FOLDER [SEED]

Not a test; some twenty minutes. FOLDER holds the real scans whose landmarks are kept in
`models/train/landmarks`. Clips are titanium's size: cylinders 4 to 7 mm long, 1.6 mm wide, one or
seven at a time, 2 to 7 mm off the scan's own coronary courses; stents are zigzag meshes 8 to 23 mm
long on them. Both are blurred by 0.75 mm and averaged over the slice; how bright they end is drawn.
The figures of infra/decisions/0013 are of seeds 0 and 1.
"""

import sys
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from set_in import set_in

from models.train import backgrounds
from models.train.judge import agatston, label_map
from models.train.landmarks import read_landmarks, scans
from screening import inference, pipeline
from screening.records import CORONARY_LABELS, Rejection, ScoringParameters, Volume
from screening.volume import lay_back

Floats = NDArray[np.float64]
GRID_MM, BLUR_MM, MARGIN_MM, SLAB = 0.3, 0.75, 6.0, 5
CLIP_RADIUS_MM, CLIP_MM, OFF_COURSE_MM = 0.8, (4.0, 7.0), (2.0, 7.0)
CLIP_PEAKS_HU, CLIPS_AT_ONCE = (1500.0, 2500.0, 4000.0), (1, 1, 1, 7, 7, 7)
STRUT_MM, ZIGZAG_MM, RING_MM = 0.2, 0.6, 1.6
STENTS = ((8.0, 1.4, 500.0), (15.0, 1.5, 500.0), (15.0, 1.5, 350.0), (23.0, 1.7, 900.0))
ALONG_COURSE = (0.2, 0.45, 0.75)
MIN_COURSE = 20  # points, about a millimetre apart
SEEN = 0.08  # of the peak: where metal adds less it is not asked about
REMARKS = ("clips_present", "stent_present", "stent_possible", "metal_near_heart",
           "calcium_very_bright")  # fmt: skip


def _grid(reach_mm: float) -> Floats:
    n = int(reach_mm / GRID_MM)
    return np.stack(np.mgrid[-n : n + 1, -n : n + 1, -n : n + 1], axis=-1) * GRID_MM


def _blurred(inside: NDArray[np.bool_]) -> Floats:
    """Of peak 1."""
    blurred = gaussian_filter(inside.astype(np.float64), BLUR_MM / GRID_MM)
    return np.asarray(blurred / blurred.max())


def clip(length_mm: float, along: Floats) -> Floats:
    at = _grid(length_mm / 2 + MARGIN_MM)
    t = at @ along
    off = np.linalg.norm(at - t[..., None] * along, axis=-1)
    return _blurred((np.abs(t) <= length_mm / 2) & (off <= CLIP_RADIUS_MM))


def stent(length_mm: float, radius_mm: float, along: Floats) -> Floats:
    at = _grid(length_mm / 2 + MARGIN_MM)
    t = at @ along
    off = np.linalg.norm(at - t[..., None] * along, axis=-1)
    across = np.cross(along, (0, 0, 1) if abs(along[2]) < 0.9 else (1, 0, 0))
    across = across / np.linalg.norm(across)
    angle = np.arctan2(at @ across, at @ np.cross(along, across))
    is_strut = (t + ZIGZAG_MM * np.sin(6 * angle)) % RING_MM < ZIGZAG_MM
    in_wall = np.abs(off - radius_mm) < STRUT_MM
    return _blurred(in_wall & is_strut & (np.abs(t) <= length_mm / 2))


def added_hu(shape: Floats, peak_hu: float, volume: Volume, away_mm: Floats) -> Floats:
    """HU that a shape adds, averaged over the slice."""
    thickness_mm = max(volume.acquisition.slice_thickness_mm or 0, volume.increment_mm)
    normal = np.cross(volume.row_axis_lps, volume.column_axis_lps)
    n = shape.shape[0] // 2
    added = np.zeros(away_mm.shape[:-1])
    for offset in np.linspace(-0.4, 0.4, SLAB):
        at = (away_mm + normal * offset * thickness_mm) / GRID_MM + n
        added += map_coordinates(shape, at.reshape(-1, 3).T, order=1).reshape(added.shape) / SLAB
    return added * peak_hu


def with_metal(volume: Volume, shape: Floats, peak_hu: float, middle: Floats):
    reach_mm = shape.shape[0] // 2 * GRID_MM
    return set_in(
        volume, middle, reach_mm, partial(added_hu, shape, peak_hu, volume), SEEN * peak_hu
    )


def clips(rng: np.random.Generator, volume: Volume, lines: list[Floats], peak_hu: float, n: int):
    """The scan with n clips, and where each is."""
    places = []
    for _ in range(n):
        line = lines[rng.integers(len(lines))]
        off = rng.normal(size=3)
        middle = line[rng.integers(3, len(line) - 3)]
        middle = middle + off * rng.uniform(*OFF_COURSE_MM) / np.linalg.norm(off)
        along = rng.normal(size=3)
        shape = clip(rng.uniform(*CLIP_MM), along / np.linalg.norm(along))
        volume, where = with_metal(volume, shape, peak_hu, middle)
        places.append(where)
    return volume, places


def read(model, volume: Volume, places: list) -> list | None:
    """Of each place, units at 130 HU, units counted, its peak; and whether there is a remark.

    As the program scores it: of thin slices their averages.
    """
    found = pipeline._find(volume, model, ScoringParameters(), 1)
    if isinstance(found, Rejection):
        return None
    scored, labelled = volume, found.labelled
    if found.slab:
        scored, labelled = lay_back(found.slab, volume, labelled)
    has_remark = any(flag in REMARKS for flag in found.score.quality.flags)
    is_coronary = np.isin(label_map(scored, labelled), CORONARY_LABELS)
    return [
        (
            agatston(scored, where & (scored.hu >= 130)),
            agatston(scored, where & is_coronary),
            int(volume.hu[where].max()),
            has_remark,
        )
        for where in places
    ]


def row(name: str, seen: list) -> None:
    units, counted, peak_hu, has_remark = (np.array(column) for column in zip(*seen, strict=True))
    does_count = counted > 0
    print(
        f"| {name} | {len(seen)} | {units.sum():,.0f} | {does_count.sum()} "
        f"| {counted.sum():,.0f} | {(does_count & (peak_hu >= 1200)).sum()} "
        f"| {(does_count & ~has_remark).sum()} |",
        flush=True,
    )


def main() -> None:
    model, rows = inference.open_model("default"), defaultdict(list)
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    print("| metal | set in | units | count | units counted | of 1,200 HU | no remark |")
    print(f"|{'---|' * 7}")
    for nth, scan in enumerate(scans()):
        volume = backgrounds.load_scan(Path(sys.argv[1]) / scan)
        marks = read_landmarks(scan)
        courses = backgrounds.draw_courses(np.random.default_rng(11), marks).courses
        lines = [line for line in courses.values() if len(line) >= MIN_COURSE]
        for peak_hu in CLIP_PEAKS_HU:
            for k, n in enumerate(CLIPS_AT_ONCE):
                rng = np.random.default_rng([seed, nth, int(peak_hu), k])
                seen = read(model, *clips(rng, volume, lines, peak_hu, n))
                rows["refused" if seen is None else f"clips, {n} at a time"] += seen or [scan]
        for line in lines:
            for share in ALONG_COURSE:
                k = min(max(int(share * len(line)), 5), len(line) - 6)
                along = line[k + 4] - line[k - 4]
                along = along / np.linalg.norm(along)
                for length_mm, radius_mm, peak_hu in STENTS:
                    shape = stent(length_mm, radius_mm, along)
                    made, where = with_metal(volume, shape, peak_hu, line[k])
                    seen = read(model, made, [where])
                    rows["refused" if seen is None else "stents"] += seen or [scan]
    refused = rows.pop("refused", [])
    for name, seen in rows.items():
        row(name, seen)
    print(f"{len(refused)} scans refused: {refused}")


if __name__ == "__main__":
    main()
