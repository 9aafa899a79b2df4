"""Numbers that are not what a manifest says are told at once, never scored."""

import numpy as np
import pytest

from screening.inference.answers import UnusableOutputError, activate
from screening.inference.description import NetworkOutput


def output(classes, labels):
    return NetworkOutput(
        values="logits", classes=classes, labels=labels, threshold=0.5, count_from_hu=130
    )


def shares(n):
    rng = np.random.default_rng(3)
    return rng.dirichlet((5.0, 1.0), n).astype(np.float32)


@pytest.mark.parametrize(
    ("raw", "classes", "labels"),
    [
        (np.full((100, 1), 0.02, np.float32), "sigmoid", ["CORONARY"]),
        (shares(100), "softmax", ["NONE", "LAD"]),
    ],
)
def test_probabilities_that_are_called_logits_are_refused(raw, classes, labels):
    with pytest.raises(UnusableOutputError, match="the manifest says logits"):
        activate(raw, output(classes, labels))


@pytest.mark.parametrize(
    ("raw", "classes", "labels"),
    [
        (np.full((99, 1), 0.02, np.float32), "sigmoid", ["CORONARY"]),  # may be by chance
        (shares(100) * 1.1, "softmax", ["NONE", "LAD"]),
        (shares(100) - 0.01, "softmax", ["NONE", "LAD"]),
        (np.linspace(-0.01, 1, 200, dtype=np.float32)[:, None], "sigmoid", ["CORONARY"]),
        (np.linspace(0, 1.01, 200, dtype=np.float32)[:, None], "sigmoid", ["CORONARY"]),
    ],
)
def test_what_may_be_logits_is_taken_for_logits(raw, classes, labels):
    assert activate(raw, output(classes, labels)).shape == raw.shape
