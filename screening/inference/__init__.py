"""Inference: what the bright voxels near the heart are.

Comes in: a checked `Volume` and a model's name or folder; for a reference a NIfTI mask; a
network that a site brings.
Goes out: `Labelled` (labels and probabilities of bright voxels, heart box, blood pool), or
`MaskLabels` (a given mask on the volume's grid); manifests, verifications and timings of models;
what was seen of a series, packed to be kept.
Refuses: models whose files are not what their manifest says, volumes without a heart
(`not_chest`), unusable network output (`model_failed`), scans beyond a network's field
(`model_field`), a GPU that did not load (`no_gpu`), masks of another geometry, what was seen and
is damaged.
"""

from screening.inference.bench import Timing, time_model
from screening.inference.brought import Work
from screening.inference.description import CARD_FILE, BroughtManifest, Description
from screening.inference.importing import build_model, check_repeats_on, read_description
from screening.inference.infer import infer, infer_counted
from screening.inference.manifest import (
    Manifest,
    Model,
    Verification,
    check_new_name,
    digest_of,
    list_models,
    open_model,
)
from screening.inference.mask import MaskLabels, labels_from_mask
from screening.inference.packed import pack, unpack
from screening.inference.session import require_providers
from screening.inference.verify import verify_models

__all__ = [
    "CARD_FILE",
    "BroughtManifest",
    "Description",
    "Manifest",
    "MaskLabels",
    "Model",
    "Timing",
    "Verification",
    "Work",
    "build_model",
    "check_new_name",
    "check_repeats_on",
    "digest_of",
    "infer",
    "infer_counted",
    "labels_from_mask",
    "list_models",
    "open_model",
    "pack",
    "read_description",
    "require_providers",
    "time_model",
    "unpack",
    "verify_models",
]
