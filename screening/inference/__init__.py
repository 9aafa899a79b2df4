"""Inference: what the bright voxels near the heart are.

Comes in: a checked `Volume` and a model's name or folder; for a reference a NIfTI mask.
Goes out: `Labelled` (labels and probabilities of bright voxels, heart box, blood pool), or
`MaskLabels` (a given mask on the volume's grid); manifests and verifications of models.
Refuses: models whose files are not what their manifest says, volumes without a heart
(`not_chest`), unusable network output (`model_failed`), masks of another geometry.
"""

from screening.inference.labelling import infer
from screening.inference.manifest import (
    Manifest,
    Model,
    Verification,
    list_models,
    open_model,
    verify_models,
)
from screening.inference.mask import MaskLabels, labels_from_mask

__all__ = [
    "Manifest",
    "MaskLabels",
    "Model",
    "Verification",
    "infer",
    "labels_from_mask",
    "list_models",
    "open_model",
    "verify_models",
]
