"""Small scans made by hand."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from screening.records import (
    Acquisition,
    BloodPool,
    Labelled,
    ModelIdentity,
    Volume,
)
from screening.scoring import quality

# The slow scorer lies beside the tests; pytest's importlib mode adds no folder.
sys.path.insert(0, str(Path(__file__).parent))

BLOOD = BloodPool(mean_hu=42.0, sd_hu=15.0, n_voxels=5000)


@dataclass(frozen=True)
class Scan:
    """A volume and its labels."""

    volume: Volume
    labelled: Labelled
    label_map: np.ndarray


def make_scan(
    hu,
    labels,
    spacing_mm=(1.0, 1.0),
    increment_mm=3.0,
    blood_pool=BLOOD,
    is_heart_cut=False,
    heart_box=None,
    origins_z_mm=None,
    flags=(),
    **acquisition,
) -> Scan:
    hu = np.asarray(hu, dtype=np.int16)
    labels = np.asarray(labels, dtype=np.uint8)
    n = len(hu)
    z = 100.0 - increment_mm * np.arange(n) if origins_z_mm is None else np.asarray(origins_z_mm)
    made = {
        "kvp": 120.0,
        "slice_thickness_mm": 3.0,
        "kernel": "B35f",
        "manufacturer": "ACME",
        "model": "",
        "exposure_mas": None,
        "is_gated": False,
        "transfer_syntax": "1.2.840.10008.1.2.1",
        "reconstruction": "fbp",
    } | acquisition
    volume = Volume(
        series_key="s1",
        hu=hu,
        spacing_mm=spacing_mm,
        origins_lps_mm=np.stack([np.full(n, -50.0), np.full(n, -60.0), z], axis=1),
        row_axis_lps=np.array([0.0, 1.0, 0.0]),
        column_axis_lps=np.array([1.0, 0.0, 0.0]),
        increments_mm=np.full(n, float(increment_mm)),
        acquisition=Acquisition(**made),
        image_digest="0" * 64,
        flags=flags,
    )
    # Inference labels bright voxels only.
    index = np.flatnonzero((labels > 0) & (hu >= 90))
    labelled = Labelled(
        index=index.astype(np.int64),
        label=labels.ravel()[index],
        probability=np.full(len(index), 0.99, dtype=np.float32),
        heart_box=heart_box or (0, n, 0, hu.shape[1], 0, hu.shape[2]),
        is_heart_cut=is_heart_cut,
        blood_pool=blood_pool,
        model=ModelIdentity("hand", "0" * 64, "none"),
    )
    return Scan(volume, labelled, labels)


@pytest.fixture
def noise_known(monkeypatch):
    """Hand-made scans are too small to measure noise in; what that says is in test_noise.py."""
    monkeypatch.setattr(quality, "expected_false_agatston", lambda *_: 0.0)


@pytest.fixture(scope="session")
def scan() -> Callable[..., Scan]:
    return make_scan


@pytest.fixture(scope="session")
def block() -> Callable[..., Scan]:
    """One block of one value and label in soft tissue."""

    def make(value=200, label=2, size=(1, 4, 4), shape=(5, 16, 16), **settings):
        hu = np.full(shape, 40)
        labels = np.zeros(shape)
        where = tuple(slice(2, 2 + s) for s in size)
        hu[where], labels[where] = value, label
        return make_scan(hu, labels, **settings)

    return make
