"""Prints what is made of valve rings set into real chests.

    python tests/benchmarks/measure_rings.py FOLDER

Not a test; some ten minutes. FOLDER holds the real scans whose landmarks are kept in
`models/train/landmarks`. Rings of wire and frames of mesh are set within some millimetres of where
inference takes the mitral and the aortic valve to be, in a drawn direction. The figures of
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
SEED = 6  # the limits were found on others
OPEN = 1.6 * np.pi


class Ring(NamedTuple):
    """A ring of wire, wider than deep perhaps, and how bright its blurred middle is."""

    across_mm: float
    wire_mm: float
    arc: float
    peak_hu: float
    deep: float = 1.0


class Mesh(NamedTuple):
    """A frame of mesh, narrower in its middle perhaps, as valves set by catheter have."""

    across_mm: float
    wire_mm: float
    tall_mm: float
    peak_hu: float
    waist: float = 0.0


RINGS = (
    Ring(28.0, 1.6, 2 * np.pi, 2400.0),
    Ring(28.0, 1.6, OPEN, 2400.0),
    Ring(22.0, 1.2, 2 * np.pi, 2400.0),
    Ring(26.0, 3.0, 2 * np.pi, 3000.0),
    Ring(28.0, 1.6, 2 * np.pi, 1200.0),
    Ring(38.0, 1.8, 2 * np.pi, 2200.0, 0.74),
    Ring(34.0, 1.4, 2 * np.pi, 1300.0, 0.76),
    Mesh(26.0, 0.6, 18.0, 2000.0),
    Mesh(23.0, 0.5, 16.0, 1100.0),
    Mesh(29.0, 0.5, 40.0, 1500.0, 0.15),
)
N_CELLS = 9  # of a mesh, round it


def shape_of(ring: Ring | Mesh, normal: Floats) -> Floats:
    normal = normal / np.linalg.norm(normal)
    at = _grid(max(ring[0], ring[2] if isinstance(ring, Mesh) else 0.0) / 2 + MARGIN_MM)
    one = np.cross(normal, (1, 0, 0) if abs(normal[0]) < 0.9 else (0, 1, 0))
    one = one / np.linalg.norm(one)
    x, y, z = at @ one, at @ np.cross(normal, one), at @ normal
    angle = np.arctan2(y, x) % (2 * np.pi)
    if isinstance(ring, Ring):
        away = np.hypot(x, y / ring.deep)
        off = (away - ring.across_mm / 2) * np.hypot(x, y) / np.maximum(away, 0.1)
        return _blurred((np.hypot(off, z) <= ring.wire_mm / 2) & (angle <= ring.arc))
    wide_mm = ring.across_mm / 2 * (1 - ring.waist * (1 - (2 * z / ring.tall_mm) ** 2))
    cell_mm = np.pi * ring.across_mm / N_CELLS
    up, along = z / (1.2 * cell_mm), angle * N_CELLS / (2 * np.pi)
    wires = [np.abs((along + slope * up + 0.5) % 1 - 0.5) for slope in (1, -1)]
    is_wire = np.minimum(*wires) * cell_mm * np.sqrt(0.5) <= ring.wire_mm / 2
    is_wall = np.abs(np.hypot(x, y) - wide_mm) <= ring.wire_mm / 2
    return _blurred(is_wire & is_wall & (np.abs(z) <= ring.tall_mm / 2))


def _words(ring: Ring | Mesh) -> str:
    if isinstance(ring, Mesh):
        waist = ", with a waist" if ring.waist else ""
        return f"mesh {ring.across_mm:.0f} x {ring.tall_mm:.0f} mm{waist}, {ring.wire_mm:.1f} mm"
    arc = "" if ring.arc > OPEN else ", a fifth open"
    deep = f" x {ring.across_mm * ring.deep:.0f}" if ring.deep < 1 else ""
    return f"ring {ring.across_mm:.0f}{deep} mm{arc}, {ring.wire_mm:.1f} mm"


def main() -> None:
    model, parameters = inference.open_model("default"), ScoringParameters()
    print("| chest | valve | what, wire | peak, HU | units more | remarks |")
    print(f"|{'---|' * 6}")
    for scan in scans():
        volume = backgrounds.load_scan(Path(sys.argv[1]) / scan)
        plain = pipeline._find(volume, model, parameters, 1)
        rng = np.random.default_rng(SEED)
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
                    f"| {scan} | {valve} | {_words(ring)} | {made.hu[where].max()} "
                    f"| {found.score.agatston - plain.score.agatston:.0f} "
                    f"| {', '.join(told) or 'none'} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
