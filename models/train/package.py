"""The manifest of a trained model.

Comes in: the folder with the ONNX files, and how they were made.
Goes out: `manifest.json` beside them; the whole in another folder.
Refuses: a folder without its three networks.
"""

import json
import shutil
from datetime import date
from hashlib import sha256
from pathlib import Path

from screening.inference.anatomy import COARSE_CHANNELS
from screening.inference.balls import BALL_STEP_MM, BALL_VOXELS, N_BALL_FEATURES
from screening.inference.candidates import N_FEATURES, PATCH_STEP_MM, PATCH_VOXELS
from screening.inference.frame import CELL_MM, GRID_CELLS
from screening.inference.manifest import FORMAT_VERSION, MANIFEST_NAME, REQUIRED_FILES
from screening.records import Label

INPUT_CONTRACT = (
    f"coarse.onnx: grid float32 (1, 3, {', '.join(map(str, GRID_CELLS))}), {CELL_MM:g} mm cells, "
    "head to feet, front to back, right to left: mean of HU clipped to -1000..600 by 500; "
    "mean of HU clipped to -150..130, less 20, by 60; part inside the field. Gives maps 0..1. "
    f"candidate.onnx: patch and mask float32 (n, {', '.join(map(str, PATCH_VOXELS))}) of "
    f"{' x '.join(f'{s:g}' for s in PATCH_STEP_MM)} mm, HU; features float32 (n, {N_FEATURES}). "
    "Gives label probabilities that sum to one. "
    f"ball.onnx: patch and mask float32 (b, {', '.join(map(str, BALL_VOXELS))}) of "
    f"{' x '.join(f'{s:g}' for s in BALL_STEP_MM)} mm, HU; features float32 "
    f"(b, {N_BALL_FEATURES}). Gives log-odds of metal. Non-contrast axial chest CT, adults."
)
PHANTOM_TERMS = (
    "Apache-2.0. Trained on synthetic phantoms only; no patient data. Research software, "
    "not a medical device."
)
REAL_TERMS = (
    "Weights for research use. Trained on synthetic phantoms, and on simulated calcium placed "
    "into de-identified public chest CTs: COVID-CT-MD (Afshar, Scientific Data 2021) and "
    "MIDRC-RICORD-1A (research use, not commercial). No image of theirs is kept. Who may not use "
    "such weights takes the model `phantom` (Apache-2.0). Research software, not a medical device."
)


def write_manifest(
    folder: Path, name: str, version: str, trained_on: str, seed: int, command: str, terms: str
) -> None:
    """Describe the files in `folder`."""
    files = [
        {
            "name": file,
            "sha256": sha256((folder / file).read_bytes()).hexdigest(),
            "n_bytes": (folder / file).stat().st_size,
        }
        for file in REQUIRED_FILES
    ]
    manifest = {
        "format_version": FORMAT_VERSION,
        "name": name,
        "version": version,
        "summary": "Finds the heart, names what is bright near it, and tells stents from plaque.",
        "files": files,
        "input_contract": INPUT_CONTRACT,
        "coarse_channels": list(COARSE_CHANNELS),
        "labels": [label.name for label in Label],
        "trained_on": trained_on,
        "trained_at": date.today().isoformat(),
        "seed": seed,
        "command": command,
        "terms": terms,
    }
    text = json.dumps(manifest, indent=2) + "\n"
    (folder / MANIFEST_NAME).write_text(text, encoding="utf-8")


def hand_over(made: Path, out: Path) -> None:
    """Put a whole model in the place of another, which stays as it was until all is copied."""
    files = (*REQUIRED_FILES, MANIFEST_NAME)
    for file in files:
        shutil.copy(made / file, out / f".{file}.new")
    for file in files:
        (out / f".{file}.new").replace(out / file)
