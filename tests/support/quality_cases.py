"""Simulated chests on which quality is measured, and helpers to look at them.

Comes in: seeds, traits, a protocol. Goes out: volumes as the program reads them, masks of places.
Refuses: nothing.
"""

from dataclasses import replace

import numpy as np

from screening.phantom import (
    Body,
    Protocol,
    SimulatedScan,
    Traits,
    make_body,
    random_traits,
    simulate,
)
from screening.records import Acquisition, Labelled, Volume
from screening.surroundings import Place

# Nothing that can be taken for calcium or hides it.
CLEAN = {
    "coronary_agatston_target": 0.0, "aorta_mg": 0.0, "aortic_valve_mg": 0.0,
    "mitral_annulus_mg": 0.0, "airway_mg": 0.0, "pericardium_mg": 0.0, "node_mg": 0.0,
    "n_stents": 0, "has_clips": False, "has_sternal_wires": False,
}  # fmt: skip
_KERNELS = {"soft": "B20f", "medium": "B35f", "sharp": "B70f"}


def traits(seed: int, **settings: object) -> Traits:
    return replace(random_traits(np.random.default_rng(seed)), **settings)


def heart_protocol(body: Body, **settings: object) -> Protocol:
    """The heart with some chest above and below."""
    low, high = body.heart_box_lps_mm
    made = {
        "matrix": 384, "fov_mm": 340.0, "increment_mm": 2.5, "thickness_mm": 2.5, "noise_hu": 12.0,
        "z_top_mm": float(high[2]) + 35, "z_bottom_mm": float(low[2]) - 20,
    }  # fmt: skip
    return Protocol(**(made | settings))


def volume_of(scan: SimulatedScan, **acquisition: object) -> Volume:
    p = scan.protocol
    made = {
        "kvp": p.kvp, "slice_thickness_mm": p.thickness_mm, "kernel": _KERNELS[p.kernel],
        "manufacturer": "", "model": "", "exposure_mas": None, "is_gated": False,
        "transfer_syntax": "",
    }  # fmt: skip
    return scan.as_volume("simulated", Acquisition(**(made | acquisition)))


def scanned(seed: int, given: dict[str, object], **protocol: object) -> SimulatedScan:
    body = make_body(seed, traits(seed, **given))
    return simulate(body, heart_protocol(body, **protocol), seed)


def cropped(volume: Volume, slices: slice, rows: slice, columns: slice) -> Volume:
    """A part of a volume, at its place in the patient."""
    first = np.array([[s, rows.start or 0, columns.start or 0] for s in range(len(volume.hu))])
    return replace(
        volume,
        hu=np.ascontiguousarray(volume.hu[slices, rows, columns]),
        origins_lps_mm=volume.lps_mm(first.astype(float))[slices],
        increments_mm=volume.increments_mm[slices],
    )


def mask_of(volume: Volume, labelled: Labelled, place: Place) -> np.ndarray:
    """Voxels of a place, uint8 like the volume; looked up every third pixel."""
    mask = np.zeros(volume.hu.shape, dtype=np.uint8)
    rows, columns = (np.arange(0, n, 3) for n in volume.hu.shape[1:])
    at = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
    for k in range(len(volume.hu)):
        index = np.concatenate([np.full((*at.shape[:2], 1), k), at], axis=-1).astype(float)
        found = labelled.surroundings.at(volume.lps_mm(index.reshape(-1, 3))) & place > 0
        wide = found.reshape(at.shape[:2]).repeat(3, axis=0).repeat(3, axis=1)
        mask[k] = wide[: mask.shape[1], : mask.shape[2]]
    return mask
