"""Prints what is made of valve rings set into real chests.

    python tests/benchmarks/measure_rings.py FOLDER

Not a test; some five minutes. FOLDER holds the real scans whose landmarks are kept in
`models/train/landmarks`. Rings of wire, closed or a fifth open, are set within some millimetres of
where inference takes the mitral and the aortic valve to be, in a drawn direction. The figures of
infra/decisions/0013.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from measure_real_clips import MARGIN_MM, REMARKS, Floats, _blurred, _grid, with_metal

from models.train import backgrounds
from models.train.landmarks import scans
from screening import inference, pipeline
from screening.records import Rejection, ScoringParameters

OFF_MM = 4.0
OPEN = 1.6 * np.pi


class Ring(NamedTuple):
    """A ring of wire, and how bright its blurred middle is."""

    across_mm: float
    wire_mm: float
    arc: float
    peak_hu: float


RINGS = (
    Ring(28.0, 1.6, 2 * np.pi, 2400.0),
    Ring(28.0, 1.6, OPEN, 2400.0),
    Ring(22.0, 1.2, 2 * np.pi, 2400.0),
    Ring(26.0, 3.0, 2 * np.pi, 3000.0),
    Ring(28.0, 1.6, 2 * np.pi, 1200.0),
)


def shape_of(ring: Ring, normal: Floats) -> Floats:
    at = _grid(ring.across_mm / 2 + MARGIN_MM)
    normal = normal / np.linalg.norm(normal)
    one = np.cross(normal, (1, 0, 0) if abs(normal[0]) < 0.9 else (0, 1, 0))
    one = one / np.linalg.norm(one)
    x, y = at @ one, at @ np.cross(normal, one)
    off = np.hypot(np.hypot(x, y) - ring.across_mm / 2, at @ normal)
    angle = np.arctan2(y, x) % (2 * np.pi)
    return _blurred((off <= ring.wire_mm / 2) & (angle <= ring.arc))


def main() -> None:
    model, parameters = inference.open_model("default"), ScoringParameters()
    print("| chest | valve | across, wire | arc | peak, HU | units more | remarks |")
    print(f"|{'---|' * 7}")
    for scan in scans():
        volume = backgrounds.load_scan(Path(sys.argv[1]) / scan)
        plain = pipeline._find(volume, model, parameters, 1)
        rng = np.random.default_rng(3)
        for valve in ("mitral_annulus", "aortic_valve"):
            middle = np.array(getattr(plain.labelled.surroundings, f"{valve}_lps_mm"))
            for ring in RINGS:
                shape = shape_of(ring, rng.normal(size=3))
                off_mm = rng.normal(size=3) * OFF_MM
                made, where = with_metal(volume, shape, ring.peak_hu, middle + off_mm)
                found = pipeline._find(made, model, parameters, 1)
                if isinstance(found, Rejection):
                    print(f"| {scan} | {valve} | refused: {found.reason.value} |")
                    continue
                told = [f for f in found.score.quality.flags if f in (*REMARKS, "valve_prosthesis")]
                print(
                    f"| {scan} | {valve} | {ring.across_mm:.0f}, {ring.wire_mm:.1f} mm "
                    f"| {ring.arc / (2 * np.pi):.1f} | {made.hu[where].max()} "
                    f"| {found.score.agatston - plain.score.agatston:.0f} "
                    f"| {', '.join(told) or 'none'} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
