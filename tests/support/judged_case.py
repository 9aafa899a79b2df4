"""An outcome of the evaluation, all zero but for what a test names."""

import dataclasses

from models.train.judge import Outcome

BASE = Outcome(
    name="x", true=0.0, perfect=0.0, found=0.0, vessels_perfect=(0.0,) * 4,
    vessels_found=(0.0,) * 4, n_lesions=0, n_found=0, n_right=0, n_false=0, n_vessel_right=0,
    thickness_mm=2.0, kernel="soft", kvp=120.0, noise_hu=10.0, motion_mm=0.0, has_stent=False,
    seconds=1.0, is_rejected=False, wrong=(),
)  # fmt: skip


def of(true, found, **more):
    return dataclasses.replace(BASE, true=true, found=found, **more)
