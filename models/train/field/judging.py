"""All architectures on one test scan.

Comes in: a seed of the test range, the networks as ONNX files.
Goes out: for each row of the table an `Outcome` whose seconds are those of its network alone.
Refuses: nothing; a scan without a heart is refused for every row alike.

Heart, bright things and the cut at 0.5 are the same for all rows. A segmenting network is read in
two ways: a thing takes the mean of its voxels' probabilities, or each voxel takes its own.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.train.field.architectures import Kind
from models.train.field.samples import Crop, Seen, context, crop_of, planes, see
from models.train.judge import Outcome, judge
from models.train.phantoms import TEST_SEED
from models.train.shifted import TestCase, shifted_case
from screening.inference.anatomy import heart_box
from screening.inference.frame import coarse_grid, make_frame
from screening.inference.labelling import decide
from screening.inference.manifest import CPU_PROVIDER
from screening.inference.runtime import ort
from screening.inference.session import Networks
from screening.reasons import Reason, Room
from screening.records import CORONARY_LABELS, Labelled, ModelIdentity, Rejection

FIELD_FROM = TEST_SEED + 400_000
GPU_PROVIDER = "CUDAExecutionProvider"
VOXELS = "-voxels"  # a segmenting network's row where each voxel takes its own label
_FATAL = 4
_PLANES_A_CALL = 8
_THINGS_A_CALL = 64
Floats = NDArray[np.float32]
Given = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Contender:
    """One network of the comparison, open."""

    key: str
    kind: Kind
    session: ort.InferenceSession
    gpu: ort.InferenceSession | None


def open_contender(key: str, kind: Kind, path: Path) -> Contender:
    """Open on one CPU thread, and on a GPU where one is at hand."""
    cpu = ort.InferenceSession(path, _options(), providers=[CPU_PROVIDER])
    gpu = None
    if GPU_PROVIDER in ort.get_available_providers():
        # Where it finds none, the runtime falls back to the CPU, and complains at each attempt.
        ort.set_default_logger_severity(_FATAL)
        gpu = ort.InferenceSession(path, _options(), providers=[GPU_PROVIDER, CPU_PROVIDER])
        gpu = gpu if gpu.get_providers()[0] == GPU_PROVIDER else None
    return Contender(key, kind, cpu, gpu)


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL
    return options


@dataclass(frozen=True, slots=True)
class Judged:
    """One row's outcome on one scan; `gpu_seconds` is None without a GPU."""

    row: str
    outcome: Outcome
    gpu_seconds: float | None


def judged(seed: int, contenders: list[Contender], nets: Networks) -> list[Judged]:
    """Scan one test chest and show it to every network."""
    case = shifted_case(seed)
    frame = make_frame(case.volume)
    seen = see(frame, coarse_grid(frame), nets)
    if seen is None:
        nothing = Rejection(Room.INFERENCE, case.name, Reason.NOT_CHEST)
        rows = [row for one in contenders for row in rows_of(one)]
        return [Judged(row, judge(case, nothing, 0.0), None) for row in rows]
    crop, near = crop_of(seen), near_heart(case, seen)
    return [row for one in contenders for row in _on_one(near, seen, crop, one)]


def rows_of(one: Contender) -> list[str]:
    """Return the rows that a network fills."""
    return [one.key] if one.kind is Kind.THINGS else [one.key, one.key + VOXELS]


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """The part of a case in which anything can be found or missed: judged in a tenth of the time.

    first : int64 (3,), its first voxel in the whole volume
    shape : of the whole volume
    """

    case: TestCase
    first: NDArray[np.int64]
    shape: tuple[int, ...]


def near_heart(case: TestCase, seen: Seen) -> Near:
    """Cut out the heart's reach and all true calcium of the coronaries."""
    volume = case.volume
    reach = seen.frame.volume_box(heart_box(seen.frame, seen.grid, seen.anatomy.reach))
    low, high = np.array(reach[0::2]), np.array(reach[1::2])
    true = np.isin(case.labels, [int(label) for label in CORONARY_LABELS])
    for box in ndimage.find_objects(true.astype(np.uint8)):
        low = np.minimum(low, [part.start for part in box])
        high = np.maximum(high, [part.stop for part in box])
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    corners = np.tile(low.astype(np.float64), (high[0] - low[0], 1))
    corners[:, 0] += np.arange(len(corners))
    smaller = replace(
        volume,
        hu=volume.hu[box],
        origins_lps_mm=volume.lps_mm(corners),
        increments_mm=volume.increments_mm[box[0]],
    )
    return Near(replace(case, volume=smaller, labels=case.labels[box]), low, volume.hu.shape)


def _on_one(near: Near, seen: Seen, crop: Crop, one: Contender) -> list[Judged]:
    calls = list(inputs(one, seen, crop))
    p, seconds = _timed(one.session, calls, time.process_time)
    gpu_seconds = None if one.gpu is None else _timed(one.gpu, calls, time.perf_counter)[1]
    if one.kind is Kind.THINGS:
        readings = [np.concatenate(p)[seen.things.owner]]
    else:
        each = at_spots(one.kind, p, crop)
        owner = seen.things.owner
        mean = np.stack([np.bincount(owner, v) for v in each.T], axis=1)
        readings = [(mean / np.bincount(owner)[:, None]).astype(np.float32)[owner], each]
    return [
        Judged(row, judge(near.case, labelled(near, seen, reading), seconds), gpu_seconds)
        for row, reading in zip(rows_of(one), readings, strict=True)
    ]


def inputs(one: Contender, seen: Seen, crop: Crop) -> list[Given]:
    """Return what the network is given, call by call."""
    if one.kind is Kind.THINGS:
        # Weights from before the last features came take those that they know: the first ones.
        known = next(i.shape[1] for i in one.session.get_inputs() if i.name == "features")
        things = seen.things
        starts = range(0, len(things.patches), _THINGS_A_CALL)
        return [
            {
                "patch": things.patches[k : k + _THINGS_A_CALL],
                "mask": things.masks[k : k + _THINGS_A_CALL],
                "features": things.features[k : k + _THINGS_A_CALL, :known],
            }
            for k in starts
        ]
    whole = slice(None)
    around = context(crop, (whole, whole, whole))
    if one.kind is Kind.BLOCK:
        return [{"hu": crop.hu[None, None].astype(np.float32), "context": around[None]}]
    asked = np.unique(crop.spot[:, 0])  # a plane without a bright thing has nothing to label
    parts = [asked[k : k + _PLANES_A_CALL] for k in range(0, len(asked), _PLANES_A_CALL)]
    return [
        {"hu": planes(crop, part, whole, whole), "context": around[:, part].swapaxes(0, 1)}
        for part in parts
    ]


def _timed(
    session: ort.InferenceSession, calls: list[Given], clock: Callable[[], float]
) -> tuple[list[Floats], float]:
    """Run all calls; processor time on one thread, or a GPU's by the clock on the wall."""
    started = clock()
    out = [session.run(None, call)[0] for call in calls]
    return out, clock() - started


def at_spots(kind: Kind, p: list[Floats], crop: Crop) -> Floats:
    """Probabilities, float32 (m, labels), at the bright things' voxels."""
    z, y, x = crop.spot.T
    if kind is Kind.PLANES:
        z = np.searchsorted(np.unique(z), z)
        return np.ascontiguousarray(np.concatenate(p)[z, :, y, x])
    return np.ascontiguousarray(p[0][0][:, z, y, x].T)


def labelled(near: Near, seen: Seen, p: Floats) -> Labelled:
    """Give each bright voxel the label that its probabilities decide, as inference does."""
    label, probability = decide(p)
    frame, voxels = seen.frame, seen.things.voxels
    whole = frame.flat_index(voxels[:, 0], voxels[:, 1], voxels[:, 2])
    at = np.stack(np.unravel_index(whole, near.shape), axis=1) - near.first
    index = np.ravel_multi_index(tuple(at.T), near.case.volume.hu.shape)
    order = np.argsort(index)
    return Labelled(
        index=index[order],
        label=label[order],
        probability=probability[order],
        heart_box=frame.volume_box(heart_box(frame, seen.grid, seen.anatomy.heart)),
        is_heart_cut=seen.anatomy.is_cut,
        blood_pool=seen.blood,
        model=ModelIdentity("field", "", CPU_PROVIDER),
    )
