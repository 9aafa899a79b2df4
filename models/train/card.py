"""The model's card.

Comes in: a model folder with its manifest, and measures on test phantoms.
Goes out: `card.md` beside the manifest.
Refuses: nothing.
"""

from pathlib import Path

from screening.inference.manifest import MANIFEST_NAME, Manifest

_CARD = """# Model card: {name} {version}

Research software, not a medical device. Trained on synthetic phantoms only; no patient's
images were used. Not evaluated clinically.

**What it does.** `coarse.onnx` finds heart, aorta, airway, hilum and bone, the courses of the
four coronary arteries and the two left-sided valves on 6 mm cells. `candidate.onnx` names each
bright thing (>= 130 HU) within 12 mm of the heart: one of the four arteries, or what it is
otherwise. A thing counts as coronary when its four vessel probabilities sum to 0.5 or more.

**Input.** {input_contract}

**Training.** {trained_on} Seed {seed}, {trained_at}: `{command}`.
Training, tuning and test phantoms come from disjoint ranges of seeds (`models/train/phantoms.py`).

## Measures: *simulated*

{scans} phantom scans with seeds from the test range, routine protocols (1-5 mm slices, 8-35 HU
noise, soft to sharp kernels, motion). "Truth" is the phantom's noise-free, motion-free score;
"perfect labels" scores the same noisy scan with every voxel's true label, and so separates the
model's errors from the scan's.

| measure | value |
|---|---|
{rows}

Written by `python -m models.train.evaluate --card`.

{hospital}

## Real scans
{real}

## Where it fails
- Small lesions without fat around them, and specks on noisy, sharp scans: missed or mistaken.
- Left main and proximal LAD against the aortic root; LCX against the mitral annulus.
- The vessel is read off a coarse heatmap: LM, LAD and LCX are mixed up near their origin.
- What the phantoms do not hold: bypass grafts, congenital hearts, pacemaker leads, prone scans,
  chests after surgery, children.
- Contrast-enhanced scans: the heart is found and the blood measured so that scoring can refuse.

## Terms
{terms}
"""

_REAL = """Looked at by eye on three public, de-identified chest CTs, not part of the
project; no claim of accuracy rests on them.

{0}"""


def write_card(folder: Path, measures: dict[str, float]) -> None:
    """Write the card from the manifest, the measures, and notes kept beside them."""
    manifest = Manifest.model_validate_json((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    real, hospital = (_note(folder / name) for name in ("real.md", "hospital.md"))
    text = _CARD.format(
        **manifest.model_dump(include={"name", "version", "input_contract", "trained_on", "seed"}),
        trained_at=manifest.trained_at,
        command=manifest.command,
        terms=manifest.terms,
        scans=measures["scans"],
        rows="\n".join(f"| {name} | {value} |" for name, value in measures.items()),
        real=_REAL.format(real).strip(),
        hospital=hospital,
    )
    (folder / "card.md").write_text(text, encoding="utf-8")


def _note(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""
