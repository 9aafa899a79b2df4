"""What a slice-wise network of AI-CAC's architecture costs beside the default model.

Run: python tests/benchmarks/bench_slicewise.py [--calls 3]     (needs the extra `import`)
The weights are random: time does not depend on them. On a CPU one slice takes many seconds, so
few are timed; the scan's time is these times the slices that matter, and both are printed.
Seconds are those of the processor, all cores together: what else the machine does counts little.
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch

from models.importers.ai_cac import FEATURE_SIZE, IMAGE_SIZE, build, convert
from screening.inference import build_model, open_model, read_description, time_model
from screening.phantom import trial_scan
from screening.resources import models_folder

INCREMENT_MM = 2.5


def random_model(folder: Path, feature_size: int) -> Path:
    """Import random weights of the architecture; return the model's folder."""
    torch.manual_seed(0)
    state = build(feature_size).state_dict()
    torch.save({"model_state_dict": {f"module.{k}": v for k, v in state.items()}}, folder / "w.pth")
    convert(folder / "w.pth", folder / "n.onnx", feature_size, IMAGE_SIZE)
    description = read_description(models_folder() / "importers" / "ai_cac.json")
    build_model(folder / "n.onnx", description, folder / "model")
    return folder / "model"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=3)
    parser.add_argument("--feature-size", type=int, default=FEATURE_SIZE)
    arguments = parser.parse_args()
    scan, _ = trial_scan(INCREMENT_MM)
    ours = time_model(open_model(), scan, clock=time.process_time)
    with tempfile.TemporaryDirectory() as work:
        model = open_model(str(random_model(Path(work), arguments.feature_size)))
        brought = time_model(model, scan, arguments.calls, time.process_time)
    one = brought.window_seconds
    every = brought.locate_seconds + brought.n_windows * one
    print(f"{len(scan.hu)} slices of 512 x 512, {INCREMENT_MM} mm; {brought.provider}")
    print(f"default model              {ours.seconds:9.2f} s, measured")
    print(f"one slice of SwinUNETR     {one:9.2f} s, mean of {brought.n_measured}")
    print(f"slices that matter         {brought.n_matter:9d} of {brought.n_windows}")
    print(f"scan, those slices         {brought.seconds:9.1f} s, scaled up")
    print(f"scan, every slice          {every:9.1f} s, scaled up")
    print(f"ratio to the default model {brought.seconds / ours.seconds:9.0f}")
    print(f"ratio with every slice     {every / ours.seconds:9.0f}")


if __name__ == "__main__":
    main()
