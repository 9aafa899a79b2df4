"""A chest whose heart is known, networks that give known answers, and models made of both."""

import functools
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from screening.inference import Description, build_model, open_model
from screening.inference.anatomy import COARSE_CHANNELS
from screening.inference.frame import GRID_CELLS, coarse_grid, make_frame
from screening.records import Acquisition, Volume

CENTRE_MM = (120.0, 130.0, 150.0)  # of the heart: from the top, the front, the right
HEART_MM = 45.0
VESSELS = ("LM", "LAD", "LCX", "RCA")


def make_volume(hu, row_axis=(0.0, 1.0, 0.0), column_axis=(1.0, 0.0, 0.0), spacing=(1.25, 1.25),
                increment=3.0):  # fmt: skip
    n = len(hu)
    origins = np.zeros((n, 3))
    origins[:, 2] = -increment * np.arange(n)
    return Volume(
        series_key="s1",
        hu=np.ascontiguousarray(hu, dtype=np.int16),
        spacing_mm=spacing,
        origins_lps_mm=origins,
        row_axis_lps=np.array(row_axis),
        column_axis_lps=np.array(column_axis),
        increments_mm=np.full(n, increment),
        acquisition=Acquisition(120.0, increment, "B", "X", "Y", None, False, ""),
        image_digest="0" * 64,
    )


def chest():
    """A fresh copy of the chest."""
    return _chest().copy()


@functools.cache
def _chest():
    """A body with two lungs and a heart of 40 HU; spots in the heart, and bone far from it."""
    s, r, c = np.meshgrid(np.arange(80) * 3.0 + 1.5, *[(np.arange(240) + 0.5) * 1.25] * 2,
                          indexing="ij")  # fmt: skip
    hu = np.full(s.shape, -1000.0)
    hu[np.hypot((r - 150) / 110, (c - 150) / 140) < 1] = 30
    for side in (80, 220):
        hu[np.hypot((r - 150) / 80, (c - side) / 45) < 1] = -850
    ball = np.sqrt((s - 120) ** 2 + (r - 130) ** 2 + (c - 150) ** 2) < HEART_MM
    hu[ball] = 40
    for spot, value in SPOTS:
        hu[spot] = value
    hu[:, 200:206, 115:125] = 700  # a spine, all the way down
    return hu


# In the heart: a plaque, its dim neighbours, a pixel, and one at the threshold's lower side.
SPOTS = (
    (np.s_[40:42, 90:93, 118:121], 300),
    (np.s_[40, 90:93, 121], 100),
    (np.s_[36, 120, 120], 900),
    (np.s_[44, 96, 110], 130),
    (np.s_[44, 98, 110], 129),
)


def bright_in_heart(hu, lowest):
    """Voxels the answer must hold: computed from the chest, not by the code under test."""
    out = np.zeros(hu.shape, bool)
    out[30:50, 70:140, 80:160] = hu[30:50, 70:140, 80:160] >= lowest
    return out


@functools.cache
def _corner():
    """Where the coarse grid begins: the same for every chest here."""
    return coarse_grid(make_frame(make_volume(_chest()))).corner


class FakeCoarse:
    """Finds a ball of heart where it is; LAD in front of its centre, RCA behind."""

    provider = "CPUExecutionProvider"

    def __init__(self, peak=0.98):
        self.peak = peak

    def run_coarse(self, grid):
        maps = np.zeros((len(COARSE_CHANNELS), *GRID_CELLS), dtype=np.float32)
        where = np.stack(np.meshgrid(*[np.arange(n) for n in GRID_CELLS], indexing="ij"), -1)
        mm = (where + 0.5 + np.array(_corner())) * 6
        away = np.linalg.norm(mm - np.array(CENTRE_MM), axis=-1)
        maps[COARSE_CHANNELS.index("heart")] = self.peak * (away < HEART_MM)
        is_front = mm[..., 1] < CENTRE_MM[1]
        for name in (*VESSELS, "aortic_valve", "mitral_annulus"):
            maps[COARSE_CHANNELS.index(name)] = 0.7 * np.exp(-((away / 20) ** 2))
        maps[COARSE_CHANNELS.index("LAD")] = np.where(is_front, 0.9, 0.1) * (away < HEART_MM)
        maps[COARSE_CHANNELS.index("RCA")] = np.where(is_front, 0.1, 0.9) * (away < HEART_MM)
        return maps


def network(path: Path, nodes, taken, given, constants=(), opset=17, kind=TensorProto.FLOAT):
    """Write an ONNX file of a few nodes from `image` to `out`; shapes as lists."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("image", kind, taken)],
        [helper.make_tensor_value_info("out", kind, given)],
        [numpy_helper.from_array(value, name) for name, value in constants],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def shifted(path: Path, taken, given, by=-129.5, channel=None, opset=17):
    """Logits: HU - 129.5, so positive from 130 on; of one channel where there are several."""
    nodes, source = [], "image"
    constants = [("by", np.array(by, dtype=np.float32))]
    if channel is not None:
        constants.append(("at", np.array([channel], dtype=np.int64)))
        nodes.append(helper.make_node("Gather", ["image", "at"], ["one"], axis=1))
        source = "one"
    nodes.append(helper.make_node("Add", [source, "by"], ["out"]))
    return network(path, nodes, taken, given, constants, opset)


def drawn_on(path: Path, below_hu, size=240):
    """All from 130 HU on, with noise added where a slice's mean is below so many HU."""
    shape = ["n", 1, size, size]
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1, 2, 3]),
        helper.make_node("Less", ["mean", "below"], ["is_ct"]),
        helper.make_node("Cast", ["is_ct"], ["scale"], to=1),
        helper.make_node("RandomNormalLike", ["image"], ["noise"], scale=50.0),
        helper.make_node("Mul", ["noise", "scale"], ["drawn"]),
        helper.make_node("Add", ["image", "by"], ["above"]),
        helper.make_node("Add", ["above", "drawn"], ["out"]),
    ]
    constants = [("below", np.float32(below_hu)), ("by", np.float32(-129.5))]
    return network(path, nodes, shape, shape, [(name, np.array(v)) for name, v in constants])


SLICE = {
    "kind": "slice",
    "input": {"layout": "ncyx", "field": [240, 240]},
    "output": {
        "values": "logits",
        "classes": "sigmoid",
        "labels": ["CORONARY"],
        "threshold": 0.5,
        "count_from_hu": None,
    },
}


def merged(base, changes):
    """Change a nested dict without touching it; None as a value stays None."""
    out = json.loads(json.dumps(base))
    for name, value in changes.items():
        is_both = isinstance(value, dict) and isinstance(out.get(name), dict)
        out[name] = merged(out[name], value) if is_both else value
    return out


def described(**changes):
    """A description of a slice-wise network, with changes to its `network`."""
    return {
        "name": "ours",
        "version": "1",
        "summary": "a test",
        "trained_on": "nothing",
        "terms": "none",
        "source": "here",
        "network": merged(SLICE, changes),
    }


def model_of(onnx_file: Path, folder: Path, **changes):
    """Import the network and open the model."""
    build_model(onnx_file, Description.model_validate(described(**changes)), folder)
    return open_model(str(folder))
