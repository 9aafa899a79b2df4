"""Two reconstructions under one SeriesInstanceUID, told apart.

Comes in: the columns of all instances and the rows of one UID, second copies left out.
Goes out: the rows of each stack, the largest first, each with a tag that names what sets it apart.
Refuses: nothing; where nothing tells the stacks apart they stay together, and whoever measures
them finds planes in conflict.

Images of another kind, matrix, pixel spacing or orientation never make one stack: a scout stored
with its scan is one of its own. Images of another kernel or slice thickness do, where a header
changed on the way down; they are told apart only where together they make no even stack. So are
runs of image numbers, and only where the runs differ in increment: the same planes taken
several times (a 4-D scan) stay together.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from screening.catalogue.columns import InstanceColumns
from screening.catalogue.geometry import GAP_TOLERANCE, Geometry, measure
from screening.catalogue.planes import planes_of

Rows = NDArray[np.int64]

# Another field of view changes the pixel spacing by more; less is a matter of digits, and stays.
SPACING_SHARE = 0.01
# Direction cosines of two reconstructions differ by more (1.1 degrees); less stays together.
COSINES_APART = 0.02
# Thickness is written with two or three decimals (0.625 mm as 0.63).
THICKNESS_STEP_MM = 0.1
_TAG_CHARACTERS = 8


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
    texts = all(len(columns.texts[n].distinct(rows)) <= 1 for n in ("sop_class_uid", "kernel"))
    names = ("rows", "columns", "row_spacing_mm", "column_spacing_mm", "thickness_mm")
    same = all(_is_same(columns.numbers[n][rows]) for n in names)
    return texts and same and _is_same(columns.cosines[rows]) and _is_stack(columns, rows)


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
    ]
    return [" ".join(label) for label in zip(*parts, strict=True)]


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
    """Split images of one kind where that makes stacks of what is none."""
    if len(rows) == 1 or _is_stack(columns, rows):
        return {"": rows}
    by_recipe = _by(_recipes(columns, rows), rows)
    if len(by_recipe) > 1 and _overlap(columns, list(by_recipe.values())):
        return by_recipe
    runs = _runs(columns, rows)
    if len(runs) > 1 and _differ_in_increment(columns, runs):
        return {f"increment {_measure(columns, run).increment_mm:.2f}": run for run in runs}
    return {"": rows}


def _measure(columns: InstanceColumns, rows: Rows) -> Geometry:
    planes = planes_of(columns, rows)
    return measure(planes.positions_mm, planes.cosines, np.nan)


def _is_stack(columns: InstanceColumns, rows: Rows) -> bool:
    found = _measure(columns, rows)
    return not found.n_conflicts and not found.is_uneven


def _recipes(columns: InstanceColumns, rows: Rows) -> list[str]:
    kernels, thick_mm = columns.texts["kernel"], columns.numbers["thickness_mm"][rows]
    return [
        f"{kernels.values[code].upper()} {np.round(thick / THICKNESS_STEP_MM):g}"
        for code, thick in zip(kernels.codes[rows], thick_mm, strict=True)
    ]


def _overlap(columns: InstanceColumns, parts: Sequence[Rows]) -> bool:
    """Whether two of the parts show the same stretch of the body: else one goes on in the other."""
    ranges = sorted(r for part in parts if (r := _measure(columns, part).z_range_mm) is not None)
    return any(b[0] < a[1] for a, b in pairwise(ranges))


def _runs(columns: InstanceColumns, rows: Rows) -> list[Rows]:
    """Cut where, along the image numbers, the table jumps back; nothing where numbers repeat."""
    numbers = columns.numbers["image_number"][rows]
    if not np.isfinite(numbers).all() or len(np.unique(numbers)) < len(numbers):
        return [rows]
    ordered = rows[np.argsort(numbers)]
    along = columns.positions_mm[ordered] @ _normal(columns, ordered)
    steps = np.diff(along)
    ahead = np.sign(np.median(np.sign(steps)))
    cuts = np.flatnonzero(np.sign(steps) == -ahead) + 1
    return list(np.split(ordered, cuts))


def _normal(columns: InstanceColumns, rows: Rows) -> NDArray[np.float64]:
    cosines = columns.cosines[rows[0]]
    normal: NDArray[np.float64] = np.cross(cosines[:3], cosines[3:])
    return normal


def _differ_in_increment(columns: InstanceColumns, runs: Sequence[Rows]) -> bool:
    """Whether each run is an even stack, and no two have one increment."""
    found = [_measure(columns, run) for run in runs]
    if any(f.n_conflicts or f.is_uneven or f.increment_mm is None for f in found):
        return False
    steps = sorted(f.increment_mm for f in found if f.increment_mm is not None)
    return all(b - a > GAP_TOLERANCE * b for a, b in pairwise(steps))
