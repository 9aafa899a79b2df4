"""What a brought network's numbers say.

Comes in: the raw numbers at each bright voxel, and what the manifest says of them.
Goes out: probabilities; a label and a probability a voxel.
Refuses: numbers that are not what the manifest says (`UnusableOutputError`).
"""

import numpy as np
from numpy.typing import NDArray

from screening.inference.description import CORONARY, NetworkOutput
from screening.records import CORONARY_LABELS, Label

Floats = NDArray[np.float32]
VESSELS = np.array([int(label) for label in CORONARY_LABELS], dtype=np.uint8)
UNNAMED = 255  # a coronary label whose artery is still to be told
_PROBABILITY_SLACK = 1e-3
_ENOUGH_VOXELS = 100  # logits that happen to lie from 0 to 1 are not so many
_ROUGH_SUM = 1e-2  # softmax in half precision sums to one within this


class UnusableOutputError(Exception):
    """A network's output is not what it should be; the text says how."""


def activate(raw: Floats, output: NetworkOutput) -> Floats:
    """Probabilities, float32 (m, labels), of what the network gave.

    Raises
    ------
    UnusableOutputError
        Probabilities, says the manifest, and they are none; or logits, and they are probabilities.
    """
    if output.values == "probabilities":
        low, high = -_PROBABILITY_SLACK, 1 + _PROBABILITY_SLACK
        if len(raw) and not (raw.min() >= low and raw.max() <= high):
            raise UnusableOutputError(
                f"the output goes from {raw.min():.3g} to {raw.max():.3g}, the manifest says "
                "probabilities"
            )
        if output.classes == "softmax" and len(raw) and np.abs(raw.sum(1) - 1).max() > _ROUGH_SUM:
            raise UnusableOutputError("the probabilities of the classes do not sum to one")
        return raw
    if _are_probabilities(raw, output):
        raise UnusableOutputError(
            f"the output of all {len(raw)} bright voxels lies between 0 and 1, the manifest says "
            "logits; probabilities read as logits would count everything"
        )
    if output.classes == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(raw, -60, 60))), dtype=np.float32)
    shifted = np.exp(raw - raw.max(1, keepdims=True))
    return np.asarray(shifted / shifted.sum(1, keepdims=True), dtype=np.float32)


def _are_probabilities(raw: Floats, output: NetworkOutput) -> bool:
    """Whether so many numbers all lie from 0 to 1, and sum to one where classes exclude another."""
    if len(raw) < _ENOUGH_VOXELS or raw.min() < 0 or raw.max() > 1:
        return False
    return output.classes == "sigmoid" or bool(np.abs(raw.sum(1) - 1).max() <= _ROUGH_SUM)


def decide(p: Floats, output: NetworkOutput) -> tuple[NDArray[np.uint8], Floats]:
    """One label a point: first coronary or not, then which.

    Parameters
    ----------
    p : float32 (m, labels)
    output : what the channels are

    Returns
    -------
    label uint8 (m,), `UNNAMED` where the artery is not told; probability float32 (m,)
    """
    codes = _codes(output)
    is_vessel = np.isin(codes, [*VESSELS, UNNAMED])
    n = len(p)
    vessels, others = p[:, is_vessel], p[:, ~is_vessel]
    coronary = coronary_of(p, output)
    other = others.max(1) if others.shape[1] else np.zeros(n, dtype=np.float32)
    if output.threshold is None:
        is_coronary, is_other = vessels.max(1) >= other, np.ones(n, dtype=bool)
    else:
        is_coronary, is_other = coronary >= output.threshold, other >= output.threshold
    label = np.zeros(n, dtype=np.uint8)
    if others.shape[1]:
        label = np.where(is_other, codes[~is_vessel][others.argmax(1)], label)
    label = np.where(is_coronary, codes[is_vessel][vessels.argmax(1)], label)
    probability = np.where(is_coronary, coronary, other).astype(np.float32)
    return label.astype(np.uint8), np.clip(probability, 0, 1)


def coronary_of(p: Floats, output: NetworkOutput) -> Floats:
    """Probability of being coronary at all, float32 (m,)."""
    vessels = p[:, np.isin(_codes(output), [*VESSELS, UNNAMED])]
    # Sigmoids are no parts of one whole: their sum means nothing.
    together = vessels.sum(1) if output.classes == "softmax" else vessels.max(1)
    return np.asarray(together, dtype=np.float32)


def _codes(output: NetworkOutput) -> NDArray[np.uint8]:
    return np.array(
        [UNNAMED if name == CORONARY else int(Label[name]) for name in output.labels],
        dtype=np.uint8,
    )
