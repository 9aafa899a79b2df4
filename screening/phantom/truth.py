"""What is truly in a scan: labels of bright voxels, Agatston and mass without noise.

Comes in: noise-free HU of the anatomy and what calcium and metal add to it.
Goes out: labels, `Truth`.
Refuses: nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.phantom.agatston import agatston
from screening.phantom.body import Body
from screening.phantom.deposits import Deposit
from screening.phantom.protocol import Geometry, Protocol
from screening.phantom.shapes import Floats
from screening.phantom.splat import Patch
from screening.records import CORONARY_LABELS, Label

LABEL_FROM_HU = 100.0
_LEAST_HU = 3.0  # a deposit that adds less has not made a voxel bright
_OVER_BONE_HU = 60.0  # what a deposit must add to bright bone to be named there
_NO_SCORE = (Label.BONE, Label.METAL)


@dataclass(frozen=True, slots=True)
class Truth:
    """The calcium in a scan's field as it is, without noise and motion.

    agatston : per label, by the default convention on the noise-free, motion-free scan (not
        for bone and metal)
    mass_mg : hydroxyapatite inside the scanned box, per label
    coronary_agatston : the four vessels together
    """

    agatston: Mapping[Label, float]
    mass_mg: Mapping[Label, float]
    coronary_agatston: float
    coronary_mass_mg: float


def add_and_label(base: Floats, patches: list[tuple[Deposit, Patch]]) -> NDArray[np.uint8]:
    """Add patches to `base`, in place, and say what made each voxel bright.

    Parameters
    ----------
    base : HU of the anatomy without calcium and metal
    patches : what they add, and where

    Returns
    -------
    uint8 labels of voxels of at least LABEL_FROM_HU; bone where the anatomy alone is as bright
    """
    labels = np.zeros(base.shape, np.uint8)
    labels[base >= LABEL_FROM_HU] = Label.BONE
    for _, patch in patches:
        base[patch.where] += patch.hu
    strongest = np.zeros(base.shape, np.float32)
    for deposit, patch in patches:
        best, here = strongest[patch.where], labels[patch.where]
        take = (patch.hu > best) & (patch.hu > _LEAST_HU)
        take &= base[patch.where] >= LABEL_FROM_HU
        take &= (here != Label.BONE) | (patch.hu > _OVER_BONE_HU)
        here[take] = deposit.label
        np.maximum(best, patch.hu, out=best)
    return labels


def truth_of(
    hu: Floats,
    labels: NDArray[np.uint8],
    patches: list[tuple[Deposit, Patch]],
    body: Body,
    g: Geometry,
    protocol: Protocol,
) -> Truth:
    """Score the noise-free `hu` by its labels, and weigh what lies in the field."""
    scores: dict[Label, float] = {}
    px = (protocol.pixel_mm, protocol.pixel_mm)
    step = protocol.increment_mm * float(np.cos(np.radians(protocol.tilt_degrees)))
    present = {d.label for d, _ in patches} - set(_NO_SCORE)
    for label in sorted(present):
        boxes = [p.where for d, p in patches if d.label == label]
        low = [min(b[k].start for b in boxes) for k in range(3)]
        high = [max(b[k].stop for b in boxes) for k in range(3)]
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        scores[label] = agatston(np.rint(hu[box]), labels[box] == label, px, step)
    masses: dict[Label, float] = {}
    for d in body.deposits:
        at = g.index(d.points_mm)
        inside = ((at > -0.5) & (at < np.array(g.shape) - 0.5)).all(axis=1).mean()
        if inside > 0 and not d.is_metal:
            masses[d.label] = masses.get(d.label, 0.0) + d.mass_mg * float(inside)
    return Truth(
        scores,
        masses,
        sum(scores.get(k, 0.0) for k in CORONARY_LABELS),
        sum(masses.get(k, 0.0) for k in CORONARY_LABELS),
    )
