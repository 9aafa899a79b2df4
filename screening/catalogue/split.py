"""Two reconstructions under one SeriesInstanceUID, told apart.

Comes in: the columns of all instances and the rows of one UID, second copies left out.
Goes out: the rows of each stack, the largest first, each with a tag that names what sets it apart.
Refuses: nothing; where nothing tells the stacks apart they stay together, and whoever measures
them finds planes in conflict.

Images of another kind, matrix, pixel spacing or orientation never make one stack: a scout stored
with its scan is one of its own. Nor do images as they were taken and computed ones (projections,
spectral maps, as ImageType tells), or images in two frames of reference. Images of another kernel,
slice thickness, ImageType, description, tube voltage, day, acquisition or field centre do, where a
header changed on the way down or one block was scanned after another; they are told apart where
both show the same stretch of the body, and together are no even stack or one that is finer than
each alone (planes of one between those of the other). So are passes over the body that a pause or a
way back sets apart, and runs of image numbers, whether numbers go on or begin anew, and only where
they differ in increment or in their planes: the same planes taken several times (a 4-D scan) stay
together.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from screening.catalogue.columns import InstanceColumns
from screening.catalogue.geometry import GAP_TOLERANCE, SAME_POSITION_MM, Geometry, measure
from screening.catalogue.passes import in_number, in_time
from screening.catalogue.planes import planes_of
from screening.catalogue.runs import in_plane_mm, offsets_mm, runs
from screening.vocabulary import (
    DERIVED_TYPES,
    PROJECTION_TYPES,
    SCOUT_TYPES,
    SPECTRAL_TYPES,
    image_type_says,
)

Rows = NDArray[np.int64]

# Another field of view changes the pixel spacing by more; less is a matter of digits, and stays.
SPACING_SHARE = 0.01
# Direction cosines of two reconstructions differ by more (1.1 degrees); less stays together.
COSINES_APART = 0.02
# Thickness is written with two or three decimals (0.625 mm as 0.63).
THICKNESS_STEP_MM = 0.1
# A scan over midnight is one; after more than a day the body lies otherwise.
DAYS_APART = 1.0
# Acquisitions under one UID that are told apart; a scan step by step counts each of its steps.
MAX_ACQUISITIONS = 8
MOST = 0.5  # of the shorter acquisition's stretch
# More frames of reference are no such, but were made up image by image.
MAX_FRAMES_OF_REFERENCE = 4
# Field centres nearer than this are one: less is a matter of digits. Two are millimetres apart.
CENTRE_MM = 1.0
# More than so many centres are no reconstructions but a field that wanders.
MAX_CENTRES = 4
_CELLS = 4  # of a grid that what lies within one step may fall into
# Fewer are strays with a wrong number.
MIN_RUN = 3
# Planes of one stack between those of another halve the increment, or make it a third; a stray
# slice leaves it as it is.
FINER_SHARE = 0.75
_TAG_CHARACTERS = 8
_PLAIN_TEXTS = ("sop_class_uid", "kernel", "series_description", "frame_digest")
_PLAIN_NUMBERS = (
    "rows",
    "columns",
    "row_spacing_mm",
    "column_spacing_mm",
    "thickness_mm",
    "kvp",
    "acquisition_number",
)


@dataclass(frozen=True, slots=True)
class Part:
    """One stack of a UID; the tag of the first is empty."""

    rows: Rows
    tag: str


def split(columns: InstanceColumns, rows: Rows) -> tuple[Part, ...]:
    """Tell the stacks under one UID apart.

    Parameters
    ----------
    columns : InstanceColumns
    rows : int64 (n,), second copies left out

    Returns
    -------
    Parts that hold every row once, the largest first; the same for any order of the files
    """
    if len(rows) == 1 or _is_plain(columns, rows):
        return (Part(rows, ""),)
    stacks = {
        f"{hard}|{soft}": stack
        for hard, kind in _by(_kinds(columns, rows), rows).items()
        for soft, stack in _reconstructions(columns, kind).items()
    }
    order = sorted(stacks, key=lambda name: (-len(stacks[name]), name))
    tags = ["", *(sha256(name.encode()).hexdigest()[:_TAG_CHARACTERS] for name in order[1:])]
    return tuple(Part(stacks[name], tag) for name, tag in zip(order, tags, strict=True))


def _is_plain(columns: InstanceColumns, rows: Rows) -> bool:
    """Whether nothing differs and the planes make one stack: nearly every series, quickly told."""
    texts = all(len(columns.texts[n].distinct(rows)) <= 1 for n in _PLAIN_TEXTS)
    same = all(_is_same(columns.numbers[n][rows]) for n in _PLAIN_NUMBERS)
    same = same and _is_same(columns.days[rows])
    if not (texts and same and len(columns.image_types.distinct(rows)) <= 1):
        return False
    if not (_is_same(columns.cosines[rows]) and _is_stack(columns, rows)):
        return False
    places = in_plane_mm(columns, rows)
    if np.any(np.ptp(places, axis=0) > CENTRE_MM) or in_time(columns, rows):
        return False
    return len(runs(columns, rows)) == 1


def _is_same(values: NDArray[np.float64]) -> bool:
    return bool(np.array_equal(values, np.broadcast_to(values[0], values.shape), equal_nan=True))


def _by(labels: Sequence[str], rows: Rows) -> dict[str, Rows]:
    found: dict[str, list[int]] = defaultdict(list)
    for label, row in zip(labels, rows.tolist(), strict=True):
        found[label].append(row)
    return {label: np.array(group, dtype=np.int64) for label, group in found.items()}


def _kinds(columns: InstanceColumns, rows: Rows) -> list[str]:
    """Label rows by what cannot lie in one stack."""
    classes = columns.texts["sop_class_uid"]
    parts = [
        [classes.values[code] for code in classes.codes[rows]],
        [f"{v:g}" for v in columns.numbers["rows"][rows]],
        [f"{v:g}" for v in columns.numbers["columns"][rows]],
        _near(columns.numbers["row_spacing_mm"][rows, None], _spacing_apart),
        _near(columns.numbers["column_spacing_mm"][rows, None], _spacing_apart),
        _near(columns.cosines[rows], lambda a, b: bool(np.abs(a - b).max() > COSINES_APART)),
        [_computed(columns.image_types.values[code]) for code in columns.image_types.codes[rows]],
        _frames_of_reference(columns, rows),
    ]
    return [" ".join(label).rstrip() for label in zip(*parts, strict=True)]


def _frames_of_reference(columns: InstanceColumns, rows: Rows) -> list[str]:
    """Label rows by their frame of reference; what does not tell goes with the most frequent."""
    frames = columns.texts["frame_digest"]
    if not 1 < len(frames.distinct(rows)) <= MAX_FRAMES_OF_REFERENCE:
        return [""] * len(rows)
    usual = frames.most_common(rows)
    return [frames.values[code] or usual for code in frames.codes[rows]]


@lru_cache(maxsize=4096)
def _computed(image_type: str) -> str:
    """Name what ImageType says the image was computed as; empty of one as it was taken."""
    values = image_type.split("\\")
    kinds = {"scout": SCOUT_TYPES, "projection": PROJECTION_TYPES, "spectral": SPECTRAL_TYPES}
    kinds |= {"derived": DERIVED_TYPES}
    return next((name for name, words in kinds.items() if image_type_says(values, words)), "")


def _spacing_apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    return bool(abs(a[0] - b[0]) > SPACING_SHARE * abs(b[0]))


def _near(
    values: NDArray[np.float64],
    is_apart: Callable[[NDArray[np.float64], NDArray[np.float64]], bool],
) -> list[str]:
    """Label each row by the most frequent value it is near to.

    What a row does not tell sets it apart from nothing: it goes with the most frequent.
    """
    found, inverse, counts = np.unique(
        np.round(values, 4) + 0.0, axis=0, return_inverse=True, return_counts=True
    )
    inverse = inverse.reshape(-1)
    is_told = [bool(np.isfinite(value).all()) for value in found]
    order = [int(k) for k in np.argsort(-counts, kind="stable") if is_told[k]]
    label = np.full(len(found), order[0] if order else 0)
    leaders: list[int] = []
    for k in order:
        near = [lead for lead in leaders if not is_apart(found[k], found[lead])]
        leaders += [] if near else [k]
        label[k] = near[0] if near else k
    return [np.array2string(found[label[k]], precision=4) for k in inverse]


def _reconstructions(columns: InstanceColumns, rows: Rows) -> dict[str, Rows]:
    """Split images of one kind where that makes stacks of what is none, or is finer than each."""
    if len(rows) == 1:
        return {"": rows}
    for tell in (_by_recipe, _by_acquisition, _by_pass, _by_centre, _by_run):
        parts = tell(columns, rows)
        if len(parts) > 1:
            return {
                f"{name} {further}".strip(): stack
                for name, part in parts.items()
                for further, stack in _reconstructions(columns, part).items()
            }
    return {"": rows}


def _by_recipe(columns: InstanceColumns, rows: Rows) -> dict[str, Rows]:
    parts = _by(_recipes(columns, rows), rows)
    return parts if len(parts) > 1 and _are_apart(columns, rows, list(parts.values())) else {}


def _by_acquisition(columns: InstanceColumns, rows: Rows) -> dict[str, Rows]:
    """Tell apart by AcquisitionNumber: breath, arms or the patient may have moved between two."""
    numbers = columns.numbers["acquisition_number"][rows]
    told = np.unique(numbers[np.isfinite(numbers)])
    if len(told) > MAX_ACQUISITIONS:
        return {}
    # Where one number is all that is told, what has none may be another acquisition.
    labels = _near(numbers[:, None], lambda a, b: bool(a[0] != b[0]))
    parts = _by(labels if len(told) > 1 else [f"{number:g}" for number in numbers], rows)
    several = list(parts.values())
    # Blocks scanned one after another may share some planes at their ends.
    if not _overlap(columns, several, MOST) or not _are_apart(columns, rows, several):
        return {}
    return parts


def _by_pass(columns: InstanceColumns, rows: Rows) -> dict[str, Rows]:
    """Tell apart by when they were acquired, else by many acquisition numbers."""
    for several in in_time(columns, rows) + in_number(columns, rows):
        if not _overlap(columns, several, MOST) or not _are_apart(columns, rows, several):
            continue
        if _show_other_planes(columns, several, [_measure(columns, part) for part in several]):
            return {f"pass {k}": part for k, part in enumerate(several)}
    return {}


def _by_centre(columns: InstanceColumns, rows: Rows) -> dict[str, Rows]:
    """Tell apart by where the image lies in its plane; what leans (a gantry's tilt) does not."""
    places = in_plane_mm(columns, rows)
    if len(np.unique(np.round(places / CENTRE_MM), axis=0)) > _CELLS * MAX_CENTRES:
        return {}
    labels = _near(places, lambda a, b: bool(np.abs(a - b).max() > CENTRE_MM))
    parts = _by(labels, rows)
    several = list(parts.values())
    if not 1 < len(parts) <= MAX_CENTRES or not _are_apart(columns, rows, several):
        return {}
    whole = all(_is_stack(columns, p) and len(p) > 1 for p in several)
    return parts if whole else {}


def _by_run(columns: InstanceColumns, rows: Rows) -> dict[str, Rows]:
    found = runs(columns, rows)
    measured = [_measure(columns, run) for run in found]
    if any(m.n_conflicts or m.is_uneven or not m.increment_mm for m in measured):
        return {}
    if min(map(len, found)) < MIN_RUN or not _are_apart(columns, rows, found):
        return {}
    if len(found) < 2 or not _show_other_planes(columns, found, measured):
        return {}
    names = [f"increment {m.increment_mm:.2f}" for m in measured]
    if len(set(names)) < len(names):
        names = [f"{n} from {m.z_range_mm}" for n, m in zip(names, measured, strict=True)]
    return dict(zip(names, found, strict=True))


def _measure(columns: InstanceColumns, rows: Rows) -> Geometry:
    planes = planes_of(columns, rows)
    return measure(planes.positions_mm, planes.cosines, np.nan)


def _is_stack(columns: InstanceColumns, rows: Rows) -> bool:
    found = _measure(columns, rows)
    return not found.n_conflicts and not found.is_uneven


def _recipes(columns: InstanceColumns, rows: Rows) -> list[str]:
    """Label rows by how they were reconstructed; ImageType only where it tells anything."""
    kernels, kinds = columns.texts["kernel"], columns.image_types
    thick_mm = columns.numbers["thickness_mm"][rows]
    labels = [
        f"{kernels.values[code].upper()} {np.round(thick / THICKNESS_STEP_MM):g}{more}"
        for code, thick, more in zip(
            kernels.codes[rows], thick_mm, _told_apart(columns, rows), strict=True
        )
    ]
    if len(np.unique(kinds.codes[rows])) == 1:
        return labels
    types = (kinds.values[code].upper() for code in kinds.codes[rows])
    return [f"{label} {kind}" for label, kind in zip(labels, types, strict=True)]


def _told_apart(columns: InstanceColumns, rows: Rows) -> list[str]:
    """Return tube voltage, day and description of each row where they differ; else nothing."""
    kvp, said = columns.numbers["kvp"][rows], columns.texts["series_description"]
    labels = [""] * len(rows)
    if len(np.unique(kvp[np.isfinite(kvp)])) > 1:
        labels = [f" {v:g} kV" for v in kvp]
    days = columns.days[rows]
    if np.any(days > np.nanmin(days, initial=np.inf) + DAYS_APART):
        labels = [f"{label} day {day:g}" for label, day in zip(labels, days, strict=True)]
    if len(said.distinct(rows)) > 1:
        words = (said.values[code].upper() for code in said.codes[rows])
        labels = [f"{label} {word}" for label, word in zip(labels, words, strict=True)]
    return labels


def _are_apart(columns: InstanceColumns, rows: Rows, parts: Sequence[Rows]) -> bool:
    """Whether the parts show one stretch of the body, and together no stack or a finer one."""
    if not _overlap(columns, parts):
        return False
    together = _measure(columns, rows)
    if together.n_conflicts or together.is_uneven:
        return True
    step_mm = _measure(columns, max(parts, key=len)).increment_mm
    if together.increment_mm is None or step_mm is None:
        return False
    return together.increment_mm < FINER_SHARE * step_mm


def _overlap(columns: InstanceColumns, parts: Sequence[Rows], share: float = 0.0) -> bool:
    """Whether two of the parts show the same stretch of the body: else one goes on in the other.

    share : how much of the shorter of the two lies in the other, at least
    """
    ranges = sorted(r for part in parts if (r := _measure(columns, part).z_range_mm) is not None)
    return any(
        min(a[1], b[1]) - b[0] > share * min(a[1] - a[0], b[1] - b[0]) for a, b in pairwise(ranges)
    )


def _show_other_planes(
    columns: InstanceColumns, found: Sequence[Rows], measured: Sequence[Geometry]
) -> bool:
    """Whether any two runs differ in increment, or have no plane in common."""
    steps = [m.increment_mm or 0.0 for m in measured]
    offsets = [offsets_mm(columns, run) for run in found]
    return all(
        abs(steps[a] - steps[b]) > GAP_TOLERANCE * max(steps[a], steps[b])
        or float(np.abs(offsets[a][:, None] - offsets[b]).min()) > SAME_POSITION_MM
        for a, b in combinations(range(len(found)), 2)
    )
