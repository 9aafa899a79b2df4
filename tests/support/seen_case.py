"""A heart of a few voxels: what inference might have seen of it."""

import numpy as np

from screening.records import Label, Labelled, ModelIdentity
from screening.seen import Regions, Seen
from screening.things import SHARES, Things

NAMES = tuple(label.name.lower() for label in Label)
# label, HU, first slice, probabilities in per cent; each a block of 2 x 4 x 4 voxels of 1 mm.
SPOTS = (
    (Label.LAD, 327, 5, {"lad": 98, "lcx": 1.4}),
    (Label.AORTA, 412, 9, {"aorta": 81, "lad": 12, "none": 7}),
    (Label.NONE, 141, 12, {"none": 50.04, "rca": 49.96}),
    *((Label.BONE, 600, 15, {"bone": 100}) for _ in range(3)),
)


def some_seen(model_digest: str, image_digest: str, spots=SPOTS, n_native: int = 1) -> Seen:
    shape = (20, 60, 60)
    owner = np.full(shape, -1, dtype=np.int32)
    for k, (_, _, first, _) in enumerate(spots):
        owner[first : first + 2, 20:24, 5 + 8 * k : 9 + 8 * k] = k
    index = np.flatnonzero(owner >= 0)
    of = owner.ravel()[index]
    label = np.array([spot[0] for spot in spots], dtype=np.uint8)[of]
    shares = np.array([[s[3].get(name, 0) / 100 for name in NAMES] for s in spots])
    coronary = shares[:, [int(v) for v in (Label.LM, Label.LAD, Label.LCX, Label.RCA)]].sum(1)
    labelled = Labelled(
        index=index,
        label=label,
        probability=shares.max(1).astype(np.float32)[of],
        heart_box=(0, 20, 10, 50, 0, 60),
        is_heart_cut=False,
        blood_pool=None,
        model=ModelIdentity("hand", model_digest, "CPUExecutionProvider"),
        things=Things(
            owner=of,
            names=NAMES,
            shares=np.rint(shares * SHARES).astype(np.uint16),
            coronary=np.rint(coronary * SHARES).astype(np.uint16),
            counts_from=0.5,
        ),
    )
    stack = Regions(
        labelled=labelled,
        hu=np.array([spot[1] for spot in spots], dtype=np.int16)[of],
        shape=shape,
        spacing_mm=(1.0, 1.0),
        origins_lps_mm=np.stack([np.zeros(20), np.zeros(20), -3.0 * np.arange(20)], axis=1),
        row_axis_lps=np.array([0.0, 1.0, 0.0]),
        column_axis_lps=np.array([1.0, 0.0, 0.0]),
        increments_mm=np.full(20, 3.0),
        kvp=120.0,
    )
    return Seen("code", image_digest, stack, None, (n_native,) * 20)
