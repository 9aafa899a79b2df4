"""Where vessels, valves and bright things lie in real scans, as read by eye.

Comes in: the name of a scan. Goes out: its `Landmarks`, numbers alone.
Refuses: a scan without a file of landmarks.

The numbers were read off rendered pictures, not by a radiologist. They serve to place simulated
calcium along real courses, and to say what the bright things are that a real scan holds already.
No pixel of a scan is kept.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from screening.errors import ScreeningError
from screening.records import CORONARY_LABELS, Label

FOLDER = Path(__file__).parent / "landmarks"
Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ball:
    """A round thing: `centre_lps_mm` float64 (3,)."""

    centre_lps_mm: Points
    radius_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class UnsureSegment:
    """A stretch of a course that was followed by its groove, not seen; ends are its points."""

    label: Label
    polyline: int
    ends_lps_mm: Points  # (2, 3)
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class TrueCalcium:
    """Coronary calcium that is in the scan, and about how much."""

    label: Label
    centroid_lps_mm: Points
    agatston_about: float


@dataclass(frozen=True, slots=True, eq=False)
class BrightThing:
    """A candidate of inference, and what it is; `stack` is "native" or "slab" (averaged)."""

    label: Label
    centroid_lps_mm: Points
    is_sure: bool
    max_hu: float
    stack: str


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """What was read off one scan; positions in its own DICOM frame, LPS mm.

    courses : by coronary label, polylines float64 (n, 3) from the aorta outwards
    valve_normal : float64 (3,), unit vector out of the ventricle
    mitral_ring : float64 (n, 3), closed: the last point is followed by the first
    aorta : float64 (n, 4), centre and radius from the valve to the diaphragm
    tolerance_mm : of the stretches that are not in `unsure`
    """

    scan: str
    tolerance_mm: float
    courses: dict[Label, tuple[Points, ...]]
    unsure: tuple[UnsureSegment, ...]
    aortic_valve: Ball
    valve_normal: Points
    aortic_root: Ball
    mitral_ring: Points
    aorta: Points
    true_coronary: tuple[TrueCalcium, ...]
    bright_things: tuple[BrightThing, ...]


def scans() -> tuple[str, ...]:
    """Names of the scans with landmarks."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def read_landmarks(name: str) -> Landmarks:
    """Read the landmarks of one scan.

    Parameters
    ----------
    name : one of `scans()`
    """
    if name not in scans():
        raise ScreeningError(f"no landmarks of {name!r}; there are {', '.join(scans())}")
    stored = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    points = stored["points"]
    normal = _array(points["aortic_valve"]["normal"])
    return Landmarks(
        scan=stored["scan"],
        tolerance_mm=stored["tolerance_mm"],
        courses={v: tuple(map(_array, stored["courses"][v.name])) for v in CORONARY_LABELS},
        unsure=tuple(map(_unsure, stored["unsure_segments"])),
        aortic_valve=_ball(points["aortic_valve"]),
        valve_normal=normal / np.linalg.norm(normal),
        aortic_root=_ball(points["aortic_root"]),
        mitral_ring=_array(points["mitral_annulus"]["ring"]),
        aorta=_array(stored["aorta"]["centreline"]),
        true_coronary=tuple(
            TrueCalcium(Label[t["label"]], _array(t["centroid"]), t["agatston_about"])
            for t in stored["true_coronary"]
        ),
        bright_things=tuple(
            BrightThing(
                Label[b["label"]], _array(b["centroid"]), b["sure"], b["max_hu"], b["stack"]
            )
            for b in stored["bright_things"]
        ),
    )


def _array(values: list[Any]) -> Points:
    return np.array(values, dtype=np.float64)


def _ball(stored: dict[str, Any]) -> Ball:
    return Ball(_array(stored["centre"]), stored["radius_mm"])


def _unsure(stored: dict[str, Any]) -> UnsureSegment:
    ends = _array([stored["from"], stored["to"]])
    return UnsureSegment(Label[stored["course"]], stored.get("polyline", 0), ends, stored["why"])
